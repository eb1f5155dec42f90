"""Status line and headers: what is read, what is refused, and that http.client and urllib3 read the
same of what they are given.
"""

from __future__ import annotations

import http.client
import io

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.network import head
from check_mapi_connectivity.network.carriers.capped import CappedResponse

OK = b"HTTP/1.1 200 OK\r\n"
END = b"\r\n"


def read(data, method="GET"):
    return head.read(io.BytesIO(data), method)


def fields(data, method="GET"):
    found = read(data, method)
    return dict(found.fields), found.oddities


@pytest.mark.parametrize(
    ("lines", "found", "odd"),
    [
        (b"A: 1\r\nB: 2\r\n", {b"A": b"1", b"B": b"2"}, []),
        (b"A: 1\nB:2\n", {b"A": b"1", b"B": b"2"}, []),
        (b"A:\t 1 \t\r\nB:\r\n", {b"A": b"1", b"B": b""}, []),
        # A value that goes on (RFC 9112 5.2).
        (b"A: 1\r\n 2\r\n\t3\r\nB: 4\r\n", {b"A": b"1  2 \t3", b"B": b"4"}, []),
        (b"A : 1\r\nContent-Length: 2\r\n", {b"A": b"1", b"Content-Length": b"2"}, ["A : 1"]),
        (b"Content-Length : 2\r\n", {b"Content-Length": b"2"}, ["Content-Length : 2"]),
        (b"some words\r\nContent-Length: 2\r\n", {b"Content-Length": b"2"}, ["some words"]),
        (b"some words\r\n go on\r\nB: 2\r\nConnection: close\r\n", None, ["some words", "go on"]),
        (b": x\r\nContent-Length: 2\r\n", {b"Content-Length": b"2"}, [": x"]),
        (b"A B: x\r\nContent-Length: 2\r\n", {b"Content-Length": b"2"}, ["A B: x"]),
        (b" first: x\r\nContent-Length: 2\r\n", {b"Content-Length": b"2"}, ["first: x"]),
        (b"A: x\ry: z\r\nContent-Length: 2\r\n", None, ["A: x\ry: z"]),
        (b"A: x\0y\r\nContent-Length: 2\r\n", None, ["A: x\0y"]),
        (b"Set-Cookie : a=secret\r\nContent-Length: 2\r\n", None, ["Set-Cookie : a"]),
        (b"A: \xe4\x0b\x85\r\n", {b"A": b"\xe4\x0b\x85"}, []),
    ],
)
def test_lines_of_a_head(lines, found, odd):
    got, oddities = fields(OK + lines + END)
    assert oddities == odd
    assert found is None or got == found


def test_what_breaks_a_line_is_a_blank():
    assert fields(OK + b"A: x\ry\0z\r\nConnection: close\r\n\r\n")[0][b"A"] == b"x y z"


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 200 OK",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1  200  OK",
        b"HTTP/1.1\t200\tOK",
        b"HTTP/1.1 200 Everything is \xfc",
        b"HTTP/0.9 200 OK",
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r\r\n"])
def test_status_lines(line, end):
    found = read(line + end + b"\r\n")
    assert (found.status, found.odd) == (200, [])


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"HTTP/1.1", b"HTTP/1.1 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK"),
        *(
            b"HTTP/1.1 +20 OK",
            b"HTTP/1.1 099 OK",
            b"HTTP/1.1 200OK",
            b"HTTP/2 200",
            b"HTTP/2.0 200",
        ),
        *(b"HTTP/1 200 OK", b" HTTP/1.1 200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"<html>"),
        *(b"220 mail.example ESMTP", b"\x15\x03\x01\0\x02\x02\x28", b"HTTP/1.1 2_0 OK"),
    ],
)
def test_what_is_no_http(line):
    with pytest.raises(head.HeadError, match=r"^answers, but not as a web server$"):
        read(line + b"\r\n\r\n")


@pytest.mark.parametrize("status", [100, 102, 103, 199])
@pytest.mark.parametrize("times", [1, 2, head.MOST_INTERIM])
def test_interim_answers_are_passed_over(status, times):
    interim = b"HTTP/1.1 %d X\r\nA: b\r\n\r\n" % status
    found = read(interim * times + OK + b"B: c\r\n\r\n")
    assert (found.status, found.fields) == (200, [(b"B", b"c")])


