"""Requests for remote operations, and the list that carries requests and responses (MS-OXCROPS)."""

from __future__ import annotations

from ..base.value import NamedTuple
from .reader import ID, TAGS, U8, U16, U32, Codec, Reader, Structure, WireError, Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

#: An entry of the handle table that no object stands for yet (MS-OXCROPS 2.2.1).
NO_HANDLE = 0xFFFFFFFF


class SortOrder(NamedTuple):
    """One key of a sort: property tag and order, 1 for descending (MS-OXCDATA 2.13.1)."""

    tag: int
    order: int


def _read_essdn(reader: Reader) -> str:
    body = Reader(reader.take(reader.u16()), "Essdn")
    text = body.text8()
    body.end()
    return text


def _write_essdn(writer: Writer, text: str) -> None:
    inner = Writer()
    inner.text8(text)
    writer.number("H", len(inner.data()))
    writer.raw(inner.data())


_ESSDN = Codec(_read_essdn, _write_essdn)


class Request(Structure):
    """A ROP request. `LAYOUT` is what follows RopId and LogonId; all logons here have LogonId 0."""

    ROP: ClassVar[int]
    NAME: ClassVar[str]

    def encode(self) -> bytes:
        """The bytes of the request. Raises WireError for a value that does not fit."""
        writer = Writer()
        writer.number("B", self.ROP)
        writer.number("B", 0)
        self.write(writer)
        return writer.data()


class Logon(Request):
    """RopLogon to a private mailbox (MS-OXCROPS 2.2.3.1, MS-OXCSTOR 2.2.1.1.1)."""

    ROP = 0xFE
    NAME = "RopLogon"
    LAYOUT = (
        ("output", U8),
        ("logon_flags", U8),
        ("open_flags", U32),
        ("store_state", U32),
        ("essdn", _ESSDN),
    )
    essdn: str
    output: int = 0
    logon_flags: int = 0x01
    # Always with USE_PER_MDB_REPLID_MAPPING, the rest as in the trace of MS-OXODLGT 4.1.1.
    open_flags: int = 0x0100040C
    store_state: int = 0


class OpenFolder(Request):
    """RopOpenFolder (MS-OXCROPS 2.2.4.1)."""

    ROP = 0x02
    NAME = "RopOpenFolder"
    LAYOUT = (("input", U8), ("output", U8), ("folder_id", ID), ("open_mode", U8))
    input: int
    output: int
    folder_id: bytes
    open_mode: int = 0


class GetPropertiesSpecific(Request):
    """RopGetPropertiesSpecific (MS-OXCROPS 2.2.8.3)."""

    ROP = 0x07
    NAME = "RopGetPropertiesSpecific"
    LAYOUT = (("input", U8), ("size_limit", U16), ("want_unicode", U16), ("tags", TAGS))
    input: int
    tags: tuple[int, ...]
    size_limit: int = 0
    want_unicode: int = 1


class GetContentsTable(Request):
    """RopGetContentsTable (MS-OXCROPS 2.2.4.14)."""

    ROP = 0x05
    NAME = "RopGetContentsTable"
    LAYOUT = (("input", U8), ("output", U8), ("table_flags", U8))
    input: int
    output: int
    table_flags: int = 0


class SetColumns(Request):
    """RopSetColumns (MS-OXCROPS 2.2.5.1)."""

    ROP = 0x12
    NAME = "RopSetColumns"
    LAYOUT = (("input", U8), ("flags", U8), ("tags", TAGS))
    input: int
    tags: tuple[int, ...]
    flags: int = 0


class SortTable(Request):
    """RopSortTable (MS-OXCROPS 2.2.5.2)."""

    ROP = 0x13
    NAME = "RopSortTable"
    input: int
    orders: tuple[SortOrder, ...]
    flags: int = 0
    categories: int = 0
    expanded: int = 0

    def write(self, writer: Writer) -> None:
        """Append what follows RopId and LogonId. Raises WireError."""
        writer.number("B", self.input)
        writer.number("B", self.flags)
        for count in (len(self.orders), self.categories, self.expanded):
            writer.number("H", count)
        for tag, order in self.orders:
            writer.number("H", tag & 0xFFFF)
            writer.number("H", tag >> 16)
            writer.number("B", order)

    @classmethod
    def fields(cls, reader: Reader) -> dict[str, object]:
        """Name -> value of all fields. Raises WireError."""
        found: dict[str, object] = {"input": reader.u8(), "flags": reader.u8()}
        count, found["categories"], found["expanded"] = (reader.u16() for _ in range(3))
        # Type first, then id: a tag as it stands in all other lists.
        found["orders"] = tuple(SortOrder(reader.u32(), reader.u8()) for _ in range(count))
        return found


class QueryRows(Request):
    """RopQueryRows (MS-OXCROPS 2.2.5.4)."""

    ROP = 0x15
    NAME = "RopQueryRows"
    LAYOUT = (("input", U8), ("flags", U8), ("forward", U8), ("row_count", U16))
    input: int
    row_count: int
    flags: int = 0
    forward: int = 1


class Release(Request):
    """RopRelease, which is never answered (MS-OXCROPS 2.2.15.3)."""

    ROP = 0x01
    NAME = "RopRelease"
    LAYOUT = (("input", U8),)
    input: int


REQUESTS: dict[int, type[Request]] = {
    kind.ROP: kind
    for kind in (
        Logon,
        OpenFolder,
        GetPropertiesSpecific,
        GetContentsTable,
        SetColumns,
        SortTable,
        QueryRows,
        Release,
    )
}


def read_request(reader: Reader) -> Request:
    """The next request of a list. Raises WireError for a ROP that is not in REQUESTS."""
    rop = reader.u8()
    if rop not in REQUESTS:
        raise WireError(f"ROP 0x{rop:02X} is not known")
    reader.u8()
    return REQUESTS[rop](**REQUESTS[rop].fields(reader))


class RopList(NamedTuple):
    """The payload of a ROP buffer: requests or responses as bytes, and the handle table."""

    rops: bytes
    handles: tuple[int, ...]

    def encode(self) -> bytes:
        """RopSize, which counts itself, the list and the table (MS-OXCROPS 2.2.1)."""
        writer = Writer()
        writer.number("H", len(self.rops) + 2)
        writer.raw(self.rops)
        for handle in self.handles:
            writer.number("I", handle)
        return writer.data()

    @classmethod
    def decode(cls, payload: bytes) -> RopList:
        """Raises WireError."""
        reader = Reader(payload, "ROP buffer")
        size = reader.u16()
        if size < 2:
            raise WireError(f"ROP buffer announces a size of {size} bytes")
        rops = reader.take(size - 2)
        count, odd = divmod(reader.remaining, 4)
        if odd:
            raise WireError("ROP buffer ends within its handle table")
        return cls(rops, tuple(reader.u32() for _ in range(count)))


def requests(rop_list: RopList) -> list[Request]:
    """The requests of a list. Raises WireError."""
    reader = Reader(rop_list.rops, "ROP requests")
    found = []
    while reader.remaining:
        found.append(read_request(reader))
    return found
