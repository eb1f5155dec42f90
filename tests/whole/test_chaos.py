"""Every way to the practice tenant through a server that spoils answers: what can be read is read, and
what cannot is told by what happened.
"""

from __future__ import annotations

import re

import pytest

from ..support.chaos import FAULTS, Chaos
from ..tenant.material import DOMAIN

#: Way -> section, the option that names the chaos server, whether that is without https.
WAYS = {
    "cmdlet": ("cmdlet", "--exchange-url", False),
    "graph": ("graph", "--graph-url", False),
    "mapi": ("mapi", "-H", True),
    "sign-in": ("cmdlet", "--authority-url", False),
}
OK = f"MAPI OK - healthy@{DOMAIN}: Inbox listed in #s ({{method}})"
CRITICAL = f"MAPI CRITICAL - healthy@{DOMAIN}: "

#: What a client has to put up with (RFC 9110 15.2, RFC 9112 5.2, 7, 9).
HARMLESS = ("none", "late", "pieces", "fold", "interim", "without-name", "lower-case", "closes")

CLOSES, BREAKS = (
    "127.0.0.1 closes the connection, no answer",
    "127.0.0.1 breaks off its answer",
)
#: What a way waits for, where nothing comes.
SILENT = "silent"
AWAITED = {
    "sign-in": "MAPI CRITICAL - sign-in failed: no complete answer from 127.0.0.1 in 3s",
    "mapi": f"{CRITICAL}no complete answer to Autodiscover from 127.0.0.1 in 3s",
    "cmdlet": f"{CRITICAL}no complete answer from 127.0.0.1 in 3s",
    "graph": f"{CRITICAL}no complete answer from 127.0.0.1 in 3s",
}
HARMFUL = {
    "cut-before": CLOSES,
    "cut-head": CLOSES,
    "cut-body": BREAKS,
    "restart": CLOSES,
    "never": SILENT,
    "drip": SILENT,
}


@pytest.fixture
def through(check, tenant, tmp_path):
    """`through(way, fault, where, times)`: first line, times as `#`, exit code, and the requests."""

    def run(way, fault, where=".", times=1 << 30, *words):
        section, option, bare = WAYS[way]
        with Chaos(tenant, fault, where, times) as chaos:
            place = chaos.address if bare else chaos.url
            done = check(
                f"--extra-opts={section}@{tenant.ini}",
                *(option, place, "--cache-dir", tmp_path / "cache", *words),
            )
        line = re.sub(r"listed in [0-9.]+s", "listed in #s", done.line)
        return line, done.code, chaos.seen

    yield run
    assert tenant.crashes == []


@pytest.mark.parametrize("fault", HARMLESS)
@pytest.mark.parametrize("way", WAYS)
def test_what_can_be_read_is_read(through, tenant, way, fault):
    line, code, seen = through(way, fault)
    method = "cmdlet" if way == "sign-in" else way
    assert (line, code) == (OK.format(method=method), 0)
    assert len(seen) == {"cmdlet": 1, "graph": 1, "mapi": 4, "sign-in": 2}[way]
    assert tenant.open_sessions() == 0


@pytest.mark.parametrize("fault", HARMFUL)
@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_read_is_told_by_what_happened(through, way, fault):
    line, code, seen = through(way, fault, ".", 1 << 30, "-t", "3")
    lead = "MAPI CRITICAL - sign-in failed: " if way == "sign-in" else CRITICAL
    said = AWAITED[way] if HARMFUL[fault] == SILENT else f"{lead}{HARMFUL[fault]}"
    assert line.replace("Autodiscover: ", "").startswith(said)
    assert code == 2
    # A passing fault is tried once more, and only that.
    assert len(seen) <= 2


@pytest.mark.parametrize("fault", ["cut-before", "cut-head", "restart"])
@pytest.mark.parametrize("way", WAYS)
def test_what_happens_once_is_tried_again(through, tenant, way, fault):
    line, code, _ = through(way, fault, ".", 1)
    method = "cmdlet" if way == "sign-in" else way
    assert (line, code) == (OK.format(method=method), 0)
    assert tenant.open_sessions() == 0


@pytest.mark.parametrize("request_type", ["Connect", "Execute", "Disconnect"])
@pytest.mark.parametrize("fault", ["cut-before", "cut-head", "cut-body", "restart"])
def test_a_session_that_breaks_once_is_healed(through, tenant, request_type, fault):
    line, code, _ = through("mapi", fault, rf" {request_type}$", 1)
    assert (line, code) == (OK.format(method="mapi"), 0)
    # A session whose cookies never came cannot be ended: the server ends it by itself.
    assert tenant.open_sessions() == (
        request_type == "Connect" and fault.startswith("cut-") and (fault != "cut-body")
    )


def test_cookies_that_a_gateway_takes_away(through, tenant):
    line, code, _ = through("mapi", "lose-cookies")
    assert (line, code) == (
        f"{CRITICAL}127.0.0.1 gives the session no cookie; check the reverse proxy",
        2,
    )


@pytest.mark.parametrize("flavour", ["exchange", "exchange-se", "gromox"])
@pytest.mark.parametrize("code", ["code-6", "code-10", "sequence"])
def test_renumbered_codes_of_a_session_do_not_matter(through, tenant, flavour, code):
    tenant.flavour = flavour
    tenant.faults.on("mapi-execute", code, 1)
    line, code, _ = through("mapi", "renumber")
    assert (line, code) == (OK.format(method="mapi"), 0)


def test_all_faults_are_tried():
    assert set(FAULTS) == {*HARMLESS, *HARMFUL, "lose-cookies", "renumber", "squid"}
