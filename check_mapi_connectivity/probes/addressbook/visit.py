"""Whether the address book knows the user of a mailbox.

Strategy: name resolution is asked for the address and the legacy DN at once, because each alone can
mislead: an address may be a part of another one, and a server need not look DNs up. Whom it does
not give may be hidden, which the exact look-up of the DN tells (reference sheet nspi 0.1, 6).
"""

from __future__ import annotations

from ...base.failure import CheckFailure, Failure
from ...base.value import NamedTuple
from ...mapihttp.discovery import host_of, usable_address_book
from ...mapihttp.nspi import messages
from ...services import address_book_refusals as refusals
from ..session_context import SessionLost
from .session import AddressBook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...base.deadline import Deadline
    from ...base.report import Report
    from ...mapihttp.nspi.messages import Entry, ResolveNamesResponse
    from ..mapi_authentication import Authentication

#: Kinds of failure after which another address of the same address book may do.
_UNREACHED = ("dns", "connect", "proxy")


class User(NamedTuple):
    """Whom the address book is asked for."""

    address: str
    legacy_dn: str

    @property
    def names(self) -> tuple[str, ...]:
        """What name resolution is given."""
        return (self.address, self.legacy_dn) if "@" in self.address else (self.legacy_dn,)

    def is_in(self, entry: Entry) -> bool:
        """Whether this is the user's entry: by its DN, else by its address."""
        if entry.legacy_dn.lower() == self.legacy_dn.lower():
            return True
        return bool(entry.address) and entry.address.lower() == self.address.lower()


class Visitor:
    """Asks address books with the credential of one test; `allowed` says whether a password may be
    sent to a URL, `lead` has its host reached at the address that is tested.
    """

    def __init__(
        self,
        authentication: Authentication,
        deadline: Deadline,
        report: Report,
        allowed: Callable[[str], bool],
        lead: Callable[[str], None],
    ) -> None:
        self._authentication, self._deadline = authentication, deadline
        self._report, self._allowed, self._lead = report, allowed, lead

    def visit(self, urls: tuple[str, ...], user: User) -> Failure | None:
        """What is wrong with the first address of an address book that can be reached; None where
        it knows the user.
        """
        first: Failure | None = None
        for url in urls:
            try:
                self._reach(url)
                self._visit(url, user)
            except CheckFailure as error:
                failure = refusals.within(error.failure)
                if error.failure.kind not in _UNREACHED:
                    return failure
                first = first or failure
            else:
                return None
        return first or refusals.NOT_NAMED

    def _reach(self, url: str) -> None:
        """Raises CheckFailure for an address where nothing may be sent."""
        if not usable_address_book(url):
            raise CheckFailure(refusals.unusable(url))
        if not self._allowed(url):
            raise CheckFailure(refusals.untrusted(host_of(url)))
        self._lead(url)

    def _visit(self, url: str, user: User) -> None:
        """Ask once, and once more in a fresh session where the server has lost the first. Raises
        CheckFailure.
        """
        try:
            self._ask(url, user)
        except SessionLost as error:
            self._report.trace.remark(f"address book: {error.failure.cause}; asked again")
            self._ask(url, user)

    def _ask(self, url: str, user: User) -> None:
        """One session from Bind to Unbind. Raises CheckFailure."""
        session = AddressBook(
            url, self._authentication, self._deadline, self._report, lambda server: None
        )
        try:
            session.bind()
            self._judge(session, session.resolve(user.names), user)
        finally:
            why = session.unbind()
            if why:
                text = f"the address book's session could not be ended: {why}"
                self._report.trace.remark(text)

    def _judge(self, session: AddressBook, answer: ResolveNamesResponse, user: User) -> None:
        """Raises CheckFailure for an address book that does not know the user."""
        found = messages.entries(answer)
        own = [entry for entry in found if user.is_in(entry)]
        if own:
            address = own[0].address or user.address
            self._report.trace.fact("address book", f"{own[0].display_name}, {address}")
        elif found or messages.RESOLVED in answer.minimal_ids:
            told = found[0] if found else messages.Entry("", "", "")
            if not (told.legacy_dn or told.address):
                raise CheckFailure(refusals.NAMELESS)
            raise CheckFailure(refusals.another(told.display_name, told.address))
        elif self._hidden(session, user):
            self._report.trace.fact("address book", "knows the user, who is hidden from its lists")
        else:
            raise CheckFailure(refusals.unknown(answer.minimal_ids))

    def _hidden(self, session: AddressBook, user: User) -> bool:
        """Whether there is an entry all the same; a server that cannot say so has none."""
        try:
            return session.knows(user.legacy_dn)
        except CheckFailure as error:
            self._report.trace.note(f"address book, look-up by DN: {error.failure.cause}")
            return False
