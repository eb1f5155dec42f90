"""Several judged reports -> what follows the first line.

One report is told by diagnosis.py alone. Several: the worst first, the ten worst named, the rest
counted; and where methods disagree about a mailbox, what that means.
"""

from __future__ import annotations

from ..base.vocabulary import METHODS, SEVERITY
from . import diagnosis as result_diagnosis
from .first_line import LISTED, UNTESTED, joined
from .groups import grouped, same_sign_in, severity
from .output import clean, first_line, printable, slashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..base.report import Report
    from .judge import Judged

#: Reports that are shown one by one where there are more; and how many may be shown whole.
_NAMED = 10
_WHOLE = 4

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
    failed = [one.report for one in group if one.report.failure is not None]
    if len(group) < 2 or not failed:
        return None
    kinds = [_at_fault(report) for report in failed]
    good = [METHODS[one.report.method].path for one in group if one.report not in failed]
    if len(failed) == len(group):
        if all(same_sign_in([one]) for one in group):
            return "the sign-in failed, so no method could try the mailbox"
        if all(kind in _ON_THE_WAY for kind in kinds):
            return "nothing is reached from here: look at this network first"
        if all(kind in ("mailbox", "server", "logon") for kind in kinds):
            return "all ways are open and lead to the same trouble: it is at the mailbox's end"
        return "each method has its own trouble, see below"
    answers = f"{joined(good)} {'answers' if len(good) == 1 else 'answer'}"
    names, single = joined([METHODS[report.method].path for report in failed]), len(failed) == 1
    if all(kind == "throttled" for kind in kinds):
        often = f"{names} {'is' if single else 'are'} only asked too often"
        return f"{answers}: the mailbox can be reached; {often}"
    if any("web page" in report.failure.cause for report in failed if report.failure):
        return f"{answers}: the mailbox can be reached; does a gateway keep {names} from it?"
    if all(kind == "untested" for kind in kinds):
        tried = "was not tried" if single else "were not tried"
        return f"{answers}: the mailbox can be reached; {names} {tried}"
    if all(kind in UNTESTED for kind in kinds):
        lacks = "lacks its" if single else "lack their"
        return f"{answers}: the mailbox can be reached; {names} only {lacks} own permission"
    if all(kind in _ON_THE_WAY for kind in kinds):
        hosts = joined(
            list(dict.fromkeys(report.times.host for report in failed if report.times.host))
        )
        place = f" to {hosts}" if hosts else ""
        return f"{answers}: the mailbox is well; what is broken is the way{place}"
    trouble = "has trouble of its" if single else "have trouble of their"
    return f"{answers}: the mailbox is there, and {names} {trouble} own at the other end"


def text(state: str, head: str, judged: list[Judged], diagnosis: list[str]) -> str:
    """First line with all performance data, and the diagnosis below it."""
    # nagiosplugin quotes labels with a dash; none here needs it.
    perfdata = " ".join(str(item).replace("'", "") for one in judged for item in one.performances)
    told = (slashed(printable(line)) for line in diagnosis)
    # Joined once: of a thousand mailboxes at -vvv these are megabytes.
    return "\n".join((first_line(state, head, perfdata), *told, ""))


def diagnosis(judged: list[Judged], verbose: int, once: Iterable[str]) -> Iterator[str]:
    """The detailed diagnosis of all reports, the worst first, line by line; `once` is what is told
    of the whole run.
    """
    groups = sorted(grouped(judged), key=severity)
    whole = verbose or len(judged) <= _WHOLE
    if whole:
        for group in groups:
            told = meaning(group)
            if told is not None:
                yield f"{clean(group[0].report.mailbox)}: {told}"
            for one in sorted(group, key=lambda one: severity([one])):
                yield from result_diagnosis.diagnosis(one, verbose)
    else:
        yield from _short(groups)
    tested = list(dict.fromkeys(one.report.method for one in judged))
    for method in tested:
        if _doubtful(method, judged, verbose):
            yield result_diagnosis.field("note", METHODS[method].unseen)
    yield from once


def _doubtful(method: str, judged: list[Judged], verbose: int) -> bool:
    """Whether what nobody has seen yet may matter to the reader."""
    success = all(one.report.success for one in judged if one.report.method == method)
    return not success or bool(verbose)


def _short(groups: list[list[Judged]]) -> Iterator[str]:
    """The ten worst, the rest counted: a short result for hundreds."""
    ranked = sorted((one for group in groups for one in group), key=lambda one: severity([one]))
    bad = [one for one in ranked if one.state != "OK" or one.report.failure]
    told = {group[0].report.mailbox: meaning(group) for group in groups}
    for one in bad[:_NAMED]:
        meant = told.pop(one.report.mailbox, None)
        if meant is not None:
            yield f"{clean(one.report.mailbox)}: {meant}"
        yield from result_diagnosis.brief(one)
    for state in reversed(SEVERITY):
        more = sum(one.state == state for one in bad[_NAMED:])
        if more:
            yield f"[{state}] {more} more, not shown; -v shows all"
    well = [one.report for one in ranked if one.state == "OK" and one.report.success]
    if well:
        times = [report.finding.connection_time or 0.0 for report in well]
        slowest = max(well, key=lambda report: report.finding.connection_time or 0.0)
        what = f"{len(well)} of {len(ranked)}"
        from statistics import median

        yield (
            f"[OK] {what}: Inbox {LISTED} {median(times):.3f}s (median), {max(times):.3f}s at most "
            f"({clean(slowest.mailbox)} by {slowest.method})"
        )
