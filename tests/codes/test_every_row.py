"""How many messages a report keeps, whatever a server sends."""

from __future__ import annotations

import json
import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.report import Report, Row
from check_mapi_connectivity.result import conclusion

from ..tenant import graph
from ..tenant.material import DOMAIN


@pytest.fixture
def generous(monkeypatch):
    """Graph lists 30 messages, whatever it was asked for."""
    ordinary = graph._page

    def page(mailbox, query, url, tid):
        document = ordinary(mailbox, query, url, tid)
        document["value"] = [
            {**document["value"][0], "id": f"id{number}", "subject": f"subject {number}"}
            for number in range(30)
        ]
        document["@odata.count"] = 30
        return document

    monkeypatch.setattr(graph, "_page", page)


@pytest.mark.parametrize(("arguments", "kept"), [((), 10), (("--inbox-items", "3"), 3)])
@pytest.mark.usefixtures("generous")
def test_graph_lists_more_than_it_was_asked_for(way, arguments, kept):
    run = way("graph", "--json", "-vvv", *arguments)
    [report] = json.loads(run.stdout)["reports"]
    assert (run.code, report["inbox"]["items"]) == (0, 30)
    names = [row["id"] for row in report["inbox"]["rows"]]
    assert names == [f"id{number}" for number in range(kept)]
    assert "subject 29" not in way("graph", "-vv", *arguments).stdout


@pytest.mark.usefixtures("generous")
def test_ten_rows_of_each_of_several_mailboxes(way):
    more = ("--inbox-items", "30", "-m", f"many-001@{DOMAIN}", "-m", f"many-002@{DOMAIN}")
    run = way("graph", "--json", *more)
    reports = json.loads(run.stdout)["reports"]
    assert (run.code, [report["mailbox"] for report in reports]) == (
        0,
        [f"many-001@{DOMAIN}", f"many-002@{DOMAIN}"],
    )
    assert [len(report["inbox"]["rows"]) for report in reports] == [10, 10]
    assert [report["inbox"]["items"] for report in reports] == [30, 30]
    # One alone shows all that were asked for.
    [report] = json.loads(way("graph", "--json", *more[:2]).stdout)["reports"]
    assert len(report["inbox"]["rows"]) == 30


@pytest.mark.parametrize(("mailboxes", "kept"), [(1, 1000), (2, 10), (40, 10)])
def test_rows_of_a_conclusion(options, mailboxes, kept):
    names = tuple(f"m{number}@c.d" for number in range(mailboxes))
    chosen = options(mailboxes=names, methods=("graph",), json=True, inbox_items=1000)
    reports = [Report(name, "graph") for name in names]
    for report in reports:
        report.success = True
        report.finding.rows = [Row(f"id{number}", 1.8e9, None, None) for number in range(1000)]
    text, _ = conclusion.conclude(chosen, reports, Deadline(time.monotonic(), 30.0))
    found = json.loads(text)["reports"]
    assert [len(one["inbox"]["rows"]) for one in found] == [kept] * mailboxes
    assert [one["inbox"]["rows"][-1]["id"] for one in found] == [f"id{kept - 1}"] * mailboxes