@pytest.mark.parametrize("status", [100, 102, 103])
def test_too_many_interim_answers(status):
    interim = b"HTTP/1.1 %d X\r\n\r\n" % status
    with pytest.raises(head.HeadError, match=r"^sends too many interim answers, over 50$"):
        read(interim * (head.MOST_INTERIM + 1) + OK + END)


def test_101_is_the_last_answer():
    assert read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").status == 101


def test_limits():
    many = b"".join(b"A%d: b\r\n" % number for number in range(head.MOST_HEADERS))
    assert len(read(OK + many + END).fields) == head.MOST_HEADERS
    with pytest.raises(head.HeadError, match=r"^sends too many headers, over 96$"):
        read(OK + many + b"B: c\r\n\r\n")
    for data in (b"A: " + bytes(70000), b"x\r\n" * 30000, b" \r\n" * 30000):
        with pytest.raises(head.HeadError, match=r"^sends too many headers, over 64 KiB$"):
            read(OK + data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK", OK, OK + b"A: b", OK + b"A: b\r\n"),
        *(b"HTTP/1.1 103 X\r\n\r\n", b"HTTP/1.1 103 X\r\n"),
    ],
)
def test_a_head_that_breaks_off(data):
    with pytest.raises(head.Disconnected):
        read(data)


@pytest.mark.parametrize(
    ("lines", "framing", "odd"),
    [
        (b"Content-Length: 5\r\n", {b"Content-Length": b"5"}, 0),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", {b"Content-Length": b"5"}, 0),
        (b"Content-Length: 5, 5\r\n", {b"Content-Length": b"5"}, 0),
        (b"content-length: 005,5 \r\n", {b"Content-Length": b"5"}, 0),
        (b"Transfer-Encoding: Chunked\r\n", {b"Transfer-Encoding": b"chunked"}, 0),
        (b"Transfer-Encoding: chunked, chunked\r\n", {b"Transfer-Encoding": b"chunked"}, 1),
        (b"Transfer-Encoding: chunked\r\n" * 2, {b"Transfer-Encoding": b"chunked"}, 1),
        (b"Transfer-Encoding: identity, chunked\r\n", {b"Transfer-Encoding": b"chunked"}, 0),
        (b"Transfer-Encoding: identity\r\nConnection: close\r\n", {b"Connection": b"close"}, 1),
    ],
)
def test_where_a_body_ends(lines, framing, odd):
    found = read(OK + lines + END)
    assert (dict(found.fields), len(found.odd)) == (framing, odd)


NO_NUMBER, TWO = "sends a Content-Length that is no number", "sends two different Content-Lengths"
BOTH = "sends both Content-Length and Transfer-Encoding"
NOBODY, UNREAD = (
    "sends an unknown Transfer-Encoding",
    "sends a header line that cannot be read",
)
REFUSED = [
    *((b"Content-Length: " + value, NO_NUMBER) for value in (b"many", b"-1", b"+5", b"0x5", b"")),
    *(
        (b"Content-Length: " + value, NO_NUMBER)
        for value in (b"1_0", b"5.0", b"5,", b"5 5", b"5;5")
    ),
    (b"Content-Length: 5\r\n 5", NO_NUMBER),
    (b"Content-Length: " + b"9" * 5000, NO_NUMBER),
    (b"Content-Length: \xb2", NO_NUMBER),
    (b"Content-Length: 5, 6", TWO),
    (b"Content-Length: 5\r\nA: b\r\nContent-Length: 6", TWO),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked", BOTH),
    (b"Transfer-Encoding: identity\r\nContent-Length: 5", BOTH),
    (b"Transfer-Encoding: gzip, chunked", NOBODY),
    (b"Transfer-Encoding: xchunked", NOBODY),
    (b"Transfer-Encoding: chunked;q=1", NOBODY),
    (b"Transfer-Encoding: chunked\x0b", NOBODY),
    (b"Transfer-Encoding: identity", UNREAD),
    (b"Content-Length 5", UNREAD),
    (b"Content Length: 5", UNREAD),
    (b"A: b\r\nsome words\r\nC: d", UNREAD),
]


