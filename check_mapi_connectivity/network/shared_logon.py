"""What is known of a credential that several threads use."""

from __future__ import annotations

import contextlib
import threading
import time

from ..base.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..base.deadline import Deadline

#: Seconds to wait for another one to find out whether the credential is taken; a third of the
#: time left where that is less.
TURN = 10.0


class Logon:
    """What the other side said of the credential so far, to all mailboxes of a run.

    Until it has been taken once, one mailbox at a time tries it: a wrong password is one failed
    logon.
    """

    def __init__(self) -> None:
        self.scheme: str | None = None
        self.refusal: Failure | None = None
        self.accepted = False
        #: NTLM and Negotiate authenticate one request instead of the connection.
        self.each_request = False
        #: User and Autodiscover URL -> the legacy DN that it gives, empty for none.
        self.names: dict[tuple[str, str], str] = {}
        #: Held while one asks for a name that others want, too.
        self.naming = threading.Lock()
        self._changed = threading.Condition()
        #: When the one who finds out began (monotonic clock); None while nobody does.
        self._since: float | None = None

    @contextlib.contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait until it is known whether the credential is taken, or for the right to find out.

        Who finds out may hang: after a while the next one, and only one, tries.
        """
        patience = min(TURN, deadline.remaining() / 3)
        with self._changed:
            while not self.known() and self._since is not None:
                left = self._since + patience - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            mine = None if self.known() else time.monotonic()
            self._since = mine if mine is not None else self._since
        try:
            yield
        finally:
            with self._changed:
                if mine is not None and self._since == mine:
                    self._since = None
                self._changed.notify_all()

    def told(self) -> dict[str, Any]:
        """What is known, for a recording."""
        return {
            "scheme": self.scheme,
            "refusal": self.refusal and self.refusal._asdict(),
            "accepted": self.accepted,
            "each_request": self.each_request,
        }

    def take(self, told: dict[str, Any]) -> None:
        """Know what was recorded."""
        self.scheme, self.accepted = told["scheme"], told["accepted"]
        self.each_request = told["each_request"]
        self.refusal = Failure(**told["refusal"]) if told["refusal"] else None

    def known(self) -> bool:
        """Whether the other side has said what it thinks of the credential."""
        return self.accepted or self.refusal is not None
