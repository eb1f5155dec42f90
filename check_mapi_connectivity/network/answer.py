"""One answer of a server, as a value."""

from __future__ import annotations

from collections.abc import Mapping

from ..base.reading import untrusted
from ..base.value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: Bytes of a body, decoded, that are read of one answer.
BODY_LIMIT = 4 << 20

#: Bytes of a sign-in's answer that are taken for JSON; a token has some KiB.
SIGN_IN_LIMIT = 64 << 10


class Headers(Mapping[str, str]):
    """Headers by their names in any letter case, in the spelling and order of their first lines."""

    __slots__ = ("_found",)

    def __init__(self, given: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = given.items() if isinstance(given, Mapping) else given
        self._found = {name.lower(): (name, value) for name, value in pairs}

    @classmethod
    def merged(cls, lines: Iterable[tuple[str, str]]) -> Headers:
        """Headers of lines; values of one name with commas between (RFC 9110 5.3)."""
        made = cls()
        for name, value in lines:
            spelt, before = made._found.get(name.lower(), (name, None))
            made._found[name.lower()] = spelt, value if before is None else f"{before}, {value}"
        return made

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()][1]

    if not TYPE_CHECKING:
        # Mapping's own look up header by header, and would raise and catch for each that is not
        # there.
        def get(self, name: str, default: Any = None) -> Any:
            """The value of a header, or what stands for none."""
            found = self._found.get(name.lower())
            return default if found is None else found[1]

        def __contains__(self, name: str) -> bool:
            return name.lower() in self._found

        def values(self) -> list[str]:
            """The values, in the order of the headers."""
            return [value for _, value in self._found.values()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return repr(dict(self.items()))


class Answer(NamedTuple):
    """An HTTP answer read to its end; `body` is decoded where its encoding holds true, else as it
    came; `lines` are the headers one by one, `received` is when it was there in seconds since 1970.
    """

    url: str
    host: str
    status: int
    reason: str
    headers: Headers
    body: bytes
    decoded: bool = True
    lines: tuple[tuple[str, str], ...] = ()
    received: float = 0.0

    def all(self, name: str) -> list[str]:
        """Every value of a header that may come more than once."""
        return [value for line, value in self.lines if line.lower() == name.lower()]

    def json(self) -> Any:
        """The body as JSON; None for one that is none, or that is beyond all measure."""
        return untrusted.document(self.body)

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return untrusted.text(self.body)


def host_of(url: str) -> str:
    """The host of a URL."""
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or url


def place(url: str) -> tuple[str, int]:
    """Host and port of a URL, as connections are known by."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or (80 if parts.scheme == "http" else 443)
