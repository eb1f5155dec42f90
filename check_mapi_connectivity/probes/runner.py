"""Tests every mailbox by every method, a bounded number at a time.

Strategy: each worker thread has a transport of its own, whose connections are kept from one test to
the next, and takes the tests in their order. Everything else - sign-in, what is known of the
credential, TLS settings - is shared. A test that takes too long while others wait gives its place
away: another worker starts, and the slow one goes on beside it. A run of one test needs no thread.
"""

from __future__ import annotations

import importlib
import threading

from ..base.cache import Cache
from ..base.credentials import ClientSecret
from ..base.errors import UsageError
from ..base.failure import CheckFailure, Failure
from ..base.report import Report
from ..base.vocabulary import METHODS, MOST_ADDRESSES
from ..network.route import Means
from ..network.shared_logon import Logon
from ..network.transport import Transport
from ..signin.identity import Identity
from .context import ProbeContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Optional

    from ..base.deadline import Deadline
    from ..base.options import Options
    from ..network.route import Shared
    from .context import Probe

    Transports = Callable[[Means, Deadline, Report, Optional[Shared]], Transport]

#: Seconds before the one retry where the other side names none.
_PAUSE = 0.25

#: Seconds that a test may keep others waiting; a tenth of the time allowed where that is less.
_OVERTIME = 2.0

#: Tests of a run whose requests and answers are kept for `-vv`: of those that are well, and of
#: those that are not. Nobody reads a thousand, and they would take a hundred megabytes.
_SHOWN = {True: 20, False: 100}


