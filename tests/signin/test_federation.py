"""Sign-in of federated users: what goes to the federation server, its refusals, odd and hostile
answers of its.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.report import Stopwatch
from check_mapi_connectivity.signin import federation

from ..conftest import GRACE
from ..services.test_http_refusals import make_answer
from ..support.signing import Runs, refusal, token
from ..tenant import adfs
from ..tenant.directory import TENANT_ID, TENANT_NAME
from ..tenant.entra import Entra

pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated")

HERE = "federation server 127.0.0.1"
FAULT = (
    '<s:Envelope xmlns:s="{soap}"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>'
    "<s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code><s:Reason>"
    "<s:Text xml:lang='en'>{text}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
)


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


@pytest.fixture
def answering(monkeypatch):
    """`answering(method, status, body)`: what the federation server says from now on."""
    plain = adfs.answer

    def switch(method, status, body):
        def answer(tenant, got, parts, headers, raw):
            if got != method:
                return plain(tenant, got, parts, headers, raw)
            return status, adfs.SOAP_TYPE, body if isinstance(body, bytes) else body.encode()

        monkeypatch.setattr(adfs, "answer", answer)

    return switch


def federated(runs, password=None, **changes):
    """The run of a federated user."""
    return runs.by_password(password, name="federated", **changes)


def fault(code="b:FailedAuthentication", text="ID3242: The token could not be authenticated."):
    """A SOAP fault (SOAP 1.2 5.4)."""
    return FAULT.format(soap=adfs.SOAP, code=code, text=text)


def test_the_password_goes_to_the_federation_server_alone(runs, tenant):
    run = federated(runs)
    assert token(run).claims["upn"] == "federated@practice.example"
    assert tenant.paths() == [
        f"GET /{TENANT_NAME}/v2.0/.well-known/openid-configuration",
        "GET /common/userrealm/federated@practice.example",
        "GET /adfs/services/trust/mex",
        "POST /adfs/services/trust/13/usernamemixed",
        f"POST /{TENANT_ID}/oauth2/v2.0/token",
    ]
    password = tenant.material.password.replace("&", "&amp;").encode()
    asked = [path for _, path, _, raw in tenant.requests if password in raw]
    assert asked == ["/adfs/services/trust/13/usernamemixed"]
    assert tenant.entra.password_tries == [("federated@practice.example", True)]


def test_a_wrong_password_is_refused_by_the_federation_server(runs, tenant):
    failure = refusal(federated(runs, "wrong"))
    assert failure == Failure(
        "credential",
        f"{HERE} refuses user federated@practice.example",
        "check the password; or use a cloud-only user or a certificate",
        "FailedAuthentication",
        failure.detail,
        during="sign-in",
    )
    assert failure.detail.startswith("ID3242: ")
    assert tenant.entra.password_tries == [("federated@practice.example", False)]
    assert tenant.token_requests == 0


def test_federation_server_that_nobody_listens_at(runs):
    failure = refusal(runs.by_password(name="federated-down"))
    assert (failure.kind, failure.transient) == ("connect", True)
    assert failure.cause.startswith("federation server 127.0.0.1 port 1: ")


def test_entras_refusal_of_the_assertion_is_entras(runs, tenant):
    tenant.faults.on("token", "aadsts-50008")
    failure = refusal(federated(runs))
    assert (failure.kind, failure.code) == ("credential", "AADSTS50008")


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (fault(), "FailedAuthentication", "ID3242: The token could not be authenticated."),
        (fault(code="x:InvalidScope", text="a\n  b"), "InvalidScope", "a b"),
        (
            fault(code="x:ID").replace("<s:Value>x", '<s:Value xmlns:x="urn:x">x'),
            "WS-Trust",
            "ID3242: The token could not be authenticated.",
        ),
        (
            fault().replace("<s:Value>b", '<s:Value xmlns:b="urn:b">b'),
            "FailedAuthentication",
            "ID3242: The token could not be authenticated.",
        ),
        (fault(code="x:"), "WS-Trust", "ID3242: The token could not be authenticated."),
        (
            "<Envelope><faultstring>locked out</faultstring></Envelope>",
            "WS-Trust",
            "locked out",
        ),
        (fault(text="Gesperrt: ä"), "FailedAuthentication", "Gesperrt: ä"),
        (fault(text=""), "FailedAuthentication", ""),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_refusals(runs, answering, status, body, code, detail):
    answering("POST", status, body)
    failure = refusal(federated(runs))
    assert (failure.kind, failure.cause) == (
        "credential",
        f"{HERE} refuses user federated@practice.example",
    )
    assert (failure.code, failure.detail) == (code, detail)


DOCTYPE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "{0}"><!ENTITY c "{1}">]><Envelope>&c;'
LAUGHS = DOCTYPE.format("ha" * 500, "&b;" * 500) + "</Envelope>"
LIMIT = federation._LIMIT

ODD = {
    "empty": b"",
    "html": b"<html><body>Logon</body></html>",
    "envelope": b"<s:Envelope/>",
    "json": b'{"error": "Envelope"}',
    "doctype": LAUGHS.encode(),
    "doctype of another encoding": LAUGHS.encode("utf-16"),
    "nul": b"\0" * 100 + b"Envelope",
    "huge": b"<Envelope>" + b" " * LIMIT + b"</Envelope>",
    "deep": b"<Envelope>" + b"<a>" * 9000,
    "two tokens": b"<RequestSecurityTokenResponse><TokenType>x</TokenType>"
    b"<RequestedSecurityToken>y</RequestedSecurityToken></RequestSecurityTokenResponse>Envelope",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", ODD)
def test_odd_answers_to_the_password(runs, answering, tenant, body, status):
    answering("POST", status, ODD[body])
    failure = refusal(federated(runs))
    assert (failure.kind, failure.cause, failure.code) == (
        "credential",
        f"{HERE} answers, but not in WS-Trust",
        f"HTTP {status}",
    )
    assert tenant.token_requests == 0


@pytest.mark.parametrize("body", ODD)
def test_odd_metadata(runs, answering, tenant, body):
    answering("GET", 200, ODD[body])
    failure = refusal(federated(runs))
    assert failure.kind == "credential"
    assert tenant.entra.password_tries == []


def test_metadata_beyond_all_measure(runs, answering):
    """A million elements would take a hundred megabytes."""
    answering("GET", 200, b"<Envelope>" + b"<a/>" * (1 << 19) + b"</Envelope>")
    failure = refusal(federated(runs))
    assert failure.cause == f"{HERE} answers, but not in WS-Trust"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (500, "server", f"{HERE} reports an internal error"),
        (502, "server", f"{HERE} answers with an error page"),
        (503, "server", f"{HERE} answers with an error page"),
        (429, "throttled", f"{HERE} throttles this check"),
        (403, "credential", f"{HERE} answers, but not in WS-Trust"),
        (302, "credential", f"{HERE} answers, but not in WS-Trust"),
        (404, "credential", f"{HERE} answers, but not in WS-Trust"),
    ],
)
def test_statuses(runs, answering, method, status, kind, text):
    answering(method, status, b"<html>Gateway</html>")
    failure = refusal(federated(runs))
    assert (failure.kind, failure.cause, failure.code) == (kind, text, f"HTTP {status}")


OPEN = "<RequestSecurityTokenResponse>"
BAITS = {
    "opened again and again": OPEN * (LIMIT // len(OPEN)),
    "opened, then ends of nothing": OPEN * (LIMIT // 60) + "</" * (LIMIT // 4),
    "types within": OPEN + "<TokenType>" * (LIMIT // 12) + "</RequestSecurityTokenResponse>",
    "names without end": "<" + "a" * (LIMIT - 2),
    "values of blanks": "<Value>" + " " * (LIMIT - 20),
    "texts": "<Text " * (LIMIT // 6),
}


@pytest.mark.parametrize("bait", BAITS)
def test_texts_that_expressions_search_forever(runs, answering, bait):
    """msal searches by expressions that take quadratic time, holding up the watchdog as well."""
    assert len(BAITS[bait]) <= LIMIT
    answering("POST", 200, BAITS[bait])
    begun = time.monotonic()
    assert refusal(federated(runs)).kind == "credential"
    # About a second on an idle machine, hours without the limit.
    assert time.monotonic() - begun < 3 * GRACE


@pytest.mark.parametrize("member", ["federation_metadata_url", "federation_active_auth_url"])
@pytest.mark.parametrize("place", ["http://127.0.0.1:1", "ftp://x", "", "https:/x", "HTTP://x"])
def test_no_password_in_the_clear(runs, tenant, monkeypatch, member, place):
    realm, url = Entra.realm, f"{place}/adfs/services/trust/2005/usernamemixed"

    def elsewhere(self, there, user):
        document = realm(self, there, user)
        document.pop("federation_metadata_url")
        return {**document, member: url}

    monkeypatch.setattr(Entra, "realm", elsewhere)
    failure = refusal(federated(runs))
    shown = federation.host(url)
    assert (failure.kind, failure.cause) == (
        "credential",
        f"federation server {shown} is not reached by https, and no password goes there in the "
        "clear",
    )
    assert len(tenant.requests) == 2


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"federation_active_auth_url": None, "federation_protocol": "SAML20"},
            "practice.example is federated, but Entra names no WS-Trust address of it",
        ),
        (
            {"federation_active_auth_url": "https://idp.example/app/office365/wsfed/active"},
            "federation server idp.example has no WS-Trust address that msal knows",
        ),
    ],
)
def test_a_federation_that_is_none_of_ad_fs(runs, tenant, monkeypatch, changes, cause):
    realm = Entra.realm

    def elsewhere(self, there, user):
        document = {**realm(self, there, user), "federation_metadata_url": None, **changes}
        return {name: value for name, value in document.items() if value is not None}

    monkeypatch.setattr(Entra, "realm", elsewhere)
    failure = refusal(federated(runs))
    assert (failure.kind, failure.cause, failure.code) == ("credential", cause, "WS-Trust")
    assert "federation_protocol: " in failure.detail
    assert tenant.entra.password_tries == []


def test_metadata_that_names_an_address_without_tls(runs, answering, tenant):
    """msal takes none but https addresses from it."""
    answering("GET", 200, adfs._metadata("http://127.0.0.1:1"))
    failure = refusal(federated(runs))
    assert failure.kind == "credential"
    assert tenant.entra.password_tries == []


def test_nothing_secret_is_kept_of_the_conversation(runs, tenant):
    run = federated(runs, verbose=3)
    token(run)
    shown = repr([tuple(exchange) for exchange in run.report.trace.exchanges])
    assert len(run.report.trace.exchanges) == 5
    assert "bytes of WS-Trust, not shown" in shown
    for secret in (tenant.material.password, "saml:Assertion", 'access_token": "ey'):
        assert secret not in shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://adfs.contoso.com:444/x", "adfs.contoso.com"),
        ("https://[::1]/", "::1"),
        ("https://[::1", "https://[::1"),
        ("x" * 200, "x" * 80),
        ("", ""),
    ],
)
def test_host_for_messages(url, host):
    assert federation.host(url) == host


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text().map(lambda text: fault(text=text).encode("utf-8", "replace")))
@example(fault().encode())
def test_any_refusal(body):
    for answer in (None, make_answer(500, body)):
        failure = federation.refused(answer, "adfs.contoso.com", "u@contoso.com")
        assert failure.kind == "credential"
        assert "adfs.contoso.com" in failure.cause


@given(st.sampled_from([200, 302, 400, 404, 500, 503]), st.binary(max_size=100), st.booleans())
def test_any_answer_is_passed_on_or_a_failure(status, body, envelope):
    whole = body + b"<Envelope/>" if envelope else body
    answer = make_answer(status, whole)
    watch = Stopwatch()
    try:
        found = federation.send(lambda *_, **__: answer, "POST", "https://x/y", watch, {})
    except CheckFailure as error:
        assert error.failure.kind in ("credential", "server", "throttled")
        assert error.failure.cause.startswith("federation server x ")
        return
    assert found is answer
    assert status == 200 or b"Envelope" in whole
