"""End to end: through a proxy, and past proxies that refuse, hang, echo or speak no HTTP."""

from __future__ import annotations

import pytest

from ..conftest import GRACE, mapi_perfdata, perfdata
from ..support.odd_proxy import OddProxy, asks_first


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
    through = proxy(asks_first(OddProxy.relay))
    options = ("--proxy", through.address, "--proxy-user", "p", "--proxy-password-file", password)
    run = mapi("healthy", *options)
    assert run.line == "MAPI OK - healthy@practice.example: Inbox listed in #s (mapi)"
    # One question, and all of the run by one tunnel.
    assert (len(run.requests), run.connections, len(through.seen)) == (4, 1, 2)
    assert "\n  proxy logon   p by Basic\n" in run.diagnosis
    assert run.diagnosis.endswith(
        f"\n  proxy         {through.address} from --proxy (command line) as p\n"
    )
    warm = mapi("healthy", *options)
    phases = "time_dns=#s time_tcp=0s time_proxy=#s time_tls=#s"
    steps = "time_connect=#s time_execute=#s time_disconnect=#s"
    assert warm.perfdata == mapi_perfdata(discovery="0s", service=f"{phases} {steps}")
    # Neither side sees the other's credential.
    asked, shown = through.seen[:2]
    assert "Authorization" not in asked
    assert shown == asked[:-2] + "Proxy-Authorization: Basic cDpmb3IgdGhlIHByb3h5\r\n\r\n"
    assert not any("proxy-authorization" in headers for _, _, headers, _ in tenant.requests)


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
        "--proxy-auth",
        "basic",
    )
    assert cmdlet("healthy", *arguments, "-vvv").code == 0
    # RFC 7617: user name and password as UTF-8; unasked, because the scheme was named.
    assert "Proxy-Authorization: Basic asO8cmdlbjpww6Rzc3dvcmQ6MQ==\r\n" in through.seen[0]
    assert not any("proxy-authorization" in headers for _, _, headers, _ in tenant.requests)


def test_proxy_of_the_environment(check, proxy, tenant):
    through = proxy(OddProxy.relay)
    ini = (f"--extra-opts=cmdlet@{tenant.ini}", "--no-cache")
    named = {"HTTPS_PROXY": f"http://{through.address}"}
    run = check(*ini, **named)
    assert (run.code, len(through.seen)) == (0, 1)
    assert run.diagnosis.endswith(f"\n  proxy         {through.address} from HTTPS_PROXY\n")
    run = check(*ini, **named, NO_PROXY="127.0.0.1")
    assert (run.code, len(through.seen)) == (0, 1)
    assert "\n  without proxy 127.0.0.1, because NO_PROXY says so\n" in run.diagnosis
    run = check(*ini, "--no-proxy", **named)
    assert (run.code, len(through.seen)) == (0, 1)
    assert run.diagnosis.endswith("\n  proxy         none, direct connection (--no-proxy)\n")


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
    (
        _answer(b"HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n"),
        "refuses to connect to 127.0.0.1:PORT (HTTP 403)",
    ),
    (_answer(b"HTTP/1.1 503 No\r\n\r\n"), "cannot reach 127.0.0.1:PORT (HTTP 503)"),
    (_answer(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000), "answers CONNECT with no HTTP"),
]


@pytest.mark.parametrize(("act", "text"), PROXIES, ids=[row[1][:20] for row in PROXIES])
def test_proxy_that_refuses(cmdlet, proxy, tenant, act, text):
    through = proxy(act)
    text = text.replace("PORT", str(tenant.port))
    run = cmdlet("healthy", "--proxy", through.address)
    assert run.line.startswith(f"MAPI CRITICAL - sign-in failed: proxy {through.address} {text}")
    assert (run.perfdata, run.code) == (perfdata(service="barred"), 2)
    assert ": kind proxy\n" in run.diagnosis
    assert len(through.seen) == 1


def test_a_proxy_without_tls_that_waits_for_more_of_a_handshake(cmdlet, proxy):
    silent = proxy(OddProxy.hang)
    run = cmdlet("healthy", "-t", "5", "--proxy", f"https://{silent.address}")
    cause = f"no answer from proxy {silent.address} by TLS in 5s"
    assert (run.line.partition("; ")[0], run.code) == (
        f"MAPI CRITICAL - sign-in failed: {cause}",
        2,
    )
    assert (
        "\n  remedy        name a proxy without TLS as http://; else check the proxy"
        in run.diagnosis
    )


@pytest.mark.parametrize("act", [OddProxy.hang, OddProxy.drip])
def test_proxy_that_hangs(cmdlet, proxy, act):
    through = proxy(act)
    run = cmdlet("healthy", "--proxy", through.address, "-t", "5")
    text = f"no answer from proxy {through.address} in 5s; check the proxy; see its own log"
    assert (run.line, run.code) == (f"MAPI CRITICAL - sign-in failed: {text}", 2)
    assert run.seconds < 5 + GRACE


def test_proxy_that_is_not_there(cmdlet):
    run = cmdlet("healthy", "--proxy", "127.0.0.1:1")
    assert run.line == (
        "MAPI CRITICAL - sign-in failed: proxy 127.0.0.1 port 1: connection refused "
        "(ECONNREFUSED); "
        "check --proxy (command line)"
    )
    assert run.code == 2
    run = cmdlet("healthy", "--proxy", "proxy.invalid:3128", "-t", "10")
    assert run.line.startswith("MAPI CRITICAL - sign-in failed: proxy name proxy.invalid ")
    assert ": kind proxy\n" in run.diagnosis


def test_proxy_password_that_is_echoed_is_never_shown(cmdlet, proxy, tmp_path):
    password = tmp_path / "password"
    password.write_text("correct-horse\n")
    password.chmod(0o600)

    @asks_first
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
