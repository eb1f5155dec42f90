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
#: time left where that is less. The same once it was taken somewhere, when who hangs is no more
#: likely to refuse it than others. And seconds to wait for those that are to be asked first.
TURN = 10.0
_SHORT_TURN = 0.5
_AHEAD = 2.0

#: Refusals in a row, after the credential was taken, that end its use. What was taken is no wrong
#: password, but a directory may count each refusal as a failed logon until one succeeds, and the
#: strictest usual lock-out is at three. So many places at most are asked at a time.
MOST_REFUSED = 2


class Logon:
    """What the other side said of the credential so far, to all tests of a run.

    Until it has been taken once, one test at a time tries it: a wrong password is one failed logon.
    A place is what a word on the credential holds for: a node behind a name, or empty for all.
    """

    def __init__(self) -> None:
        self.scheme: str | None = None
        self.refusal: Failure | None = None
        #: The place that refused it; empty where the refusal holds for all.
        self.refused_at = ""
        #: Whether it was taken in this run.
        self.accepted = False
        #: NTLM and Negotiate authenticate one request instead of the connection.
        self.each_request = False
        #: User and Autodiscover URL -> the legacy DN that it gives, empty for none.
        self.names: dict[tuple[str, str], str] = {}
        #: Held while one asks for a name that others want, too.
        self.naming = threading.Lock()
        self._changed = threading.Condition()
        #: Places that take it, and refusals since one did.
        self._taken: set[str] = set()
        self._refused = 0
        #: Those who find out -> since when they do (monotonic clock).
        self._asking: dict[object, float] = {}
        #: How many nodes are tested at the same time; those on their way, and of them those that
        #: took the credential in the run before and have not been asked in this one.
        self.awaited = 0
        self._coming: set[str] = set()
        self._expected: set[str] = set()

    @contextlib.contextmanager
    def turn(self, deadline: Deadline, place: str = "") -> Iterator[None]:
        """Wait until it is known whether the credential is taken at a place, or for the right to
        find out.

        Who finds out may hang: after a while the next one tries, as if that one were not there.
        """
        me, left = object(), deadline.remaining() / 3
        until = time.monotonic() + min(_AHEAD, left)
        with self._changed:
            while not self.known(place):
                ahead = until - time.monotonic()
                if ahead > 0 and self._gives_way(place):
                    self._changed.wait(ahead)
                    continue
                patience = min(_SHORT_TURN if self.accepted else TURN, left)
                punctual = [t for t in self._asking.values() if t + patience > time.monotonic()]
                if len(punctual) < self._room():
                    self._asking[me] = time.monotonic()
                    self._expected.discard(place)
                    break
                self._changed.wait(min(punctual) + patience - time.monotonic())
        try:
            yield
        finally:
            with self._changed:
                self._asking.pop(me, None)
                self._expected.discard(place)
                self._changed.notify_all()

    def _gives_way(self, place: str) -> bool:
        """Whether others are to be asked first, those that took it in the run before: else one that
        refuses everybody is mistaken for a word on the password, or two of them end its use before
        the good ones were asked.
        """
        ahead = bool(self._expected) or len(self._coming) < self.awaited
        return ahead and place not in self._expected

    @contextlib.contextmanager
    def coming(self, node: str, *, took: bool) -> Iterator[None]:
        """A node, or another place for it, is being reached, to be asked; `took` is whether it took
        the credential in the run before.
        """
        with self._changed:
            self._coming.add(node)
            self._expected |= {node} if took else set()
            self._changed.notify_all()
        reached = False
        try:
            yield
            reached = True
        finally:
            if not reached:
                with self._changed:
                    self._expected.discard(node)
                    self._changed.notify_all()

    def _room(self) -> int:
        """How many may find out at the same time."""
        return max(1, MOST_REFUSED - self._refused) if self.accepted else 1

    def let_in(self, scheme: str | None, place: str = "") -> None:
        """The credential was taken, by this scheme."""
        with self._changed:
            self.accepted, self.scheme = True, scheme
            if place not in self._taken:
                self._taken.add(place)
                self._refused = 0

    def turned_away(self, failure: Failure, place: str = "") -> None:
        """The credential was refused; unless it is known to be good, nobody sends it again."""
        with self._changed:
            self._taken.discard(place)
            self._refused += 1
            if not self.accepted or self._refused >= MOST_REFUSED:
                self.bar(failure, place)

    def bar(self, failure: Failure, place: str = "") -> None:
        """Nobody sends the credential again."""
        self.refusal, self.refused_at = failure, place

    def proven(self, place: str) -> bool:
        """Whether a refusal there is none of a wrong password, which would have to rest: it was
        taken, by another node at least.
        """
        return self.accepted if place else place in self._taken

    def barred(self, place: str, *, password: bool) -> Failure | None:
        """Why the credential must not be sent to a place; `password` is whether it is one, and no
        ticket, which locks no account: what one node says of that spares no other.
        """
        if self.refusal is None or self.refused_at in ("", place):
            return self.refusal
        return _spared(self.refusal, self.refused_at) if password else None

    def told(self) -> dict[str, Any]:
        """What is known, for a recording."""
        return {
            "scheme": self.scheme,
            "refusal": self.refusal and self.refusal._asdict(),
            "refused_at": self.refused_at,
            "accepted": self.accepted,
            "each_request": self.each_request,
        }

    def take(self, told: dict[str, Any]) -> None:
        """Know what was recorded."""
        self.scheme, self.accepted = told["scheme"], told["accepted"]
        self.each_request = told["each_request"]
        self.refusal = Failure(**told["refusal"]) if told["refusal"] else None
        self.refused_at = told["refused_at"]

    def known(self, place: str = "") -> bool:
        """Whether the other side has said what it thinks of the credential."""
        return self.refusal is not None or place in self._taken


def _spared(refusal: Failure, place: str) -> Failure:
    """A node that is not asked, because another place has refused the password."""
    return Failure(
        "untested",
        f"not tested: {place[:60]} refused the password",
        "if the password is right, test this node alone by --address",
        detail=refusal.cause,
    )
