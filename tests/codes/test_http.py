"""HTTP statuses: from services and proxies, and what Squid adds."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.credentials import Proxy
from check_mapi_connectivity.codes import http
from check_mapi_connectivity.network.proxy import refusals
from check_mapi_connectivity.network.proxy.connect import _Reply

PROXY = Proxy("p", 3128, "--proxy")
TARGET = "mail.example:443"


def test_statuses_have_their_names():
    assert http.PROXY[407].name == "Proxy Authentication Required"
    assert http.SERVICES[503][5:] == ("HTTP 503", "Service Unavailable")
    # Exchange's own.
    assert http.MAPI[456].name == ""


def answered(status, squid=""):
    headers = {"X-Squid-Error": squid} if squid else {}
    return refusals.refused(
        PROXY, TARGET, status, _Reply(status, "its own words", headers, False).hint
    )


@pytest.mark.parametrize("status", sorted({*http.PROXY} - {407}))
def test_what_a_proxy_answers(status):
    row, failure = http.PROXY[status], answered(status)
    assert failure.cause == row.cause.format(proxy="p:3128", target=TARGET)
    assert failure.remedy == row.remedy.format(target=TARGET)
    assert (failure.kind, failure.code) == ("proxy", f"HTTP {status}")


@pytest.mark.parametrize("name", http.SQUID)
def test_what_squid_adds(name):
    row, failure = http.SQUID[name], answered(503, f"{name} 0")
    assert failure.cause == row.cause.format(proxy="p:3128", target=TARGET)
    assert (failure.code, failure.detail) == ("HTTP 503", f"{name} 0")


@pytest.mark.parametrize(
    ("squid", "cause", "code"),
    [
        ("ERR_CONNECT_FAIL 111", ": connection refused", "HTTP 503"),
        ("ERR_CONNECT_FAIL 113", ": no route to host", "HTTP 503"),
        ("ERR_CONNECT_FAIL 99999", "", "HTTP 503"),
        ("ERR_CONNECT_FAIL x", "", "HTTP 503"),
        ("ERR_OF_OUR_OWN 111", "", "HTTP 503"),
        ("", "", "HTTP 503"),
    ],
)
def test_the_error_number_behind_squids_name(squid, cause, code):
    failure = answered(503, squid)
    assert failure.cause == f"proxy p:3128 cannot reach {TARGET}{cause}"
    assert failure.code == code


@pytest.mark.parametrize("status", [306, 408, 410, 418, 599])
def test_a_status_without_a_row_makes_no_claim(status):
    failure = answered(status)
    assert failure.cause == f"proxy p:3128 does not connect to {TARGET}"
    assert failure.remedy == "see the proxy's own log"


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_what_does_not_take_connect_is_most_likely_no_proxy(status):
    failure = answered(status)
    assert failure.cause == f"p:3128 is most likely no proxy, it refuses CONNECT to {TARGET}"
    assert failure.remedy == "check address and port of the proxy; if it is one, see its own log"
