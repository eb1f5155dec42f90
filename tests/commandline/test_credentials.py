"""Which credential a run uses: what gives it, what excludes what, and where its secret comes from."""

from __future__ import annotations

import itertools
import os

import pytest

from check_mapi_connectivity.base.clouds import MODULE_CLIENT_ID
from check_mapi_connectivity.base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    UserPassword,
)
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import credentials, secrets
from check_mapi_connectivity.commandline.given import ENVIRONMENT_SECRETS

from ..support.options import parsed

TENANT = ("--tenant", "contoso.example", "--client-id", "id-1")
MANAGED = "5d1b7a3e-2222-4c0e-8a52-0000000000aF"
USER = ("-l", "probe@contoso.com", "--password-file", "pw")

#: Option that names the kind -> words that give it, and what it becomes.
KINDS = {
    "--certificate": (("--certificate", "c.pem"), CertificateFiles),
    "--client-secret-file": (("--client-secret-file", "secret"), ClientSecret),
    "--username": (USER, UserPassword),
    "--managed-identity": (("--managed-identity",), ManagedIdentity),
    "--federated-token-file": (("--federated-token-file", "token"), FederatedToken),
}
SECRETS = ("Secret.123", "geheim~1", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "of the environment")


@pytest.fixture
def files(there):
    """A directory with every file that holds a credential."""
    texts = {"pw": SECRETS[0], "secret": SECRETS[1], "token": SECRETS[2]}
    for name, text in texts.items():
        (there / name).write_text(f"{text}\n")
        (there / name).chmod(0o600)
    (there / "c.pem").chmod(0o600)
    return there


@pytest.fixture
def parse(files):
    """`parse(*arguments, **environ)` -> Options."""

    def run(*arguments, **environ):
        mailbox = [] if "-m" in arguments else ["-m", "a@b.example"]
        return parsed([*mailbox, *arguments], {"HOME": "/h", **environ})

    return run


@pytest.fixture
def complaint(parse):
    """The same for what is refused: the words of the refusal, in which no secret shows."""

    def run(*arguments, **environ):
        with pytest.raises(UsageError) as caught:
            parse(*arguments, **environ)
        assert not any(secret in repr(caught.value) for secret in SECRETS)
        return str(caught.value)

    return run


# What gives a credential of which kind.


@pytest.mark.parametrize("option", KINDS)
def test_each_kind_of_credential(parse, option):
    words, kind = KINDS[option]
    options = parse(*TENANT, *words)
    assert isinstance(options.credential, kind)
    assert options.login is None
    assert (options.certificate is None) is (option != "--certificate")
    assert not any(secret in repr(options) for secret in SECRETS)
    assert options.client_id == ("" if option == "--managed-identity" else "id-1")


def test_what_each_credential_holds(parse):
    found = {option: parse(*TENANT, *words).credential for option, (words, _) in KINDS.items()}
    assert found["--certificate"].path == "c.pem"
    assert found["--client-secret-file"].secret.reveal() == "geheim~1"
    user = found["--username"]
    assert (user.username, user.password.reveal()) == ("probe@contoso.com", "Secret.123")
    assert found["--managed-identity"] == ManagedIdentity("", "http://169.254.169.254")
    federated = found["--federated-token-file"]
    assert (federated.path, federated.token.reveal()) == ("token", SECRETS[2])


@pytest.mark.parametrize("pair", itertools.combinations(KINDS, 2), ids="+".join)
def test_two_kinds_are_refused_by_both_names(complaint, pair):
    words = [word for option in reversed(pair) for word in KINDS[option][0]]
    text = f"{pair[0]} and {pair[1]} are two credentials; give one of them"
    way = "(the value none switches one of an ini section off)"
    assert complaint(*TENANT, *words) == f"{text} {way}"


@pytest.mark.parametrize("pair", itertools.permutations(KINDS, 2), ids="+".join)
def test_none_takes_a_kind_back(parse, files, pair):
    """From an ini, and on the same command line."""
    kept, other = pair
    lines = [f"{word[2:]} =" for word in KINDS[other][0] if word.startswith("--")]
    if other == "--username":
        lines = ["username = probe", "password-file = pw"]
    elif other != "--managed-identity":
        lines = [f"{lines[0]} {KINDS[other][0][1]}"]
    (files / "i.ini").write_text("\n".join(["[s]", *lines, ""]))
    back = [f"{other}=none", *(["--password-file=none"] if other == "--username" else [])]
    words = ("--extra-opts=s@i.ini", *TENANT, *back, *KINDS[kept][0])
    assert isinstance(parse(*words).credential, KINDS[kept][1])


def test_everything_none_is_no_credential(complaint):
    words = [f"{option}=NONE" for option in KINDS]
    text = "no certificate for contoso.example: run check_mapi_connectivity_setup, or give --cert"
    assert complaint(*TENANT, *words).startswith(text)


def test_a_tenant_without_its_domain(complaint):
    assert complaint("--tenant", "contoso") == (
        "no certificate for contoso: give --tenant a whole domain, e.g. contoso.onmicrosoft.com, or a "
        "GUID"
    )


