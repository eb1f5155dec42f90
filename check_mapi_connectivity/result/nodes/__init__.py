"""The words for one mailbox that was tested at several addresses: the nodes behind a name."""
