"""One Session Context of MAPI over HTTP: Connect, Execute, Disconnect over the run's transport
(MS-OXCMAPIHTTP 3.1, 3.2).
"""

from __future__ import annotations

import re

from ..base.failure import CheckFailure
from ..mapihttp import dump, envelope, responses, rops, rpcext
from ..mapihttp.reader import WireError
from ..network.confidential import Lines
from ..network.headers import number
from ..services import mapi_refusals
from .session_context import PATIENCE, SessionContext, SessionLost, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ..base.deadline import Deadline
    from ..base.failure import Failure
    from ..base.report import Report
    from ..network.answer import Answer
    from ..network.confidential import Reading
    from .mapi_authentication import Authentication

    T = TypeVar("T")

#: ecBufferTooSmall: not even one operation fits into an answer.
_TOO_SMALL = 0x47D

#: Auxiliary blocks that only Exchange was seen to send (reference sheet exchange-se).
_EXCHANGE_BLOCKS = (rpcext.SERVER_NAME, rpcext.SESSION_INFO)


class ExecuteRefused(CheckFailure):
    """A whole Execute failed; `code` is its StatusCode or ErrorCode."""

    def __init__(self, failure: Failure, code: int) -> None:
        super().__init__(failure)
        self.code = code


class Session(SessionContext):
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
        super().__init__(url, authentication, deadline, report, served_by, cookies=cookies)
        self._patience = patience
        self.user_dn, self.display_name = "", ""
        #: Seconds to wait before what was refused for being too busy is tried again.
        self.retry_delay = 0.0
        #: What the time is charged to, where that is not the request.
        self.phase = ""

    def connect(self, user_dn: str) -> None:
        """Open the session. Raises SessionLost, CheckFailure."""
        self.user_dn = user_dn
        body = envelope.ConnectRequest(user_dn).encode()
        entity = self._post("Connect", body)
        answer = read(envelope.connect_response, entity, "Connect")
        if answer.status_code:
            raise CheckFailure(mapi_refusals.status_code(answer.status_code))
        if answer.error_code:
            raise CheckFailure(mapi_refusals.error_code(answer.error_code, "Connect"))
        self.display_name = answer.display_name
        self.retry_delay = answer.retry_delay / 1000
        self._blocks(answer.auxiliary)
        self.check_cookies()

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
        answer = read(envelope.execute_response, self._post("Execute", body, columns), "Execute")
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
        # Time to end the session is kept, and it is not waited for long.
        seconds, elapsed = self._deadline.remaining() - self._deadline.reserve, self.elapsed
        if request_type == "Connect" and self._patience is not None:
            seconds = min(seconds, self._patience)
        if request_type == "Disconnect":
            seconds = min(PATIENCE, self._deadline.remaining())
        found = self.post(
            request_type,
            body,
            self._report.times.service,
            seconds=seconds,
            phase=self.phase or request_type.lower(),
            reading=_reading(request_type, columns),
        )
        if request_type == "Disconnect":
            # What it takes to end a session is no part of the latency.
            self.elapsed = elapsed
        return found


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
