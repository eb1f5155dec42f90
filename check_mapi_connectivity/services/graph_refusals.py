"""What Microsoft Graph means by an answer that is no success."""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..codes import Advice, graph
from ..codes.http import GRAPH
from ..network import headers
from . import http_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..network.answer import Answer

#: What a 401 or 403 may always say: the token and the message tell more.
_VAGUE = [
    graph.CODES[name]
    for name in (
        *("InvalidAuthenticationToken", "unauthenticated", "Unauthorized"),
        *("ErrorAccessDenied", "accessDenied", "Forbidden"),
        *("UnknownError", "generalException"),
    )
]


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
    if answer.status == 429 or (answer.status == 503 and headers.retry_after(answer) is not None):
        return _throttled(answer, code, row)
    about_token = row is None or row.kind == "permission" or row in _VAGUE
    if answer.status in (401, 403) and about_token:
        return _refused(answer, code, row, claims)
    if row is not None:
        return _by_row(answer, code, row)
    if answer.status >= 500 or answer.status == 408:
        failure = http_refusals.trouble(answer, "Graph")
        return failure._replace(code=code or failure.code)
    return _unknown(answer, code)


def throttling(answer: Answer) -> str | None:
    """How near Graph's limits this app is, where Graph says so (exchange-online 3.4)."""
    names = ("scope", "limit-percentage", "information")
    found = [(name, answer.headers.get(f"x-ms-throttle-{name}", "")[:200]) for name in names]
    return ", ".join(f"{name} {text}" for name, text in found if text) or None


def _guest(answer: Answer) -> bool:
    """Whether the request named a guest: a user principal name with #EXT# in it."""
    return "%23ext%23" in answer.url.lower()


def _code(answer: Answer) -> str:
    """Graph's own code of an error document; empty for none."""
    code = http_refusals.error_document(answer).get("code")
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z][\w.-]{1,79}", code) else ""


def error_in_200(answer: Answer) -> Failure:
    """The failure of an answer whose status says 200 and whose body is an error."""
    code = _code(answer)
    row = graph.explain(code, http_refusals.message(answer), guest=_guest(answer))
    if row is not None:
        return _by_row(answer, code, row)
    cause = "Graph reports an error with status 200"
    failure = http_refusals.unknown_error(
        "Graph", code or "HTTP 200", http_refusals.message(answer)
    )
    return failure._replace(cause=cause)


def no_list(answer: Answer, does: str) -> Failure:
    """An answer without messages: what the host does instead."""
    remedy = "check the proxy; else run the check with --record and report it"
    said = http_refusals.glimpse(answer)
    return Failure("protocol", f"{answer.host} {does}", remedy, f"HTTP {answer.status}", said)


def _by_row(answer: Answer, code: str, row: Advice) -> Failure:
    if row.kind == "throttled":
        return _throttled(answer, code, row)
    return Failure.of(row, code, http_refusals.message(answer))._replace(
        transient=row.transient or (row.kind == "server" and answer.status in (503, 504)),
        retry_after=headers.retry_after(answer),
        status=answer.status,
    )


def _throttled(answer: Answer, code: str, row: Advice | None) -> Failure:
    failure = http_refusals.throttled(answer, "Graph")._replace(
        code=code or f"HTTP {answer.status}"
    )
    if row is None or row.kind != "throttled":
        return failure
    wait = headers.retry_after(answer)
    hint = f" for {http_refusals.span(wait)}" if wait is not None else ""
    return failure._replace(cause=row.cause + hint, remedy=row.remedy)


