"""ROP requests: written and read back whatever they hold, and the list that carries them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import rops
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

from .material import assert_value_or_error, patient

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=30)
TAGS = st.lists(U32, max_size=8).map(tuple)
ID = st.binary(min_size=8, max_size=8)
ORDERS = st.lists(st.builds(rops.SortOrder, U32, U8), max_size=4).map(tuple)

REQUESTS = st.one_of(
    st.builds(rops.Logon, TEXT, U8, U8, U32, U32),
    st.builds(rops.OpenFolder, U8, U8, ID, U8),
    st.builds(rops.GetPropertiesSpecific, U8, TAGS, U16, U16),
    st.builds(rops.GetContentsTable, U8, U8, U8),
    st.builds(rops.SetColumns, U8, TAGS, U8),
    st.builds(rops.SortTable, U8, ORDERS, U8, U16, U16),
    st.builds(rops.QueryRows, U8, U16, U8, U8),
    st.builds(rops.Release, U8),
)


@patient
@given(st.lists(REQUESTS, max_size=10), st.lists(U32, max_size=5).map(tuple))
def test_what_was_written_is_read(asked, handles):
    listed = b"".join(request.encode() for request in asked)
    rop_list = rops.RopList.decode(rops.RopList(listed, handles).encode())
    assert rop_list == (listed, handles)
    assert rops.requests(rop_list) == asked


@patient
@given(REQUESTS)
def test_requests_begin_with_their_number_and_logon_0(request):
    data = request.encode()
    assert data[:2] == bytes([request.ROP, 0])
    assert rops.REQUESTS[request.ROP] is type(request)
    for length in range(len(data)):
        with pytest.raises(WireError):
            rops.read_request(Reader(data[:length], "request"))


@patient
@given(REQUESTS, st.data())
def test_numbers_that_do_not_fit(request, data):
    numbers = [name for name, value in vars(request).items() if isinstance(value, int)]
    values = dict(vars(request))
    values[data.draw(st.sampled_from(numbers))] = data.draw(st.sampled_from([-1, 1 << 32, 1 << 70]))
    with pytest.raises(WireError):
        type(request)(**values).encode()


@pytest.mark.parametrize(
    "request_",
    [
        rops.Logon("Ā"),
        rops.Logon("a\0b"),
        rops.Logon("a" * 65535),
        rops.OpenFolder(0, 1, b"short"),
        rops.OpenFolder(0, 1, bytes(9)),
        rops.SetColumns(0, (1 << 32,)),
        rops.SetColumns(0, (0,) * 65536),
        rops.SortTable(0, (rops.SortOrder(0x0E060040, 256),)),
        rops.SortTable(0, (rops.SortOrder(1 << 32, 0),)),
    ],
)
def test_values_that_do_not_fit(request_):
    with pytest.raises(WireError):
        request_.encode()


def test_the_longest_name_still_fits():
    data = rops.Logon("a" * 65534).encode()
    assert rops.read_request(Reader(data, "request")).essdn == "a" * 65534


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "ends after"),
        ("02", "ends after"),
        ("0000", "size of 0"),
        ("0100", "size of 1"),
        ("0400 01", "ends after"),
        ("0200 010203", "within its handle table"),
        ("0200 0102030405", "within its handle table"),
    ],
)
def test_lists_that_lie(data, message):
    with pytest.raises(WireError, match=message):
        rops.RopList.decode(bytes.fromhex(data))


def test_lists():
    assert rops.RopList.decode(b"\2\0") == (b"", ())
    assert rops.RopList.decode(bytes.fromhex("0300 aa 01000000")) == (b"\xaa", (1,))
    with pytest.raises(WireError):
        rops.RopList(bytes(65534), ()).encode()
    with pytest.raises(WireError):
        rops.RopList(b"", (1 << 32,)).encode()


@pytest.mark.parametrize(
    "data",
    [
        "34 00 00",
        "fe 00 00 01 0c040001 00000000 0300 610062",
        "fe 00 00 01 0c040001 00000000 0200 6162",
        "fe 00 00 01 0c040001 00000000 0000",
        "13 00 00 00 ffff 0000 0000 40000e06 01",
    ],
)
def test_requests_that_lie(data):
    with pytest.raises(WireError):
        rops.requests(rops.RopList(bytes.fromhex(data), ()))


@patient
@given(st.lists(st.sampled_from(sorted(rops.REQUESTS)) | U8, max_size=4), st.binary(max_size=100))
def test_any_bytes(numbers, data):
    assert_value_or_error(rops.RopList.decode, data)
    assert_value_or_error(
        lambda spoilt: rops.requests(rops.RopList(spoilt, ())), bytes(numbers[:1]) + data
    )
