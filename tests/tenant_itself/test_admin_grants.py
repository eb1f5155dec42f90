"""The practice tenant's Microsoft Graph for administrators: what is granted and by whom, by plain requests written
from Microsoft's documentation. No client code of the project takes part: a shared mistake shows here.
"""

from __future__ import annotations

import pytest

from ..tenant import graph_admin
from ..tenant.admin_client import (
    DENIED,
    MAIL_READ_BASIC_ALL,
    MANAGE_AS_APP,
    NOWHERE,
    Administrator,
    error,
    missing,
)
from ..tenant.client import GRAPH
from ..tenant.directory import DOMAIN, TENANT_ID, TENANT_NAME
from ..tenant.registry import EXCHANGE_APP, GRAPH_APP


def test_a_service_principal(tenant, admin):
    application, principal = admin.create_pair()
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
    other = admin.create("tagged")["appId"]
    tagged = admin.ask("POST", "servicePrincipals", {"appId": other, "notes": "made by a test"})
    assert (tagged.json()["notes"], principal["notes"]) == ("made by a test", None)
    text = f"The appId '{NOWHERE}' of the service principal does not reference a valid application "
    assert error(stranger) == (400, "Request_BadRequest", f"{text}object.")
    assert stranger.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert error(admin.ask("POST", "servicePrincipals", {}))[0] == 400
    assert error(admin.ask("POST", "servicePrincipals", {"appId": NOWHERE, "x": 1}))[0] == 400
    path = f"servicePrincipals/{principal['id']}"
    assert admin.ask("DELETE", path).status_code == 204
    assert error(admin.ask("GET", path))[0] == 404
    assert len(tenant.directory_state()["applications"]) == 2


def test_an_app_role_is_assigned(tenant, admin):
    principal = admin.create_pair()[1]["id"]
    resource, path = admin.resource(), f"servicePrincipals/{principal}/appRoleAssignments"
    assert admin.ask("GET", path).json()["value"] == []
    answer = admin.consent(principal)
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
    assert error(admin.consent(principal)) == (
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
    principal = admin.create_pair()[1]["id"]
    text = "Invalid value specified for property '{}' of resource 'AppRoleAssignment'."
    for name in ("appRoleId", "principalId", "resourceId"):
        assert error(admin.consent(principal, **{name: "x"}))[2] == text.format(name)
        assert error(admin.consent(principal, **{name: None}))[2] == text.format(name)
    assert error(admin.consent(principal, resourceId=NOWHERE)) == missing(NOWHERE)
    assert error(admin.consent(principal, role=MAIL_READ_BASIC_ALL)) == (
        400,
        "Request_BadRequest",
        f"Permission being assigned was not found on application '{EXCHANGE_APP}'.",
    )
    other = admin.create_pair("other")[1]["id"]
    assert error(admin.consent(principal, principalId=other))[2] == "Not a valid reference update."
    assert error(admin.consent(principal, colour="red"))[0] == 400
    assert error(admin.consent(NOWHERE)) == missing(NOWHERE)


def test_who_may_consent(admin, somebody):
    principal = admin.create_pair()[1]["id"]
    for role, exchange, mail in (
        ("Application Administrator", 201, 403),
        ("Cloud Application Administrator", 201, 403),
        ("Privileged Role Administrator", 201, 201),
    ):
        other = somebody(role)
        answers = (
            other.consent(principal),
            other.consent(principal, MAIL_READ_BASIC_ALL, GRAPH_APP),
        )
        assert [answer.status_code for answer in answers] == [exchange, mail]
        for answer in answers:
            if answer.status_code == 201:
                path = f"servicePrincipals/{principal}/appRoleAssignments/{answer.json()['id']}"
                assert admin.ask("DELETE", path).status_code == 204
    tools = somebody("Global Administrator", scopes="Application.ReadWrite.All")
    assert error(tools.consent(principal)) == DENIED


def test_who_may_change_applications(tenant, admin, somebody):
    other = somebody("Privileged Role Administrator")
    own = other.create("own")
    path = f"applications/{admin.create('theirs')['id']}"
    for method, body in (("PATCH", {"notes": "x"}), ("DELETE", None)):
        assert error(other.ask(method, path, body)) == DENIED
    assert other.ask("PATCH", f"applications/{own['id']}", {"notes": "x"}).status_code == 204
    tenant.admin.registry.users_may_register = False
    assert error(other.ask("POST", "applications", {"displayName": "x"})) == DENIED
    other.tokens["graph"] = other.as_app(GRAPH)
    assert error(other.ask("GET", "applications")) == DENIED


def test_consents_to_delegated_permissions(admin):
    principal, resource = admin.create_pair()[1]["id"], admin.resource()
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
    principal = admin.create_pair()[1]["id"]
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


def test_entra_roles_by_the_older_interface(tenant, admin):
    principal = admin.create_pair()[1]["id"]
    reader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    path = f"directoryRoles(roleTemplateId='{reader}')/members/$ref"
    body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{principal}"}
    assert error(admin.ask("POST", path, body)) == missing(reader)
    activate = {"roleTemplateId": reader}
    assert admin.ask("POST", "directoryRoles", activate).status_code == 201
    assert error(admin.ask("POST", "directoryRoles", activate))[0] == 400
    assert error(admin.ask("POST", "directoryRoles", {"roleTemplateId": NOWHERE}))[0] == 400
    assert admin.ask("POST", path, body).status_code == 204
    assert error(admin.ask("POST", path, body))[:2] == (400, "Request_BadRequest")
    [made] = tenant.directory_state()["role_assignments"]
    assert (made["principalId"], made["roleDefinitionId"]) == (principal, reader)


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
