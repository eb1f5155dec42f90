"""One session: what is sent, what counts as an answer, and which session is left to be ended.

Bodies are typed in from MS-OXCMAPIHTTP 2.2.4 and MS-OXCROPS 2.2, or are vectors.
"""

from __future__ import annotations

import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.mapihttp import rops
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.probes.mapi_session import ExecuteRefused, Session
from check_mapi_connectivity.probes.session_context import SessionLost

from ..mapihttp.material import VECTORS

URL = "https://mail.example/mapi/emsmdb/?MailboxId=1"
COOKIES = (("Set-Cookie", "MapiContext=abcdefgh; path=/mapi"), ("Set-Cookie", "MapiSequence=1"))
TAGS = b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 250\r\n\r\n"
OPENED = bytes.fromhex("0201000000000000")
COLUMNS_SET = bytes.fromhex("12020000000000")
ROW = bytes.fromhex("150200000000020100") + b"\0" + bytes(range(1, 9))
TOO_SMALL = bytes.fromhex("ff0080")


class Server:
    """Gives answers in turn; `sent` holds request type, cookies and body of what came."""

    scheme = "Basic"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def post(self, url, watch, *, phase, headers, data, heard, until, reading):
        assert until > time.monotonic()
        self.sent.append((headers["X-RequestType"], headers.get("Cookie"), data))
        made = self.answers.pop(0)
        if callable(made):
            made = made(headers)
        heard(made)
        if made.body is None:
            raise CheckFailure("broken")
        return made

    def explain(self, answer):
        raise AssertionError(answer.status)


def answer(body, code="0", lines=(), status=200, **more):
    def make(headers):
        found = {"X-RequestId": headers["X-RequestId"], "X-ResponseCode": code, **more}
        return Answer(URL, "mail.example", status, "", Headers(found), body, lines=tuple(lines))

    return make


CONNECTED = answer(TAGS + VECTORS["C02-connect-ok"].data, lines=COOKIES)
DISCONNECTED = answer(TAGS + VECTORS["C29-disconnect-resp"].data)


def executed(rop_bytes, handles=(1, 2, 3)):
    payload = (len(rop_bytes) + 2).to_bytes(2, "little") + rop_bytes
    payload += b"".join(handle.to_bytes(4, "little") for handle in handles)
    size = len(payload).to_bytes(2, "little")
    framed = b"\0\0\4\0" + size + size + payload
    return answer(TAGS + bytes(12) + len(framed).to_bytes(4, "little") + framed + bytes(4))


@pytest.fixture
def session():
    def make(*answers):
        server = Server(*answers)
        report = Report("m", "mapi")
        told = []
        made = Session(URL, server, Deadline(time.monotonic(), 30), report, told.append)
        made.report, made.told = report, told
        return made, server

    return make


def test_which_server_answers_is_told_at_once(session):
    body = TAGS + VECTORS["C02-connect-ok"].data
    made, _ = session(answer(body, lines=COOKIES, **{"X-BEServer": "EXBE01"}), DISCONNECTED)
    made.connect("/o=C")
    assert made.told == ["EXBE01"]


def test_a_whole_session(session):
    made, server = session(CONNECTED, executed(OPENED), DISCONNECTED)
    made.connect("/o=C")
    assert made.display_name == "Probe Mailbox"
    assert made.report.trace.facts["session info"] == "EX01"
    found = made.execute([rops.OpenFolder(0, 1, bytes(8))], (1, 0xFFFFFFFF))
    assert found.responses[0].done
    assert made.disconnect() == ""
    assert not made.open
    assert [kind for kind, _, _ in server.sent] == ["Connect", "Execute", "Disconnect"]
    assert server.sent[0][1] is None
    assert server.sent[2][1] == "MapiContext=abcdefgh; MapiSequence=1"
    assert server.sent[2][2] == bytes(4)
    assert made.elapsed == 0.5


LISTING = [
    rops.OpenFolder(0, 1, bytes(8)),
    rops.SetColumns(2, (0x674A0014,)),
    rops.QueryRows(2, 5),
]


