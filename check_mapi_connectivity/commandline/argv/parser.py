"""argparse without its exits, for command lines that are odd, and for other programs."""

from __future__ import annotations

import argparse

from ... import __version__
from ...base.errors import Information, UsageError
from ..option import COUNT, FLAG, LIST, MISSING, OPTIONAL, VALUE
from . import help as argv_help

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from .help import Groups

#: What the words of Icinga's CheckCommand about a variable begin with.
_VARIABLE = "mapi_"

_NO_VALUE = " takes no value"


class Parser(argparse.ArgumentParser):
    """argparse without its exits: exit code 2 means CRITICAL to a scheduler."""

    #: Every option as it is written: `--mailbox`, `-m`.
    flags: tuple[str, ...] = ()
    #: What its help says.
    told: tuple[str, Sequence[str], str, Groups, str]

    def format_help(self) -> str:
        """The help text, the same on every Python."""
        return argv_help.text(*self.told)

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
        written = f"write one that begins with a dash as {option}=VALUE"
        return f"{option}: its value is missing; {written}"
    return f"{message}; see --help"


def build(name: str, usage: Sequence[str], description: str, groups: Groups, ending: str) -> Parser:
    """The parser for groups of options; values arrive as given, absent options are absent."""
    result = Parser(
        prog=name, add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS
    )
    result.told = name, usage, description, groups, ending
    result.flags = tuple(flag for _, options in groups for one in options for flag in one.flags)
    actions: dict[str, Any] = {
        "help": {"action": _Help, "nargs": 0},
        "version": {"action": _Version, "nargs": 0},
        "extra-opts": {"action": "append", "nargs": "?", "const": ""},
    }
    for _, options in groups:
        for option in options:
            keywords: dict[str, Any] = {
                VALUE: {},
                LIST: {"action": "append"},
                FLAG: {"action": "store_true"},
                COUNT: {"action": "count"},
                OPTIONAL: {"nargs": "?", "const": MISSING},
            }[option.shape]
            result.add_argument(
                *option.flags, dest=option.name, **actions.get(option.name, keywords)
            )
    return result


def read(parser: Parser, argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Values by name, and words that belong to no option. Raises UsageError, Information."""
    try:
        found, unknown = parser.parse_known_args(list(argv))
    except UsageError as error:
        raise UsageError(_with_value(str(error), argv)) from None
    return vars(found), unknown


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
