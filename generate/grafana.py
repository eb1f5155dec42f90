"""The Grafana dashboards: the same panels, asked of InfluxDB and of Graphite."""

from __future__ import annotations

import json
import string

from check_mapi_connectivity.base.vocabulary import DEFAULT_THRESHOLDS, LABELS, PLUGIN

from .grafana_queries import SEPARATOR, Database, Graphite, Influx, Query

#: A part of a dashboard; members are those of Grafana's classic model.
Json = dict[str, object]

#: Whether it worked, and what a table says of each mailbox.
SUCCESS, CONNECTION, CERTIFICATE = "mapi_connectivity", "connection_time", "certificate_days"

#: Every label once, in the order of a run.
ALL_LABELS = tuple(dict.fromkeys(label for method in ("mapi", *LABELS) for label in LABELS[method]))

#: The phases of a run: what lies on each other makes up its time.
PHASES = tuple(one for one in ALL_LABELS if one.startswith("time_") and one != "time_server")

#: What the server says it needed, what the client waited for, the whole run.
TIMES = ("time_server", CONNECTION, "total_time")

#: Columns of the table: title, query, and the reducer that its one point is read by, with the name
#: that this gives the column until all are joined: no two may be the same.
COLUMNS = (
    ("Success", Query(SUCCESS, function="last", once=True), "lastNotNull", "Last *"),
    ("Success rate", Query(SUCCESS, name="rate", once=True), "mean", "Mean"),
    ("Connection time", Query(CONNECTION, function="last", once=True), "max", "Max"),
    ("Certificate days", Query(CERTIFICATE, function="last", once=True), "min", "Min"),
)

#: Longest gap in milliseconds that a line bridges: Graphite has empty steps between checks.
BRIDGED = 3600000

#: What an average of several results says, too: one that failed is not hidden by others.
SUCCESS_MAPPINGS = [
    {"type": "value", "options": {"1": {"text": "Success", "color": "green", "index": 0}}},
    {
        "type": "range",
        "options": {
            "from": 0,
            "to": 0.9999,
            "result": {"text": "Failed", "color": "red", "index": 1},
        },
    },
]


def steps(label: str) -> Json:
    """The default thresholds of a label that warns below them, as Grafana's steps."""
    warning, critical = (float(text.rstrip(":")) for text in map(str, DEFAULT_THRESHOLDS[label]))
    return {
        "mode": "absolute",
        "steps": [
            {"color": "red", "value": None},
            {"color": "orange", "value": critical},
            {"color": "green", "value": warning},
        ],
    }


def rename(*queries: Query) -> Json:
    """The step that takes the label off a series' name; what is left tells the mailbox."""
    endings = "|".join(dict.fromkeys(query.ending for query in queries))
    return {
        "id": "renameByRegex",
        "options": {"regex": f"(.*?)(?:{SEPARATOR}|_)(?:{endings})", "renamePattern": "$1"},
    }


def override(matcher: str, value: str, **properties: object) -> Json:
    """Properties of some series or of a column; `_` in a name stands for a dot."""
    return {
        "matcher": {"id": matcher, "options": value},
        "properties": [
            {"id": name.replace("_", "."), "value": given} for name, given in properties.items()
        ],
    }


def lines(unit: str, **more: object) -> Json:
    """The look of curves; `more` is of `custom`."""
    custom = {
        "drawStyle": "line",
        "fillOpacity": 0,
        "lineWidth": 1,
        "pointSize": 4,
        "showPoints": "always",
        "spanNulls": BRIDGED,
        **more,
    }
    return {"color": {"mode": "palette-classic"}, "custom": custom, "min": 0, "unit": unit}


def curves(
    title: str,
    description: str,
    queries: tuple[Query, ...],
    defaults: Json,
    overrides: tuple[Json, ...] = (),
) -> tuple[Json, tuple[Query, ...]]:
    """A panel of curves and what it asks."""
    tests = [query for query in queries if query.by == "test"]
    panel: Json = {
        "type": "timeseries",
        "title": title,
        "description": description,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": {
            "legend": {
                "calcs": ["lastNotNull"],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        "transformations": [rename(*tests)] if tests else [],
    }
    return panel, queries


def joined() -> list[Json]:
    """The steps from the series of all columns to one table."""
    queries = tuple(query for _, query, _, _ in COLUMNS)
    made: list[Json] = [rename(*queries)]
    # By name: older versions of Grafana cannot tell which query an answer of Graphite's belongs to.
    made += [
        {
            "id": "reduce",
            "filter": {"id": "byName", "options": f"/{query.ending}$/"},
            "options": {"mode": "seriesToRows", "reducers": [reducer]},
        }
        for _, query, reducer, _ in COLUMNS
    ]
    names = {named: title for title, _, _, named in COLUMNS}
    made += [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {"Field": 0, **{name: 1 + at for at, name in enumerate(names)}},
                "renameByName": {"Field": "Mailbox", **names},
            },
        },
    ]
    return made


def mailboxes() -> tuple[Json, tuple[Query, ...]]:
    """The table, worst first."""
    coloured = {"type": "color-text"}
    panel: Json = {
        "type": "table",
        "title": "Mailboxes",
        "description": "The last result of each mailbox and method within the time range; what "
        "failed stands first. Success rate: of all results in the time range.",
        "fieldConfig": {
            "defaults": {"custom": {"align": "auto"}},
            "overrides": [
                override(
                    "byName", "Success", mappings=SUCCESS_MAPPINGS, custom_cellOptions=coloured
                ),
                override("byName", "Success rate", unit="percentunit", decimals=2),
                override("byName", "Connection time", unit="s"),
                override(
                    "byName",
                    "Certificate days",
                    decimals=0,
                    thresholds=steps(CERTIFICATE),
                    custom_cellOptions=coloured,
                ),
            ],
        },
        "options": {
            "showHeader": True,
            "sortBy": [
                {"displayName": "Success", "desc": False},
                {"displayName": "Success rate", "desc": False},
                {"displayName": "Connection time", "desc": True},
            ],
        },
        "transformations": joined(),
    }
    return panel, tuple(query for _, query, _, _ in COLUMNS)


