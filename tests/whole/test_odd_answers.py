"""End to end: answers that are too large, not the service's own, or lack the one header that
counts.
"""

from __future__ import annotations

import threading

import pytest

from ..support.gateway import Gateway, with_length

HEALTHY = "healthy@practice.example"
PAGE = b"<html><head><title>Guest network</title></head><body>Sign in here</body></html>"
PORTAL = b"HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\n\r\n"

#: Method -> option that names the host, and what its failures begin with.
HOSTS = {
    "cmdlet": ("--exchange-url", HEALTHY),
    "graph": ("--graph-url", HEALTHY),
    "sign-in": ("--authority-url", "sign-in failed"),
    "autodiscover": ("--autodiscover-url", f"{HEALTHY}: Autodiscover"),
    "mapi": ("--autodiscover-url", HEALTHY),
}
WHO = {"cmdlet": "Exchange Online", "graph": "Graph", "sign-in": "Entra"}


@pytest.fixture
def through(way, tenant):
    """`through(place, change)`: one run with a gateway before that place."""

    def run(place, change, *arguments):
        option, _ = HOSTS[place]
        only = "/mapi/" if place == "mapi" else ""
        section = {"sign-in": "cmdlet", "autodiscover": "mapi"}.get(place, place)
        with Gateway(tenant, change, only) as gateway:
            url = gateway.url + ("/autodiscover/autodiscover.xml" if section == "mapi" else "")
            return way(section, "-m", HEALTHY, "--no-cache", "-t", "15", option, url, *arguments)

    yield run
    # A session whose beginning the gateway hides is nobody's to end.
    tenant.reset()


@pytest.mark.parametrize("place", HOSTS)
def test_a_network_that_wants_a_logon(through, place):
    run = through(place, lambda *_: with_length(PORTAL, PAGE))
    who = WHO.get(place, "127.0.0.1")
    cause = f"a network on the way to {who} wants a logon (captive portal)"
    assert f": {cause[:40]}" in run.line
    assert f": {cause}" in run.words
    assert ": kind connect\n" in run.diagnosis
    assert "\n  remedy        log this host on to that network, or have it exempted there\n" in (
        run.diagnosis
    )
    assert run.code == 2


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@pytest.mark.parametrize(
    ("place", "size", "words"),
    [
        ("cmdlet", 600, "127.0.0.1 sends an answer of over 512 KiB"),
        ("graph", 600, "127.0.0.1 sends an answer of over 512 KiB"),
        ("sign-in", 70, "127.0.0.1 sends an answer of over 64 KiB"),
    ],
)
def test_an_answer_beyond_the_limit_is_named_so(through, place, size, words):
    body = b'{"value": [' + b"[[[[0]]]]," * (size * 102) + b"0]}"
    run = through(place, lambda *_: with_length(JSON, body))
    assert run.line.startswith(f"MAPI CRITICAL - {HOSTS[place][1]}: {words}")
    assert run.code == 2


def test_a_large_error_page_of_the_sign_in_service(through):
    page = b"<html>" + b"x" * 100_000
    status = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n"
    run = through("sign-in", lambda *_: with_length(status, page))
    words = "MAPI CRITICAL - sign-in failed: 127.0.0.1 answers with an error page (HTTP 503)"
    assert run.line.startswith(words)


def test_a_logon_page_that_redirects_to_itself_is_no_circle_of_autodiscover(through):
    head = b"HTTP/1.1 302 Found\r\nLocation: /my.policy\r\n\r\n"
    run = through("autodiscover", lambda *_: with_length(head, b""))
    cause = "127.0.0.1 redirects Autodiscover to a web page; check the reverse proxy"
    assert (run.line, run.code) == (f"MAPI CRITICAL - {HEALTHY}: {cause}", 2)


def test_a_status_that_nobody_has_registered_is_one_of_who_is_on_the_way(through):
    head = b"HTTP/1.1 522 \r\nContent-Type: text/html\r\n\r\n"
    run = through("mapi", lambda *_: with_length(head, b"error code: 522"))
    cause = "127.0.0.1 answers with status 522 (HTTP 522); check the reverse proxy"
    assert (run.line, run.code) == (f"MAPI CRITICAL - {HEALTHY}: {cause}", 2)


def without(*names):
    """Headers that a gateway takes away."""

    def change(head, body):
        kept = [
            line for line in head.split(b"\r\n") if line.partition(b":")[0].lower() not in names
        ]
        return with_length(b"\r\n".join(kept), body)

    return change


def test_mapi_without_its_response_code_is_no_logon_page(through):
    run = through("mapi", without(b"x-responsecode"))
    cause = "127.0.0.1 answers without a usable X-ResponseCode"
    assert run.line.startswith(f"MAPI CRITICAL - {HEALTHY}: {cause}")
    assert "\n  remedy        check the reverse proxy; it may change headers" in run.diagnosis
    assert "logon page" not in run.stdout


def test_what_is_not_mapi_may_be_a_logon_page(through):
    run = through("mapi", without(b"x-responsecode", b"content-type"))
    cause = "127.0.0.1 answers, but not as MAPI over HTTP"
    assert run.line.startswith(f"MAPI CRITICAL - {HEALTHY}: {cause}")
    assert "\n  remedy        check the reverse proxy; /autodiscover/ and /mapi/" in run.diagnosis


@pytest.mark.parametrize("place", ["mapi", "sign-in"])
def test_a_server_that_drops_the_second_request_of_each_connection_gets_one_each(through, place):
    seen = set()

    def once(head, body):
        # Each connection has a thread of its own.
        if threading.current_thread() in seen:
            return None
        seen.add(threading.current_thread())
        return with_length(head, body)

    run = through(place, once)
    assert run.code == 0
    assert run.line.startswith(f"MAPI OK - {HEALTHY}: Inbox listed in ")
