"""The server: TLS on loopback, one thread a connection, counters that tests read."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

from cryptography import x509

from . import exchange
from .entra import Entra, Refusal
from .faults import RAW, STATUSES, Switchboard
from .material import Material


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Requests are counted, not printed."""

    def do_GET(self):
        self._serve(b"")

    def do_POST(self):
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_POST
    do_DELETE = do_GET

    def _serve(self, raw):
        tenant = self.server.tenant
        path = urllib.parse.urlsplit(self.path).path
        parts = [urllib.parse.unquote(part) for part in path.split("/") if part]
        if parts[:1] == ["switch"]:
            return self._switch(parts[1:])
        place = _place(self.command, parts)
        tenant.requests.append(
            (self.command, path, {name.lower(): value for name, value in self.headers.items()}, raw)
        )
        fault = tenant.faults.take(place)
        if fault in RAW:
            if RAW[fault](self) is not False:
                self.close_connection = True
                return None
        elif fault is not None:
            status, headers, kind, body = STATUSES[fault]
            return self._answer(status, {"Content-Type": kind, **headers}, body)
        try:
            return self._answer(*self._ordinary(place, parts, raw))
        except Refusal as refusal:
            return self._answer(refusal.status, _JSON, json.dumps(refusal.document).encode())

    def _ordinary(self, place, parts, raw):
        tenant = self.server.tenant
        if place == "discovery":
            return 200, _JSON, json.dumps(tenant.entra.configuration(tenant.url, parts[0])).encode()
        if place == "token":
            form = {name: values[0] for name, values in urllib.parse.parse_qs(raw.decode()).items()}
            return 200, _JSON, json.dumps(tenant.entra.token(tenant.url, parts[0], form)).encode()
        if place == "exchange":
            if tenant.exchange_delay:
                time.sleep(tenant.exchange_delay)
            return exchange.answer(
                tenant.entra.check(self.headers.get("Authorization")), parts[2], self.headers, raw
            )
        return 404, _JSON, b"{}"

    def _switch(self, parts):
        """`PUT /switch/PLACE/FAULT[/TIMES]`, `DELETE /switch`."""
        faults = self.server.tenant.faults
        try:
            if self.command == "DELETE":
                faults.off()
            else:
                # A handshake that always fails would bar the way to this switch.
                times = 1 if parts[0] == "tls" else -1
                faults.on(parts[0], parts[1], int(parts[2]) if len(parts) > 2 else times)
        except (KeyError, IndexError, ValueError):
            return self._answer(404, {"Content-Type": "text/plain"}, b"no such fault\n")
        return self._answer(200, {"Content-Type": "text/plain"}, b"switched\n")

    def _answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _place(command, parts):
    if parts[1:] == ["v2.0", ".well-known", "openid-configuration"] and command == "GET":
        return "discovery"
    if parts[1:] == ["oauth2", "v2.0", "token"] and command == "POST":
        return "token"
    if parts[:2] == ["adminapi", "beta"] and parts[3:] == ["InvokeCommand"] and command == "POST":
        return "exchange"
    return None


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tenant, address):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.tenant = tenant
        self.stopping = threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tenant.material.server.configure_cert(self.context)
        super().__init__((address, 0), _Handler)

    def finish_request(self, request, client_address):
        """In the connection's own thread: handshake, then requests."""
        fault = self.tenant.faults.take("tls")
        if fault == "silent":
            self.stopping.wait(120)
            return
        if fault == "close":
            return
        if fault == "plain":
            request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        self.tenant.connections += 1
        try:
            super().finish_request(secured, client_address)
        except (OSError, ssl.SSLError):
            pass
        finally:
            secured.close()

    def handle_error(self, request, client_address):
        """A client that went away is no error here."""


class Tenant:
    """The practice tenant; `url` is its one address for sign-in and Exchange.

    `requests` and `connections` count what clients did; `faults` is the switchboard.
    """

    def __init__(self, directory, address="127.0.0.1"):
        self.material = Material(directory)
        self.entra = Entra([self.material.certificate])
        self.faults = Switchboard()
        self.exchange_delay = 0.0
        self.requests = []
        self.connections = 0
        self._server = _Server(self, address)
        host = f"[{address}]" if ":" in address else address
        self.port = self._server.server_address[1]
        self.url = f"https://{host}:{self.port}"
        self.ini = self.material.write_ini(self.url)

    def start(self):
        """Serve in a background thread."""
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def stop(self):
        """Stop serving; hanging connections end."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def register(self, path):
        """Upload the certificate of a PEM file to the app registrations."""
        with open(path, "rb") as file:
            self.entra.certificates.append(x509.load_pem_x509_certificate(file.read()))

    def reset(self):
        """Faults off, counters at zero, everything issued still good."""
        self.faults.off()
        self.exchange_delay = 0.0
        self.entra.token_lifetime = 3599
        self.entra.revoked.clear()
        self.requests.clear()
        self.connections = 0

    def paths(self):
        """Method and path of every request so far."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]
