"""The tenant's directory on this host: files that appear whole or not at all.

The directory is opened once, and what is in it is read once; a run works with the descriptor and
with what it read, whatever happens to the path meanwhile. Every file begins as 0600 under another
name, gets its owner, then its mode, then its name; so a key is at no moment open to others, and an
interruption leaves at worst a file that nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import stat
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...base.errors import UsageError
from ...base.failure import CheckFailure, Failure
from ...base.reading.files import LIMIT
from ..steps import names
from . import made_files, trusted_files
from .made_files import Made

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from ...base.reading.files import Content

_EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LISTING = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
    """A directory by its absolute path."""

    def __init__(self, path: str, owner: Owner) -> None:
        self.path = path
        self.owner = owner
        self.made: Made | None = None
        self._belongs: tuple[str, str, tuple[str, ...]] = ("", "", ())
        self._held: dict[str, Content] = {}
        self._place: trusted_files.Place | None = None
        self._close: Callable[[], object] = lambda: None

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.path, name)

    def open(self) -> None:
        """Take hold of the directory, or of what there is of the way to it, and read the files in
        it. Raises UsageError for what cannot be read or breaks the rule of `trusted_files`.
        """
        if self._place is not None:
            return
        rule = self._rule()
        try:
            self._hold(trusted_files.walk(self.path, rule, last=True))
            if self.descriptor is not None:
                self._read_all(self.descriptor, rule)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(f"--output: {self.path} cannot be read: {reason}") from None
        rule.judge()
        listed = self.read(names.LIST)
        if listed is not None:
            self.made = made_files.parse(listed, self.file(names.LIST))

    def close(self) -> None:
        """Let go of it."""
        self._close()
        self._place = None

    @property
    def descriptor(self) -> int | None:
        """Of the directory; None where it is not there."""
        place = self._place
        return None if place is None or place.missing else place.descriptor

    @property
    def base(self) -> str:
        """A path by which a process that is given the descriptor finds the directory, whatever
        happens to its own path; that one where the system has no such thing.
        """
        held = f"/proc/self/fd/{self.descriptor}"
        return self.path if self.descriptor is None or not os.path.isdir(held) else held

    def belongs(self, tenant: str, cloud: str, mailboxes: tuple[str, ...]) -> None:
        """Whose files are going to be written, and what they are proved by."""
        self._belongs = (tenant, cloud, mailboxes)

    def held(self) -> dict[str, Content]:
        """Files by their names, as they were read."""
        self.open()
        return dict(self._held)

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none. Raises UsageError for what cannot be read."""
        self.open()
        return self._held[name][0] if name in self._held else None

    def mode_of(self, name: str) -> str:
        """Mode and owner of a file in words: `0640, user id 0, group id 115`."""
        status = self._held[name][1]
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        return f"{mode}, user id {status.st_uid}, group id {status.st_gid}"

    def listed(self) -> list[str]:
        """The names of all that is in it now."""
        if self.descriptor is None:
            return []
        listing = os.open(".", _LISTING, dir_fd=self.descriptor)
        try:
            return sorted(os.listdir(listing))
        finally:
            os.close(listing)

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place in one step, and on the list. Raises CheckFailure, UsageError."""
        before = self.read(name)
        made = self._list()
        made.note(name, data, before)
        self._put(names.LIST, made.written())
        self._put(name, data)

    def vouch(self, name: str) -> None:
        """A file is what this command would have written: it may stand on the list as made."""
        data, made = self.read(name), self._list()
        if data is not None:
            made.note(name, data, None)

    def settle(self) -> None:
        """At the end of a run: on the list is what there is, and nothing else. Raises CheckFailure,
        UsageError.
        """
        self._still()
        made = self._list()
        for group in (made.files, made.found):
            for name in list(group):
                data = self.read(name)
                if data is None:
                    del group[name]
                elif made_files.digest(data) in group[name]:
                    group[name] = [made_files.digest(data)]
        if (made.files or made.found) and made.written() != self.read(names.LIST):
            self._put(names.LIST, made.written())

    def move(self, name: str, to: str) -> None:
        """Rename a file over another. Raises CheckFailure, UsageError."""
        data = self.read(name)
        if data is None or self.descriptor is None:
            self._fail(self.file(to), FileNotFoundError(2, os.strerror(2)))
        made = self._list()
        made.note(to, data, self.read(to))
        self._put(names.LIST, made.written())
        self._same(name)
        try:
            os.replace(name, to, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except OSError as error:
            self._fail(self.file(to), error)
        self._held[to] = self._held.pop(name)

    def drop(self, name: str) -> bool:
        """Remove a file; false where there was none. Raises CheckFailure, UsageError."""
        if self.read(name) is None:
            return False
        self._same(name)
        self._unlink(name)
        del self._held[name]
        return True

    def drop_empty(self) -> bool:
        """Remove the directory where nothing is left in it."""
        for name in (*names.FILES, names.LIST):
            # What a run that was killed left behind.
            self._unlink(_temporary(name))
        place, name = self._place, os.path.basename(self.path)
        if place is None or place.missing or place.above is None:
            return False
        try:
            there = os.stat(name, dir_fd=place.above, follow_symlinks=False)
            if not os.path.samestat(there, os.fstat(place.descriptor)):
                return False
            os.rmdir(name, dir_fd=place.above)
        except OSError:
            return False
        self.close()
        return True

    def _rule(self) -> trusted_files.Rule:
        return trusted_files.Rule("--output", self.owner.group, self.path)

    def _hold(self, place: trusted_files.Place) -> None:
        self._place = place
        self._close = weakref.finalize(self, place.close)

    def _read_all(self, descriptor: int, rule: trusted_files.Rule) -> None:
        for name in (*names.FILES, names.LIST):
            with contextlib.suppress(FileNotFoundError):
                self._held[name] = trusted_files.read_in(
                    descriptor, name, self.file(name), rule, LIMIT
                )

    def _list(self) -> Made:
        """The list, begun where there is none with what is there."""
        self.open()
        if self.made is None:
            found = {name: [made_files.digest(held[0])] for name, held in self._held.items()}
            self.made = Made(found=found)
        self.made.tenant, self.made.cloud, mailboxes = self._belongs
        self.made.mailboxes = list(mailboxes) or self.made.mailboxes
        return self.made

    def _put(self, name: str, data: bytes) -> None:
        temporary = _temporary(name)
        try:
            directory = self._make()
            self._unlink(temporary)
            descriptor = os.open(temporary, _EXCLUSIVE, 0o600, dir_fd=directory)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    self._own(descriptor, self.owner.file_mode)
                    os.fsync(descriptor)
                    status = os.fstat(descriptor)
                os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                self._unlink(temporary)
                raise
        except OSError as error:
            self._fail(self.file(name), error)
        self._held[name] = (data, status)
        self._same(name)

    def _make(self) -> int:
        """The directory's descriptor; made where it is missing, with those above it. Raises
        OSError, UsageError.
        """
        self.open()
        place = self._place
        while place is not None and place.missing:
            name, *missing = place.missing
            done = len(self.path) - len("/".join(missing)) - bool(missing)
            rule, path = self._rule(), self.path[:done]
            fresh = self._mkdir(place.descriptor, name)
            made = trusted_files.enter(place.descriptor, name, path, rule)
            rule.check(path, os.fstat(made))
            new = trusted_files.Place(made, os.dup(place.descriptor), tuple(missing))
            self._close()
            self._hold(new)
            rule.judge()
            if fresh:
                self._own_directory(made)
            place = new
        if place is None:
            raise FileNotFoundError(2, os.strerror(2))
        return place.descriptor

    @staticmethod
    def _mkdir(above: int, name: str) -> bool:
        """Make a directory; false where there is one by now."""
        try:
            os.mkdir(name, 0o700, dir_fd=above)
        except FileExistsError:
            return False
        return True

    def _own_directory(self, descriptor: int) -> None:
        listing = os.open(".", _LISTING, dir_fd=descriptor)
        try:
            self._own(listing, self.owner.directory_mode)
        finally:
            os.close(listing)

    def _own(self, descriptor: int, mode: int) -> None:
        owner = self.owner
        if owner.user is not None or owner.group is not None:
            os.fchown(
                descriptor,
                -1 if owner.user is None else owner.user,
                -1 if owner.group is None else owner.group,
            )
        os.fchmod(descriptor, mode)

    def _same(self, name: str) -> None:
        """Raises CheckFailure where a file is not the one that was read or written."""
        try:
            there = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except OSError as error:
            self._fail(self.file(name), error)
        if not os.path.samestat(there, self._held[name][1]):
            self._replaced(self.file(name))

    def _still(self) -> None:
        """Raises CheckFailure where the path no longer leads to the directory that is held."""
        if self.descriptor is None:
            return
        try:
            there = os.stat(self.path, follow_symlinks=False)
        except OSError as error:
            self._fail(self.path, error)
        if not os.path.samestat(there, os.fstat(self.descriptor)):
            self._replaced(self.path)

    def _unlink(self, name: str) -> None:
        if self.descriptor is None:
            return
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._fail(self.file(name), error)

    @staticmethod
    def _replaced(path: str) -> NoReturn:
        cause = f"{path} was replaced by somebody else while this command ran"
        raise CheckFailure(Failure("usage", cause, "find out by whom, then run it again")) from None

    @staticmethod
    def _fail(path: str, error: OSError) -> NoReturn:
        remedy = "run it as root, or name another directory with --output"
        cause = f"{path} cannot be written: {(error.strerror or type(error).__name__).lower()}"
        raise CheckFailure(Failure("usage", cause, remedy)) from None


def _temporary(name: str) -> str:
    return f".{name}.new"
