"""The CheckCommand has every option, and what Icinga makes of it is a command line of ours."""

from __future__ import annotations

import json
import re

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.commandline import option as commandline_option
from check_mapi_connectivity.commandline import option_table
from check_mapi_connectivity.commandline.arguments import parse_command_line
from generate import icinga2

OPTIONS = option_table.OPTIONS
ARGUMENTS = icinga2.arguments()
TEXT = icinga2.check_command()

#: Key -> body of each argument in the file.
BLOCKS = dict(
    re.findall(r'^\t\t"([-(][^"]+)" = \{\n(.*?)^\t\t\}\n', TEXT, re.MULTILINE | re.DOTALL)
)


#: An expression of ours: a variable's text in small letters, and the words that it is compared with.
EXPRESSION = re.compile(
    r'\{\{ (!\()?string\(macro\("\$(\w+)\$"\)\)(?:\.lower\(\) in \[ (.*?) \]\)?| != (""))'
    r" \}\}"
)

#: Values that a variable may have -> what they mean for a flag; None is a refusal.
SWITCHES = [
    *((word, True) for word in (True, 1, "1", "true", "True", "TRUE", "yes", "Yes", "YES")),
    *((word, False) for word in (False, 0, "0", "false", "False", "no", "NO", "none", "None")),
    *((word, False) for word in (None, "")),
    *((word, None) for word in ("maybe", "on", "off", "y", "truee", " yes", 4, -1, "1.0", "ja")),
]


