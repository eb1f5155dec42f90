"""The one reader of headers that have a grammar of their own.

These are challenges, x-ms-diagnostics, Retry-After and numbers.

Challenges are read as RFC 9110 11.6.1 has them and a little wider: several in one line or in
several, a token beside parameters, quoted strings with commas and backslashes, any letter case.
What is no challenge is left out up to the next comma; no text raises.
"""

from __future__ import annotations

import base64
import binascii
import re

from ..base import clock_skew
from ..base.value import NamedTuple
from ..base.vocabulary import SCHEMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .answer import Answer

_KNOWN = {name.lower(): name for name in SCHEMES}

#: Characters of one line that are read; the longest real ones, Kerberos tickets, stay below.
_MOST = 65536

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = rf"({_WORD})(?=[\s,]|\Z)"
_WHOLE = r"([A-Za-z0-9._~+/-]+=*)\s*(?=,|\Z)"
#: A string without its end goes on to the end of the line.
_PARAMETER = rf'({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|([^\s,"]*))'
_BETWEEN = r"[\s,]*"
_SPACE = r"\s*"
_REST = r"[^,]*"


class Challenge(NamedTuple):
    """One challenge: its scheme as it was sent, its token68 (empty for none), and its parameters by
    their names in lower case.
    """

    scheme: str
    token: str
    parameters: dict[str, str]


class Diagnostics(NamedTuple):
    """A header x-ms-diagnostics: number of the error (None for none), reason and category."""

    number: int | None
    reason: str
    category: str


def challenges(lines: Iterable[str]) -> list[Challenge]:
    """The challenges of all WWW-Authenticate or Proxy-Authenticate lines, in their order.

    >>> challenges(['Basic realm="a, NTLM b", NTLM TlRM'])[1]
    Challenge(scheme='NTLM', token='TlRM', parameters={})
    """
    found: list[Challenge] = []
    for line in lines:
        text, at = line[:_MOST], 0
        while at < len(text):
            at = _end(_BETWEEN, text, at)
            # A line may go on with the parameters of the line before it.
            after = _parameters(text, at, found[-1].parameters if found else {})
            scheme = re.compile(_SCHEME).match(text, at) if after == at else None
            if scheme is not None:
                after = _challenge(text, scheme, found)
            at = after if after > at else _end(_REST, text, at)
    return found


def _challenge(text: str, scheme: re.Match[str], found: list[Challenge]) -> int:
    """Take the challenge that begins with `scheme`; where its text ends."""
    at = _end(_SPACE, text, scheme.end())
    token = re.compile(_WHOLE).match(text, at)
    found.append(Challenge(scheme[1], token[1] if token else "", {}))
    if token is not None:
        return token.end()
    after = _parameters(text, at, found[-1].parameters)
    return _end(_REST, text, after)


def _parameters(text: str, at: int, parameters: dict[str, str]) -> int:
    """Take parameters one after the other; where they end."""
    parameter = re.compile(_PARAMETER, re.DOTALL)
    match = parameter.match(text, at)
    while match is not None:
        name, quoted, plain = match.groups()
        value = plain if quoted is None else re.sub(r"(?s)\\(.)", r"\1", quoted)
        parameters.setdefault(name.lower(), value)
        at = match.end()
        match = parameter.match(text, _end(_BETWEEN, text, at))
    return at


def _end(pattern: str, text: str, at: int) -> int:
    """Where the pattern, which matches anything, ends."""
    match = re.compile(pattern).match(text, at)
    return match.end() if match else at


def schemes(lines: Iterable[str]) -> list[str]:
    """The schemes that are offered, each once; those known here by their own spelling.

    >>> schemes(['negotiate', 'NTLM, Digest realm="a, Basic b"'])
    ['Negotiate', 'NTLM', 'Digest']
    """
    found: dict[str, str] = {}
    for challenge in challenges(lines):
        name = challenge.scheme
        found.setdefault(name.lower(), _KNOWN.get(name.lower(), name))
    return list(found.values())


def token(lines: Iterable[str], scheme: str) -> bytes | None:
    """What the first token of a scheme stands for; None where it has none, or none in base64."""
    for challenge in challenges(lines):
        if challenge.scheme.lower() == scheme.lower() and challenge.token:
            bare = challenge.token.rstrip("=")
            try:
                return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
            except (binascii.Error, ValueError):
                return None
    return None


def parameter(lines: Iterable[str], scheme: str, name: str) -> str:
    """A parameter of a scheme's first challenge that has it; empty for none."""
    values = (
        challenge.parameters.get(name, "")
        for challenge in challenges(lines)
        if challenge.scheme.lower() == scheme.lower()
    )
    return next(filter(None, values), "")


def diagnostics(text: str) -> Diagnostics:
    """A header x-ms-diagnostics, as far as it holds what one of Exchange does.

    >>> diagnostics('2000008;reason="not enough scope";error_category="invalid_grant"')
    Diagnostics(number=2000008, reason='not enough scope', category='invalid_grant')
    """
    text = text[:2000]
    number = re.match(r"\s*([0-9]{1,9})", text)
    reason = re.search(r'reason\s*=\s*"?([^";]*)', text)
    category = re.search(r'error_category\s*=\s*"?([^";]*)', text)
    return Diagnostics(
        int(number[1]) if number else None,
        reason[1] if reason else "",
        category[1] if category else "",
    )


def retry_after(answer: Answer) -> float | None:
    """Seconds of a Retry-After header, as a number or a date (RFC 9110 10.2.3); None when absent,
    negative or garbage.
    """
    value = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return float(value)
    until, now = map(clock_skew.read_date, (value, answer.headers.get("Date", "")))
    if until is None:
        return None
    wait = until - (now if now is not None else answer.received)
    return wait if wait >= 0 else None


def number(text: str) -> int | None:
    """A header that is a number; None for one that is none, or beyond reason."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
