"""End to end: `--sign-in-only`, a token and the tenant's own document and no mailbox."""

from __future__ import annotations

import json

import pytest

from check_mapi_connectivity import options, probe

from ..support.ways import masked
from .test_library import given

CONFIGURATION, REALM, TOKEN = "openid-configuration", "healthy@practice.example", "token"
APP, USER = [CONFIGURATION, TOKEN], [CONFIGURATION, REALM, TOKEN]
ADFS = [CONFIGURATION, "federated@practice.example", "mex", "usernamemixed", TOKEN]

#: Section -> what is asked for where the cache is empty.
SECTIONS = {
    "cmdlet": APP,
    "cmdlet-secret": APP,
    "cmdlet-password": USER,
    "cmdlet-password-module": USER,
    "cmdlet-federated-user": ADFS,
    "cmdlet-federated": APP,
    "cmdlet-managed": [TOKEN, CONFIGURATION],
    "graph": APP,
    "graph-password": USER,
    "graph-managed-user": [TOKEN, CONFIGURATION],
    "methods": APP,
    "many-cmdlet": APP,
}


def labels(signed_in=1, token="#s", total="#s", days=True, secret=False):
    """The whole performance data, as `masked` shows it."""
    ended = " certificate_days=#;30:;7:" if days else ""
    ended = " secret_days=U" if secret else ended
    return f"sign_in={signed_in};;;0;1 time_token={token} total_time={total}{ended}"


def line(run):
    """The first line, times as `#`."""
    return masked(run.line)


