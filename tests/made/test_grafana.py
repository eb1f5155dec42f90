"""The Grafana dashboards: whole, of valid form, the same for both databases."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from jsonschema import Draft202012Validator

from check_mapi_connectivity.base.vocabulary import DEFAULT_THRESHOLDS, LABELS
from generate import grafana

from ..conftest import ROOT

SCHEMA = json.loads((ROOT / "tests/dashboard.schema.json").read_text())
DASHBOARDS = {path: json.loads(text) for path, text in grafana.files().items()}
EVERY_LABEL = {label for labels in LABELS.values() for label in labels}

#: Label -> why no panel shows it.
LEFT_OUT = {
    "address_book": "the services' states tell it, and it ends like its time",
    "secret_days": "unknown to most; the services' states tell of a limit",
    "sign_in": "a service of its own, of which the state says the same",
}

EACH = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=lambda one: one["uid"])


def texts(dashboard):
    """The queries of all panels."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target.get("query") or target["target"]


def label_of(text):
    """The label that a query is about, behind any prefix."""
    found = re.findall(r"\$\{prefix:\w+\}(\w+)", text)
    assert len(found) == 1, text
    return found[0]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@EACH
def test_form(dashboard):
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(dashboard)]
    assert errors == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.update(id=7),
        lambda one: one["panels"][0].pop("gridPos"),
        lambda one: one["panels"][1].update(typ="table"),
        lambda one: one["panels"][2]["targets"][0].update(datasource="InfluxDB"),
        lambda one: one["panels"][0]["options"]["sortBy"][0].update(desc="no"),
        lambda one: one["templating"]["list"][1].update(regex="no slashes"),
    ],
)
@EACH
def test_a_spoilt_form_is_noticed(dashboard, spoil):
    copy = json.loads(json.dumps(dashboard))
    spoil(copy)
    assert not Draft202012Validator(SCHEMA).is_valid(copy)


@EACH
def test_every_label_is_shown_or_left_out_with_a_reason(dashboard):
    shown = {label_of(text) for text in texts(dashboard)}
    assert shown | set(LEFT_OUT) == EVERY_LABEL
    assert not shown & set(LEFT_OUT)


def test_no_label_ends_like_another():
    """So a label is found by its end, whatever stands before it."""
    for one, other in itertools.permutations(EVERY_LABEL - set(LEFT_OUT), 2):
        assert not one.endswith(other)


@EACH
def test_panels_and_queries_are_numbered_once_and_lie_side_by_side(dashboard):
    panels = dashboard["panels"]
    numbers = [panel["id"] for panel in panels]
    assert sorted(set(numbers)) == numbers
    fields = []
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        fields += itertools.product(
            range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        )
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == sorted(set(refs))
    assert len(fields) == len(set(fields))
    assert len(fields) == 24 * (1 + max(y for _, y in fields)), "a hole in the grid"


def test_both_have_the_same_panels():
    influxdb, graphite = (
        [
            {name: value for name, value in panel.items() if name not in ("datasource", "targets")}
            | {"targets": [target["refId"] for target in panel["targets"]]}
            for panel in one["panels"]
        ]
        for one in DASHBOARDS.values()
    )
    assert influxdb == graphite
    labels = [[label_of(text) for text in texts(one)] for one in DASHBOARDS.values()]
    assert labels[0] == labels[1]


@EACH
def test_queries_use_all_variables_and_no_others(dashboard):
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    for text in texts(dashboard):
        assert set(re.findall(r"\$\{(\w+)", text)) == variables - {"datasource"}


@EACH
def test_limits_of_the_certificate_are_the_default_thresholds(dashboard):
    text = json.dumps(dashboard)
    warning, critical = (
        float(limit.rstrip(":")) for limit in DEFAULT_THRESHOLDS["certificate_days"]
    )
    for colour, value in (("orange", critical), ("green", warning)):
        assert text.count(json.dumps({"color": colour, "value": value})) == 2


@EACH
def test_columns_of_the_table_are_told_apart(dashboard):
    """Each query's series are reduced by a step of its own, and no other step takes them."""
    table = next(panel for panel in dashboard["panels"] if panel["type"] == "table")
    steps = [one for one in table["transformations"] if one["id"] == "reduce"]
    reducers = [one["options"]["reducers"] for one in steps]
    assert len(reducers) == len(table["targets"]) == len({one[0] for one in reducers})
    (rename,) = (one for one in table["transformations"] if one["id"] == "renameByRegex")
    for query in (query for _, query, _, _ in grafana.COLUMNS):
        for name in (f"host / a service / {query.ending}", f"h / s / a_b_graph_{query.ending}"):
            fits = [re.search(one["filter"]["options"].strip("/"), name) for one in steps]
            assert [bool(one) for one in fits].count(True) == 1
            rest = re.fullmatch(rename["options"]["regex"], name)
            assert rest and rest[1] in ("host / a service", "h / s / a_b_graph")
