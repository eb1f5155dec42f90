"""RPC_HEADER_EXT, its obfuscation and its compression.

Source: reference sheet mapi-http 3.1 to 3.3 (MS-OXCRPC 2.2.2.1 and the DIRECT2 sections, MS-XCA 2.3).
"""

from __future__ import annotations

import struct

COMPRESSED, XOR_MAGIC, LAST = 1, 2, 4
PAYLOAD_LIMIT = 32768
WINDOW = 8192
LONGEST = 60000


class Malformed(ValueError):
    """Bytes that are not what the specification asks for."""


def swap(data):
    """XorMagic, there and back."""
    return bytes(byte ^ 0xA5 for byte in data)


class _Encoder:
    """LZ77 output: flag words, literals, matches."""

    def __init__(self):
        self.out = bytearray()
        self._word_at = 0
        self._left = 0
        self._half = None

    def _flag(self, bit):
        if not self._left:
            self._word_at = len(self.out)
            self.out += bytes(4)
            self._left = 32
        self._left -= 1
        word = struct.unpack_from("<I", self.out, self._word_at)[0] | bit << self._left
        struct.pack_into("<I", self.out, self._word_at, word)

    def literal(self, byte):
        self._flag(0)
        self.out.append(byte)

    def match(self, distance, length):
        self._flag(1)
        self.out += struct.pack("<H", (distance - 1) << 3 | min(length - 3, 7))
        if length < 10:
            return
        nibble = min(length - 10, 15)
        if self._half is None:
            self._half = len(self.out)
            self.out.append(nibble)
        else:
            self.out[self._half] |= nibble << 4
            self._half = None
        if nibble == 15:
            self.out.append(min(length - 25, 255))
            if length - 25 >= 255:
                self.out += struct.pack("<H", length - 3)

    def finish(self):
        if not self._left:
            self._flag(1)
        while self._left:
            self._flag(1)
        return bytes(self.out)


def _longest(data, at, earlier):
    limit = min(LONGEST, len(data) - at)
    length = 3
    while length < limit and data[earlier + length] == data[at + length]:
        length += 1
    return length


def compress(data):
    """Plain LZ77 with DIRECT2 encoding: greedy, nearest match."""
    encoder = _Encoder()
    seen = {}
    at = 0
    while at < len(data):
        key = data[at : at + 3]
        earlier = seen.get(key) if len(key) == 3 else None
        step = 1
        if earlier is not None and at - earlier <= WINDOW:
            step = _longest(data, at, earlier)
            encoder.match(at - earlier, step)
        else:
            encoder.literal(data[at])
        for passed in range(at, at + step):
            seen[data[passed : passed + 3]] = passed
        at += step
    return encoder.finish()


class _Decoder:
    def __init__(self, data):
        self._data = data
        self._at = 0
        self._half = None

    def take(self, form):
        try:
            (value,) = struct.unpack_from(form, self._data, self._at)
        except struct.error:
            raise Malformed("compressed data end too early") from None
        self._at += struct.calcsize(form)
        return value

    def ended(self):
        return self._at >= len(self._data)

    def length(self, low):
        if low < 7:
            return low + 3
        if self._half is None:
            self._half = self.take("<B")
            nibble = self._half & 15
        else:
            nibble, self._half = self._half >> 4, None
        if nibble < 15:
            return nibble + 10
        more = self.take("<B")
        if more < 255:
            return more + 25
        full = self.take("<H")
        if full < 22:
            raise Malformed("a match length below its own minimum")
        return full + 3


def expand(data, size):
    """The reverse of `compress`. Raises Malformed."""
    decoder, out = _Decoder(data), bytearray()
    word = left = 0
    while len(out) < size:
        if not left:
            word, left = decoder.take("<I"), 32
        left -= 1
        if not word >> left & 1:
            out.append(decoder.take("<B"))
            continue
        if decoder.ended():
            break
        code = decoder.take("<H")
        distance, length = (code >> 3) + 1, decoder.length(code & 7)
        if distance > len(out):
            raise Malformed("a match before the beginning")
        for _ in range(length):
            out.append(out[-distance])
    if len(out) != size:
        raise Malformed("SizeActual is wrong")
    return bytes(out)


def block(payload, last=True, how=0):
    """One extended buffer; `how` holds COMPRESSED (when that saves anything) and XOR_MAGIC."""
    data, flags = payload, LAST if last else 0
    if how & COMPRESSED:
        squeezed = compress(payload)
        if len(squeezed) < len(payload):
            data, flags = squeezed, flags | COMPRESSED
    if how & XOR_MAGIC:
        data, flags = swap(data), flags | XOR_MAGIC
    return struct.pack("<HHHH", 0, flags, len(data), len(payload)) + data


def only_block(buffer):
    """The payload of a request's RopBuffer: exactly one extended buffer, the last. Raises Malformed."""
    if len(buffer) < 8:
        raise Malformed("no RPC_HEADER_EXT")
    version, flags, size, actual = struct.unpack_from("<HHHH", buffer)
    if version != 0 or flags & ~7 or not flags & LAST:
        raise Malformed("RPC_HEADER_EXT: version or flags")
    if size != len(buffer) - 8 or actual > PAYLOAD_LIMIT:
        raise Malformed("RPC_HEADER_EXT: size")
    data = buffer[8:]
    if flags & XOR_MAGIC:
        data = swap(data)
    if flags & COMPRESSED:
        return expand(data, actual)
    if actual != size:
        raise Malformed("RPC_HEADER_EXT: SizeActual")
    return data
