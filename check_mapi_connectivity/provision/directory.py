"""The tenant's directory on this host: files that appear whole or not at all.

Every file begins as 0600 under another name, gets its owner, then its mode, then its name; so a key
is at no moment open to others, and an interruption leaves at worst a file that nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import files
from ..report import CheckFailure, Failure

if TYPE_CHECKING:
    from typing import NoReturn

_EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Owner:
    """Who may read what is written: user and group id, None to leave them as they are; a group
    reads, a user alone does not share.
    """

    user: int | None = None
    group: int | None = None

    @property
    def file_mode(self) -> int:
        """0640 where a group is to read, else 0600."""
        return 0o600 if self.group is None else 0o640

    @property
    def directory_mode(self) -> int:
        """0750 where a group is to search, else 0700."""
        return 0o700 if self.group is None else 0o750


class Directory:
    """A directory by its path."""

    def __init__(self, path: str, owner: Owner) -> None:
        self.path = path
        self.owner = owner

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.path, name)

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none. Raises UsageError for what cannot be read."""
        if not os.path.lexists(self.file(name)):
            return None
        return files.read(self.file(name), "--output")

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place in one step. Raises CheckFailure."""
        path, temporary = self.file(name), self.file(f".{name}.new")
        try:
            self._make(self.path)
            # What an earlier run that was killed left behind.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            descriptor = os.open(temporary, _EXCLUSIVE, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    self._own(descriptor, self.owner.file_mode)
                    os.fsync(descriptor)
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            self._fail(path, error)

    def move(self, name: str, to: str) -> None:
        """Rename a file over another. Raises CheckFailure."""
        try:
            os.replace(self.file(name), self.file(to))
        except OSError as error:
            self._fail(self.file(to), error)

    def drop(self, name: str) -> bool:
        """Remove a file; false where there was none. Raises CheckFailure."""
        try:
            os.unlink(self.file(name))
        except FileNotFoundError:
            return False
        except OSError as error:
            self._fail(self.file(name), error)
        return True

    def drop_empty(self) -> bool:
        """Remove the directory where nothing is left in it."""
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True

    def _make(self, path: str) -> None:
        """Make a directory, and those above it that are missing. Raises OSError."""
        if not path or os.path.isdir(path):
            return
        parent = os.path.dirname(path)
        self._make(parent)
        os.mkdir(path, 0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._own(descriptor, self.owner.directory_mode)
        finally:
            os.close(descriptor)

    def _own(self, descriptor: int, mode: int) -> None:
        owner = self.owner
        if owner.user is not None or owner.group is not None:
            os.fchown(
                descriptor,
                -1 if owner.user is None else owner.user,
                -1 if owner.group is None else owner.group,
            )
        os.fchmod(descriptor, mode)

    @staticmethod
    def _fail(path: str, error: OSError) -> NoReturn:
        remedy = "run it as root, or name another directory with --output"
        cause = f"{path} cannot be written: {(error.strerror or type(error).__name__).lower()}"
        raise CheckFailure(Failure("usage", cause, remedy)) from None


def mode_of(path: str) -> str:
    """Mode and owner of a file in words: `0640, user id 0, group id 115`."""
    status = os.stat(path)
    return f"{stat.S_IMODE(status.st_mode):04o}, user id {status.st_uid}, group id {status.st_gid}"
