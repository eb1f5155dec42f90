"""Everything before the pipe: the first line, of one test and of several."""

from __future__ import annotations

import re

from ..base.vocabulary import METHODS, SERVICE, SEVERITY
from .nodes.groups import grouped, nodes, same_sign_in, severity, state_of
from .output import FIRST_LINE, clean, sentence, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..base.failure import Failure
    from ..base.report import Report
    from .judge import Judged

#: What a success says of the Inbox, before the time it took.
LISTED = "listed in"

#: What the success of a sign-in alone says.
SIGN_IN_WORKS = "sign-in works"

#: Characters of the first line that a cause, or an address, has at least.
LEAST = 24

#: Characters of an address that is shortened for what took long.
_LEAST_ADDRESS = 32


def success_text(report: Report) -> str:
    """What success means, with the time it took."""
    if not METHODS[report.method].mailbox:
        cached = ", token from the cache" if report.times.token_cached else ""
        return f"{SIGN_IN_WORKS} ({report.times.total or 0.0:.3f}s{cached})"
    inbox = "Inbox of the archive" if report.archive else "Inbox"
    return f"{inbox} {LISTED} {report.finding.connection_time or 0.0:.3f}s ({report.method})"


def single(report: Report, violations: list[tuple[str, str]], taken: int = 0) -> str:
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
    made = _with_limits(_second(report, limits[0], room - len(more(others))), others, room)
    success = f", {success_text(report)}" if report.success else ""
    return subject + made + (success if len(made + success) <= room else "")


def _second(report: Report, words: str, room: int) -> str:
    """A violated limit, or what is wrong with the address book, in at most `room` characters."""
    second = report.address_book_failure
    if second is None or words != str(second):
        # Half of what stands in brackets says nothing.
        return words if len(words) <= room else clean(re.sub(r" \([^()]*\)$", "", words), room)
    return sentence(second.cause, second.code, "", room)


def failure_line(failure: Failure, limits: list[str], room: int) -> str:
    """A failure with its remedy, then violated limits as room allows."""
    made = failure_text(failure, room)
    counted = failure_text(failure, room - len(more(limits)))
    # The diagnosis has the limits: they take no remedy from the line.
    if counted == made or _advises(counted, failure) == _advises(made, failure):
        made = counted if len(counted) >= LEAST else made
    return _with_limits(made, limits, room)


def _advises(made: str, failure: Failure) -> bool:
    """Whether a line says what to do, if in few words."""
    forms = shortened(failure.remedy)
    return bool(forms) and f"; {clean(forms[-1])}" in made


def _counted(limits: list[str], room: int) -> list[str]:
    """The limits, or none where even to count them would leave too little room."""
    return limits if room - len(more(limits)) >= LEAST else []


def _with_limits(made: str, limits: list[str], room: int) -> str:
    """Further violated limits, named as room allows, the rest counted."""
    left = list(limits)
    while left and len(f"{made}; {left[0]}") + len(more(left[1:])) <= room:
        made += f"; {left.pop(0)}"
    counted = more(left)
    return made + counted if len(made + counted) <= room else made


def more(left: list[str]) -> str:
    """How many limits are violated besides those named."""
    if not left:
        return ""
    return f"; {len(left)} more limit{'s' if len(left) > 1 else ''} violated"


def failure_text(failure: Failure, room: int) -> str:
    """Cause, code and remedy of a failure in at most `room` characters."""
    cause, during = failure.cause, failure.during
    if not during or during in cause or failure.kind == "untested":
        return sentence(cause, failure.code, failure.remedy, room)
    if during == "sign-in":
        # Who refuses has a code.
        outcome = "refused" if failure.kind == "credential" and failure.code else "failed"
        during = f"{during} {outcome}"
    made = sentence(f"{during}: {cause}", failure.code, failure.remedy, room)
    if failure.during != "sign-in" and not _advises(made, failure):
        # The next step is worth more than when it was met, which the phases tell.
        bare = sentence(cause, failure.code, failure.remedy, room)
        return bare if _advises(bare, failure) else made
    return made


def _subject(report: Report, longest: int = 48) -> str:
    """The mailbox in front of what is about it; a refused sign-in is about the whole tenant."""
    alone = not METHODS[report.method].mailbox
    if alone or (report.failure is not None and report.failure.during == "sign-in"):
        return ""
    # A long address must not eat the cause; the diagnosis has it whole.
    return f"{clean(report.mailbox, min(48, longest))}: "


#: Characters of a line that is not cut.
_ANY_ROOM = 1000

#: Kinds of failure after which the mailbox was not put to the test.
UNTESTED = ("credential", "permission", "throttled", "untested")


def line(judged: list[Judged]) -> str:
    """The first line after `MAPI STATE - `."""
    if len(judged) == 1:
        return single(judged[0].report, judged[0].violations)
    groups = grouped(judged)
    groups.sort(key=severity)
    worst_group = groups[0]
    if state_of(worst_group) == "OK" and not any(one.report.failure for one in judged):
        return _all_well(groups)
    count = _count(groups)
    if nodes(worst_group):
        from .nodes import line as of_nodes

        subject = "" if len(groups) == 1 else _subject(worst_group[0].report)
        return count + of_nodes.line(worst_group, subject, len(count))
    if len(worst_group) == 1:
        only = worst_group[0]
        return count + single(only.report, only.violations, len(count))
    return count + _disagreement(worst_group, len(count))


