"""Several judged reports -> what follows the first line.

One report is told by diagnosis.py alone. Several: the worst first, the ten worst named, the rest
counted; and where methods disagree about a mailbox, what that means.
"""

from __future__ import annotations

from ..base.vocabulary import METHODS, SEVERITY
from . import diagnosis as result_diagnosis
from .first_line import LISTED, UNTESTED, joined
from .layout import Block, field, fitted, plain
from .nodes.groups import grouped, nodes, same_sign_in, severity
from .output import clean, first_line, printable, slashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..base.report import Report
    from .judge import Judged

#: Lines of the default output about one mailbox (contract 6).
MOST_LINES = 16

#: Reports that are named where there are more than a few.
_NAMED = 10
_FEW = 4

#: Phases in which the service itself is waited for.
_ASKED = frozenset({"request", "connect", "execute"})

#: Kinds of failure on the way to a service.
_ON_THE_WAY = ("dns", "connect", "proxy", "tls", "timeout")


def _at_fault(report: Report) -> str:
    """The kind of a failure; a service that was reached and hangs is at fault itself."""
    kind = report.failure.kind if report.failure else ""
    begun = {phase.name for phase in report.times.service.phases()}
    return "server" if kind == "timeout" and begun & _ASKED else kind


def meaning(group: list[Judged]) -> str | None:
    """What it means that methods agree or disagree about a mailbox; None where all is well."""
    if nodes(group):
        from .nodes import line as of_nodes

        return of_nodes.meaning(group)
    failed = [one.report for one in group if one.report.failure is not None]
    if len(group) < 2 or not failed:
        return None
    kinds = [_at_fault(report) for report in failed]
    good = [METHODS[one.report.method].path for one in group if one.report not in failed]
    if len(failed) == len(group):
        if all(same_sign_in([one]) for one in group):
            return "the sign-in failed, so no method could try the mailbox"
        if all(kind in _ON_THE_WAY for kind in kinds):
            return "no method reaches its service from here: check this host's network first"
        if all(kind in ("mailbox", "server", "logon") for kind in kinds):
            return "all methods reach Exchange and fail there: check mailbox and database"
        return "the methods fail for different reasons"
    answers = f"{joined(good)} {'works' if len(good) == 1 else 'work'}"
    names, single = joined([METHODS[report.method].path for report in failed]), len(failed) == 1
    if all(kind == "throttled" for kind in kinds):
        often = f"{names} {'was' if single else 'were'} asked too often"
        return f"{answers}: the mailbox can be reached; {often}"
    if any("web page" in report.failure.cause for report in failed if report.failure):
        return f"{answers}: the mailbox can be reached; a proxy or firewall may block {names}"
    if all(kind == "untested" for kind in kinds):
        tried = "was not tried" if single else "were not tried"
        return f"{answers}: the mailbox can be reached; {names} {tried}"
    if all(kind in UNTESTED for kind in kinds):
        lacks = "lacks its" if single else "lack their"
        return f"{answers}: the mailbox can be reached; {names} {lacks} own permission"
    if all(kind in _ON_THE_WAY for kind in kinds):
        hosts = joined(
            list(dict.fromkeys(report.times.host for report in failed if report.times.host))
        )
        place = f" to {hosts}" if hosts else ""
        return f"{answers}: the mailbox is well; the connection{place} is broken"
    fails = "fails" if single else "fail"
    return f"{answers}: the mailbox can be reached; {names} {fails}"


def text(state: str, head: str, judged: list[Judged], diagnosis: list[str]) -> str:
    """First line with all performance data, and the diagnosis below it."""
    # nagiosplugin quotes labels with a dash; none here needs it.
    perfdata = " ".join(str(item).replace("'", "") for one in judged for item in one.performances)
    told = (slashed(printable(line)) for line in diagnosis)
    # Joined once: of a thousand mailboxes at -vvv these are megabytes.
    return "\n".join((first_line(state, head, perfdata), *told, ""))


def diagnosis(
    judged: list[Judged],
    verbose: int,
    once: Iterable[str],
    line: str = "",
    *,
    by_hand: bool = False,
) -> Iterator[str]:
    """The detailed diagnosis of all reports, the worst first, line by line; `once` is what is told
    of the whole run, `line` the first line, `by_hand` whether a person runs the check.
    """
    once = [*_certificates(judged, verbose), *once]
    if len(judged) == 1 and not verbose:
        blocks = result_diagnosis.diagnosis(judged[0], 0, line, by_hand=by_hand)
        yield from fitted(blocks, MOST_LINES - 1 - len(once))
    else:
        yield from _each(judged, verbose, MOST_LINES - 1 - len(once))
    if verbose:
        for method in dict.fromkeys(one.report.method for one in judged):
            yield field("note", METHODS[method].unseen)
    yield from once


def _each(judged: list[Judged], verbose: int, most: int) -> Iterator[str]:
    """Each of the reports: whole at `-v`, in a few lines where there are few, at `most` so many for
    a mailbox, else the worst.
    """
    groups = sorted(grouped(judged), key=severity)
    if not verbose and len(judged) > _FEW:
        yield from _short(groups)
        return
    for group in groups:
        blocks = [Block(0, list(_meaning(group, verbose)))]
        for one in sorted(group, key=lambda one: severity([one])):
            if verbose:
                blocks += result_diagnosis.diagnosis(one, verbose, "", by_hand=True)
            else:
                blocks += Block(0, list(result_diagnosis.brief(one))), *result_diagnosis.beside(one)
        yield from fitted(blocks, sum(len(block.lines) for block in blocks) if verbose else most)


def _meaning(group: list[Judged], verbose: int) -> Iterator[str]:
    meant = meaning(group)
    if meant is not None:
        yield from plain(f"{clean(group[0].report.mailbox, 64)}: {meant}", verbose, 2)


def _certificates(judged: list[Judged], verbose: int) -> Iterator[str]:
    """The certificates of the run, each once."""
    found = {one.report.certificate: one.report.certificate_days or 0.0 for one in judged}
    for facts, days in found.items():
        if facts is not None:
            yield from result_diagnosis.certificate(facts, days, verbose)


def _short(groups: list[list[Judged]]) -> Iterator[str]:
    """The ten worst, the rest counted: a short result for hundreds."""
    ranked = sorted((one for group in groups for one in group), key=lambda one: severity([one]))
    bad = [one for one in ranked if one.state != "OK" or one.report.failure]
    told = {group[0].report.mailbox: list(_meaning(group, 0)) for group in groups}
    for one in bad[:_NAMED]:
        yield from told.pop(one.report.mailbox, ())
        yield from result_diagnosis.brief(one)
    for state in reversed(SEVERITY):
        more = sum(one.state == state for one in bad[_NAMED:])
        if more:
            yield f"[{state}] {more} more, not shown; -v shows all"
    well = [one.report for one in ranked if one.state == "OK" and one.report.success]
    if well:
        times = sorted(report.finding.connection_time or 0.0 for report in well)
        # The module statistics costs more than ten mailboxes.
        median = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2
        slowest = max(well, key=lambda report: report.finding.connection_time or 0.0)
        what = f"{len(well)} of {len(ranked)}"
        yield from plain(
            f"[OK] {what}: Inbox {LISTED} {median:.3f}s (median), {times[-1]:.3f}s at most "
            f"({clean(slowest.mailbox, 64)} by {slowest.method})",
            0,
        )
