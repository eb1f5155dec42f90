"""check_mapi_connectivity: can users reach their Exchange mailboxes, and how long does it take?"""

__version__ = "0.1.0"
