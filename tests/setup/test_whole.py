"""The set-up command and the practice tenant's administrator side, which were written from the same
documents apart: from an empty tenant to a check that is green, and back.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.setup import keypair
from check_mapi_connectivity.setup.steps import names

from ..support.provisioning import pems
from ..support.setting_up import ADMIN, FILES, MAILBOX
from ..tenant.__main__ import manual
from ..tenant.directory import TENANT_NAME

SIGNED_IN = f"  signed in as {ADMIN}"
START = f"Setting up {TENANT_NAME}, in DIR:"
RUN = f"run: check_mapi_connectivity --tenant {TENANT_NAME} -m {MAILBOX}"
GREEN = "  the check is green: healthy@practice.example: Inbox listed in #s ({})"
ROOT = ["  no user nagios, icinga or naemon: files are root's alone; see --owner"]
ROOT = ROOT if os.geteuid() == 0 else []


def named(arranged):
    """What is said of the practice tenant's hosts, which are no cloud's."""
    tenant = arranged.tenant
    return [
        *(
            f"note: {said} {tenant.url}, not https://{own} (--{option}-url: command line)"
            for said, own, option in (
                ("the administrator signs in at", "login.microsoftonline.com", "authority"),
                ("the token for Exchange Online goes to", "outlook.office365.com", "exchange"),
                ("the token for Microsoft Graph goes to", "graph.microsoft.com", "graph"),
            )
        ),
        f"note: certificates of the authorities in {tenant.material.ca_file} are accepted",
    ]


OWNED = "of this directory; owners, who may add others: ID"

CMDLET_MADE = [
    *ROOT,
    "  made     DIR/certificate.pem",
    "  made     app registration check_mapi_connectivity",
    "  made     DIR/client_id",
    "  there    certificate in the app registration: accepted",
    "  made     enterprise application check_mapi_connectivity",
    "  made     app role Exchange.ManageAsApp",
    "  there    organization open for roles of its own",
    "  made     role MAPI probe",
    "  made     role group MAPI probes",
    "  made     service principal check_mapi_connectivity in Exchange",
    "  made     member of MAPI probes: check_mapi_connectivity",
    "  made     DIR/options.ini",
    "  checked  enterprise application check_mapi_connectivity: object id ID",
    f"  checked  credentials of the app registration: 1 certificate {OWNED}",
    "  checked  no other right in Entra",
    "  checked  app role Exchange.ManageAsApp: consented #",
    "  checked  role MAPI probe: holds Test-MAPIConnectivity alone",
    "  checked  role group MAPI probes: has the role MAPI probe alone",
    "  checked  service principal check_mapi_connectivity in Exchange: object id ID",
    "  checked  no other right in Exchange",
    "  checked  member of MAPI probes: check_mapi_connectivity",
    GREEN.format("cmdlet"),
    "done",
    RUN,
]
CMDLET_THERE = [
    "  there    DIR/certificate.pem: until #",
    "  checked  key of this host: it signs, and the certificate verifies it",
    "  there    app registration check_mapi_connectivity: client id ID",
    "  there    DIR/client_id: ID",
    "  there    certificate in the app registration: until #",
    "  there    enterprise application check_mapi_connectivity: object id ID",
    f"  checked  credentials of the app registration: 1 certificate {OWNED}",
    "  checked  no other right in Entra",
    "  there    app role Exchange.ManageAsApp: consented #",
    "  there    organization open for roles of its own",
    "  there    role MAPI probe: holds Test-MAPIConnectivity alone",
    "  there    role group MAPI probes: has the role MAPI probe alone",
    "  there    service principal check_mapi_connectivity in Exchange: object id ID",
    "  checked  no other right in Exchange",
    "  there    member of MAPI probes: check_mapi_connectivity",
    "  there    DIR/options.ini",
]


def test_from_an_empty_tenant_to_a_check_that_is_green(arranged):
    assert arranged() == 0
    # Two codes, because no client of Microsoft's own is known to have both services.
    assert arranged.seen()[:4] == named(arranged)
    said = arranged.seen()
    assert said.count(SIGNED_IN) == 2
    # What may come in the way is said before the page is named, and once.
    assert said[4:6] == [
        "A policy may block sign-in by device code; Microsoft switches one on by itself where nobody "
        "uses it.",
        "  if the page refuses: stop with Ctrl-C, then run it with --ask-token or --token-file",
    ]
    assert "".join(said).count("Ctrl-C, then") == 1
    assert arranged.seen(START) == CMDLET_MADE
    state = arranged.state()
    [app], [principal] = state["applications"], state["service_principals"]
    [key] = app["keyCredentials"]
    assert key["key"] == keypair.der((arranged.directory / "certificate.pem").read_text())
    assert (app["displayName"], app["notes"], principal["notes"]) == (
        names.APP,
        names.TAG,
        names.TAG,
    )
    assert app["requiredResourceAccess"] != [] and app["signInAudience"] == "AzureADMyOrg"
    [grant] = state["app_role_assignments"]
    assert (grant["principalId"], grant["resourceDisplayName"]) == (
        principal["id"],
        "Office 365 Exchange Online",
    )
    assert state["roles"] == {names.ROLE: {"parent": names.PARENT, "entries": [names.CMDLET]}}
    member = ["app", principal["id"]]
    assert state["role_groups"] == {names.GROUP: {"roles": [names.ROLE], "members": [member]}}
    assert state["exchange_service_principals"] == {
        principal["id"]: {"app_id": app["appId"], "name": names.APP}
    }
    assert state["role_assignments"] == state["permission_grants"] == state["users"] == []
    outcome = arranged.check()
    assert (outcome.code, outcome.line) == (
        0,
        "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)",
    )


def test_again_changes_nothing(arranged):
    arranged()
    state, kept = arranged.tenant.directory_state(), arranged.kept()
    assert set(kept) == {"", *FILES}
    assert arranged() == 0
    assert arranged.seen(START) == [
        *ROOT,
        *CMDLET_THERE,
        GREEN.format("cmdlet"),
        "nothing to do: all of it was there",
        RUN,
    ]
    assert arranged.changes() == [] and arranged.naps == []
    assert (arranged.tenant.directory_state(), arranged.kept()) == (state, kept)


def test_status(arranged):
    assert arranged("--status", mailbox=None) == 1
    title = f"What there is for {TENANT_NAME}, in DIR:"
    assert [line.split()[0] for line in arranged.seen(title)] == [
        "looked", *["MISSING"] * 6, "there", *["MISSING"] * 5, "11"
    ]  # fmt: skip
    assert arranged.seen(title)[-1] == "11 of it are MISSING: run it without --status"
    assert arranged.kept() == {}
    arranged()
    assert arranged("--status", mailbox=None) == 0
    who = f"  looked at by {ADMIN}"
    assert arranged.seen(title) == [who, *CMDLET_THERE, "all of it is there"]
    assert arranged.changes() == []
    # What others did meanwhile.
    rbac = arranged.tenant.admin.rbac
    rbac.groups[names.GROUP].members.clear()
    rbac.roles[names.ROLE].entries["Get-Mailbox"] = ()
    assert arranged("--status", mailbox=None) == 1
    seen = [line for line in arranged.seen(title) if not line.startswith(("  there", "  checked"))]
    assert seen == [
        who,
        "  WRONG    role MAPI probe: role MAPI probe holds Get-Mailbox as well; it is not this "
        "command's: Remove-ManagementRoleEntry, or rename the role",
        "  MISSING  member of MAPI probes: check_mapi_connectivity",
        "1 of it is WRONG: do what the line says, then run --status again; 1 MISSING",
    ]


def test_what_others_took_away_is_made_again(arranged):
    arranged()
    state, rbac = arranged.tenant.directory_state(), arranged.tenant.admin.rbac
    rbac.groups[names.GROUP].members.clear()
    rbac.groups[names.GROUP].roles.clear()
    assert arranged() == 0
    assert arranged.changes() == ["New-ManagementRoleAssignment", "Add-RoleGroupMember"]
    assert arranged.tenant.directory_state() == state


def test_renewal(arranged):
    arranged()
    before, old = arranged.state(), (arranged.directory / "certificate.pem").read_text()
    assert arranged("--renew") == 0
    assert arranged.seen(f"A new certificate for {TENANT_NAME}, in DIR:") == [
        "  made     DIR/certificate.next.pem",
        "  made     new certificate in the app registration",
        GREEN.format("cmdlet"),
        "  in use   DIR/certificate.pem: until #",
        "  removed  old certificate in the app registration",
        "done",
    ]
    assert [call.partition(" ")[0] for call in arranged.changes()] == ["PATCH", "PATCH"]
    [app] = arranged.state()["applications"]
    [key] = app["keyCredentials"]
    new = (arranged.directory / "certificate.pem").read_text()
    assert key["key"] == keypair.der(new) != keypair.der(old)
    assert {**app, "keyCredentials": before["applications"][0]["keyCredentials"]} == (
        before["applications"][0]
    )
    assert set(arranged.kept()) == {"", *FILES}
    assert arranged.check().code == 0


def test_removal(arranged):
    empty = arranged.state()
    arranged()
    assert arranged("--remove", mailbox=None) == 1
    assert arranged.said[-1] == "nothing was removed; without a terminal, --yes agrees"
    assert arranged.changes() == []
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert [line for line in arranged.seen() if line.startswith("  gone")] == [
        "  gone     member of MAPI probes: check_mapi_connectivity",
        "  gone     service principal check_mapi_connectivity in Exchange",
        "  gone     role group MAPI probes",
        "  gone     role MAPI probe",
        "  gone     app role Exchange.ManageAsApp",
        "  gone     enterprise application check_mapi_connectivity",
        "  gone     app registration check_mapi_connectivity: Entra keeps it among its deleted "
        "applications for 30 days",
        "  gone     DIR/options.ini",
        "  gone     DIR/client_id",
        "  gone     DIR/certificate.pem",
    ]
    assert (arranged.state(), arranged.kept()) == (empty, {})
    assert arranged.check().code == 3
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert arranged.said[-2:] == ["nothing to remove", "done"]


def test_method_graph_and_a_second_mailbox(arranged):
    assert arranged("--method", "graph") == 0
    assert arranged.seen(START)[len(ROOT) + 5 :] == [
        "  there    organization open for roles of its own",
        "  made     service principal check_mapi_connectivity in Exchange",
        "  made     scope MAPI probe mailboxes",
        "  made     role assignment MAPI probe Inbox",
        "  made     DIR/options.ini",
        "  checked  enterprise application check_mapi_connectivity: object id ID",
        f"  checked  credentials of the app registration: 1 certificate {OWNED}",
        "  checked  no other right in Entra",
        "  checked  service principal check_mapi_connectivity in Exchange: object id ID",
        "  checked  no other right in Exchange",
        "  checked  scope MAPI probe mailboxes: holds healthy@practice.example",
        "  checked  role assignment MAPI probe Inbox: Application Mail.ReadBasic for the scope MAPI "
        "probe mailboxes alone",
        "  checked  right to read healthy@practice.example: in scope",
        GREEN.format("graph"),
        "done",
        RUN,
    ]
    state = arranged.state()
    assert (state["app_role_assignments"], state["roles"], state["role_groups"]) == ([], {}, {})
    line = re.sub(r"in [0-9.]+s", "in #s", arranged.check().line)
    assert line == "MAPI OK - healthy@practice.example: Inbox listed in #s (graph)"
    # What an earlier run was told still holds.
    assert arranged(mailbox="many-001@practice.example") == 0
    assert arranged.changes() == ["Set-ManagementScope"]
    assert arranged() == 0
    assert arranged.changes() == []
    assert arranged.state()["scopes"] == {
        names.SCOPE: "PrimarySmtpAddress -eq 'healthy@practice.example' -or "
        "PrimarySmtpAddress -eq 'many-001@practice.example'"
    }
    assert arranged.check(mailbox="many-001@practice.example").code == 0
    assert arranged.check(mailbox="many-002@practice.example").line == (
        "MAPI UNKNOWN - many-002@practice.example: neither Entra nor Exchange lets the app read the "
        "mailbox (ErrorAccessDenied)"
    )
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert arranged.state()["scopes"] == arranged.state()["scope_assignments"] == {}


def test_both_methods(arranged):
    words = ("--method", "cmdlet", "--method", "graph")
    assert arranged(*words) == 0
    assert arranged(*words) == 0
    assert arranged.said[-2] == "nothing to do: all of it was there"
    assert (arranged.changes(), arranged.check().code) == ([], 0)
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert arranged.kept() == {}


def test_a_user_with_a_password(arranged):
    user = "many-007@practice.example"
    empty = arranged.state()
    words = ("-l", user, f"--password-file={arranged.tenant.material.directory}/password")
    assert arranged(*words) == 0
    assert arranged.said.count(SIGNED_IN) == 1
    assert arranged.seen(START) == [
        *ROOT,
        "  note: a user with a password is the weaker way: no policy may ask it for more (MFA, "
        "device, place)",
        "  note: Microsoft has announced to retire this sign-in (MC1248389), the date is not known yet",
        "  note: wrong passwords lock the account; a certificate has none of this",
        f"  there    user {user}",
        "  there    organization open for roles of its own",
        "  made     role MAPI probe",
        "  made     role group MAPI probes",
        f"  made     member of MAPI probes: {user}",
        "  made     DIR/options.ini",
        "  checked  role MAPI probe: holds Test-MAPIConnectivity alone",
        "  checked  role group MAPI probes: has the role MAPI probe alone",
        "  checked  no other right in Exchange",
        f"  checked  member of MAPI probes: {user}",
        GREEN.format("cmdlet"),
        "done",
        RUN,
    ]
    assert arranged.state()["role_groups"][names.GROUP]["members"] == [["user", "many-007"]]
    assert arranged.state()["applications"] == []
    assert (arranged.check().code, set(arranged.kept())) == (0, {"", "options.ini", "made.json"})
    assert arranged(*words) == 0
    assert (arranged.said[-2], arranged.changes()) == ("nothing to do: all of it was there", [])
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert (arranged.state(), arranged.kept()) == (empty, {})
    arranged.tenant.admin.rbac.disabled.add("many-007")
    assert arranged(*words) == 1
    assert arranged.said[-3:] == [
        f"failed: user {user}: EXOModuleEnabled of {user} is off, which overrides every role",
        f"  to do: Set-User -Identity '{user}' -EXOModuleEnabled $true",
        "  done before that: nothing; run it again, it goes on from there",
    ]


@pytest.mark.parametrize(
    "words", [(), ("--method", "graph"), ("-l", "many-007@practice.example"), ("--remove",)]
)
def test_print_only_asks_nobody(arranged, words):
    before = arranged.tenant.connections
    assert arranged("--print-only", *words) == 0
    assert (arranged.tenant.requests, arranged.tenant.connections) == ([], before)
    assert not arranged.etc.exists()


def test_tokens_that_were_pasted(arranged):
    assert arranged(arranged.tokens()) == 0
    assert arranged.seen() == [*named(arranged), START, *CMDLET_MADE]
    paths = arranged.tenant.paths()
    assert not any("devicecode" in path for path in paths)
    assert arranged.check().code == 0


def test_a_certificate_that_exists(arranged, tmp_path):
    own = tmp_path / "own.pem"
    own.write_bytes(next(pems()))
    own.chmod(0o600)
    assert arranged(f"--certificate={own}") == 0
    assert arranged.seen(START) == CMDLET_MADE
    [app] = arranged.state()["applications"]
    assert app["keyCredentials"][0]["key"] == keypair.der(own.read_text())
    assert arranged(f"--certificate={own}") == 0
    assert (arranged.said[-2], arranged.changes()) == ("nothing to do: all of it was there", [])


def test_an_app_that_serves_other_hosts_too(arranged, tmp_path):
    """A second host with another certificate; its removal leaves the first one working."""
    arranged()
    [app] = arranged.tenant.directory_state()["applications"]
    first, words = arranged.directory, (f"--output={tmp_path}/second",)
    assert arranged(*words) == 1
    assert arranged.changes() == []
    assert arranged(*words, f"--client-id={app['appId']}") == 0
    assert "  made     certificate in the app registration" in arranged.said
    assert [call.partition(" ")[0] for call in arranged.changes()] == ["PATCH"]
    assert len(arranged.state()["applications"][0]["keyCredentials"]) == 2
    # Each host tells of the other's certificate, until it is named as well.
    assert arranged("--status", mailbox=None) == 1
    assert arranged("--status", f"--client-id={app['appId']}", mailbox=None) == 0
    assert arranged("--remove", "--yes", *words, mailbox=None) == 0
    assert arranged.tenant.directory_state()["applications"] == [app]
    assert (arranged.check().code, os.path.exists(tmp_path / "second")) == (0, False)
    assert stat.S_IMODE((first / "certificate.pem").stat().st_mode) == 0o600


def test_pages_of_a_long_list(arranged):
    """Others' service principals and apps, more than a page of them."""
    registry = arranged.tenant.admin.registry
    registry.page = 1
    for number in range(3):
        registry.add_application({"displayName": f"other {number}"}, "somebody")
    assert arranged("--method", "cmdlet", "--method", "graph") == 0
    assert arranged("--method", "cmdlet", "--method", "graph") == 0
    assert arranged.changes() == []
    assert [app["displayName"] for app in arranged.state()["applications"]] == [
        *(f"other {number}" for number in range(3)),
        names.APP,
    ]


