"""A master and a satellite: the check is run where the credentials are, by `command_endpoint` and by
zone, with the shipped files in the master's global zone.
"""

from __future__ import annotations

import shutil

import pytest
import trustme

from ..support.scenarios import told
from ..tenant.directory import TENANT_NAME
from .icinga2 import Node
from .laboratory import USER, owned
from .practice import address, by_hand
from .test_icinga2 import FILES, SHIPPED, STATES, host, service

MASTER, SATELLITE = "master.contoso.com", "satellite.contoso.com"

#: The line of the shipped zones.conf that is the master's own.
DIALS = f'  host = "{SATELLITE}"\n'

#: Zone of a host -> the host's own variables.
PLACES = {"master": {"mapi_endpoint": SATELLITE}, "site": {}}

#: Zone of a host -> who schedules its checks.
SCHEDULERS = {"master": MASTER, "site": SATELLITE}

#: Known everywhere; the credentials are in the ini file's section.
TENANT = {"mapi_tenant": TENANT_NAME, "mapi_extra_opts": "cmdlet"}

MAILBOXES = {"healthy": {}, "offline": {}}


@pytest.fixture(scope="module")
def there(lab, practice):
    """What only the satellite has: an ini file with the credentials, and a cache."""
    directory = owned(lab.directory / "satellite-only")
    text = practice.ini.read_text()
    cache = practice.material.directory / "cache"
    (directory / "plugin.ini").write_text(text.replace(str(cache), str(directory / "cache")))
    shutil.chown(directory / "plugin.ini", "root", USER)
    (directory / "plugin.ini").chmod(0o640)
    return directory


@pytest.fixture(scope="module")
def nodes(lab, plugin_dir, there):
    """Master and satellite by name, running and connected."""
    authority, zones = trustme.CA(), (SHIPPED / "zones.conf").read_text()
    assert DIALS in zones
    satellite = Node(lab, plugin_dir, SATELLITE, authority, "site", listens=True)
    satellite.configuration += zones.replace(DIALS, "")
    master = Node(lab, plugin_dir, MASTER, authority, "master")
    address = f'  host = "127.0.0.1"\n  port = {satellite.port}\n'
    master.configuration += zones.replace(DIALS, address)
    for name in FILES:
        master.write(f"zones.d/global-templates/{name}", (SHIPPED / name).read_text())
    for zone, own in PLACES.items():
        text = host(f"in-{zone}", {**TENANT, **own}, MAILBOXES)
        master.write(f"zones.d/{zone}/hosts.conf", text)
    local = host("central", TENANT, {"healthy": {}})
    master.write("zones.d/master/central.conf", local)
    master.said = master.validate()
    # The one that is dialled first: a second try comes late.
    satellite.start(MP_CONFIG_FILE=there / "plugin.ini")
    satellite.daemon.wait(lambda: satellite.ask("status"), "the satellite listens")
    master.start()
    # It takes its configuration from the master, starts anew with it, and is dialled again.
    satellite.daemon.wait(
        lambda: satellite.service("in-site", service("healthy")) and connected(satellite),
        "the satellite has its configuration and is connected",
    )
    return {MASTER: master, SATELLITE: satellite}


def connected(satellite, master=MASTER):
    """Whether the master has dialled it."""
    found = satellite.ask(f"objects/endpoints/{master}")
    return found and found[0]["attrs"]["connected"]


def test_the_configuration_is_clean(nodes):
    said = nodes[MASTER].said
    assert [line for line in said.split("\n") if "warning" in line or "critical" in line] == []
    assert "Finished validating the configuration file(s)." in said


def check(nodes, zone, name):
    """The result of a check that is begun now, as the master knows it."""
    return nodes[MASTER].check(f"in-{zone}", service(name), nodes[SCHEDULERS[zone]])


@pytest.mark.parametrize("zone", PLACES)
@pytest.mark.parametrize(("name", "state"), [("healthy", "OK"), ("offline", "CRITICAL")])
def test_the_satellite_runs_the_check(nodes, there, zone, name, state):
    check(nodes, zone, name)  # fills the caches
    result = check(nodes, zone, name)
    own = by_hand(*result.command, MP_CONFIG_FILE=there / "plugin.ini")
    assert (result.source, STATES[result.state]) == (SATELLITE, state)
    assert result.attributes["scheduling_source"] == SCHEDULERS[zone]
    assert told(result.outcome) == told(own)
    assert f"\n[{state}] {address(name)} by cmdlet" in result.output


def test_the_credentials_are_on_the_satellite_alone(nodes, there):
    """The same service run by the master finds none; the satellite's cache is its own."""
    result = nodes[MASTER].check("central", service("healthy"))
    assert (result.source, STATES[result.state]) == (MASTER, "UNKNOWN")
    assert "extra-opts" in result.output.split("\n", 1)[0]
    assert list((there / "cache").glob("token-*"))


def test_the_satellite_knows_the_services_of_its_zone_alone(nodes):
    satellite = nodes[SATELLITE]
    assert satellite.service("in-site", service("healthy"))["last_check_result"]
    assert satellite.service("in-master", service("healthy")) is None
