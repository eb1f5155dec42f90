"""Our NamedTuple does what typing's does."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from check_mapi_connectivity.base import value


class Ours(value.NamedTuple):
    """A value."""

    a: int
    b: str = "b"
    c: float | None = None

    @property
    def double(self):
        return 2 * self.a


class Typings(typing.NamedTuple):
    """The same."""

    a: int
    b: str = "b"
    c: float | None = None


BOTH = pytest.mark.parametrize("kind", [Ours, Typings])


@BOTH
@pytest.mark.parametrize(
    ("given", "named"),
    [((1,), {}), ((1, "x"), {}), ((1, "x", 2.0), {}), ((1,), {"c": 3.0}), ((), {"b": "y", "a": 0})],
)
def test_made(kind, given, named):
    made = kind(*given, **named)
    expected = {**dict(zip("abc", (None, "b", None))), **dict(zip("abc", given)), **named}
    assert (made.a, made.b, made.c) == tuple(made) == tuple(expected.values())
    assert made._asdict() == expected
    assert kind._fields == ("a", "b", "c")
    assert repr(made) == f"{kind.__name__}(a={made.a!r}, b={made.b!r}, c={made.c!r})"


@BOTH
@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), ((), {"b": "x"}), ((1, "x", 2.0, 3), {}), ((1,), {"a": 1}), ((1,), {"d": 1})],
)
def test_not_made(kind, given, named):
    with pytest.raises(TypeError):
        kind(*given, **named)


@BOTH
def test_changed_and_copied(kind):
    made = kind(1)
    assert made._replace(b="x") == kind(1, "x")
    assert made._make([1, "b", None]) == copy.copy(made) == pickle.loads(pickle.dumps(made)) == made
    with pytest.raises((TypeError, ValueError)):
        made._replace(d=1)
    with pytest.raises(AttributeError):
        made.a = 2
    assert hash(made) == hash(kind(1))


def test_what_it_computes():
    assert Ours(4).double == 8
