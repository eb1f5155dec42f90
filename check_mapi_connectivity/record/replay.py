"""Plays a recording: the same code comes to the same result, without network, by the clock of then.

Strategy: each test runs by itself, one after the other, on a Player in the place of its transport.
A test that had not ended when the run was cut off is left where it was: its report is kept as it
stood, and the rest of its code finds nothing to go on with.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..base.cache import Cache
from ..base.deadline import Deadline
from ..base.errors import UsageError
from ..base.failure import CheckFailure
from ..base.options import Network
from ..network.answer import Headers, place
from ..network.route import Shared
from ..network.shared_logon import Logon
from ..network.transport import Transport
from ..network.trust import Trust
from ..probes import runner
from ..result import conclusion, output
from .recording import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..base.options import Options, Replay
    from ..base.report import Report, Stopwatch
    from ..network.answer import Answer
    from ..network.carriers.request import Request
    from ..network.route import Means
    from ..network.transport import Manner
    from .entries import Entry, Sent
    from .recording import Recording

#: The header by which an answer repeats what its request said of itself.
_ECHOED = "X-RequestId"


class Stopped(Exception):
    """A test is where it was when the run was cut off."""


class Clock(Deadline):
    """The clock of a recorded run; who plays it sets its hands."""

    def __init__(self, recording: Recording, seconds: float) -> None:
        super().__init__(0.0, seconds)
        self._begun = recording.moment
        self.hand = 0.0
        #: Is told of a wait, which may be too long.
        self.waiting: Callable[[float], None] = lambda seconds: None

    def now(self) -> float:
        """Seconds since the recorded run began."""
        return self.hand

    def wall(self) -> float:
        """Seconds since 1970, then."""
        return self._begun + self.hand

    def pause(self, seconds: float) -> None:
        """Time passes at once."""
        self.waiting(seconds)
        self.hand += seconds


def run(asked: Replay) -> tuple[str, int]:
    """Output and exit code of a recorded run. Raises UsageError."""
    try:
        recording = read(asked.path)
        options = recording.options._replace(display=asked.display)
        return _play(recording, options, as_json=asked.display.json)
    except UsageError as error:
        error.as_json = asked.display.json
        raise


def _play(recording: Recording, options: Options, *, as_json: bool) -> tuple[str, int]:
    """Output and exit code of a recording by these options. Raises UsageError."""
    clock = Clock(recording, runner.allowed(options))
    blank = runner.blank(options, clock)
    reports = [
        _test(number, report, options, recording, clock) for number, report in enumerate(blank)
    ]
    ending = recording.ending
    clock.hand = ending.seconds
    if ending.by == "deadline":
        runner.cut_off(options, reports)
    elif ending.by != "itself":
        runner.cut_off(options, reports, ending.by, ending.seconds)
    text, code = conclusion.conclude(options, reports, clock)
    when = datetime.fromtimestamp(recording.moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    told = f"of {recording.name}, recorded {when} by version {recording.version}"
    return output.extended(text, "replay", told, as_json=as_json), code


def _test(
    number: int, report: Report, options: Options, recording: Recording, clock: Clock
) -> Report:
    """The report of one test, as it ended or as it stood when the run was cut off."""
    times = report.times
    test = recording.tests[number]
    report.signed_by(recording.certificate, recording.moment)
    if test.begun is None:
        report.failure, times.ended = test.failure, test.ended
        return report
    clock.hand = times.begun = test.begun
    common = runner.Common(options)
    player = Player(common.means, clock, report, recording, number)
    cache = Cache(None, report.trace.notes)
    try:
        runner.test(common.context(player, cache, report, clock))
    except Stopped:
        return player.kept
    finally:
        player.close()
    times.ended = test.ended
    return report


class Player(Transport):
    """A transport that carries nothing: its answers come from one test of a recording."""

    def __init__(
        self, means: Means, clock: Clock, report: Report, recording: Recording, number: int
    ) -> None:
        # Nothing is ever connected to.
        shared = Shared(Trust(Network()), Logon())
        super().__init__(means, clock, report, shared)
        self._clock, self._recording = clock, recording
        test = recording.tests[number]
        self._cut = test.ended is None
        self._left = [entry for entry in recording.entries if entry.test == number]
        self._places = dict(test.connections)
        self.authenticated = dict(test.authenticated)
        #: The report as it was when the test was stopped.
        self.kept = report
        self._stopped = False
        clock.waiting = self._wait

    def connections(self, url: str) -> int:
        """How many connections were opened to this host so far."""
        return self._places.get(_place(url), 0)

    def _carry(self, request: Request, url: str, watch: Stopwatch, manner: Manner) -> Answer:
        entry = self._next("request", f"{request.method} {request.url}")
        sent, answer = entry.request, entry.answer
        if sent is not None:
            answer = answer and _echoing(answer, sent, request)
            # What is shown of the wire is what was recorded.
            request.headers, request.body = dict(sent.headers), sent.body
            identifier = request.headers.get("client-request-id", "")
            self._report.trace.identify({"client-request-id": identifier})
        self._charge(entry, watch)
        self._places[_place(url)] = entry.connections
        if answer is not None and manner.heard is not None:
            manner.heard(answer._replace(body=b""))
        self._fail(entry)
        if answer is None:
            raise self._missing(f"{request.method} {request.url}")
        return answer._replace(url=url)

    def connect(self, url: str, watch: Stopwatch, phase: str) -> bytes:
        """The certificate that the server showed then."""
        entry = self._next("connect", url)
        self._charge(entry, watch)
        self._places[_place(url)] = entry.connections
        self._fail(entry)
        return entry.certificate

    def learn(
        self, kind: str, ask: Callable[[], Any], take: Callable[[Any], None] | None = None
    ) -> Any:
        """What was learnt then."""
        if kind == "certificate" and all(entry.kind != kind for entry in self._left):
            # A recording of an earlier version knows of one certificate only.
            return False
        entry = self._next(kind, "")
        self._charge(entry, None)
        self._fail(entry)
        if take is not None:
            take(entry.value)
        return entry.value

    def _next(self, kind: str, what: str) -> Entry:
        """The first entry left of this kind, about this. Raises Stopped, UsageError."""
        if self._stopped:
            raise Stopped
        if self._cut and not self._left:
            self._clock.hand = self._recording.ending.seconds
            self._stop()
        for index, entry in enumerate(self._left):
            if entry.kind == kind and what == _about(entry):
                return self._left.pop(index)
        raise self._missing(what or kind)

    def _missing(self, what: str) -> UsageError:
        name, version = self._recording.name, self._recording.version
        return UsageError(
            f"--replay: {name} holds no answer to what this version asks; replay it with version "
            f"{version}, which recorded it",
            f"asked: {what}",
        )

    def _charge(self, entry: Entry, watch: Stopwatch | None) -> None:
        """Time passes, and the report learns what it learnt then. Raises Stopped."""
        self._clock.hand = entry.begin
        if watch is not None:
            watch.stop()
            watch.charge(entry.phases)
        report = self._report
        report.times.reach(entry.host or report.times.host)
        for name, text in entry.facts.items():
            report.trace.fact(name, text)
        report.trace.remark(*entry.remarks)
        report.trace.note(*entry.notes)
        report.times.skew = entry.skew or report.times.skew
        if entry.end is None:
            if watch is not None and entry.running:
                self._clock.hand += sum(phase.seconds for phase in entry.phases)
                watch.start(entry.running)
            self._stop()
        else:
            self._clock.hand = entry.end

    def _fail(self, entry: Entry) -> None:
        if entry.failure is not None:
            raise CheckFailure(entry.failure)
        if entry.usage:
            raise UsageError(*entry.usage)

    def _wait(self, seconds: float) -> None:
        """Stop in a wait that the recorded run did not see the end of. Raises Stopped."""
        late = self._clock.hand + seconds > self._recording.ending.seconds
        if self._cut and late and not self._left:
            self._stop()

    def _stop(self) -> None:
        """Keep the report as it stands, and go no further. Raises Stopped."""
        self.kept, self._stopped = self._report.copy(), True
        raise Stopped


def _about(entry: Entry) -> str:
    """What an entry is known by besides its kind."""
    sent = entry.request
    return entry.url if sent is None else f"{sent.method} {sent.url}"


def _place(url: str) -> str:
    host, port = place(url)
    return f"{host}:{port}"


def _echoing(answer: Answer, sent: Sent, request: Request) -> Answer:
    """The answer with the id of the request as it is made now, where it repeats that of then."""
    then, now = Headers(sent.headers).get(_ECHOED, ""), Headers(request.headers).get(_ECHOED)
    if now is None or answer.headers.get(_ECHOED, "").lower() != then.lower():
        return answer
    lines = tuple(
        (name, now if name.lower() == _ECHOED.lower() else value) for name, value in answer.lines
    )
    headers = Headers({**answer.headers, _ECHOED: now})
    return answer._replace(lines=lines, headers=headers)
