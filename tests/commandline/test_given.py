"""Option values from every source: which one wins, and where a tenant's certificate is found."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import given, option
from check_mapi_connectivity.commandline.option_table import OPTIONS

from ..conftest import PEM
from ..support.options import parsed
from .test_parse import parse

FLAGS = [flag for one in OPTIONS.values() for flag in one.flags]
MANAGED = "5d1b7a3e-2222-4c0e-8a52-000000000002"


def test_command_line_wins_over_ini(there):
    (there / "p.ini").write_text(
        "[x]\nmailbox = ini@b.example\nt = 7\nstate = dns=OK\nstate = tls=OK\narchive =\nv = 2\n"
    )
    options = parsed(
        [
            "--extra-opts",
            "x@p.ini",
            "--tenant",
            "t.example",
            "--client-id",
            "i",
            "--certificate",
            "c.pem",
            "-t",
            "9",
        ],
        {},
    )
    assert (options.mailboxes, options.timeout, options.archive, options.verbose) == (
        ("ini@b.example",),
        9.0,
        True,
        2,
    )
    assert (options.states["dns"], options.states["tls"]) == ("OK", "OK")
    assert parse("--extra-opts=x@p.ini", "--state", "proxy=OK").states["dns"] == "CRITICAL"
    assert parse("--extra-opts=x@p.ini").mailboxes == ("a@b.example",)
    assert parse("--extra-opts=x@p.ini").sources == ("[x] of p.ini",)


def test_options_ini_in_the_tenants_directory(there):
    """What the set-up command writes; an ini section of the machine's own goes before it."""
    directory = there / "etc" / "t.example"
    directory.mkdir(parents=True)
    text = "[t.example]\nclient-id = written\ncertificate = c.pem\nmethod = graph\nno-proxy =\n"
    (directory / "options.ini").write_text(text)
    (directory / "certificate.pem").write_text(PEM)
    (directory / "client_id").write_text("old\n")
    words = ["--tenant", "T.example", "-m", "a@b.example"]
    options = parsed(words, {"HTTPS_PROXY": "http://p.example:3128"})
    assert (options.client_id, options.methods, options.proxy) == ("written", ("graph",), None)
    assert options.sources == (f"[t.example] of {directory}/options.ini",)
    assert parsed([*words, "--method", "cmdlet"], {}).methods == ("cmdlet",)
    (there / "own.ini").write_text("[t.example]\nclient-id = own\ncertificate = c.pem\n")
    options = parsed(words, {"MP_CONFIG_FILE": str(there / "own.ini")})
    assert (options.client_id, options.methods) == ("own", ("cmdlet",))
    # Without a section of that name, certificate and client id are found as before.
    (directory / "options.ini").write_text("[other]\nclient-id = other\n")
    assert parsed(words, {}).client_id == "old"


def test_later_section_wins_and_no_flag_can_be_taken_back(there):
    (there / "p.ini").write_text("[x] ; one\nt = 7\narchive =\n[ y ]# two\nt = 8\narchive = none\n")
    options = parse("--extra-opts=x@p.ini", "--extra-opts=y@p.ini")
    assert (options.timeout, options.archive) == (8.0, False)


@pytest.mark.parametrize(
    ("word", "on"),
    [
        *((word, True) for word in ("", "true", "Yes", "1")),
        *((word, False) for word in ("FALSE", "no", "0", "none")),
    ],
)
def test_flags_of_an_ini_take_yes_and_no(there, word, on):
    """The same words as in a scheduler's variables."""
    lines = f"archive = {word}\nno-proxy = '{word}'\nverbose = {word}\nmanaged-identity = {word}\n"
    (there / "p.ini").write_text(f"[x]\n{lines}diagnosis = {word or 'on'}\n")
    environ = {"HTTPS_PROXY": "http://p.example:3128"}
    credential = () if on else ("--client-id", "i", "--certificate", "c.pem")
    words = ["--tenant", "t.example", "-m", "a@b.example", "--extra-opts=x@p.ini", *credential]
    options = parsed(words, environ)
    assert (options.archive, options.proxy is None, options.verbose) == (on, on, int(on))
    assert (options.certificate is None, options.diagnosis) == (on, on or word == "none")


@pytest.mark.parametrize("word", ["maybe", "on", "2", "y"])
def test_flags_of_an_ini_take_nothing_else(there, word):
    (there / "p.ini").write_text(f"[x]\narchive = {word}\n")
    text = f"p.ini line 2: archive takes yes or no; {word} is neither of them"
    with pytest.raises(UsageError) as caught:
        parse("--extra-opts=x@p.ini")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("client_id", "is client-id meant? "),
        ("--tenant", "is tenant meant? "),
        ("passwort", "is password meant? "),
        ("frobnicate", ""),
    ],
)
def test_a_key_that_no_option_has(there, key, meant):
    (there / "p.ini").write_text(f"[s]\ntimeout = 5\n{key} = x\n")
    with pytest.raises(UsageError) as caught:
        parsed(["--extra-opts=s@p.ini", "-m", "a@b.example"], {})
    assert str(caught.value) == (
        f"p.ini line 3: there is no option {key}; {meant}an ini key is a long option without its "
        "dashes, see --help"
    )


