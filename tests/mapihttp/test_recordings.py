"""Every recorded session replays: the answers are read beside the recorded requests, and our own
requests are the recorded ones byte for byte. The expected values were seen in the recordings.
"""

from __future__ import annotations

import uuid

import pytest

from check_mapi_connectivity.mapihttp import (
    autodiscover,
    discovery,
    dump,
    envelope,
    responses,
    rops,
    rpcext,
)
from check_mapi_connectivity.mapihttp.properties import id_text
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import RECORDINGS, dechunked, questions, recorded, replay

ORGANIZATION = "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
DN = f"{ORGANIZATION}/cn=Recipients/cn=0100000001000000-probe"
INBOX = bytes.fromhex("010000000000000d")
FREE = rops.NO_HANDLE

#: Columns of the session, and of the one whose answer is compressed.
ALL_COLUMNS = (
    *(0x67480014, 0x674A0014, 0x0037001F, 0x0C1A001F, 0x5D01001F),
    *(0x0E060040, 0x0E080003, 0x0E1B000B, 0x0E070003, 0x001A001F),
)
FEW_COLUMNS = (0x67480014, 0x674A0014, 0x0037001F, 0x0C1A001F, 0x0E060040, 0x0E080003)

SUBJECTS = (
    "First message",
    "Grüße aus Köln – 日本語 😀",
    "HTML alternative",
    "Invoice 4711 with attachment",
    "Re: First message",
    "",
    "Long body",
)
LATER_SUBJECTS = (*SUBJECTS, "Re: First message", "Delivered over SMTP")
SENDERS = (
    "Other User",
    "Zoë Østergaard",
    "alerts@remote.test",
    "billing@remote.test",
    "Other User",
    "list@remote.test",
    "big@remote.test",
)
SIZES = (2679, 2641, 2509, 3721, 2655, 2484, 196209)

SINGLE, COMPRESSED = "ok_session_single_execute", "ok_execute_compressed_response"
USERDN, AUTH = "err_connect_userdn", "err_connect_auth"
SETTINGS, ERRORS = "ok_autodiscover_pox", "err_autodiscover_requests"


def test_all_recordings_are_here():
    assert {exchange.recording for exchange in RECORDINGS} == {
        SINGLE,
        COMPRESSED,
        USERDN,
        AUTH,
        SETTINGS,
        ERRORS,
    }
    assert len(RECORDINGS) == 29


@pytest.mark.parametrize(
    "exchange", [e for e in RECORDINGS if "transfer-encoding" in e.headers], ids=str
)
def test_bodies_are_what_the_chunks_hold(exchange):
    assert dechunked(exchange.wire) == exchange.body


def batch(columns):
    """The requests of the recorded Executes."""
    return (
        rops.Logon(DN, open_flags=0x0100000C),
        rops.OpenFolder(0, 1, INBOX),
        rops.GetContentsTable(1, 2),
        rops.SetColumns(2, columns),
        rops.QueryRows(2, 50),
    )


def execute(columns, flags):
    listed = b"".join(request.encode() for request in batch(columns))
    buffer = rpcext.pack(rops.RopList(listed, (FREE, FREE, FREE)).encode())
    return envelope.ExecuteRequest(buffer, flags=flags, max_rop_out=0x10008).encode()


@pytest.mark.parametrize(
    ("recording", "number", "columns", "flags"),
    [(SINGLE, 1, ALL_COLUMNS, 3), (COMPRESSED, 1, FEW_COLUMNS, 0), (COMPRESSED, 2, FEW_COLUMNS, 3)],
)
def test_our_execute_is_the_recorded_one(recording, number, columns, flags):
    sent = recorded(recording, number).sent
    assert execute(columns, flags).hex() == sent.hex()
    assert tuple(questions(sent)) == batch(columns)


@pytest.mark.parametrize(
    ("recording", "number", "dn", "flags"),
    [
        (SINGLE, 0, DN, 0),
        (COMPRESSED, 0, DN, 0),
        *((AUTH, number, DN, 0) for number in range(5)),
        (USERDN, 0, DN.replace("0100000001000000-probe", "0100000063000000-nobody"), 0),
        (USERDN, 1, "/o=Wrong/ou=Org/cn=Recipients/cn=probe", 0),
        (USERDN, 2, DN.replace("0100000001000000-probe", "0100000002000000-other"), 0),
        (USERDN, 3, "", 0),
        (USERDN, 4, "probe@example.test", 0),
        (USERDN, 5, DN, 1),
        (USERDN, 6, DN.upper(), 0),
    ],
)
def test_our_connect_is_the_recorded_one(recording, number, dn, flags):
    exchange = recorded(recording, number)
    assert envelope.ConnectRequest(dn, flags=flags).encode() == exchange.sent
    assert envelope.read_request("Connect", exchange.sent).user_dn == dn


