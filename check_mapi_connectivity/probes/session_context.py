"""One Session Context of MAPI over HTTP, whatever is said in it: headers, cookies, and what stands
before the body of an answer (MS-OXCMAPIHTTP 3.1, 3.2).
"""

from __future__ import annotations

import uuid

from ..base.failure import CheckFailure, Failure
from ..mapihttp import envelope
from ..mapihttp.discovery import host_of
from ..mapihttp.reader import WireError
from ..network.headers import number
from ..services import mapi_http_refusals, mapi_refusals
from .context import ID_HEADERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..base.deadline import Deadline
    from ..base.report import Report, Stopwatch
    from ..network.answer import Answer
    from ..network.confidential import Reading
    from .mapi_authentication import Authentication

    T = TypeVar("T")

#: Seconds that the end of a session is waited for.
PATIENCE = 3.0

#: The version that Gromox reports, and older Exchange may: its X-ElapsedTime counts whole seconds,
#: not milliseconds (reference sheet gromox-observed).
_GROMOX = "Exchange/15.00.0847.4040"

#: Headers that only Exchange was seen to send (reference sheet exchange-se).
_EXCHANGE_HEADERS = ("X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-DiagInfo")


#: Headers by which load balancers and gateways show themselves (RFC 9110 7.6.3; the others are
#: customs).
_BETWEEN = ("Via", "X-Served-By", "X-Backend-Server", "X-Forwarded-Server", "X-Cache")


class SessionLost(CheckFailure):
    """The server refused the session, or what was said in it, by an X-ResponseCode."""


