"""One Session Context of MAPI over HTTP: Connect, Execute, Disconnect over the run's transport
(MS-OXCMAPIHTTP 3.1, 3.2).
"""

from __future__ import annotations

import re
import uuid

from ..base.failure import CheckFailure, Failure
from ..mapihttp import dump, envelope, responses, rops, rpcext
from ..mapihttp.reader import WireError
from ..network.confidential import Lines
from ..network.headers import number
from ..services import mapi_http_refusals, mapi_refusals
from .context import ID_HEADERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ..base.deadline import Deadline
    from ..base.report import Report
    from ..network.answer import Answer
    from ..network.confidential import Reading
    from .mapi_authentication import Authentication

    T = TypeVar("T")

#: Seconds that the end of a session is waited for.
_PATIENCE = 3.0

#: ecBufferTooSmall: not even one operation fits into an answer.
_TOO_SMALL = 0x47D

#: The version that Gromox reports, and older Exchange may: its X-ElapsedTime counts whole seconds,
#: not milliseconds (reference sheet gromox-observed).
_GROMOX = "Exchange/15.00.0847.4040"

#: Headers and auxiliary blocks that only Exchange was seen to send (reference sheet exchange-se).
_EXCHANGE_HEADERS = ("X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-DiagInfo")
_EXCHANGE_BLOCKS = (rpcext.SERVER_NAME, rpcext.SESSION_INFO)


class SessionLost(CheckFailure):
    """The server refused the session, or what was said in it, by an X-ResponseCode."""


class ExecuteRefused(CheckFailure):
    """A whole Execute failed; `code` is its StatusCode or ErrorCode."""

    def __init__(self, failure: Failure, code: int) -> None:
        super().__init__(failure)
        self.code = code


