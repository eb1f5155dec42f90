"""One run: test, judge, word the result.

nagiosplugin judges; its process control is not used (design decision 2). `run` always ends in
`conclude`, which turns the reports as they stand into output and exit code - called by the main
thread at the end, or by the watchdog at the deadline or on a signal.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from .base.deadline import Deadline
from .base.errors import UsageError
from .probes.runner import Runner, allowed, blank, cut_off
from .process import Watchdog
from .result import frequency, output
from .result.conclusion import conclude

if TYPE_CHECKING:
    from .base.options import Options
    from .base.report import Report
    from .record.tape import Recorder

#: Times that a report which is still being written to is looked at.
_LOOKS = 5


def run(options: Options, started: float, terminal: int | None = None) -> tuple[str, int]:
    """Test the mailboxes; output and exit code.

    `terminal` is a descriptor to show progress on. Raises UsageError. May end the process through
    the watchdog instead.
    """
    started += options.asked
    deadline = Deadline(started, allowed(options))
    reports = blank(options, deadline)
    recorder = _recorder(options, deadline, reports)
    shown = terminal if options.verbose and len(reports) > 1 else None
    progress = output.Progress(shown, len(reports))

    def last_words(signal_name: str | None) -> tuple[str, int]:
        seconds = deadline.now() - started if signal_name else options.timeout
        if recorder is not None:
            recorder.freeze(signal_name or "deadline")
        cut_off(reports, seconds, signal_name)
        progress.clear()
        try:
            concluded = _conclude_running(options, reports, deadline)
            return concluded if recorder is None else recorder.keep(*concluded, again)
        except Exception as error:
            text = f"internal error: {type(error).__name__} at the deadline; please report it"
            return output.complain(text, as_json=options.json), 3

    def show(so_far: list[Report]) -> None:
        ended = [report for report in so_far if report.times.over]
        progress.show(len(ended), sum(report.failure is not None for report in ended))

    def again(changed: Options, worded: list[Report]) -> str:
        return conclude(changed, worded, deadline)[0]

    latest = started + options.timeout + output.GRACE
    watchdog = Watchdog(deadline, last_words, partial(output.write, latest=latest))
    with recorder or nullcontext():
        watchdog.start()
        try:
            transports = None if recorder is None else recorder.transport
            Runner(options, deadline, reports, show, transports).run()
        except UsageError:
            # After this, a run that is well has changed its state.
            frequency.due(options, "UNKNOWN")
            raise
        finally:
            if not watchdog.claim():
                # The watchdog is writing and will end the process.
                threading.Event().wait()
            progress.clear()
        if recorder is not None:
            recorder.freeze("itself")
        concluded = conclude(options, reports, deadline)
        return concluded if recorder is None else recorder.keep(*concluded, again)


def _recorder(options: Options, deadline: Deadline, reports: list[Report]) -> Recorder | None:
    """What records the run, where that is asked for. Raises UsageError."""
    if options.record is None:
        return None
    from .record.tape import Recorder

    return Recorder(options, deadline, reports)


def _conclude_running(
    options: Options, reports: list[Report], deadline: Deadline
) -> tuple[str, int]:
    """The conclusion, while other threads may still write to the reports."""
    for _ in range(_LOOKS):
        try:
            return conclude(options, reports, deadline)
        except RuntimeError:
            # A collection has changed while it was looked at.
            continue
    return conclude(options, reports, deadline)
