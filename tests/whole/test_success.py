"""End to end: every way in, what a success says, and what it costs."""

from __future__ import annotations

import json
import re
import stat

import pytest

from ..conftest import perfdata
from ..tenant.material import CLIENT_IDS, PASSPHRASE, TENANT_ID, TENANT_NAME

GOOD = "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)"
COLD = perfdata(1, "0.041s", server="0.041s", service="kept")
WARM = perfdata(1, "0.041s", "0s", server="0.041s")

TOKEN = f"POST /{TENANT_ID}/oauth2/v2.0/token"
INVOKE = f"POST /adminapi/beta/{TENANT_ID}/InvokeCommand"
DISCOVERY = f"GET /{TENANT_NAME}/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "section", ["cmdlet", "cmdlet-key", "cmdlet-locked", "cmdlet-pfx", "cmdlet-pfx-locked"]
)
def test_every_form_of_certificate(cmdlet, section):
    run = cmdlet(section=section)
    assert (run.line, run.perfdata, run.code, run.stderr) == (GOOD, COLD, 0, "")


def test_archive(cmdlet, tenant):
    run = cmdlet("archive-only", section="cmdlet-archive")
    line = "MAPI OK - archive-only@practice.example: Inbox of the archive listed in 0.041s (cmdlet)"
    assert (run.line, run.perfdata, run.code) == (line, COLD, 0)
    assert json.loads(tenant.requests[-1][3])["CmdletInput"]["Parameters"]["Archive"] is True


def test_cold_run_then_warm_run(cmdlet, tenant):
    cold = cmdlet()
    assert (cold.line, cold.perfdata, cold.code) == (GOOD, COLD, 0)
    assert tenant.paths() == [DISCOVERY, TOKEN, INVOKE]
    tenant.requests.clear()
    tenant.connections = 0
    warm = cmdlet()
    assert (warm.line, warm.perfdata, warm.code) == (GOOD, WARM, 0)
    assert (tenant.paths(), tenant.connections) == ([INVOKE], 1)
    assert "(token from the cache)" in warm.diagnosis


def test_request_carries_what_the_interface_wants(cmdlet, tenant):
    cmdlet()
    _, _, headers, body = tenant.requests[-1]
    assert json.loads(body) == {
        "CmdletInput": {
            "CmdletName": "Test-MAPIConnectivity",
            "Parameters": {"Identity": "healthy@practice.example"},
        }
    }
    assert headers["content-type"] == headers["accept"] == "application/json"
    anchor = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT_ID}"
    assert headers["x-anchormailbox"] == anchor
    assert headers["x-responseformat"] == "json"
    assert headers["accept-encoding"] == "identity"
    assert all(request[2]["client-request-id"] for request in tenant.requests)


@pytest.mark.parametrize(
    ("mailbox", "seconds"),
    [
        ("object", "0.041"),
        ("lower", "0.041"),
        ("number", "0.041"),
        ("milliseconds", "0.041"),
        ("slow", "3.25"),
    ],
)
def test_encodings_of_result_and_latency(cmdlet, mailbox, seconds):
    run = cmdlet(mailbox)
    line = f"MAPI OK - {mailbox}@practice.example: Inbox listed in {float(seconds):.3f}s (cmdlet)"
    expected = perfdata(1, f"{seconds}s", server=f"{seconds}s", service="kept")
    assert (run.line, run.perfdata, run.code) == (line, expected, 0)


@pytest.mark.parametrize(
    ("mailbox", "note"),
    [
        (
            "no-latency",
            "Exchange reports no Latency; the connection time is the request's round trip",
        ),
        (
            "odd-latency",
            "Latency soon is unreadable; the connection time is the request's round trip",
        ),
    ],
)
def test_latency_that_cannot_be_read_does_not_spoil_a_success(cmdlet, mailbox, note):
    run = cmdlet(mailbox)
    values = run.values()
    assert run.code == 0
    assert values["connection_time"] == values["time_request"]
    assert values["time_server"] == "U"
    assert note in run.diagnosis


def test_warnings_of_exchange_reach_the_diagnosis(cmdlet):
    run = cmdlet("warned")
    assert run.code == 0
    assert "warning of Exchange: Results were truncated." in run.diagnosis
    assert "warning of Exchange: Seen in the header." in run.diagnosis


def test_diagnosis_names_everything(cmdlet):
    run = cmdlet("healthy", "-v")
    text = run.diagnosis
    for part in (
        "[OK] healthy@practice.example by cmdlet: Success",
        "mailbox       Practice Mailbox",
        "database      EURPR01DG042-db017",
        "server        AM0PR01MB4711",
        "latency       0.041s reported by Exchange, 0.0",
        "CN=check_mapi_connectivity probe, ends ",
        "SHA-1 ",
        "SHA-256 ",
        "client-request-id ",
        "X-BEServer    AM0PR01MB4711",
        "has not yet been seen on a live tenant",
        "proxy         none, direct connection",
        "options from  [cmdlet] of ",
    ):
        assert part in text
    assert all(len(line) <= 80 for line in text.split("\n") if "#" in line)


