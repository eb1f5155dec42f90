"""Reports as they stand -> output and exit code, at the end of a run or of a replay."""

from __future__ import annotations

from ..base.report import Report
from ..base.vocabulary import STATES, worst
from ..secrecy import echoes
from ..secrecy import reports as secrecy_reports
from . import first_line, frequency, notes, several
from .diagnosis import field
from .judge import judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.deadline import Deadline
    from ..base.options import Options

#: Messages of each mailbox that are shown where there are several.
_ROWS = 10


def conclude(options: Options, reports: list[Report], clock: Deadline) -> tuple[str, int]:
    """Output and exit code for reports as they stand."""
    now, started, given = clock.now(), clock.started, echoes.of_run(options.confided)
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
    judged = judge(reports, options.targets, options.judging)
    state = worst([one.state for one in judged])
    line = first_line.line(judged)
    display = options.display
    if display.json:
        from . import document

        account, network, sources = options.account, options.network, options.sources
        text = document.build(
            state, line, judged, account=account, network=network, sources=sources
        )
        return text, STATES[state]
    shown = list(several.diagnosis(judged, display.verbose, told_once(options)))
    # Last, because a look at reports that are still written to may have to be repeated.
    if not display.verbose and not (display.diagnosis and due(options, state)):
        shown = []
    return several.text(state, line, judged, shown), STATES[state]


def due(options: Options, state: str) -> bool:
    """Whether a run that ended in `state` prints the diagnosis. The run is counted."""
    return frequency.due(options.display.frequency, options.cache_dir, options.service, state)


def told_once(options: Options) -> Iterator[str]:
    """The lines that are told once a run, after the diagnosis of its tests."""
    for note in notes.general_notes(options.account):
        yield field("note", note)
    yield field("proxy", notes.proxy_text(options.network))
    if options.display.verbose:
        for source in options.sources:
            yield field("options from", source)
        yield from notes.hosts(options.account, options.server, options.targets.methods)
        yield field("cache", options.cache_dir or "none")
