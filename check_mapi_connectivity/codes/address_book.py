"""Numbers by which an address book refuses a request -> symbol, plain cause and remedy.

Source: MS-OXNSPI 2.2.1.2 and MS-OXCDATA 2.4, and reference sheet nspi 6, which says where each was
met. Symbols are those of `codes.mapi`.
"""

from __future__ import annotations

from . import numbered

#: Code of ErrorCode in an answer of the address book -> its row.
ADDRESS_BOOK = numbered(
    """
[address-book] check the domain controllers; see the event log of the Exchange server
0x80004005 MAPI_E_CALL_FAILED: address book fails, no reason given

[address-book] check the load of the server; else restart its address book service
0x8004010E ecInsufficientResrc: address book has not enough resources
0x8007000E MAPI_E_NOT_ENOUGH_MEMORY: address book has not enough memory

[address-book] end some sessions of this user; else restart the address book service
0x80040111 MAPI_E_LOGON_FAILED: address book opens no session for this user

[address-book] run Get-Mailbox; see AddressBookPolicy, and who may open the address list
0x80070005 MAPI_E_NO_ACCESS: user may not read the address book
0x80040405 MAPI_E_INVALID_BOOKMARK: global address list cannot be opened

[address-book] run with --record, then report it; other servers accept this request
0x80040102 MAPI_E_NO_SUPPORT: address book does not support the request
0x80040108 ecInvalidObject
0x80040117 MAPI_E_TOO_COMPLEX: request is too complex for the address book
0x8004011E MAPI_E_UNKNOWN_CPID: address book does not know code page 1252
0x8004011F MAPI_E_UNKNOWN_LCID: address book does not know the locale
0x80040403 MAPI_E_TABLE_TOO_BIG: address book refuses so many columns
0x80070057 ecInvalidParam: address book finds a parameter invalid
""",
    "{name} {code}",
)
