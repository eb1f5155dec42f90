"""Who logs on to an Exchange Server by method mapi: user, password, ticket and scheme."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.errors import UsageError

from ..support.options import parsed

USER = ("-l", "probe@contoso.com", "--password-file", "pw")


@pytest.fixture
def files(there):
    """A directory with a password file."""
    (there / "pw").write_text("Secret.123\n")
    (there / "pw").chmod(0o600)
    return there


@pytest.fixture
def mapi(files):
    """`mapi(*arguments, **environ)` -> Options of method mapi."""

    def read(*arguments, **environ):
        words = ["--method", "mapi", "-m", "a@b.example", *arguments]
        return parsed(words, {"HOME": "/h", **environ})

    return read


def test_a_user_for_an_exchange_server(mapi):
    options = mapi(*USER, "-H", "mail.contoso.com")
    assert (options.tenant, options.client_id, options.credential) == ("", "", None)
    assert options.login.username == "probe@contoso.com"
    assert options.login.password.reveal() == "Secret.123"
    assert options.login.scheme is None
    assert "certificate_days" not in options.thresholds
    assert list(options.thresholds)[-1] == "inbox_items"
    assert "Secret.123" not in repr(options)


@pytest.mark.parametrize(
    ("word", "scheme"), [("basic", "Basic"), ("NTLM", "NTLM"), ("negotiate", "Negotiate")]
)
def test_schemes(mapi, word, scheme):
    assert mapi(*USER, "--auth", word).login.scheme == scheme


def test_a_ticket_needs_neither_user_nor_password(mapi):
    login = mapi("--auth", "negotiate").login
    assert (login.username, login.password) == (None, None)
    assert mapi("--auth", "negotiate", "-l", "probe").login.username == "probe"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Secret.123\0", "holds control characters; write it anew"),
        (b"\x1b[31mSecret.123", "holds control characters; write it anew"),
        (b"Secret.123\t\n", "holds control characters; write it anew"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n", "is a PEM file; put the password itself there"),
    ],
)
def test_what_nobody_typed_is_not_sent(mapi, files, content, told):
    """Each run would be one failed logon."""
    (files / "pw").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        mapi(*USER)
    assert str(caught.value) == f"the password of pw {told}"
    with pytest.raises(UsageError) as caught:
        mapi("-l", "probe@contoso.com", MAPI_PASSWORD="Secret\x07")
    assert str(caught.value).startswith("the password of environment variable MAPI_PASSWORD holds")


def test_password_from_environment_and_ini(mapi, files):
    environ = {"HOME": "/h", "MAPI_PASSWORD": "of the environment"}
    words = ["--method", "mapi", "-m", "a@b.example", "-l", "a@b.example"]
    assert parsed(words, environ).login.password.reveal() == "of the environment"
    assert "MAPI_PASSWORD" not in environ
    (files / "i.ini").write_text("[s]\npassword = of the ini\nusername = a@b.example\n")
    (files / "i.ini").chmod(0o600)
    options = mapi("--extra-opts=s@i.ini", MAPI_PASSWORD="of the environment")
    assert options.login.password.reveal() == "of the ini"


def test_a_secret_of_the_environment_counts_only_with_its_option(mapi):
    options = mapi("--auth", "negotiate", MAPI_PASSWORD="unused", MAPI_CLIENT_SECRET="unused")
    assert (options.login.password, options.credential) == (None, None)


NO_CREDENTIAL = (
    "no credential: give --username and --password-file, --auth negotiate with a Kerberos "
    "ticket, or --tenant for Exchange Online"
)
NO_PASSWORD = (
    "no password for probe: give --password-file, password in an ini section, or the environment "
    "variable MAPI_PASSWORD"
)

REFUSED = [
    ([], NO_CREDENTIAL),
    (["--auth", "basic"], NO_CREDENTIAL),
    (["-l", "probe"], NO_PASSWORD),
    (["-l", "probe", "--auth", "ntlm"], NO_PASSWORD),
    ([*USER, "--auth", "digest"], "--auth: digest is not one of basic, ntlm, negotiate"),
    (
        ["--certificate", "c.pem"],
        "--certificate needs --tenant; an Exchange Server takes --username",
    ),
    (
        ["--federated-token-file", "token"],
        "--federated-token-file needs --tenant; an Exchange Server takes --username",
    ),
    (["-l", "p", "--password-file", "./gone"], "--password-file: ./gone does not exist"),
    (
        ["-l", "p", "--password-file", "hunter2"],
        "--password-file: there is no such file; it takes a file's path, never the secret itself",
    ),
    (
        ["-l", " probe", "--password-file", "pw"],
        "--username: its value begins or ends with a blank; write probe",
    ),
    (
        ["-l", '"a:b"', "--password-file", "pw"],
        "--username holds a colon, which no user name can have",
    ),
    (
        ["-l", "a:b", "--password-file", "pw"],
        "--username holds a colon, which no user name can have",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(mapi, arguments, text):
    with pytest.raises(UsageError) as caught:
        mapi(*arguments)
    assert str(caught.value) == text


def test_a_password_file_open_to_others(mapi, files):
    (files / "pw").chmod(0o644)
    with pytest.raises(UsageError, match=r"^--password-file: pw holds a secret and is open to all"):
        mapi(*USER)
