"""The CheckCommand of Icinga 2, in the style of its template library (ITL).

Each option that a scheduler can use is an argument, and each argument has one variable,
`mapi_<long option>`.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from check_mapi_connectivity import __version__
from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.commandline import option as commandline_option
from check_mapi_connectivity.commandline import option_table

#: Name of the command object: the plugin's without `check_`, as in the ITL.
COMMAND = vocabulary.PLUGIN.partition("_")[2]

#: Name of the command of services that a feed brings results to.
NO_RESULT = "mapi_no_result"

#: Seconds after which the scheduler ends a run: twice what the check allows itself.
TIMEOUT = 60

#: Options that a scheduler has no use for, and why.
LEFT_OUT = {
    "ask-password": "a scheduler has no terminal",
    "json": "neither status line nor performance data",
    "explain": "tests nothing",
    "submit-dry-run": "for a run by hand",
    "record": "for a run by hand, to be sent with a bug report",
    "redact-addresses": "belongs to --record",
    "replay": "tests nothing",
    "version": "tests nothing",
    "help": "tests nothing",
}

#: Most of `-v` that there is.
_MOST_VERBOSE = 3

#: What a switch may be, in any letter case. Icinga's own `set_if` takes "yes" for off, and its
#: truth takes "false" for on: so each switch is an expression that knows these words alone.
ON, OFF = ("true", "yes", "1"), ("false", "no", "0", "none", "")

#: Options that an empty variable does not leave out: a service whose mailbox comes from a variable
#: that is missing would test another one, that of --username; and the empty section is the default.
_NEVER_EMPTY = ("mailbox", "mailbox-file", "extra-opts")

#: The macro of the variable whose name is in `name`, in Icinga's language.
_NAMED = '"$" + name + "$"'

#: Key of the argument for what the switches do not know; Icinga sorts by it, nobody sees it.
REFUSED = "(not understood)"

_HEADER = """\
Checks that users can log on to their Exchange mailboxes: check_mapi_connectivity {version}.
Made from the plugin's own table of options; do not edit, set variables instead.
It needs Icinga 2.13 or later: older ones refuse the attribute "separator".

Each long option is a variable, mapi_ and its name with _ for -: --client-id is mapi_client_id.
Lists are arrays, flags are true or false (also "yes" or "no", 1 or 0; anything else fails the
check). null, "" and "none" mean: not given; but an empty mapi_mailbox or mapi_mailbox_file is an
error, and an empty mapi_extra_opts the default section. Credentials are named by the path of a
file. Not among the arguments, because a scheduler has no use for them:
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
    skip_key: bool = False


def options() -> list[commandline_option.Option]:
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
    return [*(argument for option in options() for argument in _of(option)), _refused()]


def _of(option: commandline_option.Option) -> list[Argument]:
    """What one option becomes: one argument, or one for each level of verbosity."""
    name, key = variable(option.name), option.flags[-1]
    given = _lower(f'"${name}$"')
    if option.shape == commandline_option.FLAG:
        return [Argument(key, name, option.help, set_if=f"{{{{ {given} in {_words(ON)} }}}}")]
    if option.shape == commandline_option.COUNT:
        return _levels(option, name, given)
    if option.shape == commandline_option.OPTIONAL:
        text = f"{option.help} true or {commandline_option.MISSING}: its own; false: none."
        # A word that takes back what an ini section says.
        value = (
            f'{{{{ if ({given} in {_words(ON)}) {{ "{commandline_option.MISSING}" }} '
            f'else if ({given} in {_words(OFF)}) {{ "none" }} else {{ macro("${name}$") }} }}}}'
        )
        return [
            Argument(key, name, text, value, set_if=f'{{{{ string(macro("${name}$")) != "" }}}}')
        ]
    set_if = "" if option.name in _NEVER_EMPTY else f'{{{{ string(macro("${name}$")) != "" }}}}'
    repeated = option.shape == commandline_option.LIST
    return [Argument(key, name, option.help, f"${name}$", set_if, repeat_key=repeated)]