def success() -> tuple[Json, tuple[Query, ...]]:
    """A band for each mailbox."""
    queries = (Query(SUCCESS, function="min"),)
    panel: Json = {
        "type": "state-timeline",
        "title": "Success",
        "description": "Success means: that run logged on to the mailbox and listed its Inbox.",
        "fieldConfig": {
            "defaults": {
                "color": {"mode": "thresholds"},
                "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": BRIDGED},
                "mappings": SUCCESS_MAPPINGS,
                "thresholds": {"mode": "absolute", "steps": [{"color": "red", "value": None}]},
            },
            "overrides": [],
        },
        "options": {
            "legend": {
                "calcs": [],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": False,
            },
            "mergeValues": True,
            "rowHeight": 0.9,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        "transformations": [rename(*queries)],
    }
    return panel, queries


def connection() -> tuple[Json, tuple[Query, ...]]:
    """The connection time with the thresholds that the check was given."""
    dashed = {"dash": [10, 10], "fill": "dash"}
    queries = (
        Query(CONNECTION),
        Query(CONNECTION, by="service", field="warn", function="min", name="warning"),
        Query(CONNECTION, by="service", field="crit", function="min", name="critical"),
    )
    return curves(
        "Connection time",
        "Time to log on and list the Inbox; a failed run has none. Dashed: the lowest thresholds "
        "of each service, where the check has -w and -c.",
        queries,
        lines("s"),
        tuple(
            override(
                "byRegexp",
                f"/ {name}$/",
                color={"fixedColor": colour, "mode": "fixed"},
                custom_lineStyle=dashed,
                custom_showPoints="never",
            )
            for name, colour in (("warning", "orange"), ("critical", "red"))
        ),
    )


def panels() -> tuple[tuple[Json, tuple[Query, ...], tuple[int, int, int, int]], ...]:
    """Each panel, what it asks, and its x, y, width and height on a grid of 24 columns."""
    stacked = {"mode": "normal", "group": "A"}
    phases = curves(
        "Phases",
        "How long each phase of a run takes. Choose one mailbox: of several this is the average. A "
        "phase that was not needed is 0.",
        tuple(Query(label, by="nothing", name=label) for label in PHASES),
        lines("s", fillOpacity=40, stacking=stacked, showPoints="never"),
    )
    sides = curves(
        "Server and client time",
        "time_server: the time that the server says it needed itself (not by method graph). "
        "connection_time: to log on and list the Inbox. total_time: the whole run. Choose one "
        "mailbox: of several this is the average.",
        tuple(Query(label, by="nothing", name=label) for label in TIMES),
        lines("s"),
    )
    days = curves(
        "Certificate",
        "Days until the client certificate ends, the lowest of each service. Lines: the default "
        "thresholds.",
        (Query(CERTIFICATE, by="service", function="min"),),
        {
            **lines("d", thresholdsStyle={"mode": "dashed"}),
            "thresholds": steps(CERTIFICATE),
        },
    )
    items = curves(
        "Inbox",
        "Messages in the Inbox (methods mapi and graph).",
        (Query("inbox_items"),),
        lines("short"),
    )
    return (
        (*mailboxes(), (0, 0, 24, 8)),
        (*success(), (0, 8, 24, 8)),
        (*connection(), (0, 16, 12, 9)),
        (*phases, (12, 16, 12, 9)),
        (*sides, (0, 25, 12, 8)),
        (*days, (12, 25, 6, 8)),
        (*items, (18, 25, 6, 8)),
    )


def variable(database: Database, name: str, label: str, query: str, regex: str) -> Json:
    """A list to choose from, of what the database has; all of it at first."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": database.source,
        "definition": query,
        "query": query,
        "regex": regex,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": database.everything,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def source(database: Database) -> Json:
    """The list of data sources of the database's kind."""
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": database.kind,
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "current": {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def dashboard(database: Database) -> Json:
    """The dashboard in Grafana's classic model, without an id of its own: Grafana gives it one."""
    made = []
    for number, (panel, queries, (x, y, width, height)) in enumerate(panels(), 1):
        targets = [
            {"refId": ref, "datasource": database.source, **database.target(query)}
            for ref, query in zip(string.ascii_uppercase, queries)
        ]
        grid = {"x": x, "y": y, "w": width, "h": height}
        made.append(
            {
                "id": number,
                "gridPos": grid,
                **panel,
                "datasource": database.source,
                "targets": targets,
            }
        )
    return {
        "id": None,
        "uid": f"check-mapi-connectivity-{database.kind}",
        "title": f"MAPI connectivity ({database.title})",
        "description": f"Results of {PLUGIN}: can users log on to their Exchange mailboxes, and "
        "how long does it take.",
        "tags": ["exchange", "icinga", PLUGIN],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-24h", "to": "now"},
        "timepicker": {},
        "timezone": "",
        "refresh": "1m",
        "links": [],
        "annotations": {"list": []},
        "templating": {
            "list": [source(database), *(variable(database, *one) for one in database.variables)],
        },
        "panels": made,
    }


def files() -> dict[str, str]:
    """A dashboard for each database."""
    return {
        f"icinga-templates/grafana/{PLUGIN}-{database.kind}.json": json.dumps(
            dashboard(database), indent=2
        )
        + "\n"
        for database in (Influx(), Graphite())
    }
