"""End to end: every credential, by every section of the practice tenant's `plugin.ini`."""

from __future__ import annotations

import re
import time

import pytest

from ..conftest import GRACE
from ..support.odd_proxy import OddProxy
from ..support.ways import expected
from ..tenant.material import CLIENT_IDS, DOMAIN, private_file

HEALTHY, FEDERATED = f"healthy@{DOMAIN}", f"federated@{DOMAIN}"

CONFIGURATION, REALM, TOKEN = "openid-configuration", HEALTHY, "token"
#: What a sign-in asks for, by the credential.
APP = [CONFIGURATION, TOKEN]
USER = [CONFIGURATION, REALM, TOKEN]
ADFS = [CONFIGURATION, FEDERATED, "mex", "usernamemixed", TOKEN]
#: What a method asks for.
SERVICE = {
    "cmdlet": ["InvokeCommand"],
    "graph": ["messages"],
    "mapi": ["autodiscover.xml", *["/mapi/emsmdb/"] * 3],
}

#: Section -> method, what the sign-in asks for.
SECTIONS = {
    "cmdlet-secret": ("cmdlet", APP),
    "cmdlet-password": ("cmdlet", USER),
    "cmdlet-password-module": ("cmdlet", USER),
    "cmdlet-federated-user": ("cmdlet", ADFS),
    "cmdlet-managed": ("cmdlet", [TOKEN]),
    "cmdlet-managed-user": ("cmdlet", [TOKEN]),
    "cmdlet-federated": ("cmdlet", APP),
    "graph": ("graph", APP),
    "graph-secret": ("graph", APP),
    "graph-password": ("graph", USER),
    "graph-federated-user": ("graph", ADFS),
    "graph-managed": ("graph", [TOKEN]),
    "graph-managed-user": ("graph", [TOKEN]),
    "graph-federated": ("graph", APP),
    "mapi-bearer": ("mapi", USER),
    "mapi-federated-user": ("mapi", ADFS),
}
#: Those that are run twice.
AGAIN = ("cmdlet-secret", "cmdlet-federated-user", "graph-managed-user", "mapi-bearer")
#: Those that other files run: test_e2e_success, test_e2e_mapi, test_e2e_clouds, test_e2e_methods, test_e2e_many.
ELSEWHERE = {
    *("cmdlet", "cmdlet-key", "cmdlet-locked", "cmdlet-pfx", "cmdlet-pfx-locked", "cmdlet-archive"),
    *("mapi", "mapi-url", "mapi-auto", "gcc-high", "gcc-high-graph", "methods", "methods-user"),
    *("many-cmdlet", "many-graph", "many-mapi"),
}


def test_every_section_is_run(tenant):
    found = re.findall(r"^\[(.+)\]$", tenant.ini.read_text(), re.MULTILINE)
    assert set(found) == {*SECTIONS, *ELSEWHERE}
    assert len(found) == len(SECTIONS) + len(ELSEWHERE)


@pytest.mark.parametrize("section", SECTIONS)
def test_section(way, section):
    method, sign_in = SECTIONS[section]
    managed, days = "-managed" in section, {"days": section == "graph"}
    if section.endswith("-secret"):
        days["secret"] = "U"
    values = {"inbox_items": "3" if "federated-user" in section else "8"}
    values = {} if method == "cmdlet" else values
    first = {**values, "service": "reached" if managed else "kept"}
    again = {**values, "time_token": "0s", "service": "reached"}
    if method == "mapi":
        again["time_autodiscover"] = "0s"
    user = FEDERATED if "federated-user" in section else HEALTHY
    listed = "0.041s" if method == "cmdlet" else "#s"
    line = f"MAPI OK - {user}: Inbox listed in {listed} ({method})"

    run = way(section)
    assert (run.line, run.code, run.stderr) == (line, 0, "")
    assert run.perfdata == expected(method, **first, **days)
    assert run.paths == sign_in + SERVICE[method]
    assert (run.tokens, run.connections) == (1, 1)

    if section not in AGAIN:
        return
    # The next run has its token from the cache, and knows where the mailbox is.
    run = way(section)
    assert (run.line, run.code, run.stderr) == (line, 0, "")
    assert run.perfdata == expected(method, **again, **days)
    assert run.paths == [path for path in SERVICE[method] if path != "autodiscover.xml"]
    assert (run.tokens, run.connections) == (0, 1)


@pytest.fixture
def file(tmp_path):
    """`file(text)` -> a private file that holds it."""
    return lambda text: private_file(tmp_path / "given", f"{text}\n".encode())


def refused(run, text, *, state="UNKNOWN", method="cmdlet", **values):
    """Assert that the sign-in ended with this line and nothing else was tried."""
    code = {"UNKNOWN": 3, "CRITICAL": 2}[state]
    assert (run.line, run.code, run.stderr) == (f"MAPI {state} - {text}", code, "")
    assert run.perfdata == expected(method, ok=False, **values)
    assert not {"InvokeCommand", "messages"} & set(run.paths)


