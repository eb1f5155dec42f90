"""End to end: every way a mailbox, the sign-in or the service can fail, as the whole first line,
perfdata and exit code.
"""

from __future__ import annotations

import json

import pytest

from .conftest import perfdata
from .tenant.material import CLIENT_IDS

STATES = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}

MAILBOXES = [
    ("offline", 2, "mailbox database is offline (MapiExceptionMdbOffline)", "mailbox"),
    ("moving", 1, "mailbox is being moved (MapiExceptionMailboxInTransit)", "mailbox (moving)"),
    ("moved", 1, "mailbox is being moved; wait for the move to end", "mailbox (moving)"),
    ("quarantined", 2, "mailbox is in quarantine (MapiExceptionMailboxQuarantined)", "mailbox"),
    ("no-access", 2, "logon to the mailbox is not permitted (MapiExceptionNoAccess)", "logon"),
    (
        "disabled",
        2,
        "store knows no such mailbox, or it is disabled (MapiExceptionUnknownUser)",
        "mailbox",
    ),
    (
        "network",
        2,
        "mailbox server is out of reach inside Exchange (MapiExceptionNetworkError)",
        "server",
    ),
    ("unexplained", 2, "Test-MAPIConnectivity says FAILURE without a reason", "logon"),
    ("enumerated", 2, "Exchange could not log on to the mailbox; see Exchange's own text", "logon"),
    ("empty", 2, "the answer holds no result (HTTP 200)", "protocol"),
    ("null-row", 2, "the answer holds no result (HTTP 200)", "protocol"),
    ("no-result", 2, "the answer's row holds no Result (HTTP 200)", "protocol"),
    ("error-beside", 2, "Exchange reports an error beside the result (@adminapi.errors)", "server"),
    ("error-only", 2, "Exchange reports an error and no result (@adminapi.errors)", "server"),
    (
        "busy",
        2,
        "Exchange is busy (ServerBusyException); wait for the next run, see service health",
        "server",
    ),
    ("transient", 2, "Exchange reports a passing fault (HTTP 400)", "server"),
    ("strange", 2, "Exchange could not run the cmdlet (StrangeException)", "server"),
    ("nobody", 2, "no such mailbox in this tenant (ManagementObjectNotFoundException)", "mailbox"),
    (
        "archive-only",
        2,
        "no such mailbox in this tenant (ManagementObjectNotFoundException)",
        "mailbox",
    ),
]


@pytest.mark.parametrize(
    ("mailbox", "code", "text", "kind"), MAILBOXES, ids=[row[0] for row in MAILBOXES]
)
def test_mailbox(cmdlet, mailbox, code, text, kind):
    run = cmdlet(mailbox)
    server = "0.041s" if mailbox in ("error-beside", "enumerated") else "U"
    line = f"MAPI {STATES[code]} - {mailbox}@practice.example: {text}"
    # The retried ones end with a kept connection too.
    assert (run.line, run.perfdata, run.code) == (
        line,
        perfdata(server=server, service="kept"),
        code,
    )
    assert f"  kind          {kind}\n" in run.diagnosis
    assert "  remedy        " in run.diagnosis
    assert run.stderr == ""


HOST = "127.0.0.1"
NOT_MICROSOFT = "what answers there is not the service"

