"""The practice tenant's Exchange Online and Graph, faults of one mailbox, and many clients at once.
No client code of the check takes part: a shared mistake shows here.
"""

from __future__ import annotations

import concurrent.futures
import configparser
import json

import pytest
import requests
import urllib3

from ..tenant import exchange, faults, graph
from ..tenant.client import EXCHANGE, GRAPH, Client
from ..tenant.directory import DOMAIN, MANY, ROLE_GROUP
from ..tenant.wire import Wire, listing

MAIL = f"{GRAPH}/Mail.ReadBasic"
SELECT = "?$top=3&$select=id,receivedDateTime"


@pytest.fixture
def client(tenant):
    """requests and msal."""
    client = Client(tenant)
    yield client
    client.close()
    assert tenant.crashes == []


def code(answer):
    """Status and code of an error document, which is checked for its shape."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "innerError"}
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
    return answer.status_code, error["code"]


def test_a_token_for_one_service_is_none_for_the_other(tenant, client):
    assert client.cmdlet(client.as_app(EXCHANGE)).json()["value"][0]["Result"] == "Success"
    assert client.cmdlet(client.as_app(GRAPH)).status_code == 401
    assert client.graph(client.as_app(GRAPH)).status_code == 200
    refused = client.graph(client.as_app(EXCHANGE))
    assert code(refused) == (401, "InvalidAuthenticationToken")
    assert "audience" in refused.json()["error"]["message"]


def test_who_may_run_the_cmdlet(client):
    def as_user(name, scope=f"{EXCHANGE}/.default", **how):
        return client.cmdlet(client.as_user(name, scope)["access_token"], **how)

    assert set(ROLE_GROUP) == {"healthy", "operator", "federated"}
    assert as_user("healthy").status_code == 200
    assert as_user("healthy", MAIL).status_code == 401
    assert as_user("healthy", f"{EXCHANGE}/MapiHttp.AccessAsUser.All").status_code == 401
    member_of_none = client.as_app(client="no-role-group")
    for refused in (as_user("shared", stream=True), client.cmdlet(member_of_none, stream=True)):
        assert (refused.status_code, refused.headers["Content-Encoding"]) == (403, "gzip")
        assert refused.raw.read(decode_content=False) == exchange.NUL_BODY
    assert client.cmdlet(client.as_app(client="no-app-role")).status_code == 401


def test_a_page_of_messages(client):
    token = client.as_app(GRAPH)
    answer = client.graph(token, query=f"{SELECT}&$count=true", **{"client-request-id": "mine"})
    document = answer.json()
    assert [*document["value"][0]] == ["@odata.etag", "id", "receivedDateTime"]
    assert (len(document["value"]), document["@odata.count"]) == (3, 8)
    assert document["value"][0]["receivedDateTime"] == "2026-09-22T07:00:00Z"
    assert (answer.headers["client-request-id"], len(answer.headers["request-id"])) == ("mine", 36)
    where = json.loads(answer.headers["x-ms-ags-diagnostic"])["ServerInfo"]
    assert set(where) == {"DataCenter", "Slice", "Ring", "ScaleUnit", "RoleInstance"}
    seen = [item["id"] for item in document["value"]]
    while "@odata.nextLink" in document:
        link = document["@odata.nextLink"]
        document = client.get(link, headers={"Authorization": f"Bearer {token}"}).json()
        assert document["@odata.count"] == 8
        seen += [item["id"] for item in document["value"]]
    assert (len(seen), len(set(seen))) == (8, 8)
    oldest = client.graph(token, query="?$orderby=receivedDateTime asc&$top=1").json()
    assert oldest["value"][0]["receivedDateTime"] == "2026-09-19T10:00:00Z"
    empty = client.graph(token, "empty", SELECT).json()
    assert (empty["value"], "@odata.nextLink" in empty) == ([], False)
    for name in ("hostile", "large", MANY[-1]):
        assert client.graph(token, name, "?$top=1000&$count=true").status_code == 200


BAD = {
    "?$select=id,bodyPreview": (403, "ErrorAccessDenied"),
    "?$select=body": (403, "ErrorAccessDenied"),
    "?$select=colour": (400, "RequestBroker--ParseUri"),
    "?$top=0": (400, "ErrorInvalidUrlQuery"),
    "?$top=1001": (400, "ErrorInvalidUrlQuery"),
    "?$orderby=size": (400, "ErrorInvalidUrlQuery"),
    "?$expand=attachments": (400, "BadRequest"),
}


@pytest.mark.parametrize("query", BAD)
def test_queries_that_are_refused(client, query):
    assert code(client.graph(client.as_app(GRAPH), query=query)) == BAD[query]


@pytest.mark.parametrize("name", [*graph.REFUSED, "nobody", "no-table"])
def test_mailboxes_that_graph_refuses(client, name):
    unknown = (404, "Request_ResourceNotFound", "", None)
    status, word, _, wait = graph.REFUSED.get(name, unknown)
    answer = client.graph(client.as_app(GRAPH), name, SELECT)
    assert code(answer) == (status, word)
    assert answer.headers.get("Retry-After") == (str(wait) if wait else None)


def test_who_may_read_mail(tenant, client):
    own = client.as_user("healthy", MAIL)["access_token"]
    assert client.graph(own).json()["value"] == client.graph(own, "me/").json()["value"]
    denied = (403, "ErrorAccessDenied")
    assert code(client.graph(own, "shared")) == denied
    assert code(client.graph(client.as_app(GRAPH, "no-graph"))) == denied
    assert code(client.graph(tenant.entra.issue_user("healthy@x.example", aud=GRAPH))) == denied
    users = client.get("/v1.0/users", headers={"Authorization": f"Bearer {own}"})
    assert code(users) == (403, "Authorization_RequestDenied")


def test_tokens_that_graph_refuses(tenant, client):
    token = client.as_app(GRAPH)
    tenant.entra.revoked.add(token)
    for bad, words in (
        ("", ""),
        ("x", ""),
        (token[:-2], ""),
        (token, 'error="insufficient_claims", claims="'),
        (tenant.entra.issue_user(f"healthy@{DOMAIN}", aud=GRAPH, exp=1), ""),
    ):
        answer = client.graph(bad)
        assert code(answer) == (401, "InvalidAuthenticationToken")
        assert words in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("number", [700027, 50196, 123456])
def test_any_number_of_entra(tenant, client, number):
    tenant.faults.on("token", f"aadsts-{number}", 1)
    document = client.sign_in(client_secret=tenant.material.secret)
    assert (document["error_codes"], len(document["correlation_id"])) == ([number], 36)
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert "access_token" in client.sign_in(client_secret=tenant.material.secret)


def test_faults_of_one_mailbox(tenant, client):
    exchange_token, graph_token = client.as_app(), client.as_app(GRAPH)
    tenant.faults.on("exchange", "http-503", mailbox="many-007")
    tenant.faults.on("exchange", "http-504", 1, f"Many-008@{DOMAIN}")
    tenant.faults.on("graph", "http-500", mailbox="many-007")
    for name, status in (
        ("many-007", 503),
        ("many-007", 503),
        ("many-008", 504),
        ("many-009", 200),
    ):
        assert client.cmdlet(exchange_token, name).status_code == status
    assert client.cmdlet(exchange_token, "many-008").status_code == 200
    assert client.graph(graph_token, "many-007").status_code == 500
    assert client.graph(graph_token, "many-008").status_code == 200
    tenant.faults.on("exchange", "http-404")
    assert client.cmdlet(exchange_token, "many-007").status_code == 503
    assert client.cmdlet(exchange_token, "many-009").status_code == 404
    own = client.as_user("many-007", MAIL)["access_token"]
    assert client.graph(own, "me/").status_code == 500
    tenant.faults.off()
    assert client.cmdlet(exchange_token, "many-007").status_code == 200


def test_faults_of_one_mailbox_on_premises(tenant):
    wire = Wire(tenant, "operator")
    boxes = [tenant.mapi.store.mailboxes[name] for name in ("many-007", "many-008")]
    tenant.faults.on("mapi-connect", "http-503", mailbox="many-007")
    tenant.faults.on("autodiscover", "http-500", mailbox="many-008")
    for box, status, found in zip(boxes, (503, 0), (200, 500)):
        wire.target = f"/mapi/emsmdb/?MailboxId={box.endpoint}@{DOMAIN}"
        assert (wire.connect()[0], wire.discover(box.name)[0]) == (status, found)
    rows = wire.execute(wire.logon("many-008") + listing(), [0xFFFFFFFF] * 3)
    assert bytes.fromhex("150200000000 02 0200") in rows, "FullAccess"
    wire.http.close()


def test_the_switch(tenant, client):
    token = client.as_app()

    def switch(method, path):
        url = f"{tenant.url}/switch{path}"
        return client.session.request(method, url, timeout=30).status_code

    assert switch("PUT", "/exchange/http-503/-1/many-007") == 200
    assert client.cmdlet(token, "many-007").status_code == 503
    assert client.cmdlet(token, "many-008").status_code == 200
    assert switch("PUT", "/token/aadsts-50196/1") == 200
    assert client.number() == 50196
    assert switch("DELETE", "") == 200
    assert client.cmdlet(token, "many-007").status_code == 200
    for path in (
        "/token/http-503/1/many-007",
        "/exchange/http-503/1/healthy@elsewhere.example",
        "/exchange/http-503/1/many-007/more",
        "/exchange/aadsts-50196",
        "/nowhere/http-503",
        "/exchange/nonsense",
    ):
        assert switch("PUT", path) == 404, path


@pytest.mark.parametrize("place", ["graph", "adfs", "imds"])
def test_every_fault_can_be_had_at_the_new_places(tenant, client, place):
    urls = {
        "graph": f"{tenant.url}/v1.0/users/healthy@{DOMAIN}/mailFolders/inbox/messages",
        "adfs": f"{tenant.url}/adfs/services/trust/mex",
        "imds": f"{tenant.imds_url}/metadata/identity/oauth2/token",
    }
    endless = {"silent", "drip-header", "drip-body", "drip-chunked", "endless-headers"}
    for fault in set(faults.NAMES) - endless - {"endless-continue"}:
        tenant.faults.on(place, fault, 1)
        try:
            answer = client.session.get(urls[place], stream=True, timeout=30, allow_redirects=False)
            answer.raw.read(decode_content=False)
            answer.close()
        except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError):
            pass
        assert tenant.faults.take(place) is None, fault


def test_a_hundred_clients_at_once(tenant, client):
    exchange_token, graph_token = client.as_app(), client.as_app(GRAPH)
    for name in MANY[:100:10]:
        tenant.faults.on("exchange", "http-503", mailbox=name)
    tenant.exchange_delay = 0.3

    def both(name):
        own = Client(tenant)
        try:
            statuses = (
                own.cmdlet(exchange_token, name).status_code,
                own.graph(graph_token, name).status_code,
            )
            return statuses, own.number(client_secret=tenant.material.secret)
        finally:
            own.close()

    before = tenant.connections, tenant.token_requests
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        found = list(pool.map(both, MANY[:100]))
    for name, (statuses, number) in zip(MANY, found):
        assert (statuses, number) == ((503 if name.endswith("1") else 200, 200), 0)
    assert (tenant.connections - before[0], tenant.token_requests - before[1]) == (100, 100)


SECTIONS = {
    *("cmdlet", "cmdlet-key", "cmdlet-locked", "cmdlet-pfx", "cmdlet-pfx-locked", "cmdlet-archive"),
    *("cmdlet-password-module", "graph", "gcc-high", "gcc-high-graph", "methods", "methods-user"),
    *("mapi", "mapi-url", "mapi-auto", "mapi-bearer", "mapi-federated-user"),
    *("many-cmdlet", "many-graph", "many-mapi"),
    *(
        f"{method}-{way}"
        for method in ("cmdlet", "graph")
        for way in ("secret", "password", "federated-user", "managed", "managed-user", "federated")
    ),
}


def test_sections(tenant):
    ini = configparser.ConfigParser(strict=False, interpolation=None)
    ini.read(tenant.ini)
    assert set(ini.sections()) == SECTIONS
    for section in ini.values():
        for name, value in section.items():
            files = ("certificate", "certificate-key", "mailbox-file", "ca-file")
            if name.endswith("-file") or name in files:
                assert tenant.material.directory.joinpath(value).is_file(), (section, name)
    assert "tenant" not in ini["cmdlet-managed"]
    assert ini["cmdlet-managed"]["managed-identity"] == ""
    assert tenant.ini.read_text().count("method = mapi\n") == 7
