"""Masking by name: members, headers and words that are secret whatever they hold."""

from __future__ import annotations

import json
import re
import sys

from ..base.reading import untrusted
from ..base.vocabulary import SCHEMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "***"

#: Headers whose value is a secret, in either direction.
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "set-cookie2"}
)

#: Form fields, members and elements whose value is a secret, word by word -> what stands for it in
#: a recording. Between its words a name may have a dash, an underscore or nothing.
SECRETS = {
    "access token": "TOKEN",
    "refresh token": "REFRESH-TOKEN",
    "id token": "ID-TOKEN",
    "client assertion": "ASSERTION",
    "client secret": "CLIENT-SECRET",
    "client info": "CLIENT-INFO",
    "hint": "HINT",
    "password": "PASSWORD",
    "submit password": "SUBMIT-PASSWORD",
    "assertion": "ASSERTION",
}


def pattern(names: Iterable[str]) -> str:
    """A regular expression for these names."""
    return "|".join(name.replace(" ", "[_-]?") for name in names)


_NAMES = pattern(SECRETS)
_SCHEMES = "|".join(SCHEMES)
_FORM = rf"(?i)((?<![A-Za-z0-9_-])(?:{_NAMES})=)[^&\r\n]*"
_MEMBER = (
    rf"""(?i)((?:["']|&quot;|&#34;)(?:{_NAMES})\\*(?:["']|&quot;|&#34;)\s*:\s*)"""
    r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\[[^\]]*\]?|\{[^}]*\}?|[^,}\s]+)"""
)
_ELEMENT = rf"(?i)((?:<|&lt;)(?:\w{{1,40}}:)?(?:{_NAMES})\b[^<>&]*(?:>|&gt;))(?:[^<&]|&(?!lt;))+"

#: A JWT, or a part of one: base64url that begins a JSON object. Each run of its characters is
#: either taken whole or given up within 17, so the search stays linear.
JWT = r"eyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]+)*"
_BEARER = rf"(?i)(\b(?:{_SCHEMES})\s+)[A-Za-z0-9._~+/=-]{{8,}}"


def headers(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header name and value pairs, secret values masked."""
    # A thousand tests keep the same names.
    return [
        (sys.intern(str(name)), _header(name.lower(), str(value)[:4000]))
        for name, value in given.items()
    ]


def _header(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return text(fields(value))
    # The scheme tells the legs of a logon from each other.
    scheme, blank, _ = value.partition(" ")
    shown = blank and "authorization" in name and scheme in SCHEMES
    return f"{scheme} {MASK}" if shown else MASK


def body(content: str, limit: int = 4000) -> str:
    """A form or JSON body with its secrets masked, cut to `limit` characters.

    >>> body("scope=a&client_assertion=eyJx.eyJy.z&b=c")
    'scope=a&client_assertion=***&b=c'
    """
    content = content[: 16 * limit]
    document = untrusted.document(content)
    if document is not None:
        # Member names may be spelled with escapes, so whole JSON is masked member by member.
        content = json.dumps(_members(document), ensure_ascii=False)
    return text(fields(content[: 4 * limit]))[:limit]


def fields(content: str) -> str:
    """Text with what is secret by its name masked: form fields, JSON members, XML elements; also in
    a text that is cut off, or UTF-16 that was read as UTF-8.

    >>> fields("see https://x/#access_token=abc&b=c")
    'see https://x/#access_token=***&b=c'
    """
    content = content.replace("\0", "")
    if "\\u00" in content:
        content = re.sub(r"\\u00[2-7][0-9A-Fa-f]", _letter, content)
    content = re.sub(_FORM, rf"\1{MASK}", content)
    return re.sub(_ELEMENT, rf"\1{MASK}", re.sub(_MEMBER, rf'\1"{MASK}"', content))


def _letter(escaped: re.Match[str]) -> str:
    """A letter of a name for its escape; what may end a string stays as it is."""
    letter = chr(int(escaped[0][2:], 16))
    return letter if letter.isalnum() or letter in "_-" else escaped[0]


def _members(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if re.fullmatch(_NAMES, name, re.IGNORECASE) else _members(member)
            for name, member in value.items()
        }
    return [_members(member) for member in value] if isinstance(value, list) else value


def text(content: str) -> str:
    """Free text without tokens."""
    return re.sub(_BEARER, rf"\1{MASK}", re.sub(JWT, MASK, content))
