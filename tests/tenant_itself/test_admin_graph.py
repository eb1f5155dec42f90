"""The practice tenant's Microsoft Graph for administrators, by plain requests written from Microsoft's
documentation. No client code of the project takes part: a shared mistake shows here.
"""

from __future__ import annotations

import base64
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from ..tenant import odata
from ..tenant.admin_client import DENIED, MANAGE_AS_APP, NOWHERE, credential, der, error, missing
from ..tenant.graph import Trouble
from ..tenant.material import make_certificate
from ..tenant.registry import EXCHANGE_APP, GRAPH_APP


def test_the_services_that_every_tenant_has(tenant, admin):
    found = admin.ask(
        "GET", f"servicePrincipals(appId='{EXCHANGE_APP}')?$select=id,appRoles"
    ).json()
    assert sorted(found) == ["@odata.context", "appRoles", "id"]
    assert [(role["value"], role["id"]) for role in found["appRoles"]] == [
        ("Exchange.ManageAsApp", MANAGE_AS_APP)
    ]
    listed = admin.ask("GET", f"servicePrincipals?$filter=appId eq '{GRAPH_APP}'").json()["value"]
    assert [row["displayName"] for row in listed] == ["Microsoft Graph"]
    absent = admin.ask("GET", f"servicePrincipals(appId='{NOWHERE}')")
    assert error(absent) == missing(NOWHERE)
    assert admin.ask("GET", "applications").json()["value"] == []
    empty = tenant.directory_state()
    assert (empty["applications"], empty["service_principals"]) == ([], [])


def test_an_exchange_that_has_no_service_principal(tenant, admin, somebody):
    registry = tenant.admin.registry
    registry.remove_principal(admin.resource())
    path = f"servicePrincipals(appId='{EXCHANGE_APP}')"
    assert error(admin.ask("GET", path)) == missing(EXCHANGE_APP)
    body = {"appId": EXCHANGE_APP}
    other = somebody("Privileged Role Administrator")
    assert error(other.ask("POST", "servicePrincipals", body)) == DENIED
    assert admin.ask("POST", "servicePrincipals", body).status_code == 201
    assert admin.ask("GET", path).json()["appRoles"][0]["id"] == MANAGE_AS_APP


def test_an_application(tenant, admin):
    access = [
        {
            "resourceAppId": EXCHANGE_APP,
            "resourceAccess": [{"id": MANAGE_AS_APP, "type": "Role"}],
        }
    ]
    certificate = tenant.material.certificate
    made = admin.create(
        "check_mapi_connectivity",
        signInAudience="AzureADMyOrg",
        requiredResourceAccess=access,
        keyCredentials=[credential(certificate, displayName="CN=probe")],
    )
    [key] = made["keyCredentials"]
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert (key["key"], key["customKeyIdentifier"], key["displayName"]) == (
        None,
        thumbprint,
        "CN=probe",
    )
    assert uuid.UUID(key["keyId"])
    assert made["requiredResourceAccess"] == access
    assert made["appId"] != made["id"]
    path = f"applications/{made['id']}"
    assert admin.ask("GET", path).json()["keyCredentials"] == [key]
    whole = admin.ask("GET", f"{path}?$select=keyCredentials").json()["keyCredentials"]
    assert whole == [{**key, "key": der(certificate)}]
    assert admin.ask("GET", f"applications(appId='{made['appId']}')").json()["id"] == made["id"]
    assert admin.ask("PATCH", path, {"isFallbackPublicClient": True}).status_code == 204
    assert admin.ask("GET", path).json()["isFallbackPublicClient"] is True
    assert admin.ask("DELETE", path).status_code == 204
    assert error(admin.ask("GET", path)) == missing(made["id"])
    assert error(admin.ask("DELETE", path)) == missing(made["id"])


def test_two_applications_of_one_name(admin):
    first, second = admin.create("probe's"), admin.create("PROBE's")
    admin.create("other")
    found = admin.ask("GET", "applications?$filter=displayName eq 'probe''s'&$select=id,appId")
    assert found.json()["value"] == [
        {"id": one["id"], "appId": one["appId"]} for one in (first, second)
    ]
    begins = admin.ask("GET", "applications?$filter=startswith(displayName,'prob')").json()["value"]
    assert len(begins) == 2


def test_pages(tenant, admin):
    tenant.admin.registry.page = 2
    names = [admin.create(f"app {number}")["displayName"] for number in range(5)]
    path, found, sizes = "applications?$select=displayName", [], []
    while path:
        document = admin.ask("GET", path).json()
        found += [row["displayName"] for row in document["value"]]
        sizes.append(len(document["value"]))
        path = document.get("@odata.nextLink")
    assert (found, sizes) == (names, [2, 2, 1])
    assert len(admin.ask("GET", "applications?$top=1").json()["value"]) == 1
    stale = admin.ask("GET", "applications?$skiptoken=RFNwdA")
    assert error(stale)[1] == "Directory_ExpiredPageToken"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=displayName like 'x'", "BadRequest"),
        ("$filter=displayName eq x", "BadRequest"),
        ("$filter=notes eq 'x'", "Request_UnsupportedQuery"),
        ("$top=0", "Request_BadRequest"),
        ("$top=1000", "Request_BadRequest"),
        ("$bogus=1", "BadRequest"),
    ],
)
def test_queries_that_are_refused(admin, query, code):
    assert error(admin.ask("GET", f"applications?{query}"))[:2] == (400, code)


