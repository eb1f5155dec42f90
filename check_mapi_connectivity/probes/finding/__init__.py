"""Where a mailbox, its archive and its address book are, as Autodiscover says (method mapi)."""
