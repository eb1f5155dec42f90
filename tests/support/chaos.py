"""A server between the check and the practice tenant that spoils what comes back.

It ends TLS on both sides, so that it sees each request and each answer whole, and does one thing of
`FAULTS` with the answers to the requests that `where` picks. What an answer is, it knows from RFC
9112 alone: neither the check's code nor the tenant's takes part.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading

#: X-ResponseCode by the specification -> by Gromox (reference sheet mapi-http, corrections).
RENUMBERED = {2: 1, 5: 8, 6: 2, 7: 3, 10: 2, 11: 4, 12: 5, 13: 6, 15: 7}


class Message:
    """A request or an answer: its first line, header lines and body, all as they came."""

    def __init__(self, stream, *, asked=""):
        self.first = stream.readline()
        if not self.first:
            raise EOFError
        self.lines = []
        for line in iter(stream.readline, b"\r\n"):
            if not line:
                raise EOFError
            self.lines.append(line)
        self.body = self._body(stream, asked)

    def _body(self, stream, asked):
        if "chunked" in self.header("Transfer-Encoding").lower():
            return b"".join(self._chunks(stream))
        length = self.header("Content-Length")
        if length:
            return stream.read(int(length))
        return b"" if asked else stream.read()

    def _chunks(self, stream):
        while True:
            size = stream.readline()
            yield size
            yield stream.read(int(size.split(b";")[0], 16) + 2)
            if int(size.split(b";")[0], 16) == 0:
                return

    def header(self, name):
        """The first value of a header, or nothing."""
        for line in self.lines:
            key, _, value = line.decode("latin-1").partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""

    @property
    def head(self):
        """First line and headers with the blank line behind them."""
        return self.first + b"".join(self.lines) + b"\r\n"

    def bytes(self):
        """The whole message."""
        return self.head + self.body


class Chaos:
    """`fault` names what is done, `where` is a pattern for request line and X-RequestType, and
    `times` how often at most. `seen` holds the request lines; `url` is where it answers.
    """

    def __init__(self, tenant, fault, where=".", times=1 << 30):
        self._tenant, self._fault, self._where, self._left = tenant, fault, where, times
        self._stop = threading.Event()
        self.seen = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tenant.material.server.configure_cert(self._context)
        self._client = ssl.create_default_context(cafile=tenant.material.ca_file)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"https://{self.address}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(
                    target=self._one, args=(self._listener.accept()[0],), daemon=True
                ).start()

    def _one(self, client):
        with contextlib.ExitStack() as kept, contextlib.suppress(OSError, EOFError, ValueError):
            kept.enter_context(client)
            client = kept.enter_context(self._context.wrap_socket(client, server_side=True))
            origin = kept.enter_context(socket.create_connection(("127.0.0.1", self._tenant.port)))
            origin = kept.enter_context(
                self._client.wrap_socket(origin, server_hostname="127.0.0.1")
            )
            asking, answering = client.makefile("rb"), origin.makefile("rb")
            keep = True
            while keep:
                request = Message(asking, asked="request")
                self.seen.append(request.first.decode().strip())
                what = f"{request.first.decode()} {request.header('X-RequestType')}"
                spoilt = self._left > 0 and re.search(self._where, what) is not None
                self._left -= spoilt
                if spoilt and self._fault == "restart":
                    self._tenant.mapi.restart()
                    return
                origin.sendall(request.bytes())
                answer = Message(answering)
                send = FAULTS[self._fault] if spoilt else _plain
                keep = send(self, client, answer) is not False


def _plain(_, client, answer):
    client.sendall(answer.bytes())


def _cut_head(_, client, answer):
    client.sendall(answer.head[: len(answer.head) // 2])
    return False


def _cut_body(_, client, answer):
    client.sendall(answer.head + answer.body[: len(answer.body) // 2])
    return False


def _cut_before(*_):
    return False


def _late(chaos, client, answer):
    chaos._stop.wait(0.3)
    client.sendall(answer.bytes())


def _never(chaos, *_):
    chaos._stop.wait(60)
    return False


def _drip(chaos, client, answer):
    for byte in answer.bytes():
        if chaos._stop.wait(0.2):
            return False
        client.sendall(bytes([byte]))
    return True


def _pieces(_, client, answer):
    for byte in answer.bytes():
        client.sendall(bytes([byte]))


def _renumber(_, client, answer):
    for number, line in enumerate(answer.lines):
        name, _, value = line.partition(b":")
        if name.lower() == b"x-responsecode" and int(value):
            code = RENUMBERED.get(int(value), int(value))
            answer.lines[number] = b"X-ResponseCode: %d\r\n" % code
    client.sendall(answer.bytes())


def _fold(_, client, answer):
    """Each value on a line of its own, as RFC 9112 5.2 has gateways read it still."""
    answer.lines = [line.replace(b": ", b":\r\n ", 1) for line in answer.lines]
    client.sendall(answer.bytes())


def _lose_cookies(_, client, answer):
    answer.lines = [line for line in answer.lines if not line.lower().startswith(b"set-cookie")]
    client.sendall(answer.bytes())


def _interim(_, client, answer):
    client.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 3)
    client.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
    client.sendall(answer.bytes())


def _without_name(_, client, answer):
    """One line among the headers that is none: what follows it must count."""
    answer.lines.insert(1, b"a line of a broken appliance\r\n")
    client.sendall(answer.bytes())


def _lower_case(_, client, answer):
    answer.lines = [
        line.partition(b":")[0].lower() + b":" + line.partition(b":")[2] for line in answer.lines
    ]
    client.sendall(answer.bytes())


def _squid(_, client, __):
    """The page of a proxy that inspects TLS and does not let the request through."""
    page = b"<html><head><title>ERROR</title></head><body>Access Denied.</body></html>"
    client.sendall(
        b"HTTP/1.1 403 Forbidden\r\nServer: squid/6.13\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n"
        b"Via: 1.1 proxy.example (squid/6.13)\r\nContent-Type: text/html\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(page), page)
    )


def _closes(_, client, answer):
    """One answer a connection, and says so."""
    answer.lines.append(b"Connection: close\r\n")
    client.sendall(answer.bytes())
    return False


FAULTS = {
    "none": _plain,
    "cut-head": _cut_head,
    "cut-body": _cut_body,
    "cut-before": _cut_before,
    "restart": None,
    "late": _late,
    "never": _never,
    "drip": _drip,
    "pieces": _pieces,
    "renumber": _renumber,
    "fold": _fold,
    "lose-cookies": _lose_cookies,
    "interim": _interim,
    "without-name": _without_name,
    "lower-case": _lower_case,
    "closes": _closes,
    "squid": _squid,
}
