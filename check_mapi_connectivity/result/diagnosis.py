"""The lines after the first: what one test came to, in detail."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..base.vocabulary import METHODS
from ..secrecy import names
from . import phase_tree
from .output import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.credentials import CertificateFacts
    from ..base.failure import Failure
    from ..base.report import Report
    from .judge import Judged

#: Lines of a body that are shown.
_MOST_LINES = 2000


def diagnosis(judged: Judged, verbose: int) -> Iterator[str]:
    """The long output about one report: what was found, where the time went, and what to do."""
    report = judged.report
    yield _head(judged)
    if report.failure is not None:
        yield from _failure(report.failure, judged.state)
        if report.finding.result:
            yield field("result", report.finding.result)
        if clock_told(report):
            yield field("clock", f"this host's {report.times.skew}")
    for state, words in judged.violations:
        yield field("limit", f"{state}: {words}")
    if judged.slow is not None:
        yield field("time went", judged.slow.shares)
        yield field("", judged.slow.points_to)
    yield from _found(report)
    yield from phase_tree.phases(report)
    if report.certificate is not None:
        yield from _certificate(report.certificate, report.certificate_days or 0.0)
    for name, value in report.trace.ids.items():
        yield field(name, value)
    for remark in report.trace.remarks:
        yield field("note", remark)
    if verbose:
        yield from _verbose(report, verbose)


def _found(report: Report) -> Iterator[str]:
    """Where the mailbox is and what is in it, as far as the method tells, and other facts."""
    finding, method = report.finding, METHODS[report.method]
    if method.mailbox:
        told = finding.result or report.success
        unknown = (
            f"not named by {method.named_by}" if told else "not known: the test gave no result"
        )
        yield field("mailbox", finding.named or unknown)
        yield field("database", finding.database or unknown)
        yield field("server", finding.server or unknown)
    for name, value in report.trace.facts.items():
        yield field(name, value)
    if method.lists and report.success:
        yield field("inbox", _inbox(report))
    if method.mailbox:
        yield field("latency", _latency(report))


def brief(judged: Judged) -> Iterator[str]:
    """The same in a few lines, where there are many."""
    report = judged.report
    yield _head(judged)
    if report.failure is not None:
        yield from _failure(report.failure, judged.state, whole=False)
    for state, words in judged.violations:
        yield field("limit", f"{state}: {words}")
    if report.failure is not None:
        for name, value in report.trace.ids.items():
            yield field(name, value)


def clock_told(report: Report) -> bool:
    """Whether this host's clock may have to do with the failure: of sign-in, or of TLS."""
    failure = report.failure
    if failure is None or report.times.skew is None:
        return False
    return failure.during == "sign-in" or failure.kind in ("credential", "tls")


def _head(judged: Judged) -> str:
    report, failure = judged.report, judged.report.failure
    limits = ", but beyond a limit" if judged.violations else ""
    outcome = (
        clean(failure.cause) if failure else f"{clean(report.finding.result or 'Success')}{limits}"
    )
    archive = " (archive)" if report.archive else ""
    if not METHODS[report.method].mailbox:
        return f"[{judged.state}] sign-in: {outcome}"
    return f"[{judged.state}] {clean(report.mailbox)} by {report.method}{archive}: {outcome}"


def _failure(failure: Failure, state: str, *, whole: bool = True) -> Iterator[str]:
    kind = failure.kind + (f" ({failure.judged_as})" if failure.judged_as else "")
    yield field("kind", f"{kind}, counts as OK" if state == "OK" else kind)
    told = not failure.during or failure.during in failure.cause
    yield field("cause", failure.cause if told else f"{failure.during}: {failure.cause}")
    if failure.remedy:
        yield field("remedy", failure.remedy)
    if failure.code:
        yield field("code", failure.code)
        if whole:
            yield from _explained(failure.code)
    if failure.detail and whole:
        yield field("in full", failure.detail)


def _explained(code: str) -> Iterator[str]:
    """What a code is called, where it does not say so itself, and where its owner explains it."""
    from ..codes import entries

    name, link = entries.find(code)
    if name and name not in code:
        yield field("name", name)
    if link:
        yield field("see", link)


def field(name: str, value: str) -> str:
    """One indented line of name and value."""
    return f"  {clean(name):<13} {clean(names.text(value[:8000]))}"


def _inbox(report: Report) -> str:
    """Counts, and how old the newest message is."""
    finding = report.finding
    unread = "" if finding.unread is None else f", {finding.unread} unread"
    delivered = [row.delivered for row in finding.rows if row.delivered is not None]
    newest = (
        f", newest {moment(max(delivered))} ({age(report.times.moment - max(delivered))})"
        if delivered
        else ""
    )
    plural = "" if finding.inbox_items == 1 else "s"
    count = "number not told" if finding.inbox_items is None else f"{finding.inbox_items} message"
    count = count if finding.inbox_items is None else count + plural
    return f"{count}{unread}, {len(finding.rows)} listed{newest}"


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
    finding = report.finding
    if report.method == "mapi":
        total = (
            "not measured: no success"
            if finding.round_trip is None
            else f"{finding.round_trip:.3f}s"
        )
        if finding.server_latency is None:
            return total
        if not finding.server_exact:
            return f"{total}; the server itself says {finding.server_latency:g}s, maybe rounded"
        return f"{total}, {finding.server_latency:.3f}s of it in the server, by its own word"
    if report.method == "graph":
        measured = finding.round_trip
        return "not measured" if measured is None else f"{measured:.3f}s round trip of the request"
    reported = (
        "none reported by Exchange"
        if finding.server_latency is None
        else f"{finding.server_latency:.3f}s reported by Exchange"
    )
    return (
        reported
        if finding.round_trip is None
        else f"{reported}, {finding.round_trip:.3f}s round trip of the request"
    )


def _certificate(facts: CertificateFacts, days: float) -> Iterator[str]:
    yield field(
        "certificate", f"{facts.subject}, ends {date(facts.not_after)} (in {days:.1f} days)"
    )
    yield field("", f"SHA-1 {facts.sha1}")
    yield field("", f"SHA-256 {facts.sha256}")


def _verbose(report: Report, verbose: int) -> Iterator[str]:
    """`-v` rows and notes, `-vv` requests and headers, `-vvv` bodies."""
    for row in report.finding.rows:
        when = "no delivery time" if row.delivered is None else moment(row.delivered)
        size = "" if row.size is None else f", {row.size} bytes"
        yield field("message", f"{row.identifier}, {when}{size}")
    for note in report.trace.notes:
        yield field("note", note)
    for exchange in report.trace.exchanges:
        yield field("request", exchange.request)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.request_headers
        )
        if verbose >= 3:
            yield from _body(exchange.request_body)
        yield field("answer", exchange.status)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.response_headers
        )
        if verbose >= 3:
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
