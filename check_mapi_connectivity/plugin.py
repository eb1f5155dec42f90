"""One run: probe, judge by nagiosplugin, word the result.

nagiosplugin's Resource, Contexts and Summary judge and word; its process control is not used
(design decision 2). `run` always ends in `conclude`, which turns the Report as it stands into
output and exit code - called by the main thread at the end, or by the watchdog at the deadline or
on a signal.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import nagiosplugin

from . import document, masking, output, render
from .deadline import Deadline, Watchdog
from .probes import Run
from .report import CheckFailure, Failure, Report, Stopwatch
from .vocabulary import SEVERITY, STATES, UNITLESS, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nagiosplugin import Metric, Performance, Result, Results

    from .options import Options
    from .probes import Probe

_STATE_OBJECTS = {
    "OK": nagiosplugin.Ok,
    "WARNING": nagiosplugin.Warn,
    "CRITICAL": nagiosplugin.Critical,
    "UNKNOWN": nagiosplugin.Unknown,
}
_STATE_NAMES = {code: name for name, code in STATES.items()}

#: Seconds before the one retry where the other side names none.
_PAUSE = 0.25


#: Phases of the way to a service, and those of what is said to it.
_WAY = ("dns", "tcp", "proxy", "tls")
_PROTOCOL = ("request", "connect", "execute", "disconnect")


def run(options: Options, started: float) -> tuple[str, int]:
    """Test the mailbox; output and exit code.

    Raises UsageError. May end the process through the watchdog instead.
    """
    deadline = Deadline(started, options.timeout)
    report = Report(options.mailbox, options.method, options.archive)
    report.proxied = options.proxy is not None

    def last_words(signal_name: str | None) -> tuple[str, int]:
        # What had just been decided when the time ran out stays decided.
        if not report.success and report.failure is None:
            seconds = time.monotonic() - started if signal_name else options.timeout
            report.failure = report.timed_out(seconds, signal_name)
        elif report.service.current == "disconnect":
            report.remarks.append("the time was up before the session was ended")
        try:
            return conclude(options, report, started)
        except Exception as error:
            text = f"internal error: {type(error).__name__} at the deadline; please report it"
            return output.complain(text, as_json=options.json), 3

    watchdog = Watchdog(deadline, last_words, output.write)
    watchdog.start()
    try:
        _test(options, deadline, report)
    finally:
        if not watchdog.claim():
            # The watchdog is writing and will end the process.
            threading.Event().wait()
    return conclude(options, report, started)


def conclude(options: Options, report: Report, started: float) -> tuple[str, int]:
    """Output and exit code for a report as it stands."""
    report.total = time.monotonic() - started
    masking.conceal(report)
    contexts = [_Threshold(label, *ranges) for label, ranges in options.thresholds.items()]
    # The later context of a name is the one that counts.
    contexts.append(_Connectivity(options))
    check = nagiosplugin.Check(_Mailbox(report, options.thresholds), *contexts, _Line(report))
    check()
    results = check.results.results
    state = worst([_STATE_NAMES[int(result.state)] for result in results])
    performances = [result.metric.performance() for result in results]
    violations = _violations(check.results)
    judged = render.Judged(state, check.summary_str, performances, violations)
    if options.json:
        return document.build(judged, report, options), STATES[state]
    return render.text(judged, report, options), STATES[state]


def _test(options: Options, deadline: Deadline, report: Report) -> None:
    """Probe, and once more after a passing fault where the time allows; the report holds how it
    ended. Raises UsageError.
    """
    from .cache import Cache
    from .identity import Identity
    from .transport import Transport

    cache = Cache(options.cache_dir, report.notes)
    transport = Transport(options, deadline, report)
    identity = Identity(options, transport, cache, report)
    identity.prepare()
    probe = _probe(Run(options, transport, identity, cache, report, deadline))
    first: Failure | None = None
    while True:
        begun = time.monotonic()
        try:
            probe.run()
            break
        except CheckFailure as error:
            failure = _again_refused(first, error.failure)
        finally:
            for watch in (report.sign_in, report.discovery, report.service):
                watch.stop()
        wait = None if first else _wait(failure, deadline, time.monotonic() - begun)
        if wait is None:
            report.failure = failure
            break
        first = failure
        report.remarks.append(f"first try: {failure.cause}; tried again after {wait:g}s")
        reset = [report.service]
        if failure.during:
            reset += [report.sign_in, report.discovery]
            report.sign_in, report.discovery = Stopwatch(), Stopwatch()
        report.first_try = sum(watch.total() or 0.0 for watch in reset)
        report.service = Stopwatch()
        report.service.start("wait")
        time.sleep(wait)
        report.waited = wait
        report.service = Stopwatch()
    probe.end()
    transport.close()


def _probe(run: Run) -> Probe:
    """The probe of the method; the others are not imported."""
    if run.options.method == "mapi":
        from .probes.mapi import MapiProbe

        return MapiProbe(run)
    from .probes.cmdlet import CmdletProbe

    return CmdletProbe(run)


def _wait(failure: Failure, deadline: Deadline, took: float) -> float | None:
    """Seconds to wait before a second try; None when there is to be none."""
    if not failure.transient:
        return None
    wait = _PAUSE if failure.retry_after is None else failure.retry_after
    # A second try that would run into the deadline only hides what the first one found.
    return wait if wait + max(0.5, took) < deadline.remaining() - deadline.reserve else None


def _again_refused(first: Failure | None, failure: Failure) -> Failure:
    """A 503 after a wait that the service had asked for is throttling too (contract 7.4)."""
    if first is not None and first.kind == "throttled" and failure.code == "HTTP 503":
        return replace(failure, kind="throttled")
    return failure


def measurements(report: Report) -> dict[str, float | None]:
    """Label -> value of everything the method can measure; None where a value does not exist
    (contract 5, 7.7).
    """
    phases = {phase.name: phase.seconds for phase in report.service.phases() if phase.finished}
    begun = [phase.name for phase in report.service.phases()]
    # What a kept connection or a direct way did not need took no time; what was never reached has
    # none.
    connected = any(name in begun for name in _PROTOCOL)
    values = {f"time_{name}": phases.get(name, 0.0 if connected else None) for name in _WAY}
    if not report.proxied:
        values["time_proxy"] = 0.0
    values.update({f"time_{name}": phases.get(name) for name in _PROTOCOL})
    if report.service.current:
        values[f"time_{report.service.current}"] = None
    return {
        "mapi_connectivity": 1.0 if report.success else 0.0,
        "connection_time": report.connection_time if report.success else None,
        "time_token": 0.0 if "token" in report.unneeded else report.sign_in.total(),
        "time_autodiscover": 0.0 if "autodiscover" in report.unneeded else report.discovery.total(),
        **values,
        "time_server": report.server_latency,
        "total_time": report.total,
        "inbox_items": None if report.inbox_items is None else float(report.inbox_items),
        "certificate_days": report.certificate_days,
    }


class _Mailbox(nagiosplugin.Resource):
    """nagiosplugin's view of a Report."""

    def __init__(self, report: Report, labels: Iterable[str]) -> None:
        self.report = report
        self._labels = labels

    def probe(self) -> Iterator[Metric]:
        """All metrics of the method, in the contract's order; a missing value is None."""
        values = measurements(self.report)
        for label in self._labels:
            unit = "" if label in UNITLESS else "s"
            bounds = (0, 1) if label == "mapi_connectivity" else (None, None)
            yield nagiosplugin.Metric(label, values[label], unit, *bounds)


