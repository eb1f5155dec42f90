"""Responses to remote operations (MS-OXCROPS 2.2).

A response does not say how long it is: it can be read only beside the request that it answers, so
`read` is given the requests that were sent.
"""

from __future__ import annotations

import uuid

from ..base.value import NamedTuple
from . import properties, rops
from .reader import Reader, WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Union

    from .properties import Value

#: Return values that say: done, with a remark (MS-OXCDATA 2.4.2).
WARNINGS = frozenset({0x00040380, 0x00040481})

#: Return value of a RopLogon that may name another server (MS-OXCSTOR 2.2.1.1.2).
WRONG_SERVER = 0x00000478

#: Responses without a request of their own (MS-OXCROPS 2.2.14, 2.2.15).
_NOTIFY, _PENDING, _BACKOFF, _TOO_SMALL = 0x2A, 0x6E, 0xF9, 0xFF


class LogonTime(NamedTuple):
    """The server's clock in UTC; Sunday is day 0 of the week (MS-OXCSTOR 2.2.1.1.3)."""

    seconds: int
    minutes: int
    hour: int
    day_of_week: int
    day: int
    month: int
    year: int


class Mailbox(NamedTuple):
    """What RopLogon says of a private mailbox (MS-OXCSTOR 2.2.1.1.3)."""

    logon_flags: int
    folder_ids: tuple[bytes, ...]
    response_flags: int
    mailbox_guid: uuid.UUID
    repl_id: int
    repl_guid: uuid.UUID
    logon_time: LogonTime
    gwart_time: int
    store_state: int

    @property
    def inbox(self) -> bytes:
        """The id of the Inbox."""
        return self.folder_ids[4]

    @property
    def owner(self) -> bool:
        """Whether the user has owner rights; without them a logon succeeds since 2013, too."""
        return bool(self.response_flags & 0x02)


class Redirect(NamedTuple):
    """The server that holds the mailbox (MS-OXCSTOR 2.2.1.1.2)."""

    logon_flags: int
    server_name: str


class Folder(NamedTuple):
    """What RopOpenFolder says (MS-OXCROPS 2.2.4.1.2)."""

    has_rules: int
    is_ghosted: int
    servers: tuple[str, ...]


class Rows(NamedTuple):
    """What RopQueryRows gives (MS-OXCROPS 2.2.5.4.2).

    `origin` 0 is the beginning of the table, 1 a place in it, 2 its end.
    """

    origin: int
    rows: tuple[tuple[Value, ...], ...]


class Backoff(NamedTuple):
    """RopBackoff: how many milliseconds to leave this logon alone (MS-OXCROPS 2.2.15.2)."""

    logon_id: int
    duration: int
    rops: tuple[tuple[int, int], ...]
    data: bytes


class TooSmall(NamedTuple):
    """RopBufferTooSmall: the bytes that are needed, and the requests that were not carried out
    (MS-OXCROPS 2.2.15.1).
    """

    size_needed: int
    requests: bytes


if TYPE_CHECKING:
    #: What a response holds besides its return value. A folder's table gives a row count,
    #: SetColumns and SortTable a status, GetPropertiesSpecific one row.
    Content = Union[Mailbox, Redirect, Folder, Rows, "tuple[Value, ...]", int, None]


class Response:
    """The response to one request; `content` is None where it failed."""

    __slots__ = ("content", "index", "request", "return_value")

    def __init__(
        self, request: rops.Request, index: int, return_value: int, content: Content
    ) -> None:
        self.request, self.index = request, index
        self.return_value, self.content = return_value, content

    def _told(self) -> tuple[object, ...]:
        return self.request, self.index, self.return_value, self.content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told()[:3])

    @property
    def done(self) -> bool:
        """Whether the operation was carried out."""
        return self.return_value == 0 or self.return_value in WARNINGS


class Answer(NamedTuple):
    """All responses of one Execute, the handle table, and what ended them early."""

    responses: tuple[Response, ...]
    handles: tuple[int, ...]
    ended_by: Backoff | TooSmall | None


def _mailbox(reader: Reader, _: Any) -> Mailbox:
    flags = reader.u8()
    folders = tuple(reader.take(8) for _ in range(13))
    response_flags = reader.u8()
    mailbox_guid = uuid.UUID(bytes_le=reader.take(16))
    repl_id, repl_guid = reader.u16(), uuid.UUID(bytes_le=reader.take(16))
    moment = LogonTime._make([*(reader.u8() for _ in range(6)), reader.u16()])
    gwart_time, state = reader.number("Q"), reader.u32()
    return Mailbox(
        flags, folders, response_flags, mailbox_guid, repl_id, repl_guid, moment, gwart_time, state
    )


def _redirect(reader: Reader) -> Redirect | None:
    """The redirect behind ecWrongServer; None where the answer goes on without one.

    Nothing behind it is read any more: see `read`.
    """
    try:
        flags = reader.u8()
        name = Reader(reader.take(reader.u8()), "ServerName").text8()
    except WireError:
        return None
    return Redirect(flags, name) if name.startswith("/") else None


