"""The CheckCommand of Icinga 2, in the style of its template library (ITL).

Each option that a scheduler can use is an argument, and each argument has one variable,
`mapi_<long option>`.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from check_mapi_connectivity import __version__, option_table, vocabulary

#: Name of the command object: the plugin's without `check_`, as in the ITL.
COMMAND = vocabulary.PLUGIN.partition("_")[2]

#: Seconds after which the scheduler ends a run: twice what the check allows itself.
TIMEOUT = 60

#: Options that a scheduler has no use for, and why.
LEFT_OUT = {
    "ask-password": "a scheduler has no terminal",
    "json": "neither status line nor performance data",
    "explain": "tests nothing",
    "record": "for a run by hand, to be sent with a bug report",
    "redact-addresses": "belongs to --record",
    "replay": "tests nothing",
    "version": "tests nothing",
    "help": "tests nothing",
}

#: Most of `-v` that there is.
_MOST_VERBOSE = 3

_HEADER = """\
Checks that users can log on to their Exchange mailboxes: check_mapi_connectivity {version}.
Made from the plugin's own table of options; do not edit, set variables instead.

Each long option is a variable, mapi_ and its name with _ for -: --client-id is mapi_client_id.
Lists are arrays, flags are true or false, the value "none" means: not given. Credentials are named
by the path of a file. Not among the arguments, because a scheduler has no use for them:
{left_out}
"""

_ENVIRONMENT = """\
Secrets for those who have no other place. A file (mapi_password_file and the like, 0640
root:nagios) is better: custom variables are in Icinga's API, its database and its web
interface for all to read who may see the service, and travel to every satellite. A variable of
Icinga's own environment by the same name wins.
"""


class Argument(NamedTuple):
    """One entry of `arguments`; `{{ ... }}` in `value` and `set_if` is an expression."""

    key: str
    variable: str
    description: str
    value: str = ""
    set_if: str = ""
    repeat_key: bool = False


def options() -> list[option_table.Option]:
    """The options that are arguments, in the table's order."""
    return [option for name, option in option_table.OPTIONS.items() if name not in LEFT_OUT]


def variable(name: str) -> str:
    """The custom variable of an option.

    >>> variable("client-id")
    'mapi_client_id'
    """
    return f"mapi_{name.replace('-', '_')}"


def secret_variable(name: str) -> str:
    """The custom variable of a secret that goes by the environment.

    >>> secret_variable("proxy-password")
    'mapi_env_proxy_password'
    """
    return f"mapi_env_{name.replace('-', '_')}"


def arguments() -> list[Argument]:
    """All of them."""
    return [argument for option in options() for argument in _of(option)]


def _of(option: option_table.Option) -> list[Argument]:
    """What one option becomes: one argument, or one for each level of verbosity."""
    name, key = variable(option.name), option.flags[-1]
    macro = f"${name}$"
    if option.shape == option_table.FLAG:
        return [Argument(key, name, option.help, set_if=macro)]
    if option.shape == option_table.LIST:
        return [Argument(key, name, option.help, macro, repeat_key=True)]
    if option.shape == option_table.COUNT:
        levels = range(1, _MOST_VERBOSE + 1)
        return [
            Argument(
                f"-{option.flags[0][1:] * level}",
                name,
                f"Level {level} of {levels[-1]}. {option.help}",
                set_if=f'{{{{ string(macro("{macro}")) == "{level}" }}}}',
            )
            for level in levels
        ]
    if option.shape == option_table.OPTIONAL:
        text = f"{option.help} true or {option_table.MISSING}: its own."
        value = (
            f'{{{{ if (macro("{macro}") == true) {{ "{option_table.MISSING}" }} '
            f'else {{ macro("{macro}") }} }}}}'
        )
        # An expression that yields nothing would be an empty value: ask before.
        return [Argument(key, name, text, value, set_if=f'{{{{ bool(macro("{macro}")) }}}}')]
    return [Argument(key, name, option.help, macro)]


def quoted(text: str) -> str:
    r"""A string of Icinga's language.

    >>> print(quoted('a "b" \\ c'))
    "a \"b\" \\ c"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _right(text: str) -> str:
    """The right side of an assignment."""
    return text if text.startswith("{{") else quoted(text)


def _comment(text: str, indent: str = "") -> list[str]:
    """A comment of several lines."""
    lines = [f"{indent} * {line}".rstrip() for line in text.splitlines()]
    return [f"{indent}/*", *lines, f"{indent} */"]


def _entry(argument: Argument) -> list[str]:
    """One argument in Icinga's language."""
    lines = [f"\t\t{quoted(argument.key)} = {{"]
    if argument.set_if:
        lines.append(f"\t\t\tset_if = {_right(argument.set_if)}")
    if argument.value:
        lines.append(f"\t\t\tvalue = {_right(argument.value)}")
    if argument.repeat_key:
        lines.append("\t\t\trepeat_key = true")
    return [*lines, f"\t\t\tdescription = {quoted(argument.description)}", "\t\t}"]


def check_command() -> str:
    """The file for `plugins-contrib.d`, or to be included from anywhere else."""
    left_out = "; ".join(f"--{name} ({why})" for name, why in LEFT_OUT.items())
    left_out = textwrap.fill(f"{left_out}.", 97, break_on_hyphens=False)
    lines = _comment(_HEADER.format(version=__version__, left_out=left_out))
    lines += [
        f"object CheckCommand {quoted(COMMAND)} {{",
        f'\tcommand = [ PluginContribDir + "/{vocabulary.PLUGIN}" ]',
        f"\ttimeout = {TIMEOUT // 60}m",
        "",
        "\targuments = {",
        *[line for argument in arguments() for line in _entry(argument)],
        "\t}",
        "",
        *_comment(_ENVIRONMENT, "\t"),
    ]
    for name, environment in option_table.ENVIRONMENT_SECRETS.items():
        lines.append(f'\tenv.{environment} = "${secret_variable(name)}$"')
    lines += ["", "\t// Empty is not given; without a value Icinga would complain in every run."]
    for name in option_table.ENVIRONMENT_SECRETS:
        lines.append(f'\tvars.{secret_variable(name)} = ""')
    return "\n".join([*lines, "}"]) + "\n"


def files() -> dict[str, str]:
    """The one file."""
    path = f"icinga-templates/icinga2/{vocabulary.PLUGIN}.conf"
    return {path: check_command()}
