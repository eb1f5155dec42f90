"""Method mapi end to end: every way to log on, and what is learned and remembered."""

from __future__ import annotations

import json
import re
import socket

import pytest

from ..conftest import mapi_perfdata
from ..tenant.material import DOMAIN

AUTODISCOVER, MAPI = "/autodiscover/autodiscover.xml", "/mapi/emsmdb/"
LISTED = "MAPI OK - {}@practice.example: Inbox listed in #s (mapi)"


def test_first_run_asks_autodiscover_the_second_remembers(mapi):
    first, second = mapi(), mapi()
    assert (first.line, first.code) == (LISTED.format("healthy"), 0)
    assert first.perfdata == mapi_perfdata()
    assert first.requests == [AUTODISCOVER, MAPI, MAPI, MAPI]
    assert first.connections == 1
    assert (second.line, second.code) == (LISTED.format("healthy"), 0)
    assert second.perfdata == mapi_perfdata(discovery="0s", service="reached")
    assert second.requests == [MAPI, MAPI, MAPI]
    assert second.connections == 1


def test_the_specified_order_of_requests_with_their_headers(mapi, tenant):
    mapi("healthy", section="mapi-url")
    types = [headers["x-requesttype"] for _, _, headers, _ in tenant.requests]
    assert types == ["Connect", "Execute", "Disconnect"]
    ids = [headers["x-requestid"] for _, _, headers, _ in tenant.requests]
    assert [identifier.rpartition(":")[2] for identifier in ids] == ["1", "2", "3"]
    assert len({identifier.partition(":")[0] for identifier in ids}) == 1
    assert len({headers["x-clientinfo"] for _, _, headers, _ in tenant.requests}) == 1
    for _, _, headers, body in tenant.requests:
        assert headers["content-type"] == "application/mapi-http"
        assert headers["content-length"] == str(len(body))
        assert headers["x-clientapplication"].startswith("Outlook/16.")
        assert "expect" not in headers
        assert "transfer-encoding" not in headers
    assert ["cookie" in headers for _, _, headers, _ in tenant.requests] == [False, True, True]


@pytest.mark.parametrize(
    ("mailbox", "items", "requests"),
    [
        ("empty", "0", 4),
        ("large", "2000", 4),
        ("chained", "12", 4),
        ("xored", "1", 4),
        ("compressed", "9", 4),
        ("chatty", "1", 4),
        ("warned", "1", 4),
        ("no-sort", "1", 4),
        # Another Inbox than the presumed one, and one where the presumed id is another folder.
        ("old-inbox", "1", 5),
        ("decoy", "1", 5),
    ],
)
def test_mailboxes_that_can_be_listed(mapi, mailbox, items, requests):
    first, second = mapi(mailbox), mapi(mailbox)
    for run in (first, second):
        assert (run.line, run.code) == (LISTED.format(mailbox), 0)
    assert first.perfdata == mapi_perfdata(items=items)
    assert second.perfdata == mapi_perfdata(discovery="0s", service="reached", items=items)
    # The wrong guess costs one request more, once.
    assert (len(first.requests), len(second.requests)) == (requests, 3)


def test_diagnosis(mapi):
    run = mapi("healthy", "-v")
    for words in (
        "[OK] healthy@practice.example by mapi: Success",
        "mailbox       Practice Healthy",
        "database      no MAPI field names the database",
        "server        exbe01.practice.example",
        "front end     EXFE01",
        "version       Exchange/15.02.1544.011",
        "inbox         8 messages, 3 unread, 8 listed, newest 2026-09-22 07:00:00Z (",
        "endpoint      https://127.0.0.1:",
        "signed in     healthy@practice.example by Basic",
        "checked against recordings of an Exchange Server SE; no live run yet",
        "message       0001-000000002004, 2026-09-22 07:00:00Z, 2468 bytes",
    ):
        assert words in run.diagnosis
    assert re.search(r"mailbox GUID  [0-9a-f-]{36}\n  store GUID    [0-9a-f-]{36}\n", run.diagnosis)
    newest = re.findall(r"message       \S+ (\S+ \S+Z)", run.diagnosis)
    assert newest == sorted(newest, reverse=True)
    assert len(newest) == 8


