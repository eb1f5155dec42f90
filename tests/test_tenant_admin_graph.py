"""The practice tenant's Microsoft Graph for administrators, by plain requests written from Microsoft's
documentation. No client code of the project takes part: a shared mistake shows here.
"""

from __future__ import annotations

import base64
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from .tenant import graph_admin
from .tenant.admin_client import Administrator
from .tenant.client import GRAPH
from .tenant.directory import DOMAIN, TENANT_ID, TENANT_NAME
from .tenant.material import make_certificate
from .tenant.registry import EXCHANGE_APP, GRAPH_APP

MANAGE_AS_APP = "dc50a0fb-09a3-484d-be87-e023b12c6440"
MAIL_READ_BASIC_ALL = "693c5e45-0940-467d-9b8a-1022fb9d42ef"
NOWHERE = "00000000-0000-4000-8000-000000000000"
DENIED = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


@pytest.fixture
def admin(tenant):
    """A Global Administrator."""
    admin = Administrator(tenant)
    yield admin
    admin.close()
    assert tenant.crashes == []


@pytest.fixture
def somebody(tenant):
    """`somebody(*roles)`: another administrator."""
    made = []

    def make(*roles, **how):
        made.append(Administrator(tenant, *roles, name=f"admin-{len(made)}", **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def missing(number):
    """Answer about an object that is not there."""
    text = f"Resource '{number}' does not exist or one of its queried reference-property objects "
    return 404, "Request_ResourceNotFound", f"{text}are not present."


def error(answer):
    """Status, code and message of an error document, which is checked for its shape."""
    found = answer.json()["error"]
    assert set(found) - {"details"} == {"code", "message", "innerError"}
    assert set(found["innerError"]) == {"date", "request-id", "client-request-id"}
    return answer.status_code, found["code"], found["message"]


def der(certificate):
    """As a key credential carries it."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def credential(certificate, **changes):
    """A key credential."""
    usual = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": der(certificate)}
    return {**usual, **changes}


def create(admin, name="probe", **changes):
    """The document of a new application."""
    answer = admin.ask("POST", "applications", {"displayName": name, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def create_pair(admin, name="probe"):
    """Application and service principal."""
    application = create(admin, name)
    answer = admin.ask("POST", "servicePrincipals", {"appId": application["appId"]})
    assert answer.status_code == 201, answer.text
    return application, answer.json()


def resource_of(admin, app_id=EXCHANGE_APP):
    """Object id of one of Microsoft's service principals."""
    path = f"servicePrincipals(appId='{app_id}')?$select=id,appRoles"
    return admin.ask("GET", path).json()["id"]


def consent(admin, principal, role=MANAGE_AS_APP, app_id=EXCHANGE_APP, **changes):
    """The answer to an app role assignment."""
    body = {"principalId": principal, "resourceId": resource_of(admin, app_id), "appRoleId": role}
    return admin.ask(
        "POST", f"servicePrincipals/{principal}/appRoleAssignments", {**body, **changes}
    )


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
    registry.remove_principal(resource_of(admin))
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
    made = create(
        admin,
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
    first, second = create(admin, "probe's"), create(admin, "PROBE's")
    create(admin, "other")
    found = admin.ask("GET", "applications?$filter=displayName eq 'probe''s'&$select=id,appId")
    assert found.json()["value"] == [
        {"id": one["id"], "appId": one["appId"]} for one in (first, second)
    ]
    begins = admin.ask("GET", "applications?$filter=startswith(displayName,'prob')").json()["value"]
    assert len(begins) == 2


def test_pages(tenant, admin):
    tenant.admin.registry.page = 2
    names = [create(admin, f"app {number}")["displayName"] for number in range(5)]
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


def test_a_certificate_is_renewed_and_the_old_one_kept_or_lost(tenant, admin):
    old, new = tenant.material.certificate, make_certificate("new")[1]
    path = f"applications/{create(admin, keyCredentials=[credential(old)])['id']}"

    def update(*keys):
        answer = admin.ask("PATCH", path, {"keyCredentials": list(keys)})
        return answer.status_code

    def held():
        keys = admin.ask("GET", f"{path}?$select=keyCredentials").json()["keyCredentials"]
        return [key["key"] for key in keys]

    [kept] = admin.ask("GET", path).json()["keyCredentials"]
    assert update(kept, credential(new)) == 204
    assert held() == [der(old), der(new)]
    full = admin.ask("GET", f"{path}?$select=keyCredentials").json()["keyCredentials"]
    assert (update(*full), held()) == (204, [der(old), der(new)])
    assert update({**kept, "keyId": NOWHERE}) == 400
    assert update(credential(new)) == 204
    assert held() == [der(new)]
    assert (update(), held()) == (204, [])


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
    old = create(admin, keyCredentials=[credential(short)])
    policy.forbidden = True
    text = f"Credential type not allowed as per assigned policy '{policy.id}'."
    assert error(admin.ask("POST", "applications", body)) == (
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        text,
    )
    # What is there already may stay.
    keep = {"keyCredentials": old["keyCredentials"]}
    assert admin.ask("PATCH", f"applications/{old['id']}", keep).status_code == 204


def test_a_service_principal(tenant, admin):
    application, principal = create_pair(admin)
    assert principal["id"] not in (application["id"], application["appId"])
    assert principal["appId"] == application["appId"]
    again = admin.ask("POST", "servicePrincipals", {"appId": application["appId"]})
    assert error(again) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "The service principal cannot be created, updated, or restored because the service "
        f"principal name {application['appId']} is already in use.",
    )
    path = f"servicePrincipals?$filter=appId eq '{application['appId']}'&$select=id"
    assert admin.ask("GET", path).json()["value"] == [{"id": principal["id"]}]
    # The other object's id is the classic mistake.
    wrong = admin.ask("GET", f"servicePrincipals/{application['id']}")
    assert error(wrong) == missing(application["id"])
    stranger = admin.ask("POST", "servicePrincipals", {"appId": NOWHERE})
    text = f"The appId '{NOWHERE}' of the service principal does not reference a valid application "
    assert error(stranger) == (400, "Request_BadRequest", f"{text}object.")
    assert stranger.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert error(admin.ask("POST", "servicePrincipals", {}))[0] == 400
    assert error(admin.ask("POST", "servicePrincipals", {"appId": NOWHERE, "x": 1}))[0] == 400
    path = f"servicePrincipals/{principal['id']}"
    assert admin.ask("DELETE", path).status_code == 204
    assert error(admin.ask("GET", path))[0] == 404
    assert len(tenant.directory_state()["applications"]) == 1


def test_an_app_role_is_assigned(tenant, admin):
    principal = create_pair(admin)[1]["id"]
    resource, path = resource_of(admin), f"servicePrincipals/{principal}/appRoleAssignments"
    assert admin.ask("GET", path).json()["value"] == []
    answer = consent(admin, principal)
    made = answer.json()
    assert (answer.status_code, made["principalId"], made["resourceId"], made["appRoleId"]) == (
        201,
        principal,
        resource,
        MANAGE_AS_APP,
    )
    assert (made["principalType"], made["resourceDisplayName"]) == (
        "ServicePrincipal",
        "Office 365 Exchange Online",
    )
    assert admin.ask("GET", path).json()["value"] == [made]
    filtered = admin.ask("GET", f"{path}?$filter=resourceId eq {resource}").json()["value"]
    assert filtered == [made]
    to = admin.ask("GET", f"servicePrincipals/{resource}/appRoleAssignedTo").json()["value"]
    assert to == [made]
    assert error(consent(admin, principal)) == (
        400,
        "Request_BadRequest",
        "Permission being assigned already exists on the object",
    )
    assert admin.ask("DELETE", f"{path}/{made['id']}").status_code == 204
    assert error(admin.ask("DELETE", f"{path}/{made['id']}")) == missing(made["id"])
    other = {"principalId": principal, "resourceId": resource, "appRoleId": MANAGE_AS_APP}
    back = admin.ask("POST", f"servicePrincipals/{resource}/appRoleAssignedTo", other)
    assert back.status_code == 201
    assert tenant.directory_state()["app_role_assignments"] == [
        {key: value for key, value in back.json().items() if key != "@odata.context"}
    ]


def test_assignments_that_are_refused(admin):
    principal = create_pair(admin)[1]["id"]
    text = "Invalid value specified for property '{}' of resource 'AppRoleAssignment'."
    for name in ("appRoleId", "principalId", "resourceId"):
        assert error(consent(admin, principal, **{name: "x"}))[2] == text.format(name)
        assert error(consent(admin, principal, **{name: None}))[2] == text.format(name)
    assert error(consent(admin, principal, resourceId=NOWHERE)) == missing(NOWHERE)
    assert error(consent(admin, principal, role=MAIL_READ_BASIC_ALL)) == (
        400,
        "Request_BadRequest",
        f"Permission being assigned was not found on application '{EXCHANGE_APP}'.",
    )
    other = create_pair(admin, "other")[1]["id"]
    assert error(consent(admin, principal, principalId=other))[2] == "Not a valid reference update."
    assert error(consent(admin, principal, colour="red"))[0] == 400
    assert error(consent(admin, NOWHERE)) == missing(NOWHERE)


def test_who_may_consent(admin, somebody):
    principal = create_pair(admin)[1]["id"]
    for role, exchange, mail in (
        ("Application Administrator", 201, 403),
        ("Cloud Application Administrator", 201, 403),
        ("Privileged Role Administrator", 201, 201),
    ):
        other = somebody(role)
        answers = (
            consent(other, principal),
            consent(other, principal, MAIL_READ_BASIC_ALL, GRAPH_APP),
        )
        assert [answer.status_code for answer in answers] == [exchange, mail]
        for answer in answers:
            if answer.status_code == 201:
                path = f"servicePrincipals/{principal}/appRoleAssignments/{answer.json()['id']}"
                assert admin.ask("DELETE", path).status_code == 204
    tools = somebody("Global Administrator", scopes="Application.ReadWrite.All")
    assert error(consent(tools, principal)) == DENIED


def test_who_may_change_applications(tenant, admin, somebody):
    other = somebody("Privileged Role Administrator")
    own = create(other, "own")
    path = f"applications/{create(admin, 'theirs')['id']}"
    for method, body in (("PATCH", {"notes": "x"}), ("DELETE", None)):
        assert error(other.ask(method, path, body)) == DENIED
    assert other.ask("PATCH", f"applications/{own['id']}", {"notes": "x"}).status_code == 204
    tenant.admin.registry.users_may_register = False
    assert error(other.ask("POST", "applications", {"displayName": "x"})) == DENIED
    other.tokens["graph"] = other.as_app(GRAPH)
    assert error(other.ask("GET", "applications")) == DENIED


def test_an_application_takes_its_service_principal_along(tenant, admin):
    before = tenant.directory_state()
    application, principal = create_pair(admin)
    consent(admin, principal["id"])
    grant = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": resource_of(admin),
        "scope": "Exchange.Manage",
    }
    assert admin.ask("POST", "oauth2PermissionGrants", grant).status_code == 201
    role = {
        "principalId": principal["id"],
        "roleDefinitionId": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        "directoryScopeId": "/",
    }
    assert admin.ask("POST", "roleManagement/directory/roleAssignments", role).status_code == 201
    assert tenant.directory_state() != before
    assert admin.ask("DELETE", f"applications/{application['id']}").status_code == 204
    assert tenant.directory_state() == before


def test_consents_to_delegated_permissions(admin):
    principal, resource = create_pair(admin)[1]["id"], resource_of(admin)
    body = {
        "clientId": principal,
        "consentType": "AllPrincipals",
        "resourceId": resource,
        "scope": "Exchange.Manage",
    }
    made = admin.ask("POST", "oauth2PermissionGrants", body).json()
    assert {name: made[name] for name in body} == body
    path = f"oauth2PermissionGrants?$filter=clientId eq '{principal}'"
    assert [row["id"] for row in admin.ask("GET", path).json()["value"]] == [made["id"]]
    again = admin.ask("POST", "oauth2PermissionGrants", body)
    assert error(again)[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")
    for wrong in ({"consentType": "Principal"}, {"scope": "Everything"}, {"scope": ""}):
        assert error(admin.ask("POST", "oauth2PermissionGrants", {**body, **wrong}))[0] == 400
    path = f"oauth2PermissionGrants/{made['id']}"
    assert admin.ask("DELETE", path).status_code == 204
    assert error(admin.ask("DELETE", path)) == missing(made["id"])


def test_entra_roles(admin, somebody):
    principal = create_pair(admin)[1]["id"]
    path = "roleManagement/directory/roleAssignments"
    body = {
        "principalId": principal,
        "roleDefinitionId": "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "directoryScopeId": "/",
    }
    assert error(somebody("Application Administrator").ask("POST", path, body)) == DENIED
    made = admin.ask("POST", path, body).json()
    listed = admin.ask("GET", f"{path}?$filter=principalId eq '{principal}'").json()["value"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert error(admin.ask("POST", path, body))[:2] == (400, "Request_BadRequest")
    assert error(admin.ask("POST", path, {**body, "roleDefinitionId": NOWHERE}))[0] == 400
    assert error(admin.ask("POST", path, {**body, "principalId": NOWHERE})) == missing(NOWHERE)
    assert admin.ask("DELETE", f"{path}/{made['id']}").status_code == 204
    assert error(admin.ask("DELETE", f"{path}/{made['id']}")) == missing(made["id"])


def test_users(tenant, admin):
    body = {
        "accountEnabled": True,
        "displayName": "Probe",
        "mailNickname": "probe",
        "userPrincipalName": f"Probe@{DOMAIN}",
        "passwordProfile": {"password": "wholly secret", "forceChangePasswordNextSignIn": False},
    }
    made = admin.ask("POST", "users", body).json()
    assert "passwordProfile" not in made
    address = made["userPrincipalName"]
    for path in (f"users/{address}", f"users/{made['id']}"):
        assert admin.ask("GET", f"{path}?$select=id").json()["id"] == made["id"]
    listed = admin.ask("GET", f"users?$filter=userPrincipalName eq 'probe@{DOMAIN}'").json()
    assert [row["id"] for row in listed["value"]] == [made["id"]]
    assert error(admin.ask("POST", "users", body))[2] == (
        "Another object with the same value for property userPrincipalName already exists."
    )
    for name in ("displayName", "passwordProfile", "accountEnabled"):
        assert error(admin.ask("POST", "users", {**body, name: None}))[0] == 400
    away = {**body, "userPrincipalName": "probe@elsewhere.example"}
    assert error(admin.ask("POST", "users", away))[0] == 400
    module = "fb78d390-0c51-40cd-8e17-fdbfab77341b"

    def sign_in(password):
        form = {"username": address, "password": password, "client_id": module}
        return admin.number(grant_type="password", **form)

    assert (sign_in("wholly secret"), sign_in("wrong")) == (0, 50126)
    assert "wholly secret" not in str(tenant.directory_state())
    assert admin.ask("DELETE", f"users/{address}").status_code == 204
    assert error(admin.ask("GET", f"users/{address}")) == missing(address)
    assert admin.ask("GET", f"users/healthy@{DOMAIN}").status_code == 200
    assert error(admin.ask("DELETE", f"users/healthy@{DOMAIN}"))[0] == 404


def test_the_organization_and_oneself(admin):
    [row] = admin.ask("GET", "organization").json()["value"]
    assert (row["id"], [one["name"] for one in row["verifiedDomains"]]) == (
        TENANT_ID,
        [TENANT_NAME, DOMAIN],
    )
    assert admin.ask("GET", "me").json()["userPrincipalName"] == f"admin@{DOMAIN}"


@pytest.mark.parametrize("path", sorted(graph_admin.ROUTES))
def test_nothing_is_open_to_those_without_a_token_or_a_scope(tenant, path):
    client = Administrator(tenant, scopes="User.Read")
    for method, (_, scopes) in graph_admin.ROUTES[path].items():
        url = f"{tenant.url}/v1.0/{path.replace('*', NOWHERE)}"
        body = {} if method in ("POST", "PATCH") else None
        assert client.session.request(method, url, json=body).status_code == 401
        if scopes:
            assert error(client.ask(method, path.replace("*", NOWHERE), body)) == DENIED
    client.close()


def test_what_has_not_arrived_yet(tenant, admin):
    tenant.admin.replication.delay("directory", 2)
    application = create(admin)
    path = f"applications/{application['id']}"
    assert error(admin.ask("GET", path)) == missing(application["id"])
    found = admin.ask("GET", "applications?$filter=displayName eq 'probe'")
    assert found.json()["value"] == []
    assert admin.ask("GET", path).status_code == 200
    second = create(admin, "second")
    statuses = [
        admin.ask("POST", "servicePrincipals", {"appId": second["appId"]}).status_code
        for _ in range(4)
    ]
    # The last finds a service principal, which nobody can read yet.
    assert statuses == [400, 400, 201, 409]
    listed = [
        admin.ask("GET", f"servicePrincipals?$filter=appId eq '{second['appId']}'").json()["value"]
        for _ in range(3)
    ]
    assert [len(rows) for rows in listed] == [0, 0, 1]
    third = create(admin, "third")
    updates = [
        admin.ask("PATCH", f"applications/{third['id']}", {"notes": "x"}).status_code
        for _ in range(3)
    ]
    assert updates == [404, 404, 204]
    tenant.admin.replication.delay("directory", 0)
    assert admin.ask("GET", f"applications/{create(admin)['id']}").status_code == 200


def test_certificates_are_compared_as_documents(tenant, admin):
    key = credential(tenant.material.certificate)
    first = create(admin, keyCredentials=[key])
    stored = tenant.directory_state()["applications"]
    assert [one["id"] for one in stored] == [first["id"]]
    assert x509.load_der_x509_certificate(
        base64.b64decode(stored[0]["keyCredentials"][0]["key"])
    ) == (tenant.material.certificate)
