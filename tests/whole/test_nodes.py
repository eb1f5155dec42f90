"""Several addresses of one host, end to end: --address and --each-address."""

from __future__ import annotations

import json
import re

import pytest

from ..conftest import GRACE
from ..support.gateway import Gateway, with_length
from ..support.odd_proxy import OddProxy
from ..tenant.material import private_file

FIRST, SECOND, THIRD, FOURTH = (f"127.0.0.{number}" for number in (2, 3, 4, 5))
WHO = "healthy@practice.example"


def addresses(*found):
    return [word for one in found for word in ("--address", one)]


def beside_one_that_hangs(mapi, *words):
    """The run of three nodes of which the last is silent, and its timeout; a longer one where the
    first, which is well, did not get to its end in time, as on a busy machine.
    """
    for seconds in (3, 9, 27):
        run = mapi("healthy", *addresses(FIRST, SECOND, THIRD), *words, "-t", seconds)
        if "127_0_0_2_mapi_connectivity=1" in run.perfdata:
            break
    assert run.outcome.seconds < seconds + GRACE
    return run, seconds


def test_one_address_changes_no_label(mapi, tenant):
    tenant.node(FIRST, "EX2")
    run = mapi("healthy", *addresses(FIRST))
    assert (run.line, run.code) == (f"MAPI OK - {WHO}: Inbox listed in #s (mapi)", 0)
    assert run.perfdata.startswith("mapi_connectivity=1;;;0;1 connection_time=#s ")
    assert "front end     EX2" in run.diagnosis
    assert f"[OK] {WHO} by mapi at {FIRST}: Success" in run.diagnosis
    assert "affinity      cookie " in run.diagnosis
    assert mapi("healthy", "-v").diagnosis.count("EXFE01") > 0


def test_another_node_than_in_the_run_before(mapi, tenant):
    """One address, as of a load balancer, and another server behind it."""
    tenant.node(FIRST, "EX2")
    mapi("healthy", *addresses(FIRST))
    run = mapi("healthy", *addresses(FIRST), "-v")
    assert "note          front end EX2 answers, as in the run before" in run.diagnosis
    tenant.stop_nodes()
    tenant.node(FIRST, "EX3")
    run = mapi("healthy", *addresses(FIRST), "-v")
    assert run.code == 0
    assert "note          front end EX3 answers; in the run before it was EX2" in run.diagnosis


def test_a_load_balancer_that_names_the_node_by_its_cookie(mapi, tenant):
    """What the front end says of itself is no secret because a cookie holds it, too."""
    cookies = [("Set-Cookie", "SERVERID=EX2; path=/"), ("Set-Cookie", "stick=exbe01; path=/")]
    tenant.node(FIRST, "EX2", headers=[*cookies, ("Via", "1.1 lb1")])
    run = mapi("healthy", *addresses(FIRST), "-v")
    assert run.code == 0
    told = dict(re.findall(r"^  (front end|server|affinity) +(.*)", run.diagnosis, re.MULTILINE))
    assert told == {
        "front end": "EX2",
        "server": "exbe01.practice.example",
        "affinity": "cookie MapiContext, cookie MapiSequence, cookie MapiRouting, cookie SERVERID, "
        "cookie stick, Via: 1.1 lb1",
    }


def test_a_secret_that_a_node_quotes_is_written_to_no_file(mapi, tenant, tmp_path):
    """Neither the password nor a cookie, wherever it stands, in the cache or in a recording."""
    password, cookie = tenant.material.password, "affinity-7f3a91c2"
    quotes = [("Set-Cookie", f"{password}=1"), ("Set-Cookie", f"lb={cookie}")]
    tenant.node(FIRST, password, back_end=cookie, headers=[*quotes, ("X-Backend-Server", password)])
    run = mapi("healthy", *addresses(FIRST), "-vvv", "--record", tmp_path / "recording.json")
    assert "front end     ***" in run.diagnosis
    for _ in range(2):
        run = mapi("healthy", *addresses(FIRST), "-v")
    assert (run.code, "front end *** answers, as in the run before" in run.diagnosis) == (0, True)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"recording.json", "mapi"} <= {path.name.partition("-")[0] for path in files}
    for path in files:
        text = path.read_text("utf-8", "replace")
        assert [one for one in (password, cookie) if one in text] == [], path.name


