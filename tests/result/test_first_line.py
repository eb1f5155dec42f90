"""Words and layout of the long output."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nagiosplugin import Range

from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.credentials import CertificateFiles, ManagedIdentity, Proxy
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.report import Exchange, Report, Row
from check_mapi_connectivity.result import (
    conclusion,
    diagnosis,
    document,
    first_line,
    judge,
    several,
)
from check_mapi_connectivity.result.judge import Judged

from ..support.options import about
from ..support.options import made as options_of
from ..support.reports import diagnosis as told
from ..support.reports import failed, judged, known, success, watch
from .test_output import HOSTILE


@pytest.mark.parametrize(
    ("spec", "full", "plain"),
    [
        ("", "", ""),
        ("5", "0:5", "5"),
        ("0:5", "0:5", "5"),
        ("0", "0:0", "0"),
        ("2:", "2:", "2:"),
        ("~:5", "~:5", "~:5"),
        ("@1:2", "@1:2", "@1:2"),
        ("@5", "@0:5", "@5"),
        ("0.00001", "0:0.00001", "0.00001"),
        ("@", "@0:", "@0:"),
    ],
)
def test_range_text(spec, full, plain):
    assert (judge.range_text(Range(spec)), judge.range_text(Range(spec), plain=True)) == (
        full,
        plain,
    )


def text(judged, options, state="OK"):
    """The lines of the whole output."""
    lines = told(judged, options)
    return several.text(state, "line", judged, lines).split("\n")


def slow_and_failed(facts):
    """A report whose sign-in took a while, and whose request was cut off."""
    report = known(
        "probe@contoso.com", "cmdlet", total=2.0, certificate=facts, certificate_days=9.5
    )
    report.times.sign_in = watch(("dns", 0.25), ("request", 0.25))
    report.times.service = watch(("tcp", 0.5))
    report.times.service.start("request")
    report.failure = Failure("timeout", "late", "wait", "X", "its words")
    return Judged(report, "CRITICAL", [], [("WARNING", "too slow")])


def test_tree_of_phases(options, facts):
    lines = text([slow_and_failed(facts)], options(), "CRITICAL")
    assert lines[0] == "MAPI CRITICAL - line"
    assert lines[1:12] == [
        "[CRITICAL] probe@contoso.com by cmdlet: kind timeout",
        "  cause         late",
        "  remedy        wait",
        "  code          X",
        "  in full       its words",
        "  limit         WARNING: too slow",
        "  phases           2.000s in all",
        "    sign-in        0.500s #########",
        "    tcp            0.500s #########",
        "    request        0.000s not finished",
        "    check itself   1.000s ##################",
    ]
    assert lines[12].startswith("  certificate   CN=probe, ends ")
    assert lines[13] == "  proxy         none, direct connection"


def test_the_whole_tree_to_who_asks_for_it(options, facts):
    lines = text([slow_and_failed(facts)], options(verbose=1), "CRITICAL")
    at = lines.index("    sign-in        0.500s #########")
    assert lines[at + 1] == "      dns          0.250s ####"
    assert any(line.startswith("                SHA-256 ") for line in lines)


def test_what_the_first_line_tells_whole_is_not_told_again(options):
    judged = [Judged(failed(cause="gone for good", remedy="wait"), "CRITICAL", [], [])]
    for line, again in (("m: gone for good; wait", 0), ("m: gone fo...", 1)):
        lines = told(judged, options(), line)
        assert lines.count("  cause         gone for good") == again
        assert "  remedy        wait" in lines


def test_a_success_by_hand_shows_the_tree(options):
    found = judged([success()], options)
    assert not any("#" in line for line in told(found, options()))
    assert any("#" in line for line in told(found, options(), by_hand=True))


def test_the_least_helpful_goes_first_where_there_is_too_much(options):
    report = known(
        "m@x",
        "mapi",
        failure=Failure("server", "c" * 200, "r" * 400, "code", "its words"),
        remarks=[f"remark {number}" for number in range(20)],
        ids={"request-id": "abc"},
        total=1.0,
    )
    lines = told([Judged(report, "CRITICAL", [], [])], options())
    assert len(lines) == several.MOST_LINES - 1
    assert max(map(len, lines)) <= 100
    assert not any(line.startswith("  request-id") for line in lines)
    assert "  note          remark 0" in lines
    assert lines[6].endswith("... (400 characters)")
    whole = told([Judged(report, "CRITICAL", [], [])], options(verbose=1))
    assert f"  remedy        {'r' * 400}" in whole
    assert "  note          remark 19" in whole


def test_verbose(options):
    report = Report("m@x", "cmdlet")
    report.trace.note("cache ignored")
    report.trace.met(
        Exchange("GET u", [("A", "b")], ["sent", "  deeper"], "HTTP 200", [("C", "d")], ["got"])
    )
    proxy = Proxy("p", 1, "--proxy (command line)")

    def shown(level):
        chosen = options(verbose=level, proxy=proxy)
        return text([Judged(report, "OK", [], [])], chosen)

    for level in (0, 1, 2, 3):
        lines = shown(level)
        assert "  proxy         p:1 from --proxy (command line)" in lines
        assert ("  note          cache ignored" in lines) == (level >= 1)
        assert ("  request       GET u" in lines) == (level >= 1)
        assert ("    A: b" in lines) == (level >= 1)
        assert ("    sent" in lines) == ("      deeper" in lines) == (level >= 3)


HOSTILE_TEXT = st.text(alphabet=st.characters(), max_size=60) | st.lists(
    st.sampled_from(HOSTILE)
).map("y".join)


@given(HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT)
def test_any_text_of_a_server_keeps_the_shape(first, second, third):
    chosen = options_of(
        mailboxes=("m@x",),
        methods=("cmdlet",),
        archive=False,
        tenant="t",
        cloud=CLOUDS["gcc"],
        authority_url="https://a",
        exchange_url="https://b",
        graph_url="https://c",
        client_id="c",
        credential=CertificateFiles("f", b""),
        proxy=None,
        no_proxy="",
        ca_files=(),
        min_tls="1.2",
        ip_version=None,
        thresholds={},
        states={},
        timeout=5.0,
        timeout_state="OK",
        diagnosis=True,
        verbose=3,
        json=False,
        cache_dir=None,
    )

    def make(a, b, c):
        report = known(
            "m@x", "cmdlet", result=a or "x", named=b or "x", database=c or "x", server=a or "x"
        )
        report.failure = Failure("server", b or "x", c or "x", a or "x", b or "x")
        report.trace.ids = {"request-id": c, "X-FEServer": a}
        report.trace.facts = {"endpoint": b}
        report.trace.remarks = [b]
        report.trace.met(Exchange(a, [(b, c)], [a or "x"], b, [(c, a)], [b or "x"]))
        line = first_line.single(report, [("WARNING", "too slow")])
        judged = [Judged(report, "CRITICAL", [], [("WARNING", "too slow")])]
        found = json.loads(document.build("CRITICAL", line, judged, **about(chosen)))
        assert found["state"] == found["reports"][0]["state"] == "CRITICAL"
        return several.text("CRITICAL", line, judged, told(judged, chosen, line))

    made = make(first, second, third)
    assert made.count("\n") == make("x", "x", "x").count("\n")
    assert not set("|<>\r\x00\x1b") & set(made)
    assert len(made.split("\n")[0]) <= 120


DIRECT = "  proxy         none, direct connection"


def test_what_is_told_once(options):
    def names(**changes):
        once = list(conclusion.told_once(options(verbose=1, **changes)))
        return [line[2:16].strip() for line in once[once.index(DIRECT) + 1 :]]

    assert names() == ["sign-in host", "exchange host", "cache"]
    assert names(methods=("graph",)) == ["sign-in host", "graph host", "cache"]
    assert names(methods=("graph", "mapi"), sources=("a", "b")) == [
        "options from",
        "options from",
        "sign-in host",
        "exchange host",
        "graph host",
        "cache",
    ]
    assert names(methods=("mapi",), credential=None) == ["cache"]
    identity = ManagedIdentity("", "http://169.254.169.254")
    [_, line, *_] = conclusion.told_once(options(credential=identity, verbose=1))
    assert line == "  sign-in host  http://169.254.169.254"


@pytest.mark.parametrize(
    ("method", "changes", "text"),
    [
        ("cmdlet", {}, "0.250s reported by Exchange, 0.500s round trip of the request"),
        ("cmdlet", {"server_latency": None, "round_trip": None}, None),
        ("mapi", {}, "0.500s, 0.250s of it in the server, by its own word"),
        ("mapi", {"server_latency": None}, "0.500s"),
        ("mapi", {"server_latency": None, "round_trip": None}, None),
        ("graph", {"server_latency": None}, "0.500s round trip of the request"),
        ("graph", {"server_latency": None, "round_trip": None}, None),
    ],
)
def test_latency(options, method, changes, text):
    lines = told(judged([success(method=method, **changes)], options), options())
    shown = [line[16:] for line in lines if line.startswith("  latency ")]
    assert shown == ([] if text is None else [text])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"inbox_items": 1}, "1 message, 0 listed"),
        ({"inbox_items": 8, "unread": 3}, "8 messages, 3 unread, 0 listed"),
        ({"rows": [Row("1", 0.0, 5)]}, "number not told, 1 listed, newest 1970-01-01 00:00:00Z ("),
        ({"inbox_items": 2, "rows": [Row("1", None, None)]}, "2 messages, 1 listed"),
    ],
)
def test_inbox(options, changes, text):
    [one] = judged([success(method="graph", **changes)], options)
    [line] = [line for line in told([one], options()) if line.startswith("  inbox")]
    assert line.startswith(f"  inbox         {text}")
    assert line.endswith(" ago)") == text.endswith("(")


def test_brief():
    failure = Failure("server", "busy", "wait", "HTTP 503", "its own words", during="sign-in")
    report = known("m@x", "graph", failure=failure, ids={"request-id": "abc"})
    one = Judged(report, "CRITICAL", [], [("WARNING", "too slow")])
    head = "[CRITICAL] m@x by graph: sign-in: busy (HTTP 503)"
    assert list(diagnosis.brief(one)) == [head, "  remedy        wait"]
    assert [block.lines for block in diagnosis.beside(one)] == [
        ["  limit         WARNING: too slow"],
        ["  request-id    abc"],
    ]


def test_a_failure_that_counts_as_ok_says_so(options):
    one = Judged(failed("a@b.c", kind="mailbox"), "OK", [], [])
    assert next(diagnosis.brief(one)) == "[OK] a@b.c by cmdlet: gone, counts as OK"
    assert told([one], options())[0] == "[OK] a@b.c by cmdlet: kind mailbox, counts as OK"


def test_many_limits_are_counted_where_a_long_address_leaves_no_room():
    report = success("a.very.long.address.of.somebody@subdomain.contoso.example.com")
    limits = [("CRITICAL", "client certificate ends 2026-12-04, in 3 days (CRITICAL below 7)")] + [
        ("WARNING", f"time_request 0.25{number}s is outside 0:0.1") for number in range(9)
    ]
    made = f"MAPI CRITICAL - {first_line.single(report, limits)}"
    assert made == (
        "MAPI CRITICAL - a.very.long.address.of.somebody@sub...: client certificate ends "
        "2026-12-04, "
        "i...; 9 more limits violated"
    )
    assert len(made) <= 120


@pytest.mark.parametrize(
    ("kind", "during", "code", "room", "text"),
    [
        ("connect", "Autodiscover", "", 60, "Autodiscover: h closes; check the proxy"),
        # The next step is worth more than the word, and the word more than nothing.
        ("connect", "Autodiscover", "", 30, "h closes; check the proxy"),
        ("connect", "Autodiscover", "", 24, "Autodiscover: h closes"),
        ("connect", "sign-in", "", 30, "sign-in failed: h closes"),
        # Nobody has refused what no code tells of.
        ("credential", "sign-in", "", 30, "sign-in failed: h closes"),
        ("credential", "sign-in", "X1", 30, "sign-in refused: h closes (X1)"),
    ],
)
def test_where_a_failure_was_met(kind, during, code, room, text):
    failure = Failure(kind, "h closes", "check the proxy", code, during=during)
    assert first_line.failure_text(failure, room) == text
