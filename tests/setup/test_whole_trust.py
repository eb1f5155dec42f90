"""The set-up command in places where the monitoring user, or anybody else, was before: what others
can change is refused before a packet is sent, and no token goes to a host that only they named.
"""

from __future__ import annotations

import os
import shutil
import socket

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.setup.steps import names

from ..support.provisioning import pems
from ..support.setting_up import MAILBOX
from ..tenant.directory import TENANT_NAME

ROOT = os.geteuid() == 0

#: An ordinary user, and what he is called.
STRANGER = 65534

ACTIONS = [(), ("--status",), ("--remove", "--yes"), ("--renew",)]
CALLED = ["set-up", "status", "remove", "renew"]


class Listener:
    """A host of somebody else's: `requests` counts the connections that were made to it."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def requests(self):
        count = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self):
        self._socket.close()


@pytest.fixture
def foreign():
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def run(arranged):
    """`run(*words)`: the command without any --...-url of its own; exit code, or UsageError."""
    token = arranged.tokens()

    def run(*words, mailbox=MAILBOX):
        return arranged.bare("--tenant", TENANT_NAME, token, "-m", mailbox, *map(str, words))

    return run


def planted(arranged, foreign, *more):
    """An options.ini that leads to a foreign host."""
    arranged.directory.mkdir(parents=True)
    lines = [f"; {names.TAG}", f"[{TENANT_NAME}]", f"tenant = {TENANT_NAME}", *more]
    lines += [f"{name}-url = {foreign.url}" for name in ("authority", "exchange", "graph")]
    lines += [f"ca-file = {arranged.tenant.material.ca_file}"]
    path = arranged.directory / "options.ini"
    path.write_text("\n".join([*lines, ""]))
    path.chmod(0o640)
    arranged.directory.chmod(0o750)
    return path


def refused(run, *words):
    with pytest.raises(UsageError) as caught:
        run(*words)
    return [str(caught.value), *caught.value.details]


def untouched(arranged, before):
    """Nobody was asked anything."""
    return arranged.tenant.connections == before and arranged.tenant.requests == []


@pytest.mark.parametrize("words", ACTIONS, ids=CALLED)
@pytest.mark.skipif(not ROOT, reason="only root has files of others")
def test_a_directory_of_the_monitoring_user(arranged, run, foreign, words):
    """Today's installations: made by the monitoring user, or given to him."""
    path, before = planted(arranged, foreign), arranged.tenant.connections
    for one in (arranged.directory, path):
        os.chown(one, STRANGER, STRANGER)
    path.chmod(0o666)
    directory = arranged.directory
    assert refused(run, *words) == [
        f"--output: {directory} belongs to nobody (user id 65534), mode 0750; nobody but root may own "
        "or change what this command reads and writes. Look at what is there, then run as root: "
        f"chown root {directory} && chmod 0700 {directory}",
        f"{path} belongs to nobody (user id 65534), mode 0666; run as root: chown root {path} && "
        f"chmod 0600 {path}",
    ]
    assert foreign.requests() == 0 and untouched(arranged, before)


@pytest.mark.skipif(not ROOT, reason="only root has files of others")
def test_the_commands_that_mend_it(arranged, run, foreign):
    """With a group that is to read, that group reads; as printed they mend what is shown."""
    path = planted(arranged, foreign)
    path.write_text(f"[{TENANT_NAME}]\ntenant = {TENANT_NAME}\nmethod = cmdlet\n")
    for one in (arranged.directory, path):
        os.chown(one, STRANGER, STRANGER)
    owner = ("--owner=root:nogroup", *arranged.places)
    first, second = refused(run, *owner)
    assert first.endswith(
        f"chown root:nogroup {arranged.directory} && chmod 0750 {arranged.directory}"
    )
    for line in (first, second):
        assert os.system(line.partition("run as root: ")[2]) == 0
    arranged.proves = False
    assert run(*owner) == 0
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (
        0,
        STRANGER,
        0o640,
    )


