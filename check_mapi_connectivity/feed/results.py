"""Judged reports -> one result for each mailbox, as a run for that mailbox alone would end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..base.vocabulary import LABELS, STATES, prefixes
from ..result import conclusion, first_line, judge, several
from ..result.diagnosis import moment
from ..result.layout import field
from ..result.nodes.groups import grouped, same_sign_in, state_of
from ..result.output import first_line as headed
from ..result.output import printable, slashed

if TYPE_CHECKING:
    from ..base.deadline import Deadline
    from ..base.options import Options
    from ..result.judge import Judged
    from .settings import Feed

#: Characters of a text that is submitted; `-vvv` would make megabytes.
_LONGEST = 32000


class Result(NamedTuple):
    """What a service is given: state by name, text in lines without performance data, those one by
    one, and when the test began and ended, in seconds since 1970.
    """

    mailbox: str
    host: str
    service: str
    state: str
    text: str
    perfdata: tuple[str, ...]
    began: float
    ended: float

    @property
    def code(self) -> int:
        """The state as an exit code, 0 to 3."""
        return STATES[self.state]


def results(feed: Feed, options: Options, judged: list[Judged], clock: Deadline) -> list[Result]:
    """One for each mailbox, in the order of the run."""
    told = Mailboxes(options, judged)
    return [told.result(feed, group, clock) for group in grouped(judged)]


def all_same_sign_in(judged: list[Judged]) -> bool:
    """Whether no test got beyond its sign-in."""
    return bool(judged) and same_sign_in(judged)


class Mailboxes:
    """Words what was found out about each mailbox of a run as if it were the only one."""

    def __init__(self, options: Options, judged: list[Judged]) -> None:
        self._options = options
        reports = [one.report for one in judged]
        #: Report -> what its labels begin with in this run.
        self._printed = dict(zip(map(id, reports), judge.printed(reports, options.targets)))
        self._prefixes = prefixes(options.targets.mailboxes, options.targets.methods)
        self._once = list(conclusion.told_once(options))

    def result(self, feed: Feed, group: list[Judged], clock: Deadline) -> Result:
        """The result of a mailbox; `clock` is that of its reports."""
        mailbox = group[0].report.mailbox
        targets = self._options.targets._replace(mailboxes=(mailbox,))
        short = judge.printed([one.report for one in group], targets)
        own = [self._alone(one, name) for one, name in zip(group, short)]
        state = state_of(own)
        if state != "OK" and same_sign_in(own):
            # Told once, by the run: of the mailbox nothing is known.
            state = "UNKNOWN"
        began, ended = _measured(own, clock)
        line = first_line.line(own)
        lines = [headed(state, line)]
        if self._due(mailbox, state):
            lines += several.diagnosis(own, self._options.display.verbose, self._once, line)
        lines.append(field("measured", f"{moment(ended)}, in one run for many (--submit)"))
        text = "\n".join([lines[0], *(slashed(printable(line)) for line in lines[1:])])
        perfdata = [str(item).replace("'", "") for one in own for item in one.performances]
        name = feed.service_of(mailbox)
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n  ..."
        return Result(mailbox, feed.host, name, state, shown, tuple(perfdata), began, ended)

    def _alone(self, judged: Judged, short: str) -> Judged:
        """The same with labels that begin as in a run for its mailbox alone."""
        long = len(self._printed[id(judged.report)])
        performances = [
            item._replace(label=short + item.label[long:]) for item in judged.performances
        ]
        return judged._replace(performances=performances)

    def _due(self, mailbox: str, state: str) -> bool:
        """Whether the diagnosis is told, as a service of its own would."""
        display = self._options.display
        if display.verbose or not display.diagnosis:
            return bool(display.verbose)
        if display.frequency == (1, 1):
            return True
        targets = self._options.targets._replace(mailboxes=(mailbox,))
        judging = self._options.judging
        limits = {
            prefix + label: judging.thresholds[prefix + label]
            for (owner, method), prefix in self._prefixes.items()
            if owner == mailbox
            for label in LABELS[method]
            if prefix + label in judging.thresholds
        }
        own = self._options._replace(targets=targets, judging=judging._replace(thresholds=limits))
        return conclusion.due(own, state)


def _measured(group: list[Judged], clock: Deadline) -> tuple[float, float]:
    """When the tests of a mailbox began and ended, in seconds since 1970; now for none that did."""
    now, wall = clock.now(), clock.wall()
    begun = [one.report.times.begun for one in group if one.report.times.begun is not None]
    ended = [one.report.times.ended or now for one in group]
    first = min(begun, default=now)
    last = max(*ended, first)
    return wall - (now - first), wall - (now - last)
