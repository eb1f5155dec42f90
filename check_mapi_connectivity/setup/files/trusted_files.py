"""Which files and directories can be trusted: one rule for all that this command reads and writes.

The command has an administrator's token in hand, and others have been at work where it reads and
writes. So a file, and every directory above it, has to belong to root or to the caller, and nobody
else may write there. Each is opened once, from the directory above it, through no symbolic link,
and is looked at by its descriptor: what is looked at is what is used.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ...base.errors import UsageError
from ...base.reading.files import Content, content

if TYPE_CHECKING:
    from typing import NoReturn

_GUARDED = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

#: A directory that may only be passed through need not be readable, where the system knows that.
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | _GUARDED
_READ = os.O_RDONLY | _GUARDED

#: What systems say to O_NOFOLLOW of a symbolic link; FreeBSD says EMLINK.
_LINK = (errno.ELOOP, errno.EMLINK)


class Fault(NamedTuple):
    """A path that breaks the rule, and the command that mends it."""

    path: str
    status: os.stat_result
    mend: str

    def __str__(self) -> str:
        return f"{self.path} {describe(self.status)}"


@dataclass(frozen=True)
class Rule:
    """The rule for what one option names.

    `group` is the id of the group that is to read what belongs to this command, None for none;
    `own` is the directory whose files are this command's own, empty for none.
    """

    option: str
    group: int | None = None
    own: str = ""
    faults: list[Fault] = field(default_factory=list)

    def check(self, path: str, status: os.stat_result, *, above: bool = False) -> None:
        """Note what breaks the rule; `above` is a directory with others between it and the file."""
        owned = status.st_uid in (0, os.geteuid())
        sticky = above and status.st_uid == 0 and status.st_mode & stat.S_ISVTX
        closed = not status.st_mode & 0o022 or bool(sticky)
        if not (owned and closed):
            self.faults.append(
                Fault(path, status, self._mend(path, status, owned=owned, closed=closed))
            )

    def judge(self) -> None:
        """Raises UsageError with all that was noted: path, owner, mode and what mends it."""
        if not self.faults:
            return
        first, *others = self.faults
        who = "root" if os.geteuid() == 0 else f"root or {user_name(os.geteuid())}"
        elsewhere = "" if self.own else f", or give {self.option} a copy in a directory of {who}"
        raise UsageError(
            f"{self.option}: {first}; nobody but {who} may own or change what this command reads "
            f"and writes. Look at what is there, then run as root: {first.mend}{elsewhere}",
            *(f"{fault}; run as root: {fault.mend}" for fault in others),
        )

    def link(self, path: str) -> NoReturn:
        """Raises UsageError for a symbolic link."""
        leads = os.path.realpath(path)
        remedy = f"give {self.option} the path that it leads to: {leads}"
        if self.own and os.path.dirname(path) == self.own:
            source, target = shlex.quote(leads), shlex.quote(path)
            remedy = f"put a copy in its place: cp --remove-destination {source} {target}"
        text = f"{self.option}: {path} is a symbolic link, and this command follows none"
        raise UsageError(f"{text}; {remedy}")

    def _mend(self, path: str, status: os.stat_result, *, owned: bool, closed: bool) -> str:
        """The commands that mend it: what is this command's own gets the modes that it gives."""
        ours = path == self.own or os.path.dirname(path) == self.own
        directory, quoted = stat.S_ISDIR(status.st_mode), shlex.quote(path)
        user = "root" if os.geteuid() == 0 else user_name(os.geteuid())
        commands = []
        if not owned:
            group = "" if self.group is None or not ours else f":{group_name(self.group)}"
            commands.append(f"chown {user}{group} {quoted}")
        if ours and not (owned and closed):
            mode = (0o700 if directory else 0o600) | (0 if self.group is None else 0o050)
            commands.append(f"chmod {mode if directory else mode & ~0o010:04o} {quoted}")
        elif not closed:
            commands.append(f"chmod go-w {quoted}")
        return " && ".join(commands)


