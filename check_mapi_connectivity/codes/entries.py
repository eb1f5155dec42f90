"""All tables of codes in one: for the documents, for the tests, and to name what a failure met.

Imported only where a failure is shown. A link is the page of the code's owner; where no such page
is known, there is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .. import codes
from . import address_book, entra, exchange, graph, http, kerberos, mapi, network, tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from . import Advice

_LEARN = "https://learn.microsoft.com"
_SPECS = f"{_LEARN}/en-us/openspecs/exchange_server_protocols"

#: Microsoft Entra authentication and authorization error codes.
_OAUTH = f"{_LEARN}/entra/identity-platform/reference-error-codes"
_GRAPH = f"{_LEARN}/graph/errors"

#: MS-OXCDATA 2.4 and 2.4.1, MS-OXCMAPIHTTP 2.2.3.3.3, MS-OXDSCLI: ErrorCode.
_ERRORS = f"{_SPECS}/ms-oxcdata/21bc846a-7c15-4b4b-98ec-b57df01bf03e"
_MORE_ERRORS = f"{_SPECS}/ms-oxcdata/c9dc2fb0-73ca-4cc2-bdee-cc6ffb9b70eb"
_RESPONSE_CODE = f"{_SPECS}/ms-oxcmapihttp/88b0b9f3-8a32-4118-b333-d1e5303cd188"
_ERROR_CODE = f"{_SPECS}/ms-oxdscli/713ef4f4-83b2-4375-9d64-60c97ee5b166"


class Entry(NamedTuple):
    """One code: family, code as messages show it, its plain name, kind, cause, remedy, link; name
    and link are empty where there is none.
    """

    family: str
    code: str
    name: str
    kind: str
    cause: str
    remedy: str
    link: str


def _family(
    title: str, rows: Iterable[Advice], link: Callable[[Advice], str] = lambda _: ""
) -> list[Entry]:
    return [
        Entry(
            title,
            row.code,
            row.name or _own_name(row.code),
            row.judged_as or row.kind,
            codes.plain(row.cause),
            codes.plain(row.remedy),
            link(row),
        )
        for row in rows
    ]


def _own_name(code: str) -> str:
    """A code that is a name itself, not one with a number in it that has none."""
    return code if re.fullmatch(r"[A-Za-z]\w+", code) and not code.startswith("AADSTS") else ""


def _of_entra(row: Advice) -> str:
    return f"https://login.microsoftonline.com/error?code={row.code[len('AADSTS') :]}"


def _of_symbol(row: Advice) -> str:
    """The specification's page for a symbol of its own; Exchange's and gromox's names have none."""
    if row.name.startswith("MAPI_E_"):
        return _ERRORS
    return _MORE_ERRORS if row.name.startswith("ec") else ""


def _sorted(table: Mapping[int, Advice]) -> list[Advice]:
    return [table[number] for number in sorted(table)]


def entries() -> list[Entry]:
    """Every row of every table, family by family, in a stable order."""
    first = {row.code for row in mapi.CODES.values()}
    in_status = [row for row in mapi.STATUS_CODES.values() if row.code not in first]
    return [
        *_family("Entra", _sorted(entra.ENTRA), _of_entra),
        *_family("Entra, without a number", entra.OAUTH.values(), lambda _: _OAUTH),
        *_family("Exchange admin interface", exchange.EXCHANGE.values()),
        *_family("Test-MAPIConnectivity", exchange.MAPI.values(), _of_symbol),
        *_family("Microsoft Graph", graph.CODES.values(), lambda _: _GRAPH),
        *_family("MAPI", [*_sorted(mapi.CODES), *in_status], _of_symbol),
        *_family("Address book", _sorted(address_book.ADDRESS_BOOK), _of_symbol),
        *_family("MAPI over HTTP", _sorted(mapi.RESPONSE_CODES), lambda _: _RESPONSE_CODE),
        *_family(
            "Autodiscover",
            _sorted(mapi.AUTODISCOVER_CODES),
            # 404 is no number of the specification's.
            lambda row: "" if row.code.endswith("404") else _ERROR_CODE,
        ),
        *_family("Token refused by Exchange", _sorted(mapi.DIAGNOSTICS)),
        *_family("HTTP status, any service", _sorted(http.SERVICES)),
        *_family("HTTP status, Exchange admin interface", _sorted(http.ADMIN)),
        *_family("HTTP status, Microsoft Graph", _sorted(http.GRAPH)),
        *_family("HTTP status, Autodiscover and MAPI over HTTP", _sorted(http.MAPI)),
        *_family("HTTP status, proxy", _sorted(http.PROXY)),
        *_family("Squid", http.SQUID.values()),
        *_family("Certificate", _sorted(tls.VERIFY)),
        *_family("TLS handshake", tls.HANDSHAKE.values()),
        *_family("Name resolution", network.DNS.values()),
        *_family("Connection", network.SYSTEM.values()),
        *_family("Kerberos", kerberos.KERBEROS.values()),
    ]


#: Code -> its first row; an HTTP status is called the same in every family.
_BY_CODE = {entry.code: entry for entry in reversed(entries())}


def find(code: str) -> tuple[str, str]:
    """Plain name and link of a failure's code, each empty where there is none.

    A number of Entra's without a row has Entra's own page; of `HTTP 401, 2000003` the last part
    that is known counts.

    >>> find("AADSTS50126")
    ('InvalidUserNameOrPassword', 'https://login.microsoftonline.com/error?code=50126')
    """
    for part in [code, *reversed(code.split(", "))]:
        if part in _BY_CODE:
            return _BY_CODE[part].name, _BY_CODE[part].link
        number = re.fullmatch("AADSTS([0-9]{4,9})", part)
        if number:
            return "", f"https://login.microsoftonline.com/error?code={number[1]}"
    return "", ""
