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
GREEN = "  the check works: healthy@practice.example: Inbox listed in #s ({})"
ROOT = ["  only root can read the files; name the user that runs the check by --owner"]
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
        f"note: certificates of the authorities in {tenant.material.ca_file} are trusted",
    ]


OWNED = "of this directory; owners, who may add credentials: ID"

CMDLET_MADE = [
    *ROOT,
    "  made     DIR/certificate.pem",
    "  made     app registration check_mapi_connectivity",
    "  made     DIR/client_id",
    "  there    certificate in the app registration: accepted",
    "  made     enterprise application check_mapi_connectivity",
    "  made     app role Exchange.ManageAsApp",
    "  there    organization customization",
    "  made     role MAPI probe",
    "  made     role group MAPI probes",
    "  made     service principal check_mapi_connectivity in Exchange",
    "  made     member of MAPI probes: check_mapi_connectivity",
    "  made     DIR/options.ini",
    "  checked  enterprise application check_mapi_connectivity: object id ID",
    f"  checked  credentials of the app registration: 1 certificate {OWNED}",
    "  checked  other rights in Entra: none",
    "  checked  app role Exchange.ManageAsApp: consented #",
    "  checked  role MAPI probe: holds Test-MAPIConnectivity alone",
    "  checked  role group MAPI probes: has the role MAPI probe alone",
    "  checked  service principal check_mapi_connectivity in Exchange: object id ID",
    "  checked  other rights in Exchange: none",
    "  checked  member of MAPI probes: check_mapi_connectivity",
    GREEN.format("cmdlet"),
    "done",
    RUN,
]
CMDLET_THERE = [
    "  there    DIR/certificate.pem: until #",
    "  checked  key of this host: it belongs to the certificate",
    "  there    app registration check_mapi_connectivity: client id ID",
    "  there    DIR/client_id: ID",
    "  there    certificate in the app registration: until #",
    "  there    enterprise application check_mapi_connectivity: object id ID",
    f"  checked  credentials of the app registration: 1 certificate {OWNED}",
    "  checked  other rights in Entra: none",
    "  there    app role Exchange.ManageAsApp: consented #",
    "  there    organization customization",
    "  there    role MAPI probe: holds Test-MAPIConnectivity alone",
    "  there    role group MAPI probes: has the role MAPI probe alone",
    "  there    service principal check_mapi_connectivity in Exchange: object id ID",
    "  checked  other rights in Exchange: none",
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
        "A Conditional Access policy of the tenant may block the sign-in by device code.",
        "  If the page refuses it, stop with Ctrl-C and run this with --ask-token or --token-file.",
    ]
    assert "".join(said).count("Ctrl-C and run") == 1
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
        "nothing to do: everything was there",
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
    assert (
        arranged.seen(title)[-1] == "11 MISSING: run this without --status to make what is missing"
    )
    assert arranged.kept() == {}
    arranged()
    assert arranged("--status", mailbox=None) == 0
    who = f"  looked at by {ADMIN}"
    assert arranged.seen(title) == [who, *CMDLET_THERE, "nothing is missing or wrong"]
    assert arranged.changes() == []
    # What others did meanwhile.
    rbac = arranged.tenant.admin.rbac
    rbac.groups[names.GROUP].members.clear()
    rbac.roles[names.ROLE].entries["Get-Mailbox"] = ()
    assert arranged("--status", mailbox=None) == 1
    seen = [line for line in arranged.seen(title) if not line.startswith(("  there", "  checked"))]
    assert seen == [
        who,
        "  WRONG    role MAPI probe: role MAPI probe holds Get-Mailbox as well; run "
        "Remove-ManagementRoleEntry to remove it, or rename the role",
        "  MISSING  member of MAPI probes: check_mapi_connectivity",
        "1 WRONG: do what the line says, then run --status again; 1 MISSING",
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
    assert arranged.said[-1] == "nothing was removed; where there is no terminal, add --yes"
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
        "  there    organization customization",
        "  made     service principal check_mapi_connectivity in Exchange",
        "  made     scope MAPI probe mailboxes",
        "  made     role assignment MAPI probe Inbox",
        "  made     DIR/options.ini",
        "  checked  enterprise application check_mapi_connectivity: object id ID",
        f"  checked  credentials of the app registration: 1 certificate {OWNED}",
        "  checked  other rights in Entra: none",
        "  checked  service principal check_mapi_connectivity in Exchange: object id ID",
        "  checked  other rights in Exchange: none",
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
    assert arranged.said[-2] == "nothing to do: everything was there"
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
        "  note: a password is weaker than a certificate: no policy may ask for more (MFA, device, place)",
        "  note: Microsoft has announced that it will retire this sign-in (MC1248389); no date is known yet",
        "  note: wrong passwords lock the account",
        f"  there    user {user}",
        "  there    organization customization",
        "  made     role MAPI probe",
        "  made     role group MAPI probes",
        f"  made     member of MAPI probes: {user}",
        "  made     DIR/options.ini",
        "  checked  role MAPI probe: holds Test-MAPIConnectivity alone",
        "  checked  role group MAPI probes: has the role MAPI probe alone",
        "  checked  other rights in Exchange: none",
        f"  checked  member of MAPI probes: {user}",
        GREEN.format("cmdlet"),
        "done",
        RUN,
    ]
    assert arranged.state()["role_groups"][names.GROUP]["members"] == [["user", "many-007"]]
    assert arranged.state()["applications"] == []
    assert (arranged.check().code, set(arranged.kept())) == (0, {"", "options.ini", "made.json"})
    assert arranged(*words) == 0
    assert (arranged.said[-2], arranged.changes()) == ("nothing to do: everything was there", [])
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert (arranged.state(), arranged.kept()) == (empty, {})
    arranged.tenant.admin.rbac.disabled.add("many-007")
    assert arranged(*words) == 1
    assert arranged.said[-3:] == [
        f"failed: user {user}: EXOModuleEnabled of {user} is off, which overrides every role",
        f"  to do: run Set-User -Identity '{user}' -EXOModuleEnabled $true",
        "  done before that: nothing; the next run goes on from there",
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
    assert (arranged.said[-2], arranged.changes()) == ("nothing to do: everything was there", [])


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
    assert any(line.startswith("  the check works: ") for line in arranged.said)
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
        f"--renew needs --mailbox (-m), to test the new certificate with it; {path} names none"
    )
    assert arranged.tenant.admin.calls == []
