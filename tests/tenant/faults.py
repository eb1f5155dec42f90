"""The switchboard of faults. Each is named for what a client sees, and is thrown for one of the
places below.

Places: `token`, `devicecode`, `discovery` and `realm` (Entra), `adfs` (the federation server), `imds` (managed
identities), `exchange` (the admin API), `graph`, `autodiscover`, `mapi-connect`, `mapi-execute` and
`mapi-disconnect` (Exchange on premises), `nspi-bind`, `nspi-resolvenames` and `nspi-unbind` (its address
book), `autodiscover-json` (Autodiscover v2), `tls` (before any request). At `admin`, which is what
administrators ask of Graph and Exchange, one connection is cut: `cut-before-3` and `cut-after-3` before
and after the third request from now on is carried out.
"""

from __future__ import annotations

import gzip
import re
import threading
import time

from . import bearer, mapi_faults, nspi_faults
from .directory import local_part

#: Places where a request is authenticated before a fault gets its hands on it.
MAPI_PLACES = ("mapi-connect", "mapi-execute", "mapi-disconnect")
NSPI_PLACES = nspi_faults.PLACES
#: Places where a request is about one mailbox.
MAILBOX_PLACES = (
    "exchange",
    "graph",
    "autodiscover",
    "autodiscover-json",
    *MAPI_PLACES,
    *NSPI_PLACES,
)
#: Places where a 401 may offer Bearer (`bearer`).
BEARER_PLACES = ("autodiscover", *MAPI_PLACES, *NSPI_PLACES)
PLACES = (
    "tls",
    "discovery",
    "realm",
    "token",
    "devicecode",
    "adfs",
    "imds",
    "admin",
    *MAILBOX_PLACES,
)

#: At `admin`: which request is cut, and when.
CUT = re.compile(r"cut-(before|after)-([1-9]\d*)")
#: At `token` and `devicecode`: Entra's refusal of that number, with another status if one follows.
ENTRA = re.compile(r"aadsts-(\d+)(?:-([45]\d\d))?")

#: Status faults: name -> (status, headers, content type, body).
_HTML = (
    b"<!DOCTYPE "
    b"html><html><head><title>Gateway</title><style>p{}</style></head><body><p>Access | "
    b"denied</p></body></html>"
)
#: 64 MiB that travel as some hundred KiB; made once, because every process of the tests makes it.
_BOMB = gzip.compress(b" " * (64 << 20), 1)

STATUSES = {
    "http-401": (
        401,
        {"x-ms-diagnostics": '2000003;reason="The token is for another service"'},
        "application/json",
        b"",
    ),
    "http-403-html": (403, {}, "text/html", _HTML),
    "http-404": (404, {}, "application/json", b"{}"),
    "http-405": (405, {}, "application/json", b"{}"),
    "http-429": (
        429,
        {},
        "text/plain",
        b"You have reached the maximum number of concurrent requests per tenant. Please wait "
        b"and try again.",
    ),
    "http-429-wait-1": (429, {"Retry-After": "1"}, "text/plain", b"slow down"),
    "http-429-wait-600": (429, {"Retry-After": "600"}, "text/plain", b"slow down"),
    "http-429-text": (429, {}, "text/plain", b"Try again in 500 seconds"),
    "http-500": (
        500,
        {},
        "application/json",
        b'{"error":{"code":"InternalServerError","message":"boom"}}',
    ),
    "http-502-html": (502, {}, "text/html", _HTML),
    "http-503": (503, {}, "text/html", _HTML),
    "http-503-wait-1": (503, {"Retry-After": "1"}, "text/html", _HTML),
    "http-503-wait-600": (503, {"Retry-After": "600"}, "text/html", _HTML),
    "http-503-garbage": (503, {"Retry-After": "-7 apples"}, "text/html", _HTML),
    "http-504": (504, {}, "text/html", _HTML),
    "redirect": (302, {"Location": "https://127.0.0.1:1/elsewhere"}, "text/html", b""),
    "html-200": (200, {}, "text/html", _HTML),
    "empty-200": (200, {}, "application/json", b""),
    "garbage-json": (200, {}, "application/json", b'{"value": [}'),
    "deep-json": (200, {}, "application/json", b"[" * 200000),
    "long-number": (
        200,
        {},
        "application/json",
        b'{"value":[{"Result":"Success","Latency":' + b"9" * 500000 + b"}]}",
    ),
    "array-json": (200, {}, "application/json", b"[1, 2]"),
    "wrong-encoding": (200, {"Content-Encoding": "gzip"}, "application/json", b'{"value": []}'),
    "huge-body": (200, {}, "application/json", b" " * (5 << 20)),
    "gzip-bomb": (
        200,
        {"Content-Encoding": "gzip"},
        "application/json",
        _BOMB,
    ),
    "redirect-bomb": (
        302,
        {"Location": "https://127.0.0.1:1/elsewhere", "Content-Encoding": "gzip"},
        "text/html",
        _BOMB,
    ),
    "json-bomb": (200, {}, "application/json", b'{"value":[' + b"{}," * (1 << 20) + b"{}]}"),
    "no-token": (200, {}, "application/json", b'{"token_type": "Bearer"}'),
    "many-headers": (
        200,
        {f"X-Filler-{number}": "x" * 1000 for number in range(90)},
        "application/json",
        b"{}",
    ),
}


