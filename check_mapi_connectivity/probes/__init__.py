"""One file a method: a probe logs on to one mailbox and fills in its Report."""
