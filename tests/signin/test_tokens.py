"""Access tokens as values: any text, any document, any lifetime."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.reading import untrusted
from check_mapi_connectivity.signin import tokens
from check_mapi_connectivity.signin.tokens import MARGIN, Token

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def jwt(payload):
    """A token with this payload, unsigned."""
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"x.{text}.y"


@given(
    st.text() | st.binary().map(lambda data: "x." + base64.urlsafe_b64encode(data).decode() + ".y")
)
def test_any_text_has_claims_or_none(text):
    assert isinstance(untrusted.claims(text), dict)


@given(JSON.filter(lambda payload: "NaN" not in json.dumps(payload)))
def test_any_payload(payload):
    token = Token(jwt(payload), 0.0)
    assert token.claims == (payload if isinstance(payload, dict) else {})
    assert token.tenant_id is None


def test_deep_payload_has_no_claims():
    deep = base64.urlsafe_b64encode(b"[" * 200000).decode()
    assert untrusted.claims(f"x.{deep}.y") == {}


@pytest.mark.parametrize(
    ("tid", "found"),
    [
        ("8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01", "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01"),
        ("8A6C7F52-0D0E-4B4E-9B33-6F5D3C1F0A01", "8A6C7F52-0D0E-4B4E-9B33-6F5D3C1F0A01"),
        ("../../8a6c7f52-0d0e-4b4e-9b33-6f5d3c", None),
        ("8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01\n", None),
        (["8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01"], None),
        (None, None),
        ("", None),
    ],
)
def test_tenant_of_a_token(tid, found):
    assert Token(jwt({"tid": tid}), 0.0).tenant_id == found


def test_token_never_shows():
    token = Token(jwt({"secret": 1}), 5.0)
    assert repr(token) == str(token) == "Token(expires_at=5.0)"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("abc.def~+/=-_", True),
        ("!", True),
        ("", False),
        ("a b", False),
        ("a\nb", False),
        ("a\n", False),
        ("\x00", False),
        ("\x7f", False),
        ("abc\u20acdef", False),
        ("\ud800", False),
        (5, False),
        (None, False),
        (b"abc", False),
    ],
)
def test_token_that_fits_into_a_header(text, fits):
    assert tokens.sendable(text) is fits


@pytest.mark.parametrize(
    ("left", "serves"),
    [
        (3599.0, True),
        (MARGIN + 60, True),
        (86400.0, True),
        (MARGIN - 1, False),
        (0.0, False),
        (-1e9, False),
        (31 * 3600.0, False),
        (1e12, False),
        (float("inf"), False),
        (float("nan"), False),
    ],
)
def test_life_that_is_left(left, serves):
    """Below the margin is too late, beyond all measure is a wrong clock (contract 7.26)."""
    document = {"access_token": "x", "expires_at": time.time() + left}
    assert tokens.usable(document) is serves


@given(st.dictionaries(st.sampled_from(["access_token", "expires_at", "version"]), JSON))
def test_any_document_holds_a_token_or_none(document):
    usable = tokens.usable(document)
    assert not usable or tokens.sendable(document["access_token"])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3599, 3599.0),
        ("3599", 3599.0),
        (3599.5, 3599.5),
        (True, 1.0),
        (86400, 86400.0),
        (0, 0.0),
        (-5, 0.0),
        (1e9, 0.0),
        (float("inf"), 0.0),
        (float("nan"), 0.0),
        (10**400, 0.0),
        ("x", 0.0),
        ("", 0.0),
        (None, 0.0),
        ([], 0.0),
        ({}, 0.0),
    ],
)
def test_lifetime(value, seconds):
    assert tokens.lifetime(value) == seconds


@given(JSON)
def test_any_lifetime(value):
    assert 0.0 <= tokens.lifetime(value) < 31 * 3600
