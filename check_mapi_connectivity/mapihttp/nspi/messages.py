"""What this check asks an address book, and what that answers (MS-OXCMAPIHTTP 2.2.5)."""

from __future__ import annotations

import uuid

from ...base.value import NamedTuple
from .. import envelope
from ..envelope import CODE_PAGE, LCID, SIZED, Body
from ..reader import TEXT8, U32, Codec, Reader, Structure, WireError
from . import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    from ..properties import Value

BIND, RESOLVE_NAMES, DN_TO_MID, UNBIND = "Bind", "ResolveNames", "DNToMId", "Unbind"

#: ErrorCode of an Unbind that went well (MS-OXNSPI 3.1.4.1.2).
UNBIND_SUCCESS = 1

#: Minimal ids in an answer to ResolveNames (MS-OXNSPI 2.2.1.9).
UNRESOLVED, AMBIGUOUS, RESOLVED = 0, 1, 2

#: Smallest minimal id that names an object.
LEAST_ID = 0x10

#: Rows and columns that an answer may have: a few are asked for.
_MOST_ROWS, _MOST_COLUMNS = 1000, 200


class Stat(Structure):
    """STAT: where in which table, and the language (MS-OXNSPI 2.2.8). Container 0 is the global
    address list. A server refuses the code page of UTF-16 here; columns come in it all the same.
    """

    LAYOUT = tuple(
        (name, U32)
        for name in (
            *("sort_type", "container_id", "current_rec", "delta", "num_pos", "total_recs"),
            *("code_page", "template_locale", "sort_locale"),
        )
    )
    sort_type: int = 0
    container_id: int = 0
    current_rec: int = 0
    delta: int = 0
    num_pos: int = 0
    total_recs: int = 0
    code_page: int = CODE_PAGE
    template_locale: int = LCID
    sort_locale: int = LCID


STAT = Codec(lambda reader: Stat(**Stat.fields(reader)), lambda writer, value: value.write(writer))


class BindRequest(Body):
    """Bind (MS-OXCMAPIHTTP 2.2.5.1.1): 45 bytes."""

    LAYOUT = (("flags", U32), ("state", values.optional(STAT)), ("auxiliary", SIZED))
    flags: int = 0
    state: Stat | None = Stat()
    auxiliary: bytes = b""


class ResolveNamesRequest(Body):
    """ResolveNames (MS-OXCMAPIHTTP 2.2.5.14.1): names in UTF-16, columns for what is found."""

    LAYOUT = (
        ("reserved", U32),
        ("state", values.optional(STAT)),
        ("tags", values.optional(values.TAGS)),
        ("names", values.optional(values.counted(values.TEXT16))),
        ("auxiliary", SIZED),
    )
    names: tuple[str, ...] | None
    tags: tuple[int, ...] | None = values.COLUMNS
    reserved: int = 0
    state: Stat | None = Stat()
    auxiliary: bytes = b""


class DnToMidRequest(Body):
    """DNToMId (MS-OXCMAPIHTTP 2.2.5.4.1): DNs in 8-bit text, found exactly or not at all."""

    LAYOUT = (
        ("reserved", U32),
        ("names", values.optional(values.counted(TEXT8))),
        ("auxiliary", SIZED),
    )
    names: tuple[str, ...] | None
    reserved: int = 0
    auxiliary: bytes = b""


class UnbindRequest(Body):
    """Unbind (MS-OXCMAPIHTTP 2.2.5.2.1): eight zero bytes."""

    LAYOUT = (("reserved", U32), ("auxiliary", SIZED))
    reserved: int = 0
    auxiliary: bytes = b""


REQUESTS: dict[str, type[Body]] = {
    BIND: BindRequest,
    RESOLVE_NAMES: ResolveNamesRequest,
    DN_TO_MID: DnToMidRequest,
    UNBIND: UnbindRequest,
}


def read_request(request_type: str, body: bytes) -> Body:
    """The body of a request of that type. Raises WireError."""
    return envelope.read_request(request_type, body, REQUESTS)


