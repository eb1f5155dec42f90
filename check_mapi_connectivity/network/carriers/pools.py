"""urllib3's connections and pools, which open connections by a Route."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..route import Route
from .capped import CappedResponse

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
        if opened is not None:
            return opened
        found: Any = super()._get_conn(timeout)
        if _ahead(found.sock):
            found.close()
        return found


def _ahead(secured: Any) -> bool:
    """Whether more has come by TLS than was read: what nobody asked for would be the next answer.

    urllib3 looks at the socket alone, where what was decrypted with the rest lies no more.
    """
    if secured is None:
        return False
    # TLS within TLS is urllib3's own.
    within = getattr(secured, "sslobj", None)
    if within is None:
        return bool(secured.pending())
    return bool(within.pending() or secured.incoming.pending)


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
