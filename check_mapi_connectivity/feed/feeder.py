"""One run that feeds many services: `plugin.run` is given a Feeder in the place of the conclusion.

Strategy: time is kept back for the feed, and the tests end before it. Then everything works on
copies of the reports, because tests that hang may still write to theirs. A thread submits, and is
left behind where it does not end in time: whatever it waits for, the run's own result is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import threading
import time
from typing import TYPE_CHECKING

from ..base.cache import Cache
from ..base.deadline import SIGNALS, Deadline
from ..base.failure import CheckFailure, Failure
from ..result import conclusion
from . import nagios_directory, nagios_file
from .icinga import Icinga, trust
from .outcome import Outcome
from .results import results
from .settings import ICINGA2, NAGIOS, impossible, read
from .summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..base.options import Command, Options
    from ..base.report import Report
    from ..network.trust import Trust
    from .results import Result
    from .settings import Feed

#: Seconds that are kept back for a feed: in any case, and for each result; a share of all at most.
_KEPT = {ICINGA2: (5.0, 0.004), NAGIOS: (0.5, 0.001)}
_SHARE = 1 / 3

#: Seconds of the feed's time that are left to word the run's own result.
_WORDING = 0.2

#: Seconds between two looks at a signal while the thread submits.
_LOOK = 0.25

#: Looks at a report that another thread writes to, and seconds between two.
_LOOKS, _BETWEEN = 100, 0.001


class Feeder:
    """The feed of one run. Raises UsageError for options that cannot be used."""

    def __init__(self, feed: Feed, options: Options) -> None:
        self._feed, self._options = feed, options
        self._outcome = Outcome()
        self._settings: Trust | None = None
        if feed.scheduler == ICINGA2 and not feed.dry_run:
            self._settings = trust(feed)
        self._lock = contextlib.ExitStack()
        # What tells this feed from others; no secret is in it.
        said = repr((feed._replace(password=None, dry_run=False), options.targets))
        self._digest = hashlib.sha256(said.encode()).hexdigest()

    @property
    def kept(self) -> float:
        """Seconds of the run's time that its tests do not get."""
        if self._feed.dry_run:
            return 0.0
        usual, each = _KEPT[self._feed.scheduler]
        wanted = usual + each * len(self._options.targets.mailboxes)
        return min(wanted, _SHARE * self._options.judging.timeout)

    def begin(self) -> bool:
        """Take the feed's lock; false where another run has it, and nothing is to be tested."""
        if self._feed.dry_run:
            return True
        cache = Cache(self._options.cache_dir, self._outcome.notes)
        if self._options.cache_dir is None:
            text = "without a cache directory nothing keeps two runs of this feed apart"
            self._outcome.note(text)
        if self._lock.enter_context(cache.lock(Cache.key("feed", self._digest), patience=0.0)):
            return True
        self._outcome.fail(
            Failure(
                "untested",
                "another run of this feed is at work",
                "run the feed less often; or give the run fewer mailboxes",
            )
        )
        return False

    def conclude(
        self, options: Options, running: list[Report], clock: Deadline, ended_by: str = ""
    ) -> tuple[str, int]:
        """Submit the results, and say how that went: output and exit code.

        `clock` is that of the tests; nothing is submitted where a signal has `ended_by` its name
        the run.
        """
        busy = self._outcome.failure is not None
        reports = [] if busy else [_as_it_stands(report) for report in running]
        judged = conclusion.judged(options, reports, clock) if reports else []
        found = results(self._feed, options, judged, clock)
        if ended_by:
            self._outcome.fail(_interrupted(ended_by))
        if self._outcome.failure is None and not self._feed.dry_run:
            deadline = Deadline(clock.started, clock.seconds + self.kept - _WORDING)
            self._carry(lambda: self._submit(found, deadline), found, deadline)
        seconds = clock.now() - clock.started
        return Summary(self._feed, options, judged, found, self._outcome, seconds).conclude()

    def _submit(self, found: Sequence[Result], deadline: Deadline) -> None:
        if self._settings is not None:
            Icinga(self._feed, self._settings, deadline, self._outcome).submit(found)
        else:
            self._put(found, deadline.wall())

    def _put(self, found: Sequence[Result], now: float) -> None:
        """Give all results to Nagios in one file."""
        possible = []
        for result in found:
            why = impossible(result.service, NAGIOS)
            if why:
                self._outcome.refuse(result, why)
            else:
                possible.append(result)
        if not possible:
            return
        text = nagios_file.text(possible, self._digest, now)
        try:
            older = nagios_directory.put(self._feed.directory, self._digest, text)
        except CheckFailure as error:
            self._outcome.fail(error.failure)
            return
        self._outcome.take(*possible)
        doubtful = nagios_file.doubtful(possible)
        if doubtful:
            more = f" and {len(doubtful) - 1} more" if doubtful[1:] else ""
            self._outcome.note(
                f"{doubtful[0]}{more}: Nagios has no service of this name, unless "
                "illegal_object_name_chars was changed"
            )
        if older:
            self._outcome.note(
                "Nagios had not yet read the results of the run before, which these replace; check "
                "that Nagios runs"
            )

    def _carry(self, work: Callable[[], None], found: Sequence[Result], deadline: Deadline) -> None:
        """Have a thread submit, and wait until it has, the time is up or a signal comes."""
        raised: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=run, name="feed", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            limits = "raise the limits (ulimit -u, -d, -v)"
            self._outcome.fail(Failure("submit", "no thread can be started", limits))
            return
        came = ""
        while thread.is_alive() and deadline.remaining() > 0 and not came:
            thread.join(min(_LOOK, deadline.remaining()))
            pending = signal.sigpending() & set(SIGNALS)
            came = next((signal.Signals(one).name for one in pending), "")
        if raised:
            raise raised[0]
        if thread.is_alive():
            cause = f"{self._feed.name} is too slow: the time was up"
            remedy = f"check {self._feed.name}, or raise --timeout"
            left = f"{len(self._outcome.lacks(found))} results were left"
            late = Failure("submit", cause, remedy, "", left)
            self._outcome.fail(_interrupted(came) if came else late)


def feeder_of(command: Command) -> Feeder | None:
    """The feeder of a command line; None where it feeds nothing. Raises UsageError."""
    feed = read(command)
    return None if feed is None else Feeder(feed, command.options)


def _interrupted(signal_name: str) -> Failure:
    cause = f"{signal_name} came before all results were submitted"
    return Failure("untested", cause, judged_as="signal")


def _as_it_stands(report: Report) -> Report:
    """A copy that no other thread writes to."""
    for _ in range(_LOOKS):
        try:
            return report.copy()
        except RuntimeError:
            # A collection has changed while it was copied.
            time.sleep(_BETWEEN)
    return report.copy()
