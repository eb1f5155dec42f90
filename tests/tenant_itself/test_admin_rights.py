"""What an application or a user that an administrator of the practice tenant set up may really do, how late,
and what is left when a connection is cut. No client code of the project takes part.
"""

from __future__ import annotations

from ..tenant.admin_client import credential, error
from ..tenant.client import EXCHANGE, GRAPH
from ..tenant.directory import DOMAIN, GOV_TENANT_ID
from ..tenant.rbac import TEST
from ..tenant.registry import GRAPH_APP

MAIL_READ = f"{GRAPH}/Mail.ReadBasic"
HEALTHY = f"healthy@{DOMAIN}"
READ_BASIC = "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a"
VIEW_ONLY = "View-Only Recipients"
SCOPE = {
    "Name": "its mailbox",
    "RecipientRestrictionFilter": f"PrimarySmtpAddress -eq '{HEALTHY}'",
}


def register(admin):
    """Client id and object id of an application with the tenant's client certificate."""
    keys = [credential(admin.tenant.material.certificate)]
    application, principal = admin.create_pair(keyCredentials=keys)
    return application["appId"], principal["id"]


def role_group(admin):
    """A role group with the cmdlet."""
    admin.rows("New-ManagementRole", Name="probe", Parent=VIEW_ONLY, EnabledCmdlets=[TEST])
    admin.rows("New-RoleGroup", Name="probes", Roles=["probe"])


def cmdlet(admin, app_id):
    """Status of the test that the application runs with a new token."""
    token = admin.app_token(app_id)["access_token"]
    return admin.invoke(TEST, token, Identity=HEALTHY).status_code


def inbox(admin, app_id, name="healthy", query=""):
    """Status and code of a mailbox that the application lists with a new token."""
    answer = admin.graph(admin.app_token(app_id, GRAPH)["access_token"], name, query)
    return error(answer)[:2] if answer.status_code != 200 else 200


def test_the_cmdlet_needs_every_step(admin):
    app_id, number = register(admin)
    assert cmdlet(admin, app_id) == 401
    old = admin.app_token(app_id)["access_token"]
    assert admin.consent(number).status_code == 201
    # A token keeps what it was issued with.
    assert admin.invoke(TEST, old, Identity=HEALTHY).status_code == 401
    assert cmdlet(admin, app_id) == 403
    role_group(admin)
    admin.rows("New-ServicePrincipal", AppId=app_id, ObjectId=number)
    assert cmdlet(admin, app_id) == 403
    admin.rows("Add-RoleGroupMember", Identity="probes", Member=number)
    assert cmdlet(admin, app_id) == 200
    token = admin.app_token(app_id)["access_token"]
    for name in ("Get-Mailbox", "Get-ManagementRole", "New-RoleGroup", "Get-OrganizationConfig"):
        assert admin.invoke(name, token).status_code == 403
    refused = admin.invoke("Get-Mailbox", token)
    assert refused.raw.read(decode_content=False) == bytes(4096)
    admin.rows("Remove-ManagementRoleEntry", Identity=f"probe\\{TEST}")
    assert cmdlet(admin, app_id) == 403


def test_the_wrong_object_id_is_taken_and_of_no_use(admin):
    app_id, number = register(admin)
    admin.consent(number)
    role_group(admin)
    registration = admin.ask("GET", f"applications(appId='{app_id}')").json()["id"]
    admin.rows("New-ServicePrincipal", AppId=app_id, ObjectId=registration)
    admin.rows("Add-RoleGroupMember", Identity="probes", Member=registration)
    assert cmdlet(admin, app_id) == 403


def test_an_entra_role_will_do(admin):
    app_id, number = register(admin)
    admin.consent(number)
    body = {
        "principalId": number,
        "roleDefinitionId": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        "directoryScopeId": "/",
    }
    admin.tenant.admin.replication.delay("exchange-role", 1)
    assert admin.ask("POST", "roleManagement/directory/roleAssignments", body).status_code == 201
    assert [cmdlet(admin, app_id), cmdlet(admin, app_id)] == [403, 200]


def test_a_scope_that_changes(admin):
    """Assignments follow it at once."""
    app_id, number = register(admin)
    admin.rows("New-ServicePrincipal", AppId=app_id, ObjectId=number)
    admin.rows("New-ManagementScope", **SCOPE)
    wanted = {"App": number, "Role": "Application Mail.ReadBasic"}
    admin.rows("New-ManagementRoleAssignment", **wanted, CustomResourceScope=SCOPE["Name"])
    change = {"Identity": SCOPE["Name"], "RecipientRestrictionFilter": "Alias -eq 'many-001'"}
    assert admin.rows("Set-ManagementScope", **change, Confirm=False) == []
    assert (inbox(admin, app_id, "many-001"), inbox(admin, app_id)) == (
        200,
        (403, "ErrorAccessDenied"),
    )
    change["RecipientRestrictionFilter"] = "Alias like x"
    assert "Transformation" in admin.fails("Set-ManagementScope", **change)[0]
    gone = admin.fails("Set-ManagementScope", **{**change, "Identity": "gone"})
    assert gone[0] == "ManagementObjectNotFoundException"