@pytest.mark.parametrize("more", [(), ("--concurrency", "1")])
def test_all_are_well(mapi, tenant, more):
    for number, address in enumerate((FIRST, SECOND), 2):
        tenant.node(address, f"EX{number}")
    run = mapi("healthy", *addresses(FIRST, SECOND), *more)
    assert run.code == 0
    assert re.fullmatch(
        rf"MAPI OK - {WHO}: 2 nodes: Inbox listed in \d+\.\d+s at most \(mapi\)", run.outcome.line
    )
    labels = re.findall(r"(\S+)_mapi_connectivity=1", run.perfdata)
    assert labels == ["127_0_0_2", "127_0_0_3"]
    for name in ("EX2", "EX3"):
        assert f"front end     {name}\n" in run.diagnosis


def test_the_bad_ones_are_named_with_their_causes(mapi, tenant):
    tenant.node(FIRST, "EX2")
    tenant.node(SECOND, "EX3", "certificate")
    tenant.node(THIRD, "EX4", "silent")
    run, seconds = beside_one_that_hangs(mapi)
    assert run.line == (
        f"MAPI CRITICAL - 2 of 3 nodes fail: {SECOND} certificate not for this address; "
        f"{THIRD} no TLS handshake in {seconds}s"
    )
    assert run.code == 2
    assert re.findall(r"(\S+)_mapi_connectivity=(\d)", run.perfdata) == [
        ("127_0_0_2", "1"),
        ("127_0_0_3", "0"),
        ("127_0_0_4", "0"),
    ]
    assert " ".join(run.diagnosis.split()).startswith(
        f"{WHO}: one node answers: the mailbox is well; the load balancer should not use "
        f"{SECOND}, {THIRD} [CRITICAL]"
    )


def test_as_the_issue_has_it(mapi, tenant):
    for address in (FIRST, SECOND):
        tenant.node(address, "EX2")
    run = mapi("healthy", *addresses(FIRST, SECOND, THIRD, FOURTH))
    assert run.line == (f"MAPI CRITICAL - 2 of 4 nodes fail: {THIRD}, {FOURTH} connection refused")
    tenant.node(FOURTH, "EX5", "http-503")
    run = mapi("healthy", *addresses(FIRST, SECOND, THIRD, FOURTH))
    assert run.line.startswith(
        f"MAPI CRITICAL - 2 of 4 nodes fail: {THIRD} connection refused; {FOURTH} "
    )


def test_an_address_book_of_another_name_is_asked_at_the_same_address(way, tenant):
    """What another node says of it is no word on this one; nor is what a host of Autodiscover says,
    which all nodes have in common.
    """
    for address in (FIRST, SECOND):
        tenant.node(address, "EX2")

    def elsewhere(head, body):
        book = re.sub(rb"localhost(:\d+/mapi/nspi)", rb"outlook.office365.com\1", body)
        return with_length(head, book)

    with Gateway(tenant, elsewhere) as gateway:
        discover = f"https://localhost:{gateway.port}/autodiscover/autodiscover.xml"
        run = way(
            *("mapi", "-H", "127.0.0.1", "--autodiscover-url", discover, "--address-book", "-v"),
            *addresses(f"{FIRST}:{tenant.port}", f"{SECOND}:{tenant.port}"),
        )
    assert run.code == 0
    assert gateway.requests == 2 * ["/autodiscover/autodiscover.xml"]
    asked = [path.partition("?")[0] for _, path, _, _ in tenant.requests]
    assert asked.count("/mapi/nspi/") == 6


@pytest.mark.parametrize("more", [(), ("--concurrency", "1"), ("--address-book", "--archive")])
def test_a_wrong_password_is_one_failed_logon(mapi, tenant, tmp_path, more):
    """The nodes that were spared are not tested, and are not said to have refused anybody."""
    for address in (FIRST, SECOND, THIRD):
        tenant.node(address, "EX2")
    wrong = private_file(tmp_path / "wrong", b"Not.The.Password\n")
    run = mapi("healthy", *addresses(FIRST, SECOND, THIRD), "--password-file", wrong, *more)
    assert tenant.logons == [("Basic", WHO, False)]
    found = re.fullmatch(
        r"MAPI CRITICAL - 1 of 3 nodes fail: (\S+) refuses the check's user \(Basic\); 2 not tested",
        run.line,
    )
    assert (found is not None, run.code) == (True, 2)
    told = " ".join(run.diagnosis.split())
    assert told.startswith(
        f"{WHO}: what is wrong with {found[1]} need not be wrong with the others; 2 were not "
        "tested [CRITICAL]"
    )
    assert told.count(f"not tested: {found[1]} refused the password") == 2
    assert [told.count(f"[{state}]") for state in ("CRITICAL", "UNKNOWN")] == [1, 2]
    for label in ("connection_time", "inbox_items", "time_execute"):
        assert len(re.findall(rf"_{label}=U", run.perfdata)) == 3


