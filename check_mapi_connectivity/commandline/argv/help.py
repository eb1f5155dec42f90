"""The help text, in the form that argparse gives it, but that no option is broken at its dashes.

argparse would cost more than all else that `--help` does.
"""

from __future__ import annotations

from ..option import OPTIONAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..option import Option

    Examples = Sequence[tuple[str, str]]
    Groups = Sequence[tuple[str, Sequence[Option]]]

#: Columns of the help, and the one that options are explained from.
_WIDTH, _COLUMN = 79, 26


def text(name: str, usage: Sequence[str], description: str, groups: Groups, ending: str) -> str:
    """The help of a program; its description stands as it is."""
    first = "\n       ".join(f"{name} {words}" for words in usage)
    parts = [f"usage: {first}", description]
    for title, options in groups:
        parts.append("\n".join([f"{title}:", *(line for one in options for line in _told(one))]))
    return "\n\n".join([*parts, ending]) + "\n"


def _told(option: Option) -> Iterator[str]:
    """The lines of one option."""
    value = (
        f"[{option.metavar}]"
        if option.shape == OPTIONAL or option.name == "extra-opts"
        else option.metavar
    )
    head = "  " + ", ".join(f"{flag} {value}".rstrip() for flag in option.flags)
    lines = _filled(option.help.split(), _WIDTH - _COLUMN, "").split("\n")
    if len(head) > _COLUMN - 2:
        yield head
        head = ""
    yield head.ljust(_COLUMN) + lines[0]
    yield from (" " * _COLUMN + line for line in lines[1:])


def wrapped(text: str) -> str:
    """Greedy line breaks; textwrap would cost another import on the way to `--help`."""
    return _filled(text.split(), 79, "")


def _filled(pieces: Sequence[str], width: int, indent: str) -> str:
    """Lines of pieces, none of which is broken."""
    lines: list[str] = []
    line = indent
    for piece in pieces:
        if line.strip() and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = indent
        line = f"{line} {piece}" if line.strip() else f"{line}{piece}"
    return "\n".join([*lines, line])


def examples(title: str, name: str, pairs: Examples) -> str:
    """Examples below a title, each a purpose and the words after the program's name."""
    lines = [f"{title}:"]
    for purpose, words in pairs:
        lines.append(f"  # {purpose}")
        lines += [f"  {line}" for line in command_lines(name, words)]
    return "\n".join(lines)


def command_lines(name: str, words: str) -> list[str]:
    """A command line as lines to copy, narrow enough for a man page of 80 columns."""
    # An option and its value stay on one line.
    pieces = f"{name} {words}".replace(" -", "\n-").split("\n")
    return _filled(pieces, 67, "").replace("\n", " \\\n  ").split("\n")
