"""Status line, headers, sizes of chunks and trailers of an HTTP answer, read by our own rules."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    class Stream(Protocol):
        """What lines are read from."""

        def readline(self, limit: int, /) -> bytes:
            """One line with its end, or so many bytes of it; empty at the end."""


#: Bytes of status lines and headers that are read of one answer, those of interim answers included.
HEADER_LIMIT = 65536

#: Headers that are read of one answer; http.client takes 100 lines.
MOST_HEADERS = 96

#: Interim answers that are waited through.
MOST_INTERIM = 50

_STATUS = re.compile(rb"(HTTP/(?:0\.9|1\.[0-9]))[ \t]+([1-9][0-9]{2})(?:[ \t]+(.*?))?[ \t\r]*")

#: What a header's name is made of (RFC 9110 5.6.2).
_TOKEN = b"!#$%&'*+.^_`|~-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: A header that needs no second look.
_USUAL = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)\r?\n")

#: Headers by which a connection is kept.
_KEEPING = (b"connection", b"keep-alive", b"proxy-connection")

#: What would end a line is a blank.
_BLANKS = bytes(32 if byte in b"\r\n\0" else byte for byte in range(256))

#: What to do about an answer that is not the service's, or is not as it was sent.
ENDLESS = "check the proxy, then the firewall; the host name may be wrong, too"
_CHANGED = "check the proxy, then the firewall; one of them may have changed the answer"


class HeadError(Exception):
    """A head that cannot be used.

    Its text follows the name of who sent it, `line` is the culprit, `remedy` says what to do.
    """

    def __init__(self, text: str, line: bytes = b"", remedy: str = _CHANGED) -> None:
        super().__init__(text)
        self.line = _shown(line)
        self.remedy = remedy


def no_http(line: str) -> HeadError:
    """What says that it is no HTTP, by this line of its or these words of a library's."""
    return HeadError("answers, but not as a web server", line.encode(), ENDLESS)


