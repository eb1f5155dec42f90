"""The basket in a real Director: imported, imported again, rendered, and taken by a real Icinga 2."""

from __future__ import annotations

import json

import pytest
import trustme

from check_mapi_connectivity.commandline import given
from generate import director, icinga2

from ..conftest import ROOT
from .conftest import needs
from .director import Director
from .icinga2 import Node, assignments

BASKET = (ROOT / director.PATH).read_text()

#: A tenant as somebody clicks it together.
HOST = {
    "object_name": "contoso.onmicrosoft.com",
    "object_type": "object",
    "imports": [director.HOST_TEMPLATE],
    "vars": {
        "mapi_tenant": "contoso.onmicrosoft.com",
        "mapi_mailbox": ["probe@contoso.com", "dana@contoso.com"],
        "mapi_env_password": "",
    },
}


#: The same, but fed.
FED = {
    **HOST,
    "object_name": "fed.onmicrosoft.com",
    "vars": {**HOST["vars"], "mapi_submit": "icinga2", "mapi_submit_url": "https://icinga:5665"},
}


@pytest.fixture(scope="module")
def there(lab):
    """A Director that has imported the basket once."""
    needs(icingacli="icingacli", mariadbd="mariadb-server")
    found = Director(lab)
    found.restore(BASKET)
    return found


def test_a_second_import_changes_nothing(there):
    before = there.stored()
    assert "have been restored" in there.restore(BASKET)
    assert there.stored() == before
    assert len(before["director_datafield"]) == len(director.fields())


def test_numbers_of_ours_do_not_meet_those_that_are_there(there):
    fields = there.sql("select varname, count(*) from director_datafield group by varname")
    assert {count for _, count in fields} == {"1"}
    of_command = there.sql(
        "select f.varname from icinga_command_field c join director_datafield f "
        "on f.id = c.datafield_id join icinga_command o on o.id = c.command_id "
        f"where o.object_name = '{icinga2.COMMAND}'"
    )
    wanted = {icinga2.variable(option.name) for option in icinga2.options()}
    wanted |= {icinga2.secret_variable(name) for name in given.ENVIRONMENT_SECRETS}
    assert {name for (name,) in of_command} == wanted


def test_secrets_are_hidden(there):
    hidden = there.sql(
        "select f.varname from director_datafield f join director_datafield_setting s "
        "on s.datafield_id = f.id where s.setting_name = 'visibility' "
        "and s.setting_value = 'hidden'"
    )
    secrets = map(icinga2.secret_variable, given.ENVIRONMENT_SECRETS)
    assert {name for (name,) in hidden} == set(secrets)


def test_the_command_has_our_arguments(there):
    shown = there.show("command", icinga2.COMMAND)
    assert set(shown["arguments"]) == {argument.key for argument in icinga2.arguments()}
    assert shown["arguments"]["--mailbox"]["value"] == "$mapi_mailbox$"
    wanted = {argument.key: argument.set_if[2:-2].strip() for argument in icinga2.arguments()}
    assert {key: one.get("set_if", "") for key, one in shown["arguments"].items()} == wanted
    assert shown["arguments"]["-vv"]["set_if_format"] == "expression"


def test_icinga_takes_what_is_rendered(there, lab, plugin_dir):
    for host in (HOST, FED):
        there.cli("host", "create", "--json", json.dumps(host))
    node = Node(lab, plugin_dir, "director-rendered", trustme.CA())
    node.include(ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf")
    for path, text in sorted(there.render().items()):
        # Zones are another test's: here everything belongs to the one node.
        node.write(f"rendered/{path}", text.replace('zone = "director-global"', ""))
    node.configuration += 'include_recursive "rendered"\n'
    said = node.validate()
    # The sign-in and two mailboxes; and once more, with the run that feeds them.
    assert "Instantiated 7 Services" in said
    assert "Instantiated 5 Dependencies" in said


#: Variables as forms and people write them.
SWITCHED = {
    "mapi_archive": "Yes",
    "mapi_ipv4": False,
    "mapi_no_cache": "1",
    "mapi_no_proxy": "maybe",
    "mapi_managed_identity": "FALSE",
    "mapi_verbose": 2,
    "mapi_mailbox": ["a@contoso.com", "b@contoso.com"],
}


def pieces(words):
    """Option and value apart, but not what is said of a switch."""
    for word in words:
        option, equals, value = word.partition("=")
        yield from [option, value] if equals and " is " not in value else [word]


def test_a_command_of_the_directors_own_says_the_same(there, lab, plugin_dir):
    """Who lets the Director write the command, from what the basket says of it."""
    shown = there.show("command", icinga2.COMMAND)
    own = {key: shown[key] for key in ("methods_execute", "command", "arguments", "timeout")}
    own.update(object_name="mapi_own", object_type="object")
    there.cli("command", "create", "--json", json.dumps(own))
    node = Node(lab, plugin_dir, "director-command", trustme.CA())
    node.include(ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf")
    for path, text in there.render().items():
        if path.endswith("/commands.conf"):
            node.write(f"rendered/{path}", text.replace('zone = "director-global"', ""))
    node.configuration += (
        'include_recursive "rendered"\nobject Host "h" { check_command = "dummy" }\n'
    )
    for name in (icinga2.COMMAND, "mapi_own"):
        node.configuration += f'object Service "{name}" {{\n  host_name = "h"\n'
        node.configuration += f'  check_command = "{name}"\n{assignments(SWITCHED)}}}\n'
    node.validate()
    node.start()
    # This Director knows no separator between key and value.
    by_file, by_director = (
        sorted(pieces(node.check("h", name).command)) for name in (icinga2.COMMAND, "mapi_own")
    )
    assert by_director == by_file
    for word in ("--archive", "-vv", "--no-cache", "none", "b@contoso.com"):
        assert word in by_director
    assert not {"--ipv4", "--no-proxy", "FALSE"} & set(by_director)
