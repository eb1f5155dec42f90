"""HTTP by requests and urllib3, over connections that a Route opens: what follows every odd way."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from .. import head
from ..answer import Headers
from .pools import pool_classes

if TYPE_CHECKING:
    from typing import Any

    from ..route import Route
    from .request import Request


class _Adapter(HTTPAdapter):
    """requests' adapter with our connections in the pool.

    Certificates are the connection's own affair.
    """

    def __init__(self, route: Route) -> None:
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = pool_classes(route)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: Any, **__: Any
    ) -> Any:
        """The one pool of a host, which `open` uses, too (requests 2.32 and later)."""
        return self.poolmanager.connection_from_url(request.url)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to do: Route verifies every connection."""


class _Session(requests.Session):
    """A session that knows no redirects.

    requests reads and decodes the body of a redirect without limit, even one it is told not to
    follow.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None for every answer."""


class ByRequests:
    """One session of requests for one transport."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._session = _Session()
        # Environment proxies, CA variables and .netrc would otherwise win over what the options
        # say.
        self._session.trust_env = False
        # Cookies belong to a session with one server; who has one keeps them himself.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter: Any = _Adapter(route)
        self._pools = adapter.poolmanager
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(self, request: Request, until: float | None) -> Response:
        """See Carrier."""
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = request.method, request.url
        prepared.headers = requests.structures.CaseInsensitiveDict(request.headers)
        prepared.body = request.body or None
        prepared.hooks = requests.hooks.default_hooks()
        cut = Cut(self._route, (request.host, request.port), until)
        try:
            response = self._session.send(
                prepared, stream=True, allow_redirects=False, timeout=None
            )
        except BaseException as error:
            cut.done()
            if isinstance(error, requests.RequestException):
                raise _innermost(error) from None
            raise
        return Response(response, cut)

    def open(self, request: Request) -> None:
        """See Carrier."""
        self._pools.connection_from_url(request.url).open()

    def close(self) -> None:
        """See Carrier."""
        self._session.close()


class Response:
    """An answer whose head has been read; see Carrier's."""

    def __init__(self, response: requests.Response, cut: Cut) -> None:
        self.status = response.status_code
        self.reason = response.reason or ""
        self.headers = Headers(response.headers)
        self.lines = tuple(response.raw.headers.items())
        # urllib3 before 2 takes a body for whole that ends before its announced length.
        response.raw.enforce_content_length = True
        self._response, self._cut = response, cut
        self._size = 0

    def read(self, size: int) -> bytes:
        """See Carrier."""
        try:
            piece: bytes = self._response.raw.read(size, decode_content=False)
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            self._cut.done()
            cause = _innermost(error)
            if isinstance(cause, ssl.SSLError):
                raise cause from None
            raise self._broken_off(error, cause) from None
        if not piece:
            # What came may be but the beginning: a cut looks like the end.
            self._cut.done()
        self._size += len(piece)
        return piece

    def _broken_off(self, error: Exception, cause: BaseException) -> head.BrokenOff:
        known = error.args[1] if len(error.args) > 1 else error
        partial = known.partial if isinstance(known, http.client.IncompleteRead) else b""
        # urllib3 counts the whole body, http.client gives what was left over of the last read.
        size = partial if isinstance(partial, int) else self._size + len(partial)
        if isinstance(cause, OSError):
            return head.BrokenOff(size, f"{type(cause).__name__}: {cause}")
        return head.BrokenOff(size, head.MISSING)

    def close(self) -> None:
        """See Carrier."""
        self._cut.end()
        self._response.close()


def _innermost(error: BaseException) -> BaseException:
    """The error that libraries have wrapped into theirs; in our words where there is none."""
    for _ in range(8):
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return error
        if isinstance(error, http.client.HTTPException):
            break
        deeper = next(
            (
                part
                for part in (*error.args, getattr(error, "reason", None))
                if isinstance(part, BaseException)
            ),
            None,
        )
        if deeper is None:
            break
        error = deeper
    return head.no_http(f"{type(error).__name__}: {error}")


class Cut:
    """Ends a connection at a time (of the monotonic clock): whoever waits for it comes back.

    The deadline itself is the watchdog's; this one leaves time to put things in order before it.
    """

    def __init__(self, route: Route, place: tuple[str, int], until: float | None) -> None:
        self._route = route
        self._place = place
        self._late = False
        self._timer: threading.Timer | None = None
        if until is not None:
            self._timer = threading.Timer(max(0.0, until - time.monotonic()), self._cut)
            self._timer.daemon = True
            # Without another thread the watchdog has to do alone.
            with contextlib.suppress(RuntimeError):
                self._timer.start()

    def end(self) -> None:
        """It is needed no more."""
        if self._timer is not None:
            self._timer.cancel()

    def done(self) -> None:
        """The same; raises head.Late where it has come before."""
        self.end()
        if self._late:
            raise head.Late

    def _cut(self) -> None:
        self._late = True
        sock = self._route.sockets.get(self._place)
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own: that one takes the session from under the thread reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
