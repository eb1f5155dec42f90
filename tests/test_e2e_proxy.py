"""End to end: through a proxy, and past proxies that refuse, hang, echo or speak no HTTP."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

import pytest

from .conftest import GRACE, mapi_perfdata, perfdata


class OddProxy:
    """A proxy on loopback that does one thing with every connection, and keeps what it was sent."""

    def __init__(self, act):
        self.seen = []
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._act = act
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            self.seen.append(head.decode())
            with contextlib.suppress(OSError):
                self._act(self, client, head.decode())

    def relay(self, client, head):
        host, port = head.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as origin:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            while True:
                for source in select.select([client, origin], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (origin if source is client else client).sendall(data)

    def hang(self, *_):
        self._stop.wait(60)

    def close(self):
        self._stop.set()
        self._listener.close()


@pytest.fixture
def proxy():
    """`proxy(act)` -> a running OddProxy."""
    started = []

    def make(act):
        started.append(OddProxy(act))
        return started[-1]

    yield make
    for one in started:
        one.close()


def test_through_a_proxy(cmdlet, proxy, tenant):
    through = proxy(OddProxy.relay)
    run = cmdlet("healthy", "--proxy", f"http://{through.address}", "-v")
    line = "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)"
    assert (run.line, run.code) == (line, 0)
    assert run.perfdata == perfdata(1, "0.041s", server="0.041s", service="kept")
    assert through.seen[0].startswith(
        f"CONNECT 127.0.0.1:{tenant.port} HTTP/1.1\r\nHost: 127.0.0.1:{tenant.port}\r\n"
    )
    assert f"proxy         {through.address} from --proxy (command line)" in run.diagnosis
    warm = cmdlet(
        "healthy", "--proxy-host", "127.0.0.1", "--proxy-port", through.address.split(":")[1]
    )
    phases = "time_dns=#s time_tcp=0s time_proxy=#s time_tls=#s time_request=#s"
    assert warm.perfdata == perfdata(1, "0.041s", "0s", server="0.041s", service=phases)


def test_mapi_through_a_proxy(mapi, proxy, tenant, tmp_path):
    password = tmp_path / "proxy-password"
    password.write_text("for the proxy\n")
    password.chmod(0o600)
    through = proxy(OddProxy.relay)
    options = ("--proxy", through.address, "--proxy-user", "p", "--proxy-password-file", password)
    run = mapi("healthy", *options)
    assert run.line == "MAPI OK - healthy@practice.example: Inbox listed in #s (mapi)"
    assert (len(run.requests), run.connections, len(through.seen)) == (4, 1, 1)
    warm = mapi("healthy", *options)
    phases = "time_dns=#s time_tcp=0s time_proxy=#s time_tls=#s"
    steps = "time_connect=#s time_execute=#s time_disconnect=#s"
    assert warm.perfdata == mapi_perfdata(discovery="0s", service=f"{phases} {steps}")
    # Neither side sees the other's credential.
    assert "Proxy-Authorization: Basic" in through.seen[0]
    assert not any("proxy-authorization" in headers for _, _, headers, _ in tenant.requests)
    assert "\r\nAuthorization:" not in through.seen[0]


def test_proxy_credentials_go_to_the_proxy_alone(cmdlet, proxy, tenant, tmp_path):
    password = tmp_path / "password"
    password.write_text("pässword:1\n")
    password.chmod(0o600)
    through = proxy(OddProxy.relay)
    arguments = (
        "--proxy",
        through.address,
        "--proxy-user",
        "jürgen",
        "--proxy-password-file",
        password,
    )
    assert cmdlet("healthy", *arguments, "-vvv").code == 0
    # RFC 7617: user name and password as UTF-8.
    assert "Proxy-Authorization: Basic asO8cmdlbjpww6Rzc3dvcmQ6MQ==\r\n" in through.seen[0]
    assert not any("proxy-authorization" in headers for _, _, headers, _ in tenant.requests)


def test_proxy_of_the_environment(check, proxy, tenant):
    through = proxy(OddProxy.relay)
    ini = (f"--extra-opts=cmdlet@{tenant.ini}", "--no-cache")
    assert check(*ini, HTTPS_PROXY=f"http://{through.address}").code == 0
    assert len(through.seen) == 1
    assert check(*ini, HTTPS_PROXY=f"http://{through.address}", NO_PROXY="127.0.0.1").code == 0
    assert check(*ini, "--no-proxy", HTTPS_PROXY=f"http://{through.address}").code == 0
    assert len(through.seen) == 1


def _answer(text):
    return lambda proxy, client, head: client.sendall(text)


PROXIES = [
    (
        _answer(
            b"HTTP/1.1 407 Denied\r\nContent-Length: 0\r\n"
            b'Proxy-Authenticate: NTLM, Basic realm="a, b"\r\n\r\n'
        ),
        "wants authentication and offers NTLM or Basic (HTTP 407)",
    ),
    (_answer(b"HTTP/1.0 407 Denied\r\n\r\n"), "wants authentication and offers nothing (HTTP 407)"),
    (
        _answer(b"HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n"),
        "refuses to connect to 127.0.0.1:PORT (HTTP 403)",
    ),
    (_answer(b"HTTP/1.1 503 No\r\n\r\n"), "cannot reach 127.0.0.1:PORT (HTTP 503)"),
    (_answer(b"<html>\r\n"), "answers CONNECT with no HTTP"),
    (_answer(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000), "answers CONNECT with no HTTP"),
    (_answer(b""), "answers CONNECT with no HTTP"),
]


@pytest.mark.parametrize(("act", "text"), PROXIES, ids=[row[1][:20] for row in PROXIES])
def test_proxy_that_refuses(cmdlet, proxy, tenant, act, text):
    through = proxy(act)
    text = text.replace("PORT", str(tenant.port))
    run = cmdlet("healthy", "--proxy", through.address)
    assert run.line.startswith(f"MAPI CRITICAL - sign-in failed: proxy {through.address} {text}")
    assert (run.perfdata, run.code) == (perfdata(service="barred"), 2)
    assert "  kind          proxy\n" in run.diagnosis
    assert len(through.seen) == 1


def test_proxy_that_hangs(cmdlet, proxy):
    through = proxy(OddProxy.hang)
    run = cmdlet("healthy", "--proxy", through.address, "-t", "5")
    text = f"timed out after 5s in sign-in, phase proxy (proxy {through.address})"
    assert (run.line, run.code) == (f"MAPI CRITICAL - healthy@practice.example: {text}", 2)
    assert run.seconds < 5 + GRACE


def test_proxy_that_is_not_there(cmdlet):
    run = cmdlet("healthy", "--proxy", "127.0.0.1:1")
    assert run.line == (
        "MAPI CRITICAL - sign-in failed: proxy 127.0.0.1 port 1: connection refused; "
        "check --proxy (command line)"
    )
    assert run.code == 2
    run = cmdlet("healthy", "--proxy", "proxy.invalid:3128", "-t", "10")
    assert run.line.startswith("MAPI CRITICAL - sign-in failed: proxy name proxy.invalid ")
    assert "  kind          proxy\n" in run.diagnosis


def test_proxy_password_that_is_echoed_is_never_shown(cmdlet, proxy, tmp_path):
    password = tmp_path / "password"
    password.write_text("correct-horse\n")
    password.chmod(0o600)

    def echo(_, client, head):
        token = head.split("Basic ")[1].split("\r\n")[0]
        client.sendall(
            f"HTTP/1.1 407 {token} correct-horse\r\nX-Squid-Error: {token}\r\n\r\n".encode()
        )

    through = proxy(echo)
    words = ("--proxy", through.address, "--proxy-user", "u", "--proxy-password-file", password)
    run = cmdlet("healthy", *words, "-vvv")
    assert "refuses user u" in run.line
    assert "correct-horse" not in run.stdout
    assert "dTpjb3JyZWN0LWhvcnNl" not in run.stdout
