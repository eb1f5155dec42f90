"""Where a mailbox's MAPI endpoint is, remembered from one run to the next."""

from __future__ import annotations

import re

from ...base.cache import DOUBTED
from ...base.reading.untrusted import Fields, Odd
from ...base.value import NamedTuple
from ...mapihttp.discovery import usable_store
from ..mapi_listing import PRESUMED_INBOX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...base.cache import Cache


class Endpoint(NamedTuple):
    """Where a mailbox is, and what an earlier run learned there."""

    url: str
    legacy_dn: str
    user_dn: str
    inbox: bytes = PRESUMED_INBOX
    #: Whether the server takes RopLogon and the listing in one Execute.
    together: bool = True
    server: str = ""
    store: str = ""
    #: What the server calls the mailbox.
    name: str = ""
    #: The front end that answered.
    front: str = ""
    #: Addresses of its address book, None where they are not known.
    address_books: tuple[str, ...] | None = None


class Memory:
    """What one run tells the next about a mailbox's endpoint, under a key of the cache; `scheme` is
    that of the authentication, `unsaid` takes secrets out of a text.
    """

    def __init__(self, cache: Cache, key: str, unsaid: Callable[[str], str]) -> None:
        self._cache, self._key, self._unsaid = cache, key, unsaid
        self._loaded: Endpoint | None = None
        #: Whether what was remembered is not to be relied on, and the scheme that worked with it.
        self.doubted, self.scheme = False, None

    def load(self) -> Endpoint | None:
        """The endpoint that an earlier run found; None for none that can be used."""
        document = self._cache.load(self._key)
        found = recall(document) if document else None
        if document is None or found is None:
            return None
        self.doubted, self.scheme = bool(document.get(DOUBTED)), document.get("scheme")
        self._loaded = found
        return found

    def doubt(self) -> None:
        """Have the next run doubt what is remembered, unless it is stored again."""
        self._cache.doubt(self._key)

    def store(self, endpoint: Endpoint, scheme: str | None) -> Endpoint:
        """Keep what was learned, unless the other side has made a secret part of an address; the
        endpoint as it is kept.
        """
        clean = endpoint if endpoint == self._loaded else self._clean(endpoint)
        if clean is None:
            return endpoint
        document: dict[str, Any] = {
            **clean._asdict(),
            "inbox": clean.inbox.hex(),
            "scheme": scheme,
        }
        self._cache.store(self._key, document)
        return clean

    def _clean(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint without secrets, which a server may quote anywhere; None where it cannot be
        used without.
        """
        for text in (endpoint.url, endpoint.legacy_dn, endpoint.user_dn):
            if self._unsaid(text) != text:
                return None
        books = endpoint.address_books
        return endpoint._replace(
            server=self._unsaid(endpoint.server),
            store=self._unsaid(endpoint.store),
            name=self._unsaid(endpoint.name),
            front=self._unsaid(endpoint.front),
            address_books=books and tuple(one for one in books if self._unsaid(one) == one),
        )


def recall(document: dict[str, Any]) -> Endpoint | None:
    """An endpoint from the cache; None when anything about it is odd."""
    try:
        known = Fields(document, "")
        url, legacy_dn, user_dn = map(known.text, ("url", "legacy_dn", "user_dn"))
        server, store, name = map(known.text, ("server", "store", "name"))
        inbox, together = known.text("inbox"), known.flag("together")
        front = known.text("front") if known.there("front") else ""
        books = known.texts("address_books") if known.there("address_books") else None
    except Odd:
        return None
    if not re.fullmatch("[0-9a-f]{16}", inbox):
        return None
    if not usable_store(url) or not all(map(usable_dn, (legacy_dn, user_dn))):
        return None
    found = Endpoint(url, legacy_dn, user_dn, bytes.fromhex(inbox), together, server, store, name)
    return found._replace(address_books=books, front=front)


def whole(known: str, told: str) -> str:
    """The display name that Connect tells, or the known one where that lost characters.

    Gromox leaves out whatever is not ASCII for code page 1252 (reference sheet mapi-http,
    corrections).

    >>> whole("J\xf6rg M\xfcller", "Jrg Mller"), whole("Old Name", "New Name"), whole("", "Name")
    ('J\xf6rg M\xfcller', 'New Name', 'Name')
    """
    left_over = [re.sub(r"[^!-~]|\?", "", name) for name in (known, told)]
    return known if left_over[0] == left_over[1] and len(known) >= len(told) else told


def usable_dn(text: str) -> bool:
    """Whether this can be sent as a DN: 8-bit text of reasonable length."""
    return re.fullmatch(r"/[ -~]{1,1000}", text) is not None