@given(st.text(), st.text(), st.text())
def test_any_query_is_a_page_or_one_exception(text, top, token):
    query = {"$filter": f"name eq '{text}'", "$top": top, "$skiptoken": token}
    for given_query in (query, {"$filter": text}, {"$select": text}):
        try:
            document = odata.page([{"name": "x"}], "things", given_query, "", 1, ("name",))
        except Trouble as trouble:
            assert trouble.status == 400
        else:
            assert len(document["value"]) <= 1


def test_bodies_that_are_refused(tenant, admin):
    def refused(path="applications", method="POST", **body):
        status, code, text = error(admin.ask(method, path, body))
        assert (status, code) == (400, "Request_BadRequest")
        return text

    def wrong(name, **body):
        text = f"Invalid value specified for property '{name}' of resource 'Application'."
        assert refused(displayName="x", **body) == text

    assert "'displayName' of resource 'Application'" in refused()
    assert refused(displayName="x", colour="red") == "Invalid property 'colour'."
    wrong("signInAudience", signInAudience="Everybody")
    wrong("isFallbackPublicClient", isFallbackPublicClient="yes")
    for access in ("x", [{}], [{"resourceAppId": "x", "resourceAccess": []}]):
        wrong("requiredResourceAccess", requiredResourceAccess=access)
    wrong("keyCredentials", keyCredentials={})
    bad = admin.session.post(
        f"{tenant.url}/v1.0/applications",
        data="{",
        headers={
            "Authorization": f"Bearer {admin.token('graph')}",
            "Content-Type": "application/json",
        },
    )
    assert error(bad)[:2] == (400, "Request_BadRequest")
    kind = admin.ask("POST", "applications", {}, **{"Content-Type": "text/plain"})
    assert error(kind)[:2] == (415, "Request_BadRequest")
    assert error(admin.ask("PUT", "applications", {}))[0] == 405
    assert error(admin.ask("GET", "widgets"))[:2] == (400, "BadRequest")
    assert error(admin.ask("POST", "applications/x/addKey", {}))[:2] == (400, "BadRequest")
    assert tenant.directory_state()["applications"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "Symmetric"}, "Request_BadRequest"),
        ({"usage": "Sign"}, "Request_BadRequest"),
        ({"key": None}, "Request_BadRequest"),
        ({"key": "!"}, "Request_BadRequest"),
        ({"key": base64.b64encode(b"no certificate").decode()}, "Request_BadRequest"),
        ({"secret": "x"}, "Request_BadRequest"),
        ({"endDateTime": "2999-01-01T00:00:00Z"}, "KeyCredentialsInvalidEndDate"),
        ({"startDateTime": "1999-01-01T00:00:00Z"}, "KeyCredentialsInvalidStartDate"),
        ({"endDateTime": "soon"}, "Request_BadRequest"),
    ],
)
def test_key_credentials_that_are_refused(tenant, admin, changes, code):
    keys = [credential(tenant.material.certificate, **changes)]
    answer = admin.ask("POST", "applications", {"displayName": "x", "keyCredentials": keys})
    assert error(answer)[:2] == (400, code)


def test_policies_for_credentials(tenant, admin):
    policy, certificate = tenant.admin.registry.policy, tenant.material.certificate
    body = {"displayName": "x", "keyCredentials": [credential(certificate)]}
    policy.max_days = 90
    answer = admin.ask("POST", "applications", body)
    text = (
        f"Credential lifetime exceeds the max value allowed as per assigned policy '{policy.id}'."
    )
    assert error(answer) == (400, "CredentialInvalidLifetimeAsPerAppPolicy", text)
    detail = {"code": "InvalidKeyEndDate", "message": text, "target": "EndDate"}
    assert answer.json()["error"]["details"] == [detail]
    short = make_certificate("short", end_days=80)[1]
    old = admin.create(keyCredentials=[credential(short)])
    policy.forbidden = True
    text = f"Credential type not allowed as per assigned policy '{policy.id}'."
    assert error(admin.ask("POST", "applications", body)) == (
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        text,
    )
    policy.forbidden, policy.max_days, policy.one_year = False, None, True
    long = {"displayName": "x", "keyCredentials": [credential(make_certificate("x", -1, 700)[1])]}
    assert error(admin.ask("POST", "applications", long))[1] == "KeyCredentialsInvalidEndDate"
    assert admin.ask("POST", "applications", body).status_code == 201
    policy.forbidden = True
    # What is there already may stay.
    keep = {"keyCredentials": old["keyCredentials"]}
    assert admin.ask("PATCH", f"applications/{old['id']}", keep).status_code == 204


def test_certificates_are_compared_as_documents(tenant, admin):
    key = credential(tenant.material.certificate)
    first = admin.create(keyCredentials=[key])
    stored = tenant.directory_state()["applications"]
    assert [one["id"] for one in stored] == [first["id"]]
    assert x509.load_der_x509_certificate(
        base64.b64decode(stored[0]["keyCredentials"][0]["key"])
    ) == (tenant.material.certificate)
