"""The clock of this host against the Date of the servers it talks to (RFC 9110 6.6.1).

Sign-in and TLS fail where it is wrong: assertions and certificates hold for a time only.
"""

from __future__ import annotations

import email.utils
from typing import NamedTuple

#: Seconds that clocks may differ without a word: Date has whole seconds, and an answer takes time.
_NEAR = 5.0

#: Seconds that Entra and certificates forgive.
_FORGIVEN = 300.0

#: Code of a failure that a wrong clock explains -> whether this host's is too early (-1), too late
#: (1), or either (0): assertion outside its time, certificate not yet valid, certificate expired,
#: ticket not yet valid, a clock that differs from the KDC's.
_EXPLAINED = {
    "AADSTS700024": 0,
    "verify error 9": -1,
    "verify error 10": 1,
    "KRB5 33": 0,
    "KRB5 37": 0,
    "KRB5 148": 0,
}


class Skew(NamedTuple):
    """How many seconds this host is ahead of a server, negative where it is behind."""

    host: str
    seconds: float

    @property
    def near(self) -> bool:
        """Whether the clocks agree, as far as a Date tells."""
        return abs(self.seconds) < _NEAR

    def __str__(self) -> str:
        if self.near:
            return f"agrees with that of {self.host}"
        return f"is {self._words} that of {self.host}"

    @property
    def _words(self) -> str:
        units = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
        name, size = next((one for one in units if abs(self.seconds) >= 2 * one[1]), units[-1])
        side = "ahead of" if self.seconds > 0 else "behind"
        return f"{abs(self.seconds) / size:.0f} {name} {side}"


def compare(host: str, date: str | None, now: float) -> Skew | None:
    """A clock, in seconds since 1970, against a Date; None for one that cannot be read.

    >>> str(compare("mail.contoso.com", "Thu, 01 Jan 1970 00:10:00 GMT", 0.0))
    'is 10 minutes behind that of mail.contoso.com'
    """
    try:
        moment = email.utils.parsedate_tz((date or "")[:64])
        return Skew(host, now - email.utils.mktime_tz(moment)) if moment else None
    except (ValueError, OverflowError):
        return None


def explains(skew: Skew, code: str) -> bool:
    """Whether a failure of this code comes from this host's clock.

    >>> skew = Skew("mail.contoso.com", -86400.0)
    >>> explains(skew, "verify error 9"), explains(skew, "verify error 10"), explains(skew, "")
    (True, False, False)
    """
    side = _EXPLAINED.get(code)
    return side is not None and abs(skew.seconds) >= _FORGIVEN and side * skew.seconds >= 0
