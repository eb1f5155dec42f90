"""End to end: national clouds, their hosts, and single hosts by option."""

from __future__ import annotations

import urllib.parse

import pytest

from ..support.ways import expected
from ..tenant.directory import CHINA_TENANT_NAME, DIRECTORIES, DOD_TENANT_NAME, GCC_TENANT_NAME
from ..tenant.material import DOMAIN, TENANT_NAME

HEALTHY = f"healthy@{DOMAIN}"
TESTED = {"cmdlet": "Inbox listed in 0.041s (cmdlet)", "graph": "Inbox listed in #s (graph)"}
UNKNOWN_APP = "whether an app may sign in to Exchange in this cloud is not known"


def asked_for(run):
    """What the sign-in asked for, by whom: (tenant's GUID, scope)."""
    [token] = [request for request in run.requests if request[1].endswith("/token")]
    return token[1].split("/")[1], urllib.parse.parse_qs(token[3].decode())["scope"][0]


@pytest.mark.parametrize(
    ("section", "method", "scope"),
    [
        ("gcc-high", "cmdlet", "https://outlook.office365.us/.default"),
        ("gcc-high-graph", "graph", "https://graph.microsoft.us/.default"),
    ],
)
def test_government_cloud(way, section, method, scope):
    run = way(section)
    assert (run.line, run.code) == (f"MAPI OK - {HEALTHY}: {TESTED[method]}", 0)
    assert run.perfdata == expected(method, days=True)
    assert asked_for(run) == (DIRECTORIES[1].id, scope)
    assert f"  note          cloud gcc-high: {UNKNOWN_APP}\n" in run.diagnosis


@pytest.mark.parametrize(
    ("cloud", "name", "scope", "doubt"),
    [
        ("dod", DOD_TENANT_NAME, "https://outlook-dod.office365.us/.default", UNKNOWN_APP),
        (
            "china",
            CHINA_TENANT_NAME,
            "https://partner.outlook.cn/.default",
            "sources disagree on its Exchange host, partner.outlook.cn or outlook.office365.cn",
        ),
        # A GCC tenant is on the hosts of everybody.
        ("worldwide", GCC_TENANT_NAME, "https://outlook.office365.com/.default", ""),
    ],
)
def test_other_clouds(way, cloud, name, scope, doubt):
    run = way("cmdlet", "--cloud", cloud, "--tenant", name)
    assert (run.line, run.code) == (f"MAPI OK - {HEALTHY}: {TESTED['cmdlet']}", 0)
    place = next(place for place in DIRECTORIES if place.name == name)
    assert asked_for(run) == (place.id, scope)
    assert run.words.count("note cloud ") == bool(doubt)
    assert f"cloud {cloud}: {doubt}" in run.words or not doubt
    assert bool(doubt) is ("note          cloud" in run.diagnosis)


ANOTHER = "tenant belongs to another cloud (AADSTS900382)"
NOTHING = "tenant has no Exchange Online under this name (AADSTS500011)"


@pytest.mark.parametrize(
    ("section", "wrong", "text", "right"),
    [
        ("gcc-high", "worldwide", ANOTHER, "gcc-high"),
        ("gcc-high-graph", "dod", ANOTHER, "gcc-high"),
        ("cmdlet", "gcc-high", NOTHING, "worldwide"),
    ],
)
def test_wrong_cloud_names_the_right_one(way, section, wrong, text, right):
    run = way(section, "--cloud", wrong)
    method = "graph" if "graph" in section else "cmdlet"
    line = f"MAPI UNKNOWN - sign-in refused: {text}; use --cloud {right}"
    assert (run.line, run.code) == (line, 3)
    assert run.perfdata == expected(method, ok=False, days=True)
    assert f"  remedy        use --cloud {right}\n" in run.diagnosis
    own = "  note          the tenant's own document says that it is in cloud"
    assert f"{own} {right}: --cloud {right}\n" in run.diagnosis
    assert "  client-request-id " in run.diagnosis


@pytest.mark.parametrize(
    ("section", "option", "text"),
    [
        (
            "cmdlet",
            "--exchange-url",
            f"{HEALTHY}: 127.0.0.1 port 1: connection refused; check name, port and firewall",
        ),
        (
            "graph",
            "--graph-url",
            f"{HEALTHY}: 127.0.0.1 port 1: connection refused; check name, port and firewall",
        ),
        (
            "graph",
            "--authority-url",
            "sign-in failed: 127.0.0.1 port 1: connection refused (ECONNREFUSED); check name, "
            "port and firewall",
        ),
    ],
)
def test_one_host_by_option(way, section, option, text):
    run = way(section, option, "https://127.0.0.1:1")
    assert (run.line, run.code) == (f"MAPI CRITICAL - {text}", 2)
    signs_in = option == "--authority-url"
    service = "never" if signs_in else "nobody"
    assert run.perfdata == expected(section, ok=False, service=service, days=True)
    # The token is for the cloud's own host, wherever requests go (contract 7.10).
    if not signs_in:
        host = {"cmdlet": "outlook.office365.com", "graph": "graph.microsoft.com"}[section]
        assert asked_for(run)[1] == f"https://{host}/.default"


def test_hosts_of_other_methods_do_not_matter(way):
    nowhere = "https://127.0.0.1:1"
    assert way("cmdlet", "--graph-url", nowhere).code == 0
    assert way("graph", "--exchange-url", nowhere).code == 0


def test_hosts_and_clouds_that_are_none(way):
    run = way("graph", "--graph-url", "http://127.0.0.1:1")
    text = "--graph-url: its value is not an https URL like https://host or https://host:port"
    assert (run.stdout, run.code) == (f"MAPI UNKNOWN - {text}\n", 3)
    run = way("cmdlet", "--cloud", "mars", "--tenant", TENANT_NAME)
    text = "--cloud: mars is not one of worldwide, gcc, gcc-high, dod, china"
    assert (run.stdout, run.code) == (f"MAPI UNKNOWN - {text}\n", 3)
