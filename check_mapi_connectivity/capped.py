"""An HTTP answer whose status line and headers end after a fixed number of bytes.

http.client itself allows 100 lines of 64 KiB each, and before them any number of `100 Continue`,
from Python 3.14 on a hundred.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Bytes of status line and headers that are read of one answer.
HEADER_LIMIT = 65536

#: Answers that may come before the final one (RFC 9110 15.2).
INTERIM_LIMIT = 50


class CappedResponse(http.client.HTTPResponse):
    """Raises http.client.HTTPException when the answer's head is longer than `HEADER_LIMIT`, or
    more than `INTERIM_LIMIT` answers come before it.
    """

    def begin(self) -> None:
        """Read status line and headers."""
        stream = self.fp
        self.fp: Any = _Head(stream)
        try:
            super().begin()
        finally:
            # http.client drops the stream itself when the status line is no HTTP.
            if self.fp is not None:
                self.fp = stream


class _Head:
    """The part of a stream that begin() reads."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = HEADER_LIMIT
        self._heads = 0
        self._begun = False

    def readline(self, limit: int) -> bytes:
        if self._heads > INTERIM_LIMIT:
            raise http.client.HTTPException(f"headers of more than {INTERIM_LIMIT} answers")
        line: bytes = self._stream.readline(limit)
        if self._begun and not line.endswith(b"\n"):
            # http.client takes the end of the connection for the end of the headers.
            raise http.client.RemoteDisconnected("the headers break off")
        self._begun = True
        self._left -= len(line)
        if self._left < 0:
            raise http.client.HTTPException(f"more than {HEADER_LIMIT // 1024} KiB of headers")
        self._heads += line in (b"\r\n", b"\n")
        return line

    def close(self) -> None:
        self._stream.close()
