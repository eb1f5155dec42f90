"""The lines after the first: what one test came to, in detail."""

from __future__ import annotations

import time

from ..base.clock_skew import YEAR_10000
from ..base.vocabulary import METHODS
from . import phase_tree
from .first_line import success_text
from .layout import WIDTH, Block, field, plain, shown, told
from .output import LONG_LINE, clean, ending, slashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.credentials import CertificateFacts
    from ..base.failure import Failure
    from ..base.report import Report
    from .judge import Judged

#: Lines of a body that are shown; and violated limits by default.
_MOST_LINES = 2000
_MOST_LIMITS = 3

#: Characters of an address where there are several.
_ADDRESS = 64

#: Facts and ids that the default diagnosis has; `-v` has all.
_FACTS = (
    "endpoint",
    "signed in",
    "permission",
    "TLS inspected",
    "without proxy",
    "proxy logon",
    "throttling",
    "address book",
)
#: Facts that it has beside them where one address of several was tested: who answered there.
_NODE_FACTS = ("front end", "affinity")
_IDS = ("request-id", "client-request-id")

#: What the admin API answers beside each failure: it says nothing.
_NO_NEWS = ("FAILURE", "Success")


def diagnosis(judged: Judged, verbose: int, line: str, *, by_hand: bool) -> Iterator[Block]:
    """The long output about one report: what was found, what to do, and where the time went.

    A cause that stands whole on the first `line` is not told again.
    """
    report = judged.report
    yield Block(0, list(plain(_head(judged), verbose)))
    if report.failure is not None:
        yield from _failure(report.failure, verbose, line)
        if report.finding.result and (verbose or report.finding.result not in _NO_NEWS):
            yield Block(2, list(told("result", report.finding.result, verbose)))
    if clock_told(report):
        yield Block(1, list(told("clock", f"this host's {report.times.skew}", verbose)))
    if report.address_book_failure is not None:
        yield from _failure(report.address_book_failure, verbose, line)
    yield Block(1, list(_limits(judged, verbose)))
    yield from _found(report, verbose)
    trouble = judged.slow is not None or (report.failure and report.failure.kind == "timeout")
    if verbose or trouble or by_hand:
        yield Block(1, list(phase_tree.tree(report, whole=bool(verbose))))
    else:
        yield Block(1, list(told("phases", phase_tree.in_words(report), 0)))
    for name, value in report.trace.ids.items():
        if verbose or name in _IDS:
            yield Block(4, list(told(name, value, verbose, foreign=True)))
    for remark in report.trace.remarks:
        yield Block(3, list(told("note", _shortly(remark, report.failure, verbose), verbose)))
    if verbose:
        yield Block(4, list(_verbose(report, verbose)))


def brief(judged: Judged) -> Iterator[str]:
    """One of several in two lines: what is wrong, and what to do."""
    report = judged.report
    failure = report.failure or report.address_book_failure
    limits = [words for _, words in judged.limits]
    said = limits[0] if limits else success_text(report)
    if failure is not None:
        said = f"{cause_of(failure)}{_counted(failure, judged.state)}"
        coded = failure.code and failure.code not in said
        said += f" ({failure.code})" if coded else ""
    yield from plain(f"{_who(judged, _ADDRESS)}: {shown(said)}", 0, lines=2)
    if failure is not None and failure.remedy:
        yield from told("remedy", failure.remedy, 0, lines=1)
    elif judged.slow is not None:
        yield from told("time went", judged.slow.points_to, 0, lines=1)


def beside(judged: Judged) -> Iterator[Block]:
    """What is told besides of one of few."""
    report, ids = judged.report, judged.report.trace.ids
    if clock_told(report):
        yield Block(2, list(told("clock", f"this host's {report.times.skew}", 0)))
    for name in _NODE_FACTS if report.address else ():
        if name in report.trace.facts:
            yield Block(1, list(told(name, report.trace.facts[name], 0, foreign=True)))
    if report.failure is None:
        places = {"database": report.finding.database, "server": report.finding.server}
        named = ", ".join(filter(None, map(places.get, METHODS[report.method].names)))
        if named:
            yield Block(2, list(told("at", named, 0, foreign=True)))
        # Of one node among several it counts more who answered.
        rank = 3 if report.address else 1
        yield Block(rank, list(told("phases", phase_tree.in_words(report), 0)))
        return
    for state, words in judged.limits[:1]:
        yield Block(1, list(told("limit", f"{state}: {words}", 0, lines=1)))
    if _IDS[0] in ids:
        yield Block(2, list(told(_IDS[0], ids[_IDS[0]], 0, foreign=True)))


def clock_told(report: Report) -> bool:
    """Whether this host's clock may have to do with the failure: of sign-in, or of TLS."""
    failure = report.failure
    if report.times.skew is None:
        return False
    if failure is None:
        # Of several nodes one may have another time.
        return bool(report.address)
    return (
        bool(report.address) or failure.during == "sign-in" or failure.kind in ("credential", "tls")
    )


