"""Completion of both commands for bash and zsh; fish.py has fish.

Values come from the program's own tables. The bash functions need nothing of the package
bash-completion but to be found by it.
"""

from __future__ import annotations

import re

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.commandline import option_table
from check_mapi_connectivity.commandline.option import COUNT, FLAG, LIST, OPTIONAL, Option
from check_mapi_connectivity.setup import option_table as set_up
from check_mapi_connectivity.setup.steps import names

from . import WORDS, Groups

#: Every label that any method prints, in their order.
_LABELS = tuple(dict.fromkeys(label for labels in vocabulary.LABELS.values() for label in labels))

#: Methods that the set-up command sets up for.
SET_UP_METHODS = ("cmdlet", "graph")

#: Option that takes NAME=VALUE -> the names, and the words that are values.
PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "state": (
        tuple(kind for kind in vocabulary.KINDS if kind != "usage"),
        tuple(vocabulary.STATES),
    ),
    "warning-for": (_LABELS, ()),
    "critical-for": (_LABELS, ()),
}

#: Metavar -> what of this system it names: the action of bash's compgen, and zsh's function.
SYSTEM = {
    "DIR": ("directory", "_files -/"),
    "FILE": ("file", "_files"),
    "HOST": ("hostname", "_hosts"),
    "HOST[:PORT]": ("hostname", "_hosts"),
    "USER[:GROUP]": ("user", "_users"),
}

#: Command -> its options.
COMMANDS: dict[str, Groups] = {
    vocabulary.PLUGIN: option_table.GROUPS,
    names.COMMAND: set_up.GROUPS,
}

_BASH = """\
# bash completion of @NAME@; made by make docs

_@NAME@()
{
    local typed=${COMP_LINE:0:COMP_POINT}
    local current=${typed##*[[:space:]]}
    local rest=${typed%"$current"}
    rest=${rest%"${rest##*[![:space:]]}"}
    local option=${rest##*[[:space:]]}
    # What bash itself takes for the word: it breaks at = and :.
    local broken=$current start=
    COMPREPLY=()
    if [[ $current == --*=* ]]; then
        option=${current%%=*}
        current=${current#*=}
    fi
    case $option in
@CASES@
        *)
            COMPREPLY=($(compgen -W "@FLAGS@" -- "$current"))
            ;;
    esac
    [[ $broken == *[=:]* ]] && start=${broken%"${broken##*[=:]}"}
    [[ $broken == --*=* ]] && start=${start#"${broken%%=*}="}
    COMPREPLY=("${COMPREPLY[@]#"$start"}")
} && complete -F _@NAME@ @NAME@
"""

_ZSH = """\
#compdef @NAME@
# zsh completion of @NAME@; made by make docs

_@NAME@_pair() {
    local -a keys words
    keys=(${=1})
    words=(${=2})
    if compset -P '*='; then
        compadd -- $words
    else
        compadd -S = -- $keys
    fi
}

_arguments -s -S : \\
@SPECS@
"""


def bash(name: str, groups: Groups) -> str:
    """The file for bash."""
    options = [option for _, options in groups for option in options]
    cases: dict[str, list[str]] = {}
    for option in options:
        if option.shape not in (FLAG, COUNT, OPTIONAL):
            cases.setdefault(_bash_value(name, option), []).extend(option.flags)
    return _filled(
        _BASH,
        NAME=name,
        CASES="\n".join(
            f"        {'|'.join(flags)})\n{lines}\n            ;;" for lines, flags in cases.items()
        ),
        FLAGS=" ".join(flag for option in options for flag in option.flags),
    )


def _bash_value(command: str, option: Option) -> str:
    """Lines that say what an option's value is made of."""
    found = " ".join(words(command, option))
    lines = [":"]
    if option.name in PAIRS:
        keys, values = PAIRS[option.name]
        given = f'-P "${{current%%=*}}=" -W "{" ".join(values)}" -- "${{current#*=}}"'
        lines = [
            "if [[ $current != *=* ]]; then",
            f'    COMPREPLY=($(compgen -S = -W "{" ".join(keys)}" -- "$current"))',
            "    compopt -o nospace",
            *(["else", f"    COMPREPLY=($(compgen {given}))"] if values else []),
            "fi",
        ]
    elif found:
        lines = [f'COMPREPLY=($(compgen -W "{found}" -- "$current"))']
    elif option.metavar in SYSTEM:
        action = SYSTEM[option.metavar][0]
        # A name may hold blanks.
        lines = [f'mapfile -t COMPREPLY < <(compgen -A {action} -- "$current")']
        if action in ("file", "directory"):
            lines.insert(0, "compopt -o filenames")
    return "\n".join(f"{' ' * 12}{line}" for line in lines)


def words(command: str, option: Option) -> tuple[str, ...]:
    """The words that an option of this command takes; none where it takes any."""
    if (command, option.name) == (names.COMMAND, "method"):
        return SET_UP_METHODS
    return WORDS.get(option.name, ())


def zsh(name: str, groups: Groups) -> str:
    """The file for zsh."""
    specs = [_zsh_spec(name, option) for _, options in groups for option in options]
    return _filled(_ZSH, NAME=name, SPECS=" \\\n".join(f"    {spec}" for spec in specs))


def _zsh_spec(command: str, option: Option) -> str:
    """An option as `_arguments` takes it, a line for each of its flags."""
    often = "*" if option.shape in (LIST, COUNT) else f"({' '.join(option.flags)})"
    value = "" if option.shape in (FLAG, COUNT) else _zsh_value(command, option)
    specs = []
    for flag in option.flags:
        # A long option takes its value behind = as well, a short one close to it.
        close = "" if not value else "=" if flag.startswith("--") else "+"
        specs.append(f"'{often}{flag}{close}[{_zsh_text(option.help)}]{value}'")
    return " \\\n    ".join(specs)


def _zsh_value(command: str, option: Option) -> str:
    """Metavar, and what completes it."""
    # Two colons: the value may be missing.
    colon = "::" if option.shape == OPTIONAL or option.name == "extra-opts" else ":"
    action = SYSTEM.get(option.metavar, ("", " "))[1]
    found = words(command, option)
    if found:
        action = f"({' '.join(found)})"
    if option.name in PAIRS:
        keys, values = PAIRS[option.name]
        # The blank keeps _arguments from adding options of its own.
        action = f' _@NAME@_pair "{" ".join(keys)}" "{" ".join(values)}"'
    return f"{colon}{_zsh_text(option.metavar)}:{action}"


def _zsh_text(text: str) -> str:
    """The first sentence of a help text, or a metavar, without what _arguments would read."""
    first = re.split(r"(?<!e\.g)\. ", text)[0].rstrip(".").replace("\\", "\\\\")
    return re.sub(r"([\[\]:])", r"\\\1", first).replace("'", "'\\''")


def _filled(template: str, **values: str) -> str:
    # NAME last: it stands in what the others hold.
    for mark in ("CASES", "FLAGS", "SPECS", "NAME"):
        template = template.replace(f"@{mark}@", values.get(mark, ""))
    return template


def files() -> dict[str, str]:
    """One for each command and shell, named as the shells look for them."""
    made = {}
    for name, groups in COMMANDS.items():
        made[f"completion/bash/{name}"] = bash(name, groups)
        made[f"completion/zsh/_{name}"] = zsh(name, groups)
    return made
