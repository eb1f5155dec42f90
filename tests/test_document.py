"""The JSON document of a report."""

from __future__ import annotations

import json

from check_mapi_connectivity import document, render
from check_mapi_connectivity.report import Exchange, Failure, Report, Row


def build(report, options):
    return json.loads(document.build(render.Judged("OK", "line", [], []), report, options))


def test_what_method_mapi_adds(options):
    report = Report("m@x", "mapi", success=True, inbox_items=2, unread=1)
    report.facts = {"endpoint": "https://mail/mapi/emsmdb/"}
    report.rows = [Row("0001-00", 1.5, 10), Row("0001-01", None, None, "a <b>subject</b>\n")]
    report.discovery.start("request")
    report.discovery.stop()
    found = build(report, options(method="mapi"))["reports"][0]
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
    assert "live Exchange server" in found["notes"][-1]


def test_failure_and_exchanges(options):
    report = Report("m@x", "mapi", failure=Failure("mailbox", "gone", "look", "0x1", "in full"))
    report.exchanges.append(Exchange("POST u", [("A", "b")], ["x", "  y"], "HTTP 200", [], ["z"]))
    found = build(report, options(method="mapi"))["reports"][0]
    assert found["failure"] == {
        "kind": "mailbox",
        "during": None,
        "cause": "gone",
        "remedy": "look",
        "code": "0x1",
        "detail": "in full",
    }
    assert found["exchanges"][0]["request_body"] == ["x", "y"]
    assert found["exchanges"][0]["answer_body"] == ["z"]
