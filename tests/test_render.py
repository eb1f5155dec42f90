"""Words and layout of the long output."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nagiosplugin import Range

from check_mapi_connectivity import document, render
from check_mapi_connectivity.options import Proxy
from check_mapi_connectivity.report import Exchange, Failure, Report

from .test_output import HOSTILE
from .test_plugin import watch


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
    assert (render.range_text(Range(spec)), render.range_text(Range(spec), plain=True)) == (
        full,
        plain,
    )


def test_tree_of_phases(options, facts):
    report = Report(
        "probe@contoso.com", "cmdlet", total=2.0, certificate=facts, certificate_days=9.5
    )
    report.sign_in = watch(("dns", 0.25), ("request", 0.25))
    report.service = watch(("tcp", 0.5))
    report.service.start("request")
    report.failure = Failure("timeout", "late", "wait", "X", "its words")
    lines = render.text(
        render.Judged("CRITICAL", "line", [], [("WARNING", "too slow")]), report, options()
    ).split("\n")
    assert lines[0] == "MAPI CRITICAL - line"
    assert lines[1:15] == [
        "[CRITICAL] probe@contoso.com by cmdlet: late",
        "  kind          timeout",
        "  cause         late",
        "  remedy        wait",
        "  code          X",
        "  in full       its words",
        "  limit         WARNING: too slow",
        "  mailbox       not known: the test gave no result",
        "  database      not known: the test gave no result",
        "  server        not known: the test gave no result",
        "  latency       none reported by Exchange",
        "  phases           2.000s in all",
        "    sign-in        0.500s ##########",
        "      dns          0.250s #####",
    ]
    assert lines[16] == "    tcp            0.500s ##########"
    assert lines[17] == "    request        0.000s not finished"
    assert lines[18] == "    this host      1.000s ####################"
    assert lines[19].startswith("  certificate   CN=probe, ends ")


def test_verbose(options):
    report = Report("m@x", "cmdlet")
    report.notes.append("cache ignored")
    report.exchanges.append(
        Exchange("GET u", [("A", "b")], ["sent", "  deeper"], "HTTP 200", [("C", "d")], ["got"])
    )
    proxy = Proxy("p", 1, "--proxy (command line)")

    def text(level):
        return render.text(
            render.Judged("OK", "line", [], []),
            report,
            options(verbose=level, proxy=proxy, diagnosis=False),
        )

    assert text(0) == "MAPI OK - line\n"
    assert "proxy         p:1 from --proxy (command line)" in text(1)
    assert "cache ignored" in text(1)
    assert "GET u" not in text(1).replace("request       GET", "") or "    A: b" in text(2)
    assert "    A: b\n" in text(2)
    assert "sent" not in text(2)
    assert "    sent\n      deeper\n" in text(3)


HOSTILE_TEXT = st.text(alphabet=st.characters(), max_size=60) | st.lists(
    st.sampled_from(HOSTILE)
).map("y".join)


@given(HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT)
def test_any_text_of_a_server_keeps_the_shape(first, second, third):
    from check_mapi_connectivity.options import CLOUDS, CertificateFiles, Options

    options = Options(
        "m@x",
        "cmdlet",
        False,
        "t",
        CLOUDS["gcc"],
        "https://a",
        "https://b",
        "c",
        CertificateFiles("f", b""),
        None,
        "",
        (),
        "1.2",
        None,
        {},
        {},
        5.0,
        "OK",
        True,
        3,
        False,
        None,
    )

    def make(a, b, c):
        report = Report("m@x", "cmdlet", result=a or "x", named=b, database=c, server=a)
        report.failure = Failure("server", b or "x", c or "x", a or "x", b or "x")
        report.ids = {"request-id": c, "X-FEServer": a}
        report.remarks = [b]
        report.exchanges.append(Exchange(a, [(b, c)], [a or "x"], b, [(c, a)], [b or "x"]))
        line = render.line(report, [("WARNING", "too slow")])
        judged = render.Judged("CRITICAL", line, [], [("WARNING", "too slow")])
        assert json.loads(document.build(judged, report, options))["state"] == "CRITICAL"
        return render.text(judged, report, options)

    text = make(first, second, third)
    assert text.count("\n") == make("x", "x", "x").count("\n")
    assert not set("|<>\r\x00\x1b") & set(text)
    assert len(text.split("\n")[0]) <= 120