REFUSED_SECRETS = [
    (
        "Not.The.Secret",
        "monitor",
        "client secret is wrong (AADSTS7000215); copy the secret's value, not its id",
    ),
    (
        None,
        "secret-expired",
        "client secret has expired (AADSTS7000222); make a new one, or use a certificate",
    ),
]


@pytest.mark.parametrize(("secret", "app", "text"), REFUSED_SECRETS)
def test_refused_secret(way, tenant, file, secret, app, text):
    path = file(secret or tenant.material.secret)
    run = way("cmdlet-secret", "--client-id", CLIENT_IDS[app], "--client-secret-file", path)
    refused(run, f"sign-in refused: {text}", secret="U")
    assert run.paths == APP


REFUSED_USERS = {
    "mfa": "sign-in refused: multi-factor authentication is demanded (AADSTS50076); use a "
    "certificate",
    "locked": "sign-in refused: account is locked, or this host's address is blocked; see "
    "Entra's sign-in log",
    "expired": "sign-in refused: password has expired (AADSTS50055); set a new password; one "
    "that does not expire",
    "nobody": "sign-in refused: user is unknown in this tenant (AADSTS50034); check user name and "
    "--tenant",
}


@pytest.mark.parametrize("user", REFUSED_USERS)
def test_refused_user(way, tenant, user):
    run = way("cmdlet-password", "-l", f"{user}@{DOMAIN}")
    refused(run, REFUSED_USERS[user])
    assert tenant.entra.password_tries == [(f"{user}@{DOMAIN}", user != "nobody")]
    assert "Microsoft will retire the sign-in with user name and password" in run.words


@pytest.mark.parametrize("user", ["healthy", "federated"])
def test_wrong_password_rests_until_it_is_corrected(way, tenant, file, user):
    section = {"healthy": "password", "federated": "federated-user"}[user]
    text = {
        "healthy": "user name or password is wrong (AADSTS50126); correct the password",
        "federated": "federation server 127.0.0.1 refuses user federated@practice.example; check "
        "the password",
    }[user]
    wrong = ("--password-file", file("Not.The.Password"))
    tries = tenant.entra.password_tries
    refused(way(f"cmdlet-{section}", *wrong), f"sign-in refused: {text}")
    assert tries == [(f"{user}@{DOMAIN}", False)]
    # Not again within a minute, by whatever method.
    for method in ("cmdlet", "graph") if user == "healthy" else ("graph",):
        run = way(f"{method}-{section}", *wrong)
        # The lead leaves less room.
        rest = {
            "healthy": "user name or password is wrong; correct the password",
            "federated": "federation server 127.0.0.1 refuses... (FailedAuthentication)",
        }[user]
        refused(run, f"not tested: another run's sign-in failed: {rest}", method=method)
        assert (run.requests, run.connections) == ([], 0)
        assert re.search(
            r"  in full       sent \d+s ago, not sent again within 60s\. ", run.diagnosis
        )
    assert len(tries) == 1
    right = way(f"cmdlet-{section}")
    assert (right.code, right.tokens) == (0, 1)
    assert tries[1:] == [(f"{user}@{DOMAIN}", True)]


def test_federation_server_that_nobody_listens_at(way, tenant):
    run = way("cmdlet-federated-user", "-l", f"federated-down@{DOMAIN}")
    text = "sign-in failed: federation server 127.0.0.1 port 1: connection refused; check name, port and firewall"
    refused(run, text, state="CRITICAL")
    assert ": kind connect\n" in run.diagnosis
    assert tenant.entra.password_tries == []


@pytest.mark.parametrize(
    ("fault", "state", "text", "kind"),
    [
        (
            "http-503",
            "CRITICAL",
            "failed: federation server 127.0.0.1 is unavailable (HTTP 503); check that server",
            "server",
        ),
        (
            "html-200",
            "UNKNOWN",
            "refused: federation server 127.0.0.1 answers, but not in WS-Trust; run "
            "Get-AdfsEndpoint",
            "credential",
        ),
    ],
)
def test_federation_server_in_trouble(way, tenant, fault, state, text, kind):
    tenant.faults.on("adfs", fault)
    run = way("cmdlet-federated-user")
    refused(run, f"sign-in {text}", state=state)
    assert f": kind {kind}\n" in run.diagnosis
    assert tenant.entra.password_tries == []


REFUSED_TOKENS = [
    (
        {"exp": 1_000_000_000},
        "signed assertion is too old or not yet valid; check this host's clock (NTP)",
    ),
    (
        {"iss": "https://elsewhere.example"},
        "no federated credential of the app has this token's issuer (AADSTS700211)",
    ),
    (
        {"sub": "other"},
        "no federated credential of the app has this token's subject (AADSTS700213)",
    ),
]


