"""What Autodiscover says about a mailbox -> the endpoint to log on to."""

from __future__ import annotations

import re

from ...base.failure import CheckFailure
from ...base.value import NamedTuple
from ...mapihttp.discovery import host_of, usable_store
from ...network.shared_logon import TURN
from ...services import autodiscover_refusals, mapi_refusals
from . import archive
from .endpoint import Endpoint, usable_dn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...mapihttp.autodiscover import Settings
    from ..context import ProbeContext
    from ..mapi_authentication import Authentication
    from ..mapi_autodiscover import Discovery, Found


class Whereabouts(NamedTuple):
    """An endpoint, and the other addresses that Autodiscover names beside it."""

    endpoint: Endpoint
    others: list[str]


class Finder:
    """Finds the mailbox of a test's report, or its archive; `named` is told how Autodiscover spells
    its e-mail address.
    """

    def __init__(
        self,
        run: ProbeContext,
        authentication: Authentication,
        discovery: Discovery,
        named: Callable[[str], None],
    ) -> None:
        self._named = named
        self._report, self._deadline, self._logon = run.report, run.deadline, run.logon
        self._authentication, self._discovery = authentication, discovery

    def find(self, learned: Endpoint | None) -> Whereabouts:
        """Where the mailbox is, with what was `learned` about it before. Raises CheckFailure,
        UsageError.
        """
        report = self._report
        found = self._discovery.settings(report.mailbox)
        settings = found.settings
        if settings.address:
            self._named(settings.address)
        report.trace.fact("Autodiscover", found.url)
        for one in settings.alternatives:
            name = one.display_name or one.address or one.legacy_dn
            report.trace.note(f"Autodiscover lists beside it: {one.kind or 'mailbox'} {name}")
        endpoint = self._endpoint(found)
        others = [other for other in settings.urls[1:] if usable_store(other)]
        if report.archive:
            own = endpoint.url, endpoint.legacy_dn
            endpoint, others = self._archive(found, endpoint, others)
            if (endpoint.url, endpoint.legacy_dn) == own:
                raise CheckFailure(archive.ITSELF)
        if learned is not None and learned.legacy_dn == endpoint.legacy_dn:
            endpoint = endpoint._replace(inbox=learned.inbox, together=learned.together)
        return Whereabouts(endpoint, others)

    def _endpoint(self, found: Found) -> Endpoint:
        """The endpoint that settings name. Raises CheckFailure, UsageError."""
        settings = found.settings
        url = self._usable(settings)
        return Endpoint(
            url,
            settings.legacy_dn,
            self._own_dn(settings.legacy_dn, found.url),
            name=settings.display_name,
            address_books=settings.address_book_urls,
        )

    def _usable(self, settings: Settings) -> str:
        """The address that settings name first. Raises CheckFailure."""
        url = settings.urls[0] if settings.urls else ""
        if not url or not settings.legacy_dn:
            raise CheckFailure(autodiscover_refusals.no_store(bool(settings.legacy_dn)))
        if not usable_dn(settings.legacy_dn):
            raise CheckFailure(mapi_refusals.wire("its DN is none", "Autodiscover"))
        if not usable_store(url):
            raise CheckFailure(autodiscover_refusals.no_address(url))
        if not self._discovery.trust.allows(url):
            raise CheckFailure(autodiscover_refusals.foreign(host_of(url), url))
        return url

    def _archive(
        self, found: Found, own: Endpoint, others: list[str]
    ) -> tuple[Endpoint, list[str]]:
        """The endpoint of the mailbox's archive, and other addresses of it. Raises CheckFailure,
        UsageError.
        """
        place = archive.place(found.settings)
        name = place.display_name or own.name
        if not place.address:
            if not usable_dn(place.legacy_dn):
                raise CheckFailure(mapi_refusals.wire("the archive's DN is none", "Autodiscover"))
            endpoint = own._replace(legacy_dn=place.legacy_dn, name=name)
            url, *rest = (archive.at(one, place.server) for one in (own.url, *others))
            return endpoint._replace(url=url), rest
        there = self._discovery.settings(place.address, found.url).settings
        url, name = self._usable(there), there.display_name or name
        endpoint = own._replace(url=url, legacy_dn=there.legacy_dn, name=name)
        return endpoint, [other for other in there.urls[1:] if usable_store(other)]

    def _own_dn(self, legacy_dn: str, url: str) -> str:
        """The DN of the user who logs on: the mailbox's, unless it is another's (reference sheet
        mapi-http 8.5).
        """
        user = self._authentication.user
        named = (self._report.mailbox.lower(), (self._report.finding.named or "").lower())
        if not re.fullmatch(r"[^@\s\\]+@[^@\s\\]+", user) or user.lower() in named:
            return legacy_dn
        names, lock = self._logon.names, self._logon.naming
        held = lock.acquire(timeout=min(TURN, self._deadline.remaining() / 3))
        try:
            if (user, url) not in names:
                names[user, url] = self._named_there(user, url)
        finally:
            if held:
                lock.release()
        if not names[user, url]:
            note = f"Autodiscover knows no mailbox of {user}; taken for the owner of the mailbox"
            self._report.trace.note(note)
        return names[user, url] or legacy_dn

    def _named_there(self, user: str, url: str) -> str:
        """The DN that Autodiscover gives for a user, empty for none. Raises CheckFailure."""
        try:
            return self._discovery.settings(user, url).settings.legacy_dn
        except CheckFailure as error:
            # A user principal name need not be an address.
            if error.failure.kind not in ("mailbox", "server"):
                raise
            return ""
