"""The tree of phases: where the time of one test went, with bars that fit into 80 columns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.report import Report, Stopwatch

#: Characters of the longest bar in the tree of phases: with it a line has no more than 79.
_BAR = 36


def phases(report: Report) -> Iterator[str]:
    """The tree of phases with bars; a bar of full length is the whole run."""
    times = report.times
    whole = max(times.total or 0.0, 1e-9)
    yield f"  {'phases':<13} {times.total or 0.0:8.3f}s in all"
    if times.token_cached:
        yield f"    {'sign-in':<11} {0.0:8.3f}s (token from the cache)"
    else:
        yield from _branch("sign-in", times.sign_in, whole)
    yield from _branch("Autodiscover", times.discovery, whole)
    for phase in times.service.phases():
        yield _bar(f"    {phase.name}", phase.seconds, whole, phase.finished)
    if times.waited:
        yield _bar("    first try", times.first_try, whole, finished=True)
        yield _bar("    waiting", times.waited, whole, finished=True)
    watches = (times.sign_in, times.discovery, times.service)
    charged = sum(phase.seconds for watch in watches for phase in watch.phases())
    charged += times.first_try + times.waited
    yield _bar("    this host", max(0.0, whole - charged), whole, finished=True)


def _branch(name: str, watch: Stopwatch, whole: float) -> Iterator[str]:
    """A stopwatch of its own: the sum of its phases, and each of them."""
    phases = watch.phases()
    if phases:
        total = sum(phase.seconds for phase in phases)
        yield _bar(f"    {name}", total, whole, not watch.current)
        for phase in phases:
            yield _bar(f"      {phase.name}", phase.seconds, whole, phase.finished)


def _bar(name: str, seconds: float, whole: float, finished: bool) -> str:
    bar = "#" * min(_BAR, round(seconds / whole * _BAR))
    words = [f"{name:<15} {seconds:8.3f}s", bar, "" if finished else "not finished"]
    return " ".join(word for word in words if word)