def _count(groups: list[list[Judged]]) -> str:
    """How many of several mailboxes are not well, in front of the worst of them."""
    if len(groups) == 1:
        return ""
    bad = sum(state_of(group) != "OK" for group in groups)
    if all(same_sign_in(group) for group in groups):
        return f"none of {len(groups)} mailboxes tested: "
    if bad == 0:
        return f"all {len(groups)} mailboxes OK, worst "
    if bad == 1:
        return f"1 of {len(groups)} mailboxes not OK: "
    # A failed sign-in has no mailbox before it.
    worst = ": " if same_sign_in(groups[0]) else ", worst "
    number = f"all {bad}" if bad == len(groups) else f"{bad} of {len(groups)}"
    return f"{number} mailboxes not OK{worst}"


def _all_well(groups: list[list[Judged]]) -> str:
    reports = [one.report for group in groups for one in group]
    if len(groups) == 1 and nodes(groups[0]):
        from .nodes import line as of_nodes

        return of_nodes.all_well(groups[0])
    if len(groups) == 1:
        subject = clean(reports[0].mailbox, 48)
        times = [
            f"{report.finding.connection_time or 0.0:.3f}s ({report.method})" for report in reports
        ]
        return f"{subject}: Inbox {LISTED} {', '.join(times)}"
    slowest = max(report.finding.connection_time or 0.0 for report in reports)
    methods = ", ".join(dict.fromkeys(report.method for report in reports))
    return f"{len(groups)} mailboxes: Inbox {LISTED} {slowest:.3f}s at most ({methods})"


def _disagreement(group: list[Judged], taken: int) -> str:
    """What several methods found out about one mailbox, the cause of the worst of them."""
    failed = [one for one in group if one.report.failure is not None]
    if not failed:
        bad = min(group, key=lambda one: -SEVERITY.index(one.state))
        method = f" ({bad.report.method})"
        made = single(bad.report, bad.violations, taken + len(method))
        return made if made.endswith(method) else made + method
    bad = min(failed, key=lambda one: -SEVERITY.index(one.state))
    limits = _limits(group)
    failure = bad.report.failure
    if failure is None or all(same_sign_in([one]) for one in group):
        return single(bad.report, limits, taken)
    said, mailbox = _said(group, failed, bad), clean(bad.report.mailbox, 48)
    room = FIRST_LINE - taken - len(f"{SERVICE} CRITICAL - : : ")
    # Others, then the address, are cut before cause and remedy are.
    least = failure_text(failure._replace(remedy="", code=""), _ANY_ROOM)
    least += "; ".join(["", *shortened(failure.remedy)[-1:]])
    if len(mailbox + said + least) > room:
        said = _shortly(group, failed) or said
    subject = clean(mailbox, max(LEAST, room - len(said + least)))
    words = [text for _, text in limits]
    return f"{subject}: {said}: {failure_line(failure, words, room - len(subject + said))}"


def _limits(group: list[Judged]) -> list[tuple[str, str]]:
    """The violated limits of all methods, the worst first; what all say alike is said once."""
    found = dict.fromkeys(violation for one in group for violation in one.violations)
    return sorted(found, key=lambda violation: -SEVERITY.index(violation[0]))


def _said(group: list[Judged], failed: list[Judged], bad: Judged) -> str:
    """Who works and who does not: `Graph works, the MAPI path fails`."""
    good = [METHODS[one.report.method].path for one in group if one not in failed]
    names = [METHODS[one.report.method].path for one in failed]
    alike = len({one.report.failure.cause for one in failed if one.report.failure}) == 1
    if not good:
        bad_path = METHODS[bad.report.method].path
        return f"{joined(names)} fail alike" if alike else f"all methods fail, {bad_path}"
    untested = bad.report.failure and bad.report.failure.kind in UNTESTED
    if untested and len(failed) == 1:
        return f"{joined(good)} {_work(good)}, {names[0]} was not tested"
    return (
        f"{joined(good)} {_work(good)}, {joined(names)} {'fails' if len(failed) == 1 else 'fail'}"
    )


def _work(names: list[str]) -> str:
    return "works" if len(names) == 1 else "work"


def _shortly(group: list[Judged], failed: list[Judged]) -> str | None:
    """The same in a few words; None where there are no fewer."""
    good = [METHODS[one.report.method].path for one in group if one not in failed]
    if len(failed) == 1:
        return f"only {METHODS[failed[0].report.method].path} fails"
    if len(good) == 1:
        return f"all but {good[0]} fail"
    alike = len({one.report.failure.cause for one in failed if one.report.failure}) == 1
    return "all methods fail alike" if alike and not good else None


def joined(names: list[str]) -> str:
    """Names in words.

    >>> joined(["Graph"]), joined(["a", "b", "c"])
    ('Graph', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
