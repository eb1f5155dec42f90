"""What counts as a listed Inbox."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.mapihttp import properties, responses, rops
from check_mapi_connectivity.probes.mapi_listing import PRESUMED_INBOX, Listing

from ..mapihttp.material import VECTORS

MAILBOX = responses.read_response(
    responses.Reader(VECTORS["C06-logon-resp"].data, "logon"), rops.Logon("/o=C"), ()
).content
MID = bytes.fromhex("01000000000002a1")
GOOD = (MID, properties.Time(133000000000000000), 4711)


class Canned:
    """Stands for a session: each Execute gets one of these, as (return value, content) by ROP."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def execute(self, requests, handles, columns=()):
        self.asked.append([type(request).__name__ for request in requests])
        content = self.answers.pop(0)
        found = [
            responses.Response(request, 0, *content.get(type(request), (0, None)))
            for request in requests
        ]
        found += [responses.Response(requests[-1], 0, *extra) for extra in content.get("more", ())]
        return responses.Answer(tuple(found), (1, 2, 3), None)


def rows(*of, origin=2):
    return (0, responses.Rows(origin, tuple(of)))


def content(query, count=2, mailbox=MAILBOX, **more):
    return {
        rops.Logon: (0, mailbox),
        rops.OpenFolder: (0, responses.Folder(0, 0, ())),
        rops.GetPropertiesSpecific: (0, ("Inbox", 2, 1)),
        rops.GetContentsTable: (0, count),
        rops.SetColumns: (0, 0),
        rops.SortTable: (0, 0),
        rops.QueryRows: query,
        **more,
    }


@pytest.fixture
def take(options):
    def run(*answers, **changes):
        report = Report("m", "mapi")
        session = Canned(*answers)
        chosen = options(methods=("mapi",), **changes)
        listing = Listing(chosen.targets, report, "/o=C", PRESUMED_INBOX, together=True)
        listing.take(session)
        return report, session, listing

    return run


def test_rows_and_counts(take):
    report, session, _ = take(content(rows(GOOD, GOOD)))
    assert len(session.asked) == 1
    assert (report.finding.inbox_items, report.finding.unread) == (2, 1)
    assert report.finding.rows[0] == ("0001-0000000002a1", 1655526400.0, 4711, None)
    assert report.trace.facts["mailbox GUID"] == "11223344-5566-7788-99aa-bbccddeeff00"


def test_an_empty_inbox_is_listed(take):
    report, _, _ = take(content(rows(), count=0))
    assert (report.finding.inbox_items, report.finding.rows) == (0, [])


@pytest.mark.parametrize(
    "query",
    [
        rows(),
        rows(origin=0),
        rows((properties.PropertyError(0x8004010F),) * 3),
        rows(GOOD, (None, None, None)),
        (0x80004005, None),
        (0, None),
    ],
)
def test_nothing_listed_is_no_success(take, query):
    with pytest.raises(CheckFailure):
        take(content(query))


def test_every_block_of_rows_has_to_be_good(take):
    with pytest.raises(CheckFailure, match="fails, no reason given"):
        take(content(rows(GOOD, origin=1), more=[(0x80004005, None)]))
    report, _, _ = take(content(rows(GOOD, origin=1), more=[rows(GOOD)]))
    assert len(report.finding.rows) == 2


def test_more_rows_are_asked_for_until_there_are_enough(take):
    more = {rops.QueryRows: rows(GOOD, origin=1)}
    report, session, _ = take(content(rows(GOOD, origin=1), count=9), more, more, inbox_items=3)
    assert session.asked[1:] == [["QueryRows"], ["QueryRows"]]
    assert len(report.finding.rows) == 3


def test_rows_of_another_folder_are_not_believed(take):
    elsewhere = MAILBOX._replace(
        folder_ids=(*MAILBOX.folder_ids[:4], bytes(8), *MAILBOX.folder_ids[5:])
    )
    report, session, listing = take(
        content(rows(GOOD), mailbox=elsewhere), content(rows(GOOD, GOOD))
    )
    assert listing.inbox == bytes(8)
    assert session.asked[1][0] == "OpenFolder"
    assert len(report.finding.rows) == 2


@pytest.mark.parametrize("code", [0x4B9, 0x80040102])
def test_a_logon_that_wants_to_be_alone(take, code):
    alone = {rops.Logon: (code, None)}
    _, session, listing = take(alone, content(rows()), content(rows(GOOD)))
    assert [len(asked) for asked in session.asked] == [7, 1, 6]
    assert listing.together is False


def test_without_a_sort_nothing_is_called_newest(take):
    made = content(rows(GOOD))
    made[rops.SortTable] = (0x80040117, None)
    report, _, _ = take(made)
    assert "did not sort" in report.trace.remarks[0]
