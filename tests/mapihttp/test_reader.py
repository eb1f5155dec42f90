"""Reader, Writer and codecs: what is written is read, and what does not fit is a WireError."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import reader as module
from check_mapi_connectivity.mapihttp.reader import GUID, ID, TAGS, TEXT8, Reader, WireError, Writer

from .material import patient

NUMBERS = {"U8": 1, "U16": 2, "U32": 4}


def test_numbers_are_little_endian():
    reader = Reader(bytes.fromhex("01 0203 04050607 ffffffffffffffff"), "it")
    assert (reader.u8(), reader.u16(), reader.u32()) == (1, 0x0302, 0x07060504)
    assert reader.number("q") == -1
    reader.end()


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_written_as_they_are_read(name):
    codec, size = getattr(module, name), NUMBERS[name]
    for value in (0, 1, (1 << 8 * size) - 1):
        writer = Writer()
        codec.write(writer, value)
        assert writer.data() == value.to_bytes(size, "little")
        assert codec.read(Reader(writer.data(), "it")) == value
    for value in (-1, 1 << 8 * size):
        with pytest.raises(WireError, match="does not fit"):
            codec.write(Writer(), value)


def test_errors_say_what_and_where():
    reader = Reader(b"abc", "Connect response")
    reader.u8()
    with pytest.raises(WireError, match=r"Connect response ends after 3 bytes; 4 more .* byte 1"):
        reader.u32()
    assert reader.remaining == 2
    with pytest.raises(WireError, match="2 bytes too many"):
        reader.end()
    with pytest.raises(WireError):
        reader.take(-1)
    assert reader.rest() == b"bc"
    assert reader.peek() is None
    reader.end()


def test_text_ends_at_its_nul():
    assert Reader(b"a\xfc\0b", "it").text8() == "aü"
    assert Reader("Ā\0b".encode("utf-16-le"), "it").text16() == "Ā"
    # Two zero bytes of two characters are no end.
    assert Reader(b"\x01\0\0\x01\0\0", "it").text16() == "\x01Ā"
    assert Reader(b"\x3d\xd8\0\0", "it").text16() == "\ufffd"
    for data in (b"", b"abc"):
        with pytest.raises(WireError, match="no end"):
            Reader(data, "it").text8()
    for data in (b"", b"\0", b"a\0\0", b"a\0b\0", b"a\0\0b"):
        with pytest.raises(WireError, match="no end"):
            Reader(data, "it").text16()


@patient
@given(st.text(st.characters(min_codepoint=1, max_codepoint=255)), st.binary())
def test_8_bit_text(text, rest):
    writer = Writer()
    TEXT8.write(writer, text)
    writer.raw(rest)
    reader = Reader(writer.data(), "it")
    assert TEXT8.read(reader) == text
    assert reader.rest() == rest


@pytest.mark.parametrize("text", ["Ā", "😀", "a\0b", "\0"])
def test_text_that_8_bits_do_not_hold(text):
    with pytest.raises(WireError):
        Writer().text8(text)


@patient
@given(st.text(st.characters(min_codepoint=1, blacklist_categories=["Cs"])), st.binary())
def test_16_bit_text(text, rest):
    reader = Reader(text.encode("utf-16-le") + b"\0\0" + rest, "it")
    assert reader.text16() == text
    assert reader.rest() == rest


@patient
@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=20), st.binary(max_size=3))
def test_lists_of_tags(tags, rest):
    writer = Writer()
    TAGS.write(writer, tuple(tags))
    assert len(writer.data()) == 2 + 4 * len(tags)
    reader = Reader(writer.data() + rest, "it")
    assert TAGS.read(reader) == tuple(tags)
    assert reader.remaining == len(rest)


def test_lists_that_are_too_long_or_too_short():
    with pytest.raises(WireError):
        TAGS.write(Writer(), (0,) * 65536)
    with pytest.raises(WireError):
        TAGS.read(Reader(b"\xff\xff" + bytes(100), "it"))


@pytest.mark.parametrize("size", [0, 7, 9])
def test_ids_have_8_bytes(size):
    with pytest.raises(WireError, match=f"{size} bytes"):
        ID.write(Writer(), bytes(size))


def test_guids_are_in_mixed_order():
    writer = Writer()
    guid = uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00")
    GUID.write(writer, guid)
    assert writer.data().hex() == "443322116655887799aabbccddeeff00"
    assert GUID.read(Reader(writer.data(), "it")) == guid


STEPS = st.sampled_from(["u8", "u16", "u32", "text8", "text16", "peek", "rest", "end"])


@patient
@given(st.binary(max_size=200), st.lists(STEPS | st.integers(-1, 100), max_size=20))
def test_any_steps_over_any_bytes(data, steps):
    reader, before = Reader(data, "it"), len(data)
    for step in steps:
        try:
            reader.take(step) if isinstance(step, int) else getattr(reader, step)()
        except WireError:
            # What fails reads nothing.
            assert reader.remaining == before
        assert 0 <= reader.remaining <= before
        before = reader.remaining
