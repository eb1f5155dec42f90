"""What a MAPI over HTTP server answers -> Failure.

First the numbers, in the order in which an answer holds them: X-ResponseCode, StatusCode,
ErrorCode, ReturnValue. Answers that never got to the MAPI handler are told by mapi_http_refusals.
The words of a server count for more than its numbers where the two disagree: gromox numbers
X-ResponseCode in a way of its own.
"""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..codes import Advice
from ..codes.mapi import CODES, RESPONSE_CODES, STATUS_CODES
from . import http_refusals

#: Why a report of this method names no database (mapi-http 4.14).
NO_DATABASE = "no MAPI field names the database"

#: Characters of the other side's own text that go into a detail.
_TEXT = 300

FULL_ACCESS = "grant FullAccess; run Add-MailboxPermission -AccessRights FullAccess"

#: Request or ROP, and number, where the number says more than its row does.
_IN_CONTEXT = {
    # gromox answers a legacy DN that it does not know, or that is somebody else's, with these.
    ("Connect", 0x80040115): CODES[0x80040115]._replace(
        cause="unknown legacy DN, or back end out of reach",
        remedy="run Get-Mailbox; compare the DN; else run Test-ServiceHealth on that server",
    ),
    # gromox: also for a user with a hundred sessions, and for a code page that it does not know.
    ("Connect", 0x80040111): CODES[0x80040111]._replace(
        cause="server opens no session for this user",
        remedy="end some sessions of this user; or restart the MAPI service",
    ),
    ("Connect", 0x80070005): CODES[0x80070005]._replace(
        cause="this user may not begin a session under this legacy DN",
        remedy="check --username; another user is named as an e-mail address",
    ),
    ("RopOpenFolder", 0x8004010F): CODES[0x8004010F]._replace(
        cause="Inbox is not found in the mailbox"
    ),
}

#: Numbers by which a ROP after the logon is denied, and with which a folder is hidden.
_DENIED = frozenset({0x80070005, 0x501})
_HIDDEN = _DENIED | {0x8004010F}

#: Words in a body -> what they mean, whatever number comes with them (mapi-http 2.8, at its end).
_WORDS = {
    "ProtocolDisabled": CODES[0x7D8],
    "Connection blocked by Client Access Rules": Advice(
        "permission",
        "a Client Access Rule forbids this check",
        "run Get-ClientAccessRule; allow the address or user of this check",
    ),
    "Culture is not supported": CODES[0x8004011F],
}

#: What a server's own words beside X-ResponseCode say -> the specification's number for it
#: (MS-OXCMAPIHTTP 2.2.3.3.3; Gromox numbers otherwise: reference sheet mapi-http, corrections).
_MEANT = (
    (r"(missing|no|without|lacks)\b.*\bcookie", 13),
    (r"(session|context)\b.*\b(not found|expired|unknown|lost|gone)", 10),
    (r"\bcookie", 6),
    (r"(missing|no|without|lacks)\b.*\bheader", 7),
    (r"\bprivilege", 11),
    (r"\b(verb|http method)", 2),
    (r"\bsequence", 15),
    (r"\brequest type", 5),
    (r"\b(request|invalid) body", 12),
)


def symbol(number: int) -> str:
    """The symbol of a StatusCode, ErrorCode or ReturnValue; empty where it has none."""
    row = CODES.get(number & 0xFFFFFFFF)
    return row.name if row else ""


def response_code(number: int, text: str, host: str, *, exchange: bool = False) -> Failure:
    """X-ResponseCode other than 0 of a host; `text` is the body, HTML or not (MS-OXCMAPIHTTP
    2.2.3.3.3).

    Only Exchange numbers as the specification does: elsewhere the server's own words decide, and
    the number stands beside them.
    """
    name = f"X-ResponseCode {short(str(number), 12)}"
    own = plain(re.sub(r"(?is)<h1\b.*?</h1>", " ", text[:8000]))
    found = worded(text)
    if found:
        return found._replace(code=name)
    row = RESPONSE_CODES.get(number)
    meant = row if exchange or not own else _meant(own)
    if meant is not None:
        where = "here" if meant is row else f"that is how {name} is meant here"
        official = row.name if row else "no name"
        detail = f"{official} in the specification; {where}: {own or 'the server adds no text'}"
        code = row.code if meant is row and row else name
        return Failure.of(meant, code, detail, host=short(host))
    cause = f"{short(host)} refuses the request{f': {short(own)}' if own else ''}"
    official = f"{row.name} in the specification, which this server may not follow; " if row else ""
    return Failure(
        "protocol",
        cause,
        http_refusals.OWN_TEXT,
        name,
        f"{official}here: {own or 'no text'}",
    )


