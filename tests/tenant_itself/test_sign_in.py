"""The practice tenant's ways to sign in, driven by msal and by plain requests. No client code of the
check takes part: a shared mistake shows here.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import time

import msal
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from ..tenant import adfs
from ..tenant.client import ASSERTION, EXCHANGE, GRAPH, Client
from ..tenant.directory import (
    CHINA_TENANT_NAME,
    CLIENT_IDS,
    DOD_TENANT_NAME,
    DOMAIN,
    FEDERATED,
    GCC_TENANT_NAME,
    GOV_TENANT_ID,
    GOV_TENANT_NAME,
    MANAGED_IDS,
    MANY,
    MODULE_CLIENT_ID,
    TENANT_ID,
    TENANT_NAME,
)
from ..tenant.entra import SAML_GRANT
from ..tenant.material import SERVER_NAMES
from ..tenant.refusals import USER_REFUSALS

MAIL = f"{GRAPH}/Mail.ReadBasic"
GOV = {"exchange": "https://outlook.office365.us", "graph": "https://graph.microsoft.us"}


@pytest.fixture
def client(tenant):
    """requests and msal."""
    client = Client(tenant)
    yield client
    client.close()
    assert tenant.crashes == []


def test_files(tenant):
    there = tenant.material.directory
    for name in ("secret", "federated-token", "password", "plugin.ini"):
        assert os.stat(there / name).st_mode & 0o777 == 0o600, name
    lines = (there / "mailboxes").read_text().split("\n")
    addresses = [line for line in lines if line and not line.startswith("#")]
    assert addresses == [f"{name}@{DOMAIN}" for name in MANY]
    assert (len(MANY), lines.count(""), sum(line.startswith("#") for line in lines)) == (200, 2, 1)


@pytest.mark.parametrize("host", [name for name in SERVER_NAMES if name.endswith((".com", ".us"))])
def test_the_certificate_names_the_hosts_of_the_clouds(tenant, host):
    trust = ssl.create_default_context(cafile=tenant.material.ca_file)
    with socket.create_connection(("127.0.0.1", tenant.port), 9) as plain:
        with trust.wrap_socket(plain, server_hostname=host) as secured:
            assert secured.version() >= "TLSv1.2"


def test_client_secret(tenant, client):
    secret = tenant.material.secret
    claims = tenant.entra.claims(client.as_app())
    assert (claims["aud"], claims["roles"]) == (EXCHANGE, ["Exchange.ManageAsApp"])
    assert client.number(client_secret="wrong") == 7000215
    expired = CLIENT_IDS["secret-expired"]
    assert client.number(client_id=expired, client_secret=secret) == 7000222
    assert client.number(client_id=expired, client_secret="wrong") == 7000215
    assert client.number() == 7000218
    assert client.number(client_id=CLIENT_IDS["user"], client_secret=secret) == 700025
    answer = client.post(
        f"/{TENANT_ID}/oauth2/v2.0/token",
        data={
            "client_id": CLIENT_IDS["monitor"],
            "grant_type": "client_credentials",
            "scope": f"{EXCHANGE}/.default",
            "client_secret": "wrong",
        },
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert tenant.token_requests == 7


def test_resources_of_applications(tenant, client):
    claims = tenant.entra.claims(client.as_app(GRAPH))
    assert (claims["aud"], claims["roles"]) == (GRAPH, ["Mail.ReadBasic.All"])
    assert tenant.entra.claims(client.as_app(GRAPH, "no-graph"))["roles"] == []
    assert tenant.entra.claims(client.as_app(client="no-app-role"))["roles"] == []
    secret = tenant.material.secret
    for scope, number in (
        ("https://vault.azure.net/.default", 500011),
        (f"{GOV['exchange']}/.default", 500011),
        (f"{EXCHANGE}/Exchange.ManageAsApp", 1002012),
        ("", 1002012),
    ):
        assert client.number(scope=scope, client_secret=secret) == number, scope
    assert client.number(client_id=TENANT_ID, client_secret=secret) == 700016
    assert client.number("nowhere.example", client_secret=secret) == 90002
    assert client.sign_in(grant_type="device_code")["error"] == "unsupported_grant_type"


def test_documents_of_the_clouds(client):
    shown = {
        TENANT_NAME: (None, "microsoftonline.com", "graph.microsoft.com"),
        GCC_TENANT_NAME: ("GCC", "microsoftonline.com", "graph.microsoft.com"),
        GOV_TENANT_NAME: ("DODCON", "microsoftonline.us", "graph.microsoft.us"),
        DOD_TENANT_NAME: ("DOD", "microsoftonline.us", "dod-graph.microsoft.us"),
        CHINA_TENANT_NAME: (
            None,
            "partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
        ),
    }
    for name, expected in shown.items():
        document = client.get(f"/{name}/v2.0/.well-known/openid-configuration").json()
        names = ("tenant_region_sub_scope", "cloud_instance_name", "msgraph_host")
        assert tuple(document.get(word) for word in names) == expected
    unknown = client.get("/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status_code, unknown.json()["error_codes"]) == (400, [90002])


def test_another_cloud(tenant, client):
    secret = tenant.material.secret
    for place in (GOV_TENANT_NAME, GOV_TENANT_ID):
        form = {"place": place, "client_secret": secret}
        exchange = client.sign_in(scope=f"{GOV['exchange']}/.default", **form)["access_token"]
        graph = client.sign_in(scope=f"{GOV['graph']}/.default", **form)["access_token"]
        for service in (EXCHANGE, GRAPH):
            assert client.number(scope=f"{service}/.default", **form) == 900382
        assert client.number(scope="https://vault.azure.net/.default", **form) == 500011
        assert client.cmdlet(exchange, place=place).status_code == 200
        assert client.cmdlet(exchange).status_code == 401
        assert client.cmdlet(client.as_app(), place=place).status_code == 401
        assert client.graph(graph).status_code == 200


PERSONS = {
    "healthy": 0,
    "operator": 0,
    "many-007": 0,
    "nobody": 50034,
    "federated": 50056,
    **{name: number for name, (number, _) in USER_REFUSALS.items()},
}


@pytest.mark.parametrize("name", PERSONS)
def test_passwords(tenant, client, name):
    number = PERSONS[name]
    found = client.as_user(name)
    assert found.get("error_codes", [0]) == [number]
    assert found.get("error") == ("invalid_grant" if number else None)
    wrong = {"nobody": 50034, "federated": 50056}.get(name, 50126)
    assert client.as_user(name, password="wrong")["error_codes"] == [wrong]
    right = name not in ("nobody", "federated")
    user = f"{name}@{DOMAIN}"
    assert tenant.entra.password_tries == [(user, right), (user, False)]
    tenant.reset()
    assert (tenant.entra.password_tries, tenant.token_requests) == ([], 0)


def test_scopes_of_persons(tenant, client):
    for scope, audience, granted in (
        (f"{EXCHANGE}/.default", EXCHANGE, "Exchange.Manage MapiHttp.AccessAsUser.All"),
        (f"{EXCHANGE}/Exchange.Manage openid", EXCHANGE, "Exchange.Manage"),
        (f"{GRAPH}/.default offline_access", GRAPH, "Mail.ReadBasic"),
        (MAIL, GRAPH, "Mail.ReadBasic"),
        ("Mail.ReadBasic", GRAPH, "Mail.ReadBasic"),
        (f"{tenant.url}/user_impersonation", tenant.url, "user_impersonation"),
    ):
        claims = tenant.entra.claims(client.as_user("healthy", scope)["access_token"])
        assert (claims["aud"], claims["scp"]) == (audience, granted), scope
        assert (claims["upn"], "roles" in claims) == (f"healthy@{DOMAIN}", False)
    for scope, number in ((f"{GRAPH}/Mail.Read", 65001), ("https://x.example/.default", 500011)):
        assert client.as_user("healthy", scope)["error_codes"] == [number]
    module = {"client_id": MODULE_CLIENT_ID}
    claims = tenant.entra.claims(client.as_user("healthy", **module)["access_token"])
    assert (claims["appid"], claims["scp"]) == (MODULE_CLIENT_ID, "Exchange.Manage")
    assert client.as_user("healthy", MAIL, **module)["error_codes"] == [65002]
    confidential = {"client_id": CLIENT_IDS["monitor"]}
    assert client.as_user("healthy", **confidential)["error_codes"] == [7000218]


def test_msal(tenant, client):
    credentials = (
        tenant.material.secret,
        {"client_assertion": tenant.material.federated_token()},
    )
    for credential in credentials:
        for resource in (EXCHANGE, GRAPH):
            assert "access_token" in client.msal_app(credential, resource)
    assert client.msal_app("wrong", EXCHANGE)["error_codes"] == [7000215]
    for user in ("healthy", "federated"):
        for scope in (f"{EXCHANGE}/.default", MAIL, f"{GRAPH}/.default"):
            assert "access_token" in client.msal_user(user, scope), (user, scope)
    module = client.msal_user("healthy", f"{EXCHANGE}/.default", client_id=MODULE_CLIENT_ID)
    assert "access_token" in module


def test_msal_and_the_federation_server(tenant, client):
    found = client.msal_user("federated", f"{EXCHANGE}/.default")
    claims = tenant.entra.claims(found["access_token"])
    assert claims["upn"] == f"federated@{DOMAIN}"
    with pytest.raises(RuntimeError, match=r"ID3242.*FailedAuthentication"):
        client.msal_user("federated", f"{EXCHANGE}/.default", "wrong")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.msal_user("federated-down", f"{EXCHANGE}/.default")
    user = f"federated@{DOMAIN}"
    assert tenant.entra.password_tries == [(user, True), (user, False)]
    tenant.faults.on("adfs", "http-503")
    with pytest.raises((requests.exceptions.HTTPError, msal.exceptions.MsalServiceError)):
        client.msal_user("federated", f"{EXCHANGE}/.default")


def rst(version, user, password, scope=adfs.AUDIENCE, expires="2999-01-01T00:00:00Z"):
    """A RequestSecurityToken as WS-Trust has it."""
    trust = adfs.VERSIONS[version][0]
    return f"""<s:Envelope xmlns:s="{adfs.SOAP}" xmlns:a="{adfs.ADDRESSING}">
