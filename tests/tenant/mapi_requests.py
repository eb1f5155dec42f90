"""The requests of a ROP buffer, read.

Source: reference sheet mapi-http 3.1 and 4 (MS-OXCROPS 2.2), numbers from its section 2.8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .mapi_frames import Malformed

RELEASE, OPEN_FOLDER, GET_PROPERTIES, GET_CONTENTS = 0x01, 0x02, 0x07, 0x05
SET_COLUMNS, SORT_TABLE, QUERY_ROWS, RECEIVE_FOLDER = 0x12, 0x13, 0x15, 0x27
BACKOFF, LOGON, TOO_SMALL = 0xF9, 0xFE, 0xFF
WARNING = 0x00040380


@dataclass
class Rop:
    """One request. `source` and `target` are its input and output handle indices."""

    number: int
    logon: int
    source: int | None
    target: int | None
    arguments: tuple
    raw: bytes

    def answer(self, value, rest=b""):
        """RopId, index, ReturnValue; `rest` goes only with success or a warning."""
        index = self.source if self.target is None else self.target
        rest = rest if value in (0, WARNING) else b""
        return struct.pack("<BBI", self.number, index, value) + rest


class _Reader:
    def __init__(self, data):
        self._data, self.at = data, 0

    def take(self, form):
        try:
            values = struct.unpack_from(form, self._data, self.at)
        except struct.error:
            raise Malformed("a ROP ends too early") from None
        self.at += struct.calcsize(form)
        return values

    def string(self):
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise Malformed("a string without end")
        value, self.at = self._data[self.at : end], end + 1
        return value.decode("latin-1")


def _logon_request(reader):
    flags, open_flags, _, size = reader.take("<BIIH")
    begin = reader.at
    dn = reader.string() if size else ""
    if reader.at - begin != size:
        raise Malformed("EssdnSize does not fit Essdn")
    return flags, open_flags, dn


def _tags(reader, form):
    *head, count = reader.take(form)
    return (*head, reader.take(f"<{count}I"))


def _sort_request(reader):
    flags, count, categories, expanded = reader.take("<BHHH")
    keys = [reader.take("<HHB") for _ in range(count)]
    return flags, categories, expanded, keys


#: RopId -> (has an input index, has an output index, reader of the rest).
REQUESTS = {
    RELEASE: (True, False, lambda reader: ()),
    OPEN_FOLDER: (True, True, lambda reader: reader.take("<8sB")),
    GET_CONTENTS: (True, True, lambda reader: reader.take("<B")),
    GET_PROPERTIES: (True, False, lambda reader: _tags(reader, "<HHH")),
    SET_COLUMNS: (True, False, lambda reader: _tags(reader, "<BH")),
    SORT_TABLE: (True, False, _sort_request),
    QUERY_ROWS: (True, False, lambda reader: reader.take("<BBH")),
    RECEIVE_FOLDER: (True, False, lambda reader: (reader.string(),)),
    LOGON: (False, True, _logon_request),
}


def parse(payload):
    """Requests and handle table of a payload. Raises Malformed."""
    if len(payload) < 2:
        raise Malformed("no RopSize")
    (size,) = struct.unpack_from("<H", payload)
    if not 2 <= size <= len(payload) or (len(payload) - size) % 4:
        raise Malformed("RopSize or handle table")
    table = list(struct.unpack(f"<{(len(payload) - size) // 4}I", payload[size:]))
    reader, rops = _Reader(payload[2:size]), []
    while reader.at < size - 2:
        begin = reader.at
        number, logon = reader.take("<BB")
        if number not in REQUESTS:
            raise Malformed(f"unknown RopId {number:#x}")
        has_source, has_target, rest = REQUESTS[number]
        source = reader.take("<B")[0] if has_source else None
        target = reader.take("<B")[0] if has_target else None
        if target is not None and target >= len(table):
            raise Malformed("an output index outside the table")
        arguments = tuple(rest(reader))
        raw = payload[2 + begin : 2 + reader.at]
        rops.append(Rop(number, logon, source, target, arguments, raw))
    return rops, table
