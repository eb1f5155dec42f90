"""Decompression: against a compressor of our own, and for bombs. Examples are among the vectors."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp.lz77 import decompress
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import VECTORS, assert_value_or_error, patient, peak, plain


def longest(data: bytes, position: int) -> tuple[int, int]:
    """The longest match at a position: its length and distance."""
    best = (0, 0)
    for start in range(max(0, position - 8192), position):
        length = 0
        while position + length < len(data) and data[start + length] == data[position + length]:
            length += 1
        best = max(best, (length, position - start))
    return best


def compress(data: bytes) -> bytes:
    """MS-XCA 2.3, in the simplest way that there is."""
    out, flags, position, half = bytearray(), [], 0, None
    mask_at = 0
    while position <= len(data):
        if len(flags) % 32 == 0:
            mask_at = len(out)
            out += b"\xff\xff\xff\xff"
        if position == len(data):
            break
        length, distance = longest(data, position)
        flags.append(length >= 3)
        if length < 3:
            out.append(data[position])
            position += 1
        else:
            position += length
            length -= 3
            out += ((distance - 1) << 3 | min(length, 7)).to_bytes(2, "little")
            if length >= 7:
                if half is None:
                    half = len(out)
                    out.append(min(length - 7, 15))
                else:
                    out[half] |= min(length - 7, 15) << 4
                    half = None
                if length - 7 >= 15:
                    wide = length - 22 >= 255
                    out += b"\xff" + length.to_bytes(2, "little") if wide else bytes([length - 22])
        bits = flags[-(len(flags) % 32 or 32) :]
        bits = bits + [True] * (32 - len(bits))
        mask = sum(1 << (31 - number) for number, bit in enumerate(bits) if bit)
        out[mask_at : mask_at + 4] = mask.to_bytes(4, "little")
    return bytes(out)


def test_the_compressor_of_this_test_makes_the_published_examples():
    for name in ("P10-lz77-alphabet", "P11-lz77-abc300"):
        vector = VECTORS[name]
        ours = compress(plain(vector))
        # The last mask of the first example keeps its unused bits.
        assert ours[4:] == vector.data[4:]
        assert decompress(ours, len(plain(vector))) == plain(vector)


SMALL = st.lists(st.sampled_from([b"a", b"b", b"abc", b"abcabcab" * 9, b"\0" * 300]), max_size=12)


@patient
@given(st.binary(max_size=300) | SMALL.map(b"".join))
@example(b"")
@example(b"x" * 40000)
@example(bytes(range(256)) * 3)
def test_what_was_compressed_comes_back(data):
    data = data if len(set(data)) > 1 else data[:65535]
    assert decompress(compress(data), len(data)) == data


@patient
@given(st.binary(max_size=200), st.integers(0, 65535))
def test_any_bytes(data, size):
    found = assert_value_or_error(lambda spoilt: decompress(spoilt, size), data)
    assert isinstance(found, WireError) or len(found) == size


@patient
@given(st.binary(min_size=1, max_size=60), st.integers(0, 400))
def test_no_other_size_is_given(data, size):
    found = assert_value_or_error(lambda packed: decompress(packed, size), compress(data))
    assert isinstance(found, WireError) or found == data[:size]


@pytest.mark.parametrize(
    ("data", "size", "message"),
    [
        ("ffffff7f 51 0800", 4, "before its beginning"),
        ("ffffffff 0000", 3, "before its beginning"),
        ("ffffff7f 51 0000", 3, "more bytes than announced"),
        ("ffffff7f 51 0000", 5, "gives 4 bytes, 5 are announced"),
        ("ffffff7f 51 0700 0f ff 1500", 4, "too short"),
        ("ffffff7f 51 0700 0f ff 0000", 4, "too short"),
        ("ffffff7f 51 07", 4, "ends after"),
        ("ffffff", 1, "ends after"),
        ("", 1, "ends after"),
    ],
)
def test_what_is_refused(data, size, message):
    with pytest.raises(WireError, match=message):
        decompress(bytes.fromhex(data), size)


def test_nothing_is_nothing():
    assert decompress(b"", 0) == b""


def test_a_bomb_takes_no_more_than_it_announces():
    match = bytes.fromhex("0700 0f ff fcff")
    bomb = bytes.fromhex("ffffff7f 51") + match
    found, most = peak(lambda: decompress(bomb, 65536))
    assert found == b"Q" * 65536
    assert most < 1 << 20
    # Each further match has its length in the other half of a byte, or in a new one.
    found, most = peak(lambda: decompress(bomb + match * 30, 65535))
    assert isinstance(found, WireError)
    assert most < 1 << 20
