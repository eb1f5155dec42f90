"""What the tests' acceptors consist of: processes with lines in and lines out, every wait bounded,
and none that outlives the tests.
"""

from __future__ import annotations

import base64
import contextlib
import glob
import os
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import MappingProxyType

#: Seconds that any single answer of a process, its start or its end may take.
LIMIT = 30.0

#: All that a process gets from the environment of the tests.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
BARE = {"PATH": PATH, "LC_ALL": "C.UTF-8"}


def run(argv, environment, text=""):
    """What a command that must succeed says."""
    done = subprocess.run(
        [str(word) for word in argv],
        env={**BARE, **environment},
        input=text,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{argv}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def poll(condition, what):
    """Waits until the condition holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {LIMIT} s in vain until {what}")
        time.sleep(0.01)


def members(group):
    """The processes of a group that still run; the dead that nobody has buried do not count."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = Path(path).read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(int(path.split("/")[2]))
    return found


class Process:
    """A process, its children and, if it speaks, its lines; it ends when the tests' process does."""

    def __init__(self, argv, environment, log):
        self.argv, self.log, self.pending = [str(word) for word in argv], Path(log), b""
        self.lock = threading.Lock()
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                # The death signal reaches those that do not watch their standard input.
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                env={**BARE, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def pid(self):
        """Its number, which is its group's too."""
        return self.process.pid

    def check(self):
        """RuntimeError, with its last words, if it ended."""
        if self.process.poll() is not None:
            self.complain("ended")

    def complain(self, what):
        """RuntimeError with the end of the log."""
        said = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(self.argv)} {what}\n{said}")

    def ask(self, line):
        """The answer to one line."""
        with self.lock:
            with contextlib.suppress(BrokenPipeError):  # readline() tells why
                self.process.stdin.write(line.encode() + b"\n")
                self.process.stdin.flush()
            return self.readline()

    def readline(self):
        """The next line of its output."""
        deadline = time.monotonic() + LIMIT
        while b"\n" not in self.pending:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                self.complain("ended" if ready else "is silent")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def stop(self):
        """Ends it and everything that it started; twice does no harm. Its state is scrap: no grace."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if self.process.poll() is None or members(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        poll(lambda: not members(self.pid), f"{self.argv} is gone")
        self.process.stdout.close()


class Acceptor:
    """What all acceptors share: one account, a directory, processes."""

    user, password, domain = "monuser", "S3cret pässword", "EXLAB"
    needs = MappingProxyType({})

    def __init__(self, directory, scheme="NTLM"):
        self.scheme = scheme
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "log"
        self.processes = []
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def environment(self):
        """The environment variables that a client needs: here those that shut out Kerberos.

        A client of Negotiate may try Kerberos first, and would look for the KDC of whatever realm
        the machine's own /etc/krb5.conf names.
        """
        path = self.directory / "no-kerberos.conf"
        path.write_text("[libdefaults]\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n")
        nothing = f"FILE:{self.directory / 'nothing'}"
        return {
            "KRB5_CONFIG": str(path),
            "KRB5CCNAME": nothing,
            "KRB5_CLIENT_KTNAME": nothing,
        }

    @property
    def account(self):
        """The account's full name, as a client gives it."""
        return f"{self.domain}\\{self.user}"

    def spawn(self, argv, environment):
        """A process that ends with the acceptor."""
        process = Process(argv, environment, self.log)
        self.processes.append(process)
        return process

    def stop(self):
        """Ends every process; twice does no harm."""
        while self.processes:
            self.processes.pop().stop()


def encoded(token):
    """The word of a line protocol for some bytes, "-" for none."""
    return base64.b64encode(token).decode() if token else "-"


def decoded(word):
    """The bytes of a word of a line protocol, None for "-" and for Samba's "*"."""
    return None if word in ("-", "*") else base64.b64decode(word)


def free_port():
    """A TCP port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