def text_of(value):
    """What Icinga's string() makes of a value, as a real Icinga has shown."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def holds(expression, variables):
    """Whether one of our expressions is true."""
    negated, name, words, empty = EXPRESSION.fullmatch(expression).groups()
    text = text_of(variables.get(name))
    found = text == "" if empty else text.lower() in json.loads(f"[{words}]")
    return found != bool(negated or empty)


def refusals(variables):
    """What the last argument makes of them: for each option of a loop, if its word is none of those
    that the loop knows.
    """
    loops = re.findall(
        r'for \(option in (\[.*?\])\) \{.*?in (\[.*?\])\).*?; it takes (.*?)"',
        BLOCKS[icinga2.REFUSED],
        re.DOTALL,
    )
    for options, words, takes in loops:
        for option in json.loads(options):
            text = text_of(variables.get(icinga2.variable(option)))
            if text.lower() not in json.loads(words):
                yield f'--{option}={icinga2.variable(option)} is "{text}"; it takes {takes}'


def words(**variables):
    """The words that Icinga makes of the arguments, as a real Icinga has shown: sorted by key, those
    whose variable is missing left out.
    """
    found = [*refusals(variables)]
    for argument in sorted(ARGUMENTS):
        if argument.set_if and not holds(argument.set_if, variables):
            continue
        if argument.variable not in variables:
            continue
        value = variables[argument.variable]
        if not argument.value:
            found.append(argument.key)
        elif argument.value.startswith("{{"):
            on, off = (
                json.loads(f"[{one}]") for one in re.findall(r"in \[ (.*?) \]", argument.value)
            )
            text = text_of(value).lower()
            switch = commandline_option.MISSING if text in on else "none" if text in off else ""
            found.append(f"{argument.key}={switch or text_of(value)}")
        else:
            for one in value if isinstance(value, list) else [value]:
                found.append(f"{argument.key}={text_of(one)}")
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
        assert not argument.variable or f"${argument.variable}$" in BLOCKS[argument.key]


def test_lists_repeat_their_key_and_flags_have_no_value():
    for option in icinga2.options():
        block = BLOCKS.get(option.flags[-1], "")
        assert ("repeat_key = true" in block) == (option.shape == commandline_option.LIST)
        if option.shape == commandline_option.FLAG:
            assert f'set_if = {{{{ string(macro("${icinga2.variable(option.name)}$"))' in block
            assert "value =" not in block


def test_a_value_is_joined_to_its_option():
    for argument in ARGUMENTS:
        joined = '\t\t\tseparator = "="\n' in BLOCKS[argument.key]
        assert joined == bool(argument.value and not argument.skip_key)


def test_variables_are_unique_and_secrets_have_their_own():
    ours = [icinga2.variable(option.name) for option in icinga2.options()]
    secrets = [icinga2.secret_variable(name) for name in commandline_given.ENVIRONMENT_SECRETS]
    assert len({*ours, *secrets}) == len(ours) + len(secrets)
    for name, environment in commandline_given.ENVIRONMENT_SECRETS.items():
        assert f'\tenv.{environment} = "${icinga2.secret_variable(name)}$"\n' in TEXT
        assert f'\tvars.{icinga2.secret_variable(name)} = ""\n' in TEXT
    assert not {f"--{name}" for name in commandline_given.ENVIRONMENT_SECRETS} & set(BLOCKS)


@pytest.mark.parametrize("option", icinga2.options(), ids=lambda option: option.name)
def test_our_parser_takes_what_icinga_builds(option):
    samples = {
        commandline_option.VALUE: [("a", "a"), (10, "10"), ("none", "none")],
        commandline_option.LIST: [(["a", "b"], ["a", "b"]), ("a", ["a"]), ("none", ["none"])],
        commandline_option.FLAG: [(True, True)],
        commandline_option.COUNT: [(1, 1), (3, 3), ("2", 2)],
        commandline_option.OPTIONAL: [(True, "system"), ("a", "a"), ("none", "none")],
    }[option.shape]
    for given, parsed in samples:
        found = words(**{icinga2.variable(option.name): given})
        assert parse_command_line(found) == {option.name: parsed}


@pytest.mark.parametrize(
    "option",
    [option for option in icinga2.options() if option.shape in ("flag", "count")],
    ids=lambda option: option.name,
)
def test_what_is_off_is_no_word(option):
    assert words(**{icinga2.variable(option.name): 0}) == []


FLAGS = [option.name for option in icinga2.options() if option.shape == commandline_option.FLAG]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(("value", "meaning"), SWITCHES)
def test_flags_take_true_and_false_in_words_and_numbers(name, value, meaning):
    variable = icinga2.variable(name)
    found = words(**{variable: value})
    if meaning is not None:
        assert found == [f"--{name}"] * meaning
        return
    text = f'{variable} is "{value}"; it takes true or false, yes or no, 1 or 0'
    with pytest.raises(UsageError) as caught:
        parse_command_line(found)
    assert str(caught.value) == f"--{name}: {text}"


@pytest.mark.parametrize(("value", "meaning"), SWITCHES)
def test_a_managed_identity_is_switched_by_the_same_words(value, meaning):
    found = words(mapi_managed_identity=value)
    wanted = {True: "system", False: "none", None: text_of(value)}[meaning]
    assert found == ([f"--managed-identity={wanted}"] if value not in (None, "") else [])


@pytest.mark.parametrize(("value", "meaning"), [*SWITCHES, (2, 2), ("3", 3)])
def test_verbosity_is_a_number_or_a_switch(value, meaning):
    found = words(mapi_verbose=value)
    if meaning is not None:
        assert parse_command_line(found) == ({"verbose": int(meaning)} if meaning else {})
        return
    text = f'mapi_verbose is "{value}"; it takes a number from 0 to 3'
    with pytest.raises(UsageError, match=f"^--verbose: {re.escape(text)}$"):
        parse_command_line(found)


def test_empty_is_not_given_but_for_mailboxes_time_and_the_default_section():
    for option in icinga2.options():
        for value in (None, ""):
            empty = words(**{icinga2.variable(option.name): value})
            kept = option.name in ("mailbox", "mailbox-file", "extra-opts")
            assert empty == ([f"--{option.name}="] if kept else [])
            # By any other scheduler's template as well.
            kept = kept or option.name == "timeout"
            if option.shape in (commandline_option.VALUE, commandline_option.LIST):
                one = [""] if option.shape == commandline_option.LIST else ""
                found = parse_command_line([f"--{option.name}="])
                assert found == ({option.name: one} if kept else {})


def test_all_of_them_at_once():
    given = {
        commandline_option.VALUE: "a",
        commandline_option.LIST: ["a", "b"],
        commandline_option.FLAG: True,
        commandline_option.COUNT: 2,
        commandline_option.OPTIONAL: True,
    }
    found = words(**{icinga2.variable(o.name): given[o.shape] for o in icinga2.options()})
    assert set(parse_command_line(found)) == set(OPTIONS) - set(icinga2.LEFT_OUT)


def test_the_scheduler_is_more_patient_than_the_check():
    default = re.search(r"Default: ([0-9]+):CRITICAL", OPTIONS["timeout"].help)
    assert default
    assert int(default[1]) < icinga2.TIMEOUT
    assert f"\ttimeout = {icinga2.TIMEOUT // 60}m\n" in TEXT
