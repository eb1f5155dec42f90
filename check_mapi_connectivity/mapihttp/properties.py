"""Property tags, property values and property rows (MS-OXCDATA 2.8, 2.9, 2.11)."""

from __future__ import annotations

import struct
import uuid

from ..base.value import NamedTuple
from .reader import Reader, WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Union

#: Tags of what the check asks for or shows: tag -> name (MS-OXPROPS).
TAGS = {
    0x674A0014: "PidTagMid",
    0x67480014: "PidTagFolderId",
    0x674D0014: "PidTagInstID",
    0x674E0003: "PidTagInstanceNum",
    0x0037001F: "PidTagSubject",
    0x0E060040: "PidTagMessageDeliveryTime",
    0x0E080003: "PidTagMessageSize",
    0x0E080014: "PidTagMessageSizeExtended",
    0x0E070003: "PidTagMessageFlags",
    0x001A001F: "PidTagMessageClass",
    0x0C1A001F: "PidTagSenderName",
    0x5D01001F: "PidTagSenderSmtpAddress",
    0x1035001F: "PidTagInternetMessageId",
    0x30080040: "PidTagLastModificationTime",
    0x0E1B000B: "PidTagHasAttachments",
    0x3001001F: "PidTagDisplayName",
    0x36020003: "PidTagContentCount",
    0x36030003: "PidTagContentUnreadCount",
    0x360A000B: "PidTagSubfolders",
    0x3613001F: "PidTagContainerClass",
    0x661C001F: "PidTagMailboxOwnerName",
    0x661B0102: "PidTagMailboxOwnerEntryId",
    0x66190102: "PidTagUserEntryId",
    0x661D000B: "PidTagOutOfOfficeState",
    0x39FE001F: "PidTagSmtpAddress",
    0x3003001F: "PidTagEmailAddress",
    0x3002001F: "PidTagAddressType",
    0x39000003: "PidTagDisplayType",
    0x39050003: "PidTagDisplayTypeEx",
    0x0FFE0003: "PidTagObjectType",
}
MID = 0x674A0014
SUBJECT = 0x0037001F
DELIVERY_TIME = 0x0E060040
MESSAGE_SIZE = 0x0E080003
DISPLAY_NAME = 0x3001001F
CONTENT_COUNT = 0x36020003
UNREAD_COUNT = 0x36030003

#: 1601-01-01 to 1970-01-01 in units of 100 ns (MS-DTYP 2.3.3).
_EPOCH = 116444736000000000


class PropertyError(NamedTuple):
    """Stands where a value should be: the error code of a flagged value."""

    code: int


class Time(NamedTuple):
    """A PtypTime: 100 ns since 1601-01-01 UTC, signed (MS-OXCDATA 2.11.1)."""

    ticks: int

    @property
    def unix(self) -> float:
        """Seconds since 1970-01-01 UTC, negative before."""
        return (self.ticks - _EPOCH) / 10**7


if TYPE_CHECKING:
    #: What a property may hold: a plain value, several, an error, or None where it is absent.
    Value = Union[int, float, str, bytes, uuid.UUID, Time, PropertyError, "tuple[Value, ...]", None]


def _unpacked(form: str) -> Callable[[Reader], Value]:
    size = struct.calcsize(form)

    def read(reader: Reader) -> Value:
        found: int | float = struct.unpack(form, reader.take(size))[0]
        return found

    return read


#: Property type -> name and reader (MS-OXCDATA 2.11.1). An Integer64 stays 8 raw bytes: it holds
#: message and folder ids, whose counter is big-endian.
TYPES: dict[int, tuple[str, Callable[[Reader], Value]]] = {
    0x0002: ("PtypInteger16", _unpacked("<h")),
    0x0003: ("PtypInteger32", _unpacked("<i")),
    0x0004: ("PtypFloating32", _unpacked("<f")),
    0x0005: ("PtypFloating64", _unpacked("<d")),
    0x0006: ("PtypCurrency", lambda reader: reader.number("q") / 10000),
    0x0007: ("PtypFloatingTime", _unpacked("<d")),
    0x000A: ("PtypErrorCode", lambda reader: PropertyError(reader.u32())),
    0x000B: ("PtypBoolean", Reader.u8),
    0x0014: ("PtypInteger64", lambda reader: reader.take(8)),
    0x001E: ("PtypString8", Reader.text8),
    0x001F: ("PtypString", Reader.text16),
    0x0040: ("PtypTime", lambda reader: Time(reader.number("q"))),
    0x0048: ("PtypGuid", lambda reader: uuid.UUID(bytes_le=reader.take(16))),
    0x0102: ("PtypBinary", lambda reader: reader.take(reader.u16())),
}
_UNSPECIFIED = 0x0000
_MULTIPLE = 0x1000

#: Flags of a row, and of a value in a flagged row (MS-OXCDATA 2.8.1, 2.11.5).
_STANDARD, _FLAGGED = 0x00, 0x01
_PRESENT, _ABSENT, _ERROR = 0x00, 0x01, 0x0A


def row(reader: Reader, columns: Sequence[int]) -> tuple[Value, ...]:
    """One PropertyRow: a value for each tag of `columns` (MS-OXCDATA 2.8.1). Raises WireError."""
    flag = reader.u8()
    if flag == _STANDARD:
        return tuple(_value(reader, tag) for tag in columns)
    if flag == _FLAGGED:
        return tuple(_flagged(reader, tag) for tag in columns)
    raise WireError(f"a property row begins with flag 0x{flag:02X}")


def _flagged(reader: Reader, tag: int) -> Value:
    """A value with a flag of its own (MS-OXCDATA 2.11.5, 2.11.6)."""
    if tag & 0xFFFF == _UNSPECIFIED:
        tag = reader.u16()
        flag = reader.u8()
    else:
        flag = reader.u8()
    if flag == _PRESENT:
        return _value(reader, tag)
    if flag == _ABSENT:
        return None
    if flag == _ERROR:
        return PropertyError(reader.u32())
    raise WireError(f"a property value has flag 0x{flag:02X}")


def _value(reader: Reader, tag: int) -> Value:
    kind = tag & 0xFFFF
    if kind == _UNSPECIFIED:
        kind = reader.u16()
    if kind & _MULTIPLE and kind & ~_MULTIPLE in TYPES:
        # The count's size is disputed: 16 bits in MS-OXCDATA 2.11.2.1, 32 in implementations. The
        # check asks for no such column.
        read = TYPES[kind & ~_MULTIPLE][1]
        return tuple(read(reader) for _ in range(reader.u32()))
    if kind not in TYPES:
        raise WireError(f"property type 0x{kind:04X} is not known")
    return TYPES[kind][1](reader)


def tag_name(tag: int) -> str:
    """`PidTagMid 0x674A0014`; the number and its type where the name is not known."""
    if tag in TAGS:
        return f"{TAGS[tag]} 0x{tag:08X}"
    return f"0x{tag:08X} ({TYPES[tag & 0xFFFF][0]})" if tag & 0xFFFF in TYPES else f"0x{tag:08X}"


def id_text(identifier: bytes) -> str:
    """A folder or message id as REPLID and counter (MS-OXCDATA 2.2.1).

    >>> id_text(bytes.fromhex("01000003b479ca47"))
    '0001-0003b479ca47'
    """
    return f"{int.from_bytes(identifier[:2], 'little'):04x}-{identifier[2:].hex()}"
