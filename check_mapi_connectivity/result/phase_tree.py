"""Where the time of one test went: a tree with bars that fit into 80 columns, or one line."""

from __future__ import annotations

from ..base.report import Phase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.report import Report, Stopwatch

#: Characters of the longest bar in the tree of phases: with it a line has no more than 79.
_BAR = 36

#: What no phase is charged with: start and end of the check.
_REST = "check itself"


def tree(report: Report, *, whole: bool) -> Iterator[str]:
    """The tree of phases with bars, a bar of full length for the whole run; unless `whole` without
    the phases of sign-in and Autodiscover.
    """
    total = max(report.times.total or 0.0, 1e-9)
    yield f"  {'phases':<13} {report.times.total or 0.0:8.3f}s in all"
    if report.times.token_cached:
        yield f"    {'sign-in':<12} {0.0:7.3f}s (token from the cache)"
    for name, phase, parts in _branches(report):
        yield _bar(f"    {name}", phase, total)
        for part in parts if whole else ():
            yield _bar(f"      {part.name}", part, total)


def in_words(report: Report) -> str:
    """The same in a line.

    `1.000s: sign-in 0.250s, dns 0.001s, tcp 0.062s, request 0.500s, check itself 0.187s`
    """
    times = [
        f"{name} {phase.seconds:.3f}s{'' if phase.finished else ' (not finished)'}"
        for name, phase, _ in _branches(report)
    ]
    cached = ["sign-in 0.000s (token from the cache)"] if report.times.token_cached else []
    return f"{report.times.total or 0.0:.3f}s: {', '.join([*cached, *times])}"


def _branches(report: Report) -> Iterator[tuple[str, Phase, list[Phase]]]:
    """What the time of a test went to, and the phases of each; the name has the phase that one
    ended in.
    """
    times = report.times
    if not times.token_cached:
        yield from _branch("sign-in", times.sign_in)
    yield from _branch("Autodiscover", times.discovery)
    for phase in times.service.phases():
        yield phase.name, phase, []
    yield from _branch("address book", times.address_book)
    if times.waited:
        yield "first try", Phase("", times.first_try, True), []
        yield "waiting", Phase("", times.waited, True), []
    charged = sum(phase.seconds for watch in times.watches.values() for phase in watch.phases())
    charged += times.first_try + times.waited
    yield _REST, Phase("", max(0.0, (times.total or 0.0) - charged), True), []


def _branch(name: str, watch: Stopwatch) -> Iterator[tuple[str, Phase, list[Phase]]]:
    """A stopwatch of its own: the sum of its phases, and each of them."""
    parts = watch.phases()
    if parts:
        at = f", {parts[-1].name}" if watch.current else ""
        seconds = sum(part.seconds for part in parts)
        yield f"{name}{at}", Phase(name, seconds, not watch.current), parts


def _bar(name: str, phase: Phase, whole: float) -> str:
    bar = "#" * min(_BAR, round(phase.seconds / whole * _BAR))
    words = [f"{name:<16} {phase.seconds:7.3f}s", bar, "" if phase.finished else "not finished"]
    return " ".join(word for word in words if word)
