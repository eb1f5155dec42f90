"""Property values and rows of every type (sheet mapi-http 4.11)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import properties
from check_mapi_connectivity.mapihttp.properties import (
    TYPES,
    PropertyError,
    Time,
    id_text,
    row,
    tag_name,
)
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

from .material import EXAMPLES, assert_value_or_error, flagged_row, patient, peak, standard_row


def rows(columns, data):
    """A row, read to its last byte."""
    reader = Reader(data, "row")
    found = row(reader, columns)
    reader.end()
    return found


def test_there_is_an_example_of_every_type():
    assert {tag & 0xFFFF for tag, _, _ in EXAMPLES} == {*TYPES, 0, 0x101F}


@patient
@given(st.lists(st.sampled_from(EXAMPLES), max_size=20))
def test_rows(examples):
    columns = [tag for tag, _, _ in examples]
    values = tuple(value for _, value, _ in examples)
    assert rows(columns, standard_row(examples)) == values
    assert rows(columns, flagged_row(examples)) == values


@patient
@given(st.lists(st.tuples(st.sampled_from(EXAMPLES), st.sampled_from([0, 1, 0x0A])), max_size=20))
def test_flagged_rows_with_absent_values_and_errors(columns):
    data, expected = b"\x01", []
    for (tag, value, written), flag in columns:
        kind, plain = (b"", written) if tag & 0xFFFF else (written[:2], written[2:])
        data += kind + bytes([flag]) + {0: plain, 1: b"", 0x0A: b"\x0f\x01\x04\x80"}[flag]
        expected.append({0: value, 1: None, 0x0A: PropertyError(0x8004010F)}[flag])
    assert rows([tag for (tag, _, _), _ in columns], data) == tuple(expected)


@pytest.mark.parametrize(("tag", "value", "written"), EXAMPLES)
def test_no_value_is_read_from_less(tag, value, written):
    for length in range(len(written)):
        with pytest.raises(WireError):
            rows([tag], b"\0" + written[:length])
    assert rows([tag], b"\0" + written) == (value,)


@pytest.mark.parametrize("kind", list(TYPES))
@pytest.mark.parametrize("count", [0, 1, 3])
def test_several_values(kind, count):
    _, value, written = next(entry for entry in EXAMPLES if entry[0] & 0xFFFF == kind)
    data = b"\0" + struct.pack("<I", count) + written * count
    assert rows([0x30001000 | kind], data) == ((value,) * count,)


@pytest.mark.parametrize(
    ("columns", "data", "message"),
    [
        ([0x30000003], "02 00000000", "flag 0x02"),
        ([0x30000003], "01 05 00000000", "flag 0x05"),
        ([0x3000000D], "00 00000000", "0x000D is not known"),
        ([0x30001000], "00 00000000", "0x1000 is not known"),
        ([0x30003003], "00 00000000", "0x3003 is not known"),
        ([0x30000000], "00 0000 00000000", "0x0000 is not known"),
        ([0x30000000], "01 0110 00 00000000", "0x1001 is not known"),
        ([0x30000003], "", "ends after 0"),
        ([0x30000102], "00 ffff 00", "ends after"),
        ([0x30001003], "00 ffffffff 00000000", "ends after"),
    ],
)
def test_what_is_refused(columns, data, message):
    with pytest.raises(WireError, match=message):
        rows(columns, bytes.fromhex(data))


COLUMNS = st.lists(
    st.sampled_from([tag for tag, _, _ in EXAMPLES]) | st.integers(0, 0xFFFFFFFF), max_size=12
)


@patient
@given(COLUMNS, st.binary(max_size=200), st.sampled_from([b"", b"\0", b"\x01"]))
def test_any_bytes(columns, data, flag):
    found = assert_value_or_error(lambda spoilt: row(Reader(spoilt, "row"), columns), flag + data)
    assert isinstance(found, WireError) or len(found) == len(columns)


def test_a_row_without_columns_is_its_flag():
    assert rows((), b"\0") == rows((), b"\x01") == ()


@pytest.mark.parametrize("kind", [0x1003, 0x1002, 0x101E, 0x101F, 0x1102, 0x1048, 0x100B, 0x100A])
def test_counts_that_lie_take_no_memory(kind):
    data = b"\0\xff\xff\xff\xff" + bytes(20000)
    found, most = peak(lambda: row(Reader(data, "row"), [kind]))
    assert isinstance(found, WireError)
    assert most < 4 << 20


def test_long_texts_take_a_few_times_their_size():
    data = b"\0" + b"a" * (1 << 20) + b"\0\0\0"
    for kind in (0x001E, 0x001F):
        found, most = peak(lambda kind=kind: row(Reader(data, "row"), [kind]))
        assert len(found[0]) in (1 << 20, 1 << 19)
        assert most < 8 << 20


def test_times():
    assert Time(116444736000000000).unix == 0
    assert Time(133000000000000000).unix == 1655526400
    assert Time(0).unix == -11644473600


def test_names_of_tags_and_ids():
    assert tag_name(0x674A0014) == "PidTagMid 0x674A0014"
    assert tag_name(0x12340003) == "0x12340003 (PtypInteger32)"
    assert tag_name(0x12341003) == "0x12341003"
    assert id_text(bytes.fromhex("01000003b479ca47")) == "0001-0003b479ca47"
    assert properties.TAGS[properties.UNREAD_COUNT] == "PidTagContentUnreadCount"