FLAWS = {
    "directory open to all": ("DIR", 0o777),
    "directory open to a group": ("DIR", 0o770),
    "file open to all": ("DIR/options.ini", 0o666),
    "file open to a group": ("DIR/options.ini", 0o660),
    "key open to all": ("DIR/certificate.pem", 0o666),
    "list open to all": ("DIR/made.json", 0o646),
    "parent open to all": ("DIR/..", 0o777),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_what_others_can_write(arranged, run, foreign, flaw):
    planted(arranged, foreign)
    for name in ("certificate.pem", "made.json"):
        (arranged.directory / name).write_text("")
        (arranged.directory / name).chmod(0o600)
    where, mode = FLAWS[flaw]
    path = os.path.normpath(where.replace("DIR", str(arranged.directory)))
    os.chmod(path, mode)
    before = arranged.tenant.connections
    [line] = refused(run)
    mend = f"chmod {'0700' if where == 'DIR' else '0600'} {path}"
    mend = f"chmod go-w {path}" if where == "DIR/.." else mend
    assert line.startswith(f"--output: {path} belongs to ")
    assert f", mode {mode:04o}; nobody but root" in line and line.endswith(
        f"then run as root: {mend}"
    )
    assert foreign.requests() == 0 and untouched(arranged, before)


@pytest.mark.parametrize("words", ACTIONS, ids=CALLED)
def test_a_symbolic_link(arranged, run, foreign, tmp_path, words):
    """For the file, for the directory, for one above it."""
    planted(arranged, foreign)
    before = arranged.tenant.connections
    elsewhere = tmp_path / "elsewhere"
    shutil.move(arranged.directory, elsewhere)
    arranged.directory.symlink_to(elsewhere)
    assert refused(run, *words) == [
        f"--output: {arranged.directory} is a symbolic link, and this command follows none; give "
        f"--output the path that it leads to: {elsewhere}"
    ]
    arranged.directory.unlink()
    arranged.directory.mkdir(0o700)
    (arranged.directory / "options.ini").symlink_to(elsewhere / "options.ini")
    assert refused(run, *words) == [
        f"--output: {arranged.directory}/options.ini is a symbolic link, and this command follows "
        f"none; put a copy in its place: cp --remove-destination {elsewhere}/options.ini "
        f"{arranged.directory}/options.ini"
    ]
    (arranged.directory / "options.ini").unlink()
    shutil.move(arranged.etc, tmp_path / "other")
    arranged.etc.symlink_to(tmp_path / "other")
    [line] = refused(run, *words)
    assert line.startswith(f"--output: {arranged.etc} is a symbolic link")
    assert foreign.requests() == 0 and untouched(arranged, before)


@pytest.mark.parametrize("words", ACTIONS, ids=CALLED)
def test_a_planted_key(arranged, run, words):
    """Refused before it could be registered and granted."""
    arranged.directory.mkdir(parents=True)
    key = arranged.directory / "certificate.pem"
    key.write_bytes(next(pems()))
    key.chmod(0o666)
    before = arranged.tenant.connections
    [line] = refused(run, *words, *arranged.places)
    assert line.startswith(f"--output: {key} belongs to ") and "mode 0666" in line
    assert untouched(arranged, before)
    assert arranged.state()["applications"] == []


@pytest.mark.parametrize("option", ["token-file", "ca-file", "certificate", "password-file"])
def test_files_that_options_name(arranged, run, foreign, tmp_path, option):
    """In a directory where others may write, through a link, or open to others themselves."""
    place = tmp_path / "place"
    place.mkdir()
    path = place / "file"
    path.write_text("x")
    path.chmod(0o600)
    words = [f"--{option}={path}", *(["-l", "u@contoso.com"] if "password" in option else [])]
    before = arranged.tenant.connections
    place.chmod(0o777)
    [line] = refused(run, *words)
    assert line.startswith(f"--{option}: {place} belongs to ")
    assert (
        f"then run as root: chmod go-w {place}, or give --{option} a copy in a directory of" in line
    )
    place.chmod(0o755)
    path.chmod(0o620)
    [line] = refused(run, *words)
    assert f"then run as root: chmod go-w {path}, or" in line
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    [line] = refused(run, words[0].replace(str(path), str(tmp_path / "link")), *words[1:])
    assert line == (
        f"--{option}: {tmp_path}/link is a symbolic link, and this command follows none; give "
        f"--{option} the path that it leads to: {path}"
    )
    assert untouched(arranged, before)


@pytest.mark.parametrize("words", ACTIONS, ids=CALLED)
def test_a_host_that_this_command_did_not_write(arranged, run, foreign, words):
    """The file belongs to root, but nobody knows who wrote that line."""
    path, before = planted(arranged, foreign), arranged.tenant.connections
    [line] = refused(run, *words)
    assert line == (
        f"--authority-url: {path} names {foreign.url}, which is not a host of cloud worldwide, and "
        f"{names.COMMAND} did not write that file for this cloud; if this host is right, give "
        f"--authority-url={foreign.url} on the command line, else remove that line"
    )
    assert foreign.requests() == 0 and untouched(arranged, before)


def test_hosts_that_this_command_wrote(arranged, run, foreign):
    """Taken again, and named before anybody signs in."""
    arranged.proves = False
    assert run(*arranged.places) == 0
    path, url = arranged.directory / "options.ini", arranged.tenant.url
    assert run() == 0
    assert arranged.said[:3] == [
        f"note: the administrator signs in at {url}, not https://login.microsoftonline.com "
        f"(--authority-url: [{TENANT_NAME}] of {path})",
        f"note: the token for Exchange Online goes to {url}, not https://outlook.office365.com "
        f"(--exchange-url: [{TENANT_NAME}] of {path})",
        f"note: the token for Microsoft Graph goes to {url}, not https://graph.microsoft.com "
        f"(--graph-url: [{TENANT_NAME}] of {path})",
    ]
    # For another cloud than this it was not written.
    before = arranged.tenant.connections
    [line] = refused(run, "--cloud=china")
    assert line.startswith(
        f"--authority-url: {path} names {url}, which is not a host of cloud china, and "
    )
    # Nor is it what was written, once somebody has changed it.
    text = path.read_text()
    path.write_text(text.replace(f"graph-url = {url}", f"graph-url = {foreign.url}"))
    [line] = refused(run)
    assert line.startswith(
        f"--authority-url: {path} names {url}, which is not a host of cloud worldwide, and "
    )
    [line] = refused(run, *arranged.places[:2])
    assert line.startswith(
        f"--graph-url: {path} names {foreign.url}, which is not a host of cloud worldwide"
    )
    assert foreign.requests() == 0 and arranged.tenant.connections == before
    # The cloud's own hosts need nobody's word.
    path.write_text(f"[{TENANT_NAME}]\ngraph-url = https://Graph.microsoft.com/\n")
    assert run(*arranged.places) == 0


def test_an_installation_of_before_the_list(arranged, run):
    """What its options.ini says is taken over once the command line has said the same."""
    arranged.proves = False
    assert run(*arranged.places) == 0
    (arranged.directory / "made.json").unlink()
    [line] = refused(run)
    assert " did not write that file for this cloud; " in line
    assert run(*arranged.places) == 0
    assert "nothing to do: everything was there" in arranged.said
    assert run() == 0
