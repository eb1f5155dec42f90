"""No secret of the set-up command - key, tokens, device codes, password - on screen, in a command line or
in a file that is not meant for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from ..support.canaries import Room, echoing
from ..support.setting_up import MAILBOX, OWNER
from ..tenant.directory import TENANT_NAME

COMMAND = "check_mapi_connectivity.setup"

#: Files are for their owner; and where root sets up, for a group.
MODE = 0o640 if os.geteuid() == 0 else 0o600


@pytest.fixture
def room(tmp_path, environment, tenant, monkeypatch):
    """A Room where set-up commands run as processes: `room.set_up(*words)` -> (code, output)."""
    room = Room(tmp_path, environment, tenant)
    tenant.admin.approve()
    issued = []
    for name in ("begin", "remember"):
        monkeypatch.setattr(tenant.admin.devices, name, _noting(tenant.admin.devices, name, issued))
    places = [f"--{name}-url={tenant.url}" for name in ("authority", "exchange", "graph")]
    places += [
        f"--ca-file={tenant.material.ca_file}",
        f"--output={room.places['work']}/etc",
        *OWNER,
    ]

    def set_up(*words, **keywords):
        done = subprocess.run(
            [sys.executable, "-m", COMMAND, "--tenant", TENANT_NAME, *places, *words],
            env=room.environment,
            cwd=room.places["work"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            **keywords,
        )
        room.note()
        if issued:
            room.keep("device code or refresh token", *issued)
        for path in (room.places["work"] / "etc").glob("certificate*.pem"):
            key = re.search("PRIVATE KEY-----(.+)-----END", path.read_text(), re.DOTALL)
            if key:
                room.keep("private key", *key[1].split()[:-1])
        output = done.stdout.decode()
        room.must_not_be_in(output, " ".join(words))
        return done.returncode, output

    room.set_up = set_up
    return room


def _noting(devices, name, issued):
    """What a method of the devices gives out is noted, too."""
    method = getattr(devices, name)

    def noted(*words):
        found = method(*words)
        issued.append(found["device_code"] if isinstance(found, dict) else found)
        return found

    return noted


def held(room):
    """File below the tenant's directory -> its mode and the canaries in it; nowhere else are any."""
    found = {}
    for place in room.places.values():
        for path in place.rglob("*"):
            if path.is_file():
                inside = room.found_in(path.read_bytes().decode("latin-1"))
                assert not inside or path.parent.name == "etc", path
                found[path.name] = (path.stat().st_mode & 0o777, inside)
    return found


def test_key_and_tokens(room):
    code, output = room.set_up("-m", MAILBOX)
    assert (code, "the check works" in output) == (0, True)
    assert set(room.canaries) == {
        *["access token", "device code or refresh token", "private key", "assertion"]
    }
    wanted = {
        "certificate.pem": (MODE, {"private key"}),
        "client_id": (MODE, set()),
        "options.ini": (MODE, set()),
        "made.json": (MODE, set()),
    }
    assert held(room) == wanted
    assert room.set_up("-m", MAILBOX, "--renew")[0] == 0
    assert held(room) == wanted
    assert room.set_up("--status")[0] == 0
    assert len(room.canaries["private key"]) > 40


@pytest.mark.cases(2)
@pytest.mark.parametrize("place", ["devicecode", "exchange", "token", "graph"])
def test_services_that_send_back_what_they_were_sent(room, tenant, monkeypatch, place):
    """In their refusals stand codes, tokens and certificates."""
    switch = echoing(tenant, monkeypatch)
    switch(place)
    code, output = room.set_up("-m", MAILBOX)
    assert (code, "  details: " in output) == (1, True)
    # The request for a code holds no secret yet.
    assert "***" in output or place == "devicecode"
    switch()
    assert room.set_up("-m", MAILBOX)[0] == 0
    assert held(room)["certificate.pem"] == (MODE, {"private key"})


def test_tokens_and_a_password_from_pipe_and_file(room, tenant):
    """Neither is in a command line: those of all processes are open to everybody."""
    user, password = "many-007@practice.example", tenant.material.directory / "password"
    room.keep("password", tenant.material.password)
    token = tenant.entra.issue_user("admin@practice.example", scp="Exchange.Manage")
    room.keep("pasted", token)
    words = ("-m", MAILBOX, "-l", user, f"--password-file={password}", "--token-file=-")
    code, output = room.set_up(*words, input=token.encode())
    assert (code, "the check works" in output) == (0, True)
    assert held(room) == {"options.ini": (MODE, set()), "made.json": (MODE, set())}