class BindResponse(NamedTuple):
    """Bind's answer (MS-OXCMAPIHTTP 2.2.5.1.2); the GUID is another one after a restart."""

    status_code: int
    error_code: int = 0
    server_guid: uuid.UUID = uuid.UUID(int=0)


class ResolveNamesResponse(NamedTuple):
    """ResolveNames' answer (MS-OXCMAPIHTTP 2.2.5.14.2): a minimal id for each name, a row for each
    that is resolved.
    """

    status_code: int
    error_code: int = 0
    code_page: int = 0
    minimal_ids: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()


class DnToMidResponse(NamedTuple):
    """DNToMId's answer (MS-OXCMAPIHTTP 2.2.5.4.2): a minimal id for each DN, or 0."""

    status_code: int
    error_code: int = 0
    minimal_ids: tuple[int, ...] = ()


class UnbindResponse(NamedTuple):
    """Unbind's answer (MS-OXCMAPIHTTP 2.2.5.2.2)."""

    status_code: int
    error_code: int = 0


def _begun(body: bytes, request_type: str) -> tuple[Reader, int]:
    """A reader behind the StatusCode, and that; behind one that is not 0 nothing is read."""
    reader = Reader(body, f"{request_type} response")
    return reader, reader.u32()


def _end(reader: Reader) -> None:
    """Read the auxiliary buffer, which says nothing here; servers may leave it out."""
    if reader.remaining:
        SIZED.read(reader)


def _minimal_ids(reader: Reader) -> tuple[int, ...]:
    found: tuple[int, ...] = values.TAGS.read(reader) if reader.u8() else ()
    return found


def bind_response(body: bytes) -> BindResponse:
    """Raises WireError."""
    reader, status = _begun(body, BIND)
    if status:
        return BindResponse(status)
    found = BindResponse(status, reader.u32(), uuid.UUID(bytes_le=reader.take(16)))
    _end(reader)
    return found


def resolve_names_response(body: bytes) -> ResolveNamesResponse:
    """Raises WireError."""
    reader, status = _begun(body, RESOLVE_NAMES)
    if status:
        return ResolveNamesResponse(status)
    error, code_page, ids = reader.u32(), reader.u32(), _minimal_ids(reader)
    tags: tuple[int, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    if reader.u8():
        tags, count = values.TAGS.read(reader), reader.u32()
        if count > _MOST_ROWS or len(tags) > _MOST_COLUMNS:
            raise WireError(f"{count} rows of {len(tags)} columns, for a few names")
        rows = tuple(values.row(reader, tags) for _ in range(count))
    _end(reader)
    return ResolveNamesResponse(status, error, code_page, ids, tags, rows)


def dn_to_mid_response(body: bytes) -> DnToMidResponse:
    """Raises WireError."""
    reader, status = _begun(body, DN_TO_MID)
    if status:
        return DnToMidResponse(status)
    found = DnToMidResponse(status, reader.u32(), _minimal_ids(reader))
    _end(reader)
    return found


def unbind_response(body: bytes) -> UnbindResponse:
    """Raises WireError."""
    reader, status = _begun(body, UNBIND)
    if status:
        return UnbindResponse(status)
    found = UnbindResponse(status, reader.u32())
    _end(reader)
    return found


if TYPE_CHECKING:
    Response = Union[BindResponse, ResolveNamesResponse, DnToMidResponse, UnbindResponse]

#: Request type -> reader of the answer's body.
RESPONSES: dict[str, Callable[[bytes], Response]] = {
    BIND: bind_response,
    RESOLVE_NAMES: resolve_names_response,
    DN_TO_MID: dn_to_mid_response,
    UNBIND: unbind_response,
}


class Entry(NamedTuple):
    """An entry of the address book; a text that it lacks is empty."""

    display_name: str
    address: str
    legacy_dn: str


def entries(answer: ResolveNamesResponse) -> list[Entry]:
    """The entries that were found, whatever the order of their columns."""
    found = []
    for row in answer.rows:
        told = dict(zip(answer.tags, row))
        texts = [told.get(tag) for tag in values.COLUMNS]
        found.append(Entry(*(text if isinstance(text, str) else "" for text in texts)))
    return found
