"""The members of a foreign JSON object: each is taken as what it should be, or named by its path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.reading import untrusted
from check_mapi_connectivity.base.reading.untrusted import Fields, Odd

#: Method and its further arguments -> what it takes, with what it makes of that; what it refuses.
MEMBERS = [
    ("text", (3,), [("abc", "abc"), ("", "")], ["abcd", 1, None, "\ud800"]),
    ("choice", (("a", "b"),), [("b", "b")], ["c", ["a"], None]),
    ("flag", (), [(True, True), (False, False)], [1, "true", None]),
    ("flag_or", ("both",), [(True, True), ("both", "both")], ["none", 0]),
    ("number", (5, 1), [(1, 1.0), (5.0, 5.0)], [0.99, 5.01, True, "2", float("nan"), None]),
    ("whole", (2,), [(0, 0), (2, 2)], [-1, 3, True, 1.0, None]),
    ("sized", (2,), [([1, 2], [1, 2])], [[1], [1, 2, 3], "ab", None]),
    ("items", (2,), [([], []), ([1, 2], [1, 2])], [[1, 2, 3], {}, None]),
    ("lists", (2,), [([[1], []], [[1], []])], [[1], [[], [], []]]),
    ("texts", (), [(["a", "b"], ("a", "b"))], [["a", 1], "a"]),
    ("pairs", (), [([["a", "b"]], (("a", "b"),))], [[["a"]], [["a", 1]], ["ab"]]),
    ("texts_by_name", (), [({"a": "b"}, {"a": "b"})], [{"a": 1}, []]),
    ("wholes_by_name", (), [({"a": 10**6}, {"a": 10**6})], [{"a": 10**6 + 1}, {"a": -1}]),
    ("hex", (), [("0aFF", b"\x0a\xff")], ["0", "xx", 1]),
    (
        "body",
        (),
        [("\u00fc", b"\xc3\xbc"), ({"latin-1": "\u00fc"}, b"\xfc"), ({"base64": "AAE="}, b"\0\1")],
        [{"latin-1": "\u20ac"}, {"base64": "A"}, {"base64": "AA==!"}, {}, 1],
    ),
]
TAKEN = [(row[0], row[1], *pair) for row in MEMBERS for pair in row[2]]
REFUSED = [(row[0], row[1], value) for row in MEMBERS for value in row[3]]


@pytest.mark.cases(len(TAKEN))
@pytest.mark.parametrize(("method", "more", "value", "made"), TAKEN)
def test_a_member_as_it_should_be(method, more, value, made):
    fields = Fields({"name": value}, "at.")
    assert getattr(fields, method)("name", *more) == made
    fields.close()


@pytest.mark.cases(len(REFUSED))
@pytest.mark.parametrize(("method", "more", "value"), REFUSED)
def test_a_member_that_is_odd_is_named(method, more, value):
    with pytest.raises(Odd) as caught:
        getattr(Fields({"name": value}, "at."), method)("name", *more)
    assert str(caught.value).startswith("at.name")


def test_what_is_missing():
    fields = Fields({"there": 0, "null": None}, "")
    assert [fields.there(name) for name in ("there", "null", "other")] == [True, False, False]
    assert fields.items("list") == []
    assert fields.texts_by_name("texts") == fields.wholes_by_name("wholes") == {}
    with pytest.raises(Odd, match="all of it"):
        Fields([], "")
    with pytest.raises(Odd, match=r"^at\.inner$"):
        Fields({"inner": 1}, "at.").inner("inner")
    with pytest.raises(Odd, match=r"^list\[1\]$"):
        Fields({"list": [{}, 1]}, "").inners("list", 2)


def test_nothing_is_left_that_was_not_asked_for():
    fields = Fields({"a": {"b": 1, "c": 2}}, "")
    inner = fields.inner("a")
    assert inner.whole("b", 1) == 1
    with pytest.raises(Odd, match=r"^a\.c$"):
        fields.close()
    inner.there("c")
    fields.close()
    with pytest.raises(Odd, match=r"^a member$"):
        Fields({"\n": 1}, "").close()


@given(st.integers(-(10**25), 10**25))
def test_integers_of_any_length(number):
    """Up to 19 digits each is what it says."""
    found = untrusted.document(str(number))
    assert found == (number if len(str(number)) < 20 else float(number))
    assert isinstance(found, int) == (len(str(number)) < 20)
