"""One run from its start to its last words: at its end, at the deadline, on a signal."""

from __future__ import annotations

import json
import threading
import time

import pytest

from check_mapi_connectivity import __main__, plugin
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.result import conclusion

from ..support.options import command
from ..support.reports import asked, failed, known, success


def conclude(reports, options):
    text, code = conclusion.conclude(options, reports, Deadline(time.monotonic() - 1.0, 30.0))
    return text.split("\n"), code


def test_one_report(options):
    [line, *_], code = conclude([success()], options())
    head, _, tail = line.partition(" | ")
    assert (head, code) == ("MAPI OK - probe@contoso.com: Inbox listed in 0.250s (cmdlet)", 0)
    assert tail.startswith("mapi_connectivity=1;;;0;1 connection_time=0.25s time_token=0.25s ")
    assert tail.endswith(" certificate_days=100;30:;7:")


def test_the_time_of_one_test_is_that_of_the_run(options):
    report = success()
    before = time.monotonic()
    conclusion.conclude(options(), [report], Deadline(before - 5.0, 30.0))
    assert 5.0 <= report.times.total <= time.monotonic() - before + 5.0


def test_the_time_of_one_of_several_is_its_own(options):
    now = time.monotonic()
    reports = [
        success("a@x.y", begun=now - 9.0, ended=now - 7.0),
        known("b@x.y", "cmdlet", begun=now - 3.0, failure=Failure("timeout", "late")),
        known("c@x.y", "cmdlet", failure=Failure("timeout", "never begun")),
    ]
    conclusion.conclude(asked(reports, options), reports, Deadline(now - 20.0, 30.0))
    assert reports[0].times.total == 2.0
    assert 3.0 <= reports[1].times.total < 20.0
    assert reports[2].times.total == 0.0


def test_failure_comes_first_and_names_what_made_it_worse(options):
    report = failed(kind="throttled", cause="slow down", remedy="wait", code="HTTP 429")
    report.certificate_days = 3.0
    [line, *_], code = conclude([report], options())
    assert code == 2
    text = "slow down (HTTP 429); wait; 1 more limit violated"
    assert line.partition(" | ")[0] == f"MAPI CRITICAL - probe@contoso.com: {text}"


def test_every_violated_limit_is_named_or_counted(options):
    limits = {
        label: ("@~:999", None)
        for label in options().judging.thresholds
        if label != "mapi_connectivity"
    }
    limits["mapi_connectivity"] = (None, None)
    lines, code = conclude([success()], options(thresholds=limits))
    assert code == 1
    assert lines[0].partition(" | ")[0] == (
        "MAPI WARNING - probe@contoso.com: connection time 0.250s is inside ~:999; 9 more limits "
        "violated"
    )
    assert sum(line.startswith("  limit         WARNING: ") for line in lines) == 3
    assert "                7 more limits violated; -v shows all" in lines


def test_a_failure_judged_ok_still_says_what_it_is(options):
    report = failed(kind="throttled", cause="slow down", remedy="wait", code="HTTP 429")
    states = {**options().judging.states, "throttled": "OK"}
    [line, *_], code = conclude([report], options(states=states))
    assert (line.partition(" | ")[0], code) == (
        "MAPI OK - probe@contoso.com: slow down (HTTP 429); wait",
        0,
    )


def test_the_worst_of_several_decides(options):
    reports = [success("a@x.y"), failed("b@x.y", kind="throttled"), success("c@x.y")]
    reports[2].certificate_days = 20.0
    assert conclude(reports, asked(reports, options))[1] == 3
    reports[2].certificate_days = 2.0
    assert conclude(reports, asked(reports, options))[1] == 2


def test_json_holds_the_same(options):
    lines, code = conclude([success()], options(json=True))
    [line, end] = lines
    document = json.loads(line)
    assert (document["state"], document["exit_code"], code, end) == ("OK", 0, 0, "")
    assert document["reports"][0]["phases"]["service"][0] == {
        "name": "dns",
        "seconds": 0.0005,
        "finished": True,
    }


def test_json_of_several(options):
    reports = [success("a@x.y"), failed("b@x.y", cause="gone"), success("c@x.y")]
    [line, _], code = conclude(reports, asked(reports, options, json=True))
    document = json.loads(line)
    assert (document["state"], document["exit_code"], code) == ("CRITICAL", 2, 2)
    assert document["summary"] == "1 of 3 mailboxes not OK: b@x.y: gone"
    assert [(one["mailbox"], one["state"]) for one in document["reports"]] == [
        ("a@x.y", "OK"),
        ("b@x.y", "CRITICAL"),
        ("c@x.y", "OK"),
    ]
    assert document["reports"][1]["perfdata"][0]["label"] == "b_x_y_mapi_connectivity"


