"""End to end: what a gateway makes of an answer's head, coding and length, by each method."""

from __future__ import annotations

import gzip
import zlib

import pytest

from ..support.gateway import Gateway, chunked, with_length, with_lines
from ..support.odd_proxy import OPENED, OddProxy

HEALTHY = "healthy@practice.example"


@pytest.fixture
def through(way, tenant):
    """`through(method, change, *arguments, **how)`: one run whose service, or with method
    `sign-in` whose Entra, is behind a gateway.
    """

    def run(method, change, *arguments, only="", start=None):
        with Gateway(tenant, change, only, start) as gateway:
            option = {
                "cmdlet": ("--exchange-url", gateway.url),
                "graph": ("--graph-url", gateway.url),
                "sign-in": ("--authority-url", gateway.url),
                "mapi": ("--autodiscover-url", f"{gateway.url}/autodiscover/autodiscover.xml"),
            }[method]
            section = "cmdlet" if method == "sign-in" else method
            found = way(section, "-m", HEALTHY, "--no-cache", "-t", "15", *option, *arguments)
        found.gateway = gateway
        return found

    return run


WELL = {
    "cmdlet": "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)",
    "sign-in": "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)",
    "graph": "MAPI OK - healthy@practice.example: Inbox listed in #s (graph)",
    "mapi": "MAPI OK - healthy@practice.example: Inbox listed in #s (mapi)",
}
METHODS = pytest.mark.parametrize("method", WELL)

GZIPPED = b"Content-Encoding: gzip"
READ = {
    "processing": lambda head, body: b"HTTP/1.1 102 Processing\r\n\r\n" + with_length(head, body),
    "early hints": lambda head, body: (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 3 + with_length(head, body)
    ),
    "blank before the colon": lambda head, body: with_lines(
        head, body, b"X-Gateway : one", b"Content-Length: %d" % len(body)
    ),
    "no colon": lambda head, body: with_lines(
        head, body, b"checked by the gateway", b"Content-Length: %d" % len(body)
    ),
    "folded": lambda head, body: with_lines(
        head, body, b"X-Gateway: one", b"\ttwo", b"Content-Length: %d" % len(body)
    ),
    "line feeds": lambda head, body: (
        head[:-2].replace(b"\r\n", b"\n") + b"Content-Length: %d\n\n" % len(body) + body
    ),
    "carriage return in a line": lambda head, body: with_lines(
        head, body, b"X-Gateway: one\rtwo", b"Content-Length: %d" % len(body)
    ),
    "length twice": lambda head, body: with_lines(
        head, body, b"Content-Length: %d, %d" % (len(body), len(body))
    ),
    "chunked twice": lambda head, body: with_lines(
        head, chunked(body), b"Transfer-Encoding: chunked, chunked"
    ),
    "chunks": lambda head, body: with_lines(
        head, chunked(body), b"Transfer-Encoding: Chunked", b"Connection: Keep-Alive"
    ),
    "gzip in members": lambda head, body: with_length(
        head[:-2] + GZIPPED + b"\r\n\r\n", gzip.compress(body[:9]) + gzip.compress(body[9:])
    ),
    "gzip and a filling": lambda head, body: with_length(
        head[:-2] + GZIPPED + b"\r\n\r\n", gzip.compress(body) + bytes(20)
    ),
    "gzip twice": lambda head, body: with_length(
        head[:-2] + GZIPPED + b", gzip\r\n\r\n", gzip.compress(gzip.compress(body))
    ),
    "a character set": lambda head, body: with_length(
        head[:-2] + b"Content-Encoding: UTF-8\r\n\r\n", body
    ),
    "no coding": lambda head, body: with_length(
        head[:-2] + b"Content-Encoding: identity, none\r\n\r\n", body
    ),
    "a character set and deflate": lambda head, body: with_length(
        head[:-2] + b"Content-Encoding: utf-8, deflate\r\n\r\n", zlib.compress(body)
    ),
}


