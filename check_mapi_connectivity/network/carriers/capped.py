"""http.client's response with our own head, chunks and trailers."""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, Callable

from .. import head

if TYPE_CHECKING:
    import socket
    from typing import Any


class CappedResponse(http.client.HTTPResponse):
    """Raises head.HeadError and head.Disconnected for a head that cannot be used.

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
        return head.chunk_size(self.fp.readline(head.LINE_LIMIT))

    def _read_and_discard_trailer(self) -> None:
        """What http.client calls after the last chunk, which it does without a limit."""
        try:
            head.pass_trailers(self.fp)
        except ValueError as error:
            raise http.client.HTTPException(str(error)) from None
