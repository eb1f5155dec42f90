"""One run: test, judge, word the result.

nagiosplugin judges; its process control is not used (design decision 2). `run` always ends in
`conclude`, which turns the reports as they stand into output and exit code - called by the main
thread at the end, or by the watchdog at the deadline or on a signal.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from . import document, frequency, masking, output, overview
from .deadline import Deadline, Watchdog
from .errors import UsageError
from .judge import judge
from .report import Report
from .runner import Runner
from .vocabulary import STATES, worst

if TYPE_CHECKING:
    from .options import Options

#: Messages of each mailbox that are shown where there are several.
_ROWS = 10

#: Seconds that the conclusion about one test takes at most, which is kept of the time allowed.
_CONCLUDING = 0.001

#: Times that a report which is still being written to is looked at.
_LOOKS = 5


def run(options: Options, started: float, terminal: int | None = None) -> tuple[str, int]:
    """Test the mailboxes; output and exit code.

    `terminal` is a descriptor to show progress on. Raises UsageError. May end the process through
    the watchdog instead.
    """
    started += options.asked
    wanted = options.timeout
    deadline = Deadline(started, wanted - min(wanted / 4, _CONCLUDING * (len(options.tests) - 1)))
    reports = [Report(mailbox, method) for mailbox, method in options.tests]
    for report in reports:
        report.archive = options.archive and report.method == "cmdlet"
        report.proxied = options.proxy is not None
    shown = terminal if options.verbose and len(reports) > 1 else None
    progress = output.Progress(shown, len(reports))

    def last_words(signal_name: str | None) -> tuple[str, int]:
        seconds = time.monotonic() - started if signal_name else options.timeout
        _cut_off(reports, seconds, signal_name)
        progress.clear()
        try:
            return _conclude_running(options, reports, started)
        except Exception as error:
            text = f"internal error: {type(error).__name__} at the deadline; please report it"
            return output.complain(text, as_json=options.json), 3

    def show(so_far: list[Report]) -> None:
        ended = [report for report in so_far if report.ended is not None]
        progress.show(len(ended), sum(report.failure is not None for report in ended))

    watchdog = Watchdog(deadline, last_words, output.write)
    watchdog.start()
    try:
        Runner(options, deadline, reports, show).run()
    except UsageError:
        # After this, a run that is well has changed its state.
        frequency.due(options, "UNKNOWN")
        raise
    finally:
        if not watchdog.claim():
            # The watchdog is writing and will end the process.
            threading.Event().wait()
        progress.clear()
    return conclude(options, reports, started)


def _cut_off(reports: list[Report], seconds: float, signal_name: str | None) -> None:
    """What had just been decided when the time ran out stays decided; the rest has timed out."""
    running = sum(report.begun is not None and report.ended is None for report in reports)
    for report in reports:
        if report.success or report.failure is not None:
            if report.service.current == "disconnect":
                report.remarks.append("the time was up before the session was ended")
        elif report.begun is None and len(reports) > 1 and signal_name is None:
            report.failure = report.not_begun(running)
        else:
            report.failure = report.timed_out(seconds, signal_name)


def _conclude_running(options: Options, reports: list[Report], started: float) -> tuple[str, int]:
    """The conclusion, while other threads may still write to the reports."""
    for _ in range(_LOOKS):
        try:
            return conclude(options, reports, started)
        except RuntimeError:
            # A collection has changed while it was looked at.
            continue
    return conclude(options, reports, started)


def conclude(options: Options, reports: list[Report], started: float) -> tuple[str, int]:
    """Output and exit code for reports as they stand."""
    now, given = time.monotonic(), masking.of_options(options)
    for report in reports:
        begun = started if len(reports) == 1 else report.begun
        report.total = 0.0 if begun is None else (report.ended or now) - begun
        if len(reports) > 1:
            # A thousand rows of each of hundreds are no use to anybody.
            report.rows = report.rows[:_ROWS]
        masking.conceal(report, given)
    if len(reports) == 1:
        reports[0].total = now - started
    judged = judge(reports, options)
    state = worst([one.state for one in judged])
    line = overview.line(judged)
    if options.json:
        return document.build(state, line, judged, options), STATES[state]
    shown = list(overview.diagnosis(judged, options))
    # Last, because a look at reports that are still written to may have to be repeated.
    if not options.verbose and not (options.diagnosis and frequency.due(options, state)):
        shown = []
    return overview.text(state, line, judged, shown), STATES[state]
