"""One report -> words: its first line and its detailed diagnosis.

Every text that came from outside passes `clean` where it is put into a line; overview.py puts the
lines together.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..base.options import MODULE_CLIENT_ID, ManagedIdentity, UserPassword
from ..base.vocabulary import SERVICE, UNITLESS
from ..commandline.help_text import MODULE_APP, RETIRING
from ..secrecy import echoes
from . import phase_tree
from .output import FIRST_LINE, clean, decimal, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nagiosplugin import Range

    from ..base.options import Options
    from ..base.report import Failure, Judged, Report
    from ..signin.certificate import CertificateFacts

#: Lines of a body that are shown.
_MOST_LINES = 2000

#: Characters of the first line that a cause, or an address, has at least.
LEAST = 24

#: Characters of an address that is shortened for what took long.
_LEAST_ADDRESS = 32


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


def line(report: Report, violations: list[tuple[str, str]], taken: int = 0) -> str:
    """The first line after `MAPI STATE - `: the failure, then violated limits as room allows;
    `taken` characters of it are for others.
    """
    subject = _subject(report)
    room = FIRST_LINE - len(f"{SERVICE} CRITICAL - {subject}") - taken
    limits = [words for _, words in violations]
    if report.failure is not None:
        return subject + failure_line(report.failure, limits, room)
    if not limits:
        return subject + success_text(report)
    # What took the time is worth more than the rest of a long address.
    whole = len(subject) + room
    subject = _subject(report, max(_LEAST_ADDRESS, whole - 2 - len(limits[0])))
    room = whole - len(subject)
    others = _counted(limits[1:], room)
    made = _with_limits(clean(limits[0], room - len(more(others))), others, room)
    success = f", {success_text(report)}" if report.success else ""
    return subject + made + (success if len(made + success) <= room else "")


def failure_line(failure: Failure, limits: list[str], room: int) -> str:
    """A failure, then violated limits as room allows."""
    others = _counted(limits, room)
    return _with_limits(failure_text(failure, room - len(more(others))), others, room)


def _counted(limits: list[str], room: int) -> list[str]:
    """The limits, or none where even to count them would leave too little room."""
    return limits if room - len(more(limits)) >= LEAST else []


def _with_limits(made: str, limits: list[str], room: int) -> str:
    """Further violated limits, named as room allows, the rest counted."""
    left = list(limits)
    while left and len(f"{made}; {left[0]}") + len(more(left[1:])) <= room:
        made += f"; {left.pop(0)}"
    return made + more(left)


def more(left: list[str]) -> str:
    """How many limits are violated besides those named."""
    if not left:
        return ""
    return f"; {len(left)} more limit{'s' if len(left) > 1 else ''} violated"


def failure_text(failure: Failure, room: int) -> str:
    """Cause, code and remedy of a failure in at most `room` characters."""
    cause = failure.cause
    if failure.during and failure.during not in cause and failure.kind != "untested":
        cause = (
            f"{failure.during} {'refused' if failure.kind == 'credential' else 'failed'}: {cause}"
        )
    return sentence(cause, failure.code, failure.remedy, room)


def _subject(report: Report, longest: int = 48) -> str:
    """The mailbox in front of what is about it; a refused sign-in is about the whole tenant."""
    if report.failure is not None and report.failure.during == "sign-in":
        return ""
    # A long address must not eat the cause; the diagnosis has it whole.
    return f"{clean(report.mailbox, min(48, longest))}: "


def diagnosis(judged: Judged, options: Options) -> Iterator[str]:
    """The long output about one report: what was found, where the time went, and what to do."""
    report = judged.report
    yield _head(judged)
    if report.failure is not None:
        yield from _failure(report.failure, judged.state)
        if report.result:
            yield field("result", report.result)
        if clock_told(report):
            yield field("clock", f"this host's {report.skew}")
    for state, words in judged.violations:
        yield field("limit", f"{state}: {words}")
    if judged.slow is not None:
        yield field("time went", judged.slow.shares)
        yield field("", judged.slow.points_to)
    named = report.result or report.success
    by = "Graph" if report.method == "graph" else "Exchange"
    unknown = f"not named by {by}" if named else "not known: the test gave no result"
    yield field("mailbox", report.named or unknown)
    yield field("database", report.database or unknown)
    yield field("server", report.server or unknown)
    for name, value in report.facts.items():
        yield field(name, value)
    if report.method != "cmdlet" and report.success:
        yield field("inbox", _inbox(report))
    yield field("latency", _latency(report))
    yield from phase_tree.phases(report)
    if report.certificate is not None:
        yield from _certificate(report.certificate, report.certificate_days or 0.0)
    for name, value in report.ids.items():
        yield field(name, value)
    for remark in report.remarks:
        yield field("note", remark)
    if options.verbose:
        yield from _verbose(report, options)


def brief(judged: Judged) -> Iterator[str]:
    """The same in a few lines, where there are many."""
    report = judged.report
    yield _head(judged)
    if report.failure is not None:
        yield from _failure(report.failure, judged.state, whole=False)
    for state, words in judged.violations:
        yield field("limit", f"{state}: {words}")
    if report.failure is not None:
        for name, value in report.ids.items():
            yield field(name, value)


def clock_told(report: Report) -> bool:
    """Whether this host's clock may have to do with the failure: of sign-in, or of TLS."""
    failure = report.failure
    if failure is None or report.skew is None:
        return False
    return failure.during == "sign-in" or failure.kind in ("credential", "tls")


