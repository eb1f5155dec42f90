"""Bounds-checked little-endian Reader and Writer, and the codecs that structures are made of.

Every structure of `mapihttp` is read through a Reader, so that any bytes give a value or WireError.
"""

from __future__ import annotations

import struct
import uuid

from ..base.value import NamedTuple, dataclass_transform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class WireError(Exception):
    """Bytes that are not what the protocol says; the one exception of this package."""


class Reader:
    """Reads a buffer from front to back; `what` names it in errors.

    Every method raises WireError where the buffer ends too early.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._position = 0
        self.what = what

    @property
    def remaining(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._position

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if not 0 <= size <= self.remaining:
            raise WireError(
                f"{self.what} ends after {len(self._data)} bytes; "
                f"{size} more are announced at byte {self._position}"
            )
        self._position += size
        return self._data[self._position - size : self._position]

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(self.remaining)

    def number(self, form: str) -> int:
        """An integer in a `struct` format of one letter."""
        found: int = struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]
        return found

    def u8(self) -> int:
        """An unsigned integer of 1 byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """An unsigned integer of 2 bytes."""
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        """An unsigned integer of 4 bytes."""
        return int.from_bytes(self.take(4), "little")

    def peek(self) -> int | None:
        """The next byte, which stays unread; None at the end."""
        return self._data[self._position] if self.remaining else None

    def text8(self) -> str:
        """8-bit text up to its NUL; bytes beyond ASCII come as Latin-1."""
        end = self._data.find(b"\0", self._position)
        if end < 0:
            raise WireError(f"{self.what}: text at byte {self._position} has no end")
        return self.take(end + 1 - self._position)[:-1].decode("latin-1")

    def text16(self) -> str:
        """UTF-16LE text up to its 2-byte NUL; lone surrogates are replaced."""
        end = self._position
        while True:
            end = self._data.find(b"\0\0", end)
            if end < 0:
                raise WireError(f"{self.what}: text at byte {self._position} has no end")
            if (end - self._position) % 2 == 0:
                break
            end += 1
        return self.take(end + 2 - self._position)[:-2].decode("utf-16-le", "replace")

    def end(self) -> None:
        """Raises WireError where bytes are left over."""
        if self.remaining:
            raise WireError(f"{self.what} has {self.remaining} bytes too many")


class Writer:
    """Collects the bytes of a structure. Raises WireError for a value that does not fit."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def data(self) -> bytes:
        """What was written so far."""
        return b"".join(self._parts)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._parts.append(data)

    def number(self, form: str, value: int) -> None:
        """An integer in a `struct` format of one letter."""
        try:
            self._parts.append(struct.pack(f"<{form}", value))
        except struct.error:
            raise WireError(f"{value} does not fit into its field") from None

    def text8(self, text: str) -> None:
        """8-bit text and its NUL."""
        if "\0" in text:
            raise WireError(f"{text!r} holds a NUL")
        try:
            self._parts.append(text.encode("latin-1") + b"\0")
        except UnicodeEncodeError:
            raise WireError(f"{text!r} is no 8-bit text") from None


class Codec(NamedTuple):
    """How one kind of field is read and written."""

    read: Callable[[Reader], Any]
    write: Callable[[Writer, Any], None]


def _integer(form: str) -> Codec:
    return Codec(
        lambda reader: reader.number(form), lambda writer, value: writer.number(form, value)
    )


def _array(form: str, of: Codec) -> Codec:
    """A count in `form`, and that many elements."""

    def read(reader: Reader) -> tuple[Any, ...]:
        return tuple(of.read(reader) for _ in range(reader.number(form)))

    def write(writer: Writer, values: tuple[Any, ...]) -> None:
        writer.number(form, len(values))
        for value in values:
            of.write(writer, value)

    return Codec(read, write)


U8, U16, U32 = (_integer(form) for form in "BHI")
TEXT8 = Codec(Reader.text8, Writer.text8)
TAGS = _array("H", U32)


def _write_id(writer: Writer, identifier: bytes) -> None:
    if len(identifier) != 8:
        raise WireError(f"an id of {len(identifier)} bytes")
    writer.raw(identifier)


#: FolderId and MessageId: 8 raw bytes, REPLID and counter (MS-OXCDATA 2.2.1).
ID = Codec(lambda reader: reader.take(8), _write_id)

#: A GUID in Microsoft's mixed byte order (MS-DTYP 2.3.4).
GUID = Codec(
    lambda reader: uuid.UUID(bytes_le=reader.take(16)),
    lambda writer, value: writer.raw(value.bytes_le),
)


@dataclass_transform(frozen_default=True)
class Structure:
    """Frozen fields, which stand on the wire in the order of `LAYOUT`: (name, codec).

    Annotated names are the fields of a class, but for those in capitals.
    """

    LAYOUT: tuple[tuple[str, Codec], ...] = ()
    FIELDS: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        # A class without annotations of its own has its parent's, until Python 3.9.
        own = (name for name in cls.__annotations__ if not name.isupper())
        cls.FIELDS = (*dict.fromkeys((*cls.FIELDS, *own)),)

    def __init__(self, *given: Any, **named: Any) -> None:
        if len(given) > len(self.FIELDS) or not named.keys() <= {*self.FIELDS[len(given) :]}:
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self.FIELDS)}")
        values = {**dict(zip(self.FIELDS, given)), **named}
        # What is not given is the class's own, where it has it.
        vars(self).update(
            (name, values[name] if name in values else getattr(type(self), name))
            for name in self.FIELDS
        )

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"{name} of {type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        pairs = (f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(pairs)})"

    def write(self, writer: Writer) -> None:
        """Append all fields to `writer`. Raises WireError."""
        for name, codec in self.LAYOUT:
            codec.write(writer, getattr(self, name))

    @classmethod
    def fields(cls, reader: Reader) -> dict[str, Any]:
        """Name -> value of all fields, read in order. Raises WireError."""
        return {name: codec.read(reader) for name, codec in cls.LAYOUT}
