"""A master and a satellite: the check is run where the credentials are, by `command_endpoint` and by
zone, with the shipped files in the master's global zone.
"""

from __future__ import annotations

import shutil

import pytest
import trustme

from ..scenarios import told
from .icinga2 import Node
from .laboratory import USER, owned
from .practice import address, by_hand
from .test_icinga2 import FILES, SHIPPED, STATES, host, service

MASTER, SATELLITE = "master.contoso.com", "satellite.contoso.com"

#: The line of the shipped zones.conf that is the master's own.
DIALS = f'  host = "{SATELLITE}"\n'

#: Where a host stands -> its own variables.
PLACES = {"master": {"mapi_endpoint": SATELLITE}, "site": {}}

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
        text = host(f"in-{zone}", {"mapi_extra_opts": "cmdlet", **own}, MAILBOXES)
        master.write(f"zones.d/{zone}/hosts.conf", text)
    local = host("central", {"mapi_extra_opts": "cmdlet"}, {"healthy": {}})
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


def connected(satellite):
    """Whether the master has dialled it."""
    found = satellite.ask(f"objects/endpoints/{MASTER}")
    return found and found[0]["attrs"]["connected"]


def test_the_configuration_is_clean(nodes):
    said = nodes[MASTER].said
    assert [line for line in said.split("\n") if "warning" in line or "critical" in line] == []
    assert "Finished validating the configuration file(s)." in said


@pytest.mark.parametrize("zone", PLACES)
@pytest.mark.parametrize(("name", "state"), [("healthy", "OK"), ("offline", "CRITICAL")])
def test_the_satellite_runs_the_check(nodes, there, zone, name, state):
    master = nodes[MASTER]
    master.check(f"in-{zone}", service(name))  # fills the caches
    result = master.check(f"in-{zone}", service(name))
    assert (result.source, STATES[result.state]) == (SATELLITE, state)
    assert told(result.outcome) == told(
        by_hand(*result.command, MP_CONFIG_FILE=there / "plugin.ini")
    )
    assert f"\n[{state}] {address(name)} by cmdlet" in result.output


def test_the_master_schedules_by_endpoint_the_satellite_by_zone(nodes):
    found = {
        zone: nodes[MASTER].check(f"in-{zone}", service("healthy")).attributes["scheduling_source"]
        for zone in PLACES
    }
    assert found == {"master": MASTER, "site": SATELLITE}


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