@METHODS
@pytest.mark.parametrize("form", READ)
def test_what_can_be_read_is_read(through, method, form):
    run = through(method, READ[form])
    assert (run.line, run.code) == (WELL[method], 0)
    assert run.gateway.requests


ODD = ["blank before the colon", "no colon", "carriage return in a line", "chunked twice"]


@pytest.mark.parametrize("form", READ)
def test_a_connection_with_an_odd_line_is_not_used_again(through, form):
    run = through("mapi", READ[form], "-v", "--auth", "basic")
    assert (run.line, run.code) == (WELL["mapi"], 0)
    said = "127.0.0.1 sends header lines that are malformed: " in run.diagnosis
    kept = run.gateway.connections < len(run.gateway.requests)
    assert (said, kept) == ((True, False) if form in ODD else (False, True))


#: How a line begins whose service is cut off by a gateway.
SUBJECT = {
    "cmdlet": HEALTHY,
    "sign-in": "sign-in failed",
    "graph": HEALTHY,
    "mapi": f"{HEALTHY}: Autodiscover",
}

NO_NUMBER = "sends a Content-Length that is no number"
REFUSED = {
    "words for a length": (b"Content-Length: many", NO_NUMBER),
    "less than nothing": (b"Content-Length: -1", NO_NUMBER),
    "two lengths": (
        b"Content-Length: 5\r\nContent-Length: 6",
        "sends two different Content-Lengths",
    ),
    "length and chunks": (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        "sends both Content-Length and Transfer-Encoding",
    ),
    "length without colon": (b"Content-Length 57", "sends a header line that cannot be read"),
    "another coding": (
        b"Transfer-Encoding: gzip, chunked",
        "sends an unknown Transfer-Encoding",
    ),
}


@METHODS
@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_read_is_named(through, method, form):
    lines, words = REFUSED[form]
    run = through(method, lambda head, body: with_lines(head, body, lines), only="/")
    # "Autodiscover" gives way where the next step fits only without it.
    told = run.line.partition("; ")[0].replace(f"{HEALTHY}: Autodiscover:", f"{HEALTHY}:")
    subject = HEALTHY if method == "mapi" else SUBJECT[method]
    assert (told, run.code) == (f"MAPI CRITICAL - {subject}: 127.0.0.1 {words}", 2)
    assert ": kind protocol\n" in run.diagnosis
    assert f"\n  in full       {lines.decode().split(chr(13))[0][:14]}" in run.diagnosis


@pytest.mark.parametrize("status", [100, 102, 103])
@METHODS
def test_interim_answers_without_end(through, method, status):
    interim = b"HTTP/1.1 %d X\r\n\r\n" % status
    run = through(method, lambda head, body: interim * 200 + with_length(head, body))
    said = "127.0.0.1 sends over 50 answers of HTTP 1xx, and no other"
    assert run.line.startswith("MAPI CRITICAL - ")
    assert f": {said}" in run.line
    assert run.code == 2


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_answers_to_connect(way, interim):
    def act(proxy, client, head):
        client.sendall(b"HTTP/1.1 " + interim + b"\r\nVia: x\r\n\r\n")
        return proxy.relay(client, head)

    proxy = OddProxy(act)
    run = way("cmdlet", "--no-cache", "--proxy", f"http://{proxy.address}", "-m", HEALTHY)
    proxy.close()
    assert (run.line, run.code) == (WELL["cmdlet"], 0)


@pytest.mark.parametrize(
    "lines", [b"X-Gateway : one", b"some words", b"Content-Length: many", b"A: b\rc"]
)
def test_odd_lines_beside_a_tunnel(way, lines):
    def act(proxy, client, head):
        return proxy.relay(client, head, OPENED[:-2] + lines + b"\r\n\r\n")

    proxy = OddProxy(act)
    run = way("cmdlet", "--no-cache", "--proxy", f"http://{proxy.address}", "-m", HEALTHY)
    proxy.close()
    assert (run.line, run.code) == (WELL["cmdlet"], 0)
