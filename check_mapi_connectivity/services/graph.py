"""Microsoft Graph's list of an Inbox, sans-IO: the request, and what its answer says.

Whatever comes, the reading ends in a value or in CheckFailure. `read` is for status 200; `status`
puts any other into words, by the code that Graph names (codes.graph), else by the status alone
(reference sheet exchange-online 3.1, 3.3, 3.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..base import untrusted
from ..base.report import CheckFailure, Failure, Row
from ..codes import Advice, graph
from ..codes.http import GRAPH
from ..network import headers
from ..network.answer import too_large
from . import http_refusals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..network.answer import Answer

#: More messages than any folder holds.
_MOST_ITEMS = 0x7FFFFFFF

#: What a 401 or 403 may always say: the token and the message tell more.
_VAGUE = [
    graph.CODES[name]
    for name in (
        *("InvalidAuthenticationToken", "unauthenticated", "Unauthorized"),
        *("ErrorAccessDenied", "accessDenied", "Forbidden"),
        *("UnknownError", "generalException"),
    )
]

_IDS = ("request-id", "client-request-id", "x-ms-ags-diagnostic")

_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


@dataclass(frozen=True)
class Listed:
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
    path = f"/v1.0/users/{quote(mailbox, safe='@')}/mailFolders/inbox/messages"
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "return-client-request-id": "true",
    }
    return f"{path}?$top={items}&$select={columns}&$count=true", headers


def read(answer: Answer) -> Listed:
    """The messages of an answer with status 200; none is a success, too.

    Raises CheckFailure of kind `protocol`, or of the kind of the error that Graph reports.
    """
    document = _document(answer)
    if document.get("error") is not None:
        raise CheckFailure(_error_in_200(answer))
    value = document.get("value")
    if not isinstance(value, list):
        raise CheckFailure(_no_list(answer, "the answer holds no list of messages"))
    rows = [_row(answer, member) for member in value]
    count = document.get("@odata.count")
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
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    moment, fraction, sign, hours, minutes = match.groups()
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        there = datetime.fromisoformat(f"{moment}+00:00")
        here = there + ahead if sign == "-" else there - ahead
    except (ValueError, OverflowError):
        return None
    seconds = (here - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()
    return seconds + float(fraction or 0) if seconds >= 0 else None


def status(answer: Answer, claims: Mapping[str, Any]) -> Failure:
    """What an answer with a status other than 200 means (exchange-online 3.3); `claims` are those
    of the token that was sent.
    """
    code = _code(answer)
    row = graph.explain(code, http_refusals.message(answer), guest=_guest(answer))
    if 300 <= answer.status < 400:
        return http_refusals.redirected(answer, "--graph-url")
    if row is not None and row.judged_as:
        return _by_row(answer, code, row)
    if answer.status == 429 or (
        answer.status == 503 and http_refusals.retry_after(answer) is not None
    ):
        return _throttled(answer, code, row)
    about_token = row is None or row.kind == "permission" or row in _VAGUE
    if answer.status in (401, 403) and about_token:
        return _refused(answer, code, row, claims)
    if row is not None:
        return _by_row(answer, code, row)
    if answer.status >= 500 or answer.status == 408:
        failure = http_refusals.trouble(answer, "Graph")
        return replace(failure, code=code or failure.code)
    return _unknown(answer, code)


def ids(answer: Answer) -> dict[str, str]:
    """What Microsoft support asks for, from the headers, else from the error document
    (exchange-online 3.3, 3.4).
    """
    error = http_refusals.error_document(answer)
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


def throttling(answer: Answer) -> str | None:
    """How near Graph's limits this app is, where Graph says so (exchange-online 3.4)."""
    names = ("scope", "limit-percentage", "information")
    found = [(name, answer.headers.get(f"x-ms-throttle-{name}", "")[:200]) for name in names]
    return ", ".join(f"{name} {text}" for name, text in found if text) or None


def granted(claims: Mapping[str, Any]) -> str | None:
    """Whence the right to read mail comes, as far as the token says; None where it says nothing.

    >>> granted({"roles": ["Mail.ReadBasic.All"]})
    'Mail.ReadBasic.All of Entra: every mailbox, unless an access policy limits it'
    """
    if not claims:
        return None
    names = " ".join(name for name in _permissions(claims) if name.startswith("Mail.Read"))
    if "scp" in claims:
        return f"{names or 'no Mail.Read'} of Entra, for the signed-in user"
    if names:
        return f"{names} of Entra: every mailbox, unless an access policy limits it"
    return "none of Entra: Exchange decides by its own roles (RBAC for Applications)"


