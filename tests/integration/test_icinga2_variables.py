"""The table of docs/icinga-variables.md: what a real Icinga 2 makes of every variable with every odd
value, and that the check has one line for what it cannot use.
"""

from __future__ import annotations

import re

import pytest
import trustme

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.commandline import option as commandline_option
from check_mapi_connectivity.commandline.parse import parse
from generate import icinga2

from ..conftest import ROOT
from .icinga2 import Node
from .laboratory import owned, poll

#: In the place of the check: tells the secrets of its environment.
PLUGIN = "#!/bin/sh\necho MAPI OK\nenv | grep '^MAPI_' | sort\necho end\n"

SERVICE = """
object Service "{name}" {{
  host_name = "odd"
  check_command = "mapi_connectivity"
  vars.{variable} = {value}
}}
"""


def table():
    """Value as Icinga writes it -> column -> what comes out."""
    text = (ROOT / "docs/icinga-variables.md").read_text()
    lines = text[text.index("| `vars.") :].partition("\n\n")[0].split("\n")
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    head = [cell.strip("| ") for cell in rows[0]]
    return {
        row[0].strip("|` "): dict(zip(head[1:], (cell.strip("| ") for cell in row[1:])))
        for row in rows[2:]
    }


TABLE = table()


def columns():
    """Variable -> (its option or environment variable, the column that tells of it)."""
    own = {"mailbox": "mailbox", "mailbox-file": "mailbox", "extra-opts": "extra_opts"}
    by_shape = {
        commandline_option.VALUE: "text",
        commandline_option.LIST: "list",
        commandline_option.FLAG: "flag",
        commandline_option.COUNT: "verbose",
        commandline_option.OPTIONAL: "managed_identity",
    }
    found = {
        icinga2.variable(option.name): (option.name, own.get(option.name, by_shape[option.shape]))
        for option in icinga2.options()
    }
    for name, environment in commandline_given.ENVIRONMENT_SECRETS.items():
        found[icinga2.secret_variable(name)] = (environment, "secret")
    return found


COLUMNS = columns()


@pytest.fixture(scope="module")
def results(lab):
    """(variable, value) -> the result of its check."""
    plugins = owned(lab.directory / "odd-plugins")
    (plugins / "check_mapi_connectivity").write_text(PLUGIN)
    (plugins / "check_mapi_connectivity").chmod(0o755)
    node = Node(lab, plugins, "odd", trustme.CA())
    node.include(ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf")
    node.configuration += 'object Host "odd" { check_command = "dummy" }\n'
    places = {}
    for variable in COLUMNS:
        for value, row in TABLE.items():
            if "refuses" in row["text"]:
                continue
            name = f"service{len(places)}"
            places[name] = (variable, value)
            node.configuration += SERVICE.format(name=name, variable=variable, value=value)
    node.validate()
    node.start()
    every = {"type": "Service", "filter": "true", "force": True}
    node.daemon.wait(
        lambda: len(node.ask("actions/reschedule-check", "POST", **every) or []) == len(places),
        "all services are known",
    )

    def done():
        found = {
            one["name"].partition("!")[2]: one["attrs"] for one in node.ask("objects/services")
        }
        checked = [one["last_check_result"] for one in found.values()]
        return found if all(checked) else None

    found = poll(done, "all services have been checked")
    return {place: found[name]["last_check_result"] for name, place in places.items()}


@pytest.mark.parametrize("variable", COLUMNS)
def test_every_variable_with_every_odd_value(results, variable):
    name, column = COLUMNS[variable]
    for value, row in TABLE.items():
        if (variable, value) not in results:
            continue
        result = results[variable, value]
        words = result["command"][1:]
        shown = " ".join(f"`{word}`" for word in words) or "nothing"
        if column == "secret":
            told = [line for line in result["output"].split("\n")[1:-1] if not line.endswith("=")]
            assert words == []
            shown = " ".join(f"`{line}`" for line in told) or "nothing"
            wanted = row[column].replace("NAME", name)
        else:
            wanted = row[column].replace("NAME", name).replace("VARIABLE", variable)
        assert shown == wanted, (variable, value)
        if column != "secret":
            one_line(words)


def one_line(words):
    """What the check cannot use it says in one line."""
    more = ["--tenant=contoso.onmicrosoft.com", "--mailbox=probe@contoso.com"]
    try:
        parse([*more, *words], {})
    except UsageError as error:
        assert str(error).strip() and "\n" not in str(error)


def test_what_icinga_refuses_it_refuses_before_it_runs(lab):
    refused = [value for value, row in TABLE.items() if "refuses" in row["text"]]
    assert refused == ['"a$b"']
    node = Node(lab, "/nowhere", "refused", trustme.CA())
    node.include(ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf")
    words = {"name": "one", "variable": "mapi_legacy_dn", "value": refused[0]}
    node.configuration += 'object Host "odd" { check_command = "dummy" }\n' + SERVICE.format(
        **words
    )
    with pytest.raises(
        AssertionError, match=re.escape("Closing $ not found in macro format string")
    ):
        node.validate()


HOST = """
object Host "contoso" {{
  import "mapi-tenant"
  vars.mapi_tenant = "contoso.onmicrosoft.com"
  {mailboxes}
}}
"""


@pytest.mark.parametrize(
    ("number", "mailboxes", "said"),
    [
        (0, 'vars.mapi_mailboxes = "a@b.example"', "contoso: vars.mapi_mailboxes is no dictionary"),
        (
            1,
            'vars.mapi_mailboxes["a@b.example"] = "x"',
            "contoso: vars.mapi_mailboxes[a@b.example] is no dictionary; write { } for none",
        ),
        (2, 'vars.mapi_mailboxes["a!b@c.example"] = { }', "Object names may not contain '!'"),
        (3, 'vars.mapi_mailboxes["a@b.example"] = null', ""),
        (4, 'vars.mapi_mailboxes["a@b.example"] = [ ]', ""),
    ],
)
def test_mailboxes_that_are_no_dictionary(lab, number, mailboxes, said):
    node = Node(lab, "/nowhere", f"mailboxes{number}", trustme.CA())
    for name in ("check_mapi_connectivity.conf", "templates.conf"):
        node.include(ROOT / "icinga-templates/icinga2" / name)
    node.configuration += HOST.format(mailboxes=mailboxes)
    if said:
        with pytest.raises(AssertionError, match=re.escape(said)):
            node.validate()
    else:
        assert "Instantiated 2 Services" in node.validate()
