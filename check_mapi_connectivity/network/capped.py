"""An HTTP answer whose status line, headers and trailers are read by our own rules."""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, Callable

from . import head

if TYPE_CHECKING:
    import socket
    from typing import Any

#: Bytes of the line before a chunk, and of all lines behind the last one.
_LINE_LIMIT = 4096
_TRAILER_LIMIT = 16384


class CappedResponse(http.client.HTTPResponse):
    """Raises head.HeadError, an HTTPException, for a head that cannot be used.

    `told`, of a subclass, learns of header lines that are odd.
    """

    told: Callable[[list[str]], None] | None = None

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: Any = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._asked_by = method

    def begin(self) -> None:
        """Read status line and headers."""
        stream: Any = self.fp
        found = head.read(stream, self._asked_by)
        if found.odd and self.told is not None:
            self.told(found.oddities)
        self.fp: Any = io.BytesIO(found.uniform)
        try:
            super().begin()
        finally:
            self.fp = stream

    def _read_next_chunk_size(self) -> int:
        """What http.client asks for before each chunk; int() of it would take a sign, too."""
        return head.chunk_size(self.fp.readline(_LINE_LIMIT))

    def _read_and_discard_trailer(self) -> None:
        """What http.client calls after the last chunk, which it does without a limit."""
        left = _TRAILER_LIMIT
        while True:
            line = self.fp.readline(left)
            left -= len(line)
            if line in (b"\r\n", b"\n", b""):
                return
            if left <= 0:
                raise http.client.HTTPException("endless lines behind the last chunk")
