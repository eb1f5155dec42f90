"""Report -> words: the first line and the detailed diagnosis.

Every text that came from outside passes `clean` where it is put into a line, and every line passes
`printable` at the end.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from . import masking
from .option_table import NOT_YET_SEEN
from .output import FIRST_LINE, clean, decimal, first_line, printable, sentence
from .vocabulary import SERVICE, UNITLESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nagiosplugin import Performance, Range

    from .certificate import CertificateFacts
    from .options import Options
    from .report import Failure, Report, Stopwatch

#: Lines of a body that are shown.
_MOST_LINES = 2000

#: Characters of the longest bar in the tree of phases.
_BAR = 40


class Judged(NamedTuple):
    """State of the run, the text of its first line, performance data, and violated limits."""

    state: str
    line: str
    performances: list[Performance]
    violations: list[tuple[str, str]]


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


def success_text(report: Report) -> str:
    """What success means, with the time it took."""
    inbox = "Inbox of the archive" if report.archive else "Inbox"
    return f"{inbox} listed in {report.connection_time or 0.0:.3f}s ({report.method})"


def violation_text(label: str, value: float, limits: str) -> str:
    """One violated range."""
    if label == "certificate_days":
        return f"client certificate ends in {value:.2f} days, limit {limits}"
    position = f"inside {limits[1:]}" if limits.startswith("@") else f"outside {limits}"
    if label in UNITLESS:
        return f"{label} {decimal(value)} is {position}"
    name = "connection time" if label == "connection_time" else label
    return f"{name} {value:.3f}s is {position}"


def line(report: Report, violations: list[tuple[str, str]]) -> str:
    """The first line after `MAPI STATE - `: the failure, then violated limits as room allows."""
    subject = _subject(report)
    room = FIRST_LINE - len(f"{SERVICE} CRITICAL - {subject}")
    more = [words for _, words in violations]
    if report.failure is not None:
        made = _failure_text(report.failure, room - (len(_more(more)) if more else 0))
    elif more:
        made = more.pop(0)
    else:
        return subject + success_text(report)
    while more and len(f"{made}; {more[0]}") + len(_more(more[1:])) <= room:
        made += f"; {more.pop(0)}"
    if more:
        return subject + made + _more(more)
    success = f", {success_text(report)}" if report.success else ""
    return subject + made + (success if len(made + success) <= room else "")


def _more(left: list[str]) -> str:
    """How many limits are violated besides those named."""
    if not left:
        return ""
    return f"; {len(left)} more limit{'s' if len(left) > 1 else ''} violated"


def _failure_text(failure: Failure, room: int) -> str:
    """Cause, code and remedy of a failure in at most `room` characters."""
    cause = failure.cause
    if failure.during and failure.during not in cause:
        cause = (
            f"{failure.during} {'refused' if failure.kind == 'credential' else 'failed'}: {cause}"
        )
    return sentence(cause, failure.code, failure.remedy, room)


def _subject(report: Report) -> str:
    """The mailbox in front of what is about it; a refused sign-in is about the whole tenant."""
    if report.failure is not None and report.failure.during == "sign-in":
        return ""
    # A long address must not eat the cause; the diagnosis has it whole.
    return f"{clean(report.mailbox, 48)}: "


def text(judged: Judged, report: Report, options: Options) -> str:
    """First line with all performance data, and the diagnosis below it."""
    perfdata = " ".join(str(performance) for performance in judged.performances)
    lines = [first_line(judged.state, judged.line, perfdata)]
    if options.diagnosis or options.verbose:
        lines += [printable(line) for line in _diagnosis(judged, report, options)]
    return "\n".join(lines) + "\n"


def _diagnosis(judged: Judged, report: Report, options: Options) -> Iterator[str]:
    """The long output: what was found, where the time went, and what to do."""
    failure = report.failure
    outcome = (
        clean(report.result or "Success")
        if report.success
        else clean(failure.cause if failure else "no result")
    )
    archive = " (archive)" if report.archive else ""
    yield f"[{judged.state}] {clean(report.mailbox)} by {report.method}{archive}: {outcome}"
    if failure is not None:
        yield from _failure(failure)
        if report.result:
            yield _field("result", report.result)
    named = report.result or report.success
    unknown = "not named by Exchange" if named else "not known: the test gave no result"
    for state, words in judged.violations:
        yield _field("limit", f"{state}: {words}")
    yield _field("mailbox", report.named or unknown)
    yield _field("database", report.database or unknown)
    yield _field("server", report.server or unknown)
    for name, value in report.facts.items():
        yield _field(name, value)
    if report.inbox_items is not None:
        yield _field("inbox", _inbox(report))
    yield _field("latency", _latency(report))
    yield from _phases(report)
    if report.certificate is not None:
        yield from _certificate(report.certificate, report.certificate_days or 0.0)
    for name, value in report.ids.items():
        yield _field(name, value)
    for remark in report.remarks:
        yield _field("note", remark)
    if report.method == "cmdlet" or not report.success or options.tenant or options.verbose:
        yield _field("note", NOT_YET_SEEN[report.method])
    if options.verbose:
        yield from _verbose(report, options)


def _failure(failure: Failure) -> Iterator[str]:
    yield _field("kind", failure.kind + (f" ({failure.judged_as})" if failure.judged_as else ""))
    told = not failure.during or failure.during in failure.cause
    yield _field("cause", failure.cause if told else f"{failure.during}: {failure.cause}")
    if failure.remedy:
        yield _field("remedy", failure.remedy)
    if failure.code:
        yield _field("code", failure.code)
    if failure.detail:
        yield _field("in full", failure.detail)


def _field(name: str, value: str) -> str:
    """One indented line of name and value."""
    return f"  {clean(name):<13} {clean(masking.text(value[:8000]))}"


def _inbox(report: Report) -> str:
    """Counts, and how old the newest message is."""
    unread = "" if report.unread is None else f", {report.unread} unread"
    times = [row.delivered for row in report.rows if row.delivered is not None]
    newest = f", newest {moment(max(times))} ({age(time.time() - max(times))})" if times else ""
    plural = "" if report.inbox_items == 1 else "s"
    return f"{report.inbox_items} message{plural}{unread}, {len(report.rows)} listed{newest}"


def age(seconds: float) -> str:
    """How long ago, in the largest unit that fits.

    >>> age(90), age(7200), age(-30)
    ('1 minute ago', '2 hours ago', '30 seconds in the future')
    """
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    name, size = next((unit for unit in units if abs(seconds) >= unit[1]), units[-1])
    count = int(abs(seconds) // size)
    return f"{count} {name}{'' if count == 1 else 's'} {'ago' if seconds >= 0 else 'in the future'}"


def _latency(report: Report) -> str:
    if report.method == "mapi":
        total = (
            "not measured: no success" if report.round_trip is None else f"{report.round_trip:.3f}s"
        )
        server = (
            ""
            if report.server_latency is None
            else (f", {report.server_latency:.3f}s of it in the server, by its own word")
        )
        return f"{total}{server}"
    reported = (
        "none reported by Exchange"
        if report.server_latency is None
        else f"{report.server_latency:.3f}s reported by Exchange"
    )
    return (
        reported
        if report.round_trip is None
        else f"{reported}, {report.round_trip:.3f}s round trip of the request"
    )


def _phases(report: Report) -> Iterator[str]:
    """The tree of phases with bars; a bar of full length is the whole run."""
    whole = max(report.total or 0.0, 1e-9)
    yield f"  {'phases':<13} {report.total or 0.0:8.3f}s in all"
    if report.token_cached:
        yield f"    {'sign-in':<11} {0.0:8.3f}s (token from the cache)"
    else:
        yield from _branch("sign-in", report.sign_in, whole)
    yield from _branch("Autodiscover", report.discovery, whole)
    for phase in report.service.phases():
        yield _bar(f"    {phase.name}", phase.seconds, whole, phase.finished)
    if report.waited:
        yield _bar("    first try", report.first_try, whole, finished=True)
        yield _bar("    waiting", report.waited, whole, finished=True)
    watches = (report.sign_in, report.discovery, report.service)
    charged = sum(phase.seconds for watch in watches for phase in watch.phases())
    charged += report.first_try + report.waited
    yield _bar("    this host", max(0.0, whole - charged), whole, finished=True)


def _branch(name: str, watch: Stopwatch, whole: float) -> Iterator[str]:
    """A stopwatch of its own: the sum of its phases, and each of them."""
    phases = watch.phases()
    if phases:
        total = sum(phase.seconds for phase in phases)
        yield _bar(f"    {name}", total, whole, not watch.current)
        for phase in phases:
            yield _bar(f"      {phase.name}", phase.seconds, whole, phase.finished)


def _bar(name: str, seconds: float, whole: float, finished: bool) -> str:
    bar = "#" * min(_BAR, round(seconds / whole * _BAR))
    words = [f"{name:<15} {seconds:8.3f}s", bar, "" if finished else "not finished"]
    return " ".join(word for word in words if word)


def _certificate(facts: CertificateFacts, days: float) -> Iterator[str]:
    yield _field(
        "certificate", f"{facts.subject}, ends {date(facts.not_after)} (in {days:.1f} days)"
    )
    yield _field("", f"SHA-1 {facts.sha1}")
    yield _field("", f"SHA-256 {facts.sha256}")


def _verbose(report: Report, options: Options) -> Iterator[str]:
    """`-v` the surroundings, `-vv` requests and headers, `-vvv` bodies."""
    for source in options.sources:
        yield _field("options from", source)
    for row in report.rows:
        when = "no delivery time" if row.delivered is None else moment(row.delivered)
        size = "" if row.size is None else f", {row.size} bytes"
        yield _field("message", f"{row.identifier}, {when}{size}")
    if options.tenant:
        yield _field("sign-in host", options.authority_url)
        yield _field("exchange host", options.exchange_url)
    through = (
        f"{options.proxy} from {options.proxy.source}"
        if options.proxy
        else "none, direct connection"
    )
    yield _field("proxy", through)
    yield _field("cache", options.cache_dir or "none")
    for note in report.notes:
        yield _field("note", note)
    for exchange in report.exchanges:
        yield _field("request", exchange.request)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.request_headers
        )
        if options.verbose >= 3:
            yield from _body(exchange.request_body)
        yield _field("answer", exchange.status)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.response_headers
        )
        if options.verbose >= 3:
            yield from _body(exchange.response_body)


def _body(lines: list[str]) -> Iterator[str]:
    """The lines of a body, indented as they are."""
    for text in lines[:_MOST_LINES]:
        indent = len(text) - len(text.lstrip())
        if text:
            yield f"    {' ' * min(indent, 20)}{clean(text, 4000)}"
    if len(lines) > _MOST_LINES:
        yield f"    and {len(lines) - _MOST_LINES} lines more"


def moment(seconds: float) -> str:
    """A point in time, in UTC; the number where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f}s since 1970"


def date(seconds: float) -> str:
    """The day of a point in time, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")