def test_what_did_not_fit_is_asked_for_again_with_its_columns(session):
    made, server = session(
        executed(OPENED + COLUMNS_SET + TOO_SMALL + b"rest", handles=(7, 8)), executed(ROW)
    )
    found = made.execute(LISTING, (1, 2, 3))
    assert [type(item.request).__name__ for item in found.responses] == [
        "OpenFolder",
        "SetColumns",
        "QueryRows",
    ]
    assert found.responses[-1].content.rows == ((bytes(range(1, 9)),),)
    # A table that is shorter at its end keeps the rest.
    assert server.sent[1][2].find(bytes.fromhex("07000000080000000300 0000")) > 0


def test_one_operation_an_answer(session):
    made, server = session(
        executed(OPENED + TOO_SMALL), executed(COLUMNS_SET + TOO_SMALL), executed(ROW)
    )
    assert len(made.execute(LISTING, (1, 2, 3)).responses) == 3
    assert len(server.sent) == 3


def test_not_even_one_operation_fits(session):
    made, server = session(executed(TOO_SMALL))
    with pytest.raises(CheckFailure, match="does not fit"):
        made.execute(LISTING, (1, 2, 3))
    assert len(server.sent) == 1


@pytest.mark.parametrize("code", ["0", " 0 ", "00"])
def test_good_codes(session, code):
    made, _ = session(answer(TAGS + VECTORS["C02-connect-ok"].data, code, COOKIES), DISCONNECTED)
    made.connect("/o=C")
    assert made.open
    assert made.disconnect() == ""


@pytest.mark.parametrize("code", ["0, 0", "+0", "", "²"])
def test_codes_that_cannot_be_read_leave_a_session_to_end(session, code):
    made, server = session(answer(b"", code, COOKIES), DISCONNECTED)
    with pytest.raises(CheckFailure, match="not as MAPI over HTTP"):
        made.connect("/o=C")
    assert made.disconnect() == ""
    assert server.sent[-1][0] == "Disconnect"


@pytest.mark.parametrize(
    "made_of",
    [answer(b"", "10", COOKIES), answer(b"<html>", "0", (("Set-Cookie", "a=b"),), status=401)],
)
def test_no_session_comes_of_a_refusal(session, made_of):
    made, server = session(made_of)
    with pytest.raises((CheckFailure, AssertionError)):
        made.connect("/o=C")
    assert made.disconnect() == ""
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"X-ResponseCode: 10", SessionLost),
        (b"X-ResponseCode: 0x0A", CheckFailure),
        (b"X-ResponseCode: 10\r\nX-ResponseCode: 0", CheckFailure),
        (b"X-ResponseCode: 12345678901", CheckFailure),
    ],
)
def test_a_late_failure_is_never_a_success(session, line, error):
    late = b"PROCESSING\r\nDONE\r\n" + line + b"\r\n\r\n" + bytes(16)
    made, _ = session(answer(late))
    with pytest.raises(error):
        made.execute(LISTING, (1, 2, 3))


def test_status_and_error_codes(session):
    made, _ = session(answer(TAGS + VECTORS["C30-execute-fail"].data))
    with pytest.raises(ExecuteRefused) as caught:
        made.execute(LISTING, (1, 2, 3))
    assert caught.value.code == 0x4B6
    made, _ = session(answer(TAGS + VECTORS["C04-connect-unknownuser"].data))
    with pytest.raises(CheckFailure, match="no such mailbox"):
        made.connect("/o=C")


def test_seconds_of_gromox(session):
    connected = answer(
        TAGS + VECTORS["C02-connect-ok"].data,
        lines=COOKIES,
        **{"X-ServerApplication": "Exchange/15.00.0847.4040"},
    )
    made, _ = session(connected)
    made.connect("/o=C")
    assert made.elapsed == 250.0


def test_nothing_is_sent_without_time(session):
    made, server = session(CONNECTED)
    made._deadline = Deadline(time.monotonic() - 29, 30)
    with pytest.raises(CheckFailure, match="timed out"):
        made.connect("/o=C")
    assert server.sent == []
