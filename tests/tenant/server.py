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

from . import (
    adfs,
    autodiscover,
    autodiscover_parts,
    exchange,
    graph,
    graph_admin,
    imds,
    mapi_faults,
    switch,
)
from .administration import Administration
from .directory import DIRECTORIES, HOME, local_part
from .entra import Entra
from .faults import ENTRA, MAPI_PLACES, NSPI_PLACES, Switchboard
from .handler import JSON, Handler
from .logon import Challenge, Logon
from .mapi_envelope import Endpoint
from .mapi_transport import Request
from .material import Material
from .nodes import Closed, Node
from .nspi import AddressBook
from .places import GUARDED, place_of
from .refusals import Refusal


class _Handler(Handler):
    def setup(self):
        super().setup()
        tenant = self.server.tenant
        node = self.server.node
        refuses = node is not None and node.fault == "logon"
        self.logon = Logon(tenant, tenant.material.server_der, refuses=refuses)

    def finish(self):
        self.logon.close()
        super().finish()

    def serve(self, raw):
        """One request."""
        tenant = self.server.tenant
        path = urllib.parse.urlsplit(self.path).path
        parts = [urllib.parse.unquote(part) for part in path.split("/") if part]
        if parts[:1] == ["switch"]:
            return self.answer(*switch.throw(tenant, self.command, parts[1:]))
        place, user = place_of(self.command, parts, self.headers), None
        node, endpoint = self.server.node, self._endpoint(place)
        own = node.extra(tenant.flavour) if node else []
        self.extra = own
        self.note(raw)
        if place == "token":
            tenant.count("token_requests")
        if place in GUARDED:
            try:
                bearer = tenant.faults.bearer(place, self._mailbox(place, parts, raw))
                if bearer:
                    raise self.logon.bearer_challenge(bearer)
                user, more = self.logon.check(self.headers)
                self.extra = [*own, *more]
            except Challenge as challenge:
                return self.answer(challenge.status, challenge.headers, challenge.body)
        fault = tenant.faults.take(place, self._mailbox(place, parts, raw))
        if (node and self.spoiled(node.request_fault)) or self.spoiled(fault):
            return None
        if endpoint is not None:
            request = Request(self.command, self.path, self.headers, raw, user, node)
            self.extra = [pair for pair in self.extra if pair[0] != "X-FEServer"]
            return mapi_faults.serve(self, fault, request, endpoint)
        if place == "autodiscover":
            return self._autodiscover(raw)
        try:
            number = ENTRA.fullmatch(fault or "")
            if number:
                refusal = Refusal(int(number[1]))
                refusal.status = int(number[2] or refusal.status)
                raise refusal
            cut = self._cut(place, raw)
            found = self._ordinary(place, parts, raw) if cut != "before" else ()
            if cut:
                tenant.when_cut()
                self.close_connection = True
                return None
            return self.answer(*found)
        except Refusal as refusal:
            return self.refuse(refusal)

    def _endpoint(self, place):
        """The endpoint of MAPI over HTTP, if it is one."""
        tenant = self.server.tenant
        if place in MAPI_PLACES or place == "mapi":
            return tenant.mapi
        return tenant.nspi if place in NSPI_PLACES or place == "nspi" else None

    def date_time_string(self, timestamp=None):
        """For the Date header."""
        node = self.server.node
        return node.date() if node else super().date_time_string(timestamp)

    def _mailbox(self, place, parts, raw):
        """The mailbox that the request is about, for faults of that one."""
        tenant = self.server.tenant
        if place == "exchange":
            return exchange.mailbox_of(raw)
        if place == "graph":
            return graph.mailbox_of(tenant, parts, self.headers)
        if place == "autodiscover":
            return autodiscover.mailbox_of(tenant, raw)
        if place == "autodiscover-json":
            return local_part(autodiscover_parts.address_of(self.path, parts))
        endpoint = self._endpoint(place)
        return endpoint.mailbox_of(self.path) if endpoint is not None else ""

    def _cut(self, place, raw):
        """Whether this request of an administrator is cut, `before` or `after` it is carried out."""
        tenant = self.server.tenant
        if place not in ("exchange", "graph"):
            return ""
        claims = tenant.entra.check(self.headers.get("Authorization"), place) or {}
        admin = tenant.administrations.get(claims.get("tid"))
        if admin is None or claims.get("upn") not in admin.people:
            return ""
        call = f"{self.command} {self.path}"
        admin.calls.append(exchange.name_of(raw) if place == "exchange" else call)
        return tenant.faults.cut()

    def _ordinary(self, place, parts, raw):
        tenant = self.server.tenant
        root = f"https://{self.headers['Host']}" if self.headers.get("Host") else tenant.url
        if place == "discovery":
            return 200, JSON, json.dumps(tenant.entra.configuration(root, parts[0])).encode()
        if place == "realm":
            return 200, JSON, json.dumps(tenant.entra.realm(root, parts[2])).encode()
        if place == "token":
            return 200, JSON, json.dumps(tenant.entra.token(root, parts[0], _form(raw))).encode()
        if place == "devicecode":
            return 200, JSON, json.dumps(tenant.entra.device_code(parts[0], _form(raw))).encode()
        if place == "autodiscover-json":
            return autodiscover_parts.answer(tenant, root, self.path, parts)
        if place == "adfs":
            return adfs.answer(tenant, self.command, parts, self.headers, raw)
        if place == "graph":
            return self._graph(parts, raw)
        if place == "exchange":
            if tenant.exchange_delay:
                time.sleep(tenant.exchange_delay)
            identity = tenant.entra.check(self.headers.get("Authorization"))
            all_of_them = tenant.administrations
            return exchange.answer(identity, parts[2], self.headers, raw, all_of_them)
        return 404, JSON, b"{}"

    def _graph(self, parts, raw):
        tenant = self.server.tenant
        ask = (tenant, self.command, self.path, parts, self.headers)
        if graph_admin.concerns(parts):
            return graph.answer(self.headers, lambda: graph_admin.serve(*ask, raw))
        return graph.answer(self.headers, lambda: graph.messages(*ask))

    def _autodiscover(self, raw):
        status, headers, body = autodiscover.answer(
            self.server.tenant, self.command, self.path, self.headers, raw
        )
        if body is not None:
            return self.answer(status, headers, body)
        self.close_connection = True
        self.head(status, headers)
        self.wfile.write(b'<?xml version="1.0" encoding="utf-8"?><Autodiscover>')
        while not self.server.stopping.is_set():
            self.wfile.write(b"<Filler/>" * 1000)
        return None


