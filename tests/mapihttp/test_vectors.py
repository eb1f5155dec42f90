"""All 55 vectors, with `test_vector_bodies`: read and compared with what they are said to hold, and
produced from typed-in values where they are requests.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from check_mapi_connectivity.mapihttp import envelope, properties, responses, rops, rpcext
from check_mapi_connectivity.mapihttp.properties import PropertyError, id_text
from check_mapi_connectivity.mapihttp.reader import ID, Reader, WireError, Writer

from .material import CUT_COLUMNS, VECTORS, parse, plain

DN = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=4f2c-probe"
INBOX = bytes.fromhex("010000000000010c")
FREE = rops.NO_HANDLE

#: OpenFolder, GetPropertiesSpecific, GetContentsTable, SetColumns, SortTable, QueryRows of C19.
LISTING = (
    rops.OpenFolder(0, 1, INBOX),
    rops.GetPropertiesSpecific(1, (0x3001001F, 0x36020003, 0x36030003)),
    rops.GetContentsTable(1, 2),
    rops.SetColumns(2, (0x674A0014, 0x0037001F, 0x0E060040, 0x0E080003, 0x001A001F)),
    rops.SortTable(2, (rops.SortOrder(0x0E060040, 1),)),
    rops.QueryRows(2, 100),
)


def execute(asked, handles, **fields):
    listed = b"".join(request.encode() for request in asked)
    buffer = rpcext.pack(rops.RopList(listed, handles).encode())
    return envelope.ExecuteRequest(buffer, **fields).encode()


PRODUCED = {
    "P01-gct-req": rops.GetContentsTable(0, 1).encode,
    "P02-setcols-req": rops.SetColumns(
        1, (0x67480014, 0x674A0014, 0x674D0014, 0x674E0003, 0x0037001F, 0x0E060040)
    ).encode,
    "P03-sort-req": rops.SortTable(
        0,
        (rops.SortOrder(0x8008301F, 0), rops.SortOrder(0x0E060040, 1)),
        categories=1,
        expanded=1,
    ).encode,
    "P05-qrows-req": rops.QueryRows(0, 50).encode,
    "P08-getprops-req": rops.GetPropertiesSpecific(0, (0x863E000B, 0x863F0003, 0x65E20102)).encode,
    "C01-connect-req": envelope.ConnectRequest(DN).encode,
    "C05-logon-req": rops.Logon(DN).encode,
    "C11-logonprops-req": rops.GetPropertiesSpecific(
        0, (0x661C001F, 0x0E080014, 0x36020003)
    ).encode,
    "C13-execute1-req": lambda: execute(
        (rops.Logon(DN),),
        (FREE,),
        flags=envelope.NO_COMPRESSION | envelope.NO_XOR,
        max_rop_out=0x10008,
    ),
    "C15-openfolder-req": rops.OpenFolder(0, 1, INBOX).encode,
    "C17-sort-req": rops.SortTable(2, (rops.SortOrder(0x0E060040, 1),)).encode,
    "C19-execute2-req": lambda: execute(LISTING, (0x75, FREE, FREE)),
    "C23-execute-oneshot-req": lambda: execute((rops.Logon(DN), *LISTING), (FREE, FREE, FREE)),
    "C27-release": rops.Release(2).encode,
    "C28-disconnect-req": envelope.DisconnectRequest().encode,
}


def number(value, digits=8):
    return f"0x{value:0{digits}X}"


def read(name):
    return parse(VECTORS[name], VECTORS[name].data)


def test_there_are_55_vectors_and_every_request_but_two_is_produced():
    assert len(VECTORS) == 55
    asked = {name for name, vector in VECTORS.items() if vector.asked}
    assert asked - set(PRODUCED) == {"P09-fid-in-rop", "C09-recvfolder-req"}


@pytest.mark.parametrize("name", PRODUCED)
def test_requests_are_produced_byte_for_byte(name):
    assert PRODUCED[name]().hex() == VECTORS[name].data.hex()


#: Field of a request -> its name in the vectors, and how many digits it is written with there.
NAMES = {
    "input": ("InputHandleIndex", 0),
    "output": ("OutputHandleIndex", 0),
    "table_flags": ("TableFlags", 2),
    "logon_flags": ("LogonFlags", 2),
    "open_flags": ("OpenFlags", 8),
    "store_state": ("StoreState", 0),
    "essdn": ("Essdn", 0),
    "open_mode": ("OpenModeFlags", 0),
    "size_limit": ("PropertySizeLimit", 0),
    "want_unicode": ("WantUnicode", 0),
    "forward": ("ForwardRead", 0),
    "row_count": ("RowCount", 0),
    "categories": ("CategoryCount", 0),
    "expanded": ("ExpandedCount", 0),
}


def told(request):
    """A request in the words of the vectors."""
    found = {"RopId": number(request.ROP, 2), "LogonId": 0}
    for name, value in vars(request).items():
        if name in NAMES:
            title, digits = NAMES[name]
            found[title] = number(value, digits) if digits else value
        elif name == "flags":
            kind = {"SetColumns": "SetColumns", "SortTable": "SortTable"}
            found[kind.get(type(request).__name__, "QueryRows") + "Flags"] = value
        elif name == "folder_id":
            found["FolderId"] = id_text(value)
        elif name == "tags":
            found["PropertyTagCount"] = len(value)
            found["PropertyTags"] = [number(tag) for tag in value]
        elif name == "orders":
            found["SortOrderCount"] = len(value)
            found["SortOrders"] = [
                {
                    "PropertyType": number(order.tag & 0xFFFF, 4),
                    "PropertyId": number(order.tag >> 16, 4),
                    "Order": order.order,
                }
                for order in value
            ]
    if isinstance(request, rops.Logon):
        found["EssdnSize"] = len(request.essdn) + 1
    return found


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, vector in VECTORS.items()
        if vector.asked and vector.layer == "rop" and name[:3] not in ("P09", "C09")
    ],
)
def test_rop_requests_are_read(name):
    (request,) = read(name)
    assert told(request) == VECTORS[name].decoded


def test_p09_shows_how_ids_are_written():
    vector = VECTORS["P09-fid-in-rop"]
    with pytest.raises(WireError, match="0x34"):
        parse(vector, vector.data)
    reader = Reader(vector.data, "RopAbortSubmit")
    assert (reader.u8(), reader.u8(), reader.u8()) == (0x34, 0, 0)
    folder, message = ID.read(reader), ID.read(reader)
    reader.end()
    assert id_text(folder) == vector.decoded["FolderId"]
    assert id_text(message) == vector.decoded["MessageId"]
    writer = Writer()
    for identifier in (folder, message):
        ID.write(writer, identifier)
    assert writer.data() == vector.data[3:]


@pytest.mark.parametrize("name", [name for name in VECTORS if VECTORS[name].layer == "lz77"])
def test_compressed_data_is_read(name):
    assert read(name) == plain(VECTORS[name])


def as_told(value, like):
    """A property value in the words of the vectors, chosen by what stands there."""
    if isinstance(value, PropertyError):
        return {"error": number(value.code)}
    if isinstance(value, properties.Time):
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=value.unix)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return int.from_bytes(value, "little") if isinstance(like, int) else id_text(value)
    return value


@pytest.mark.parametrize("name", ["P04", "C08", "C12", "C16", "C18", "P07", "C07"])
def test_rop_responses_are_read(name):
    name = next(full for full in VECTORS if full.startswith(name))
    found, decoded = read(name), dict(VECTORS[name].decoded)
    assert number(VECTORS[name].data[0], 2) == decoded.pop("RopId")
    assert found.index == decoded.pop(
        "InputHandleIndex" if "InputHandleIndex" in decoded else "OutputHandleIndex"
    )
    assert number(found.return_value) == decoded.pop("ReturnValue")
    content = found.content
    if isinstance(content, responses.Rows):
        assert (content.origin, len(content.rows)) == (decoded["Origin"], decoded["RowCount"])
    expected = {
        "P04": lambda: {"TableStatus": content},
        "P07": lambda: {
            "Origin": 2,
            "RowCount": 1,
            "row0": {
                "RowFlag": "0x00 (standard)",
                "i64bytes": content.rows[0][0].hex(),
                "binary": content.rows[0][1].hex(),
                "string": content.rows[0][2],
            },
        },
        "C07": lambda: {
            "LogonFlags": number(content.logon_flags, 2),
            "ServerName": content.server_name,
            "ServerNameSize": len(content.server_name) + 1,
        },
        "C08": lambda: {} if content is None else content,
        "C12": lambda: {"RowFlag": 0, "values": list(map(as_told, content, decoded["values"]))},
        "C16": lambda: {"HasRules": content.has_rules, "IsGhosted": content.is_ghosted},
        "C18": lambda: {
            "Origin": 2,
            "RowCount": 3,
            "rows": [
                [as_told(value, like) for value, like in zip(row, rows)]
                for row, rows in zip(content.rows, decoded["rows"])
            ],
        },
    }[name[:3]]()
    assert expected == decoded


def test_a_logon_is_read():
    found, decoded = read("C06-logon-resp"), VECTORS["C06-logon-resp"].decoded
    mailbox, moment = found.content, found.content.logon_time
    assert len(VECTORS["C06-logon-resp"].data) == 166
    assert {
        "RopId": "0xFE",
        "OutputHandleIndex": found.index,
        "ReturnValue": number(found.return_value),
        "LogonFlags": number(mailbox.logon_flags, 2),
        "FolderIds": [id_text(folder) for folder in mailbox.folder_ids],
        "InboxFid": id_text(mailbox.inbox),
        "ResponseFlags": number(mailbox.response_flags, 2),
        "MailboxGuid": str(mailbox.mailbox_guid),
        "ReplId": mailbox.repl_id,
        "ReplGuid": str(mailbox.repl_guid),
        "LogonTime": (
            f"{moment.hour:02}:{moment.minutes:02}:{moment.seconds:02}, day-of-week "
            f"{moment.day_of_week}, {moment.year}-{moment.month:02}-{moment.day:02}"
        ),
        "GwartTime": number(mailbox.gwart_time, 16),
        "StoreState": mailbox.store_state,
    } == decoded
    assert mailbox.owner


def test_the_cut_vector_is_read_up_to_the_cut():
    vector = VECTORS["P06-qrows-resp"]
    decoded = vector.decoded["row0"]["values"]
    head = Reader(vector.data, "P06")
    assert (head.u8(), head.u8(), head.u32(), head.u8(), head.u16()) == (0x15, 0, 0, 2, 9)
    row = properties.row(Reader(vector.data[9:], "P06"), CUT_COLUMNS[:9])
    assert [
        {"flag": "0x0A", "error": number(value.code)}
        if isinstance(value, PropertyError)
        else {"flag": "0x00", "i64bytes": value.hex()}
        if isinstance(value, bytes)
        else {"flag": "0x00", "u32": value}
        for value in row
    ] == decoded[:9]
    with pytest.raises(WireError, match="ends after"):
        properties.row(Reader(vector.data[9:], "P06"), CUT_COLUMNS)
    with pytest.raises(WireError, match="ends after"):
        parse(vector, vector.data)


def test_backoff_is_read():
    found = read("C26-backoff")
    assert {
        "RopId": "0xF9",
        "LogonId": found.logon_id,
        "Duration": found.duration,
        "BackoffRopCount": len(found.rops),
        "BackoffRops": [{"RopId": number(rop, 2), "Duration": wait} for rop, wait in found.rops],
        "AdditionalDataSize": len(found.data),
    } == VECTORS["C26-backoff"].decoded


def test_an_answer_that_did_not_fit_is_read():
    found, decoded = read("C25-buffertoosmall"), VECTORS["C25-buffertoosmall"].decoded
    assert [number(response.request.ROP, 2) for response in found.responses] == decoded["rops"][:5]
    assert found.responses[1].content == ("Inbox", 2, 1)
    assert isinstance(found.ended_by, responses.TooSmall)
    assert found.ended_by.size_needed == decoded["SizeNeeded"]
    assert found.ended_by.requests.hex() == decoded["RequestBuffers"]
    assert [number(handle) for handle in found.handles] == decoded["handles"]
