"""The server: TLS on loopback, one thread a connection, counters that tests read."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import sys
import threading
import time
import traceback
import urllib.parse

from cryptography import x509

from . import autodiscover, exchange, mapi_faults
from .entra import Entra, Refusal
from .faults import MAPI_PLACES, RAW, STATUSES, Switchboard
from .logon import Challenge, Logon
from .mapi_envelope import Endpoint, Request
from .material import Material


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        tenant = self.server.tenant
        self.logon = Logon(tenant, tenant.material.server_der)
        self.extra = []

    def finish(self):
        self.logon.close()
        super().finish()

    def log_message(self, *_):
        """Requests are counted, not printed."""

    def do_GET(self):
        self._serve(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return self._answer(400, {"Content-Type": "text/plain"}, b"requests are not chunked\n")
        return self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_POST
    do_DELETE = do_GET

    def _serve(self, raw):
        tenant = self.server.tenant
        path = urllib.parse.urlsplit(self.path).path
        parts = [urllib.parse.unquote(part) for part in path.split("/") if part]
        if parts[:1] == ["switch"]:
            return self._switch(parts[1:])
        self.extra, user = [], None
        place = _place(self.command, parts, self.headers)
        tenant.requests.append(
            (self.command, path, {name.lower(): value for name, value in self.headers.items()}, raw)
        )
        if place in GUARDED:
            try:
                user, self.extra = self.logon.check(self.headers)
            except Challenge as challenge:
                return self._answer(challenge.status, challenge.headers, challenge.body)
        fault = tenant.faults.take(place)
        if fault in RAW:
            if RAW[fault](self) is not False:
                self.close_connection = True
                return None
        elif fault in STATUSES:
            status, headers, kind, body = STATUSES[fault]
            return self._answer(status, {"Content-Type": kind, **headers}, body)
        if place in MAPI_PLACES or place == "mapi":
            request = Request(self.command, self.path, self.headers, raw, user)
            return mapi_faults.serve(self, fault, request, tenant.mapi)
        if place == "autodiscover":
            return self._autodiscover(raw)
        try:
            return self._answer(*self._ordinary(place, parts, raw))
        except Refusal as refusal:
            return self._answer(refusal.status, _JSON, json.dumps(refusal.document).encode())

    def _ordinary(self, place, parts, raw):
        tenant = self.server.tenant
        if place == "discovery":
            return 200, _JSON, json.dumps(tenant.entra.configuration(tenant.url, parts[0])).encode()
        if place == "realm":
            return 200, _JSON, json.dumps(tenant.entra.realm(parts[2])).encode()
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

    def _autodiscover(self, raw):
        status, headers, body = autodiscover.answer(
            self.server.tenant, self.command, self.path, self.headers, raw
        )
        if body is not None:
            return self._answer(status, headers, body)
        self.close_connection = True
        self.head(status, headers)
        self.wfile.write(b'<?xml version="1.0" encoding="utf-8"?><Autodiscover>')
        while not self.server.stopping.is_set():
            self.wfile.write(b"<Filler/>" * 1000)
        return None

    def head(self, status, headers):
        """Status line and headers; `headers` as mapping or, when names repeat, as pairs."""
        self.send_response(status)
        pairs = headers.items() if isinstance(headers, dict) else headers
        for name, value in (*pairs, *self.extra):
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, status, headers, body):
        pairs = headers.items() if isinstance(headers, dict) else headers
        self.head(status, [*pairs, ("Content-Length", str(len(body)))])
        self.wfile.write(body)


_JSON = {"Content-Type": "application/json; charset=utf-8"}


GUARDED = (*MAPI_PLACES, "mapi", "autodiscover")


def _place(command, parts, headers):
    if [part.lower() for part in parts] == ["autodiscover", "autodiscover.xml"]:
        return "autodiscover"
    if parts[:1] == ["mapi"]:
        kind = f"mapi-{headers.get('X-RequestType', '').lower()}"
        return kind if kind in MAPI_PLACES else "mapi"
    if parts[:2] == ["common", "userrealm"] and len(parts) == 3 and command == "GET":
        return "realm"
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
        """A client that went away is no error here; what else goes wrong is kept for tests."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.tenant.crashes.append(traceback.format_exc())


class Tenant:
    """The practice tenant; `url` is its one address for sign-in, Exchange Online and Exchange on
    premises.

    `requests` and `connections` count what clients did, `logons` are the attempts to authenticate
    as (scheme, user, succeeded), `remarks` what the specification forbids and servers let pass,
    `crashes` tracebacks of the tenant's own;
    `faults` is the switchboard, `mapi` the endpoint of MAPI over HTTP with its store and sessions.
    """

    def __init__(self, directory, address="127.0.0.1"):
        self.material = Material(directory)
        self.entra = Entra([self.material.certificate], self.material.password, self.users)
        self.faults = Switchboard()
        self.exchange_delay = 0.0
        self.requests = []
        self.connections = 0
        self._new_premises()
        self._server = _Server(self, address)
        host = f"[{address}]" if ":" in address else address
        self.port = self._server.server_address[1]
        self.url = f"https://{host}:{self.port}"
        healthy = self.mapi.store.mailboxes["healthy"]
        self.ini = self.material.write_ini(
            self.url, autodiscover.mapi_url(self.url, healthy.endpoint), healthy.dn
        )

    def _new_premises(self):
        #: "exchange" or "gromox".
        self.flavour = "exchange"
        #: What a 401 offers, in this order; any but Basic and Bearer needs an acceptor (`logon`).
        self.schemes = ("Basic",)
        self.acceptors = {}
        #: Accounts that acceptors name and the domain does not have, in lower case -> mailbox name.
        self.accounts = {}
        #: NTLM and Negotiate authenticate one request instead of the connection.
        self.per_request = False
        #: RopLogon may share a buffer with other ROPs.
        self.combined_logon = True
        self.logons = []
        self.remarks = []
        self.crashes = []
        self.mapi = Endpoint(self)

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
        self._new_premises()

    def users(self):
        """Everybody who can authenticate, by the name before the @."""
        return {*self.mapi.store.mailboxes, *autodiscover.NAMES}

    def open_sessions(self):
        """How many MAPI sessions nobody has ended."""
        return len(self.mapi.sessions)

    def move(self, name, sign="invalid-path"):
        """Give a mailbox another endpoint. What the old one does from now on: `invalid-path`
        (X-ResponseCode 3), `not-found` (404), `redirect` (302), `lost` (X-ResponseCode 10 at
        Connect), `unknown-user` (ErrorCode 0x3EB, the DN is new too), `wrong-server` (RopLogon
        0x478).
        """
        self.mapi.store.mailboxes[name].move(sign)

    def paths(self):
        """Method and path of every request so far."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]
