"""A tenant's openid-configuration: what is one, what is none, and anything at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.services import openid_configuration

from .test_http_refusals import make_answer

HOST = "https://login.microsoftonline.com/8a6c7f52-0000-4000-8000-000000000001"
DOCUMENT = {"issuer": f"{HOST}/v2.0", "token_endpoint": f"{HOST}/oauth2/v2.0/token"}
REFUSED = {
    "error": "invalid_tenant",
    "error_description": "AADSTS90002: Tenant 'contoso' not found.",
    "error_codes": [90002],
}


def refused(status, document, **keywords):
    with pytest.raises(CheckFailure) as caught:
        openid_configuration.read(make_answer(status, json.dumps(document).encode(), **keywords))
    return caught.value.failure


def test_a_document():
    found = openid_configuration.read(make_answer(200, json.dumps(DOCUMENT).encode()))
    assert found == (DOCUMENT["issuer"], DOCUMENT["token_endpoint"])
    assert openid_configuration.path("a/../b c") == (
        "/a%2F..%2Fb%20c/v2.0/.well-known/openid-configuration"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": None},
        {"issuer": "http://login.microsoftonline.com/x"},
        {"token_endpoint": "https://"},
        {"token_endpoint": ["https://a.example"]},
        {"issuer": "https://[login"},
        {"issuer": "https://a.example/\u2028"},
    ],
)
def test_what_is_none(changes):
    failure = refused(200, {**DOCUMENT, **changes})
    assert (failure.kind, failure.code) == ("protocol", "HTTP 200")
    assert failure.cause.endswith(" answers, but not as Entra")


def test_refusals():
    assert refused(400, REFUSED).code == "AADSTS90002"
    assert refused(400, REFUSED).kind == "credential"
    assert refused(204, DOCUMENT).kind == "protocol"
    assert refused(503, {}).kind == "server"
    assert refused(429, {}).kind == "throttled"


@given(
    st.integers(100, 599),
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["issuer", "token_endpoint", "error"]), inner)
        ),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode()),
)
@example(200, b'{"issuer":"https://[","token_endpoint":"https://a"}')
def test_whatever_comes_is_a_document_or_a_failure(status, body):
    try:
        found = openid_configuration.read(make_answer(status, body))
    except CheckFailure as error:
        assert error.failure.kind in KINDS and error.failure.cause
    else:
        assert status == 200 and all(url.startswith("https://") for url in found)
