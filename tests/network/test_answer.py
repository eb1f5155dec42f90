"""Answers are read and decoded to a limit."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.network import answer, response


def test_decoding():
    data = b"x" * 100
    raw = zlib.compressobj(wbits=-15)
    assert response.decode("gzip", gzip.compress(data), "h") == data
    assert response.decode("deflate", zlib.compress(data), "h") == data
    assert response.decode("deflate", raw.compress(data) + raw.flush(), "h") == data
    assert response.decode("gzip", bytes(4096), "h") is None
    assert response.decode("gzip", gzip.compress(data)[:-9], "h") is None
    assert response.decode("br", data, "h") is None
    # The label was lost on the way, or is a mistake.
    for label in ("", "identity", "utf-8"):
        assert response.decode(label, gzip.compress(data), "h") == data
        assert response.decode(label, data, "h") == data
        cut = gzip.compress(data)[:-9]
        assert response.decode(label, cut, "h") == cut
    with pytest.raises(CheckFailure):
        response.decode("", gzip.compress(bytes(answer.BODY_LIMIT + 1)), "h")
    with pytest.raises(CheckFailure):
        response.decode("gzip", gzip.compress(bytes(answer.BODY_LIMIT + 1)), "h")


@given(st.sampled_from(["gzip", "deflate", "br", ""]), st.binary(max_size=200), st.booleans())
def test_any_body_is_decoded_or_not(encoding, body, packed):
    found = response.decode(encoding, gzip.compress(body) if packed else body, "h")
    assert found is None or len(found) <= answer.BODY_LIMIT
