"""A code without a row makes no claim: no cause, no remedy is made up for it (contract 7.27)."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import ManagedIdentity
from check_mapi_connectivity.codes import entra, exchange, graph, http, mapi
from check_mapi_connectivity.services import (
    autodiscover_refusals,
    exchange_refusals,
    http_refusals,
    mapi_http_refusals,
    mapi_refusals,
)
from check_mapi_connectivity.services import entra as services_entra
from check_mapi_connectivity.services import graph_refusals as services_graph
from check_mapi_connectivity.signin import managed_identity

from ..codes.test_http import answered
from ..services.test_http_refusals import exchange_error, make_answer

#: What nobody can know of a code that nobody knows.
CLAIMS = re.compile(
    r"password|licen[cs]e|disabled|quota|full\b|permission|\brole|grant|certificate|secret|consent|"
    r"firewall|locked|moved|moving|expired|wrong|offline|quarantine|no such|not found|unknown user|"
    r"policy|tenant|clock|overloaded|too many|throttl|internal error|cannot reach|out of reach",
    re.IGNORECASE,
)
NAME = st.from_regex(r"[A-Z][a-z]{2,8}[A-Z][a-z]{2,8}", fullmatch=True)
STATUS = st.integers(400, 599).filter(lambda status: status not in (401, 407, 408, 429))
MADE_UP = "Zorb the frobnicator."


def made_no_claim(failure, kinds=("protocol", "server")):
    """Whether a failure says nothing but that it is not known; its own text stands beside."""
    assert failure.kind in kinds, failure
    assert not CLAIMS.search(f"{failure.cause} {failure.remedy}"), failure


@given(STATUS, NAME)
def test_exceptions_of_exchange(status, name):
    exception = f"{name}Exception"
    assume(exception not in exchange.EXCHANGE and not exception.endswith("TransientException"))
    answer = exchange_error(f"Ex1|Microsoft.Exchange.Odd.{exception}|{MADE_UP}")
    answer = make_answer(status, answer.body)
    assume(status not in http.SERVICES)
    failure = exchange_refusals.exchange_status(answer, {"roles": []})
    made_no_claim(failure)
    assert failure.kind == ("server" if status >= 500 else "protocol")
    assert exception in failure.code
    assert failure.detail == MADE_UP


@given(st.integers(400, 499), NAME)
def test_codes_of_graph(status, code):
    assume(graph.find(code) is None and status != 429 and status != 408)
    body = json.dumps({"error": {"code": code, "message": MADE_UP}}).encode()
    failure = services_graph.status(make_answer(status, body), {"roles": ["Mail.ReadBasic.All"]})
    made_no_claim(failure)
    assert (failure.kind, failure.code, failure.detail) == ("protocol", code, MADE_UP)


@given(st.integers(1000, 99999999), st.sampled_from(["brand_new", "invalid_grant", ""]))
def test_numbers_of_entra(number, error):
    assume(number not in entra.ENTRA)
    document = {"error": error, "error_codes": [number], "error_description": MADE_UP}
    failure = services_entra.sign_in(document, make_answer(400))
    made_no_claim(failure, ("credential",) if error == "invalid_grant" else ("protocol",))
    assert (
        failure.remedy
        == f"see Entra's sign-in log; https://login.microsoftonline.com/error?code={number}"
    )
    assert (failure.code, failure.detail) == (f"AADSTS{number}", MADE_UP)


@pytest.mark.parametrize("number", [5002730, 90041])
def test_numbers_whose_meaning_nobody_has_found(number):
    assert number not in entra.ENTRA


@given(NAME, st.sampled_from([400, 403, 409]))
def test_errors_of_the_metadata_service(error, status):
    body = {"error": error, "error_description": MADE_UP}
    answer = make_answer(status, json.dumps(body).encode())
    failure = managed_identity._refused(answer, body, ManagedIdentity("", "http://host.example"))
    made_no_claim(failure)
    assert (failure.code, failure.detail) == (error, MADE_UP)


@given(STATUS)
def test_statuses_of_any_service(status):
    assume(status not in http.SERVICES and status >= 500)
    made_no_claim(http_refusals.trouble(make_answer(status), "Exchange"))


@given(st.integers(1, 0xFFFFFFFF))
def test_numbers_of_mapi(number):
    assume(number not in mapi.CODES and number not in mapi.STATUS_CODES)
    for failure in (
        mapi_refusals.status_code(number),
        mapi_refusals.error_code(number, "Connect"),
        mapi_refusals.return_value(number, "RopLogon"),
        mapi_refusals.return_value(number, "RopOpenFolder", owner=False),
    ):
        made_no_claim(failure)
        assert failure.code == f"unknown code 0x{number:X}"


@given(st.integers(0, 99999))
def test_response_codes_and_errors_of_autodiscover(number):
    assume(number not in mapi.RESPONSE_CODES and number not in mapi.AUTODISCOVER_CODES)
    for failure in (
        mapi_refusals.response_code(number, MADE_UP, "mail.example"),
        autodiscover_refusals.error(number, MADE_UP),
    ):
        made_no_claim(failure)
        assert MADE_UP in failure.detail


@given(st.integers(300, 599))
def test_statuses_of_a_proxy(status):
    assume(status not in http.PROXY)
    failure = answered(status)
    made_no_claim(failure, ("proxy",))


@given(STATUS.filter(lambda status: status not in (403, 404, 456)))
def test_statuses_of_the_mapi_endpoint(status):
    assume(status not in http.SERVICES)
    failure = mapi_http_refusals.http_status(
        make_answer(status), scheme="Basic", offered=(), user="LAB\\probe"
    )
    made_no_claim(failure)


@given(st.from_regex(r"MapiException[A-Z][a-z]{3,9}[A-Z][a-z]{3,9}", fullmatch=True))
def test_exceptions_in_the_cmdlets_error(name):
    assume(name not in exchange.MAPI)
    failure = exchange_refusals.mapi_error(f"{name}: {MADE_UP}")
    made_no_claim(failure)
    assert (failure.kind, failure.code) == ("server", name)
