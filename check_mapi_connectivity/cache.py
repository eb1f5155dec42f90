"""The only files the plugin writes: small JSON documents that save a sign-in, never needed, never
trusted blindly.

Strategy: whatever is odd about directory or file - foreign owner, symbolic link, open to others,
damaged, disk full - the run goes on without it and a note says why. Files are 0600, written beside
and renamed over; one lock a document keeps parallel runs from all fetching the same token, for half
a second at most.
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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Format of the documents; another number is another plugin's version and ignored.
VERSION = 1

_LIMIT = 65536
_LOCK_WAIT = 0.5
_NOFOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Cache:
    """A directory of documents. Why it was of no use, it tells in words to `notes`."""

    def __init__(self, directory: str | None, notes: list[str]) -> None:
        self.notes = notes
        # With a slash at its end, lstat would look behind a symbolic link.
        self._directory = directory.rstrip("/") if directory else directory
        self._ready: bool | None = None

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
            problem = _problem(os.fstat(descriptor), stat.S_ISREG)
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
        return document

    def store(self, key: str, document: dict[str, Any]) -> None:
        """Write the document in one step; where that fails, a note is all that happens."""
        if not self._usable(create=True):
            return
        temporary = f"{self._path(key)}.{os.getpid()}.{time.monotonic_ns()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump({**document, "version": VERSION}, file)
                os.replace(temporary, self._path(key))
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            self._note(f"cache not written: {error.strerror}")

    def drop(self, key: str) -> None:
        """Remove the document."""
        if self._usable(create=False):
            with contextlib.suppress(OSError):
                os.unlink(self._path(key))

    @contextlib.contextmanager
    def lock(self, key: str, *, patience: float | None = _LOCK_WAIT) -> Iterator[None]:
        """Hold the document's lock, or go on without it after `patience` seconds; never without it
        where that is None.
        """
        descriptor = self._lock_file(key)
        try:
            until = None if patience is None else time.monotonic() + patience
            while descriptor is not None:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if until is not None and time.monotonic() >= until:
                        self._note("cache lock is held by another run; going on without it")
                        break
                    time.sleep(0.02)
            yield
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
        if problem:
            self._note(f"cache directory {directory} ignored: {problem}")
        return not problem


def _problem(status: os.stat_result, is_kind: Any) -> str:
    """Why this file or directory is not to be trusted; empty when it is."""
    if not is_kind(status.st_mode):
        return "a symbolic link or not of the expected kind"
    if status.st_uid != os.geteuid():
        return f"belongs to user id {status.st_uid}"
    if status.st_mode & 0o077:
        return f"mode {stat.S_IMODE(status.st_mode):04o} is open to others"
    return ""
