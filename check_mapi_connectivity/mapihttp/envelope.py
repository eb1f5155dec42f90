"""The HTTP side of MAPI over HTTP: headers, cookies, meta-tags, and the bodies of Connect, Execute
and Disconnect (MS-OXCMAPIHTTP 2.2).
"""

from __future__ import annotations

import re

from ..base.value import NamedTuple
from . import rpcext
from .reader import TEXT8, U32, Codec, Reader, Structure, WireError, Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Union

CONTENT_TYPE = "application/mapi-http"

#: What the server takes for the client's version (MS-OXCMAPIHTTP 2.2.3.3.6). Versions below 12 get
#: other error codes.
CLIENT_APPLICATION = "Outlook/16.0.15928.20006"

#: Flags of Execute (MS-OXCRPC 3.1.4.2): answers neither compressed nor obfuscated, several blocks.
NO_COMPRESSION, NO_XOR, CHAIN = 1, 2, 4

#: The largest answer that every server grants (MS-OXCRPC 3.1.4.2).
MAX_ROP_OUT = 0x40000

#: Code page 1252 and US English: installed everywhere.
CODE_PAGE, LCID = 1252, 0x0409

#: Meta-tags that may stand before DONE (MS-OXCMAPIHTTP 2.2.7).
_TAGS = ("PROCESSING", "PENDING")

#: Where another cookie begins behind the attributes of one: gateways put several into one line,
#: which is no way to write them (RFC 6265 3). The comma of a date has no name and = behind it.
_FOLDED = re.compile(r",[ \t]*(?=[\w!#$%&'*+.^`|~-]{1,200}=)", re.ASCII)

#: Header lines that may follow DONE.
_MOST_HEADERS = 64


