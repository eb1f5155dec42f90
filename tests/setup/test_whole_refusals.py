"""What a tenant refuses to the set-up command, and what it shows late: said with cause, the service's own
words and what to do; the next run goes on from there.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from check_mapi_connectivity.setup.steps import names

from ..tenant.directory import TENANT_NAME
from ..tenant.replication import KINDS

START = f"Setting up {TENANT_NAME}, in DIR:"
BOTH = ("--method", "cmdlet", "--method", "graph")
#: Kind of news -> what is said while the check waits for it.
WAITING = {
    "app-role": "the app role has not taken effect yet (HTTP 401)",
    "exchange-role": "the role group has not taken effect yet (HTTP 403)",
    "graph-role": "the right to read the mailbox has not taken effect yet (30 minutes to 2 hours)",
}
NOTHING = "  done before that: nothing; the next run goes on from there"
MADE = "  done before that: DIR/certificate.pem, app registration check_mapi_connectivity, DIR/client_id"
AGAIN = "; the next run goes on from there"


def failure(arranged, *words):
    """The last lines of a run that fails: those that explain it."""
    assert arranged(*words) == 1
    lines = arranged.seen()
    return lines[next(n for n, line in enumerate(lines) if line.startswith("failed")) :]


@pytest.mark.parametrize(
    ("verdict", "cause", "remedy"),
    [
        (
            ("decline",),
            "consent was declined (AADSTS65004)",
            "run this again, and accept what the page asks for",
        ),
        (("expire",), "nobody entered the code in time (AADSTS70020)", "run this again"),
    ],
)
def test_a_code_that_nobody_enters(arranged, verdict, cause, remedy):
    arranged.tenant.admin.devices.decide(verdict)
    first, own, last = failure(arranged)
    assert (first, last) == (f"failed: {cause}", f"  to do: {remedy}")
    assert own.startswith(f"  details: {cause[-12:-1]}: ")
    assert arranged.kept() == {} and arranged.changes() == []


def test_a_code_that_is_entered_late(arranged, monkeypatch):
    now = [time.time()]
    clock = SimpleNamespace(time=lambda: now[0], sleep=lambda n: now.append(now.pop() + n))
    monkeypatch.setattr("msal.oauth2cli.oauth2.time", clock)
    begun = now[0]
    arranged.tenant.admin.approve(after=2)
    arranged.tenant.admin.devices.slow_down = 1
    assert arranged() == 0
    asked = [form.get("grant_type", [""])[0].rpartition(":")[2] for form in arranged.forms()]
    assert asked[:10] == [
        *["", "device_code", "device_code", "device_code", "device_code"],
        # Tried in vain for the second service.
        *["refresh_token", "", "device_code", "device_code", "device_code"],
    ]
    # An interval of nothing, lengthened once by the five seconds of RFC 8628.
    assert now[0] - begun == 15


def test_an_account_without_the_right_to_consent(arranged):
    arranged.tenant.admin.approve(roles=("Exchange Administrator",))
    lines = failure(arranged)
    assert (lines[0], lines[-1]) == (
        "failed: this account may not consent (AADSTS90094)",
        "  to do: sign in as Global Administrator or Privileged Role Administrator",
    )
    assert (arranged.kept(), arranged.changes()) == ({}, [])


def test_a_token_without_the_right_to_consent(arranged):
    assert failure(arranged, arranged.tokens("Exchange Administrator")) == [
        "failed: app role Exchange.ManageAsApp: Graph does not let this account do that "
        "(Authorization_RequestDenied)",
        "  details: Insufficient privileges to complete the operation.",
        "  to do: sign in as Global Administrator or Privileged Role Administrator, or have one of them "
        f"consent at {arranged.tenant.url}/{TENANT_NAME}/adminconsent?client_id=ID",
        f"{MADE}, enterprise application check_mapi_connectivity{AGAIN}",
    ]
    # Somebody else goes on.
    assert arranged(arranged.tokens("Global Administrator")) == 0
    assert arranged.changes()[0].endswith("/appRoleAssignments")


def test_an_account_without_rights_in_exchange(arranged):
    assert failure(arranged, arranged.tokens("Application Administrator")) == [
        "failed: organization customization: this account may not run Get-OrganizationConfig (HTTP 403)",
        "  to do: sign in as Exchange Administrator or a member of Organization Management",
        NOTHING,
    ]
    assert arranged.changes() == []
    assert arranged(arranged.tokens("Global Administrator")) == 0


def test_policies_on_certificates(arranged):
    policy, registry = arranged.tenant.admin.registry.policy, arranged.tenant.admin.registry
    begin = "failed: app registration check_mapi_connectivity: a policy of the tenant forbids this "
    begin += "certificate"
    remedy = "  to do: remove the file of the new certificate and give a shorter --lifetime, or "
    remedy += "exempt the app from the policy"
    policy.forbidden = True
    assert failure(arranged) == [
        f"{begin} (CredentialTypeNotAllowedAsPerAppPolicy)",
        "  details: Credential type not allowed as per assigned policy 'ID'.",
        remedy,
        f"  done before that: DIR/certificate.pem{AGAIN}",
    ]
    policy.forbidden, policy.max_days = False, 90
    assert failure(arranged) == [
        f"{begin} (CredentialInvalidLifetimeAsPerAppPolicy)",
        "  details: Credential lifetime exceeds the max value allowed as per assigned policy 'ID'.",
        remedy,
        NOTHING,
    ]
    assert registry.applications == {}
    policy.max_days, policy.one_year = None, True
    assert arranged() == 0


def test_several_apps_of_that_name(arranged):
    registry = arranged.tenant.admin.registry
    for _ in range(2):
        registry.add_application({"displayName": names.APP}, "somebody")
    assert failure(arranged) == [
        f"failed: app registration {names.APP}: 2 app registrations are called {names.APP}",
        "  details: ID, ID",
        "  to do: name the right one by --client-id",
        NOTHING,
    ]
    second = arranged.tenant.directory_state()["applications"][1]["appId"]
    assert arranged("--client-id", second) == 0
    assert arranged() == 0
    assert arranged.changes() == []
    state = arranged.state()
    assert [len(app["keyCredentials"]) for app in state["applications"]] == [0, 1]
    assert len(state["service_principals"]) == 1


def test_an_organization_that_was_never_customized(arranged):
    arranged.tenant.admin.rbac.dehydrated = True
    assert arranged() == 0
    assert "  made     organization customization" in arranged.said
    assert (arranged.state()["dehydrated"], arranged.naps) == (False, [])


@pytest.mark.cases(3)
@pytest.mark.parametrize("kind", KINDS)
def test_what_arrives_late(arranged, kind):
    """One kind of news at a time, each three requests late; no pause where all is seen at once."""
    rbac, replication = arranged.tenant.admin.rbac, arranged.tenant.admin.replication
    rbac.dehydrated = True
    replication.delay(kind, 3)
    assert arranged(*BOTH) == 0
    said = [line for line in arranged.seen(START) if line.startswith("  waiting")]
    assert said == ([f"  waiting: {WAITING[kind]}"] if kind in WAITING else [])
    assert 3 < sum(arranged.naps) < 100
    state = arranged.state()
    assert arranged(*BOTH) == 0
    assert (arranged.changes(), arranged.naps, arranged.state()) == ([], [], state)


def test_a_grant_that_does_not_arrive(arranged):
    arranged.tenant.admin.replication.delay("app-role", 1000)
    lines = failure(arranged, "--wait", 60)
    assert lines[:3] == [
        f"failed: proof: {WAITING['app-role']} after 1 min",
        "  details: User is not allowed to call Exchange.",
        "  to do: wait for the grants to take effect, which may need more than 15 minutes, then run this "
        "again; they are kept, and --status shows them",
    ]
    assert sum(arranged.naps) == 60
    # The next run makes nothing, and goes on waiting.
    principal = arranged.tenant.admin.registry.principals
    for one in principal.values():
        for grant in one.assignments.values():
            grant.arrival = type(grant.arrival)(2)
    assert arranged() == 0
    assert arranged.changes() == []


@pytest.mark.parametrize("place", ["graph", "exchange"])
@pytest.mark.parametrize("fault", ["http-429-wait-1", "http-503-wait-1"])
def test_services_that_ask_to_wait(arranged, place, fault):
    arranged.tenant.faults.on(place, fault, 2)
    assert arranged(arranged.tokens()) == 0
    assert sum(arranged.naps) == 2


def test_services_that_are_down(arranged):
    token = arranged.tokens()
    arranged.tenant.faults.on("graph", "http-502-html")
    assert failure(arranged, token) == [
        "failed: app registration check_mapi_connectivity: 127.0.0.1 answers with an error page "
        "(HTTP 502)",
        "  details: text/html: Access / denied",
        "  to do: check the proxy, then see M365 health; the page may be a proxy's",
        NOTHING,
    ]
    arranged.tenant.faults.off()
    arranged.tenant.faults.on("exchange", "garbage-json")
    assert failure(arranged, token)[:3] == [
        "failed: organization customization: 127.0.0.1 does not answer as Exchange does",
        '  details: application/json: {"value": [}',
        "  to do: check proxy and gateway; one of them may have answered instead",
    ]
    arranged.tenant.faults.off()
    assert arranged(token) == 0
