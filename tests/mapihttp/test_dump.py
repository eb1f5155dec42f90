"""Requests and answers in words: whole lines for the vectors, and any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import dump, envelope, rops, rpcext

from .material import EXAMPLES, VECTORS, patient, peak, standard_row
from .test_responses import COLUMNS, failure, payload
from .test_rops import REQUESTS

KINDS = st.sampled_from(["Connect", "Execute", "Disconnect", "PING", ""])
DN = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=4f2c-probe"


def symbol(number):
    return {0x4B9: "ecNullObject", 0x8004010F: "ecNotFound"}.get(number, "")


def entity(name):
    return b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 5\r\n\r\n" + VECTORS[name].data


def execute(*asked):
    listed = rops.RopList(b"".join(request.encode() for request in asked), (1,)).encode()
    return envelope.ExecuteRequest(rpcext.pack(listed)).encode()


def answered(*payloads):
    framed = b"".join(b"\0\0\0\0" + 2 * len(data).to_bytes(2, "little") + data for data in payloads)
    return b"DONE\r\n\r\n" + bytes(12) + len(framed).to_bytes(4, "little") + framed + bytes(4)


def test_a_request():
    assert (
        dump.request("Execute", VECTORS["C23-execute-oneshot-req"].data)
        == f"""\
Execute request
  Flags: 0x7 (NoCompression,NoXorMagic,Chain)
  RopBuffer: 213 bytes
  MaxRopOut: 262144
  Auxiliary: 0 bytes
  RPC_HEADER_EXT: flags 0x4 (Last), 205 bytes, 205 plain
  RopLogon 0xFE
    Output: 0
    LogonFlags: 0x1 (Private)
    OpenFlags: 0x100040C (HOME_LOGON,TAKE_OWNERSHIP,NO_MAIL,USE_PER_MDB_REPLID_MAPPING)
    StoreState: 0
    Essdn: {DN}
  RopOpenFolder 0x02
    Input: 0
    Output: 1
    FolderId: 0001-00000000010c
    OpenMode: 0
  RopGetPropertiesSpecific 0x07
    Input: 1
    SizeLimit: 0
    WantUnicode: 1
      PidTagDisplayName 0x3001001F
      PidTagContentCount 0x36020003
      PidTagContentUnreadCount 0x36030003
  RopGetContentsTable 0x05
    Input: 1
    Output: 2
    TableFlags: 0x0
  RopSetColumns 0x12
    Input: 2
    Flags: 0x0
      PidTagMid 0x674A0014
      PidTagSubject 0x0037001F
      PidTagMessageDeliveryTime 0x0E060040
      PidTagMessageSize 0x0E080003
      PidTagMessageClass 0x001A001F
  RopSortTable 0x13
    Input: 2
      PidTagMessageDeliveryTime 0x0E060040 descending
    Flags: 0x0
    Categories: 0
    Expanded: 0
  RopQueryRows 0x15
    Input: 2
    Flags: 0x0
    Forward: 1
    RowCount: 100
  ServerObjectHandleTable: FFFFFFFF FFFFFFFF FFFFFFFF""".splitlines()
    )


def test_an_answer():
    asked = VECTORS["C19-execute2-req"].data
    assert (
        dump.answer("Execute", asked, entity("C20-execute2-resp-chained"), symbol)
        == """\