def test_a_role_for_a_group_that_is_there(admin):
    """It is for an application or for a role group, not for both."""
    admin.rows("New-ManagementRole", Name="probe", Parent=VIEW_ONLY, EnabledCmdlets=[TEST])
    admin.rows("New-RoleGroup", Name="probes")
    wanted = {"Role": "probe", "SecurityGroup": "probes"}
    [row] = admin.rows("New-ManagementRoleAssignment", **wanted)
    assert (row["Name"], row["RoleAssigneeType"]) == ("probe-probes", "RoleGroup")
    assert admin.rows("Get-RoleGroup", Identity="probes")[0]["Roles"] == ["probe"]
    for wrong, exception in (
        ({}, "ADObjectAlreadyExistsException"),
        ({"App": "x"}, "AmbiguousParameterSetException"),
        ({"SecurityGroup": None}, "AmbiguousParameterSetException"),
        ({"SecurityGroup": "gone"}, "ManagementObjectNotFoundException"),
    ):
        assert admin.fails("New-ManagementRoleAssignment", **{**wanted, **wrong})[0] == exception


def test_mail_by_an_attribute_a_group_or_everywhere(tenant, admin):
    app_id, number = register(admin)
    admin.rows("New-ServicePrincipal", AppId=app_id, ObjectId=number)
    rbac, wanted = tenant.admin.rbac, {"App": number, "Role": "Application Mail.ReadBasic"}
    rbac.attributes["many-002"] = {"customattribute1": "Probe"}
    rbac.mail_groups["monitored"] = {"many-003"}
    text = "CustomAttribute1 -eq 'probe' -or Alias -eq 'many-004'"
    admin.rows("New-ManagementScope", Name="marked", RecipientRestrictionFilter=text)
    admin.rows("New-ManagementRoleAssignment", Name="1", **wanted, CustomResourceScope="marked")
    admin.rows("New-ManagementRoleAssignment", Name="2", **wanted, RecipientGroupScope="monitored")

    def open_ones():
        names = [f"many-{number:03d}" for number in range(1, 6)]
        return [name for name in names if inbox(admin, app_id, name) == 200]

    assert open_ones() == ["many-002", "many-003", "many-004"]
    assert admin.fails(
        "New-ManagementRoleAssignment", Name="3", **wanted, RecipientGroupScope="gone"
    )[0] == ("ManagementObjectNotFoundException")
    admin.rows("New-ManagementRoleAssignment", Name="3", **wanted)
    assert len(open_ones()) == 5


def test_a_grant_in_entra_holds_for_every_mailbox(admin):
    app_id, number = register(admin)
    assert admin.consent(number, READ_BASIC, GRAPH_APP).status_code == 201
    assert (inbox(admin, app_id), inbox(admin, app_id, "many-001")) == (200, 200)
    assert cmdlet(admin, app_id) == 401


def test_a_user_with_a_password(tenant, admin):
    app_id = admin.create(isFallbackPublicClient=True)["appId"]
    number = admin.ask("POST", "servicePrincipals", {"appId": app_id}).json()["id"]

    def sign_in(**form):
        return admin.as_user("many-001", client_id=app_id, **form)

    assert sign_in()["error_codes"] == [65001]
    grant = {
        "clientId": number,
        "consentType": "AllPrincipals",
        "resourceId": admin.resource(),
        "scope": "Exchange.Manage",
    }
    assert admin.ask("POST", "oauth2PermissionGrants", grant).status_code == 201
    token = sign_in()["access_token"]
    assert admin.invoke(TEST, token, Identity=HEALTHY).status_code == 403
    role_group(admin)
    tenant.admin.replication.delay("exchange-role", 1)
    admin.rows("Add-RoleGroupMember", Identity="probes", Member=f"many-001@{DOMAIN}")
    statuses = [admin.invoke(TEST, token, Identity=HEALTHY).status_code for _ in range(2)]
    assert statuses == [403, 200]
    assert admin.invoke("Get-Mailbox", token).status_code == 403
    admin.rows("Set-User", Identity=f"many-001@{DOMAIN}", EXOModuleEnabled=False)
    assert admin.invoke(TEST, token, Identity=HEALTHY).status_code == 403
    assert sign_in(scope=MAIL_READ)["error_codes"] == [65001]
    grant.update(resourceId=admin.resource(GRAPH_APP), scope="Mail.ReadBasic")
    assert admin.ask("POST", "oauth2PermissionGrants", grant).status_code == 201
    assert admin.graph(sign_in(scope=MAIL_READ)["access_token"], "many-001").status_code == 200
    admin.ask("PATCH", f"applications(appId='{app_id}')", {"isFallbackPublicClient": False})
    assert sign_in()["error_codes"] == [7000218]


CALLS = [
    "POST /v1.0/applications",
    "POST /v1.0/servicePrincipals",
    "GET /v1.0/servicePrincipals(appId='00000002-0000-0ff1-ce00-000000000000')?$select=id",
    "POST /v1.0/servicePrincipals/*/appRoleAssignments",
    "New-ManagementRole",
    "New-RoleGroup",
    "New-ServicePrincipal",
    "Add-RoleGroupMember",
]


def test_tenants_do_not_share_anything(tenant, admin):
    admin.create()
    gov = tenant.administrations[GOV_TENANT_ID]
    assert gov.state()["applications"] == []
    assert (tenant.admin.state(), gov.people) == (tenant.directory_state(), {})
    assert admin.post(
        f"/adminapi/beta/{GOV_TENANT_ID}/InvokeCommand",
        json={"CmdletInput": {"CmdletName": "Get-RoleGroup", "Parameters": {}}},
        headers={"Authorization": f"Bearer {admin.token('exchange')}"},
    ).status_code == (401)
    assert EXCHANGE not in str(gov.state())
