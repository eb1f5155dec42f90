"""Reports as they stand -> output and exit code, at the end of a run or of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import document, frequency, masking, overview
from .judge import judge
from .report import Report
from .vocabulary import STATES, worst

if TYPE_CHECKING:
    from .deadline import Deadline
    from .options import Options

#: Messages of each mailbox that are shown where there are several.
_ROWS = 10

_NOT_ENDED = "before the session was ended"

#: Seconds that the conclusion about one test takes at most, which is kept of the time allowed;
#: and those for showing what was met on the wire.
_CONCLUDING = 0.001
_SHOWING = 0.001


def allowed(options: Options) -> float:
    """Seconds that the tests of a run may take."""
    wanted = options.timeout
    each = _CONCLUDING + (_SHOWING if options.verbose > 1 else 0.0)
    return wanted - min(wanted / 4, each * (len(options.tests) - 1))


def blank(options: Options, clock: Deadline) -> list[Report]:
    """A report for each test of a run that begins."""
    reports = [Report(mailbox, method, clock=clock.now) for mailbox, method in options.tests]
    for report in reports:
        report.archive = options.archive and report.method == "cmdlet"
        report.proxied = options.proxy is not None
        report.sign_in, report.discovery = report.stopwatch(), report.stopwatch()
        report.service = report.stopwatch()
    return reports


def cut_off(reports: list[Report], seconds: float, signal_name: str | None) -> None:
    """What had just been decided when the time ran out stays decided; the rest has timed out."""
    running = sum(report.begun is not None and report.ended is None for report in reports)
    what = f"{signal_name} came" if signal_name else "the time was up"
    for report in reports:
        if report.success or report.failure is not None:
            if report.service.current == "disconnect":
                report.remarks.append(f"{what} {_NOT_ENDED}")
        elif report.ending is not None:
            report.failure = report.explained(report.ending)
            report.remarks.append(f"{what} {_NOT_ENDED}")
        elif report.begun is None and len(reports) > 1 and signal_name is None:
            report.failure = report.not_begun(running)
        else:
            report.failure = report.timed_out(seconds, signal_name)
            if _in_session(report):
                report.remarks.append(f"{what} {_NOT_ENDED}")


def _in_session(report: Report) -> bool:
    """Whether a MAPI session is open: begun, and not ended."""
    ended = [phase.name for phase in report.service.closed if phase.finished]
    last = next((name for name in reversed(ended) if name in ("connect", "disconnect")), "")
    return last == "connect"


def conclude(options: Options, reports: list[Report], clock: Deadline) -> tuple[str, int]:
    """Output and exit code for reports as they stand."""
    now, started, given = clock.now(), clock.started, masking.of_options(options)
    for report in reports:
        report.moment = clock.wall()
        begun = started if len(reports) == 1 else report.begun
        report.total = 0.0 if begun is None else (report.ended or now) - begun
        if len(reports) > 1:
            # A thousand rows of each of hundreds are no use to anybody.
            report.rows = report.rows[:_ROWS]
    masking.conceal(reports, given)
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
