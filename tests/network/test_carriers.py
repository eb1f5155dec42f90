"""Both carriers make the same of the same bytes, and send the same bytes for the same request."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import socket
import ssl
import threading
import time

import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import transport
from check_mapi_connectivity.network.route import Means, Shared
from check_mapi_connectivity.network.shared_logon import Logon
from check_mapi_connectivity.network.trust import Trust

from ..support import carriers

OK, END = b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"

URL = "http://mail.contoso.test:8080/ews?a=b"


class Line:
    """A transport by one carrier, to a server that has said already all it will ever say: `said`
    has what, for each connection in turn. `heard` is what it was sent.
    """

    shared = None

    def __init__(self, name, *said):
        if Line.shared is None:
            Line.shared = Shared(Trust(Network()), Logon())
        self.report = Report("m", "graph")
        self.transport = self._made(carriers.named(name))
        self._said, self._others = list(said), []
        self.transport._route.open_plain = self._open

    def _made(self, carrier):
        before, transport.carrier = transport.carrier, carrier
        try:
            deadline = Deadline(time.monotonic(), 30)
            return transport.Transport(Means(Network()), deadline, self.report, Line.shared)
        finally:
            transport.carrier = before

    def _open(self, host, port):
        ours, theirs = socket.socketpair()
        self._others.append(theirs)
        self.transport._route.sockets[host, port] = ours
        said = self._said.pop(0)
        theirs.sendall(said)
        if not said.endswith(b"KEEP"):
            theirs.shutdown(socket.SHUT_WR)
        return ours

    @property
    def heard(self):
        """What was sent on each connection, its random id left out."""
        found = []
        for other in self._others:
            other.setblocking(False)
            data = b""
            try:
                while piece := other.recv(65536):
                    data += piece
            except BlockingIOError:
                pass
            found.append(re.sub(rb"(client-request-id: )[0-9a-f-]{36}", rb"\1ID", data))
        return found

    def ask(self, method="GET", url=URL, **keywords):
        """What a request comes to, in plain values; a carrier that waits for ever fails."""
        keywords.setdefault("until", time.monotonic() + 20)
        try:
            answer = self.transport.send(method, url, Stopwatch(), **keywords)
        except CheckFailure as error:
            return tuple(error.failure)
        headers = list(answer.headers.items())
        return answer.status, answer.reason, headers, answer.lines, answer.body, answer.decoded

    def close(self):
        self.transport.close()
        for other in self._others:
            other.close()


def both(said, times=1, **keywords):
    """(outcomes, number of connections, remarks) by each carrier."""
    found = []
    for name in carriers.BOTH:
        line = Line(name, *said)
        outcomes = [line.ask(**keywords) for _ in range(times)]
        found.append((outcomes, len(line._others), line.report.trace.remarks))
        line.close()
    return found


BODIES = {
    "length": OK + b"Content-Length: 3" + END + b"abc",
    "none": OK + b"Content-Length: 0" + END,
    "to the end": OK + b"Connection: close" + END + b"abc",
    "chunks": OK
    + b"Transfer-Encoding: chunked"
    + END
    + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nA: b\r\n\r\n",
    "304": b"HTTP/1.1 304 Not\r\nContent-Length: 5" + END,
    "204": b"HTTP/1.1 204 None" + END,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x" + END + b"\x05\x00",
    "interim": b"HTTP/1.1 103 Early" + END + OK + b"Content-Length: 1" + END + b"x",
    "1.0": b"HTTP/1.0 200 OK" + END + b"rest",
    "1.0 kept": b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2" + END + b"ab",
    "repeated": OK + b"Set-Cookie: a\r\nX: 1\r\nset-cookie: b\r\nContent-Length: 0" + END,
    "latin": b"HTTP/1.1 200 \xc4h\xa0\r\nX: \xfc\r\nContent-Length: 0" + END,
    "redirect": b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 1" + END + b"x",
    "gzip that is none": OK + b"Content-Encoding: gzip\r\nContent-Length: 2" + END + b"ab",
    "odd line": OK + b"no header\r\nContent-Length: 1" + END + b"x",
    "nothing": b"",
    "half a head": OK + b"X: y\r\n",
    "no HTTP": b"220 mail ESMTP\r\n\r\n",
    "short": OK + b"Content-Length: 30" + END + b"abc",
    "short chunk": OK + b"Transfer-Encoding: chunked" + END + b"2\r\nab\r\nff\r\nabc",
    "no last chunk": OK + b"Transfer-Encoding: chunked" + END + b"2\r\nab\r\n",
    "no chunk": OK + b"Transfer-Encoding: chunked" + END + b"-2\r\nab\r\n",
    "endless trailers": OK + b"Transfer-Encoding: chunked" + END + b"0\r\n" + b"A: b\r\n" * 3000,
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2" + END + b"ab",
    "both": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked" + END + b"x",
    "many headers": OK + b"".join(b"A%d: b\r\n" % n for n in range(97)) + b"\r\n",
    "large head": OK + b"A: " + b"x" * 70000,
}


@pytest.mark.cases(99)
@pytest.mark.parametrize("name", BODIES)
def test_the_same_of_the_same_bytes(name):
    plain, requests = both([BODIES[name]])
    assert plain == requests


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 30" + END + b"abc",
        b"Transfer-Encoding: chunked" + END + b"-2\r\n",
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(5 << 20)),
    ],
    ids=["short", "no chunk", "bomb"],
)
def test_a_refusal_is_one_whatever_becomes_of_its_body(body):
    """Taken for no answer, it would have the password sent once more."""
    for found, _, _ in both([b"HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\n" + body]):
        assert found[0][0] == 401
        assert ("WWW-Authenticate", "NTLM") in found[0][2]


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
def test_an_answer_to_head_has_no_body(method):
    plain, requests = both([OK + b"Content-Length: 3" + END + b"abc"], method=method)
    assert plain == requests
    assert plain[0][0][4] == (b"" if method == "HEAD" else b"abc")


KEPT = OK + b"Content-Length: 1" + END + b"x"


@pytest.mark.cases(99)
@pytest.mark.parametrize(
    ("first", "connections"),
    [
        # The other side has closed meanwhile.
        (KEPT, 2),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4" + END + b"KEEP", 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4" + END + b"KEEP", 2),
        (OK + b"odd\r\nContent-Length: 4" + END + b"KEEP", 2),
        (b"HTTP/1.1 101 X\r\nA: KEEP", 2),
    ],
)
def test_which_connections_are_used_on(first, connections):
    first = first + END if first.endswith(b"A: KEEP") else first
    found = both([first, KEPT], times=2)
    assert found[0] == found[1]
    assert found[0][1] == connections


@pytest.mark.parametrize("name", carriers.BOTH)
def test_what_was_opened_without_tls_carries_nothing_that_needs_it(name):
    """Who answers Autodiscover's http may lead on to https at the same port."""
    kept = OK + b"Content-Length: 4" + END + b"KEEP"
    line, host = Line(name, kept, kept), "autodiscover.contoso.test"
    line.transport._route.open = line._open
    assert line.ask("GET", f"http://{host}/")[0] == 200
    word = {"Authorization": "Basic c2VjcmV0"}
    assert line.ask("POST", f"https://{host}:80/", headers=word)[0] == 200
    plain, secured = line.heard
    assert b"Authorization" not in plain
    assert b"Authorization: Basic c2VjcmV0\r\n" in secured
    line.close()


