"""Gives results to Icinga 2 by its API: one request each, one after the other, on one connection.

Strategy: the connection is opened when the results are there, because Icinga closes one that is
idle. A connection that ends, and a 503, mean a reload: what is left is sent on a new one. Below
2.14 a result that was answered with 200 may be lost all the same, as long before the end of the
connection as the old process needs to write its state down: so what the last two seconds brought is
sent again, and after the last result the connection is looked at once more, a while later. A result
that comes twice changes nothing: it is of the same moment.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from typing import TYPE_CHECKING

from ..base.errors import UsageError
from ..base.failure import CheckFailure, Failure
from ..base.options import Confided
from ..base.report import Report
from ..network.route import Means, NotKept, Shared
from ..network.shared_logon import Logon
from ..network.transport import Transport
from ..network.trust import Trust
from ..secrecy import echoes
from . import icinga_answers as answers
from .settings import ICINGA2, impossible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..base.deadline import Deadline
    from ..network.answer import Answer
    from .outcome import Outcome
    from .results import Result
    from .settings import Feed

#: Seconds before the end of a connection in which a result may be lost.
_DOUBTFUL = 2.0

#: Seconds after the last result at which the connection is looked at once more, and the same where
#: a reload was met.
_QUIET, _AFTER_RELOAD = 1.0, 3.0

#: Seconds between two tries to reach Icinga: at first, and at most; and of all tries together.
_PAUSE, _LONGEST, _PATIENCE = 0.1, 1.0, 10.0

#: Connections one after the other that may end before a result is answered.
_IN_VAIN = 5

#: Refusals for which Icinga is asked why: that costs it more than thirty results.
_EXPLAINED = 3


class _Gone(Exception):
    """Icinga has ended the connection, or takes no results just now."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure


def trust(feed: Feed) -> Trust:
    """TLS settings for Icinga's API, with the client's certificate. Raises UsageError."""
    try:
        made = Trust(feed.network)
    except UsageError as error:
        text = str(error).replace("--ca-file", "--submit-ca-file")
        raise UsageError(text, *error.details) from None
    if feed.certificate is not None:
        try:
            # Without a passphrase OpenSSL would ask for one on the terminal.
            made.context.load_cert_chain(feed.certificate, feed.key, password=lambda: b"")
        except (OSError, ValueError):
            raise UsageError(
                f"--submit-certificate: {feed.certificate} and its key cannot be used; give "
                "PEM files, the key without a passphrase"
            ) from None
    return made


