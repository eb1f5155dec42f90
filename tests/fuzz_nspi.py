"""What `tests.fuzz` throws at the readers of an address book's requests and answers."""

from __future__ import annotations

from functools import partial

from check_mapi_connectivity.mapihttp import envelope
from check_mapi_connectivity.mapihttp.nspi import dump, messages, values
from check_mapi_connectivity.mapihttp.reader import Reader

from .mapihttp.material import FOLDER, recordings

KINDS = tuple(messages.REQUESTS)

#: Columns of every kind that an answer may have, and a row of theirs.
COLUMNS = (0x3001001F, 0x3002001E, 0x0FFF0102, 0x39000003, 0x3A40000B, 0x800F101F, 0x300D000D)
ROW = bytes.fromhex("00 ff4100 0000 ff4200 ff0100000007 07000000 01 ff01000000ff43000000")
FLAGGED = bytes.fromhex("01 00ff41000000 01 0a0f010480 0007000000 0001 0000 01")

RECORDED = [one for one in recordings(FOLDER / "nspi") if one.kind in KINDS]
ENTITIES = [one.body for one in RECORDED if one.headers.get("x-responsecode") == "0"]

#: Of DNToMId, which no recording holds, by reference sheet nspi 5.4.
LOOKED_UP = bytes.fromhex("00000000 00000000 ff 01000000 11000000 00000000")


def _sent(kind: str) -> list[bytes]:
    found = {one.sent for one in RECORDED if one.kind == kind and one.sent}
    if kind == messages.DN_TO_MID:
        found.add(messages.DnToMidRequest(("/o=Contoso/cn=probe",)).encode())
    return sorted(found)


def _bodies(kind: str) -> list[bytes]:
    if kind == messages.DN_TO_MID:
        return [LOOKED_UP]
    answered = [one for one in RECORDED if one.kind == kind and one.body in ENTITIES]
    return sorted({envelope.strip(one.body).body for one in answered})


def _row(data: bytes) -> object:
    return values.row(Reader(data, "row"), COLUMNS)


def _dump(data: bytes) -> object:
    """The first byte chooses the type."""
    kind = KINDS[data[0] % len(KINDS)] if data else messages.BIND
    return dump.request(kind, data[1:]), dump.answer(kind, data[1:], lambda _: "ecSome")


def _entries(data: bytes) -> object:
    return messages.entries(messages.resolve_names_response(data))


#: Name -> parser, and what its inputs are made of.
TARGETS = {
    "nspi.row": (_row, [ROW, FLAGGED]),
    "nspi.entries": (_entries, _bodies(messages.RESOLVE_NAMES)),
    "nspi.dump": (
        _dump,
        [bytes([number]) + data for number in range(len(KINDS)) for data in ENTITIES[:20]]
        + [bytes([n]) + data for n, kind in enumerate(KINDS) for data in _sent(kind)],
    ),
}
for one in KINDS:
    TARGETS[f"nspi.{one} request"] = (partial(messages.read_request, one), _sent(one))
    TARGETS[f"nspi.{one} response"] = (messages.RESPONSES[one], _bodies(one))
