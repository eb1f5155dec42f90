"""Several judged reports -> one result: the first line for all, and what follows it.

One report is worded by render.py alone. Several: the worst first, the ten worst named, the rest
counted; and where methods disagree about a mailbox, what that means.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from . import render
from .help_text import NOT_YET_SEEN
from .output import FIRST_LINE, clean, first_line, printable, slashed
from .vocabulary import SERVICE, SEVERITY, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .options import Options
    from .report import Judged, Report

#: Reports that are shown one by one where there are more; and how many may be shown whole.
_NAMED = 10
_WHOLE = 4

#: Characters of a line that is not cut.
_ANY_ROOM = 1000

#: Method -> what answers, or does not, in a line about several.
_NAMES = {"cmdlet": "the cmdlet", "mapi": "the MAPI path", "graph": "Graph"}

#: Kinds of failure after which the mailbox was not put to the test.
_UNTESTED = ("credential", "permission", "throttled", "untested")

#: Phases in which the service itself is waited for.
_ASKED = frozenset({"request", "connect", "execute"})

#: Kinds of failure on the way to a service.
_ON_THE_WAY = ("dns", "connect", "proxy", "tls", "timeout")


def line(judged: list[Judged]) -> str:
    """The first line after `MAPI STATE - `."""
    if len(judged) == 1:
        return render.line(judged[0].report, judged[0].violations)
    groups = _groups(judged)
    groups.sort(key=_severity)
    worst_group = groups[0]
    rest = _rest(groups)
    if _state(worst_group) == "OK" and not any(one.report.failure for one in judged):
        return _all_well(groups)
    if len(worst_group) == 1:
        only = worst_group[0]
        return render.line(only.report, only.violations, len(rest)) + rest
    return _disagreement(worst_group, len(rest)) + rest


def _groups(judged: list[Judged]) -> list[list[Judged]]:
    """The reports of each mailbox."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(one.report.mailbox, []).append(one)
    return list(found.values())


def _state(group: list[Judged]) -> str:
    return worst([one.state for one in group])


def _severity(group: list[Judged]) -> tuple[int, bool, bool]:
    """Sorts the worst to the front; of two alike, the one that failed, by itself."""
    failed = any(one.report.failure for one in group)
    waited = all(one.report.begun is None or one.report.sign_in.current for one in group)
    return -SEVERITY.index(_state(group)), not failed, waited


def _rest(groups: list[list[Judged]]) -> str:
    """How many mailboxes are not named on the first line, and are not well."""
    if len(groups) == 1:
        return ""
    bad = sum(_state(group) != "OK" for group in groups)
    if all(_same_sign_in(group) for group in groups):
        return f"; none of {len(groups)} mailboxes tested"
    if bad == 0:
        return f"; {len(groups)} mailboxes in all"
    if bad == len(groups):
        return f"; all {len(groups)} mailboxes not OK"
    return f"; {bad} of {len(groups)} mailboxes not OK"


def _same_sign_in(group: list[Judged]) -> bool:
    return all(one.report.failure and one.report.failure.during == "sign-in" for one in group)


def _all_well(groups: list[list[Judged]]) -> str:
    reports = [one.report for group in groups for one in group]
    if len(groups) == 1:
        subject = clean(reports[0].mailbox, 48)
        times = [f"{report.connection_time or 0.0:.3f}s ({report.method})" for report in reports]
        return f"{subject}: Inbox listed in {', '.join(times)}"
    slowest = max(report.connection_time or 0.0 for report in reports)
    methods = ", ".join(dict.fromkeys(report.method for report in reports))
    return f"{len(groups)} mailboxes: Inbox listed in {slowest:.3f}s at most ({methods})"


def _disagreement(group: list[Judged], taken: int) -> str:
    """What several methods found out about one mailbox, the cause of the worst of them."""
    failed = [one for one in group if one.report.failure is not None]
    if not failed:
        bad = min(group, key=lambda one: -SEVERITY.index(one.state))
        method = f" ({bad.report.method})"
        made = render.line(bad.report, bad.violations, taken + len(method))
        return made if made.endswith(method) else made + method
    bad = min(failed, key=lambda one: -SEVERITY.index(one.state))
    limits = _limits(group)
    failure = bad.report.failure
    if failure is None or all(_same_sign_in([one]) for one in group):
        return render.line(bad.report, limits, taken)
    said = _said(group, failed, bad)
    cause = render.failure_text(replace(failure, remedy=""), _ANY_ROOM)
    mailbox, room = clean(bad.report.mailbox, 48), FIRST_LINE - taken
    words = [text for _, text in limits]
    counted = len(render.more(words))
    room -= len(f"{SERVICE} CRITICAL - : : ") + counted
    # Others, then the address, are cut before the cause is.
    left = room - len(mailbox + said)
    if left < len(cause) and (len(group) > 2 or left < render.LEAST):
        said = _shortly(group, failed) or said
    subject = clean(mailbox, max(render.LEAST, room - len(said + cause)))
    room += counted - len(subject + said)
    return f"{subject}: {said}: {render.failure_line(failure, words, room)}"


def _limits(group: list[Judged]) -> list[tuple[str, str]]:
    """The violated limits of all methods, the worst first; what all say alike is said once."""
    found = dict.fromkeys(violation for one in group for violation in one.violations)
    return sorted(found, key=lambda violation: -SEVERITY.index(violation[0]))


