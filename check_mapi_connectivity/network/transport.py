"""One way for everything: sign-in and mailbox go by the same connections, under the same caps.

An answer is a value, whatever its status: nothing here raises for 403 or 500. Redirects are never
followed, because a token would go with them; bodies are read to a limit and decoded to the same
limit; what goes over the wire is kept, masked, for `-vv`.
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache

from .. import __version__
from ..base.failure import CheckFailure
from ..base.options import address_parts
from ..base.value import NamedTuple
from ..base.vocabulary import NEGOTIATE, NTLM
from ..secrecy import echoes as secrecy_echoes
from .answer import Answer, host_of, place
from .carriers.request import Request, prepare
from .confidential import confidential, credentials, shown_exchange, without, without_echoes
from .head import HeadError, Late
from .response import broken, build, read
from .route import Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from ..base.deadline import Deadline
    from ..base.report import Report, Stopwatch
    from .carriers.carrier import Carrier, Response
    from .confidential import Reading
    from .route import Means, Shared

#: Requests that are kept for `-vv`.
_MOST_EXCHANGES = 60

USER_AGENT = f"check_mapi_connectivity/{__version__}"


class Manner(NamedTuple):
    """How one request is to be sent; see `Transport.send`."""

    phase: str = "request"
    until: float | None = None
    heard: Callable[[Answer], None] | None = None
    direct: bool = False
    kept: bool = False
    issuing: bool = False


class Transport:
    """Sends requests for one report at a time, over connections that are kept from one to the
    next. Not for use by two threads at once.
    """

    def __init__(
        self,
        means: Means,
        deadline: Deadline,
        report: Report,
        shared: Shared | None = None,
    ) -> None:
        self._route = Route(means, deadline, report, shared)
        self._report = report
        #: URL of a host -> number of its connection that NTLM or Negotiate has authenticated.
        self.authenticated: dict[str, int] = {}
        self._detail = means.verbose >= 2
        self._bodies = means.verbose >= 3
        #: What was sent in confidence so far: nothing of it is read back from an answer.
        self._secrets: set[str] = set()
        #: Credentials among it, as headers and forms hold them.
        self._words: set[str] = set()
        self._means = means
        #: When the connection of any request is cut (monotonic clock), None for the deadline.
        self.latest: float | None = None
        self._carrier = carrier(self._route)
        #: Places where a kept connection was lost: from then on each request has one of its own.
        self._brittle: set[tuple[str, int]] = set()

    @property
    def shared(self) -> Shared:
        """What another transport of the run should be given."""
        return self._route.shared

    @cached_property
    def _given(self) -> set[str]:
        """What the run was given, which only an answer that is no success may quote: a word of it
        may be a word of the protocol.
        """
        return {one for one in secrecy_echoes.of_run(self._means.confided) if len(one) > 7}

    @cached_property
    def _given_words(self) -> set[str]:
        """Those that are known by their parts as well."""
        return secrecy_echoes.words_of_run(self._means.confided)

    def unsaid(self, text: str) -> str:
        """A text of the other side without what is secret, as it may be kept in a file."""
        met = self._report.confidences
        secrets, words = met.secrets | self._given, met.words | self._given_words
        return _echoes(frozenset(secrets), frozenset(words)).masked(text)

    def attach(self, report: Report) -> None:
        """From now on work for this report."""
        self._report = report
        self._route.attach(report)

    def lead(self, host: str, address: str) -> None:
        """From now on connect to this host at an address, ADDRESS[:PORT], in place of what its name
        resolves to; the name stays in all that is said.
        """
        there = address_parts(address)
        if self._route.instead.get(host.lower()) != there:
            self.close()
            self._route.instead[host.lower()] = there

    def led(self, host: str) -> bool:
        """Whether a host is connected to at an address that was given for it."""
        return host.lower() in self._route.instead

    def addresses(self, url: str, watch: Stopwatch) -> list[str]:
        """All that the name of a URL's host resolves to, IPv6 in brackets. Raises CheckFailure."""
        self._route.watch = watch
        self._report.times.reach(host_of(url))
        try:
            return self._route.addresses(*place(url))
        finally:
            watch.stop()

    def send(
        self,
        method: str,
        url: str,
        watch: Stopwatch,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        params: Any = None,
        phase: str = "request",
        until: float | None = None,
        heard: Callable[[Answer], None] | None = None,
        reading: Reading | None = None,
        direct: bool = False,
        kept: bool = False,
        issuing: bool = False,
    ) -> Answer:
        """One request and its whole answer; time is charged to `phase` of `watch`.

        Every request carries a fresh client-request-id. At `until` the connection is cut;
        `heard` is told of an answer when its headers are there, `reading` puts bodies that are no
        text into words, `direct` goes past any proxy, `kept` goes by the connection that is
        open or not at all, `issuing` is for a token, which may be one that was sent before.
        Raises CheckFailure for everything that is not an answer, NotKept.
        """
        request = self._prepared(method, url, headers or {}, data, params)
        self._report.times.reach(request.named)
        answer: Answer | None = None
        manner = Manner(phase, until or self.latest, heard, direct, kept, issuing)
        try:
            answer = self._carry(request, url, watch, manner)
        finally:
            self._keep(request, answer, reading)
        return answer

    def _carry(self, request: Request, url: str, watch: Stopwatch, manner: Manner) -> Answer:
        """The answer to a request. Raises CheckFailure."""
        host, route = self._report.times.host, self._route
        route.watch, route.phase, route.direct = watch, manner.phase, manner.direct
        route.kept = manner.kept
        watch.start(manner.phase)
        there = request.host, request.port
        before = route.opened.get(there, 0)
        finished = True
        try:
            response = self._carrier.send(request, manner.until)
            return self._read(response, url, host, manner)
        except Late:
            finished = False
            raise CheckFailure(route.timed_out()) from None
        except (OSError, HeadError) as error:
            failure = broken(error, host)
            if failure.transient and before and before == route.opened.get(there, 0):
                # A kept connection that the other side has closed meanwhile: no need to wait.
                failure = failure._replace(retry_after=0.0)
                # Who asked for that connection alone sees to it.
                self._brittle |= set() if manner.kept else {there}
            raise CheckFailure(failure) from None
        finally:
            if there in self._brittle and not self._bound(request, manner):
                self._carrier.close()
            route.kept = False
            watch.stop(finished=finished)

    def _bound(self, request: Request, manner: Manner) -> bool:
        """Whether what follows must go by the connection of this request: NTLM and Negotiate
        authenticate a connection.
        """
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        return manner.kept or scheme in (NTLM, NEGOTIATE) or bool(self.authenticated)

    def learn(
        self, kind: str, ask: Callable[[], Any], take: Callable[[Any], None] | None = None
    ) -> Any:
        """What a test is told by others than servers: `ask` says it, as JSON can hold it.

        A replay has it from the recording, where it was kept under the word `kind`, and gives it to
        `take`. Raises what `ask` raises.
        """
        return ask()

    def _read(
        self,
        response: Response,
        url: str,
        host: str,
        manner: Manner,
    ) -> Answer:
        """The whole answer, without what is secret. Raises CheckFailure."""
        try:
            if manner.heard is not None:
                manner.heard(build(response, url, host, b""))
            answer = build(response, url, host, read(response, host))
        except (CheckFailure, OSError, HeadError, Late):
            # A refusal is one by its status. Taken for no answer, it would be asked for again.
            if response.status != 401:
                raise
            answer = build(response, url, host, b"")
        finally:
            response.close()
        self._report.times.compare_clock(host, answer.headers.get("Date"), answer.received)
        self._not_of_a_proxy(answer)
        if answer.status == 200:
            return answer if manner.issuing else without(self._secrets, answer)
        secrets, words = self._secrets | self._given, self._words | self._given_words
        return without_echoes(secrets, words, answer)

    def _not_of_a_proxy(self, answer: Answer) -> None:
        """Raise CheckFailure for an answer by which a squid says that it is its own."""
        hint = answer.headers.get("X-Squid-Error", "")
        if hint:
            from .proxy import refusals

            name, port = place(answer.url)
            by = str(self._means.network.proxy or "(squid)")
            failure = refusals.squid(by, f"{name}:{port}", answer.status, hint[:200])
            if failure is not None:
                raise CheckFailure(failure)

    def _keep(
        self,
        request: Request,
        answer: Answer | None,
        reading: Reading | None,
    ) -> None:
        """Keep what went over the wire, as far as it is asked for."""
        if self._detail and len(self._report.trace.exchanges) < _MOST_EXCHANGES:
            exchange = shown_exchange(request, answer, reading)
            if not self._bodies:
                exchange = exchange._replace(request_body=[], response_body=[])
            self._report.trace.met(exchange)

    def _prepared(
        self, method: str, url: str, headers: Mapping[str, str], data: Any, params: Any
    ) -> Request:
        """The request with the headers that every one has; its secrets and its id are noted.

        Raises CheckFailure for a URL that is none.
        """
        sent = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "client-request-id": _fresh_id(),
            **{name: str(value) for name, value in headers.items()},
        }
        request = prepare(method, url, sent, data, params)
        words = credentials(sent, data)
        self._words |= words
        self._secrets |= words | confidential(data)
        self._report.confidences.keep(self._secrets, self._words)
        self._report.trace.identify({"client-request-id": sent["client-request-id"]})
        return request

    def connect(self, url: str, watch: Stopwatch, phase: str) -> bytes:
        """Open the connection that the next request to this host will use, if there is none.

        Returns the server's certificate in DER. Raises CheckFailure.
        """
        request = prepare("GET", url, {})
        self._route.watch, self._route.phase, self._route.direct = watch, phase, False
        watch.start(phase)
        try:
            self._carrier.open(request)
        finally:
            watch.stop()
        return self._route.certificates[request.host, request.port]

    @property
    def patience(self) -> float | None:
        """Seconds that a TCP connection or a TLS handshake may take; None for no limit."""
        return self._route.patience

    @patience.setter
    def patience(self, seconds: float | None) -> None:
        self._route.patience = seconds

    def connections(self, url: str) -> int:
        """How many connections were opened to this host so far."""
        return self._route.opened.get(place(url), 0)

    def close(self) -> None:
        """Close all connections."""
        self._carrier.close()
        for sock in self._route.sockets.values():
            sock.close()


@lru_cache(maxsize=4)
def _echoes(secrets: frozenset[str], words: frozenset[str]) -> secrecy_echoes.Echoes:
    """What masks these; for the texts of one answer it is made once."""
    return secrecy_echoes.Echoes(secrets, words)


def carrier(route: Route) -> Carrier:
    """What carries the requests of a transport: requests where a proxy is on the way, else we."""
    if route.means.network.proxy is not None:
        from .carriers.by_requests import ByRequests

        return ByRequests(route)
    from .carriers.plain import Plain

    return Plain(route)


def _fresh_id() -> str:
    """A random UUID (RFC 9562 5.4)."""
    number = bytearray(os.urandom(16))
    number[6], number[8] = number[6] & 0x0F | 0x40, number[8] & 0x3F | 0x80
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
