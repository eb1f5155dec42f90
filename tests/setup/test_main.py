"""The set-up command as a process: exit codes, what is said when it ends early, and no secret."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys

import pytest

from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.setup import __main__ as entry
from check_mapi_connectivity.setup import run, terminal
from check_mapi_connectivity.setup.steps.work import StepFailure

from ..support.setting_up import OWNER

TENANT = ("--tenant", "contoso.onmicrosoft.com")
MAILBOX = ("-m", "probe@contoso.com")


@pytest.fixture
def main(monkeypatch, capfd, tmp_path):
    """Runs main() in this process: `main(*words, raising=...)` -> (code, stdout)."""
    monkeypatch.setattr(entry.check, "harden", lambda: None)
    monkeypatch.setattr(entry.signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)

    def call(*words, raising=None):
        if raising is not None:

            def fail(*_):
                raise raising

            monkeypatch.setattr(run, "run", fail)
            # Not /etc, which only root can write.
            words = (*words, "--output", str(tmp_path / "tenant"), *OWNER)
        monkeypatch.setattr(sys, "argv", ["check_mapi_connectivity_setup", *words])
        code = entry.main()
        return code, capfd.readouterr().out

    return call


def test_exit_codes(main):
    assert main("--version") == (0, "check_mapi_connectivity_setup 0.1.0\n")
    assert main("--help")[0] == 0
    assert main(*TENANT) == (
        2,
        "check_mapi_connectivity_setup: --mailbox (-m) is missing: give the e-mail address of the mailbox "
        "to log on to\n",
    )
    assert main(*TENANT, *MAILBOX, "--print-only")[0] == 0


def test_a_step_that_fails(main):
    failure = Failure(
        "permission",
        "Graph does not let this account do that",
        "sign in as Global Administrator",
        "Authorization_RequestDenied",
        "Insufficient privileges | <b>now</b> Bearer eyJhbGciOiJIUzI1NiJ9eyJhbGciOiJIUzI1NiJ9",
    )
    error = StepFailure("app role Exchange.ManageAsApp", failure, ["a", "b"])
    assert main(*TENANT, *MAILBOX, raising=error) == (
        1,
        "failed: app role Exchange.ManageAsApp: Graph does not let this account do that "
        "(Authorization_RequestDenied)\n  details: Insufficient privileges / (b)now(/b) Bearer ***\n  to "
        "do: sign in as Global Administrator\n  done before that: a, b; the next run goes on from there\n",
    )


def test_a_remedy_of_the_check_names_no_option_that_this_command_lacks(main):
    remedy = "see Exchange's own text; -v shows it whole"
    failure = Failure("server", "the proof fails", remedy, "", "It says why.")
    assert main(*TENANT, *MAILBOX, raising=CheckFailure(failure)) == (
        1,
        "failed: the proof fails\n  details: It says why.\n  to do: see Exchange's own text\n",
    )


def test_a_sign_in_that_fails(main):
    failure = Failure("dns", "name login.example does not exist", "check --cloud")
    assert main(*TENANT, *MAILBOX, raising=CheckFailure(failure)) == (
        1,
        "failed: name login.example does not exist\n  to do: check --cloud\n",
    )


def test_what_nobody_foresaw(main):
    code, text = main(*TENANT, *MAILBOX, raising=RuntimeError("password hunter2"))
    assert code == 1
    assert text.startswith("check_mapi_connectivity_setup: internal error: RuntimeError in ")
    assert "hunter2" not in text


def test_ctrl_c(main):
    assert main(*TENANT, *MAILBOX, raising=KeyboardInterrupt()) == (
        130,
        "check_mapi_connectivity_setup: interrupted; run it again: it goes on where it stopped\n",
    )


def test_a_library_that_is_missing(main):
    error = ModuleNotFoundError("No module named 'msal'", name="msal")
    assert main(*TENANT, *MAILBOX, raising=error) == (
        1,
        "check_mapi_connectivity_setup: Python module msal is missing: apt install python3-msal, or "
        "pip install msal\n",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_while_it_waits(environment, tmp_path, number):
    """A signal while the sign-in waits for an answer that never comes."""

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        words = [
            *TENANT,
            *MAILBOX,
            f"--authority-url=https://127.0.0.1:{port}",
            "--no-proxy",
            *OWNER,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", entry.__name__, f"--output={tmp_path}/out", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        listener.settimeout(60)
        kept = listener.accept()
        ended = None
        while ended is None:
            # One that comes right before a system call does not interrupt it.
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                ended = process.communicate(timeout=10)
        out, err = ended
        kept[0].close()
    assert (process.returncode, err) == (130, b"")
    assert out.endswith(b"interrupted; run it again: it goes on where it stopped\n")
    # Before somebody has signed in, nothing is made.
    assert not (tmp_path / "out").exists()


def test_waiting_shows_on_a_terminal_only():
    master, slave = pty.openpty()
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    seen = []
    told = terminal.Voice(slave, lambda text: seen.append(text) or True, lambda: now[0], sleep)
    told.wait(2.0, "the role group has not taken effect yet")
    told.say("done | <b>")
    shown = ""
    while not shown.endswith("\r\x1b[K"):
        shown += os.read(master, 4096).decode()
    os.close(master)
    os.close(slave)
    assert shown == (
        "\rthe role group has not taken effect yet; next try in 2s\x1b[K\rthe role group has not taken "
        "effect yet; next try in 1s\x1b[K\r\x1b[K"
    )
    assert seen == ["done / (b)\n"]
    assert now[0] == 2.0


def test_asking_before_a_removal(monkeypatch):
    told = terminal.Voice(None, lambda _: True)
    assert terminal.confirm(told, "All of it.", "contoso") is False
    master, slave = pty.openpty()
    monkeypatch.setattr(terminal.os, "isatty", lambda _: True)
    read = os.read
    monkeypatch.setattr(terminal.os, "read", lambda _, size: read(slave, size))
    for typed, agreed in ((b"CONTOSO\n", True), (b"yes\n", False), (b"\n", False)):
        os.write(master, typed)
        assert terminal.confirm(told, "All of it.", "contoso") is agreed
    os.close(master)
    os.close(slave)
