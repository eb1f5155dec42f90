"""Sign-in of users whose password is not Entra's to check, but a federation server's (AD FS).

msal speaks WS-Trust with it, by an address that Entra names (reference sheet exchange-online 5.6);
what it must not see, and what its refusals mean, is decided here.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..base.failure import FEDERATION, CheckFailure, Failure
from ..network.confidential import Lines
from ..services import http_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..base.report import Stopwatch
    from ..network.answer import Answer

#: Bytes of an answer to a sign-in; msal searches it by expressions that take quadratic time.
_LIMIT = 64 << 10

#: Elements that it searches for, and how many of each an answer may have, beginnings and ends.
_SEARCHED = ("RequestSecurityTokenResponse", "TokenType", "RequestedSecurityToken")
_MOST = 20

#: Bytes of metadata, several times what AD FS sends; as XML it takes fifty times the memory.
_METADATA_LIMIT = 512 << 10

#: What of a SOAP fault (SOAP 1.2 5.4) says why. The code outside of Subcode only says whose fault.
_FAULT = re.compile(rb"<(?:\w+:)?(?:Text|faultstring)\b[^>]{0,200}>([^<]{1,2000})<")
_SUBCODE = re.compile(
    rb"<(?:\w+:)?Subcode>\s{0,200}<(?:\w+:)?Value\b[^>]{0,300}>\s{0,200}(?:\w+:)?([A-Z]\w{3,60})\s*<"
)

#: What Entra says of a federated domain, as far as it tells why the password cannot be sent.
_NAMED = ("federation_protocol", "federation_active_auth_url", "federation_metadata_url")


def host(url: str) -> str:
    """The host of a URL, for messages."""
    try:
        return urlsplit(url).hostname or url[:80]
    except ValueError:
        return url[:80]


def send(
    sender: Callable[..., Answer],
    method: str,
    url: str,
    watch: Stopwatch,
    keywords: Mapping[str, Any],
) -> Answer:
    """One request to the federation server. Raises CheckFailure for what msal cannot use."""
    where = f"{FEDERATION} {host(url)}"
    if not url.startswith("https://"):
        cause = f"{where} is not reached by https, and no password goes there in the clear"
        raise CheckFailure(Failure("credential", cause, "check the domain's federation settings"))
    try:
        reading = _unread if method == "POST" else None
        answer = sender(method, url, watch, reading=reading, issuing=True, **keywords)
    except CheckFailure as error:
        raise CheckFailure(_of_server(error.failure, host(url))) from None
    if answer.status == 429:
        raise CheckFailure(http_refusals.throttled(answer, where))
    limit = _LIMIT if method == "POST" else _METADATA_LIMIT
    if answer.status >= 500 and b"Envelope" not in answer.body:
        raise CheckFailure(
            http_refusals.trouble(answer, where, "check that server; see its event log AD FS/Admin")
        )
    # msal looks for the ends of these from each of their beginnings, in the text: UTF-16 has other
    # bytes.
    text = answer.text
    many = any(text.count(name) > _MOST for name in _SEARCHED)
    if "<!DOCTYPE" in text or len(answer.body) > limit or (method == "POST" and many):
        raise CheckFailure(_odd(answer, where))
    if answer.status != 200 and b"Envelope" not in answer.body:
        raise CheckFailure(_odd(answer, where))
    return answer


def refused(answer: Answer | None, server: str, user: str) -> Failure:
    """Why the federation server gives no token for this user."""
    body = b"" if answer is None else answer.body
    fault, subcode = _FAULT.search(body), _SUBCODE.search(body)
    detail = " ".join(fault[1].decode("utf-8", "replace").split()) if fault else ""
    code = subcode[1].decode("ascii") if subcode else "WS-Trust"
    # AD FS leaves the text empty for some refusals.
    if fault is None and subcode is None and answer is not None:
        return _odd(answer, f"{FEDERATION} {server}")
    return Failure(
        "credential",
        f"{FEDERATION} {server} refuses user {user}",
        "check the password; or use a cloud-only user or a certificate",
        code,
        detail,
    )


def unfit(realm: Mapping[str, Any]) -> Failure:
    """Why msal asks no federation server, by what Entra says of the user's domain."""
    domain = str(realm.get("domain_name") or "the user's domain")[:80]
    url = realm.get("federation_active_auth_url")
    cause = f"{domain} is federated, but Entra names no WS-Trust address of it"
    if isinstance(url, str) and url:
        cause = f"{FEDERATION} {host(url)} has no WS-Trust address that msal knows"
    named = [f"{name}: {str(realm.get(name))[:200]}" for name in _NAMED if realm.get(name)]
    remedy = "use a cloud-only user or a certificate: the password cannot be sent"
    return Failure("credential", cause, remedy, "WS-Trust", ", ".join(named))


def _of_server(failure: Failure, name: str) -> Failure:
    """A failure on the way to it, in words that say whose server this is."""
    cause = failure.cause
    if FEDERATION not in cause:
        cause = cause.replace(name, f"{FEDERATION} {name}", 1)
    # What an error of the system says has a remedy of its own.
    if failure.kind == "protocol" or (failure.kind == "connect" and not failure.code):
        failure = failure._replace(remedy="check that server, then proxy and firewall on the way")
    return failure._replace(cause=cause)


def _odd(answer: Answer, where: str) -> Failure:
    return Failure(
        "credential",
        f"{where} answers, but not in WS-Trust",
        "run Get-AdfsEndpoint; usernamemixed must be enabled; or use a certificate",
        f"HTTP {answer.status}",
        http_refusals.glimpse(answer),
    )


def _unread(sent: bytes, answer: Answer | None) -> Lines:
    """Password and assertion are in these bodies, in spellings of their own."""
    size = 0 if answer is None else len(answer.body)
    return Lines([f"{len(sent)} bytes of WS-Trust, not shown"], [f"{size} bytes, not shown"])
