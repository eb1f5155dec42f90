"""What the set-up command's command line means, and what it refuses."""

from __future__ import annotations

import grp
import os
import pathlib
import pwd
import tempfile

import pytest

from check_mapi_connectivity.base.errors import Information, UsageError
from check_mapi_connectivity.commandline import given
from check_mapi_connectivity.setup import command_line, option_table
from check_mapi_connectivity.setup.files import reach
from check_mapi_connectivity.setup.files.directory import Owner

from ..conftest import PEM

TENANT = "contoso.onmicrosoft.com"
USUAL = ("--tenant", TENANT, "-m", "probe@contoso.com")


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch):
    """No user of this machine runs the check."""
    monkeypatch.setattr(command_line, "_MONITORS", ())


def parse(*words, **environ):
    return command_line.parse([*USUAL, *words], environ)


def test_what_is_usual(there):
    settings = parse()
    assert (settings.action, settings.methods, settings.mailboxes) == (
        "set up",
        ("cmdlet",),
        ("probe@contoso.com",),
    )
    assert settings.directory == str(there / "etc" / TENANT)
    assert (settings.lifetime, settings.wait, settings.account.credential) == (12, 900.0, None)
    assert settings.lines == (("method", "cmdlet"),)
    assert settings.owner == Owner()
    assert (settings.owner.file_mode, settings.owner.directory_mode) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["-m", "a@b.example"],
            "--tenant is missing: give a domain of the tenant, e.g. contoso.onmicrosoft.com, or its GUID",
        ),
        (
            ["--tenant", "../etc"],
            "--tenant: ../etc is neither a whole domain, e.g. contoso.onmicrosoft.com, nor a GUID",
        ),
        (
            ["--tenant", "contoso", "-m", "a@b.example"],
            "--tenant: contoso is neither a whole domain, e.g. contoso.onmicrosoft.com, nor a GUID",
        ),
        (
            ["--tenant", TENANT],
            "--mailbox (-m) is missing: give the e-mail address of the mailbox to log on to",
        ),
        (
            ["--tenant", TENANT, "--method=graph", "-m", "11111111-2222-3333-4444-555555555555"],
            "--mailbox: method graph needs the mailbox's primary address, not a GUID",
        ),
        ([*USUAL, "--method", "mapi"], "--method: mapi is not one of cmdlet, graph"),
        (
            [*USUAL, "--status", "--remove"],
            "--status and --remove exclude each other; give one of them",
        ),
        (
            [*USUAL, "--status", "--print-only"],
            "--print-only and --status exclude each other; give one of them",
        ),
        (
            [*USUAL, "-l", "u@b.example", "--method", "graph"],
            "--username is for --method cmdlet; method graph takes a certificate",
        ),
        (
            [*USUAL, "-l", "u@b.example", "--certificate", "c.pem"],
            "--username and --certificate exclude each other; give one of them",
        ),
        ([*USUAL, "--password-file", "p"], "--password-file needs --username, whose password it holds"),
        (
            [*USUAL, "--ask-token", "--token-file", "t"],
            "--ask-token and --token-file exclude each other; give one of them",
        ),
        ([*USUAL, "--client-id", "me"], (
                                        "--client-id: me is not a GUID; the portal shows it as Application "
                                        "(client) ID"
                                        )),
        ([*USUAL, "--lifetime", "25"], "--lifetime: 25 is not a number from 1 to 24"),
        ([*USUAL, "--wait", "soon"], "--wait: soon is not a number from 0 to 86400"),
        ([*USUAL, "--cloud", "moon"], "--cloud: moon is not one of worldwide, gcc, gcc-high, dod, china"),
        ([*USUAL, "--frobnicate"], "unknown option --frobnicate; see --help"),
        (
            [*USUAL, "--password=hunter2"],
            "no option takes a secret: use --password-file, an ini section, or the environment "
            "(MAPI_PASSWORD)",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(there, words, text):
    with pytest.raises(UsageError) as caught:
        command_line.parse(words, {})
    assert str(caught.value) == text
    assert "hunter2" not in str(caught.value)


def test_tokens_from_a_file(there):
    path = there / "tokens"
    path.write_text("one\n\n two \n")
    path.chmod(0o600)
    assert parse("--token-file", "tokens").tokens == ("one", "two")
    path.chmod(0o644)
    with pytest.raises(UsageError) as caught:
        parse("--token-file", "tokens")
    assert "holds a secret and is open to all users" in str(caught.value)
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(UsageError) as caught:
        parse("--token-file", "tokens")
    assert str(caught.value) == "--token-file: no access token was given"
    with pytest.raises(UsageError) as caught:
        parse("--token-file", "eyJhbGciOi.J9.abc")
    text = "there is no such file; it takes a file's path, never the secret itself"
    assert str(caught.value) == f"--token-file: {text}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner(there, monkeypatch):
    # Where nothing is in the way of anybody.
    monkeypatch.setattr(given, "TENANT_DIRECTORIES", "/nowhere")
    one = next(account for account in pwd.getpwall() if account.pw_uid != 0)
    settings = parse("--owner", one.pw_name)
    assert (settings.owner, settings.monitor) == (Owner(0, one.pw_gid), one.pw_name)
    assert (settings.owner.file_mode, settings.owner.directory_mode) == (0o640, 0o750)
    group = grp.getgrgid(0).gr_name
    assert parse("--owner", f"{one.pw_name}:{group}").owner == Owner(0, 0)
    monkeypatch.setattr(command_line, "_MONITORS", ("nobody-at-all", one.pw_name))
    assert parse().monitor == one.pw_name
    for words, text in (
        (
            "nobody-at-all",
            "--owner: there is no user nobody-at-all; name the user that runs the check",
        ),
        (f"{one.pw_name}:nogroup-at-all", "--owner: there is no group nogroup-at-all"),
    ):
        with pytest.raises(UsageError) as caught:
            parse("--owner", words)
        assert str(caught.value) == text


@pytest.fixture
def monitor(there, monkeypatch):
    """(the user who runs the check, a directory that everybody may enter, with `file` in it)."""
    if os.geteuid() != 0:
        pytest.skip("only root sets up for another user")
    names = {account.pw_name for account in pwd.getpwall()}
    user = "nagios" if "nagios" in names else "nobody"
    monkeypatch.setattr(command_line, "_MONITORS", (user,))
    # Not in tmp_path, which is closed to others.
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        place.chmod(0o755)
        monkeypatch.setattr(given, "TENANT_DIRECTORIES", str(place / "etc"))
        (place / "file").write_text(PEM)
        os.chown(place / "file", 0, pwd.getpwnam(user).pw_gid)
        (place / "file").chmod(0o640)
        yield user, place


LASTING = {
    "--ca-file": (),
    "--password-file": ("--username", "probe@contoso.com"),
    "--proxy-password-file": ("--proxy", "http://p.example:3128", "--proxy-user", "svc"),
}


@pytest.mark.parametrize("option", LASTING)
def test_files_are_tried_as_the_user_who_runs_the_check(monitor, option):
    user, place = monitor
    if option != "--ca-file":
        (place / "file").write_text("a password\n")
    words = (*LASTING[option], option, str(place / "file"))
    text = (
        f"{option}: {place}/file cannot be read by {user}, who runs the check; let that user read it and "
        "enter its directories, or name another user by --owner"
    )
    assert parse(*words).monitor == user
    # Open itself, but in a directory that is not.
    place.chmod(0o700)
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert str(caught.value) == text
    place.chmod(0o755)
    (place / "file").chmod(0o600)
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert str(caught.value) == text
    assert not (place / "etc").exists()
    # Nobody else is going to read them then.
    assert parse(*words, "--owner", "root").monitor == "root"
    for action in ("--print-only", "--remove"):
        parse(*words, action)


def test_a_file_that_a_group_may_read(monitor):
    """A group that --owner names is one of the user's."""
    user, place = monitor
    other = next(one for one in grp.getgrall() if one.gr_gid not in (0, pwd.getpwnam(user).pw_gid))
    os.chown(place / "file", 0, other.gr_gid)
    words = ("--ca-file", str(place / "file"))
    with pytest.raises(UsageError):
        parse(*words)
    assert parse(*words, "--owner", f"{user}:{other.gr_name}").owner == Owner(0, other.gr_gid)


def test_a_file_that_is_not_there_is_not_said_to_be_closed(monitor):
    with pytest.raises(UsageError) as caught:
        parse("--ca-file", str(monitor[1] / "none"))
    assert str(caught.value) == f"--ca-file: {monitor[1]}/none does not exist"


def test_the_directory_is_tried_as_the_user_who_runs_the_check(monitor):
    user, place = monitor
    closed = place / "closed"
    closed.mkdir(0o700)
    for output in (closed, closed / "a" / "b"):
        with pytest.raises(UsageError) as caught:
            parse("--output", str(output))
        assert str(caught.value) == (
            f"--output: {closed} cannot be entered by {user}, who runs the check; let that user enter it "
            "and those above it, or name another user by --owner"
        )
    closed.chmod(0o711)
    assert parse("--output", str(closed / "a" / "b")).directory == str(closed / "a" / "b")


def test_a_directory_that_cannot_be_written_is_refused_before_anybody_signs_in(
    there, tmp_path, monkeypatch
):
    """Ordinary users may not write to /etc; root may write everywhere."""
    monkeypatch.setattr(command_line.os, "geteuid", lambda: 1000)
    place = tmp_path / "etc"
    place.mkdir()
    monkeypatch.setattr(reach.os, "access", lambda path, _: path != str(place))
    with pytest.raises(UsageError) as caught:
        parse("--output", str(place / "a" / "b"))
    assert str(caught.value) == (
        f"{place}/a/b cannot be written: you may not write to {place}; run this as root, or name "
        "another directory by --output"
    )
    assert parse("--output", str(place), "--status").directory == str(place)


def test_a_proxy_of_the_shell_alone_is_told(there):
    url = "http://proxy.contoso.example:3128"
    hosts = parse(HTTPS_PROXY=url).hosts
    assert hosts[:2] == (
        "through proxy proxy.contoso.example:3128",
        "HTTPS_PROXY is of this shell, and a scheduler does not have it: give --proxy, then the check "
        "finds it",
    )
    named = parse("--proxy", url, HTTPS_PROXY=url).hosts
    assert [line for line in named if "proxy" in line] == [hosts[0]]


def test_root_that_may_not_become_another_user(monitor, monkeypatch):
    """As in some containers: what cannot be tried is not refused."""

    def run(*_, **__):
        raise PermissionError

    monitor[1].chmod(0o700)
    monkeypatch.setattr(reach.subprocess, "run", run)
    assert parse("--ca-file", str(monitor[1] / "file")).monitor == monitor[0]


def test_a_program_that_the_user_cannot_start(monitor, monkeypatch):
    user, place = monitor
    (place / "python").symlink_to("/bin/true")
    (place / "provision").mkdir(0o755)
    module = place / "provision" / "reach.py"
    module.write_text("")
    module.chmod(0o644)
    monkeypatch.setattr(reach.sys, "executable", str(place / "python"))
    monkeypatch.setattr(reach, "__file__", str(module))
    assert reach.closed_program(Owner(), user) is None
    module.parent.chmod(0o700)
    assert reach.closed_program(Owner(), user) == str(place)
    place.chmod(0o700)
    assert reach.closed_program(Owner(), user) == f"{place}/python"
    # In a zip archive it is no file.
    place.chmod(0o755)
    monkeypatch.setattr(reach, "__file__", f"{place}/file/provision/reach.py")
    assert reach.closed_program(Owner(), user) is None


def test_owner_without_root(there, monkeypatch):
    monkeypatch.setattr(command_line.os, "geteuid", lambda: 1000)
    assert parse().owner == Owner()
    with pytest.raises(UsageError) as caught:
        parse("--owner", "root")
    assert str(caught.value) == "--owner works as root only; without it the files belong to you"


def test_the_proxy_password_serves_the_proof_as_well(there):
    environ = {"MAPI_PROXY_PASSWORD": "hunter2"}
    words = [*USUAL, "--proxy", "http://p.example:3128", "--proxy-user", "svc", "--renew"]
    settings = command_line.parse([*words, "--certificate", "c.pem"], environ)
    assert environ == {}
    assert settings.network.proxy.password.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)
    # A command line holds no secret; the environment of the proof does.
    words = command_line.own_words(settings, "of-the-app", "next.pem")
    assert words == [
        "--no-cache",
        "--mailbox=probe@contoso.com",
        f"--tenant={TENANT}",
        "--client-id=of-the-app",
        "--proxy=http://p.example:3128",
        "--proxy-user=svc",
        "--method=cmdlet",
        f"--certificate={there}/etc/{TENANT}/next.pem",
    ]
    assert settings.environ == {"MAPI_PROXY_PASSWORD": "hunter2"}


def test_help_fits_80_columns_and_names_everything():
    text = command_line.parser().format_help()
    assert max(map(len, text.split("\n"))) <= 80
    flat = " ".join(text.split())
    for option in option_table.OPTIONS.values():
        assert all(flag in text for flag in option.flags)
    for words in ("MAPI probe", "MAPI probes", "MAPI probe mailboxes", "Not yet tried on a live"):
        assert words in flat
    with pytest.raises(Information) as caught:
        command_line.parse(["--help"], {})
    assert str(caught.value) == text
    with pytest.raises(Information) as caught:
        command_line.parse(["-V"], {})
    assert str(caught.value).startswith("check_mapi_connectivity_setup ")


@pytest.mark.parametrize("words", [words for _, words in option_table.EXAMPLES])
def test_examples_parse(there, words):
    assert command_line.parse(words.split(), {}).account.tenant == TENANT