def test_number_of_items(mapi, tenant):
    run = mapi("large", "--inbox-items", "3", "--json")
    report = json.loads(run.outcome.stdout)["reports"][0]
    assert report["inbox"]["items"] == 2000
    assert [row["size"] for row in report["inbox"]["rows"]] == [2417, 2434, 2451]
    run = mapi("large", "--inbox-items", "1000", "--json")
    report = json.loads(run.outcome.stdout)["reports"][0]
    assert len(report["inbox"]["rows"]) == 1000
    assert tenant.open_sessions() == 0


def test_subjects_are_asked_for_with_vvv_only(mapi, tenant):
    subject = bytes.fromhex("1f003700")
    assert "Subject" not in mapi("healthy", "-vv").diagnosis
    assert not any(subject in body for _, _, _, body in tenant.requests)
    shown = mapi("healthy", "-vvv").diagnosis
    assert any(subject in body for _, _, _, body in tenant.requests)
    for words in (
        "RopLogon 0xFE",
        "OpenFlags: 0x100040C (HOME_LOGON,TAKE_OWNERSHIP,NO_MAIL,USE_PER_MDB_REPLID_MAPPING)",
        "RopQueryRows: 0x00000000 (success)",
        "Inbox: 0001-00000000010c",
        "PidTagSubject 0x0037001F: ",
        "error 0x8004010F MAPI_E_NOT_FOUND",
        "ServerObjectHandleTable: ",
        "AUX_SERVER_SESSION_INFO: EX01",
        "x-elapsedtime: ",
    ):
        assert words in shown
    password = tenant.material.password
    cookies = re.findall(r"MapiSequence=(\S+?);", str(tenant.requests))
    assert cookies
    assert not any(secret in shown for secret in [password, *cookies])
    assert re.search(r"Cookie: \*\*\*", shown)
    assert re.search(r"Authorization: Basic \*\*\*", shown)


def test_json(mapi):
    report = json.loads(mapi("healthy", "--json").outcome.stdout)["reports"][0]
    assert report["success"] is True
    assert report["database"] == "no MAPI field names the database"
    assert report["server"] == "exbe01.practice.example"
    assert report["inbox"]["items"] == 8
    assert report["inbox"]["unread"] == 3
    assert [phase["name"] for phase in report["phases"]["service"]] == [
        "connect",
        "execute",
        "disconnect",
    ]
    assert report["facts"]["version"] == "Exchange/15.02.1544.011"
    labels = [item["label"] for item in report["perfdata"]]
    assert labels[-1] == "inbox_items"
    assert report["perfdata"][-1]["unit"] is None


def test_without_autodiscover(mapi):
    run = mapi("healthy", section="mapi-url")
    assert run.line == LISTED.format("healthy")
    assert run.perfdata == mapi_perfdata(discovery="0s", service="reached")
    assert run.requests == [MAPI, MAPI, MAPI]


@pytest.mark.parametrize("section", ["mapi", "mapi-auto", "mapi-url"])
@pytest.mark.parametrize("user", ["healthy@practice.example", "PRACTICE\\healthy"])
def test_ways_to_name_the_user(mapi, section, user):
    assert mapi("healthy", section=section, user=user).line == LISTED.format("healthy")


def test_the_scheme_is_asked_for_once_and_remembered(mapi, tenant):
    first, second = mapi("healthy", section="mapi-auto"), mapi("healthy", section="mapi-auto")
    assert len(first.requests) == 5
    assert second.requests == [MAPI, MAPI, MAPI]
    assert [scheme for scheme, _, ok in tenant.logons if ok] == ["Basic"] * 7


def test_a_server_that_takes_another_scheme_than_remembered(mapi, tenant):
    mapi("healthy", section="mapi-auto")
    tenant.schemes = ("Digest",)
    run = mapi("healthy", section="mapi-auto")
    assert run.code == 2
    # The password was sent by what was remembered, and is sent by nothing else after that.
    assert run.line.endswith(
        ": 127.0.0.1 does not offer logon by Basic (HTTP 401); use another --auth"
    )
    assert len(run.requests) == 1


def test_gromox(mapi, tenant):
    tenant.flavour = "gromox"
    first, second = mapi(), mapi("healthy", "-v")
    assert first.perfdata == mapi_perfdata()
    assert (len(first.requests), len(second.requests)) == (5, 3)
    assert "version       Exchange/15.00.0847.4040" in second.diagnosis


