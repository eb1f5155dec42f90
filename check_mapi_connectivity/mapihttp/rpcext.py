"""RPC_HEADER_EXT: the frame around ROP and auxiliary buffers, its compression and obfuscation, and
the auxiliary blocks (MS-OXCRPC 2.2.2).
"""

from __future__ import annotations

from itertools import islice

from ..base.value import NamedTuple
from . import lz77
from .reader import Reader, WireError, Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Flags of the header (MS-OXCRPC 2.2.2.1).
COMPRESSED, XORED, LAST = 1, 2, 4

#: Blocks that one answer may hold (MS-OXCRPC 3.1.4.2.1.2.2).
MOST_BLOCKS = 96

#: What all its blocks may amount to: the largest MaxRopOut there is (MS-OXCRPC 3.1.4.2).
MOST_BYTES = 0x100000

#: Auxiliary blocks that are read; real answers hold about five.
MOST_AUXILIARY = 200

_MAGIC = bytes(byte ^ 0xA5 for byte in range(256))


def pack(payload: bytes) -> bytes:
    """A payload in its frame, neither compressed nor obfuscated. Raises WireError over 64 KiB."""
    writer = Writer()
    for value in (0, LAST, len(payload), len(payload)):
        writer.number("H", value)
    writer.raw(payload)
    return writer.data()


class Frame(NamedTuple):
    """One frame: its flags, the bytes it had on the wire, and the plain payload."""

    flags: int
    size: int
    payload: bytes


def unpack(buffer: bytes) -> list[bytes]:
    """The payloads of all frames, plain, up to the one marked last or the end. Raises WireError."""
    return [frame.payload for frame in frames(buffer)]


def frames(buffer: bytes) -> list[Frame]:
    """All frames up to the one marked last or the end. Raises WireError."""
    reader = Reader(buffer, "extended buffer")
    found: list[Frame] = []
    total = 0
    while reader.remaining:
        version, flags, size, actual = (reader.u16() for _ in range(4))
        if version != 0 or flags & ~(COMPRESSED | XORED | LAST):
            raise WireError(f"extended buffer has version {version} and flags 0x{flags:X}")
        payload = reader.take(size)
        # Written: compressed, then obfuscated (MS-OXCRPC 3.1.4.1.1.3).
        if flags & XORED:
            payload = payload.translate(_MAGIC)
        if flags & COMPRESSED:
            payload = lz77.decompress(payload, actual)
        elif size != actual:
            raise WireError(f"extended buffer announces {actual} bytes and holds {size}")
        found.append(Frame(flags, size, payload))
        total += len(payload)
        if total > MOST_BYTES:
            raise WireError(f"extended buffer holds more than {MOST_BYTES} bytes")
        if flags & LAST:
            break
        if len(found) == MOST_BLOCKS:
            raise WireError(f"extended buffer has more than {MOST_BLOCKS} blocks")
    return found


def plain(buffer: bytes) -> bytes:
    """The same frames, neither compressed nor obfuscated; as they are where they cannot be read."""
    try:
        found = frames(buffer)
    except WireError:
        return buffer
    writer = Writer()
    for frame in found:
        size = len(frame.payload)
        for value in (0, frame.flags & LAST, size, size):
            writer.number("H", value)
        writer.raw(frame.payload)
    return writer.data()


class Auxiliary(NamedTuple):
    """One auxiliary block: its name where known, and what it says."""

    name: str
    text: str


def _number(reader: Reader) -> str:
    return f"0x{reader.u32():X}"


def _control(reader: Reader) -> str:
    return f"flags 0x{reader.u32():X}, expiry {reader.u32()} ms"


def _os_version(reader: Reader) -> str:
    reader.u32()
    return ".".join(str(reader.u32()) for _ in range(3))


def _session_info(reader: Reader) -> str:
    # The offset counts from the block's header of 4 bytes.
    offset = reader.u16()
    if offset == 0:
        return ""
    reader.take(max(0, offset - 6))
    return reader.text16()


def _server_name(reader: Reader) -> str:
    """A byte of unknown meaning, a length byte, and the server's FQDN in ASCII: seen on Exchange
    Server SE, in no open specification. Raises WireError for another shape.
    """
    reader.u8()
    size = reader.u8()
    if size != reader.remaining:
        raise WireError(f"a server name of {size} bytes in {reader.remaining}")
    return reader.rest().decode("ascii", "replace")


def _exception(reader: Reader) -> str:
    return f"ROP {reader.u32()}: {reader.rest().decode('ascii', 'replace')}"


#: Names of the blocks by which Exchange says which server answered.
SERVER_NAME, SESSION_INFO = "AUX_SERVER_NAME", "AUX_SERVER_SESSION_INFO"

#: (version, type) -> name and reader of the blocks that a server sends (MS-OXCRPC 2.2.2.2; 0x49 and
#: 0x43 are undocumented, the name of the latter is ours).
_BLOCKS = {
    (1, 0x0A): ("AUX_CLIENT_CONTROL", _control),
    (1, 0x16): ("AUX_OSVERSIONINFO", _os_version),
    (1, 0x17): ("AUX_EXORGINFO", _number),
    (1, 0x46): ("AUX_SERVER_CAPABILITIES", _number),
    (1, 0x48): ("AUX_ENDPOINT_CAPABILITIES", _number),
    (1, 0x49): ("AUX_EXCEPTION_TRACE", _exception),
    (1, 0x4B): (SESSION_INFO, _session_info),
    (2, 0x43): (SERVER_NAME, _server_name),
}


def auxiliary(buffer: bytes) -> list[Auxiliary]:
    """The blocks of an auxiliary buffer, at most MOST_AUXILIARY of them.

    What cannot be read comes as one block without name: these blocks inform, and Exchange 2013 SP1
    leaves the frame out of a failed Connect.
    """
    try:
        payloads = unpack(buffer)
    except WireError as error:
        return [Auxiliary("", f"unreadable: {error}")]
    blocks = (block for payload in payloads for block in _blocks(payload))
    return list(islice(blocks, MOST_AUXILIARY))


def _blocks(payload: bytes) -> Iterator[Auxiliary]:
    reader = Reader(payload, "auxiliary buffer")
    while reader.remaining:
        try:
            size, version, kind = reader.u16(), reader.u8(), reader.u8()
            body = Reader(reader.take(size - 4), "auxiliary block")
            name, read = _BLOCKS.get(
                (version, kind), (f"type 0x{kind:02X} version {version}", None)
            )
            yield Auxiliary(name, read(body) if read else f"{body.remaining} bytes")
        except WireError as error:
            yield Auxiliary("", f"unreadable: {error}")
            return