def test_client_id_is_wanted_but_for_managed_identities(complaint, parse):
    tenant = ("--tenant", "contoso.example")
    missing = "--client-id is missing: give the application (client) id of the app registration"
    for option in ("--certificate", "--client-secret-file", "--federated-token-file"):
        assert complaint(*tenant, *KINDS[option][0]) == missing
    for method in ("graph", "mapi"):
        assert complaint(*tenant, *USER, "--method", method) == missing
    assert parse(*tenant, "--managed-identity").client_id == ""
    # Microsoft's own app, which every tenant knows, may run cmdlets and nothing else.
    assert parse(*tenant, *USER).client_id == MODULE_CLIENT_ID
    assert complaint(*tenant, *USER, "--method", "cmdlet", "--method", "graph") == missing


# Managed identities.


@pytest.mark.parametrize(
    ("words", "client"),
    [
        (("--managed-identity",), ""),
        (("--managed-identity=system",), ""),
        (("--managed-identity", MANAGED), MANAGED),
        (("--managed-identity", "True"), ""),
        (("--managed-identity=yes",), ""),
        (("--managed-identity=1",), ""),
    ],
)
def test_managed_identity(parse, words, client):
    options = parse(*words)
    assert options.credential == ManagedIdentity(client, "http://169.254.169.254")
    assert (options.tenant, options.client_id) == ("", "")
    assert parse("--tenant", "t.example", *words).tenant == "t.example"


def test_where_the_metadata_service_is(parse, complaint):
    def url(*arguments, **environ):
        return parse("--managed-identity", *arguments, **environ).credential.url

    variable = {credentials.IMDS_VARIABLE: "http://10.1.2.3:8080/"}
    assert url(**variable) == "http://10.1.2.3:8080"
    assert url("--imds-url", "http://[::1]:81/", **variable) == "http://[::1]:81"
    assert url("--imds-url", "none") == "http://169.254.169.254"
    for odd in ("169.254.169.254", "ftp://h", "http://h/path", "http://u:p@h", "http://h?x"):
        text = "its value is not a URL like http://169.254.169.254"
        assert complaint("--managed-identity", "--imds-url", odd) == f"--imds-url: {text}"
        environ = {credentials.IMDS_VARIABLE: odd}
        assert complaint("--managed-identity", **environ) == f"{credentials.IMDS_VARIABLE}: {text}"
    # Nobody looks at the variable for another credential.
    words = KINDS["--certificate"][0]
    assert parse(*TENANT, *words, **{credentials.IMDS_VARIABLE: "?"}).certificate.path == "c.pem"


@pytest.mark.parametrize("word", ["false", "No", "0", "none"])
def test_no_managed_identity(parse, word):
    words = KINDS["--certificate"][0]
    assert parse(*TENANT, *words, f"--managed-identity={word}").certificate.path == "c.pem"


@pytest.mark.parametrize("word", ["a b", "maybe", "on", "2", MANAGED[:-1]])
def test_managed_identity_that_is_no_id(complaint, word):
    text = f"--managed-identity: {word} is neither a client id (a GUID) nor true or false"
    assert complaint("--managed-identity", word) == text


def test_managed_identity_without_a_word(complaint):
    assert complaint("--managed-identity=").startswith("--tenant is missing: ")


# Tokens of another issuer.


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_federated_token_open_to_others(complaint, files, mode):
    (files / "token").chmod(mode)
    text = f"token holds a secret and is open to all users (mode {mode:04o}); chmod 640 token"
    words = KINDS["--federated-token-file"][0]
    assert complaint(*TENANT, *words) == f"--federated-token-file: {text}"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_federated_token_of_a_good_mode(parse, files, mode):
    (files / "token").chmod(mode)
    found = parse(*TENANT, *KINDS["--federated-token-file"][0]).credential
    assert found.token.reveal() == SECRETS[2]


@pytest.mark.parametrize("data", [b"", b"\n", b"a b", b"a\nb\n", b"a\x00", "\u20ac".encode()])
def test_federated_token_that_is_none(complaint, files, data):
    (files / "token").write_bytes(data)
    text = "--federated-token-file: token holds no token, or more than one"
    assert complaint(*TENANT, *KINDS["--federated-token-file"][0]) == text


# Secrets of the environment.


@pytest.mark.parametrize("option", KINDS)
def test_client_secret_of_the_environment_gives_way(parse, option):
    words, kind = KINDS[option]
    found = parse(*TENANT, *words, MAPI_CLIENT_SECRET="of the environment")
    assert isinstance(found.credential, kind)
    assert "of the environment" not in repr(found)
    if option == "--client-secret-file":
        assert found.credential.secret.reveal() == "geheim~1"


