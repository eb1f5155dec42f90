"""The JSON document of a report."""

from __future__ import annotations

import json

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.report import Exchange, Row
from check_mapi_connectivity.result import document
from check_mapi_connectivity.result.judge import Judged

from ..support.options import about
from ..support.reports import asked, failed, judged, known, success


def build(report, options):
    return json.loads(
        document.build("OK", "line", [Judged(report, "OK", [], [])], **about(options))
    )


def test_what_method_mapi_adds(options):
    report = known("m@x", "mapi", success=True, inbox_items=2, unread=1)
    report.trace.facts = {"endpoint": "https://mail/mapi/emsmdb/"}
    report.finding.rows = [
        Row("0001-00", 1.5, 10),
        Row("0001-01", None, None, "a <b>subject</b>\n"),
    ]
    report.times.discovery.start("request")
    report.times.discovery.stop()
    found = build(report, options(methods=("mapi",)))["reports"][0]
    assert found["inbox"] == {
        "items": 2,
        "unread": 1,
        "newest": 1.5,
        "rows": [
            {"id": "0001-00", "delivered": 1.5, "size": 10},
            {"id": "0001-01", "delivered": None, "size": None, "subject": "a (b)subject(/b)"},
        ],
    }
    assert found["facts"] == {"endpoint": "https://mail/mapi/emsmdb/"}
    assert [phase["name"] for phase in found["phases"]["autodiscover"]] == ["request"]
    assert "Exchange Server SE; no live run yet" in found["notes"][-1]


def test_failure_and_exchanges(options):
    report = known("m@x", "mapi", failure=Failure("mailbox", "gone", "look", "0x1", "in full"))
    report.trace.met(Exchange("POST u", [("A", "b")], ["x", "  y"], "HTTP 200", [], ["z"]))
    found = build(report, options(methods=("mapi",)))["reports"][0]
    assert found["failure"] == {
        "kind": "mailbox",
        "during": None,
        "cause": "gone",
        "remedy": "look",
        "code": "0x1",
        "name": None,
        "link": None,
        "detail": "in full",
    }
    assert found["exchanges"][0]["request_body"] == ["x", "y"]
    assert found["exchanges"][0]["answer_body"] == ["z"]


def test_a_document_of_several(options):
    reports = [success("a@x.y"), failed("b@x.y", cause="gone", during="sign-in")]
    chosen = asked(reports, options, sources=("[a] in /etc/b.ini",))
    found = json.loads(
        document.build("CRITICAL", "x" * 200, judged(reports, options), **about(chosen))
    )
    assert (found["state"], found["exit_code"], len(found["summary"])) == ("CRITICAL", 2, 120)
    assert (found["cloud"], found["proxy"]) == ("worldwide", None)
    assert found["options_from"] == ["[a] in /etc/b.ini"]
    one, other = found["reports"]
    assert (one["state"], one["success"], one["failure"]) == ("OK", True, None)
    assert one["perfdata"][0] == {
        "label": "a_x_y_mapi_connectivity",
        "value": 1.0,
        "unit": None,
        "warning": None,
        "critical": None,
        "min": 0.0,
        "max": 1.0,
    }
    assert (other["state"], other["failure"]["during"]) == ("CRITICAL", "sign-in")
    assert other["perfdata"][1]["value"] is None
    assert other["perfdata"][1]["label"] == "b_x_y_connection_time"


def test_without_a_credential_of_entra_there_is_no_cloud(options):
    assert (
        build(success(method="mapi"), options(methods=("mapi",), credential=None))["cloud"] is None
    )


def test_values_without_a_unit_have_none_whatever_their_prefix(options):
    reports = [success("a@x.y", "graph", inbox_items=8), success("b@x.y", "graph")]
    chosen = asked(reports, options)
    found = json.loads(document.build("OK", "line", judged(reports, options), **about(chosen)))
    units = {item["label"]: item["unit"] for item in found["reports"][0]["perfdata"]}
    assert units["a_x_y_inbox_items"] is None
    assert units["a_x_y_certificate_days"] is None
    assert units["a_x_y_total_time"] == "s"