def _word(value: object) -> str:
    """A short text or number of a header; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return "".join(c for c in str(value) if c.isprintable()).strip()[:60]


def _guest(answer: Answer) -> bool:
    """Whether the request named a guest: a user principal name with #EXT# in it."""
    return "%23ext%23" in answer.url.lower()


def _code(answer: Answer) -> str:
    """Graph's own code of an error document; empty for none."""
    code = http_refusals.error_document(answer).get("code")
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z][\w.-]{1,79}", code) else ""


def _document(answer: Answer) -> dict[str, Any]:
    if not answer.decoded:
        failure = _no_list(answer, "the answer's body is not what its encoding says")
        raise CheckFailure(replace(failure, transient=True))
    large = too_large(answer)
    if large is not None:
        raise CheckFailure(replace(large, remedy="list fewer messages: --inbox-items"))
    document = answer.json()
    if document is None:
        raise CheckFailure(_no_list(answer, f"{answer.host} answers with what is no JSON"))
    if not isinstance(document, dict):
        raise CheckFailure(_no_list(answer, "the answer is no JSON object"))
    return document


def _row(answer: Answer, member: object) -> Row:
    """One message. Raises CheckFailure for what is none."""
    identifier = member.get("id") if isinstance(member, dict) else None
    if not isinstance(member, dict) or not isinstance(identifier, str) or not identifier:
        raise CheckFailure(_no_list(answer, "the answer lists what is no message"))
    subject = member.get("subject")
    return Row(
        identifier,
        read_date(member.get("receivedDateTime")),
        None,
        subject if isinstance(subject, str) else None,
    )


def _error_in_200(answer: Answer) -> Failure:
    code = _code(answer)
    row = graph.explain(code, http_refusals.message(answer), guest=_guest(answer))
    if row is not None:
        return _by_row(answer, code, row)
    cause = "Graph reports an error in an answer that says 200"
    failure = http_refusals.unknown_error(
        "Graph", code or "HTTP 200", http_refusals.message(answer)
    )
    return replace(failure, cause=cause)


def _no_list(answer: Answer, cause: str) -> Failure:
    """An answer without messages."""
    remedy = "a gateway may have answered; else report it with --record"
    return Failure(
        "protocol", cause, remedy, f"HTTP {answer.status}", http_refusals.glimpse(answer)
    )


def _by_row(answer: Answer, code: str, row: Advice) -> Failure:
    if row.kind == "throttled":
        return _throttled(answer, code, row)
    return Failure(
        row.kind,
        row.cause,
        row.remedy,
        code,
        http_refusals.message(answer),
        row.judged_as,
        transient=row.transient or (row.kind == "server" and answer.status in (503, 504)),
        retry_after=http_refusals.retry_after(answer),
        status=answer.status,
    )


def _throttled(answer: Answer, code: str, row: Advice | None) -> Failure:
    failure = replace(
        http_refusals.throttled(answer, "Graph"), code=code or f"HTTP {answer.status}"
    )
    if row is None or row.kind != "throttled":
        return failure
    wait = http_refusals.retry_after(answer)
    hint = f" and asks to wait {wait:.0f}s" if wait is not None else ""
    return replace(failure, cause=row.cause + hint, remedy=row.remedy)


def _refused(answer: Answer, code: str, row: Advice | None, claims: Mapping[str, Any]) -> Failure:
    """A 401 or 403 that is about the token or its permissions."""
    if answer.text.lstrip().startswith("<"):
        return Failure(
            "permission",
            f"{answer.host} refuses the request with a web page",
            "a gateway or proxy has answered in Graph's place: allow it there",
            f"HTTP {answer.status}",
            http_refusals.message(answer),
        )
    detail = http_refusals.message(answer)
    found = row if row is not None and row not in _VAGUE else _told(answer, claims)
    if found is None and row is None and code:
        return http_refusals.unknown_error("Graph", code, detail)
    if found is None and answer.status == 401:
        found = graph.CODES["InvalidAuthenticationToken"]
    found = found or _denied(claims)
    if _revoked(answer):
        detail += " (WWW-Authenticate: insufficient_claims)"
    return Failure("permission", found.cause, found.remedy, code or f"HTTP {answer.status}", detail)


