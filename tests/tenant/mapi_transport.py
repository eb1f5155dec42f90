"""MAPI over HTTP: headers, cookies, response codes and meta-tags, as both endpoints have them.

Source: reference sheet mapi-http 2 (MS-OXCMAPIHTTP), and gromox-observed for the second flavour.
"""

from __future__ import annotations

import re
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate

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
#: Its texts (err_nspi_session, err_session_lost_restart).
GROMOX_TEXTS = {
    "verb": "The request has an invalid verb.",
    "cookie": "The request has an invalid session context cookie.",
    "lost": "The request has an invalid session context cookie.",
    "missing": "The request has a missing required header.",
    "body": "The request body is invalid.",
    "no-cookie": "The request is missing a required cookie.",
    "sequence": "The request has violated the sequencing requirement of one request at a time per"
    " Session Context.",
    "type": "Invalid request type for this endpoint.",
}

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

    def __init__(self, status, headers, body=b""):
        super().__init__(str(status))
        self.status, self.headers, self.body = status, headers, body


@dataclass
class Request:
    """What came in, from an authenticated user."""

    method: str
    target: str
    headers: object
    body: bytes
    user: str
    #: The `nodes.Node` that it came in by; None for the tenant's own address.
    node: object = None


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


def server_headers(flavour, node):
    """What names the server, and the node where the request came in by one."""
    named = node.names() if node is not None and flavour == "exchange" else {}
    return [(name, named.get(name, value)) for name, value in SERVER[flavour]]


class Transport:
    """What both endpoints have in common: headers, cookies, sessions, refusals."""

    def __init__(self, tenant, store):
        self.tenant, self.store = tenant, store
        #: Context cookie -> session.
        self.sessions = {}
        self._lock = threading.Lock()

    def answer(self, request, quirks=frozenset()):
        """The answer to one request; `quirks` are lies to tell."""
        begun = time.monotonic()
        try:
            answer = self._answer(request, quirks)
        except Refused as refused:
            return self.refusal(request, refused.code, str(refused))
        except Elsewhere as elsewhere:
            return Answer(elsewhere.headers, body=elsewhere.body, status=elsewhere.status)
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
                '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n'
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
        cookies = cookies_of(headers)
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
                (name, self._echo(name, request.headers[name]))
                for name in ECHOES
                if request.headers.get(name)
            ]
        headers += [
            ("X-ResponseCode", str(code)),
            ("X-PendingPeriod", "30000"),
            ("X-ExpirationInfo", "900000"),
            *server_headers(self.tenant.flavour, request.node),
        ]
        if not gromox:
            own = request.headers.get("client-request-id")
            headers.append(("request-id", own or str(uuid.uuid4())))
            headers += [("client-request-id", own)] if own else []
        return headers

    def _echo(self, name, value):
        """What comes back of a request header."""
        return value

    def _refused(self, reason):
        code, text = CODES[reason]
        if self.tenant.flavour == "gromox":
            code = GROMOX_CODES.get(reason, code)
            text = GROMOX_TEXTS.get(reason, text)
        return Refused(code, text)

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
        cookies = cookies_of(request.headers)
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


def cookies_of(headers):
    """Name -> value of the Cookie header."""
    pairs = (pair.strip().partition("=") for pair in (headers.get("Cookie") or "").split(";"))
    return {name: value for name, _, value in pairs if name}
