"""One requests session for everything: sign-in and mailbox go the same way, under the same caps.

An answer is a value, whatever its status: nothing here raises for 403 or 500. Redirects are never
followed, because a token would go with them; bodies are read to a limit and decoded to the same
limit; what goes over the wire is kept, masked, for `-vv`.
"""

from __future__ import annotations

import http.client
import json
import uuid
import zlib
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from . import __version__, masking
from .connection import Cut, Route, pool_classes
from .report import CheckFailure, Exchange, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .deadline import Deadline
    from .options import Options
    from .report import Report, Stopwatch

    #: Puts the bodies of a request and its answer (None for none) into words; None where it cannot.
    Reading = Callable[[bytes, "Answer | None"], "Lines | None"]

#: Bytes of a body, decoded, that are read of one answer.
BODY_LIMIT = 4 << 20

#: Bytes of a body that are taken for JSON: a hundred times what the services send, and parsed it
#: still fits into little memory.
JSON_LIMIT = 512 << 10

#: Requests that are kept for `-vv`.
_MOST_EXCHANGES = 60

USER_AGENT = f"check_mapi_connectivity/{__version__}"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer read to its end; `body` is decoded where its encoding holds true, else as it
    came; `lines` are the headers one by one.
    """

    url: str
    host: str
    status: int
    reason: str
    headers: CaseInsensitiveDict[str]
    body: bytes
    decoded: bool = True
    lines: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of a header that may come more than once."""
        return [value for line, value in self.lines if line.lower() == name.lower()]

    def json(self) -> Any:
        """The body as JSON; None for one that is none, or that is beyond all measure."""
        if len(self.body) > JSON_LIMIT:
            return None
        try:
            return json.loads(self.body, parse_int=_integer)
        except (ValueError, RecursionError):
            return None

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")


def _integer(text: str) -> float:
    """A JSON integer; int() of thousands of digits would take longer than any deadline."""
    return int(text) if len(text) < 20 else float(text)


class Lines(NamedTuple):
    """A request's and its answer's body in words, line by line."""

    sent: list[str]
    received: list[str]


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
        """The one pool of a host, which `Transport.connect` uses, too (requests 2.32 and later)."""
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


class Transport:
    """Sends requests for one report. Not for use by two threads at once."""

    def __init__(self, options: Options, deadline: Deadline, report: Report) -> None:
        self._route = Route(options, deadline, report)
        self._report = report
        self._detail = options.verbose >= 2
        self._bodies = options.verbose >= 3
        #: What was sent in confidence so far: nothing of it is read back from an answer.
        self._secrets: set[str] = set()
        self._session = _Session()
        # Environment proxies, CA variables and .netrc would otherwise win over what the options
        # say.
        self._session.trust_env = False
        # Cookies belong to a session with one server; who has one keeps them himself.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        adapter = _Adapter(self._route)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(
        self,
        method: str,
        url: str,
        watch: Stopwatch,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        params: Any = None,
        phase: str = "request",
        until: float | None = None,
        heard: Callable[[Answer], None] | None = None,
        reading: Reading | None = None,
    ) -> Answer:
        """One request and its whole answer; time is charged to `phase` of `watch`.

        Every request carries a fresh client-request-id. At `until` the connection is cut;
        `heard` is told of an answer when its headers are there, `reading` puts bodies that are no
        text into words. Raises CheckFailure for everything that is not an answer.
        """
        sent = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "client-request-id": str(uuid.uuid4()),
            **{name: str(value) for name, value in (headers or {}).items()},
        }
        try:
            prepared = self._session.prepare_request(
                requests.Request(method, url, headers=sent, data=data, params=params)
            )
        except requests.RequestException:
            raise CheckFailure(_no_address(url)) from None
        if params is None:
            # requests would spell some characters of a query differently.
            prepared.url = url
        self._secrets |= _confidential(sent, data)
        self._report.secrets |= self._secrets
        host = _host(prepared.url or url)
        self._report.host = host
        self._report.ids["client-request-id"] = sent["client-request-id"]
        self._route.watch, self._route.phase = watch, phase
        watch.start(phase)
        answer: Answer | None = None
        cut = Cut(self._route, _place(url), until)
        try:
            with cut:
                response = self._session.send(
                    prepared, stream=True, allow_redirects=False, timeout=None
                )
                with response:
                    if heard is not None:
                        heard(_answer(response, url, host, b""))
                    body = _read(response, host)
                    answer = _without(self._secrets, _answer(response, url, host, body))
            if cut.failure is not None:
                # What came may be but the beginning: a cut looks like the end.
                raise CheckFailure(cut.failure)
        except requests.RequestException as error:
            raise CheckFailure(cut.failure or _broken(error, host)) from None
        except CheckFailure as error:
            raise CheckFailure(cut.failure or error.failure) from None
        finally:
            watch.stop()
            if self._detail and len(self._report.exchanges) < _MOST_EXCHANGES:
                words = reading if self._bodies else None
                self._report.exchanges.append(_exchange(prepared, answer, words))
        return answer

    def connect(self, url: str, watch: Stopwatch, phase: str) -> bytes:
        """Open the connection that the next request to this host will use, if there is none.

        Returns the server's certificate in DER. Raises CheckFailure.
        """
        self._route.watch, self._route.phase = watch, phase
        adapter: Any = self._session.get_adapter(url)
        watch.start(phase)
        try:
            adapter.poolmanager.connection_from_url(url).open()
        finally:
            watch.stop()
        return self._route.sockets[_place(url)].getpeercert(binary_form=True) or b""

    @property
    def patience(self) -> float | None:
        """Seconds that a TCP connection or a TLS handshake may take; None for no limit."""
        return self._route.patience

    @patience.setter
    def patience(self, seconds: float | None) -> None:
        self._route.patience = seconds

    def connections(self, url: str) -> int:
        """How many connections were opened to this host so far."""
        return self._route.opened.get(_place(url), 0)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()
        for sock in self._route.sockets.values():
            sock.close()