def _meant(own: str) -> Advice | None:
    """The row of X-ResponseCode that a server's own words name; None for words that name none."""
    numbers = (number for pattern, number in _MEANT if re.search(pattern, own.lower()))
    return next((RESPONSE_CODES[number] for number in numbers), None)


def status_code(number: int) -> Failure:
    """StatusCode other than 0: the request as such has failed."""
    number &= 0xFFFFFFFF
    return _number(number, STATUS_CODES.get(number) or CODES.get(number), "StatusCode")


def error_code(number: int, request: str) -> Failure:
    """ErrorCode other than 0 of `request`, which is `Connect` or `Execute`."""
    number &= 0xFFFFFFFF
    row = _IN_CONTEXT.get((request, number)) or CODES.get(number)
    return _number(number, row, f"ErrorCode of {request}")


def return_value(number: int, rop: str, *, owner: bool = True) -> Failure:
    """ReturnValue other than 0 of a ROP such as `RopLogon`.

    `owner` is the OwnerRight of the logon: without it Exchange lets a foreign user log on, and
    refuses the folder only (MS-OXCSTOR note 31).
    """
    number &= 0xFFFFFFFF
    row = _IN_CONTEXT.get((rop, number)) or CODES.get(number)
    if row is not None and rop == "RopOpenFolder" and number in _HIDDEN and not owner:
        cause = "signed-in user may not open the Inbox"
        row = row._replace(kind="permission", cause=cause, remedy=FULL_ACCESS)
    elif row is not None and rop != "RopLogon" and number in _DENIED:
        remedy = "run Get-MailboxFolderPermission; the user must be able to read the Inbox"
        row = row._replace(kind="permission", cause="access to the Inbox is denied", remedy=remedy)
    return _number(number, row, f"ReturnValue of {rop}")


def _number(number: int, row: Advice | None, field: str) -> Failure:
    digits, field = f"0x{number:X}", short(field, 60)
    if row is None:
        return Failure(
            "server",
            "server reports an error",
            "see MS-OXCDATA 2.4; and the server's event log at that time",
            f"unknown code {digits}",
            field,
        )
    return Failure.of(row, detail=f"{field}: {row.name}, {number}")


def backoff(milliseconds: int) -> Failure:
    """RopBackoff: the server puts the request off (MS-OXCROPS 2.2.15.2)."""
    wait = min(max(milliseconds, 0), 0xFFFFFFFF) / 1000
    return Failure(
        "throttled",
        f"mailbox server asks to wait {wait:.1f}s",
        "run the checks less often; spread them over time",
        "RopBackoff 0xF9",
        transient=True,
        retry_after=wait,
    )


def redirected(server_dn: str) -> Failure:
    """RopLogon answers ecWrongServer with the DN of the server to go to (MS-OXCROPS 2.2.3.1)."""
    detail = f"ReturnValue of RopLogon; the mailbox is at: {plain(server_dn) or 'not told'}"
    return return_value(0x478, "RopLogon")._replace(detail=detail)


def no_rows(count: int) -> Failure:
    """A readable answer to RopQueryRows without rows, of a table that counts `count` messages."""
    return Failure(
        "protocol",
        f"Inbox counts {count} messages, but the server lists none of them",
        "run the check again; if it lasts, run with --record and report it",
        detail=f"RopGetContentsTable counts {count}, RopQueryRows gives no row",
    )


def wire(error_text: str, what: str) -> Failure:
    """An answer to `what`, a request or a ROP, that cannot be read."""
    return Failure(
        "protocol",
        f"server's answer to {short(what, 32)} is malformed",
        http_refusals.REPORT,
        detail=plain(error_text),
    )


def worded(text: str) -> Failure | None:
    """A refusal that is told by words in the body; None when there are none."""
    seen = text[:20000].lower()
    for words, row in _WORDS.items():
        if words.lower() in seen:
            return Failure.of(row, detail=plain(text))
    return None


def plain(text: str) -> str:
    """A text of the other side without markup, cut to what a diagnosis takes."""
    return short(http_refusals.plain(text), _TEXT)


def short(text: str, limit: int = 64) -> str:
    """Text of at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