def _who(judged: Judged, longest: int = LONG_LINE) -> str:
    report = judged.report
    if not METHODS[report.method].mailbox:
        return f"[{judged.state}] sign-in"
    archive = " (archive)" if report.archive else ""
    at = f" at {report.address}" if report.address else ""
    return f"[{judged.state}] {clean(report.mailbox, longest)} by {report.method}{at}{archive}"


def _head(judged: Judged) -> str:
    report, failure = judged.report, judged.report.failure
    if failure is not None:
        judged_as = f" ({failure.judged_as})" if failure.judged_as else ""
        counted = _counted(failure, judged.state)
        return f"{_who(judged)}: kind {failure.kind}{judged_as}{counted}"
    limits = ", but beyond a limit" if judged.limits else ""
    second = report.address_book_failure
    if second is not None:
        limits += f", but kind {second.kind}{_counted(second, judged.state)}"
    return f"{_who(judged)}: {clean(report.finding.result or 'Success')}{limits}"


def _counted(failure: Failure, state: str) -> str:
    """What a failure's state needs as an explanation."""
    return ", counts as OK" if state == "OK" else ""


def cause_of(failure: Failure) -> str:
    """The cause, with where it was met."""
    known = not failure.during or failure.during in failure.cause
    return failure.cause if known else f"{failure.during}: {failure.cause}"


def _failure(failure: Failure, verbose: int, line: str) -> Iterator[Block]:
    """Cause, remedy and code; the cause only where the first line has it not, or cut."""
    if verbose or slashed(clean(failure.cause)) not in slashed(line):
        yield Block(0, list(told("cause", cause_of(failure), verbose)))
    if failure.remedy:
        yield Block(0, list(told("remedy", failure.remedy, verbose)))
    if failure.code:
        name, link = _explained(failure.code)
        yield Block(1, list(told("code", ", ".join([failure.code, *name]), verbose)))
        # A link that is broken over two lines is none.
        if link and (verbose or len(field("see", link)) <= WIDTH):
            yield Block(2, [field("see", link)])
    if failure.detail:
        yield Block(2, list(told("in full", failure.detail, verbose, lines=2)))


def _explained(code: str) -> tuple[list[str], str]:
    """What a code is called, where it does not say so itself, and where its owner explains it."""
    from ..codes import entries

    name, link = entries.find(code)
    return [name] if name and name not in code else [], link


def _shortly(remark: str, failure: Failure | None, verbose: int) -> str:
    """A remark that does not tell the cause again."""
    return remark if verbose or not failure else remark.replace(failure.cause, "the same")


def _limits(judged: Judged, verbose: int) -> Iterator[str]:
    """Violated limits, and where the time went."""
    shown = len(judged.limits) if verbose else _MOST_LIMITS
    for state, words in judged.limits[:shown]:
        yield from told("limit", f"{state}: {words}", verbose, lines=2)
    if judged.limits[shown:]:
        yield field("", f"{len(judged.limits) - shown} more limits violated; -v shows all")
    if judged.slow is not None:
        yield from told("time went", judged.slow.shares, verbose)
        yield from told("", judged.slow.points_to, verbose)


def _found(report: Report, verbose: int) -> Iterator[Block]:
    """What the test has found out about the mailbox; what it could not is left out."""
    method, finding = METHODS[report.method], report.finding
    places = {"mailbox": finding.named, "database": finding.database, "server": finding.server}
    for name, value in places.items():
        # What a method never names is told to who asks, or where all is well.
        if value and (verbose or report.success or name in method.names or name == "mailbox"):
            yield Block(3, list(told(name, value, verbose, foreign=True)))
    facts = (*_FACTS, *(_NODE_FACTS if report.address else ()))
    for name, value in report.trace.facts.items():
        if verbose or name in facts:
            yield Block(4, list(told(name, value, verbose, foreign=True)))
    if method.lists and report.success:
        yield Block(3, list(told("inbox", _inbox(report), verbose)))
    if (report.success or verbose) and _latency(report):
        yield Block(3, list(told("latency", _latency(report), verbose)))


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
    """What was measured, and what the server says of it; empty where there is neither."""
    finding = report.finding
    server = "" if finding.server_latency is None else f"{finding.server_latency:.3f}s"
    trip = "" if finding.round_trip is None else f"{finding.round_trip:.3f}s"
    if report.method != "mapi":
        told = [f"{server} reported by Exchange"] if server else []
        told += [f"{trip} round trip of the request"] if trip else []
        return ", ".join(told)
    if not trip or not server:
        return trip
    if not finding.server_exact:
        return f"{trip}; the server itself says {finding.server_latency:g}s, maybe rounded"
    return f"{trip}, {server} of it in the server, by its own word"


def certificate(facts: CertificateFacts, days: float, verbose: int) -> Iterator[str]:
    """The certificate of a run, and at `-v` what an administrator compares with the portal."""
    yield from told("certificate", f"{facts.subject}, {ending(facts.not_after, days)}", verbose)
    if verbose:
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
    if not abs(seconds) < YEAR_10000:
        return f"{seconds:.0f}s since 1970"
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))
