"""Tokens of a managed identity, from the instance metadata service of an Azure VM.

Our own request, because msal has one from 1.29 on only (reference sheet exchange-online 5.2, 5.7;
the interface: learn.microsoft.com, "How to use managed identities on an Azure VM to acquire an
access token").
"""

from __future__ import annotations

import re

from ..base.failure import CheckFailure, Failure
from ..network.answer import SIGN_IN_LIMIT
from ..network.response import too_large
from ..services import entra, http_refusals
from .tokens import sendable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..base.credentials import ManagedIdentity
    from ..network.answer import Answer
    from .session import Session

#: Seconds to wait for it: it is on the same machine, or not there at all.
_PATIENCE = 5.0

_VERSION = "2018-02-01"

#: Its own errors for a request that it understands and does not grant, and those of OAuth (page
#: above: "Error handling").
_REFUSALS = (
    *("invalid_request", "unauthorized_client", "access_denied", "invalid_resource"),
    *("invalid_scope", "unknown_source", "bad_request_102"),
)

#: Headers by which the metadata services of other clouds are known: name, beginning, whose it is.
_OTHERS = (("Metadata-Flavor", "Google", "Google's"), ("Server", "EC2ws", "Amazon's"))

#: Its words for a request that is not as it wants it -> cause, remedy (page above, "Proxies").
_WORDS = {
    "multiple user assigned identities": (
        "this VM has several managed identities",
        "choose one: --managed-identity=CLIENT-ID",
    ),
    "x-forwarded-for": (
        "a proxy passes the request on to Azure's metadata service",
        "exempt its address from transparent proxies and sidecars",
    ),
}

#: The instance metadata service of Azure, in words that administrators use.
_SERVICE = "Azure's metadata service"

#: Those have services of their own for it.
_INSTEAD = "use a certificate; of managed identities only those of Azure VMs are supported"


def ask(session: Session, identity: ManagedIdentity, resource: str) -> Mapping[str, Any]:
    """The token answer for one resource. Raises CheckFailure."""
    parameters = {"api-version": _VERSION, "resource": resource}
    if identity.client_id:
        parameters["client_id"] = identity.client_id
    patience = min(_PATIENCE, session.deadline.remaining() / 2)
    session.transport.patience = patience
    try:
        answer = session.transport.send(
            "GET",
            f"{identity.url}/metadata/identity/oauth2/token",
            session.report.times.sign_in,
            headers={"Metadata": "true"},
            params=parameters,
            until=session.deadline.now() + patience,
            direct=True,
            issuing=True,
        )
    except CheckFailure as error:
        raise CheckFailure(_absent(error.failure, identity)) from None
    finally:
        session.transport.patience = None
    large = too_large(answer, SIGN_IN_LIMIT)
    if large is not None:
        raise CheckFailure(large)
    document = answer.json()
    if answer.status != 200:
        raise CheckFailure(_refused(answer, document, identity))
    if not isinstance(document, dict) or not sendable(document.get("access_token")):
        raise CheckFailure(_no_service(answer))
    return document


def _absent(failure: Failure, identity: ManagedIdentity) -> Failure:
    """Nobody answers: most likely this is no Azure VM."""
    if failure.kind not in ("dns", "connect", "timeout"):
        return failure
    return failure._replace(
        kind="credential",
        cause="no managed identity on this host",
        remedy=_INSTEAD,
        # Nobody has refused anything.
        code="",
        detail=f"{identity.url}: {failure}",
        transient=False,
    )


def _refused(answer: Answer, document: object, identity: ManagedIdentity) -> Failure:
    """What a status other than 200 means."""
    who = _SERVICE
    if answer.status == 429:
        return entra.with_words(http_refusals.throttled(answer, who), answer)
    for name, beginning, whose in _OTHERS:
        if answer.headers.get(name, "").startswith(beginning):
            cause = f"{answer.host} answers as {whose} metadata service does"
            text = http_refusals.glimpse(answer)
            return Failure("credential", cause, _INSTEAD, f"HTTP {answer.status}", text)
    # 410 while the service is being updated, 404 while it starts.
    if answer.status >= 500 or answer.status in (404, 410):
        failure = http_refusals.trouble(answer, who, "wait for the next run")
        if answer.status < 500:
            failure = failure._replace(cause=f"{_SERVICE} is not ready")
        return entra.with_words(failure, answer)._replace(transient=True)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status == 401 and challenge:
        return _challenged(answer, challenge)
    if not isinstance(document, dict) or "error" not in document:
        return _no_service(answer)
    found = entra.words(document)
    return entra.sign_in(document, answer) if found.number else _told(found, answer, identity)


def _told(found: entra.Words, answer: Answer, identity: ManagedIdentity) -> Failure:
    """What its own words for a refusal mean."""
    cause, remedy = (
        f"{_SERVICE} refuses a token",
        http_refusals.OWN_TEXT,
    )
    said = [told for words, told in _WORDS.items() if words in found.text.lower()]
    if "identity not found" in found.text.lower():
        cause = "this VM has no managed identity"
        remedy = "give it one in the portal; the VM, Security, Identity"
        if identity.client_id:
            cause = f"this VM has no managed identity {identity.client_id}"
            remedy = "assign it to the VM, or check --managed-identity"
    elif found.error == "invalid_resource":
        cause = "tenant does not have this service"
        remedy = "check --cloud"
    elif said:
        cause, remedy = said[0]
    elif found.error not in _REFUSALS:
        return http_refusals.unknown_error(
            answer.host, found.error or f"HTTP {answer.status}", found.text
        )
    return Failure("credential", cause, remedy, found.error, found.text)


def _challenged(answer: Answer, challenge: str) -> Failure:
    """It wants a proof. Azure Arc's agent does: the content of a file whose path it names, which is
    not followed, because whoever answers could name any file of this host.
    """
    cause, remedy = f"{answer.host} wants a proof before it gives a token", _INSTEAD
    if re.match(r"\s*Basic\s+realm\s*=.*\.key\b", challenge[:500], re.IGNORECASE):
        cause = f"{answer.host} answers as Azure Arc's agent, whose tokens need root"
        remedy = "use a certificate; managed identities of Azure Arc are not supported"
    detail = (
        f"WWW-Authenticate: {' '.join(challenge[:200].split())}; {http_refusals.message(answer)}"
    )
    return Failure("credential", cause, remedy, f"HTTP {answer.status}", detail)


def _no_service(answer: Answer) -> Failure:
    return Failure(
        "protocol",
        f"{answer.host} answers, but not as {_SERVICE}",
        _INSTEAD,
        f"HTTP {answer.status}",
        http_refusals.glimpse(answer),
    )
