"""What `-vv` and `-vvv` show of the wire: secrets are masked before they are kept."""

from __future__ import annotations

import base64
import html
import json
import re
import sys
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus, unquote

from . import decodings, untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .options import Options
    from .report import Failure, Report

MASK = "***"

#: Headers whose value is a secret, in either direction.
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "set-cookie2"}
)

#: Secrets of a report that are looked for, a hundred times what a run has.
_MOST_SECRETS = 1000

#: Letters that a text has in common with a word by chance never, and letters of a word, and of a
#: text, that are looked at.
_PART, _MOST_OF_A_WORD, _MOST_SEARCHED = 12, 1 << 15, 64000

#: Decodings that a text may hide a secret under: a gateway may quote what another one quoted.
_LAYERS = 3

#: Texts of a report that a server chooses.
_TEXTS = ("result", "named", "database", "server")

_SCHEMES = ("Basic", "Bearer", "NTLM", "Negotiate")

#: Names of form fields, members and elements whose value is a secret.
_NAMES = "(?:access|refresh|id)[_-]?token|client[_-]?(?:assertion|secret|info)|password|assertion"
_FORM = re.compile(rf"((?<![A-Za-z0-9_-])(?:{_NAMES})=)[^&\r\n]*", re.IGNORECASE)
_MEMBER = re.compile(
    rf"""((?:["']|&quot;|&#34;)(?:{_NAMES})\\*(?:["']|&quot;|&#34;)\s*:\s*)"""
    r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\[[^\]]*\]?|\{[^}]*\}?|[^,}\s]+)""",
    re.IGNORECASE,
)
_ELEMENT = re.compile(
    rf"((?:<|&lt;)(?:\w{{1,40}}:)?(?:{_NAMES})\b[^<>&]*(?:>|&gt;))(?:[^<&]|&(?!lt;))+",
    re.IGNORECASE,
)

#: A run of what tokens are made of, with its line folds; each letter is looked at once.
_RUN = re.compile(r"[A-Za-z0-9+/=_.~%-]+(?:\r?\n[ \t]*[A-Za-z0-9+/=_.~%-]+)*")
#: What a secret that is encoded stays in.
_ENCODED = re.compile(r"""[^\s"'<>{},]+""")

