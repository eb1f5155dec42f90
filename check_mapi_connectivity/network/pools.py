"""urllib3's connections and pools, which open connections by a Route."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..base.failure import Failure
from .head import CappedResponse
from .route import Route

if TYPE_CHECKING:
    from typing import Any

#: Seconds for the alert of a connection that has been closed already.
_LAST_WORDS = 0.5


class Connection(HTTPSConnection):
    """An urllib3 connection that is opened by a Route, which learns of odd headers."""

    route: Route

    def send(self, data: Any) -> None:
        """Send, as http.client does. Raises OSError."""
        try:
            super().send(data)
        except ssl.SSLError:
            # Why the other side has gone may have come before that it has.
            self.sock.settimeout(_LAST_WORDS)
            self.sock.recv(1)
            raise
        except ConnectionError:
            # The same; what comes now, if it is no alert, says less than what was raised.
            self.sock.settimeout(_LAST_WORDS)
            with contextlib.suppress(ConnectionError, socket.timeout):
                self.sock.recv(1)
            raise

    def connect(self) -> None:
        """Open the connection. Raises CheckFailure."""
        self.sock = self.route.open(self.host, self.port or 443)
        self.is_verified = True
        self.route.watch.start(self.route.phase)


class PlainConnection(HTTPConnection):
    """The same without TLS."""

    route: Route

    def connect(self) -> None:
        """Open the connection. Raises CheckFailure."""
        self.sock = self.route.open_plain(self.host, self.port or 80)
        self.route.watch.start(self.route.phase)


class Pool(HTTPSConnectionPool):
    """A pool whose connection can be opened before there is a request for it."""

    _opened: Any = None

    def open(self) -> None:
        """Make sure that the connection used next is open. Raises CheckFailure."""
        connection: Any = self._get_conn()
        if connection.sock is None:
            connection.connect()
        # Not back into the queue: there a session ticket of TLS 1.3, sent right after the
        # handshake, would be taken for the sign of a closed connection.
        self._opened = connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        opened, self._opened = self._opened, None
        return super()._get_conn(timeout) if opened is None else opened


class Cut:
    """Ends a connection at a time (of the monotonic clock): whoever waits for it comes back.

    The deadline itself is the watchdog's; this one leaves time to put things in order before it.
    """

    def __init__(self, route: Route, place: tuple[str, int], until: float | None) -> None:
        self.failure: Failure | None = None
        self._route = route
        self._place = place
        self._timer: threading.Timer | None = None
        if until is not None:
            self._timer = threading.Timer(max(0.0, until - time.monotonic()), self._cut)

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            # Without another thread the watchdog has to do alone.
            with contextlib.suppress(RuntimeError):
                self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        deadline = self._route.deadline
        self.failure = self._route.times.timed_out(
            round(deadline.seconds - deadline.remaining(), 1)
        )
        sock = self._route.sockets.get(self._place)
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own: that one takes the session from under the thread reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def pool_classes(route: Route) -> dict[str, type[HTTPConnectionPool]]:
    """Scheme -> pool whose connections go by `route`; nothing global is changed."""
    response = type("RoutedResponse", (CappedResponse,), {"told": staticmethod(route.odd)})
    attributes = {"route": route, "response_class": response}
    secure = type("RoutedConnection", (Connection,), attributes)
    plain = type("RoutedPlainConnection", (PlainConnection,), attributes)
    return {
        "https": type("RoutedPool", (Pool,), {"ConnectionCls": secure}),
        "http": type("RoutedPlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
    }
