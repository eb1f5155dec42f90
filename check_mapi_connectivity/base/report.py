"""What is known about one test: a Report and its parts, each with those who write to it.

Strategy: a Report holds the outcome; Finding is the probe's, Times the runner's and of those who
hold a stopwatch. Trace and Confidences are only added to, by their own methods, so anybody on the
way may be given one. `tests/test_house.py` names the modules that write to each part.
"""

from __future__ import annotations

import contextlib
import time

from . import clock_skew
from .failure import Failure, unanswered
from .value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from .credentials import CertificateFacts


class Phase(NamedTuple):
    """One phase of a run and its time in seconds; `finished` is false for the one that the run is
    in or ended in.
    """

    name: str
    seconds: float
    finished: bool


class Stopwatch:
    """Charges time to one phase at a time.

    The watchdog reads it from another thread, so a phase is closed by a single append.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed: list[Phase] = []
        self._open: tuple[str, float] | None = None

    def __copy__(self) -> Stopwatch:
        """The same as it stands, which the first one leaves alone."""
        copied = Stopwatch(self._clock)
        copied._closed, copied._open = [*self._closed], self._open
        return copied

    def start(self, name: str) -> None:
        """End the phase that is open and begin `name`."""
        self.stop()
        self._open = (name, self._clock())

    def stop(self, *, finished: bool = True) -> None:
        """End the phase that is open, if any; `finished` is false for one that was cut off."""
        if self._open is not None:
            name, since = self._open
            self._closed.append(Phase(name, self._clock() - since, finished))
            self._open = None

    def charge(self, phases: Iterable[Phase]) -> None:
        """Take over phases that were measured by another."""
        self._closed += phases

    @property
    def closed(self) -> tuple[Phase, ...]:
        """The phases that have ended, one by one."""
        return tuple(self._closed)

    def discard(self) -> None:
        """Forget the phase that is open, as if it had never begun."""
        self._open = None

    @property
    def current(self) -> str | None:
        """Name of the phase that is open."""
        return self._open[0] if self._open else None

    def phases(self) -> list[Phase]:
        """All phases in the order they last began; times of a name that came twice add up."""
        found: dict[str, Phase] = {}
        open_ = self._open
        running = [Phase(open_[0], self._clock() - open_[1], False)] if open_ else []
        for phase in [*self._closed, *running]:
            before = found.pop(phase.name, None)
            found[phase.name] = (
                phase._replace(seconds=phase.seconds + before.seconds) if before else phase
            )
        return list(found.values())

    def total(self) -> float | None:
        """Seconds of all phases; None while one is open or before any began."""
        return (
            sum(phase.seconds for phase in self._closed)
            if self._closed and not self._open
            else None
        )


class Exchange(NamedTuple):
    """One request and its answer, for `-vv` and `-vvv`; bodies in lines.

    Everything secret is masked before it gets here.
    """

    request: str
    request_headers: list[tuple[str, str]]
    request_body: list[str]
    status: str
    response_headers: list[tuple[str, str]]
    response_body: list[str]


#: `Times.host` while Kerberos asks for a ticket.
KDC = "the KDC"

#: Phase of a sign-in that another test of the run has begun.
SHARED = "shared"


class Row(NamedTuple):
    """One listed message: id, delivery in seconds since 1970, size in bytes; None where absent.

    The subject is asked for at `-vvv` only.
    """

    identifier: str
    delivered: float | None
    size: int | None
    subject: str | None = None


class Finding:
    """What the probe has found out about the mailbox; None where it has not got so far."""

    def __init__(self) -> None:
        self.result: str | None = None
        self.named: str | None = None
        self.database: str | None = None
        self.server: str | None = None
        #: Seconds; and whether shares of the time may be derived from it.
        self.server_latency: float | None = None
        self.server_exact = True
        self.round_trip: float | None = None
        self.connection_time: float | None = None
        self.inbox_items: int | None = None
        self.unread: int | None = None
        self.rows: list[Row] = []


class Trace:
    """What a test has met on its way, in texts that are shown; it is only added to."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.facts: dict[str, str] = {}
        self.notes: list[str] = []
        self.remarks: list[str] = []
        self.exchanges: list[Exchange] = []

    def identify(self, ids: Mapping[str, str]) -> None:
        """Take up ids by which the other side can find a request, newer ones for older."""
        self.ids.update(ids)

    def fact(self, name: str, text: str) -> None:
        """Take up a fact, a newer one for an older."""
        self.facts[name] = text

    def remark(self, *texts: str) -> None:
        """Say something in the diagnosis."""
        self.remarks += texts

    def remark_once(self, text: str) -> None:
        """The same, unless it was said before."""
        if text not in self.remarks:
            self.remark(text)

    def note(self, *texts: str) -> None:
        """Say something at `-v`."""
        self.notes += texts

    def met(self, exchange: Exchange) -> None:
        """Take up what went over the wire."""
        self.exchanges.append(exchange)

    def forget_exchanges(self) -> None:
        """Show nothing of the wire."""
        self.exchanges.clear()