class Disconnected(ConnectionResetError):
    """The connection ends before the head does; `silent` is whether nothing came at all."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__("no answer" if silent else "the headers break off")
        self.silent = silent


class BrokenOff(Exception):
    """A body ends, or cannot be read on, after so many bytes; `detail` is why."""

    def __init__(self, size: int, detail: str) -> None:
        super().__init__(detail)
        self.size, self.detail = size, detail


class Late(Exception):
    """The time that an answer was given is over."""


class Head:
    """The last head of an answer: name and value of each header.

    `odd` are the lines that are no headers, or none that is well formed.
    """

    __slots__ = ("_lower", "fields", "odd", "reason", "status", "version")

    def __init__(
        self,
        version: bytes,
        status: int,
        reason: bytes,
        fields: list[tuple[bytes, bytes]],
        odd: list[bytes],
    ) -> None:
        self.version, self.status, self.reason = version, status, reason
        self.fields, self.odd = fields, odd
        self._lower = [name.lower() for name, _ in fields]

    def all(self, *names: bytes) -> list[bytes]:
        """The values of headers of these names, which are in lower case."""
        if all(name not in self._lower for name in names):
            return []
        return [field[1] for name, field in zip(self._lower, self.fields) if name in names]

    def without(self, *names: bytes) -> list[tuple[bytes, bytes]]:
        """The headers of other names than these, which are in lower case."""
        return [field for name, field in zip(self._lower, self.fields) if name not in names]

    def framed(self, framing: list[tuple[bytes, bytes]], odd: list[bytes]) -> Head:
        """The same with this word on where the body ends, and with further odd lines."""
        fields = [*self.without(b"content-length", b"transfer-encoding"), *framing]
        return Head(self.version, self.status, self.reason, fields, [*self.odd, *odd])

    @property
    def closing(self) -> bool:
        """Whether it says that the connection ends with the answer, or is one of HTTP no more."""
        if self.status == 101:
            return True
        if self.version == b"HTTP/1.1":
            return b"close" in b",".join(self.all(b"connection")).lower()
        said = b",".join(self.all(b"connection", b"proxy-connection")).lower()
        return b"keep-alive" not in said and not self.all(b"keep-alive")

    @property
    def oddities(self) -> list[str]:
        """The odd lines as far as they may be shown."""
        return [_shown(line) for line in self.odd]

    @property
    def framing(self) -> tuple[int | None, bool]:
        """Bytes of the body, None where that is not told; and whether it comes in chunks."""
        lengths = self.all(b"content-length")
        return int(lengths[0]) if lengths else None, bool(self.all(b"transfer-encoding"))

    @property
    def seen(self) -> list[tuple[bytes, bytes]]:
        """The headers with one word on whether the connection is kept."""
        if not (self.closing or self.odd):
            return self.fields
        return [*self.without(*_KEEPING), (b"Connection", b"close")]

    @property
    def uniform(self) -> bytes:
        """The head in the spelling that all readers agree on."""
        lines = [b"%s %d %s" % (self.version, self.status, self.reason)]
        lines += [b"%s:%s" % field for field in self.seen]
        return b"\r\n".join([*lines, b"", b""])


def read(stream: Stream, method: str | None = None) -> Head:
    """The head of the answer to a request of this method; interim answers are passed over.

    Raises HeadError, Disconnected, and OSError of the stream.
    """
    lines = _lines(stream)
    odd: list[bytes] = []
    for _ in range(MOST_INTERIM + 1):
        version, status, reason = _status(next(lines))
        fields = _fields(lines, odd)
        # 101 is the last answer of its connection (RFC 9110 15.2.2).
        if not 100 <= status < 200 or status == 101:
            return _framed(Head(version, status, reason, fields, odd), method)
    raise HeadError(
        f"sends too many interim answers, over {MOST_INTERIM}",
        remedy=ENDLESS,
    )


def _lines(stream: Stream) -> Iterator[bytes]:
    """The lines of a stream with their ends, to a limit. Raises HeadError, Disconnected."""
    left, begun = HEADER_LIMIT, False
    while True:
        line = stream.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise HeadError(
                f"sends too many headers, over {HEADER_LIMIT >> 10} KiB", remedy=ENDLESS
            )
        if not line.endswith(b"\n"):
            raise Disconnected(silent=not (begun or line))
        begun = True
        yield line


def _status(line: bytes) -> tuple[bytes, int, bytes]:
    found = _STATUS.fullmatch(line.rstrip(b"\r\n"))
    if found is None:
        raise HeadError("answers, but not as a web server", line, ENDLESS)
    version = b"HTTP/1.1" if found[1] > b"HTTP/1.0" else b"HTTP/1.0"
    return version, int(found[2]), _plain(found[3] or b"")


def _fields(lines: Iterator[bytes], odd: list[bytes]) -> list[tuple[bytes, bytes]]:
    """The headers up to the blank line; what is odd among their lines goes to `odd`."""
    found: list[tuple[bytes, bytes]] = []
    goes_on = False
    while True:
        raw = next(lines)
        usual = _USUAL.fullmatch(raw)
        if usual is not None:
            found.append((usual[1], usual[2].rstrip(b" \t")))
            goes_on = True
        else:
            line = raw.rstrip(b"\r\n")
            if not line:
                return found
            goes_on = _unusual(line, found, odd, goes_on=goes_on)
        if len(found) > MOST_HEADERS:
            raise HeadError(f"sends too many headers, over {MOST_HEADERS}", remedy=ENDLESS)


def _unusual(
    line: bytes, found: list[tuple[bytes, bytes]], odd: list[bytes], *, goes_on: bool
) -> bool:
    """Take up any other line; `goes_on` is whether the header before it may go on in it, which is
    given back for the next one.
    """
    if line[:1] in b" \t" and goes_on:
        # A value that goes on in the next line (RFC 9112 5.2).
        name, value = found[-1]
        found[-1] = name, (b"%s %s" % (value, line.translate(_BLANKS))).strip(b" \t")
        return True
    name, colon, value = line.partition(b":")
    bare = name.rstrip(b" \t")
    if not colon or not bare or bare.strip(_TOKEN):
        odd.append(line)
        return False
    if bare != name or b"\r" in line or b"\0" in line:
        odd.append(line)
    found.append((bare, _plain(value)))
    return True


def _plain(value: bytes) -> bytes:
    """A value without what would end its line (RFC 9110 5.5)."""
    return value.translate(_BLANKS).strip(b" \t")


def _framed(head: Head, method: str | None) -> Head:
    """The head with exactly one word on where the body ends. Raises HeadError."""
    tunnel = method == "CONNECT"
    if method == "HEAD" or head.status in (101, 204, 304) or (tunnel and head.status < 300):
        return head.framed([], [])
    try:
        framing, odd = _framing(head)
    except HeadError as error:
        if not tunnel:
            raise
        # Why a proxy refuses says more than how it ends the page beside its refusal.
        framing, odd = [], [error.line.encode()]
    bare = head.framed(framing, odd)
    if framing or head.closing or tunnel or not bare.odd:
        return bare
    # To wait for the end of the connection would be to wait for the deadline.
    raise HeadError("sends a header line that cannot be read", bare.odd[0])


def _framing(head: Head) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """The header that says where the body ends, if any, and what is odd about it."""
    lengths, codings = head.all(b"content-length"), head.all(b"transfer-encoding")
    if lengths and codings:
        line = b"Content-Length: %s, Transfer-Encoding: %s" % (lengths[0], codings[0])
        raise HeadError("sends both Content-Length and Transfer-Encoding", line)
    if lengths:
        return [(b"Content-Length", b"%d" % _length(lengths))], []
    names = [name.strip(b" \t").lower() for name in b",".join(codings).split(b",")]
    names = [name for name in names if name not in (b"", b"identity")]
    line = b"Transfer-Encoding: " + b", ".join(codings)
    if any(name != b"chunked" for name in names):
        raise HeadError("sends an unknown Transfer-Encoding", line)
    if not names:
        return [], [line] if codings else []
    # Told twice, by server and gateway, and done once; where not, its JSON or XML is none.
    return [(b"Transfer-Encoding", b"chunked")], [line] if len(names) > 1 else []


def _length(values: Iterable[bytes]) -> int:
    """The length that all values agree on (RFC 9112 6.3)."""
    told = b", ".join(values)
    found = [value.strip(b" \t") for value in told.split(b",")]
    line = b"Content-Length: " + told
    if not all(re.fullmatch(rb"[0-9]{1,18}", value) for value in found):
        raise HeadError("sends a Content-Length that is no number", line)
    numbers = {int(value) for value in found}
    if len(numbers) > 1:
        raise HeadError("sends two different Content-Lengths", line)
    return numbers.pop()


def _shown(line: bytes) -> str:
    """The beginning of a line, without what may be a secret: a value after its equals sign."""
    return line.partition(b"=")[0][:60].decode("ascii", "replace").strip()


def chunk_size(line: bytes) -> int:
    """The size that the line before a chunk tells (RFC 9112 7.1). Raises ValueError.

    >>> chunk_size(b"1F;name=value\\r\\n")
    31
    """
    digits = line.partition(b";")[0].strip(b" \t\r\n")
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", digits):
        raise ValueError("the size of a chunk is no number")
    return int(digits, 16)


#: Bytes of the line before a chunk, and of all lines behind the last one.
LINE_LIMIT = 4096
_TRAILER_LIMIT = 16384

#: What is wrong with a body that ends too early, or whose chunks cannot be read.
MISSING = "the body does not end as it was announced"


def pass_trailers(stream: Stream) -> None:
    """Read over the lines behind the last chunk. Raises ValueError."""
    left = _TRAILER_LIMIT
    while True:
        line = stream.readline(left)
        left -= len(line)
        if line in (b"\r\n", b"\n", b""):
            return
        if left <= 0:
            raise ValueError("endless lines behind the last chunk")
