"""JSON with a byte order mark, from every service, end to end; and JSON in any encoding."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.reading import untrusted

from ..tenant import handler

MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}


@pytest.fixture(params=MARKS)
def marked(request, monkeypatch):
    """Every JSON of the practice tenant begins with a mark."""
    answer = handler.Handler.answer

    def more(self, status, headers, body):
        if body[:1] == b"{":
            wide = body.decode().encode("utf-16-le") if request.param == "utf-16" else body
            body = MARKS[request.param] + wide
        answer(self, status, headers, body)

    monkeypatch.setattr(handler.Handler, "answer", more)


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    ("section", "code"), [("cmdlet", 0), ("graph", 0), ("cmdlet-managed", 0), ("mapi-bearer", 0)]
)
def test_a_mark_before_what_every_service_says(way, section, code):
    run = way(section)
    assert (run.line[:35], run.code) == ("MAPI OK - healthy@practice.example:", code)


@given(
    st.recursive(st.none() | st.booleans() | st.integers(0, 10**9) | st.text(), st.lists),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]),
)
def test_json_in_any_encoding(value, encoding):
    text = json.dumps({"value": value})
    assert untrusted.document(text.encode(encoding)) == {"value": value}
    # A buffer of C that was sent with more than what is in it.
    assert untrusted.document(f"{text}\0\0".encode(encoding)) == {"value": value}


@given(st.binary() | st.text())
def test_anything_is_json_or_none(data):
    untrusted.document(data)
    assert isinstance(untrusted.text(data), str)


@pytest.mark.parametrize("data", [b"[" * 400_000, b"9" * 500_000, b"[1]" + b" " * (1 << 20)])
def test_json_beyond_all_measure_takes_no_time(data):
    begun = time.process_time()
    assert untrusted.document(data) in (None, float("inf"))
    assert time.process_time() - begun < 5


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=9), max_size=4))
def test_claims_of_any_token(claims):
    coded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert untrusted.claims(f"head.{coded}.signature") == claims


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.!.c", "a.W10.c", "a.\u20ac.c"])
def test_a_token_without_claims(token):
    assert untrusted.claims(token) == {}
