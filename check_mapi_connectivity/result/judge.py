"""Reports -> states and performance data, judged by nagiosplugin."""

from __future__ import annotations

import math
from functools import lru_cache

import nagiosplugin

from ..base.report import Report
from ..base.value import NamedTuple
from ..base.vocabulary import (
    LABELS,
    OUTCOMES,
    SEVERITY,
    STATES,
    UNITLESS,
    YES_OR_NO,
    place_prefixes,
    prefixes,
    worst,
)
from . import output
from .output import decimal, ending
from .time_analysis import ANALYSED, Analysis, analyse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nagiosplugin import Metric, Performance, Range, Result

    from ..base.failure import Failure
    from ..base.options import Judging, Targets


class Judged(NamedTuple):
    """A report, its state, its performance data, (state, words) of each violated limit, the worst
    first, behind what is wrong with the address book, and where the time went that was too long.
    """

    report: Report
    state: str
    performances: list[Performance]
    violations: list[tuple[str, str]]
    slow: Analysis | None = None

    @property
    def limits(self) -> list[tuple[str, str]]:
        """The violations without what is wrong with the address book."""
        second = self.report.address_book_failure
        return [one for one in self.violations if second is None or one[1] != str(second)]


_STATE_OBJECTS = {
    "OK": nagiosplugin.Ok,
    "WARNING": nagiosplugin.Warn,
    "CRITICAL": nagiosplugin.Critical,
    "UNKNOWN": nagiosplugin.Unknown,
}
_STATE_NAMES = {code: name for name, code in STATES.items()}

#: Phases of the way to a service, and those of what is said to it.
_WAY = ("dns", "tcp", "proxy", "tls")
_PROTOCOL = ("request", "connect", "execute", "disconnect")


def printed(reports: list[Report], targets: Targets) -> list[str]:
    """What the labels of each report begin with."""
    return _printed(reports, targets, prefixes(targets.mailboxes, targets.methods))


def _printed(
    reports: list[Report], targets: Targets, prefix: Mapping[tuple[str, str], str]
) -> list[str]:
    """The same where what they begin with without an address is known."""
    addresses = tuple(dict.fromkeys(report.address for report in reports if report.address))
    at = place_prefixes(targets.mailboxes, targets.methods, addresses) if addresses else {}
    return [
        at.get((one.mailbox, one.method, one.address), prefix[one.mailbox, one.method])
        for one in reports
    ]


def judge(reports: list[Report], targets: Targets, judging: Judging) -> list[Judged]:
    """Each report judged, in their order."""
    prefix = prefixes(targets.mailboxes, targets.methods)
    resources = [
        _Test(report, name, prefix[report.mailbox, report.method], judging.thresholds)
        for report, name in zip(reports, _printed(reports, targets, prefix))
    ]
    # Of hundreds of mailboxes nearly all are judged by the same limits.
    rules = dict.fromkeys(limit[1:] for resource in resources for limit in resource.limits)
    contexts = [
        _BY_KIND[label](_rule(label, ranges), ranges, judging)
        if label in _BY_KIND
        else _Threshold(_rule(label, ranges), *ranges)
        for label, ranges in rules
    ]
    check = nagiosplugin.Check(*resources, *contexts)
    check()
    found: dict[int, list[Result]] = {id(resource): [] for resource in resources}
    # In the order of the labels; nagiosplugin itself would sort them by state.
    for result in check.results.results:
        found[id(result.resource)].append(result)
    return [_judged(resource, found[id(resource)]) for resource in resources]


def _judged(resource: _Test, results: list[Result]) -> Judged:
    violated = [
        (_STATE_NAMES[int(result.state)], result)
        for result in results
        if isinstance(result.hint, str)
    ]
    violated.sort(key=lambda pair: -SEVERITY.index(pair[0]))
    slow: Analysis | None = None
    violations = []
    for state, result in violated:
        label, value = resource.bare(result), result.metric.value
        facts = resource.report.certificate
        if label == "certificate_days" and facts is not None:
            ends = ending(facts.not_after, value)
            words = f"client certificate {ends} ({state} {_limit(result.hint)})"
        else:
            words = violation_text(label, value, result.hint)
        if label in ANALYSED and _too_much(value, nagiosplugin.Range(result.hint)):
            found = analyse(resource.report, label)
            slow, words = slow or found, f"{found.because if found else ''}{words}"
        violations.append((state, words))
    second = resource.report.address_book_failure
    if second is not None:
        state = next(
            _STATE_NAMES[int(result.state)]
            for result in results
            if resource.bare(result) == "address_book"
        )
        if state != "OK":
            violations.insert(0, (state, str(second)))
    return Judged(
        resource.report,
        worst([_STATE_NAMES[int(result.state)] for result in results]),
        [result.context.measured(result.metric) for result in results],
        violations,
        slow,
    )