@examples(
    st.sampled_from(FLAGS), st.text("abcemrst-", max_size=4), st.integers(0, 20), st.integers(0, 3)
)
def test_the_nearest_name_is_that_of_difflib(flag, more, at, fewer):
    name = flag[:at] + more + flag[at + fewer :]
    begins = [one for one in FLAGS if len(name) > 4 and one.startswith(name)]
    near = begins or difflib.get_close_matches(name, FLAGS, 1, 0.8)
    assert option.alike(name, FLAGS) == "".join(f"is {one} meant? " for one in near[:1])


def test_default_section_and_search_path(there):
    directory = there / "conf"
    directory.mkdir()
    (directory / "plugins.ini").write_text("[check_mapi_connectivity]\nt = 3\n")
    assert parse("--extra-opts", NAGIOS_CONFIG_PATH=f"/nonexistent:{directory}").timeout == 3.0
    (there / "own.ini").write_text("[check_mapi_connectivity]\nt = 4\n")
    environ = {"NAGIOS_CONFIG_PATH": str(directory), "MP_CONFIG_FILE": str(there / "own.ini")}
    assert parse("--extra-opts", **environ).timeout == 4.0


def test_tenant_section_fills_in_what_is_missing(there):
    (there / "p.ini").write_text(
        "[contoso.example]\nclient-id = ini-id\ncertificate = c.pem\nt = 5\n"
    )
    minimal = ["--tenant", "contoso.example", "-m", "a@b.example"]
    environ = {"MP_CONFIG_FILE": "p.ini"}
    options = parsed([*minimal, "-t", "6"], environ)
    assert (options.client_id, options.certificate.path, options.timeout) == (
        "ini-id",
        "c.pem",
        6.0,
    )
    assert parsed([*minimal, "--client-id", "own"], environ).client_id == "own"
    given_whole = parsed([*minimal, "--client-id", "own", "--certificate", "c.pem"], environ)
    assert given_whole.timeout == 30.0


def test_tenant_directory_fills_in_what_is_missing(there):
    directory = there / "etc" / "contoso.example"
    directory.mkdir(parents=True)
    (directory / "certificate.pem").write_text(PEM)
    (directory / "client_id").write_text("dir-id\n")
    options = parsed(["--tenant", "contoso.example", "-m", "a@b.example"], {})
    assert (options.client_id, options.certificate.path) == (
        "dir-id",
        str(directory / "certificate.pem"),
    )
    assert options.sources == (str(directory),)
    assert parsed(["--tenant", "Contoso.Example", "-m", "a@b.example"], {}).client_id == "dir-id"


def test_tenant_directory_without_client_id(there):
    directory = there / "etc" / "contoso.example"
    directory.mkdir(parents=True)
    (directory / "certificate.pfx").write_text("x")
    with pytest.raises(UsageError, match=f"--tenant: {directory}/client_id does not exist"):
        parsed(["--tenant", "contoso.example", "-m", "a@b.example"], {})


def test_tenant_directory_that_cannot_be_searched(there, monkeypatch):
    def barred(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(given.os, "stat", barred)
    with pytest.raises(UsageError) as caught:
        parsed(["--tenant", "contoso.example", "-m", "a@b.example"], {})
    path = there / "etc" / "contoso.example" / "certificate.pem"
    assert str(caught.value).startswith(
        f"no certificate for contoso.example: {path} cannot be read by user id "
    )


def test_tenant_section_with_a_secret(there):
    """A secret there is a credential like any other (contract 2, 7.12)."""
    (there / "p.ini").write_text("[contoso.example]\nclient-id = id-1\nclient-secret = geheim\n")
    (there / "p.ini").chmod(0o600)
    minimal = ["--tenant", "contoso.example", "-m", "a@b.example"]
    options = parsed(minimal, {"MP_CONFIG_FILE": "p.ini"})
    assert (options.client_id, options.credential.secret.reveal()) == ("id-1", "geheim")
    assert options.sources == ("[contoso.example] of p.ini",)
    # The directory of the tenant is not looked at any more.
    directory = there / "etc" / "contoso.example"
    directory.mkdir(parents=True)
    (directory / "certificate.pem").write_text(PEM)
    assert parsed(minimal, {"MP_CONFIG_FILE": "p.ini"}).certificate is None
    # A credential of the command line leaves the section alone.
    words = [*minimal, "--client-id", "id-2", "--certificate", "c.pem"]
    options = parsed(words, {"MP_CONFIG_FILE": "p.ini"})
    assert (options.client_id, options.certificate.path, options.sources) == ("id-2", "c.pem", ())


def test_tenant_section_is_not_read_for_another_credential(there):
    (there / "p.ini").write_text("[contoso.example]\ncertificate = c.pem\nt = 5\n")
    words = ["--tenant", "contoso.example", "-m", "a@b.example", "--managed-identity"]
    options = parsed(words, {"MP_CONFIG_FILE": "p.ini"})
    assert (options.certificate, options.timeout, options.tenant) == (None, 30.0, "contoso.example")


def test_optional_value_in_an_ini(there):
    (there / "p.ini").write_text(
        f"[own]\nmanaged-identity =\n[named]\nmanaged-identity = {MANAGED}\n"
        "[none]\nmanaged-identity = none\n"
    )
    minimal = ["-m", "a@b.example"]
    assert parsed([*minimal, "--extra-opts=own@p.ini"], {}).credential.client_id == ""
    assert parsed([*minimal, "--extra-opts=named@p.ini"], {}).credential.client_id == MANAGED
    with pytest.raises(UsageError, match="--tenant is missing"):
        parsed([*minimal, "--extra-opts=own@p.ini", "--extra-opts=none@p.ini"], {})