def test_an_answer_that_nobody_asked_for_is_taken_for_none():
    """A server, or a gateway before it, that answers twice gives the next request's answer away."""
    line = Line(carriers.PLAIN, KEPT + OK + b"Content-Length: 4" + END + b"KEEP", KEPT)
    assert line.ask()[4] == line.ask()[4] == b"x"
    assert len(line._others) == 2
    line.close()


@pytest.fixture
def twice(tmp_path):
    """(URL, file of its authority, requests heard): a server that answers its first request twice in
    one record of TLS, the second answer where http.client does not look at once.
    """
    authority, heard = trustme.CA(), []
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    second = OK + b"Content-Length: 8" + END + b"smuggled"
    first = (KEPT.ljust(io.DEFAULT_BUFFER_SIZE) + second, KEPT)

    def serve(listener):
        with contextlib.suppress(socket.timeout):
            for said in first:
                client, _ = listener.accept()
                # Whoever closes without a word of TLS is an error to some versions of OpenSSL.
                with contextlib.suppress(OSError), context.wrap_socket(client, True) as secured:
                    heard.append(secured.recv(65536))
                    secured.sendall(said)
                    secured.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/", str(tmp_path / "ca.pem"), heard
        thread.join()


@pytest.mark.parametrize("name", carriers.BOTH)
def test_an_answer_that_has_been_decrypted_already_is_taken_for_none(name, twice):
    url, authority, heard = twice
    line = Line(name)
    line.transport._route.shared = Shared(Trust(Network(ca_files=(authority,))), Logon())
    bodies = [line.ask("GET", url)[4] for _ in range(2)]
    line.close()
    assert (bodies, len(heard)) == ([b"x", b"x"], 2)


