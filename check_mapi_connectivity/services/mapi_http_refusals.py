"""What a MAPI or Autodiscover server means by an HTTP status, or by what is no MAPI at all."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..base.failure import Failure
from ..base.vocabulary import IIS, NEGOTIATE
from ..codes.http import MAPI
from ..codes.mapi import DIAGNOSTICS
from ..codes.tls import HANDSHAKE
from ..network import headers
from . import http_refusals
from .mapi_refusals import plain, short, worded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..network.answer import Answer

#: What to do about a page that is shown before the service is reached. No remedy names a host that
#: the other side chose: it would get the password.
LOGON_PAGE = "check the reverse proxy; /autodiscover/ and /mapi/ must pass without a logon page"
#: The last status of IANA's registry: a network on the way wants a logon.
_LAST_STATUS = 511
_GATEWAY = "check the reverse proxy, then IIS; application pool and event log of that server"

#: Characters of a user's name in a cause.
_LONGEST = 40

#: Stands for the user where a ticket or keytab logs on.
TICKET = "of the ticket"

#: Words of nginx and of IIS (403.7), which let TLS succeed without the certificate that they want.
_NO_CERTIFICATE = r"(?i)no required SSL certificate was sent|\b403\.7\b|client certificate required"

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


def named(user: str, mailbox: str) -> str:
    """Who signs in, in few words: of an address what the mailbox's own does not say already.

    >>> named("probe@a.example", "Probe@a.example"), named("mon@a.example", "probe@a.example")
    ("the check's user", 'user mon')
    """
    name, at, domain = user.rpartition("@")
    if user == TICKET or user.lower() == mailbox.lower():
        return TICKET if user == TICKET else "the check's user"
    if at and mailbox.lower().endswith(f"@{domain.lower()}"):
        user = name
    return f"user {short(user, _LONGEST)}"


def http_status(answer: Answer, *, scheme: str, offered: tuple[str, ...], user: str) -> Failure:
    """An answer of Autodiscover or of the MAPI endpoint with a status other than 200.

    `scheme` is the one signed in with, `offered` are those of WWW-Authenticate, `user` is who, in
    words: `the check's user`, `user NAME`, or TICKET.
    """
    status, code, host = answer.status, f"HTTP {answer.status}", short(answer.host, 100)
    service = _service(answer)
    found = worded(answer.text) if status in (200, 456) else None
    if found:
        return found._replace(code=code)
    if status == 200:
        return not_mapi(answer)
    if status in (401, 403) and scheme.lower() == "bearer":
        return _token_refused(answer, offered)
    if status == 401:
        return _user_refused(answer, scheme, offered, user)
    if status in (400, 403) and re.search(_NO_CERTIFICATE, answer.text[:8000]):
        row = HANDSHAKE["TLSV13_ALERT_CERTIFICATE_REQUIRED"]
        return Failure.of(row, code, _told(answer), host=host)
    if status in (403, 456):
        who = "the user of the ticket" if user == TICKET else user
        return Failure.of(MAPI[status], code, _told(answer), host=host, user=who)
    if status == 404 or 300 <= status < 400:
        return _nothing_here(answer)
    if status == 429:
        return http_refusals.throttled(answer, host)._replace(detail=_told(answer))
    if status == 503 and answer.reason.startswith("L-202"):
        # Gromox, when all its connections are taken (reference sheet mapi-http, corrections).
        cause = f"{host} has no free connection"
        remedy = "end some connections; or raise the server's limit"
        return Failure("server", cause, remedy, f"{code} L-202", _told(answer), transient=True)
    if status >= 500:
        # A gateway's error is its own, not Autodiscover's: also each beyond the registered ones,
        # of which Cloudflare has nine.
        gateway = status in (502, 504) or status > _LAST_STATUS
        remedy = _GATEWAY if gateway else IIS
        own = service == "Autodiscover" and not gateway and status != _LAST_STATUS
        where = f"{service} at {host}" if own else host
        return http_refusals.trouble(answer, where, remedy)._replace(detail=_told(answer))
    cause = f"{host} answers, but not as {service}"
    return Failure("protocol", cause, LOGON_PAGE, code, _told(answer))


def _user_refused(answer: Answer, scheme: str, offered: tuple[str, ...], user: str) -> Failure:
    """A 401 after credentials (mapi-http 8.1, 8.3)."""
    code, name = f"HTTP {answer.status}", short(scheme, 12)
    schemes = {one.lower() for one in offered}
    detail = _join(_offered(offered), _told(answer))
    if schemes and scheme.lower() not in schemes:
        cause = f"{short(answer.host, 100)} does not offer logon by {name}"
        return Failure("logon", cause, "use another --auth; -v shows those offered", code, detail)
    remedy = MAPI[401].remedy
    if scheme.lower() in ("ntlm", "negotiate"):
        also = " and clocks" if scheme.lower() == "negotiate" else ""
        remedy = f"check the password{also}; else Extended Protection behind a reverse proxy"
    if user == TICKET:
        # No password was judged.
        cause = f"{short(answer.host, 100)} refuses the ticket ({name})"
        remedy = (
            "compare the clocks; then run setspn -Q for that host, and check Extended Protection"
        )
        return Failure("logon", cause, remedy, code, detail)
    cause = MAPI[401].cause.format(host=short(answer.host, 100), user=user)
    return Failure("logon", f"{cause} ({name})", remedy, code, detail)


def let_in_elsewhere(
    failure: Failure, answer: Answer, *, scheme: str, offered: tuple[str, ...], user: str
) -> Failure:
    """A 401 of a node to a user whom another node has let in: it is no wrong password."""
    name, remedy = short(scheme, 12), "compare Get-MapiVirtualDirectory of the two"
    if offered and scheme not in offered:
        return failure._replace(remedy=remedy)
    remedy = f"{remedy}; run Test-ComputerSecureChannel there"
    if scheme == NEGOTIATE:
        remedy = "run Get-ClientAccessService -IncludeAlternateServiceAccountCredentialStatus"
    if user == TICKET:
        return failure._replace(remedy=remedy)
    cause = f"{short(answer.host, 100)} refuses a user whom another node lets in ({name})"
    return failure._replace(cause=cause, remedy=remedy)


def not_gone_on(answer: Answer, scheme: str, offered: list[str]) -> Failure:
    """The first message of a logon is refused, which proves nothing."""
    return Failure(
        "protocol",
        f"{answer.host} does not go on with the {scheme} logon; no password was sent",
        "use another --auth; a reverse proxy may take part in this logon",
        f"HTTP {answer.status}",
        f"offered: {', '.join(offered) or 'nothing'}",
    )


def interrupted(host: str, scheme: str) -> Failure:
    """A logon that loses the connection that it began on."""
    return Failure(
        "protocol",
        f"{host} closes the connection in the middle of the {scheme} logon",
        f"check reverse proxy and load balancer; {scheme} needs one kept connection",
    )


def _token_refused(answer: Answer, offered: tuple[str, ...]) -> Failure:
    """A 401 or 403 after a token; x-ms-diagnostics says why (mapi-http 7.1 to 7.3)."""
    text = answer.headers.get("x-ms-diagnostics", "")
    number, reason, category = headers.diagnostics(text)
    code = f"HTTP {answer.status}" + ("" if number is None else f", {number}")
    row = None if number is None else DIAGNOSTICS.get(number)
    cause = f"{short(answer.host, 100)} refuses the token"
    remedy = http_refusals.OWN_TEXT
    if "bearer" not in {one.lower() for one in offered} and offered:
        cause, remedy = (
            f"{short(answer.host, 100)} accepts no tokens",
            "use --tenant none and --auth; Exchange Server wants a password or a ticket",
        )
    elif "not enough scope" in text:
        cause, remedy = "token has not enough scope for MAPI", DIAGNOSTICS[2000008].remedy
    elif row is not None:
        cause, remedy = row.cause, row.remedy
    detail = _join(
        f"reason: {plain(reason)}" if reason else "no reason given",
        f"category: {plain(category)}" if category else "",
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
    service, host = _service(answer), short(answer.host, 100)
    if answer.status == 404:
        cause = MAPI[404].cause.format(service=service, host=host)
        remedy = f"check the host name; {option} shows its addresses"
        return Failure("protocol", cause, remedy, code, _told(answer))
    place = answer.headers.get("Location", "")
    try:
        target = urlsplit(place).hostname or short(answer.host, 100)
    except ValueError:
        target = "an address that is none"
    detail = _join(f"redirects to {short(target, 120)}, not followed", _told(answer))
    return Failure("protocol", f"{host} redirects {service}", LOGON_PAGE, code, detail)


def not_mapi(answer: Answer) -> Failure:
    """HTTP 200 from something else than the MAPI handler: neither its Content-Type nor its
    X-ResponseCode (MS-OXCMAPIHTTP 2.2.3.2.2).
    """
    found = worded(answer.text)
    if found:
        return found._replace(code=f"HTTP {answer.status}")
    if answer.headers.get("Content-Type", "").lower().startswith("application/mapi-http"):
        return Failure(
            "protocol",
            f"{short(answer.host, 100)} answers without a usable X-ResponseCode",
            "check the reverse proxy; it may change headers of the answer",
            f"HTTP {answer.status}",
            _told(answer, text=False),
        )
    title = re.search(r"(?i)<title[^<>]{0,100}>([^<]{1,300})", answer.text[:8000])
    page = f'a page titled "{plain(title[1])}"' if title else http_refusals.glimpse(answer)
    return Failure(
        "protocol",
        f"{short(answer.host, 100)} answers, but not as {_service(answer)}",
        LOGON_PAGE,
        f"HTTP {answer.status}",
        _join(page, _told(answer, text=False)),
    )


def _told(answer: Answer, *, text: bool = True) -> str:
    """The telling headers of an answer, and the beginning of its body."""
    headers = [
        f"{name}: {short(plain(answer.headers[name]), 120)}"
        for name in _TELLING
        if answer.headers.get(name)
    ]
    return _join(*headers, http_refusals.glimpse(answer) if text and answer.body else "")


def _offered(offered: tuple[str, ...]) -> str:
    names = ", ".join(short(name, 20) for name in offered[:8])
    return f"offered: {names}" if names else "offered: nothing"


def _service(answer: Answer) -> str:
    """What was asked: the mailbox's own addresses are those of MS-OXCMAPIHTTP 2.2.1."""
    try:
        path = urlsplit(answer.url).path.lower()
    except ValueError:
        path = ""
    return "MAPI over HTTP" if path.startswith("/mapi/") else "Autodiscover"


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
