"""One answer of a server, as a value."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
from requests.structures import CaseInsensitiveDict

from ..base.reading import untrusted

if TYPE_CHECKING:
    from typing import Any

#: Bytes of a body, decoded, that are read of one answer.
BODY_LIMIT = 4 << 20

#: Bytes of a sign-in's answer that are taken for JSON; a token has some KiB.
SIGN_IN_LIMIT = 64 << 10


@dataclass(frozen=True)
class Answer:
    """An HTTP answer read to its end; `body` is decoded where its encoding holds true, else as it
    came; `lines` are the headers one by one, `received` is when it was there in seconds since 1970.
    """

    url: str
    host: str
    status: int
    reason: str
    headers: CaseInsensitiveDict[str]
    body: bytes
    decoded: bool = True
    lines: tuple[tuple[str, str], ...] = ()
    received: float = field(default_factory=time.time)

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
    return requests.compat.urlparse(url).hostname or url


def place(url: str) -> tuple[str, int]:
    """Host and port of a URL, as connections are known by."""
    parts = requests.compat.urlparse(url)
    return (parts.hostname or "").rstrip("."), parts.port or (80 if parts.scheme == "http" else 443)
