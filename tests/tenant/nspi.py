"""The address book's endpoint, `/mapi/nspi/`: Bind, ResolveNames, Unbind and PING.

Source: reference sheet nspi, and the recordings ok_nspi_* and err_nspi_* of a Gromox. No Exchange was
recorded: that flavour is the specification's, and where the sheet says unknown it answers as the
mailbox endpoint does.
"""

from __future__ import annotations

import re
import struct
import urllib.parse
import uuid

from . import nspi_bodies
from .directory import DOMAIN
from .mapi_envelope import status_of
from .mapi_frames import Malformed
from .mapi_session import Session
from .mapi_store import SPACE
from .mapi_transport import COOKIES, Answer, Elsewhere, Transport, cookies_of
from .nspi_bodies import AMBIGUOUS, RESOLVED, UNICODE, UNRESOLVED
from .nspi_faults import error_of

NOT_SUPPORTED, INVALID_CODE_PAGE = 0x80040102, 0x8004011E
ANONYMOUS_REFUSED, TABLE_TOO_BIG, INVALID_BOOKMARK = 0x8004011D, 0x80040403, 0x80040405
UNBIND_SUCCESS = 1
ANONYMOUS, MOST_COLUMNS = 0x20, 100


class AddressBook(Transport):
    """The endpoint, with sessions of its own over the store of the mailbox endpoint."""

    server = uuid.uuid5(SPACE, "server of the address book")

    @property
    def _gromox(self):
        return self.tenant.flavour == "gromox"

    def _echo(self, name, value):
        # PING stays as it was sent.
        lower = self._gromox and name == "X-RequestType" and value != "PING"
        return value.lower() if lower else value

    def _answer(self, request, quirks):
        self._way(request)
        if self._gromox and not request.headers.get("X-RequestType"):
            raise self._refused("verb")
        self._check_headers(request)
        kind = request.headers["X-RequestType"].lower()
        if kind == "bind":
            return self._bind(request, quirks)
        session = self._find(request, kind)
        if not session.lock.acquire(blocking=False):
            raise self._refused("sequence")
        try:
            return self._work(kind, request, session, quirks)
        finally:
            session.lock.release()

    def _work(self, kind, request, session, quirks):
        session.remark(request.headers["X-RequestId"])
        if kind == "ping":
            return Answer(self._without_sequence(session), session=session)
        if self._gromox and kind != "unbind":
            # A request that is refused from here on has used up the sequence.
            session.renew()
        work = {"resolvenames": self._resolve_names, "unbind": self._unbind}
        if kind not in work:
            raise self._refused("type")
        try:
            return work[kind](request, session, quirks)
        except Malformed:
            raise self._refused("body") from None

    def _way(self, request):
        if self._gromox:
            fits = request.target.lower().startswith("/mapi/nspi/?mailboxid=")
            if request.method != "POST" or not fits:
                raise Elsewhere(404, [("Content-Type", "text/plain")], b"Not Found\r\n")
            return
        if request.method != "POST":
            raise self._refused("verb")
        url = urllib.parse.urlsplit(request.target)
        match = re.fullmatch(r"mailboxid=([^@&]+)@([^@&]+)", url.query.lower())
        if url.path != "/mapi/nspi/" or not match or self.store.by_endpoint(match[1]) is None:
            raise self._refused("path")

    def mailbox_of(self, target):
        """The mailbox that a request's URL names, nothing when that cannot be told."""
        return super().mailbox_of(re.sub("mailboxid=", "MailboxId=", target, flags=re.IGNORECASE))

    def _find(self, request, kind):
        if not self._gromox:
            return super()._find(request, kind)
        cookies = cookies_of(request.headers)
        if "sid" not in cookies:
            raise self._refused("no-cookie")
        session = self.sessions.get(cookies["sid"])
        if session is None:
            raise self._refused("lost")
        if session.user != request.user:
            raise self._refused("privilege")
        if kind in ("ping", "unbind"):
            return session
        try:
            uuid.UUID(cookies["sequence"])
        except (KeyError, ValueError):
            raise self._refused("cookie") from None
        if cookies["sequence"] != session.sequence:
            raise self._refused("sequence")
        return session

    def _without_sequence(self, session):
        """The cookies of PING and Unbind, which renew nothing."""
        pairs = self._set_cookies(session)
        return pairs[:1] if self._gromox else pairs

    def _bind(self, request, quirks):
        old = self.session_of(request.headers)
        sent = any(name in cookies_of(request.headers) for name in COOKIES[self.tenant.flavour])
        if self._gromox and old is None and sent:
            raise self._refused("lost")
        if old is not None and old.user != request.user:
            raise self._refused("privilege")
        try:
            bind = nspi_bodies.Bind(request.body)
        except Malformed:
            raise self._refused("body") from None
        if status_of(quirks):
            return Answer([], body=struct.pack("<I", status_of(quirks)), aux=b"")
        error = error_of(quirks) or self._bind_error(bind)
        body = nspi_bodies.bound(error, self.server)
        if error:
            return Answer([], body=body, aux=b"")
        session = self._session(request, old)
        session.remark(request.headers["X-RequestId"])
        return Answer(self._set_cookies(session), body=body, aux=b"", session=session)

    def _session(self, request, old):
        """Gromox goes on with the session whose cookies came along, Exchange ends it."""
        if old is not None and self._gromox:
            old.renew()
            return old
        if old is not None:
            self.drop(old)
        session = Session(self.tenant, request.user, self.store.mailboxes.get(request.user))
        with self._lock:
            self.sessions[session.context] = session
        return session

    def _bind_error(self, bind):
        if bind.flags & ANONYMOUS:
            return ANONYMOUS_REFUSED
        return INVALID_CODE_PAGE if bind.stat is None else self._code_page_error(bind.stat, True)

    def _code_page_error(self, stat, strict):
        if stat.code_page == UNICODE:
            return NOT_SUPPORTED
        known = stat.code_page and nspi_bodies.codec(stat.code_page)
        return INVALID_CODE_PAGE if strict and not known else 0

    def _resolve_names(self, request, session, quirks):
        ask = nspi_bodies.ResolveNames(request.body)
        if not self._gromox:
            session.renew()
        cookies = self._set_cookies(session)
        if status_of(quirks):
            body = struct.pack("<I", status_of(quirks))
            return Answer(cookies, body=body, aux=b"", session=session)
        # Gromox says 1200 whatever was asked for.
        code_page = UNICODE if self._gromox else ask.stat.code_page
        error = error_of(quirks) or self._code_page_error(ask.stat, False)
        if not error and len(ask.tags) > MOST_COLUMNS:
            error = TABLE_TOO_BIG
        if not error and ask.stat.container:
            error = INVALID_BOOKMARK
        if error:
            body = nspi_bodies.not_resolved(error, code_page)
            return Answer(cookies, body=body, aux=b"", session=session)
        found = [self._resolve(name, quirks) for name in ask.names]
        rows = [self._row(ask, box, quirks) for number, box in found if number == RESOLVED]
        rows = [] if "no-rows" in quirks else rows
        ids = [number for number, _ in found]
        body = nspi_bodies.resolved(code_page, ids, ask.tags, rows)
        return Answer(cookies, body=body, aux=b"", session=session)

    def _row(self, ask, mailbox, quirks):
        other = self.store.mailboxes["foreign"] if "stranger" in quirks else mailbox
        values = {} if "missing-columns" in quirks else nspi_bodies.properties(other)
        return nspi_bodies.row(ask.tags, values, ask.stat.code_page)

    def _resolve(self, name, quirks):
        """Minimal id and mailbox of one name."""
        kind = "dn" if name.startswith("/") else "address"
        if quirks & {"unresolved", f"{kind}-unresolved"} or not name:
            return UNRESOLVED, None
        if quirks & {"ambiguous", f"{kind}-ambiguous"}:
            return AMBIGUOUS, None
        people = [box for box in self.store.mailboxes.values() if not box.hidden]
        fits = _contains if self._gromox else _begins
        found = [box for box in people if fits(name, box) or box.dn.lower() == name.lower()]
        if len(found) == 1:
            return RESOLVED, found[0]
        # No hit is ambiguous, too, for Gromox.
        return AMBIGUOUS if found or self._gromox else UNRESOLVED, None

    def _unbind(self, request, session, quirks):
        nspi_bodies.Unbind(request.body)
        cookies = self._without_sequence(session)
        if status_of(quirks):
            body = struct.pack("<I", status_of(quirks))
            return Answer(cookies, body=body, aux=b"", session=session)
        error = error_of(quirks)
        if not error:
            self.drop(session)
        body = struct.pack("<II", 0, error or UNBIND_SUCCESS)
        return Answer(cookies, body=body, aux=b"", session=session)


def _words(mailbox):
    return [text.lower() for text in (mailbox.display, mailbox.address, mailbox.name)]


def _contains(name, mailbox):
    """Gromox: all up to the first colon is cut off, and the rest stands anywhere."""
    name = name.partition(":")[2] if ":" in name else name
    return any(name.lower() in word for word in _words(mailbox))


def _begins(name, mailbox):
    """Exchange, as Active Directory resolves: beginnings, or all of it behind an equals sign."""
    exact, name = name.startswith("="), name.lstrip("=").lower()
    name = name[5:] if name.startswith("smtp:") else name
    if exact:
        return name in _words(mailbox)
    # A whole address is nobody else's.
    if name.endswith(f"@{DOMAIN}"):
        return name == mailbox.address
    return any(word.startswith(name) for word in _words(mailbox))
