"""Several addresses of one host: the first line, the labels, and what it means that nodes disagree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.vocabulary import place_prefixes, worst
from check_mapi_connectivity.result import first_line, output, several

from ..support.reports import failed, judged, success

A, B = "probe@contoso.com", "b@contoso.com"
HOST = "mail.contoso.com"

#: Cause of a failure -> what is left of it beside an address.
CAUSES = {
    "10.0.0.4 port 443: connection refused": "connection refused",
    f"certificate of {HOST} refused: it is for other names": "certificate for other names",
    f"certificate of {HOST} refused through proxy p:3128: it has expired": "certificate has expired",
    f"no TLS handshake with {HOST} in 9.5s": "no TLS handshake in 9.5s",
    f"no complete answer from {HOST} in 9.5s": "no complete answer in 9.5s",
    f"no answer to MAPI Execute from {HOST} in 9.5s": "no answer to MAPI Execute in 9.5s",
    f"{HOST} refuses user probe (Basic)": "refuses user probe (Basic)",
    "mailbox database is offline": "mailbox database is offline",
}


def well(address, mailbox=A, **changes):
    return success(mailbox, "mapi", address=address, **changes)


def bad(address, cause="10.0.0.4 port 443: connection refused", mailbox=A, **changes):
    of = {"address": address, "host": HOST}
    return failed(mailbox, "mapi", changes.pop("kind", "connect"), cause, of=of, **changes)


@pytest.fixture
def line(options):
    def make(*reports, **changes):
        found = judged(list(reports), options, **changes)
        return output.first_line(worst([one.state for one in found]), first_line.line(found))

    return make


@pytest.mark.cases(len(CAUSES))
@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_beside_its_address(line, cause):
    assert line(well("10.0.0.3"), bad("10.0.0.4", cause)) == (
        f"MAPI CRITICAL - 1 of 2 nodes fail: 10.0.0.4 {CAUSES[cause]}"
    )


def test_who_is_named_and_who_is_counted(line):
    names = f"certificate of {HOST} refused: it is for other names"
    closed = bad("10.0.0.3", "10.0.0.3 port 443: connection refused")
    assert line(well("a"), closed, bad("10.0.0.4", names), well("b")) == (
        "MAPI CRITICAL - 2 of 4 nodes fail: 10.0.0.3 connection refused; "
        "10.0.0.4 certificate for other names"
    )
    many = [bad(f"10.0.0.{number}", f"its cause has number {number}") for number in range(9)]
    found = line(*many, well("a"))
    assert len(found) <= output.FIRST_LINE + len("MAPI ")
    assert found == (
        "MAPI CRITICAL - 9 of 10 nodes fail: 10.0.0.0 its cause ha...; 10.0.0.1 its cause ha...; "
        "10.0.0.2 its cause ha...; 6 more"
    )


def test_all_that_fail_alike(line):
    both = [bad(one, f"{one} port 443: connection refused") for one in ("10.0.0.4", "10.0.0.5")]
    assert line(*both, well("a")) == (
        "MAPI CRITICAL - 2 of 3 nodes fail: 10.0.0.4, 10.0.0.5 connection refused"
    )
    assert line(*both) == "MAPI CRITICAL - 2 of 2 nodes fail: connection refused"
    many = [bad(f"10.0.0.{number}", "offline", code="ec=1142") for number in range(9)]
    assert line(*many, well("a")) == (
        "MAPI CRITICAL - 9 of 10 nodes fail: 10.0.0.0, 10.0.0.1, 10.0.0.2 and 6 more offline"
    )
    assert line(*many) == "MAPI CRITICAL - 9 of 9 nodes fail: offline (ec=1142)"


def test_a_limit_and_another_mailbox(line):
    slow = {"thresholds": {"connection_time": ("0.1", None), "mapi_connectivity": (None, None)}}
    assert line(well("10.0.0.3", seconds=0.05), well("10.0.0.4"), **slow).startswith(
        "MAPI WARNING - 1 of 2 nodes not OK: 10.0.0.4 "
    )
    assert line(well("x"), bad("y", "offline"), well("x", B), well("y", B)) == (
        f"MAPI CRITICAL - 1 of 2 mailboxes not OK: {A}: 1 of 2 nodes fail: y offline"
    )
    assert line(well("x"), well("y")) == (
        f"MAPI OK - {A}: 2 nodes: Inbox listed in 0.250s at most (mapi)"
    )


def test_beside_another_method(line):
    graph = failed(A, "graph", "server", "graph.example has trouble")
    assert line(well("x"), well("y"), graph) == (
        "MAPI CRITICAL - all 2 nodes answer; Graph graph.example has trouble"
    )
    assert line(well("x"), bad("y", "offline"), success(A, "graph")) == (
        "MAPI CRITICAL - 1 of 2 nodes fail: y offline"
    )


def idle(address, cause="not tested: x refused the password"):
    return bad(address, cause, kind="untested")


def test_what_was_not_tested_does_not_fail(line):
    refused = bad("x", f"{HOST} refuses user probe (Basic)", kind="logon")
    assert line(refused, idle("y"), idle("z")) == (
        "MAPI CRITICAL - 1 of 3 nodes fail: x refuses user probe (Basic); 2 not tested"
    )
    assert line(idle("y"), well("x"), idle("z")) == (
        "MAPI UNKNOWN - 2 of 3 nodes not tested: y, z: x refused the password"
    )
    late = "not tested: the time was up before its turn"
    assert line(idle("y", late), idle("z", late)) == (
        "MAPI UNKNOWN - 2 of 2 nodes not tested: the time was up before its turn"
    )
    many = [bad(f"10.0.0.{number}", f"its cause has number {number}") for number in range(9)]
    found = line(*many, idle("a"))
    assert found.startswith("MAPI CRITICAL - 9 of 10 nodes fail: 10.0.0.0 its cause")
    assert found.endswith(" more; 1 not tested")
    assert len(found) <= output.FIRST_LINE + len("MAPI ")


def test_failures_that_an_option_calls_ok(line):
    told = "MAPI OK - 1 of 2 nodes fail: y connection refused"
    assert line(
        well("x"), bad("y", "y port 443: connection refused"), states={"connect": "OK"}
    ) == (told)
    both = [bad(one, "offline") for one in ("x", "y")]
    assert line(*both, states={"connect": "OK"}) == "MAPI OK - 2 of 2 nodes fail: offline"
    assert line(well("x"), idle("y", "not tested: late"), states={"untested": "OK"}) == (
        "MAPI OK - 1 of 2 nodes not tested: y: late"
    )


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (
            [well("x"), bad("y"), idle("z")],
            "one node answers: the mailbox is well; the load balancer should not use y; 1 was not "
            "tested",
        ),
        (
            [bad("x"), idle("y"), idle("z")],
            "what is wrong with x need not be wrong with the others; 2 were not tested",
        ),
        ([well("x"), idle("y")], "1 was not tested"),
        ([well("x"), bad("y")], "one node answers: the mailbox is well; the load balancer should"),
        (
            [well("x"), well("z"), bad("y")],
            "2 nodes answer: the mailbox is well; the load balancer",
        ),
        ([bad("x"), bad("y")], "no node answers as it should"),
        ([well("x"), well("y")], None),
    ],
)
def test_what_it_means(options, nodes, told):
    found = several.meaning(judged(nodes, options))
    assert found is None if told is None else found.startswith(told)


@given(st.lists(st.from_regex(r"[a-z0-9.:\[\]-]{1,12}", fullmatch=True), unique=True, max_size=6))
def test_labels_differ(addresses):
    found = place_prefixes((A, B), ("mapi", "graph"), tuple(addresses))
    bare = {one.strip("[").replace("]", "") for one in addresses}
    if len(bare) == len(addresses):
        assert len(set(found.values())) == len(found)
    assert all(re.fullmatch("[A-Za-z0-9_-]*", prefix) for prefix in found.values())
