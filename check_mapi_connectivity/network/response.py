"""Reading an answer: to a limit, decoded to the same limit, whatever the other side does."""

from __future__ import annotations

import ssl
import time

from ..base.failure import CheckFailure, Failure
from ..base.reading import untrusted
from . import head, tls
from .answer import BODY_LIMIT, Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .carriers.carrier import Response


def read(response: Response, host: str) -> bytes:
    """The body as it came, undecoded. Raises CheckFailure, head.Late."""
    chunks: list[bytes] = []
    size = 0
    try:
        while True:
            chunk = response.read(65536)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > BODY_LIMIT:
                raise CheckFailure(beyond(host))
    except ssl.SSLError as error:
        raise CheckFailure(tls.broken(error, host)) from None
    except head.BrokenOff as error:
        failure = Failure(
            "protocol",
            f"{host} breaks off its answer after {error.size} bytes",
            "check the proxy, then the firewall; one of them may have cut the answer",
            f"HTTP {response.status}",
            detail=error.detail,
            transient=True,
        )
        raise CheckFailure(failure) from None


def beyond(host: str) -> Failure:
    """The failure of a body that is longer than BODY_LIMIT."""
    return Failure(
        "protocol",
        f"{host} sends too much data, over {BODY_LIMIT >> 20} MiB",
        head.ENDLESS,
    )


def too_large(answer: Answer, limit: int = untrusted.JSON_LIMIT) -> Failure | None:
    """The failure of an answer too large to be taken for JSON; None for another."""
    size = len(answer.body)
    if size <= limit:
        return None
    return Failure(
        "protocol",
        f"{answer.host} sends too much data, over {limit >> 10} KiB",
        head.ENDLESS,
        f"HTTP {answer.status}",
        f"{size} bytes",
    )


def build(response: Response, url: str, host: str, body: bytes) -> Answer:
    """The answer with the body that was read of it. Raises CheckFailure."""
    decoded = decode(response.headers.get("Content-Encoding", ""), body, host)
    return Answer(
        url,
        host,
        response.status,
        response.reason,
        response.headers,
        body if decoded is None else decoded,
        decoded is not None,
        response.lines,
        time.time(),
    )


#: Content codings (IANA's HTTP Content Coding Registry) that are known here, and those that are
#: not. Any other word, a character set or `none`, is a mistake, and nothing was done to the body.
_DECODERS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}
_FOREIGN = (
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "x-compress",
    "zstd",
)

#: How gzip begins (RFC 1952 2.3.1).
_GZIP = b"\x1f\x8b\x08"

#: Codings of one answer that are undone.
_MOST_CODINGS = 3

#: Bytes that are decompressed at once: what a member leaves of them is copied.
_PIECE = 4096


def decode(encoding: str, body: bytes, host: str) -> bytes | None:
    """Undo the codings of a Content-Encoding, the last one first (RFC 9110 8.4), up to the limit;
    None when the body is not what its label says (reference sheet exchange-online 1.7).

    Raises CheckFailure.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name for name in names if name in _DECODERS or name in _FOREIGN]
    if len(names) > _MOST_CODINGS or not set(names) <= set(_DECODERS):
        return None
    if not names and body.startswith(_GZIP):
        # Compressed on the way, and the word for it lost: nothing that is asked for begins so.
        found = _inflated(body, 31, host)
        return body if found is None else found
    plain: bytes | None = body
    for name in reversed(names):
        if plain:
            tried = (_inflated(plain, bits, host) for bits in _DECODERS[name])
            plain = next((one for one in tried if one is not None), None)
    return plain


def _inflated(body: bytes, bits: int, host: str) -> bytes | None:
    """What was compressed, in one member or several (RFC 1952 2.2); None for what was not."""
    import re
    import zlib

    decoder = zlib.decompressobj(bits)
    parts: list[bytes] = []
    size = 0
    try:
        for begin in range(0, len(body), _PIECE):
            piece = body[begin : begin + _PIECE]
            while piece:
                if decoder.eof:
                    if not re.match(rb"\x1f(\x8b|$)", piece):
                        # What follows the last member is ignored, as by gzip itself.
                        return b"".join(parts)
                    decoder = zlib.decompressobj(31)
                parts.append(decoder.decompress(piece, BODY_LIMIT + 1 - size))
                size += len(parts[-1])
                if size > BODY_LIMIT:
                    raise CheckFailure(beyond(host))
                piece = decoder.unused_data
    except zlib.error:
        return None
    return b"".join(parts) if decoder.eof else None


def broken(cause: OSError | head.HeadError, host: str) -> Failure:
    """What became of a request that got no answer."""
    if isinstance(cause, head.Disconnected):
        return Failure(
            "connect",
            f"{host} closes the connection, no answer",
            "check the proxy, then the firewall; one of them may cut the connection",
            transient=True,
        )
    if isinstance(cause, head.HeadError):
        return Failure("protocol", f"{host} {cause}", cause.remedy, detail=cause.line)
    if isinstance(cause, ssl.SSLError):
        return tls.broken(cause, host)
    from ..codes import network

    known = network.system(cause)
    reason = known.cause if known else type(cause).__name__.lower()
    return Failure(
        "connect",
        f"{host} breaks the connection: {reason}",
        "check the proxy, then the firewall; one of them may cut the connection",
        known.code if known else "",
        detail="" if known else f"{type(cause).__name__}: {cause}",
        transient=True,
    )