<s:Header><a:Action>{trust}/RST/Issue</a:Action><o:Security xmlns:o="{adfs.SECURITY}">
<u:Timestamp xmlns:u="{adfs.UTILITY}"><u:Expires>{expires}</u:Expires></u:Timestamp>
<o:UsernameToken><o:Username>{user}@{DOMAIN}</o:Username><o:Password>{password}</o:Password>
</o:UsernameToken></o:Security></s:Header><s:Body><t:RequestSecurityToken xmlns:t="{trust}">
<p:AppliesTo xmlns:p="{adfs.POLICY}"><a:EndpointReference><a:Address>{scope}</a:Address>
</a:EndpointReference></p:AppliesTo><t:RequestType>{trust}/Issue</t:RequestType>
</t:RequestSecurityToken></s:Body></s:Envelope>"""


def trust(client, version, *words, kind="application/soap+xml", **changes):
    """Status and text of an answer to a RequestSecurityToken."""
    path = f"/adfs/services/trust/{version}/usernamemixed"
    body = rst(version, *words, **changes) if words else "<no"
    answer = client.post(path, data=body, headers={"Content-Type": kind})
    return answer.status_code, answer.text


@pytest.mark.parametrize("version", adfs.VERSIONS)
def test_ws_trust(tenant, client, version):
    password = tenant.material.password.replace("&", "&amp;")
    status, text = trust(client, version, "federated", password)
    assertion = re.search("<saml:Assertion.*</saml:Assertion>", text)[0]
    assert (status, "urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>" in text) == (200, True)
    assert tenant.entra.federation.user_of(adfs.base64.b64encode(assertion.encode()).decode())
    for words, changes, code in (
        (("federated", "wrong"), {}, "FailedAuthentication"),
        (("healthy", password), {}, "FailedAuthentication"),
        (("federated", password), {"scope": "urn:other"}, "InvalidScope"),
        (("federated", password), {"expires": "2020-01-01T00:00:00Z"}, "MessageExpired"),
    ):
        status, text = trust(client, version, *words, **changes)
        assert (status, code in text) == (500, True), code
    assert trust(client, version)[0] == 400
    assert trust(client, version, "a", "b", kind="text/xml")[0] == 415
    assert client.get("/adfs/services/trust/mex/x").status_code == 404


def test_assertions(tenant, client):
    def number(text):
        encoded = adfs.base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
        form = {"client_id": CLIENT_IDS["user"], "grant_type": SAML_GRANT, "assertion": encoded}
        return client.number(**form)

    good = tenant.entra.federation.assertion(f"federated@{DOMAIN}")
    assert number(good) == 0
    assert number(good.replace("federated@", "operator@")) == 50008
    assert number(good.replace("><", "> <", 1)) == 50008, "not a byte may change"
    assert number(tenant.entra.federation.assertion("x@y", minutes=-1)) == 50008
    assert number("no XML") == 50008


FOREIGN = {
    700211: {"iss": "https://issuer.practice.example"},
    700213: {"sub": "system:serviceaccount:monitoring:other"},
    700212: {"aud": "https://vault.azure.net"},
    700024: {"exp": 1700000000},
    50013: {"exp": None},
}


def test_workload_federation(tenant, client):
    token = (tenant.material.directory / "federated-token").read_text().strip()

    def number(assertion, **changes):
        form = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return client.number(**form, **changes)

    assert number(token) == 0
    assert number(token, scope=f"{GRAPH}/.default") == 0
    for expected, claims in FOREIGN.items():
        assert number(tenant.material.federated_token(**claims)) == expected
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert number(tenant.material.federated_token(other)) == 50013
    assert number(token, client_id=CLIENT_IDS["no-graph"]) == 700211
    assert number("x.y.z") == 50027
    assert FEDERATED["aud"] == "api://AzureADTokenExchange"


def identity(tenant, resource=EXCHANGE, headers=None, **query):
    """Status and document of IMDS; a change to None leaves a part of the query out."""
    query = {"api-version": "2018-02-01", "resource": resource, **query}
    answer = requests.get(
        f"{tenant.imds_url}/metadata/identity/oauth2/token",
        params={name: value for name, value in query.items() if value},
        headers={"Metadata": "true"} if headers is None else headers,
        proxies={"http": ""},
        timeout=30,
    )
    return answer.status_code, answer.json()


def test_managed_identities(tenant, client):
    for resource in (EXCHANGE, f"{EXCHANGE}/", GRAPH):
        for kind, chosen in (("system", None), ("user", MANAGED_IDS["user"])):
            status, document = identity(tenant, resource, client_id=chosen)
            claims = tenant.entra.claims(document["access_token"])
            assert (status, claims["appid"], claims["aud"]) == (200, MANAGED_IDS[kind], resource)
            assert (document["client_id"], document["resource"]) == (MANAGED_IDS[kind], resource)
            assert (document["expires_in"], document["token_type"]) == ("3599", "Bearer")
            assert abs(int(document["expires_on"]) - time.time() - 3599) < 60
    assert tenant.token_requests == 6
    assert client.cmdlet(identity(tenant)[1]["access_token"]).status_code == 200
    assert client.graph(identity(tenant, GRAPH)[1]["access_token"]).status_code == 200


def test_what_imds_refuses(tenant):
    metadata = {"Metadata": "true"}
    assert identity(tenant, headers={})[0] == 400
    assert identity(tenant, headers={"Metadata": "no"})[0] == 400
    assert identity(tenant, headers={**metadata, "X-Forwarded-For": "10.0.0.1"})[0] == 400
    assert identity(tenant, **{"api-version": None})[0] == 400
    assert identity(tenant, None)[1]["error"] == "invalid_resource"
    stranger = {"error": "invalid_request", "error_description": "Identity not found"}
    assert identity(tenant, client_id=CLIENT_IDS["monitor"]) == (400, stranger)
    tenant.imds_identity = False
    assert identity(tenant) == (400, stranger)
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": tenant.imds_url}
        answer = session.get(f"{tenant.imds_url}/metadata/identity", headers=metadata, timeout=9)
        assert (answer.status_code, "proxy" in answer.text) == (400, True)
        session.proxies = {}
        answer = session.get(f"{tenant.imds_url}/metadata/instance", headers=metadata, timeout=9)
        assert answer.status_code == 404
        posted = session.post(f"{tenant.imds_url}/metadata/identity/oauth2/token", timeout=9)
        assert posted.status_code == 405
    tenant.reset()
    tenant.faults.on("imds", "http-500", 1)
    tenant.faults.on("imds", "late", 1)
    assert identity(tenant)[0] == 200
    assert tenant.token_requests == 1


@pytest.mark.skipif(not hasattr(msal, "ManagedIdentityClient"), reason="msal before 1.29")
def test_msal_and_managed_identities(tenant, client, monkeypatch):
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", tenant.imds_url)
    for wanted, found in (
        (msal.SystemAssignedManagedIdentity(), "access_token"),
        (msal.UserAssignedManagedIdentity(client_id=MANAGED_IDS["user"]), "access_token"),
        (msal.UserAssignedManagedIdentity(client_id="x"), "error_description"),
    ):
        app = msal.ManagedIdentityClient(wanted, http_client=client.session)
        assert found in app.acquire_token_for_client(resource=GRAPH)