@pytest.fixture
def alone(way, tenant):
    """`alone(section, *arguments)`: the sign-in of a section alone."""
    return lambda section, *arguments: way(
        section, "--sign-in-only", f"--authority-url={tenant.url}", *arguments
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_every_credential_signs_in(alone, section):
    days = section in ("cmdlet", "graph", "methods", "many-cmdlet")
    secret = section == "cmdlet-secret"
    run = alone(section)
    assert (run.line[:24], run.code, run.stderr) == ("MAPI OK - sign-in works ", 0, "")
    assert run.perfdata == labels(days=days, secret=secret)
    assert run.paths == SECTIONS[section]
    assert "Inbox" not in run.stdout and "healthy" not in run.stdout.replace(f"user {REALM}", "")

    # The token is kept for the mailboxes, and theirs for it; the document is asked for anew.
    again = alone(section)
    assert (again.line[-22:], again.code) == (", token from the cache)"[1:], 0)
    assert again.perfdata == labels(token="0s", days=days, secret=secret)
    assert again.paths == [CONFIGURATION]


def test_a_token_of_the_mailboxes_serves(way, alone):
    way("graph")
    assert alone("graph").paths == [CONFIGURATION]
    assert alone("cmdlet").paths == APP
    assert way("cmdlet").paths == ["InvokeCommand"]


FAULTS = {
    "http-503": "CRITICAL - 127.0.0.1 answers with an error page (HTTP 503)",
    "http-429": "UNKNOWN - Entra throttles this check (HTTP 429)",
    "html-200": "CRITICAL - 127.0.0.1 answers, but not as Entra (HTTP 200)",
    "http-404": "CRITICAL - 127.0.0.1 answers, but not as Entra (HTTP 404)",
    "close": "CRITICAL - 127.0.0.1",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kept_token_does_not_hide_what_entra_has(alone, tenant, fault):
    alone("cmdlet")
    tenant.faults.on("discovery", fault)
    run = alone("cmdlet", "-t", "8")
    assert run.line.startswith(f"MAPI {FAULTS[fault]}")
    assert run.perfdata == labels(0, token="0s")


REFUSALS = {
    ("cmdlet", "aadsts-700027"): "UNKNOWN - sign-in refused: Entra does not know this certificate",
    ("cmdlet", "aadsts-90002"): "UNKNOWN - sign-in refused: ",
    ("graph", "http-503"): "CRITICAL - sign-in failed: ",
}


@pytest.mark.parametrize(("section", "fault"), REFUSALS)
def test_a_refusal_is_what_it_is_for_mailboxes(alone, way, tenant, section, fault):
    tenant.faults.on("token", fault)
    run, mailbox = alone(section), way(section)
    assert run.line.startswith(f"MAPI {REFUSALS[section, fault]}")
    assert (run.line, run.code) == (mailbox.line, mailbox.code)
    assert run.perfdata == labels(0)


def test_limits_and_states(alone, tenant):
    slow = alone("cmdlet-secret", "-w", "0.00001", "--critical-for", "sign_in=1:")
    assert slow.code == 1 and "total_time" in slow.line
    assert slow.perfdata == "sign_in=1;;1:;0;1 time_token=#s total_time=#s;0.00001 secret_days=U"
    tenant.faults.on("token", "aadsts-7000215")
    run = alone("cmdlet-secret", "--no-cache", "--state", "credential=CRITICAL")
    assert (run.code, run.perfdata) == (2, labels(0, secret=True))


@pytest.mark.parametrize(
    "option",
    [
        "-m=a@b.example",
        "--mailbox-file=/nowhere",
        "--archive",
        "--address-book",
        "--address=127.0.0.1",
        "--each-address",
    ],
)
def test_a_mailbox_beside_it_is_no_test_of_it(alone, option):
    name = {"-m": "--mailbox"}.get(option.partition("=")[0], option.partition("=")[0])
    run = alone("cmdlet", *option.replace("-m=", "-m ").split())
    text = f"--sign-in-only tests no mailbox: leave out {name}, or --sign-in-only"
    assert (run.stdout, run.code) == (f"MAPI UNKNOWN - {text}\n", 3)
    assert run.requests == []


def test_it_is_fed_to_a_service_with_a_name_of_its_own(alone, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    feed = ("--submit=nagios", f"--submit-directory={spool}")
    run = alone("cmdlet", *feed, "--submit-service=mapi sign-in")
    assert (run.line, run.code) == ("MAPI OK - sign-in tested, 1 result submitted", 0)
    assert run.perfdata == "total_time=#s certificate_days=# submitted=1 refused=0"
    fed = "".join(path.read_text() for path in spool.iterdir())
    assert "service_description=mapi sign-in\n" in fed
    assert "output=MAPI OK - sign-in works (" in fed
    run = alone("cmdlet", *feed)
    text = (
        "--sign-in-only tests no mailbox: name its service by --submit-service, without {mailbox}"
    )
    assert (run.stdout, run.code) == (f"MAPI UNKNOWN - {text}\n", 3)


def test_an_exchange_server_has_no_sign_in(check):
    run = check("--sign-in-only", "--method", "mapi", "-H", "mail.contoso.com", "-l", "a@b.example")
    text = "--sign-in-only needs --tenant; an Exchange Server has no sign-in of its own to test"
    assert (run.stdout, run.code) == (f"MAPI UNKNOWN - {text}\n", 3)


def test_the_document_and_a_recording_of_it(alone, check, tmp_path):
    told = tmp_path / "told.json"
    run = alone("cmdlet", "--record", told, "--redact-addresses", "--json")
    document = json.loads(run.stdout)
    [report] = document["reports"]
    assert (report["method"], report["mailbox"], report["success"]) == ("sign-in", None, True)
    assert report["facts"]["token"] == "fresh, for https://outlook.office365.com"
    again = check("--replay", told)
    first = again.stdout.partition("\n")[0].partition(" | ")
    assert (first[0][:24], masked(first[2]), again.code) == (
        "MAPI OK - sign-in works ",
        labels(),
        0,
    )


def test_from_python(tenant):
    own = {**given(tenant, "cmdlet"), "sign_in_only": True}
    del own["mailbox"]
    [report] = probe(options(**own))
    assert (report.mailbox, report.method, report.ok, report.seconds) == ("", "sign-in", True, None)
    assert report.times["sign-in request"] > 0
