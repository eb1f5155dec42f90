"""The CONNECT conversation, with proxies of every kind of oddity: what they are sent, and in which
words each of them fails.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Proxy, Secret
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report, Stopwatch, Times, Trace
from check_mapi_connectivity.network import ntlm_kerberos
from check_mapi_connectivity.network.proxy import connect as proxy_connect
from check_mapi_connectivity.network.shared_logon import Logon

from ..support.odd_proxy import BASIC_WANTED, OPENED, OddProxy, answers, ntlm_challenge

TARGET = "outlook.office365.com:443"
PLAIN = (
    f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\nProxy-Connection: Keep-Alive\r\n{{}}\r\n"
).format
ASKED = PLAIN("")
#: jürgen:pä:ss in UTF-8.
BASIC = "Basic asO8cmdlbjpww6Q6c3M="
WITH_BASIC = PLAIN(f"Proxy-Authorization: {BASIC}\r\n")
USER = {"user": "jürgen", "password": Secret("pä:ss")}

needs_spnego = pytest.mark.skipif(not ntlm_kerberos.available(), reason="pyspnego is not installed")


def wanted(*challenges, more=b"Content-Length: 0\r\n\r\n", version="1.1"):
    """A 407."""
    lines = "".join(f"Proxy-Authenticate: {challenge}\r\n" for challenge in challenges)
    return f"HTTP/{version} 407 Denied\r\n{lines}".encode() + more


CHALLENGE = "NTLM " + base64.b64encode(ntlm_challenge()).decode()
CLOSED = b"Connection: close\r\nContent-Length: 0\r\n\r\n"


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


@pytest.fixture
def opening():
    """`opening(odd, **changes)` -> a Tunnel through this proxy; `opening.logon`, `.report` are its
    own until a test has others.
    """

    def make(odd, patience=20.0, **changes):
        def connect():
            sock = socket.create_connection((odd.host, odd.port))
            sock.settimeout(patience)
            return sock

        through = Proxy(odd.host, odd.port, "--proxy", **changes)
        deadline = Deadline(time.monotonic(), 60.0)
        return proxy_connect.Tunnel(
            through,
            TARGET,
            connect,
            make.logon,
            trace=make.report.trace,
            times=make.report.times,
            watch=make.report.times.service,
            deadline=deadline,
        )

    make.logon, make.report = Logon(), Report("m", "cmdlet")
    return make


def refused(made):
    """The failure of a tunnel that does not open."""
    with pytest.raises(CheckFailure) as caught:
        made.open()
    assert caught.value.failure.kind == "proxy"
    return caught.value.failure


def test_a_proxy_that_wants_nothing(proxy, opening):
    odd = proxy(answers(OPENED))
    for _ in range(2):
        # Whoever has a credential keeps it for a proxy that asks.
        opening(odd, **USER).open().close()
    assert odd.seen == [ASKED, ASKED]
    assert (opening.logon.scheme, opening.report.trace.facts) == (None, {})


def test_basic_is_sent_when_it_is_wanted_and_unasked_from_then_on(proxy, opening):
    odd = proxy(answers(BASIC_WANTED, OPENED, kept=False))
    opening(odd, **USER).open().close()
    assert odd.seen == [ASKED, WITH_BASIC]
    assert (opening.logon.scheme, opening.logon.accepted) == ("Basic", True)
    assert opening.report.trace.facts == {"proxy logon": "jürgen by Basic"}
    again = proxy(answers(OPENED))
    opening(again, **USER).open().close()
    assert again.seen == [WITH_BASIC]


def test_a_scheme_that_was_named_is_used_at_once(proxy, opening):
    odd = proxy(answers(OPENED))
    opening(odd, scheme="Basic", **USER).open().close()
    assert odd.seen == [WITH_BASIC]


def test_the_connection_is_handed_over_as_it_is(proxy, opening):
    odd = proxy(answers(b"HTTP/1.1 299 Fine\r\nContent-Length: 3\r\n\r\n"))
    odd._act = lambda _, client, head: (client.sendall(OPENED), client.sendall(client.recv(9)))
    with opening(odd).open() as sock:
        sock.sendall(b"hello")
        assert sock.recv(9) == b"hello"
    assert odd.seen == [ASKED]


#: 407s of proxies that end the connection after it, and of one that does not.
FIRST = {
    "kept": wanted('Basic realm="x"'),
    "closed in silence": wanted('Basic realm="x"'),
    "announced": wanted('Basic realm="x"', more=CLOSED),
    "HTTP/1.0 without length": wanted('Basic realm="x"', version="1.0", more=b"\r\nsorry"),
    "HTTP/1.0 with length": wanted('Basic realm="x"', version="1.0"),
    "chunked, one header": wanted(
        r'Basic realm="a, NTLM \", b", x="Negotiate y", charset=UTF-8, basic realm="c, d", z=y',
        more=b"Transfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n0\r\n\r\n",
    ),
    "a page that does not come": wanted("basic", more=b"Content-Length: 9999999\r\n\r\n<html>"),
    "a page without end": wanted(
        "BASIC", more=b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + bytes(4098)
    ),
}


@pytest.mark.parametrize("name", FIRST)
def test_after_the_first_407_all_is_well(proxy, opening, name):
    """Also where the proxy closes the connection and does not say so."""
    either = answers(FIRST[name], OPENED, kept=False)
    odd = proxy(lambda *words: either(*words) or name == "kept")
    opening(odd, **USER).open().close()
    assert odd.seen == [ASKED, WITH_BASIC]
    assert odd.connections == 2


@needs_spnego
def test_ntlm_is_three_messages(proxy, opening):
    odd = proxy(
        lambda own, client, head: (
            client.sendall(
                wanted("NTLM")
                if head == ASKED
                else wanted(CHALLENGE, more=b"Content-Length: 5\r\n\r\n<html")
                if len(own.seen) == 2
                else OPENED
            )
            or True
        )
    )
    opening(odd, **{**USER, "user": "EXLAB\\jürgen"}).open().close()
    heads = [re.search("Proxy-Authorization: NTLM (.*)\r", head) for head in odd.seen]
    assert heads[0] is None
    messages = [base64.b64decode(head[1]) for head in heads[1:]]
    assert [message[:9] for message in messages] == [b"NTLMSSP\0\1", b"NTLMSSP\0\3"]
    assert "jürgen".encode("utf-16-le") in messages[1]
    assert odd.connections == 2
    assert opening.report.trace.facts == {"proxy logon": "EXLAB\\jürgen by NTLM"}


@needs_spnego
@pytest.mark.parametrize("more", [CLOSED, b"Content-Length: 70000\r\n\r\n" + bytes(70000)])
def test_ntlm_needs_a_connection_that_is_kept(proxy, opening, more):
    odd = proxy(answers(wanted(CHALLENGE, more=more)))
    failure = refused(opening(odd, scheme="NTLM", **USER))
    cause = f"proxy {odd.address} closes the connection in the middle of the NTLM logon"
    assert (failure.cause, len(odd.seen)) == (cause, 1)
    assert "load balancer" in failure.remedy


@needs_spnego
@pytest.mark.parametrize("last", ["NTLM", CHALLENGE])
def test_407_for_ever_is_one_logon(proxy, opening, last):
    odd = proxy(answers(wanted(CHALLENGE), wanted(last), wanted(last), wanted(last)))
    failure = refused(opening(odd, scheme="NTLM", **USER))
    assert (failure.cause, failure.code) == (
        f"proxy {odd.address} refuses user jürgen (NTLM)",
        "HTTP 407",
    )
    assert len(odd.seen) == 2
    # What was refused is not even connected for again.
    assert refused(opening(odd, **USER)) == failure
    assert (len(odd.seen), odd.connections) == (2, 1)


def test_407_for_ever_by_basic(proxy, opening):
    odd = proxy(answers(*[BASIC_WANTED] * 9))
    failure = refused(opening(odd, **USER))
    assert failure.cause == f"proxy {odd.address} refuses user jürgen (Basic)"
    assert (
        failure.remedy
        == "check user and password; a locked, disabled or expired account looks the same"
    )
    assert odd.seen == [ASKED, WITH_BASIC]


@needs_spnego
@pytest.mark.parametrize(
    "page",
    [
        b"Content-Length: 9\r\n\r\nno",
        b"Transfer-Encoding: chunked\r\n\r\n-2\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nno",
    ],
)
@pytest.mark.parametrize("scheme", ["Basic", "NTLM"])
def test_a_407_is_a_refusal_whatever_becomes_of_its_page(proxy, opening, page, scheme):
    """Nor is a page waited for that never ends."""
    before = [wanted(CHALLENGE)] if scheme == "NTLM" else []
    odd = proxy(answers(*before, wanted(scheme, more=page)))
    failure = refused(opening(odd, scheme=scheme, **USER))
    assert failure.cause == f"proxy {odd.address} refuses user jürgen ({scheme})"


def test_one_of_many_finds_out(proxy, opening):
    """A wrong password is one failed logon, however many mailboxes are tested."""
    odd = proxy(answers(*[BASIC_WANTED] * 9))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(refused(opening(odd, **USER)).cause))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [f"proxy {odd.address} refuses user jürgen (Basic)"] * 5
    assert odd.seen.count(WITH_BASIC) == 1


@needs_spnego
@pytest.mark.parametrize("token", ["NTLM !!!", "NTLM a", "NTLM a b", 'NTLM realm="x"', "@"])
def test_a_token_that_cannot_be_read(proxy, opening, token):
    odd = proxy(answers(wanted(token), OPENED))
    failure = refused(opening(odd, scheme="NTLM", **USER))
    # Nobody has seen the password, so nobody has refused it.
    assert failure.cause == f"proxy {odd.address} does not go on with the NTLM logon"
    assert failure.remedy.startswith("no password was sent; ")
    assert (len(odd.seen), opening.logon.refusal) == (1, None)


@needs_spnego
def test_a_token_that_is_none(proxy, opening):
    odd = proxy(answers(wanted("NTLM QUJDRA=="), OPENED))
    failure = refused(opening(odd, scheme="NTLM", **USER))
    assert failure.cause == "127.0.0.1 sends a token for NTLM that is not valid"
    # No password was judged: another connection may do better.
    assert opening.logon.refusal is None


@needs_spnego
def test_a_proxy_that_changes_its_offer(proxy, opening):
    odd = proxy(answers(wanted('Basic realm="x"'), OPENED))
    failure = refused(opening(odd, scheme="NTLM", **USER))
    assert failure.cause == f"proxy {odd.address} does not take NTLM, it offers Basic"
    assert failure.remedy == "leave --proxy-auth away, or name one of them"
    assert (len(odd.seen), opening.logon.refusal) == (1, None)


NO_HTTP = "answers CONNECT with no HTTP"
GONE = "closes the connection without an answer to CONNECT"
ANSWERS = [
    (b"<html>\r\n", NO_HTTP, ""),
    (b"", GONE, ""),
    (b"\x15\x03\x03\x00\x02\x02\x50", NO_HTTP, ""),
    (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000, NO_HTTP, ""),
    (b"HTTP/1.1 200 OK\r\nX: y", "closes the connection within its answer to CONNECT", ""),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 9000, NO_HTTP, ""),
    (
        b"HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n",
        "refuses to connect to ",
        "HTTP 403",
    ),
    (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "refuses to connect to ", "HTTP 401"),
    (b"HTTP/1.1 503 No\r\nContent-Length: 99999999999\r\n\r\n", "cannot reach ", "HTTP 503"),
    (
        b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n",
        "sends this host to a web page",
        "HTTP 302",
    ),
    (wanted(), "wants authentication and offers nothing", "HTTP 407"),
    (wanted("Digest qop=auth"), "wants authentication and offers Digest", "HTTP 407"),
]


@pytest.mark.parametrize(("answer", "words", "code"), ANSWERS)
def test_what_a_proxy_may_answer_instead(proxy, opening, answer, words, code):
    odd = proxy(answers(answer))
    failure = refused(opening(odd))
    assert failure.cause.startswith(f"proxy {odd.address} {words}")
    assert (failure.code, odd.seen) == (code, [ASKED])
    assert failure.remedy


def test_a_wrong_password_that_is_told_by_401(proxy, opening):
    """As Tinyproxy does; what was refused is not sent again."""
    odd = proxy(answers(BASIC_WANTED, b"HTTP/1.1 401 Unauthorized\r\n\r\n", kept=False))
    failure = refused(opening(odd, **USER))
    assert failure.cause == f"proxy {odd.address} refuses user j\u00fcrgen (Basic)"
    assert (failure.code, opening.logon.refusal) == ("HTTP 401", failure)
    assert odd.seen.count(WITH_BASIC) == 1


def test_a_name_that_privoxy_cannot_resolve(proxy, opening):
    odd = proxy(answers(b"HTTP/1.1 404 No such domain\r\n\r\n"))
    failure = refused(opening(odd))
    assert failure.cause == f"proxy {odd.address} cannot resolve the name in {TARGET}"


def test_words_for_a_refusal(proxy, opening):
    failure = refused(opening(proxy(answers(ANSWERS[6][0]))))
    assert failure.detail == "ERR_ACCESS_DENIED 0"
    assert failure.cause.endswith(f" refuses to connect to {TARGET}")
    assert failure.remedy == f"allow {TARGET} on the proxy"
    failure = refused(opening(proxy(answers(ANSWERS[9][0]))))
    assert failure.detail == "Found; it leads to http://portal/"
    failure = refused(opening(proxy(answers(ANSWERS[-1][0])), **USER))
    assert failure.remedy == (
        "Basic, NTLM and Negotiate are known here; a local relay (px, cntlm) can stand between"
    )


def test_a_silent_proxy_and_one_that_hangs_up(proxy, opening):
    odd = proxy(OddProxy.hang)
    failure = refused(opening(odd, patience=0.2))
    assert failure.cause == f"proxy {odd.address} does not answer CONNECT"

    def reset(_, client, head):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    odd = proxy(reset)
    failure = refused(opening(odd))
    assert failure.cause in (
        f"proxy {odd.address} breaks the connection during CONNECT",
        f"proxy {odd.address} {GONE}",
    )


def test_what_a_proxy_echoes_is_not_told(proxy, opening):
    token = BASIC.partition(" ")[2]

    def echo(head):
        shown = token if token in head else "nothing"
        lines = f"X-Squid-Error: {shown}\r\nProxy-Authenticate: Basic\r\n"
        return f"HTTP/1.1 407 {shown}\r\n{lines}Content-Length: 0\r\n\r\n".encode()

    failure = refused(opening(proxy(answers(echo, echo, kept=False)), **USER))
    assert (failure.detail, token in repr(failure)) == ("***", False)


class Wire:
    """A connection that has already received everything."""

    def __init__(self, data):
        self.data, self.sent = data, b""

    def makefile(self, *_):
        return io.BytesIO(self.data)

    def sendall(self, data):
        self.sent += data

    def close(self):
        self.data = b""


@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(
        lambda tail: b"HTTP/1.1 407 No\r\nProxy-Authenticate: " + tail + b"\r\n\r\n"
    )
)
def test_any_answer_to_connect(data):
    wires = []

    def connect():
        wires.append(Wire(data))
        return wires[-1]

    made = proxy_connect.Tunnel(
        Proxy("p", 1, "src", **USER),
        TARGET,
        connect,
        Logon(),
        trace=Trace(),
        times=Times(time.monotonic),
        watch=Stopwatch(),
        deadline=Deadline(time.monotonic(), 60.0),
    )
    with contextlib.suppress(UsageError):
        try:
            assert made.open() is wires[-1]
        except CheckFailure as error:
            assert error.failure.kind == "proxy"
    assert sum(wire.sent.count(BASIC.encode()) for wire in wires) <= 1
