"""The only files the plugin writes: small JSON documents that save a sign-in, never needed, never
trusted blindly.

Strategy: whatever is odd about directory or file - foreign owner, symbolic link, open to others,
damaged, disk full - the run goes on without it and a note says why. Files are 0600, written beside
and renamed over; one lock a document keeps parallel runs from all fetching the same token, for half
a second at most. A file that is being written is locked: what a killed run has left is known by its
free lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

#: Format of the documents; another number is another plugin's version and ignored.
VERSION = 1

#: Member of a document of which nobody knows whether it still holds.
DOUBTED = "doubted"

_LIMIT = 65536
_LOCK_WAIT = 0.5

#: Bytes that are enough for what is known of a refused password.
ROOM = 16384

_NOFOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Cache:
    """A directory of documents. Why it was of no use, it tells in words to `notes`."""

    def __init__(self, directory: str | None, notes: list[str]) -> None:
        self.notes = notes
        # With a slash at its end, lstat would look behind a symbolic link.
        self._directory = directory.rstrip("/") if directory else directory
        self._ready: bool | None = None
        #: Why something could not be written, although the directory is good; empty for nothing.
        self.failed = ""

    @staticmethod
    def key(kind: str, *parts: str) -> str:
        """A file name that stands for these parts and gives none of them away."""
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return f"{kind}-{digest[:40]}"

    def load(self, key: str) -> dict[str, Any] | None:
        """The document, None where there is none that can be used."""
        if not self._usable(create=False):
            return None
        try:
            descriptor = os.open(self._path(key), os.O_RDONLY | _NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = "a symbolic link" if error.errno == errno.ELOOP else error.strerror
            self._note(f"cache file {self._path(key)} ignored: {reason}")
            return None
        try:
            status = os.fstat(descriptor)
            problem = _problem(status, stat.S_ISREG)
            if problem:
                self._note(f"cache file {self._path(key)} ignored: {problem}")
                return None
            document = json.loads(os.read(descriptor, _LIMIT), parse_int=float)
        except (OSError, ValueError, RecursionError):
            document = None
        finally:
            os.close(descriptor)
        if not isinstance(document, dict) or document.get("version") != VERSION:
            self._note(f"cache file {self._path(key)} ignored: damaged or of another version")
            return None
        return {**document, DOUBTED: True} if status.st_mtime == 0 else document

    def doubt(self, key: str) -> None:
        """Have the document say that it is DOUBTED, until it is stored again."""
        if self._usable(create=False):
            # The time of its last change tells, which costs no writing.
            with contextlib.suppress(OSError):
                os.utime(self._path(key), (0, 0), follow_symlinks=False)

    def store(self, key: str, document: dict[str, Any]) -> bool:
        """Write the document in one step; whether it is there. Where not, a note is all that
        happens.
        """
        room = self.reserve(key, 0)
        return room is not None and room.fill(document)

    def reserve(self, key: str, size: int = ROOM) -> Room | None:
        """Room for a document of up to `size` bytes; None where there is none, `failed` says why
        if the directory is otherwise good.
        """
        if not self._usable(create=True):
            return None
        room = Room(self._path(key), self._failed)
        return room if room.take(size) else None

    def _failed(self, error: OSError) -> None:
        self.failed = error.strerror or type(error).__name__
        self._note(f"cache not written: {self.failed}")

    def sweep(self) -> None:
        """Remove what runs that were killed have left half written."""
        if not self._usable(create=False):
            return
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = os.listdir(self._directory)
        for name in filter(_temporary, names):
            with contextlib.suppress(OSError):
                _swept(os.path.join(self._directory or "", name))

    def drop(self, key: str) -> None:
        """Remove the document."""
        if self._usable(create=False):
            with contextlib.suppress(OSError):
                os.unlink(self._path(key))

    @contextlib.contextmanager
    def lock(self, key: str, *, patience: float = _LOCK_WAIT) -> Iterator[bool]:
        """Hold the document's lock, if it is free within `patience` seconds; false where it is
        held by another run.
        """
        descriptor = self._lock_file(key)
        try:
            until = time.monotonic() + patience
            while descriptor is not None and not _locked(descriptor):
                if time.monotonic() >= until:
                    self._note("cache lock is held by another run")
                    yield False
                    return
                time.sleep(0.02)
            yield True
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _lock_file(self, key: str) -> int | None:
        if not self._usable(create=True):
            return None
        try:
            return os.open(f"{self._path(key)}.lock", os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
        except OSError as error:
            self._note(f"cache lock not taken: {error.strerror}")
            return None

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _path(self, key: str) -> str:
        return os.path.join(self._directory or "", f"{key}.json")

    def _usable(self, *, create: bool) -> bool:
        if self._directory is None:
            return False
        if self._ready is None or (create and not self._ready):
            self._ready = self._check(self._directory, create=create)
        return self._ready

    def _check(self, directory: str, *, create: bool) -> bool:
        try:
            if create and not os.path.lexists(directory):
                os.makedirs(os.path.dirname(os.path.abspath(directory)), exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(directory, 0o700)
            problem = _problem(os.lstat(directory), stat.S_ISDIR)
        except FileNotFoundError:
            return False
        except OSError as error:
            problem = error.strerror or type(error).__name__
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self.failed = problem
        if problem:
            self._note(f"cache directory {directory} ignored: {problem}")
        return not problem


class Room:
    """A file for one document that has its place on the disk before the document is there."""

    def __init__(self, path: str, failed: Callable[[OSError], None]) -> None:
        self._path, self._failed = path, failed
        self._temporary, self._descriptor = "", -1

    def take(self, size: int) -> bool:
        """Make the file and fill it with blanks; whether that was possible."""
        try:
            while not self._begun():
                os.close(self._descriptor)
                self._descriptor = -1
            _written(self._descriptor, b" " * size)
        except OSError as error:
            self.free()
            self._failed(error)
            return False
        return True

    def _begun(self) -> bool:
        """Make the file; false where another run has swept it away before it was locked, or is
        about to. Raises OSError.
        """
        self._temporary = f"{self._path}.{os.getpid()}.{time.monotonic_ns()}"
        self._descriptor = os.open(
            self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600
        )
        return _locked(self._descriptor) and os.fstat(self._descriptor).st_nlink > 0

    def fill(self, document: dict[str, Any]) -> bool:
        """Put the document into its place; whether that was possible."""
        data = json.dumps({**document, "version": VERSION}).encode()
        try:
            _written(self._descriptor, data)
            os.ftruncate(self._descriptor, len(data))
            os.replace(self._temporary, self._path)
        except OSError as error:
            self.free()
            self._failed(error)
            return False
        os.close(self._descriptor)
        return True

    def free(self) -> None:
        """Give the room back, unfilled."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            os.close(self._descriptor)


