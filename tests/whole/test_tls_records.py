"""End to end: TLS that fails after its handshake is told as TLS, by numbers that are OpenSSL's."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import threading

import pytest

from ..support.odd_proxy import OddProxy

HEALTHY = "healthy@practice.example"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"

#: A record of application data that nobody has encrypted (RFC 8446 5.2).
DAMAGED = b"\x17\x03\x03\x00\x20" + bytes(32)


class Server:
    """`act(connection)` is called when a request has come over TLS."""

    def __init__(self, tenant, act, version=ssl.TLSVersion.TLSv1_3, demanding=False):
        self._act, self.connections = act, 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = version
        tenant.material.server.configure_cert(self._context)
        if demanding:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(str(tenant.material.ca_file))
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
        with client, contextlib.suppress(OSError):
            try:
                secured = self._context.wrap_socket(client, server_side=True)
            except ssl.SSLError:
                # What is refused reads the alert before the connection goes.
                client.recv(65536)
                raise
            with secured:
                with secured.makefile("rb") as stream:
                    stream.readline()
                    headers = http.client.parse_headers(stream)
                    stream.read(int(headers.get("Content-Length", 0)))
                self._act(secured)


def damage(connection):
    """A record that cannot be decrypted."""
    socket.socket.sendall(connection, DAMAGED)
    connection.recv(1)


def hang_up(connection):
    """The end of the connection, which TLS has not announced (RFC 8446 6.1)."""
    os.close(connection.detach())


def within(act):
    """The same in the middle of a body."""

    def later(connection):
        connection.sendall(LENGTH)
        act(connection)

    return later


CHANGED = "TLS of 127.0.0.1 was changed on the way"
NOTHING = "127.0.0.1 closes the connection, no answer"
CUT = "127.0.0.1 breaks off its answer after 10 bytes"
CASES = {
    "damaged": (damage, CHANGED, "tls"),
    "damaged within": (within(damage), CHANGED, "tls"),
    "hung up": (hang_up, NOTHING, "connect"),
    "hung up within": (within(hang_up), CUT, "protocol"),
}


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("case", CASES)
def test_what_breaks_after_the_handshake(way, tenant, case, version):
    act, words, kind = CASES[case]
    with Server(tenant, act, ssl.TLSVersion[version]) as server:
        run = way("cmdlet", "-m", HEALTHY, "--no-cache", "--exchange-url", server.url)
    assert run.line.startswith(f"MAPI CRITICAL - {HEALTHY}: {words}")
    assert f": kind {kind}\n" in run.diagnosis
    assert run.code == 2
    for foreign in ("EPERM", "forbids", "_ssl.c", "ENOEXEC", "EIO"):
        assert foreign not in run.line


@pytest.mark.parametrize(
    ("section", "option", "subject"),
    [
        ("cmdlet", "--exchange-url", HEALTHY),
        ("graph", "--graph-url", HEALTHY),
        ("cmdlet", "--authority-url", "sign-in failed"),
        ("mapi", "--autodiscover-url", f"{HEALTHY}: Autodiscover"),
    ],
)
def test_a_client_certificate_is_demanded_by_tls_1_3(way, tenant, section, option, subject):
    with Server(tenant, hang_up, demanding=True) as server:
        url = server.url + ("/autodiscover/autodiscover.xml" if section == "mapi" else "")
        run = way(section, "-m", HEALTHY, "--no-cache", option, url)
        tried = server.connections
    assert run.line.startswith(f"MAPI CRITICAL - {subject}: 127.0.0.1 demands")
    assert "127.0.0.1 demands a client certificate for TLS" in run.words
    assert ": kind tls\n" in run.diagnosis
    assert "\n  code          TLSV13_ALERT_CERTIFICATE_REQUIRED" in run.diagnosis
    assert (run.code, tried) == (2, 1)


def test_a_record_of_the_proxy_is_damaged(way, tenant):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tenant.material.server.configure_cert(context)
    proxy = OddProxy(damage_tunnel, context=context)
    run = way("cmdlet", "-m", HEALTHY, "--no-cache", "--proxy", f"https://{proxy.address}")
    proxy.close()
    cause = f"TLS of proxy {proxy.address} was changed on the way"
    assert run.line.startswith(f"MAPI CRITICAL - sign-in failed: {cause[:-12]}")
    assert cause in run.words
    assert ": kind proxy\n" in run.diagnosis


def damage_tunnel(_, client, __):
    """The same by a proxy that CONNECT has come to."""
    damage(client)
