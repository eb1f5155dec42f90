"""--ask-password: typed in twice, on a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from check_mapi_connectivity import __main__, plugin
from check_mapi_connectivity.base.credentials import ClientSecret, Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import parse, secrets

from ..conftest import ROOT
from ..support.options import parsed

#: Seconds until a terminal that says nothing is given up.
LIMIT = 60.0

ASK = """
import signal
from check_mapi_connectivity import process
from check_mapi_connectivity.commandline import secrets
from check_mapi_connectivity.base.errors import UsageError
process.block_signals()
try:
    print("GOT", ascii(secrets.ask("password of probe")))
except UsageError as error:
    print("REFUSED", error)
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print("BLOCKED", signal.SIGINT in blocked)
"""


#: Makes standard input the controlling terminal, then becomes what it was asked to run. Forking
#: here instead might hang: this process has threads.
SEAT = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Terminal:
    """A process on a terminal of its own, and a person at it."""

    def __init__(self, arguments, environment):
        self.shown, self.code = "", None
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SEAT, *arguments],
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, pattern):
        """Read until something is shown; fails when the process ends before."""
        deadline = time.monotonic() + LIMIT
        while not re.search(pattern, self.shown):
            if not self._more(deadline):
                pytest.fail(f"{pattern} was never shown: {self.shown!r}")
        return self

    def type(self, data):
        """What the person types."""
        os.write(self._master, data)
        return self

    def end(self):
        """Wait for the end; what was shown in the whole."""
        deadline = time.monotonic() + LIMIT
        while self._more(deadline):
            pass
        self.code = self._process.wait()
        os.close(self._master)
        return self.shown.replace("\r\n", "\n")

    def _more(self, deadline):
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            self._process.kill()
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:
            # The other end is closed.
            data = b""
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def asking(environment):
    """A process that asks for the password of probe."""
    variables = {**environment, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    return Terminal(["-c", ASK], variables)


def test_the_same_twice(asking):
    asking.until("password of probe: ").type(b"hunter2\n")
    asking.until("the same again: ").type(b"hunter2\n")
    shown = asking.end()
    assert "GOT 'hunter2'\nBLOCKED True\n" in shown
    # Nothing that is typed is echoed: it shows once, printed by the test.
    assert shown.count("hunter2") == 1


def test_blanks_and_other_letters_are_kept(asking):
    typed = " p\u00e4ss w\u00f6rd "
    asking.until("probe: ").type(typed.encode() + b"\n")
    asking.until("again: ").type(typed.encode() + b"\n")
    assert f"GOT {typed!a}\n" in asking.end()


def test_two_that_differ(asking):
    asking.until("probe: ").type(b"hunter2\n")
    asking.until("again: ").type(b"hunter3\n")
    shown = asking.end()
    text = "REFUSED password of probe: the two entries differ; start again\nBLOCKED True\n"
    assert text in shown
    assert "hunter" not in shown


def test_nothing_typed(asking):
    asking.until("probe: ").type(b"\n")
    asking.until("again: ").type(b"\n")
    assert "REFUSED password of probe: nothing was entered\nBLOCKED True\n" in asking.end()


@pytest.mark.parametrize("typed", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("second", [False, True])
def test_given_up(asking, typed, second):
    asking.until("probe: ")
    if second:
        asking.type(b"hunter2\n").until("again: ")
    asking.type(typed)
    shown = asking.end()
    assert "REFUSED password of probe: nothing was entered\nBLOCKED True\n" in shown
    assert (asking.code, "hunter2" in shown) == (0, False)


def test_bytes_that_are_no_text(asking):
    asking.until("probe: ").type(b"\xff\xfe\n")
    shown = asking.end()
    assert "REFUSED password of probe: what was entered is not text\nBLOCKED True\n" in shown


def test_no_terminal(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _: False)
    with pytest.raises(UsageError) as caught:
        secrets.ask("password")
    text = "password: there is no terminal to ask on; give it in a file"
    assert str(caught.value) == text


def on_terminal(environment, tenant, *arguments):
    """The whole check on a terminal, by password, against the practice tenant."""
    words = (f"--extra-opts=cmdlet-password@{tenant.ini}", "--password-file=none", "--no-cache")
    command = ["-m", "check_mapi_connectivity", *words, "--ask-password", *arguments]
    return Terminal(command, {**environment, "PYTHONPATH": str(ROOT)})


def test_a_whole_run(environment, tenant):
    typed = tenant.material.password.encode() + b"\n"
    run = on_terminal(environment, tenant)
    run.until("password of healthy@practice.example: ").type(typed)
    run.until("the same again: ").type(typed)
    shown = run.end()
    assert "MAPI OK - healthy@practice.example: Inbox listed in " in shown
    assert (run.code, tenant.entra.password_tries) == (0, [("healthy@practice.example", True)])
    assert tenant.material.password not in shown


def test_waiting_for_a_person_is_none_of_the_checks_time(there, options, monkeypatch):
    """Neither of its deadline nor of its total time."""
    moments = iter([5000.0, 6000.0])
    monkeypatch.setattr(parse.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(secrets, "ask", lambda _: "hunter2")
    words = ["--tenant", "t.example", "-l", "a@b.example", "--ask-password"]
    command = parsed(words, {}).command
    assert command.waited == 1000.0
    monkeypatch.undo()
    # A thousand seconds ago it began, and a thousand were the person's.
    monkeypatch.setattr(plugin.Watchdog, "start", lambda _: None)
    nobody = command._replace(options=options(credential=ClientSecret(Secret("hunter2"))))
    text, code, _ = __main__.carry_out(nobody, time.monotonic() - 1000.0)
    assert text.startswith("MAPI CRITICAL - sign-in failed: 127.0.0.1 port 1: connection refused")
    assert float(re.search(r"total_time=([0-9.]+)s", text)[1]) < 500.0
    assert code == 2


def test_a_scheduler_is_told(check, tenant):
    words = (f"--extra-opts=cmdlet-password@{tenant.ini}", "--password-file=none")
    run = check(*words, "--ask-password")
    text = "password of healthy@practice.example: there is no terminal to ask on; give it in a file"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - {text}", 3)
    assert tenant.requests == []