def _temporary(name: str) -> bool:
    """Whether a document is written under this name, before it gets its own.

    >>> _temporary("token-1.json.17.18"), _temporary("token-1.json"), _temporary(".json.1.x")
    (True, False, False)
    """
    before, _, after = name.rpartition(".json.")
    words = after.split(".")
    return bool(name != before) and len(words) == 2 and all(map(_digits, words))


def _digits(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _written(descriptor: int, data: bytes) -> None:
    """Write everything at the beginning of a file. Raises OSError."""
    if data and os.pwrite(descriptor, data, 0) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _locked(descriptor: int) -> bool:
    """Take the lock of a file; false where another one has it. A file system may have no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _swept(path: str) -> None:
    """Remove a half written file of our own that nobody writes any more. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | _NOFOLLOW)
    try:
        if not _problem(os.fstat(descriptor), stat.S_ISREG) and _locked(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _problem(status: os.stat_result, is_kind: Any) -> str:
    """Why this file or directory is not to be trusted; empty when it is."""
    if not is_kind(status.st_mode):
        return "a symbolic link or not of the expected kind"
    if status.st_uid != os.geteuid():
        return f"belongs to user id {status.st_uid}"
    if status.st_mode & 0o077:
        return f"mode {stat.S_IMODE(status.st_mode):04o} is open to others"
    return ""