def test_diagnosis_can_be_switched_off(cmdlet):
    assert cmdlet("healthy", "--diagnosis", "off").diagnosis == ""


def test_verbose_shows_the_wire_without_secrets(cmdlet, tenant):
    run = cmdlet("healthy", "-vvv")
    token = tenant.requests[-1][2]["authorization"].split()[1]
    assertion = tenant.requests[1][3].decode().split("client_assertion=")[1].split("&")[0]
    assert "POST https://127.0.0.1" in run.diagnosis
    assert "Authorization: Bearer ***" in run.diagnosis
    assert '"access_token": "***"' in run.diagnosis
    assert "Test-MAPIConnectivity" in run.diagnosis
    for secret in (token, assertion, token[:30], assertion[:30], PASSPHRASE):
        assert secret not in run.stdout


def test_json_is_the_same_report(cmdlet):
    run = cmdlet("healthy", "--json")
    document = json.loads(run.stdout)
    report = document["reports"][0]
    assert run.code == document["exit_code"] == 0
    assert document["state"] == "OK"
    assert document["summary"] == GOOD[len("MAPI OK - ") :]
    assert (report["server"], report["database"]) == ("AM0PR01MB4711", "EURPR01DG042-db017")
    assert report["connection_time"] == report["server_latency"] == 0.041
    labels = [item["label"] for item in report["perfdata"]]
    assert labels == [item.split("=")[0] for item in COLD.split()]


@pytest.mark.parametrize(
    ("arguments", "line", "connection", "code"),
    [
        (
            ["-w", "2", "-c", "5"],
            "WARNING - slow@practice.example: Exchange itself took 3.250s: connection time "
            "3.250s is outside 0:2",
            "3.25s;2;5",
            1,
        ),
        (
            ["-w", "2", "-c", "3"],
            "CRITICAL - slow@practice.example: Exchange itself took 3.250s: connection time "
            "3.250s is outside 0:3",
            "3.25s;2;3",
            2,
        ),
        (
            ["-w", "0", "-c", "4:"],
            "CRITICAL - slow@practice.example: connection time 3.250s is outside 4:, Inbox "
            "listed in 3.250s (cmdlet)",
            "3.25s;0;4:",
            2,
        ),
        (
            ["-c", "@3:4"],
            "CRITICAL - slow@practice.example: connection time 3.250s is inside 3:4, Inbox "
            "listed in 3.250s (cmdlet)",
            "3.25s;;@3:4",
            2,
        ),
        (
            ["-c", "~:4.00001"],
            "OK - slow@practice.example: Inbox listed in 3.250s (cmdlet)",
            "3.25s;;~:4.00001",
            0,
        ),
        (
            ["--warning-for", "connection_time=1"],
            "WARNING - slow@practice.example: Exchange itself took 3.250s: connection time "
            "3.250s is outside 0:1",
            "3.25s;1",
            1,
        ),
        (
            ["--critical-for", "time_server=2:3"],
            "CRITICAL - slow@practice.example: time_server 3.250s is outside 2:3, Inbox "
            "listed in 3.250s (cmdlet)",
            "3.25s",
            2,
        ),
    ],
)
def test_thresholds(cmdlet, arguments, line, connection, code):
    run = cmdlet("slow", *arguments)
    server = "3.25s;;2:3" if "time_server=2:3" in arguments else "3.25s"
    expected = perfdata(1, connection, server=server, service="kept")
    assert (run.line, run.perfdata, run.code) == (f"MAPI {line}", expected, code)


def test_certificate_that_ends_soon(cmdlet, tenant):
    path = tenant.material.extra_certificate("soon", end_days=6)
    tenant.register(path)
    run = cmdlet("healthy", "--certificate", path)
    line = "MAPI CRITICAL - healthy@practice.example: client certificate ends (day), in 5 days (CRITICAL below 7)"
    assert (re.sub(r"\d{4}-\d\d-\d\d", "(day)", run.line), run.code) == (line, 2)
    assert (
        cmdlet("healthy", "--certificate", path, "--critical-for", "certificate_days=none").code
        == 1
    )


