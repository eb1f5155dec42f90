"""What the identity was given is compared with what was meant: after it was made, and by --status; and it
is taken back where it is of no use.
"""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.setup.steps import names

from ..support.provisioning import TENANT
from ..support.setup_command import commanded
from ..tenant import cmdlets
from ..tenant.rbac import APPLICATION_ROLES, Arrival, Assignment, Scope, clauses
from .test_adoption import SECRET

BOTH = ("--method", "cmdlet", "--method", "graph")
ORGANIZATION = "Organization Management"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command before an empty tenant in memory."""
    return commanded(tmp_path, monkeypatch)


def principal_of(arranged):
    [found] = arranged.tenant.directory_state()["service_principals"]
    return found["id"]


def other_group(arranged):
    """The app in a role group of administrators."""
    member = ("app", principal_of(arranged))
    arranged.tenant.admin.rbac.groups[ORGANIZATION].members[member] = Arrival(0)


def other_role(arranged):
    """Another role of applications."""
    number = principal_of(arranged)
    one = Assignment("more", "Application Mail.Send", number, names.SCOPE, "", Arrival(0))
    arranged.tenant.admin.rbac.assignments["more"] = one


def everybody(arranged):
    """The assignment without its scope."""
    arranged.tenant.admin.rbac.assignments[names.ASSIGNMENT].scope = ""


def written(arranged):
    """The assignment with a role that writes."""
    role = next(role for role in APPLICATION_ROLES if role.endswith("ReadWrite"))
    arranged.tenant.admin.rbac.assignments[names.ASSIGNMENT].role = role


def wider(arranged):
    """A scope by another property."""
    text = "Alias -eq 'operator'"
    arranged.tenant.admin.rbac.scopes[names.SCOPE] = Scope(names.SCOPE, text, clauses(text))


def of_another(arranged):
    """The assignment for another app."""
    number = "88888888-1111-2222-3333-444444444444"
    arranged.tenant.admin.rbac.assignments[names.ASSIGNMENT].object_id = number


def more_cmdlets(arranged):
    """A cmdlet more in the role."""
    arranged.tenant.admin.rbac.roles[names.ROLE].entries["Get-Mailbox"] = ()


def more_roles(arranged):
    """A role more in the role group."""
    arranged.tenant.admin.rbac.groups[names.GROUP].roles.append("Mail Recipients")


WRONG = {
    other_group: "other rights in Exchange: the app is a member of the role group Organization Management "
    "as well; run Remove-RoleGroupMember 'Organization Management'; rights add up",
    other_role: "other rights in Exchange: Exchange gives the app Application Mail.Send for MAPI probe "
    "mailboxes; remove that role assignment (Get-ManagementRoleAssignment); rights add up",
    everybody: "role assignment MAPI probe Inbox: role assignment MAPI probe Inbox is for all mailboxes; "
    "run Remove-ManagementRoleAssignment 'MAPI probe Inbox', then run this again",
    written: "role assignment MAPI probe Inbox: role assignment MAPI probe Inbox gives the role Application "
    "Mail.ReadWrite; run Remove-ManagementRoleAssignment 'MAPI probe Inbox', then run this again",
    wider: "scope MAPI probe mailboxes: scope MAPI probe mailboxes has a filter that this command did not "
    "write; run Remove-ManagementScope 'MAPI probe mailboxes' or rename it, then run this again",
    of_another: "role assignment MAPI probe Inbox: role assignment MAPI probe Inbox is for another app, "
    "88888888-1111-2222-3333-444444444444; run Remove-ManagementRoleAssignment 'MAPI probe "
    "Inbox', then run this again",
    more_cmdlets: "role MAPI probe: role MAPI probe holds Get-Mailbox as well; run "
    "Remove-ManagementRoleEntry to remove it, or rename the role",
    more_roles: "role group MAPI probes: role group MAPI probes has the role Mail Recipients as well; "
    "remove that role from the group, or rename the group",
}


@pytest.mark.cases(3)
@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_what_others_changed(arranged, change):
    """--status says so, and a set-up makes nothing beside it."""
    assert arranged(*BOTH) == 0
    change(arranged)
    before = arranged.state()
    assert arranged("--status", mailbox=None) == 1
    assert f"  WRONG    {WRONG[change]}" in arranged.said
    number = sum("  WRONG " in line for line in arranged.said)
    assert arranged.said[-1].startswith(f"{number} WRONG: do what the line says, then run ")
    assert arranged(*BOTH) == 1
    assert (arranged.changes(), arranged.state()) == ([], before)


@pytest.mark.parametrize(("before", "after"), [("cmdlet", "graph"), ("graph", "cmdlet")])
def test_another_method_is_no_second_one(arranged, before, after):
    """The app may do one thing; both are had by naming both."""
    assert arranged("--method", before) == 0
    state = arranged.state()
    assert arranged("--method", after) == 1
    assert (arranged.changes(), arranged.state()) == ([], state)
    assert arranged(*BOTH) == 0


def tampered(monkeypatch, verb, more):
    """From now on a cmdlet does something else as well, or other than it is told."""
    cmdlet = cmdlets.CMDLETS[verb]
    run = cmdlet.run
    monkeypatch.setattr(cmdlet, "run", lambda rbac, given: more(rbac, given, run))


def test_a_scope_that_was_not_kept(arranged, monkeypatch):
    """Seen after it was made, and taken back at once."""

    def unscoped(rbac, given, run):
        return run(
            rbac, {name: one for name, one in given.items() if name != "CustomResourceScope"}
        )

    tampered(monkeypatch, "New-ManagementRoleAssignment", unscoped)
    assert arranged("--method", "graph") == 1
    state = arranged.state()
    assert (state["scope_assignments"], state["scopes"]) == ({}, {})
    assert [line for line in arranged.said if line.startswith("  removed")] == [
        "  removed  role assignment MAPI probe Inbox: taken back, because of the failure below",
        "  removed  scope MAPI probe mailboxes: taken back, because of the failure below",
    ]
    assert len(state["applications"]) == 1


def test_a_secret_that_comes_between(arranged, monkeypatch):
    """An owner adds one while the rights are given."""

    def slip_in(rbac, given, run):
        [app] = arranged.tenant.admin.registry.applications.values()
        app.document["passwordCredentials"].append(SECRET)
        return run(rbac, given)

    tampered(monkeypatch, "Add-RoleGroupMember", slip_in)
    assert arranged() == 1
    state = arranged.state()
    assert state["app_role_assignments"] == []
    assert state["role_groups"][names.GROUP]["members"] == []
    assert [line for line in arranged.said if line.startswith(("  removed", "failed"))] == [
        "  removed  member of MAPI probes: check_mapi_connectivity: taken back, because of the "
        "failure below",
        "  removed  app role Exchange.ManageAsApp: taken back, because of the failure below",
        "failed: credentials of the app registration: the app has 1 credential that this directory does not "
        "have; whoever holds them could use every right that the app gets",
    ]


def refusal(command, monkeypatch, failure):
    """From now on the check is refused like that."""
    once = command.tenant.once
    monkeypatch.setattr(
        command.tenant, "once", lambda options: once(options)._replace(failure=failure)
    )


@pytest.mark.parametrize(
    "failure",
    [
        Failure("credential", "Conditional Access blocks this sign-in", "", "AADSTS53003"),
        Failure("usage", "the key cannot be read", ""),
        Failure("permission", "not allowed", "", "SomethingElse"),
    ],
    ids=lambda failure: failure.kind,
)
def test_a_proof_that_waiting_does_not_mend(command, monkeypatch, failure):
    with monkeypatch.context() as patch:
        refusal(command, patch, failure)
        assert command.told() == 1
    state = command.tenant.state()
    assert (state["grants"], state["members"]) == (0, {names.GROUP: 0})
    assert (len(state["apps"]), state["pointers"], command.naps) == (1, 1, [])
    # What was made and gives nobody a right stays, and the next run goes on from there.
    assert command.told() == 0
    assert (command.tenant.state()["grants"], len(command.tenant.apps)) == (1, 1)


def test_only_what_this_run_granted_is_taken_back(command, monkeypatch):
    """Another mailbox in the scope goes again, the one of an earlier run stays."""
    assert command.told("--method", "graph") == 0
    before = command.tenant.state()
    refusal(command, monkeypatch, Failure("credential", "no", "", "AADSTS53003"))
    assert command.told("--method", "graph", mailbox="other@contoso.com") == 1
    assert command.tenant.state() == before
    assert command.told("--method", "graph") == 1
    assert command.tenant.state() == before


@pytest.mark.parametrize(
    "failure",
    [
        Failure("permission", "no", "", "HTTP 401"),
        Failure("permission", "no", "", "HTTP 403"),
        Failure("server", "Exchange Online is busy", "", "HTTP 503"),
        Failure("connect", "nobody listens", "", ""),
        Failure("mailbox", "mailbox is being moved", "", ""),
    ],
    ids=lambda failure: f"{failure.kind} {failure.code}",
)
def test_a_grant_that_may_still_arrive_is_kept(command, monkeypatch, failure):
    with monkeypatch.context() as patch:
        refusal(command, patch, failure)
        assert command.told("--wait", "60") == 1
    state = command.tenant.state()
    assert (state["grants"], state["members"]) == (1, {names.GROUP: 1})
    assert not any("taken back" in line for line in command.said)
    if failure.kind in ("permission", "server"):
        assert any("--status" in line for line in command.said)
    assert command.told() == 0
    assert "nothing to do: everything was there" in command.said


ODD = [
    "1\nclient-id = 2",
    "\x1b[2Jx",
    "١١١١١١١١-1111-1111-1111-111111111111",
    "../../users",
    "",
    None,
    7,
    ["x"],
    "00000000-1111-2222-3333-44444444444",
    "x" * 100000,
]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize(
    "member", ["appId", "id of the app", "id of the principal", "id of Exchange"]
)
def test_an_id_is_a_guid(command, member, value):
    """Else it is neither used nor written."""
    tenant = command.tenant
    post = tenant._post

    def odd(kind, body):
        status, made = post(kind, body)
        name = {"applications": ("appId", "id of the app")}.get(kind, ("id of the principal",))
        return status, {**made, member.split()[0]: value} if member in name else made

    tenant._post = odd
    if member == "id of Exchange":
        tenant.resource = value
    assert command.told() == 1
    text = "\n".join(command.said)
    assert re.search(r"Graph's answer holds no (appId|id)", text)
    assert "internal error" not in text and "\x1b" not in text and len(text) < 5000
    assert max(map(len, command.said)) < 1100
    for name in ("client_id", "options.ini"):
        if command.file(name).exists():
            assert "\x1b" not in command.file(name).read_text()
            assert "id = 2" not in command.file(name).read_text()
    assert tenant.members == {} or tenant.members == {names.GROUP: []}
    assert tenant.grants == []


@pytest.mark.parametrize("value", ODD[:4] + ODD[6:], ids=range(len(ODD) - 2))
def test_an_object_id_of_exchange_is_a_guid(command, value):
    assert command.told() == 0
    command.tenant.pointers[0]["ObjectId"] = value
    assert command.told() == 1
    assert command.said[-4 if value != "" else -3].startswith(
        "failed: service principal check_mapi_connectivity in Exchange: "
    )
    assert max(map(len, command.said)) < 1100


def test_names_are_cut_and_cleaned(command):
    assert command.told() == 0
    name = "A\x1b[31m\nred\u202erole" + "x" * 5000
    command.tenant.groups[names.GROUP].append(name)
    assert command.told() == 1
    [line] = [one for one in command.said if one.startswith("failed")]
    assert line.startswith(
        "failed: role group MAPI probes: role group MAPI probes has the role A [31m red role"
    )
    assert len(line) < 200
    assert all(line.isprintable() for line in command.said)


def test_status_has_one_voice(command):
    """What is wrong first, then what is missing; no advice against another."""
    assert command.told("--status", mailbox=None) == 1
    assert command.said[-1] == "12 MISSING: run this without --status to make what is missing"
    assert command.told() == 0
    command.tenant.members[names.GROUP].clear()
    assert command.told("--status", mailbox=None) == 1
    assert command.said[-1] == "1 MISSING: run this without --status to make what is missing"
    assert command.said[0] == f"What there is for {TENANT}, in {command.directory}:"


def test_status_of_a_certificate_that_has_expired(command, monkeypatch):
    import time

    from check_mapi_connectivity.setup.steps import files

    assert command.told() == 0
    later = time.time() + 400 * 86400
    monkeypatch.setattr(files.time, "time", lambda: later)
    assert command.told("--status", mailbox=None) == 1
    [line] = [one for one in command.said if "WRONG" in one and "certificate" in one]
    assert line.count("renew") == 1
    assert line.endswith("; run it with --renew")
    assert not any("run it without --status" in one for one in command.said)


def test_another_certificate_in_the_app_is_not_ours(command):
    """Said as what it is: this directory's key is not in the app."""
    assert command.told() == 0
    command.tenant.apps[0]["keyCredentials"] = [{"key": "b3RoZXI=", "keyId": "o"}]
    assert command.told("--status", mailbox=None) == 1
    assert (
        "  MISSING  certificate in the app registration: the app has 1, none of them is certificate.pem of "
        "this directory"
    ) in command.said
