"""End to end: days until the client secret ends, which Graph tells an app that may read itself."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

import pytest

from ..support.masks import masked
from ..support.ways import expected
from ..tenant.directory import DOMAIN
from ..tenant.material import CLIENT_IDS

DAY = 86400
LINE = f"MAPI OK - healthy@{DOMAIN}: Inbox listed in {{}} ({{}})"
PATH = f"/v1.0/applications(appId='{CLIENT_IDS['monitor']}')"


def credential(days, hint):
    """A passwordCredential that ends in so many days."""
    ends = datetime.fromtimestamp(time.time() + days * DAY, timezone.utc)
    return {
        "customKeyIdentifier": None,
        "displayName": "probe",
        "endDateTime": f"{ends:%Y-%m-%dT%H:%M:%S}Z",
        "hint": hint,
        "keyId": "8a0b1c2d-0000-4000-8000-000000000001",
        "secretText": None,
        "startDateTime": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def readable(tenant):
    """The app may read its own registration, whose secret ends in 90.5 days."""
    tenant.own_secrets = [
        credential(9, "zz~"),
        credential(90.5, tenant.material.secret[:3]),
        credential(400, None),
    ]


def asked(run):
    """How often the end was asked for."""
    return [path for _, path, _, _ in run.requests].count(PATH)


def remembered(tmp_path):
    """The document of the cache, and its path."""
    [path] = (tmp_path / "cache").glob("secret-*.json")
    return json.loads(path.read_text()), path


@pytest.mark.parametrize(
    ("section", "method", "listed", "limit", "tokens"),
    [("cmdlet-secret", "cmdlet", "0.041s", "1:", 2), ("graph-secret", "graph", "#s", "", 1)],
)
def test_asked_once_a_day(way, tenant, readable, tmp_path, section, method, listed, limit, tokens):
    """By method cmdlet, which needs no other token for Graph, where there is a limit."""
    more = ("--warning-for", f"secret_days={limit or 'none'}")
    run = way(section, "-vvv", *more)
    assert (run.line, run.code) == (LINE.format(listed, method), 0)
    assert run.perfdata == expected(method, secret=f"#;{limit}" if limit else "#")
    assert 90.4 < float(run.outcome.values()["secret_days"]) <= 90.5
    assert (asked(run), run.tokens) == (1, tokens)
    # Nor does the beginning of the secret show.
    assert tenant.material.secret not in run.stdout
    assert f'"{tenant.material.secret[:3]}"' not in run.stdout

    run = way(section, *more)
    assert 90.4 < float(run.outcome.values()["secret_days"]) <= 90.5
    assert (asked(run), run.tokens) == (0, 0)

    document, path = remembered(tmp_path)
    path.write_text(json.dumps({**document, "asked": document["asked"] - DAY}))
    tenant.own_secrets = None
    # By a token that is good still and says that it may.
    run = way(section, "-v", *more)
    assert (run.line, run.code, asked(run)) == (LINE.format(listed, method), 0, 1)
    assert run.outcome.values()["secret_days"] == "U"
    assert remembered(tmp_path)[0]["ends"] is None


LIMIT = ("--warning-for", "secret_days=1:")


def test_an_app_that_may_not_read_itself_is_told_so_by_its_token(way):
    """Graph is not asked, and there is no second sign-in before the next day."""
    run = way("cmdlet-secret", "-v", *LIMIT)
    assert (run.line, run.code) == (LINE.format("0.041s", "cmdlet"), 0)
    assert run.perfdata == expected("cmdlet", secret="U;1:")
    assert (asked(run), run.tokens) == (0, 2)
    why = (
        "the client secret's end is not known: the app may not read its own registration "
        "(Application.Read.All); asked again in a day"
    )
    assert why in run.words
    run = way("cmdlet-secret", *LIMIT)
    assert (run.perfdata, run.tokens) == (
        expected("cmdlet", service="reached", time_token="0s", secret="U;1:"),
        0,
    )


def test_without_a_limit_nobody_pays_for_a_second_token(way, readable):
    run = way("cmdlet-secret")
    assert (run.perfdata, run.tokens, asked(run)) == (expected("cmdlet", secret="U"), 1, 0)


def test_a_limit(way, readable):
    limits = ("--warning-for", "secret_days=100:", "--critical-for", "secret_days=10:")
    run = way("graph-secret", *limits)
    assert run.code == 1
    assert run.values()["secret_days"] == "#;100:;10:"


@pytest.mark.parametrize("arguments", [("--no-cache",), ("--sign-in-only", "--no-cache")])
def test_what_cannot_be_remembered_is_not_asked(way, readable, arguments):
    run = way("graph-secret", *arguments)
    assert (run.code, asked(run)) == (0, 0)
    assert run.values()["secret_days"] == "U"


def test_by_sign_in_only(way, readable):
    run = way("graph-secret", "--sign-in-only")
    values = run.outcome.values()
    assert (run.code, list(values)) == (0, ["sign_in", "time_token", "total_time", "secret_days"])
    assert 90.4 < float(values["secret_days"]) <= 90.5


def test_a_run_that_fails_does_not_ask_and_shows_what_is_known(way, tenant, readable):
    run = way("graph-secret", "-m", f"no-mailbox@{DOMAIN}")
    assert (asked(run), run.values()["secret_days"]) == (0, "U")
    assert asked(way("graph-secret")) == 1
    run = way("graph-secret", "-m", f"no-mailbox@{DOMAIN}")
    assert run.code == 2
    assert (asked(run), run.values()["secret_days"]) == (0, "#")


def test_a_graph_that_hangs_costs_little_and_once_a_day(way, tenant, readable):
    tenant.faults.on("graph", "silent")
    run = way("cmdlet-secret", "-t", "10", *LIMIT)
    assert (run.line, run.code) == (LINE.format("0.041s", "cmdlet"), 0)
    assert (run.perfdata, asked(run)) == (expected("cmdlet", secret="U;1:"), 1)
    assert run.seconds < 10
    run = way("cmdlet-secret", "-t", "10", *LIMIT)
    assert (run.code, asked(run)) == (0, 0)


def test_a_recording_of_it_is_replayed(way, readable, check, tmp_path):
    path = tmp_path / "recorded"
    # A recorded run has no cache, so it does not ask.
    run = way("graph-secret", "--record", path)
    assert (run.code, asked(run), run.values()["secret_days"]) == (0, 0, "U")
    again = check("--replay", path)
    line, _, perfdata = again.stdout.split("\n")[0].partition(" | ")
    assert (again.code, masked(perfdata)) == (0, run.perfdata)
    assert line.startswith(f"MAPI OK - healthy@{DOMAIN}: Inbox listed in ")


def test_tests_of_one_run_ask_once(way, readable):
    names = (f"healthy@{DOMAIN}", f"no-mailbox@{DOMAIN}")
    run = way("graph-secret", "-m", names[0], "-m", names[1], "--concurrency", "1")
    days = [value for label, value in run.values().items() if label.endswith("secret_days")]
    assert (run.code, days, asked(run)) == (2, ["#", "#"], 1)
