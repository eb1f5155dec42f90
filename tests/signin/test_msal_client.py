"""Sign-in at Entra: what msal sends for each credential, which cloud a tenant is in, odd answers."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import jwt
import msal
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.clouds import CLOUDS, MODULE_CLIENT_ID
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.signin import msal_client

from ..services.test_http_refusals import make_answer
from ..support.signing import Runs, refusal, token
from ..tenant.directory import (
    CHINA_TENANT_NAME,
    DIRECTORIES,
    DOD_TENANT_NAME,
    GCC_TENANT_NAME,
    GOV_TENANT_NAME,
    HOME,
    TENANT_NAME,
)
from ..tenant.entra import Entra
from ..tenant.material import CLIENT_IDS

pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated")

EXCHANGE = "https://outlook.office365.com"
GRAPH = "https://graph.microsoft.com"


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


def form(tenant):
    """The form of the last token request."""
    raw = next(raw for _, path, _, raw in reversed(tenant.requests) if path.endswith("/token"))
    return {name: value for name, (value,) in parse_qs(raw.decode(), strict_parsing=True).items()}


# The cloud of a tenant, by its own document (reference sheet exchange-online 7).


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"tenant_region_scope": "EU", "msgraph_host": "graph.microsoft.com"}, "worldwide"),
        ({"tenant_region_scope": "NA", "tenant_region_sub_scope": "GCC"}, "gcc"),
        ({"tenant_region_scope": "USGov", "tenant_region_sub_scope": "DODCON"}, "gcc-high"),
        ({"tenant_region_scope": "USG", "tenant_region_sub_scope": "DOD"}, "dod"),
        ({"tenant_region_sub_scope": "dodcon"}, "gcc-high"),
        # The part of the cloud says more than the host of Graph.
        ({"tenant_region_sub_scope": "GCC", "msgraph_host": "graph.microsoft.com"}, "gcc"),
        ({"tenant_region_sub_scope": "ODD", "msgraph_host": "graph.microsoft.us"}, "gcc-high"),
        ({"msgraph_host": "graph.microsoft.us"}, "gcc-high"),
        ({"msgraph_host": "DOD-graph.microsoft.us"}, "dod"),
        ({"msgraph_host": "microsoftgraph.chinacloudapi.cn"}, "china"),
        ({"cloud_instance_name": "microsoftonline.com"}, "worldwide"),
        ({"cloud_instance_name": "microsoftonline.us"}, "gcc-high"),
        ({"cloud_instance_name": "partner.microsoftonline.cn"}, "china"),
        ({"cloud_instance_name": "chinacloudapi.cn"}, "china"),
        # Clouds that nobody here knows enough of.
        ({"msgraph_host": "graph.svc.sovcloud.fr"}, None),
        ({"cloud_instance_name": "sovcloud-identity.de", "msgraph_host": "x"}, None),
        ({"tenant_region_scope": "EU"}, None),
        ({}, None),
        ({"tenant_region_sub_scope": None, "msgraph_host": 5, "cloud_instance_name": []}, None),
    ],
)
def test_cloud_of(document, name):
    assert msal_client.cloud_of(document) is (CLOUDS[name] if name else None)


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        (TENANT_NAME, "worldwide"),
        (GCC_TENANT_NAME, "gcc"),
        (GOV_TENANT_NAME, "gcc-high"),
        (DOD_TENANT_NAME, "dod"),
        (CHINA_TENANT_NAME, "china"),
    ],
)
def test_cloud_of_every_tenant_of_the_practice(tenant, name, cloud):
    document = tenant.entra.configuration("https://login.example", name)
    assert msal_client.cloud_of(document) is CLOUDS[cloud]


@given(
    st.dictionaries(
        st.sampled_from(["tenant_region_sub_scope", "msgraph_host", "cloud_instance_name"]),
        st.none() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_cloud_of_any_document(document):
    assert msal_client.cloud_of(document) in (None, *CLOUDS.values())


@pytest.mark.parametrize("directory", DIRECTORIES, ids=[one.name for one in DIRECTORIES])
@pytest.mark.parametrize("method", ["cmdlet", "graph"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_tenant_in_every_cloud(runs, directory, method, cloud):
    """In its own cloud a token, elsewhere a refusal that names the right one."""
    home = msal_client.cloud_of(Entra.configuration(runs.tenant.entra, "https://x", directory.id))
    run = runs(tenant=directory.name, cloud=CLOUDS[cloud], methods=(method,))
    if home.same_hosts(CLOUDS[cloud]):
        assert token(run).claims["aud"] == run.account.resource(method)
        assert run.report.trace.remarks == []
        return
    failure = refusal(run)
    assert (failure.kind, failure.remedy) == (
        "credential",
        f"use --cloud {home.name}",
    )


def test_a_token_in_spite_of_another_cloud_is_remarked(runs, monkeypatch):
    """New clouds, whose hosts are given by options, name themselves as they like."""
    configuration = Entra.configuration

    def odd(self, url, name):
        return {**configuration(self, url, name), "tenant_region_sub_scope": "DOD"}

    monkeypatch.setattr(Entra, "configuration", odd)
    run = runs()
    assert token(run).claims["aud"] == EXCHANGE
    assert run.report.trace.remarks == [
        "the tenant's own document says that it is in cloud dod: --cloud dod"
    ]


def test_trouble_in_the_wrong_cloud_stays_trouble(runs, tenant):
    tenant.faults.on("token", "http-503")
    failure = refusal(runs(tenant=GOV_TENANT_NAME))
    assert (failure.kind, "--cloud" in failure.remedy) == ("server", False)


# What is sent for each credential.


def test_certificate(runs, tenant):
    run = runs()
    token(run)
    sent = form(tenant)
    assert sent["grant_type"] == "client_credentials"
    assert sent["client_id"] == CLIENT_IDS["monitor"]
    assert sent["scope"] == f"{EXCHANGE}/.default"
    header = jwt.get_unverified_header(sent["client_assertion"])
    modern = msal_client._version(msal.__version__) >= (1, 35)
    wanted = ("PS256", "x5t#S256") if modern else ("RS256", "x5t")
    assert header["alg"] == wanted[0]
    assert wanted[1] in header
    claims = jwt.decode(sent["client_assertion"], options={"verify_signature": False})
    assert claims["iss"] == claims["sub"] == CLIENT_IDS["monitor"]
    assert "client_secret" not in sent


def test_client_secret(runs, tenant):
    token(runs.by_secret(methods=("graph",)))
    sent = form(tenant)
    assert (sent["grant_type"], sent["scope"]) == ("client_credentials", f"{GRAPH}/.default")
    assert sent["client_secret"] == tenant.material.secret
    assert "client_assertion" not in sent


def test_federated_token(runs, tenant):
    foreign = tenant.material.federated_token()
    token(runs.by_federated_token(foreign))
    sent = form(tenant)
    assert (sent["grant_type"], sent["scope"]) == ("client_credentials", f"{EXCHANGE}/.default")
    assert sent["client_assertion"] == foreign
    assert sent["client_assertion_type"].endswith(":jwt-bearer")


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("cmdlet", f"{EXCHANGE}/.default"),
        ("mapi", f"{EXCHANGE}/.default"),
        ("graph", f"{GRAPH}/Mail.ReadBasic"),
    ],
)
def test_user_and_password(runs, tenant, method, scope):
    token(runs.by_password(methods=(method,)))
    sent = form(tenant)
    assert sent["grant_type"] == "password"
    assert (sent["username"], sent["password"]) == (
        "healthy@practice.example",
        tenant.material.password,
    )
    assert set(sent["scope"].split()) == {scope, "openid", "profile", "offline_access"}
    assert not {"client_secret", "client_assertion"} & set(sent)
    # msal itself asks for the realm without the authority's port (contract 7.11).
    assert tenant.paths() == [
        f"GET /{TENANT_NAME}/v2.0/.well-known/openid-configuration",
        "GET /common/userrealm/healthy@practice.example",
        f"POST /{HOME.id}/oauth2/v2.0/token",
    ]


def test_user_by_microsofts_own_app(runs, tenant):
    credential = runs.by_password().account.credential
    run = runs(client_id=MODULE_CLIENT_ID, credential=credential)
    assert token(run).claims["scp"] == "Exchange.Manage"


@pytest.mark.parametrize(
    ("way", "keywords", "code"),
    [
        ("__call__", {"client_id": "5d1b7a3e-9999"}, "AADSTS700016"),
        ("__call__", {"tenant": "nowhere.example"}, "AADSTS90002"),
        ("by_secret", {"secret": "wrong"}, "AADSTS7000215"),
        ("by_secret", {"client_id": CLIENT_IDS["secret-expired"]}, "AADSTS7000222"),
        ("by_federated_token", {"client_id": CLIENT_IDS["no-graph"]}, "AADSTS700211"),
        ("by_password", {"password": "wrong"}, "AADSTS50126"),
        ("by_password", {"name": "nobody"}, "AADSTS50034"),
        ("by_password", {"name": "mfa"}, "AADSTS50076"),
        ("by_password", {"name": "conditional"}, "AADSTS53003"),
    ],
)
def test_refusals(runs, way, keywords, code):
    failure = refusal(getattr(runs, way)(**keywords))
    assert (failure.kind, failure.code, failure.transient) == ("credential", code, False)


def test_certificate_that_entra_does_not_know(runs, tmp_path):
    path = runs.tenant.material.extra_certificate("stranger")
    credential = type(runs().account.credential)(str(path), path.read_bytes())
    assert refusal(runs(credential=credential)).code == "AADSTS700027"


def test_federated_token_that_is_old(runs, tenant):
    old = tenant.material.federated_token(exp=1, nbf=None)
    failure = refusal(runs.by_federated_token(old))
    assert (failure.code, failure.cause) == (
        "AADSTS700024",
        "signed assertion is too old or not yet valid",
    )
    assert old not in repr(failure)


# Answers that are none of Entra's.


@pytest.mark.parametrize("place", ["discovery", "realm", "token"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("html-200", "protocol"),
        ("empty-200", "protocol"),
        ("garbage-json", "protocol"),
        ("deep-json", "protocol"),
        ("array-json", "protocol"),
        ("redirect", "protocol"),
        ("http-403-html", "protocol"),
        ("http-429", "throttled"),
        ("http-500", "server"),
        ("http-503", "server"),
        ("close", "connect"),
    ],
)
def test_faults(runs, tenant, place, fault, kind):
    tenant.faults.on(place, fault)
    failure = refusal(runs.by_password())
    assert (failure.kind, failure.during) == (kind, "sign-in")


def test_endpoint_without_tls_is_refused(runs, tenant, monkeypatch):
    def configuration(self, url, name):
        return {
            "token_endpoint": "http://127.0.0.1/t/token",
            "authorization_endpoint": "https://h/t/a",
        }

    monkeypatch.setattr(Entra, "configuration", configuration)
    assert refusal(runs()).cause == "127.0.0.1 answers, but not as Entra"
    assert len(tenant.requests) == 1


@pytest.mark.parametrize(
    "document", [{}, {"token_endpoint": 5}, {"token_endpoint": "https://h"}, {"error": 1}, []]
)
def test_configuration_that_is_not_entras(runs, monkeypatch, document):
    monkeypatch.setattr(Entra, "configuration", lambda *_: document)
    assert refusal(runs()).kind in ("protocol", "credential")


class Wire:
    """A transport that gives Entra's documents, and this one for a token."""

    def __init__(self, entra_, realm, document):
        self._documents = [entra_.configuration("https://127.0.0.1:1", HOME.id), realm, document]

    def send(self, method, url, watch, **_):
        """The answer to a request."""
        number = 0 if "openid-configuration" in url else 1 if "userrealm" in url else 2
        return make_answer(200, json.dumps(self._documents[number]).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
MEMBERS = [
    "access_token",
    "expires_in",
    "error",
    "error_codes",
    "error_description",
    "id_token",
    "client_info",
    "scope",
    "refresh_token",
    "token_type",
    "refresh_in",
    "claims",
    "suberror",
    "foci",
]
REALM = [
    "account_type",
    "federation_metadata_url",
    "federation_active_auth_url",
    "domain_name",
    "cloud_audience_urn",
    "federation_protocol",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(MEMBERS), JSON) | JSON, st.sampled_from(["app", "user"]))
def test_any_token_answer_is_a_token_or_a_failure(runs, document, who):
    run = runs.by_secret() if who == "app" else runs.by_password()
    managed = {"account_type": "Managed"}
    run = run._replace(transport=Wire(runs.tenant.entra, managed, document))
    try:
        answer = msal_client.ask(run, EXCHANGE, None)
    except CheckFailure as error:
        assert error.failure.kind in ("protocol", "credential", "server", "throttled")
        return
    assert answer["access_token"] == document["access_token"]


WORDS = st.sampled_from(["Federated", "Managed", "Unknown", "http://127.0.0.1/mex", "https://x/y"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(REALM), WORDS | JSON) | JSON)
def test_any_realm_is_a_token_or_a_failure(runs, realm):
    run = runs.by_password()
    document = {"access_token": "opaque", "expires_in": 3599, "scope": EXCHANGE}
    run = run._replace(transport=Wire(runs.tenant.entra, realm, document))
    try:
        answer = msal_client.ask(run, EXCHANGE, None)
    except CheckFailure as error:
        assert error.failure.kind in ("protocol", "credential", "server")
        return
    assert answer["access_token"] == "opaque"
