"""Method mapi against servers that behave as Gromox 3.10 and as Exchange Server SE do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest

from ..support.chaos import Chaos
from ..tenant.material import DOMAIN
from ..tenant.wire import Wire

LISTED = "MAPI OK - {}@practice.example: Inbox listed in #s (mapi)"


@pytest.fixture
def gromox(tenant):
    tenant.flavour = "gromox"
    return tenant


@contextlib.contextmanager
def one_connection(port):
    """The port of a way to `port` of this host that takes one connection and drops the packets of
    every later one: its queue is full.
    """
    with contextlib.ExitStack() as kept:
        listener = kept.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))

        def carry():
            client = kept.enter_context(listener.accept()[0])
            for _ in range(3):
                waiting = kept.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            server = kept.enter_context(socket.create_connection(("127.0.0.1", port)))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()

        threading.Thread(target=carry, daemon=True).start()
        yield listener.getsockname()[1]


def _pump(source, target):
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                return
            target.sendall(data)


def kinds(tenant):
    """Request type and whether cookies came along, of each request to the mailbox."""
    return [
        (headers["x-requesttype"], "cookie" in headers)
        for _, _, headers, _ in tenant.requests
        if "x-requesttype" in headers
    ]


def test_a_server_that_was_restarted_in_the_middle(mapi, gromox):
    assert mapi().code == 0
    gromox.requests.clear()
    gromox.faults.on("mapi-execute", "lost-session", 1)
    run = mapi()
    assert (run.line, run.code) == (LISTED.format("healthy"), 0)
    assert kinds(gromox) == [
        ("Connect", False),
        ("Execute", True),
        ("Disconnect", True),
        ("Connect", False),
        ("Execute", True),
        ("Disconnect", True),
    ]
    assert "127.0.0.1 does not accept the session's cookie; connected again" in run.diagnosis
    assert "could not be ended" not in run.diagnosis


def test_cookies_of_a_session_that_the_server_forgot_are_left_away(mapi, gromox):
    """The connection breaks in Execute and the server is another one afterwards: the Connect that
    would end the old session is refused, and one without cookies is tried.
    """
    assert mapi().code == 0
    gromox.requests.clear()
    gromox.faults.on("mapi-execute", "restart", 1)
    run = mapi()
    assert (run.line, run.code) == (LISTED.format("healthy"), 0)
    assert kinds(gromox) == [
        ("Connect", False),
        ("Execute", True),
        ("Disconnect", True),
        ("Connect", True),
        ("Connect", False),
        ("Execute", True),
        ("Disconnect", True),
    ]
    assert "connected without the old cookies" in run.diagnosis


def test_a_session_that_stays_lost(mapi, gromox):
    gromox.faults.on("mapi-execute", "lost-session", 9)
    run = mapi("healthy", section="mapi-url")
    assert run.code == 2
    assert run.line == (
        "MAPI CRITICAL - healthy@practice.example: 127.0.0.1 does not accept the session's cookie; "
        "check load balancer affinity"
    )
    assert "Invalid Verb in the specification; that is how X-ResponseCode 2 is meant here: The" in (
        run.diagnosis
    )


def test_a_mailbox_without_permission(mapi, gromox):
    run = mapi("not-permitted", user="healthy@practice.example")
    assert run.code == 3
    assert run.line.startswith(
        "MAPI UNKNOWN - not-permitted@practice.example: signed-in user has no right to this mailbox"
    )
    assert "MapiHttpEnabled" not in run.diagnosis
    assert "Add-MailboxPermission -AccessRights FullAccess" in run.diagnosis


def test_names_are_whole(mapi, gromox):
    """Connect tells them without what is not ASCII, in the second run as in the first."""
    for _ in range(2):
        run = mapi("cyrillic")
        assert (run.line, run.code) == (LISTED.format("cyrillic"), 0)
        assert "Пробный ящик" in run.diagnosis


def test_whole_seconds_of_a_server_are_no_share_of_the_time(mapi, gromox):
    run = mapi("healthy", "-v", "-w", "0.000001")
    assert run.code == 1
    assert "the front end" not in run.outcome.stdout
    assert "by its own word" not in run.outcome.stdout
    assert "the server itself says 0s, maybe rounded" in run.diagnosis


def test_milliseconds_of_exchange_are(mapi):
    run = mapi("healthy", "-v", "-w", "0.000001")
    assert run.code == 1
    assert "s of it in the server, by its own word" in run.diagnosis


def test_too_many_sessions(mapi, gromox):
    mapi.left = 100
    wires = [Wire(gromox, "healthy") for _ in range(100)]
    for wire in wires:
        wire.connect()
        wire.http.close()
    gromox.requests.clear()
    run = mapi("healthy", section="mapi-url")
    assert run.code == 2
    assert run.line == (
        f"MAPI CRITICAL - healthy@{DOMAIN}: server opens no session for this user; "
        "end some sessions of this user"
    )
    assert "database may" not in run.outcome.stdout


def test_exchange_se_is_named_by_the_body_of_connect(mapi, tenant):
    tenant.flavour = "exchange-se"
    run = mapi("healthy", "-v")
    assert (run.line, run.code) == (LISTED.format("healthy"), 0)
    assert "server        se-lab-01.practice.example" in run.diagnosis
    assert "s of it in the server, by its own word" in run.diagnosis
    # The presumed id of the Inbox is right: nothing was asked twice.
    assert len(run.requests) == 4


def test_packets_that_are_dropped_in_execute(mapi, tenant):
    """Neither Execute's answer comes nor the connection that would end the session."""
    tenant.faults.on("mapi-execute", "silent")
    mapi.left = 1
    with one_connection(tenant.port) as port:
        run = mapi("healthy", "-H", f"127.0.0.1:{port}", "-t", "5")
    assert run.code == 2
    assert "no answer to MAPI Execute from 127.0.0.1 in 4" in run.line
    assert "the time was up before the session was ended" in run.diagnosis


def test_a_delegate_is_looked_up_once_a_run(mapi, tenant):
    """Three mailboxes that are not his: Autodiscover is asked for each of them, and once for him."""
    names = ("shared", "chained", "empty")
    more = [word for name in names[1:] for word in ("-m", f"{name}@{DOMAIN}")]
    mapi(names[0], *more, user=f"healthy@{DOMAIN}")
    asked = [
        re.search(rb"<EMailAddress>([^<]*)", body)[1].decode()
        for _, path, _, body in tenant.requests
        if "autodiscover" in path.lower()
    ]
    assert asked.count(f"healthy@{DOMAIN}") == 1
    assert len(asked) == len(names) + 1


@pytest.mark.parametrize(
    ("section", "option"),
    [("cmdlet", "--exchange-url"), ("graph", "--graph-url"), ("cmdlet", "--authority-url")],
)
def test_a_proxy_that_answers_inside_the_tunnel(check, tenant, tmp_path, section, option):
    """As an inspecting squid does: CONNECT is well, and the answer in the server's name is its own."""
    with Chaos(tenant, "squid") as chaos:
        run = check(
            f"--extra-opts={section}@{tenant.ini}",
            *(option, chaos.url, "--cache-dir", tmp_path / "cache"),
        )
    target = chaos.address
    assert run.code == 2
    assert f"proxy (squid) refuses to connect to {target}" in run.line
    assert ": kind proxy\n" in run.diagnosis
    assert f"allow {target} on the proxy" in run.diagnosis
