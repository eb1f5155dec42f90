"""MAPI over HTTP: headers, cookies, response codes and the bodies of Connect, Execute, Disconnect.

Source: reference sheet mapi-http 2 (MS-OXCMAPIHTTP), and gromox-observed for the second flavour.
"""

from __future__ import annotations

import re
import struct
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate

from . import mapi_bodies, mapi_store
from .mapi_frames import Malformed
from .mapi_rops import Execution, WholeFailure
from .mapi_session import Session

#: X-ResponseCode by what is wrong; Gromox counts differently where it says so.
CODES = {
    "verb": (2, "Invalid Verb"),
    "path": (3, "Invalid Path"),
    "header": (4, "Invalid Header"),
    "type": (5, "Invalid Request Type"),
    "cookie": (6, "Invalid Context Cookie"),
    "missing": (7, "Missing Header"),
    "large": (9, "Too Large"),
    "lost": (10, "Context Not Found"),
    "privilege": (11, "No Privilege"),
    "body": (12, "Invalid Request Body"),
    "no-cookie": (13, "Missing Cookie"),
    "sequence": (15, "Invalid Sequence"),
}
#: Gromox's own numbers, by meaning (reference sheet mapi-http, corrections).
GROMOX_CODES = {
    "verb": 1,
    "cookie": 2,
    "lost": 2,
    "missing": 3,
    "privilege": 4,
    "body": 5,
    "no-cookie": 6,
    "sequence": 7,
    "type": 8,
}
#: Its text where it was recorded.
GROMOX_TEXTS = dict.fromkeys(
    ("cookie", "lost"), "The request has an invalid session context cookie."
)

_GUID = r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?"
SHAPES = {
    "Content-Type": r"application/mapi-http",
    "X-RequestType": r"\w+",
    "X-RequestId": _GUID + r":\d+",
    "X-ClientInfo": _GUID + r":\d+",
    "X-ClientApplication": r"Outlook/\d+\.\d+\.\d+(\.\d+)?",
}
GROMOX_SHAPES = dict.fromkeys(("X-RequestType", "X-RequestId", "X-ClientInfo"), ".+")
ECHOES = ("X-RequestType", "X-RequestId", "X-ClientInfo")
FORBIDDEN = ("X-DeviceInfo", "X-MapiHttpCapability", "Expect")

COOKIES = {
    "exchange": ("MapiContext", "MapiSequence", "MapiRouting"),
    "exchange-se": ("MapiContext", "MapiSequence", "MapiRouting"),
    "gromox": ("sid", "sequence"),
}
ROUTING = "UlVNOjEwMA=="
LARGEST = 4 << 20

#: Faults that put a number into StatusCode.
STATUS_QUIRKS = {"status-6ba": 0x6BA, "status-6bb": 0x6BB}
SESSIONS_PER_USER = 32
GROMOX_SESSIONS_PER_USER = 100

SERVER = {
    "exchange": [
        ("X-ServerApplication", "Exchange/15.02.1544.011"),
        ("X-FEServer", "EXFE01"),
        ("X-BEServer", "EXBE01"),
        ("X-CalculatedBETarget", "exbe01.practice.example"),
        ("X-DiagInfo", "EXBE01"),
    ],
    # No header names the server: Connect's auxiliary blocks do.
    "exchange-se": [("X-ServerApplication", "Exchange/15.02.2562.017")],
    "gromox": [("X-ServerApplication", "Exchange/15.00.0847.4040")],
}