class Session:
    """A session with the mailbox at `url`; `cookies` are those of a session that may be left over,
    `patience` is how many seconds Connect may take where the deadline is too late, `served_by` is
    told which server answers.

    One request at a time. Nothing is sent before `connect`.
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
        patience: float | None = None,
    ) -> None:
        self._authentication = authentication
        self._deadline = deadline
        self._patience = patience
        self._report, self._served_by = report, served_by
        self.cookies = dict(cookies or {})
        self._client = f"{{{uuid.uuid4()}}}:1".upper()
        self._session = str(uuid.uuid4()).upper()
        self._number = 0
        self.url, self.user_dn, self.display_name = url, "", ""
        #: Whether the server holds a session that is to be ended.
        self.open = False
        #: Seconds to wait before what was refused for being too busy is tried again.
        self.retry_delay = 0.0
        #: What the time is charged to, where that is not the request.
        self.phase = ""
        #: Seconds that the server says it needed so far.
        self.elapsed: float | None = None
        #: Whether the server showed itself as Exchange, not by its version number alone.
        self.exchange = False

    def connect(self, user_dn: str) -> None:
        """Open the session. Raises SessionLost, CheckFailure."""
        self.user_dn = user_dn
        body = envelope.ConnectRequest(user_dn).encode()
        entity = self._post("Connect", body)
        answer = _read(envelope.connect_response, entity, "Connect")
        if answer.status_code:
            raise CheckFailure(mapi_refusals.status_code(answer.status_code))
        if answer.error_code:
            raise CheckFailure(mapi_refusals.error_code(answer.error_code, "Connect"))
        self.display_name = answer.display_name
        self.retry_delay = answer.retry_delay / 1000
        self._blocks(answer.auxiliary)
        if not self.cookies:
            raise CheckFailure(
                Failure(
                    "protocol",
                    "the server gives the session no cookie",
                    "does a proxy or load balancer remove Set-Cookie?",
                )
            )

    def _blocks(self, blocks: Sequence[rpcext.Auxiliary]) -> None:
        """What the auxiliary blocks of Connect tell about the server that answered."""
        told = {block.name: block.text for block in blocks if block.name in _EXCHANGE_BLOCKS}
        self.exchange = self.exchange or any(told.values())
        info = told.get(rpcext.SESSION_INFO, "")
        if info:
            self._report.trace.fact("session info", info)
        named = re.search(r"(?:^|,)ClientAccessServer=([^,]{1,255})", info)
        server = told.get(rpcext.SERVER_NAME) or (named[1] if named else "")
        if server and not self._report.finding.server:
            self._served_by(server)

    def execute(
        self,
        requests: Sequence[rops.Request],
        handles: Sequence[int],
        columns: Sequence[int] = (),
    ) -> responses.Answer:
        """Carry out remote operations; what did not fit is asked for again.

        Raises ExecuteRefused, SessionLost, CheckFailure.
        """
        found: list[responses.Response] = []
        table = tuple(handles)
        while True:
            answer = self._execute(requests, table, columns)
            found += answer.responses
            if isinstance(answer.ended_by, responses.Backoff):
                raise CheckFailure(mapi_refusals.backoff(answer.ended_by.duration))
            # The table of an answer may be shorter at its end (MS-OXCROPS 3.1.4.1).
            table = (*answer.handles, *table[len(answer.handles) :])
            number = len(answer.responses)
            answered, requests = requests[:number], requests[number:]
            if not isinstance(answer.ended_by, responses.TooSmall) or not requests:
                return answer._replace(responses=tuple(found), handles=table)
            if not answered:
                raise CheckFailure(mapi_refusals.error_code(_TOO_SMALL, "Execute"))
            set_columns = [rop.tags for rop in answered if isinstance(rop, rops.SetColumns)]
            columns = set_columns[-1] if set_columns else columns

    def _execute(
        self, requests: Sequence[rops.Request], handles: Sequence[int], columns: Sequence[int]
    ) -> responses.Answer:
        rop_list = rops.RopList(b"".join(rop.encode() for rop in requests), tuple(handles))
        body = envelope.ExecuteRequest(rpcext.pack(rop_list.encode())).encode()
        answer = _read(envelope.execute_response, self._post("Execute", body, columns), "Execute")
        if answer.status_code:
            failure = mapi_refusals.status_code(answer.status_code)
            if failure.transient and self.retry_delay:
                failure = failure._replace(retry_after=self.retry_delay)
            raise ExecuteRefused(failure, answer.status_code)
        if answer.error_code:
            failure = mapi_refusals.error_code(answer.error_code, "Execute")
            raise ExecuteRefused(failure, answer.error_code)
        try:
            return responses.read(answer.payloads, requests, columns)
        except WireError as error:
            raise CheckFailure(mapi_refusals.wire(str(error), "Execute")) from None

    def disconnect(self, *, lost: bool = False) -> str:
        """End the session, if there is one; `lost` where the server refused it already.

        Why that failed, in words; empty when it did not, and where the server knows no session.
        """
        if not self.open:
            return ""
        try:
            entity = self._post("Disconnect", envelope.DisconnectRequest().encode())
            answer = envelope.disconnect_response(entity)
        except SessionLost as error:
            self.open = not lost
            return "" if lost else error.failure.cause
        except CheckFailure as error:
            # A server that hangs here would hang at the next try, too.
            self.open = error.failure.kind != "timeout"
            return error.failure.cause
        except WireError as error:
            return str(error)
        code = answer.status_code or answer.error_code
        self.open = code != 0
        return f"{mapi_refusals.symbol(code)} 0x{code:X}" if code else ""

    def _post(self, request_type: str, body: bytes, columns: Sequence[int] = ()) -> bytes:
        """The body of the answer, meta-tags removed. Raises CheckFailure."""
        self._number += 1
        headers = envelope.headers(
            request_type, self._session, self._client, self._number, self.cookies
        )
        # Time to end the session is kept, and it is not waited for long.
        seconds = self._deadline.remaining() - self._deadline.reserve
        if request_type == "Connect" and self._patience is not None:
            seconds = min(seconds, self._patience)
        if request_type == "Disconnect":
            seconds = min(_PATIENCE, self._deadline.remaining())
        if seconds <= 0:
            spent = self._deadline.seconds - self._deadline.remaining()
            raise CheckFailure(self._report.times.timed_out(round(spent, 1)))
        answer = self._authentication.post(
            self.url,
            self._report.times.service,
            phase=self.phase or request_type.lower(),
            headers=headers,
            data=body,
            until=self._deadline.now() + seconds,
            heard=self._heard,
            reading=_reading(request_type, columns),
        )
        return self._checked(request_type, answer, headers["X-RequestId"])

    def _heard(self, answer: Answer) -> None:
        """Take up the cookies as soon as they are there: the body may never come."""
        if answer.status != 200:
            return
        lines = answer.all("Set-Cookie")
        envelope.keep_cookies(self.cookies, lines)
        self._report.confidences.keep(self.cookies.values())
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
                mapi_refusals.response_code(code, answer.text, exchange=self.exchange)
            )
        echo = answer.headers.get("X-RequestId", "nothing")
        if echo.strip().lower() != request_id.lower():
            self._report.trace.remark(
                f"{request_type}: {echo} is echoed as X-RequestId; something in between may answer"
            )
        entity = _read(envelope.strip, answer.body, request_type)
        late = number(entity.headers.get("x-responsecode", "0"))
        if late is None:
            what = "its X-ResponseCode is no number"
            raise CheckFailure(mapi_refusals.wire(what, request_type))
        if late:
            page = "html" in entity.headers.get("content-type", "")
            text = entity.body.decode("utf-8", "replace") if page else ""
            raise SessionLost(mapi_refusals.response_code(late, text, exchange=self.exchange))
        elapsed = number(entity.headers.get("x-elapsedtime", ""))
        if elapsed is not None and request_type != "Disconnect":
            version = answer.headers.get("X-ServerApplication")
            gromox = version == _GROMOX and not self.exchange
            self.elapsed = (self.elapsed or 0.0) + elapsed / (1 if gromox else 1000)
        return entity.body

    def _facts(self, answer: Answer) -> None:
        """Which server answered, as far as the headers tell."""
        report, headers = self._report, answer.headers
        self.exchange = self.exchange or any(name in headers for name in _EXCHANGE_HEADERS)
        server = headers.get("X-CalculatedBETarget") or headers.get("X-BEServer")
        if server:
            self._served_by(server)
        for name, title in (("X-FEServer", "front end"), ("X-ServerApplication", "version")):
            if name in headers:
                report.trace.fact(title, headers[name])


def _reading(request_type: str, columns: Sequence[int]) -> Reading:
    """Puts the bodies of this exchange into words, for -vvv."""

    def lines(sent: bytes, answer: Answer | None) -> Lines:
        received: list[str] = []
        if answer is not None and number(answer.headers.get("X-ResponseCode", "")) == 0:
            received = dump.answer(request_type, sent, answer.body, mapi_refusals.symbol, columns)
        elif answer is not None:
            received = [answer.text]
        return Lines(dump.request(request_type, sent), received)

    return lines


def _read(reader: Callable[[bytes], T], data: bytes, request_type: str) -> T:
    """What `reader` makes of the data. Raises CheckFailure."""
    try:
        return reader(data)
    except WireError as error:
        raise CheckFailure(mapi_refusals.wire(str(error), request_type)) from None
