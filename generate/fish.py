"""Completion of both commands for fish: one `complete` for each option."""

from __future__ import annotations

import re

from check_mapi_connectivity.commandline.option import COUNT, FLAG, OPTIONAL, Option

from . import Groups
from .completion import COMMANDS, PAIRS, words

#: Metavar -> what of this system it names, as arguments of `complete`.
_SYSTEM = {
    "DIR": "-x -a '(__fish_complete_directories)'",
    "FILE": "-r -F",
    "HOST": "-x -a '(__fish_print_hostnames)'",
    "HOST[:PORT]": "-x -a '(__fish_print_hostnames)'",
    "USER[:GROUP]": "-x -a '(__fish_complete_users)'",
}

_HEAD = """\
# fish completion of @NAME@; made by make docs

complete -c @NAME@ -f
"""

#: The names first, then one's values.
_PAIR = """\

function __@NAME@_pair
    set -l current (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))
    if string match -q -- '*=*' $current
        set -l name (string split -m 1 -- = $current)[1]
        printf '%s\\n' $name=(string split -n -- ' ' $argv[2])
    else
        printf '%s=\\n' (string split -n -- ' ' $argv[1])
    end
end
"""


def fish(name: str, groups: Groups) -> str:
    """The file of a command."""
    options = [option for _, options in groups for option in options]
    pair = _PAIR if any(option.name in PAIRS for option in options) else ""
    lines = [f"complete -c @NAME@ {_option(name, option)}" for option in options]
    return (_HEAD + pair + "\n" + "\n".join(lines) + "\n").replace("@NAME@", name)


def _option(command: str, option: Option) -> str:
    """The arguments of `complete` for one option."""
    flags = [f"-s {flag[1:]}" if len(flag) == 2 else f"-l {flag[2:]}" for flag in option.flags]
    parts = [*flags, _value(command, option), f"-d {_quoted(_first_sentence(option.help))}"]
    return " ".join(part for part in parts if part)


def _value(command: str, option: Option) -> str:
    """What completes the value of an option."""
    found = words(command, option)
    if option.shape in (FLAG, COUNT, OPTIONAL):
        return ""
    if option.name in PAIRS:
        names, values = (" ".join(part) for part in PAIRS[option.name])
        return f'-x -a \'(__@NAME@_pair "{names}" "{values}")\''
    if found:
        return f"-x -a {_quoted(' '.join(found))}"
    return _SYSTEM.get(option.metavar, "-x")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<!e\.g)\. ", text)[0].rstrip(".")


def _quoted(text: str) -> str:
    r"""A word of fish's.

    >>> print(_quoted("the tenant's \\ own"))
    'the tenant\'s \\ own'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def files() -> dict[str, str]:
    """One for each command, named as fish looks for them."""
    return {f"completion/fish/{name}.fish": fish(name, of) for name, of in COMMANDS.items()}
