"""What a MAPI over HTTP server answers -> Failure.

First the numbers, in the order in which an answer holds them: X-ResponseCode, StatusCode,
ErrorCode, ReturnValue. Then the answers that never got to the MAPI handler. The words of a server
count for more than its numbers where the two disagree: gromox numbers X-ResponseCode in a way of
its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import advice, headers
from .codes import Advice
from .codes.http import MAPI
from .codes.mapi import AUTODISCOVER_CODES, CODES, DIAGNOSTICS, RESPONSE_CODES, STATUS_CODES
from .report import Failure

if TYPE_CHECKING:
    from .answer import Answer

#: Why a report of this method names no database (mapi-http 4.14).
NO_DATABASE = "no MAPI field names the database"

#: Characters of the other side's own text that go into a detail.
_TEXT = 300

_FULL_ACCESS = "grant FullAccess: Add-MailboxPermission -AccessRights FullAccess"

#: Request or ROP, and number, where the number says more than its row does.
_IN_CONTEXT = {
    # gromox answers a legacy DN that it does not know, or that is somebody else's, with these.
    ("Connect", 0x80040115): CODES[0x80040115]._replace(
        cause="unknown legacy DN, or back end out of reach",
        remedy="is the DN still the mailbox's? Else Test-ServiceHealth on the mailbox server",
    ),
    ("Connect", 0x80070005): CODES[0x80070005]._replace(
        cause="this user may not begin a session under this legacy DN",
        remedy="is it the mailbox's own user? Another is named as an e-mail address (--username)",
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
        "a Client Access Rule keeps this check out",
        "see Get-ClientAccessRule; let this host's address or user in",
    ),
    "Culture is not supported": CODES[0x8004011F],
}

#: Headers that tell which server answered, and why it says that it failed.
_TELLING = (
    "X-FailureDescription",
    "X-FailureContext",
    "X-BackEndHttpStatus",
    "X-CalculatedBETarget",
    "X-BEServer",
    "X-FEServer",
    "request-id",
)


def symbol(number: int) -> str:
    """The symbol of a StatusCode, ErrorCode or ReturnValue; empty where it has none."""
    row = CODES.get(number & 0xFFFFFFFF)
    return row.name if row else ""


def response_code(number: int, text: str) -> Failure:
    """X-ResponseCode other than 0; `text` is the body, HTML or not (MS-OXCMAPIHTTP 2.2.3.3.3)."""
    name = f"X-ResponseCode {_short(str(number), 12)}"
    own = _plain(text) or "the server adds no text"
    found = _worded(text)
    row = RESPONSE_CODES.get(number)
    if found:
        return replace(found, code=name)
    if row is None:
        return Failure(
            "protocol", "server refuses the request", "see the server's own text", name, own
        )
    detail = f"{row.name} in the specification, other servers number differently; here: {own}"
    return _failure(row, detail)


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
        row = row._replace(kind="permission", cause=cause, remedy=_FULL_ACCESS)
    elif row is not None and rop != "RopLogon" and number in _DENIED:
        remedy = "see Get-MailboxFolderPermission of the Inbox"
        row = row._replace(kind="permission", cause="access to the Inbox is denied", remedy=remedy)
    return _number(number, row, f"ReturnValue of {rop}")


def _number(number: int, row: Advice | None, field: str) -> Failure:
    digits, field = f"0x{number:X}", _short(field, 60)
    if row is None:
        return Failure(
            "server",
            "server reports an error that has no name here",
            "look for the number in MS-OXCDATA 2.4 and in the server's event log",
            f"unknown code {digits}",
            field,
        )
    return _failure(row, f"{field}: {row.name}, {number}")


def _failure(row: Advice, detail: str) -> Failure:
    return Failure(
        row.kind,
        row.cause,
        row.remedy,
        row.code,
        detail,
        row.judged_as,
        transient=row.transient,
    )


def backoff(milliseconds: int) -> Failure:
    """RopBackoff: the server puts the request off (MS-OXCROPS 2.2.15.2)."""
    wait = min(max(milliseconds, 0), 0xFFFFFFFF) / 1000
    return Failure(
        "throttled",
        f"mailbox server asks to wait {wait:.1f}s",
        "spread the checks and run them less often",
        "RopBackoff 0xF9",
        transient=True,
        retry_after=wait,
    )


def redirected(server_dn: str) -> Failure:
    """RopLogon answers ecWrongServer with the DN of the server to go to (MS-OXCROPS 2.2.3.1)."""
    detail = f"ReturnValue of RopLogon; the mailbox is at: {_plain(server_dn) or 'not told'}"
    return replace(return_value(0x478, "RopLogon"), detail=detail)


def autodiscover_error(number: int, message: str) -> Failure:
    """An Error element of Autodiscover (MS-OXDSCLI)."""
    name, own = f"Autodiscover ErrorCode {_short(str(number), 12)}", _plain(message)
    row = AUTODISCOVER_CODES.get(number)
    if row is None:
        cause = "Autodiscover answers with an error"
        return Failure("server", cause, "see Autodiscover's own text", name, own)
    return _failure(row, own)


def http_status(answer: Answer, *, scheme: str, offered: tuple[str, ...], user: str) -> Failure:
    """An answer of Autodiscover or of the MAPI endpoint with a status other than 200.

    `scheme` is the one signed in with, `offered` are those of WWW-Authenticate, `user` is who.
    """
    status, code = answer.status, f"HTTP {answer.status}"
    found = _worded(answer.text) if status in (200, 456) else None
    if found:
        return replace(found, code=code)
    if status == 200:
        return not_mapi(answer)
    if status in (401, 403) and scheme.lower() == "bearer":
        return _token_refused(answer, offered)
    if status == 401:
        return _user_refused(answer, scheme, offered, user)
    if status in (403, 456):
        row = MAPI[status]
        cause = row.cause.format(host=_host(answer), user=_short(user))
        return Failure(row.kind, cause, row.remedy, code, _told(answer))
    if status == 404 or 300 <= status < 400:
        return _nothing_here(answer)
    if status == 429:
        return replace(advice.throttled(answer, _host(answer)), detail=_told(answer))
    if status >= 500:
        remedy = "see IIS and Test-ServiceHealth there; the gateway, if one is in between"
        return replace(advice.trouble(answer, _host(answer), remedy), detail=_told(answer))
    cause = f"{_host(answer)} does not answer as {_service(answer)} does"
    return Failure("protocol", cause, "a gateway may have answered", code, _told(answer))


def _user_refused(answer: Answer, scheme: str, offered: tuple[str, ...], user: str) -> Failure:
    """A 401 after credentials (mapi-http 8.1, 8.3)."""
    code, name = f"HTTP {answer.status}", _short(scheme, 12)
    schemes = {one.lower() for one in offered}
    detail = _join(_offered(offered), _told(answer))
    if schemes and scheme.lower() not in schemes:
        cause = f"{_host(answer)} does not offer sign-in by {name}"
        return Failure("logon", cause, "choose another --auth of those offered", code, detail)
    remedy = MAPI[401].remedy
    if scheme.lower() in ("ntlm", "negotiate"):
        remedy = "check the password; if it is right, a gateway breaks Extended Protection"
    cause = MAPI[401].cause.format(host=_host(answer), user=_short(user))
    return Failure("logon", f"{cause} ({name})", remedy, code, detail)


def _token_refused(answer: Answer, offered: tuple[str, ...]) -> Failure:
    """A 401 or 403 after a token; x-ms-diagnostics says why (mapi-http 7.1 to 7.3)."""
    text = answer.headers.get("x-ms-diagnostics", "")
    number, reason, category = headers.diagnostics(text)
    code = f"HTTP {answer.status}" + ("" if number is None else f", {number}")
    row = None if number is None else DIAGNOSTICS.get(number)
    cause = f"{_host(answer)} refuses the token"
    remedy = "see the server's own reason"
    if "bearer" not in {one.lower() for one in offered} and offered:
        cause, remedy = (
            f"{_host(answer)} takes no tokens",
            "an Exchange Server? Then --auth, and --tenant none",
        )
    elif "not enough scope" in text:
        cause, remedy = "token has not enough scope for MAPI", DIAGNOSTICS[2000008].remedy
    elif row is not None:
        cause, remedy = row.cause, row.remedy
    detail = _join(
        f"reason: {_plain(reason)}" if reason else "no reason given",
        f"category: {_plain(category)}" if category else "",
        "MAPI over HTTP with the token of one's own app registration is not yet seen to work "
        "on Exchange Online",
        _offered(offered),
        _told(answer),
    )
    return Failure("permission", cause, remedy, code, detail)


def _nothing_here(answer: Answer) -> Failure:
    """A 404, or a redirect, which is not followed: credentials would go along."""
    code, option = f"HTTP {answer.status}", "Get-MapiVirtualDirectory"
    if _service(answer) == "Autodiscover":
        option = "Get-AutodiscoverVirtualDirectory"
    cause = MAPI[404].cause.format(service=_service(answer), host=_host(answer))
    if answer.status == 404:
        return Failure(
            "protocol", cause, f"is that the Exchange host? See {option}", code, _told(answer)
        )
    place = answer.headers.get("Location", "")
    try:
        target = urlsplit(place).hostname or _host(answer)
    except ValueError:
        target = "an address that is none"
    detail = _join(f"redirects to {_short(target, 120)}, not followed", _told(answer))
    remedy = f"it redirects to {_short(target, 40)}: a logon page?"
    return Failure("protocol", cause, remedy, code, detail)


def not_mapi(answer: Answer) -> Failure:
    """HTTP 200 from something else than the MAPI handler: neither its Content-Type nor its
    X-ResponseCode (MS-OXCMAPIHTTP 2.2.3.2.2).
    """
    found = _worded(answer.text)
    if found:
        return replace(found, code=f"HTTP {answer.status}")
    title = re.search(r"(?i)<title[^<>]{0,100}>([^<]{1,300})", answer.text[:8000])
    page = f'a page titled "{_plain(title[1])}"' if title else advice.glimpse(answer)
    return Failure(
        "protocol",
        f"{_host(answer)} answers, but not as {_service(answer)} does",
        "a logon page or a gateway's error page? Look at what answers there",
        f"HTTP {answer.status}",
        _join(page, _told(answer, text=False)),
    )


def wire(error_text: str, what: str) -> Failure:
    """An answer to `what`, a request or a ROP, that cannot be read."""
    return Failure(
        "protocol",
        f"answer to {_short(what, 32)} cannot be read",
        CODES[0x4B6].remedy,
        detail=_plain(error_text),
    )


def _worded(text: str) -> Failure | None:
    """A refusal that is told by words in the body; None when there are none."""
    seen = text[:20000].lower()
    for words, row in _WORDS.items():
        if words.lower() in seen:
            return _failure(row, _plain(text))
    return None


def _told(answer: Answer, *, text: bool = True) -> str:
    """The telling headers of an answer, and the beginning of its body."""
    headers = [
        f"{name}: {_short(_plain(answer.headers[name]), 120)}"
        for name in _TELLING
        if answer.headers.get(name)
    ]
    return _join(*headers, advice.glimpse(answer) if text and answer.body else "")


def _offered(offered: tuple[str, ...]) -> str:
    names = ", ".join(_short(name, 20) for name in offered[:8])
    return f"offered: {names}" if names else "offered: nothing"


def _service(answer: Answer) -> str:
    return "Autodiscover" if "autodiscover" in answer.url.lower() else "MAPI over HTTP"


def _host(answer: Answer) -> str:
    return _short(answer.host, 100)


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _plain(text: str) -> str:
    return _short(advice.plain(text), _TEXT)


def _short(text: str, limit: int = 64) -> str:
    """Text of at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
