"""Judged reports grouped by what they share, the worst first."""

from __future__ import annotations

from ...base.vocabulary import SEVERITY, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..judge import Judged


def grouped(judged: list[Judged]) -> list[list[Judged]]:
    """The reports of each mailbox."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(one.report.mailbox, []).append(one)
    return list(found.values())


def state_of(group: list[Judged]) -> str:
    """The worst state of a group."""
    return worst([one.state for one in group])


def severity(group: list[Judged]) -> tuple[int, bool, bool]:
    """Sorts the worst to the front; of two alike, the one that failed, by itself."""
    failed = any(one.report.failure for one in group)
    waited = all(
        one.report.times.begun is None or one.report.times.sign_in.current for one in group
    )
    return -SEVERITY.index(state_of(group)), not failed, waited


def same_sign_in(group: list[Judged]) -> bool:
    """Whether all of a group failed to sign in, which is one failure for all."""
    return all(one.report.failure and one.report.failure.during == "sign-in" for one in group)


def nodes(group: list[Judged]) -> list[Judged]:
    """Those of a mailbox's tests that are of one address each; none where there are no several."""
    found = [one for one in group if one.report.address]
    return found if len(found) > 1 else []
