"""Reports as they stand -> output and exit code, at the end of a run or of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.report import Report
from ..base.vocabulary import STATES, worst
from ..secrecy import echoes
from ..secrecy import reports as secrecy_reports
from . import document, first_line, frequency, several
from .judge import judge

if TYPE_CHECKING:
    from ..base.deadline import Deadline
    from ..base.options import Options

#: Messages of each mailbox that are shown where there are several.
_ROWS = 10


def conclude(options: Options, reports: list[Report], clock: Deadline) -> tuple[str, int]:
    """Output and exit code for reports as they stand."""
    now, started, given = clock.now(), clock.started, echoes.of_options(options)
    for report in reports:
        report.times.moment = clock.wall()
        begun = started if len(reports) == 1 else report.times.begun
        report.times.total = 0.0 if begun is None else (report.times.ended or now) - begun
        if len(reports) > 1:
            # A thousand rows of each of hundreds are no use to anybody.
            report.finding.rows = report.finding.rows[:_ROWS]
    secrecy_reports.conceal(reports, given)
    if len(reports) == 1:
        reports[0].times.total = now - started
    judged = judge(reports, options)
    state = worst([one.state for one in judged])
    line = first_line.line(judged)
    if options.json:
        return document.build(state, line, judged, options), STATES[state]
    shown = list(several.diagnosis(judged, options))
    # Last, because a look at reports that are still written to may have to be repeated.
    if not options.verbose and not (options.diagnosis and frequency.due(options, state)):
        shown = []
    return several.text(state, line, judged, shown), STATES[state]
