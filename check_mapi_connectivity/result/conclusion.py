"""Reports as they stand -> output and exit code, at the end of a run or of a replay."""

from __future__ import annotations

from ..base.report import Report
from ..base.vocabulary import STATES, worst
from ..secrecy import echoes
from ..secrecy import reports as secrecy_reports
from . import first_line, frequency, notes, several
from .judge import judge
from .layout import field, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.deadline import Deadline
    from ..base.options import Options
    from .judge import Judged

#: Messages of each mailbox that are shown where there are several.
_ROWS = 10


def judged(options: Options, reports: list[Report], clock: Deadline) -> list[Judged]:
    """Reports as they stand, each judged, without what must not show."""
    now, started = clock.now(), clock.started
    for report in reports:
        report.times.moment = clock.wall()
        begun = started if len(reports) == 1 else report.times.begun
        report.times.total = 0.0 if begun is None else (report.times.ended or now) - begun
        if len(reports) > 1:
            # A thousand rows of each of hundreds are no use to anybody.
            report.finding.rows = report.finding.rows[:_ROWS]
    given, words = echoes.of_run(options.confided), echoes.words_of_run(options.confided)
    secrecy_reports.conceal(reports, given, words)
    if len(reports) == 1:
        reports[0].times.total = now - started
    return judge(reports, options.targets, options.judging)


def conclude(
    options: Options, reports: list[Report], clock: Deadline, *, by_hand: bool = False
) -> tuple[str, int]:
    """Output and exit code for reports as they stand; `by_hand` is whether a person waits for
    them.
    """
    found = judged(options, reports, clock)
    state = worst([one.state for one in found])
    line = first_line.line(found)
    display = options.display
    if display.json:
        from . import document

        account, network, sources = options.account, options.network, options.sources
        text = document.build(state, line, found, account=account, network=network, sources=sources)
        return text, STATES[state]
    once = told_once(options)
    shown = list(several.diagnosis(found, display.verbose, once, line, by_hand=by_hand))
    # Last, because a look at reports that are still written to may have to be repeated.
    if not display.verbose and not (display.diagnosis and due(options, state)):
        shown = []
    return several.text(state, line, found, shown), STATES[state]


def due(options: Options, state: str) -> bool:
    """Whether a run that ended in `state` prints the diagnosis. The run is counted."""
    return frequency.due(options.display.frequency, options.cache_dir, options.service, state)


def told_once(options: Options) -> Iterator[str]:
    """The lines that are told once a run, after the diagnosis of its tests."""
    verbose = options.display.verbose
    for note in notes.general_notes(options.account):
        yield from told("note", note, verbose)
    yield from told("proxy", notes.proxy_text(options.network), verbose)
    if verbose:
        for source in options.sources:
            yield field("options from", source)
        yield from notes.hosts(options.account, options.server, options.targets.methods)
        yield field("cache", options.cache_dir or "none")
