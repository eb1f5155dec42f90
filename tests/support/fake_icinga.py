"""Icinga 2's API as far as a feed sees it, written from what 2.13.6 and 2.14.6 were seen to answer."""

from __future__ import annotations

import base64
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

import trustme

USER, PASSWORD = "mapi", "feed:secret-password"

PERMISSION = "actions/process-check-result"

#: What the API says of everything that it does not find.
_NOT_FOUND = {"error": 404, "status": "No objects found."}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.request.settimeout(20)
        # In the thread of the connection: a client that does not trust it must not end the server.
        self.request.do_handshake()
        super().setup()
        self.server.icinga.connections += 1

    def version_string(self):
        return f"Icinga/r{self.server.icinga.version}"

    def do_GET(self):
        icinga = self.server.icinga
        icinga.asked.append("GET")
        if icinga.before(self):
            return
        if not self._known():
            return
        user = {"user": USER, "permissions": icinga.permissions, "version": icinga.version}
        self.answer(200, {"results": [user]})

    def do_POST(self):
        icinga = self.server.icinga
        text = self.rfile.read(int(self.headers["Content-Length"]))
        path, _, query = self.path.partition("?")
        name = dict(urllib.parse.parse_qsl(query.replace("+", "%2B")))["service"]
        icinga.asked.append(name)
        icinga.bodies.append(text)
        if icinga.before(self) or not self._known():
            return
        assert path == "/v1/actions/process-check-result"
        if self.headers["Accept"] != "application/json":
            self.answer(400, None)
        else:
            self.answer(*icinga.process(name, json.loads(text)))

    def _known(self):
        scheme, _, word = self.headers.get("Authorization", "").partition(" ")
        right = scheme == "Basic" and base64.b64decode(word).decode() == f"{USER}:{PASSWORD}"
        if right or self.request.getpeercert():
            return True
        self.answer(
            401, {"error": 401, "status": "Unauthorized. Please check your user credentials."}
        )
        return False

    def answer(self, status, document, **headers):
        """One answer as JSON, or as the HTML that stands for none."""
        body = (
            b"<h1>Accept header is missing</h1>"
            if document is None
            else json.dumps(document).encode()
        )
        self.send_response(status)
        kind = "text/html" if document is None else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def drop(self):
        """End the connection without an answer."""
        self.close_connection = True
        self.request.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        sock, address = super().get_request()
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, *_):
        pass


class FakeIcinga:
    """The API on loopback; `with FakeIcinga(directory) as icinga:`.

    `services` are the objects there are, `results` what the last result of each was; `faults` are
    called before an answer, in turn, and answer by themselves where they return true.
    """

    def __init__(self, directory, services, version="2.14.6-1"):
        self.services, self.version = set(services), version
        self.permissions = [f"{PERMISSION} (filtered)"]
        self.results, self.asked, self.bodies, self.faults = {}, [], [], {}
        self.connections = 0
        self._authority = trustme.CA()
        self.ca_file = directory / "icinga-ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)
        made = self._authority.issue_cert("127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.configure_cert(context)
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.icinga, self._server.context = self, context
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self.password_file = directory / "icinga-password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)

    def client(self, directory):
        """A client certificate of the same authority, with its key."""
        path = directory / "client.pem"
        self._authority.issue_cert("mapi").private_key_and_cert_chain_pem.write_to_path(path)
        path.chmod(0o600)
        return path

    def before(self, handler):
        """Whether a fault has answered; the key of a fault is the number of the request."""
        fault = self.faults.pop(len(self.asked), None)
        return fault is not None and fault(handler)

    def process(self, name, body):
        """(status, document) of a result for an object."""
        if name not in self.services:
            words = (
                {"diagnostic_information": "Error: no such object"} if body.get("verbose") else {}
            )
            return 404, {**_NOT_FOUND, **words}
        before = self.results.get(name)
        if before and before["execution_start"] > body["execution_start"]:
            if self.version < "2.14":
                return self._taken(name)
            status = "Newer check result already present. Check result for '{name}' was discarded."
            return 409, {"results": [{"code": 409, "status": status.format(name=name)}]}
        self.results[name] = body
        return self._taken(name)

    def _taken(self, name):
        status = f"Successfully processed check result for object '{name}'."
        return 200, {"results": [{"code": 200, "status": status}]}

    def lose(self, seconds):
        """Forget what came within so many seconds, as the reload of an old version does."""
        since = time.time() - seconds
        for name in [one for one, body in self.results.items() if body["execution_end"] >= since]:
            del self.results[name]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
