"""One run: test, judge, word the result.

nagiosplugin judges; its process control is not used (design decision 2). `run` always ends in
`conclude`, which turns the reports as they stand into output and exit code - called by the main
thread at the end, or by the watchdog at the deadline or on a signal.
"""

from __future__ import annotations

import gc
import threading
from functools import partial

from .base.deadline import Deadline
from .base.errors import UsageError
from .probes.runner import Runner, allowed, blank, cut_off
from .probes.unrecorded import Unrecorded
from .process import Watchdog
from .result import conclusion, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base.options import Options
    from .base.report import Report
    from .feed.feeder import Feeder

#: Times that a report which is still being written to is looked at.
_LOOKS = 5


class _Wording:
    """Puts the reports of a run into words: as it ends, or as they stand when it is ended."""

    def __init__(
        self,
        options: Options,
        reports: list[Report],
        deadline: Deadline,
        recorder: Unrecorded,
        feeder: Feeder | None,
        *,
        by_hand: bool,
    ) -> None:
        self._options, self._reports, self._deadline = options, reports, deadline
        self._recorder, self._feeder = recorder, feeder
        self._worded = partial(conclusion.conclude, by_hand=by_hand)

    def ended(self) -> tuple[str, int]:
        """Output and exit code of a run that has come to its end."""
        self._recorder.freeze("itself")
        conclude = self._feeder.conclude if self._feeder else self._worded
        concluded = conclude(self._options, self._reports, self._deadline)
        return self._recorder.keep(*concluded, self._again)

    def cut_off(self, signal_name: str | None) -> tuple[str, int]:
        """The same where its time is up, or a signal has come, while others may write to them."""
        deadline, reports = self._deadline, self._reports
        after = deadline.now() - deadline.started
        self._recorder.freeze(signal_name or "deadline")
        cut_off(self._options, reports, signal_name, after)
        try:
            if self._feeder:
                by = signal_name or ""
                concluded = self._feeder.conclude(self._options, reports, deadline, by)
            else:
                concluded = _conclude_running(self._options, reports, deadline)
            return self._recorder.keep(*concluded, self._again)
        except Exception as error:
            text = f"internal error: {type(error).__name__} at the deadline; please report it"
            return output.complain(text, as_json=self._options.display.json), 3

    def _again(self, changed: Options, concealed: list[Report]) -> str:
        """The output in the recording."""
        return self._worded(changed, concealed, self._deadline)[0]


def run(
    options: Options,
    started: float,
    terminal: int | None = None,
    recorder: Unrecorded | None = None,
    feeder: Feeder | None = None,
) -> tuple[str, int, float]:
    """Test the mailboxes; output, exit code, and when (monotonic clock) the output must have been
    written.

    `terminal` is a descriptor to show progress on; a `feeder` gives the results to a scheduler, and
    concludes. Raises UsageError. May end the process through the watchdog instead.
    """
    recorder = recorder or Unrecorded()
    deadline = Deadline(started, allowed(options) - (feeder.kept if feeder else 0.0))
    reports = blank(options, deadline)
    recorder.begin(deadline, reports)
    if len(reports) > 1:
        # Memory stays bounded; what was imported is no garbage.
        gc.freeze()
        gc.enable()
    shown = terminal if options.display.verbose and len(reports) > 1 else None
    progress = output.Progress(shown, len(reports))
    wording = _Wording(options, reports, deadline, recorder, feeder, by_hand=terminal is not None)

    def last_words(signal_name: str | None) -> tuple[str, int]:
        progress.clear()
        return wording.cut_off(signal_name)

    def show(so_far: list[Report]) -> None:
        ended = [report for report in so_far if report.times.over]
        progress.show(len(ended), sum(report.failure is not None for report in ended))

    latest = started + options.judging.timeout + output.GRACE
    watchdog = Watchdog(deadline, last_words, partial(output.write, latest=latest))
    with recorder:
        watchdog.start()
        try:
            if feeder is None or feeder.begin():
                Runner(options, deadline, reports, show, recorder.transport).run()
        except UsageError:
            # After this, a run that is well has changed its state.
            conclusion.due(options, "UNKNOWN")
            raise
        finally:
            if not watchdog.claim():
                # The watchdog is writing and will end the process.
                threading.Event().wait()
            progress.clear()
        return *wording.ended(), latest


def _conclude_running(
    options: Options, reports: list[Report], deadline: Deadline
) -> tuple[str, int]:
    """The conclusion, while other threads may still write to the reports."""
    for _ in range(_LOOKS):
        try:
            return conclusion.conclude(options, reports, deadline)
        except RuntimeError:
            # A collection has changed while it was looked at.
            continue
    return conclusion.conclude(options, reports, deadline)
