"""Flags as variables in a real Icinga 2: what is on, what is off, and what the check refuses."""

from __future__ import annotations

import pytest
import trustme

from check_mapi_connectivity.commandline import option as commandline_option
from generate import icinga2

from ..conftest import ROOT
from ..made.test_icinga2 import FLAGS, SWITCHES
from .icinga2 import Node, literal

#: One Service for each; without mailbox and tenant the check ends before any packet is sent.
SERVICE = """
object Service "{name}" {{
  host_name = "flags"
  check_command = "mapi_connectivity"
  vars.{variable} = {value}
}}
"""

#: Values that a macro can have beside those: lists and dictionaries.
ODD = [([True], None), ([], None), ({"a": 1}, None)]
CASES = [
    *((name, value, on) for name in FLAGS for value, on in [*SWITCHES, *ODD]),
    *(("managed-identity", value, on) for value, on in SWITCHES),
    *(("verbose", value, on) for value, on in [*SWITCHES, *ODD, (2, 2), ("3", 3)]),
]
TAKES = {"verbose": "a number from 0 to 3"}

#: A host without a tenant has a sign-in where a managed identity is switched on.
SIGN_IN = """
object Host "{name}" {{
  import "mapi-tenant"
  vars.mapi_managed_identity = {value}
  vars.mapi_mailboxes["probe@contoso.com"] = {{ }}
}}
"""

#: What is given and empty -> whether it becomes an argument.
EMPTY = [
    (option.name, value)
    for option in icinga2.options()
    if option.shape in (commandline_option.VALUE, commandline_option.LIST)
    for value in (None, "")
]


@pytest.fixture(scope="module")
def node(lab, plugin_dir):
    """A node with a service for each flag and value."""
    node = Node(lab, plugin_dir, "switches", trustme.CA())
    node.include(ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf")
    node.include(ROOT / "icinga-templates/icinga2/templates.conf")
    node.configuration += 'object Host "flags" { check_command = "dummy" }\n'
    given = {f"flag{n}": one[:2] for n, one in enumerate(CASES)}
    given.update({f"empty{n}": one for n, one in enumerate(EMPTY)})
    for name, (option, value) in given.items():
        words = {"name": name, "variable": icinga2.variable(option), "value": literal(value)}
        node.configuration += SERVICE.format(**words)
    # Only who has a mailbox hears of his credential.
    heard = (n for n, one in enumerate(CASES) if one[0] == "managed-identity" and one[2] is None)
    for number in heard:
        place = f'Service "flag{number}" {{\n'
        mailbox = '  vars.mapi_mailbox = "probe@contoso.com"\n'
        node.configuration = node.configuration.replace(place, place + mailbox)
    for number, (value, _) in enumerate(SWITCHES):
        node.configuration += SIGN_IN.format(name=f"host{number}", value=literal(value))
    said = node.validate()
    assert "Finished validating the configuration file(s)." in said
    assert [line for line in said.split("\n") if "warning" in line or "critical" in line] == []
    node.start()
    return node


def words_of(name, on):
    """What a switch that is understood becomes."""
    if name == "managed-identity":
        return [f"--managed-identity={'system' if on else 'none'}"]
    return ([f"-{'v' * on}"] if name == "verbose" else [f"--{name}"]) if on else []


@pytest.mark.parametrize(
    ("number", "name", "value", "on"), [(number, *case) for number, case in enumerate(CASES)]
)
def test_a_flag_is_on_or_off_or_refused(node, number, name, value, on):
    result = node.check("flags", f"flag{number}")
    words = result.command[1:]
    assert result.attributes["exit_status"] == 3
    first, _, rest = result.output.partition("\n")
    if on is not None:
        nothing = name == "managed-identity" and value in (None, "")
        assert words == ([] if nothing else words_of(name, on))
        assert "it takes" not in first
    elif name == "managed-identity":
        given = ["--mailbox=probe@contoso.com", f"--managed-identity={value}"]
        assert sorted(words) == sorted(given)
        said = f"--managed-identity: {value} is neither a client id (a GUID) nor true or false"
        if str(value) != str(value).strip():
            said = (
                f"--managed-identity: its value begins or ends with a blank; write {value.strip()}"
            )
        # Runs of blanks are one in what the check prints.
        assert first == f"MAPI UNKNOWN - {' '.join(said.split())}"
    else:
        takes = TAKES.get(name, "true or false, yes or no, 1 or 0")
        (word,) = words
        assert word.startswith(f'--{name}={icinga2.variable(name)} is "')
        assert word.endswith(f'"; it takes {takes}')
        assert first.startswith(f"MAPI UNKNOWN - --{name}: ")
        # Runs of blanks, and line ends of a dictionary, are one blank.
        shown = " ".join(word.partition("=")[2].split())
        assert first == f"MAPI UNKNOWN - --{name}: {shown}"
    assert rest == ""


@pytest.mark.parametrize(
    ("number", "name", "value"), [(number, *case) for number, case in enumerate(EMPTY)]
)
def test_empty_is_not_given(node, number, name, value):
    words = node.check("flags", f"empty{number}").command[1:]
    kept = name in ("mailbox", "mailbox-file", "extra-opts")
    assert words == ([f"--{name}="] if kept else [])


@pytest.mark.parametrize(("number", "on"), [(n, on) for n, (_, on) in enumerate(SWITCHES)])
def test_a_sign_in_is_watched_unless_the_identity_is_switched_off(node, number, on):
    name = f"host{number}"
    node.daemon.wait(lambda: node.service(name, "mapi probe@contoso.com"), f"{name} is known")
    assert (node.service(name, "mapi sign-in") is None) == (on is False)
