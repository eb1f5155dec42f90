"""The clock of this host against the Date of the servers it talks to (RFC 9110 6.6.1).

Sign-in and TLS fail where it is wrong: assertions and certificates hold for a time only.
"""

from __future__ import annotations

from .value import NamedTuple

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

    def __str__(self) -> str:
        if abs(self.seconds) < _NEAR:
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
    moment = read_date((date or "")[:64])
    return None if moment is None else Skew(host, now - moment)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def read_date(text: str) -> float | None:
    """Seconds since 1970 of a date of HTTP (RFC 9110 5.6.7); None for one that cannot be read.

    >>> read_date("Sun, 06 Nov 1994 08:49:37 GMT"), read_date("Sunday, 06-Nov-94 08:49:37 GMT")
    (784111777.0, 784111777)
    """
    words = text.split(" ")
    try:
        _, day, month, year, clock, zone = words
        if zone == "GMT" and len(year) == 4:
            time = map(int, clock.split(":"))
            return utc(int(year), _MONTHS.index(month) + 1, int(day), *time)
    except ValueError:
        pass
    # The older forms, and what servers write instead.
    import email.utils

    try:
        moment = email.utils.parsedate_tz(text)
        return email.utils.mktime_tz(moment) if moment else None
    except (ValueError, OverflowError):
        return None


#: Where the calendar ends, in seconds since 1970.
YEAR_10000 = 253402300800.0


def utc(*parts: int) -> float:
    """Seconds since 1970 of a moment in UTC: year, month, day, hour, minute, second. Raises
    ValueError for one that no calendar has.

    >>> utc(2000, 2, 29, 0, 0, 1)
    951782401.0
    """
    year, month, day, hour, minute, second = parts
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 28 + leap if month == 2 else 30 + (month + month // 8) % 2
    if not (1 <= month <= 12 and 1 <= day <= longest and 1 <= year <= 9999):
        raise ValueError("no day of the calendar")
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError("no time of the day")
    # Years that begin with March end with the leap day.
    years = year - (month < 3)
    days = 365 * years + years // 4 - years // 100 + years // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 719469
    return days * 86400.0 + hour * 3600 + minute * 60 + second


def explains(skew: Skew, code: str) -> bool:
    """Whether a failure of this code comes from this host's clock.

    >>> skew = Skew("mail.contoso.com", -86400.0)
    >>> explains(skew, "verify error 9"), explains(skew, "verify error 10"), explains(skew, "")
    (True, False, False)
    """
    side = _EXPLAINED.get(code)
    return side is not None and abs(skew.seconds) >= _FORGIVEN and side * skew.seconds >= 0
