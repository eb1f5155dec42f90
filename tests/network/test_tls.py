"""Certificates: whose they are, who issued them, and TLS within TLS."""

from __future__ import annotations

import datetime
import socket
import ssl
import sys
import time

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from check_mapi_connectivity.base.credentials import Proxy
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import tls
from check_mapi_connectivity.network.route import Route
from check_mapi_connectivity.network.transport import Transport
from check_mapi_connectivity.network.trust import Trust

from ..support.odd_proxy import OddProxy
from ..support.options import means
from ..tenant.material import make_certificate, pem, pem_key

OUTLOOK = "outlook.office365.com"
REFUSED = Failure("tls", "certificate refused: unable to get issuer", "name it", "verify error 20")


def der(issuer):
    """A certificate of this issuer's, which is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    return ssl.PEM_cert_to_DER_cert(pem(make_certificate(issuer, key=key)[1]).decode())


@pytest.fixture
def chain():
    """`chain(*names)` -> server's TLS context, its authority as PEM; who issues is Contoso's."""

    def make(*names):
        authority = trustme.CA(organization_name="Contoso", organization_unit_name="Gateway")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        return context, authority.cert_pem.bytes()

    return make


@pytest.fixture
def server():
    """`server(context, act)` -> a running OddProxy, which may as well be an origin."""
    started = []

    def make(context, act=OddProxy.hang):
        started.append(OddProxy(act, context=context))
        return started[-1]

    yield make
    for one in started:
        one.close()


@pytest.fixture
def route(options, tmp_path, monkeypatch):
    """`route(server, *authorities, **changes)` -> Route for which every name is this server."""

    def make(at, *authorities, **changes):
        trusted = tmp_path / "trusted.pem"
        trusted.write_bytes(b"".join(authorities))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (at.host, at.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        chosen = options(ca_files=(str(trusted),) if authorities else (), **changes)
        return Route(chosen, Deadline(time.monotonic(), 30), Report("m", "cmdlet"))

    return make


def refused(way, *place):
    """The failure of a connection that does not come about."""
    with pytest.raises(CheckFailure) as caught:
        way.open(*place)
    return caught.value.failure


INSPECTED = (
    "a proxy or firewall inspects TLS to {}: certificate issued by Contoso Web Gateway CA".format
)
UNTRUSTED = "certificate of {} is not trusted here: issued by {}".format


@pytest.mark.parametrize(
    ("host", "issuer", "cause"),
    [
        (OUTLOOK, "Contoso Web Gateway CA", INSPECTED(OUTLOOK)),
        (f"{OUTLOOK}.", "Contoso Web Gateway CA", INSPECTED(f"{OUTLOOK}.")),
        (
            "login.microsoftonline.us",
            "Contoso Web Gateway CA",
            INSPECTED("login.microsoftonline.us"),
        ),
        ("Graph.Microsoft.com", "Contoso Web Gateway CA", INSPECTED("Graph.Microsoft.com")),
        # An authority of Microsoft's that is not in the trust store here.
        (
            OUTLOOK,
            "DigiCert Cloud Services CA-1",
            UNTRUSTED(OUTLOOK, "DigiCert Cloud Services CA-1"),
        ),
        ("mail.contoso.test", "Contoso CA", UNTRUSTED("mail.contoso.test", "Contoso CA")),
        ("notoutlook.com", "Contoso CA", UNTRUSTED("notoutlook.com", "Contoso CA")),
        ("partner.outlook.cn", "CFCA OV OCA", UNTRUSTED("partner.outlook.cn", "CFCA OV OCA")),
    ],
)
def test_an_inspecting_proxy_is_told_from_a_broken_server(host, issuer, cause):
    told = tls.told_by_issuer(REFUSED, der(issuer), host)
    assert (told.cause, told.detail) == (cause, REFUSED.cause)
    assert (told.kind, told.code) == (REFUSED.kind, REFUSED.code)
    inspects = cause.startswith("a proxy")
    exempt = "give that authority by --ca-file, or exempt the host from inspection"
    assert told.remedy == (exempt if inspects else REFUSED.remedy)


@pytest.mark.parametrize("certificate", [b"", b"junk", b"0\x82\xff\xff"])
def test_a_certificate_that_cannot_be_read(certificate):
    assert tls.told_by_issuer(REFUSED, certificate, OUTLOOK) == REFUSED


def test_the_name_of_an_issuer_is_bounded():
    told = tls.told_by_issuer(REFUSED, der("x" * 64), "mail.contoso.test")
    assert told.cause == UNTRUSTED("mail.contoso.test", "x" * 64)


def test_an_issuer_without_a_name():
    key, when = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().public_key(key.public_key()).serial_number(1)
    builder = builder.subject_name(x509.Name([])).issuer_name(x509.Name([]))
    made = builder.not_valid_before(when).not_valid_after(when).sign(key, hashes.SHA256())
    told = tls.told_by_issuer(REFUSED, made.public_bytes(Encoding.DER), OUTLOOK)
    assert told == REFUSED


def test_the_second_look_sends_nothing_secret(route, server, chain):
    context, _ = chain(OUTLOOK)
    origin = server(context)
    failure = refused(route(origin), OUTLOOK, 443)
    assert failure.kind == "tls"
    assert failure.cause.startswith(f"a proxy or firewall inspects TLS to {OUTLOOK}: certificate ")
    assert failure.cause.endswith(" by Contoso")
    asked = f"HEAD / HTTP/1.1\r\nHost: {OUTLOOK}\r\nConnection: close\r\n\r\n"
    assert (origin.connections, origin.seen) == (2, [asked])


def test_without_cryptography_nobody_is_named(monkeypatch):
    certificate = der("Contoso Proxy")
    assert "Contoso Proxy" in tls.told_by_issuer(REFUSED, certificate, OUTLOOK).cause
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert tls.told_by_issuer(REFUSED, certificate, OUTLOOK) == REFUSED


def test_what_is_not_the_issuers_fault_needs_no_second_look(route, server, chain):
    context, authority = chain("other.example")
    origin = server(context)
    failure = refused(route(origin, authority), OUTLOOK, 443)
    assert failure.code == "verify error 62"
    assert failure.cause.startswith(f"certificate of {OUTLOOK} refused: it is for other names")
    assert origin.connections == 1


def test_an_inspection_that_is_trusted_is_named(route, server, chain):
    context, authority = chain(OUTLOOK, "mail.contoso.test")
    origin = server(context)
    way = route(origin, authority)
    way.open(OUTLOOK, 443).close()
    assert way.trace.facts == {"TLS inspected": f"{OUTLOOK} by Contoso"}
    # One's own server has whatever authority it likes.
    way = route(origin, authority)
    way.open("mail.contoso.test", 443).close()
    assert way.trace.facts == {}


def test_the_same_certificate_on_every_python(tmp_path):
    """Python 3.13 would refuse what has no key identifiers."""
    assert not Trust(Network()).context.verify_flags & getattr(ssl, "VERIFY_X509_STRICT", 0)
    assert Trust(Network()).context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert Trust(Network(min_tls="1.3")).context.minimum_version == ssl.TLSVersion.TLSv1_3
    key, certificate = make_certificate("127.0.0.1", key=ec.generate_private_key(ec.SECP256R1()))
    assert not list(certificate.extensions)
    (tmp_path / "own.pem").write_bytes(pem(certificate) + pem_key(key))
    settings = Trust(Network(ca_files=(str(tmp_path / "own.pem"),))).context
    assert settings.cert_store_stats()["x509"] >= 1


@pytest.fixture
def through_tls(tenant, options, server, carried):
    """`through_tls(act, **changes)` -> Transport through a proxy that is spoken to by TLS, and the
    proxy, whose certificate is the tenant's.
    """
    made = []

    def make(act=OddProxy.relay, *, secure=True, **changes):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tenant.material.server.configure_cert(context)
        proxy = server(context if secure else None, act)
        through = Proxy("127.0.0.1", proxy.port, "--proxy", tls=True)
        trusted = {"ca_files": (str(tenant.material.ca_file),), **changes}
        report = Report("m", "graph")
        made.append(
            Transport(
                means(options(proxy=through, **trusted)), Deadline(time.monotonic(), 30), report
            )
        )
        return made[-1], proxy

    yield make
    for transport in made:
        transport.close()


def test_tls_within_tls(through_tls, tenant):
    transport, proxy = through_tls()
    first, second = Stopwatch(), Stopwatch()
    for watch in (first, second):
        assert transport.send("GET", f"{tenant.url}/nothing", watch).status == 404
    opened = transport.connect(f"{tenant.url}/", Stopwatch(), "connect")
    assert opened == tenant.material.server_der
    assert [phase.name for phase in first.phases()] == ["dns", "proxy", "tls", "request"]
    assert [phase.name for phase in second.phases()] == ["request"]
    assert (proxy.connections, tenant.connections) == (1, 1)
    assert proxy.seen == [
        f"CONNECT 127.0.0.1:{tenant.port} HTTP/1.1\r\nHost: 127.0.0.1:{tenant.port}\r\n"
        "Proxy-Connection: Keep-Alive\r\n\r\n"
    ]


def test_tls_within_tls_is_cut_after_its_time(through_tls, tenant):
    tenant.faults.on("discovery", "silent")
    transport, _ = through_tls()
    url = f"{tenant.url}/practice.onmicrosoft.example/v2.0/.well-known/openid-configuration"
    with pytest.raises(CheckFailure) as caught:
        transport.send("GET", url, Stopwatch(), until=time.monotonic() + 0.5)
    assert caught.value.failure.kind == "timeout"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ca_files": ()}, "TLS to the proxy: certificate of 127.0.0.1 refused: "),
        ({"secure": False}, "TLS to the proxy: 127.0.0.1 port {} answers without TLS"),
    ],
)
def test_tls_to_the_proxy_that_fails(through_tls, tenant, changes, words):
    transport, proxy = through_tls(**changes)
    if "secure" in changes:
        proxy._one = lambda client: (client.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), client.close())
    with pytest.raises(CheckFailure) as caught:
        transport.send("GET", f"{tenant.url}/nothing", Stopwatch())
    assert caught.value.failure.kind == "proxy"
    assert caught.value.failure.cause.startswith(words.format(proxy.port))
    assert proxy.seen == []


def test_what_a_proxy_in_clear_says_to_tls(options, tenant, server):
    """http:// for a proxy that wants https://."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tenant.material.server.configure_cert(context)
    proxy = server(context)
    through = Proxy("127.0.0.1", proxy.port, "--proxy")
    way = Route(options(proxy=through), Deadline(time.monotonic(), 30), Report("m", "graph"))
    failure = refused(way, "127.0.0.1", tenant.port)
    assert failure.kind == "proxy"
    assert failure.remedy.endswith("give one by TLS as https://")


def test_an_address_of_version_six_has_brackets(options, server):
    proxy = server(None, lambda _, client, head: client.sendall(b"HTTP/1.1 403 No\r\n\r\n"))
    through = Proxy("127.0.0.1", proxy.port, "--proxy")
    way = Route(options(proxy=through), Deadline(time.monotonic(), 30), Report("m", "graph"))
    assert refused(way, "::1", 443).cause.endswith(" refuses to connect to [::1]:443")
    assert proxy.seen[0].startswith("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n")
