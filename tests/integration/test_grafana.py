"""The dashboards' own queries find what checks printed: through a real Icinga 2, its writers and the
settings that are shipped, in a real InfluxDB and a real Graphite.
"""

from __future__ import annotations

import re
import statistics
import string
import time
from typing import NamedTuple

import pytest
import trustme

from check_mapi_connectivity.base.vocabulary import LABELS, PLUGIN

from ..conftest import ROOT
from .conftest import needs
from .grafana import Dashboard, OfGraphite, OfInflux
from .graphite import Graphite
from .icinga2 import Node, assignments
from .influxdb import InfluxDB
from .laboratory import poll
from .practice import address

SHIPPED = ROOT / "icinga-templates/grafana"
COMMAND = ROOT / "icinga-templates/icinga2/check_mapi_connectivity.conf"
HOST = "tenant.example"
DATABASES = ("influxdb", "graphite")

#: Every label, those before others that they end with.
ALL_LABELS = sorted({label for labels in LABELS.values() for label in labels}, key=len)[::-1]

#: Service -> method of its host, and its own variables; names as apply rules make them.
SERVICES = {
    "mapi healthy@practice.example": (
        "cmdlet",
        {"mapi_mailbox": [address("healthy")], "mapi_warning": "20", "mapi_critical": "25"},
    ),
    "mapi offline@practice.example": ("cmdlet", {"mapi_mailbox": [address("offline")]}),
    "premises": (
        "mapi",
        {
            "mapi_mailbox": [address("healthy")],
            "mapi_username": address("healthy"),
            "mapi_warning": "10",
            "mapi_critical": "12.5",
            "mapi_address_book": True,
        },
    ),
    "several": (
        "cmdlet",
        {
            "mapi_mailbox": [address("healthy"), address("offline")],
            "mapi_method": ["cmdlet", "graph"],
        },
    ),
}
HEALTHY = "mapi healthy@practice.example"
#: What labels of the last one begin with.
PREFIXES = [
    f"{mailbox}_practice_example_{method}_"
    for mailbox in ("healthy", "offline")
    for method in ("cmdlet", "graph")
]

PHASES = [
    "time_token",
    "time_autodiscover",
    "time_dns",
    "time_tcp",
    "time_proxy",
    "time_tls",
    "time_connect",
    "time_execute",
    "time_disconnect",
    "time_address_book",
    "time_request",
]


class Asked(NamedTuple):
    """What a query of a dashboard is for: `by` is a series for each test, each service, or one."""

    title: str
    ref: str
    by: str
    label: str
    field: str = "value"
    added: str = ""


QUERIES = [
    Asked("Mailboxes", "A", "test", "mapi_connectivity"),
    Asked("Mailboxes", "B", "test", "mapi_connectivity"),  # of one run the rate is its success
    Asked("Mailboxes", "C", "test", "connection_time"),
    Asked("Mailboxes", "D", "test", "certificate_days"),
    Asked("Success", "A", "test", "mapi_connectivity"),
    Asked("Connection time", "A", "test", "connection_time"),
    Asked("Connection time", "B", "service", "connection_time", "warn", " warning"),
    Asked("Connection time", "C", "service", "connection_time", "crit", " critical"),
    *(Asked("Phases", string.ascii_uppercase[at], "one", label) for at, label in enumerate(PHASES)),
    Asked("Server and client time", "A", "one", "time_server"),
    Asked("Server and client time", "B", "one", "connection_time"),
    Asked("Server and client time", "C", "one", "total_time"),
    Asked("Certificate", "A", "service", "certificate_days"),
    Asked("Inbox", "A", "test", "inbox_items"),
]
EACH = pytest.mark.parametrize("asked", QUERIES, ids=lambda one: f"{one.title}-{one.ref}")


class Printed(NamedTuple):
    """One item of performance data that a check printed and Icinga took."""

    minute: int
    service: str
    prefix: str
    label: str
    value: float
    warn: float | None
    crit: float | None


