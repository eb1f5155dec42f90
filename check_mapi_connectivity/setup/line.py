"""The transport for a command that has no watchdog: each request ends by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..base.failure import CheckFailure
from ..network.transport import Transport

if TYPE_CHECKING:
    from ..base.deadline import Deadline
    from ..base.report import Report, Stopwatch
    from ..network.answer import Answer
    from ..network.route import Means

#: Seconds that one request may take, and of these a TCP connection or a TLS handshake.
PATIENCE = 60.0
_REACHING = 20.0


class Line(Transport):
    """Sends requests, each with a minute of its own."""

    def __init__(self, means: Means, deadline: Deadline, report: Report) -> None:
        super().__init__(means, deadline, report)
        self._deadline = deadline
        self.patience = _REACHING

    def send(self, method: str, url: str, watch: Stopwatch, **keywords: Any) -> Answer:
        """As `Transport.send`. Raises CheckFailure."""
        begun = time.monotonic()
        self._deadline.started = begun
        until = begun + self._deadline.seconds
        try:
            return super().send(method, url, watch, until=until, **keywords)
        except CheckFailure as error:
            if error.failure.kind != "timeout":
                raise
            took = time.monotonic() - begun
            cause = f"{urlsplit(url).hostname} has not answered for {took:.0f} seconds"
            remedy = "check network and proxy, or run this again later"
            raise CheckFailure(error.failure._replace(cause=cause, remedy=remedy)) from None
