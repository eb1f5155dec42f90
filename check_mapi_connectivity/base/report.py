"""What a probe found: Report, its Phases, and the Failure that ended it."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from . import clock_skew
from .failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


#: `Report.host` while Kerberos asks for a ticket.
KDC = "the KDC"

#: Phase of a sign-in that another test of the run has begun.
SHARED = "shared"

#: Phase that a deadline was hit in -> where to look.
_LOOK = {
    "dns": "check the name servers in /etc/resolv.conf",
    "tcp": "a firewall may drop the packets; check route and proxy",
    "proxy": "look at the proxy",
    "tls": "a firewall or proxy may hold the handshake up",
    "request": "the service may hang: see its health page, or give it more time with --timeout",
    "connect": "the Exchange server may hang: look at it, or give it more time with --timeout",
    "execute": "its database may hang, or packets are dropped: test another mailbox beside it",
}


class Row(NamedTuple):
    """One listed message: id, delivery in seconds since 1970, size in bytes; None where absent.

    The subject is asked for at `-vvv` only.
    """

    identifier: str
    delivered: float | None
    size: int | None
    subject: str | None = None


@dataclass
class Report:
    """What is known about one mailbox so far.

    The probe fills it in; the watchdog may read it at any moment.
    """

    mailbox: str
    method: str
    archive: bool = False
    success: bool = False
    failure: Failure | None = None
    #: What the test has failed by, while its session is still being ended.
    ending: Failure | None = None
    result: str | None = None
    named: str | None = None
    database: str | None = None
    server: str | None = None
    server_latency: float | None = None
    #: Whether shares of the time may be derived from it.
    server_exact: bool = True
    round_trip: float | None = None
    connection_time: float | None = None
    inbox_items: int | None = None
    unread: int | None = None
    rows: list[Row] = field(default_factory=list)
    #: What this run could do without: `token`, `autodiscover`.
    unneeded: set[str] = field(default_factory=set)
    token_cached: bool = False
    sign_in: Stopwatch = field(default_factory=Stopwatch)
    discovery: Stopwatch = field(default_factory=Stopwatch)
    #: Whether the way goes through a proxy.
    proxied: bool = False
    #: Seconds of a first try, and of the wait after it.
    first_try: float = 0.0
    waited: float = 0.0
    service: Stopwatch = field(default_factory=Stopwatch)
    host: str = ""
    #: What must show in no output: passwords, tokens, cookies.
    secrets: set[str] = field(default_factory=set, repr=False)
    #: Those of them that are long and random, as headers and forms hold them.
    words: set[str] = field(default_factory=set, repr=False)
    ids: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    certificate: CertificateFacts | None = None
    certificate_days: float | None = None
    #: This host's clock against that of the server that answered last.
    skew: clock_skew.Skew | None = None
    #: When its test began and ended (monotonic clock); None before that.
    begun: float | None = None
    ended: float | None = None
    total: float | None = None
    #: The clock of its stopwatches, and the moment of the conclusion (seconds since 1970).
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    moment: float = field(default_factory=time.time)

    def stopwatch(self) -> Stopwatch:
        """One that goes by the clock of the run."""
        return Stopwatch(self.clock)

    def copy(self) -> Report:
        """The report as it stands; what is written to this one later does not change it.

        Raises RuntimeError where another thread adds to it meanwhile.
        """
        kept = copy.copy(self)
        for name, value in vars(self).items():
            if name != "clock":
                setattr(kept, name, copy.copy(value))
        return kept

    def signed_by(self, facts: CertificateFacts | None, now: float) -> None:
        """Tell of the certificate in use, if any; `now` is in seconds since 1970."""
        if facts is not None:
            self.certificate, self.certificate_days = facts, facts.whole_days(now)

    def where(self) -> str:
        """The phase the run is in, in words: `sign-in, phase dns`."""
        watches = {"": self.service, "Autodiscover, ": self.discovery, "sign-in, ": self.sign_in}
        if self.sign_in.current == SHARED:
            return "waiting for another's sign-in"
        for prefix, watch in watches.items():
            if watch.current:
                return f"{prefix}phase {'kerberos' if self.host == KDC else watch.current}"
        for prefix, watch in watches.items():
            phases = watch.phases()
            if phases:
                return f"after {prefix}phase {phases[-1].name}"
        return "phase start"

    def explained(self, failure: Failure) -> Failure:
        """The failure with this host's clock as its cause, where it is one."""
        if self.skew is None or not clock_skew.explains(self.skew, failure.code):
            return failure
        return replace(
            failure,
            cause=f"this host's clock {self.skew}",
            remedy="set it, and keep it right by NTP",
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

    def timed_out(self, seconds: float, signal: str | None = None) -> Failure:
        """The failure of a run that time, or a signal, ends in the phase it is in."""
        where = self.where()
        where = where if where.startswith(("after", "waiting")) else f"in {where}"
        watches = (self.service, self.discovery, self.sign_in)
        phase = next((watch.current for watch in watches if watch.current), "")
        remedy = _LOOK.get(phase, "this host is overloaded; give it more time with --timeout")
        if self.host == KDC:
            remedy = "see the KDC and /etc/krb5.conf: the first one there may be silent"
        at = f" ({self.host})" if self.host else ""
        if signal is not None:
            cause = f"ended by {signal} after {seconds:.1f}s {where}{at}"
            remedy = "the scheduler's own limit must be longer than --timeout"
            return Failure("timeout", cause, remedy, judged_as="signal")
        cause = f"timed out after {round(seconds, 3):g}s {where}{at}"
        if self.host and phase in _LOOK:
            nobody = "no DNS answer for" if phase == "dns" else "no answer from"
            cause = f"{nobody} {self.host} {where}: timed out after {round(seconds, 3):g}s"
        return Failure("timeout", cause, remedy)
