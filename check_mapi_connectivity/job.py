"""What a sign-in needs of the test that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .cache import Cache
    from .deadline import Deadline
    from .options import Options
    from .report import Report
    from .transport import Transport


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
