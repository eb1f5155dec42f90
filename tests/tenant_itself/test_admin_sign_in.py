"""The practice tenant's administrators: device code, refresh tokens, consent. No client code of the
project takes part: a shared mistake shows here.
"""

from __future__ import annotations

import msal
import pytest

from ..tenant.admin_client import GRAPH_SCOPES, SCOPES, Administrator
from ..tenant.client import EXCHANGE, GRAPH
from ..tenant.devices import GRANT
from ..tenant.directory import (
    CHINA_TENANT_NAME,
    DOMAIN,
    GOV_TENANT_ID,
    GRAPH_TOOLS,
    MODULE_CLIENT_ID,
    TENANT_ID,
    TENANT_NAME,
)

ADMIN = f"admin@{DOMAIN}"


@pytest.fixture
def client(tenant):
    """An administrator with all rights."""
    client = Administrator(tenant)
    yield client
    client.close()
    assert tenant.crashes == []


def refusal(document):
    """`error` and number."""
    return document["error"], document["error_codes"]


def test_a_device_code(tenant, client):
    flow = client.begin()
    assert sorted(flow) == [
        "device_code",
        "expires_in",
        "interval",
        "message",
        "user_code",
        "verification_uri",
    ]
    assert (flow["verification_uri"], flow["expires_in"], flow["interval"]) == (
        "https://microsoft.com/devicelogin",
        900,
        5,
    )
    assert flow["message"] == (
        "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter "
        f"the code {flow['user_code']} to authenticate."
    )
    assert tenant.admin.devices.codes() == [flow["user_code"]]
    assert refusal(client.poll(flow)) == ("authorization_pending", [70016])
    tenant.admin.devices.slow_down = 1
    assert refusal(client.poll(flow)) == ("slow_down", [70016])
    assert refusal(client.poll(flow)) == ("authorization_pending", [70016])
    tenant.admin.approve(ADMIN, ["Cloud Application Administrator"])
    answer = client.poll(flow)
    assert answer["scope"].split() == [f"{GRAPH}/{scope}" for scope in SCOPES]
    claims = tenant.entra.claims(answer["access_token"])
    assert (claims["aud"], claims["tid"], claims["upn"]) == (GRAPH, TENANT_ID, ADMIN)
    assert (claims["appid"], claims["scp"].split()) == (GRAPH_TOOLS.client_id, list(SCOPES))
    assert "roles" not in claims
    assert refusal(client.poll(flow)) == ("invalid_grant", [54005])
    assert tenant.admin.devices.codes() == []


def test_a_code_that_is_of_no_use(tenant, client):
    flow, devices = client.begin(), tenant.admin.devices
    stranger = client.poll({"device_code": "never issued"})
    assert refusal(stranger) == ("bad_verification_code", [70018])
    assert refusal(client.poll(flow, MODULE_CLIENT_ID))[0] == "bad_verification_code"
    devices.decide(("decline",), flow["user_code"])
    assert refusal(client.poll(flow)) == ("authorization_declined", [65004])
    devices.decide(("expire",))
    assert refusal(client.poll(flow)) == ("expired_token", [70020])
    with pytest.raises(KeyError):
        devices.decide(("expire",), "NOBODYSCODE")
    with pytest.raises(KeyError):
        tenant.admin.approve(ADMIN, ["Emperor"])


def test_requests_for_a_code_that_are_refused(tenant, client):
    assert refusal(client.begin("00000000-0000-0000-0000-000000000000"))[1] == [700016]
    assert refusal(client.begin(scope=""))[1] == [900144]
    assert refusal(client.begin(place="nowhere.example"))[1] == [90002]
    assert refusal(client.begin(place=CHINA_TENANT_NAME))[1] == [50059]
    tenant.faults.on("devicecode", "aadsts-53003")
    assert refusal(client.begin())[1] == [53003]


def test_who_may_consent_to_what(tenant, client):
    for roles in ((), ("Exchange Administrator",), ("Security Reader", "Global Reader")):
        flow = client.begin()
        tenant.admin.approve(ADMIN, roles)
        assert refusal(client.poll(flow)) == ("invalid_grant", [90094])
    tenant.admin.approve(ADMIN, ["Privileged Role Administrator"])
    assert "access_token" in client.poll(client.begin())
    unknown = client.poll(client.begin(scope=f"{GRAPH}/Everything.ReadWrite.All"))
    assert refusal(unknown) == ("invalid_grant", [65001])
    default = client.poll(client.begin(scope=f"{GRAPH}/.default"))
    assert default["scope"] == f"{GRAPH}/User.Read"


def test_the_module_is_for_exchange_and_graph_tools_for_graph(tenant, client):
    tenant.admin.approve(ADMIN, ["Exchange Administrator"])
    flow = client.begin(MODULE_CLIENT_ID, f"{EXCHANGE}/.default offline_access")
    answer = client.poll(flow, MODULE_CLIENT_ID)
    claims = tenant.entra.claims(answer["access_token"])
    assert (claims["aud"], claims["scp"]) == (EXCHANGE, "Exchange.Manage")
    flow = client.begin(MODULE_CLIENT_ID, GRAPH_SCOPES)
    assert refusal(client.poll(flow, MODULE_CLIENT_ID))[1] == [65002]
    tenant.admin.approve(ADMIN)
    assert refusal(client.poll(client.begin(scope=f"{EXCHANGE}/.default")))[1] == [65002]
    gov = client.begin(MODULE_CLIENT_ID, "https://outlook.office365.us/.default", GOV_TENANT_ID)
    assert refusal(client.poll(gov, MODULE_CLIENT_ID))[0] == "bad_verification_code"


def test_refresh_tokens(tenant, client):
    tenant.admin.approve(ADMIN)
    first = client.poll(client.begin())["refresh_token"]

    def refresh(token, name=GRAPH_TOOLS.client_id, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": name}
        return client.sign_in(**{"scope": GRAPH_SCOPES, **form, **changes})

    answer = refresh(first)
    assert tenant.entra.claims(answer["access_token"])["upn"] == ADMIN
    assert answer["refresh_token"] != first
    assert "access_token" in refresh(answer["refresh_token"])
    assert refresh(first, scope=None)["scope"] == answer["scope"]
    assert refusal(refresh(first, MODULE_CLIENT_ID)) == ("invalid_grant", [70000])
    assert refusal(refresh("1.stolen")) == ("invalid_grant", [70000])
    tenant.admin.devices.revoke()
    assert refusal(refresh(first)) == ("invalid_grant", [70000])


def test_msal_signs_in(tenant, client):
    tenant.admin.approve(ADMIN)
    tenant.admin.devices.interval = 0
    app = msal.PublicClientApplication(
        MODULE_CLIENT_ID,
        authority=f"{tenant.url}/{TENANT_NAME}",
        http_client=client,
        instance_discovery=False,
    )
    flow = app.initiate_device_flow([f"{EXCHANGE}/.default"])
    answer = app.acquire_token_by_device_flow(flow)
    assert tenant.entra.claims(answer["access_token"])["upn"] == ADMIN
    [account] = app.get_accounts()
    assert account["username"] == ADMIN


def test_grants_that_nobody_knows(client):
    assert refusal(client.sign_in(grant_type="authorization_code"))[1] == [70003]
    form = {"grant_type": GRANT, "client_id": GRAPH_TOOLS.client_id}
    assert refusal(client.sign_in(**form))[0] == "bad_verification_code"