class Refused(Exception):
    """A request that ends with an X-ResponseCode."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Elsewhere(Exception):
    """A former endpoint: an HTTP status instead of an answer."""

    def __init__(self, status, headers):
        super().__init__(str(status))
        self.status, self.headers = status, headers


@dataclass
class Request:
    """What came in, from an authenticated user."""

    method: str
    target: str
    headers: object
    body: bytes
    user: str


@dataclass
class Answer:
    """What goes out. `tags` are the meta-tags, `extra` the headers behind DONE."""

    headers: list
    tags: list = field(default_factory=list)
    extra: list = field(default_factory=list)
    body: bytes = b""
    aux: bytes | None = None
    status: int = 200
    session: Session | None = None
    #: Added to AuxiliaryBufferSize.
    lie: int = 0

    def pieces(self, flavour):
        """The entity in the chunks that it is sent in."""
        tail = b"" if self.aux is None else struct.pack("<I", len(self.aux) + self.lie) + self.aux
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.extra) + "\r\n"
        tags = [*self.tags, b"DONE\r\n" + lines.encode()]
        if flavour == "gromox":
            tags = [b"".join(tags)]
        return [piece for piece in (*tags, self.body + tail) if piece]


class Endpoint:
    """`/mapi/emsmdb/`: the store behind it and the sessions that are open."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.store = mapi_store.Store()
        #: Context cookie -> session.
        self.sessions = {}
        #: Requests wait here while a test keeps it closed.
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def answer(self, request, quirks=frozenset()):
        """The answer to one request; `quirks` are lies to tell."""
        begun = time.monotonic()
        try:
            answer = self._answer(request, quirks)
        except Refused as refused:
            return self.refusal(request, refused.code, str(refused))
        except Elsewhere as elsewhere:
            return Answer(elsewhere.headers, status=elsewhere.status)
        gromox = self.tenant.flavour == "gromox"
        elapsed = int((time.monotonic() - begun) * (1 if gromox else 1000))
        answer.tags = [b"PROCESSING\r\n"]
        answer.extra = [("X-ElapsedTime", elapsed), ("X-StartTime", formatdate(usegmt=True))]
        answer.headers = self._headers(request, 0, "application/mapi-http") + answer.headers
        return answer

    def refusal(self, request, code, text):
        """X-ResponseCode other than 0: text, no meta-tags, no cookies."""
        page = f"<html><head><title>{text}</title></head><body>{text} ({code})</body></html>\r\n"
        if self.tenant.flavour == "gromox":
            page = (
                "<html><head>\r\n<title>MAPI OVER HTTP ERROR</title>\r\n</head><body>\r\n"
                f"<h1>Diagnostic Information</h1>\r\n<p>{text}</p>\r\n</body></html>\r\n"
            )
        return Answer(self._headers(request, code, "text/html"), body=page.encode())

    def drop(self, session):
        """End a session."""
        with self._lock:
            self.sessions.pop(session.context, None)

    def restart(self):
        """Forget all sessions, as a server does that is started anew."""
        with self._lock:
            self.sessions.clear()

    def session_of(self, headers):
        """The live session that a request's cookies name, if any."""
        cookies = _cookies(headers)
        return self.sessions.get(cookies.get(COOKIES[self.tenant.flavour][0]))

    def mailbox_of(self, target):
        """The mailbox that a request's URL names, nothing when that cannot be told."""
        match = re.search(r"[?&]MailboxId=([^@&]+)@", target)
        mailbox = self.store.by_endpoint(match[1]) if match else None
        return mailbox.name if mailbox else ""

    def _headers(self, request, code, kind):
        gromox = self.tenant.flavour == "gromox"
        headers = [("Cache-Control", "private"), ("Content-Type", kind)]
        if not (gromox and code):
            headers += [
                (name, request.headers[name]) for name in ECHOES if request.headers.get(name)
            ]
        headers += [
            ("X-ResponseCode", str(code)),
            ("X-PendingPeriod", "30000"),
            ("X-ExpirationInfo", "900000"),
            *SERVER[self.tenant.flavour],
        ]
        if not gromox:
            own = request.headers.get("client-request-id")
            headers.append(("request-id", own or str(uuid.uuid4())))
            headers += [("client-request-id", own)] if own else []
        return headers

    def _refused(self, reason):
        code, text = CODES[reason]
        if self.tenant.flavour == "gromox":
            code = GROMOX_CODES.get(reason, code)
            text = GROMOX_TEXTS.get(reason, text)
        return Refused(code, text)

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

    def _check_headers(self, request):
        shapes = GROMOX_SHAPES if self.tenant.flavour == "gromox" else SHAPES
        for name in (*shapes, "Content-Length"):
            if not request.headers.get(name):
                raise self._refused("missing")
        for name, shape in shapes.items():
            if not re.fullmatch(shape, request.headers[name]):
                raise self._refused("header")
        if len(request.body) > LARGEST:
            raise self._refused("large")
        self.tenant.remarks += [f"{name} was sent" for name in FORBIDDEN if name in request.headers]

    def _find(self, request, kind):
        """The session of a request, its cookies checked."""
        cookies = _cookies(request.headers)
        names = COOKIES[self.tenant.flavour]
        if any(name not in cookies for name in names):
            raise self._refused("no-cookie")
        if not re.fullmatch(r"[0-9a-z]{32}", cookies[names[0]]):
            raise self._refused("cookie")
        session = self.sessions.get(cookies[names[0]])
        if session is None:
            raise self._refused("lost")
        if session.user != request.user:
            raise self._refused("privilege")
        strict = self.tenant.flavour != "gromox" or kind == "Execute"
        if strict and cookies[names[1]] != session.sequence:
            raise self._refused("sequence")
        return session

    def _set_cookies(self, session):
        values = (session.context, session.sequence, ROUTING)
        tail = "" if self.tenant.flavour == "gromox" else "; path=/mapi; secure; HttpOnly"
        return [
            ("Set-Cookie", f"{name}={value}{tail}")
            for name, value in zip(COOKIES[self.tenant.flavour], values)
        ]

    def _connect(self, request, sign, quirks):
        try:
            connect = mapi_bodies.Connect(request.body)
        except Malformed:
            raise self._refused("body") from None
        old = self.session_of(request.headers)
        if self.tenant.flavour == "gromox" and old is None and _cookies(request.headers):
            raise self._refused("lost")
        if old is not None and old.user == request.user:
            self.drop(old)
        if sign == "lost":
            raise self._refused("lost")
        mailbox = self.store.by_dn(connect.dn)
        chatty = mailbox is not None and mailbox.chatty
        aux = mapi_bodies.connect_aux(self.tenant.flavour, chatty)
        status = connect.aux_status or _status(quirks)
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
            if execute.status or _status(quirks):
                raise WholeFailure(status=execute.status or _status(quirks))
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
        if _status(quirks):
            return Answer([], body=struct.pack("<I", _status(quirks)), aux=b"", session=session)
        self.drop(session)
        return Answer(self._set_cookies(session), body=bytes(8), aux=b"", session=session)

    def _ping(self, request, session, quirks):
        return Answer(self._set_cookies(session), session=session)


def _status(quirks):
    return sum(STATUS_QUIRKS.get(quirk, 0) for quirk in quirks)


def _cookies(headers):
    pairs = (pair.strip().partition("=") for pair in (headers.get("Cookie") or "").split(";"))
    return {name: value for name, _, value in pairs if name}
