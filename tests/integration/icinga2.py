"""An Icinga 2 node in a directory of its own: configuration, daemon and API. Nothing of
/etc/icinga2 is read.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from pathlib import Path

import requests

from ..conftest import Outcome
from ..support.acceptor_process import free_port
from .laboratory import owned

#: Of the API's user; the API listens on loopback and dies with the tests.
PASSWORD = "laboratory"

#: What Debian's packages put into constants.conf and icinga2.conf, for one node.
_CONFIGURATION = """
const NodeName = "{name}"
const ZoneName = "{zone}"
const PluginDir = "/usr/lib/nagios/plugins"
const ManubulonPluginDir = PluginDir
const PluginContribDir = "{plugins}"
include <itl>
include <plugins>
// Checks run when a test orders one: an order that arrives during a run of Icinga's own is lost.
object IcingaApplication "app" {{
  enable_host_checks = false
  enable_service_checks = false
}}
object CheckerComponent "checker" {{ }}
object ApiUser "laboratory" {{
  password = "{password}"
  permissions = [ "*" ]
}}
object ApiListener "api" {{
  bind_host = "127.0.0.1"
  bind_port = {port}
  accept_config = {listens}
  accept_commands = {listens}
}}
"""


def literal(value):
    """A value in Icinga's configuration language."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(map(literal, value)) + " ]"
    if isinstance(value, dict):
        return "{\n" + "".join(f"{literal(k)} = {literal(v)}\n" for k, v in value.items()) + "}"
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(str(value))


def assignments(variables):
    """`vars.NAME = value` lines."""
    return "".join(f"  vars.{name} = {literal(value)}\n" for name, value in variables.items())


class Node:
    """One node. `authority` is the CA of all nodes that trust each other; without a zone the node has
    one of its own.
    """

    def __init__(self, lab, plugins, name, authority, zone="", listens=False):
        self.lab, self.name, self.port = lab, name, free_port()
        self.directory = owned(lab.directory / name)
        for part in ("lib", "lib/certs", "lib/ca", "log", "cache", "spool", "run", "conf/zones.d"):
            owned(self.directory / part)
        self.configuration = _CONFIGURATION.format(
            name=name,
            zone=zone or name,
            plugins=plugins,
            password=PASSWORD,
            port=self.port,
            listens=literal(listens),
        )
        if not zone:
            self.configuration += (
                "object Endpoint NodeName { }\nobject Zone ZoneName { endpoints = [ NodeName ] }\n"
            )
        self.daemon = None
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.directory / "lib/certs/ca.crt")
        self.session.auth = ("laboratory", PASSWORD)
        self.session.headers["Accept"] = "application/json"
        self._certify(authority)

    def command(self, *words):
        """`icinga2` with this node's paths."""
        at = self.directory
        paths = {
            "ConfigDir": at / "conf",
            "ZonesDir": at / "conf/zones.d",
            "DataDir": at / "lib",
            "LogDir": at / "log",
            "CacheDir": at / "cache",
            "SpoolDir": at / "spool",
            "InitRunDir": at / "run",
            "RunAsUser": "nagios",
            "RunAsGroup": "nagios",
        }
        return ["icinga2", *words, *(f"-DConfiguration.{k}={v}" for k, v in paths.items())]

    def _certify(self, authority):
        """Its certificate, as `icinga2 pki` would make it, but for 4096 bits that take seconds."""
        certs = self.directory / "lib/certs"
        made = authority.issue_cert(self.name, "127.0.0.1", common_name=self.name)
        (certs / f"{self.name}.crt").write_bytes(made.cert_chain_pems[0].bytes())
        (certs / f"{self.name}.key").write_bytes(made.private_key_pem.bytes())
        (certs / "ca.crt").write_bytes(authority.cert_pem.bytes())

    def write(self, path, text):
        """A file of its configuration directory, in a zone's if it says so."""
        file = self.directory / "conf" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def include(self, path):
        """Include a file as it is shipped."""
        copy = self.directory / "shipped" / Path(path).name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(Path(path).read_bytes())
        self.configuration += f'include "{copy}"\n'

    def validate(self):
        """What `icinga2 daemon -C` says of the configuration, which has to be valid."""
        self.write("icinga2.conf", self.configuration)
        file = self.directory / "conf/icinga2.conf"
        return self.lab.run(self.command("daemon", "-C", "-c", file))

    def start(self, **variables):
        """The daemon, which is not waited for."""
        self.write("icinga2.conf", self.configuration)
        file = self.directory / "conf/icinga2.conf"
        self.daemon = self.lab.start(self.name, self.command("daemon", "-c", file), **variables)

    def ask(self, path, method="GET", **body):
        """`results` of an answer of the API, None while it has none."""
        try:
            answer = self.session.request(
                method, f"https://127.0.0.1:{self.port}/v1/{path}", json=body or None, timeout=10
            )
        except requests.ConnectionError:
            return None
        return answer.json()["results"] if answer.ok else None

    def service(self, host, name):
        """The attributes of a service, None if there is none."""
        found = self.ask(f"objects/services/{urllib.parse.quote(f'{host}!{name}', safe='')}")
        return found[0]["attrs"] if found else None

    def check_hosts(self):
        """Have all hosts checked now; None while the node cannot."""
        words = {"type": "Host", "filter": "true", "force": True}
        return self.ask("actions/reschedule-check", "POST", **words)

    def check(self, host, name, scheduler=None):
        """The result of a check that is begun now, as this node knows it.

        A node takes no orders from another for a minute after its start: those for a satellite's
        services go to that `scheduler`.
        """
        began, node = time.time(), scheduler or self
        words = {"type": "Service", "service": f"{host}!{name}", "force": True}

        def taken():
            return node.ask("actions/reschedule-check", "POST", **words)

        def result():
            found = (self.service(host, name) or {}).get("last_check_result")
            return found if found and found["execution_start"] >= began else None

        node.daemon.wait(taken, f"{host}!{name} is known")
        return Result(self.daemon.wait(result, f"{host}!{name} has been checked"))


class Result:
    """One result of a check, as the API tells it."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.state, self.output = int(attributes["state"]), attributes["output"]
        self.source, self.command = attributes["check_source"], attributes["command"]
        self.perfdata = attributes["performance_data"]

    @property
    def outcome(self):
        """The same as the check would have printed it."""
        first, newline, rest = self.output.partition("\n")
        perfdata = " ".join(self.perfdata)
        seconds = self.attributes["execution_end"] - self.attributes["execution_start"]
        # The blank before the pipe has stayed.
        text = f"{first.removesuffix(' ')} | {perfdata}{newline}{rest}"
        return Outcome(self.attributes["exit_status"], text, "", seconds)