Execute answer: PROCESSING DONE
  x-elapsedtime: 5
  StatusCode: 0x00000000 (success)
  ErrorCode: 0x00000000 (success)
  Flags: 0x0
  RPC_HEADER_EXT: flags 0x0, 137 bytes, 137 plain
  RPC_HEADER_EXT: flags 0x4 (Last), 115 bytes, 115 plain
  RopOpenFolder: 0x00000000 (success)
    HandleIndex: 1
    HasRules: 0
    IsGhosted: 0
  RopGetPropertiesSpecific: 0x00000000 (success)
    HandleIndex: 1
      PidTagDisplayName 0x3001001F: Inbox
      PidTagContentCount 0x36020003: 2
      PidTagContentUnreadCount 0x36030003: 1
  RopGetContentsTable: 0x00000000 (success)
    HandleIndex: 2
    RowCount: 2
  RopSetColumns: 0x00000000 (success)
    HandleIndex: 2
    TableStatus: 0
  RopSortTable: 0x00000000 (success)
    HandleIndex: 2
    TableStatus: 0
  RopQueryRows: 0x00000000 (success)
    HandleIndex: 2
    RowCount: 1
    Origin: 1 (more rows follow)
    row 0
        PidTagMid 0x674A0014: 0001-0000000002a1
        PidTagSubject 0x0037001F: Probe 1
        PidTagMessageDeliveryTime 0x0E060040: 2022-06-18T04:26:40Z
        PidTagMessageSize 0x0E080003: 4711
        PidTagMessageClass 0x001A001F: IPM.Note
  RopQueryRows: 0x00000000 (success)
    HandleIndex: 2
    RowCount: 2
    Origin: 2 (end of the table)
    row 0
        PidTagMid 0x674A0014: 0001-0000000002a0
        PidTagSubject 0x0037001F: error 0x8004010F ecNotFound
        PidTagMessageDeliveryTime 0x0E060040: 2022-06-18T04:25:40Z
        PidTagMessageSize 0x0E080003: 815
        PidTagMessageClass 0x001A001F: IPM.Note
    row 1
        PidTagMid 0x674A0014: 0001-00000000029f
        PidTagSubject 0x0037001F: absent
        PidTagMessageDeliveryTime 0x0E060040: 2022-06-18T04:24:40Z
        PidTagMessageSize 0x0E080003: 99
        PidTagMessageClass 0x001A001F: IPM.Note
  ServerObjectHandleTable: 00000075 00000076 00000077""".splitlines()
    )


@pytest.mark.parametrize(
    ("kind", "asked", "answer", "lines"),
    [
        ("Connect", "C01-connect-req", "C02-connect-ok",
         ["  DisplayName: Probe Mailbox", "  RetryDelay: 10000", "  AUX_SERVER_SESSION_INFO: EX01"]),
        ("Connect", "C01-connect-req", "C03-connect-fail", ["  StatusCode: 0x000006BB"]),
        ("Connect", "C01-connect-req", "C04-connect-unknownuser", ["  ErrorCode: 0x000003EB"]),
        ("Execute", "C13-execute1-req", "C14-execute1-resp",
         ["    Inbox: 0001-00000000010c", "    MailboxGuid: 11223344-5566-7788-99aa-bbccddeeff00",
          "    ResponseFlags: 0x7 (Reserved,OwnerRight,SendAsRight)",
          "    LogonTime: 2026-09-22 09:30:07 UTC"]),
        ("Execute", "C23-execute-oneshot-req", "C24-oneshot-wrongfid-resp",
         ["  RopOpenFolder: 0x8004010F ecNotFound", "  RopQueryRows: 0x000004B9 ecNullObject"]),
        ("Execute", "C19-execute2-req", "C30-execute-fail", ["  StatusCode: 0x000004B6"]),
        ("Disconnect", "C28-disconnect-req", "C29-disconnect-resp", ["  ErrorCode: 0x00000000 (success)"]),
    ],
)  # fmt: skip
def test_answers(kind, asked, answer, lines):
    found = dump.answer(kind, VECTORS[asked].data, entity(answer), symbol)
    folded = [line.replace("      ", "    ") for line in found]
    assert set(lines) <= set(folded)
    assert not any("unreadable" in line for line in found)


def test_what_ends_an_answer_early_is_shown():
    asked = execute(rops.OpenFolder(0, 1, bytes(8)))
    for name, expected in (("C26-backoff", "Backoff: {'logon_id': 0, 'duration': 5000"),):
        found = dump.answer("Execute", asked, answered(payload(VECTORS[name].data)), symbol)
        assert any(expected in line for line in found)


def test_what_can_be_read_is_shown_before_what_cannot():
    found = dump.answer("Execute", b"", entity("C14-execute1-resp"), symbol)
    assert found[:4] == [
        "Execute answer: PROCESSING DONE",
        "  x-elapsedtime: 5",
        "  StatusCode: 0x00000000 (success)",
        "  ErrorCode: 0x00000000 (success)",
    ]
    (number,) = [n for n, line in enumerate(found) if "unreadable from here: Execute req" in line]
    # The bytes themselves follow.
    data = VECTORS["C14-execute1-resp"].data
    assert found[number + 1] == f"  bytes 0000: {data[:32].hex(' ', 4)}"
    assert len(found) == number + 1 + -(-len(data) // 32)
    found = dump.request("Execute", VECTORS["C19-execute2-req"].data[:12] + bytes(113))
    assert "unreadable from here" in found[-1]
    found = dump.request("PING", b"")
    assert found == ["PING request: unreadable from here: request type PING is not known"]
    found = dump.answer("PING", b"", b"DONE\r\n\r\n", symbol)
    assert found == [
        "PING answer: DONE",
        "  unreadable from here: request type PING is not known",
    ]
    found = dump.answer("Connect", b"", b"<html>Sign in</html>", symbol)
    assert found == [
        "Connect answer: unreadable: the body has no DONE at byte 0, where a meta-tag is due",
        "bytes 0000: 3c68746d 6c3e5369 676e2069 6e3c2f68 746d6c3e",
    ]


def test_responses_before_the_one_that_cannot_be_read():
    asked = execute(rops.OpenFolder(0, 1, bytes(8)), rops.GetContentsTable(1, 2))
    opened = bytes.fromhex("0201000000000000")
    found = dump.answer("Execute", asked, answered(payload(opened + b"\5\2\0")), symbol)
    assert "  RopOpenFolder: 0x00000000 (success)" in found
    assert any(line.startswith("  bytes 0000: ") for line in found)
    assert "  unreadable from here: ROP responses ends" in found[-1]


def test_every_type_of_value():
    columns = tuple(tag for tag, _, _ in EXAMPLES)
    asked = execute(rops.GetPropertiesSpecific(0, columns))
    row = failure(7, 0) + standard_row(EXAMPLES)
    found = dump.answer("Execute", asked, answered(payload(row)), symbol)
    text = "\n".join(found)
    assert "unreadable" not in text
    for piece in ("-2", "12.3456", "error 0x8004010F ecNotFound", "日本 😀", "0001-0003b479ca47"):
        assert piece in text


@pytest.mark.parametrize("ticks", [0, 1, (1 << 63) - 1, (1 << 64) - 1])
def test_times_beyond_the_calendar(ticks):
    row = failure(7, 0) + b"\0" + ticks.to_bytes(8, "little")
    asked = execute(rops.GetPropertiesSpecific(0, (0x0E060040,)))
    (line,) = (
        line
        for line in dump.answer("Execute", asked, answered(payload(row)), symbol)
        if "PidTagMessageDeliveryTime" in line
    )
    assert "1601-01-01" in line or "no date" in line


@patient
@given(KINDS, st.binary(max_size=150), st.binary(max_size=150), st.booleans())
def test_any_bytes(kind, sent, received, tagged):
    assert dump.request(kind, sent)
    assert dump.answer(kind, sent, b"DONE\r\n\r\n" * tagged + received, symbol)


@patient
@given(st.lists(REQUESTS, max_size=5), st.lists(st.binary(max_size=80), max_size=3))
def test_any_requests(asked, parts):
    sent = execute(*asked)
    assert not any("unreadable" in line for line in dump.request("Execute", sent))
    received = answered(*(payload(part) for part in parts))
    assert dump.answer("Execute", sent, received, symbol, COLUMNS)


def bounded(lines):
    return len(lines) < 5003 and max(map(len, lines)) <= 1000


def test_what_is_shown_is_bounded():
    rows = (b"\x01" + b"\x01" * len(COLUMNS)) * 5000
    data = failure(0x15, 0) + b"\0" + (5000).to_bytes(2, "little") + rows
    asked = execute(rops.QueryRows(0, 9))
    found, most = peak(
        lambda: dump.answer("Execute", asked, answered(*[payload(data)] * 3), symbol, COLUMNS)
    )
    assert found[-1].strip() == "and 88021 lines more"
    assert bounded(found)
    assert most < 24 << 20


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("Connect", b"PENDING" * 20000 + b"DONE\r\n\r\n"),
        ("Connect", b"DONE\r\na: " + b"b" * 1000000 + b"\r\n\r\n"),
        ("Connect", b"DONE\r\n\r\n" + bytes(20) + b"a" * 1000000 + b"\0b\0\0\0"),
        ("Execute", answered(payload(b"\xff\0\0" + b"a" * 60000))),
        ("Execute", answered(payload(handles=(1,) * 16000))),
    ],
)
def test_long_texts_are_cut(kind, data):
    found, most = peak(
        lambda: dump.answer(kind, execute(rops.OpenFolder(0, 1, bytes(8))), data, symbol)
    )
    assert bounded(found)
    assert most < 16 << 20
    assert bounded(dump.request("Connect", b"a" * 1000000 + bytes(21)))
