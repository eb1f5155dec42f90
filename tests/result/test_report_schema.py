"""docs/report.schema.json describes every document of `--json`, and nothing else."""

from __future__ import annotations

import copy
import json

import pytest
from jsonschema import Draft202012Validator

from check_mapi_connectivity.base.clock_skew import Skew
from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.credentials import Proxy
from check_mapi_connectivity.base.report import Exchange, Row
from check_mapi_connectivity.base.vocabulary import KINDS, LABELS, STATES
from check_mapi_connectivity.explain import text as explain_text
from check_mapi_connectivity.result import document, output

from ..conftest import ROOT
from ..support.explained import CREDENTIALS, furnish
from ..support.explained import asked as explained
from ..support.options import about
from ..support.reports import asked, failed, judged, success

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
PARTS = SCHEMA["$defs"]


def validate(found, shape):
    """The document where the schema takes it as `shape`, and as no other."""
    Draft202012Validator(SCHEMA).validate(found)
    takes = [
        name
        for name in ("result", "usage_error", "explanation")
        if Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{name}"}]}).is_valid(found)
    ]
    assert takes == [shape]
    return found


def built(reports, options, limits=(), **changes):
    """The document of some reports; `limits` are (label, (warning, critical))."""
    if limits:
        changes["thresholds"] = {**asked(reports, options).judging.thresholds, **dict(limits)}
    chosen = asked(reports, options, **changes)
    return json.loads(
        document.build("OK", "line", judged(reports, options, **changes), **about(chosen))
    )


def objects(part, path="#"):
    """(path, schema) of each object that the schema describes."""
    if isinstance(part, dict):
        if "properties" in part:
            yield path, part
        for name, inner in part.items():
            yield from objects(inner, f"{path}/{name}")
    elif isinstance(part, list):
        for inner in part:
            yield from objects(inner, path)


def test_the_schema_is_a_schema_that_closes_and_describes_everything():
    Draft202012Validator.check_schema(SCHEMA)
    for path, part in objects(SCHEMA):
        assert part["additionalProperties"] is False, path
        assert set(part["required"]) <= set(part["properties"]), path
        for name, member in part["properties"].items():
            assert member.get("description") or "$ref" in member, f"{path}/{name}"
    for name, part in PARTS.items():
        assert part["description"], name


def test_the_words_are_those_of_the_contract():
    assert PARTS["state"]["enum"] == list(STATES)
    kinds = PARTS["failure"]["properties"]["kind"]["enum"]
    assert kinds == [kind for kind in KINDS if kind != "moving"]
    assert PARTS["report"]["properties"]["method"]["enum"] == list(LABELS)
    assert PARTS["result"]["properties"]["cloud"]["enum"] == [*CLOUDS, None]
    for shape in ("result", "usage_error", "explanation"):
        version = PARTS[shape]["properties"]["format_version"]["const"]
        assert version == output.FORMAT_VERSION


@pytest.mark.parametrize("name", ["recording", "replay"])
def test_what_recordings_and_replays_add(options, name):
    text = output.render_json(built([failed()], options))
    validate(json.loads(output.extended(text, name, "of x.json", as_json=True)), "result")


def test_the_clock_and_the_name_of_a_code(options):
    report = failed(code="ErrorServerBusy")
    report.times.skew = Skew("login.example", -3.5)
    [found] = validate(built([report], options), "result")["reports"]
    assert found["clock"] == {"host": "login.example", "offset": -3.5}
    assert found["failure"]["link"] == "https://learn.microsoft.com/graph/errors"


