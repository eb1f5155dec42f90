"""Decompression of LZ77 with DIRECT2 encoding (MS-OXCRPC 3.1.4.1.1.2; MS-XCA 2.4, Plain LZ77)."""

from __future__ import annotations

from .reader import Reader, WireError


def decompress(data: bytes, size: int) -> bytes:
    """The `size` bytes that `data` stands for.

    Flags come in groups of 32 bits, the most significant first: 0 a literal byte, 1 a match. Raises
    WireError for anything that does not give exactly `size` bytes.
    """
    reader = Reader(data, "compressed data")
    lengths = _Lengths(reader)
    out = bytearray()
    mask = bits = 0
    while len(out) < size:
        if bits == 0:
            mask, bits = reader.u32(), 32
        bits -= 1
        if not mask >> bits & 1:
            out.append(reader.u8())
            continue
        if not reader.remaining:
            break
        token = reader.u16()
        distance = (token >> 3) + 1
        if distance > len(out):
            raise WireError("compressed data refers to bytes before its beginning")
        length = lengths.read(token & 7)
        if len(out) + length > size:
            raise WireError("compressed data gives more bytes than announced")
        # A match may overlap what it writes: then it repeats itself.
        start = len(out) - distance
        source = bytes(out[start : start + length])
        out += (source * (length // len(source) + 1))[:length]
    if len(out) != size:
        raise WireError(f"compressed data gives {len(out)} bytes, {size} are announced")
    return bytes(out)


class _Lengths:
    """Reads match lengths; two long matches share one byte, the low half first."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._half: int | None = None

    def read(self, code: int) -> int:
        """The length for the three bits of a match token. Raises WireError."""
        if code < 7:
            return code + 3
        if self._half is None:
            shared = self._reader.u8()
            code, self._half = shared & 15, shared >> 4
        else:
            code, self._half = self._half, None
        if code < 15:
            return code + 7 + 3
        code = self._reader.u8()
        if code < 255:
            return code + 15 + 7 + 3
        # The 16-bit form replaces everything before: it holds the length less 3.
        code = self._reader.u16()
        if code < 15 + 7:
            raise WireError("compressed data holds a match length that is too short")
        return code + 3
