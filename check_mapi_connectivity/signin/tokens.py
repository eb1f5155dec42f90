"""Access tokens as values: what they say of themselves, and how long they serve."""

from __future__ import annotations

import re
import time

from ..base.reading.untrusted import YEAR_9999, Fields, Odd, claims
from ..base.value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: A token with less than this many seconds to live is not used (contract 7.26).
MARGIN = 300.0

#: No token lives longer; an expiry beyond it means that the clock was wrong when it was stored.
_LONGEST = 30 * 3600.0


class Token(NamedTuple):
    """An access token, and when it ends in seconds since 1970."""

    access_token: str
    expires_at: float
    cached: bool = False

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the token says of itself, unchecked: the service checks it.

        Empty unless it is a JWT (RFC 7519 3).
        """
        return claims(self.access_token)

    @property
    def tenant_id(self) -> str | None:
        """GUID of the tenant that issued the token, where it says so."""
        found = str(self.claims.get("tid", ""))
        return found if re.fullmatch(r"[0-9A-Fa-f-]{36}", found) else None


def usable(document: Mapping[str, Any]) -> bool:
    """Whether a document of the cache holds a token that still serves."""
    try:
        known = Fields(document, "")
        token, expires_at = known.text("access_token"), known.number("expires_at", YEAR_9999)
    except Odd:
        return False
    return sendable(token) and MARGIN <= expires_at - time.time() <= _LONGEST


def sendable(token: object) -> bool:
    """Whether this is a token that fits into a header (RFC 6750 2.1)."""
    return isinstance(token, str) and re.fullmatch(r"[!-~]+", token) is not None


def lifetime(value: object) -> float:
    """Seconds a token lives; whatever is not a number in reason makes it last for this run only."""
    if not isinstance(value, (int, float, str)):
        return 0.0
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds < _LONGEST else 0.0