#: Fault at the admin API -> exit code, text, requests that Exchange saw, kind.
EXCHANGE = [
    ("http-401", 3, "Exchange refuses the token (HTTP 401)", 2, "permission"),
    (
        "http-403-html",
        3,
        "the request is refused with a web page, by a gateway or by Exchange (HTTP 403)",
        1,
        "permission",
    ),
    (
        "http-404",
        2,
        f"{HOST} does not answer as Exchange's admin interface does (HTTP 404)",
        1,
        "protocol",
    ),
    (
        "http-405",
        2,
        f"{HOST} does not answer as Exchange's admin interface does (HTTP 405)",
        1,
        "protocol",
    ),
    ("http-429", 3, "Exchange throttles this check (HTTP 429)", 2, "throttled"),
    (
        "http-429-wait-1",
        3,
        "Exchange throttles this check and asks to wait 1s (HTTP 429)",
        2,
        "throttled",
    ),
    (
        "http-429-wait-600",
        3,
        "Exchange throttles this check and asks to wait 600s (HTTP 429)",
        1,
        "throttled",
    ),
    (
        "http-429-text",
        3,
        "Exchange throttles this check and asks to wait 500s (HTTP 429)",
        1,
        "throttled",
    ),
    ("http-500", 2, "Exchange answers: internal error (HTTP 500)", 1, "server"),
    ("http-502-html", 2, "Exchange answers: gateway error (HTTP 502)", 1, "server"),
    ("http-503", 2, "Exchange answers: unavailable (HTTP 503)", 2, "server"),
    (
        "http-503-wait-1",
        3,
        "Exchange throttles this check and asks to wait 1s (HTTP 503)",
        2,
        "throttled",
    ),
    (
        "http-503-wait-600",
        3,
        "Exchange throttles this check and asks to wait 600s (HTTP 503)",
        1,
        "throttled",
    ),
    ("http-503-garbage", 2, "Exchange answers: unavailable (HTTP 503)", 2, "server"),
    ("http-504", 2, "Exchange answers: gateway timeout (HTTP 504)", 2, "server"),
    (
        "redirect",
        2,
        f"{HOST} redirects to another address, which is not followed (HTTP 302)",
        1,
        "protocol",
    ),
    ("html-200", 2, f"{HOST} answers with what is no JSON (HTTP 200)", 1, "protocol"),
    ("empty-200", 2, f"{HOST} answers with what is no JSON (HTTP 200)", 1, "protocol"),
    ("garbage-json", 2, f"{HOST} answers with what is no JSON (HTTP 200)", 1, "protocol"),
    ("deep-json", 2, f"{HOST} answers with what is no JSON (HTTP 200)", 1, "protocol"),
    ("array-json", 2, "the answer is no JSON object (HTTP 200)", 1, "protocol"),
    (
        "wrong-encoding",
        2,
        "the answer's body is not what its encoding says (HTTP 200)",
        2,
        "protocol",
    ),
    ("redirect-bomb", 2, f"{HOST} sends more than 4 MiB; {NOT_MICROSOFT}", 1, "protocol"),
    ("json-bomb", 2, f"{HOST} answers with what is no JSON (HTTP 200)", 1, "protocol"),
    ("huge-body", 2, f"{HOST} sends more than 4 MiB; {NOT_MICROSOFT}", 1, "protocol"),
    ("gzip-bomb", 2, f"{HOST} sends more than 4 MiB; {NOT_MICROSOFT}", 1, "protocol"),
    ("many-headers", 2, f"{HOST} sends endless headers; {NOT_MICROSOFT}", 1, "protocol"),
    ("endless-headers", 2, f"{HOST} sends endless headers; {NOT_MICROSOFT}", 1, "protocol"),
    ("endless-continue", 2, f"{HOST} sends endless headers; {NOT_MICROSOFT}", 1, "protocol"),
    ("truncated", 2, f"{HOST} breaks off its answer after 9 bytes (HTTP 200)", 1, "protocol"),
    ("garbage", 2, f"{HOST} answers with what is no HTTP; {NOT_MICROSOFT}", 1, "protocol"),
    ("close", 2, f"{HOST} closes the connection without an answer", 2, "connect"),
]


@pytest.mark.parametrize(
    ("fault", "code", "text", "tries", "kind"), EXCHANGE, ids=[row[0] for row in EXCHANGE]
)
def test_exchange(cmdlet, tenant, fault, code, text, tries, kind):
    cmdlet()
    tenant.requests.clear()
    tenant.faults.on("exchange", fault)
    run = cmdlet("healthy", "-t", "10")
    line = f"MAPI {STATES[code]} - healthy@practice.example: {text}"
    assert (run.line, run.code, run.stderr) == (line, code, "")
    # The second try of a 401 and a 503 goes over a connection that is open already.
    phases = "kept" if fault == "http-401" or (tries == 2 and fault != "close") else "reached"
    token = "#s" if fault == "http-401" else "0s"
    assert run.perfdata == perfdata(token=token, service=phases)
    assert [path.endswith("InvokeCommand") for path in tenant.paths()].count(True) == tries
    assert f"  kind          {kind}\n" in run.diagnosis
    assert "<" not in run.diagnosis


def test_error_beside_a_row_shows_the_rows_own_result(cmdlet):
    run = cmdlet("error-beside")
    assert "  result        Success\n" in run.diagnosis
    assert "  in full       The directory could not be asked.\n" in run.diagnosis


def test_passing_fault_is_tried_once_more(cmdlet, tenant):
    tenant.faults.on("exchange", "http-503", times=1)
    run = cmdlet()
    assert run.line == "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)"
    assert "first try: Exchange answers: unavailable; tried again after 0.25s" in run.diagnosis
    assert [path.endswith("token") for path in tenant.paths()].count(True) == 1


#: Fault at Entra -> exit code, text, requests that Entra saw at that place.
SIGN_IN = [
    ("http-401", 2, f"{HOST} does not answer as Entra does (HTTP 401)", 1),
    ("http-404", 2, f"{HOST} does not answer as Entra does (HTTP 404)", 1),
    ("http-429-wait-600", 3, "Entra throttles this check and asks to wait 600s (HTTP 429)", 1),
    (
        "http-500",
        2,
        "Entra answers: internal error (HTTP 500); see the service health page of Microsoft 365",
        1,
    ),
    (
        "http-503",
        2,
        "Entra answers: unavailable (HTTP 503); see the service health page of Microsoft 365",
        2,
    ),
    ("redirect", 2, f"{HOST} redirects to another address, which is not followed (HTTP 302)", 1),
    ("html-200", 2, f"{HOST} does not answer as Entra does (HTTP 200)", 1),
    ("deep-json", 2, f"{HOST} does not answer as Entra does (HTTP 200)", 1),
    ("array-json", 2, f"{HOST} does not answer as Entra does (HTTP 200)", 1),
    ("no-token", 2, f"{HOST} does not answer as Entra does (HTTP 200)", 1),
    ("gzip-bomb", 2, f"{HOST} sends more than 4 MiB; {NOT_MICROSOFT}", 1),
    ("truncated", 2, f"{HOST} breaks off its answer after 9 bytes (HTTP 200)", 1),
    ("garbage", 2, f"{HOST} answers with what is no HTTP; {NOT_MICROSOFT}", 1),
]


