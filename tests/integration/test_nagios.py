"""The shipped files in a real Nagios 4, unchanged: what it keeps is what the check prints."""

from __future__ import annotations

import re
import shutil

import pytest

from ..conftest import ROOT
from ..support.scenarios import told
from ..tenant.directory import TENANT_NAME
from .laboratory import USER
from .nagios import DEBIAN, Nagios
from .practice import address, by_hand

SHIPPED = ROOT / "icinga-templates/nagios"
FILES = ("mapi_connectivity.cfg", "servicetemplates.cfg")

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

TENANT = ["--tenant", TENANT_NAME]
QUIET = ["--warning-for", "certificate_days=none", "--critical-for", "certificate_days=none"]

#: By the tenant's template: mailbox -> its further options and its state.
MAILBOXES = {
    "healthy": ("", "OK"),
    "offline": ("", "CRITICAL"),
    "moving": ("", "WARNING"),
    "slow": ("-w 1 -c 5", "WARNING"),
    "many-003": ("", "UNKNOWN"),
    "many-004": ("-t 4", "CRITICAL"),
}

#: More output than Nagios reads at once, and less performance data than it is sure of.
MANY = [f"many-{number:03d}" for number in range(11, 18)]


def define(kind, **members):
    """An object, as an administrator writes it."""
    lines = "".join(f"  {name}  {value}\n" for name, value in members.items())
    return f"define {kind}{{\n{lines}}}\n"


def host(name, **members):
    """A host that nobody pings."""
    usual = {"use": "mapi-tenant", "host_name": name, "contact_groups": "admins"}
    return define("host", **usual, **members)


def commands(practice):
    """(host, service) -> check command with its arguments, and what that is on a command line."""
    server = practice.url.partition("//")[2]
    password = practice.material.directory / "password"
    user = address("healthy")
    words = ["--method", "mapi", "-H", server, "-l", user, "--password-file", password, "-m", user]
    ca = ["--ca-file", practice.material.ca_file, "--auth", "basic"]
    cache = ["--cache-dir", practice.material.directory / "cache"]
    more = " ".join(map(str, [*ca, *cache]))
    many = " ".join(f"-m {address(name)}" for name in MANY[1:])
    first = address(MANY[0])
    return {
        ("tenant", "graph"): (
            f"check_mapi_graph!{TENANT_NAME}!{user}",
            ["--method", "graph", *TENANT, "-m", user],
        ),
        ("premises", "healthy"): (
            f"check_mapi_on_premises!{server}!{user}!$USER11$/password!{user}!{more}",
            [*words, *ca, *cache],
        ),
        ("tenant", "many"): (
            f"check_mapi_ini!{TENANT_NAME}!{first}!--tenant {TENANT_NAME} {many} -v",
            [f"--extra-opts={TENANT_NAME}", "-m", first, *TENANT, *many.split(), "-v"],
        ),
    }


@pytest.fixture(scope="module")
def by_ini(lab, practice):
    """The environment in which the tenant's name is enough."""
    path = lab.directory / "monitoring-plugins.ini"
    path.write_text(practice.section())
    shutil.chown(path, "root", USER)
    path.chmod(0o640)
    return {"MP_CONFIG_FILE": path}


@pytest.fixture(scope="module")
def own(plugin_dir, by_ini):
    """`own(*arguments)`: what the check prints itself."""

    def run(*arguments):
        return by_hand(plugin_dir / "check_mapi_connectivity", *arguments, **by_ini)

    return run


@pytest.fixture(scope="module")
def nagios(lab, plugin_dir, practice, by_ini, own):
    """A running Nagios with all services."""
    asked = {"_MAPI_TENANT": TENANT_NAME}
    objects = host("tenant", **asked) + host("premises")
    there = {"host_name": "tenant", "service_description": "mapi sign-in"}
    objects += define("service", use="mapi-sign-in", **there)
    for name, (options, _) in MAILBOXES.items():
        there = {"host_name": "tenant", "service_description": name}
        wanted = {"_MAPI_MAILBOX": address(name), **({"_MAPI_OPTIONS": options} if options else {})}
        objects += define("service", use="mapi-tenant-mailbox", **there, **wanted)
    for (of, name), (command, words) in commands(practice).items():
        there = {"host_name": of, "service_description": name}
        objects += define("service", use="mapi-mailbox", **there, check_command=command)
        own(*words)  # fills the caches
    practice.faults.on("exchange", "http-429-wait-600", -1, "many-003")
    practice.faults.on("exchange", "silent", -1, "many-004")
    files = [*DEBIAN, *(SHIPPED / name for name in FILES)]
    nagios = Nagios(lab, plugin_dir, files, objects, practice.material.directory)
    nagios.said = nagios.validate()
    nagios.start(**by_ini)
    yield nagios
    practice.faults.off()


def test_the_configuration_is_clean(nagios):
    assert re.search(r"Total Warnings: +0\nTotal Errors: +0\n", nagios.said)
    assert "Checked 10 services." in nagios.said


@pytest.mark.parametrize("name", MAILBOXES)
def test_what_the_check_prints_is_kept(nagios, own, name):
    """State, first line, long output and performance data of a tenant's mailboxes."""
    options, state = MAILBOXES[name]
    kept = nagios.outcome("tenant", name)
    words = ["--method", "cmdlet", *TENANT, "-m", address(name), *QUIET, *options.split()]
    printed = own(*words)
    assert (STATES[kept.code], printed.stderr) == (state, "")
    # Nagios keeps no semicolon in the first line.
    line, rest = told(printed).split("\n|", 1)
    assert told(kept) == line.replace(";", ":") + "\n|" + rest
    assert kept.line.startswith(f"MAPI {state} - {address(name)}: ")


@pytest.mark.parametrize("place", [("tenant", "graph"), ("premises", "healthy")])
def test_the_other_methods(nagios, own, practice, place):
    kept, printed = nagios.outcome(*place), own(*commands(practice)[place][1])
    assert kept.code == 0
    assert told(kept) == told(printed)


def test_the_sign_in_service(nagios):
    kept = nagios.outcome("tenant", "mapi sign-in")
    assert STATES[kept.code] == "OK"
    assert kept.line.startswith("MAPI OK - sign-in works (")


def test_performance_data_survives_long_output(nagios, own, practice):
    """Of the first 4096 bytes nothing is lost; of what follows Nagios loses any part, in any run."""
    place = ("tenant", "many")
    kept, printed = nagios.outcome(*place), own(*commands(practice)[place][1])
    assert len(printed.stdout) > 8192
    assert len(printed.stdout.partition("\n")[0]) < 4096
    assert kept.line == printed.line
    assert list(kept.values()) == list(printed.values())
    assert len(kept.values()) == 11 * len(MANY)
    assert kept.diagnosis.startswith(f"[OK] {address(MANY[0])} by cmdlet: Success\n")


def test_no_secret_is_in_the_files_of_nagios(nagios, practice):
    nagios.outcome("premises", "healthy")
    for path in nagios.directory.glob("*.*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert [secret for secret in practice.secrets() if secret in text] == []