def _revoked(answer: Answer) -> bool:
    """Whether the challenge says that the token is held as revoked (continuous access)."""
    challenges = answer.all("WWW-Authenticate")
    return headers.parameter(challenges, headers.BEARER, "error") == "insufficient_claims"


def _told(answer: Answer, claims: Mapping[str, Any]) -> Advice | None:
    """Why Graph answers 401 or 403, where token, challenge or message say so."""
    if answer.status == 403:
        return _barred(answer)
    row = graph.CODES["InvalidAuthenticationToken"]
    audience = claims.get("aud")
    host = re.sub(r"^https?://|/+$", "", audience.lower()) if isinstance(audience, str) else ""
    if host and host not in (*graph.HOSTS, graph.APPLICATION):
        cause = f"the token is for {host[:40]}, not for Microsoft Graph"
        return row._replace(cause=cause, remedy="report it with --record")
    if host in graph.HOSTS and answer.host in graph.HOSTS and host != answer.host:
        cause = f"the token is for the Graph of another cloud, {host}"
        return row._replace(cause=cause, remedy="check --cloud and --graph-url")
    if _revoked(answer):
        cause = "Graph holds the token as revoked: insufficient_claims"
        return row._replace(cause=cause, remedy="see sign-in log and Conditional Access")
    if re.search(
        r"expired|lifetime|not yet valid", http_refusals.message(answer)[:500], re.IGNORECASE
    ):
        cause = "Graph finds the token expired or not yet valid"
        return row._replace(cause=cause, remedy="this host's clock may be wrong; check NTP")
    return None


def _barred(answer: Answer) -> Advice | None:
    """The policy that a 403 names."""
    if not re.search("RAOP|AccessPolicy", http_refusals.message(answer)[:500]):
        return None
    cause = "an application access policy bars the app from this mailbox"
    remedy = "Test-ApplicationAccessPolicy tells; a change may take over an hour"
    return graph.CODES["ErrorAccessDenied"]._replace(cause=cause, remedy=remedy)


def _denied(claims: Mapping[str, Any]) -> Advice:
    """Why Graph denies access, by what the token says it may do."""
    row = graph.CODES["ErrorAccessDenied"]
    if not claims:
        return row
    reads = [name for name in _permissions(claims) if name.startswith("Mail.Read")]
    if "scp" in claims:
        cause = "the token's user may not read this mailbox"
        remedy = "another's mailbox wants FullAccess and Mail.Read.Shared"
        if not reads:
            cause = "the token lacks the delegated permission Mail.ReadBasic"
            remedy = "grant it to the app registration, with consent"
        return row._replace(cause=cause, remedy=remedy)
    if reads:
        cause = f"the app has {reads[0][:24]}, yet not for this mailbox"
        remedy = "an access policy? See Test-ApplicationAccessPolicy"
        return row._replace(cause=cause, remedy=remedy)
    cause = "neither Entra nor Exchange lets the app read this mailbox"
    remedy = "see Test-ServicePrincipalAuthorization (takes up to 2h), or grant Mail.ReadBasic"
    return row._replace(cause=cause, remedy=remedy)


def _permissions(claims: Mapping[str, Any]) -> list[str]:
    """What Entra grants the token: a user's scopes, or an app's roles."""
    scopes, roles = claims.get("scp"), claims.get("roles")
    if isinstance(scopes, str):
        return scopes.split()
    return [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []


def _unknown(answer: Answer, code: str) -> Failure:
    """A status and a code that no table has."""
    message = http_refusals.message(answer)
    if not http_refusals.error_document(answer):
        cause = f"{answer.host} does not answer as Graph does"
        remedy = "check --graph-url and proxy; a gateway may have answered"
        return Failure("protocol", cause, remedy, f"HTTP {answer.status}", message)
    row = GRAPH.get(answer.status)
    if code or row is None:
        return http_refusals.unknown_error("Graph", code or f"HTTP {answer.status}", message)
    return Failure(row.kind, row.cause, row.remedy, f"HTTP {answer.status}", message)
