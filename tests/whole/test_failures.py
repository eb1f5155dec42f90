"""End to end: every way a mailbox, the sign-in or the service can fail, as the whole first line,
perfdata and exit code.
"""

from __future__ import annotations

import json

import pytest

from ..conftest import perfdata
from ..tenant.faults import STATUSES
from ..tenant.material import CLIENT_IDS

STATES = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}

HOST = "127.0.0.1"

#: Fault at the admin API -> exit code, text, requests that Exchange saw, kind; all others are in
#: `test_golden`, without a token in the cache.
EXCHANGE = [
    (
        "http-401",
        3,
        "token was made for another host or service; check --cloud and host name",
        2,
        "permission",
    ),
    (
        "http-503",
        2,
        f"{HOST} answers with an error page (HTTP 503); check the proxy",
        2,
        "server",
    ),
    (
        "html-200",
        2,
        f"{HOST} answers, but not in JSON (HTTP 200); check the proxy",
        1,
        "protocol",
    ),
    (
        "close",
        2,
        f"{HOST} closes the connection, no answer; check the proxy, then the firewall",
        2,
        "connect",
    ),
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
    assert f": kind {kind}\n" in run.diagnosis
    assert "<" not in run.diagnosis


def test_limits_of_the_admin_api_are_told_where_it_names_them(cmdlet, tenant, monkeypatch):
    status, headers, *rest = STATUSES["http-429-wait-600"]
    # Names and forms of reference sheet exchange-online 1.8.
    told = {"Rate-Limit-Limit": "3000", "Rate-Limit-Reset": "2026-07-14T09:30:00Z"}
    answer = (status, {**headers, "Rate-Limit-Remaining": "0", **told}, *rest)
    monkeypatch.setitem(STATUSES, "http-429-wait-600", answer)
    tenant.faults.on("exchange", "http-429-wait-600")
    run = cmdlet()
    assert run.code == 3
    assert "  throttling    limit 3000, remaining 0, reset 2026-07-14T09:30:00Z\n" in run.diagnosis


def test_error_beside_a_row_shows_the_rows_own_result(cmdlet):
    run = cmdlet("error-beside", "-v")
    assert "  result        Success\n" in run.diagnosis
    assert "  in full       The directory could not be asked.\n" in run.diagnosis


def test_passing_fault_is_tried_once_more(cmdlet, tenant):
    tenant.faults.on("exchange", "http-503", times=1)
    run = cmdlet()
    assert run.line == "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)"
    assert f"first try: {HOST} answers with an error page; tried again after 0.25s" in run.diagnosis
    assert [path.endswith("token") for path in tenant.paths()].count(True) == 1


REFUSALS = [
    (
        ["--client-id", "5d1b7a3e-ffff-4c0e-8a52-000000000009"],
        "client id is unknown in this tenant (AADSTS700016); check --client-id and --tenant",
    ),
    (["--tenant", "nowhere.example"], "Entra knows no such tenant (AADSTS90002); check --tenant"),
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
    assert "  client-request-id " in run.diagnosis


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
        "  code          AADSTS700016, UnauthorizedClient_DoesNotMatchRequest\n"
        "  see           https://login.microsoftonline.com/error?code=700016\n"
    )
    assert told in run.diagnosis
    failure = json.loads(cmdlet("healthy", "--json").stdout)["reports"][0]["failure"]
    assert failure["name"] == "UnauthorizedClient_DoesNotMatchRequest"
    assert failure["link"] == "https://login.microsoftonline.com/error?code=700016"


def test_app_without_app_role(cmdlet):
    run = cmdlet("healthy", "--client-id", CLIENT_IDS["no-app-role"])
    text = "the token lacks the app role Exchange.ManageAsApp; grant Exchange.ManageAsApp"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - healthy@practice.example: {text}", 3)


def test_app_without_role_group_gets_nul_bytes_labelled_gzip(cmdlet):
    run = cmdlet("healthy", "--client-id", CLIENT_IDS["no-role-group"])
    text = "this identity may not run Test-MAPIConnectivity; add the app to a role group"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - healthy@practice.example: {text}", 3)
    assert "all NUL bytes" in run.diagnosis


@pytest.mark.parametrize("state", ["OK", "warning", "2", "UNKNOWN"])
def test_state_of_a_kind_can_be_chosen(cmdlet, state):
    run = cmdlet("offline", "--state", f"mailbox={state}")
    code = {"OK": 0, "warning": 1, "2": 2, "UNKNOWN": 3}[state]
    text = "mailbox database is offline (MapiExceptionMdbOffline); see M365 health"
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
    # What each says of itself fits into one line, or into two.
    assert abs(hostile.stdout.count("\n") - plain.stdout.count("\n")) <= 1
    assert hostile.stdout.count("|") == 1
    assert not set("<>\x1b\x00\u202e") & set(hostile.stdout)
