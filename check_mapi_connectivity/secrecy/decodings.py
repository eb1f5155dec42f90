"""What a text says once what hides it is undone: how a secret that is echoed may be spelt.

Invisible characters, character references, percent-encoding, quoted-printable, escapes of JSON, C
and shells, lists of numbers, and these within each other. All work is linear in the text.
"""

from __future__ import annotations

import re
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Decodings that a text may hide a secret under: a gateway may quote what another one quoted.
_LAYERS = 3

#: Letters and digits that a secret has at least to be known by them alone.
_BONES = 8

#: Characters of ASCII that are neither letters in lower case nor digits.
_NO_BONES = bytes({*range(128)}.difference(b"0123456789abcdefghijklmnopqrstuvwxyz"))

#: Runs of bytes in hexadecimal or octal: `\x41`, `=41`, `\101`; each with what it begins with.
_BYTES = tuple(
    (mark, rf"(?:{re.escape(mark)}{digits})+", f"{re.escape(mark)}({digits})", base)
    for mark, digits, base in (
        ("\\x", "[0-9A-Fa-f]{2}", 16),
        ("=", "[0-9A-Fa-f]{2}", 16),
        ("\\", "[0-3][0-7]{2}", 8),
    )
)
_CHARACTERS = (r"\\u\{?([0-9A-Fa-f]{4}|(?<=\{)[0-9A-Fa-f]{1,6})\}?", r"\\U([0-9A-Fa-f]{8})")
#: What parts lines and columns, and is seen.
_WHITE = dict.fromkeys(map(ord, "\r\n\t"))
#: Beginning with a digit, it is found ten times as fast as with what must not stand before one.
_NUMBERS = r"[0-9](?<![0-9]{2})[0-9]{1,2}(?:[,; ]{1,3}[0-9]{2,3}){5,}"


def views(content: str) -> Iterator[str]:
    r"""The text without invisible characters, and as each decoding has it.

    >>> sorted({*views(r"p\x61\x73s")})
    ['p\\x61\\x73s', 'pass']
    """
    if "=" in content:
        content = re.sub("=\r?\n", "", content)
    if not content.translate(_WHITE).isprintable():
        content = "".join(c for c in content if c.isprintable() or c in "\r\n\t")
    yield content
    for _ in range(_LAYERS):
        plain = _unescaped(content)
        if plain != content:
            yield plain
        # A reference of thousands of digits is beyond what int() takes.
        text = content
        if "&#" in text:
            text = re.sub(r"&#0+(?=[0-9])", "&#", content)
            text = re.sub(r"&#[0-9]{8,};?", " ", text)
        blanks, text = _decoded(text)
        if blanks != text:
            yield blanks
        if text != content:
            yield text
        decoded = plain if text == content else _unescaped(text)
        if decoded != text:
            yield decoded
        if decoded == content:
            return
        content = decoded


def _decoded(text: str) -> tuple[str, str]:
    """Percent-encoding and character references undone, with a plus for a blank and without."""
    if not ("%" in text or "+" in text or "&" in text):
        return text, text
    from html import unescape
    from urllib.parse import unquote, unquote_plus

    return unescape(unquote_plus(text)), unescape(unquote(text))


def skeleton(text: str) -> str:
    """Letters and digits alone, which spaces and dashes between them, accents and another letter
    case leave as they are; empty for too few.

    >>> skeleton("c-o-r-r-E-C-T h"), skeleton("0x41 0x42"), skeleton("abc")
    ('correcth', '', '')
    """
    if text.isascii():
        # Nearly all texts are, and letter by letter this takes thirty times as long.
        found = text.lower().encode().translate(None, _NO_BONES).decode()
    else:
        from unicodedata import normalize

        # Accents become characters of their own, which are no letters.
        found = "".join(filter(str.isalnum, normalize("NFKD", text).casefold()))
    found = found.replace("0x", "")
    return found if len(found) >= _BONES else ""


def _unescaped(text: str) -> str:
    """Without bytes and characters in codes."""
    for mark, runs, one, base in _BYTES:
        if mark in text:
            text = re.sub(runs, partial(_bytes, one=one, base=base), text)
    if "\\" in text:
        for pattern in _CHARACTERS:
            text = re.sub(pattern, lambda found: _character(int(found[1], 16)), text)
        text = re.sub(r"\\+([^\w\s])", r"\1", text)
    if "," not in text:
        return text
    return re.sub(_NUMBERS, lambda run: "".join(map(_number, re.findall("[0-9]+", run[0]))), text)


def _bytes(run: re.Match[str], one: str, base: int) -> str:
    found = bytes(int(digits, base) for digits in re.findall(one, run[0]))
    return found.decode("utf-8", "replace")


def _number(digits: str) -> str:
    return _character(int(digits))


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 else " "
