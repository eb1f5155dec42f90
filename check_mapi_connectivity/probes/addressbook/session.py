"""One session with an address book: Bind, ResolveNames, DNToMId, Unbind over the run's transport
(MS-OXCMAPIHTTP 3.1, 2.2.5). Its cookies have the names of a mailbox's, and are its own.
"""

from __future__ import annotations

from ...base.failure import CheckFailure
from ...mapihttp.nspi import dump, messages
from ...mapihttp.reader import WireError
from ...network.confidential import Lines
from ...network.headers import number
from ...services import address_book_refusals, mapi_refusals
from ..session_context import PATIENCE, SessionContext, SessionLost, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from ...mapihttp.envelope import Body
    from ...network.answer import Answer
    from ...network.confidential import Reading

    class _Coded(Protocol):
        """An answer that says how it went."""

        @property
        def status_code(self) -> int:
            """That of the request as such."""

        @property
        def error_code(self) -> int:
            """That of the operation."""

    T = TypeVar("T", bound=_Coded)


class AddressBook(SessionContext):
    """A session with the address book at `url`. Nothing is sent before `bind`."""

    def bind(self) -> None:
        """Open the session. Raises CheckFailure."""
        try:
            self._asked(messages.BIND, messages.BindRequest(), messages.bind_response)
        except SessionLost as error:
            # Without a session none was lost.
            raise CheckFailure(error.failure) from None
        self.check_cookies()

    def resolve(self, names: tuple[str, ...]) -> messages.ResolveNamesResponse:
        """What name resolution finds. Raises SessionLost, CheckFailure."""
        return self._asked(
            messages.RESOLVE_NAMES,
            messages.ResolveNamesRequest(names),
            messages.resolve_names_response,
        )

    def knows(self, legacy_dn: str) -> bool:
        """Whether there is an entry of this DN, shown in lists or not. Raises SessionLost,
        CheckFailure.
        """
        request = messages.DnToMidRequest((legacy_dn,))
        answer = self._asked(messages.DN_TO_MID, request, messages.dn_to_mid_response)
        return any(one >= messages.LEAST_ID for one in answer.minimal_ids)

    def unbind(self) -> str:
        """End the session, if there is one; why that failed, in words, else empty."""
        if not self.open:
            return ""
        self.open = False
        try:
            body = self._sent(messages.UNBIND, messages.UnbindRequest())
            answer = messages.unbind_response(body)
        except CheckFailure as error:
            return error.failure.cause
        except WireError as error:
            return str(error)
        code = answer.status_code or answer.error_code
        return "" if code in (0, messages.UNBIND_SUCCESS) else f"0x{code:X}"

    def _asked(self, request_type: str, body: Body, reader: Callable[[bytes], T]) -> T:
        """The answer to a request that went well. Raises SessionLost, CheckFailure."""
        answer = read(reader, self._sent(request_type, body), request_type)
        if answer.status_code:
            raise CheckFailure(mapi_refusals.status_code(answer.status_code))
        if answer.error_code:
            failure = address_book_refusals.error_code(answer.error_code, request_type)
            raise CheckFailure(failure)
        return answer

    def _sent(self, request_type: str, body: Body) -> bytes:
        """The body of the answer. Raises SessionLost, CheckFailure."""
        seconds = self._deadline.remaining() - self._deadline.reserve
        if request_type == messages.UNBIND:
            seconds = min(PATIENCE, self._deadline.remaining())
        return self.post(
            request_type,
            body.encode(),
            self._report.times.address_book,
            seconds=seconds,
            phase=request_type.lower(),
            reading=_reading(request_type),
        )

    def _facts(self, answer: Answer) -> None:
        """Which server answers is told of the mailbox."""
        self.exchange = self.exchange or self.by_exchange(answer)


def _reading(request_type: str) -> Reading:
    """Puts the bodies of this exchange into words, for -vvv."""

    def lines(sent: bytes, answer: Answer | None) -> Lines:
        received: list[str] = []
        if answer is not None and number(answer.headers.get("X-ResponseCode", "")) == 0:
            received = dump.answer(request_type, answer.body, mapi_refusals.symbol)
        elif answer is not None:
            received = [answer.text]
        return Lines(dump.request(request_type, sent), received)

    return lines