class Place(NamedTuple):
    """How far a path of directories is there: descriptors of the last one and of the one above it,
    and the names that are missing below it.
    """

    descriptor: int
    above: int | None
    missing: tuple[str, ...]

    def close(self) -> None:
        """Let go of both."""
        os.close(self.descriptor)
        if self.above is not None:
            os.close(self.above)


def walk(path: str, rule: Rule, *, last: bool) -> Place:
    """Go down to a directory, an absolute path; `last` says that it is the end, and not on the way
    to a file. Notes in `rule` what breaks it. Raises UsageError, OSError.
    """
    names = [name for name in path.split("/") if name]
    descriptor, above = os.open("/", _LOOK), None
    walked = "/"
    try:
        rule.check(walked, os.fstat(descriptor), above=bool(names) or not last)
        for number, name in enumerate(names, 1):
            walked = os.path.join(walked, name)
            try:
                lower = enter(descriptor, name, walked, rule)
            except FileNotFoundError:
                return Place(descriptor, above, tuple(names[number - 1 :]))
            if above is not None:
                os.close(above)
            descriptor, above = lower, descriptor
            rule.check(walked, os.fstat(lower), above=number < len(names) or not last)
    except BaseException:
        os.close(descriptor)
        if above is not None:
            os.close(above)
        raise
    return Place(descriptor, above, ())


def enter(above: int, name: str, path: str, rule: Rule) -> int:
    """A descriptor of a directory in another one. Raises UsageError, OSError."""
    try:
        descriptor = os.open(name, _LOOK, dir_fd=above)
    except OSError as error:
        if error.errno in _LINK:
            rule.link(path)
        raise
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(kind):
        return descriptor
    os.close(descriptor)
    if stat.S_ISLNK(kind):
        rule.link(path)
    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def read_in(above: int, name: str, path: str, rule: Rule, limit: int) -> Content:
    """A file in a directory, by descriptor. Notes in `rule` what breaks it. Raises UsageError,
    OSError.
    """
    try:
        descriptor = os.open(name, _READ, dir_fd=above)
    except OSError as error:
        if error.errno in _LINK:
            rule.link(path)
        raise
    try:
        status = os.fstat(descriptor)
        rule.check(path, status)
        # What is refused is not read.
        return (b"", status) if rule.faults else content(descriptor, path, rule.option, limit)
    finally:
        os.close(descriptor)


class TrustedFiles:
    """Files that options name, each read once."""

    def __init__(self) -> None:
        self._read: dict[str, Content] = {}

    def hold(self, path: str, found: Content) -> None:
        """From now on a file is what was read of it elsewhere."""
        self._read[path] = found

    def read(self, path: str, option: str, limit: int) -> Content:
        """A file's content and status. Raises UsageError, OSError, ValueError."""
        path = os.path.abspath(path)
        if path not in self._read:
            self._read[path] = self._first(path, option, limit)
        return self._read[path]

    def _first(self, path: str, option: str, limit: int) -> Content:
        rule = Rule(option)
        place = walk(os.path.dirname(path), rule, last=False)
        try:
            if place.missing:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            found = read_in(place.descriptor, os.path.basename(path), path, rule, limit)
        finally:
            place.close()
        rule.judge()
        return found


def describe(status: os.stat_result) -> str:
    """Owner and mode in words: `belongs to nagios (user id 115), mode 0770`."""
    owner = user_name(status.st_uid)
    number = "" if owner == str(status.st_uid) else f"{owner} "
    who = f"{number}(user id {status.st_uid})" if number else f"user id {status.st_uid}"
    return f"belongs to {who}, mode {stat.S_IMODE(status.st_mode):04o}"


def user_name(number: int) -> str:
    """A user's name, the number where there is none."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """A group's name, the number where there is none."""
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
