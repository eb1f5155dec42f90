"""What a sign-in needs of the test that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..base.cache import Cache
    from ..base.deadline import Deadline
    from ..base.options import Options
    from ..base.report import Report
    from ..network.transport import Transport


class Job(Protocol):
    """A test by its own means: whom it is for, how to reach hosts, where time is charged to."""

    @property
    def options(self) -> Options:
        """What the run is asked to do."""

    @property
    def transport(self) -> Transport:
        """The connections of this thread."""

    @property
    def cache(self) -> Cache:
        """What earlier runs left."""

    @property
    def report(self) -> Report:
        """The report that the sign-in is charged to."""

    @property
    def deadline(self) -> Deadline:
        """When all must be over."""
