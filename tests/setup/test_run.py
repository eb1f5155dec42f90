"""The set-up command as a whole against a tenant in memory: files, odd finds, and what is not sent.

Whole runs over TLS are in `test_e2e_setup`.
"""

from __future__ import annotations

import os
import re
import stat

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.setup import keypair, run
from check_mapi_connectivity.setup.steps import names
from check_mapi_connectivity.setup.steps.work import StepFailure

from ..support.options import parsed
from ..support.provisioning import MAILBOX, TENANT, AdminTenant, pems
from ..support.setting_up import FILES
from ..support.setup_command import commanded

EMPTY = AdminTenant().state()


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command before an empty tenant."""
    return commanded(tmp_path, monkeypatch)


MADE = {
    **EMPTY,
    "apps": [(names.APP, 1)],
    "principals": 1,
    "grants": 1,
    "roles": {**EMPTY["roles"], names.ROLE: [names.CMDLET]},
    "groups": {names.GROUP: [names.ROLE]},
    "members": {names.GROUP: 1},
    "pointers": 1,
}


def test_the_files(command):
    command()
    directory = command.directory
    assert set(os.listdir(directory)) == FILES
    assert {stat.S_IMODE((directory / n).stat().st_mode) for n in os.listdir(directory)} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    client_id = command.tenant.apps[0]["appId"]
    assert (directory / "client_id").read_text() == f"{client_id}\n"
    assert (directory / "options.ini").read_text() == (
        f"; made by check_mapi_connectivity_setup\n[{TENANT}]\ntenant = {TENANT}\n"
        f"client-id = {client_id}\ncertificate = {directory}/certificate.pem\nmethod = cmdlet\n"
    )
    # With --tenant and -m alone, the check finds it all.
    options = parsed(["--tenant", TENANT, "-m", MAILBOX], {})
    assert (options.client_id, options.certificate.path, options.sources) == (
        client_id,
        f"{directory}/certificate.pem",
        (f"[{TENANT}] of {directory}/options.ini",),
    )
    key = (directory / "certificate.pem").read_text().partition("-----BEGIN PRIVATE")[2]
    assert len(key) > 1000 and not any(key[:60] in line for line in command.said)


def test_what_the_way_there_needs_is_remembered(command, tmp_path):
    (tmp_path / "pw").write_text("hunter2\n")
    (tmp_path / "pw").chmod(0o600)
    words = ("--proxy=http://proxy.contoso.com:3128", "--proxy-user=svc", "--cloud=gcc", "-4")
    assert command(*words, f"--proxy-password-file={tmp_path}/pw", "--method=graph") == 0
    assert command.file("options.ini").read_text().split("\n")[5:-1] == [
        "method = graph",
        "cloud = gcc",
        "proxy = http://proxy.contoso.com:3128",
        "proxy-user = svc",
        f"proxy-password-file = {tmp_path}/pw",
        "ipv4 =",
    ]
    options = parsed(["--tenant", TENANT, "-m", MAILBOX], {})
    assert (str(options.proxy), options.ip_version, options.methods) == (
        "proxy.contoso.com:3128",
        4,
        ("graph",),
    )
    # And by this command itself.
    assert command() == 0
    assert "nothing to do: everything was there" in command.said


def test_a_right_of_entra_would_defeat_the_scope(command):
    command("--method", "graph")
    role = "693c5e45-0940-467d-9b8a-1022fb9d42ef"
    principal = command.tenant.principals[0]["id"]
    command.tenant.grants.append({"id": "1", "principalId": principal, "appRoleId": role})
    with pytest.raises(StepFailure) as caught:
        command()
    assert caught.value.failure.cause == "Entra gives the app Mail.ReadBasic.All, for every mailbox"
    assert command("--status", mailbox=None) == 1


def test_an_address_that_is_not_the_primary_one(command):
    """Its scope holds nobody; Exchange says so at once, Graph after hours."""
    command.tenant.aliases.add(MAILBOX)
    with pytest.raises(StepFailure) as caught:
        command("--method", "graph")
    failure = caught.value.failure
    assert (caught.value.title, failure.cause, failure.remedy) == (
        f"right to read {MAILBOX}",
        f"{MAILBOX} is not in the scope of the app",
        "give the primary address of the mailbox; run Get-Mailbox to see it",
    )
    # Waiting does not mend that, so nothing that was granted is left.
    assert (command.tenant.scopes, command.tenant.assignments) == ({}, {})
    command.tenant.aliases.clear()
    assert command("--method", "graph") == 0
    assert f"  checked  right to read {MAILBOX}: in scope" in command.said
    command.tenant.refusals["Test-ServicePrincipal"] = (403, None)
    assert command("--method", "graph") == 0
    line = f"  checked  right to read {MAILBOX}: not tested: this account may not run "
    assert f"{line}Test-ServicePrincipalAuthorization" in command.said


def test_another_cloud(command):
    command("--cloud", "china", "--token-file", "none", "--print-only")
    assert "https://microsoftgraph.chinacloudapi.cn/v1.0/applications" in "\n".join(command.said)
    with pytest.raises(UsageError) as caught:
        command("--cloud=gcc-high")
    assert str(caught.value) == (
        "--token-file: a token is for https://outlook.office365.com; give one for Microsoft Graph and one "
        "for Exchange Online"
    )


def test_a_renewal_that_does_not_work_leaves_the_old_certificate(command, monkeypatch):
    command()
    old = command.file("certificate.pem").read_bytes()
    once = command.tenant.once

    def never(options):
        outcome = once(options)
        if options.certificate.path.endswith("next.pem"):
            return outcome._replace(failure=Failure("credential", "no key", "", "AADSTS700027"))
        return outcome

    monkeypatch.setattr(command.tenant, "once", never)
    with pytest.raises(StepFailure) as caught:
        command("--renew", "--wait", "60")
    assert caught.value.title == "proof with the new certificate"
    assert command.file("certificate.pem").read_bytes() == old
    assert len(command.tenant.apps[0]["keyCredentials"]) == 2
    assert command() == 0
    assert "a renewal was not finished; run this with --renew to finish it" in command.said
    monkeypatch.undo()


def test_removal_leaves_what_others_use(command):
    command()
    other = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": "b3RoZXI=", "keyId": "o"}
    command.tenant.apps[0]["keyCredentials"].append(other)
    command("--remove", "--yes", mailbox=None)
    assert command.tenant.state() == MADE
    assert command.tenant.apps[0]["keyCredentials"] == [other]
    assert not command.directory.exists()
    line = f"{names.APP} is used by other hosts, or was made by hand: it stays, with its rights"
    assert line in command.said


def test_an_app_made_by_hand_is_used_and_not_removed(command):
    command.tenant.graph(
        "POST", "/v1.0/applications", {}, {"displayName": names.APP, "notes": None}
    )
    other = {"key": "b3RoZXI=", "keyId": "o"}
    command.tenant.apps[0]["keyCredentials"] = [other]
    assert command("--client-id", command.tenant.apps[0]["appId"]) == 0
    assert command.tenant.state() == {**MADE, "apps": [(names.APP, 2)]}
    assert command.tenant.apps[0]["keyCredentials"][0] == other
    assert "  made     certificate in the app registration" in command.said
    command.tenant.apps[0]["keyCredentials"].remove(other)
    command("--remove", "--yes", mailbox=None)
    assert command.tenant.state() == {**MADE, "apps": [(names.APP, 0)]}


def test_other_members_keep_role_group_and_role(command):
    command()
    command.tenant.members[names.GROUP].append("somebody")
    command("--remove", "--yes", mailbox=None)
    assert [line for line in command.said if "left" in line] == [
        "  left     role group MAPI probes: it has 1 other member",
        "  left     role MAPI probe: role group MAPI probes still has it",
    ]
    assert command.tenant.groups == {names.GROUP: [names.ROLE]}
    assert names.ROLE in command.tenant.roles and command.tenant.apps == []


def test_user_and_password(command, tmp_path):
    user = "probe-user@contoso.com"
    (tmp_path / "pw").write_text("hunter2\n")
    (tmp_path / "pw").chmod(0o600)
    words = ("-l", user, "--password-file", f"{tmp_path}/pw")
    with pytest.raises(StepFailure) as caught:
        command(*words)
    assert caught.value.failure.cause == f"there is no user {user}"
    command.tenant.users[user] = {"Name": user, "EXOModuleEnabled": True}
    assert command(*words) == 0
    assert command.tenant.members == {names.GROUP: [user]}
    assert command.tenant.apps == []
    assert [line for line in command.said if line.startswith("  note: ")] == [
        "  note: a password is weaker than a certificate: no policy may ask for more (MFA, device, place)",
        "  note: Microsoft has announced that it will retire this sign-in (MC1248389); no date is known yet",
        "  note: wrong passwords lock the account",
    ]
    options = parsed(["--tenant", TENANT, "-m", MAILBOX], {})
    assert (options.credential.username, options.credential.password.reveal()) == (user, "hunter2")
    # Who it is, an earlier run has written down.
    assert command("--status", mailbox=None) == 0
    assert command("--remove", "--yes", mailbox=None) == 0
    assert command.tenant.groups == {} and (tmp_path / "pw").exists()
    assert "hunter2" not in "\n".join(command.said)


def test_a_password_that_was_typed_in_is_kept(command, monkeypatch):
    user = "probe-user@contoso.com"
    command.tenant.users[user] = {"Name": user}
    monkeypatch.setattr("check_mapi_connectivity.commandline.secrets.ask", lambda _: "hunter2")
    assert command("-l", user) == 0
    assert command.file("password").read_text() == "hunter2\n"
    assert stat.S_IMODE(command.file("password").stat().st_mode) == 0o600
    options = parsed(["--tenant", TENANT, "-m", MAILBOX], {})
    assert options.credential.password.reveal() == "hunter2"
    assert command("--remove", "--yes", mailbox=None) == 0
    assert not command.directory.exists()


def test_a_certificate_that_exists(command, tmp_path):
    made = pems()
    first, second = next(made), next(made)
    (tmp_path / "own.pem").write_bytes(first)
    (tmp_path / "own.pem").chmod(0o600)
    assert command(f"--certificate={tmp_path}/own.pem") == 0
    (key,) = command.tenant.apps[0]["keyCredentials"]
    assert key["key"] == keypair.der(first.decode())
    assert command(f"--certificate={tmp_path}/own.pem") == 0
    assert "nothing to do: everything was there" in command.said
    (tmp_path / "own.pem").write_bytes(second)
    with pytest.raises(StepFailure) as caught:
        command(f"--certificate={tmp_path}/own.pem")
    assert caught.value.failure.remedy == "add --renew to change it"
    assert command(f"--certificate={tmp_path}/own.pem", "--renew") == 0
    (key,) = command.tenant.apps[0]["keyCredentials"]
    assert key["key"] == keypair.der(second.decode())


def test_print_only_touches_nothing(command):
    assert command("--print-only", "--method=cmdlet", "--method=graph") == 0
    assert command.tenant.requests == [] and not command.directory.exists()
    text = "\n".join(command.said)
    for line in (
        '   Exchange: New-RoleGroup {"Name": "MAPI probes", "Roles": ["MAPI probe"], '
        '"Description": "made by check_mapi_connectivity_setup"}',
        "New-RoleGroup -Name 'MAPI probes' -Roles 'MAPI probe' -Description 'made by "
        "check_mapi_connectivity_setup'",
        "Add-RoleGroupMember -Identity 'MAPI probes' -Member 'OBJECT-ID'",
        "Invoke-MgGraphRequest -Method POST -Uri '/v1.0/servicePrincipals' -ContentType "
        """application/json -Body '{"appId": "CLIENT-ID", "notes": "made by """
        """check_mapi_connectivity_setup"}'""",
        f"Test-ServicePrincipalAuthorization -Identity 'OBJECT-ID' -Resource '{MAILBOX}'",
        '     {"keyCredentials": [{"keyId": "THOSE-THAT-ARE-THERE"}, {"type": "AsymmetricX509Cert", '
        '"usage": "Verify", "key": "BASE64-OF-THE-CERTIFICATE", "displayName": "CN=HOST"}]}',
        "New-ManagementScope -Name 'MAPI probe mailboxes' -RecipientRestrictionFilter "
        f"'PrimarySmtpAddress -eq ''{MAILBOX}'''",
    ):  # fmt: skip
        assert line in re.sub(r"CN=check_mapi_connectivity on [\w.-]+", "CN=HOST", text)
    assert "None of this has been tried on a live tenant yet" in text
    assert command("--print-only", "--remove", mailbox=None) == 0
    assert "Remove-RoleGroup -Identity 'MAPI probes' -Confirm:$false" in command.said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sets up for another user")
@pytest.mark.parametrize("closed", [None, "/opt/closed/bin/python"])
def test_a_program_that_the_user_cannot_start_is_noted(command, monkeypatch, closed):
    monkeypatch.setattr(run.reach, "closed_program", lambda *_: closed)
    assert command("--owner", "root") == 0
    note = f"  note: root has no access to {closed}, which runs the check here"
    assert (note in command.said) == bool(closed)
    assert any(line.startswith("  the check works") for line in command.said)