class _Threshold(nagiosplugin.ScalarContext):
    """Judges one label by its ranges; a value that does not exist is not judged."""

    def __init__(self, label: str, warning: str | None, critical: str | None) -> None:
        # A range of zero must arrive as text: nagiosplugin takes the number 0 for "no limit".
        super().__init__(label, warning or "", critical or "")

    def evaluate(self, metric: Metric, resource: _Mailbox) -> Result:
        """OK, or the state of the range that is violated, with that range as hint."""
        if metric.value is None:
            return nagiosplugin.Result(nagiosplugin.Ok, None, metric)
        for state, limits in (
            (nagiosplugin.Critical, self.critical),
            (nagiosplugin.Warn, self.warning),
        ):
            if not limits.match(metric.value):
                return nagiosplugin.Result(state, render.range_text(limits), metric)
        return nagiosplugin.Result(nagiosplugin.Ok, None, metric)

    def performance(self, metric: Metric, resource: _Mailbox) -> Performance:
        """Value with unit, `U` where there is none, and the ranges without exponents."""
        value = "U" if metric.value is None else output.decimal(metric.value)
        unit = "" if metric.value is None else metric.uom
        ranges = [render.range_text(limits, plain=True) for limits in (self.warning, self.critical)]
        bounds = ["" if bound is None else str(bound) for bound in (metric.min, metric.max)]
        return nagiosplugin.Performance(metric.name, value, unit, *ranges, *bounds)


class _Connectivity(_Threshold):
    """Judges `mapi_connectivity`: by its ranges like any label, and by the kind of failure."""

    def __init__(self, options: Options) -> None:
        super().__init__("mapi_connectivity", *options.thresholds["mapi_connectivity"])
        self._states = {**options.states, "timeout": options.timeout_state, "signal": "UNKNOWN"}

    def evaluate(self, metric: Metric, resource: _Mailbox) -> Result:
        """The state that the kind of failure has, or that of a violated range where it is worse."""
        judged = super().evaluate(metric, resource)
        failure = resource.report.failure
        if failure is None:
            return judged
        state = self._states[failure.state_key]
        state = worst([state, _STATE_NAMES[int(judged.state)]])
        return nagiosplugin.Result(_STATE_OBJECTS[state], failure, metric)


class _Line(nagiosplugin.Summary):
    """Words the first line: the failure first, else the worst violation."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def ok(self, results: Results) -> str:
        """`probe@contoso.com: Inbox listed in 0.412s (cmdlet)`, or what is judged OK."""
        return self.problem(results)

    def problem(self, results: Results) -> str:
        """What became of the mailbox, and the limits that are violated."""
        return render.line(self._report, _violations(results))


def _violations(results: Results) -> list[tuple[str, str]]:
    """(state, words) of every violated range, the worst first."""
    found = [
        (_STATE_NAMES[int(result.state)], result)
        for result in results.results
        if isinstance(result.hint, str)
    ]
    found.sort(key=lambda pair: -SEVERITY.index(pair[0]))
    return [
        (state, render.violation_text(result.metric.name, result.metric.value, result.hint))
        for state, result in found
    ]