def _drip(handler, data):
    """One byte at a time until the client has gone or the tenant stops."""
    for offset in range(len(data)):
        if handler.server.stopping.wait(0.2):
            return
        handler.wfile.write(data[offset : offset + 1])


def _silent(handler):
    handler.server.stopping.wait(120)


def _drip_header(handler):
    _drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: and steady\r\n" * 1000)


def _drip_body(handler):
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
    )
    _drip(handler, b"{" * 4000)


def _drip_chunked(handler):
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    _drip(handler, b"1\r\n{\r\n" * 1000)


def _truncated(handler):
    handler.wfile.write(
        b'HTTP/1.1 200 OK\r\nContent-Type: text/json\r\nContent-Length: 4000\r\n\r\n{"value":'
    )


def _garbage(handler):
    handler.wfile.write(b"\x00\x01\x02 this | is <b>no</b> HTTP\r\n\r\n")


def _endless_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"X-Endless: " + b"x" * 2000 + b"\r\n")


def _endless_continue(handler):
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n")


def _close(handler):
    """No answer at all."""


def _late(handler):
    time.sleep(0.7)
    return False


#: Raw faults: name -> what to do with the connection. Returning False goes on to the ordinary
#: answer.
RAW = {
    "silent": _silent,
    "drip-header": _drip_header,
    "drip-body": _drip_body,
    "drip-chunked": _drip_chunked,
    "truncated": _truncated,
    "garbage": _garbage,
    "endless-headers": _endless_headers,
    "endless-continue": _endless_continue,
    "close": _close,
    "late": _late,
}

#: Faults of the TLS handshake.
HANDSHAKE = ("silent", "close", "plain")

NAMES = tuple(STATUSES) + tuple(RAW)


class Switchboard:
    """Which fault is on where, for which mailbox, and for how many more times."""

    def __init__(self):
        self._on = {}
        self._lock = threading.Lock()

    def on(self, place, fault, times=None, mailbox=None):
        """Switch a fault on; `times` counts the requests it spoils, -1 for all: what None means but
        for the few faults of `mapi_faults.ONCE`. With `mailbox`, a name or an address, only requests
        about that one are spoiled, and by this fault rather than by one of all mailboxes.
        """
        known = {"tls": HANDSHAKE, "admin": ()}.get(place, NAMES)
        if place in MAPI_PLACES or place in NSPI_PLACES:
            known = (*NAMES, *mapi_faults.NAMES)
        if place in BEARER_PLACES:
            known = (*known, *bearer.CHALLENGES)
        pattern = {"token": ENTRA, "devicecode": ENTRA, "admin": CUT}.get(place)
        special = pattern is not None and pattern.fullmatch(fault)
        special = special or nspi_faults.known(place, fault)
        if place not in PLACES or not (fault in known or special):
            raise KeyError(f"{place}/{fault}")
        name = local_part(mailbox or "")
        if mailbox is not None and (place not in MAILBOX_PLACES or not name):
            raise KeyError(f"{place} of mailbox {mailbox}")
        if times is None:
            times = 1 if fault in mapi_faults.ONCE else -1
        with self._lock:
            self._on[place, name] = [fault, times]

    def cut(self):
        """`before` or `after` when it is this request of an administrator that is cut, else nothing."""
        with self._lock:
            fault, _ = self._on.pop(("admin", ""), ("", 0))
            found = CUT.fullmatch(fault)
            if not found:
                return ""
            if found[2] == "1":
                return found[1]
            self._on["admin", ""] = [f"cut-{found[1]}-{int(found[2]) - 1}", -1]
            return ""

    def off(self):
        """All faults off."""
        with self._lock:
            self._on.clear()

    def bearer(self, place, mailbox=""):
        """The fault for this request when it is a 401 that offers Bearer; others are left for `take`."""
        with self._lock:
            entry = self._on.get((place, mailbox)) or self._on.get((place, "")) or ("", 0)
        return self.take(place, mailbox) if entry[0] in bearer.CHALLENGES else None

    def take(self, place, mailbox=""):
        """The fault for this request at this place about this mailbox, None when all is well there."""
        with self._lock:
            for key in dict.fromkeys([(place, mailbox), (place, "")]):
                entry = self._on.get(key)
                if entry is not None and entry[1] != 0:
                    entry[1] -= 1
                    return entry[0]
        return None
