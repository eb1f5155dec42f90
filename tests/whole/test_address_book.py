"""The address book end to end, against the practice tenant: --address-book."""

from __future__ import annotations

import base64
import json
import re

import pytest

from ..conftest import mapi_perfdata

AUTODISCOVER, MAPI, NSPI = "/autodiscover/autodiscover.xml", "/mapi/emsmdb/", "/mapi/nspi/"
LISTED = "Inbox listed in #s (mapi)"
OK = f"MAPI OK - {{}}@practice.example: {LISTED}"


def perfdata(answers=1, seconds="#s", **more):
    """The performance data of a run with --address-book."""
    found = mapi_perfdata(**more)
    book = f"address_book={answers};;;0;1 time_address_book={seconds}"
    return found.replace("time_server", f"{book} time_server", 1)


@pytest.mark.parametrize("flavour", ["exchange", "exchange-se", "gromox"])
def test_three_requests_more_on_the_same_connection(mapi, tenant, flavour):
    tenant.flavour = flavour
    first, second = mapi("healthy", "--address-book"), mapi("healthy", "--address-book")
    assert (first.line, first.code) == (OK.format("healthy"), 0)
    assert first.perfdata.split(" time_server")[0] == perfdata().split(" time_server")[0]
    # Gromox has the Inbox elsewhere than presumed, which costs one request, once.
    asked = 4 if flavour == "gromox" else 3
    assert first.requests == [AUTODISCOVER, *asked * [MAPI], *3 * [NSPI]]
    assert second.requests == [*3 * [MAPI], *3 * [NSPI]]
    assert (first.connections, second.connections) == (1, 1)
    types = [headers.get("x-requesttype") for _, _, headers, _ in tenant.requests[-3:]]
    assert types == ["Bind", "ResolveNames", "Unbind"]
    assert "address book  Practice Healthy, healthy@practice.example" in first.diagnosis


def test_a_run_without_it_asks_nothing_more(mapi):
    mapi("healthy", "--address-book")
    assert mapi("healthy").requests == 3 * [MAPI]
    assert mapi("healthy").perfdata == mapi_perfdata(discovery="0s", service="reached")


def test_what_an_earlier_version_learned_does_not_name_it(mapi, tmp_path):
    mapi("healthy")
    for path in (tmp_path / "cache").iterdir():
        known = json.loads(path.read_text())
        if "address_books" in str(known):
            document = known.get("value", known)
            document.pop("address_books", None)
            path.write_text(json.dumps(known))
    assert mapi("healthy", "--address-book").requests == [AUTODISCOVER, *3 * [MAPI], *3 * [NSPI]]


def test_beside_an_endpoint_that_is_named(mapi):
    run = mapi("healthy", "--address-book", section="mapi-url")
    assert (run.line, run.code) == (OK.format("healthy"), 0)
    assert run.requests == [*3 * [MAPI], *3 * [NSPI]]


#: (mailbox, fault at Bind or ResolveNames, cause, code in the diagnosis).
FAILURES = [
    ("no-address-book", "", "Autodiscover names no address book", ""),
    ("book-missing", "", "Autodiscover names no usable address of the address book", ""),
    ("book-foreign", "", "Autodiscover has the address book at the foreign host", ""),
    ("healthy", "bind/http-404", "address book: 127.0.0.1 has no MAPI over HTTP ", "HTTP 404"),
    ("healthy", "bind/http-500", "address book: 127.0.0.1 ", "HTTP 500"),
    (
        "healthy",
        "bind/unauthorized",
        "address book: 127.0.0.1 now refuses the check's user",
        "HTTP 401",
    ),
    ("healthy", "bind/html-200", "address book: 127.0.0.1 answers, but not as", "HTTP 200"),
    ("healthy", "bind/code-10", "address book: ", "X-ResponseCode 10"),
    ("healthy", "bind/no-cookies", "address book: 127.0.0.1 gives the session no cookie", ""),
    ("healthy", "bind/error-80040111", "address book opens no session for this user", "40111"),
    ("healthy", "bind/error-80004005", "address book fails, no reason given", "80004005"),
    ("healthy", "bind/status-6ba", "address book: ", "1722"),
    ("healthy", "resolvenames/error-80040405", "global address list cannot be opened", "40405"),
    ("healthy", "resolvenames/stranger", "address book gives somebody else for this", ""),
    ("healthy", "resolvenames/no-rows", "address book finds the user, and gives no entry", ""),
    ("healthy", "resolvenames/missing-columns", "address book finds the user, and gives no", ""),
    ("healthy", "resolvenames/short-body", "address book: server's answer to ResolveNames is", ""),
    ("healthy", "resolvenames/code-12", "address book: ", "X-ResponseCode 12"),
]


@pytest.mark.cases(99)
@pytest.mark.parametrize(("mailbox", "fault", "cause", "code"), FAILURES)
def test_what_fails_there_leaves_the_mailbox_as_it_is(mapi, tenant, mailbox, fault, cause, code):
    if fault:
        tenant.faults.on(*f"nspi-{fault}".split("/"))
    # A session without a cookie cannot be ended.
    mapi.left = 1 if "no-cookies" in fault else 0
    run = mapi(mailbox, "--address-book", "-v")
    assert run.line.startswith(f"MAPI WARNING - {mailbox}@practice.example: {cause[:50]}")
    assert run.code == 1
    assert "mapi_connectivity=1;;;0;1 connection_time=#s" in run.perfdata
    assert "address_book=0;;;0;1 time_address_book=" in run.perfdata
    assert "Success, but kind address-book\n" in run.diagnosis
    # The first line has the cause, or the diagnosis where that had no room.
    assert cause in " ".join(run.outcome.stdout.split())
    assert code in run.diagnosis


