"""End to end: one wrong password is one failed logon, whatever is offered, however many hosts,
methods and mailboxes there are, and none in the run after it.
"""

from __future__ import annotations

import contextlib
import itertools
import ssl

import pytest

from check_mapi_connectivity.network import ntlm_kerberos

from ..support.doorkeeper import DoorProxy, DoorServer, authority
from ..support.odd_proxy import OddProxy
from ..tenant.material import private_file

pytest.importorskip("spnego")

DOMAIN = "counted.example"
HOSTS = (DOMAIN, f"autodiscover.{DOMAIN}", f"mail.{DOMAIN}")
USER = "COUNTED\\probe"
WRONG = b"Not.The.Password\n"

#: What is offered -> the scheme that the password is shown by.
OFFERS = {
    ("Basic",): "Basic",
    ("NTLM",): "NTLM",
    ("Negotiate",): "Negotiate",
    ("Basic", "NTLM"): "NTLM",
    ("Negotiate", "NTLM", "Basic"): "NTLM",
    ("Negotiate", "Basic", "Digest"): "Negotiate",
}
FOLDED = ("", "folded", "reversed")

if ntlm_kerberos.kerberos():
    # There is no KDC of this domain: Negotiate ends before anything was shown.
    OFFERS = {offer: name for offer, name in OFFERS.items() if name != "Negotiate"}


@pytest.fixture
def start():
    """`start(class, ...)` -> one of these, closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(kind, *arguments, **keywords):
            made = kind(*arguments, **keywords)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def names(start):
    """`names(server)` -> address of a proxy that leads every name of the domain to this server."""

    def make(server):
        def act(proxy, client, head):
            host = head.split()[1].rpartition(":")[0]
            if host not in HOSTS:
                client.sendall(b"HTTP/1.1 503 No\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n")
                return None
            moved = head.replace(head.split()[1], f"127.0.0.1:{server.port}", 1)
            return proxy.relay(client, moved)

        return start(OddProxy, act).address

    return make


@pytest.fixture
def counted(check, start, names, tmp_path):
    """`counted(offer, ways, mailboxes, folded)` -> the server, and two runs with a wrong password."""
    trusted = authority()
    trusted.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def run(offer, ways, mailboxes=1, folded=""):
        server = start(DoorServer, trusted, offer, HOSTS, folded=folded)
        through = names(server)
        options = [
            *(
                "--method",
                "mapi",
                "-l",
                USER,
                "--proxy",
                through,
                "--cache-dir",
                tmp_path / "cache",
            ),
            *("--password-file", private_file(tmp_path / "password", WRONG)),
            *("--ca-file", tmp_path / "ca.pem", *ways),
        ]
        for number in range(mailboxes):
            options += ["-m", f"box{number}@{DOMAIN}"]
        return server, check(*options), check(*options)

    return run


#: Ways to the server -> where the password is shown.
WAYS = {
    ("-H", HOSTS[2]): HOSTS[2],
    ("--autodiscover-url", f"https://{HOSTS[2]}"): HOSTS[2],
    (): HOSTS[0],
}


@pytest.mark.parametrize(
    ("offer", "ways", "mailboxes", "folded"),
    [
        (offer, ways, mailboxes, FOLDED[number % 3])
        for number, (offer, ways, mailboxes) in enumerate(itertools.product(OFFERS, WAYS, (1, 4)))
    ],
)
def test_a_wrong_password_is_one_failed_logon(counted, offer, ways, mailboxes, folded):
    server, first, second = counted(offer, ways, mailboxes, folded)
    scheme, host = OFFERS[offer], WAYS[ways]
    assert server.proofs == [(host, scheme)]
    cause = f"{host} refuses user {USER.replace(chr(92), '/')} ({scheme})"
    shown = first.stdout.replace("\\", "/")
    assert first.code == 2
    assert shown.startswith(f"MAPI CRITICAL - box0@{DOMAIN}: {cause}") or mailboxes > 1
    # Of one the first line tells it; of several what is told of each, and the first line again
    # where it has room.
    told = shown if mailboxes == 1 else shown.partition("\n")[2]
    assert " ".join(told.split()).count(f": {cause}") == mailboxes
    # Another run within the minute asks, but shows nothing: it has not put this to the test.
    assert (second.code, second.stderr) == (3, "")
    lead = "not tested: another run's logon failed: "
    assert f"{lead}{cause}" in " ".join(second.stdout.replace("\\", "/").split())
    assert second.line.startswith("MAPI UNKNOWN - ")


#: What a proxy offers, whether it is one by TLS, what names the scheme -> the scheme that shows
#: the password, None for none.
PROXIES = {
    (("Basic",), False, ()): "Basic",
    (("NTLM",), False, ()): "NTLM",
    (("Negotiate",), False, ()): "Negotiate",
    (("Basic", "NTLM"), False, ()): "NTLM",
    (("Negotiate", "NTLM", "Basic"), True, ()): "NTLM",
    (("Basic", "Digest"), True, ()): "Basic",
    (("Basic", "Digest"), False, ()): None,
    (("Basic", "NTLM"), False, ("--proxy-auth", "basic")): "Basic",
}


@pytest.mark.parametrize(
    ("offer", "tls", "named", "methods", "mailboxes"),
    [
        (*proxy, methods, mailboxes)
        for proxy, methods, mailboxes in itertools.product(
            PROXIES, (("cmdlet",), ("cmdlet", "graph")), (1, 3)
        )
    ],
)
def test_a_wrong_proxy_password_is_one_failed_logon(
    way, start, tenant, tmp_path, offer, tls, named, methods, mailboxes
):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tenant.material.server.configure_cert(context)
    door = start(DoorProxy, offer, context=context)
    options = [
        *("--proxy", f"https://{door.address}" if tls else door.address, "--proxy-user", USER),
        *("--proxy-password-file", private_file(tmp_path / "password", WRONG), *named),
    ]
    for number in range(mailboxes - 1):
        options += ["-m", f"box{number}@{DOMAIN}"]
    for method in methods:
        options += ["--method", method]
    scheme = PROXIES[offer, tls, named]
    first = way("cmdlet", *options)
    assert (door.proofs, first.code) == ([(door.address, scheme)] if scheme else [], 2)
    second = way("cmdlet", *options)
    assert door.proofs == ([(door.address, scheme)] if scheme else [])
    if scheme is None:
        cause = f"proxy {door.address} has no TLS and offers Basic and Digest: the password is "
        assert (cause in first.words, second.code) == (True, 2)
        return
    cause = f"proxy {door.address} refuses user COUNTED/probe ({scheme})"
    assert cause in first.words.replace("\\", "/")
    assert second.code == 3
    lead = "not tested: another run's logon failed: "
    assert f"{lead}{cause}" in second.words.replace("\\", "/")


@pytest.mark.parametrize("user", ["password", "federated-user"])
def test_a_wrong_password_of_entra_is_one_failed_logon_by_all_methods(way, tenant, tmp_path, user):
    wrong = ("--password-file", private_file(tmp_path / "wrong", WRONG))
    options = [*wrong, "-m", f"box@{DOMAIN}"]
    for method in ("cmdlet", "graph", "mapi"):
        options += ["--method", method]
    assert [way(f"cmdlet-{user}", *options).code for _ in range(2)] == [3, 3]
    assert [right for _, right in tenant.entra.password_tries] == [False]
