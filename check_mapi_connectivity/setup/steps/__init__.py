"""One file a kind of step: what is there, what is missing, how it is made and removed."""
