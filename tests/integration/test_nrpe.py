"""The shipped commands in a real NRPE: what check_nrpe brings back is what the check prints."""

from __future__ import annotations

import re
import subprocess

import pytest

from ..conftest import ROOT
from ..support.acceptor_process import free_port
from ..support.scenarios import told
from ..tenant.directory import TENANT_NAME
from .conftest import needs
from .laboratory import owned
from .practice import address, by_hand

SHIPPED = ROOT / "icinga-templates/nrpe/mapi_connectivity.cfg"
MANY = [f"many-{number:03d}" for number in range(31, 40)]

#: What Debian's package has in nrpe.cfg, but for places.
CONFIGURATION = """
log_file={there}/nrpe.log
pid_file={there}/nrpe.pid
server_address=127.0.0.1
server_port={port}
nrpe_user=nagios
nrpe_group=nagios
allowed_hosts=127.0.0.1
dont_blame_nrpe=0
allow_bash_command_substitution=0
command_timeout=60
connection_timeout=300
"""


class Nrpe:
    """A daemon, and who asks it."""

    def __init__(self, lab, commands):
        self.there, self.port = owned(lab.directory / "nrpe"), free_port()
        text = CONFIGURATION.format(there=self.there, port=self.port)
        lines = "".join(f"command[{name}]={command}\n" for name, command in commands.items())
        (self.there / "nrpe.cfg").write_text(text + lines)
        daemon = lab.start("nrpe", ["/usr/sbin/nrpe", "-c", self.there / "nrpe.cfg", "-f"])
        daemon.wait(lambda: self.ask("-t", "5").code == 0, "NRPE answers")

    def ask(self, *words):
        """What check_nrpe says."""
        command = ["/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1", "-p", self.port]
        return by_hand(*command, *words)


@pytest.fixture(scope="module")
def commands(plugin_dir, practice, lab):
    """Name -> command line: those of the shipped file, and others, with the practice tenant's names."""
    ini = lab.directory / "nrpe.ini"
    ini.write_text(practice.section())
    ini.chmod(0o644)
    plugin = f"{plugin_dir}/check_mapi_connectivity"
    found = dict(re.findall(r"^command\[(.+?)\]=(.+)$", SHIPPED.read_text(), re.MULTILINE))
    assert set(found) == {"mapi_probe", "mapi_sign_in"}
    for name, command in found.items():
        words = command.replace("/usr/lib/nagios/plugins/check_mapi_connectivity", plugin)
        words = words.replace("contoso.onmicrosoft.com", TENANT_NAME)
        words = words.replace("probe@contoso.com", address("healthy"))
        found[name] = f"{words} --extra-opts={TENANT_NAME}@{ini}"
    tenant = f"{plugin} --tenant {TENANT_NAME} --extra-opts={TENANT_NAME}@{ini}"
    found["mapi_many"] = f"{tenant} -v {' '.join(f'-m {address(one)}' for one in MANY)}"
    found["mapi_hangs"] = f"{tenant} -m {address('many-041')} -t 4"
    found["mapi_arguments"] = f"{found['mapi_probe']} $ARG1$"
    return found


@pytest.fixture(scope="module")
def nrpe(lab, commands, practice):
    """NRPE with these commands."""
    needs(nrpe="nagios-nrpe-server")
    practice.faults.on("exchange", "silent", -1, "many-041")
    yield Nrpe(lab, commands)
    practice.faults.off()


def by_shell(command):
    """What the check prints itself, the command line read by a shell as NRPE has it read."""
    return by_hand("/bin/sh", "-c", command)


@pytest.mark.parametrize("name", ["mapi_probe", "mapi_sign_in", "mapi_many"])
def test_all_lines_come_back(nrpe, commands, name):
    nrpe.ask("-c", name, "-t", "40")  # fills the caches
    brought, printed = nrpe.ask("-c", name, "-t", "40"), by_shell(commands[name])
    assert (brought.code, brought.stderr) == (0, "")
    assert told(brought) == told(printed)
    assert len(printed.stdout) > (8192 if name == "mapi_many" else 200)
    # The shell left the range alone.
    assert "connection_time=0.041s;2;~:5" in brought.stdout or name != "mapi_probe"


def test_who_asks_has_to_wait_longer_than_the_check(nrpe):
    impatient = nrpe.ask("-c", "mapi_hangs", "-t", "2")
    assert impatient.code == 2
    assert "Socket timeout" in impatient.stdout
    assert "MAPI" not in impatient.stdout
    patient = nrpe.ask("-c", "mapi_hangs", "-t", "40")
    assert (patient.code, patient.line[:16]) == (2, "MAPI CRITICAL - ")
    assert "no complete answer from 127.0.0.1 in " in patient.line


def test_arguments_are_refused(nrpe):
    assert nrpe.ask("-c", "mapi_arguments", "-t", "40", "-a", "-w 2").code == 3


def test_the_environment_has_no_proxy(nrpe, commands):
    """What this process has would be a proxy that is not there."""
    words = ["-c", "mapi_probe", "-t", "40"]
    answered = by_hand(
        *["/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1", "-p", nrpe.port, *words],
        HTTPS_PROXY="http://127.0.0.1:1",
    )
    assert answered.code == 0
    refused = subprocess.run(
        ["/bin/sh", "-c", commands["mapi_probe"]],
        env={"HTTPS_PROXY": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.stdout.startswith("MAPI CRITICAL - ")