def test_what_make_tenant_prints(arranged):
    """The command that it shows, as it stands there."""
    lines = manual(arranged.tenant).replace("\\\n", "").split("\n")
    [line] = [line for line in lines if " --output=" in line]
    words = shlex.split(line)
    given = words[next(n for n, word in enumerate(words) if word.startswith("--tenant")) :]
    assert arranged.bare(*given) == 0
    [line] = [line for line in lines if "options.ini" in line]
    ini = shlex.split(line)[-3]
    assert arranged.bare(*given, "--remove", "--yes") == 0
    assert not os.path.exists(ini.partition("@")[2])


def test_renewal_as_the_remedy_of_the_check_has_it(arranged):
    """The mailbox is the one that the set-up was proved by."""
    arranged()
    assert arranged("--renew", mailbox=None) == 0
    assert any(line.startswith("  the check is green: ") for line in arranged.said)
    assert arranged("--renew", mailbox=None) == 0
    listed = json.loads((arranged.directory / "made.json").read_text())
    assert listed["mailboxes"] == ["healthy@practice.example"]


def test_renewal_where_no_mailbox_is_known(arranged):
    arranged()
    path = arranged.directory / "made.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mailboxes": []}))
    with pytest.raises(UsageError) as error:
        arranged("--renew", mailbox=None)
    assert str(error.value) == (
        "--renew: which mailbox is the new certificate to be tried with? Give --mailbox (-m); "
        f"{path} names none"
    )
    assert arranged.tenant.admin.calls == []
