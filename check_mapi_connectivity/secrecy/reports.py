"""Masking of whole reports, last of all before they are shown."""

from __future__ import annotations

from .echoes import MOST_SEARCHED, Echoes
from .names import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..base.failure import Failure
    from ..base.report import Report

#: Secrets of a report that are looked for, a hundred times what a run has.
_MOST_SECRETS = 1000


def conceal(
    reports: Iterable[Report], given: Iterable[str] = (), words: Iterable[str] = ()
) -> None:
    """Mask what must show nowhere in all texts of reports that came from the other side: what each
    met itself, and what was `given` to the run; `words` of it also in parts.
    """
    # Tests that shared a connection have met the same.
    made: dict[tuple[frozenset[str], ...], Echoes] = {}
    for report in reports:
        # A server can give any number of cookies.
        met = sorted(report.confidences.secrets, key=len, reverse=True)[:_MOST_SECRETS]
        secrets = frozenset(one for one in (*met, *given) if len(one) > 3)
        # What is no success, or is shown whole, may quote in other ways.
        key = secrets, frozenset((*report.confidences.words, *words))
        made[key] = made.get(key) or Echoes(*key)
        well = report.failure is None and report.address_book_failure is None
        if well and not report.trace.exchanges:
            _conceal_known(report, made[key])
        else:
            _conceal_echoes(report, made[key])


def _conceal_known(report: Report, echoes: Echoes) -> None:
    """Mask the secrets, where there is a trace of one."""
    if echoes.traced(" ".join(_texts(report))):
        _clean(report, echoes)


def _conceal_echoes(report: Report, echoes: Echoes) -> None:
    """Mask the secrets in any spelling, and what is secret by its name in the failure."""
    whole = "\n".join(_texts(report))
    # One search for all texts of a report is soon done.
    if len(whole) > MOST_SEARCHED or echoes.masked(whole) != whole:
        _clean(report, echoes)
    if report.failure is not None:
        report.failure = _concealed(report.failure, echoes)
    if report.address_book_failure is not None:
        report.address_book_failure = _concealed(report.address_book_failure, echoes)


def _texts(report: Report) -> list[str]:
    """All texts of a report that may be of the other side, but for its failure."""
    found: list[str] = []
    _gather((vars(report.trace), vars(report.finding)), found)
    return found


def _clean(report: Report, echoes: Echoes) -> None:
    """Mask the secrets in all of them."""
    trace, finding = report.trace, report.finding
    for name, value in vars(trace).items():
        setattr(trace, name, _each(value, echoes.masked))
    for name, value in vars(finding).items():
        setattr(finding, name, _each(value, echoes.masked))


def _concealed(failure: Failure, echoes: Echoes) -> Failure:
    """A failure without what must not show."""
    code, detail = (fields(echoes.masked(text)) for text in (failure.code, failure.detail))
    return failure._replace(cause=echoes.odd.masked(failure.cause), code=code, detail=detail)


def _each(value: Any, clean: Callable[[str], str]) -> Any:
    """A value with all its texts cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_each(item, clean) for item in value]
    if isinstance(value, dict):
        return {name: _each(item, clean) for name, item in value.items()}
    if isinstance(value, tuple):
        items = [_each(item, clean) for item in value]
        return value._make(items) if hasattr(value, "_make") else tuple(items)
    return value


def _gather(value: Iterable[Any] | Mapping[str, Any], found: list[str]) -> None:
    """Add all texts in a value to those found."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, (list, tuple, dict)):
            _gather(item, found)