def _form(raw):
    fields = urllib.parse.parse_qs(raw.decode(errors="replace"))
    return {name: values[0] for name, values in fields.items()}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tenant, address, port=0, node=None):
        self.node = node
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.tenant = tenant
        self.stopping = threading.Event()
        self.context = (node or Node("")).context(tenant.material)
        super().__init__((address, port), _Handler)

    def finish_request(self, request, client_address):
        """In the connection's own thread: handshake, then requests."""
        fault = self.node.fault if self.node else self.tenant.faults.take("tls")
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
        self.tenant.count("connections")
        try:
            super().finish_request(secured, client_address)
        except (OSError, ssl.SSLError):
            pass
        finally:
            secured.close()

    def close(self):
        """Stop serving; hanging connections end."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that went away is no error here; what else goes wrong is kept for tests."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.tenant.crashes.append(traceback.format_exc())


class Tenant:
    """The practice tenant; `url` is its one address for sign-in, Exchange Online and Exchange on
    premises.

    `imds_url` is that of managed identities, by plain HTTP. `requests`, `connections` and
    `token_requests` (those to the token endpoint and to IMDS) count what clients did, `logons` are
    the attempts to authenticate as (scheme, user, succeeded), `entra.password_tries` those by
    password at sign-in, `remarks` what the specification forbids and servers let pass, `crashes`
    tracebacks of the tenant's own;
    `faults` is the switchboard, `administrations` what administrators made by tenant id, `admin` that
    of the tenant at home, `mapi` the endpoint of MAPI over HTTP with its store and sessions, `nspi` that of
    the address book with its own sessions.
    """

    def __init__(self, directory, address="127.0.0.1"):
        self.material = Material(directory)
        self.entra = Entra(self.material, self.users, lambda: self.administrations)
        self.entra.reads_itself = lambda: self.own_secrets is not None
        self.faults = Switchboard()
        self._lock = threading.Lock()
        self._nodes = []
        self._new_counters()
        self._new_administrations()
        self._new_premises()
        self._server = _Server(self, address)
        self._imds = imds.Server(self, address, self._server.stopping)
        host = f"[{address}]" if ":" in address else address
        self.port = self._server.server_address[1]
        self.url = f"https://{host}:{self.port}"
        self.imds_url = f"http://{host}:{self._imds.server_address[1]}"
        healthy = self.mapi.store.mailboxes["healthy"]
        endpoint = autodiscover.mapi_url(self.url, healthy.endpoint)
        self.ini = self.material.write_ini(self.url, self.imds_url, endpoint, healthy.dn)

    def _new_counters(self):
        self.exchange_delay = 0.0
        #: Called when the connection of an administrator is cut, right before that.
        self.when_cut = lambda: None
        #: Whether the machine has managed identities.
        self.imds_identity = True
        #: What every app may read of itself: its secrets as Graph shows them. None where it may not.
        self.own_secrets = None
        self.requests = []
        self.connections = 0
        self.token_requests = 0

    def count(self, name):
        """One more."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)

    def _new_administrations(self):
        mailboxes = tuple(exchange.MAILBOXES)
        self.administrations = {one.id: Administration(one, mailboxes) for one in DIRECTORIES}

    @property
    def admin(self):
        """The administrator's side of the tenant at home."""
        return self.administrations[HOME.id]

    def directory_state(self):
        """Everything that administrators made at home, as plain values that can be compared."""
        return self.admin.state()

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
        #: What Autodiscover v2 knows.
        self.json_protocols = ("ActiveSync", "Ews", "AutodiscoverV1")
        self.mapi = Endpoint(self)
        self.nspi = AddressBook(self, self.mapi.store)

    def start(self):
        """Serve in a background thread."""
        for server in (self._server, self._imds):
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            ).start()
        return self

    def stop(self):
        """Stop serving; hanging connections end."""
        self.stop_nodes()
        self._server.stopping.set()
        for server in (self._server, self._imds):
            server.shutdown()
            server.server_close()

    def node(self, address, name, fault=None, **fields):
        """Answer at one more loopback address, at the tenant's port, as a server of that name; `fault` is
        one of `nodes.NAMES`, `fields` are those of `nodes.Node`.
        """
        node = Node(name, fault, address=f"{address}:{self.port}", **fields)
        if fault == "refuse":
            self._nodes.append(Closed(address, self.port))
            return node
        server = _Server(self, address, self.port, node)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._nodes.append(server)
        return node

    def stop_nodes(self):
        """Their addresses are free again."""
        for server in self._nodes:
            server.close()
        self._nodes.clear()

    def register(self, path):
        """Upload the certificate of a PEM file to the app registrations."""
        with open(path, "rb") as file:
            self.entra.certificates.append(x509.load_pem_x509_certificate(file.read()))

    def reset(self):
        """Faults off, counters at zero, everything issued still good."""
        self.faults.off()
        self.stop_nodes()
        self.entra.token_lifetime = 3599
        self.entra.revoked.clear()
        self.entra.password_tries.clear()
        self._new_counters()
        self._new_administrations()
        self._new_premises()

    def users(self):
        """Everybody who can authenticate, by the name before the @."""
        return {*self.mapi.store.mailboxes, *autodiscover.NAMES}

    def open_sessions(self):
        """How many sessions of mailboxes and of the address book nobody has ended."""
        return len(self.mapi.sessions) + len(self.nspi.sessions)

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