def _folder(reader: Reader, _: Any) -> Folder:
    has_rules, is_ghosted = reader.u8(), reader.u8()
    servers: tuple[str, ...] = ()
    if is_ghosted:
        count = reader.u16()
        reader.u16()
        servers = tuple(reader.text8() for _ in range(count))
    return Folder(has_rules, is_ghosted, servers)


def _rows(reader: Reader, columns: Sequence[int]) -> Rows:
    origin = reader.u8()
    count = reader.u16()
    if count and not columns:
        raise WireError("rows of a table whose columns were not set")
    return Rows(origin, tuple(properties.row(reader, columns) for _ in range(count)))


#: RopId -> reader of what follows the return value, given the columns in force.
_CONTENT: dict[int, Callable[[Reader, Sequence[int]], Content]] = {
    rops.Logon.ROP: _mailbox,
    rops.OpenFolder.ROP: _folder,
    rops.GetPropertiesSpecific.ROP: properties.row,
    rops.GetContentsTable.ROP: lambda reader, _: reader.u32(),
    rops.SetColumns.ROP: lambda reader, _: reader.u8(),
    rops.SortTable.ROP: lambda reader, _: reader.u8(),
    rops.QueryRows.ROP: _rows,
}


def read_response(reader: Reader, request: rops.Request, columns: Sequence[int]) -> Response:
    """One response, from its RopId on. Raises WireError."""
    rop = reader.u8()
    if rop != request.ROP:
        raise WireError(f"ROP 0x{rop:02X} is answered where {request.NAME} was asked")
    index, return_value = reader.u8(), reader.u32()
    content: Content = None
    if return_value == 0 or return_value in WARNINGS:
        content = _CONTENT[rop](reader, columns)
    elif rop == rops.Logon.ROP and return_value == WRONG_SERVER:
        content = _redirect(reader)
    return Response(request, index, return_value, content)


def read_backoff(reader: Reader) -> Backoff:
    """RopBackoff, behind its RopId. Raises WireError."""
    logon_id, duration = reader.u8(), reader.u32()
    delayed = tuple((reader.u8(), reader.u32()) for _ in range(reader.u8()))
    return Backoff(logon_id, duration, delayed, reader.take(reader.u16()))


def read(
    payloads: Sequence[bytes], requests: Sequence[rops.Request], columns: Sequence[int] = ()
) -> Answer:
    """What the payloads of an Execute say to `requests`. Raises WireError.

    `columns` are those of a table opened earlier.
    """
    found: list[Response] = []
    ended_by: Backoff | TooSmall | None = None
    for item in each(payloads, requests, columns):
        if isinstance(item, Response):
            found.append(item)
        else:
            ended_by = item
    handles = rops.RopList.decode(payloads[0]).handles if payloads else ()
    return Answer(tuple(found), handles, ended_by)


def each(
    payloads: Sequence[bytes], requests: Sequence[rops.Request], columns: Sequence[int] = ()
) -> Iterator[Response | Backoff | TooSmall]:
    """One response after the other, and last what ended them early.

    Further payloads hold one more RopQueryRows response each (MS-OXCRPC 3.1.4.2.1.2.2). Raises
    WireError.
    """
    for number, payload in enumerate(payloads):
        reader = Reader(rops.RopList.decode(payload).rops, "ROP responses")
        for request in _expected(requests, further=number > 0):
            ended_by = _ending(reader)
            if ended_by is not None:
                yield ended_by
            if ended_by is not None or not reader.remaining:
                return
            if isinstance(request, rops.SetColumns):
                columns = request.tags
            tags = columns
            if isinstance(request, rops.GetPropertiesSpecific):
                tags = request.tags
            response = read_response(reader, request, tags)
            yield response
            if isinstance(request, rops.Logon) and not response.done:
                # All that follows fails with it, and a redirect may be there or not.
                return


def _expected(requests: Sequence[rops.Request], *, further: bool) -> list[rops.Request]:
    """The requests that a payload answers; a further one answers the last RopQueryRows again."""
    kind: type[rops.Request] = rops.QueryRows if further else rops.Request
    found = [request for request in requests if isinstance(request, kind)]
    answered = [request for request in found if not isinstance(request, rops.Release)]
    return answered[-1:] if further else answered


def _ending(reader: Reader) -> Backoff | TooSmall | None:
    """What stands where a response was expected and ends the list. Raises WireError.

    Notifications carry no length: with one of them reading stops.
    """
    rop = reader.peek()
    if rop == _TOO_SMALL:
        reader.u8()
        return TooSmall(reader.u16(), reader.rest())
    if rop == _BACKOFF:
        reader.u8()
        return read_backoff(reader)
    if rop in (_NOTIFY, _PENDING):
        reader.rest()
    return None
