"""First line and meaning of tests at several addresses.

`2 of 4 nodes fail: 10.0.0.13 connection refused; 10.0.0.14 certificate refused: it has expired`
"""

from __future__ import annotations

import re

from ...base.vocabulary import METHODS, SERVICE
from ..output import FIRST_LINE, clean, sentence
from .groups import nodes as nodes_of
from .groups import severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..judge import Judged

#: Characters that a node's cause has at least, where others are named beside it.
_LEAST = 16

#: Nodes of the same trouble that are named, where there are more.
_MOST_ALIKE = 3

#: What is said of each node in fewer words; the diagnosis has them all.
_SHORTER = (
    ("^certificate refused(?: through proxy [^:]+:[0-9]+)?: (?:it is |it )?", "certificate "),
)


def line(group: list[Judged], subject: str, taken: int) -> str:
    """The first line after `MAPI STATE - ` about nodes of which some are not well; `taken`
    characters of it are for others.
    """
    nodes = nodes_of(group)
    idle = _untested(nodes)
    # An option may call a failure OK.
    bad = [one for one in group if one.state != "OK" or one.report.failure]
    bad.sort(key=lambda one: severity([one]))
    broken = [one for one in bad if one.report.address and one not in idle]
    verb = "fail" if all(one.report.failure for one in broken) else "not OK"
    head = f"{subject}{len(broken)} of {len(nodes)} nodes {verb}: "
    rest = f"; {len(idle)} not tested" if idle else ""
    if not broken:
        head = f"{subject}all {len(nodes)} nodes answer; "
        if idle:
            head, rest = f"{subject}{len(idle)} of {len(nodes)} nodes not tested: ", ""
    alike: dict[str, list[str]] = {}
    for one in bad:
        if not rest or one not in idle:
            alike.setdefault(_cause(one), []).append(_name(one))
    room = FIRST_LINE - len(f"{SERVICE} CRITICAL - {head}{rest}") - taken
    failure = bad[0].report.failure
    if failure is not None and len(alike) == 1 and len(bad) == len(nodes) and not rest:
        return head + sentence(next(iter(alike)), failure.code, failure.remedy, room)
    return head + _named(alike, room, " " if broken or not idle else ": ") + rest


def _untested(nodes: list[Judged]) -> list[Judged]:
    """Those that this run did not ask, of which it knows nothing."""
    return [one for one in nodes if one.report.failure and one.report.failure.kind == "untested"]


def _named(alike: dict[str, list[str]], room: int, between: str) -> str:
    """Who is not well and why, by cause, as room allows, the rest counted."""
    found = [(_joined(names), cause, len(names)) for cause, names in alike.items()]
    texts = [f"{names}{between}{cause}" for names, cause, _ in found]
    for number in range(len(found), 0, -1):
        rest = sum(count for _, _, count in found[number:])
        more = f"; {rest} more" if rest else ""
        left = room - len(more) - len("; ") * (number - 1)
        each = _share([len(text) for text in texts[:number]], left)
        least = (len(names) + _LEAST for names, _, _ in found[:number])
        if number == 1 or all(each >= min(len(text), one) for text, one in zip(texts, least)):
            return "; ".join(clean(text, each) for text in texts[:number]) + more
    return ""


def _joined(names: list[str]) -> str:
    """Names of nodes in one list, of many the first.

    >>> _joined(["10.0.0.1", "10.0.0.2"]), _joined(["a", "b", "c", "d", "e"])
    ('10.0.0.1, 10.0.0.2', 'a, b, c and 2 more')
    """
    if len(names) < _MOST_ALIKE + 2:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_ALIKE])} and {len(names) - _MOST_ALIKE} more"


def _share(lengths: list[int], left: int) -> int:
    """How long each may be so that all fit; what the short ones leave is the others'.

    >>> _share([5, 20, 30], 45)
    20
    """
    fitting = (each for each in range(left + 1) if sum(min(each, one) for one in lengths) <= left)
    return max(fitting, default=0)


def _name(one: Judged) -> str:
    """What a test is called: its address, or the way that it goes."""
    return one.report.address or METHODS[one.report.method].path


def _cause(one: Judged) -> str:
    """Why a test is not well, without the name of the host, which all have in common.

    A limit is told by its words.
    """
    failure = one.report.failure
    if failure is None:
        return one.violations[0][1] if one.violations else "not OK"
    cause = re.sub("^not tested: ", "", failure.cause)
    for host in filter(None, (one.report.address, one.report.times.host)):
        name = re.escape(re.sub(r":[0-9]+$", "", host).strip("[]"))
        cause = re.sub(rf"^{name}(?: port [0-9]+)?: ", "", cause)
        cause = re.sub(rf" (?:from|of|to|with) {name}(?![0-9A-Za-z.-])", "", cause)
        cause = re.sub(rf"^{name} ", "", cause)
    for long, short in _SHORTER:
        cause = re.sub(long, short, cause)
    return cause


def all_well(group: list[Judged]) -> str:
    """The first line after `MAPI OK - ` about nodes that are all well."""
    nodes = nodes_of(group)
    slowest = max(one.report.finding.connection_time or 0.0 for one in nodes)
    mailbox = clean(nodes[0].report.mailbox, 48)
    return f"{mailbox}: {len(nodes)} nodes: Inbox listed in {slowest:.3f}s at most (mapi)"


def meaning(group: list[Judged]) -> str | None:
    """What it means that nodes agree or disagree; None where all are well."""
    nodes = nodes_of(group)
    idle = _untested(nodes)
    failed = [one.report.address for one in nodes if one.report.failure and one not in idle]
    well = len(nodes) - len(failed) - len(idle)
    untold = f"{len(idle)} {'was' if len(idle) == 1 else 'were'} not tested"
    if not failed:
        return untold if idle else None
    more = f"; {untold}" if idle else ""
    which = ", ".join(failed[:4]) + (f" and {len(failed) - 4} more" if len(failed) > 4 else "")
    if not well and idle:
        return f"what is wrong with {which} need not be wrong with the others{more}"
    if not well:
        return "no node answers as it should: the mailbox cannot be reached by any of them"
    answer = "one node answers" if well == 1 else f"{well} nodes answer"
    return f"{answer}: the mailbox is well; the load balancer should not use {which}{more}"