#: A JWT, or a part of one: base64url that begins a JSON object. Each run of its characters is
#: either taken whole or given up within 17, so the search stays linear.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]+)*")
_BEARER = re.compile(r"(\b(?:Bearer|Basic|Negotiate|NTLM)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


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
    shown = blank and "authorization" in name and scheme in _SCHEMES
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
    return _ELEMENT.sub(rf"\1{MASK}", _MEMBER.sub(rf'\1"{MASK}"', _FORM.sub(rf"\1{MASK}", content)))


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


def known(content: str, secrets: Iterable[str]) -> str:
    """Text without secrets that are known: what was sent and is echoed by the other side."""
    return _replaced(content, sorted(secrets, key=len, reverse=True))


def _replaced(content: str, secrets: list[str]) -> str:
    for secret in secrets:
        content = content.replace(secret, MASK)
    return content


def _longest(secrets: Iterable[str]) -> list[str]:
    """Secrets that can be looked for, the longest first: one may be a part of another."""
    return sorted((one for one in {*secrets} if len(one) > 3), key=len, reverse=True)


class Echoes:
    """Masks what was sent in confidence, however it is spelt by who sends it back: `secrets` also
    under percent-encoding and character references, `words` - credentials as headers and forms hold
    them, long and random - also in parts. The work is linear in a text, and bounded.
    """

    def __init__(self, secrets: Iterable[str], words: Iterable[str] = ()) -> None:
        self._words = [word[:_MOST_OF_A_WORD] for word in words]
        spelt = {one for word in self._words for one in (word, word.rstrip("="), quote(word, ""))}
        self._spelt, self._secrets = _longest(spelt), _longest(secrets)

    def masked(self, content: str, *, wholly: bool = True) -> str:
        """The text without them; unless `wholly`, what hides a secret in more than one word stays,
        because the text has yet to be read.
        """
        content = _replaced(content, self._spelt)
        start, rest = content[:_MOST_SEARCHED], content[_MOST_SEARCHED:]
        if self._parts:
            # Before the secrets: a part of the word of Basic is the password's.
            start = _RUN.sub(lambda run: MASK if self._shares(run[0]) else run[0], start)
        content = _replaced(start + rest, self._secrets)
        start, rest = content[:_MOST_SEARCHED], content[_MOST_SEARCHED:]
        hidden = _hidden(start, self._looked_for)
        if hidden:
            start = _ENCODED.sub(lambda run: MASK if _hidden(run[0], hidden) else run[0], start)
            start = MASK if wholly and _hidden(start, hidden) else start
        return start + rest

    def traced(self, content: str) -> bool:
        """Whether there is a trace of a secret in a text."""
        return bool(_hidden(content, self._looked_for))

    @cached_property
    def odd(self) -> Echoes:
        """Those that are no common word. Most of a cause is our own: masking a common word there
        would give it away.
        """
        return Echoes(one for one in self._secrets if not re.fullmatch("[A-Za-z]{4,12}", one))

    @cached_property
    def _looked_for(self) -> list[_Sought]:
        return _sought(self._secrets)

    @cached_property
    def _parts(self) -> set[str]:
        """Every part of the words that tells which word it is of."""
        plain = [_plain(word) for word in self._words]
        # Basic, NTLM and Negotiate are base64.
        decoded = [_decoded(word).hex() for word in plain]
        return {part for word in (*plain, *decoded) for part in _pieces(word.lower())}

    def _shares(self, run: str) -> bool:
        """Whether a run of a token's characters has a part of a word in it."""
        if len(run) < _PART:
            return False
        plain = _plain(re.sub(r"\s+", "", run))
        if self._parts.isdisjoint(_pieces(plain.lower())):
            return False
        return any(_random(part) for part in _pieces(plain) if part.lower() in self._parts)


def _pieces(word: str) -> list[str]:
    """Every part of a word that is long enough to know it by."""
    return [word[begin : begin + _PART] for begin in range(len(word) - _PART + 1)]


class _Sought(NamedTuple):
    """A secret that is looked for, and its letters and digits."""

    secret: str
    bones: str


def _sought(secrets: Iterable[str]) -> list[_Sought]:
    # A secret may look as if it were encoded itself.
    found = dict.fromkeys(one for secret in secrets for one in (secret, unquote(secret)))
    return [_Sought(one, decodings.skeleton(one)) for one in found if len(one) > 3]


def _hidden(content: str, secrets: list[_Sought]) -> list[_Sought]:
    """The secrets that are in a text once it is decoded, or are spelt letter by letter."""
    found: list[_Sought] = []
    for view in decodings.views(content):
        bones = decodings.skeleton(view)
        found += [
            one for one in secrets if one.secret in view or (one.bones and one.bones in bones)
        ]
    return found


def _decoded(word: str) -> bytes:
    """What a word is in base64; nothing for what is none."""
    try:
        return base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except ValueError:
        return b""


def _plain(word: str) -> str:
    """A token's characters as base64 has them."""
    for _ in range(_LAYERS if "%" in word else 0):
        word = unquote(word)
    return word.replace("-", "+").replace("_", "/").rstrip("=")


def _random(part: str) -> bool:
    """Whether it is no word of anybody's, nor padding."""
    mixed = any(c.isdigit() for c in part) or not (part.islower() or part.isupper())
    return mixed and len(set(part)) > _PART // 2


def spellings(secret: str) -> set[str]:
    """A secret as it may come back: as it is, with its blanks folded, and as XML, HTML, forms,
    JSON, hexadecimal and base64 write it, whether they write all of it in codes or what they must.
    """
    from xml.sax.saxutils import escape

    quotes = {'"': "&quot;", "'": "&apos;"}
    data = secret.encode("utf-8", "replace")
    found = {secret, escape(secret), escape(secret, quotes), html.escape(secret)}
    for coded in (
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in data),
    ):
        found |= {coded, re.sub("%..", lambda part: part[0].lower(), coded)}
    for form in ("&#{};", "&#x{:x};", "&#x{:X};", r"\u{:04x}", r"\u{:04X}"):
        for kept in ("", " "):
            letters = (c if c.isalnum() or c == kept else form.format(ord(c)) for c in secret)
            found.add("".join(letters))
        found.add("".join(form.format(ord(c)) for c in secret))
    found |= {json.dumps(one, ensure_ascii=plain)[1:-1] for one in found for plain in (True, False)}
    found |= {data.hex(), data.hex().upper(), *_base64(data)}
    # One gateway encodes what another has encoded.
    found |= _base64(base64.b64encode(data)) | _base64(quote(secret, safe="").encode())
    for encoding in ("utf-16-le", "utf-16-be"):
        found |= _base64(secret.encode(encoding, "replace"))
    found |= {" ".join(one.split()) for one in found}
    return {one for one in found if len(one) > 3}


