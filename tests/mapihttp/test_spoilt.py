"""Every beginning of every vector and of every recorded body, and every byte of them changed: a
value or WireError comes of it, and nothing else.
"""

from __future__ import annotations

from functools import partial

import pytest

from check_mapi_connectivity.mapihttp import dump
from check_mapi_connectivity.mapihttp.reader import WireError

from ..support.sweeps import sweep
from .material import (
    RECORDINGS,
    VECTORS,
    assert_value_or_error,
    dechunked,
    flips,
    parse,
    prefixes,
    replay,
)


def whole(vector):
    """The bytes of a vector as our own code meets them."""
    return dechunked(vector.data) if vector.layer == "http-chunked" else vector.data


REDIRECT = VECTORS["C07-logon-redirect"].data


@pytest.mark.parametrize("name", sweep(VECTORS))
def test_vectors(name):
    vector = VECTORS[name]
    parser, data = partial(parse, vector), whole(vector)
    for spoilt in prefixes(data):
        found = assert_value_or_error(parser, spoilt)
        # Of a ROP or a compressed block nothing can be missing, but the redirect of C07.
        if vector.layer in ("rop", "lz77") and spoilt and spoilt[:6] != REDIRECT[:6]:
            assert isinstance(found, WireError)
    for spoilt in flips(data, thorough=len(data) < 80):
        assert_value_or_error(parser, spoilt)


def name_of(exchange):
    return f"{exchange.recording}-{exchange.number}"


def distinct(part):
    """The exchanges whose body is new, each with an earlier body of the same kind and length, from
    which it differs in a name or a time only.
    """
    found = {}
    for exchange in RECORDINGS:
        data = getattr(exchange, part)
        earlier = [
            known
            for known, other in found.items()
            if len(known) == len(data) and other.values[0].kind == exchange.kind
        ]
        like = earlier[0] if earlier else b""
        if data and data not in found:
            found[data] = pytest.param(exchange, like, id=name_of(exchange))
    return list(found.values())


@pytest.mark.parametrize(("exchange", "like"), sweep(distinct("body")))
def test_recorded_answers(exchange, like):
    parser = partial(replay, exchange)
    for spoilt in prefixes(exchange.body):
        assert_value_or_error(parser, spoilt)
    spoilt = list(flips(exchange.body, thorough=len(exchange.body) < 80, unlike=like))
    # Of a long body every byte is changed once, in a bit that moves on; ten changes each take long.
    for data in spoilt[:: 9 if len(exchange.body) > 1000 else 1]:
        assert_value_or_error(parser, data)


@pytest.mark.parametrize(("exchange", "like"), sweep(distinct("sent")))
def test_dumps_of_recorded_requests(exchange, like):
    for data in (*prefixes(exchange.sent), *flips(exchange.sent, unlike=like)):
        assert dump.request(exchange.kind, data)


@pytest.mark.parametrize(
    ("exchange", "like"), sweep(case for case in distinct("body") if case.values[0].kind)
)
def test_dumps_of_recorded_answers(exchange, like):
    spoilt = list(flips(exchange.body, unlike=like))
    step = 1 + len(spoilt) // 1000
    for data in (*prefixes(exchange.body), *spoilt[::step]):
        assert dump.answer(exchange.kind, exchange.sent, data, lambda _: "ecSome")