@pytest.mark.parametrize(("claims", "text"), REFUSED_TOKENS)
def test_refused_federated_token(way, tenant, file, claims, text):
    token = tenant.material.federated_token(**claims)
    run = way("cmdlet-federated", "--federated-token-file", file(token))
    refused(run, f"sign-in refused: {text}")
    assert run.paths == APP
    assert token[:40] not in run.stdout


def test_no_such_managed_identity(way, tenant):
    stranger = CLIENT_IDS["monitor"]
    run = way("cmdlet-managed", f"--managed-identity={stranger}")
    text = f"this VM has no managed identity {stranger} (invalid_request)"
    refused(run, f"sign-in refused: {text}")
    tenant.imds_identity = False
    run = way("cmdlet-managed")
    refused(
        run,
        "sign-in refused: this VM has no managed identity (invalid_request); give it one in the "
        "portal",
    )
    assert (
        "  remedy        give it one in the portal; the VM, Security, Identity\n" in run.diagnosis
    )
    assert (run.paths, run.connections) == ([TOKEN], 0)


def test_no_metadata_service(way, tenant):
    run = way("cmdlet-managed", "--imds-url", "http://127.0.0.1:1")
    nobody = "sign-in failed: the monitoring host has no Azure managed identity; set the check to use a certificate"
    refused(run, nobody)
    assert (
        "  in full       http://127.0.0.1:1: 127.0.0.1 port 1: connection refused" in run.diagnosis
    )
    tenant.faults.on("imds", "silent")
    begun = time.monotonic()
    run = way("cmdlet-managed", "-t", "6")
    refused(run, nobody)
    # It waits for half of the time, no longer.
    assert time.monotonic() - begun < 3 + GRACE
    tenant.faults.on("imds", "html-200")
    text = "127.0.0.1 answers, but not as Azure's metadata service (HTTP 200); use a certificate"
    refused(way("cmdlet-managed"), f"sign-in failed: {text}", state="CRITICAL")


def test_managed_identity_never_through_a_proxy(way, tenant):
    through = OddProxy(OddProxy.relay)
    url = f"http://{through.address}"
    variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "ALL_PROXY"), url)
    try:
        runs = [
            way("cmdlet-managed", **variables),
            way("graph-managed", "--proxy", url, **variables),
        ]
    finally:
        through.close()
    for run in runs:
        assert (run.code, run.tokens) == (0, 1)
        _, path, headers, _ = run.requests[0]
        assert path == "/metadata/identity/oauth2/token"
        assert headers["metadata"] == "true"
        assert "authorization" not in headers
        assert run.values()["time_proxy"] == "#s"
    # The service was spoken to through it, and that alone.
    heads = [head.partition("\r\n")[0] for head in through.seen]
    assert heads == [f"CONNECT 127.0.0.1:{tenant.port} HTTP/1.1"] * 2


TWO = "{} and {} are two credentials; give one of them (the value none switches one of an ini section off)"


@pytest.mark.parametrize(
    ("section", "arguments", "first", "second"),
    [
        ("cmdlet", ["--client-secret-file", "secret"], "--certificate", "--client-secret-file"),
        ("cmdlet", ["--managed-identity"], "--certificate", "--managed-identity"),
        ("cmdlet-secret", ["-l", HEALTHY], "--client-secret-file", "--username"),
        (
            "graph-managed",
            ["--federated-token-file", "token"],
            "--managed-identity",
            "--federated-token-file",
        ),
    ],
)
def test_two_credentials_at_once(way, section, arguments, first, second):
    run = way(section, *arguments)
    assert (run.code, run.stderr, run.requests) == (3, "", [])
    assert run.diagnosis == f"  {TWO.format(first, second)}\n"
    assert run.line.startswith(f"MAPI UNKNOWN - {first} and {second} are two credentials; give one")


def test_none_is_not_given(way, tenant):
    nothing = ("-l", "none", "--password-file", "None", "--managed-identity=none")
    more = ("--client-secret-file", "NONE", "--federated-token-file", "none")
    run = way("cmdlet", *nothing, *more)
    assert (run.code, run.perfdata) == (0, expected("cmdlet", days=True))
    # Taken back, and another given: from the environment only where nothing else is.
    secret = {"MAPI_CLIENT_SECRET": tenant.material.secret}
    run = way("cmdlet-secret", "--client-secret-file", "none", **secret)
    assert (run.code, run.perfdata) == (0, expected("cmdlet", secret="U"))
    run = way("cmdlet", "--no-cache", MAPI_CLIENT_SECRET="Not.The.Secret", MAPI_PASSWORD="Not.It")
    assert (run.code, run.perfdata) == (0, expected("cmdlet", days=True))
