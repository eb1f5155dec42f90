"""The way to a server: several addresses, and the words for each way it can be barred."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import route as network_route
from check_mapi_connectivity.network.transport import Transport

from ..support.options import means
from ..tenant import Tenant


@pytest.fixture
def route(tenant, options):
    """`route(seconds, **changes)` -> Route that trusts the practice tenant."""

    def make(seconds=30.0, **changes):
        chosen = options(**{"ca_files": (str(tenant.material.ca_file),), **changes})
        return network_route.Route(
            chosen, Deadline(time.monotonic(), seconds), Report("m", "cmdlet")
        )

    return make


def addresses(*pairs):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", pair) for pair in pairs]


def resolve_to(monkeypatch, found):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


def test_dead_addresses_are_passed_over(route, tenant, monkeypatch):
    resolve_to(
        monkeypatch, addresses(("127.0.0.1", 1), ("127.0.0.3", 1), ("127.0.0.1", tenant.port))
    )
    way = route()
    way.open("localhost", tenant.port).close()
    assert [phase.name for phase in way.watch.phases()] == ["dns", "tcp", "tls"]


def test_silent_address_gets_only_its_share(route, tenant, monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        name = full.getsockname()
        # With its backlog full, the kernel ignores further connection attempts.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(name)
        resolve_to(monkeypatch, addresses(name, ("127.0.0.1", tenant.port)))
        way = route(4.0)
        way.open("localhost", tenant.port).close()
        for filler in fillers:
            filler.close()
    assert way.deadline.remaining() > 0


def test_every_refused_address_is_listed(route, monkeypatch):
    resolve_to(monkeypatch, addresses(("127.0.0.1", 1), ("127.0.0.2", 1)))
    with pytest.raises(CheckFailure) as caught:
        route().open("mail.example", 1)
    failure = caught.value.failure
    assert (failure.kind, failure.cause) == ("connect", "mail.example port 1: connection refused")
    assert (
        failure.detail
        == "127.0.0.1 port 1: connection refused, 127.0.0.2 port 1: connection refused"
    )
    assert failure.transient


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "EAI_NONAME", "name h.example does not exist"),
        (
            socket.gaierror(socket.EAI_AGAIN, "x"),
            "EAI_AGAIN",
            "name h.example cannot be resolved at the moment: no name server answers",
        ),
        (
            socket.gaierror(socket.EAI_FAIL, "x"),
            "EAI_FAIL",
            "name h.example cannot be resolved: the name server fails",
        ),
        (socket.gaierror(-99, "x"), "", "name h.example cannot be resolved"),
        (UnicodeError("label too long"), "", "name h.example cannot be resolved"),
    ],
)
def test_name_resolution(route, monkeypatch, error, code, text):
    def fail(*_):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(CheckFailure) as caught:
        route().open("h.example", 443)
    assert (caught.value.failure.kind, caught.value.failure.code) == ("dns", code)
    assert caught.value.failure.cause == text


def test_address_family_is_asked_for(route, monkeypatch):
    asked = []

    def note(host, port, family, kind):
        asked.append(family)
        raise socket.gaierror(socket.EAI_NONAME, "x")

    monkeypatch.setattr(socket, "getaddrinfo", note)
    for version in (None, 4, 6):
        with pytest.raises(CheckFailure):
            route(ip_version=version).open("h.example", 443)
    assert asked == [socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6]


def test_wrong_name_in_the_certificate(route, tenant, monkeypatch):
    resolve_to(monkeypatch, addresses(("127.0.0.1", tenant.port)))
    with pytest.raises(CheckFailure) as caught:
        route().open("mail.example", tenant.port)
    failure = caught.value.failure
    assert (failure.kind, failure.code) == ("tls", "verify error 62")
    assert failure.cause.startswith("certificate of mail.example refused: it is for other names")
    assert failure.remedy.startswith("check host name, DNS and proxy")


def test_unknown_authority(route, tenant):
    with pytest.raises(CheckFailure) as caught:
        route(ca_files=()).open("127.0.0.1", tenant.port)
    assert caught.value.failure.kind == "tls"
    assert "--ca-file" in caught.value.failure.remedy


def test_lowest_tls_version(route, tenant):
    def version(**changes):
        with route(**changes).open("127.0.0.1", tenant.port) as sock:
            return sock.version()

    assert version(min_tls="1.3") == "TLSv1.3"
    tenant._server.context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        assert version() == "TLSv1.2"
        with pytest.raises(CheckFailure) as caught:
            version(min_tls="1.3")
    finally:
        tenant._server.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert caught.value.failure.kind == "tls"
    assert "offers no TLS version this check accepts" in caught.value.failure.cause


def test_authority_file_that_holds_none(route, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(UsageError, match=r"junk\.pem holds no usable certificate authority"):
        route(ca_files=(str(junk),))


def test_over_ipv6(options, tmp_path):
    try:
        tenant = Tenant(tmp_path / "six", "::1").start()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        chosen = options(ca_files=(str(tenant.material.ca_file),), ip_version=6)
        carrier = Transport(means(chosen), Deadline(time.monotonic(), 30), Report("m", "cmdlet"))
        assert carrier.send("GET", f"{tenant.url}/nothing", Stopwatch()).status == 404
        carrier.close()
    finally:
        tenant.stop()


def test_a_request_is_cut_after_its_time(tenant, options):
    tenant.faults.on("discovery", "silent")
    report = Report("m", "mapi")
    chosen = options(ca_files=(str(tenant.material.ca_file),))
    carrier = Transport(means(chosen), Deadline(time.monotonic(), 30), report)
    url = f"{tenant.url}/practice.onmicrosoft.example/v2.0/.well-known/openid-configuration"
    report.times.service.start("dns")
    with pytest.raises(CheckFailure) as caught:
        carrier.send(
            "GET", url, report.times.service, phase="execute", until=time.monotonic() + 0.3
        )
    failure = caught.value.failure
    assert failure.kind == "timeout"
    assert failure.cause.startswith("no answer to MAPI Execute from 127.0.0.1 in ")
    carrier.close()


def test_a_connection_opened_ahead_is_the_one_that_is_used(tenant, options):
    report = Report("m", "mapi")
    chosen = options(ca_files=(str(tenant.material.ca_file),))
    carrier = Transport(means(chosen), Deadline(time.monotonic(), 30), report)
    watch = Stopwatch()
    certificate = carrier.connect(f"{tenant.url}/a", watch, "connect")
    assert certificate == tenant.material.server_der
    for _ in range(3):
        carrier.send("GET", f"{tenant.url}/b", watch, phase="connect")
        assert carrier.connect(f"{tenant.url}/a", watch, "connect") == certificate
    assert carrier.connections(tenant.url) == tenant.connections == 1
    assert [phase.name for phase in watch.phases()] == ["dns", "tcp", "tls", "connect"]
    carrier.close()
