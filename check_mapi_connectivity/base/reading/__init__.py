"""Files and formats from strangers, read to a limit: files that options name, PEM, JSON, tokens."""