def headers(
    request_type: str, session: str, client: str, number: int, cookies: Mapping[str, str]
) -> dict[str, str]:
    """The headers of one request (MS-OXCMAPIHTTP 2.2.3.3).

    `session` is a GUID, `client` a GUID and a counter that is the session's own, `number` counts
    the requests of the session.
    """
    found = {
        "Content-Type": CONTENT_TYPE,
        "Accept": CONTENT_TYPE,
        "X-RequestType": request_type,
        "X-RequestId": f"{session}:{number}",
        "X-ClientInfo": client,
        "X-ClientApplication": CLIENT_APPLICATION,
    }
    if cookies:
        found["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return found


def keep_cookies(cookies: dict[str, str], lines: Iterable[str]) -> None:
    """Take up the Set-Cookie lines of an answer; attributes do not matter here (MS-OXCMAPIHTTP
    3.2.5.1).
    """
    for line in lines:
        first, _, attributes = line.partition(";")
        for pair in (first, *_FOLDED.split(attributes)[1:]):
            name, equals, value = pair.partition(";")[0].partition("=")
            if equals and name.strip():
                cookies[name.strip()] = value.strip()


class Entity(NamedTuple):
    """A body without its meta-tags: the tags seen, the headers behind DONE in lower case, and what
    follows them (MS-OXCMAPIHTTP 2.2.7).
    """

    tags: tuple[str, ...]
    headers: dict[str, str]
    body: bytes


def strip(entity: bytes) -> Entity:
    """Read the meta-tags of a body whose chunks were put together.

    Gromox leaves out the line end after PENDING and may repeat PROCESSING. Raises WireError.
    """
    position = 0
    tags: list[str] = []
    while not entity.startswith(b"DONE", position):
        tag = next((tag for tag in _TAGS if entity.startswith(tag.encode(), position)), None)
        if tag is None:
            raise WireError(f"the body has no DONE at byte {position}, where a meta-tag is due")
        tags.append(tag)
        position += len(tag)
        position += 2 if entity.startswith(b"\r\n", position) else 0
    tags.append("DONE")
    position += 4
    if not entity.startswith(b"\r\n", position):
        raise WireError("the line of DONE does not end")
    position += 2
    found: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        end = entity.find(b"\r\n", position)
        if end < 0:
            raise WireError("the headers behind DONE do not end")
        line = entity[position:end].decode("latin-1")
        position = end + 2
        if not line:
            return Entity(tuple(tags), found, entity[position:])
        name, colon, value = line.partition(":")
        if not colon:
            raise WireError("a line behind DONE is no header")
        name = name.strip().lower()
        found[name] = f"{found[name]}, {value.strip()}" if name in found else value.strip()
    raise WireError(f"more than {_MOST_HEADERS} headers follow DONE")


def _read_sized(reader: Reader) -> bytes:
    return reader.take(reader.u32())


def _write_sized(writer: Writer, data: bytes) -> None:
    writer.number("I", len(data))
    writer.raw(data)


#: A size of 4 bytes and that many bytes.
SIZED = Codec(_read_sized, _write_sized)


class Body(Structure):
    """A request body."""

    def encode(self) -> bytes:
        """The bytes of the body. Raises WireError."""
        writer = Writer()
        self.write(writer)
        return writer.data()


class ConnectRequest(Body):
    """Connect (MS-OXCMAPIHTTP 2.2.4.1.1). Gromox reads the two locale ids the other way round: they
    are equal.
    """

    LAYOUT = (
        ("user_dn", TEXT8),
        ("flags", U32),
        ("code_page", U32),
        ("lcid_sort", U32),
        ("lcid_string", U32),
        ("auxiliary", SIZED),
    )
    user_dn: str
    flags: int = 0
    code_page: int = CODE_PAGE
    lcid_sort: int = LCID
    lcid_string: int = LCID
    auxiliary: bytes = b""


class ExecuteRequest(Body):
    """Execute (MS-OXCMAPIHTTP 2.2.4.2.1); `rop_buffer` is framed."""

    LAYOUT = (
        ("flags", U32),
        ("rop_buffer", SIZED),
        ("max_rop_out", U32),
        ("auxiliary", SIZED),
    )
    rop_buffer: bytes
    flags: int = NO_COMPRESSION | NO_XOR | CHAIN
    max_rop_out: int = MAX_ROP_OUT
    auxiliary: bytes = b""


class DisconnectRequest(Body):
    """Disconnect (MS-OXCMAPIHTTP 2.2.4.3.1): four zero bytes."""

    LAYOUT = (("auxiliary", SIZED),)
    auxiliary: bytes = b""


REQUESTS: dict[str, type[Body]] = {
    "Connect": ConnectRequest,
    "Execute": ExecuteRequest,
    "Disconnect": DisconnectRequest,
}


def read_request(
    request_type: str, body: bytes, known: Mapping[str, type[Body]] = REQUESTS
) -> Body:
    """The body of a request of that type, one of the `known`. Raises WireError."""
    if request_type not in known:
        raise WireError(f"request type {request_type} is not known")
    reader = Reader(body, f"{request_type} request")
    found = known[request_type](**known[request_type].fields(reader))
    reader.end()
    return found


class ConnectResponse(NamedTuple):
    """Connect's answer (MS-OXCMAPIHTTP 2.2.4.1.2). Times in milliseconds."""

    status_code: int
    error_code: int = 0
    polls_max: int = 0
    retry_count: int = 0
    retry_delay: int = 0
    dn_prefix: str = ""
    display_name: str = ""
    auxiliary: tuple[rpcext.Auxiliary, ...] = ()


class ExecuteResponse(NamedTuple):
    """Execute's answer (MS-OXCMAPIHTTP 2.2.4.2.2)."""

    status_code: int
    error_code: int = 0
    flags: int = 0
    frames: tuple[rpcext.Frame, ...] = ()
    auxiliary: tuple[rpcext.Auxiliary, ...] = ()

    @property
    def payloads(self) -> list[bytes]:
        """The plain ROP buffers."""
        return [frame.payload for frame in self.frames]


class DisconnectResponse(NamedTuple):
    """Disconnect's answer (MS-OXCMAPIHTTP 2.2.4.3.2)."""

    status_code: int
    error_code: int = 0
    auxiliary: tuple[rpcext.Auxiliary, ...] = ()


def _auxiliary(reader: Reader) -> tuple[rpcext.Auxiliary, ...]:
    """The auxiliary buffer at the end of a body, which only informs; servers may leave it out."""
    if not reader.remaining:
        return ()
    try:
        return tuple(rpcext.auxiliary(_read_sized(reader)))
    except WireError as error:
        return (rpcext.Auxiliary("", f"unreadable: {error}"),)


def connect_response(body: bytes) -> ConnectResponse:
    """Raises WireError."""
    reader = Reader(body, "Connect response")
    status = reader.u32()
    if status:
        return ConnectResponse(status, auxiliary=_auxiliary(reader))
    error, polls_max, retry_count, retry_delay = (reader.u32() for _ in range(4))
    prefix, name = reader.text8(), reader.text16()
    return ConnectResponse(
        status, error, polls_max, retry_count, retry_delay, prefix, name, _auxiliary(reader)
    )


def execute_response(body: bytes) -> ExecuteResponse:
    """Raises WireError."""
    reader = Reader(body, "Execute response")
    status = reader.u32()
    if status:
        return ExecuteResponse(status, auxiliary=_auxiliary(reader))
    error, flags = reader.u32(), reader.u32()
    frames = tuple(rpcext.frames(_read_sized(reader)))
    return ExecuteResponse(status, error, flags, frames, _auxiliary(reader))


def disconnect_response(body: bytes) -> DisconnectResponse:
    """Raises WireError. Exchange's own inspector meets answers that end early: they are taken."""
    reader = Reader(body, "Disconnect response")
    status = reader.u32()
    error = reader.u32() if status == 0 and reader.remaining else 0
    return DisconnectResponse(status, error, _auxiliary(reader))


def plain(request_type: str, entity: bytes) -> bytes:
    """The same answer with its buffers neither compressed nor obfuscated; as it is where it cannot
    be read.
    """
    try:
        body = strip(entity).body
        reader = Reader(body, f"{request_type} response")
        done = reader.u32() == 0
        if done and request_type == "Connect":
            reader.take(16)
            reader.text8()
            reader.text16()
        elif done and request_type == "Execute":
            reader.take(8)
        kept = len(entity) - reader.remaining
        writer = Writer()
        while reader.remaining:
            _write_sized(writer, rpcext.plain(_read_sized(reader)))
    except WireError:
        return entity
    return entity[:kept] + writer.data()


if TYPE_CHECKING:
    Response = Union[ConnectResponse, ExecuteResponse, DisconnectResponse]

#: Request type -> reader of the answer's body.
RESPONSES: dict[str, Callable[[bytes], Response]] = {
    "Connect": connect_response,
    "Execute": execute_response,
    "Disconnect": disconnect_response,
}
