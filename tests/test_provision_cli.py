"""What the set-up command's command line means, and what it refuses."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from check_mapi_connectivity.errors import Information, UsageError
from check_mapi_connectivity.provision import cli, option_table
from check_mapi_connectivity.provision.directory import Owner

TENANT = "contoso.onmicrosoft.com"
USUAL = ("--tenant", TENANT, "-m", "probe@contoso.com")


def parse(*words, **environ):
    return cli.parse([*USUAL, *words], environ)


def test_what_is_usual(there, monkeypatch):
    monkeypatch.setattr(cli, "_MONITORS", ())
    settings = parse()
    assert (settings.action, settings.options.methods, settings.mailboxes) == (
        "set up",
        ("cmdlet",),
        ("probe@contoso.com",),
    )
    assert settings.directory == str(there / "etc" / TENANT)
    assert (settings.lifetime, settings.wait, settings.options.credential) == (12, 900.0, None)
    assert settings.lines == (("method", "cmdlet"),)
    assert settings.owner == Owner()
    assert (settings.owner.file_mode, settings.owner.directory_mode) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["-m", "a@b.example"],
            "--tenant is missing or no domain: give a domain of the tenant, e.g. "
            "contoso.onmicrosoft.com, or its GUID",
        ),
        (
            ["--tenant", "../etc"],
            "--tenant is missing or no domain: give a domain of the tenant, e.g. "
            "contoso.onmicrosoft.com, or its GUID",
        ),
        (
            ["--tenant", TENANT],
            "--mailbox (-m) is missing: the e-mail address of the mailbox to log on to",
        ),
        (
            ["--tenant", TENANT, "--method=graph", "-m", "11111111-2222-3333-4444-555555555555"],
            "--mailbox: method graph needs the mailbox's primary address, not a GUID",
        ),
        ([*USUAL, "--method", "mapi"], "--method: mapi is none of cmdlet, graph"),
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
        ([*USUAL, "--password-file", "p"], "--password-file: whose? --username is missing"),
        (
            [*USUAL, "--ask-token", "--token-file", "t"],
            "--ask-token and --token-file exclude each other; give one of them",
        ),
        ([*USUAL, "--client-id", "me"], "--client-id: me is no application (client) id"),
        ([*USUAL, "--lifetime", "25"], "--lifetime: 25 is not a number from 1 to 24"),
        ([*USUAL, "--wait", "soon"], "--wait: soon is not a number from 0 to 86400"),
        ([*USUAL, "--cloud", "moon"], "--cloud: moon is none of worldwide, gcc, gcc-high, dod, china"),
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
        cli.parse(words, {})
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
    assert str(caught.value) == "--token-file: no access token is given"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner(there, monkeypatch):
    one = next(account for account in pwd.getpwall() if account.pw_uid != 0)
    settings = parse("--owner", one.pw_name)
    assert (settings.owner, settings.monitor) == (Owner(0, one.pw_gid), one.pw_name)
    assert (settings.owner.file_mode, settings.owner.directory_mode) == (0o640, 0o750)
    group = grp.getgrgid(0).gr_name
    assert parse("--owner", f"{one.pw_name}:{group}").owner == Owner(0, 0)
    monkeypatch.setattr(cli, "_MONITORS", ("nobody-at-all", one.pw_name))
    assert parse().monitor == one.pw_name
    for words, text in (
        ("nobody-at-all", "--owner: there is no user nobody-at-all"),
        (f"{one.pw_name}:nogroup-at-all", "--owner: there is no group nogroup-at-all"),
    ):
        with pytest.raises(UsageError) as caught:
            parse("--owner", words)
        assert str(caught.value) == text


def test_owner_without_root(there, monkeypatch):
    monkeypatch.setattr(cli.os, "geteuid", lambda: 1000)
    assert parse().owner == Owner()
    with pytest.raises(UsageError) as caught:
        parse("--owner", "root")
    assert str(caught.value) == "--owner works as root only; without it the files are your own"


def test_the_proxy_password_serves_the_proof_as_well(there):
    environ = {"MAPI_PROXY_PASSWORD": "hunter2"}
    words = [*USUAL, "--proxy", "http://p.example:3128", "--proxy-user", "svc", "--renew"]
    settings = cli.parse([*words, "--certificate", "c.pem"], environ)
    assert environ == {}
    assert settings.options.proxy.password.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)
    # A command line holds no secret; the environment of the proof does.
    words = cli.own_words(settings, "of-the-app", "next.pem")
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
    text = cli.parser().format_help()
    assert max(map(len, text.split("\n"))) <= 80
    flat = " ".join(text.split())
    for option in option_table.OPTIONS.values():
        assert all(flag in text for flag in option.flags)
    for words in ("MAPI probe", "MAPI probes", "MAPI probe mailboxes", "Not yet tried on a live"):
        assert words in flat
    with pytest.raises(Information) as caught:
        cli.parse(["--help"], {})
    assert str(caught.value) == text
    with pytest.raises(Information) as caught:
        cli.parse(["-V"], {})
    assert str(caught.value).startswith("check_mapi_connectivity_setup ")


@pytest.mark.parametrize("words", [words for _, words in option_table.EXAMPLES])
def test_examples_parse(there, words):
    assert cli.parse(words.split(), {}).options.tenant == TENANT
