"""Lines of the diagnosis: fields that fit into Icinga Web's box, and blocks of them that fit into
so many lines.
"""

from __future__ import annotations

from ..base.value import NamedTuple
from ..secrecy import names
from .output import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Characters of a line of the default diagnosis: what Icinga Web shows on a laptop without
#: wrapping.
WIDTH = 100

#: Characters before the value of a field, and before what goes on with a line that is none.
_VALUE, _MORE = 16, 4

#: Lines that a text of our own may take by default.
_MOST = 3

#: Characters of a value that are looked at.
_LONGEST = 8000


class Block(NamedTuple):
    """Lines that belong together, and how soon the default diagnosis gives them up; never at 0."""

    rank: int
    lines: list[str]


def fitted(blocks: Iterable[Block], most: int) -> list[str]:
    """The lines of the blocks, at most so many where ranks allow: those of the highest rank go
    first, of them the last.

    >>> fitted([Block(0, ["head"]), Block(2, ["a"]), Block(1, ["b"]), Block(2, ["c"])], 3)
    ['head', 'a', 'b']
    """
    kept = list(blocks)
    while kept and sum(len(block.lines) for block in kept) > most:
        rank, at = max((block.rank, number) for number, block in enumerate(kept))
        if rank == 0:
            break
        del kept[at]
    return [line for block in kept for line in block.lines]


def field(name: str, value: str) -> str:
    """One indented line of name and value."""
    return f"{_named(name)}{shown(value)}"


def told(
    name: str, value: str, verbose: int, *, foreign: bool = False, lines: int = _MOST
) -> Iterator[str]:
    """One field: on one line at `-v`, else in lines of `WIDTH` characters.

    What does not fit into so many `lines`, one for a foreign text, is cut and its length told.
    """
    most = 1 if foreign else lines
    yield from _lines(_named(name), shown(value), " " * _VALUE, 0 if verbose else most, len(value))


def plain(text: str, verbose: int, lines: int = _MOST) -> Iterator[str]:
    """A line that is no field, in the same way; the text is clean already."""
    yield from _lines("", text, " " * _MORE, 0 if verbose else lines, len(text))


def _named(name: str) -> str:
    return f"  {clean(name):<13} "


def shown(value: str) -> str:
    """A text as it may be shown, without what names give away as secret."""
    return clean(names.text(value[:_LONGEST]))


def _lines(begun: str, text: str, blank: str, most: int, length: int) -> Iterator[str]:
    """Text behind what its first line begins with, in at most so many lines; 0 for all on one."""
    if not most or len(begun + text) <= WIDTH:
        yield begun + text
        return
    for number in range(1, most + 1):
        room = WIDTH - len(begun)
        if number == most and len(text) > room:
            mark = f"... ({length} characters)"
            text = text[: room - len(mark)].rstrip() + mark
        end = room if len(text) <= room else max(text[: room + 1].rfind(" "), 0) or room
        yield begun + text[:end].rstrip()
        begun, text = blank, text[end:].lstrip()
        if not text:
            return
