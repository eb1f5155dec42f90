"""A tenant's own document at Entra, sans-IO: its path, and what an answer says.

OpenID Connect Discovery 1.0, sections 3 and 4; reference sheet exchange-online 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from ..base.failure import CheckFailure
from ..network.answer import SIGN_IN_LIMIT
from ..network.response import too_large
from . import entra

if TYPE_CHECKING:
    from ..network.answer import Answer

#: Ids of a request that Entra's support asks for.
_IDS = ("x-ms-request-id", "client-request-id")


class Configuration(NamedTuple):
    """What a tenant says of itself: who issues its tokens, and where."""

    issuer: str
    token_endpoint: str


def path(tenant: str) -> str:
    """The document's path below the sign-in host."""
    return f"/{quote(tenant, safe='')}/v2.0/.well-known/openid-configuration"


def read(answer: Answer) -> Configuration:
    """What an answer says, whatever its status. Raises CheckFailure for what is no such document:
    a refusal of Entra's by its AADSTS number, or an answer that is not Entra's.
    """
    failure = too_large(answer, SIGN_IN_LIMIT) or entra.status(answer)
    if failure is not None:
        raise CheckFailure(failure)
    document = answer.json()
    if not isinstance(document, dict):
        raise CheckFailure(entra.not_entra(answer))
    if "error" in document:
        raise CheckFailure(entra.sign_in(document, answer))
    issuer, endpoint = document.get("issuer"), document.get("token_endpoint")
    if answer.status != 200 or not _is_url(issuer) or not _is_url(endpoint):
        raise CheckFailure(entra.not_entra(answer))
    return Configuration(str(issuer), str(endpoint))


def ids(answer: Answer) -> dict[str, str]:
    """What Entra's support asks for."""
    return {name: answer.headers[name][:200] for name in _IDS if answer.headers.get(name)}


def _is_url(value: object) -> bool:
    """Whether this is the URL of a host by TLS."""
    if not isinstance(value, str) or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.netloc)
