"""The recorder of a run that nobody records; `record.tape.Recorder` is the other one."""

from __future__ import annotations

from ..network.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..base.deadline import Deadline
    from ..base.options import Options
    from ..base.report import Report
    from ..network.route import Means, Shared

    #: Words reports anew, by options in which other names may stand.
    Again = Callable[["Options", "list[Report]"], str]


class Unrecorded:
    """What a run tells its recorder; nothing is kept here.

    As a context, from `begin` on, it is told of an error that ends the run.
    """

    def begin(self, deadline: Deadline, reports: list[Report]) -> None:
        """A run begins. Raises UsageError where it cannot be recorded."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Nothing to do."""

    def transport(
        self, means: Means, deadline: Deadline, report: Report, shared: Shared | None
    ) -> Transport:
        """The transport for a test."""
        return Transport(means, deadline, report, shared)

    def freeze(self, by: str) -> None:
        """The run has ended, `by` itself, the deadline or a signal."""

    def keep(self, text: str, code: int, again: Again) -> tuple[str, int]:
        """Output and exit code of the run, with what is to be said of its recording."""
        return text, code