def _too_much(value: float, limits: Range) -> bool:
    """Whether a value violates a range by being too high, not too low."""
    return not limits.invert and bool(value > limits.end)


def measurements(report: Report) -> dict[str, float | None]:
    """Label -> value of everything the method can measure; None where a value does not exist
    (contract 5, 7.7).
    """
    finding, times = report.finding, report.times
    phases = {phase.name: phase.seconds for phase in times.service.phases() if phase.finished}
    begun = [phase.name for phase in times.service.phases()]
    # What a kept connection or a direct way did not need took no time; what was never reached has
    # none.
    connected = any(name in begun for name in _PROTOCOL)
    values = {f"time_{name}": phases.get(name, 0.0 if connected else None) for name in _WAY}
    if not report.proxied:
        values["time_proxy"] = 0.0
    values.update({f"time_{name}": phases.get(name) for name in _PROTOCOL})
    asked = [phase.seconds for phase in times.address_book.phases() if phase.name not in _WAY]
    answers = report.address_book_answers
    if times.service.current:
        values[f"time_{times.service.current}"] = None
    success = report.success and report.failure is None
    return {
        **dict.fromkeys(OUTCOMES, 1.0 if success else 0.0),
        "connection_time": finding.connection_time if success else None,
        "time_token": 0.0 if "token" in times.unneeded else times.sign_in.total(),
        "time_autodiscover": 0.0 if "autodiscover" in times.unneeded else times.discovery.total(),
        **values,
        "address_book": None if answers is None else float(answers),
        "time_address_book": sum(asked) if asked else None,
        "time_server": finding.server_latency,
        "total_time": times.total,
        "inbox_items": None if finding.inbox_items is None else float(finding.inbox_items),
        "secret_days": report.secret_days,
        "certificate_days": report.certificate_days,
    }


def _told_by_kind(metric: Metric, report: Report) -> bool:
    """Whether it is the time left to a credential that has ended: that is what the run failed for,
    and its kind has a state (contract 7.1).
    """
    failed = report.failure is not None and report.failure.kind == "credential"
    return (
        failed and metric.value <= 0 and metric.name.endswith(("certificate_days", "secret_days"))
    )


class _Test(nagiosplugin.Resource):
    """nagiosplugin's view of a Report; its labels begin with `prefix`, those that limits are given
    for with `usual`, which has no address.
    """

    def __init__(
        self,
        report: Report,
        prefix: str,
        usual: str,
        thresholds: Mapping[str, tuple[str | None, str | None]],
    ) -> None:
        self.report = report
        self.prefix = prefix
        #: (label as printed, bare label, ranges); those of all addresses unless one has its own.
        self.limits = [
            (prefix + label, label, thresholds.get(prefix + label, thresholds[usual + label]))
            for label in LABELS[report.method]
            if usual + label in thresholds
        ]

    def bare(self, result: Result) -> str:
        """The label of a result without its prefix."""
        return str(result.metric.name)[len(self.prefix) :]

    def probe(self) -> Iterator[Metric]:
        """All metrics of the method, in the contract's order; a missing value is None."""
        values = measurements(self.report)
        for name, label, ranges in self.limits:
            unit = "" if label in UNITLESS else "s"
            bounds = (0, 1) if label in YES_OR_NO else (None, None)
            rule = _rule(label, ranges)
            yield nagiosplugin.Metric(name, values[label], unit, *bounds, context=rule)


def _rule(label: str, ranges: tuple[str | None, str | None]) -> str:
    """The name of what judges all labels of this kind that have these ranges."""
    return f"{label} {ranges[0]} {ranges[1]}"


