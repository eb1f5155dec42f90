"""The vectors and the recordings, which parser reads each of them, and how an input is spoilt."""

from __future__ import annotations

import http.client
import io
import json
import tracemalloc
import uuid
from pathlib import Path
from typing import NamedTuple

from hypothesis import settings

from check_mapi_connectivity.mapihttp import (
    autodiscover,
    envelope,
    lz77,
    properties,
    responses,
    rops,
    rpcext,
)
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

FOLDER = Path(__file__).resolve().parent.parent / "vectors"

#: Machines are busy: no example has a time limit of its own.
patient = settings(deadline=None)


class Vector(NamedTuple):
    """One entry of mapi-vectors.json; `columns` are tags with made-up ids."""

    id: str
    layer: str
    asked: bool
    data: bytes
    decoded: dict
    columns: tuple[int, ...]


def _vectors() -> dict[str, Vector]:
    return {
        entry["id"]: Vector(
            entry["id"],
            entry["layer"],
            entry["direction"] == "client->server",
            bytes.fromhex(entry["hex"]),
            entry["decoded"],
            tuple(0x30000000 | int(kind, 16) for kind in entry.get("columns", ())),
        )
        for entry in json.loads((FOLDER / "mapi-vectors.json").read_text("utf-8"))
    }


VECTORS = _vectors()


class Exchange(NamedTuple):
    """One request of a recording and its answer; `kind` is the X-RequestType, empty without one."""

    recording: str
    number: int
    kind: str
    sent: bytes
    status: int
    headers: dict[str, str]
    wire: bytes
    body: bytes


def recordings(folder: Path = FOLDER) -> list[Exchange]:
    """The exchanges of all recordings in a folder, in their order."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if path.name == "mapi-vectors.json":
            continue
        for number, exchange in enumerate(content["exchanges"]):
            request, response = exchange["request"], exchange["response"]
            asked = {name.lower(): value for name, value in request["headers"]}
            found.append(
                Exchange(
                    path.stem,
                    number,
                    asked.get("x-requesttype", ""),
                    bytes.fromhex(request["body_hex"]),
                    response["status"],
                    {name.lower(): value for name, value in response["headers"]},
                    bytes.fromhex(response["wire_body_hex"]),
                    bytes.fromhex(response["body_hex"]),
                )
            )
    return found


RECORDINGS = recordings()


def recorded(recording: str, number: int) -> Exchange:
    """One exchange of a recording."""
    return next(exchange for exchange in RECORDINGS if exchange[:2] == (recording, number))


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def dechunked(wire: bytes) -> bytes:
    """A chunked body put together by Python's own client."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = http.client.HTTPResponse(_Socket(head + wire))
    response.begin()
    return response.read()


def questions(body: bytes) -> list[rops.Request]:
    """The requests in the body of an Execute."""
    asked = envelope.read_request("Execute", body)
    return [
        rop
        for payload in rpcext.unpack(asked.rop_buffer)
        for rop in rops.requests(rops.RopList.decode(payload))
    ]


#: Response -> the request that it answers.
_ANSWERED = {
    "C14-execute1-resp": "C13-execute1-req",
    "C20-execute2-resp-chained": "C19-execute2-req",
    "C24-oneshot-wrongfid-resp": "C23-execute-oneshot-req",
    "C25-buffertoosmall": "C19-execute2-req",
}

_ROPS = {
    0x02: rops.OpenFolder(0, 1, bytes(8)),
    0xFE: rops.Logon("/o=Contoso"),
    0x13: rops.SortTable(0, ()),
    0x15: rops.QueryRows(0, 50),
}

#: The types of P06 as its values and MS-OXCTABL 4.1.1 tell them.
CUT_COLUMNS = (
    *(0x67480014, 0x674A0014, 0x674D0014, 0x674E0003, 0x36010003, 0x36020003),
    *4 * (0x3001001F,),
)


def size_of(vector: Vector) -> int:
    """How many bytes an lz77 vector stands for."""
    return len(plain(vector))


def plain(vector: Vector) -> bytes:
    """What an lz77 vector stands for."""
    if "plain_ascii" in vector.decoded:
        return vector.decoded["plain_ascii"].encode()
    text, times = vector.decoded["plain_ascii_repeat"]
    return text.encode() * times


def rop_response(vector: Vector, data: bytes):
    """One response, read to its last byte."""
    reader = Reader(data, "vector")
    if vector.id == "C26-backoff":
        reader.u8()
        found = responses.read_backoff(reader)
    else:
        request = _ROPS.get(vector.data[0]) or rops.GetPropertiesSpecific(0, vector.columns)
        columns = CUT_COLUMNS if vector.id.startswith("P06") else vector.columns
        found = responses.read_response(reader, request, columns)
    reader.end()
    return found