class Icinga:
    """One feed's connection to Icinga's API."""

    def __init__(self, feed: Feed, settings: Trust, deadline: Deadline, outcome: Outcome) -> None:
        self._feed, self._deadline, self._outcome = feed, deadline, outcome
        secrets = () if feed.password is None else (("SUBMIT-PASSWORD", feed.password),)
        self._confided = Confided(secrets, (feed.host, feed.user or ""))
        self._report = Report("", ICINGA2, deadline.now)
        means = Means(feed.network, confided=self._confided)
        shared = Shared(settings, Logon())
        self._transport = Transport(means, deadline, self._report, shared)
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if feed.password is not None:
            word = f"{feed.user}:{feed.password.reveal()}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(word).decode()}"
        #: (when by the monotonic clock, result) of each answer by this connection.
        self._answered: deque[tuple[float, Result]] = deque()
        self._safe = False
        self._reloads = 0

    def submit(self, results: Sequence[Result]) -> None:
        """Give them to Icinga; what becomes of them is told to the outcome."""
        try:
            self._submit(deque(self._possible(results)))
        except CheckFailure as error:
            self._outcome.fail(self._concealed(_to_icinga(error.failure)))
        finally:
            self._transport.close()
            if self._reloads:
                times = "" if self._reloads == 1 else f", {self._reloads} times"
                self._outcome.note(f"Icinga was restarted or reloaded meanwhile{times}")

    def _possible(self, results: Sequence[Result]) -> list[Result]:
        """The results whose service can exist."""
        found = []
        for result in results:
            why = impossible(result.service, ICINGA2)
            if why:
                self._outcome.refuse(result, why)
            else:
                found.append(result)
        return found

    def _submit(self, waiting: deque[Result]) -> None:
        """Raises CheckFailure."""
        self._open()
        in_vain = 0
        while True:
            try:
                while waiting:
                    self._post(waiting[0])
                    waiting.popleft()
                self._look_again()
                return
            except _Gone as gone:
                self._reloads += 1
                in_vain = 0 if self._answered else in_vain + 1
                if in_vain == _IN_VAIN:
                    raise CheckFailure(gone.failure) from None
                self._deadline.pause(_PAUSE)
                left = {result.service for result in waiting}
                again = [one for one in self._doubtful() if one.service not in left]
                waiting.extendleft(reversed(again))
                self._open()

    def _open(self) -> None:
        """Reach Icinga, and ask who it is and what the user may do. Raises CheckFailure."""
        until, pause = self._deadline.now() + _PATIENCE, _PAUSE
        while True:
            try:
                answer = self._ask("GET", "/v1")
                break
            except _Gone as gone:
                now = self._deadline.now()
                if now + pause > until or pause > self._deadline.remaining():
                    raise CheckFailure(gone.failure) from None
                self._deadline.pause(pause)
                pause = min(2 * pause, _LONGEST)
        server = answer.headers.get("Server", "")
        user = self._feed.user or f"of {self._feed.certificate}"
        failure = answers.refusal(answer.status, answer.json(), server, user)
        if failure is not None:
            raise CheckFailure(failure)
        self._safe = answers.version(server) >= answers.SAFE
        self._answered.clear()

    def _post(self, result: Result) -> None:
        """Give one result to Icinga. Raises CheckFailure, _Gone."""
        verbose = len(self._outcome.refused) < _EXPLAINED
        body = answers.body(result, verbose=verbose)
        answer = self._ask("POST", answers.path(result), body, kept=True)
        said = answers.read(answer.status, answer.json())
        if isinstance(said, Failure):
            raise CheckFailure(said)
        if isinstance(said, answers.Again):
            raise _Gone(_busy(said.why))
        self._answered.append((self._deadline.now(), result))
        if said is None:
            self._outcome.take(result)
        else:
            self._outcome.refuse(result, self._masked(said.why))

    def _doubtful(self) -> list[Result]:
        """The results that Icinga may have lost although it has answered."""
        if self._safe or not self._answered:
            return []
        since = self._answered[-1][0] - _DOUBTFUL
        return [result for when, result in self._answered if when >= since]

    def _look_again(self) -> None:
        """Below 2.14, make sure that the last results were not lost. Raises CheckFailure, _Gone."""
        if self._safe or not self._answered:
            return
        wait = _AFTER_RELOAD if self._reloads else _QUIET
        if wait + 0.5 > self._deadline.remaining():
            self._outcome.note("no time was left to see whether Icinga is being reloaded")
            return
        self._deadline.pause(wait)
        self._ask("GET", "/v1", kept=True)

    def _ask(
        self, method: str, path: str, body: str | None = None, *, kept: bool = False
    ) -> Answer:
        """One request. Raises CheckFailure, and _Gone for a connection that has ended."""
        try:
            answer = self._transport.send(
                method,
                self._feed.url + path,
                self._report.times.service,
                headers=self._headers,
                data=body,
                kept=kept,
            )
        except NotKept:
            raise _Gone(_busy("the connection has ended")) from None
        except CheckFailure as error:
            if error.failure.transient:
                raise _Gone(error.failure) from None
            raise
        if answer.status == 503:
            raise _Gone(_busy("HTTP 503"))
        return answer

    def _masked(self, text: str) -> str:
        return echoes.known(text, echoes.of_run(self._confided))

    def _concealed(self, failure: Failure) -> Failure:
        """A failure without what must not show."""
        cause, detail = self._masked(failure.cause), self._masked(failure.detail)
        return failure._replace(cause=cause, detail=detail)


def _busy(why: str) -> Failure:
    return Failure(
        "submit",
        "Icinga takes no results",
        "wait for the next run; Icinga may be restarting",
        "",
        why,
    )


def _to_icinga(failure: Failure) -> Failure:
    """A failure of the way to Icinga, which is one of the feed."""
    if failure.kind == "submit":
        return failure
    cause = f"Icinga is not reached: {failure.cause}"
    # The options of the feed's own way.
    remedy = re.sub("--(ca-file|proxy)", r"--submit-\1", failure.remedy)
    return failure._replace(kind="submit", cause=cause, remedy=remedy, judged_as="", during="")
