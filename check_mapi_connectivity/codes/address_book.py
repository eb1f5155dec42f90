"""Numbers by which an address book refuses a request -> symbol, plain cause and remedy.

Source: MS-OXNSPI 2.2.1.2 and MS-OXCDATA 2.4, and reference sheet nspi 6, which says where each was
met. Symbols are those of `codes.mapi`.
"""

from __future__ import annotations

from . import numbered

#: Code of ErrorCode in an answer of the address book -> its row.
ADDRESS_BOOK = numbered(
    """
[address-book] look at the domain controllers that Exchange uses, and at its event log
0x80004005 MAPI_E_CALL_FAILED: address book fails, and does not say why

[address-book] look at the load of the server, or restart its address-book service
0x8004010E ecInsufficientResrc: address book has not enough resources
0x8007000E MAPI_E_NOT_ENOUGH_MEMORY: address book has not enough memory

[address-book] may be too many sessions of this user: end some, or restart the service
0x80040111 MAPI_E_LOGON_FAILED: address book opens no session for this user

[address-book] see AddressBookPolicy of Get-Mailbox, and who may open the global address list
0x80070005 MAPI_E_NO_ACCESS: user may not read the address book
0x80040405 MAPI_E_INVALID_BOOKMARK: global address list cannot be opened

[address-book] report it with --record: other servers take what this check asks for
0x80040102 MAPI_E_NO_SUPPORT: address book does not support the request
0x80040108 ecInvalidObject
0x80040117 MAPI_E_TOO_COMPLEX: request is too complex for the address book
0x8004011E MAPI_E_UNKNOWN_CPID: address book does not know code page 1252
0x8004011F MAPI_E_UNKNOWN_LCID: address book does not know the locale
0x80040403 MAPI_E_TABLE_TOO_BIG: address book finds the columns too many
0x80070057 ecInvalidParam: address book takes the request for wrong
""",
    "{name} {code}",
)
