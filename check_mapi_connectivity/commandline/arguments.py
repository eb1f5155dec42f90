"""argv to option values by name, and the help text; argparse without its exits.

Only splitting happens here; what a value means is decided in `parse.py`, so that `none` can stand
for "not given" everywhere. Imports stay at argparse alone: people wait for `--help`.
"""

from __future__ import annotations

import argparse

from .. import __version__
from ..base.errors import Information, UsageError
from ..base.vocabulary import PLUGIN
from .given import ENVIRONMENT_SECRETS, INI_SECRETS
from .help_text import DESCRIPTION, EXAMPLES, MORE_EXAMPLES, NO_LIVE_RUN_YET
from .option import COUNT, FLAG, LIST, MISSING, OPTIONAL, VALUE, alike
from .option_table import GROUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from .option import Option

    Examples = Sequence[tuple[str, str]]
    Groups = Sequence[tuple[str, Sequence[Option]]]

_NO_VALUE = " takes no value"

#: What the words of Icinga's CheckCommand about a variable begin with.
_VARIABLE = "mapi_"

#: Options of which an empty value is no "not given": it would be another mailbox that is tested,
#: that of --username; no time is none at all; and an empty section is the default one.
_NEVER_EMPTY = {"mailbox", "mailbox-file", "timeout", "extra-opts"}

#: Dashes of word processors and web pages: hyphen, non-breaking hyphen, en dash, em dash, minus.
_DASHES = "\u2010\u2011\u2013\u2014\u2212"


class Parser(argparse.ArgumentParser):
    """argparse without its exits: exit code 2 means CRITICAL to a scheduler."""

    color: bool
    #: Every option as it is written: `--mailbox`, `-m`.
    flags: tuple[str, ...] = ()

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(_plain(message))


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        raise Information(parser.format_help())


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        raise Information(f"{parser.prog} {__version__}\n")


def _plain(message: str) -> str:
    """argparse's complaint in the words of our other messages."""
    prefix, _, rest = message.partition(": ")
    if prefix.startswith("argument "):
        option = prefix[len("argument ") :].split("/")[-1]
        if rest.startswith("ignored explicit argument"):
            return f"{option}{_NO_VALUE}"
        return f"{option}: its value is missing; one that begins with a dash reads {option}=VALUE"
    return f"{message}; see --help"


def _formatter(prog: str) -> argparse.HelpFormatter:
    # A fixed width: asking the terminal imports shutil, which costs as much as argparse itself.
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=79)


def parser() -> Parser:
    """The parser of the check."""
    exits = "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, help and usage errors."
    return program(
        PLUGIN,
        ("--tenant NAME -m ADDRESS [option ...]", "--method mapi -l USER -m ADDRESS [option ...]"),
        f"{DESCRIPTION} {NO_LIVE_RUN_YET}",
        first=EXAMPLES,
        ending=f"{examples('more examples', PLUGIN, MORE_EXAMPLES)}\n\n{exits}",
        groups=GROUPS,
    )


def program(
    name: str,
    usage: Sequence[str],
    description: str,
    *,
    first: Examples,
    ending: str,
    groups: Groups,
) -> Parser:
    """The argparse parser for groups of options; values arrive as given, absent options are
    absent. Its help begins with the examples that are `first`.
    """
    result = Parser(
        prog=name,
        usage="\n       ".join(f"{name} {words}" for words in usage),
        description=f"{wrapped(description)}\n\n{examples('examples', name, first)}",
        epilog=ending,
        formatter_class=_formatter,
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    # From Python 3.14 on the help would have colours, on a terminal and by FORCE_COLOR.
    result.color = False
    result.flags = tuple(flag for _, options in groups for one in options for flag in one.flags)
    actions: dict[str, Any] = {
        "help": {"action": _Help, "nargs": 0},
        "version": {"action": _Version, "nargs": 0},
        "extra-opts": {"action": "append", "nargs": "?", "const": "", "metavar": "SECTION@FILE"},
    }
    for title, options in groups:
        group = result.add_argument_group(title)
        for option in options:
            keywords: dict[str, Any] = {
                VALUE: {"metavar": option.metavar},
                LIST: {"action": "append", "metavar": option.metavar},
                FLAG: {"action": "store_true"},
                COUNT: {"action": "count"},
                OPTIONAL: {"nargs": "?", "const": MISSING, "metavar": option.metavar},
            }[option.shape]
            keywords = actions.get(option.name, keywords)
            group.add_argument(
                *option.flags, dest=option.name, help=option.help.replace("%", "%%"), **keywords
            )
    return result


def parse_command_line(argv: Sequence[str]) -> dict[str, Any]:
    """Long name -> value (text, list of texts, True, or a count) of what the command line gives.

    A template passes a variable that is empty on as an empty value: it is not given, but for those
    of `_NEVER_EMPTY`. Raises UsageError for what is no option, Information for `--help` and
    `--version`.
    """
    found = split(parser(), argv)
    for name in found.keys() - _NEVER_EMPTY:
        if isinstance(found[name], list):
            found[name] = [one for one in found[name] if one]
        if not found[name]:
            del found[name]
    return found


def split(parser: Parser, argv: Sequence[str]) -> dict[str, Any]:
    """The same by any parser of `program`."""
    try:
        found, unknown = parser.parse_known_args(list(argv))
    except UsageError as error:
        raise UsageError(_with_value(str(error), argv)) from None
    for word in unknown:
        if word.startswith("--"):
            name = word[2:].partition("=")[0]
            if name in INI_SECRETS:
                text = f"no option takes a secret: use --{INI_SECRETS[name]}, an ini section, or"
                raise UsageError(f"{text} the environment ({ENVIRONMENT_SECRETS[name]})")
            meant = alike(f"--{name}", parser.flags)
            raise UsageError(f"unknown option --{name}; {meant}see --help")
        if word.startswith("-") and len(word) > 1:
            raise UsageError(f"unknown option {word[:2]}; see --help")
    if unknown:
        # Not shown: it may be a secret that was meant for another program's option.
        if any(word[0] in _DASHES for word in unknown if word):
            raise UsageError(
                "an option begins with a dash of a word processor or web page; type it anew, "
                "with - or --"
            )
        raise UsageError(
            "a word on the command line belongs to no option; quote values that hold blanks, "
            "see --help"
        )
    return vars(found)


def _with_value(complaint: str, argv: Sequence[str]) -> str:
    """A complaint about a value that is none of an option's, with the value.

    Icinga's CheckCommand passes a variable that it does not understand on like this, in words.
    """
    option, words, _ = complaint.partition(_NO_VALUE)
    value = next((word for word in argv if words and word.startswith(f"{option}=")), "")
    # A dictionary of Icinga's has line ends.
    value = " ".join(value[len(option) + 1 :].split())
    if not value.isprintable() or not value:
        return complaint
    return f"{option}: {value}" if value.startswith(_VARIABLE) else f"{complaint}: {value}"


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