def _levels(option: commandline_option.Option, name: str, given: str) -> list[Argument]:
    """One argument for each level of an option that is repeated."""
    found = []
    for level in range(1, _MOST_VERBOSE + 1):
        words = ON if level == 1 else (str(level),)
        found.append(
            Argument(
                f"-{option.flags[0][1:] * level}",
                name,
                f"Level {level} of {_MOST_VERBOSE}. {option.help}",
                set_if=f"{{{{ {given} in {_words(words)} }}}}",
            )
        )
    return found


def _lower(macro: str) -> str:
    """The expression for a variable's text in small letters; "" where there is none."""
    return f"string(macro({macro})).lower()"


def _words(words: tuple[str, ...]) -> str:
    """Words as a list of Icinga's language."""
    return f"[ {', '.join(map(quoted, words))} ]"


def _refused() -> Argument:
    """The words that make the check itself refuse a switch that is neither on nor off.

    An exception would do as well, but Icinga shows it with a page of its source. A value for an
    option that takes none is refused by every version of the check.
    """
    shapes = {
        commandline_option.FLAG: "true or false, yes or no, 1 or 0",
        commandline_option.COUNT: f"a number from 0 to {_MOST_VERBOSE}",
    }
    lines = ["var refused = []"]
    for shape, takes in shapes.items():
        names = tuple(option.name for option in options() if option.shape == shape)
        levels = tuple(map(str, range(2, _MOST_VERBOSE + 1)))
        known = ON + OFF + (levels if shape == commandline_option.COUNT else ())
        lines += [
            f"for (option in {_words(names)}) {{",
            '\tvar name = "mapi_" + option.replace("-", "_")',
            f"\tif (!({_lower(_NAMED)} in {_words(known)})) {{",
            f"\t\tvar given = string(macro({_NAMED}))",
            f'\t\tvar text = name + " is \\"" + given + "\\"; it takes {takes}"',
            '\t\trefused.add("--" + option + "=" + text)',
            "\t}",
            "}",
        ]
    lines.append("return refused")
    body = "\n".join(f"\t\t\t\t{line}" for line in lines)
    text = "A flag that is neither true nor false: the check says so, and tests nothing."
    return Argument(REFUSED, "", text, f"{{{{\n{body}\n\t\t\t}}}}", skip_key=True)


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
        if not argument.skip_key:
            # So that a value like -1:5 is none of the check's options.
            lines.append('\t\t\tseparator = "="')
    if argument.repeat_key:
        lines.append("\t\t\trepeat_key = true")
    if argument.skip_key:
        lines.append("\t\t\tskip_key = true")
    return [*lines, f"\t\t\tdescription = {quoted(argument.description)}", "\t\t}"]


#: What is run where a feed brings nothing. Icinga runs it once in the first minute of a new service
_NO_RESULT = """\
// For services that a feed (--submit) brings results to: what they are when it brings none. The
// service says so: vars.dummy_state = "$mapi_no_result_state$", and dummy_text likewise.
object CheckCommand "{name}" {{
	import "dummy"

	vars.mapi_no_result_state = {{{{
		if (macro("$service.last_check$") < 0) {{ 0 }} else {{ 3 }}
	}}}}
	vars.mapi_no_result_text = {{{{
		var within = " within " + macro("$service.check_interval$") + " s"
		if (macro("$service.last_check$") < 0) {{
			"No result of the feed yet: the first is awaited" + within
		}} else {{
			"No result of the feed" + within
		}}
	}}}}
}}
"""


#: What such a service sets: a host's own dummy_state would win over one that the command sets.
NO_RESULT_VARS = {f"dummy_{part}": f"$mapi_no_result_{part}$" for part in ("state", "text")}


def no_result() -> str:
    """The command of services that a feed brings results to."""
    return _NO_RESULT.format(name=NO_RESULT)


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
    for name, environment in commandline_given.ENVIRONMENT_SECRETS.items():
        lines.append(f'\tenv.{environment} = "${secret_variable(name)}$"')
    lines += ["", "\t// Empty is not given; without a value Icinga would complain in every run."]
    for name in commandline_given.ENVIRONMENT_SECRETS:
        lines.append(f'\tvars.{secret_variable(name)} = ""')
    return "\n".join([*lines, "}"]) + "\n"


def files() -> dict[str, str]:
    """The one file."""
    path = f"icinga-templates/icinga2/{vocabulary.PLUGIN}.conf"
    return {path: f"{check_command()}\n{no_result()}"}
