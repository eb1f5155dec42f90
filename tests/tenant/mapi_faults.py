"""Faults of MAPI over HTTP, on top of those that every place has.

`REFUSALS` answer before the request is looked at; `QUIRKS` are lies told while it is worked on;
`SPOILERS` change or withhold the answer after it was worked on: what was asked for has happened.
"""

from __future__ import annotations

import random

from .mapi_envelope import STATUS_QUIRKS
from .mapi_transport import Answer

LOGIN = (
    b"<!DOCTYPE html><html><head><title>Outlook</title></head><body><form action='/owa/auth.owa'>"
    b"<input name='password'></form></body></html>"
)

#: X-ResponseCode by name, and every number as `code-N`.
CODES = {
    "sequence": (15, "Invalid Sequence"),
    "endpoint-disabled": (16, "Endpoint Disabled"),
    "shutting-down": (18, "Endpoint Shutting Down"),
    **{f"code-{number}": (number, f"Code {number}") for number in range(1, 20)},
}
PLAIN = ("lost-session", "restart", "no-response-code", "status-456", "unauthorized")
QUIRKS = ("lying-buffer-size", "lying-rop-size", "lying-row-count", *STATUS_QUIRKS)

#: Faults that `Switchboard.on` switches on for one request unless told otherwise.
ONCE = ("lost-session", "restart")


def refuse(fault, handler, request, endpoint):
    """The answer of a fault that needs no work; None when the work has to be done."""
    if fault in CODES:
        return endpoint.refusal(request, *CODES[fault])
    if fault == "lost-session":
        session = endpoint.session_of(request.headers)
        if session is not None:
            endpoint.drop(session)
        if request.headers.get("X-RequestType", "").lower() in ("connect", "bind"):
            return endpoint.refusal(request, 10, "Context Not Found")
    if fault == "restart":
        endpoint.restart()
    if fault == "no-response-code":
        return Answer([("Content-Type", "text/html; charset=utf-8")], body=LOGIN)
    if fault == "status-456":
        return Answer([("Content-Type", "text/html")], body=b"MFA required", status=456)
    if fault == "unauthorized":
        handler.logon.close()
        challenge = handler.logon.challenge()
        return Answer(challenge.headers, body=challenge.body, status=challenge.status)
    return None


def change(fault, request, endpoint, answer):
    """What a fault makes of a finished answer."""
    if not answer.tags:
        return
    kind = request.headers.get("X-RequestType")
    if fault == "late-failure" and kind == "Connect" and answer.session is not None:
        endpoint.drop(answer.session)
    if fault == "lying-buffer-size" and kind != "Execute":
        answer.lie = 1000
    if fault in CHANGES:
        CHANGES[fault](endpoint, answer)


def _late_failure(endpoint, answer):
    answer.extra = [("X-ResponseCode", "1"), ("Content-Type", "text/html"), *answer.extra]
    answer.body, answer.aux = b"<html><body>failure text</body></html>", None


def _short_body(endpoint, answer):
    body = answer.pieces(endpoint.tenant.flavour)[-1]
    answer.body, answer.aux = body[: len(body) // 2], None


def _random_body(endpoint, answer):
    answer.body, answer.aux = random.Random(7).randbytes(200), None


def _no_cookies(endpoint, answer):
    answer.headers = [pair for pair in answer.headers if pair[0] != "Set-Cookie"]


def _wrong_echo(endpoint, answer):
    other = "00000000-0000-0000-0000-000000000000:1"
    answer.headers = [
        (name, other if name == "X-RequestId" else value) for name, value in answer.headers
    ]


def _no_done(endpoint, answer):
    answer.body, answer.aux = b"", None
    answer.extra = [("X-ElapsedTime", "no number"), ("X-StartTime", "never")]


def _pending(endpoint, answer):
    gromox = endpoint.tenant.flavour == "gromox"
    answer.tags = answer.tags * 2 if gromox else answer.tags
    answer.tags = answer.tags + [b"PENDING" if gromox else b"PENDING\r\n"] * 3


CHANGES = {
    "late-failure": _late_failure,
    "short-body": _short_body,
    "random-body": _random_body,
    "empty-body": _no_done,
    "no-cookies": _no_cookies,
    "wrong-echo": _wrong_echo,
    "pending": _pending,
}


def _whole(handler, answer, pieces):
    handler.head(answer.status, [*answer.headers, ("Content-Length", str(len(b"".join(pieces))))])
    handler.wfile.write(b"".join(pieces))


def _chunked(handler, answer, pieces):
    handler.head(answer.status, [*answer.headers, ("Transfer-Encoding", "chunked")])
    for piece in pieces:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def _split(handler, answer, pieces):
    data = b"".join(pieces)
    _chunked(handler, answer, [data[at : at + 3] for at in range(0, len(data), 3)])


def _pending_forever(handler, answer, pieces):
    handler.head(answer.status, [*answer.headers, ("Transfer-Encoding", "chunked")])
    handler.wfile.write(b"c\r\nPROCESSING\r\n\r\n")
    handler.close_connection = True
    while not handler.server.stopping.wait(0.2):
        handler.wfile.write(b"9\r\nPENDING\r\n\r\n")


def _cut(handler, answer, pieces):
    handler.head(answer.status, [*answer.headers, ("Transfer-Encoding", "chunked")])
    handler.close_connection = True


def _cut_before(handler, answer, pieces):
    handler.close_connection = True


#: Ways to send an answer that tests switch on; `unchunked` and `split-chunks` are legal ones.
WAYS = {
    "pending-forever": _pending_forever,
    "cut": _cut,
    "cut-before": _cut_before,
    "restart": _cut_before,
    "unchunked": _whole,
    "split-chunks": _split,
}
NAMES = tuple(dict.fromkeys((*CODES, *PLAIN, *QUIRKS, *CHANGES, *WAYS)))


def serve(handler, fault, request, endpoint):
    """Answer one request to the endpoint, with a fault or without (None)."""
    answer = refuse(fault, handler, request, endpoint)
    if answer is None:
        answer = endpoint.answer(request, frozenset([fault] if fault else ()))
        change(fault, request, endpoint, answer)
    flavour = endpoint.tenant.flavour
    if answer.tags:
        WAYS.get(fault, _chunked)(handler, answer, answer.pieces(flavour))
    elif fault in ("cut", "cut-before", "restart"):
        WAYS[fault](handler, answer, [])
    else:
        _whole(handler, answer, [answer.body])
