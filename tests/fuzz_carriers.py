"""What `tests.fuzz` has a server say to the carrier that reads HTTP by itself (`network.carriers.plain`).

The invariant, beside that of `tests.fuzz`: a request comes to an answer within the limits or to CheckFailure; a connection that has
ended is not asked for more again and again; what a server sends without end is left unread soon.
"""

from __future__ import annotations

import functools
import socket
import ssl
import time

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import head
from check_mapi_connectivity.network.answer import BODY_LIMIT
from check_mapi_connectivity.network.route import Means, Shared
from check_mapi_connectivity.network.shared_logon import Logon
from check_mapi_connectivity.network.transport import Transport
from check_mapi_connectivity.network.trust import Trust

from .network.test_carriers import BODIES, END, OK

#: Bytes that come at once at the most; the first byte of an input chooses.
PIECES = (1, 2, 5, 64, 1000, 16384, 1 << 20)

METHODS = ("GET", "HEAD", "POST")


def broken():
    """What OpenSSL says of a record that does not hold."""
    error = ssl.SSLError(1, "[SSL] record layer failure")
    error.reason = "RECORD_LAYER_FAILURE"
    return error


#: What makes the error that comes when everything was said, None for the end of the connection; the second byte of an input chooses.
ENDS = (None, lambda: socket.timeout("timed out"), lambda: ConnectionResetError(104, "x"), broken)

#: How often who reads is told.
PATIENCE = 10

#: How often what was said last is said again by a server that never ends.
AGAIN = 8


@functools.cache
def idle():
    """A connection on which nothing ever comes, and its other side."""
    return socket.socketpair()


class Server:
    """A connection to a server that says `data`, in pieces of `size`, and then comes to its `end`."""

    def __init__(self, data, size, end, again):
        self._data, self._size, self._end, self._again = data, size, end, again
        self._at, self._last, self._left = 0, b"", PATIENCE

    def recv(self, size):
        """The next piece."""
        if self._at < len(self._data):
            self._last = self._data[self._at : self._at + min(size, self._size)]
            self._at += len(self._last)
            return self._last
        if self._again and self._last:
            self._again -= 1
            return self._last
        self._left -= 1
        assert self._left, "a connection that has ended is read without end"
        if self._end is None:
            return b""
        raise self._end()

    def sendall(self, data):
        """Nobody listens."""

    def fileno(self):
        """Of what poll() finds nothing on."""
        return idle()[0].fileno()

    def gettimeout(self):
        """Whatever was set."""

    def settimeout(self, seconds):
        """Nothing waits here."""

    def close(self):
        """Nothing was opened."""


@functools.cache
def _shared():
    return Shared(Trust(Network()), Logon())


def _asked(data: bytes) -> object:
    """Three bytes that choose, and what a server says to two requests."""
    first, second, third = (*data[:3], 0, 0, 0)[:3]
    size, end, method = (
        kinds[byte % len(kinds)]
        for kinds, byte in ((PIECES, first), (ENDS, second), (METHODS, third))
    )
    again = AGAIN if second > 200 else 0
    report = Report("m", "graph")
    transport = Transport(Means(Network()), Deadline(time.monotonic(), 30), report, _shared())
    said = [data[3:]]
    transport._route.open_plain = lambda *_: Server(said.pop() if said else b"", size, end, again)
    found, refused = [], None
    for _ in range(2):
        try:
            found.append(transport.send(method, "http://a.test/", Stopwatch(), until=1 << 40))
        except CheckFailure as error:
            assert error.failure.cause and error.failure.kind, error.failure
            refused = refused or error
    transport.close()
    for answer in found:
        assert len(answer.body) <= BODY_LIMIT, "a body beyond the limit"
        assert len(answer.lines) <= head.MOST_HEADERS + 1, "headers beyond the limit"
        texts = (*answer.headers, *answer.headers.values(), answer.reason)
        assert sum(map(len, texts)) <= head.HEADER_LIMIT, "a head beyond the limit"
        assert not any(c in text for c in "\r\n\0" for text in texts), "a line that goes on"
    if refused and not found:
        raise refused
    return found


#: Answers that are nearly too large.
LARGE = [
    OK + b"A: " + b"x" * (head.HEADER_LIMIT - 100) + b"\r\nContent-Length: 0" + END,
    OK + b"".join(b"A%d: b\r\n" % number for number in range(head.MOST_HEADERS)) + b"\r\n",
    OK + b"X: " + b"y\r\n z" * 2000 + END,
]

#: Name -> parser, and what its inputs are made of.
TARGETS = {
    "plain carrier": (
        _asked,
        [
            bytes([number % 250, 4 * number % 250, number % 3]) + said + more
            for number, said in enumerate((*BODIES.values(), *LARGE))
            for more in (b"", BODIES["length"], BODIES["chunks"])
        ],
    )
}
