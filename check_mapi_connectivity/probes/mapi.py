"""Method `mapi`: log on to the mailbox by MAPI over HTTP as Outlook does, and list its Inbox."""

from __future__ import annotations

from ..base.cache import Cache
from ..base.failure import CheckFailure, Failure
from ..mapihttp.discovery import address_book_beside, host_of
from ..services import mapi_refusals
from .finding.endpoint import Endpoint, Memory, whole
from .mapi_authentication import Authentication
from .mapi_autodiscover import Discovery
from .mapi_listing import Listing
from .mapi_session import Session
from .session_context import SessionLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import ProbeContext


class MapiProbe:
    """Logs on to the mailbox of the report."""

    def __init__(self, run: ProbeContext) -> None:
        account, server, report = run.account, run.server, run.report
        online = account.credential is not None
        self._targets, self._server, self._report = run.targets, server, report
        self._deadline, self._transport = run.deadline, run.transport
        self._logon = run.logon
        self._authentication = Authentication(run)
        self._discovery = Discovery(
            server, run.transport, self._authentication, report, online=online
        )
        self._run = run
        self._session: Session | None = None
        #: Sessions of other hosts that are still to be ended.
        self._left: list[Session] = []
        #: The endpoint that Autodiscover named in this run.
        self._found: Endpoint | None = None
        #: Addresses that Autodiscover named beside it.
        self._others: list[str] = []
        #: What an earlier run learned, whether its address is still good or not.
        self._learned: Endpoint | None = None
        #: The endpoint as the cache had it.
        self._before: Endpoint | None = None
        if account.credential is None:
            report.times.unneeded.add("token")
        report.finding.database = mapi_refusals.NO_DATABASE
        who = self._authentication.user if account.credential is None else account.client_id
        scheme = str(server.login and server.login.scheme)
        places = (server.hostname, server.autodiscover_url, server.mapi_url, server.legacy_dn)
        for host in filter(None, (server.hostname and f"//{server.hostname}", server.mapi_url)):
            self._lead(host)
        key = Cache.key(
            "mapi",
            *(("archive",) if report.archive else ()),
            *((f"at {report.address}",) if report.address else ()),
            report.mailbox.lower(),
            who.lower(),
            scheme if account.credential is None else self._authentication.user.lower(),
            server.exchange_url,
            *(place or "" for place in places),
        )
        self._memory = Memory(run.cache, key, run.transport.unsaid)

    def run(self) -> None:
        """Log on and list. Raises CheckFailure, UsageError."""
        report = self._report
        report.times.service = report.times.stopwatch()
        known = self._named() or self._remembered()
        endpoint = self._tried(known)
        if self._targets.address_book:
            self._ask_address_book(endpoint, remembered=endpoint is known)

    def _tried(self, known: Endpoint | None) -> Endpoint:
        """The endpoint that the mailbox was logged on to: the known one, or what Autodiscover says.

        Raises CheckFailure, UsageError.
        """
        report = self._report
        if known is None or self._server.mapi_url:
            endpoint = known or self._found or self._discovered()
            self._log_on(endpoint)
            return endpoint
        # Whatever becomes of this run, the next one asks again unless this one succeeds; and there
        # is time left for this one to ask.
        self._memory.doubt()
        self._transport.patience = self._deadline.remaining() / 2
        try:
            self._log_on(known)
        except CheckFailure as error:
            fresh = self._asked_again(known, error.failure)
            report.times.service = report.times.stopwatch()
            self._log_on(fresh)
            return fresh
        return known

    def _ask_address_book(self, endpoint: Endpoint, *, remembered: bool) -> None:
        """Whether the address book knows the user; it changes nothing of what the mailbox says."""
        from .addressbook.visit import User, Visitor

        report, trust = self._report, self._discovery.trust
        visitor = Visitor(self._authentication, self._deadline, report, trust.allows, self._lead)
        # An archive has its owner's DN, and more behind it.
        owner = endpoint.legacy_dn.partition("/guid=")[0]
        user, urls = User(report.mailbox, owner), endpoint.address_books or ()
        if self._server.mapi_url:
            urls = (address_book_beside(self._server.mapi_url),)
        failure = visitor.visit(urls, user)
        if failure is not None and remembered and not self._server.mapi_url:
            fresh = self._named_now()
            if fresh and fresh != urls:
                report.trace.remark(f"{failure.cause}; Autodiscover names another one by now")
                failure = visitor.visit(fresh, user)
        report.address_book_answers, report.address_book_failure = failure is None, failure

    def _named_now(self) -> tuple[str, ...]:
        """Where Autodiscover now says that the address book is; nothing where it is not asked."""
        late = self._deadline.remaining() < 2 * self._deadline.reserve
        if late or self._authentication.refused or self._learned is None:
            return ()
        try:
            books = self._discovered().address_books or ()
        except CheckFailure as error:
            self._report.trace.remark(f"Autodiscover: {error.failure.cause}")
            return ()
        learned = self._learned._replace(address_books=books)
        self._memory.store(learned, self._authentication.scheme)
        return books

    def _lacks_address_book(self, endpoint: Endpoint) -> bool:
        """Whether an earlier run did not learn where the address book is, which this one asks."""
        return self._targets.address_book and not endpoint.address_books

    def end(self) -> None:
        """End a session that a broken connection left behind."""
        for left in [*self._left, self._session]:
            if left is None or not left.open:
                continue
            # Connecting with the cookies of a lost session ends that one (MS-OXCMAPIHTTP 3.1.5.7).
            try:
                self._end(self._connected(left.url, left.user_dn, left.cookies, "disconnect"))
            except SessionLost:
                # The server knows no session by these cookies: none is left behind.
                continue
            except CheckFailure as error:
                self._report.trace.remark(f"a session is left behind: {error.failure.cause}")

    def _named(self) -> Endpoint | None:
        """The endpoint that the options name, with what earlier runs learned about it."""
        url, dn = self._server.mapi_url, self._server.legacy_dn
        if url is None or dn is None:
            return None
        learned = self._remembered()
        text = "--mapi-url and --legacy-dn say which mailbox this is; --mailbox is its name here"
        self._report.trace.remark_once(text)
        self._report.times.unneeded.add("autodiscover")
        return learned or Endpoint(url, dn, dn)

    def _remembered(self) -> Endpoint | None:
        """The endpoint that an earlier run found; None for none that can be used."""
        found = self._memory.load()
        if found is None or not self._discovery.trust.allows(found.url):
            return None
        self._learned = found
        if not self._server.mapi_url and (self._memory.doubted or self._lacks_address_book(found)):
            return None
        self._authentication.remember(self._memory.scheme)
        self._authentication.taken_before = not self._memory.doubted
        self._report.times.unneeded.add("autodiscover")
        self._before = found
        return found

    def _asked_again(self, remembered: Endpoint, failure: Failure) -> Endpoint:
        """What Autodiscover says now, where a remembered address may be the reason of a failure.

        Raises CheckFailure with that failure where it is not.
        """
        self._transport.patience = None
        if failure.kind == "untested":
            # What was not tried is as good as before.
            self._memory.store(remembered, self._memory.scheme)
        if failure.kind in ("credential", "untested") or self._authentication.refused:
            # A second password would be one failed logon more.
            raise CheckFailure(failure)
        if self._deadline.remaining() < 2 * self._deadline.reserve:
            raise CheckFailure(failure)
        self._report.trace.remark(
            f"with the remembered address: {failure.cause}; asked Autodiscover again"
        )
        try:
            fresh = self._discovered()
        except CheckFailure as error:
            if error.failure.kind in ("logon", "credential", "untested", "mailbox", "timeout"):
                raise
            self._report.trace.remark(f"Autodiscover: {error.failure.cause}")
            raise CheckFailure(failure) from None
        places = [(one.url, one.legacy_dn, one.user_dn) for one in (fresh, remembered)]
        if places[0] == places[1] and failure.kind != "timeout":
            if not self._others or not self._unreached(failure):
                raise CheckFailure(failure)
            fresh = fresh._replace(url=self._others.pop(0))
        return fresh

    def _unreached(self, failure: Failure) -> bool:
        """Whether the server was not reached, so that nothing was sent to it."""
        begun = {phase.name for phase in self._report.times.service.phases()}
        refused = failure.kind == "proxy" and failure.code == "HTTP 407"
        reaching = begun <= {"dns", "tcp", "proxy"}
        return failure.kind in ("dns", "connect", "proxy") and reaching and not refused

    def _discovered(self) -> Endpoint:
        """The mailbox's endpoint by Autodiscover. Raises CheckFailure, UsageError."""
        report = self._report
        report.times.unneeded.discard("autodiscover")
        report.times.discovery = report.times.stopwatch()
        from .finding.finder import Finder

        finder = Finder(self._run, self._authentication, self._discovery, self._spelt)
        there = finder.find(self._learned)
        self._found, self._others = there.endpoint, there.others
        return there.endpoint

    def _log_on(self, endpoint: Endpoint) -> None:
        """One session from Connect to Disconnect. Raises CheckFailure, UsageError."""
        report = self._report
        listing = Listing(
            self._targets, report, endpoint.legacy_dn, endpoint.inbox, together=endpoint.together
        )
        endpoint, session = self._reached(endpoint)
        try:
            try:
                listing.take(session)
            except SessionLost as error:
                self._report.trace.remark(f"{error.failure.cause}; connected again")
                self._end(session, lost=True)
                session = self._begin(endpoint, afresh=True)
                self._take_again(listing, session)
            report.finding.connection_time = sum(
                phase.seconds for phase in report.times.service.phases()
            )
            report.finding.round_trip = report.finding.connection_time
            report.success = True
            learned = endpoint._replace(
                inbox=listing.inbox,
                together=listing.together,
                server=report.finding.server or "",
                store=report.trace.facts["store GUID"],
                front=report.trace.facts.get("front end", ""),
                name=report.finding.named or "",
            )
            self._learned = self._memory.store(learned, self._authentication.scheme)
            self._changes(self._learned)
        except CheckFailure as error:
            report.ending = error.failure
            raise
        finally:
            self._told_by(session)
            self._end(session)
            report.ending = None

    def _take_again(self, listing: Listing, session: Session) -> None:
        """List in a second session; there is no third. Raises CheckFailure."""
        try:
            listing.take(session)
        except SessionLost as error:
            raise CheckFailure(error.failure._replace(transient=False)) from None

    def _reached(self, endpoint: Endpoint) -> tuple[Endpoint, Session]:
        """A connected session, at the mailbox's next address where one cannot be reached (contract
        7.28). Raises CheckFailure of the first.
        """
        patience = self._transport.patience
        if self._others and patience is None:
            self._transport.patience = self._deadline.remaining() / 2
        try:
            return endpoint, self._begin(endpoint)
        except CheckFailure as error:
            if not self._others or not self._unreached(error.failure):
                raise
            other = endpoint._replace(url=self._others.pop(0))
            text = f"{error.failure.cause}; Autodiscover names {other.url}, too"
            if not self._discovery.trust.allows(other.url):
                self._report.trace.remark(f"{text}, where no password is sent")
                raise
            self._report.trace.remark(f"{text}: tried instead")
            self._report.times.service = self._report.times.stopwatch()
            self._transport.patience = patience
            try:
                return self._reached(other)
            except CheckFailure as second:
                if not self._unreached(second.failure):
                    raise
                raise error from None
        finally:
            self._transport.patience = patience

    def _begin(self, endpoint: Endpoint, *, afresh: bool = False) -> Session:
        """A connected session; without cookies where `afresh`. Raises CheckFailure."""
        before, cookies = self._session, None
        if before is not None and before.open and not afresh:
            # Cookies go back to where they came from only.
            if before.url == endpoint.url:
                cookies = before.cookies
            else:
                self._left.append(before)
        report = self._report
        report.trace.fact("endpoint", endpoint.url)
        try:
            session = self._connected(endpoint.url, endpoint.user_dn, cookies)
        except SessionLost as error:
            if cookies is None:
                raise
            # The server knows no such session any more: a fresh one needs no cookies.
            report.trace.remark(f"{error.failure.cause}; connected without the old cookies")
            session = self._connected(endpoint.url, endpoint.user_dn, None)
        if endpoint.user_dn == endpoint.legacy_dn:
            # The name is that of the user, who may be another.
            endpoint = endpoint._replace(name=whole(endpoint.name, session.display_name))
        report.finding.named = endpoint.name or report.finding.named
        user = self._authentication.user
        user = f"user {user}" if user.startswith("of ") else user
        report.trace.fact("signed in", f"{user} by {self._authentication.scheme}")
        return session

    def _connected(
        self, url: str, user_dn: str, cookies: dict[str, str] | None, phase: str = ""
    ) -> Session:
        """A session after Connect; its time goes to `phase`, or to each request.

        Raises CheckFailure.
        """
        self._lead(url)
        session = Session(
            url,
            self._authentication,
            self._deadline,
            self._report,
            self._served_by,
            cookies=cookies,
            patience=self._transport.patience,
        )
        session.phase = phase
        self._session = session
        try:
            session.connect(user_dn)
        except CheckFailure as error:
            if not phase:
                # One that only ends another says nothing of the test.
                self._told_by(session)
            self._report.ending = error.failure
            self._end(session, lost=isinstance(error, SessionLost))
            self._report.ending = None
            raise
        return session

    def _lead(self, url: str) -> None:
        """Have the host of a URL reached at the address that is tested, if one is."""
        if self._report.address:
            self._transport.lead(host_of(url), self._report.address)

    def _told_by(self, session: Session) -> None:
        """What the server says that it needed; a share of the time follows from Exchange's only."""
        self._report.finding.server_latency = session.elapsed
        self._report.finding.server_exact = session.exchange

    def _spelt(self, address: str) -> None:
        self._report.finding.named = address

    def _served_by(self, server: str) -> None:
        self._report.finding.server = server

    def _end(self, session: Session, *, lost: bool = False) -> None:
        why = session.disconnect(lost=lost)
        if why:
            self._report.trace.remark(f"the session could not be ended: {why}")

    def _changes(self, endpoint: Endpoint) -> None:
        """Say where another server or store answers than in the run before."""
        before = self._before
        if before is None:
            return
        for what, was, now in (
            ("server", before.server, endpoint.server),
            ("store", before.store, endpoint.store),
        ):
            if was and now and was != now:
                self._report.trace.remark(f"another {what} than in the run before: {was}")
        if before.front and endpoint.front:
            # With a load balancer another one is as it should be.
            same = before.front == endpoint.front
            then = (
                ", as in the run before" if same else f"; in the run before it was {before.front}"
            )
            self._report.trace.note(f"front end {endpoint.front} answers{then}")
