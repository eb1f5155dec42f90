"""Requests and answers in words, field by field, for `-vvv`: readable without the specification."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from . import envelope, responses, rops, rpcext
from .properties import PropertyError, Time, id_text, tag_name
from .reader import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .properties import Value
    from .reader import Structure

    #: Error number -> symbol.
    Symbol = Callable[[int], str]

#: Field -> names of its bits (MS-OXCRPC 3.1.4.2, MS-OXCSTOR 2.2.1.1, MS-OXCTABL 2.2.2.5.1).
_BITS = {
    ("ExecuteRequest", "flags"): {1: "NoCompression", 2: "NoXorMagic", 4: "Chain"},
    ("Logon", "logon_flags"): {1: "Private", 2: "Undercover", 4: "Ghosted", 8: "SplProcess"},
    ("Logon", "open_flags"): {
        0x1: "USE_ADMIN_PRIVILEGE",
        0x2: "PUBLIC",
        0x4: "HOME_LOGON",
        0x8: "TAKE_OWNERSHIP",
        0x100: "ALTERNATE_SERVER",
        0x200: "IGNORE_HOME_MDB",
        0x400: "NO_MAIL",
        0x01000000: "USE_PER_MDB_REPLID_MAPPING",
        0x20000000: "SUPPORT_PROGRESS",
    },
    ("Mailbox", "logon_flags"): {1: "Private"},
    ("Mailbox", "response_flags"): {1: "Reserved", 2: "OwnerRight", 4: "SendAsRight", 0x10: "OOF"},
    ("QueryRows", "flags"): {1: "NoAdvance", 2: "EnablePackedBuffers"},
    ("GetContentsTable", "table_flags"): {2: "Associated", 8: "DeferredErrors", 0x40: "UseUnicode"},
}

#: The folders of RopLogon's answer (MS-OXCSTOR 2.2.1.1.3).
_FOLDERS = (
    "Root",
    "Deferred Action",
    "Spooler Queue",
    "IPM subtree",
    "Inbox",
    "Outbox",
    "Sent Items",
    "Deleted Items",
    "Common Views",
    "Schedule",
    "Search",
    "Views",
    "Shortcuts",
)

_ORIGINS = {0: "beginning of the table", 1: "more rows follow", 2: "end of the table"}

#: Fields that hold something framed, shown by itself.
_INNER = frozenset({"rop_buffer", "frames", "auxiliary"})

#: Bounds of what is shown.
_MOST_LINES, _MOST_CHARACTERS = 2000, 500

#: Bytes of what cannot be read that are shown, and how such a line begins.
_MOST_BYTES, _HEX = 4096, "bytes "


def request(request_type: str, body: bytes) -> list[str]:
    """The lines of a request body; what cannot be read is said, not raised."""
    return told_request(request_type, _request(request_type, body))


def told_request(request_type: str, told: Iterable[str]) -> list[str]:
    """The lines that `told` gives of a request, as far as it can be read."""
    lines: list[str] = []
    try:
        _collect(lines, told)
    except WireError as error:
        lines.append(f"{request_type} request: unreadable from here: {error}")
    return lines


def answer(
    request_type: str, sent: bytes, received: bytes, symbol: Symbol, columns: Sequence[int] = ()
) -> list[str]:
    """The lines of an answer's body, meta-tags included, read beside the request body.

    `columns` are those of a table opened earlier.
    """
    return told_answer(
        request_type, received, lambda body: _answer(request_type, sent, body, symbol, columns)
    )


def told_answer(
    request_type: str, received: bytes, told: Callable[[bytes], Iterable[str]]
) -> list[str]:
    """The lines of an answer's meta-tags, and those that `told` gives of the body behind them, as
    far as they can be read.
    """
    try:
        entity = envelope.strip(received)
    except WireError as error:
        return [f"{request_type} answer: unreadable: {error}", *_hex(received)]
    lines: list[str] = []
    _collect(lines, [f"{request_type} answer: {' '.join(entity.tags)}"])
    _collect(lines, (f"  {name}: {value}" for name, value in entity.headers.items()))
    try:
        _collect(lines, (f"  {line}" for line in told(entity.body)))
    except WireError as error:
        lines.append(f"  unreadable from here: {error}")
        if not any(line.lstrip().startswith(_HEX) for line in lines):
            _collect(lines, (f"  {line}" for line in _hex(entity.body)))
    return lines


def _collect(lines: list[str], found: Iterable[str]) -> None:
    """Keep the lines that come before the rest cannot be read, or is too much."""
    left_out = 0
    for line in found:
        if len(lines) < _MOST_LINES - 1:
            lines.append(line[:_MOST_CHARACTERS])
        else:
            left_out += 1
    if left_out:
        lines.append(f"  and {left_out} lines more")


def _request(request_type: str, body: bytes) -> Iterator[str]:
    parsed = envelope.read_request(request_type, body)
    yield f"{request_type} request"
    yield from fields(parsed, [name for name, _ in parsed.LAYOUT])
    if isinstance(parsed, envelope.ExecuteRequest):
        for frame in rpcext.frames(parsed.rop_buffer):
            yield f"  {_frame(frame)}"
            rop_list = rops.RopList.decode(frame.payload)
            for rop in rops.requests(rop_list):
                yield f"  {rop.NAME} 0x{rop.ROP:02X}"
                names = [name for name, _ in rop.LAYOUT] or list(vars(rop))
                yield from (f"  {line}" for line in fields(rop, names))
            yield _handles(rop_list.handles)


def _answer(
    request_type: str, sent: bytes, body: bytes, symbol: Symbol, columns: Sequence[int]
) -> Iterator[str]:
    if request_type not in envelope.RESPONSES:
        raise WireError(f"request type {request_type} is not known")
    parsed = envelope.RESPONSES[request_type](body)
    yield f"StatusCode: {code(parsed.status_code, symbol)}"
    yield f"ErrorCode: {code(parsed.error_code, symbol)}"
    names = [name for name in parsed._fields if name not in ("status_code", "error_code")]
    yield from (line.strip() for line in fields(parsed, names))
    for block in parsed.auxiliary:
        yield f"{block.name or 'auxiliary buffer'}: {block.text}"
    if isinstance(parsed, envelope.ExecuteResponse) and parsed.payloads:
        asked = envelope.read_request(request_type, sent)
        framed = asked.rop_buffer if isinstance(asked, envelope.ExecuteRequest) else b""
        lists = [rops.RopList.decode(payload) for payload in rpcext.unpack(framed)]
        questions = [rop for rop_list in lists for rop in rops.requests(rop_list)]
        columns = _columns(questions) or columns
        yield from (_frame(frame) for frame in parsed.frames)
        try:
            for item in responses.each(parsed.payloads, questions, columns):
                if isinstance(item, responses.Response):
                    yield from _response(item, symbol, columns)
                else:
                    yield f"{type(item).__name__}: {item._asdict()}"
        except WireError:
            for payload in parsed.payloads:
                yield from _hex(payload)
            raise
        yield _handles(rops.RopList.decode(parsed.payloads[0]).handles).strip()


def _hex(data: bytes) -> Iterator[str]:
    """The bytes of what cannot be read, as far as they may help."""
    shown = data[:_MOST_BYTES]
    for start in range(0, len(shown), 32):
        yield f"{_HEX}{start:04x}: {shown[start : start + 32].hex(' ', 4)}"
    if len(data) > _MOST_BYTES:
        yield f"{_HEX}and {len(data) - _MOST_BYTES} bytes more"


def _columns(questions: Sequence[rops.Request]) -> tuple[int, ...]:
    """The columns that the requests set for their table."""
    return next((rop.tags for rop in questions if isinstance(rop, rops.SetColumns)), ())


def _response(
    response: responses.Response, symbol: Symbol, columns: Sequence[int]
) -> Iterator[str]:
    request, content = response.request, response.content
    yield f"{request.NAME}: {code(response.return_value, symbol)}"
    yield f"  HandleIndex: {response.index}"
    if isinstance(content, responses.Rows):
        yield f"  RowCount: {len(content.rows)}"
        yield f"  Origin: {content.origin} ({_ORIGINS.get(content.origin, 'unknown')})"
        for number, values in enumerate(content.rows):
            yield f"  row {number}"
            yield from (f"  {line}" for line in row(columns, values, symbol))
    elif isinstance(request, rops.GetPropertiesSpecific) and isinstance(content, tuple):
        yield from row(request.tags, content, symbol)
    elif isinstance(content, int):
        name = "RowCount" if isinstance(request, rops.GetContentsTable) else "TableStatus"
        yield f"  {name}: {content}"
    elif content is not None:
        names: tuple[str, ...] = getattr(content, "_fields", ())
        yield from fields(content, names)


def row(columns: Sequence[int], values: Sequence[object], symbol: Symbol) -> Iterator[str]:
    """A line for each value of a row."""
    for tag, value in zip(columns, values):
        yield f"    {tag_name(tag)}: {_value(value, symbol)}"


def _value(value: Value | object, symbol: Symbol) -> str:
    if value is None:
        return "absent"
    if isinstance(value, PropertyError):
        return f"error {code(value.code, symbol)}"
    if isinstance(value, Time):
        return _time(value)
    if isinstance(value, bytes):
        return id_text(value) if len(value) == 8 else value[:64].hex()
    return str(value)


def _time(value: Time) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=value.unix)
    except OverflowError:
        return f"{value.ticks} (no date)"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def code(number: int, symbol: Symbol) -> str:
    """An error number with its symbol, where it has one."""
    return "0x00000000 (success)" if number == 0 else f"0x{number:08X} {symbol(number)}".rstrip()


def _handles(handles: Sequence[int]) -> str:
    return (
        f"  ServerObjectHandleTable: {' '.join(f'{handle:08X}' for handle in handles) or 'empty'}"
    )


def fields(structure: Structure | object, names: Sequence[str]) -> Iterator[str]:
    """A line for each field: its name as the specification writes it, and its value."""
    kind = type(structure).__name__
    for name in names:
        value = getattr(structure, name)
        if name in _INNER and not isinstance(value, bytes):
            continue
        title = "".join(part.capitalize() for part in name.split("_"))
        if name in _INNER:
            yield f"  {title}: {len(value)} bytes"
        elif name == "folder_ids":
            yield from (f"    {folder}: {id_text(fid)}" for folder, fid in zip(_FOLDERS, value))
        elif name == "tags":
            yield from (f"    {tag_name(tag)}" for tag in value)
        elif name == "orders":
            yield from (f"    {tag_name(tag)} {'de' if way else 'a'}scending" for tag, way in value)
        elif isinstance(value, int) and ((kind, name) in _BITS or name.endswith("flags")):
            yield f"  {title}: {_flags(value, _BITS.get((kind, name), {}))}"
        elif isinstance(value, bytes):
            yield f"  {title}: {id_text(value) if len(value) == 8 else value[:64].hex()}"
        elif isinstance(value, (int, str, uuid.UUID)):
            yield f"  {title}: {value}"
        elif isinstance(value, responses.LogonTime):
            yield (
                f"  {title}: {value.year:04}-{value.month:02}-{value.day:02} "
                f"{value.hour:02}:{value.minutes:02}:{value.seconds:02} UTC"
            )


def _frame(frame: rpcext.Frame) -> str:
    bits = {1: "Compressed", 2: "XorMagic", 4: "Last"}
    sizes = f"{frame.size} bytes, {len(frame.payload)} plain"
    return f"RPC_HEADER_EXT: flags {_flags(frame.flags, bits)}, {sizes}"


def _flags(value: int, bits: dict[int, str]) -> str:
    names = [name for bit, name in bits.items() if value & bit]
    return f"0x{value:X}{f' ({chr(44).join(names)})' if names else ''}"
