"""The shipped files in a real Icinga 2, unchanged: what arrives there is what the check prints."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import trustme

from ..conftest import ROOT
from ..made.test_docs import README
from ..support.scenarios import told
from .icinga2 import Node, assignments, literal
from .laboratory import poll
from .practice import Practice, address, by_hand

SHIPPED = ROOT / "icinga-templates/icinga2"
FILES = ("check_mapi_connectivity.conf", "templates.conf")

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

#: Host -> method, and mailbox -> its own settings and its state.
HOSTS = {
    "tenant": (
        "cmdlet",
        {
            "healthy": ({}, "OK"),
            "offline": ({}, "CRITICAL"),
            "moving": ({}, "WARNING"),
            "slow": ({"mapi_warning": 1, "mapi_critical": 5}, "WARNING"),
            "many-001": ({}, "UNKNOWN"),
            "many-002": ({"mapi_timeout": 4}, "CRITICAL"),
        },
    ),
    "graph": ("graph", {"healthy": ({}, "OK"), "disabled": ({}, "CRITICAL")}),
    "premises": (
        "mapi",
        {
            "healthy": ({"mapi_username": address("healthy")}, "OK"),
            "offline": ({"mapi_username": address("offline")}, "CRITICAL"),
        },
    ),
}
CASES = [
    pytest.param(host, name, state, id=f"{host}-{name}")
    for host, (_, mailboxes) in HOSTS.items()
    for name, (settings, state) in mailboxes.items()
    if "mapi_timeout" not in settings
]

#: A service whose scheduler has less patience than the check.
IMPATIENT = """
object Service "impatient" {{
  import "mapi-mailbox"
  host_name = "tenant"
  // Icinga kills after a tenth more.
  check_timeout = 8s
  vars.mapi_mailbox = "{mailbox}"
}}
"""


def host(name, variables, mailboxes):
    """A Host object, as an administrator writes it."""
    settings = {address(mailbox): own for mailbox, own in mailboxes.items()}
    dictionary = f"  vars.mapi_mailboxes = {literal(settings)}\n"
    body = '  import "mapi-tenant"\n' + assignments(variables) + dictionary
    return f'object Host "{name}" {{\n{body}}}\n'


def service(mailbox):
    """The name that the apply rule gives a mailbox's service."""
    return f"mapi {address(mailbox)}"


@pytest.fixture(scope="module")
def refusing(lab):
    """A tenant that knows the certificate no more."""
    tenant = Practice(lab.directory / "refusing").start()
    tenant.faults.on("token", "aadsts-700027")
    yield tenant
    tenant.stop()
    assert tenant.crashes == []


@pytest.fixture(scope="module")
def node(lab, plugin_dir, practice, refusing):
    """One node with all hosts, running."""
    practice.faults.on("exchange", "http-429-wait-600", -1, "many-001")
    practice.faults.on("exchange", "silent", -1, "many-002")
    node = Node(lab, plugin_dir, "single", trustme.CA())
    for name in (*FILES, "nodes.conf"):
        node.include(SHIPPED / name)
    for name, (method, mailboxes) in HOSTS.items():
        own = {mailbox: settings for mailbox, (settings, _) in mailboxes.items()}
        node.configuration += host(name, practice.variables(method), own)
    elsewhere = {**practice.variables(), "mapi_warning_for": "none", "mapi_critical_for": []}
    mailboxes = {"healthy": {}, "moving": elsewhere, "offline": None}
    node.configuration += host("refusing", refusing.variables(), mailboxes)
    # What the mailboxes need, and what is wrong with them, is no matter of the sign-in.
    asked = {**practice.variables("graph"), "mapi_warning": "0.00001", "mapi_archive": True}
    node.configuration += host("asked", asked, {"disabled": {}})
    who = {**practice.variables("mapi"), "mapi_username": address("healthy")}
    nodes = {"127.0.0.1": {}, "closed": {"mapi_address": "127.0.0.9", "mapi_timeout": 5}}
    node.configuration += host("nodes", {**who, "mapi_nodes": nodes}, {"healthy": {}})
    node.configuration += IMPATIENT.format(mailbox=address("many-002"))
    node.said = node.validate()
    node.start()
    yield node
    practice.faults.off()


def test_the_configuration_is_clean(node):
    assert "Finished validating the configuration file(s)." in node.said
    assert [line for line in node.said.split("\n") if "warning" in line or "critical" in line] == []


def test_all_shipped_files_are_valid_together(lab):
    """On the master; the writers for Grafana with them."""
    node = Node(lab, "/nowhere", "master.shipped.example", trustme.CA(), "master")
    files = {*SHIPPED.glob("*.conf"), *ROOT.glob("icinga-templates/grafana/icinga2-*.conf")}
    zones = SHIPPED / "zones.conf"
    for path in sorted(files - {zones}):
        node.include(path)
    node.configuration += zones.read_text().replace("contoso.com", "shipped.example")
    said = node.validate()
    assert "Finished validating the configuration file(s)." in said
    assert [line for line in said.split("\n") if "warning" in line or "critical" in line] == []
    assert "Instantiated 4 Hosts." in said