def _refused(answer: Answer, code: str, row: Advice | None, claims: Mapping[str, Any]) -> Failure:
    """A 401 or 403 that is about the token or its permissions."""
    if answer.text.lstrip().startswith("<"):
        return Failure(
            "permission",
            f"{answer.host} refuses the request with a web page",
            "check the proxy; it or a firewall must let Graph through",
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
    if http_refusals.challenged(answer, "") is not None:
        detail += " (WWW-Authenticate: insufficient_claims)"
    return Failure("permission", found.cause, found.remedy, code or f"HTTP {answer.status}", detail)


def _told(answer: Answer, claims: Mapping[str, Any]) -> Advice | None:
    """Why Graph answers 401 or 403, where token, challenge or message say so."""
    if answer.status == 403:
        return _barred(answer)
    row = graph.CODES["InvalidAuthenticationToken"]
    audience = claims.get("aud")
    host = re.sub(r"^https?://|/+$", "", audience.lower()) if isinstance(audience, str) else ""
    if host and host not in (*graph.HOSTS, graph.APPLICATION):
        cause = f"the token is for {host[:40]}, not for Microsoft Graph"
        return row._replace(cause=cause, remedy=http_refusals.REPORT)
    if host in graph.HOSTS and answer.host in graph.HOSTS and host != answer.host:
        cause = f"the token is for the Graph of another cloud, {host}"
        return row._replace(cause=cause, remedy="check --cloud and --graph-url")
    claimed = http_refusals.challenged(answer, "Graph")
    if claimed is not None:
        return row._replace(cause=claimed[0], remedy=claimed[1])
    if re.search(
        r"expired|lifetime|not yet valid", http_refusals.message(answer)[:500], re.IGNORECASE
    ):
        cause = "Graph finds the token expired or not yet valid"
        return row._replace(cause=cause, remedy="check this host's clock (NTP)")
    return None


def _barred(answer: Answer) -> Advice | None:
    """The policy that a 403 names, or which one its words mean."""
    message = http_refusals.message(answer)[:500]
    row = graph.CODES["ErrorAccessDenied"]
    if re.search("RAOP|AccessPolicy", message):
        cause = "an application access policy keeps the app from this mailbox"
        remedy = "run Test-ApplicationAccessPolicy; a change may take over an hour"
        return row._replace(cause=cause, remedy=remedy)
    if re.search("conditional access", message, re.IGNORECASE):
        cause = "a Conditional Access policy bars this request"
        return row._replace(cause=cause, remedy="see Entra's sign-in log; then Conditional Access")
    if re.search("OData is disabled", message, re.IGNORECASE):
        cause = "Exchange's EWS access policy bars this client"
        remedy = "see Ews* of Get-OrganizationConfig and Get-CASMailbox (User-Agent lists)"
        return row._replace(cause=cause, remedy=remedy)
    return None


def _denied(claims: Mapping[str, Any]) -> Advice:
    """Why Graph denies access, by what the token says it may do."""
    row = graph.CODES["ErrorAccessDenied"]
    if not claims:
        return row
    reads = [name for name in permissions(claims) if name.startswith("Mail.Read")]
    if "scp" in claims:
        cause = "the token's user may not read this mailbox"
        remedy = "grant FullAccess and Mail.Read.Shared; it is another user's mailbox"
        if not reads:
            cause = "the token lacks the delegated permission Mail.ReadBasic"
            remedy = "grant it to the app registration, with consent"
        return row._replace(cause=cause, remedy=remedy)
    if reads:
        cause = f"{reads[0][:24]} excludes this mailbox"
        remedy = "run Test-ApplicationAccessPolicy; an access policy may exclude the mailbox"
        return row._replace(cause=cause, remedy=remedy)
    cause = "neither Entra nor Exchange lets the app read the mailbox"
    remedy = "grant Mail.ReadBasic; or Exchange's role, see Test-ServicePrincipalAuthorization"
    return row._replace(cause=cause, remedy=remedy)


def permissions(claims: Mapping[str, Any]) -> list[str]:
    """What Entra grants the token: a user's scopes, or an app's roles."""
    scopes, roles = claims.get("scp"), claims.get("roles")
    if isinstance(scopes, str):
        return scopes.split()
    return [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []


def _unknown(answer: Answer, code: str) -> Failure:
    """A status and a code that no table has."""
    message = http_refusals.message(answer)
    if not http_refusals.error_document(answer):
        cause = f"{answer.host} answers, but not as Graph"
        return Failure("protocol", cause, http_refusals.INSTEAD, f"HTTP {answer.status}", message)
    row = GRAPH.get(answer.status)
    if code or row is None:
        return http_refusals.unknown_error("Graph", code or f"HTTP {answer.status}", message)
    return Failure.of(row, f"HTTP {answer.status}", message)