class SessionContext:
    """A session with the endpoint at `url`; `cookies` are those of a session that may be left over,
    `served_by` is told which server answers.

    One request at a time.
    """

    def __init__(
        self,
        url: str,
        authentication: Authentication,
        deadline: Deadline,
        report: Report,
        served_by: Callable[[str], None],
        *,
        cookies: dict[str, str] | None = None,
    ) -> None:
        self._authentication, self._deadline = authentication, deadline
        self._report, self._served_by = report, served_by
        self.cookies = dict(cookies or {})
        self._client = f"{{{uuid.uuid4()}}}:1".upper()
        self._session = str(uuid.uuid4()).upper()
        self._number = 0
        self.url = url
        #: Whether the server holds a session that is to be ended.
        self.open = False
        #: Seconds that the server says it needed so far.
        self.elapsed: float | None = None
        #: Whether the server showed itself as Exchange, not by its version number alone.
        self.exchange = False

    def post(
        self,
        request_type: str,
        body: bytes,
        watch: Stopwatch,
        *,
        seconds: float,
        phase: str,
        reading: Reading,
    ) -> bytes:
        """The body of the answer, meta-tags removed, within that many seconds. Raises SessionLost,
        CheckFailure.
        """
        self._number += 1
        headers = envelope.headers(
            request_type, self._session, self._client, self._number, self.cookies
        )
        if seconds <= 0:
            spent = self._deadline.seconds - self._deadline.remaining()
            raise CheckFailure(self._report.times.timed_out(round(spent, 1)))
        answer = self._authentication.post(
            self.url,
            watch,
            phase=phase,
            headers=headers,
            data=body,
            until=self._deadline.now() + seconds,
            heard=self._heard,
            reading=reading,
        )
        return self._checked(request_type, answer, headers["X-RequestId"])

    def check_cookies(self) -> None:
        """Raises CheckFailure where the server gives the session none."""
        if not self.cookies:
            cause = f"{host_of(self.url)} gives the session no cookie"
            remedy = "check the reverse proxy; it or a load balancer may remove Set-Cookie"
            raise CheckFailure(Failure("protocol", cause, remedy))

    def _heard(self, answer: Answer) -> None:
        """Take up the cookies as soon as they are there: the body may never come."""
        if answer.status != 200:
            return
        lines = answer.all("Set-Cookie")
        envelope.keep_cookies(self.cookies, lines)
        self._report.confidences.keep(
            value for value in self.cookies.values() if not _server_name(value, answer)
        )
        code = answer.headers.get("X-ResponseCode")
        # A number that cannot be read may have been a good one.
        if lines and code is not None and not number(code):
            self.open = True

    def _checked(self, request_type: str, answer: Answer, request_id: str) -> bytes:
        """The answer's body, in the order of the specification's checks. Raises CheckFailure."""
        ids = {name: answer.headers[name] for name in ID_HEADERS if name in answer.headers}
        self._report.trace.identify(ids)
        self._facts(answer)
        if answer.status != 200:
            raise CheckFailure(self._authentication.explain(answer))
        code = number(answer.headers.get("X-ResponseCode", ""))
        if code is None:
            raise CheckFailure(mapi_http_refusals.not_mapi(answer))
        if code:
            raise SessionLost(
                mapi_refusals.response_code(code, answer.text, answer.host, exchange=self.exchange)
            )
        echo = answer.headers.get("X-RequestId", "nothing")
        if echo.strip().lower() != request_id.lower():
            self._report.trace.remark(
                f"{request_type}: {echo} is echoed as X-RequestId; something in between may answer"
            )
        entity = read(envelope.strip, answer.body, request_type)
        late = number(entity.headers.get("x-responsecode", "0"))
        if late is None:
            what = "its X-ResponseCode is no number"
            raise CheckFailure(mapi_refusals.wire(what, request_type))
        if late:
            page = "html" in entity.headers.get("content-type", "")
            text = entity.body.decode("utf-8", "replace") if page else ""
            raise SessionLost(
                mapi_refusals.response_code(late, text, answer.host, exchange=self.exchange)
            )
        elapsed = number(entity.headers.get("x-elapsedtime", ""))
        if elapsed is not None:
            version = answer.headers.get("X-ServerApplication")
            gromox = version == _GROMOX and not self.exchange
            self.elapsed = (self.elapsed or 0.0) + elapsed / (1 if gromox else 1000)
        return entity.body

    @staticmethod
    def by_exchange(answer: Answer) -> bool:
        """Whether an answer has a header that only Exchange sends."""
        return any(name in answer.headers for name in _EXCHANGE_HEADERS)

    def _facts(self, answer: Answer) -> None:
        """Which server answered, as far as the headers tell."""
        report, headers = self._report, answer.headers
        self.exchange = self.exchange or self.by_exchange(answer)
        server = headers.get("X-CalculatedBETarget") or headers.get("X-BEServer")
        if server:
            self._served_by(server)
        for name, title in (("X-FEServer", "front end"), ("X-ServerApplication", "version")):
            if name in headers:
                report.trace.fact(title, headers[name])
        self._between(answer)

    def _between(self, answer: Answer) -> None:
        """What a load balancer shows of itself: names of cookies, and headers that it adds."""
        told = [f"cookie {name}" for name in self.cookies]
        told += [f"{name}: {answer.headers[name]}" for name in _BETWEEN if name in answer.headers]
        if not told:
            return
        words = ", ".join(told)
        if self._report.address:
            self._report.trace.fact("affinity", words)
        elif self._number == 1:
            self._report.trace.note(f"affinity: {words}")


def _server_name(value: str, answer: Answer) -> bool:
    """Whether a cookie's value is the name of the server that the answer tells anyway: so load
    balancers find it again (HAProxy, `cookie` of a `server`). It is at most 15 characters long.
    """
    if len(value) > 15 or not (value.isascii() and value.replace("-", "").isalnum()):
        return False
    named = (answer.headers.get(name, "") for name in _EXCHANGE_HEADERS)
    return value.lower() in {name.partition(".")[0].lower() for name in named}


def read(reader: Callable[[bytes], T], data: bytes, request_type: str) -> T:
    """What `reader` makes of the data. Raises CheckFailure."""
    try:
        return reader(data)
    except WireError as error:
        raise CheckFailure(mapi_refusals.wire(str(error), request_type)) from None
