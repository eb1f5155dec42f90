"""RopLogon and the listing of the Inbox, in as few round trips as there can be."""

from __future__ import annotations

from ..base.failure import CheckFailure
from ..base.report import Row
from ..mapihttp import properties, responses, rops
from ..mapihttp.properties import Time
from ..services import mapi_refusals
from .mapi_session import ExecuteRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..base.options import Targets
    from ..base.report import Report
    from ..mapihttp.properties import Value
    from .mapi_session import Session

#: Where the Inbox of a mailbox made by Exchange 2013 or later most likely is (reference sheet
#: mapi-http 4.13). A wrong guess costs one request, once.
PRESUMED_INBOX = bytes.fromhex("010000000000010c")

#: StatusCode, ErrorCode, or ReturnValue of RopLogon, of servers that may not take a logon together
#: with other operations.
_NOT_TOGETHER = frozenset({0x4B6, 0x4B9, 0x47D, 0x6F7, 0x80040102, 0x80040115, 0x80070057})

#: Times that more rows are asked for.
_MOST_EXECUTES = 32

#: Origin of rows behind which the table ends.
_END = 2

_FOLDER_TAGS = (properties.DISPLAY_NAME, properties.CONTENT_COUNT, properties.UNREAD_COUNT)


class Listing:
    """Lists the Inbox of the mailbox of a DN.

    `inbox` is the id to try, and afterwards the right one; `together` whether the server takes
    RopLogon and the listing in one Execute.
    """

    def __init__(
        self, targets: Targets, report: Report, legacy_dn: str, inbox: bytes, *, together: bool
    ) -> None:
        self._wanted = targets.inbox_items
        self._report = report
        self._legacy_dn = legacy_dn
        self.inbox = inbox
        self.together = together
        # Subjects are private: they are asked for where bodies are shown, too.
        subject = (properties.SUBJECT,) if targets.subjects else ()
        self._columns = (
            properties.MID,
            properties.DELIVERY_TIME,
            properties.MESSAGE_SIZE,
            *subject,
        )

    def take(self, session: Session) -> None:
        """Log on to the mailbox and list its Inbox. Raises CheckFailure."""
        mailbox, handles, listed = self._mailbox(session)
        report = self._report
        report.trace.fact("mailbox GUID", str(mailbox.mailbox_guid))
        report.trace.fact("store GUID", str(mailbox.repl_guid))
        if not listed or mailbox.inbox != self.inbox:
            # Nothing that came from another folder is trusted.
            self.inbox = mailbox.inbox
            answer = session.execute(self._requests(), (handles[0], rops.NO_HANDLE, rops.NO_HANDLE))
            listed, handles = answer.responses, answer.handles
        self._read(session, listed, handles, owner=mailbox.owner)

    def _mailbox(
        self, session: Session
    ) -> tuple[responses.Mailbox, tuple[int, ...], tuple[responses.Response, ...]]:
        """RopLogon, with the listing in the same buffer where the server takes that.

        The mailbox, the handle table, and the listing's responses. Raises CheckFailure.
        """
        logon = rops.Logon(self._legacy_dn)
        together = self.together
        requests = [logon, *(self._requests() if together else ())]
        try:
            answer = session.execute(requests, (rops.NO_HANDLE,) * (3 if together else 1))
            code = answer.responses[0].return_value if answer.responses else 0x4B6
        except ExecuteRefused as error:
            if not together or error.code not in _NOT_TOGETHER:
                raise
            code = error.code
        if together and code in _NOT_TOGETHER:
            self._report.trace.note("this server wants the logon by itself")
            self.together = False
            return self._mailbox(session)
        if not answer.responses:
            raise CheckFailure(mapi_refusals.wire("it holds no response", "RopLogon"))
        response = answer.responses[0]
        if isinstance(response.content, responses.Redirect):
            raise CheckFailure(mapi_refusals.redirected(response.content.server_name))
        if not isinstance(response.content, responses.Mailbox):
            raise CheckFailure(mapi_refusals.return_value(response.return_value, "RopLogon"))
        if not answer.handles:
            raise CheckFailure(mapi_refusals.wire("it holds no handle", "RopLogon"))
        return response.content, answer.handles, answer.responses[1:]

    def _requests(self) -> list[rops.Request]:
        """Open the folder behind handle 0 and list it, newest first."""
        order = rops.SortOrder(properties.DELIVERY_TIME, 1)
        return [
            rops.OpenFolder(0, 1, self.inbox),
            rops.GetPropertiesSpecific(1, _FOLDER_TAGS),
            rops.GetContentsTable(1, 2),
            rops.SetColumns(2, self._columns),
            rops.SortTable(2, (order,)),
            rops.QueryRows(2, self._wanted),
        ]

    def _read(
        self,
        session: Session,
        listed: Sequence[responses.Response],
        handles: Sequence[int],
        *,
        owner: bool,
    ) -> None:
        """Take counts and rows of the listing into the report. Raises CheckFailure."""
        found = {type(response.request): response for response in reversed(listed)}
        for kind in (rops.OpenFolder, rops.GetContentsTable, rops.SetColumns, rops.QueryRows):
            response = found.get(kind)
            if response is None:
                raise CheckFailure(mapi_refusals.wire("it holds no response", kind.NAME))
            # Of several blocks of rows every one has to be good.
            for part in [item for item in listed if isinstance(item.request, kind)]:
                if not part.done:
                    failure = mapi_refusals.return_value(part.return_value, kind.NAME, owner=owner)
                    raise CheckFailure(failure)
        count = found[rops.GetContentsTable].content
        told = found.get(rops.GetPropertiesSpecific)
        counts = told.content if told else None
        self._report.finding.inbox_items = count if isinstance(count, int) else None
        if isinstance(counts, tuple) and len(counts) == len(_FOLDER_TAGS):
            unread = counts[_FOLDER_TAGS.index(properties.UNREAD_COUNT)]
            self._report.finding.unread = unread if isinstance(unread, int) else None
        if rops.SortTable not in found or not found[rops.SortTable].done:
            self._report.trace.remark("the server did not sort the Inbox: not the newest rows")
        self._rows(session, listed, handles)

    def _rows(
        self, session: Session, listed: Sequence[responses.Response], handles: Sequence[int]
    ) -> None:
        """The rows, and more of them while the table has more than fitted. Raises CheckFailure."""
        rows: list[tuple[Value, ...]] = []
        wanted = self._wanted
        for number in range(_MOST_EXECUTES + 1):
            parts = [item.content for item in listed if isinstance(item.content, responses.Rows)]
            new = [row for part in parts for row in part.rows]
            rows += new
            if not new or parts[-1].origin == _END or len(rows) >= wanted or len(handles) < 3:
                break
            if number == _MOST_EXECUTES:
                self._report.trace.remark("the server gives few rows at a time: not all are listed")
                break
            rest = rops.QueryRows(0, wanted - len(rows))
            listed = session.execute([rest], (handles[2],), self._columns).responses
            if listed and not listed[0].done:
                raise CheckFailure(
                    mapi_refusals.return_value(listed[0].return_value, rops.QueryRows.NAME)
                )
        self._report.finding.rows = [self._row(row) for row in rows[:wanted]]
        if any(not row.identifier for row in self._report.finding.rows):
            raise CheckFailure(mapi_refusals.wire("a row has no message id", rops.QueryRows.NAME))
        if self._report.finding.inbox_items and not rows:
            raise CheckFailure(mapi_refusals.no_rows(self._report.finding.inbox_items))

    def _row(self, row: tuple[Value, ...]) -> Row:
        values = dict(zip(self._columns, row))
        mid, time = values.get(properties.MID), values.get(properties.DELIVERY_TIME)
        size, subject = values.get(properties.MESSAGE_SIZE), values.get(properties.SUBJECT)
        return Row(
            properties.id_text(mid) if isinstance(mid, bytes) else "",
            time.unix if isinstance(time, Time) else None,
            size if isinstance(size, int) else None,
            subject if isinstance(subject, str) else None,
        )
