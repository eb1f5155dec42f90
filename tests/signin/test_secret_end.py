"""Which of a registration's secrets is meant, and what is made of odd answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.signin import secret_end

SECRET = "aB3.rest-of-it"
NONE = "none of the registration's secrets is known to be this one"
NO_LIST = "the answer holds no list of secrets"


def answer(body, status=200):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("https://graph.example/", "graph.example", status, "", Headers({}), data)


def one(end, hint):
    return {"endDateTime": end, "hint": hint}


#: 2027-01-01, 2028-01-01 and 2029-01-01, in seconds since 1970.
NEXT, SECOND, THIRD = 1798761600.0, 1830297600.0, 1861920000.0


@pytest.mark.cases(99)
@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([one("2027-01-01T00:00:00Z", "aB3")], (NEXT, "")),
        ([one("2027-01-01T00:00:00Z", None)], (NEXT, "")),
        ([one("2027-01-01T00:00:00Z", "ab3")], (None, NONE)),
        ([], (None, NONE)),
        (
            [
                one("2027-01-01T00:00:00Z", "aB3"),
                one("2028-01-01T00:00:00.0000000Z", "aB3"),
                one("2029-01-01T00:00:00Z", None),
            ],
            (SECOND, ""),
        ),
        (
            [one("2028-01-01T00:00:00Z", "xyz"), one("2029-01-01T00:00:00Z", None)],
            (THIRD, ""),
        ),
        (
            [one("2028-01-01T00:00:00Z", None), one("2029-01-01T00:00:00Z", None)],
            (None, NONE),
        ),
        ([one("soon", "aB3"), one(None, "aB3"), 7, None], (None, NONE)),
    ],
)
def test_which_secret(listed, told):
    assert secret_end.read(answer({"passwordCredentials": listed}), SECRET) == told


@pytest.mark.cases(99)
@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"", 200, NO_LIST),
        (b"[]", 200, NO_LIST),
        ({"passwordCredentials": None}, 200, NO_LIST),
        ({}, 403, "the app may not read its own registration (Application.Read.All)"),
        (b"<html>", 502, "Graph answers 502"),
    ],
)
def test_no_list(body, status, why):
    assert secret_end.read(answer(body, status), SECRET) == (None, why)


_ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.just("aB3") | st.datetimes().map(str),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(("endDateTime", "hint", "x")), inner)
        | st.fixed_dictionaries({"passwordCredentials": st.lists(inner)})
    ),
)


@given(_ODD, st.sampled_from([200, 204, 403, 404, 500]))
def test_whatever_comes_is_an_end_or_a_reason(body, status):
    ends, why = secret_end.read(answer(body, status), SECRET)
    assert (ends is None) == bool(why)
    assert ends is None or (status == 200 and 0 <= ends < 253402300800)


@given(st.binary(max_size=200))
def test_bytes_at_random_are_no_end(body):
    assert secret_end.read(answer(body), SECRET)[0] is None
