"""What is asked of an address book and what its answers mean, by recordings of a live Gromox 3.10.

Answers that no recording holds are typed in from reference sheet nspi 5.2 to 5.4.
"""

from __future__ import annotations

import time

import pytest
from requests.structures import CaseInsensitiveDict

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.answer import Answer
from check_mapi_connectivity.probes.addressbook.visit import User, Visitor

from ..mapihttp.material import FOLDER, recordings

RECORDED = recordings(FOLDER / "nspi")
URL = "https://mail.example/mapi/nspi/?MailboxId=1@example.test"
DN = (
    "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
    "/cn=Recipients/cn=0100000001000000-PROBE"
)
PROBE = User("probe@example.test", DN)
NAMES, SESSION = "ok_nspi_resolvenames", "err_nspi_session"
TAGS = b"PROCESSING\r\nDONE\r\n\r\n"


class Server:
    """Gives answers in turn, as (status, headers, body); `sent` holds type, cookies and body."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def post(self, url, watch, *, phase, headers, data, heard, until, reading):
        watch.start(phase)
        self.sent.append((headers["X-RequestType"], headers.get("Cookie"), data))
        made = self.answers.pop(0)
        watch.stop()
        if isinstance(made, Failure):
            raise CheckFailure(made)
        status, found, body = made
        found = CaseInsensitiveDict({**found, "X-RequestId": headers["X-RequestId"]})
        cookies = tuple(("Set-Cookie", one) for one in ("sid=a", f"sequence={len(self.sent)}"))
        answer = Answer(url, "mail.example", status, "", found, body, lines=cookies)
        heard(answer)
        assert reading(data, answer).sent
        return answer

    def explain(self, answer):
        return Failure("protocol", "no address book here", "", f"HTTP {answer.status}")


def recorded(recording, number):
    exchange = next(one for one in RECORDED if one[:2] == (recording, number))
    code = exchange.headers.get("x-responsecode")
    return exchange.status, {"X-ResponseCode": code} if code else {}, exchange.body


def typed(text):
    return 200, {"X-ResponseCode": "0"}, TAGS + bytes.fromhex(text)


BOUND, UNBOUND = recorded(NAMES, 0), recorded(NAMES, 31)
UNKNOWN = recorded(NAMES, 6)
#: Two names: the first several times there, the second found.
AMBIGUOUS_AND_FOUND = recorded(NAMES, 9)


@pytest.fixture
def visited():
    """`visited(user, *answers)` -> failure, report, server."""

    def visit(user, *answers, urls=(URL,), allowed=lambda url: True):
        server, report = Server(*answers), Report("m", "mapi")
        visitor = Visitor(server, Deadline(time.monotonic(), 30), report, allowed, lambda url: None)
        failure = visitor.visit(urls, user)
        assert not server.answers
        return failure, report, server

    return visit


def test_three_requests_and_a_user_who_is_known(visited):
    failure, report, server = visited(PROBE, BOUND, recorded(NAMES, 4), UNBOUND)
    assert failure is None
    assert report.trace.facts == {"address book": "Probe Mailbox, probe@example.test"}
    assert report.trace.remarks == []
    assert [(kind, cookie) for kind, cookie, _ in server.sent] == [
        ("Bind", None),
        ("ResolveNames", "sid=a; sequence=1"),
        ("Unbind", "sid=a; sequence=2"),
    ]
    bind, resolve, unbind = (body for _, _, body in server.sent)
    assert [bind, unbind] == [one.sent for one in RECORDED if one[:2] in ((NAMES, 0), (NAMES, 31))]
    # Flags, STAT, three columns, two names in UTF-16 without presence bytes.
    stat = "ff" + "00" * 24 + "e40400000904000009040000"
    columns = "ff030000001f0001301f00fe391f000330"
    names = b"".join(f"{name}\0".encode("utf-16-le") for name in (PROBE.address, DN))
    assert resolve == bytes.fromhex(f"00000000{stat}{columns}ff02000000") + names + bytes(4)
    assert [phase.name for phase in report.times.address_book.phases()] == [
        "bind",
        "resolvenames",
        "unbind",
    ]


def test_of_two_names_one_is_enough(visited):
    alice = PROBE._replace(address="alice@example.test", legacy_dn="/o=elsewhere")
    failure, report, _ = visited(alice, BOUND, AMBIGUOUS_AND_FOUND, UNBOUND)
    assert failure is None
    assert report.trace.facts["address book"] == "Alice Example, alice@example.test"


def test_somebody_else_is_found(visited):
    other = User("other@example.test", "/o=Gromox default/cn=other")
    failure, _, _ = visited(other, BOUND, recorded(NAMES, 4), UNBOUND)
    assert (failure.kind, failure.cause) == (
        "address-book",
        "address book gives somebody else for this mailbox",
    )
    assert failure.detail == "it gives Probe Mailbox, probe@example.test"


@pytest.mark.parametrize(
    ("ids", "known"), [("ff 01000000 11000000", True), ("ff 01000000 00000000", False)]
)
def test_whom_name_resolution_does_not_give_may_be_hidden(visited, ids, known):
    looked_up = typed(f"00000000 00000000 {ids} 00000000")
    failure, report, server = visited(PROBE, BOUND, UNKNOWN, looked_up, UNBOUND)
    assert [kind for kind, _, _ in server.sent] == ["Bind", "ResolveNames", "DNToMId", "Unbind"]
    assert server.sent[2][2] == bytes(4) + b"\xff\1\0\0\0" + DN.encode() + b"\0" + bytes(4)
    if known:
        assert failure is None
        assert "hidden" in report.trace.facts["address book"]
    else:
        assert failure.cause == "address book does not know this user"
        assert failure.detail == "it says of address and legacy DN: ambiguous"


def test_a_server_that_cannot_look_up_a_dn(visited):
    refused = recorded(SESSION, 9)
    failure, report, _ = visited(PROBE, BOUND, UNKNOWN, refused, recorded(SESSION, 14))
    assert failure.cause == "address book does not know this user"
    assert any("look-up by DN" in note for note in report.trace.notes)
    # A refusal may use up the sequence: ending the session fails, which is no failure.
    assert any("could not be ended" in remark for remark in report.trace.remarks)


def test_a_lost_session_is_opened_afresh_once(visited):
    answers = BOUND, recorded(SESSION, 2), recorded(SESSION, 30)
    again = BOUND, recorded(NAMES, 4), UNBOUND
    failure, report, server = visited(PROBE, *answers, *again)
    assert failure is None
    assert server.sent[3][:2] == ("Bind", None)
    assert [remark for remark in report.trace.remarks if "asked again" in remark]
    failure, _, server = visited(PROBE, *answers, *answers)
    assert (failure.kind, failure.code) == ("address-book", "X-ResponseCode 2")
    assert failure.cause.startswith("address book: ")


@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (
            recorded("err_nspi_bind", 0),
            "address book does not support the request",
            "MAPI_E_NO_SUPPORT 0x80040102",
        ),
        (
            recorded("err_nspi_bind", 1),
            "address book does not know code page 1252",
            "MAPI_E_UNKNOWN_CPID 0x8004011E",
        ),
        (
            recorded("err_nspi_bind", 6),
            "address book: a service of the mailbox server fails",
            "MAPI_E_FAILONEPROVIDER 0x8004011D",
        ),
        (typed("f7060000 00000000"), "address book: request is beyond a size limit", "0x6F7"),
        ((404, {}, b"Not Found"), "address book: no address book here", "HTTP 404"),
        (
            (200, {"X-ResponseCode": "0"}, b"PROCESSING"),
            "address book: server's answer to Bind",
            "",
        ),
        (typed("00000000 00000000"), "address book: server's answer to Bind is malformed", ""),
    ],
)
def test_a_bind_that_fails(visited, answer, cause, code):
    bound = answer[0] == 200
    failure, _, _ = visited(PROBE, answer, *([UNBOUND] if bound else []))
    assert failure.kind == "address-book"
    assert failure.cause.startswith(cause)
    assert failure.code.endswith(code)
    assert not failure.transient


def test_no_address_or_none_that_may_be_used(visited):
    assert visited(PROBE, urls=())[0].cause == "Autodiscover names no address book"
    plain = visited(PROBE, urls=("http://mail.example/mapi/nspi/",))[0]
    assert plain.cause == "Autodiscover names no usable address of the address book"
    foreign = visited(PROBE, allowed=lambda url: False)[0]
    assert foreign.cause.startswith(
        "Autodiscover has the address book at the foreign host mail.example"
    )


def test_the_next_address_where_the_first_cannot_be_reached(visited):
    closed = Failure("connect", "mail.example port 444: connection refused")
    urls = (URL.replace("mail.example", "mail.example:444"), URL)
    failure, _, _ = visited(PROBE, closed, BOUND, recorded(NAMES, 4), UNBOUND, urls=urls)
    assert failure is None
    failure, _, _ = visited(PROBE, closed, closed, urls=urls)
    assert failure.cause == "address book: mail.example port 444: connection refused"
    refused = Failure("logon", "mail.example refuses user probe")
    assert visited(PROBE, refused, urls=urls)[0].cause == "address book: " + refused.cause
