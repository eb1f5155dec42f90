"""A reverse proxy with TLS before the practice tenant, which changes the bytes of its answers as a
test wants.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading


class Gateway:
    """`change(head, body)` makes the bytes of an answer from its head, with the blank line, and its
    whole body; None closes the connection instead. Only paths that hold `only` are changed. One
    connection to the tenant for each of a client's; `connections` counts these.
    """

    def __init__(self, tenant, change, only="", start=None):
        self.change, self.only, self.connections, self.requests = change, only, 0, []
        self._start = start or (lambda client: None)
        self._port = tenant.port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tenant.material.server.configure_cert(self._context)
        self._upstream = ssl.create_default_context(cafile=str(tenant.material.ca_file))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(client)
            secured = stack.enter_context(self._context.wrap_socket(client, server_side=True))
            self._start(secured)
            upstream = http.client.HTTPSConnection("127.0.0.1", self._port, context=self._upstream)
            stack.callback(upstream.close)
            stream = stack.enter_context(secured.makefile("rb"))
            while True:
                request = stream.readline().split()
                if not request:
                    return
                headers = http.client.parse_headers(stream)
                body = stream.read(int(headers.get("Content-Length", 0)))
                path = request[1].decode()
                self.requests.append(path)
                upstream.putrequest(request[0].decode(), path, True, True)
                for name, value in headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                data = self._answer(upstream.getresponse(), path)
                if data is None:
                    return
                secured.sendall(data)

    def _answer(self, answer, path):
        body = answer.read()
        # The tenant names itself in documents; the next request is to come here, too.
        body = body.replace(b":%d/" % self._port, b":%d/" % self.port)
        kept = [
            (name, value)
            for name, value in answer.getheaders()
            if name.lower() not in ("content-length", "transfer-encoding", "connection")
        ]
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{n}: {v}" for n, v in kept)]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if self.only and self.only not in path:
            return with_length(head, body)
        return self.change(head, body)


def with_length(head, body):
    """An ordinary answer."""
    return with_lines(head, body, b"Content-Length: %d" % len(body))


def with_lines(head, body, *lines):
    """An answer with these lines at the end of its head."""
    return head[:-2] + b"\r\n".join([*lines, b"", b""]) + body


def chunked(body):
    """The body in two chunks and the last one."""
    parts = [body[:7], body[7:]]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"
