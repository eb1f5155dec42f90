"""A directory that every user can enter, and the daemons that run in it: started at once, waited for
by polling, ended with everything that they have started.
"""

from __future__ import annotations

import contextlib
import glob
import grp
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from ..support.acceptor_process import BARE

#: Seconds that anything may take; a busy machine needs a part of it.
LIMIT = 60.0

#: What Icinga's API and PHP's server say of each request.
_POLLING = re.compile(r"HttpServerConnection|127\.0\.0\.1:\d+ (Accepted|Closing)")

#: The user that schedulers run checks as on Debian.
USER = "nagios"


def poll(condition, what, limit=LIMIT):
    """The first true value of a condition."""
    deadline = time.monotonic() + limit
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit:g} s in vain until {what}")
        time.sleep(0.05)
    return found


def owned(path, user=USER):
    """A new directory of a user's own."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, user if user == USER else None)
    return path


def as_user(user, argv):
    """The command line that runs another one as a user, in the same process, and no longer than the
    tests run.
    """
    found = pwd.getpwnam(user)
    group = grp.getgrgid(found.pw_gid).gr_name
    drop = ["setpriv", "--reuid", user, "--regid", group, "--init-groups"]
    return [*drop, "--pdeathsig", "TERM", "--", *map(str, argv)]


def environment(user, more):
    """What a service manager gives a daemon."""
    return {**BARE, "HOME": pwd.getpwnam(user).pw_dir, **{k: str(v) for k, v in more.items()}}


def _running():
    """(number, start) of every process that is not dead -> its parent's number and its session."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # proc(5): state, ppid, pgrp, session; the 20th of these is when it started.
            told = Path(path).read_text(errors="replace").rpartition(")")[2].split()
            if told[0] != "Z":
                found[int(path.split("/")[2]), told[19]] = (int(told[1]), int(told[3]))
    return found


class Daemon:
    """A process that goes on until the laboratory closes."""

    def __init__(self, name, argv, log, user, variables, descriptors=()):
        self.name, self.log = name, log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                as_user(user, argv),
                env=environment(user, variables),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                pass_fds=descriptors,
            )

    def wait(self, condition, what):
        """The first true value of a condition; its end, or none in time, fails with its last words."""

        def alive():
            assert self.process.poll() is None, f"{self.name} has ended\n{self.said()}"
            return condition()

        try:
            return poll(alive, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.name} says:\n{self.said()}") from None

    def said(self, size=4000):
        """The end of its log, without our own polling."""
        lines = self.log.read_text(errors="replace").split("\n")
        return "\n".join(line for line in lines if not _POLLING.search(line))[-size:]

    def members(self):
        """(number, start) of all its processes: those of its session, and all descendants."""
        running = _running()
        found = {one for one, (_, session) in running.items() if session == self.process.pid}
        while True:
            numbers = {number for number, _ in found}
            more = {one for one, (parent, _) in running.items() if parent in numbers} - found
            if not more:
                return found
            found |= more

    def stop(self, grace=5.0):
        """Ends it and what it has started; twice does no harm."""
        started = self.members()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        for number, start in started | self.members():
            if (number, start) in _running():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
        self.process.wait(LIMIT)
        poll(lambda: not started & _running().keys(), f"{self.name} is gone")


class Laboratory:
    """The directory and the daemons; `with Laboratory() as lab:`."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mapi-laboratory-"))
        self.directory.chmod(0o755)
        self.daemons = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The one that was started last leans on the others.
        while self.daemons:
            self.daemons.pop().stop()
        shutil.rmtree(self.directory)

    def start(self, name, argv, user=USER, descriptors=(), **variables):
        """A daemon, which is not waited for; what it writes is in `NAME.log`."""
        log = self.directory / f"{name}.log"
        self.daemons.append(Daemon(name, argv, log, user, variables, descriptors))
        return self.daemons[-1]

    def run(self, argv, user=USER, **variables):
        """What a command that must succeed says."""
        done = subprocess.run(
            as_user(user, argv),
            env=environment(user, variables),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{argv}: exit {done.returncode}\n{done.stdout}"
        return done.stdout
