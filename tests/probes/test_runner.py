"""How many tests run at a time, what a slow or broken one does to the others, and the one retry.

The probes are fake: what a mailbox's probe does is a function of this file.
"""

from __future__ import annotations

import threading
import time

import pytest

from check_mapi_connectivity.base.credentials import ManagedIdentity
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.transport import Transport
from check_mapi_connectivity.probes import runner

from ..support.options import means

#: Seconds after which a test of this file gives up waiting for what ought to happen.
PATIENCE = 30.0


class Probe:
    """Does `action(run)` and counts who else is at it."""

    def __init__(self, run, record, action):
        self.of, self.record, self.action = run, record, action

    def run(self):
        with self.record.lock:
            self.record.begun.append(self.of.report.mailbox)
            self.record.runs.append(self.of)
            self.record.threads.append(threading.current_thread())
            self.record.now += 1
            self.record.most = max(self.record.most, self.record.now)
        try:
            self.action(self.of)
        finally:
            with self.record.lock:
                self.record.now -= 1

    def end(self):
        self.record.ended.append(self.of.report.mailbox)


class Record:
    """What the probes of a run did: who began and ended in which order, and the most at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.begun, self.ended, self.threads = [], [], []
        self.now = self.most = 0
        self.runs = []
        self.progress = []


@pytest.fixture
def testing(options, monkeypatch):
    """`testing(action, count, ...)` -> reports and Record of a run whose probes do `action(run)`.

    Whatever thread a test leaves must be gone after it.
    """
    before = set(threading.enumerate())
    # Nobody is slow on a busy machine; tests of slow ones say otherwise.
    monkeypatch.setattr(runner, "_OVERTIME", 100.0)

    def start(action, count=1, *, record=None, **changes):
        record = record or Record()

        monkeypatch.setattr(runner, "_probe", lambda run: Probe(run, record, action))
        chosen = options(
            mailboxes=tuple(f"m{number}@x.y" for number in range(count)),
            methods=("graph",),
            credential=ManagedIdentity("", "http://127.0.0.1:1"),
            **changes,
        )
        reports = [Report(*test) for test in chosen.targets.tests]
        start.reports, start.record = reports, record
        deadline = Deadline(time.monotonic(), 1000.0)
        made = runner.Runner(
            chosen, deadline, reports, lambda so_far: record.progress.append(done(so_far))
        )
        made.run()
        return reports, record

    yield start
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def done(reports):
    return sum(report.times.ended is not None for report in reports)


def succeed(run):
    run.report.success = True


def test_one_test_needs_no_thread(testing):
    [report], record = testing(succeed)
    assert record.threads == [threading.main_thread()]
    assert (report.success, record.ended) == (True, ["m0@x.y"])
    assert record.progress == []
    assert report.times.begun <= report.times.ended


def test_all_are_tested_once_and_begin_in_their_order(testing):
    reports, record = testing(succeed, 30, concurrency=1)
    names = [f"m{number}@x.y" for number in range(30)]
    assert record.begun == record.ended == names
    assert all(report.success and report.times.begun <= report.times.ended for report in reports)
    assert record.progress[-1] == 30


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_as_many_at_a_time_as_were_asked_for(testing, concurrency):
    together = threading.Barrier(concurrency)

    def meet(run):
        # Nobody goes on before as many as are allowed have come.
        together.wait(PATIENCE)

    reports, record = testing(meet, 24, concurrency=concurrency)
    assert record.most == concurrency
    assert done(reports) == 24
    assert sorted(record.begun) == sorted(report.mailbox for report in reports)


def test_no_more_at_a_time_than_there_are(testing):
    together = threading.Barrier(3)
    _, record = testing(lambda run: together.wait(PATIENCE), 3, concurrency=50)
    assert record.most == 3


def test_workers_keep_their_transport(testing):
    _, record = testing(succeed, 20, concurrency=2)
    of = {}
    for run, thread in zip(record.runs, record.threads):
        of.setdefault(id(run.transport), set()).add(thread)
    # A worker that found no more work ends; no other takes its transport over.
    assert all(len(threads) == 1 for threads in of.values())
    assert len({id(run.transport.shared) for run in record.runs}) == 1
    assert len({id(run.sign_in._identity) for run in record.runs}) == 1
    assert len({id(run.logon) for run in record.runs}) == 1


def test_a_transport_works_for_the_report_of_the_test(testing):
    seen = []

    def look(run):
        carrier, report = run.transport, run.report
        seen.append(carrier._report is report and carrier._route.trace is report.trace)

    testing(look, 8, concurrency=2)
    assert seen == [True] * 8


def test_a_hanging_test_gives_its_place_away(testing, monkeypatch):
    monkeypatch.setattr(runner, "_OVERTIME", 0.05)
    others, record = threading.Event(), Record()

    def hang(run):
        if len(record.begun) == 10:
            others.set()
        if run.report.mailbox == "m0@x.y":
            # It hangs until all the others were at work.
            assert others.wait(PATIENCE)

    reports, _ = testing(hang, 10, record=record, concurrency=1)
    assert record.begun[0] == "m0@x.y"
    assert [report.failure for report in reports] == [None] * 10
    assert (done(reports), len(record.ended)) == (10, 10)


def test_a_whole_lot_that_hangs_gives_its_places_away(testing, monkeypatch):
    monkeypatch.setattr(runner, "_OVERTIME", 0.05)
    all_begun = threading.Barrier(9)
    reports, record = testing(lambda run: all_begun.wait(PATIENCE), 9, concurrency=2)
    assert (done(reports), record.most) == (9, 9)


def test_nobody_is_slow_within_a_tenth_of_the_time(options):
    def overtime(seconds):
        reports = [Report(*test) for test in options().targets.tests]
        made = runner.Runner(options(), Deadline(time.monotonic(), seconds), reports, print)
        return made._overtime()

    assert [overtime(seconds) for seconds in (5.0, 20.0, 60.0)] == [0.5, 2.0, 2.0]


@pytest.mark.parametrize("error", [UsageError("no such file"), ZeroDivisionError("a bug")])
@pytest.mark.parametrize("count", [1, 6])
def test_what_a_worker_raises_reaches_the_caller(testing, error, count):
    def fail(run):
        if run.report.mailbox == f"m{count // 2}@x.y":
            raise error
        succeed(run)

    with pytest.raises(type(error)) as caught:
        testing(fail, count, concurrency=2)
    assert caught.value is error
    assert testing.reports[count // 2].times.ended is None


def test_no_test_begins_after_an_error(testing):
    both, told = threading.Barrier(2), threading.Event()

    def fail(run):
        both.wait(PATIENCE)
        if run.report.mailbox == "m0@x.y":
            raise UsageError("no such file")
        # The other one is at work while the run ends.
        assert told.wait(PATIENCE)

    with pytest.raises(UsageError, match="no such file"):
        testing(fail, 10, concurrency=2)
    told.set()
    record = testing.record
    for thread in record.threads:
        thread.join(PATIENCE)
    assert record.ended == ["m1@x.y"]
    assert sorted(record.begun) == ["m0@x.y", "m1@x.y"]


def test_an_error_before_any_test(testing, monkeypatch):
    def broken(self, report):
        raise UsageError("no authority in this file")

    monkeypatch.setattr(runner.Runner, "_carrier", broken)
    with pytest.raises(UsageError, match="no authority in this file"):
        testing(succeed, 3)
    assert testing.record.begun == []


def refuse_threads(monkeypatch, allowed):
    """No more than `allowed` threads can be started."""
    real, started = threading.Thread.start, []

    def start(self):
        if len(started) >= allowed:
            raise RuntimeError("can't start new thread")
        started.append(self)
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)


def test_where_no_thread_can_be_started(testing, monkeypatch):
    refuse_threads(monkeypatch, 0)
    with pytest.raises(UsageError, match=r"no thread can be started: .*ulimit -u"):
        testing(succeed, 3)
    assert testing.record.begun == []


def test_where_fewer_threads_can_be_started_they_do_all_the_work(testing, monkeypatch):
    refuse_threads(monkeypatch, 2)
    reports, record = testing(succeed, 12, concurrency=5)
    assert done(reports) == 12
    assert record.most <= 2
    assert sorted(record.begun) == sorted(report.mailbox for report in reports)


def test_a_failure_ends_its_own_test_only(testing):
    def fail(run):
        if run.report.mailbox == "m1@x.y":
            raise CheckFailure(Failure("mailbox", "gone"))
        succeed(run)

    reports, record = testing(fail, 3, concurrency=1)
    assert [report.failure and report.failure.cause for report in reports] == [None, "gone", None]
    assert record.ended == ["m0@x.y", "m1@x.y", "m2@x.y"]


def failing(*failures):
    """An action that fails in these ways, one after the other, and then succeeds."""
    left = list(failures)

    def action(run):
        run.report.times.service.start("request")
        if left:
            raise CheckFailure(left.pop(0))
        succeed(run)

    return action


PASSING = Failure("server", "busy", transient=True, retry_after=0.01)


def test_a_passing_fault_is_tried_once_more(testing):
    [report], record = testing(failing(PASSING))
    assert (report.success, report.failure) == (True, None)
    assert report.trace.remarks == ["first try: busy; tried again after 0.01s"]
    assert (report.times.waited, len(record.begun), len(record.ended)) == (0.01, 2, 1)
    assert report.times.first_try > 0
    assert [phase.name for phase in report.times.service.phases()] == ["request"]
    assert report.times.service.current is None


def test_a_second_fault_is_the_last(testing):
    again = Failure("server", "still busy", transient=True, retry_after=0.01)
    [report], record = testing(failing(PASSING, again))
    assert (report.success, report.failure) == (False, again)
    assert len(record.begun) == 2


def test_what_will_not_pass_is_not_tried_again(testing):
    [report], record = testing(failing(Failure("mailbox", "gone")))
    assert (report.failure.cause, report.trace.remarks, len(record.begun)) == ("gone", [], 1)


def test_a_failed_sign_in_is_timed_anew(testing):
    fault = Failure("connect", "cut", transient=True, retry_after=0.01, during="sign-in")
    left = [fault]

    def action(run):
        run.report.times.sign_in.start("request" if left else "again")
        if left:
            raise CheckFailure(left.pop())
        succeed(run)

    [report], _ = testing(action)
    assert [phase.name for phase in report.times.sign_in.phases()] == ["again"]
    assert report.success


def test_a_sign_in_that_went_well_keeps_its_time(testing):
    left = [PASSING]

    def action(run):
        if left:
            run.report.times.sign_in.start("signing")
            raise CheckFailure(left.pop())
        succeed(run)

    [report], _ = testing(action)
    assert [phase.name for phase in report.times.sign_in.phases()] == ["signing"]


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
    assert runner._wait(failure, Deadline(time.monotonic(), left), took) == wait


def test_second_refusal_after_a_wait_is_throttling(testing):
    first = Failure("throttled", "x", transient=True, retry_after=0.01, status=429)
    [report], _ = testing(failing(first, Failure("server", "y", status=503)))
    assert (report.failure.kind, report.failure.cause) == ("throttled", "y")
    [report], _ = testing(failing(first, Failure("server", "y", status=500)))
    assert report.failure.kind == "server"
    [report], _ = testing(failing(PASSING, Failure("server", "y", status=503)))
    assert report.failure.kind == "server"


def test_the_probe_of_each_method(options, monkeypatch):
    from check_mapi_connectivity.base.cache import Cache

    chosen = options()
    deadline = Deadline(time.monotonic(), 5.0)
    names = []
    for method in ("cmdlet", "mapi", "graph"):
        report = Report("m@x.y", method)
        carrier = Transport(means(chosen), deadline, report)
        run = runner.Common(chosen).context(carrier, Cache(None, []), report, deadline)
        names.append(type(runner._probe(run)).__name__)
    assert names == ["CmdletProbe", "MapiProbe", "GraphProbe"]


def test_a_certificate_is_told_to_every_report(testing, facts, monkeypatch):
    monkeypatch.setattr(runner.Identity, "prepare", lambda self, cache, now: None)
    monkeypatch.setattr(runner.Identity, "facts", facts)
    reports, _ = testing(succeed, 3)
    assert [report.certificate for report in reports] == [facts] * 3


def test_a_run_that_ends_in_the_address_book(options):
    """A name server that never answers lets nothing but the watchdog end it."""
    chosen = options(methods=("mapi",), address_book=True)
    report = Report("m0@x.y", "mapi")
    report.success = True
    report.times.address_book.start("dns")
    report.times.reach("book.x.y")
    runner.cut_off(chosen, [report])
    assert (report.failure, report.address_book_answers) == (None, False)
    failure = report.address_book_failure
    assert failure.kind == "address-book"
    assert failure.cause.startswith("address book: no DNS answer for book.x.y in ")