@pytest.mark.parametrize(("recording", "number"), [(SINGLE, 2), (COMPRESSED, 3), (USERDN, 7)])
def test_disconnect(recording, number):
    exchange = recorded(recording, number)
    assert envelope.DisconnectRequest().encode() == exchange.sent
    assert replay(exchange, exchange.body) == envelope.DisconnectResponse(0)


@pytest.mark.parametrize("exchange", [e for e in RECORDINGS if e.kind and e.status == 200], ids=str)
def test_the_meta_tags_of_all_answers(exchange):
    entity = envelope.strip(exchange.body)
    assert entity.tags == ("PROCESSING", "DONE")
    assert entity.headers["x-elapsedtime"] == "0"
    # The last request of one recording began in the second before its Date.
    assert entity.headers["x-starttime"][:-7] == exchange.headers["date"][:-7]


BLOCKS = (
    ("AUX_EXORGINFO", "0x3"),
    ("AUX_CLIENT_CONTROL", "flags 0xC, expiry 604800000 ms"),
    ("AUX_ENDPOINT_CAPABILITIES", "0x1"),
)


@pytest.mark.parametrize(("recording", "number"), [(SINGLE, 0), (COMPRESSED, 0), (USERDN, 6)])
def test_connect(recording, number):
    exchange = recorded(recording, number)
    assert replay(exchange, exchange.body) == envelope.ConnectResponse(
        0, 0, 60000, 6, 10000, "", "Probe User", BLOCKS
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0, 0x80040115),
        (1, 0x80040115),
        (2, 0x80070005),
        (3, 0x80070005),
        (4, 0x80040115),
        (5, 0x3F2),
    ],
)
def test_connect_with_another_dn(number, code):
    exchange = recorded(USERDN, number)
    assert exchange.headers["x-responsecode"] == "0"
    assert replay(exchange, exchange.body) == envelope.ConnectResponse(
        0, code, 0, 0, 0, "", "", BLOCKS
    )


@pytest.mark.parametrize("number", range(5))
def test_a_refusal_by_http_is_no_mapi_body(number):
    exchange = recorded(AUTH, number)
    assert (exchange.status, exchange.body) == (401, b"Unauthorized\r\n")
    with pytest.raises(WireError, match="no DONE"):
        envelope.strip(exchange.body)


def logon_facts(response, moment):
    mailbox = response.content
    assert isinstance(mailbox, responses.Mailbox)
    counters = [folder.hex() for folder in mailbox.folder_ids]
    order = ["01", "02", "03", "09", "0d", "0c", "0a", "0b", "07", "08", "05", "06", "04"]
    assert counters == [f"01000000000000{last}" for last in order]
    assert mailbox.inbox == INBOX
    assert mailbox.owner
    assert mailbox.mailbox_guid == uuid.UUID("5c894342-1530-43b9-93cb-b13517206104")
    assert mailbox.repl_id == 5
    assert mailbox.repl_guid == uuid.UUID("f59ee710-e6d2-4280-9244-b275edf75b09")
    time = mailbox.logon_time
    assert (time.year, time.month, time.day, time.hour, time.minutes, time.seconds) == moment
    assert time.day_of_week == 0


def test_the_session_in_one_execute():
    exchange = recorded(SINGLE, 1)
    body, answer = replay(exchange, exchange.body)
    assert (body.status_code, body.error_code, body.flags, body.auxiliary) == (0, 0, 0, ())
    assert answer.handles == (0, 1, 2)
    assert answer.ended_by is None
    assert [response.request for response in answer.responses] == list(batch(ALL_COLUMNS))
    assert [response.index for response in answer.responses] == [0, 1, 2, 2, 2]
    assert all(response.done for response in answer.responses)
    logon, folder, table, columns, query = answer.responses
    logon_facts(logon, (2026, 11, 22, 8, 18, 35))
    assert folder.content == responses.Folder(0, 0, ())
    assert table.content == 7
    assert columns.content == 0
    assert query.content.origin == 2
    by_column = list(zip(*query.content.rows))
    assert set(by_column[0]) == {INBOX}
    assert [id_text(mid) for mid in by_column[1]] == [f"0001-00000003000{n}" for n in range(7)]
    assert by_column[2] == SUBJECTS
    assert by_column[3] == SENDERS
    assert by_column[4][1:3] == ("zoe@remote.test", "alerts@remote.test")
    assert [int(time.unix) for time in by_column[5]] == [
        1795335296 + later for later in (0, 1, 3, 3, 4, 4, 4)
    ]
    assert by_column[6] == SIZES
    assert by_column[7] == (0, 0, 0, 1, 0, 0, 0)
    assert by_column[8] == (2, 2, 2, 18, 2, 2, 2)
    assert set(by_column[9]) == {"IPM.Note"}


def test_texts_stand_in_the_recorded_bytes():
    position = 0
    body = recorded(SINGLE, 1).body
    for subject, sender in zip(SUBJECTS, SENDERS):
        for text in (subject, sender):
            found = body.find(f"{text}\0".encode("utf-16-le"), position)
            assert found >= 0
            position = found + 2 * len(text)


