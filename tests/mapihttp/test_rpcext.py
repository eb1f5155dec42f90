"""Frames and auxiliary blocks; their examples are among the vectors and the recordings."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import rpcext
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import VECTORS, assert_value_or_error, patient, peak
from .test_lz77 import compress


def frame(payload, flags=rpcext.LAST, *, version=0, actual=None):
    """A frame as a server writes it."""
    data = compress(payload) if flags & rpcext.COMPRESSED else payload
    if flags & rpcext.XORED:
        data = bytes(byte ^ 0xA5 for byte in data)
    actual = len(payload) if actual is None else actual
    return struct.pack("<HHHH", version, flags, len(data), actual) + data


@patient
@given(
    st.lists(st.tuples(st.binary(max_size=50), st.integers(0, 3)), min_size=1, max_size=6),
    st.binary(max_size=9),
)
def test_payloads_come_back_up_to_the_last(blocks, rest):
    *others, last = [(payload, flags) for payload, flags in blocks]
    data = b"".join(frame(*block) for block in others) + frame(last[0], last[1] | rpcext.LAST)
    assert rpcext.unpack(data + rest) == [payload for payload, _ in blocks]
    # A server may forget to mark the last one.
    assert rpcext.unpack(b"".join(frame(*block) for block in blocks)) == [p for p, _ in blocks]


@patient
@given(st.binary(max_size=300))
def test_pack(payload):
    assert rpcext.pack(payload) == frame(payload)
    assert rpcext.unpack(rpcext.pack(payload)) == [payload]


def test_what_does_not_fit_into_a_frame():
    rpcext.pack(bytes(65535))
    with pytest.raises(WireError, match="65536"):
        rpcext.pack(bytes(65536))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame(b"abc", version=1), "version 1"),
        (frame(b"abc", 0x0C), "flags 0xC"),
        (frame(b"abc", actual=4), "announces 4 bytes and holds 3"),
        (frame(b"abc", 5, actual=4), "4 are announced"),
        (frame(b"abc")[:-1], "ends after"),
        (b"\0\0\4", "ends after"),
        (frame(b"", 0) * 96, "more than 96 blocks"),
        (frame(bytes(65535), 0) * 16 + frame(bytes(65535)), "more than 1048576 bytes"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(WireError, match=message):
        rpcext.unpack(data)


def test_96_blocks_are_the_most():
    assert rpcext.unpack(frame(b"", 0) * 95 + frame(b"")) == [b""] * 96


def test_no_buffer_holds_no_payload():
    assert rpcext.unpack(b"") == []
    assert rpcext.auxiliary(b"") == []


@patient
@given(st.binary(max_size=300))
def test_any_bytes(data):
    assert_value_or_error(rpcext.unpack, data)
    assert_value_or_error(
        rpcext.unpack, struct.pack("<HHHH", 0, len(data) % 8, len(data), 99) + data
    )


@patient
@given(st.binary(max_size=300), st.booleans())
def test_auxiliary_buffers_never_fail(data, framed):
    assert len(rpcext.auxiliary(rpcext.pack(data) if framed else data)) <= rpcext.MOST_AUXILIARY


KNOWN = st.sampled_from([0x0A, 0x16, 0x17, 0x46, 0x48, 0x49, 0x4B])


@patient
@given(st.lists(st.tuples(KNOWN | st.integers(0, 255), st.binary(max_size=30)), max_size=9))
def test_blocks_of_any_content_never_fail(blocks):
    payload = b"".join(struct.pack("<HBB", 4 + len(b), 1, kind) + b for kind, b in blocks)
    found = rpcext.auxiliary(rpcext.pack(payload))
    assert len(found) <= len(blocks)
    assert len(found) == len(blocks) or found[-1].text.startswith("unreadable")


@pytest.mark.parametrize(
    ("block", "name", "text"),
    [
        ("0c00010a 01000000 e8030000", "AUX_CLIENT_CONTROL", "flags 0x1, expiry 1000 ms"),
        ("14000116 94000000 0a000000 00000000 9a4f0000", "AUX_OSVERSIONINFO", "10.0.20378"),
        ("08000117 03000000", "AUX_EXORGINFO", "0x3"),
        ("08000146 0f000000", "AUX_SERVER_CAPABILITIES", "0xF"),
        ("08000148 01000000", "AUX_ENDPOINT_CAPABILITIES", "0x1"),
        ("0b000149 05000000 426164", "AUX_EXCEPTION_TRACE", "ROP 5: Bad"),
        ("1000014b 0600 45005800300031000000", "AUX_SERVER_SESSION_INFO", "EX01"),
        ("1200014b 0800 ffff 45005800300031000000", "AUX_SERVER_SESSION_INFO", "EX01"),
        ("0600014b 0000", "AUX_SERVER_SESSION_INFO", ""),
        ("0500024e ff", "type 0x4E version 2", "1 bytes"),
    ],
)
def test_blocks(block, name, text):
    (found,) = rpcext.auxiliary(rpcext.pack(bytes.fromhex(block)))
    assert found == (name, text)


@pytest.mark.parametrize("block", ["03000117", "0000 0117", "08000117 03", "0800014b ff00", "01"])
def test_blocks_that_lie_end_the_list(block):
    first = bytes.fromhex("0800011703000000")
    found = rpcext.auxiliary(rpcext.pack(first + bytes.fromhex(block) + first))
    assert found[0].name == "AUX_EXORGINFO"
    assert found[-1].name == ""
    assert found[-1].text.startswith("unreadable")


def test_a_failed_connect_of_2013_has_blocks_without_a_frame():
    bare = VECTORS["C02-connect-ok"].data[61:]
    (found,) = rpcext.auxiliary(bare)
    assert (found.name, found.text[:10]) == ("", "unreadable")


def test_many_small_blocks_and_many_large_frames_take_little_memory():
    blocks = struct.pack("<HBB", 4, 9, 9) * 16000
    found, most = peak(lambda: rpcext.auxiliary(frame(blocks, 0) * 10 + frame(b"")))
    assert len(found) == rpcext.MOST_AUXILIARY
    assert most < 4 << 20
    packed = bytes.fromhex("ffffff7f5107000ffffbff")
    bomb = struct.pack("<HHHH", 0, 1, len(packed), 65535) + packed
    found, most = peak(lambda: rpcext.unpack(bomb * 96))
    assert isinstance(found, WireError)
    assert most < 4 << 20


@patient
@given(
    st.lists(st.tuples(st.binary(max_size=50), st.integers(0, 3)), min_size=1, max_size=6),
    st.binary(max_size=30),
)
def test_plain_frames_hide_nothing(blocks, junk):
    data = b"".join(frame(*block) for block in blocks)
    found = rpcext.plain(data)
    assert [one.flags for one in rpcext.frames(found)] == [0] * len(blocks)
    assert rpcext.unpack(found) == [payload for payload, _ in blocks]
    # What cannot be read stays.
    assert rpcext.plain(b"\x01" + junk) == b"\x01" + junk
