"""Property values, property rows and contents tables.

Source: reference sheet mapi-http 4.5 to 4.12 (MS-OXCDATA 2.8.1 and 2.11, MS-OXCTABL).
"""

from __future__ import annotations

import struct

#: A value that is missing without (flag 0x01) and with an error code (flag 0x0A).
ABSENT, NOT_FOUND = object(), object()

E_NOT_FOUND, E_NOT_ENOUGH_MEMORY = 0x8004010F, 0x8007000E

MID, FID, INST_ID, INSTANCE = 0x674A0014, 0x67480014, 0x674D0014, 0x674E0003
SUBJECT, CLASS, SENDER, SENDER_SMTP = 0x0037001F, 0x001A001F, 0x0C1A001F, 0x5D01001F
DELIVERED, MODIFIED, INTERNET_ID = 0x0E060040, 0x30080040, 0x1035001F
SIZE, SIZE_EXTENDED, FLAGS, ATTACHED = 0x0E080003, 0x0E080014, 0x0E070003, 0x0E1B000B
DISPLAY, COUNT, UNREAD, SUBFOLDERS = 0x3001001F, 0x36020003, 0x36030003, 0x360A000B
CONTAINER, OWNER, OUT_OF_OFFICE = 0x3613001F, 0x661C001F, 0x661D000B

_NUMBERS = {
    0x0002: "<h",
    0x0003: "<i",
    0x0005: "<d",
    0x000A: "<I",
    0x000B: "<B",
    0x0014: "<q",
    0x0040: "<Q",
}
TYPES = {*_NUMBERS, 0x001E, 0x001F, 0x0048, 0x0102}


def identifier(counter, replica=1):
    """A FID or MID: REPLID little-endian, counter most significant byte first."""
    return struct.pack("<H", replica) + counter.to_bytes(6, "big")


def text(value, limit=None):
    """PtypString; `limit` bytes at most, the final NUL included, whatever is cut in two."""
    data = value.encode("utf-16-le", "surrogatepass")
    return (data if limit is None else data[: limit - 2]) + b"\0\0"


def encode(tag, value, limit=None):
    """One value without its type."""
    kind = tag & 0xFFFF
    if isinstance(value, bytes):
        return struct.pack("<H", len(value)) + value if kind == 0x0102 else value
    if kind == 0x001F:
        return text(value, limit)
    if kind == 0x001E:
        return value.encode("cp1252", "replace")[: limit and limit - 1] + b"\0"
    return struct.pack(_NUMBERS[kind], value)


def find(values, tag):
    """The value of a property; PtypString8 is served from PtypString."""
    if tag & 0xFFFF == 0x001E:
        tag += 1
    return values.get(tag, NOT_FOUND)


def row(values, tags, limit=None, largest=0):
    """A PropertyRow: standard when all values are there, flagged otherwise. `limit` cuts texts,
    `largest` refuses values.
    """
    cells = [_cell(tag, find(values, tag), limit, largest) for tag in tags]
    if all(flag == 0 for flag, _ in cells):
        return b"\0" + b"".join(data for _, data in cells)
    return b"\x01" + b"".join(bytes([flag]) + data for flag, data in cells)


def _cell(tag, value, limit, largest):
    if value is ABSENT:
        return 0x01, b""
    if value is NOT_FOUND:
        return 0x0A, struct.pack("<I", E_NOT_FOUND)
    data = encode(tag, value, limit)
    if largest and len(data) > largest:
        return 0x0A, struct.pack("<I", E_NOT_ENOUGH_MEMORY)
    return 0x00, data


def _key(tag):
    def key(values):
        value = find(values, tag)
        missing = value is ABSENT or value is NOT_FOUND
        return (not missing, 0 if missing else value.lower() if isinstance(value, str) else value)

    return key


class Table:
    """A contents table: columns, order, position."""

    def __init__(self, messages):
        self._messages = list(messages)
        self.columns = None
        self.position = 0

    def __len__(self):
        return len(self._messages)

    def sort(self, keys):
        """Sort by (tag, descending), most significant first; the cursor goes to the beginning."""
        for tag, descending in reversed(keys):
            self._messages.sort(key=_key(tag), reverse=descending)
        self.position = 0

    def read(self, count, room, forward=True, advance=True):
        """As many rows as `count` and `room` allow. None when not even one fits."""
        around = range(self.position, len(self)) if forward else range(self.position - 1, -1, -1)
        rows, position = [], self.position
        for number in around[:count]:
            data = row(self._messages[number], self.columns, limit=510)
            if len(data) > room:
                if not rows:
                    return None
                break
            room -= len(data)
            rows.append(data)
            position = number + 1 if forward else number
        if advance:
            self.position = position
        return rows if forward else rows[::-1]

    @property
    def origin(self):
        """Where the cursor stands: 2 at the end, 0 at the beginning, 1 between."""
        if self.position >= len(self):
            return 2
        return 1 if self.position else 0