@pytest.mark.parametrize("name", carriers.BOTH)
@pytest.mark.parametrize("begun", [b"", OK, OK + b"Content-Length: 9" + END + b"x"])
def test_waiting_ends_in_time(name, begun):
    line = Line(name, begun + b"KEEP" if begun.endswith(b"x") else begun + b"X: KEEP")
    before = time.monotonic()
    found = line.ask(until=before + 0.2)
    assert found[0] == "timeout"
    assert 0.2 <= time.monotonic() - before < 20
    line.close()


REQUESTS = [
    ("GET", "http://Mail.Contoso.test/", {}),
    ("GET", "http://mail.contoso.test.:80", {}),
    ("GET", "http://[::1]:8080/a/../b?x=%7e#part", {}),
    ("GET", 'http://mail.contoso.test/a b?c=d e"<ä>', {}),
    ("GET", "http://mail.contoso.test/a%2fb%zz?c=%e4{}|", {}),
    ("GET", "http://mail.contoso.test/?a", {"params": {"b": ["c d", "e"], "f": None}}),
    ("GET", "http://user:pass@mail.contoso.test/", {}),
    ("POST", URL, {}),
    ("POST", URL, {"data": "täxt"}),
    ("POST", URL, {"data": b"\0\1"}),
    ("POST", URL, {"data": {"a": "b c", "d": b"\xe4&", "e": ["f", "g"], "h": None}}),
    ("POST", URL, {"data": {"a": "b"}, "headers": {"content-type": "x/y"}}),
    ("POST", URL, {"data": {}}),
    (
        "HEAD",
        URL,
        {"headers": {"X-A": "1", "Accept-Encoding": "gzip", "Authorization": "Bearer abc"}},
    ),
]


@pytest.mark.cases(99)
@pytest.mark.parametrize(("method", "url", "how"), REQUESTS)
def test_the_same_bytes_for_the_same_request(method, url, how):
    heard = []
    for name in carriers.BOTH:
        line = Line(name, KEPT)
        line.ask(method, url, **how)
        heard += line.heard
        line.close()
    assert heard[0] == heard[1]
    assert heard[0].startswith(f"{method} /".encode())


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://", {}),
        ("nonsense", {}),
        ("ftp://h/", {}),
        ("http://h:99999999/", {}),
        (URL, {"X": "a\r\nB: c"}),
        (URL, {"X\r\nB": "c"}),
        (URL, {"X": "\u20ac"}),
    ],
)
@pytest.mark.parametrize("name", carriers.BOTH)
def test_what_cannot_be_sent(name, url, headers):
    line = Line(name, KEPT)
    assert line.ask("GET", url, headers=headers)[:2] == (
        "protocol",
        f"{url} is no address that can be used",
    )
    assert line.heard == []
    line.close()


PIECES = st.sampled_from(
    [
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 404 No\r\n",
            b"HTTP/1.1 103 X\r\n\r\n",
            b"\r\n",
            b"\n",
        ),
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"A: b\r\n", b"a: \xff\r\n"),
        *(b"Connection: close\r\n", b"Keep-Alive: 5\r\n", b"Content-Encoding: gzip\r\n", b" x\r\n"),
        *(b"5\r\nabcde\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"abcde", b"\0", b":"),
    ]
)


@example([b"Transfer-Encoding: chunked\r\n", b"\r\n", b"5\r\nabcde\r\n", b"0\r\n\r\n"])
@example([b"\r\n", b"abcde"])
@given(st.lists(PIECES, max_size=12))
def test_any_bytes_are_the_same_to_both(pieces):
    plain, requests = both([OK + b"".join(pieces)])
    assert plain == requests


TARGETS = st.text('/?%aF0:@ ~[]{}"<>|\\^`é=&;,.-_', max_size=12)


@given(TARGETS)
def test_any_target_is_the_same_to_both(target):
    url = f"http://mail.contoso.test/{target}"
    heard = []
    for name in carriers.BOTH:
        line = Line(name, KEPT)
        heard.append((line.ask("GET", url)[:2], line.heard))
        line.close()
    assert heard[0] == heard[1]
