"""ROP responses, read beside their requests; their examples are among the vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import responses, rops
from check_mapi_connectivity.mapihttp.properties import PropertyError
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

from .material import EXAMPLES, VECTORS, assert_value_or_error, patient, peak, standard_row
from .test_rops import REQUESTS

#: Responses as the vectors hold them, without anything behind them.
LOGON = VECTORS["C06-logon-resp"].data
OPENED = VECTORS["C16-openfolder-resp"].data
ROWS = VECTORS["C18-qrows-resp"].data
COLUMNS = (0x674A0014, 0x0037001F, 0x0E060040, 0x0E080003, 0x001A001F)


def payload(*parts, handles=(1,)):
    return rops.RopList(b"".join(parts), handles).encode()


def failure(rop, code, index=0):
    return bytes([rop, index]) + code.to_bytes(4, "little")


def test_releases_are_not_answered():
    asked = [rops.Release(0), rops.Logon("/o=a"), rops.Release(1), rops.OpenFolder(0, 1, bytes(8))]
    found = responses.read([payload(LOGON, OPENED)], asked)
    assert [response.request for response in found.responses] == [asked[1], asked[3]]
    assert isinstance(found.responses[1].content, responses.Folder)


def test_a_failed_operation_has_no_content():
    asked = [rops.OpenFolder(0, 1, bytes(8)), rops.GetContentsTable(1, 2)]
    found = responses.read([payload(failure(2, 0x8004010F, 1), failure(5, 0x4B9, 2))], asked)
    assert [(r.index, r.return_value, r.content, r.done) for r in found.responses] == [
        (1, 0x8004010F, None, False),
        (2, 0x4B9, None, False),
    ]


@pytest.mark.parametrize("code", sorted(responses.WARNINGS))
def test_warnings_are_success(code):
    row = bytes.fromhex("07 00") + code.to_bytes(4, "little") + bytes.fromhex("01 0a 0f010480")
    found = responses.read([payload(row)], [rops.GetPropertiesSpecific(0, (0x3001001F,))])
    (response,) = found.responses
    assert response.done
    assert response.content == (PropertyError(0x8004010F),)


def test_another_answer_than_asked_for():
    with pytest.raises(WireError, match="0x02 is answered where RopLogon was asked"):
        responses.read([payload(OPENED)], [rops.Logon("/o=a")])


def test_a_wrong_server_may_name_the_right_one():
    asked = [rops.Logon("/o=a")]
    redirect = VECTORS["C07-logon-redirect"].data
    assert (
        responses.read([payload(redirect)], asked).responses[0].content.server_name[-4:] == "EX02"
    )
    assert responses.read([payload(redirect[:6])], asked).responses[0].content is None
    # Some servers leave the name out, and what follows is of the next response.
    for spoilt in (redirect[:-1], redirect[:7], redirect[:7] + b"\0", redirect[:6] + OPENED):
        assert responses.read([payload(spoilt)], asked).responses[0].content is None


def test_nothing_is_read_behind_a_logon_that_failed():
    asked = [rops.Logon("/o=a"), rops.OpenFolder(0, 1, bytes(8))]
    for logon in (failure(0xFE, 0x50C), failure(0xFE, 0x478)):
        found = responses.read([payload(logon, failure(2, 0x4B9)), payload(ROWS)], asked)
        assert [response.request for response in found.responses] == asked[:1]
        assert (found.handles, found.ended_by) == ((1,), None)


def test_ghosted_folders_name_servers():
    asked = [rops.OpenFolder(0, 1, bytes(8))]
    ghosted = OPENED[:-1] + bytes.fromhex("01 0200 0100") + b"one\0two\0"
    found = responses.read([payload(ghosted)], asked)
    assert found.responses[0].content == (0, 1, ("one", "two"))


@pytest.mark.parametrize("length", [0, 8])
def test_an_answer_that_ends_early(length):
    asked = [rops.OpenFolder(0, 1, bytes(8)), rops.SetColumns(1, COLUMNS), rops.QueryRows(1, 9)]
    found = responses.read([payload(OPENED[:length], handles=())], asked)
    assert len(found.responses) == length // 8
    assert (found.handles, found.ended_by) == ((), None)


@pytest.mark.parametrize("rop", [0x2A, 0x6E])
def test_notifications_end_an_answer(rop):
    asked = [rops.OpenFolder(0, 1, bytes(8)), rops.QueryRows(1, 9)]
    found = responses.read([payload(OPENED, bytes([rop, 1, 2, 3]))], asked)
    assert len(found.responses) == 1
    # Behind all answers they are left alone.
    found = responses.read([payload(OPENED, bytes([rop, 1, 2, 3]))], asked[:1])
    assert len(found.responses) == 1


def test_backoff_and_too_small_end_an_answer():
    asked = [rops.OpenFolder(0, 1, bytes(8)), rops.SetColumns(1, COLUMNS), rops.QueryRows(1, 9)]
    found = responses.read([payload(OPENED, VECTORS["C26-backoff"].data)], asked)
    assert len(found.responses) == 1
    assert found.ended_by == responses.Backoff(0, 5000, ((0x15, 10000),), b"")
    found = responses.read([payload(OPENED, b"\xff\x00\x90rest")], asked)
    assert found.ended_by == responses.TooSmall(0x9000, b"rest")
    for spoilt in (b"\xff\x00", VECTORS["C26-backoff"].data[:-1]):
        with pytest.raises(WireError):
            responses.read([payload(OPENED, spoilt)], asked)


def test_rows_come_in_further_payloads():
    asked = [rops.SetColumns(2, COLUMNS), rops.QueryRows(2, 9), rops.Release(2)]
    done = failure(0x12, 0, 2) + b"\0"
    found = responses.read([payload(done, ROWS), payload(ROWS), payload(ROWS)], asked)
    assert [len(r.content.rows) for r in found.responses[1:]] == [3, 3, 3]
    assert {r.request for r in found.responses[1:]} == {asked[1]}
    # They belong to the last request for rows.
    twice = [asked[0], asked[1], rops.QueryRows(2, 90)]
    found = responses.read([payload(done, ROWS, ROWS), payload(ROWS)], twice)
    assert [r.request.row_count for r in found.responses[1:]] == [9, 90, 90]
    # Without a request for rows nothing of them can be read.
    assert len(responses.read([payload(done), payload(ROWS)], asked[:1]).responses) == 1


def test_columns_of_a_table_that_is_open_already():
    asked = [rops.QueryRows(2, 9)]
    found = responses.read([payload(ROWS)], asked, COLUMNS)
    assert found.responses[0].content.rows[0][1] == "Probe 1"
    with pytest.raises(WireError, match="columns were not set"):
        responses.read([payload(ROWS)], asked)


def test_an_empty_folder_needs_no_columns():
    empty = bytes.fromhex("15 02 00000000 02 0000")
    (response,) = responses.read([payload(empty)], [rops.QueryRows(2, 9)]).responses
    assert response.content == (2, ())


def test_a_row_of_every_type():
    columns = tuple(tag for tag, _, _ in EXAMPLES)
    data = failure(7, 0) + standard_row(EXAMPLES)
    (response,) = responses.read(
        [payload(data)], [rops.GetPropertiesSpecific(0, columns)]
    ).responses
    assert response.content == tuple(value for _, value, _ in EXAMPLES)


def test_no_payload_is_no_answer():
    assert responses.read([], [rops.Logon("/o=a")]) == ((), (), None)


ANSWERED = st.sampled_from([LOGON, OPENED, ROWS, b"\xff", b"\xf9", b"\x6e", b"\x2a"])


@patient
@given(
    st.lists(st.one_of(ANSWERED, st.binary(max_size=60)).map(payload) | st.binary(), max_size=4),
    st.lists(REQUESTS, max_size=5),
    st.sampled_from([(), COLUMNS]),
)
def test_any_bytes_beside_any_requests(payloads, asked, columns):
    assert_value_or_error(lambda _: responses.read(payloads, asked, columns), b"".join(payloads))


@patient
@given(
    REQUESTS.filter(lambda asked: not isinstance(asked, rops.Release)),
    st.sampled_from([0, 0, 0, 0x478, 0x40380, 0x4B9]),
    st.binary(max_size=250),
)
def test_any_bytes_behind_the_right_number(asked, code, data):
    found = assert_value_or_error(
        lambda spoilt: responses.read_response(Reader(spoilt, "it"), asked, COLUMNS),
        failure(asked.ROP, code) + data,
    )
    assert isinstance(found, WireError) or found.return_value == code


@patient
@given(st.binary(max_size=100))
def test_any_backoff(data):
    assert_value_or_error(lambda spoilt: responses.read_backoff(Reader(spoilt, "it")), data)


@pytest.mark.parametrize(
    "data",
    [
        failure(0x15, 0) + b"\0\xff\xff" + b"\x01" * 20000,
        failure(0x15, 0) + b"\0\xff\xff" + b"\x00" * 20000,
        failure(0x07, 0) + b"\0" + b"\xff" * 20000,
        failure(0x02, 0) + b"\0\x01\xff\xff\xff\xff" + b"\0" * 20000,
        b"\xf9\0\0\0\0\0\xff" + b"\0" * 20000,
    ],
)
def test_counts_that_lie_take_no_memory(data):
    asked = {0x15: rops.QueryRows(0, 9), 0x07: rops.GetPropertiesSpecific(0, COLUMNS)}.get(
        data[0], rops.OpenFolder(0, 1, bytes(8))
    )
    _, most = peak(lambda: responses.read([payload(data)], [asked], COLUMNS))
    assert most < 30 * len(data)


def test_rows_take_a_bounded_multiple_of_their_bytes():
    rows = (b"\x01" + b"\x01" * len(COLUMNS)) * 4000
    data = failure(0x15, 0) + b"\0" + (4000).to_bytes(2, "little") + rows
    found, most = peak(lambda: responses.read([payload(data)] * 3, [rops.QueryRows(0, 9)], COLUMNS))
    assert len(found.responses) == 3
    assert most < 30 * 3 * len(data)
