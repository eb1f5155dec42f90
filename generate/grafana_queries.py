"""One question in the languages of two databases, with Grafana's variables and macros in it.

The data are those of Icinga 2's writers with the settings in `icinga-templates/grafana/`. Several
mailboxes or methods in one run have labels with a prefix (contract 5), and no label ends like
another one: so a label is found by its end, behind any prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

#: Between host, service and label in the name of a series.
SEPARATOR = " / "

#: The check command, which is InfluxDB's measurement and a node of Graphite's paths.
COMMAND = "mapi_connectivity"


@dataclass(frozen=True)
class Query:
    """The course of a label, or with `once` one value for the whole time range.

    `by`: a series for each `test` (mailbox and method), each `service`, or one (`nothing`); `field`
    is value, warn or crit; `function` condenses what lies closer than the screen shows, and joins
    tests; `name` is that of the one series, or is added to those of the others.
    """

    label: str
    by: str = "test"
    field: str = "value"
    function: str = "mean"
    name: str = ""
    once: bool = False

    @property
    def ending(self) -> str:
        """What the names of the series of tests end with."""
        return f"{self.label} {self.name}".strip()


class Database(Protocol):
    """Where the queries of a dashboard go."""

    @property
    def kind(self) -> str:
        """Grafana's name of the kind of data source."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def everything(self) -> str:
        """What matches everything, for a variable's `All`."""

    @property
    def variables(self) -> tuple[tuple[str, str, str, str], ...]:
        """Name, label, query and regular expression of each variable."""

    @property
    def source(self) -> dict[str, str]:
        """The data source that was chosen on the dashboard."""

    def target(self, query: Query) -> dict[str, object]:
        """The query of a panel."""


class Influx:
    """InfluxQL: InfluxDB 1, or 2 by its interface of version 1."""

    kind = "influxdb"
    title = "InfluxDB"
    everything = ".*"

    @property
    def source(self) -> dict[str, str]:
        """The data source that was chosen on the dashboard."""
        return {"type": self.kind, "uid": "${datasource}"}

    @property
    def variables(self) -> tuple[tuple[str, str, str, str], ...]:
        """Tag values; a prefix is what stands before the label of success."""
        values = f'SHOW TAG VALUES FROM "{COMMAND}" WITH KEY = '
        host = '"hostname" =~ /^${host:regex}$/'
        service = '"service" =~ /^${service:regex}$/'
        return (
            ("host", "Host", f'{values}"hostname"', ""),
            ("service", "Service", f'{values}"service" WHERE {host}', ""),
            (
                "prefix",
                "Mailbox and method",
                f'{values}"metric" WHERE {host} AND {service}',
                f"/^(.+){COMMAND}$/",
            ),
        )

    def target(self, query: Query) -> dict[str, object]:
        """A raw query; `alias` names its series."""
        where = (
            '"hostname" =~ /^${host:regex}$/ AND "service" =~ /^${service:regex}$/ '
            f'AND "metric" =~ /^${{prefix:regex}}{query.label}$/ AND $timeFilter'
        )
        tags = {
            "test": ["hostname", "service", "metric"],
            "service": ["hostname", "service"],
            "nothing": [],
        }[query.by]
        groups = [*([] if query.once else ["time($__interval)"]), *(f'"{tag}"' for tag in tags)]
        words = ["SELECT", f'{query.function}("{query.field}")', "FROM", f'"{COMMAND}"']
        words += ["WHERE", where, "GROUP BY", ", ".join(groups)]
        text = " ".join(words if query.once else [*words, "fill(none)"])
        named = SEPARATOR.join(f"$tag_{tag}" for tag in tags)
        return {
            "alias": f"{named} {query.name}".strip(),
            "query": text,
            "rawQuery": True,
            "resultFormat": "time_series",
        }


class Graphite:
    """Graphite 1.1 and what speaks its language."""

    kind = "graphite"
    title = "Graphite"
    everything = "*"

    @property
    def source(self) -> dict[str, str]:
        """The data source that was chosen on the dashboard."""
        return {"type": self.kind, "uid": "${datasource}"}

    @property
    def variables(self) -> tuple[tuple[str, str, str, str], ...]:
        """Nodes of paths; a prefix is what stands before the label of success."""
        tests = f"icinga2.${{host:glob}}.services.${{service:glob}}.{COMMAND}.perfdata.*{COMMAND}"
        return (
            ("host", "Host", f"expand(icinga2.*.services.*.{COMMAND})", r"/^icinga2\.([^.]+)\./"),
            (
                "service",
                "Service",
                f"expand(icinga2.${{host:glob}}.services.*.{COMMAND})",
                r"/\.services\.([^.]+)\./",
            ),
            (
                "prefix",
                "Mailbox and method",
                f"expand({tests})",
                rf"/\.perfdata\.(.+){COMMAND}$/",
            ),
        )

    def target(self, query: Query) -> dict[str, object]:
        """Functions around a path; numbers are those of its nodes: host, service, label."""
        path = (
            f"icinga2.${{host:glob}}.services.${{service:glob}}.{COMMAND}.perfdata."
            f"${{prefix:glob}}{query.label}.{query.field}"
        )
        function = {"mean": "average"}.get(query.function, query.function)
        # One step that is longer than any range.
        data = (
            f"summarize({path}, '100y', '{function}', true)"
            if query.once
            else f"consolidateBy({path}, '{function}')"
        )
        if query.by == "nothing":
            text = f"alias(averageSeries({data}), '{query.name}')"
        else:
            named = (
                f"groupByNodes({data}, '{function}', 1, 3)"
                if query.by == "service"
                else f"aliasByNode({data}, 1, 3, 6)"
            )
            text = f"aliasSub({named}, '[.]', '{SEPARATOR}')"
            if query.name:
                text = f"aliasSub({text}, '$', ' {query.name}')"
        return {"target": text, "textEditor": True}
