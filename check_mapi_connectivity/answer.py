"""An HTTP answer as a value, and how it is read: to a limit, and decoded to the same limit."""

from __future__ import annotations

import http.client
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from . import untrusted
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    from typing import Any

    #: Bytes of a body, decoded, that are read of one answer.
BODY_LIMIT = 4 << 20


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


def read(response: requests.Response, host: str) -> bytes:
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


def build(response: requests.Response, url: str, host: str, body: bytes) -> Answer:
    """The answer with the body that was read of it. Raises CheckFailure."""
    decoded: bytes | None = body
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        decoded = decode(encoding, body, host)
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


def decode(encoding: str, body: bytes, host: str) -> bytes | None:
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


def broken(error: requests.RequestException, host: str) -> Failure:
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
    from .codes import network

    known = network.system(cause) if isinstance(cause, OSError) else None
    reason = known.cause if known else type(cause).__name__.lower()
    return Failure(
        "connect",
        f"{host} breaks the connection: {reason}",
        "a gateway or proxy may cut it",
        known.code if known else "",
        detail="" if known else detail,
        transient=True,
    )