def test_secrets_are_masked_in_all_reports(options):
    reports = [failed("a@x.y", cause="says hunter22"), failed("b@x.y", cause="echoes hunter33")]
    reports[0].confidences.secrets.add("hunter22")
    reports[1].confidences.secrets.add("hunter33")
    lines, _ = conclude(reports, asked(reports, options))
    assert "hunter" not in "\n".join(lines)
    assert lines[0].startswith("MAPI CRITICAL - all 2 mailboxes not OK, worst a@x.y: says *** | ")


class Watchdog:
    """Stands for the watchdog: `bark` gives the last words, as at the deadline or on a signal."""

    def __init__(self, deadline, last_words, write):
        self.deadline, self.bark = deadline, last_words
        self.claimed = False
        Watchdog.last = self

    def start(self):
        """Nothing to watch."""

    def claim(self):
        self.claimed = True
        return True


@pytest.fixture
def run(options, monkeypatch):
    """`run(do, **options)` -> what plugin.run gives where the Runner does `do(reports, show)`."""
    monkeypatch.setattr(plugin, "Watchdog", Watchdog)

    def start(do, *, terminal=None, waited=0.0, **changes):
        class Runner:
            def __init__(self, chosen, deadline, reports, show, recorder):
                self.reports, self.show = reports, show

            def run(self):
                do(self.reports, self.show)

        monkeypatch.setattr(plugin, "Runner", Runner)
        asked_for = command(options(**changes))._replace(waited=waited)
        return __main__.carry_out(asked_for, time.monotonic(), terminal)[:2]

    return start


MANY = {"mailboxes": ("a@x.y", "b@x.y", "c@x.y", "d@x.y"), "methods": ("graph",)}


def succeed(report):
    report.times.begun = time.monotonic()
    report.success, report.finding.connection_time = True, 0.25
    report.times.ended = time.monotonic()


def test_a_run_to_its_end(run):
    def do(reports, show):
        for report in reports:
            succeed(report)

    text, code = run(do, **MANY)
    assert code == 0
    assert text.startswith("MAPI OK - 4 mailboxes: Inbox listed in 0.250s at most (graph) | ")
    assert Watchdog.last.claimed


def test_a_diagnosis_is_printed_as_often_as_asked_for(run, tmp_path):
    def well(reports, show):
        succeed(reports[0])

    def broken(reports, show):
        reports[0].failure = Failure("server", "trouble", "wait")

    def lines(do, **changes):
        return run(do, frequency=(3, 1), cache_dir=str(tmp_path / "cache"), **changes)[0].count(
            "\n"
        )

    seen = [lines(do) > 1 for do in [well] * 4 + [broken] * 2 + [well] * 2]
    assert seen == [True, False, False, True, True, True, True, False]
    assert lines(well, verbose=1) > 1
    assert lines(well, diagnosis=False) == 1


def test_a_usage_error_is_a_change_of_state(run, tmp_path):
    def well(reports, show):
        succeed(reports[0])

    def expired(reports, show):
        raise UsageError("expired")

    chosen = {"frequency": (9, 9), "cache_dir": str(tmp_path / "cache")}
    assert run(well, **chosen)[0].count("\n") > 1
    assert run(well, **chosen)[0].count("\n") == 1
    with pytest.raises(UsageError):
        run(expired, **chosen)
    assert run(well, **chosen)[0].count("\n") > 1


def test_reports_are_made_for_each_mailbox_and_method(run):
    seen = []

    def do(reports, show):
        seen.extend((one.mailbox, one.method, one.archive) for one in reports)
        for report in reports:
            succeed(report)

    run(do, mailboxes=("a@x.y", "b@x.y"), methods=("graph", "cmdlet"), archive=True)
    assert seen == [
        ("a@x.y", "graph", False),
        ("a@x.y", "cmdlet", True),
        ("b@x.y", "graph", False),
        ("b@x.y", "cmdlet", True),
    ]


def test_time_that_a_person_took_to_type_is_not_the_runs(run):
    before = time.monotonic()
    run(lambda reports, show: succeed(reports[0]), waited=100.0, timeout=20.0)
    assert before + 100.0 <= Watchdog.last.deadline.started <= time.monotonic() + 100.0
    assert Watchdog.last.deadline.seconds == 20.0


def half_way(reports, show):
    """One done, one failed, one in phase tls, one not begun."""
    succeed(reports[0])
    reports[1].times.begun = reports[2].times.begun = time.monotonic()
    reports[1].failure = Failure("mailbox", "gone")
    reports[1].times.ended = time.monotonic()
    reports[2].times.host = "graph.example"
    reports[2].times.service.start("tls")


def last_words(signal=None):
    """A Runner's work that is ended by the deadline or a signal; keeps what is said then."""

    def do(reports, show):
        half_way(reports, show)
        do.text, do.code = Watchdog.last.bark(signal)

    return do


def test_at_the_deadline(run):
    do = last_words()
    run(do, timeout=7.5, **MANY)
    lines = do.text.split("\n")
    assert do.code == 2
    assert lines[0].startswith("MAPI CRITICAL - 3 of 4 mailboxes not OK, worst b@x.y: gone | ")
    assert [line for line in lines if line.startswith("[")] == [
        "[CRITICAL] b@x.y by graph: gone",
        "[CRITICAL] c@x.y by graph: no TLS handshake with graph.example in 7.5s",
        "[UNKNOWN] d@x.y by graph: not tested: the time was up before its turn",
        "[OK] a@x.y by graph: Inbox listed in 0.250s (graph)",
    ]


