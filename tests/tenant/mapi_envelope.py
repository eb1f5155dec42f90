"""The mailbox endpoint: Connect, Execute, Disconnect and PING.

Source: reference sheet mapi-http 2 (MS-OXCMAPIHTTP), and gromox-observed for the second flavour.
"""

from __future__ import annotations

import re
import struct
import threading
import urllib.parse

from . import mapi_bodies, mapi_people, mapi_store
from .mapi_frames import Malformed
from .mapi_rops import Execution, WholeFailure
from .mapi_session import Session
from .mapi_transport import Answer, Elsewhere, Transport, cookies_of

#: Faults that put a number into StatusCode.
STATUS_QUIRKS = {"status-6ba": 0x6BA, "status-6bb": 0x6BB}
SESSIONS_PER_USER = 32
GROMOX_SESSIONS_PER_USER = 100


class Endpoint(Transport):
    """`/mapi/emsmdb/`: the store behind it and the sessions that are open."""

    def __init__(self, tenant):
        super().__init__(tenant, mapi_store.Store(mapi_people.people()))
        #: Requests wait here while a test keeps it closed.
        self.gate = threading.Event()
        self.gate.set()

    def _answer(self, request, quirks):
        if request.method != "POST":
            raise self._refused("verb")
        sign = self._way(request.target)
        self._check_headers(request)
        kind = request.headers["X-RequestType"]
        if kind == "Connect":
            return self._connect(request, sign, quirks)
        work = {"Execute": self._execute, "Disconnect": self._disconnect, "PING": self._ping}
        if kind not in work:
            raise self._refused("type")
        session = self._find(request, kind)
        if not session.lock.acquire(blocking=False):
            raise self._refused("sequence")
        try:
            self.gate.wait(60)
            session.remark(request.headers["X-RequestId"])
            return work[kind](request, session, quirks)
        finally:
            session.lock.release()

    def _way(self, target):
        """Check path and MailboxId; the sign of a former endpoint, or nothing."""
        url = urllib.parse.urlsplit(target)
        match = re.fullmatch(r"MailboxId=([^@&]+)@([^@&]+)", url.query)
        if url.path != "/mapi/emsmdb/" or not match:
            raise self._refused("path")
        mailbox = self.store.by_endpoint(match[1])
        if mailbox is None:
            raise self._refused("path")
        sign = mailbox.former.get(match[1].lower(), "")
        if sign == "invalid-path":
            raise self._refused("path")
        if sign == "not-found":
            raise Elsewhere(404, [("Content-Type", "text/html")])
        if sign == "redirect":
            raise Elsewhere(302, [("Location", f"{self.tenant.url}/owa/")])
        return sign

    def _connect(self, request, sign, quirks):
        try:
            connect = mapi_bodies.Connect(request.body)
        except Malformed:
            raise self._refused("body") from None
        old = self.session_of(request.headers)
        if self.tenant.flavour == "gromox" and old is None and cookies_of(request.headers):
            raise self._refused("lost")
        if old is not None and old.user == request.user:
            self.drop(old)
        if sign == "lost":
            raise self._refused("lost")
        mailbox = self.store.by_dn(connect.dn)
        chatty = mailbox is not None and mailbox.chatty
        aux = mapi_bodies.connect_aux(self.tenant.flavour, chatty, request.node)
        status = connect.aux_status or status_of(quirks)
        status = status or (mailbox.connect_status if mailbox else 0)
        if status:
            opaque = b"The store is not there." if chatty else b""
            return Answer([], body=struct.pack("<I", status), aux=opaque)
        error = self._connect_error(request, connect, mailbox, sign)
        if error:
            return Answer([], body=mapi_bodies.connect_failure(error), aux=aux)
        session = Session(self.tenant, request.user, mailbox, sign, connect.code_page)
        session.lcid_sort, session.lcid_string = connect.locales(self.tenant.flavour)
        with self._lock:
            self.sessions[session.context] = session
        session.remark(request.headers["X-RequestId"])
        display = mailbox.display
        if self.tenant.flavour == "gromox" and connect.code_page == 1252:
            display = "".join(letter for letter in display if letter.isascii())
        body = mapi_bodies.connect_success(display)
        return Answer(self._set_cookies(session), body=body, aux=aux, session=session)

    def _connect_error(self, request, connect, mailbox, sign):
        gromox = self.tenant.flavour == "gromox"
        unknown = 0x80040115 if gromox else 0x3EB
        if connect.aux_error:
            return connect.aux_error
        if not connect.dn:
            return 0x80070005
        if mailbox is None or sign == "unknown-user":
            return unknown
        if mailbox.connect_error:
            return unknown if mailbox.connect_error == 0x3EB else mailbox.connect_error
        if mailbox.name != request.user:
            return 0x80070005
        if connect.flags & 1:
            return 0x3F2
        application = request.headers.get("X-ClientApplication") or "Outlook/16"
        if int(re.split(r"[/.]", application)[1]) < 12:
            return 0x4DF
        own = [one for one in list(self.sessions.values()) if one.user == request.user]
        if gromox:
            return 0x80040111 if len(own) >= GROMOX_SESSIONS_PER_USER else 0
        return 0x80040112 if len(own) >= SESSIONS_PER_USER else 0

    def _execute(self, request, session, quirks):
        try:
            execute = mapi_bodies.Execute(request.body)
        except Malformed:
            raise self._refused("body") from None
        session.renew()
        cookies = self._set_cookies(session)
        error, buffer = execute.aux_error, b""
        try:
            if execute.status or status_of(quirks):
                raise WholeFailure(status=execute.status or status_of(quirks))
            if not error:
                run = Execution(session, self.store, self.tenant.flavour, quirks)
                buffer = run.run(execute.flags, execute.buffer, execute.most)
        except Malformed:
            error = 0x4B6
        except WholeFailure as failure:
            if failure.status:
                body = struct.pack("<I", failure.status)
                return Answer(cookies, body=body, aux=b"", session=session)
            error = failure.error
        size = len(buffer) + (1000 if "lying-buffer-size" in quirks else 0)
        body = struct.pack("<IIII", 0, error, 0, size) + buffer
        talk = session.in_use is not None and session.in_use.chatty
        aux = mapi_bodies.execute_aux() if talk else b""
        return Answer(cookies, body=body, aux=aux, session=session)

    def _disconnect(self, request, session, quirks):
        if request.body not in (b"", bytes(4)):
            raise self._refused("body")
        if status_of(quirks):
            return Answer([], body=struct.pack("<I", status_of(quirks)), aux=b"", session=session)
        self.drop(session)
        return Answer(self._set_cookies(session), body=bytes(8), aux=b"", session=session)

    def _ping(self, request, session, quirks):
        return Answer(self._set_cookies(session), session=session)


def status_of(quirks):
    """The StatusCode that a fault asks for, 0 for none."""
    return sum(STATUS_QUIRKS.get(quirk, 0) for quirk in quirks)
