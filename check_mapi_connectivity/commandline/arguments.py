"""argv to option values by name, and the help text.

Only splitting happens here; what a value means is decided in `parse.py`, so that `none` can stand
for "not given" everywhere. Imports are few: people wait for `--help`.
"""

from __future__ import annotations

from .. import __version__
from ..base.errors import Information, UsageError
from ..base.vocabulary import PLUGIN
from .argv import plain
from .given import ENVIRONMENT_SECRETS, INI_SECRETS
from .option import alike
from .option_table import GROUPS, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .argv.help import Examples, Groups
    from .argv.parser import Parser

#: Options of which an empty value is no "not given": it would be another mailbox that is tested,
#: that of --username; no time is none at all; and an empty section is the default one.
_NEVER_EMPTY = {"mailbox", "mailbox-file", "timeout", "extra-opts"}

#: Dashes of word processors and web pages: hyphen, non-breaking hyphen, en dash, em dash, minus.
_DASHES = "\u2010\u2011\u2013\u2014\u2212"


def _told() -> tuple[str, Sequence[str], str, Groups, str]:
    """What the help of the check says."""
    from .argv.help import examples
    from .argv.help_text import DESCRIPTION, EXAMPLES, MORE_EXAMPLES, NO_LIVE_RUN_YET

    ending = "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, help and usage errors."
    return (
        PLUGIN,
        ("--tenant NAME -m ADDRESS [option ...]", "--method mapi -l USER -m ADDRESS [option ...]"),
        _description(PLUGIN, f"{DESCRIPTION} {NO_LIVE_RUN_YET}", EXAMPLES),
        GROUPS,
        f"{examples('more examples', PLUGIN, MORE_EXAMPLES)}\n\n{ending}",
    )


def _description(name: str, text: str, first: Examples) -> str:
    from .argv.help import examples, wrapped

    return f"{wrapped(text)}\n\n{examples('examples', name, first)}"


def parser() -> Parser:
    """The argparse parser of the check."""
    from .argv.parser import build

    return build(*_told())


def program(
    name: str,
    usage: Sequence[str],
    description: str,
    *,
    first: Examples,
    ending: str,
    groups: Groups,
) -> Parser:
    """The same of another program; its help begins with the examples that are `first`."""
    from .argv.parser import build

    return build(name, usage, _description(name, description, first), groups, ending)


def parse_command_line(argv: Sequence[str]) -> dict[str, Any]:
    """Long name -> value (text, list of texts, True, or a count) of what the command line gives.

    A template passes a variable that is empty on as an empty value: it is not given, but for those
    of `_NEVER_EMPTY`. Raises UsageError for what is no option, Information for `--help` and
    `--version`.
    """
    words = plain.read(argv, OPTIONS)
    if words is None:
        return without_empty(split(parser(), argv))
    found, unknown = words
    if "help" in found:
        from .argv import help as argv_help

        raise Information(argv_help.text(*_told()))
    if "version" in found:
        raise Information(f"{PLUGIN} {__version__}\n")
    _refuse(unknown, [flag for option in OPTIONS.values() for flag in option.flags])
    return without_empty(found)


def without_empty(found: dict[str, Any]) -> dict[str, Any]:
    """What was given, without values that are empty: a template's variable that is none."""
    for name in found.keys() - _NEVER_EMPTY:
        if isinstance(found[name], list):
            found[name] = [one for one in found[name] if one]
        if not found[name]:
            del found[name]
    return found


def split(parser: Parser, argv: Sequence[str]) -> dict[str, Any]:
    """The same by any parser of `program`."""
    from .argv.parser import read

    found, unknown = read(parser, argv)
    _refuse(unknown, parser.flags)
    return found


def _refuse(unknown: Sequence[str], flags: Sequence[str]) -> None:
    """Raise UsageError where words of a command line belong to no option."""
    for word in unknown:
        if word.startswith("--"):
            name = word[2:].partition("=")[0]
            if name in INI_SECRETS:
                text = f"no option takes a secret: use --{INI_SECRETS[name]}, an ini section, or"
                raise UsageError(f"{text} the environment ({ENVIRONMENT_SECRETS[name]})")
            meant = alike(f"--{name}", flags)
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
