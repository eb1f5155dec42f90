"""What both listeners have in common: answers with a length, and faults of the wire."""

from __future__ import annotations

import http.server
import json

from .faults import RAW, STATUSES

JSON = {"Content-Type": "application/json; charset=utf-8"}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        """Before the first request."""
        super().setup()
        #: Headers that go with every answer.
        self.extra = []

    def log_message(self, *_):
        """Requests are counted, not printed."""

    def do_GET(self):
        """Without a body."""
        self.serve(b"")

    def do_POST(self):
        """With a body of known length."""
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return self.answer(400, {"Content-Type": "text/plain"}, b"requests are not chunked\n")
        return self.serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_POST
    do_PATCH = do_POST
    do_DELETE = do_GET

    def note(self, raw):
        """Remember the request for tests; its path."""
        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.tenant.requests.append((self.command, path, headers, raw))
        return path

    def spoiled(self, fault):
        """Do what a fault of the wire or a status says; whether that was all."""
        if fault in RAW:
            done = RAW[fault](self) is not False
            self.close_connection = self.close_connection or done
            return done
        if fault in STATUSES:
            status, headers, kind, body = STATUSES[fault]
            self.answer(status, {"Content-Type": kind, **headers}, body)
            return True
        return False

    def head(self, status, headers):
        """Status line and headers; `headers` as mapping or, when names repeat, as pairs."""
        self.send_response(status)
        pairs = headers.items() if isinstance(headers, dict) else headers
        for name, value in (*pairs, *self.extra):
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status, headers, body):
        """A whole answer."""
        pairs = headers.items() if isinstance(headers, dict) else headers
        self.head(status, [*pairs, ("Content-Length", str(len(body)))])
        self.wfile.write(body)

    def refuse(self, refusal):
        """One of Entra's errors."""
        self.answer(refusal.status, JSON, json.dumps(refusal.document).encode())
