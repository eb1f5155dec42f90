"""Method mapi with NTLM and Kerberos end to end: the other side is Samba, gss-ntlmssp and MIT
Kerberos, none of which shares code with the client's library.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ..conftest import mapi_perfdata
from ..support.guarded import guarded
from ..tenant.material import DOMAIN
from ..tenant_itself.test_acceptors import start

pytest.importorskip("spnego")

LISTED = f"MAPI OK - healthy@{DOMAIN}: Inbox listed in #s (mapi)"
MAPI = "/mapi/emsmdb/"


@pytest.fixture(scope="module", params=["samba", "gss"])
def ntlm(request, tmp_path_factory):
    with start(request.param, tmp_path_factory.mktemp(request.param)) as acceptor:
        yield acceptor


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory):
    with start("kerberos", tmp_path_factory.mktemp("kerberos")) as acceptor:
        yield acceptor


@pytest.fixture
def windows(check, tenant, tmp_path):
    with guarded(check, tenant, tmp_path) as run:
        yield run


@pytest.mark.parametrize("scheme", [(), ("--auth", "ntlm")])
def test_ntlm(windows, ntlm, scheme):
    first, second = windows(ntlm, *scheme), windows(ntlm, *scheme)
    for run in (first, second):
        assert (run.line, run.code, run.connections) == (LISTED, 0, 1)
    assert first.perfdata == mapi_perfdata()
    assert second.perfdata == mapi_perfdata(discovery="0s", service="reached")
    # One more leg on the connection, not on each request.
    assert second.requests == [MAPI] * 4


@pytest.mark.parametrize("each", [False, True])
def test_kerberos_with_a_ticket_takes_no_leg_more(windows, kerberos, tenant, each):
    tenant.per_request = each
    ticket = kerberos.environment(cache=kerberos.ticket_cache())
    arguments = ("--auth", "negotiate")
    first = windows(kerberos, *arguments, user=None, environment=ticket)
    second = windows(kerberos, *arguments, user=None, environment=ticket)
    assert (first.line, second.line) == (LISTED, LISTED)
    # A server that wants a token with each request says so once.
    assert len(second.requests) == (4 if each else 3)


def test_kerberos_with_a_keytab(windows, kerberos):
    keytab = kerberos.environment(keytab=kerberos.keytab())
    run = windows(kerberos, "--auth", "negotiate", user=None, environment=keytab)
    assert (run.line, run.code) == (LISTED, 0)


def test_kerberos_with_a_password(windows, kerberos):
    run = windows(kerberos, "--auth", "negotiate")
    assert (run.line, run.code) == (LISTED, 0)


@pytest.mark.parametrize("kind", ["gss", "kerberos"])
def test_nodes_by_their_addresses(windows, tmp_path, tenant, kind):
    """The service name is that of the host, the channel binding that of the certificate shown."""
    for address in ("127.0.0.2", "127.0.0.3"):
        tenant.node(address, "EX2")
    where = ("--address", "127.0.0.2", "--address", "127.0.0.3")
    with start(kind, tmp_path / kind) as acceptor:
        if kind == "gss":
            run = windows(acceptor, *where, "--auth", "ntlm", "--address-book")
        else:
            ticket = acceptor.environment(cache=acceptor.ticket_cache())
            more = ("--auth", "negotiate", "--address-book")
            run = windows(acceptor, *where, *more, user=None, environment=ticket)
    assert run.line.startswith(f"MAPI OK - healthy@{DOMAIN}: 2 nodes: ")
    assert run.perfdata.count("address_book=1") == 2
    assert run.connections == 2
    # A handshake for each connection, which the address book goes by as well.
    assert len(run.requests) == 2 * (7 if kind == "kerberos" else 8)
    assert [ok for _, _, ok in tenant.logons].count(False) == 0


def test_a_ticket_that_one_node_refuses_is_shown_to_the_others(windows, kerberos, tenant):
    """No account is locked by tickets, and one node may lack the key of the service."""
    for address, fault in (("127.0.0.2", "logon"), ("127.0.0.3", None), ("127.0.0.4", "logon")):
        tenant.node(address, "EX2", fault)
    where = [word for one in (2, 3, 4) for word in ("--address", f"127.0.0.{one}")]
    ticket = kerberos.environment(cache=kerberos.ticket_cache())
    more = ("--auth", "negotiate", "--concurrency", "1")
    run = windows(kerberos, *where, *more, user=None, environment=ticket)
    assert (run.line, run.code) == (
        "MAPI CRITICAL - 2 of 3 nodes fail: 127.0.0.2, 127.0.0.4 refuses the ticket (Negotiate)",
        2,
    )
    assert run.diagnosis.count("IncludeAlternateServiceAccountCredentialStatus") == 1


def test_a_wrong_password_is_one_failed_logon(windows, ntlm, tenant):
    run = windows(ntlm, password="Not.The.Password")
    assert run.code == 2
    assert "localhost refuses user" in run.line
    assert "kind logon" in run.diagnosis
    assert [ok for _, _, ok in tenant.logons].count(False) == 1
    assert "Not.The.Password" not in run.outcome.stdout


def test_a_wrong_password_at_the_kdc(windows, kerberos, tenant):
    run = windows(kerberos, "--auth", "negotiate", password="Not.The.Password")
    assert run.code == 2
    assert "KDC refuses the password of " in run.line
    assert tenant.logons == []


def test_no_ticket(windows, kerberos):
    nothing = kerberos.environment(cache="never-written")
    nothing["KRB5_CLIENT_KTNAME"] = "MEMORY:none"
    run = windows(kerberos, "--auth", "negotiate", user=None, environment=nothing)
    assert run.code == 3
    assert "no Kerberos ticket in FILE:" in run.line
    assert "kinit" in run.diagnosis


@pytest.mark.parametrize("kind", ["gss", "kerberos"])
def test_a_broken_channel_binding_is_refused(windows, tmp_path, tenant, kind, monkeypatch):
    """As behind a load balancer that ends TLS with another certificate."""
    with start(kind, tmp_path / kind) as acceptor:
        opened = acceptor.open
        other = tenant.material.certificate.public_bytes(Encoding.DER)
        monkeypatch.setattr(acceptor, "open", lambda _: opened(other))
        arguments, keywords = (), {}
        if kind == "kerberos":
            arguments = ("--auth", "negotiate")
            keywords = {
                "user": None,
                "environment": acceptor.environment(cache=acceptor.ticket_cache()),
            }
        run = windows(acceptor, *arguments, **keywords)
    assert run.code == 2
    who = "the ticket" if kind == "kerberos" else "user"
    assert f"localhost refuses {who}" in run.line
    assert "Extended Protection" in run.diagnosis


def test_basic_where_the_password_must_not_go_in_clear(windows, ntlm, tenant):
    """NTLM is taken although Basic is offered first."""
    tenant_schemes = ("Basic", ntlm.scheme)
    run = windows(ntlm)
    assert run.code == 0
    tenant.schemes = tenant_schemes
    assert not any("basic" in str(headers).lower() for _, _, headers, _ in tenant.requests)


@pytest.mark.parametrize("scheme", [(), ("--auth", "ntlm")])
def test_an_ntlm_challenge_that_is_labelled_negotiate(windows, ntlm, tenant, scheme):
    """As Gromox 3.10 labels it."""
    tenant.flavour = "gromox"
    run = windows(ntlm, *scheme)
    assert (run.line, run.code, run.connections) == (LISTED, 0, 1)
    assert [one for one in tenant.logons if not one[2]] == []
