"""HTTP/1.1 by ourselves, over the sockets of a Route: what one request and its answer need.

Strategy: `head` reads the head, by its rules and limits, and says in one word where the body ends.
A connection is used on where its answer was read to that end, the other side has not said that it
closes, and nothing lies there that nobody asked for.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from functools import partial

from .. import head
from ..answer import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..head import Head
    from ..route import Route
    from .request import Request

    _Place = tuple[bool, str, int]

#: Seconds for the alert of a connection that has been closed already.
_LAST_WORDS = 0.5

#: Bytes that are taken of a connection at once: one record of TLS.
_PIECE = 16384


class Plain:
    """The connections of one transport."""

    def __init__(self, route: Route) -> None:
        self._route = route
        #: Place of a request -> the connection that waits for its next one there.
        self._kept: dict[_Place, _Wire] = {}

    def send(self, request: Request, until: float | None) -> Response:
        """See Carrier."""
        data = request.head + request.body
        wire = self._wire(request)
        wire.until = until
        try:
            wire.send(data)
            found = head.read(wire, request.method)
        except BaseException:
            wire.close()
            raise
        if found.odd:
            self._route.odd(found.oddities)
        keep = partial(self._kept.__setitem__, _place(request))
        return Response(found, wire, request.method, keep)

    def open(self, request: Request) -> None:
        """See Carrier."""
        self._kept[_place(request)] = self._wire(request)

    def close(self) -> None:
        """See Carrier."""
        for wire in self._kept.values():
            wire.close()
        self._kept.clear()

    def _wire(self, request: Request) -> _Wire:
        """The kept connection, or a new one. Raises CheckFailure, NotKept."""
        kept = self._kept.pop(_place(request), None)
        if kept is not None and kept.usable():
            return kept
        if kept is not None:
            kept.close()
        opening = self._route.open if request.tls else self._route.open_plain
        wire = _Wire(opening(request.host, request.port))
        self._route.watch.start(self._route.phase)
        return wire


def _place(request: Request) -> _Place:
    """Whether by TLS, host and port: what is secret must not follow to a port by what was opened to
    it without TLS.
    """
    return request.tls, request.host, request.port


class _Wire:
    """A connection, and what has come of it and not been read.

    Raises OSError, and head.Late at `until` (monotonic clock).
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._ahead = bytearray()
        self.until: float | None = None
        #: Whether it was just opened: a ticket of TLS 1.3, sent right after the handshake, is no
        #: sign of a closed connection.
        self._fresh = True

    def usable(self) -> bool:
        """Whether a request can be sent: nothing has come unasked, not even the end."""
        if self._fresh:
            return True
        if self._ahead.strip(b"\r\n"):
            return False
        self._ahead.clear()
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        return not poll.poll(0)

    def send(self, data: bytes) -> None:
        """Send, and have the other side's last words where it does not listen any more."""
        self._fresh = False
        self._wait()
        try:
            self._sock.sendall(data)
        except ssl.SSLError:
            # Why the other side has gone may have come before that it has.
            self._sock.settimeout(_LAST_WORDS)
            self._sock.recv(1)
            raise
        except (BrokenPipeError, ConnectionResetError):
            # It may have answered before it stopped to listen; else reading says the same.
            pass
        except socket.timeout as error:
            raise self._late(error) from None

    def readline(self, limit: int) -> bytes:
        """One line with its end, or so many bytes of it; what there is at the end."""
        looked = 0
        while True:
            end = self._ahead.find(b"\n", looked, limit) + 1
            looked = len(self._ahead)
            if end or looked >= limit or not self._more():
                return self._take(end or limit)

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        if not self._ahead:
            self._more()
        return self._take(size)

    def exactly(self, size: int) -> bytes:
        """So many bytes; fewer at the end."""
        while len(self._ahead) < size and self._more():
            pass
        return self._take(size)

    def _take(self, size: int) -> bytes:
        found = bytes(self._ahead[:size])
        del self._ahead[:size]
        return found

    def _more(self) -> bool:
        """Wait for more; whether there is any."""
        self._wait()
        try:
            data = self._sock.recv(_PIECE)
        except socket.timeout as error:
            raise self._late(error) from None
        self._ahead += data
        return bool(data)

    def _wait(self) -> None:
        """Have the next wait end in time."""
        left = None if self.until is None else self.until - time.monotonic()
        if left is not None and left <= 0:
            raise head.Late
        if left is not None or self._sock.gettimeout() is not None:
            self._sock.settimeout(left)

    def _late(self, error: OSError) -> Exception:
        # TCP's own time-out is one of the connection, and has a number.
        return error if error.errno else head.Late()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._sock.close()


class Response:
    """An answer whose head has been read; see Carrier's."""

    def __init__(
        self, found: Head, wire: _Wire, method: str, keep: Callable[[_Wire], None]
    ) -> None:
        self.status = found.status
        self.reason = found.reason.decode("latin-1").strip()
        seen = found.seen
        self.lines = tuple((name.decode("latin-1"), text.decode("latin-1")) for name, text in seen)
        self.headers = Headers(self.lines)
        if len(self.headers) < len(self.lines):
            # One of them comes more than once.
            self.lines = _grouped(self.lines)
            self.headers = Headers.merged(self.lines)
        self._wire, self._keep = wire, keep
        self._over = method == "HEAD" or found.status in (101, 204, 304)
        length, self._chunked = found.framing
        #: Bytes that are left of the body, or of the chunk; None for all until the end.
        self._left = 0 if self._chunked else length
        #: What the body, or the chunk, has in whole; and what was read before the chunk.
        self._whole, self._before = self._left or 0, 0
        self._kept = not (found.closing or found.odd) and (self._over or self._left is not None)

    def read(self, size: int) -> bytes:
        """See Carrier."""
        parts: list[bytes] = []
        try:
            while size > 0 and not self._over:
                parts.append(self._piece(size))
                size -= len(parts[-1])
        except ssl.SSLError:
            raise
        except OSError as error:
            raise head.BrokenOff(self._came, f"{type(error).__name__}: {error}") from None
        except ValueError:
            raise head.BrokenOff(self._came, head.MISSING) from None
        return b"".join(parts)

    @property
    def _came(self) -> int:
        """Bytes of the body that have come, of chunks those of whole ones."""
        return self._before + (0 if self._chunked else self._whole - (self._left or 0))

    def _piece(self, size: int) -> bytes:
        """The next bytes of the body; none at its end. Raises ValueError, OSError."""
        if self._chunked and not self._left:
            self._left = self._whole = head.chunk_size(self._wire.readline(head.LINE_LIMIT))
            if not self._left:
                head.pass_trailers(self._wire)
        if self._left == 0:
            self._over = True
            return b""
        piece = self._wire.read(size if self._left is None else min(size, self._left))
        if self._left is None:
            self._over = not piece
            self._whole += len(piece)
            return piece
        if not piece:
            raise ValueError
        self._left -= len(piece)
        if self._chunked and not self._left:
            self._before += self._whole
            if len(self._wire.exactly(2)) < 2:
                raise ValueError
        return piece

    def close(self) -> None:
        """See Carrier."""
        # A body may have come to its end without having been asked for that.
        if self._kept and (self._over or not (self._chunked or self._left)):
            self._keep(self._wire)
        else:
            self._wire.close()


def _grouped(lines: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Headers with those of one name together, in its first spelling."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, value in lines:
        known = found.setdefault(name.lower(), [])
        known.append((known[0][0] if known else name, value))
    return tuple(one for known in found.values() for one in known)