class _Told:
    """Ends what is raised within it, and tells of it; None where nothing is."""

    def __init__(self, tell: Callable[[BaseException | None], None]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self._tell(error)
        return True


class Common:
    """What all tests of a run have in common: parts of its options, what their transports are
    given, the identity that they sign in by, and what is known of a mailbox user's credential.
    """

    def __init__(self, options: Options) -> None:
        self._options, self.logon = options, Logon()
        self.means = Means(
            options.network, options.display.verbose, options.cache_dir, options.confided
        )
        limited = options.judging.limited("secret_days")
        self.identity = Identity(options.account, options.targets.methods, limits_secret=limited)

    def context(
        self, transport: Transport, cache: Cache, report: Report, deadline: Deadline
    ) -> ProbeContext:
        """What the test of a report is given."""
        options = self._options
        sign_in = self.identity.session(transport, cache, report, deadline)
        parts = options.targets, options.account, options.server
        return ProbeContext(*parts, transport, sign_in, self.logon, cache, report, deadline)


class Runner:
    """The tests of one run; the reports hold how they ended."""

    def __init__(
        self,
        options: Options,
        deadline: Deadline,
        reports: list[Report],
        progress: Callable[[list[Report]], None],
        transports: Transports = Transport,
    ) -> None:
        self._options, self._deadline, self._reports = options, deadline, reports
        self._common = Common(options)
        self._progress = progress
        self._transports = transports
        self._first = self._carrier(reports[0])
        self._left = list(reversed(reports))
        self._changed = threading.Condition()
        #: Worker -> since when it is at its test.
        self._busy: dict[int, float] = {}
        self._error: BaseException | None = None
        self._shown = {True: 0, False: 0}

    def run(self) -> None:
        """Test them all. Raises UsageError."""
        first = self._reports[0]
        now = self._deadline.wall()
        cache = Cache(self._options.cache_dir, first.trace.notes)
        cache.sweep()
        self._common.identity.prepare(cache, now)
        refused = self._common.identity.refusal(now)
        for report in self._reports:
            report.signed_by(self._common.identity.facts, now)
            if refused is not None:
                report.failure, report.times.ended = refused, self._deadline.now()
        if refused is not None:
            return
        if self._options.targets.each_address:
            self._spread(now)
            first = self._reports[0]
        if len(self._reports) == 1 and not first.times.over:
            first.times.begun = self._deadline.started
            self._test(first, self._first)
            self._first.close()
            return
        addresses = [report.address for report in self._reports]
        most = self._options.targets.concurrency - addresses.count("")
        self._common.logon.awaited = min(len({*addresses} - {""}), most)
        with self._changed:
            while self._error is None and (self._left or self._busy):
                self._staff()
                self._progress(self._reports)
                self._changed.wait(self._overtime() / 2)
        self._progress(self._reports)
        if self._error is not None:
            raise self._error

    def _spread(self, now: float) -> None:
        """Put a test at each address that the host's name resolves to in the place of one by name;
        `now` is in seconds since 1970.
        """
        server, asking = self._options.server, next(filter(_by_address, self._reports))
        asking.times.begun = self._deadline.started
        url = server.mapi_url or f"https://{server.hostname}"
        try:
            found = self._first.addresses(url, asking.times.service)
        except CheckFailure as error:
            for report in filter(_by_address, self._reports):
                report.failure, report.times.ended = error.failure, self._deadline.now()
            self._left = [report for report in self._left if not _by_address(report)]
            return
        if len(found) > MOST_ADDRESSES:
            asking.trace.remark(f"{len(found)} addresses found; {MOST_ADDRESSES} are tested")
        targets = self._options.targets
        targets = targets._replace(addresses=tuple(found[:MOST_ADDRESSES]))
        several = blank(self._options._replace(targets=targets), self._deadline)
        for report in several:
            report.signed_by(self._common.identity.facts, now)
        several[0].trace.remark(*asking.trace.remarks)
        self._reports[:] = several
        self._left = list(reversed(several))
        self._first.attach(several[0])

    def _overtime(self) -> float:
        return min(_OVERTIME, self._deadline.seconds / 10)

    def _punctual(self) -> int:
        """How many workers are at a test that does not take too long."""
        latest = self._deadline.now() - self._overtime()
        return sum(since > latest for since in self._busy.values())

    def _staff(self) -> None:
        """Start the workers that are missing. Raises UsageError where none can be."""
        self._give_up()
        missing = min(len(self._left), self._options.targets.concurrency - self._punctual())
        for _ in range(missing):
            report = self._left.pop()
            thread = threading.Thread(target=self._work, args=(report,), daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._left.append(report)
                if not self._busy:
                    text = "no thread can be started: raise the limits (ulimit -u, -d, -v)"
                    raise UsageError(text) from None
                return
            self._busy[id(report)] = self._deadline.now()

    def _give_up(self) -> None:
        """Begin nothing that would only be cut off: the end of the time is for putting in order."""
        if self._deadline.remaining() > self._deadline.reserve:
            return
        running = sum(report.times.running for report in self._reports)
        for report in self._left:
            report.failure, report.times.ended = report.not_begun(running), self._deadline.now()
        self._left.clear()

    def _work(self, report: Report | None) -> None:
        """One worker: its first test, then what is left."""
        transport: Transport | None = None
        with _Told(self._ended):
            try:
                while report is not None:
                    if transport is None:
                        transport = self._carrier(report, self._first.shared)
                    transport.attach(report)
                    report.times.begun = self._deadline.now()
                    self._test(report, transport)
                    self._thin(report)
                    report = self._next(report)
            finally:
                if transport is not None:
                    transport.close()

    def _ended(self, error: BaseException | None) -> None:
        """A worker has ended; what was raised in it, the main thread raises."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def _carrier(self, report: Report, shared: Shared | None = None) -> Transport:
        return self._transports(self._common.means, self._deadline, report, shared)

    def _thin(self, report: Report) -> None:
        """Forget what a test has met on the wire where enough others show theirs."""
        trace = report.trace
        if not trace.exchanges:
            return
        well = report.failure is None
        with self._changed:
            self._shown[well] += 1
            enough = self._shown[well] > _SHOWN[well]
        if enough:
            trace.forget_exchanges()
            trace.note("its requests are not shown, others' are: test it alone")

    def _next(self, done: Report) -> Report | None:
        """The next test for this worker; None when there is none, enough others are at work, or the
        run is at its end.
        """
        with self._changed:
            self._busy.pop(id(done), None)
            self._give_up()
            free = self._error is None and self._punctual() < self._options.targets.concurrency
            report = self._left.pop() if self._left and free else None
            if report is not None:
                self._busy[id(report)] = self._deadline.now()
            return report

    def _test(self, report: Report, transport: Transport) -> None:
        """One test with what all tests share. Raises UsageError."""
        cache = Cache(self._options.cache_dir, report.trace.notes)
        test(self._common.context(transport, cache, report, self._deadline))


def test(run: ProbeContext) -> None:
    """Probe, and once more after a passing fault where the time allows. Raises UsageError."""
    report, deadline = run.report, run.deadline
    probe = _probe(run)
    first: Failure | None = None
    while True:
        begun = deadline.now()
        try:
            probe.run()
            break
        except CheckFailure as error:
            failure = _again_refused(first, error.failure)
        finally:
            for watch in report.times.watches.values():
                watch.stop()
        wait = None if first else _wait(failure, deadline, deadline.now() - begun)
        if wait is None:
            report.failure = report.explained(failure)
            break
        first = failure
        _reset(report, failure, wait, deadline)
    probe.end()
    ended = deadline.now()
    if isinstance(run.account.credential, ClientSecret):
        well = report.failure is None and report.address_book_failure is None
        report.secret_days = run.sign_in.secret_days(run.server.graph_url, well=well)
    report.times.ended = ended


def _reset(report: Report, failure: Failure, wait: float, deadline: Deadline) -> None:
    """Wait, and make the report ready for a second try."""
    report.trace.remark(f"first try: {failure.cause}; tried again after {wait:.3g}s")
    times = report.times
    reset = [times.service]
    if failure.during:
        reset += [times.sign_in, times.discovery]
        times.sign_in, times.discovery = times.stopwatch(), times.stopwatch()
    times.first_try = sum(watch.total() or 0.0 for watch in reset)
    times.service = times.stopwatch()
    times.service.start("wait")
    deadline.pause(wait)
    times.waited = wait
    times.service = times.stopwatch()


def _probe(run: ProbeContext) -> Probe:
    """The probe of the method; the others are not imported."""
    name = run.report.method
    method = METHODS[name]
    module = importlib.import_module(f".{method.module or name}", __package__)
    probe: Probe = getattr(module, method.probe)(run)
    return probe


def _wait(failure: Failure, deadline: Deadline, took: float) -> float | None:
    """Seconds to wait before a second try; None when there is to be none."""
    if not failure.transient:
        return None
    wait = _PAUSE if failure.retry_after is None else failure.retry_after
    # A second try that would run into the deadline only hides what the first one found.
    return wait if wait + max(0.5, took) < deadline.remaining() - deadline.reserve else None


def _again_refused(first: Failure | None, failure: Failure) -> Failure:
    """A 503 after a wait that the service had asked for is throttling too (contract 7.4)."""
    if first is not None and first.kind == "throttled" and failure.status == 503:
        return failure._replace(kind="throttled")
    return failure


def _by_address(report: Report) -> bool:
    """Whether a test goes to an address that may be given."""
    return report.method == "mapi"


_NOT_ENDED = "before the session was ended"

#: Seconds that the conclusion about one test takes at most, which is kept of the time allowed;
#: and those for showing what was met on the wire.
_CONCLUDING = 0.001
_SHOWING = 0.001


def allowed(options: Options) -> float:
    """Seconds that the tests of a run may take."""
    wanted = options.judging.timeout
    each = _CONCLUDING + (_SHOWING if options.display.verbose > 1 else 0.0)
    return wanted - min(wanted / 4, each * (len(options.targets.tests) - 1))


def blank(options: Options, clock: Deadline) -> list[Report]:
    """A report for each test of a run that begins."""
    targets = options.targets
    reports = []
    for mailbox, method, address in targets.places:
        report = Report(mailbox, method, clock.now)
        report.address = address
        reports.append(report)
    for report in reports:
        report.archive = targets.archive and report.method in ("cmdlet", "mapi")
        report.proxied = options.network.proxy is not None
    return reports


def cut_off(
    options: Options, reports: list[Report], signal_name: str | None = None, after: float = 0.0
) -> None:
    """What had just been decided when the time was up, or a signal came `after` so many seconds,
    stays decided; the rest has timed out.
    """
    seconds = after if signal_name else options.judging.timeout
    running = sum(report.times.running for report in reports)
    what = f"{signal_name} came" if signal_name else "the time was up"
    for report in reports:
        if report.success or report.failure is not None:
            if report.times.service.current == "disconnect":
                report.trace.remark(f"{what} {_NOT_ENDED}")
            if report.times.address_book.current:
                from ..services import address_book_refusals

                late = report.times.timed_out(seconds, signal_name)
                report.address_book_answers = False
                report.address_book_failure = address_book_refusals.within(late)
        elif report.ending is not None:
            report.failure = report.explained(report.ending)
            report.trace.remark(f"{what} {_NOT_ENDED}")
        elif report.times.begun is None and len(reports) > 1 and signal_name is None:
            report.failure = report.not_begun(running)
        else:
            report.failure = report.times.timed_out(seconds, signal_name)
            if _in_session(report):
                report.trace.remark(f"{what} {_NOT_ENDED}")


def _in_session(report: Report) -> bool:
    """Whether a MAPI session is open: begun, and not ended."""
    ended = [phase.name for phase in report.times.service.closed if phase.finished]
    last = next((name for name in reversed(ended) if name in ("connect", "disconnect")), "")
    return last == "connect"