def _base64(data: bytes) -> set[str]:
    """Data in base64, both alphabets, padded or not, and what stays of it inside of more."""
    found = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode("ascii")
        found |= {whole, whole.rstrip("=")}
        for before in range(3):
            # Letters that hold bits of the bytes before and after tell of other data.
            inner = encode(bytes(before) + data).decode("ascii")
            inner = inner[(0, 2, 3)[before] : (before + len(data)) * 8 // 6]
            found |= {inner} if len(inner) > 7 else set()
    return found


def of_options(options: Options) -> set[str]:
    """All spellings of the secrets that a run was given."""
    login = options.login.username if options.login else ""
    # A word of the address would make every output unreadable, and hides nothing.
    said = f"{' '.join(options.mailboxes)} {login} {options.hostname}".lower()
    given = [secret for secret in options.secrets if len(secret) > 3 and secret.lower() not in said]
    return {spelling for secret in given for spelling in spellings(secret)}


def conceal(reports: Iterable[Report], given: Iterable[str] = ()) -> None:
    """Mask what must show nowhere in all texts of reports that came from the other side: what each
    met itself, and what was `given` to the run.
    """
    # Tests that shared a connection have met the same.
    made: dict[tuple[frozenset[str], ...], Echoes] = {}
    for report in reports:
        # A server can give any number of cookies.
        met = sorted(report.secrets, key=len, reverse=True)[:_MOST_SECRETS]
        secrets = frozenset(one for one in (*met, *given) if len(one) > 3)
        # What is no success, or is shown whole, may quote in other ways.
        key = secrets, frozenset(report.words)
        made[key] = made.get(key) or Echoes(*key)
        if report.failure is None and not report.exchanges:
            _conceal_known(report, made[key])
        else:
            _conceal_echoes(report, made[key])


def _conceal_known(report: Report, echoes: Echoes) -> None:
    """Mask the secrets, where there is a trace of one."""
    texts = _texts(report)
    if echoes.traced(" ".join(_strings(texts))):
        for name, value in texts.items():
            setattr(report, name, _each(value, echoes.masked))


def _conceal_echoes(report: Report, echoes: Echoes) -> None:
    """Mask the secrets in any spelling, and what is secret by its name in the failure."""
    texts = _texts(report)
    whole = "\n".join(_strings(texts))
    # One search for all texts of a report is soon done.
    if len(whole) > _MOST_SEARCHED or echoes.masked(whole) != whole:
        for name, value in texts.items():
            setattr(report, name, _each(value, echoes.masked))
    if report.failure is not None:
        report.failure = _concealed(report.failure, echoes)


def _texts(report: Report) -> dict[str, Any]:
    """What of a report may hold texts of the other side, but for its failure."""
    shown = ("remarks", "notes", "facts", "ids", "rows", "exchanges", *_TEXTS)
    return {name: getattr(report, name) for name in shown}


def _concealed(failure: Failure, echoes: Echoes) -> Failure:
    """A failure without what must not show."""
    code, detail = (fields(echoes.masked(text)) for text in (failure.code, failure.detail))
    return replace(failure, cause=echoes.odd.masked(failure.cause), code=code, detail=detail)


def _each(value: Any, clean: Callable[[str], str]) -> Any:
    """A value with all its texts cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_each(item, clean) for item in value]
    if isinstance(value, dict):
        return {name: _each(item, clean) for name, item in value.items()}
    if isinstance(value, tuple):
        items = [_each(item, clean) for item in value]
        return value._make(items) if hasattr(value, "_make") else tuple(items)
    return value


def _strings(value: Any) -> Iterable[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def text(content: str) -> str:
    """Free text without tokens."""
    return _BEARER.sub(rf"\1{MASK}", _JWT.sub(MASK, content))
