"""Members of a JSON object from strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.reading.untrusted import Fields, Odd

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
READERS = {
    "text": lambda one: one.text("a"),
    "choice": lambda one: one.choice("a", ("x",)),
    "flag": lambda one: one.flag("a"),
    "number": lambda one: one.number("a", 9.0),
    "whole": lambda one: one.whole("a", 9),
    "inner": lambda one: one.inner("a").text("b"),
    "sized": lambda one: one.sized("a", 2),
    "inners": lambda one: [part.text("b") for part in one.inners("a", 9)],
    "lists": lambda one: one.lists("a", 9),
    "texts": lambda one: one.texts("a"),
    "pairs": lambda one: one.pairs("a"),
    "texts_by_name": lambda one: one.texts_by_name("a"),
    "wholes_by_name": lambda one: one.wholes_by_name("a"),
    "body": lambda one: one.body("a"),
    "hex": lambda one: one.hex("a"),
}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("text", "x", "x"),
        ("flag", True, True),
        ("number", 3, 3.0),
        ("whole", 9, 9),
        ("texts", ["x"], ("x",)),
        ("pairs", [["x", "y"]], (("x", "y"),)),
        ("texts_by_name", {"x": "y"}, {"x": "y"}),
        ("wholes_by_name", {"x": 1}, {"x": 1}),
        ("body", "\u00e4", b"\xc3\xa4"),
        ("body", {"base64": "AAE="}, b"\0\1"),
        ("hex", "00ff", b"\0\xff"),
        ("inner", {"b": "x"}, "x"),
        ("inners", [{"b": "x"}], ["x"]),
    ],
)
def test_what_is_right(name, value, read):
    assert READERS[name](Fields({"a": value}, "")) == read


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("text", "\ud800", "p.a"),
        ("text", 1, "p.a"),
        ("flag", 1, "p.a"),
        ("number", True, "p.a"),
        ("number", float("nan"), "p.a"),
        ("number", 9.1, "p.a"),
        ("whole", 1.0, "p.a"),
        ("whole", -1, "p.a"),
        ("inner", {"b": 1}, "p.a.b"),
        ("inners", [{}, {"b": 1}], "p.a[0].b"),
        ("body", {"base64": "?"}, "p.a"),
        ("hex", "0", "p.a"),
    ],
)
def test_what_is_odd_is_named(name, value, path):
    with pytest.raises(Odd) as caught:
        READERS[name](Fields({"a": value}, "p."))
    assert str(caught.value) == path


@given(JSON)
def test_any_value_is_read_or_odd(value):
    for read in READERS.values():
        try:
            found = read(Fields({"a": value}, ""))
        except Odd as error:
            assert str(error)
        else:
            assert isinstance(found, (str, float, int, tuple, list, dict, bytes))


def test_latin_1_bodies():
    assert Fields({"a": {"latin-1": "café"}}, "").body("a") == b"caf\xe9"
    with pytest.raises(Odd, match=r"^a$"):
        Fields({"a": {"latin-1": "\u20ac"}}, "").body("a")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": {"b": 1}}, None),
        ({"a": {"b": 1}, "c": 1}, "p.c"),
        ({"a": {"b": 1, "c": 1}}, "p.a.c"),
        ({"a": {"b": 1}, "\n": 1}, "p.a member"),
    ],
)
def test_nothing_is_left_that_nobody_asked_for(value, path):
    fields = Fields(value, "p.")
    fields.inner("a").whole("b", 1)
    if path is None:
        fields.close()
    else:
        with pytest.raises(Odd, match=rf"^{path}$"):
            fields.close()
