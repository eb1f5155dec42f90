"""Managed identities: what Azure's metadata service is asked, and what its answers mean."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.credentials import ManagedIdentity, Proxy
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.signin import managed_identity as module

from ..services.test_http_refusals import make_answer
from ..support.signing import Runs, refusal, token
from ..tenant import imds
from ..tenant.directory import MANAGED_IDS, TENANT_ID

PATH = "/metadata/identity/oauth2/token"


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "resource"),
    [("cmdlet", "https://outlook.office365.com"), ("graph", "https://graph.microsoft.com")],
)
@pytest.mark.parametrize(
    ("client", "who"), [("", "system"), (MANAGED_IDS["user"], "user")], ids=["own", "named"]
)
def test_token(runs, tenant, method, resource, client, who):
    run = runs.by_managed_identity(client, methods=(method,))
    found = token(run)
    assert found.claims["aud"] == resource
    assert (found.claims["appid"], found.tenant_id) == (MANAGED_IDS[who], TENANT_ID)
    assert tenant.paths() == [f"GET {PATH}"]
    headers = tenant.requests[0][2]
    assert headers["metadata"] == "true"
    assert not {"authorization", "x-forwarded-for"} & set(headers)
    assert token(runs.by_managed_identity(client, methods=(method,))).cached is True
    assert tenant.token_requests == 1


def test_identities_have_tokens_of_their_own(runs, tenant):
    clients = ["", *MANAGED_IDS.values()]
    found = [token(runs.by_managed_identity(client)) for client in clients]
    assert [one.cached for one in found] == [False] * 3
    assert tenant.token_requests == 3


def test_never_through_a_proxy(runs, tenant):
    """The service refuses what comes through one."""
    proxied = runs.by_managed_identity(proxy=Proxy("127.0.0.1", 1, "--proxy"))
    assert token(proxied).tenant_id == TENANT_ID
    assert tenant.token_requests == 1


@pytest.mark.parametrize(
    ("client", "cause", "remedy"),
    [
        (
            "",
            "this VM has no managed identity",
            "give it one in the portal; the VM, Security, Identity",
        ),
        (
            "5d1b7a3e-9999",
            "this VM has no managed identity 5d1b7a3e-9999",
            "assign it to the VM, or check --managed-identity",
        ),
    ],
)
def test_no_such_identity(runs, tenant, client, cause, remedy):
    tenant.imds_identity = False
    failure = refusal(runs.by_managed_identity(client))
    assert (failure.kind, failure.cause, failure.remedy, failure.code, failure.detail) == (
        "credential",
        cause,
        remedy,
        "invalid_request",
        "Identity not found",
    )
    assert (failure.transient, failure.during) == (False, "sign-in")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "Multiple user assigned identities exist, please specify the clientId / resourceId of "
            "the identity in the token request",
            "this VM has several managed identities",
        ),
        (
            "Required request header X-Forwarded-For not allowed",
            "a proxy passes the request on to Azure's metadata service",
        ),
    ],
)
def test_what_its_words_mean(runs, monkeypatch, text, cause):
    def refused(*_):
        raise imds.Refused(400, "invalid_request", text)

    monkeypatch.setattr(imds, "token", refused)
    failure = refusal(runs.by_managed_identity())
    assert (failure.kind, failure.cause, failure.detail) == ("credential", cause, text)


@pytest.mark.parametrize(
    ("mark", "whose"),
    [({"Metadata_Flavor": "Google"}, "Google's"), ({"Server": "EC2ws"}, "Amazon's")],
)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_metadata_service_of_another_cloud(mark, whose, status):
    """They listen at the same address; a 404 of theirs does not pass by itself."""
    answer = make_answer(status, b"Not found", **mark)
    failure = module._refused(answer, None, ManagedIdentity("", "http://127.0.0.1"))
    assert failure.cause.endswith(f" answers as {whose} metadata service does")
    assert (failure.kind, failure.transient) == ("credential", False)


def test_another_cloud(runs):
    failure = refusal(runs.by_managed_identity(cloud=CLOUDS["dod"]))
    assert (failure.kind, failure.code) == ("credential", "AADSTS500011")
    assert "check --cloud" in failure.remedy


@pytest.mark.parametrize(
    ("fault", "kind", "transient"),
    [
        ("html-200", "protocol", False),
        ("empty-200", "protocol", False),
        ("array-json", "protocol", False),
        ("garbage-json", "protocol", False),
        ("no-token", "protocol", False),
        ("redirect", "protocol", False),
        ("http-403-html", "protocol", False),
        ("http-404", "server", True),
        ("http-429", "throttled", True),
        ("http-429-wait-1", "throttled", True),
        ("http-500", "server", True),
        ("http-503", "server", True),
    ],
)
def test_faults(runs, tenant, fault, kind, transient):
    tenant.faults.on("imds", fault)
    failure = refusal(runs.by_managed_identity())
    assert (failure.kind, failure.transient) == (kind, transient)
    assert not list(runs.cache_dir.glob("*.json"))


def test_being_updated(runs, monkeypatch):
    """410 for up to 70 seconds, says Microsoft."""

    def gone(*_):
        raise imds.Refused(410, "gone", "The endpoint is being updated")

    monkeypatch.setattr(imds, "token", gone)
    failure = refusal(runs.by_managed_identity())
    assert (failure.kind, failure.code, failure.transient) == ("server", "HTTP 410", True)
    assert failure.detail == "gone: The endpoint is being updated"


def test_other_refusals_are_told_in_its_own_words(runs, monkeypatch):
    def refuse(*_):
        raise imds.Refused(400, "bad_request_102", "api-version is invalid")

    monkeypatch.setattr(imds, "token", refuse)
    failure = refusal(runs.by_managed_identity())
    assert (failure.kind, failure.code, failure.detail) == (
        "credential",
        "bad_request_102",
        "api-version is invalid",
    )


def test_no_azure_machine(runs):
    """Nobody listens."""
    failure = refusal(runs.by_managed_identity(url="http://127.0.0.1:1"))
    assert (failure.kind, failure.cause, failure.remedy, failure.transient) == (
        "credential",
        "no managed identity on this host",
        "use a certificate; of managed identities only those of Azure VMs are supported",
        False,
    )


@pytest.mark.parametrize("accepts", [False, True], ids=["packets dropped", "no answer"])
def test_silence(runs, monkeypatch, accepts):
    """As outside of Azure, where packets to 169.254.169.254 get lost."""
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=1 if accepts else 0) as silent:
        waiting = []
        while not accepts and len(waiting) < 8:
            # A full queue drops what comes next.
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(silent.getsockname())
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = runs.by_managed_identity(url=url)
        failure = refusal(run)
        for sock in waiting:
            sock.close()
    assert (failure.kind, failure.cause) == (
        "credential",
        "no managed identity on this host",
    )
    assert run.transport.patience is None


class Wire:
    """A transport that gives this answer."""

    patience = None

    def __init__(self, answer):
        self._answer = answer

    def send(self, *_, **__):
        """The answer."""
        return self._answer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
MEMBERS = ["access_token", "error", "error_description", "expires_in", "error_codes"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([200, 302, 400, 401, 404, 410, 429, 500, 503]),
    st.binary() | (st.dictionaries(st.sampled_from(MEMBERS), JSON) | JSON).map(json.dumps),
)
def test_any_answer_is_a_token_or_a_failure(runs, status, body):
    body = body if isinstance(body, bytes) else body.encode()
    run = runs.by_managed_identity()._replace(transport=Wire(make_answer(status, body)))
    try:
        document = module.ask(run, ManagedIdentity("", "http://h"), "https://graph.microsoft.com")
    except CheckFailure as error:
        assert error.failure.kind in ("credential", "protocol", "server", "throttled")
        return
    assert status == 200
    assert document["access_token"]