@pytest.mark.parametrize("place", ["mapi-execute", "nspi-resolvenames"])
def test_what_was_refused_is_not_sent_again_to_end_the_session(mapi, tenant, place):
    tenant.faults.on(place, "unauthorized")
    mapi.left = 1
    run = mapi("healthy", "--address-book", "-v")
    refused = place.partition("-")[2]
    assert [h.get("x-requesttype", "").lower() for _, _, h, _ in tenant.requests][-1] == refused
    assert "session could not be ended: 127.0.0.1 now refuses the check's user" in run.words


def test_the_state_can_be_chosen(mapi, tenant):
    tenant.faults.on("nspi-bind", "http-404")
    run = mapi("healthy", "--address-book", "--state", "address-book=CRITICAL")
    assert run.code == 2
    run = mapi("healthy", "--address-book", "--state", "address-book=OK")
    assert (run.line, run.code) == (OK.format("healthy"), 0)
    assert "Success, but kind address-book, counts as OK\n" in run.diagnosis


def test_a_limit_of_its_time(mapi):
    run = mapi("healthy", "--address-book", "--warning-for", "time_address_book=0:0")
    assert run.code == 1
    assert "time_address_book 0." in run.line
    assert "s is outside 0:0, Inbox listed in #s (mapi)" in run.line


@pytest.mark.parametrize("flavour", ["exchange", "gromox"])
def test_who_is_hidden_is_told_so(mapi, tenant, flavour):
    tenant.flavour = flavour
    run = mapi("hidden", "--address-book")
    assert (run.line, run.code) == (OK.format("hidden"), 0)
    assert run.requests[-4:] == 4 * [NSPI]
    assert "address book  knows the user, who is hidden from its lists" in run.diagnosis


@pytest.mark.parametrize("kind", ["dn", "address"])
@pytest.mark.parametrize("way", ["unresolved", "ambiguous"])
def test_one_of_two_names_is_enough(mapi, tenant, kind, way):
    tenant.faults.on("nspi-resolvenames", f"{kind}-{way}")
    assert mapi("healthy", "--address-book").line == OK.format("healthy")


def test_a_session_that_the_server_lost(mapi, tenant):
    tenant.faults.on("nspi-resolvenames", "lost-session", 1)
    run = mapi("healthy", "--address-book")
    assert (run.line, run.code) == (OK.format("healthy"), 0)
    assert "; asked again" in run.diagnosis


def test_a_remembered_address_is_asked_for_again(mapi, tenant):
    mapi("healthy", "--address-book")
    tenant.faults.on("nspi-bind", "http-404", 1)
    run = mapi("healthy", "--address-book")
    # Autodiscover names the same one: it is the address book's fault.
    assert run.requests == [*3 * [MAPI], NSPI, AUTODISCOVER]
    assert run.code == 1


def test_one_that_hangs(mapi, tenant):
    tenant.faults.on("nspi-resolvenames", "silent")
    run = mapi("healthy", "--address-book", "-t", "2", "-v")
    assert run.line.startswith("MAPI WARNING - healthy@practice.example: address book: ")
    assert "no answer to ResolveNames from 127.0.0.1 in" in run.diagnosis
    assert run.code == 1


def test_in_json_and_in_words(mapi, tenant):
    tenant.faults.on("nspi-resolvenames", "error-80040405")
    report = json.loads(mapi("healthy", "--address-book", "--json").outcome.stdout)["reports"][0]
    assert (report["success"], report["failure"]) == (True, None)
    assert report["address_book"]["answers"] is False
    assert report["address_book"]["failure"]["kind"] == "address-book"
    assert [one["name"] for one in report["address_book"]["phases"]] == [
        "bind",
        "resolvenames",
        "unbind",
    ]
    units = {one["label"]: one["unit"] for one in report["perfdata"]}
    assert (units["address_book"], units["time_address_book"]) == (None, "s")
    shown = mapi("healthy", "--address-book", "-vvv").diagnosis
    for words in (
        "ErrorCode: 0x80040405",
        "PidTagSmtpAddress 0x39FE001F",
        "ErrorCode: 1 (UnbindSuccess)",
        "ServerGuid: ",
    ):
        assert words in shown


def test_recorded_without_names_and_replayed(mapi, check, tenant, tmp_path):
    path = tmp_path / "recording.json"
    run = mapi("healthy", "--address-book", "--record", path, "--redact-addresses")
    assert run.code == 0
    recording = json.loads(path.read_text())
    bodies = [
        base64.b64decode(part["body"]["base64"])
        for entry in recording["entries"]
        for part in (entry.get("request"), entry.get("answer"))
        if part and isinstance(part["body"], dict) and "base64" in part["body"]
    ]
    assert len(bodies) >= 12
    plain = b"".join(body.replace(b"\0", b"") for body in bodies).lower()
    for name in (b"healthy", b"practice healthy"):
        assert name not in plain
        assert name not in path.read_bytes().lower()
    cookies = re.findall(r"Map\w+=([^;']+)", str(tenant.requests))
    assert cookies
    assert not any(cookie in path.read_text() for cookie in cookies)
    replayed = check("--replay", path)
    assert replayed.code == 0
    assert "address_book=1;;;0;1" in replayed.perfdata
    assert replayed.perfdata == run.outcome.perfdata