@pytest.mark.parametrize(("lines", "words"), REFUSED)
def test_what_may_mean_two_things(lines, words):
    with pytest.raises(head.HeadError) as caught:
        read(OK + lines + b"\r\n\r\n")
    assert str(caught.value) == words
    assert caught.value.line and len(caught.value.line) < 80
    # It does not matter where there is no body.
    assert read(OK + lines + b"\r\n\r\n", "HEAD").status == 200
    assert read(b"HTTP/1.1 304 X\r\n" + lines + b"\r\n\r\n").status == 304
    assert read(OK + lines + b"\r\n\r\n", "CONNECT").status == 200
    # Why a proxy refuses is told; its connection is done with.
    refusal = read(b"HTTP/1.1 403 X\r\n" + lines + b"\r\n\r\n", "CONNECT")
    assert b"Connection:close" in refusal.uniform
    assert b"ength" not in refusal.uniform or lines.startswith(b"A: b")


class Wire:
    """A connection that has already received everything."""

    def __init__(self, data):
        self.data = data

    def makefile(self, *_):
        return io.BytesIO(self.data)


NAMES = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=12).filter(
    lambda name: name.lower() not in ("connection", "keep-alive")
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=20)


def through_the_libraries(data):
    """(status, headers) as http.client, and urllib3 on top of it, give them."""
    response = CappedResponse(Wire(data), method="GET")
    response.begin()
    wrapped = urllib3.HTTPResponse(response, headers=response.getheaders(), preload_content=False)
    return response, wrapped


@given(st.lists(st.tuples(NAMES, VALUES), max_size=20), st.sampled_from([b"\r\n", b"\n"]))
def test_headers_come_through_as_they_are(headers, end):
    lines = [f"{name}: {value}".encode("latin-1") for name, value in headers]
    data = end.join([b"HTTP/1.1 200 OK", *lines, b"Content-Length: 3", b"", b"abcdef"])
    response, wrapped = through_the_libraries(data)
    assert response.getheaders() == [*headers, ("Content-Length", "3")]
    assert {name.lower() for name in wrapped.headers} == {
        name.lower() for name, _ in response.getheaders()
    }
    assert (response.will_close, wrapped.read()) == (False, b"abc")


PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.1 103 X", b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b","),
        *(b"Content-Length", b"Transfer-Encoding", b"chunked", b"Connection", b"close", b"5"),
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"A: b\r\n", b"\xff", b"0"),
    ]
)


@given(
    st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=80),
    st.booleans(),
    st.sampled_from(["GET", "HEAD", "CONNECT"]),
)
def test_any_bytes_are_a_head_or_none(data, begun, method):
    whole = (OK if begun else b"") + data
    try:
        found = read(whole, method)
    except (head.HeadError, head.Disconnected) as error:
        assert "\n" not in str(error)
        return
    # What is made uniform means the same to us, and to http.client.
    again = read(found.uniform, method)
    assert (again.status, again.odd) == (found.status, [])
    assert again.closing == (found.closing or bool(found.odd))
    response = CappedResponse(Wire(found.uniform), method=method)
    response.begin()
    assert [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.getheaders()
    ] == again.fields
    assert len(again.all(b"content-length", b"transfer-encoding")) <= 1


@pytest.mark.parametrize("size", [b"zz", b"", b"-5", b"+5", b"0x5", b"1_0", b"5 5", b"f" * 16])
def test_the_size_of_a_chunk_that_is_no_number(size):
    data = OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabcde\r\n0\r\n\r\n"
    response, _ = through_the_libraries(data)
    with pytest.raises(http.client.IncompleteRead):
        response.read()


def test_chunks():
    chunks = b"3;x=y\r\nabc\r\n2 \r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    response, _ = through_the_libraries(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert response.read() == b"abcde"
    response, _ = through_the_libraries(
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 9000
    )
    with pytest.raises(http.client.HTTPException, match="endless lines behind the last chunk"):
        response.read()
