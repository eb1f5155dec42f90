"""Which credential a run uses, and what method mapi is told about the server."""

from __future__ import annotations

import pytest

from check_mapi_connectivity import cli
from check_mapi_connectivity.errors import UsageError

URL = "https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com"


@pytest.fixture
def mapi(there):
    """`mapi(*arguments, **environ)` -> Options of method mapi, with a password file `pw` at hand."""
    (there / "pw").write_text("Secret.123\n")
    (there / "pw").chmod(0o600)
    (there / "c.pem").chmod(0o600)

    def parse(*arguments, **environ):
        mailbox = [] if "-m" in arguments else ["-m", "probe@contoso.com"]
        words = ["--method", "mapi", *mailbox, *arguments]
        return cli.parse(words, {"HOME": "/h", **environ})

    return parse


USER = ("-l", "probe@contoso.com", "--password-file", "pw")


def test_a_user_for_an_exchange_server(mapi):
    options = mapi(*USER, "-H", "mail.contoso.com")
    assert (options.tenant, options.client_id, options.certificate) == ("", "", None)
    assert options.login.username == "probe@contoso.com"
    assert options.login.password.reveal() == "Secret.123"
    assert options.login.scheme is None
    assert (options.hostname, options.inbox_items) == ("mail.contoso.com", 10)
    assert "certificate_days" not in options.thresholds
    assert list(options.thresholds)[-1] == "inbox_items"


@pytest.mark.parametrize(
    ("word", "scheme"), [("basic", "Basic"), ("NTLM", "NTLM"), ("negotiate", "Negotiate")]
)
def test_schemes(mapi, word, scheme):
    assert mapi(*USER, "--auth", word).login.scheme == scheme


def test_a_ticket_needs_neither_user_nor_password(mapi):
    login = mapi("--auth", "negotiate").login
    assert (login.username, login.password) == (None, None)
    assert mapi("--auth", "negotiate", "-l", "probe").login.username == "probe"


def test_password_from_environment_and_ini(mapi, there):
    environ = {"HOME": "/h", "MAPI_PASSWORD": "of the environment"}
    words = ["--method", "mapi", "-m", "a@b.example", "-l", "a@b.example"]
    assert cli.parse(words, environ).login.password.reveal() == "of the environment"
    assert "MAPI_PASSWORD" not in environ
    (there / "i.ini").write_text("[s]\npassword = of the ini\nusername = a@b.example\n")
    (there / "i.ini").chmod(0o600)
    options = mapi("--extra-opts=s@i.ini", MAPI_PASSWORD="of the environment")
    assert options.login.password.reveal() == "of the ini"


def test_a_secret_of_the_environment_counts_only_with_its_option(mapi):
    options = mapi("--auth", "negotiate", MAPI_PASSWORD="unused")
    assert options.login.password is None


def test_a_tenant_and_a_user_sign_in_at_entra(mapi):
    options = mapi(*USER, "--tenant", "contoso.example", "--client-id", "id-1")
    assert (options.tenant, options.client_id, options.certificate) == (
        "contoso.example",
        "id-1",
        None,
    )
    assert options.login.scheme is None


def test_a_tenant_and_a_certificate(mapi):
    words = ("--tenant", "contoso.example", "--client-id", "id-1", "--certificate", "c.pem")
    options = mapi(*words)
    assert options.login is None
    assert options.certificate.path == "c.pem"
    assert list(options.thresholds)[-1] == "certificate_days"
    assert mapi(*words, "-l", "none").login is None


def test_without_autodiscover(mapi):
    options = mapi(*USER, "--mapi-url", URL, "--legacy-dn", "/o=C/cn=probe")
    assert (options.mapi_url, options.legacy_dn) == (URL, "/o=C/cn=probe")
    # Nobody asks for the settings of this mailbox, so a GUID will do.
    guid = "5d1b7a3e-1111-4c0e-8a52-000000000001"
    assert mapi(*USER, "-m", guid, "--mapi-url", URL, "--legacy-dn", "/o=C").mailbox == guid