def test_the_compressed_answer_is_the_plain_one():
    compressed, plain = recorded(COMPRESSED, 1), recorded(COMPRESSED, 2)
    entity = envelope.strip(compressed.body)
    assert entity.body[16:20] == b"\0\0\x05\0"
    assert len(entity.body) < len(envelope.strip(plain.body).body) / 1.7
    (one, found), (other, expected) = (
        replay(exchange, exchange.body) for exchange in (compressed, plain)
    )
    (one,), (other,) = one.payloads, other.payloads
    # They differ in the handles and in the clock of the logon.
    assert len(one) == len(other)
    assert one[:-12] == other[:-12]
    assert (found.handles, expected.handles) == ((0, 1, 2), (3, 4, 5))
    assert found.responses == expected.responses
    logon_facts(found.responses[0], (2026, 11, 22, 8, 26, 12))
    assert found.responses[2].content == 9
    by_column = list(zip(*found.responses[4].content.rows))
    assert by_column[2] == LATER_SUBJECTS
    assert by_column[3] == (*SENDERS, "Other User", "zoe@remote.test")
    assert by_column[5] == (*SIZES, 2655, 2566)


@pytest.mark.parametrize(
    ("recording", "number", "user", "digits", "server"),
    [
        (SETTINGS, 0, "probe", "0100000001000000", "70726f62-6540-6578-616d-706c01000000"),
        (ERRORS, 1, "other", "0100000002000000", "6f746865-7240-6578-616d-706c02000000"),
        (ERRORS, 5, "probe", "0100000001000000", "70726f62-6540-6578-616d-706c01000000"),
        (ERRORS, 6, "probe", "0100000001000000", "70726f62-6540-6578-616d-706c01000000"),
    ],
)
def test_settings(recording, number, user, digits, server):
    exchange = recorded(recording, number)
    found = autodiscover.read(exchange.body)
    assert isinstance(found, autodiscover.Settings)
    url = f"https://localhost:18443/mapi/emsmdb/?MailboxId={server}@example.test"
    assert found == autodiscover.Settings(
        f"{ORGANIZATION}/cn=Recipients/cn={digits}-{user}",
        f"{user}@example.test",
        f"{user.capitalize()} User",
        "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee",
        f"{server}@example.test",
        ((url, url),),
        ("EXHTTP", "MAPIHTTP", "EXCH", "EXPR"),
        (2 * (url.replace("emsmdb", "nspi"),),),
    )
    assert found.urls[0] == url
    assert discovery.usable_store(found.urls[0])
    assert exchange.sent == autodiscover.request(f"{user}@example.test")


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (0, 404, "Not Found"),
        (2, 601, "Provider is not available"),
        (3, 600, "Invalid Request"),
        (4, 600, "Invalid Request"),
    ],
)
def test_refusals(number, code, message):
    exchange = recorded(ERRORS, number)
    assert autodiscover.read(exchange.body) == autodiscover.Refusal(code, message)


def test_the_json_kind_is_no_autodiscover_document():
    with pytest.raises(WireError, match="no XML"):
        autodiscover.read(recorded(ERRORS, 7).body)


def test_dumps_of_the_session():
    exchange = recorded(SINGLE, 1)
    sent = dump.request("Execute", exchange.sent)
    assert f"    Essdn: {DN}" in sent
    assert "    FolderId: 0001-00000000000d" in sent
    lines = dump.answer("Execute", exchange.sent, exchange.body, lambda _: "")
    assert "        PidTagSubject 0x0037001F: Grüße aus Köln – 日本語 😀" in lines
    assert "  StatusCode: 0x00000000 (success)" in lines
    assert lines[-1] == "  ServerObjectHandleTable: 00000000 00000001 00000002"
    assert not any("unreadable" in line for line in (*sent, *lines))


@pytest.mark.parametrize("exchange", RECORDINGS, ids=str)
def test_an_answer_without_its_compression_says_the_same(exchange):
    names = {name.lower(): value for name, value in exchange.headers.items()}
    kind = names.get("x-requesttype", "")
    found = envelope.plain(kind, exchange.body)
    if kind not in envelope.RESPONSES or not exchange.body.startswith(b"PROCESSING"):
        assert found == exchange.body
        return
    then, now = (
        envelope.RESPONSES[kind](envelope.strip(one).body) for one in (exchange.body, found)
    )
    if kind == "Execute":
        assert [one.flags & 3 for one in now.frames] == [0] * len(now.frames)
        assert now.payloads == then.payloads
        then, now = then._replace(frames=()), now._replace(frames=())
    assert now == then


def test_the_compressed_answer_is_stored_plain():
    compressed = recorded(COMPRESSED, 1)
    found = envelope.plain("Execute", compressed.body)
    assert SUBJECTS[0].encode("utf-16-le") in found or len(found) > 1.5 * len(compressed.body)