def test_at_the_deadline_by_its_own_state(run):
    do = last_words()
    run(do, timeout=7.5, timeout_state="UNKNOWN", **MANY)
    states = [line.partition("]")[0] for line in do.text.split("\n") if line.startswith("[")]
    assert (do.code, states) == (2, ["[CRITICAL", "[UNKNOWN", "[UNKNOWN", "[OK"])


def test_on_a_signal(run):
    do = last_words("SIGTERM")
    run(do, **MANY)
    causes = [line for line in do.text.split("\n") if line.startswith("[UNKNOWN]")]
    assert len(causes) == 2
    assert causes[0].startswith("[UNKNOWN] c@x.y by graph: ended by SIGTERM after ")
    assert causes[0].endswith("s in phase tls (graph.example)")
    assert causes[1].endswith("s in phase start")
    assert do.code == 2


def test_one_that_has_not_begun_has_timed_out(run):
    found = []
    run(lambda reports, show: found.append(Watchdog.last.bark(None)), timeout=5.0)
    [(text, code)] = found
    assert code == 2
    assert text.partition(" | ")[0] == (
        "MAPI CRITICAL - probe@contoso.com: timed out after 5s in phase start; raise "
        "--timeout; this host "
        "is overloaded"
    )


def test_what_was_decided_stays_decided(run):
    found = []

    def do(reports, show):
        reports[0].times.begun = time.monotonic()
        reports[0].success, reports[0].finding.connection_time = True, 0.25
        reports[0].times.service.start("disconnect")
        found.append(Watchdog.last.bark(None))

    run(do, methods=("mapi",))
    [(text, code)] = found
    assert code == 0
    assert "  note          the time was up before the session was ended\n" in text


def test_a_bug_in_the_last_words_is_told(run, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("secret")

    found = []
    monkeypatch.setattr(plugin, "_conclude_running", broken)
    run(lambda reports, show: found.append(Watchdog.last.bark(None)))
    text = "MAPI UNKNOWN - internal error: ZeroDivisionError at the deadline; please report it\n"
    assert found == [(text, 3)]


def test_an_error_of_the_runner_reaches_the_caller_after_the_claim(run):
    def do(reports, show):
        raise UsageError("no such file")

    with pytest.raises(UsageError, match="no such file"):
        run(do, **MANY)
    assert Watchdog.last.claimed


def test_where_the_watchdog_has_the_last_word_nothing_is_said(run, monkeypatch):
    class Waited(Exception):
        pass

    class Event:
        def wait(self):
            raise Waited

    monkeypatch.setattr(Watchdog, "claim", lambda self: False)
    monkeypatch.setattr(threading, "Event", Event)
    with pytest.raises(Waited):
        run(half_way, **MANY)


def test_progress_is_for_a_person_who_asked_for_it(run, monkeypatch):
    shown = []

    class Progress:
        def __init__(self, descriptor, total):
            shown.append((descriptor, total))

        def show(self, done, bad):
            shown.append((done, bad))

        def clear(self):
            shown.append("clear")

    def do(reports, show):
        half_way(reports, show)
        show(reports)

    monkeypatch.setattr(plugin.output, "Progress", Progress)
    run(do, terminal=7, verbose=1, **MANY)
    assert shown == [(7, 4), (2, 1), "clear"]
    for changes in ({**MANY, "verbose": 0}, {"verbose": 1}):
        shown.clear()
        run(do if "mailboxes" in changes else lambda reports, show: None, terminal=7, **changes)
        assert shown[0][0] is None


class Changing(dict):
    """Facts that change while they are looked at: `left` times more."""

    left = 0

    def values(self):
        if Changing.left > 0:
            Changing.left -= 1
            raise RuntimeError("dictionary changed size during iteration")
        return super().values()


@pytest.mark.parametrize("times", [0, 1, plugin._LOOKS])
def test_a_report_that_changes_is_looked_at_again(options, times):
    report = success("a@x.y", "graph", 0.5, facts=Changing(endpoint="there"))
    Changing.left = times
    chosen, deadline = asked([report], options), Deadline(time.monotonic(), 30.0)
    text, code = plugin._conclude_running(chosen, [report], deadline)
    assert (code, Changing.left) == (0, 0)
    assert "  endpoint      there\n" in text


def test_a_report_that_never_stops_changing_is_given_up(options):
    report = success("a@x.y", "graph", 0.5, facts=Changing(endpoint="there"))
    Changing.left = 1000
    with pytest.raises(RuntimeError, match="changed size"):
        plugin._conclude_running(
            asked([report], options), [report], Deadline(time.monotonic(), 30.0)
        )
    assert Changing.left == 1000 - plugin._LOOKS - 1
