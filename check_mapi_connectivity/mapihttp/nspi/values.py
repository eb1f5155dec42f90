"""Property tags, values and rows of the address book (MS-OXCMAPIHTTP 2.2.1).

They differ from those of a mailbox (`mapihttp.properties`): counts and lengths have 32 bits, and a
byte before each value of variable size says whether there is one.
"""

from __future__ import annotations

from ..properties import DISPLAY_NAME, TYPES, PropertyError
from ..reader import U32, Codec, Reader, WireError, Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..properties import Value

SMTP_ADDRESS = 0x39FE001F
#: Of an entry whose address type is EX the legacy DN.
EMAIL_ADDRESS = 0x3003001F

#: What is asked for of an entry, enough to know it by.
COLUMNS = (DISPLAY_NAME, SMTP_ADDRESS, EMAIL_ADDRESS)

#: Presence byte as servers write it; any but zero is taken.
_PRESENT = 0xFF

_STRING8, _STRING, _BINARY, _MULTIPLE = 0x001E, 0x001F, 0x0102, 0x1000
#: Types of objects, which have no bytes here (reference sheet nspi 3.3).
_OBJECT = 0x000D

#: Flags of a row, and of a value in a flagged row (MS-OXCMAPIHTTP 2.2.1.5, 2.2.1.7).
_STANDARD, _FLAGGED = 0, 1
_GOOD, _ABSENT, _ERROR = 0, 1, 0x0A


def optional(codec: Codec) -> Codec:
    """A presence byte, and the field where it is not zero; None stands for none."""

    def read(reader: Reader) -> object:
        return codec.read(reader) if reader.u8() else None

    def write(writer: Writer, value: object) -> None:
        writer.number("B", 0 if value is None else _PRESENT)
        if value is not None:
            codec.write(writer, value)

    return Codec(read, write)


def counted(codec: Codec) -> Codec:
    """A count of 32 bits and that many elements of at least one byte."""

    def read(reader: Reader) -> tuple[object, ...]:
        return tuple(codec.read(reader) for _ in range(reader.u32()))

    def write(writer: Writer, values: Sequence[object]) -> None:
        writer.number("I", len(values))
        for value in values:
            codec.write(writer, value)

    return Codec(read, write)


def _write_text16(writer: Writer, text: str) -> None:
    if "\0" in text:
        raise WireError(f"{text!r} holds a NUL")
    writer.raw(f"{text}\0".encode("utf-16-le", "replace"))


TEXT16 = Codec(Reader.text16, _write_text16)

#: LargePropertyTagArray (MS-OXCMAPIHTTP 2.2.1.8), and minimal ids.
TAGS = counted(U32)


def row(reader: Reader, columns: Sequence[int]) -> tuple[Value, ...]:
    """One AddressBookPropertyRow: a value for each tag of `columns`, None where it is absent
    (MS-OXCMAPIHTTP 2.2.1.7). Raises WireError.
    """
    flag = reader.u8()
    if flag not in (_STANDARD, _FLAGGED):
        raise WireError(f"a row of the address book begins with flag 0x{flag:02X}")
    read = _value if flag == _STANDARD else _flagged
    return tuple(read(reader, tag & 0xFFFF) for tag in columns)


def _flagged(reader: Reader, kind: int) -> Value:
    """A value with a flag of its own. Of a column without type, which this check never asks for,
    gromox leaves out the type (reference sheet nspi 3.3).
    """
    flag = reader.u8()
    if flag == _ABSENT:
        return None
    if flag == _ERROR:
        return PropertyError(reader.u32())
    if flag == _GOOD:
        return _value(reader, kind)
    raise WireError(f"a value of the address book has flag 0x{flag:02X}")


def _value(reader: Reader, kind: int) -> Value:
    """A value; one of variable size has its presence byte first."""
    if kind & _MULTIPLE:
        return _several(reader, kind & ~_MULTIPLE) if reader.u8() else None
    if kind in (_STRING8, _STRING, _BINARY):
        return _sized(kind)(reader) if reader.u8() else None
    if kind == _OBJECT:
        return None
    if kind not in TYPES:
        raise WireError(f"property type 0x{kind:04X} is not known")
    return TYPES[kind][1](reader)


def _several(reader: Reader, kind: int) -> Value:
    """A count, and that many values; each of variable size has a presence byte of its own."""
    if kind not in TYPES:
        raise WireError(f"property type 0x{kind | _MULTIPLE:04X} is not known")
    return tuple(_value(reader, kind) for _ in range(reader.u32()))


def _sized(kind: int) -> Callable[[Reader], Value]:
    if kind == _BINARY:
        return lambda reader: reader.take(reader.u32())
    return TYPES[kind][1]
