"""What became of a feed; written by the thread that submits, read by the one that concludes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..base.failure import Failure
    from .results import Result


class Outcome:
    """What the scheduler has taken, what it has refused, and what kept the rest from it."""

    def __init__(self) -> None:
        #: Services whose result was taken, and service -> why it was not.
        self._taken: set[str] = set()
        self._refused: dict[str, str] = {}
        self.failure: Failure | None = None
        self.notes: list[str] = []

    def take(self, *results: Result) -> None:
        """The scheduler has these."""
        self._taken.update(result.service for result in results)

    def refuse(self, result: Result, why: str) -> None:
        """The scheduler does not want this one."""
        self._refused[result.service] = why

    def note(self, *texts: str) -> None:
        """Say something in the run's diagnosis."""
        self.notes += texts

    def fail(self, failure: Failure) -> None:
        """The feed has ended early; what ended it first counts."""
        self.failure = self.failure or failure

    @property
    def submitted(self) -> int:
        """How many results the scheduler has."""
        return len(self._taken)

    @property
    def refused(self) -> dict[str, str]:
        """Service -> why its result was not taken."""
        # Copied in one step: the other thread may still add to it.
        return self._refused.copy()

    def lacks(self, results: Iterable[Result]) -> list[Result]:
        """Those of some results that were neither taken nor refused."""
        return [
            result
            for result in results
            if result.service not in self._taken and result.service not in self._refused
        ]
