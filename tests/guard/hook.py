"""What no test may do, in whichever process: write outside of the directories for tests, or use the
network beyond loopback. Whoever tries gets `Trespass`, and it is noted for the test's own process.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
import tempfile
import threading

#: Names the directory of the tests, in processes that they start.
VARIABLE = "TESTS_GUARD"

#: The name, in that directory, of the file that holds what was tried, one a line.
NOTES = "trespasses"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: Audit events of Python that change a directory or a file -> where paths stand in their arguments,
#: each with the place of the descriptor that it may be relative to.
_CHANGING = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((1, 3),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}

_REACHING = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")


class Trespass(AssertionError):
    """A test leaves its room."""


class _Opened:
    """os.open, which notes what its path is relative to: the audit event does not tell.

    No function, because one in a class, as in pathlib of Python 3.9, would become its method.
    """

    def __init__(self, open_file, near):
        self._open_file, self._near = open_file, near

    def __call__(self, path, flags, mode=0o777, *, dir_fd=None):
        self._near.descriptor = dir_fd
        try:
            return self._open_file(path, flags, mode, dir_fd=dir_fd)
        finally:
            self._near.descriptor = None


class Guard:
    """Watches one process, from `install` on; `rooms` are where it may write."""

    def __init__(self, directory, *rooms):
        self.notes = os.path.join(directory, NOTES)
        self.rooms = {os.path.realpath(room) for room in (directory, *rooms)}
        self.watches = True
        self._busy = False
        self._near = threading.local()

    def install(self):
        """Watch this process and those that it forks; there is no way back but `watches`."""
        sys.addaudithook(self._hear)
        os.open = _Opened(os.open, self._near)
        return self

    def _hear(self, event, arguments):
        if event != "open" and event not in _CHANGING and event not in _REACHING:
            if event in ("tempfile.mkdtemp", "tempfile.mkstemp"):
                # A directory of one's own for other users, or with a short name.
                self.rooms.add(os.path.realpath(os.fsdecode(arguments[0])))
            return
        if self._busy or not self.watches:
            return
        self._busy = True
        try:
            tried = self._tried(event, arguments)
            if tried:
                with contextlib.suppress(OSError), open(self.notes, "a") as file:
                    file.write(f"{tried}\n")
        finally:
            self._busy = False
        if tried:
            raise Trespass(tried)

    def _tried(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITING
            near = getattr(self._near, "descriptor", None)
            return self._outside(event, path, near) if writes else None
        if event in _CHANGING:
            for place, base in _CHANGING[event]:
                near = arguments[base] if base is not None and base < len(arguments) else None
                tried = self._outside(event, arguments[place], near)
                if tried:
                    return tried
            return None
        return _beyond_loopback(event, *arguments[:2])

    def _outside(self, event, path, near):
        """What it does to a path outside, None where it may."""
        if isinstance(path, int):
            return None
        with contextlib.suppress(TypeError, ValueError, OSError):
            name = os.fsdecode(path)
            if isinstance(near, int) and near >= 0:
                name = os.path.join(os.readlink(f"/proc/self/fd/{near}"), name)
            # The last part may be a link that is itself to be removed.
            parent, last = os.path.split(os.path.abspath(name))
            parent = os.path.realpath(parent)
            whole = os.path.join(parent, last)
            if event == "open":
                whole = os.path.realpath(whole)
                # Not for writing, whatever the flags: for a temporary file within.
                if os.path.isdir(whole):
                    return None
            allowed = any(whole == room or whole.startswith(f"{room}/") for room in self.rooms)
            system = whole.startswith(("/dev/", "/proc/")) or "__pycache__" in whole
            if not allowed and not system and os.path.isdir(parent):
                return f"{event} of {whole}"
        return None


def _beyond_loopback(event, sock, address):
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return None
    host = str(address[0])
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return None
    return None if host == "localhost" else f"{event}: {host or 'every address'}"


def from_environment():
    """Watch this process where a test has started it, directly or by others."""
    directory = os.environ.get(VARIABLE)
    if directory:
        Guard(directory, tempfile.gettempdir()).install()
