"""Microsoft Graph's list of an Inbox, sans-IO: the request, and what its answer says.

Whatever comes, the reading ends in a value or in CheckFailure. `read` is for status 200; `status`
puts any other into words, by the code that Graph names (codes.graph), else by the status alone
(reference sheet exchange-online 3.1, 3.3, 3.4).
"""

from __future__ import annotations

import re

from ..base.clock_skew import YEAR_10000, utc
from ..base.failure import CheckFailure
from ..base.reading import untrusted
from ..base.report import Row
from ..base.value import NamedTuple
from . import http_refusals
from .graph_refusals import error_in_200, no_list, permissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..network.answer import Answer

#: More messages than any folder holds.
_MOST_ITEMS = 0x7FFFFFFF

_IDS = ("request-id", "client-request-id", "x-ms-ags-diagnostic")

_DATE = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


class Listed(NamedTuple):
    """An Inbox as Graph lists it: the newest messages, and how many there are; None where Graph
    does not tell.
    """

    rows: list[Row]
    total: int | None


def request(mailbox: str, items: int, token: str, *, subjects: bool) -> tuple[str, dict[str, str]]:
    """Path with query, and headers, of the GET (exchange-online 3.1).

    Messages come newest first unless another order is asked for.
    """
    columns = "id,receivedDateTime,subject" if subjects else "id,receivedDateTime"
    path = f"/v1.0/users/{_quoted(mailbox)}/mailFolders/inbox/messages"
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "return-client-request-id": "true",
    }
    return f"{path}?$top={items}&$select={columns}&$count=true", headers


def _quoted(mailbox: str) -> str:
    """An address as a part of a path."""
    if re.fullmatch("[A-Za-z0-9_.~@-]*", mailbox):
        return mailbox
    from urllib.parse import quote

    return quote(mailbox, safe="@")


def read(answer: Answer) -> Listed:
    """The messages of an answer with status 200; none is a success, too.

    Raises CheckFailure of kind `protocol`, or of the kind of the error that Graph reports.
    """
    document = http_refusals.document(answer, no_list, "list fewer messages: --inbox-items")
    if document.get("error") is not None:
        raise CheckFailure(error_in_200(answer))
    value = document.get("value")
    if not isinstance(value, list):
        raise CheckFailure(no_list(answer, "answers without the message list"))
    rows = [_row(answer, member) for member in value]
    count = document.get("@odata.count")
    if isinstance(count, str) and re.fullmatch("[0-9]{1,18}", count):
        # As OData writes 64-bit numbers for readers whose numbers have fewer bits.
        count = int(count)
    total = None if "@odata.nextLink" in document else len(rows)
    if isinstance(count, int) and not isinstance(count, bool) and len(rows) <= count <= _MOST_ITEMS:
        total = count
    return Listed(rows, total)


def read_date(value: object) -> float | None:
    """Seconds since 1970 of a date as Graph writes it (ISO 8601); None for what is none, and for
    .NET's year 1, which means the same.

    >>> read_date("2026-11-22T08:00:00Z"), read_date("0001-01-01T00:00:00Z"), read_date("soon")
    (1795334400.0, None, None)
    """
    match = re.fullmatch(_DATE, value) if isinstance(value, str) else None
    if match is None:
        return None
    *moment, fraction, sign, hours, minutes = match.groups()
    ahead = int(hours or 0) * 3600 + int(minutes or 0) * 60
    try:
        there = utc(*map(int, moment))
    except ValueError:
        return None
    seconds = there + ahead if sign == "-" else there - ahead
    return seconds + float(fraction or 0) if 0 <= seconds < YEAR_10000 else None


def ids(answer: Answer) -> dict[str, str]:
    """What Microsoft support asks for, from the headers, else from the error document
    (exchange-online 3.3, 3.4).
    """
    # A list of messages, which is long, is not read twice.
    listed = answer.status == 200 and b'"error"' not in answer.body
    error = {} if listed else http_refusals.error_document(answer)
    found = error.get("innerError", error.get("innererror"))
    inner = found if isinstance(found, dict) else {}
    texts = {name: answer.headers.get(name) or inner.get(name) for name in _IDS}
    texts["date"] = inner.get("date")
    return {name: text[:500] for name, text in texts.items() if isinstance(text, str) and text}


def front_end(answer: Answer) -> str | None:
    """Which of Graph's own front ends answered: `AM2PEPF0001ABCD, West Europe, ring 5`; None where
    it does not say so in a way that can be read.
    """
    header = answer.headers.get("x-ms-ags-diagnostic", "")
    document = untrusted.document(header, 4000)
    found = document.get("ServerInfo") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        return None
    server = _word(found.get("RoleInstance")) or _word(found.get("Host"))
    ring = _word(found.get("Ring"))
    parts = (server, _word(found.get("DataCenter")), f"ring {ring}" if ring else "")
    return ", ".join(part for part in parts if part) or None


def granted(claims: Mapping[str, Any]) -> str | None:
    """Whence the right to read mail comes, as far as the token says; None where it says nothing.

    >>> granted({"roles": ["Mail.ReadBasic.All"]})
    'Mail.ReadBasic.All of Entra: every mailbox, unless an access policy limits it'
    """
    if not claims:
        return None
    names = " ".join(name for name in permissions(claims) if name.startswith("Mail.Read"))
    if "scp" in claims:
        return f"{names or 'no Mail.Read'} of Entra, for the signed-in user"
    if names:
        return f"{names} of Entra: every mailbox, unless an access policy limits it"
    return "none of Entra: Exchange decides by its own roles (RBAC for Applications)"


def _word(value: object) -> str:
    """A short text or number of a header; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return "".join(filter(str.isprintable, str(value))).strip()[:60]


def _row(answer: Answer, member: object) -> Row:
    """One message. Raises CheckFailure for what is none."""
    identifier = member.get("id") if isinstance(member, dict) else None
    if not isinstance(member, dict) or not isinstance(identifier, str) or not identifier:
        raise CheckFailure(no_list(answer, "answers with a malformed message list"))
    subject = member.get("subject")
    return Row(
        identifier,
        read_date(member.get("receivedDateTime")),
        None,
        subject if isinstance(subject, str) else None,
    )