@pytest.mark.parametrize("method", LABELS)
def test_reports_of_every_method(options, facts, method):
    full = success(
        method=method,
        certificate=facts,
        inbox_items=2,
        unread=1,
        rows=[Row("a", 1.5, 10), Row("b", None, None, ""), Row("c", 2.0, None, "subject")],
        ids={"request-id": "1"},
        facts={"endpoint": "x", "odd": ""},
        exchanges=[Exchange("GET u", [("A", "b")], ["x"], "HTTP 200", [("C", "")], [])],
    )
    bare = failed("b@x.y", method, "timeout", "late", during="sign-in", code="c", detail="d")
    validate(built([bare], options), "result")
    validate(built([full, bare], options), "result")
    [found] = validate(built([full], options), "result")["reports"]
    assert [row["id"] for row in found["inbox"]["rows"]] == ["a", "b", "c"]
    assert found["inbox"]["newest"] == 2.0
    assert found["request_ids"] == {"request-id": "1"}
    assert [exchange["request"] for exchange in found["exchanges"]] == ["GET u"]


def test_every_kind_of_failure(options):
    for kind in KINDS:
        given = {"kind": "mailbox", "judged_as": kind} if kind == "moving" else {"kind": kind}
        found = validate(built([failed(**given)], options), "result")
        assert set(found["reports"][0]["failure"]) <= set(PARTS["failure"]["properties"])


def test_violated_limits_and_a_proxy(options):
    limits = [("connection_time", ("0.1", None)), ("time_tls", (None, "@0:9"))]
    proxy = Proxy("proxy", 3128, "HTTPS_PROXY")
    found = validate(built([success()], options, limits, proxy=proxy), "result")
    states = [limit["state"] for limit in found["reports"][0]["limits"]]
    assert (states, found["proxy"]) == (["CRITICAL", "WARNING"], "proxy:3128")


def test_a_usage_error():
    text = output.complain("a" * 200, ("one", "two"), as_json=True)
    validate(json.loads(text), "usage_error")


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_explanation(there, name):
    furnish(there)
    method = "mapi" if name in ("login", "ticket") else "cmdlet"
    options = explained("--json", *CREDENTIALS[name], "--method", method)
    found = validate(json.loads(explain_text.build(options, 0.0)), "explanation")
    assert (found["certificate"] is None) == (name != "certificate")


def test_an_unknown_or_missing_member_is_refused(options, facts, there):
    """In every object of every shape that a document shows."""
    furnish(there)
    report = success(certificate=facts)
    report.finding.rows = [Row("a", 1.5, 10)]
    report.trace.exchanges = [Exchange("GET u", [], [], "HTTP 200", [], [])]
    limits = [("connection_time", ("0.1", None))]
    words = explained("--json", *CREDENTIALS["certificate"])
    validator = Draft202012Validator(SCHEMA)
    for found in (
        built([report], options, limits),
        built([failed("b@x.y")], options),
        json.loads(output.complain("a", ("b",), as_json=True)),
        json.loads(explain_text.build(words, 0.0)),
    ):
        places = [place for place in paths(found) if place[-1:] not in (["facts"], ["request_ids"])]
        for place in places:
            spoilt = copy.deepcopy(found)
            at(spoilt, place)["unknown_member"] = 1
            assert not validator.is_valid(spoilt), place
        for name in found:
            assert not validator.is_valid({key: found[key] for key in found if key != name}), name


def paths(value, here=()):
    """Where the objects of a document are; of a list the first stands for all."""
    if isinstance(value, dict):
        yield list(here)
        for name, inner in value.items():
            yield from paths(inner, (*here, name))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*here, 0))


def at(value, place):
    """The part of a document at a path."""
    for step in place:
        value = value[step]
    return value


#: Section of the practice tenant, more options.
RUNS = [
    ("cmdlet", ("-vv",)),
    ("methods", ("-vvv",)),
    ("mapi", ("-vvv",)),
    ("many-graph", ("-v",)),
    ("cmdlet", ("-m", "unlicensed@practice.example", "-w", "0")),
]


@pytest.mark.parametrize(("section", "more"), RUNS)
def test_runs_against_the_practice_tenant(way, section, more):
    run = way(section, "--json", *more)
    found = validate(json.loads(run.stdout), "result")
    assert (run.stderr, found["exit_code"]) == ("", run.code)


def test_a_usage_error_of_the_process(check):
    run = check("--json", "--nonsense")
    found = validate(json.loads(run.stdout), "usage_error")
    assert (run.code, found["summary"]) == (3, "unknown option --nonsense; see --help")