@pytest.mark.parametrize("place", ["token", "discovery"])
@pytest.mark.parametrize(
    ("fault", "code", "text", "tries"), SIGN_IN, ids=[row[0] for row in SIGN_IN]
)
def test_sign_in(cmdlet, tenant, place, fault, code, text, tries):
    tenant.faults.on(place, fault)
    run = cmdlet("healthy", "-t", "10")
    line = f"MAPI {STATES[code]} - sign-in failed: {text}"
    assert (run.line, run.perfdata, run.code) == (line, perfdata(service="never"), code)
    end = "token" if place == "token" else "openid-configuration"
    assert [path.endswith(end) for path in tenant.paths()].count(True) == tries


REFUSALS = [
    (
        ["--client-id", "5d1b7a3e-ffff-4c0e-8a52-000000000009"],
        "client id is unknown in this tenant (AADSTS700016); check --client-id and --tenant",
    ),
    (["--tenant", "nowhere.example"], "Entra knows no such tenant (AADSTS90002)"),
    (
        ["--cloud", "dod"],
        "tenant has no Exchange Online under this name (AADSTS500011); use --cloud worldwide",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSALS)
def test_refused_sign_in_is_not_repeated(cmdlet, tenant, arguments, text):
    run = cmdlet("healthy", *arguments)
    assert (run.line, run.code) == (f"MAPI UNKNOWN - sign-in refused: {text}", 3)
    assert run.perfdata == perfdata(service="never")
    assert len(tenant.paths()) == len(set(tenant.paths()))
    assert "Correlation Id: " in run.diagnosis


def test_certificate_that_the_tenant_does_not_know(cmdlet, tenant):
    path = tenant.material.extra_certificate("stranger")
    run = cmdlet("healthy", "--certificate", path)
    text = "Entra does not know this certificate (AADSTS700027); upload it or check --client-id"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - sign-in refused: {text}", 3)


def test_a_code_is_shown_with_its_name_and_its_owners_page(cmdlet, tenant):
    tenant.faults.on("token", "aadsts-700016")
    run = cmdlet("healthy")
    line = "sign-in refused: client id is unknown in this tenant (AADSTS700016)"
    assert run.line.startswith(f"MAPI UNKNOWN - {line}")
    told = (
        "  code          AADSTS700016\n"
        "  name          UnauthorizedClient_DoesNotMatchRequest\n"
        "  see           https://login.microsoftonline.com/error?code=700016\n"
    )
    assert told in run.diagnosis
    failure = json.loads(cmdlet("healthy", "--json").stdout)["reports"][0]["failure"]
    assert failure["name"] == "UnauthorizedClient_DoesNotMatchRequest"
    assert failure["link"] == "https://login.microsoftonline.com/error?code=700016"


def test_app_without_app_role(cmdlet):
    run = cmdlet("healthy", "--client-id", CLIENT_IDS["no-app-role"])
    text = "the token lacks the app role Exchange.ManageAsApp (HTTP 401)"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - healthy@practice.example: {text}", 3)


def test_app_without_role_group_gets_nul_bytes_labelled_gzip(cmdlet):
    run = cmdlet("healthy", "--client-id", CLIENT_IDS["no-role-group"])
    text = "this identity may not run Test-MAPIConnectivity (HTTP 403)"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - healthy@practice.example: {text}", 3)
    assert "all NUL bytes" in run.diagnosis


@pytest.mark.parametrize("state", ["OK", "warning", "2", "UNKNOWN"])
def test_state_of_a_kind_can_be_chosen(cmdlet, state):
    run = cmdlet("offline", "--state", f"mailbox={state}")
    code = {"OK": 0, "warning": 1, "2": 2, "UNKNOWN": 3}[state]
    text = "mailbox database is offline (MapiExceptionMdbOffline)"
    assert (run.line, run.code) == (f"MAPI {STATES[code]} - offline@practice.example: {text}", code)
    assert run.perfdata == perfdata(service="kept")


def test_moving_has_a_state_of_its_own(cmdlet):
    assert cmdlet("moving", "--state", "mailbox=CRITICAL").code == 1
    assert cmdlet("moving", "--state", "moving=CRITICAL").code == 2


def test_hostile_texts_change_neither_lines_nor_perfdata(cmdlet):
    cmdlet()
    plain = cmdlet("offline")
    hostile = cmdlet("hostile")
    assert hostile.line.replace("hostile", "offline") == plain.line
    assert hostile.perfdata == plain.perfdata
    assert hostile.stdout.count("\n") == plain.stdout.count("\n")
    assert hostile.stdout.count("|") == 1
    assert not set("<>\x1b\x00\u202e") & set(hostile.stdout)
