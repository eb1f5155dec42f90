"""The run's deadline, and the watchdog that enforces it.

Strategy: Python runs signal handlers between byte codes of the main thread only, and a name server
that never answers keeps that thread inside getaddrinfo. A handler will do while modules are loaded
and options are read. Then SIGTERM, SIGINT and SIGHUP are blocked before any thread starts, and a
watchdog thread takes them with sigtimedwait, waiting no longer than the deadline. Whichever comes,
it writes what is known so far and ends the process. Only one of watchdog and main thread ever
writes: whoever claims the last word first.
"""

from __future__ import annotations

import signal
import time

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Deadline:
    """A point in time that the run must not pass, and the clock that tells how far off it is."""

    def __init__(self, started: float, seconds: float) -> None:
        self.started = started
        self.seconds = seconds

    @property
    def reserve(self) -> float:
        """Seconds of it that are kept to put things in order at the end."""
        return min(2.0, 0.15 * self.seconds)

    def remaining(self) -> float:
        """Seconds left, 0 when passed."""
        return max(0.0, self.started + self.seconds - self.now())

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
