"""Stopwatch and Report."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.failure import FEDERATION, CheckFailure, Failure
from check_mapi_connectivity.base.report import KDC, Phase, Report, Stopwatch

from ..support.reports import Clock, known


def test_stopwatch_charges_one_phase_at_a_time():
    clock = Clock()
    watch = Stopwatch(clock)
    assert (watch.phases(), watch.total(), watch.current) == ([], None, None)
    watch.start("dns")
    clock.now = 1.0
    watch.start("tls")
    clock.now = 3.0
    assert watch.phases() == [Phase("dns", 1.0, True), Phase("tls", 2.0, False)]
    assert (watch.total(), watch.current) == (None, "tls")
    watch.stop()
    watch.stop()
    assert (watch.total(), watch.current) == (3.0, None)


def test_times_of_one_name_add_up_where_it_came_last():
    clock = Clock()
    watch = Stopwatch(clock)
    for name in ("request", "dns", "request"):
        watch.start(name)
        clock.now += 1.0
    watch.stop()
    assert watch.phases() == [Phase("dns", 1.0, True), Phase("request", 2.0, True)]


def test_discarded_phase_never_was():
    watch = Stopwatch(Clock())
    watch.start("request")
    watch.discard()
    assert (watch.phases(), watch.current) == ([], None)


def test_where_the_run_is():
    report = Report("m", "cmdlet")
    assert report.times.where() == "phase start"
    report.times.sign_in.start("dns")
    assert report.times.where() == "sign-in, phase dns"
    report.times.sign_in.stop()
    report.times.service.start("request")
    assert report.times.where() == "phase request"


@pytest.mark.parametrize(
    ("start", "signal", "cause"),
    [
        ("service", None, "no answer to MAPI Execute from mail.example in 2.5s"),
        (
            "sign_in",
            "SIGTERM",
            "ended by SIGTERM after 2.5s in sign-in, phase execute (mail.example)",
        ),
    ],
)
def test_what_time_or_a_signal_ends_is_named(start, signal, cause):
    report = known("m", "mapi", host="mail.example")
    getattr(report.times, start).start("execute")
    failure = report.times.timed_out(2.5, signal)
    assert (failure.kind, failure.cause) == ("timeout", cause)
    assert ("scheduler's own limit" if signal else "database may hang") in failure.remedy
    assert failure.judged_as == ("signal" if signal else "")


@pytest.mark.parametrize(
    ("watch", "phase", "whose", "host", "cause", "remedy"),
    [
        ("sign_in", "dns", "", "a.b", "no DNS answer for a.b", "check /etc/resolv.conf"),
        ("service", "tcp", "", "a.b", "no connection to a.b", "check firewall and route"),
        (
            "service",
            "tls",
            "",
            "a.b",
            "no TLS handshake with a.b",
            "check the proxy, then the firewall",
        ),
        ("service", "proxy", "", "proxy p:1", "no answer from proxy p:1", "check the proxy"),
        ("service", "request", "", "a.b", "no complete answer from a.b", "see M365 health"),
        (
            *("sign_in", "request", "", "a.b", "no complete answer from a.b"),
            "check the proxy, then the firewall, then M365 health",
        ),
        (
            *("sign_in", "request", FEDERATION, "a.b"),
            *("no complete answer from federation server a.b", "check that server"),
        ),
        (
            *("discovery", "request", "", "a.b"),
            *("no complete answer to Autodiscover from a.b", "check IIS"),
        ),
        (
            *("discovery", "request", "", "autodiscover-s.outlook.com"),
            "no complete answer to Autodiscover from autodiscover-s.outlook.com",
            "see M365 health",
        ),
        # Whose server it is counts while users sign in there.
        (
            "service",
            "connect",
            FEDERATION,
            "a.b",
            "no answer to MAPI Connect from a.b",
            "check IIS",
        ),
    ],
)
def test_what_is_missing_is_told_with_whose_server_it_is(watch, phase, whose, host, cause, remedy):
    report = known("m", "mapi", host=host, whose=whose)
    getattr(report.times, watch).start(phase)
    failure = report.times.timed_out(2.5)
    assert failure.cause == f"{cause} in 2.5s"
    assert failure.remedy.startswith(f"{remedy}; ")
    assert failure.during == ("sign-in" if watch == "sign_in" else "")


def test_a_kdc_that_does_not_answer_is_named():
    report = known("m", "cmdlet", host=KDC)
    report.times.sign_in.start("proxy")
    failure = report.times.timed_out(2.5)
    cause = "no answer from the KDC in 2.5s"
    assert (failure.kind, failure.cause) == ("timeout", cause)
    assert "check /etc/krb5.conf" in failure.remedy
    cause = "ended by SIGTERM after 2.5s in sign-in, phase kerberos (the KDC)"
    assert report.times.timed_out(2.5, "SIGTERM").cause == cause


def test_a_test_whose_turn_never_came_names_those_in_its_way():
    failure = Report("m", "graph").not_begun(4)
    assert failure.kind == "untested"
    assert failure.cause == "not tested: the time was up before its turn"
    assert failure.remedy == "see what hangs; raise --timeout or --concurrency"
    assert failure.detail == "4 others had not ended yet"


def test_failure_travels_as_neither_oserror_nor_valueerror():
    error = CheckFailure(Failure("mailbox", "moving", judged_as="moving"))
    assert not isinstance(error, (OSError, ValueError, RuntimeError))
    assert error.failure.state_key == "moving"
