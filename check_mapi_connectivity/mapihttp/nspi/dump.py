"""Requests to an address book and its answers in words, field by field, for `-vvv`."""

from __future__ import annotations

from .. import dump
from ..properties import tag_name
from . import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..dump import Symbol

_MEANING = {
    messages.UNRESOLVED: "unresolved",
    messages.AMBIGUOUS: "ambiguous",
    messages.RESOLVED: "resolved",
}


def request(request_type: str, body: bytes) -> list[str]:
    """The lines of a request body; what cannot be read is said, not raised."""
    return dump.told_request(request_type, _request(request_type, body))


def answer(request_type: str, received: bytes, symbol: Symbol) -> list[str]:
    """The lines of an answer's body, meta-tags included."""
    return dump.told_answer(
        request_type, received, lambda body: _answer(request_type, body, symbol)
    )


def _request(request_type: str, body: bytes) -> Iterator[str]:
    parsed = messages.read_request(request_type, body)
    yield f"{request_type} request"
    for name, _ in parsed.LAYOUT:
        value = getattr(parsed, name)
        if value is None:
            yield f"  Has{_title(name)}: 0"
        elif isinstance(value, messages.Stat):
            yield "  State"
            layout = [field for field, _ in value.LAYOUT]
            yield from (f"  {line}" for line in dump.fields(value, layout))
        elif isinstance(value, tuple):
            yield f"  {_title(name)}: {len(value)}"
            words = (tag_name(one) if isinstance(one, int) else one for one in value)
            yield from (f"    {word}" for word in words)
        else:
            yield from dump.fields(parsed, [name])


def _answer(request_type: str, body: bytes, symbol: Symbol) -> Iterator[str]:
    parsed = messages.RESPONSES[request_type](body)
    yield f"StatusCode: {dump.code(parsed.status_code, symbol)}"
    if isinstance(parsed, messages.UnbindResponse) and parsed.error_code in (1, 2):
        word = "UnbindSuccess" if parsed.error_code == messages.UNBIND_SUCCESS else "UnbindFailure"
        yield f"ErrorCode: {parsed.error_code} ({word})"
        return
    yield f"ErrorCode: {dump.code(parsed.error_code, symbol)}"
    if isinstance(parsed, messages.BindResponse):
        yield f"ServerGuid: {parsed.server_guid}"
    elif isinstance(parsed, messages.DnToMidResponse):
        yield from (f"MinimalId: 0x{one:X}" for one in parsed.minimal_ids)
    elif isinstance(parsed, messages.ResolveNamesResponse):
        yield f"CodePage: {parsed.code_page}"
        for one in parsed.minimal_ids:
            yield f"MinimalId: {one} ({_MEANING.get(one, 'unknown')})"
        for number, row in enumerate(parsed.rows):
            yield f"row {number}"
            yield from (line[2:] for line in dump.row(parsed.tags, row, symbol))


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
