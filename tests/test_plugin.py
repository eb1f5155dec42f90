"""Judgement: states, thresholds, perfdata, and the one retry."""

from __future__ import annotations

import json
import time

import pytest

from check_mapi_connectivity import plugin
from check_mapi_connectivity.deadline import Deadline
from check_mapi_connectivity.report import Failure, Report, Stopwatch
from check_mapi_connectivity.vocabulary import KINDS, LABELS


class Clock:
    """A clock that is told what time it is."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def watch(*laps):
    clock = Clock()
    made = Stopwatch(clock)
    for name, seconds in laps:
        made.start(name)
        clock.now += seconds
    made.stop()
    return made


@pytest.fixture
def report():
    """A finished success."""
    return Report(
        "probe@contoso.com",
        "cmdlet",
        success=True,
        result="Success",
        server_latency=0.25,
        round_trip=0.5,
        connection_time=0.25,
        certificate_days=100.0,
        sign_in=watch(("signing", 0.125), ("request", 0.125)),
        service=watch(("dns", 0.0005), ("tcp", 0.0625), ("tls", 0.125), ("request", 0.5)),
    )


def conclude(report, options):
    text, code = plugin.conclude(options, report, time.monotonic() - 1.0)
    return text.split("\n")[0], code


def test_success(report, options):
    line, code = conclude(report, options())
    head, _, tail = line.partition(" | ")
    assert (head, code) == ("MAPI OK - probe@contoso.com: Inbox listed in 0.250s (cmdlet)", 0)
    assert tail.replace(tail.split()[9], "total_time=Ts") == (
        "mapi_connectivity=1;;;0;1 connection_time=0.25s time_token=0.25s time_dns=0.0005s time_tcp=0.0625s "
        "time_proxy=0s time_tls=0.125s time_request=0.5s time_server=0.25s total_time=Ts certificate_days=100;30:;7:"
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("usage", "moving")])
def test_every_kind_has_its_state_and_can_be_given_another(report, options, kind):
    report.success, report.failure = False, Failure(kind, "the cause")
    codes = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}
    line, code = conclude(report, options(timeout_state=KINDS["timeout"]))
    assert code == codes[KINDS[kind]]
    assert line.startswith(
        f"MAPI {KINDS[kind]} - probe@contoso.com: the cause | mapi_connectivity=0;;;0;1 connection_time=U "
    )
    for state, wanted in codes.items():
        chosen = options(states={**KINDS, kind: state}, timeout_state=state)
        assert conclude(report, chosen)[1] == wanted


def test_labels_are_the_same_in_every_state(report, options):
    def labels(line):
        return tuple(item.split("=")[0] for item in line.partition(" | ")[2].split())

    assert labels(conclude(report, options())[0]) == LABELS["cmdlet"]
    empty = Report("m", "cmdlet", failure=Failure("timeout", "late"))
    line, _ = conclude(empty, options())
    assert labels(line) == LABELS["cmdlet"]
    values = [item.split("=")[1].split(";")[0] for item in line.partition(" | ")[2].split()]
    # Without a proxy it took no time (contract 7.7).
    assert values[:9] == ["0", *"UUUU", "0s", *"UUU"]
    assert values[10] == "U"


def thresholds(**ranges):
    return {label: ranges.get(label, (None, None)) for label in LABELS["cmdlet"]}


@pytest.mark.parametrize(
    ("ranges", "code", "text"),
    [
        ({"connection_time": ("0.25", "1")}, 0, "Inbox listed"),
        ({"connection_time": ("0.2", "1")}, 1, "connection time 0.250s is outside 0:0.2"),
        ({"connection_time": ("0.1", "0.2")}, 2, "connection time 0.250s is outside 0:0.2"),
        ({"connection_time": ("0", None)}, 1, "connection time 0.250s is outside 0:0"),
        ({"connection_time": ("@0:1", None)}, 1, "connection time 0.250s is inside 0:1"),
        ({"connection_time": (None, "1:")}, 2, "connection time 0.250s is outside 1:"),
        ({"connection_time": (None, "~:0.1")}, 2, "connection time 0.250s is outside ~:0.1"),
        (
            {"time_tls": ("0.1", None), "connection_time": (None, "0.1")},
            2,
            "connection time 0.250s is outside 0:0.1; time_tls 0.125s",
        ),
        (
            {"certificate_days": ("200:", "100.5:")},
            2,
            "client certificate ends in 100.00 days, limit 100.5:",
        ),
        (
            {"mapi_connectivity": (None, "@1:1")},
            2,
            "mapi_connectivity 1 is inside 1:1",
        ),
    ],
)
def test_ranges(report, options, ranges, code, text):
    line, found = conclude(report, options(thresholds=thresholds(**ranges)))
    assert found == code
    assert line.split(" - ")[1].startswith(f"probe@contoso.com: {text}")


def test_missing_values_are_not_judged(report, options):
    report.success, report.failure = False, Failure("throttled", "slow down")
    limits = thresholds(connection_time=("0", "0"), time_server=("@0:9", None))
    assert conclude(report, options(thresholds=limits))[1] == 3 - 0


def test_failure_comes_first_and_names_what_made_it_worse(report, options):
    report.success, report.failure = False, Failure("throttled", "slow down", "wait", "HTTP 429")
    report.certificate_days = 3.0
    line, code = conclude(report, options(thresholds=thresholds(certificate_days=("30:", "7:"))))
    assert code == 2
    text = "slow down (HTTP 429); wait; client certificate ends in 3.00 days, limit 7:"
    assert line.partition(" | ")[0] == f"MAPI CRITICAL - probe@contoso.com: {text}"


def test_every_violated_limit_is_named_or_counted(report, options):
    limits = thresholds(
        **{label: ("@~:999", None) for label in LABELS["cmdlet"] if label != "mapi_connectivity"}
    )
    text, code = plugin.conclude(options(thresholds=limits), report, time.monotonic() - 1.0)
    line = text.partition(" | ")[0]
    assert code == 1
    assert line == (
        "MAPI WARNING - probe@contoso.com: connection time 0.250s is inside ~:999; 9 more limits violated"
    )
    assert text.count("  limit         WARNING: ") == 10


def test_a_failure_judged_ok_still_says_what_it_is(report, options):
    report.success, report.failure = False, Failure("throttled", "slow down", "wait", "HTTP 429")
    line, code = conclude(report, options(states={**KINDS, "throttled": "OK"}))
    assert (line.partition(" | ")[0], code) == (
        "MAPI OK - probe@contoso.com: slow down (HTTP 429); wait",
        0,
    )


def test_phases_of_a_run_that_went_through_a_proxy(report, options):
    report.service = watch(("dns", 0.5), ("proxy", 0.25), ("tls", 0.125), ("request", 0.5))
    report.proxied = True
    values = plugin.measurements(report)
    assert [values[f"time_{name}"] for name in ("dns", "tcp", "proxy", "tls", "request")] == [
        0.5,
        0.0,
        0.25,
        0.125,
        0.5,
    ]


def test_phase_that_is_not_over_has_no_value(report):
    report.service = watch(("dns", 0.5), ("tcp", 0.25))
    report.service.start("tls")
    values = plugin.measurements(report)
    assert [values[f"time_{name}"] for name in ("dns", "tcp", "proxy", "tls", "request")] == [
        0.5,
        0.25,
        0.0,
        None,
        None,
    ]


def test_a_phase_that_was_cut_off_has_no_value(report):
    report.service = watch(("tls", 0.125))
    report.service.start("execute")
    report.service.stop(finished=False)
    values = plugin.measurements(report)
    assert (values["time_tls"], values["time_execute"]) == (0.125, None)


@pytest.mark.parametrize(
    ("failure", "left", "took", "wait"),
    [
        (Failure("server", "x"), 30, 0, None),
        (Failure("server", "x", transient=True), 30, 0, 0.25),
        (Failure("server", "x", transient=True), 0.7, 0, None),
        (Failure("server", "x", transient=True), 10, 10, None),
        (Failure("throttled", "x", transient=True, retry_after=3.0), 30, 1, 3.0),
        (Failure("throttled", "x", transient=True, retry_after=31.0), 30, 0, None),
    ],
)
def test_wait_before_the_one_retry(failure, left, took, wait):
    assert plugin._wait(failure, Deadline(time.monotonic(), left), took) == wait


def test_second_refusal_after_a_wait_is_throttling():
    first = Failure("throttled", "x", code="HTTP 429")
    assert plugin._again_refused(first, Failure("server", "y", code="HTTP 503")).kind == "throttled"
    assert plugin._again_refused(None, Failure("server", "y", code="HTTP 503")).kind == "server"
    assert plugin._again_refused(first, Failure("server", "y", code="HTTP 500")).kind == "server"


def test_json_holds_the_same(report, options):
    text, code = plugin.conclude(options(json=True), report, time.monotonic())
    document = json.loads(text)
    assert (document["state"], document["exit_code"], code) == ("OK", 0, 0)
    assert document["reports"][0]["phases"]["service"][0] == {
        "name": "dns",
        "seconds": 0.0005,
        "finished": True,
    }
    assert text.count("\n") == 1
