"""The vectors of frames, bodies and entities: read and compared with what they are said to hold."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.mapihttp import envelope, responses, rops, rpcext

from .material import VECTORS, dechunked, questions
from .test_vectors import DN, LISTING, number, read


@pytest.mark.parametrize("name", ["C21-ext-compressed-xor", "C22-ext-xor-only"])
def test_frames_are_read(name):
    decoded = VECTORS[name].decoded
    (payload,) = read(name)
    assert payload.hex() == decoded["plain_hex"]
    assert len(payload) == decoded["SizeActual"]


def test_connect_bodies_are_read():
    asked, decoded = read("C01-connect-req"), VECTORS["C01-connect-req"].decoded
    assert list(vars(asked).values()) == [*list(decoded.values())[:-1], b""]
    fields = ("StatusCode", "ErrorCode", "PollsMax", "RetryCount", "RetryDelay", "DnPrefix")
    for name in ("C02-connect-ok", "C04-connect-unknownuser"):
        decoded = dict(VECTORS[name].decoded)
        decoded["ErrorCode"] = int(str(decoded["ErrorCode"]), 0)
        found = read(name)
        assert found[:7] == tuple(decoded[key] for key in (*fields, "DisplayName"))
        told = [list(block.values())[-1] for block in decoded.get("aux", [])]
        assert [
            block.text if block.name == "AUX_SERVER_SESSION_INFO" else int(block.text, 16)
            for block in found.auxiliary
        ] == told
    assert [block.name for block in read("C02-connect-ok").auxiliary] == [
        "AUX_EXORGINFO",
        "AUX_SERVER_CAPABILITIES",
        "AUX_ENDPOINT_CAPABILITIES",
        "AUX_SERVER_SESSION_INFO",
    ]


@pytest.mark.parametrize("name", ["C03-connect-fail", "C30-execute-fail", "C29-disconnect-resp"])
def test_short_bodies_are_read(name):
    found, decoded = read(name), VECTORS[name].decoded
    assert found.status_code == int(str(decoded["StatusCode"]), 0)
    assert found.error_code == decoded.get("ErrorCode", 0)
    assert found.auxiliary == ()


def test_a_disconnect_body_is_read():
    assert read("C28-disconnect-req") == envelope.DisconnectRequest()


@pytest.mark.parametrize("name", [name for name in VECTORS if name[:3] in ("C13", "C19", "C23")])
def test_execute_requests_are_read(name):
    vector = VECTORS[name]
    body = envelope.read_request("Execute", vector.data)
    (payload,) = rpcext.unpack(body.rop_buffer)
    assert {
        "Flags": body.flags,
        "RopBufferSize": len(body.rop_buffer),
        "MaxRopOut": body.max_rop_out,
        "AuxiliaryBufferSize": len(body.auxiliary),
        "rops": [number(request.ROP, 2) for request in questions(vector.data)],
        "handles": [number(handle) for handle in rops.RopList.decode(payload).handles],
    } == {key: value for key, value in vector.decoded.items() if key != "ext"}
    expected = {"C13": (rops.Logon(DN),), "C19": LISTING, "C23": (rops.Logon(DN), *LISTING)}
    assert tuple(questions(vector.data)) == expected[name[:3]]


@pytest.mark.parametrize("name", [name for name in VECTORS if name[:3] in ("C14", "C20", "C24")])
def test_execute_answers_are_read(name):
    body, found = read(name)
    decoded = dict(VECTORS[name].decoded)
    assert (body.status_code, body.error_code, body.flags) == (0, 0, 0)
    framed = sum(8 + len(payload) for payload in body.payloads)
    assert framed == decoded.get("RopBufferSize", framed)
    assert len(body.payloads) == len(decoded.get("ext", [None]))
    assert [number(response.request.ROP, 2) for response in found.responses] == decoded["rops"]
    assert [number(handle) for handle in found.handles] == decoded["handles"]
    returns = [number(response.return_value) for response in found.responses]
    assert returns == decoded.get("returns", ["0x00000000"] * len(returns))
    assert [response.done for response in found.responses] == [
        value == "0x00000000" for value in returns
    ]
    rows = [
        row
        for r in found.responses
        if isinstance(r.content, responses.Rows)
        for row in r.content.rows
    ]
    assert len(rows) == decoded.get("total_rows", 0)
    if rows:
        assert rows == list(read("C18-qrows-resp").content.rows)
        assert found.responses[1].content == ("Inbox", 2, 1)
    assert body.auxiliary == ()


def test_entities_are_read():
    chunked = VECTORS["C31-http-chunked"]
    whole = dechunked(chunked.data)
    assert b"DO\r\nNE" not in whole
    for name, data in (
        ("C31-http-chunked", whole),
        ("C32-http-late-failure", VECTORS["C32-http-late-failure"].data),
        ("C33-http-gromox-pending", VECTORS["C33-http-gromox-pending"].data),
    ):
        entity, decoded = envelope.strip(data), VECTORS[name].decoded
        assert list(entity.tags) == decoded["meta"]
        assert entity.headers == decoded["additional"]
        if "body_is" in decoded:
            assert entity.body == VECTORS[decoded["body_is"]].data
        else:
            assert entity.body == decoded["body_ascii"].encode()
