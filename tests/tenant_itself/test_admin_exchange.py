"""The practice tenant's InvokeCommand for administrators, by plain requests written from Microsoft's
documentation of the cmdlets. No client code of the project takes part: a shared mistake shows here.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..tenant.admin_client import Administrator
from ..tenant.client import GRAPH
from ..tenant.cmdlets import CMDLETS
from ..tenant.directory import DOMAIN
from ..tenant.rbac import TEST, clauses

APP_ID = "6a6a6a6a-0000-4000-8000-000000000001"
OBJECT_ID = "6a6a6a6a-0000-4000-8000-000000000002"
NOT_FOUND = "ManagementObjectNotFoundException"
EXISTS = "ADObjectAlreadyExistsException"
VIEW_ONLY = "View-Only Recipients"
MAIL_ROLE = "Application Mail.ReadBasic"


@pytest.fixture
def admin(tenant):
    """An Exchange Administrator."""
    admin = Administrator(tenant, "Exchange Administrator")
    yield admin
    admin.close()
    assert tenant.crashes == []


@pytest.fixture
def probe(admin):
    """The same with a role and a role group, both empty of others, and a service principal."""
    admin.rows("New-ManagementRole", Name="probe", Parent=VIEW_ONLY, EnabledCmdlets=[TEST])
    admin.rows("New-RoleGroup", Name="probes", Roles=["probe"])
    ids = {"AppId": APP_ID, "ObjectId": OBJECT_ID}
    admin.rows("New-ServicePrincipal", DisplayName="the app", **ids)
    return admin


def couldnt(identity):
    """Exception and text about what is not there."""
    text = f"The operation couldn't be performed because object '{identity}' couldn't be found on "
    return NOT_FOUND, f"{text}'AM0PR01A001DC.EURPR01A001.prod.outlook.com'."


def names(rows):
    """Of what a cmdlet put out."""
    return [row["Name"] for row in rows]


def test_an_answer(admin):
    answer = admin.invoke("Get-OrganizationConfig")
    document = answer.json()
    assert (answer.status_code, document["@adminapi.warnings"]) == (200, [])
    assert [row["IsDehydrated"] for row in document["value"]] == [False]
    assert admin.invoke("get-organizationconfig").json()["value"] == document["value"]


def test_who_is_no_administrator(tenant, admin):
    for number, roles in enumerate(
        (["Privileged Role Administrator"], ["Application Administrator"], ["Global Reader"])
    ):
        other = Administrator(tenant, *roles, name=f"other-{number}")
        for name in (*CMDLETS, TEST):
            refused = other.invoke(name)
            assert (refused.status_code, refused.headers["Content-Encoding"]) == (403, "gzip")
            assert refused.raw.read(decode_content=False) == bytes(4096)
        other.close()
    own = admin.as_user("healthy")["access_token"]
    assert admin.invoke("Get-Mailbox", own).status_code == 403
    assert admin.invoke(TEST, own, Identity=f"healthy@{DOMAIN}").status_code == 200
    graph = tenant.entra.issue_user(admin.user, aud=GRAPH)
    assert admin.invoke("Get-OrganizationConfig", graph).status_code == 401
    unconsented = tenant.entra.issue_user(admin.user, scp="Mail.Read")
    assert admin.invoke("Get-OrganizationConfig", unconsented).status_code == 401
    assert admin.invoke("Format-Hard-Disk").status_code == 403
    assert admin.invoke(TEST, Identity=f"healthy@{DOMAIN}").status_code == 200


@pytest.mark.parametrize("name", sorted(CMDLETS))
def test_parameters(admin, name):
    unknown = admin.fails(name, Colour="red")
    assert unknown == (
        "AmbiguousParameterSetException",
        "Parameter set cannot be resolved using the specified named parameters.",
    )
    required = CMDLETS[name].required
    if required:
        text = "Cannot process command because of one or more missing mandatory parameters: "
        assert admin.fails(name) == ("ParameterBindingException", f"{text}{required}.")


def test_errors_in_the_two_shapes_that_were_seen(probe):
    parameters = {"Name": "probe", "Parent": VIEW_ONLY}
    error = probe.invoke("New-ManagementRole", **parameters).json()["error"]
    assert (error["code"], error["message"]) == ("BadRequest", "Error executing cmdlet")
    told = json.loads(error["details"][0]["message"])
    assert told["TypeName"] == "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"
    assert told["Message"] == error["innererror"]["internalexception"]["message"]
    error = probe.invoke("Get-ManagementRole", Identity="gone").json()["error"]
    number, exception, text = error["details"][0]["message"].split("|")
    assert (number, text) == ("Ex6F9304", couldnt("gone")[1])
    assert exception == error["innererror"]["internalexception"]["type"]


def test_bodies_that_are_none(tenant, admin):
    headers = {"Authorization": f"Bearer {admin.token('exchange')}"}
    url = f"/adminapi/beta/{tenant.admin.place.id}/InvokeCommand"
    for body in ({}, {"CmdletInput": []}, {"CmdletInput": {"CmdletName": TEST, "Parameters": 1}}):
        answer = admin.post(url, json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_which_roles_hold_the_cmdlet(tenant, admin):
    found = admin.rows("Get-ManagementRole", Cmdlet=TEST)
    assert names(found) == [VIEW_ONLY, "Mail Recipients"]
    assert [row["IsRootRole"] for row in found] == [True, True]
    tenant.admin.rbac.roles[VIEW_ONLY].entries.pop(TEST)
    assert names(admin.rows("Get-ManagementRole", Cmdlet=TEST)) == ["Mail Recipients"]
    assert admin.rows("Get-ManagementRole", Cmdlet="Test-Nothing") == []
    assert names(admin.rows("Get-ManagementRole", Identity="view-only*")) == [
        VIEW_ONLY,
        "View-Only Configuration",
    ]


def test_a_role_whose_entries_are_removed_one_by_one(admin):
    admin.rows("New-ManagementRole", Name="probe", Parent=VIEW_ONLY)
    held = names(admin.rows("Get-ManagementRoleEntry", Identity="probe\\*"))
    assert held == ["Get-Mailbox", "Get-MailboxStatistics", "Get-Recipient", TEST]
    for name in held[:3]:
        entry = {"Identity": f"probe\\{name}"}
        assert admin.rows("Remove-ManagementRoleEntry", **entry, Confirm=False) == []
    assert names(admin.rows("Get-ManagementRoleEntry", Identity="probe\\*")) == [TEST]
    gone = "probe\\Get-Mailbox"
    assert admin.fails("Remove-ManagementRoleEntry", Identity=gone) == couldnt(gone)
    assert admin.fails("Get-ManagementRoleEntry", Identity=gone) == couldnt(gone)
    assert "Transformation" in admin.fails("Get-ManagementRoleEntry", Identity="probe")[0]
    builtin = f"{VIEW_ONLY}\\{TEST}"
    assert admin.fails("Remove-ManagementRoleEntry", Identity=builtin)[0].startswith("Invalid")
    admin.rows("Add-ManagementRoleEntry", Identity=gone)
    assert admin.fails("Add-ManagementRoleEntry", Identity=gone)[0] == EXISTS
    foreign = "probe\\Set-Mailbox"
    assert admin.fails("Add-ManagementRoleEntry", Identity=foreign)[0].startswith("Invalid")


def test_parameters_of_an_entry(probe):
    entry = {"Identity": f"probe\\{TEST}"}

    def held():
        return probe.rows("Get-ManagementRoleEntry", **entry)[0]["Parameters"]

    probe.rows("Set-ManagementRoleEntry", **entry, Parameters=["Identity", "Archive"])
    assert held() == ["Identity", "Archive"]
    probe.rows("Set-ManagementRoleEntry", **entry, Parameters="Archive", RemoveParameter=True)
    assert held() == ["Identity"]
    probe.rows("Set-ManagementRoleEntry", **entry, Parameters="Confirm", AddParameter=True)
    assert held() == ["Identity", "Confirm"]
    wrong = probe.fails("Set-ManagementRoleEntry", **entry, Parameters=["Server"])
    assert wrong[0] == "InvalidOperationException"
    gone = "probe\\Get-Mailbox"
    assert probe.fails("Set-ManagementRoleEntry", Identity=gone) == couldnt(gone)


def test_what_is_in_use_is_not_removed(tenant, probe):
    text = "The role 'probe' can't be removed because it's assigned to role groups."
    assert probe.fails("Remove-ManagementRole", Identity="probe")[1] == text
    probe.rows("New-ManagementRole", Name="child", Parent="probe")
    assert "child roles" in probe.fails("Remove-ManagementRole", Identity="probe")[1]
    probe.rows("Remove-RoleGroup", Identity="probes", Confirm=False)
    probe.rows("Remove-ManagementRole", Identity="probe", Recurse=True, Force=True)
    assert probe.fails("Remove-ManagementRole", Identity="probe") == couldnt("probe")
    assert probe.fails("Remove-RoleGroup", Identity="probes") == couldnt("probes")
    builtin = probe.fails("Remove-ManagementRole", Identity=VIEW_ONLY)
    assert builtin[1] == f"The built-in role '{VIEW_ONLY}' can't be removed."
    builtin = probe.fails("Remove-RoleGroup", Identity="Organization Management")
    assert builtin[1] == "The built-in role group 'Organization Management' can't be removed."
    probe.rows("Remove-ServicePrincipal", Identity=OBJECT_ID)
    state = tenant.directory_state()
    assert {name: state[name] for name in ("roles", "role_groups")} == {
        "roles": {},
        "role_groups": {},
    }


def test_role_groups(probe):
    [row] = probe.rows("Get-RoleGroup", Identity="probes")
    assert (row["Roles"], row["Members"], row["RoleAssignments"]) == (
        ["probe"],
        [],
        ["probe-probes"],
    )
    assert names(probe.rows("Get-RoleGroup", Identity=row["Guid"])) == ["probes"]
    assert names(probe.rows("Get-RoleGroup"))[-1] == "probes"
    assert names(probe.rows("Get-RoleGroup", Identity="prob*")) == ["probes"]
    assert probe.fails("Get-RoleGroup", Identity="gone") == couldnt("gone")
    assert probe.fails("New-RoleGroup", Name="Probes")[0] == EXISTS
    assert probe.fails("New-RoleGroup", Name="x", Roles=["gone"]) == couldnt("gone")
    mail = probe.fails("New-RoleGroup", Name="x", Roles=MAIL_ROLE)
    assert mail[0] == "InvalidOperationException"
    assert probe.fails("New-RoleGroup", Name="x", Members=["gone"]) == couldnt("gone")
    held = probe.rows("Get-ManagementRoleAssignment", Role="probe", Delegating=False)
    assert [(one["RoleAssigneeName"], one["RoleAssigneeType"]) for one in held] == [
        ("probes", "RoleGroup")
    ]


@pytest.mark.parametrize("identity", [APP_ID, OBJECT_ID, "the app"])
def test_members(tenant, probe, identity):
    member = {"Identity": "probes", "Member": identity}
    assert probe.rows("Add-RoleGroupMember", **member) == []
    [row] = probe.rows("Get-RoleGroupMember", Identity="probes")
    assert (row["Name"], row["DisplayName"]) == (OBJECT_ID, "the app")
    assert probe.fails("Add-RoleGroupMember", **member) == (
        "MemberAlreadyExistsException",
        f'The recipient "{identity}" is already a member of the group "probes".',
    )
    group = tenant.directory_state()["role_groups"]["probes"]
    assert group == {"roles": ["probe"], "members": [("app", OBJECT_ID)]}
    probe.rows("Remove-RoleGroupMember", **member, Confirm=False)
    assert probe.rows("Get-RoleGroupMember", Identity="probes") == []
    assert probe.fails("Remove-RoleGroupMember", **member) == (
        "MemberNotFoundException",
        f'The recipient "{identity}" isn\'t a member of the group "probes".',
    )
    gone = {"Identity": "probes", "Member": "gone"}
    assert probe.fails("Add-RoleGroupMember", **gone) == couldnt("gone")
    assert probe.fails("Add-RoleGroupMember", **{**member, "Identity": "gone"}) == couldnt("gone")


def test_service_principals(tenant, probe):
    [row] = probe.rows("Get-ServicePrincipal", Identity=APP_ID)
    assert (row["AppId"], row["ObjectId"], row["DisplayName"]) == (APP_ID, OBJECT_ID, "the app")
    assert len(probe.rows("Get-ServicePrincipal")) == 1
    ids = {"AppId": APP_ID, "ServiceId": OBJECT_ID}
    assert probe.fails("New-ServicePrincipal", **ids)[0] == EXISTS
    assert probe.fails("New-ServicePrincipal", AppId=APP_ID)[0] == "ParameterBindingException"
    wrong = probe.fails("New-ServicePrincipal", AppId="x", ObjectId=OBJECT_ID)
    assert "Transformation" in wrong[0]
    probe.rows("Add-RoleGroupMember", Identity="probes", Member=OBJECT_ID)
    probe.rows("New-ManagementRoleAssignment", App=OBJECT_ID, Role=MAIL_ROLE)
    probe.rows("Remove-ServicePrincipal", Identity=OBJECT_ID, Confirm=False)
    state = tenant.directory_state()
    assert state["role_groups"]["probes"]["members"] == []
    assert (state["exchange_service_principals"], state["scope_assignments"]) == ({}, {})
    assert probe.fails("Get-ServicePrincipal", Identity=APP_ID) == couldnt(APP_ID)
    assert probe.fails("Remove-ServicePrincipal", Identity=APP_ID) == couldnt(APP_ID)


def test_scopes_and_assignments(tenant, probe):
    text = f"PrimarySmtpAddress -eq 'healthy@{DOMAIN}'"
    scope = {"Name": "its mailbox", "RecipientRestrictionFilter": text}
    [row] = probe.rows("New-ManagementScope", **scope)
    assert (row["Name"], row["RecipientFilter"]) == ("its mailbox", text)
    assert probe.fails("New-ManagementScope", **scope)[0] == EXISTS
    odd = probe.fails("New-ManagementScope", Name="x", RecipientRestrictionFilter="Name like x")
    assert "Transformation" in odd[0]
    wanted = {"App": APP_ID, "Role": MAIL_ROLE, "CustomResourceScope": "its mailbox"}
    [made] = probe.rows("New-ManagementRoleAssignment", **wanted)
    assert (made["RoleAssignee"], made["Role"]) == (OBJECT_ID, MAIL_ROLE)
    assert probe.fails("New-ManagementRoleAssignment", **wanted)[0] == EXISTS
    assert names(probe.rows("Get-ManagementRoleAssignment", RoleAssignee=APP_ID)) == [made["Name"]]
    for wrong, identity in (("App", "gone"), ("Role", "gone"), ("CustomResourceScope", "gone")):
        failed = probe.fails("New-ManagementRoleAssignment", **{**wanted, wrong: identity})
        assert failed == couldnt("gone"), wrong
    role = probe.fails("New-ManagementRoleAssignment", **{**wanted, "Role": VIEW_ONLY})
    assert role[0] == "InvalidOperationException"
    used = probe.fails("Remove-ManagementScope", Identity="its mailbox")
    assert used[1] == "The scope 'its mailbox' can't be removed because it's in use."
    state = tenant.directory_state()
    assert (state["scopes"], state["scope_assignments"]) == (
        {"its mailbox": text},
        {made["Name"]: (MAIL_ROLE, OBJECT_ID, "its mailbox")},
    )
    for name, inside in (("healthy", "True"), ("slow", "False")):
        who = {"Identity": APP_ID, "Resource": f"{name}@{DOMAIN}"}
        assert probe.rows("Test-ServicePrincipalAuthorization", **who) == [
            {
                "RoleName": MAIL_ROLE,
                "GrantedPermissions": "Mail.ReadBasic",
                "AllowedResourceScope": "its mailbox",
                "ScopeType": "CustomRecipientScope",
                "InScope": inside,
            }
        ]
    [row] = probe.rows("Test-ServicePrincipalAuthorization", Identity=APP_ID)
    assert row["InScope"] == "Not Run"
    probe.rows("Remove-ManagementRoleAssignment", Identity=made["Name"], Confirm=False)
    probe.rows("Remove-ManagementScope", Identity="its mailbox", Confirm=False)
    assert probe.rows("Get-ManagementScope") == []
    assert probe.fails("Get-ManagementScope", Identity="its mailbox") == couldnt("its mailbox")
    gone = probe.fails("Remove-ManagementRoleAssignment", Identity=made["Name"])
    assert gone == couldnt(made["Name"])


def test_filters():
    assert clauses("Alias -eq 'x'") == [("alias", "x")]
    assert clauses("(Alias -EQ 'o''neil') -or (CustomAttribute1 -eq \"probe\")") == [
        ("alias", "o'neil"),
        ("customattribute1", "probe"),
    ]
    assert clauses("") is None
    assert clauses("Alias -eq 'x' -and Alias -eq 'y'") is None


PIECES = ("Alias", "X", " ", "-eq", "-or", "-and", "'", "''", '"', "(", ")", "é")


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_filter_is_pairs_or_none(text):
    found = clauses(text)
    assert found is None or all(name == name.lower() for name, _ in found)


def test_an_organization_that_is_dehydrated(tenant, admin):
    rbac = tenant.admin.rbac
    rbac.dehydrated = True
    tenant.admin.replication.delay("hydration", 2)
    tenant.admin.replication.delay("delegation", 1)

    def looks():
        return admin.rows("Get-OrganizationConfig")[0]["IsDehydrated"]

    wanted = {"Name": "probe", "Parent": VIEW_ONLY}
    exception, text = admin.fails("New-ManagementRole", **wanted)
    assert exception == "InvalidOperationInDehydratedContextException"
    assert "Enable-OrganizationCustomization" in text
    assert admin.fails("New-RoleGroup", Name="probes")[0] == exception
    filtered = {"Name": "x", "RecipientRestrictionFilter": "Alias -eq 'x'"}
    assert admin.fails("New-ManagementScope", **filtered)[0] == exception
    assert looks() is True
    assert admin.rows("Enable-OrganizationCustomization") == []
    assert [looks(), looks(), looks()] == [True, True, False]
    text = "This operation is not required. Organization is already enabled for customization."
    assert admin.fails("Enable-OrganizationCustomization") == ("InvalidOperationException", text)
    admin.rows("New-ManagementRole", **wanted)
    group = {"Name": "probes", "Roles": ["probe"]}
    assert "delegating role assignment" in admin.fails("New-RoleGroup", **group)[1]
    assert names(admin.rows("New-RoleGroup", **group)) == ["probes"]


def test_users_and_mailboxes(tenant, admin):
    user = {"Identity": f"healthy@{DOMAIN}"}
    [row] = admin.rows("Get-User", **user)
    assert (row["UserPrincipalName"], row["EXOModuleEnabled"]) == (f"healthy@{DOMAIN}", True)
    own = admin.as_user("healthy")["access_token"]
    admin.rows("Set-User", **user, EXOModuleEnabled=False)
    assert admin.rows("Get-User", **user)[0]["EXOModuleEnabled"] is False
    assert admin.invoke(TEST, own, **user).status_code == 403
    assert "Transformation" in admin.fails("Set-User", **user, EXOModuleEnabled="no")[0]
    admin.rows("Set-User", **user, EXOModuleEnabled=True)
    assert admin.invoke(TEST, own, **user).status_code == 200
    assert admin.rows("Get-Mailbox", **user)[0]["PrimarySmtpAddress"] == f"healthy@{DOMAIN}"
    assert len(admin.rows("Get-Mailbox", ResultSize=3)) == 3
    assert admin.fails("Get-Mailbox", Identity="gone") == couldnt("gone")
    assert admin.fails("Set-User", Identity="gone") == couldnt("gone")
