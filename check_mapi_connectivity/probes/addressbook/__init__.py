"""Asks the address book for the user of a mailbox (method mapi)."""