def test_a_node_that_refuses_a_password_that_another_takes(mapi, tenant):
    """It is told by itself, no more than two in a row are asked, and no password has to rest."""
    for number, address in enumerate((FIRST, SECOND, THIRD, FOURTH), 2):
        tenant.node(address, f"EX{number}", "logon" if address == THIRD else None)
    everyone = addresses(FIRST, SECOND, THIRD, FOURTH)
    run = mapi("healthy", *everyone, "--concurrency", "1")
    assert (run.line, run.code) == (
        f"MAPI CRITICAL - 1 of 4 nodes fail: {THIRD} refuses a user whom another node lets in "
        "(Basic)",
        2,
    )
    assert tenant.logons.count(("Basic", "healthy", False)) == 1


def test_nodes_that_refuse_one_after_the_other(mapi, tenant):
    for number, address in enumerate((FIRST, SECOND, THIRD, FOURTH), 2):
        tenant.node(address, f"EX{number}", None if address == FIRST else "logon")
    everyone = (*addresses(FIRST, SECOND, THIRD, FOURTH), "--auth", "basic")
    for _ in range(2):
        tenant.logons.clear()
        run = mapi("healthy", *everyone, "--concurrency", "1")
        assert (run.line, run.code) == (
            f"MAPI CRITICAL - 2 of 4 nodes fail: {SECOND}, {THIRD} refuses a user whom another node "
            "lets in (Basic); 1 not tested",
            2,
        )
        assert [taken for _, _, taken in tenant.logons].count(False) == 2
        assert f"UNKNOWN] {WHO} by mapi at {FOURTH}: not tested: {THIRD} refused" in run.diagnosis
    assert " ".join(run.diagnosis.split()).startswith(
        f"{WHO}: one node answers: the mailbox is well; the load balancer should not use {SECOND}, "
        f"{THIRD}; 1 was not tested"
    )


def test_what_is_known_of_a_node_that_was_spared_stays_good(mapi, tenant, tmp_path):
    everyone = addresses(FIRST, SECOND)
    for address in (FIRST, SECOND):
        tenant.node(address, "EX2")
    mapi("healthy", *everyone)
    tenant.stop_nodes()
    tenant.node(FIRST, "EX2", "logon")
    tenant.node(SECOND, "EX3")
    run = mapi("healthy", *everyone, "--concurrency", "1")
    assert run.line == (
        f"MAPI CRITICAL - 1 of 2 nodes fail: {FIRST} refuses the check's user (Basic); 1 not tested"
    )
    # The password rests for a minute.
    rests = [path for path in (tmp_path / "cache").iterdir() if path.name.startswith("refused")]
    rests[0].unlink()
    run = mapi("healthy", *addresses(SECOND))
    assert (run.code, run.requests) == (0, [run.requests[0]] * 3)
    assert run.requests[0].startswith("/mapi/emsmdb")


def test_two_nodes_that_refuse_everybody_hide_no_good_one(mapi, tenant):
    everyone = addresses(FIRST, SECOND, THIRD, FOURTH)
    for address in (FIRST, SECOND, THIRD, FOURTH):
        tenant.node(address, "EX2")
    mapi("healthy", *everyone)
    tenant.stop_nodes()
    for address in (FIRST, SECOND, THIRD, FOURTH):
        tenant.node(address, "EX2", "logon" if address in (SECOND, THIRD) else None)
    told = f"2 of 4 nodes fail: {SECOND}, {THIRD} refuses a user whom another node lets in (Basic)"
    run = mapi("healthy", *everyone, "--concurrency", "1")
    assert run.line == f"MAPI CRITICAL - {told}; 1 not tested"
    run = mapi("healthy", *everyone)
    assert run.line == f"MAPI CRITICAL - {told}"


def test_nothing_secret_goes_to_an_address_with_another_name(mapi, tenant):
    tenant.node(FIRST, "EX2", "certificate")
    run = mapi("healthy", *addresses(FIRST))
    assert (run.code, run.requests) == (2, [])
    assert "it is not for this address" in " ".join(run.outcome.stdout.split())