def test_certificate_by_tenant_name_alone(check, tenant, tmp_path):
    ini = tmp_path / "plugins.ini"
    material = tenant.material.directory
    ini.write_text(
        f"[{TENANT_NAME}]\nclient-id = {CLIENT_IDS['monitor']}\ncertificate = "
        f"{material}/probe.pfx\n"
        f"authority-url = {tenant.url}\nexchange-url = {tenant.url}\nca-file = {material}/ca.pem\n"
        "proxy = none\n"
    )
    arguments = ("--tenant", TENANT_NAME, "-m", "healthy@practice.example", "--no-cache")
    run = check(*arguments, MP_CONFIG_FILE=ini)
    assert (run.line, run.perfdata, run.code) == (GOOD, COLD, 0)


def test_certificate_from_the_directory_of_the_tenant(check, tenant, tmp_path):
    directory, material = tmp_path / "etc" / TENANT_NAME, tenant.material.directory
    directory.mkdir(parents=True)
    (directory / "certificate.pem").symlink_to(material / "probe.pem")
    (directory / "client_id").write_text(f"{CLIENT_IDS['monitor']}\n")
    hosts = ("--authority-url", tenant.url, "--exchange-url", tenant.url)
    run = check(
        *("--tenant", TENANT_NAME, "-m", "healthy@practice.example", *hosts, "--no-cache"),
        *("--ca-file", material / "ca.pem"),
        TESTS_ETC=tmp_path / "etc",
    )
    assert (run.line, run.perfdata, run.code) == (GOOD, COLD, 0)


def test_cache_files_are_private(cmdlet, tmp_path):
    cmdlet()
    cache = tmp_path / "cache"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in cache.iterdir())
    assert [file.suffix for file in sorted(cache.iterdir())] == [".json", ".lock"]


def test_damaged_cache_is_said_once_and_changes_nothing(cmdlet, tmp_path):
    cmdlet()
    [document] = (tmp_path / "cache").glob("*.json")
    document.write_text("{")
    run = cmdlet("healthy", "-v")
    assert (run.line, run.perfdata, run.code) == (GOOD, COLD, 0)
    assert run.diagnosis.count("ignored: damaged or of another version") == 1
    assert "ignored" not in cmdlet("healthy", "-v").diagnosis


def test_cached_token_that_exchange_refuses_is_fetched_once_more(cmdlet, tenant):
    cmdlet()
    tenant.entra.revoked.add(tenant.requests[-1][2]["authorization"].split()[1])
    tenant.requests.clear()
    run = cmdlet("healthy", "-v")
    assert (run.line, run.code) == (GOOD, 0)
    assert tenant.paths() == [INVOKE, DISCOVERY, TOKEN, INVOKE]
    assert "the service refused the cached token; signed in again" in run.diagnosis


def test_a_token_that_is_issued_a_second_time_is_sent_as_it_is(cmdlet, tenant, monkeypatch):
    """A virtual machine's metadata service gives the same one for a day."""
    same = tenant.entra.issue(CLIENT_IDS["monitor"])
    monkeypatch.setattr(tenant.entra, "issue", lambda *_, **__: same)
    cmdlet()
    tenant.requests.clear()
    tenant.faults.on("exchange", "http-401", 1)
    run = cmdlet("healthy", "-vvv")
    assert (run.line, run.code) == (GOOD, 0)
    sent = [
        headers["authorization"] for *_, headers, _ in tenant.requests if "authorization" in headers
    ]
    assert sent == [f"Bearer {same}"] * 2
    assert same[-20:] not in run.diagnosis


def test_token_with_less_than_five_minutes_is_not_kept(cmdlet, tenant):
    tenant.entra.token_lifetime = 290
    assert cmdlet().line == GOOD
    tenant.requests.clear()
    assert cmdlet().line == GOOD
    assert tenant.paths() == [DISCOVERY, TOKEN, INVOKE]


@pytest.mark.parametrize("moment", [1.0, float("inf"), float("nan"), 1e300, -1.0, 10**400])
def test_damaged_dates_in_the_cache_end_no_run(cmdlet, tmp_path, moment):
    cmdlet()
    [document] = (tmp_path / "cache").glob("*.json")
    content = json.loads(document.read_text())
    content["certificate"]["not_after"] = moment
    document.write_text(json.dumps(content))
    run = cmdlet()
    assert (run.line, run.perfdata, run.code) == (GOOD, WARM, 0)
    content["expires_at"] = moment
    document.write_text(json.dumps(content))
    assert cmdlet().perfdata == COLD


def test_warm_run_imports_neither_msal_nor_cryptography(cmdlet, environment, tmp_path):
    cmdlet()
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "msal.py").write_text("raise RuntimeError('msal was imported')")
    (hook / "cryptography.py").write_text("raise RuntimeError('cryptography was imported')")
    run = cmdlet(PYTHONPATH=f"{hook}:{environment['PYTHONPATH']}")
    assert (run.line, run.perfdata, run.code) == (GOOD, WARM, 0)