@pytest.mark.parametrize(
    "host", ["mail.contoso.com", "10.0.0.1", "[::1]", "mail:8443", "[::1]:444"]
)
def test_hosts(mapi, host):
    assert mapi(*USER, "-H", host).hostname == host


REFUSED = [
    (
        [],
        "no credential: give --username and --password-file, --auth negotiate with a Kerberos "
        "ticket, or --tenant for Exchange Online",
    ),
    (
        ["-l", "probe"],
        "no password for probe: give --password-file, password in an ini section, or the "
        "environment variable MAPI_PASSWORD",
    ),
    (["-l", "probe", "--auth", "ntlm"], "no password for probe: give --password-file, password "),
    (
        ["--auth", "basic"],
        "no credential: give --username and --password-file, --auth negotiate with a ",
    ),
    ([*USER, "--auth", "digest"], "--auth: digest is none of basic, ntlm, negotiate"),
    (
        [*USER, "--tenant", "t.example", "--auth", "ntlm"],
        "--auth and --tenant exclude each other: a tenant is signed in to at Entra, with --auth an "
        "Exchange Server is logged on to",
    ),
    (
        [*USER, "--tenant", "t.example", "--certificate", "c.pem", "--client-id", "i"],
        "--certificate and --username are two credentials; give one of them (none takes one from "
        "an ini back)",
    ),
    ([*USER, "--tenant", "t.example"], "--client-id is missing: the application (client) id of "),
    ([*USER, "--archive"], "--archive is for --method cmdlet; method mapi logs on to the mailbox"),
    ([*USER, "--mapi-url", URL], "--mapi-url and --legacy-dn belong together; give both"),
    ([*USER, "--legacy-dn", "/o=C"], "--mapi-url and --legacy-dn belong together; give both"),
    (
        [*USER, "--mapi-url", "http://m/mapi/emsmdb/?a", "--legacy-dn", "/o=C"],
        "--mapi-url: what is given is not https://HOST/mapi/emsmdb/?MailboxId=GUID@DOMAIN",
    ),
    (
        [*USER, "--mapi-url", URL, "--legacy-dn", "probe@contoso.com"],
        "--legacy-dn: probe@contoso.com is not a DN like /o=ORG/ou=.../cn=USER",
    ),
    (
        [*USER, "--mapi-url", URL, "--legacy-dn", "/o=C", "--autodiscover-url", "https://a/b"],
        "--mapi-url and --autodiscover-url exclude each other; give one of them",
    ),
    ([*USER, "-H", "https://mail/"], "--hostname: https://mail/ is not HOST or HOST:PORT"),
    (
        [*USER, "-m", "5d1b7a3e-1111-4c0e-8a52-000000000001"],
        "--mailbox: Autodiscover wants an e-mail address, not a GUID",
    ),
    ([*USER, "--inbox-items", "0"], "--inbox-items: 0 is not a number from 1 to 1000"),
    ([*USER, "--inbox-items", "1001"], "--inbox-items: 1001 is not a number from 1 to 1000"),
    ([*USER, "--inbox-items=-1"], "--inbox-items: -1 is not a number from 1 to 1000"),
    (
        ["-l", "p", "--password-file", "nowhere"],
        "--password-file: nowhere does not exist",
    ),
    (
        [*USER, "--warning-for", "certificate_days=1"],
        "--warning-for: there is no label certificate_days; this method has mapi_connectivity, ",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(mapi, arguments, text):
    with pytest.raises(UsageError) as caught:
        mapi(*arguments)
    assert str(caught.value).startswith(text)
    assert "Secret.123" not in str(caught.value)


def test_method_cmdlet_takes_no_user(there):
    words = ["--tenant", "t.example", "--client-id", "i", "--certificate", "c.pem", "-m", "a@b.c"]
    with pytest.raises(UsageError, match="--username is for --method mapi"):
        cli.parse([*words, "-l", "probe"], {"HOME": "/h"})


def test_a_password_file_open_to_others(mapi, there):
    (there / "pw").chmod(0o644)
    with pytest.raises(UsageError, match="--password-file: pw holds a secret and is open to all"):
        mapi(*USER)