def _said(group: list[Judged], failed: list[Judged], bad: Judged) -> str:
    """Who answers and who does not: `Graph answers, the MAPI path does not`."""
    good = [_NAMES[one.report.method] for one in group if one not in failed]
    names = [_NAMES[one.report.method] for one in failed]
    if not good:
        causes = {one.report.failure.cause for one in failed if one.report.failure}
        if len(causes) == 1:
            return f"{_and(names)} fail alike"
        return f"no method succeeds; {_NAMES[bad.report.method]}"
    verb = "answers" if len(good) == 1 else "answer"
    untested = bad.report.failure and bad.report.failure.kind in _UNTESTED
    if untested and len(failed) == 1:
        return f"{_and(good)} {verb}, {names[0]} could not be tried"
    return f"{_and(good)} {verb}, {_and(names)} {'does' if len(failed) == 1 else 'do'} not"


def _shortly(group: list[Judged], failed: list[Judged]) -> str | None:
    """The same in a few words; None where there are no fewer."""
    good = [_NAMES[one.report.method] for one in group if one not in failed]
    if len(failed) == 1:
        return f"only {_NAMES[failed[0].report.method]} fails"
    if len(good) == 1:
        return f"all but {good[0]} fail"
    alike = len({one.report.failure.cause for one in failed if one.report.failure}) == 1
    return "all methods fail alike" if alike and not good else None


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _at_fault(report: Report) -> str:
    """The kind of a failure; a service that was reached and hangs is at fault itself."""
    kind = report.failure.kind if report.failure else ""
    begun = {phase.name for phase in report.service.phases()}
    return "server" if kind == "timeout" and begun & _ASKED else kind


def meaning(group: list[Judged]) -> str | None:
    """What it means that methods agree or disagree about a mailbox; None where all is well."""
    failed = [one.report for one in group if one.report.failure is not None]
    if len(group) < 2 or not failed:
        return None
    kinds = [_at_fault(report) for report in failed]
    good = [_NAMES[one.report.method] for one in group if one.report not in failed]
    if len(failed) == len(group):
        if all(_same_sign_in([one]) for one in group):
            return "the sign-in failed, so no method could try the mailbox"
        if all(kind in _ON_THE_WAY for kind in kinds):
            return "nothing is reached from here: look at this network first"
        if all(kind in ("mailbox", "server", "logon") for kind in kinds):
            return "all ways are open and lead to the same trouble: it is at the mailbox's end"
        return "each method has its own trouble, see below"
    answers = f"{_and(good)} {'answers' if len(good) == 1 else 'answer'}"
    names, single = _and([_NAMES[report.method] for report in failed]), len(failed) == 1
    if all(kind == "throttled" for kind in kinds):
        often = f"{names} {'is' if single else 'are'} only asked too often"
        return f"{answers}: the mailbox can be reached; {often}"
    if any("web page" in report.failure.cause for report in failed if report.failure):
        return f"{answers}: the mailbox can be reached; does a gateway keep {names} from it?"
    if all(kind == "untested" for kind in kinds):
        tried = "was not tried" if single else "were not tried"
        return f"{answers}: the mailbox can be reached; {names} {tried}"
    if all(kind in _UNTESTED for kind in kinds):
        lacks = "lacks its" if single else "lack their"
        return f"{answers}: the mailbox can be reached; {names} only {lacks} own permission"
    if all(kind in _ON_THE_WAY for kind in kinds):
        hosts = _and(list(dict.fromkeys(report.host for report in failed if report.host)))
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


def diagnosis(judged: list[Judged], options: Options) -> Iterator[str]:
    """The detailed diagnosis of all reports, the worst first, line by line."""
    groups = sorted(_groups(judged), key=_severity)
    whole = options.verbose or len(judged) <= _WHOLE
    if whole:
        for group in groups:
            told = meaning(group)
            if told is not None:
                yield f"{clean(group[0].report.mailbox)}: {told}"
            for one in sorted(group, key=lambda one: _severity([one])):
                yield from render.diagnosis(one, options)
    else:
        yield from _short(groups)
    tested = list(dict.fromkeys(one.report.method for one in judged))
    for method in tested:
        if _doubtful(method, judged, options):
            yield render.field("note", NOT_YET_SEEN[method])
    for note in render.general_notes(options):
        yield render.field("note", note)
    yield render.field("proxy", render.proxy_text(options))
    if options.verbose:
        yield from render.surroundings(options)


def _doubtful(method: str, judged: list[Judged], options: Options) -> bool:
    """Whether what nobody has seen yet may matter to the reader."""
    success = all(one.report.success for one in judged if one.report.method == method)
    return not success or bool(options.verbose)


def _short(groups: list[list[Judged]]) -> Iterator[str]:
    """The ten worst, the rest counted: a short result for hundreds."""
    ranked = sorted((one for group in groups for one in group), key=lambda one: _severity([one]))
    bad = [one for one in ranked if one.state != "OK" or one.report.failure]
    told = {group[0].report.mailbox: meaning(group) for group in groups}
    for one in bad[:_NAMED]:
        meant = told.pop(one.report.mailbox, None)
        if meant is not None:
            yield f"{clean(one.report.mailbox)}: {meant}"
        yield from render.brief(one)
    for state in reversed(SEVERITY):
        more = sum(one.state == state for one in bad[_NAMED:])
        if more:
            yield f"[{state}] {more} more, not shown; -v shows all"
    well = [one.report for one in ranked if one.state == "OK" and one.report.success]
    if well:
        times = [report.connection_time or 0.0 for report in well]
        slowest = max(well, key=lambda report: report.connection_time or 0.0)
        what = f"{len(well)} of {len(ranked)}"
        median = statistics.median(times)
        yield (
            f"[OK] {what}: Inbox listed in {median:.3f}s (median), {max(times):.3f}s at most "
            f"({clean(slowest.mailbox)} by {slowest.method})"
        )