class Confidences:
    """What must show in no output; it is only added to."""

    def __init__(self) -> None:
        #: Passwords, tokens, cookies.
        self.secrets: set[str] = set()
        #: Those of them that are long and random, as headers and forms hold them.
        self.words: set[str] = set()

    def keep(self, secrets: Iterable[str], words: Iterable[str] = ()) -> None:
        """Show these nowhere."""
        self.words.update(words)
        self.secrets.update(secrets)


class Times:
    """Where a test is, how long it took to get there, and by which clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        #: The clock of its stopwatches, and the moment of the conclusion (seconds since 1970).
        self.clock = clock
        self.moment = time.time()
        self.sign_in = Stopwatch(clock)
        self.discovery = Stopwatch(clock)
        self.service = Stopwatch(clock)
        #: The address book of a mailbox that is well.
        self.address_book = Stopwatch(clock)
        #: What this run could do without: `token`, `autodiscover`.
        self.unneeded: set[str] = set()
        self.token_cached = False
        #: Seconds of a first try, and of the wait after it.
        self.first_try = 0.0
        self.waited = 0.0
        #: When its test began and ended (monotonic clock); None before that.
        self.begun: float | None = None
        self.ended: float | None = None
        self.total: float | None = None
        #: The host that is asked now, or was last; and of what kind it is, see `belongs`.
        self.host = self.whose = ""
        #: This host's clock against that of the server that answered last.
        self.skew: clock_skew.Skew | None = None

    def stopwatch(self) -> Stopwatch:
        """One that goes by the clock of the run."""
        return Stopwatch(self.clock)

    @property
    def watches(self) -> dict[str, Stopwatch]:
        """Its stopwatches by their names in words, in the order of a run."""
        return {
            "sign-in": self.sign_in,
            "discovery": self.discovery,
            "service": self.service,
            "address book": self.address_book,
        }

    @property
    def over(self) -> bool:
        """Whether the test has ended."""
        return self.ended is not None

    @property
    def running(self) -> bool:
        """Whether the test has begun and not ended."""
        return self.begun is not None and self.ended is None

    def reach(self, host: str) -> None:
        """The test is at this host now."""
        self.host = host

    def belongs(self, whose: str) -> None:
        """The host that is asked next is of this kind: `failure.FEDERATION`, or empty."""
        self.whose = whose

    @contextlib.contextmanager
    def at(self, host: str) -> Iterator[None]:
        """The test is at this host meanwhile."""
        before, self.host = self.host, host
        try:
            yield
        finally:
            self.host = before

    def compare_clock(self, host: str, date: str | None, moment: float) -> None:
        """A host has told its date, at this moment (seconds since 1970)."""
        self.skew = clock_skew.compare(host, date, moment) or self.skew

    def where(self) -> str:
        """The phase the run is in, in words: `sign-in, phase dns`."""
        prefix = {"service": "", "discovery": "Autodiscover, "}
        watches = [(prefix.get(name, f"{name}, "), watch) for name, watch in self.watches.items()]
        if self.sign_in.current == SHARED:
            return "waiting for another's sign-in"
        for before, watch in reversed(watches):
            if watch.current:
                return f"{before}phase {'kerberos' if self.host == KDC else watch.current}"
        for before, watch in reversed(watches):
            phases = watch.phases()
            if phases:
                return f"after {before}phase {phases[-1].name}"
        return "phase start"

    def timed_out(self, seconds: float, signal: str | None = None) -> Failure:
        """The failure of a run that time, or a signal, ends in the phase it is in."""
        where = self.where()
        where = where if where.startswith(("after", "waiting")) else f"in {where}"
        phase = next((watch.current for watch in self.watches.values() if watch.current), "")
        at = f" ({self.host})" if self.host else ""
        if signal is not None:
            cause = f"ended by {signal} after {seconds:.1f}s {where}{at}"
            remedy = "the scheduler's own limit must be longer than --timeout"
            return Failure("timeout", cause, remedy, judged_as="signal")
        cause = f"timed out after {round(seconds, 3):g}s {where}{at}"
        during = "sign-in" if self.sign_in.current else ""
        failure = Failure(
            "timeout", cause, "raise --timeout; this host is overloaded", during=during
        )
        if self.host == KDC:
            cause = f"no answer from {KDC} in {round(seconds, 3):g}s"
            remedy = "check /etc/krb5.conf; the first KDC there may be silent"
            return failure._replace(cause=cause, remedy=remedy)
        if not self.host:
            return failure
        whose = self.whose if during else "Autodiscover" if self.discovery.current else ""
        return unanswered(failure, phase, self.host, whose, seconds)


class Report:
    """What is known about one mailbox so far.

    The probe fills it in; the watchdog may read it at any moment.
    """

    def __init__(
        self, mailbox: str, method: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.mailbox, self.method = mailbox, method
        self.archive = False
        #: Where the host is connected to, in place of what its name resolves to.
        self.address = ""
        #: Whether the way goes through a proxy.
        self.proxied = False
        self.success = False
        self.failure: Failure | None = None
        #: What the test has failed by, while its session is still being ended.
        self.ending: Failure | None = None
        #: Whether the address book answers for the mailbox, None where it was not asked; and what
        #: is wrong with it.
        self.address_book_answers: bool | None = None
        self.address_book_failure: Failure | None = None
        self.certificate: CertificateFacts | None = None
        self.certificate_days: float | None = None
        self.secret_days: float | None = None
        self.finding, self.times = Finding(), Times(clock)
        self.trace = Trace()
        self.confidences = Confidences()

    def copy(self) -> Report:
        """The report as it stands; what is written to this one later does not change it.

        Raises RuntimeError where another thread adds to it meanwhile.
        """
        import copy

        kept = copy.copy(self)
        kept.finding, kept.times = _copied(self.finding), _copied(self.times)
        kept.trace, kept.confidences = _copied(self.trace), _copied(self.confidences)
        return kept

    def signed_by(self, facts: CertificateFacts | None, now: float) -> None:
        """Tell of the certificate in use, if any; `now` is in seconds since 1970."""
        if facts is not None:
            self.certificate, self.certificate_days = facts, facts.whole_days(now)

    def explained(self, failure: Failure) -> Failure:
        """The failure with this host's clock as its cause, where it is one."""
        if self.times.skew is None or not clock_skew.explains(self.times.skew, failure.code):
            return failure
        return failure._replace(
            cause=f"this host's clock {self.times.skew}",
            remedy="set the clock; and keep it right by NTP",
            detail="; ".join(text for text in (failure.cause, failure.detail) if text),
        )

    def not_begun(self, waited_for: int) -> Failure:
        """The failure of a test whose turn never came, behind so many that hang."""
        cause = "not tested: the time was up before its turn"
        others = "other" if waited_for == 1 else "others"
        detail = f"{waited_for} {others} had not ended yet"
        return Failure(
            "untested", cause, "see what hangs; raise --timeout or --concurrency", "", detail
        )


def _copied(part: Any) -> Any:
    """A part with collections and stopwatches of its own."""
    import copy

    kept = copy.copy(part)
    for name, value in vars(part).items():
        if isinstance(value, (list, dict, set, Stopwatch)):
            setattr(kept, name, copy.copy(value))
    return kept