def test_through_a_proxy(mapi, tenant):
    tenant.node(FIRST, "EX2")
    tenant.node(SECOND, "EX3", "certificate")
    tenant.node(THIRD, "EX4", "silent")
    through = OddProxy(OddProxy.relay)
    try:
        run, seconds = beside_one_that_hangs(mapi, "--proxy", f"http://{through.address}")
    finally:
        through.close()
    assert {head.split()[1] for head in through.seen} == {
        f"{address}:{tenant.port}" for address in (FIRST, SECOND, THIRD)
    }
    assert run.line == (
        f"MAPI CRITICAL - 2 of 3 nodes fail: {SECOND} certificate not for this address; "
        f"{THIRD} no TLS handshake in {seconds}s"
    )
    assert "front end     EX2\n" in run.diagnosis
    hosts = {headers["host"] for _, _, headers, _ in tenant.requests}
    assert hosts == {f"127.0.0.1:{tenant.port}"}


def test_past_a_proxy_by_the_name_of_the_host(mapi, tenant):
    tenant.node(FIRST, "EX2")
    surroundings = {"HTTPS_PROXY": "http://127.0.0.9:9", "NO_PROXY": "127.0.0.1"}
    run = mapi("healthy", *addresses(FIRST), **surroundings)
    assert run.code == 0
    assert "without proxy 127.0.0.1, because NO_PROXY says so" in run.diagnosis


def test_each_address_of_a_name(mapi, tenant):
    run = mapi("healthy", "--each-address")
    assert (run.line, run.code) == (f"MAPI OK - {WHO}: Inbox listed in #s (mapi)", 0)
    assert "by mapi at 127.0.0.1: Success" in run.diagnosis
    run = mapi("healthy", "--each-address", "-H", "nowhere.invalid", "--auth", "basic")
    assert run.code == 2
    assert "nowhere.invalid" in run.line
    assert run.requests == []


def test_limits_of_one_address(mapi, tenant):
    for address in (FIRST, SECOND):
        tenant.node(address, "EX2")
    limit = ("--warning-for", "127_0_0_3_connection_time=0:0")
    run = mapi("healthy", *addresses(FIRST, SECOND), *limit)
    assert run.code == 1
    assert run.line.startswith(f"MAPI WARNING - 1 of 2 nodes not OK: {SECOND} ")
    assert "127_0_0_3_connection_time=#s;0" in run.perfdata
    assert "127_0_0_2_connection_time=#s " in run.perfdata


def test_clocks_and_json(mapi, tenant):
    tenant.node(FIRST, "EX2", skew=400)
    tenant.node(SECOND, "EX3")
    run = mapi("healthy", *addresses(FIRST, SECOND))
    assert "clock         this host's is 7 minutes behind that of 127.0.0.1" in run.diagnosis
    document = json.loads(mapi("healthy", *addresses(FIRST, SECOND), "--json").outcome.stdout)
    assert [one["address"] for one in document["reports"]] == [FIRST, SECOND]
    assert round(document["reports"][0]["clock"]["offset"], -1) == -400


def test_recorded_and_replayed(mapi, check, tenant, tmp_path):
    tenant.node(FIRST, "EX2")
    path = tmp_path / "recording.json"
    run = mapi("healthy", *addresses(FIRST, SECOND), "--address-book", "--record", path)
    replayed = check("--replay", path)
    assert (replayed.line, replayed.code) == (run.outcome.line, 2)
    assert replayed.perfdata == run.outcome.perfdata
    each = tmp_path / "each.json"
    run = mapi("healthy", "--each-address", "--archive", "--record", each)
    assert check("--replay", each).line == run.outcome.line
    run = mapi("archived", "--archive", "--record", tmp_path / "archive.json")
    assert check("--replay", tmp_path / "archive.json").line == run.outcome.line


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--address", "10.0.0.1", "--each-address"), "--address and --each-address exclude"),
        (("--address", "fe80::1"), "an IPv6 address stands in brackets: [fe80::1]"),
        (("--address", "10.0.0.1:0"), "--address: 10.0.0.1:0 is not ADDRESS or ADDRESS:PORT"),
        (("--address", "https://x"), "is not ADDRESS or ADDRESS:PORT"),
        (
            ("--address", "10.0.0.1,10.0.0.2"),
            "--address: 10.0.0.1,10.0.0.2 is not ADDRESS or ADDRESS:PORT; give --address once for each",
        ),
        (("--each-address", "-H", "none"), "--each-address needs the name to look up"),
        (addresses(*(f"10.0.0.{n}" for n in range(17))), "--address: 17 of them; 16 are tested"),
    ],
)
def test_usage(mapi, words, text):
    run = mapi("healthy", *words)
    assert run.code == 3
    assert text in run.outcome.stdout
