"""Judgement: states, thresholds, performance data and its labels."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.vocabulary import DEFAULT_THRESHOLDS, KINDS, LABELS, prefixes
from check_mapi_connectivity.result.judge import measurements

from ..support.options import BY_CERTIFICATE
from ..support.reports import failed, judged, known, success, watch

A, B = "a.b@contoso.com", "c@contoso.com"


def perfdata(one):
    return " ".join(str(performance) for performance in one.performances)


def labels(one):
    return tuple(performance.label for performance in one.performances)


def test_success(options):
    [one] = judged([success()], options)
    assert (one.state, one.violations) == ("OK", [])
    assert perfdata(one) == (
        "mapi_connectivity=1;;;0;1 connection_time=0.25s time_token=0.25s time_dns=0.0005s "
        "time_tcp=0.0625s time_proxy=0s time_tls=0.125s time_request=0.5s time_server=0.25s "
        "total_time=1s certificate_days=100;30:;7:"
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("usage", "moving")])
def test_every_kind_has_its_state_and_can_be_given_another(options, kind):
    def state(**changes):
        return judged([failed(kind=kind)], options, **changes)[0].state

    assert state(timeout_state=KINDS["timeout"]) == KINDS[kind]
    for chosen in ("OK", "WARNING", "CRITICAL", "UNKNOWN"):
        assert state(states={**KINDS, kind: chosen}, timeout_state=chosen) == chosen


def test_what_a_signal_ended_is_unknown_whatever_a_timeout_is(options):
    report = failed(kind="timeout", judged_as="signal")
    assert judged([report], options, timeout_state="OK")[0].state == "UNKNOWN"


def test_a_moving_mailbox_has_a_state_of_its_own(options):
    assert judged([failed(kind="mailbox", judged_as="moving")], options)[0].state == "WARNING"


@pytest.mark.parametrize("method", LABELS)
def test_labels_are_the_same_in_every_state(options, method):
    empty = known("m", method, failure=Failure("timeout", "late"))
    for report in (success(method=method), empty):
        assert labels(judged([report], options)[0]) == BY_CERTIFICATE[method]
    values = [performance.value for performance in judged([empty], options)[0].performances]
    # Without a proxy it took no time (contract 7.7).
    assert values == [
        {"mapi_connectivity": "0", "sign_in": "0", "time_proxy": "0"}.get(label, "U")
        for label in BY_CERTIFICATE[method]
    ]


def ranges(**given):
    return {label: given.get(label, (None, None)) for label in BY_CERTIFICATE["cmdlet"]}


@pytest.mark.parametrize(
    ("given", "state", "texts"),
    [
        ({"connection_time": ("0.25", "1")}, "OK", []),
        (
            {"connection_time": ("0.2", "1")},
            "WARNING",
            ["Exchange itself took 0.250s: connection time 0.250s is outside 0:0.2"],
        ),
        (
            {"connection_time": ("0.1", "0.2")},
            "CRITICAL",
            ["Exchange itself took 0.250s: connection time 0.250s is outside 0:0.2"],
        ),
        (
            {"connection_time": ("0", None)},
            "WARNING",
            ["Exchange itself took 0.250s: connection time 0.250s is outside 0:0"],
        ),
        ({"connection_time": ("@0:1", None)}, "WARNING", ["connection time 0.250s is inside 0:1"]),
        ({"connection_time": (None, "1:")}, "CRITICAL", ["connection time 0.250s is outside 1:"]),
        (
            {"connection_time": (None, "~:0.1")},
            "CRITICAL",
            ["Exchange itself took 0.250s: connection time 0.250s is outside ~:0.1"],
        ),
        (
            {"connection_time": (None, "0.1"), "time_dns": ("0", None), "time_tls": ("0.1", None)},
            "CRITICAL",
            [
                "Exchange itself took 0.250s: connection time 0.250s is outside 0:0.1",
                "time_dns 0.001s is outside 0:0",
                "time_tls 0.125s is outside 0:0.1",
            ],
        ),
        (
            {"connection_time": ("0.1", None), "time_tls": (None, "0.1")},
            "CRITICAL",
            [
                "time_tls 0.125s is outside 0:0.1",
                "Exchange itself took 0.250s: connection time 0.250s is outside 0:0.1",
            ],
        ),
        (
            {"certificate_days": ("200:", "100.5:")},
            "CRITICAL",
            ["client certificate ends 2026-12-04, in 100 days (CRITICAL below 100.5)"],
        ),
        ({"mapi_connectivity": (None, "@1:1")}, "CRITICAL", ["mapi_connectivity 1 is inside 1:1"]),
    ],
)
def test_ranges(options, given, state, texts):
    [one] = judged([success()], options, thresholds=ranges(**given))
    assert one.state == state
    assert [text for _, text in one.violations] == texts


def test_missing_values_are_not_judged(options):
    limits = ranges(connection_time=("0", "0"), time_server=("@0:9", None))
    [one] = judged([failed(kind="throttled")], options, thresholds=limits)
    assert (one.state, one.violations) == ("UNKNOWN", [])


def test_a_failure_and_a_worse_limit(options):
    report = failed(kind="throttled", of={"certificate_days": 3.0})
    [one] = judged([report], options)
    assert one.state == "CRITICAL"
    assert one.violations == [
        ("CRITICAL", "client certificate ends 2026-12-04, in 3 days (CRITICAL below 7)")
    ]


def test_without_a_certificate_there_is_no_label_for_one(options):
    there = tuple(label for label in LABELS["mapi"] if not label.endswith("_days"))
    limits = dict.fromkeys(there, (None, None))
    [one] = judged([success(method="mapi", inbox_items=8)], options, thresholds=limits)
    assert labels(one) == there
    assert one.performances[-1] == ("inbox_items", "8", "", "", "", "", "")


def test_phases_of_a_run_that_went_through_a_proxy():
    way = watch(("dns", 0.5), ("proxy", 0.25), ("tls", 0.125), ("request", 0.5))
    values = measurements(success(service=way, proxied=True))
    assert [values[f"time_{name}"] for name in ("dns", "tcp", "proxy", "tls", "request")] == [
        0.5,
        0.0,
        0.25,
        0.125,
        0.5,
    ]


def test_phase_that_is_not_over_has_no_value():
    report = known("m", "cmdlet", service=watch(("dns", 0.5), ("tcp", 0.25)))
    report.times.service.start("tls")
    values = measurements(report)
    assert [values[f"time_{name}"] for name in ("dns", "tcp", "proxy", "tls", "request")] == [
        0.5,
        0.25,
        0.0,
        None,
        None,
    ]


def test_a_phase_that_was_cut_off_has_no_value():
    report = known("m", "mapi", service=watch(("tls", 0.125)))
    report.times.service.start("execute")
    report.times.service.stop(finished=False)
    values = measurements(report)
    assert (values["time_tls"], values["time_execute"]) == (0.125, None)


@pytest.mark.parametrize(
    ("mailboxes", "methods", "wanted"),
    [
        ((A,), ("cmdlet",), [""]),
        ((A,), ("mapi", "graph"), ["mapi_", "graph_"]),
        ((A, B), ("graph",), ["a_b_contoso_com_", "c_contoso_com_"]),
        (
            (A, B),
            ("graph", "mapi"),
            [
                "a_b_contoso_com_graph_",
                "a_b_contoso_com_mapi_",
                "c_contoso_com_graph_",
                "c_contoso_com_mapi_",
            ],
        ),
        (("o'neil-x@a.b", "ü@a.b"), ("graph",), ["o_neil-x_a_b_", "__a_b_"]),
    ],
)
def test_prefixes(mailboxes, methods, wanted):
    assert list(prefixes(mailboxes, methods).values()) == wanted


def test_addresses_that_would_look_the_same_get_a_suffix_of_their_own():
    # A digest of the address: the same in every run, whoever else is tested.
    one, other = "a_b_c_d_5d8afd14_", "a_b_c_d_8529161d_"
    found = prefixes(("a.b@c.d", "a_b@c.d", "e@c.d"), ("graph",))
    assert list(found.values()) == [one, other, "e_c_d_"]
    found = prefixes(("x@c.d", "a_b@c.d", "a-b@c.d", "a.b@c.d"), ("graph",))
    assert list(found.values()) == ["x_c_d_", other, "a-b_c_d_", one]
    assert prefixes(("a.b@c.d", "e@c.d"), ("graph",))["a.b@c.d", "graph"] == "a_b_c_d_"


ADDRESSES = st.lists(
    st.text(min_size=1, max_size=12) | st.text("a._-@", min_size=1, max_size=4),
    min_size=1,
    max_size=8,
    unique_by=str.lower,
)


@given(ADDRESSES, st.lists(st.sampled_from(list(LABELS)), min_size=1, unique=True))
def test_no_two_tests_share_a_label(mailboxes, methods):
    found = prefixes(tuple(mailboxes), tuple(methods))
    assert list(found) == [(mailbox, method) for mailbox in mailboxes for method in methods]
    printed = [prefix + label for (_, method), prefix in found.items() for label in LABELS[method]]
    assert len(set(printed)) == len(printed)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", label) for label in printed)


def test_each_report_has_its_own_labels_in_the_order_they_were_asked_for(options):
    reports = [failed(A), success(A, "graph", inbox_items=8), success(B), failed(B, "graph")]
    found = judged(reports, options)
    assert [one.report for one in found] == reports
    assert [one.state for one in found] == ["CRITICAL", "OK", "OK", "CRITICAL"]
    for one, prefix in zip(
        found, ("a_b_contoso_com", "a_b_contoso_com", "c_contoso_com", "c_contoso_com")
    ):
        method = one.report.method
        assert labels(one) == tuple(
            f"{prefix}_{method}_{label}" for label in BY_CERTIFICATE[method]
        )
    assert str(found[1].performances[0]) == "a_b_contoso_com_graph_mapi_connectivity=1;;;0;1"
    assert str(found[3].performances[0]) == "c_contoso_com_graph_mapi_connectivity=0;;;0;1"


def test_a_narrowed_threshold_holds_for_its_own_label_only(options):
    reports = [success(A), success(B)]
    limits = {
        prefix + label: DEFAULT_THRESHOLDS.get(label, (None, None))
        for prefix in ("a_b_contoso_com_", "c_contoso_com_")
        for label in BY_CERTIFICATE["cmdlet"]
    }
    limits["c_contoso_com_connection_time"] = (None, "0.125")
    one, other = judged(reports, options, thresholds=limits)
    assert (one.state, one.violations) == ("OK", [])
    assert other.violations == [
        ("CRITICAL", "Exchange itself took 0.250s: connection time 0.250s is outside 0:0.125")
    ]
    assert str(one.performances[1]) == "a_b_contoso_com_connection_time=0.25s"
    assert str(other.performances[1]) == "c_contoso_com_connection_time=0.25s;;0.125"


def test_hundreds_are_judged(options):
    reports = [success(f"m{number}@contoso.com") for number in range(200)]
    reports[150].certificate_days = 8.0
    found = judged(reports, options)
    assert [number for number, one in enumerate(found) if one.state != "OK"] == [150]
    assert found[150].violations[0][0] == "WARNING"


def test_a_label_with_a_dash_is_one_that_nagiosplugin_would_quote(options):
    [one, _] = judged([success("o-n@c.d"), success("p@c.d")], options)
    assert str(one.performances[1]).startswith("'o-n_c_d_connection_time'=0.25s")