def test_a_server_that_wants_the_logon_by_itself(mapi, tenant):
    tenant.combined_logon = False
    first, second = mapi("healthy", "-v"), mapi()
    assert (first.line, second.line) == (LISTED.format("healthy"),) * 2
    # Autodiscover, Connect, the refused Execute, logon, listing, Disconnect; then one Execute less.
    assert (len(first.requests), len(second.requests)) == (6, 4)
    assert "this server wants the logon by itself" in first.diagnosis


@pytest.mark.parametrize("sign", ["invalid-path", "not-found", "redirect", "lost", "unknown-user"])
def test_a_moved_mailbox_is_found_again(mapi, tenant, sign):
    assert mapi("moved-endpoint").code == 0
    tenant.move("moved-endpoint", sign)
    run = mapi("moved-endpoint")
    assert (run.line, run.code) == (LISTED.format("moved-endpoint"), 0)
    assert AUTODISCOVER in run.requests
    assert "asked Autodiscover again" in run.words
    assert len(mapi("moved-endpoint").requests) == 3


def test_another_users_mailbox(mapi, tenant):
    run = mapi("shared", user="healthy@practice.example")
    assert run.line == LISTED.format("shared")
    # Autodiscover for both: the user's own DN is wanted at Connect.
    assert run.requests.count(AUTODISCOVER) == 2
    connect = next(
        body for _, _, headers, body in tenant.requests if headers.get("x-requesttype") == "Connect"
    )
    assert connect.split(b"\0")[0].endswith(b"-healthy")


def test_a_damaged_memory_is_ignored(mapi, tmp_path):
    mapi()
    (file,) = (tmp_path / "cache").glob("mapi-*[!k]")
    document = json.loads(file.read_text())
    for name, value in (
        ("url", "http://127.0.0.1/mapi/emsmdb/"),
        ("url", "https://evil.example/mapi/emsmdb/?MailboxId=1"),
        ("inbox", "xyz"),
        ("legacy_dn", None),
        ("together", 1),
    ):
        file.write_text(json.dumps({**document, name: value}))
        run = mapi()
        assert (run.line, run.requests[0]) == (LISTED.format("healthy"), AUTODISCOVER)
    file.write_text(json.dumps({**document, "inbox": "0" * 16}))
    run = mapi()
    assert (run.code, len(run.requests)) == (0, 4)


def test_bearer(mapi, tenant):
    first = mapi("healthy", section="mapi-bearer")
    assert first.line == LISTED.format("healthy")
    assert re.search(r" time_token=#s ", first.perfdata)
    second = mapi("healthy", section="mapi-bearer")
    assert second.perfdata == mapi_perfdata(discovery="0s", service="reached")
    assert second.requests == [MAPI, MAPI, MAPI]
    # It has been seen now.
    assert "not yet been seen" not in second.diagnosis


def test_thresholds_and_labels(mapi):
    run = mapi("healthy", "-w", "0:", "-c", "@0:100", "--warning-for", "inbox_items=3")
    assert run.code == 2
    assert run.line.startswith(f"MAPI CRITICAL - healthy@{DOMAIN}: connection time ")
    assert run.perfdata.endswith(" inbox_items=8;3")


def test_a_remembered_host_that_is_gone_into_a_black_hole(mapi, tmp_path):
    """It takes half of the time at most, and is forgotten."""
    assert mapi().code == 0
    (file,) = (tmp_path / "cache").glob("mapi-*[!k]")
    document = json.loads(file.read_text())
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        port = hole.getsockname()[1]
        url = re.sub(r":\d+/", f":{port}/", document["url"])
        file.write_text(json.dumps({**document, "url": url}))
        run = mapi("healthy", "-t", "6")
    assert (run.code, run.line) == (0, LISTED.format("healthy"))
    assert "with the remembered address: no TLS handshake with 127.0.0.1 in" in run.words
    assert len(mapi().requests) == 3


def test_a_remembered_scheme_that_cannot_work(mapi, tmp_path):
    """By Kerberos no ticket is to be had; without it, the server does not take NTLM's first
    message.
    """
    mapi("healthy", section="mapi-auto")
    (file,) = (tmp_path / "cache").glob("mapi-*[!k]")
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "scheme": "Negotiate"}))
    run = mapi("healthy", section="mapi-auto", KRB5_CONFIG="/nonexistent")
    assert (run.code, run.line) == (0, LISTED.format("healthy"))
