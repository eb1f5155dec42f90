"""What every way to carry a request has in common."""

from __future__ import annotations

from typing import Protocol

from ..answer import Headers
from .request import Request


class Response(Protocol):
    """An answer whose head has been read."""

    status: int
    reason: str
    headers: Headers
    #: The headers one by one.
    lines: tuple[tuple[str, str], ...]

    def read(self, size: int) -> bytes:
        """So many bytes of the body or fewer, as they came; none at its end.

        Raises ssl.SSLError, head.BrokenOff, head.Late.
        """

    def close(self) -> None:
        """Nothing more is read of it; its connection is kept where it has been read to its end."""


class Carrier(Protocol):
    """Connections of one transport; at most one to each host, kept from one request to the next."""

    def send(self, request: Request, until: float | None) -> Response:
        """Send, and read the head of the answer; at `until` (monotonic clock) all waiting ends, for
        the body, too.

        Raises CheckFailure and route.NotKept where no connection comes about, then OSError,
        head.HeadError, head.Late.
        """

    def open(self, request: Request) -> None:
        """Open the connection that the next request to this host will use, if there is none.

        Raises CheckFailure.
        """

    def close(self) -> None:
        """Close all connections."""
