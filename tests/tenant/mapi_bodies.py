"""Bodies of Connect and Execute, and auxiliary buffers.

Source: reference sheet mapi-http 2.7 and 3.5 (MS-OXCMAPIHTTP 2.2.4, MS-OXCRPC 2.2.2).
"""

from __future__ import annotations

import struct

from . import mapi_frames
from .mapi_frames import Malformed
from .mapi_tables import text

LARGEST_AUX, LARGEST_OUTPUT = 0x1008, 0x100000
RPC_FAILED, BAD_STUB_DATA = 0x80040115, 0x6F7


def _numbers(body, at, count):
    try:
        return struct.unpack_from(f"<{count}I", body, at)
    except struct.error:
        raise Malformed("the body ends too early") from None


def _aux(body, at):
    """What is wrong with the auxiliary buffer that ends a body: (ErrorCode, StatusCode)."""
    (size,) = _numbers(body, at, 1)
    if len(body) != at + 4 + size:
        raise Malformed("AuxiliaryBufferSize does not fit the body")
    return RPC_FAILED if 0 < size < 8 else 0, BAD_STUB_DATA if size > LARGEST_AUX else 0


class Connect:
    """A Connect request's body. Raises Malformed."""

    def __init__(self, body):
        end = body.find(b"\0")
        if end < 0:
            raise Malformed("UserDn without end")
        self.dn = body[:end].decode("latin-1")
        self.flags, self.code_page, self._first, self._second = _numbers(body, end + 1, 4)
        self.aux_error, self.aux_status = _aux(body, end + 17)

    def locales(self, flavour):
        """LcidSort and LcidString; Gromox reads them the other way round."""
        both = (self._first, self._second)
        return both[::-1] if flavour == "gromox" else both


class Execute:
    """An Execute request's body. Raises Malformed."""

    def __init__(self, body):
        self.flags, size = _numbers(body, 0, 2)
        self.buffer = body[8 : 8 + size]
        (self.most,) = _numbers(body, 8 + size, 1)
        self.aux_error, self.status = _aux(body, 12 + size)
        if self.most > LARGEST_OUTPUT:
            self.status = BAD_STUB_DATA


def connect_success(display):
    """Everything before AuxiliaryBufferSize."""
    return struct.pack("<5I", 0, 0, 60000, 6, 10000) + b"\0" + text(display)


def connect_failure(error):
    """The same with an ErrorCode."""
    return struct.pack("<5I", 0, error, 0, 0, 0) + b"\0\0\0"


def _block(kind, data, version=1):
    return struct.pack("<HBB", len(data) + 4, version, kind) + data


def _exchange_se_blocks(name):
    """As a lab server sent them, its name aside (reference sheet exchange-se)."""
    info = f"ClientAccessServer={name.decode()},ConnectTime=8/1/2026 1:29:56 PM,ConnectionID=17"
    return (
        _block(0x43, bytes((2, len(name))) + name, version=2),
        _block(0x46, struct.pack("<I", 0x0B)),
        _block(0x48, struct.pack("<I", 1)),
        _block(0x17, struct.pack("<I", 2)),
        _block(0x4B, struct.pack("<H", 6) + text(info)),
        _block(0x0A, struct.pack("<II", 0x0D, 0x240C8400)),
    )


def connect_aux(flavour, chatty, node=None):
    """What servers tell at Connect: organization, capabilities, endpoint, a text for the log. Exchange
    Server SE names itself there, and the node where there is one.
    """
    if flavour == "gromox":
        blocks = (
            _block(0x17, struct.pack("<I", 3)),
            _block(0x0A, struct.pack("<II", 0x0C, 0x240C8400)),
            _block(0x48, struct.pack("<I", 1)),
        )
        return mapi_frames.block(b"".join(blocks))
    if flavour == "exchange-se":
        name = node.fqdn.encode() if node else b"se-lab-01.practice.example"
        return mapi_frames.block(b"".join(_exchange_se_blocks(name)))
    blocks = [
        _block(0x17, struct.pack("<I", 1)),
        _block(0x46, struct.pack("<I", 15)),
        _block(0x48, struct.pack("<I", 1)),
        _block(0x4B, struct.pack("<H", 6) + text("EX01")),
    ]
    if chatty:
        blocks.insert(0, _block(0x7E, b"a block that nobody knows"))
        blocks.append(_block(0x49, struct.pack("<I", 0) + b"MapiExceptionProtocolDisabled\r\n\0"))
    return mapi_frames.block(b"".join(blocks), how=mapi_frames.XOR_MAGIC if chatty else 0)


def execute_aux():
    """An obfuscated aux buffer, whatever Flags asked for."""
    trace = _block(0x49, struct.pack("<I", 2) + b"a trace of the server\r\n\0")
    return mapi_frames.block(trace, how=mapi_frames.XOR_MAGIC)
