"""The CheckCommand has every option, and what Icinga makes of it is a command line of ours."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity import option_table
from check_mapi_connectivity.arguments import parse_command_line
from generate import icinga2

OPTIONS = option_table.OPTIONS
ARGUMENTS = icinga2.arguments()
TEXT = icinga2.check_command()

#: Key -> body of each argument in the file.
BLOCKS = dict(re.findall(r'^\t\t"(-[^"]+)" = \{\n(.*?)^\t\t\}\n', TEXT, re.MULTILINE | re.DOTALL))


def words(**variables):
    """The words that Icinga makes of the arguments, as schedulers.md and a real Icinga have shown:
    sorted by key, those whose variable is missing left out.
    """
    found = []
    for argument in sorted(ARGUMENTS):
        if argument.variable not in variables:
            continue
        value = variables[argument.variable]
        level = re.search(r'== "([0-9])"', argument.set_if)
        if level:
            found += [argument.key] * (str(value) == level[1])
        elif not argument.value:
            found += [argument.key] * bool(value)
        elif argument.set_if:
            found += [argument.key, "system" if value is True else str(value)] if value else []
        else:
            for one in value if isinstance(value, list) else [value]:
                found += [argument.key, str(one)]
    return found


def test_every_option_is_an_argument_or_left_out_for_a_reason():
    keys = {argument.key for argument in ARGUMENTS}
    for name, option in OPTIONS.items():
        if name in icinga2.LEFT_OUT:
            assert icinga2.LEFT_OUT[name]
            assert not keys & set(option.flags)
            assert f"--{name} (" in re.sub(r"\s+\*\s+", " ", TEXT)
        else:
            assert keys & {option.flags[-1], option.flags[0]}
            assert any(option.help in argument.description for argument in ARGUMENTS)
    assert set(icinga2.LEFT_OUT) <= set(OPTIONS)


def test_the_file_has_every_argument_with_a_description():
    assert list(BLOCKS) == [argument.key for argument in ARGUMENTS]
    for argument in ARGUMENTS:
        assert (
            f"\t\t\tdescription = {icinga2.quoted(argument.description)}\n" in BLOCKS[argument.key]
        )
        assert f"${argument.variable}$" in BLOCKS[argument.key]


def test_lists_repeat_their_key_and_flags_have_no_value():
    for option in icinga2.options():
        block = BLOCKS.get(option.flags[-1], "")
        assert ("repeat_key = true" in block) == (option.shape == option_table.LIST)
        if option.shape == option_table.FLAG:
            assert f'set_if = "${icinga2.variable(option.name)}$"' in block
            assert "value =" not in block


def test_variables_are_unique_and_secrets_have_their_own():
    ours = [icinga2.variable(option.name) for option in icinga2.options()]
    secrets = [icinga2.secret_variable(name) for name in option_table.ENVIRONMENT_SECRETS]
    assert len({*ours, *secrets}) == len(ours) + len(secrets)
    for name, environment in option_table.ENVIRONMENT_SECRETS.items():
        assert f'\tenv.{environment} = "${icinga2.secret_variable(name)}$"\n' in TEXT
        assert f'\tvars.{icinga2.secret_variable(name)} = ""\n' in TEXT
    assert not {f"--{name}" for name in option_table.ENVIRONMENT_SECRETS} & set(BLOCKS)


@pytest.mark.parametrize("option", icinga2.options(), ids=lambda option: option.name)
def test_our_parser_takes_what_icinga_builds(option):
    samples = {
        option_table.VALUE: [("a", "a"), (10, "10"), ("none", "none")],
        option_table.LIST: [(["a", "b"], ["a", "b"]), ("a", ["a"]), ("none", ["none"])],
        option_table.FLAG: [(True, True)],
        option_table.COUNT: [(1, 1), (3, 3), ("2", 2)],
        option_table.OPTIONAL: [(True, "system"), ("a", "a"), ("none", "none")],
    }[option.shape]
    for given, parsed in samples:
        found = words(**{icinga2.variable(option.name): given})
        assert parse_command_line(found) == {option.name: parsed}


@pytest.mark.parametrize(
    "option",
    [option for option in icinga2.options() if option.shape not in ("value", "list")],
    ids=lambda option: option.name,
)
def test_what_is_off_is_no_word(option):
    assert words(**{icinga2.variable(option.name): 0}) == []


def test_all_of_them_at_once():
    given = {
        option_table.VALUE: "a",
        option_table.LIST: ["a", "b"],
        option_table.FLAG: True,
        option_table.COUNT: 2,
        option_table.OPTIONAL: True,
    }
    found = words(**{icinga2.variable(o.name): given[o.shape] for o in icinga2.options()})
    assert set(parse_command_line(found)) == set(OPTIONS) - set(icinga2.LEFT_OUT)


def test_the_scheduler_is_more_patient_than_the_check():
    default = re.search(r"Default: ([0-9]+):CRITICAL", OPTIONS["timeout"].help)
    assert default
    assert int(default[1]) < icinga2.TIMEOUT
    assert f"\ttimeout = {icinga2.TIMEOUT // 60}m\n" in TEXT
