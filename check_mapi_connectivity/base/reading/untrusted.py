"""JSON and tokens from strangers: the one reader, tolerant of byte order marks and bounded."""

from __future__ import annotations

import base64
import binascii
import json
import math
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: Bytes of a body that are taken for JSON: a hundred times what the services send, and parsed it
#: still fits into little memory.
JSON_LIMIT = 512 << 10


def document(data: bytes | str, limit: int = JSON_LIMIT) -> Any:
    r"""JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark (RFC 8259 8.1), and NUL
    behind it, as buffers in C have it; None for what is none, or is longer than `limit`.

    >>> document(b"\xef\xbb\xbf[1]"), document("[1]".encode("utf-16")), document("{")
    ([1], [1], None)
    """
    if len(data) > limit:
        return None
    try:
        return _DECODER.decode(text(data).rstrip("\0"))
    except (ValueError, RecursionError):
        return None


def text(data: bytes | str) -> str:
    r"""A body as text without its byte order mark, whatever it is.

    >>> text(b"\xff\xfea\0"), text(b"\xef\xbb\xbf\xff")
    ('a', '\ufffd')
    """
    if isinstance(data, bytes):
        data = data.decode(json.detect_encoding(data), "replace")
    return data[1:] if data.startswith("\ufeff") else data


def integer(digits: str) -> float:
    """A JSON integer; int() of thousands of digits would take longer than any deadline."""
    return int(digits) if len(digits) < 20 else float(digits)


#: One for all documents: making it takes as long as reading a short one.
_DECODER = json.JSONDecoder(parse_int=integer)


@lru_cache(maxsize=8)
def claims(token: str) -> Mapping[str, Any]:
    """The claims of a JWT without any check; empty when it is none. Of one token in hundreds of
    requests they are read once.

    >>> claims("x.eyJ0aWQiOiAiYSJ9.y"), claims("opaque")
    ({'tid': 'a'}, {})
    """
    try:
        payload = token.split(".")[1]
        found = document(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


#: The last second since 1970 that a calendar can show.
YEAR_9999 = 253402300799.0

#: Characters of a text, and items of a list, unless more are allowed.
_LONGEST, _MOST = 100_000, 10_000


class Odd(Exception):
    """A member that is not what it should be; its text is the member's path."""


class Fields:
    """The members of one object; `path` is where it stands. Every method raises Odd."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise Odd(path.rstrip(".") or "all of it")
        self._members: dict[str, Any] = value
        self._asked: set[str] = set()
        self._inner: list[Fields] = []
        self.path = path

    def there(self, name: str) -> bool:
        """Whether the member has a value."""
        return self._member(name) is not None

    def close(self) -> None:
        """See that nothing is left that was not asked for, here or in objects within."""
        for name in self._members:
            if name not in self._asked:
                raise self._odd(name if name.isprintable() else "a member")
        for one in self._inner:
            one.close()

    def _member(self, name: str) -> Any:
        self._asked.add(name)
        return self._members.get(name)

    def _odd(self, name: str) -> Odd:
        return Odd(f"{self.path}{name}")

    def text(self, name: str, limit: int = _LONGEST) -> str:
        """A text that UTF-8 can hold."""
        return self._text(name, self._member(name), limit)

    def _text(self, name: str, value: object, limit: int = _LONGEST) -> str:
        if not isinstance(value, str) or len(value) > limit:
            raise self._odd(name)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self._odd(name) from None
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of some words."""
        found = self.text(name)
        if found not in choices:
            raise self._odd(name)
        return found

    def flag(self, name: str) -> bool:
        """True or false."""
        found = self._member(name)
        if not isinstance(found, bool):
            raise self._odd(name)
        return found

    def flag_or(self, name: str, word: str) -> bool | str:
        """True, false, or this word."""
        return word if self._member(name) == word else self.flag(name)

    def number(self, name: str, most: float, least: float = 0.0) -> float:
        """A number within bounds."""
        found = self._member(name)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise self._odd(name)
        if not least <= found <= most or math.isnan(found):
            raise self._odd(name)
        return float(found)

    def whole(self, name: str, most: int) -> int:
        """An integer from 0 on."""
        return self._whole(name, self._member(name), most)

    def _whole(self, name: str, found: object, most: int) -> int:
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= most:
            raise self._odd(name)
        return found

    def inner(self, name: str) -> Fields:
        """An object."""
        return self._within(self._member(name), f"{self.path}{name}.")

    def _within(self, value: object, path: str) -> Fields:
        self._inner.append(Fields(value, path))
        return self._inner[-1]

    def sized(self, name: str, size: int) -> list[Any]:
        """A list of that many items."""
        found = self._member(name)
        if not isinstance(found, list) or len(found) != size:
            raise self._odd(name)
        return found

    def items(self, name: str, most: int = _MOST) -> list[Any]:
        """A list; empty where there is none."""
        self._asked.add(name)
        found = self._members.get(name, [])
        if not isinstance(found, list) or len(found) > most:
            raise self._odd(name)
        return found

    def inners(self, name: str, most: int) -> list[Fields]:
        """A list of objects."""
        found = self.items(name, most)
        return [
            self._within(one, f"{self.path}{name}[{index}].") for index, one in enumerate(found)
        ]

    def lists(self, name: str, most: int) -> list[list[Any]]:
        """A list of lists."""
        found = self.items(name, most)
        if not all(isinstance(one, list) for one in found):
            raise self._odd(name)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._text(name, one) for one in self.items(name))

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of texts."""
        found = self.lists(name, _MOST)
        if not all(len(pair) == 2 for pair in found):
            raise self._odd(name)
        return tuple((self._text(name, one), self._text(name, other)) for one, other in found)

    def texts_by_name(self, name: str) -> dict[str, str]:
        """An object of texts; empty where there is none."""
        found = self._named(name)
        return {self._text(name, one): self._text(name, text) for one, text in found.items()}

    def _named(self, name: str) -> dict[str, Any]:
        self._asked.add(name)
        found = Fields(self._members.get(name, {}), f"{self.path}{name}.")._members
        if len(found) > _MOST:
            raise self._odd(name)
        return found

    def wholes_by_name(self, name: str) -> dict[str, int]:
        """An object of integers from 0 on; empty where there is none."""
        found = self._named(name)
        return {
            self._text(name, one): self._whole(name, count, 10**6) for one, count in found.items()
        }

    def body(self, name: str) -> bytes:
        """A body: a text, or an object with its base64 or its Latin-1."""
        found = self._member(name)
        if isinstance(found, dict):
            inner = self.inner(name)
            try:
                if inner.there("latin-1"):
                    return inner.text("latin-1", 1 << 23).encode("latin-1")
                return base64.b64decode(inner.text("base64", 1 << 25), validate=True)
            except (binascii.Error, ValueError):
                raise self._odd(name) from None
        return self._text(name, found, 1 << 23).encode()

    def hex(self, name: str) -> bytes:
        """Bytes in hex."""
        try:
            return bytes.fromhex(self.text(name))
        except ValueError:
            raise self._odd(name) from None
