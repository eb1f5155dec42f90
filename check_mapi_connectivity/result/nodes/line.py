"""First line and meaning of tests at several addresses.

`2 of 4 nodes fail: 10.0.0.13 connection refused; 10.0.0.14 certificate refused: it has expired`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...base.vocabulary import METHODS, SERVICE
from ..output import FIRST_LINE, clean
from .groups import nodes as nodes_of
from .groups import severity

if TYPE_CHECKING:
    from ..judge import Judged

#: Characters that a node's cause has at least, where others are named beside it.
_LEAST = 16

#: What is said of each node in fewer words; the diagnosis has them all.
_SHORTER = (
    ("(?<=no answer) in (?:[A-Za-z ]+, )?phase ([a-z]+).*", r" (\1)"),
    ("^certificate refused(?: through proxy [^:]+:[0-9]+)?: (?:it is )?", "certificate "),
)


def line(group: list[Judged], subject: str, taken: int) -> str:
    """The first line after `MAPI STATE - ` about nodes of which some are not well; `taken`
    characters of it are for others.
    """
    nodes = nodes_of(group)
    bad = sorted((one for one in group if one.state != "OK"), key=lambda one: severity([one]))
    broken = [one for one in nodes if one.state != "OK"]
    verb = "fail" if all(one.report.failure for one in broken) else "not OK"
    head = f"{subject}{len(broken)} of {len(nodes)} nodes {verb}: "
    if not broken:
        head = f"{subject}all {len(nodes)} nodes answer; "
    room = FIRST_LINE - len(f"{SERVICE} CRITICAL - {head}") - taken
    causes = {_cause(one) for one in broken}
    if len(broken) == len(bad) > 1 and len(causes) == 1:
        return head + clean(f"all alike: {causes.pop()}", room)
    return head + _named(bad, room)


def _named(bad: list[Judged], room: int) -> str:
    """Who is not well and why, as room allows, the rest counted."""
    found = [(f"{_name(one)} {_cause(one)}", len(_name(one)) + _LEAST) for one in bad]
    for number in range(len(found), 0, -1):
        rest = len(found) - number
        more = f"; {rest} more" if rest else ""
        shown = found[:number]
        left = room - len(more) - len("; ") * (number - 1)
        each = _share([len(text) for text, _ in shown], left)
        if number == 1 or all(each >= min(len(text), least) for text, least in shown):
            return "; ".join(clean(text, each) for text, _ in shown) + more
    return ""


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
    cause = failure.cause
    for host in filter(None, (one.report.address, one.report.times.host)):
        name = re.escape(re.sub(r":[0-9]+$", "", host).strip("[]"))
        cause = re.sub(rf"^{name}(?: port [0-9]+)?: ", "", cause)
        cause = re.sub(rf" (?:from|of|with) {name}(?![0-9A-Za-z.-])", "", cause)
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
    failed = [one.report.address for one in nodes if one.report.failure is not None]
    well = len(nodes) - len(failed)
    if not failed:
        return None
    if not well:
        return "no node answers as it should: the mailbox cannot be reached by any of them"
    answer = "one node answers" if well == 1 else f"{well} nodes answer"
    which = ", ".join(failed[:4]) + (f" and {len(failed) - 4} more" if len(failed) > 4 else "")
    return f"{answer}: the mailbox is well; the load balancer should not use {which}"
