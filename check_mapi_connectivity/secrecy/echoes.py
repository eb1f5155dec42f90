"""Masking by value: a secret that comes back, however it is spelt."""

from __future__ import annotations

import base64
import json
import re
from functools import cached_property, lru_cache

from ..base.value import NamedTuple
from . import decodings
from .names import MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..base.options import Confided


#: Letters that a text has in common with a word by chance never, and letters of a word, and of a
#: text, that are looked at.
_PART, _MOST_OF_A_WORD, MOST_SEARCHED = 12, 1 << 15, 64000

#: Letters of a secret that nobody chose to remember it.
_GENERATED = 16

#: Decodings that a text may hide a secret under: a gateway may quote what another one quoted.
_LAYERS = 3

#: A run of what tokens are made of, with its line folds; each letter is looked at once.
_RUN = r"[A-Za-z0-9+/=_.~%-]+(?:\r?\n[ \t]*[A-Za-z0-9+/=_.~%-]+)*"
#: What a secret that is encoded stays in.
_ENCODED = r"""[^\s"'<>{},]+"""


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
        self._secrets = _longest(secrets)

    def masked(self, content: str, *, wholly: bool = True) -> str:
        """The text without them; unless `wholly`, what hides a secret in more than one word stays,
        because the text has yet to be read.
        """
        content = _replaced(content, self._spelt)
        start, rest = content[:MOST_SEARCHED], content[MOST_SEARCHED:]
        if self._parts:
            # Before the secrets: a part of the word of Basic is the password's.
            start = re.sub(_RUN, lambda run: MASK if self._shares(run[0]) else run[0], start)
        content = _replaced(start + rest, self._secrets)
        start, rest = content[:MOST_SEARCHED], content[MOST_SEARCHED:]
        hidden = hides(start, self._looked_for)
        if hidden:
            start = re.sub(_ENCODED, lambda run: MASK if hides(run[0], hidden) else run[0], start)
            start = MASK if wholly and hides(start, hidden) else start
        return start + rest

    def traced(self, content: str) -> bool:
        """Whether there is a trace of a secret in a text."""
        return bool(hides(content, self._looked_for))

    @cached_property
    def odd(self) -> Echoes:
        """Those that are no common word. Most of a cause is our own: masking a common word there
        would give it away.
        """
        words = {one for one in self._secrets if re.fullmatch("[A-Za-z]{4,12}", _unquoted(one))}
        return Echoes((one for one in self._secrets if one not in words), self._words)

    @cached_property
    def _spelt(self) -> list[str]:
        """The words as forms and addresses write them, too."""
        return _longest(
            one for word in self._words for one in (word, word.rstrip("="), _percent(word))
        )

    @cached_property
    def _looked_for(self) -> list[_Sought]:
        return sought(self._secrets)

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


def sought(secrets: Iterable[str]) -> list[_Sought]:
    """What to look for so that a secret is found behind any encoding; see `hides`."""
    # A secret may look as if it were encoded itself.
    found = dict.fromkeys(one for secret in secrets for one in (secret, _unquoted(secret)))
    return [_one_sought(one) for one in found if len(one) > 3]


@lru_cache(maxsize=1024)
def _one_sought(secret: str) -> _Sought:
    """One of them; those that a run was given are looked for in hundreds of reports."""
    return _Sought(secret, decodings.skeleton(secret))


def hides(content: str, secrets: list[_Sought]) -> list[_Sought]:
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
        word = _unquoted(word)
    return word.replace("-", "+").replace("_", "/").rstrip("=")


def _random(part: str) -> bool:
    """Whether it is no word of anybody's, nor padding."""
    mixed = any(c.isdigit() for c in part) or not (part.islower() or part.isupper())
    return mixed and len(set(part)) > _PART // 2


@lru_cache(maxsize=16)
def spellings(secret: str) -> frozenset[str]:
    """A secret as it may come back: as it is, with its blanks folded, and as XML, HTML, forms,
    JSON, hexadecimal and base64 write it, whether they write all of it in codes or what they must.
    """
    data = secret.encode("utf-8", "replace")
    found = {secret, _escaped(secret)}
    for quote in ("&apos;", "&#x27;"):
        found.add(_escaped(secret).replace('"', "&quot;").replace("'", quote))
    for coded in (
        _percent(secret, "/"),
        _percent(secret),
        _percent(secret, " ").replace(" ", "+"),
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
    found |= _base64(base64.b64encode(data)) | _base64(_percent(secret).encode())
    for encoding in ("utf-16-le", "utf-16-be"):
        found |= _base64(secret.encode(encoding, "replace"))
    found |= {" ".join(one.split()) for one in found}
    return frozenset(one for one in found if len(one) > 3)


#: What percent-encoding leaves as it is (RFC 3986 2.3).
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"


def _percent(text: str, also: str = "") -> str:
    """Percent-encoding of all but the unreserved characters, and some others."""
    if not text.strip(_UNRESERVED):
        return text
    kept = (_UNRESERVED + also).encode()
    data = text.encode("utf-8", "replace")
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in data)


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _escaped(text: str) -> str:
    """As XML writes text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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


def of_run(confided: Confided) -> set[str]:
    """All spellings of the secrets that a run was given."""
    return {spelling for secret in _given(confided) for spelling in spellings(secret)}


def words_of_run(confided: Confided) -> set[str]:
    """Those of them that look generated, and so are known by their parts as well: a part of one
    that is made of words may be a part of a name.
    """
    long = (secret for secret in _given(confided) if len(secret) >= _GENERATED)
    return {secret for secret in long if not re.search("[a-z]{6}", secret)}


def _given(confided: Confided) -> list[str]:
    # A word of the address would make every output unreadable, and hides nothing.
    said = " ".join(confided.openly).lower()
    secrets = [secret.reveal() for _, secret in confided.secrets]
    return [secret for secret in secrets if len(secret) > 3 and secret.lower() not in said]