def _body(vector: Vector, data: bytes):
    named = (kind for kind in ("Disconnect", "Connect") if kind.lower() in vector.id)
    kind = next(named, "Execute")
    if vector.asked:
        return questions(data) if kind == "Execute" else envelope.read_request(kind, data)
    found = envelope.RESPONSES[kind](data)
    if kind == "Execute" and found.payloads:
        asked = questions(VECTORS[_ANSWERED[vector.id]].data)
        return found, responses.read(found.payloads, asked)
    return found


def parse(vector: Vector, data: bytes):
    """What the parser for a vector makes of some bytes; chunks must be put together before."""
    if vector.layer == "lz77":
        return lz77.decompress(data, size_of(vector))
    if vector.layer == "rop-ext":
        return rpcext.unpack(data)
    if vector.layer in ("http-inner", "http-chunked"):
        return envelope.strip(data)
    if vector.layer == "rop-list":
        return responses.read([data], questions(VECTORS[_ANSWERED[vector.id]].data))
    if vector.layer == "rop":
        return rops.requests(rops.RopList(data, ())) if vector.asked else rop_response(vector, data)
    return _body(vector, data)


def replay(exchange: Exchange, body: bytes):
    """What the client makes of an answer's body."""
    if not exchange.kind:
        return autodiscover.read(body)
    found = envelope.RESPONSES[exchange.kind](envelope.strip(body).body)
    if exchange.kind == "Execute":
        return found, responses.read(found.payloads, questions(exchange.sent))
    return found


#: A column of every property type, a value and how it is written (sheet mapi-http 4.11); the last
#: but one asks for no type, the last for several values.
EXAMPLES = (
    (0x30000002, -2, b"\xfe\xff"),
    (0x30010003, -3, b"\xfd\xff\xff\xff"),
    (0x30020004, 1.5, b"\0\0\xc0\x3f"),
    (0x30030005, -2.0, b"\0\0\0\0\0\0\0\xc0"),
    (0x30040006, 12.3456, (123456).to_bytes(8, "little")),
    (0x30050007, 0.5, b"\0\0\0\0\0\0\xe0\x3f"),
    (0x3006000A, properties.PropertyError(0x8004010F), b"\x0f\x01\x04\x80"),
    (0x3007000B, 1, b"\x01"),
    (0x30080014, bytes.fromhex("01000003b479ca47"), bytes.fromhex("01000003b479ca47")),
    (0x3009001E, "Gr\xfc\xdfe", b"Gr\xfc\xdfe\0"),
    (0x300A001F, "日本 😀", b"\xe5\x65\x2c\x67\x20\0\x3d\xd8\0\xde\0\0"),
    (0x300B0040, properties.Time(133000000000000000), bytes.fromhex("0080209bcb82d801")),
    (
        0x300C0048,
        uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00"),
        bytes.fromhex("443322116655887799aabbccddeeff00"),
    ),
    (0x300D0102, b"\x01\x02\0", b"\x03\0\x01\x02\0"),
    (0x300E0000, 7, b"\x02\0\x07\0"),
    (0x300F101F, ("a", ""), b"\x02\0\0\0a\0\0\0\0\0"),
)


def standard_row(examples) -> bytes:
    """A row of values one after another."""
    return b"\0" + b"".join(written for _, _, written in examples)


def flagged_row(examples) -> bytes:
    """A row whose values have flags of their own; an absent type stands before the flag."""
    return b"\x01" + b"".join(
        b"\0" + written if tag & 0xFFFF else written[:2] + b"\0" + written[2:]
        for tag, _, written in examples
    )


def assert_value_or_error(parser, data: bytes):
    """The value or the WireError that a parser gives; anything else fails the test."""
    try:
        return parser(data)
    except WireError as error:
        return error
    except BaseException as error:
        raise AssertionError(f"{data.hex()} lets {error!r} escape") from error


def prefixes(data: bytes):
    """All proper beginnings."""
    return (data[:length] for length in range(len(data)))


def flips(data: bytes, *, thorough: bool = False, unlike: bytes = b""):
    """Each byte by itself changed: all 255 ways, or every single bit, all zeros and all ones.

    Bytes that stand in `unlike` in the same place are left alone: it was spoilt before.
    """
    spoilt = bytearray(data)
    for position, byte in enumerate(data):
        if unlike[position : position + 1] == data[position : position + 1]:
            continue
        values = set(range(256)) if thorough else {byte ^ (1 << bit) for bit in range(8)} | {0, 255}
        for value in values - {byte}:
            spoilt[position] = value
            yield bytes(spoilt)
        spoilt[position] = byte


def peak(call) -> tuple[object, int]:
    """What a call gives, or its WireError, and the most bytes that it held at a time."""
    tracemalloc.start()
    try:
        found = call()
    except WireError as error:
        found = error
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return found, most
