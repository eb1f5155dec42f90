"""Answers of a federation server that would take msal's searches an age never get there."""

from __future__ import annotations

import pytest
from msal import wstrust_request, wstrust_response

from check_mapi_connectivity.signin import federation

from ..support.signing import Runs, refusal, token
from ..tenant import adfs

pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated")

SEARCHED = ["RequestSecurityTokenResponse", "TokenType", "RequestedSecurityToken"]
#: How an element that is never closed may look.
SHAPES = ["<{}>", "<t:{} ", "<t:{}/>", "</{}>", "{}", "<!-- {} -->"]


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


@pytest.fixture
def read(monkeypatch):
    """What msal is given to read of a federation server's answers to a password."""
    found, ordinary = [], wstrust_response.parse_response

    def note(body):
        found.append(body)
        return ordinary(body)

    monkeypatch.setattr(wstrust_request, "parse_response", note)
    return found


@pytest.fixture
def answering(monkeypatch):
    """`answering(change, status)`: the federation server's answer to a password, changed."""
    ordinary = adfs.answer

    def switch(change, status=None, encoding="utf-8"):
        def answer(tenant, method, parts, headers, raw):
            code, kind, body = ordinary(tenant, method, parts, headers, raw)
            if method == "POST":
                return status or code, kind, change(body.decode()).encode(encoding)
            return code, kind, body

        monkeypatch.setattr(adfs, "answer", answer)

    return switch


def repeated(name, shape, count):
    """A change that has the name `count` times in all."""

    def change(body):
        return body + shape.format(name) * (count - body.count(name))

    return change


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SEARCHED)
def test_an_element_too_often(runs, tenant, answering, read, name, shape):
    answering(repeated(name, shape, 21))
    failure = refusal(runs.by_password(name="federated"))
    assert (failure.kind, failure.code) == ("credential", "HTTP 200")
    assert failure.cause == "federation server 127.0.0.1 answers, but not in WS-Trust"
    assert read == []
    assert tenant.token_requests == 0


@pytest.mark.parametrize("odd", ["<TokenType " * 21, "<!DOCTYPE a>"])
def test_no_other_encoding_hides_them(runs, answering, read, odd):
    answering(lambda body: body + odd, encoding="utf-16")
    failure = refusal(runs.by_password(name="federated"))
    assert failure.cause == "federation server 127.0.0.1 answers, but not in WS-Trust"
    assert read == []


@pytest.mark.parametrize("name", SEARCHED)
def test_an_element_as_often_as_may_be(runs, answering, read, name):
    answering(repeated(name, "<!-- {} -->", 20))
    assert token(runs.by_password(name="federated")).claims["upn"] == "federated@practice.example"
    assert len(read) == 1


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_refusal_with_an_element_too_often(runs, answering, read, status):
    answering(repeated("TokenType", "<TokenType>", 21), status)
    failure = refusal(runs.by_password("wrong", name="federated"))
    assert (failure.kind, failure.code) == ("credential", f"HTTP {status}")
    assert read == []


def test_ordinary_answers_have_few(runs, read):
    """Both versions of WS-Trust, with room to spare."""
    token(runs.by_password(name="federated"))
    [body] = read
    assert max(body.count(name) for name in SEARCHED) * 2 <= federation._MOST


def test_metadata_may_name_them_often(runs, monkeypatch):
    """It is searched in another way."""
    ordinary = adfs._metadata

    def metadata(url):
        more = "".join(f"<!-- {name} -->" for name in SEARCHED)
        return ordinary(url).replace("</wsdl:definitions>", f"{more * 30}</wsdl:definitions>")

    monkeypatch.setattr(adfs, "_metadata", metadata)
    assert token(runs.by_password(name="federated")).cached is False