def test_client_secret_of_the_environment_alone(parse, complaint, files):
    found = parse(*TENANT, MAPI_CLIENT_SECRET="of the environment").credential
    assert found.secret.reveal() == "of the environment"
    # Without a client id it is nobody's.
    text = complaint("--tenant", "contoso.example", MAPI_CLIENT_SECRET="of the environment")
    assert text.startswith("no certificate for contoso.example: ")
    # The tenant's own certificate comes first.
    directory = files / "etc" / "contoso.example"
    directory.mkdir(parents=True)
    (directory / "certificate.pem").write_bytes((files / "c.pem").read_bytes())
    found = parse(*TENANT, MAPI_CLIENT_SECRET="of the environment")
    assert found.certificate.path == str(directory / "certificate.pem")


@pytest.mark.parametrize("option", [*KINDS, None])
def test_no_secret_stays_in_the_environment(files, option):
    environ = dict.fromkeys(ENVIRONMENT_SECRETS.values(), "of the environment")
    assert len(environ) == 5
    words = KINDS[option][0] if option else ()
    environ["X"] = "y"
    parsed([*TENANT, "-m", "a@b.example", *words], environ)
    assert environ == {"X": "y"}


def test_secret_that_is_no_text(complaint):
    odd = os.fsdecode(b"\xff\xfe")
    text = "MAPI_CLIENT_SECRET is not UTF-8 text"
    assert complaint(*TENANT, MAPI_CLIENT_SECRET=odd) == text


def test_client_secret_from_an_ini(parse, complaint, files):
    (files / "i.ini").write_text("[s]\nclient-secret = geheim~1\n")
    (files / "i.ini").chmod(0o600)
    found = parse("--extra-opts=s@i.ini", *TENANT, MAPI_CLIENT_SECRET="of the environment")
    assert found.credential.secret.reveal() == "geheim~1"
    (files / "i.ini").chmod(0o644)
    assert complaint("--extra-opts=s@i.ini", *TENANT).startswith("ini line 2: i.ini holds a ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            KINDS["--client-secret-file"][0],
            "--ask-password and --client-secret-file exclude each other; give one of them (the "
            "value none switches one of an ini section off)",
        ),
        (
            USER,
            "--ask-password and --password-file exclude each other; give one of them (the value "
            "none switches one of an ini section off)",
        ),
        (
            (*KINDS["--certificate"][0], "--certificate-passphrase-file", "pw"),
            "--ask-password and --certificate-passphrase-file exclude each other; give one of "
            "them (the value none switches one of an ini section off)",
        ),
        ((), "client secret of id-1: there is no terminal to ask on; give it in a file"),
        (
            USER[:2],
            "password of probe@contoso.com: there is no terminal to ask on; give it in a file",
        ),
    ],
)
def test_ask_password_excludes_files_and_wants_a_terminal(complaint, monkeypatch, words, text):
    monkeypatch.setattr(os, "isatty", lambda _: False)
    assert complaint(*TENANT, *words, "--ask-password") == text


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        (USER[:2], "password of probe@contoso.com"),
        (KINDS["--certificate"][0], "passphrase of c.pem"),
        ((), "client secret of id-1"),
    ],
)
def test_what_is_asked_for(parse, monkeypatch, words, asked_for):
    asked = []
    monkeypatch.setattr(secrets, "ask", lambda what: asked.append(what) or "typed in")
    environ = dict.fromkeys(ENVIRONMENT_SECRETS.values(), "of the environment")
    options = parse(*TENANT, *words, "--ask-password", **environ)
    found = options.credential
    if isinstance(found, CertificateFiles):
        secret = found.passphrase
    else:
        secret = found.password if isinstance(found, UserPassword) else found.secret
    assert (asked, secret.reveal()) == ([asked_for], "typed in")
    assert options.waited > 0
    assert "typed in" not in repr(options)


REFUSED = [
    (
        [*TENANT, "-l", "probe"],
        "no password for probe: give --password-file, password in an ini section, or the "
        "environment variable MAPI_PASSWORD",
    ),
    (
        [*TENANT, *USER, "--auth", "ntlm"],
        "--auth and --tenant exclude each other: --auth is for the logon at an Exchange Server, --tenant "
        "for the sign-in at Entra",
    ),
    (
        [*TENANT, "--password-file", "pw"],
        "--password-file needs --username, whose password it holds",
    ),
    (
        [*USER],
        "--username needs --method mapi; or give --tenant for Exchange Online",
    ),
    ([*TENANT, "--client-secret-file", "./gone"], "--client-secret-file: ./gone does not exist"),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(complaint, arguments, text):
    assert complaint(*arguments) == text


def test_a_tenant_and_a_user_sign_in_at_entra_by_any_method(parse):
    for method in ("cmdlet", "graph", "mapi"):
        options = parse(*TENANT, *USER, "--method", method)
        assert (options.tenant, options.client_id) == ("contoso.example", "id-1")
        assert (options.login, options.credential.username) == (None, "probe@contoso.com")


def test_a_token_in_place_of_its_file_is_not_shown(complaint):
    text = "there is no such file; it takes a file's path, never the secret itself"
    words = ("--client-id", "id-1", "--federated-token-file", "eyJhbGciOi.J9.abc")
    assert complaint(*TENANT, *words) == f"--federated-token-file: {text}"
