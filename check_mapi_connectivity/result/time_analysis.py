"""Where the time went: rules on measured phases, which say what a slow run points to.

The rules, each on figures of this very run:

1. Time in `dns` is name resolution, in `proxy` the proxy's, in sign-in and Autodiscover theirs.
2. What the server says that it needed itself (the cmdlet's Latency, Exchange's X-ElapsedTime of
   MAPI over HTTP) is Exchange itself. Other servers round it to whole seconds: it counts for none.
3. Where TLS is inspected, which the issuer of the certificate tells, its handshake is TLS
   interception. Else a handshake of up to four round trips is the network path, a longer one the
   TLS handshake: somebody on the way, or the server's load. A round trip is the `tcp` phase.
4. `tcp` is the network path, and so are up to four round trips of each request. What a request
   takes beyond that and beyond the server's own time is the front end: what answers before the
   mailbox server; the way to Exchange where no round trip was measured, on a connection that was
   kept or goes through a proxy. Where the server tells no time of its own, it is the answer of the
   service.
"""

from __future__ import annotations

from ..base.value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..base.report import Report


class Part(NamedTuple):
    """What a share of the time went to, in words, and that share in seconds."""

    name: str
    seconds: float


class Analysis(NamedTuple):
    """Where a measured time went: its parts, the largest first, and their sum in seconds.

    `server` is what the server needed by its own word, None where it does not tell; `points_to` is
    where to look.
    """

    parts: list[Part]
    whole: float
    server: float | None
    points_to: str

    @property
    def largest(self) -> Part:
        """The part that took most."""
        return self.parts[0]

    @property
    def because(self) -> str:
        """What took most, in front of what it led to.

        >>> Analysis([Part("name resolution", 2.9)], 2.9, None, "").because
        'name resolution took 2.900s: '
        """
        return f"{self.largest.name} took {self.largest.seconds:.3f}s: "

    @property
    def shares(self) -> str:
        """All parts with their seconds, the largest with its share.

        >>> parts = [Part("name resolution", 2.9), Part("the proxy", 0.1)]
        >>> Analysis(parts, 3.0, None, "").shares
        'name resolution 2.900s (97 %), the proxy 0.100s'
        """
        shown = [part for part in self.parts if part is self.largest or part.seconds >= 0.0005]
        first, *rest = (f"{part.name} {part.seconds:.3f}s" for part in shown)
        share = round(100 * self.largest.seconds / self.whole)
        return ", ".join([f"{first} ({share} %)", *rest])


#: Round trips that a handshake of TLS 1.2, or one short request, takes at most, with one to spare.
_ROUND_TRIPS = 4

#: Labels whose violated limit asks for an analysis.
ANALYSED = ("connection_time", "total_time")

EXCHANGE, PATH, NAMES, PROXY = "Exchange itself", "the network path", "name resolution", "the proxy"
FRONT, WAY = "the front end", "the way to Exchange"
INTERCEPTION, HANDSHAKE, SIGN_IN = "TLS interception", "the TLS handshake", "the sign-in"
DISCOVERY, ANSWER, RETRY, HOST = "Autodiscover", "the answer", "a first try", "the check itself"
ADDRESS_BOOK = "the address book"

#: What took the time -> where to look.
POINTS_TO = {
    EXCHANGE: "check the load of the mailbox server and its disks",
    PATH: "check the route and the load balancer between here and the service",
    FRONT: "check load balancer, reverse proxy and IIS; the mailbox server itself was quick",
    WAY: "check the path, and what answers before the mailbox server; no round trip was measured",
    NAMES: "check /etc/resolv.conf; the first name server there may not answer",
    PROXY: "check the proxy: its load, its name servers, how it authenticates",
    INTERCEPTION: "have the host exempted from inspection; or check the load of what inspects",
    HANDSHAKE: "check the firewall, which may inspect TLS; or the server is busy",
    SIGN_IN: "check the way to the sign-in host; a cache directory saves it in most runs",
    DISCOVERY: "check the Autodiscover hosts; a cache directory saves it in most runs",
    ANSWER: "compare with time_tcp and with another method; service or path is slow",
    ADDRESS_BOOK: "run Test-ServiceHealth there; the address book asks a domain controller",
    RETRY: "see the note on the first try",
    HOST: "run fewer checks at the same time; this host is busy, or slow to start Python",
}

#: The same of Exchange Online, whose servers are not the reader's.
_ONLINE = "see M365 health"


def analyse(report: Report, label: str) -> Analysis | None:
    """Where the time of `label`, one of `ANALYSED`, went; None where it was not measured."""
    finding, times = report.finding, report.times
    found: dict[str, float] = {}
    server = finding.server_latency if finding.server_exact else None

    def add(name: str, seconds: float | None) -> None:
        if seconds:
            found[name] = found.get(name, 0.0) + seconds

    if label == "connection_time" and report.method == "cmdlet" and finding.server_latency:
        # Exchange measures it, from inside.
        add(EXCHANGE, finding.connection_time)
    else:
        _service(report, server, add)
    if label == "total_time":
        add(SIGN_IN, sum(phase.seconds for phase in times.sign_in.phases()))
        add(DISCOVERY, sum(phase.seconds for phase in times.discovery.phases()))
        add(ADDRESS_BOOK, sum(phase.seconds for phase in times.address_book.phases()))
        add(RETRY, times.first_try + times.waited)
        add(HOST, max(0.0, (times.total or 0.0) - sum(found.values())))
    parts = sorted((Part(*item) for item in found.items()), key=lambda part: -part.seconds)
    whole = sum(part.seconds for part in parts)
    if not parts:
        return None
    points_to = POINTS_TO[parts[0].name]
    if parts[0].name == EXCHANGE and report.method == "cmdlet":
        points_to = _ONLINE
    return Analysis(parts, whole, server, points_to)


def _service(report: Report, told: float | None, add: Callable[[str, float | None], None]) -> None:
    """The phases of the way to the mailbox service and of what was said to it; `told` is the
    server's own time in seconds.
    """
    times = {phase.name: phase.seconds for phase in report.times.service.phases()}
    round_trip = times.get("tcp", 0.0)
    add(NAMES, times.get("dns"))
    add(PROXY, times.get("proxy"))
    add(PATH, round_trip)
    handshake = times.get("tls", 0.0)
    near = handshake <= _ROUND_TRIPS * round_trip
    inspected = "TLS inspected" in report.trace.facts
    add(INTERCEPTION if inspected else PATH if near else HANDSHAKE, handshake)
    requests = [times[name] for name in ("request", "connect", "execute") if name in times]
    # A server's own time cannot be longer than the wait for it.
    server = min(told or 0.0, sum(requests))
    rest = sum(requests) - server
    path = min(rest, len(requests) * _ROUND_TRIPS * round_trip)
    add(EXCHANGE, server)
    add(PATH, path)
    before = FRONT if round_trip else WAY
    add(ANSWER if told is None else before, rest - path)