def test_what_readme_says_works_beside_debians_own_configuration(lab, plugin_dir):
    """The first service: the command of the package, its templates, and the host of the README."""
    node = Node(lab, plugin_dir, "debian", trustme.CA())
    conf = node.directory / "conf"
    shutil.copytree("/etc/icinga2", conf, dirs_exist_ok=True)
    (line,) = re.findall("^cp .*templates.conf.*$", README, re.MULTILINE)
    _, source, target = shlex.split(line)
    assert not Path(target).exists()
    shutil.copy(source, conf / Path(target).relative_to("/etc/icinga2"))
    text = re.search(r'```\n(object Host "contoso[^`]*)```', README)[1]
    (conf / "conf.d/contoso.conf").write_text(text)
    lab.run(["chown", "-R", "nagios:nagios", conf], user="root")
    # From 2.14 on `object list` knows what -C has seen where it was told to write that down.
    dump = "--dump-objects"
    words = [dump] if dump in lab.run(["icinga2", "daemon", "--help"]) else []
    said = lab.run(node.command("daemon", "-C", *words, "-c", conf / "icinga2.conf"))
    assert "Finished validating the configuration file(s)." in said
    assert "warning/" not in said
    found = lab.run(["icinga2", "object", "list", "--type", "Service", *node.command()[1:]])
    own = re.findall(r"Object 'contoso.onmicrosoft.com!(.*?)' of type 'Service'", found)
    probe, dana = "mapi probe@contoso.com", "mapi dana@contoso.com"
    assert {*own} == {"mapi sign-in", probe, dana}


@pytest.mark.parametrize(("host", "name", "state"), CASES)
def test_what_the_check_prints_arrives(node, host, name, state):
    """State, first line, long output, performance data with its labels, order and thresholds."""
    node.check(host, service(name))  # fills the caches
    result = node.check(host, service(name))
    own = by_hand(*result.command)
    assert (STATES[result.state], own.stderr) == (state, "")
    assert told(result.outcome) == told(own)
    assert result.output.startswith(f"MAPI {state} - {address(name)}: ")
    assert f"\n[{state}] {address(name)} by " in result.output


def test_variables_become_options(node, plugin_dir, practice):
    command = node.check("tenant", service("slow")).command
    assert command[0] == str(plugin_dir / "check_mapi_connectivity")
    pairs = [word.split("=", 1) for word in command[1:]]
    wanted = {
        f"--{name[5:].replace('_', '-')}": str(value[0] if isinstance(value, list) else value)
        for name, value in practice.variables().items()
    }
    wanted.update({"--mailbox": address("slow"), "--warning": "1", "--critical": "5"})
    wanted["--critical-for"] = wanted["--warning-for"] = "certificate_days=none"
    wanted["--submit"] = "none"
    assert (dict(pairs), len(command)) == (wanted, 1 + len(wanted))


def test_the_sign_in_service_tests_no_mailbox(node):
    result = node.check("asked", "mapi sign-in")
    assert STATES[result.state] == "OK"
    assert result.output.startswith("MAPI OK - sign-in works (")
    labels = ["sign_in", "time_token", "total_time", "certificate_days"]
    assert list(result.outcome.values()) == labels


def test_one_service_a_node(node):
    """Each goes to an address of its own, with the mailbox of the host."""
    well, closed = (node.check("nodes", f"mapi node {name}") for name in ("127.0.0.1", "closed"))
    assert (STATES[well.state], STATES[closed.state]) == ("OK", "CRITICAL")
    assert f"{address('healthy')} by mapi at 127.0.0.1: Success" in well.output
    assert "127.0.0.9 port " in closed.output
    assert "--address=127.0.0.9" in closed.command


def test_mailboxes_depend_on_the_sign_in(node, refusing):
    def reachable():
        node.check("refusing", service("healthy"))
        return node.service("refusing", service("healthy"))["last_reachable"]

    sign_in = node.check("refusing", "mapi sign-in")
    assert STATES[sign_in.state] == "UNKNOWN"
    assert "AADSTS700027" in sign_in.output.split("\n", 1)[0]
    poll(lambda: not reachable(), "the mailbox is not reachable")
    # That of another tenant has nothing to do with it.
    assert STATES[node.check("refusing", service("moving")).state] == "WARNING"
    assert node.service("refusing", service("moving"))["last_reachable"]
    refusing.faults.off()
    assert STATES[node.check("refusing", "mapi sign-in").state] == "OK"
    poll(reachable, "the mailbox is reachable again")
    assert STATES[node.check("refusing", service("healthy")).state] == "OK"


def test_the_check_answers_before_the_scheduler_loses_patience(node):
    result = node.check("tenant", service("many-002"))
    assert told(result.outcome) == told(by_hand(*result.command))
    assert (STATES[result.state], result.attributes["exit_status"]) == ("CRITICAL", 2)
    assert "no complete answer from" in result.output.split("\n", 1)[0]


def test_what_is_known_is_shown_where_the_scheduler_has_less_patience(node):
    result = node.check("tenant", "impatient")
    assert STATES[result.state] == "UNKNOWN"
    assert result.output.startswith("<Timeout exceeded.>")
    assert "MAPI UNKNOWN - " in result.output
    assert result.outcome.values()["mapi_connectivity"] == "0"


def test_no_secret_is_in_the_api(node, practice, refusing):
    node.check("premises", service("healthy"))
    told = json.dumps([node.ask(f"objects/{kind}") for kind in ("hosts", "services")])
    assert "password_file" in told
    for secret in [*practice.secrets(), *refusing.secrets()]:
        assert json.dumps(secret)[1:-1] not in told