def printed(end, service, item):
    """The item, or None where it has no value; `end` of the check is the time that Icinga writes."""
    name, values = item.replace("'", "").split("=")
    value, *limits = (*values.split(";"), "", "")[:3]
    if value == "U":
        return None
    label = next(label for label in ALL_LABELS if re.search(f"(^|_){label}$", name))
    warn, crit = (float(limit) if re.fullmatch(r"[0-9.]+", limit) else None for limit in limits)
    number = float(re.match(r"-?[0-9.]+", value)[0])
    return Printed(int(end) // 60, service, name.removesuffix(label), label, number, warn, crit)


class Measured:
    """What was printed, and the dashboards of both databases."""

    def __init__(self, items, begun, dashboards):
        self.items, self.begun, self.dashboards = items, begun, dashboards

    def ask(self, kind, asked):
        """Name -> values of a query."""
        found = self.dashboards[kind].ask(asked.title, asked.ref, self.begun - 300, time.time())
        return {name: [value for _, value in points] for name, points in found.items()}

    def expected(self, kind, asked, services=tuple(SERVICES), prefixes=None):
        """Name -> values that a query has to find, one a minute, of what was printed."""
        groups = {}
        for item in self.items:
            value = getattr(item, asked.field)
            chosen = prefixes is None or item.prefix in prefixes
            if item.label != asked.label or item.service not in services or not chosen:
                continue
            names = {"host": plain(kind, HOST), "service": plain(kind, item.service)}
            name = " / ".join(names.values())
            if asked.by == "test" and item.prefix:
                name += f" / {item.prefix.rstrip('_')}"
            if asked.by == "one":
                name = asked.label
            if value is not None:
                minutes = groups.setdefault(name + asked.added, {})
                minutes.setdefault(item.minute, []).append(value)
        joined = statistics.fmean if asked.by == "one" else min
        return {
            name: [pytest.approx(joined(minutes[one]), rel=1e-4) for one in sorted(minutes)]
            for name, minutes in groups.items()
        }


def plain(kind, name):
    """A name as Icinga writes it."""
    return re.sub(r"[ ./\\]", "_", name) if kind == "graphite" else name


def shipped(name, port, usual):
    """A shipped file for a database that listens on a port of this laboratory."""
    text = (SHIPPED / name).read_text()
    assert text.count(f"port = {usual}") == 1
    return text.replace(f"port = {usual}", f"port = {port}")


def configure(node, practice, influxdb, graphite):
    """The shipped writers and command, and services that are checked when they are told to."""
    node.include(COMMAND)
    node.write("influxdb.conf", shipped("icinga2-influxdb.conf", influxdb.port, 8086))
    node.write("graphite.conf", shipped("icinga2-graphite.conf", graphite.port, 2003))
    objects = f'object Host "{HOST}" {{ check_command = "dummy" }}\n'
    for name, (method, variables) in SERVICES.items():
        objects += (
            f'object Service "{name}" {{\n  host_name = "{HOST}"\n'
            '  check_command = "mapi_connectivity"\n  enable_active_checks = false\n'
            f"{assignments({**practice.variables(method), **variables})}}}\n"
        )
    node.write("objects.conf", objects)
    for name in ("influxdb", "graphite", "objects"):
        node.configuration += f'include "{name}.conf"\n'


def connected(node):
    """Whether the writer has somebody to write to: until then it forgets."""
    found = node.ask("status/GraphiteWriter")
    return found and found[0]["status"]["graphitewriter"]["graphite"]["connected"]


@pytest.fixture(scope="module")
def measured(lab, plugin_dir, practice):
    """One check of each service, and its performance data in both databases."""
    needs(influxd="influxdb")
    needs(**{"carbon-cache": "graphite-carbon", "graphite-manage": "graphite-web"})
    settings = {
        name: SHIPPED / f"graphite-{name.replace('_', '-')}.conf"
        for name in ("storage_schemas", "storage_aggregation")
    }
    influxdb, graphite = InfluxDB(lab), Graphite(lab, **settings)
    node = Node(lab, plugin_dir, "metrics.lab", trustme.CA())
    configure(node, practice, influxdb, graphite)
    influxdb.create()
    graphite.ready()
    node.start()
    begun = time.time()
    node.daemon.wait(lambda: connected(node), "Icinga is connected to Graphite")
    results = {name: node.check(HOST, name) for name in SERVICES}
    found = [
        printed(result.attributes["execution_end"], name, item)
        for name, result in results.items()
        for item in result.perfdata
    ]
    items = [item for item in found if item]
    dashboards = {
        kind: Dashboard(SHIPPED / f"{PLUGIN}-{kind}.json", database)
        for kind, database in (("influxdb", OfInflux(influxdb)), ("graphite", OfGraphite(graphite)))
    }
    every = (
        "SELECT value FROM mapi_connectivity WHERE metric =~ /./ GROUP BY hostname, service, metric"
    )
    path = "icinga2.*.services.*.mapi_connectivity.perfdata.*.value"
    since, all_of_them = begun - 300, len(items)
    poll(lambda: len(influxdb.series(every)) == all_of_them, "InfluxDB has all values")
    poll(
        lambda: sum(map(bool, graphite.render(path, since, time.time()).values())) == all_of_them,
        "Graphite has all values",
    )
    return Measured(items, begun, dashboards)


@pytest.fixture(params=DATABASES)
def kind(request, measured):
    """Each database, nothing chosen on its dashboard."""
    dashboard = measured.dashboards[request.param]
    yield request.param
    for name, variable in dashboard.variables.items():
        dashboard.chosen[name] = variable["current"]["value"]


def test_checks_printed_success_failure_thresholds_and_every_label(measured):
    success = {
        (item.service, item.prefix): item.value
        for item in measured.items
        if item.label == "mapi_connectivity"
    }
    assert success == {
        (HEALTHY, ""): 1,
        ("mapi offline@practice.example", ""): 0,
        ("premises", ""): 1,
        **{("several", prefix): prefix.startswith("healthy") for prefix in PREFIXES},
    }
    # The sign-in is a service of its own, of which the state says the same; nobody here signs in
    # by a secret.
    assert {item.label for item in measured.items} == {*ALL_LABELS} - {"sign_in", "secret_days"}
    limits = {(item.service, item.warn, item.crit) for item in measured.items if item.crit}
    assert limits == {(HEALTHY, 20.0, 25.0), ("premises", 10.0, 12.5)}


def test_every_query_of_the_dashboards_is_tried(measured):
    for dashboard in measured.dashboards.values():
        queries = [
            (title, target["refId"])
            for title, panel in dashboard.panels.items()
            for target in panel["targets"]
        ]
        assert sorted(queries) == sorted((one.title, one.ref) for one in QUERIES)


def test_variables_offer_what_was_checked(measured, kind):
    dashboard = measured.dashboards[kind]
    assert dashboard.options("host") == [plain(kind, HOST)]
    assert dashboard.options("service") == [plain(kind, name) for name in SERVICES]
    assert dashboard.options("prefix") == PREFIXES
    dashboard.chosen["host"] = [plain(kind, HOST)]
    dashboard.chosen["service"] = [plain(kind, HEALTHY), "premises"]
    assert dashboard.options("prefix") == []


@EACH
def test_all_that_was_printed_is_found_and_nothing_else(measured, kind, asked):
    found = measured.ask(kind, asked)
    assert found
    assert found == measured.expected(kind, asked)


@EACH
def test_what_is_chosen_is_found_and_nothing_else(measured, kind, asked):
    dashboard = measured.dashboards[kind]
    dashboard.chosen["host"] = [plain(kind, HOST)]
    for services, prefixes in (
        ((HEALTHY,), None),
        ((HEALTHY, "premises"), None),
        (("several",), PREFIXES[:1]),
        (("several",), PREFIXES[1:3]),
    ):
        dashboard.chosen["service"] = [plain(kind, name) for name in services]
        if prefixes:
            dashboard.chosen["prefix"] = prefixes
        expected = measured.expected(kind, asked, services, prefixes)
        assert measured.ask(kind, asked) == expected


@pytest.mark.parametrize("days", [0.5, 3, 40])
def test_a_history_is_condensed_as_its_panels_say(measured, kind, days):
    """Steps of the first two ranges and of the last are others in Graphite; its host is one of its
    own, so that no other test sees it.
    """
    dashboard, host = measured.dashboards[kind], f"history-{str(days).replace('.', '-')}"
    now = int(time.time())
    times = [now - int(days * 86400) // 2 + at * 7200 for at in range(4)]
    write = dashboard.database.database.write
    write(host, "mapi_connectivity", "value", zip(times, (1, 1, 1, 0)))
    write(host, "connection_time", "value", zip(times, (0.5, 0.25, 0.75)))
    write(host, "connection_time", "warn", zip(times, (5, 4, 4)))
    dashboard.chosen["host"] = [host]

    def values(title, ref):
        found = dashboard.ask(title, ref, now - int(days * 86400), time.time())
        return {name: [value for _, value in points] for name, points in found.items()}

    name = f"{host} / mapi"
    poll(lambda: values("Connection time", "B"), "what was written last is there")
    assert values("Mailboxes", "A") == {name: [0]}
    assert values("Mailboxes", "B") == {name: [0.75]}
    assert values("Mailboxes", "C") == {name: [0.75]}
    assert values("Success", "A") == {name: [1, 1, 1, 0]}
    assert values("Connection time", "A") == {name: [0.5, 0.25, 0.75]}
    assert values("Connection time", "B") == {f"{name} warning": [5, 4, 4]}
    assert values("Server and client time", "B") == {"connection_time": [0.5, 0.25, 0.75]}