def _head(judged: Judged) -> str:
    report, failure = judged.report, judged.report.failure
    limits = ", but beyond a limit" if judged.violations else ""
    outcome = clean(failure.cause) if failure else f"{clean(report.result or 'Success')}{limits}"
    archive = " (archive)" if report.archive else ""
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
    return f"  {clean(name):<13} {clean(echoes.text(value[:8000]))}"


def _inbox(report: Report) -> str:
    """Counts, and how old the newest message is."""
    unread = "" if report.unread is None else f", {report.unread} unread"
    times = [row.delivered for row in report.rows if row.delivered is not None]
    newest = f", newest {moment(max(times))} ({age(report.moment - max(times))})" if times else ""
    plural = "" if report.inbox_items == 1 else "s"
    count = "number not told" if report.inbox_items is None else f"{report.inbox_items} message"
    count = count if report.inbox_items is None else count + plural
    return f"{count}{unread}, {len(report.rows)} listed{newest}"


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
        if report.server_latency is None:
            return total
        if not report.server_exact:
            return f"{total}; the server itself says {report.server_latency:g}s, maybe rounded"
        return f"{total}, {report.server_latency:.3f}s of it in the server, by its own word"
    if report.method == "graph":
        measured = report.round_trip
        return "not measured" if measured is None else f"{measured:.3f}s round trip of the request"
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


def _certificate(facts: CertificateFacts, days: float) -> Iterator[str]:
    yield field(
        "certificate", f"{facts.subject}, ends {date(facts.not_after)} (in {days:.1f} days)"
    )
    yield field("", f"SHA-1 {facts.sha1}")
    yield field("", f"SHA-256 {facts.sha256}")


def _verbose(report: Report, options: Options) -> Iterator[str]:
    """`-v` rows and notes, `-vv` requests and headers, `-vvv` bodies."""
    for row in report.rows:
        when = "no delivery time" if row.delivered is None else moment(row.delivered)
        size = "" if row.size is None else f", {row.size} bytes"
        yield field("message", f"{row.identifier}, {when}{size}")
    for note in report.notes:
        yield field("note", note)
    for exchange in report.exchanges:
        yield field("request", exchange.request)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.request_headers
        )
        if options.verbose >= 3:
            yield from _body(exchange.request_body)
        yield field("answer", exchange.status)
        yield from (
            f"    {clean(name)}: {clean(value)}" for name, value in exchange.response_headers
        )
        if options.verbose >= 3:
            yield from _body(exchange.response_body)


def general_notes(options: Options) -> Iterator[str]:
    """What is to be known of the cloud and of the way of signing in."""
    if options.credential is not None and options.cloud.doubt:
        yield f"cloud {options.cloud.name}: {options.cloud.doubt}"
    if isinstance(options.credential, UserPassword):
        yield RETIRING
        if options.client_id == MODULE_CLIENT_ID:
            given = "client-id" in options.origins
            yield MODULE_APP.format(because="" if given else ", because --client-id is not given")


def surroundings(options: Options) -> Iterator[str]:
    """What holds for the whole run: where options came from, hosts, proxy and cache."""
    for source in options.sources:
        yield field("options from", source)
    if isinstance(options.credential, ManagedIdentity):
        yield field("sign-in host", options.credential.url)
    elif options.credential is not None:
        yield field("sign-in host", options.authority_url)
    if options.credential is not None and options.methods != ("graph",):
        yield field("exchange host", options.exchange_url)
    if "graph" in options.methods:
        yield field("graph host", options.graph_url)
    yield field("cache", options.cache_dir or "none")


def proxy_text(options: Options) -> str:
    """The proxy in use, and where its setting came from."""
    proxy = options.proxy
    if proxy is None:
        return "none, direct connection" + (" (--no-proxy)" if options.no_proxy == "*" else "")
    user = f" as {proxy.user}" if proxy.user else ""
    return f"{proxy}{' by TLS' if proxy.tls else ''} from {proxy.source}{user}"


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
