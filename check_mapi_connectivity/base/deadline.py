"""The run's deadline, and the watchdog that enforces it.

Strategy: Python runs signal handlers between byte codes of the main thread only, and a name server
that never answers keeps that thread inside getaddrinfo. A handler will do while modules are loaded
and options are read. Then SIGTERM, SIGINT and SIGHUP are blocked before any thread starts, and a
watchdog thread takes them with sigtimedwait, waiting no longer than the deadline. Whichever comes,
it writes what is known so far and ends the process. Only one of watchdog and main thread ever
writes: whoever claims the last word first.
"""

from __future__ import annotations

import os
import signal
import time

from .errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def block_signals() -> None:
    """Keep the signals for the watchdog; threads made later inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def answer_signals(answer: Callable[[str], NoReturn]) -> None:
    """Give the name of a signal that comes before there is a watchdog to `answer`, which ends the
    process.
    """

    def handle(number: int, _: Any) -> None:
        answer(signal.Signals(number).name)

    for one in SIGNALS:
        signal.signal(one, handle)


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


class Watchdog:
    """Ends the process at the deadline or on a signal.

    `last_words(signal name or None)` gives the output and the exit code; `write` puts it out. Both
    run in the watchdog's thread.
    """

    def __init__(
        self,
        deadline: Deadline,
        last_words: Callable[[str | None], tuple[str, int]],
        write: Callable[[str], bool],
    ) -> None:
        self._deadline = deadline
        self._last_words = last_words
        self._write = write
        from threading import Lock

        self._last_word = Lock()

    def start(self) -> None:
        """Begin to watch, and block the signals. Raises UsageError."""
        from threading import Thread

        block_signals()

        try:
            Thread(target=self._watch, name="watchdog", daemon=True).start()
        except RuntimeError:
            text = "no thread can be started: raise the limits (ulimit -u, -d, -v)"
            raise UsageError(text) from None

    def claim(self) -> bool:
        """Take the last word; false when the other side has it.

        From then on the deadline is the claimer's own affair.
        """
        return self._last_word.acquire(blocking=False)

    def _watch(self) -> None:
        received = signal.sigtimedwait(SIGNALS, self._deadline.remaining())
        if not self.claim():
            return
        # A process that was stopped across the deadline gets a signal's data that nobody has
        # filled in, whatever number they show: what comes then is the deadline.
        number = received.si_signo if received and self._deadline.remaining() > 0 else None
        name = next((one.name for one in SIGNALS if one == number), None)
        code = 3
        try:
            text, decided = self._last_words(name)
            if self._write(text):
                code = decided
        finally:
            leave(code)


def leave(code: int) -> NoReturn:
    """End the process without waiting for anything."""
    os._exit(code)