@lru_cache(maxsize=64)
def _range(text: str) -> Range:
    """A range, read once for many labels.

    A range of zero must arrive as text: nagiosplugin takes the number 0 for "no limit".
    """
    return nagiosplugin.Range(text)


class _Threshold(nagiosplugin.Context):
    """Judges labels by their ranges; a value that does not exist is not judged."""

    def __init__(self, name: str, warning: str | None, critical: str | None) -> None:
        super().__init__(name)
        self.warning, self.critical = _range(warning or ""), _range(critical or "")
        self._shown = [range_text(limits, plain=True) for limits in (self.warning, self.critical)]

    def evaluate(self, metric: Metric, resource: _Test) -> Result:
        """OK, or the state of the range that is violated, with that range as hint."""
        if metric.value is None or _told_by_kind(metric, resource.report):
            return nagiosplugin.Result(nagiosplugin.Ok, None, metric)
        for state, limits in (
            (nagiosplugin.Critical, self.critical),
            (nagiosplugin.Warn, self.warning),
        ):
            if not limits.match(metric.value):
                return nagiosplugin.Result(state, range_text(limits), metric)
        return nagiosplugin.Result(nagiosplugin.Ok, None, metric)

    def measured(self, metric: Metric) -> Performance:
        """Value with unit, `U` where there is none, and the ranges without exponents.

        Not what nagiosplugin calls by itself, to put it into words that nobody reads.
        """
        value = "U" if metric.value is None else output.decimal(metric.value)
        unit = "" if metric.value is None else metric.uom
        bounds = metric.min, metric.max
        return nagiosplugin.Performance(metric.name, value, unit, *self._shown, *bounds)


class _Connectivity(_Threshold):
    """Judges `mapi_connectivity` and its like: by their ranges as any label, and by the kind of
    failure.
    """

    def __init__(self, name: str, ranges: tuple[str | None, str | None], judging: Judging) -> None:
        super().__init__(name, *ranges)
        self._states = {**judging.states, "timeout": judging.timeout_state, "signal": "UNKNOWN"}

    def failure(self, report: Report) -> Failure | None:
        """What it is judged by."""
        return report.failure

    def evaluate(self, metric: Metric, resource: _Test) -> Result:
        """The state that the kind of failure has, or that of a violated range where it is worse."""
        judged = super().evaluate(metric, resource)
        failure = self.failure(resource.report)
        if failure is None:
            return judged
        state = self._states[failure.state_key]
        state = worst([state, _STATE_NAMES[int(judged.state)]])
        return nagiosplugin.Result(_STATE_OBJECTS[state], failure, metric)


class _AddressBook(_Connectivity):
    """Judges `address_book` in the same way."""

    def failure(self, report: Report) -> Failure | None:
        """What it is judged by."""
        return report.address_book_failure


#: Label -> what judges it, where that is by the kind of a failure, too.
_BY_KIND = {**dict.fromkeys(OUTCOMES, _Connectivity), "address_book": _AddressBook}


def range_text(limits: Range, *, plain: bool = False) -> str:
    """A range in plugin syntax without exponents; empty where there is no limit.

    `plain` writes 0..N as N: Icinga's metric writers drop what is no plain number.
    """
    if limits.start == 0 and limits.end == math.inf and not limits.invert:
        return ""
    start = "~" if limits.start == -math.inf else decimal(limits.start)
    end = "" if limits.end == math.inf else decimal(limits.end)
    prefix = "" if plain and start == "0" and end else f"{start}:"
    return f"{'@' if limits.invert else ''}{prefix}{end}"


def violation_text(label: str, value: float, limits: str) -> str:
    """One violated range."""
    position = f"inside {limits[1:]}" if limits.startswith("@") else f"outside {limits}"
    if label in UNITLESS:
        return f"{label} {decimal(value)} is {position}"
    name = "connection time" if label == "connection_time" else label
    return f"{name} {value:.3f}s is {position}"


def _limit(limits: str) -> str:
    """What violates a range, in words.

    >>> _limit("7:"), _limit("0:90")
    ('below 7', 'outside 0:90')
    """
    if limits.startswith("@"):
        return f"inside {limits[1:]}"
    return f"below {limits[:-1]}" if limits.endswith(":") else f"outside {limits}"