def _confidential(headers: Mapping[str, str], data: object) -> set[str]:
    """Token and assertion of a request."""
    found = {headers.get("Authorization", "").partition(" ")[2]}
    if isinstance(data, dict):
        found |= {str(data.get(name, "")) for name in ("client_assertion", "client_secret")}
    return {secret for secret in found if len(secret) > 3}


def _without(secrets: set[str], answer: Answer) -> Answer:
    """The answer with every echo of a secret masked."""
    body = answer.body
    for secret in secrets:
        body = body.replace(secret.encode("utf-8", "replace"), masking.MASK.encode())
    headers = {name: masking.known(value, secrets) for name, value in answer.headers.items()}
    reason = masking.known(answer.reason, secrets)
    lines = tuple((name, masking.known(value, secrets)) for name, value in answer.lines)
    return replace(
        answer, reason=reason, headers=CaseInsensitiveDict(headers), body=body, lines=lines
    )


def _host(url: str) -> str:
    return requests.compat.urlparse(url).hostname or url


def _no_address(url: str) -> Failure:
    return Failure("protocol", f"{url[:80]} is no address that can be used", "check the host names")


def _place(url: str) -> tuple[str, int]:
    """Host and port of a URL, as connections are known by."""
    parts = requests.compat.urlparse(url)
    return (parts.hostname or "").rstrip("."), parts.port or 443


def _read(response: requests.Response, host: str) -> bytes:
    """The body as it came, undecoded. Raises CheckFailure."""
    # urllib3 before 2 takes a body for whole that ends before its announced length.
    response.raw.enforce_content_length = True
    chunks: list[bytes] = []
    size = 0
    try:
        while True:
            chunk = response.raw.read(65536, decode_content=False)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > BODY_LIMIT:
                raise CheckFailure(_too_large(host))
    except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        failure = Failure(
            "protocol",
            f"{host} breaks off its answer after {size} bytes",
            "a gateway or proxy may have cut it",
            f"HTTP {response.status_code}",
            detail=f"{type(error).__name__}: {error}",
        )
        raise CheckFailure(failure) from None


def _too_large(host: str) -> Failure:
    return Failure(
        "protocol",
        f"{host} sends more than {BODY_LIMIT >> 20} MiB",
        "what answers there is not the service",
    )


def _answer(response: requests.Response, url: str, host: str, body: bytes) -> Answer:
    decoded: bytes | None = body
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        decoded = _decode(encoding, body, host)
    return Answer(
        url,
        host,
        response.status_code,
        response.reason or "",
        CaseInsensitiveDict(response.headers),
        body if decoded is None else decoded,
        decoded is not None,
        tuple(response.raw.headers.items()),
    )


def _decode(encoding: str, body: bytes, host: str) -> bytes | None:
    """Undo gzip or deflate up to the limit; None when the body is not what its label says
    (reference sheet exchange-online 1.7).
    """
    for bits in {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}.get(encoding, ()):
        decoder = zlib.decompressobj(bits)
        try:
            plain = decoder.decompress(body, BODY_LIMIT + 1)
        except zlib.error:
            continue
        if len(plain) > BODY_LIMIT:
            raise CheckFailure(_too_large(host))
        if decoder.eof:
            return plain
    return None


def _broken(error: requests.RequestException, host: str) -> Failure:
    """What became of a request that got no answer."""
    cause: BaseException = error
    for _ in range(8):
        deeper = next(
            (
                part
                for part in (*cause.args, getattr(cause, "reason", None))
                if isinstance(part, BaseException)
            ),
            None,
        )
        if deeper is None or (
            isinstance(cause, (http.client.HTTPException, OSError))
            and not isinstance(cause, requests.RequestException)
        ):
            break
        cause = deeper
    detail = f"{type(cause).__name__}: {cause}"
    if isinstance(cause, http.client.RemoteDisconnected):
        return Failure(
            "connect",
            f"{host} closes the connection without an answer",
            "a gateway or proxy may cut it",
            transient=True,
        )
    if isinstance(cause, http.client.HTTPException) and "headers" in detail:
        remedy = "what answers there is not the service"
        return Failure("protocol", f"{host} sends endless headers", remedy, detail=detail)
    if isinstance(cause, (http.client.HTTPException, HTTPError, ValueError)):
        return Failure(
            "protocol",
            f"{host} answers with what is no HTTP",
            "what answers there is not the service",
            detail=detail,
        )
    reason = (getattr(cause, "strerror", None) or type(cause).__name__).lower()
    return Failure(
        "connect",
        f"{host} breaks the connection: {reason}",
        "a gateway or proxy may cut it",
        detail=detail,
        transient=True,
    )


def _exchange(
    prepared: requests.PreparedRequest, answer: Answer | None, reading: Reading | None
) -> Exchange:
    body = prepared.body or b""
    data = body if isinstance(body, bytes) else str(body).encode()
    sent = data.decode("utf-8", "replace")
    received = answer.text if answer else ""
    lines = reading(data, answer) if reading else None
    return Exchange(
        f"{prepared.method} {prepared.url}",
        masking.headers(prepared.headers),
        [masking.body(sent)] if lines is None else lines.sent,
        f"HTTP {answer.status} {answer.reason}" if answer else "none that is whole",
        masking.headers(answer.headers) if answer else [],
        [masking.body(received)] if lines is None else lines.received,
    )
