"""Puts a check result file into Nagios' directory: written whole under another name, linked into
its place, and then announced by an empty `.ok`.

Strategy: Nagios deletes without a word what it cannot read, so the file is made for the owner of
the directory; and it takes files in no order, so a file of the same feed that it has not taken yet
goes before a newer one comes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import string

from ..base.failure import CheckFailure, Failure
from .nagios_file import MARK

#: What is never followed, and never waited for.
_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

_LETTERS = string.ascii_letters + string.digits

#: Characters of a name that tell the feed, and of all of a name behind its `c`.
_OWN, _LENGTH = 3, 6

#: Names that are tried before the directory counts as full of them.
_TRIES = 50


def put(directory: str, feed: str, text: str) -> int:
    """Give a file to Nagios; how many older ones of this feed it had not taken yet, which are gone.

    `feed` is a digest in hexadecimal that tells this feed from others. Raises CheckFailure.
    """
    try:
        place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CheckFailure(_failure(directory, error)) from None
    try:
        status = os.fstat(place)
        _check(directory, status)
        removed = _remove_older(place, feed)
        _write(place, status, feed, text.encode())
        return removed
    except OSError as error:
        raise CheckFailure(_failure(directory, error)) from None
    finally:
        os.close(place)


def _check(directory: str, status: os.stat_result) -> None:
    """Refuse a directory that is not the running user's alone. Raises CheckFailure."""
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o002:
        raise CheckFailure(
            _refused(
                f"{directory} is open to all users (mode {mode:04o})",
                "check --submit-directory; as it is, anybody could put results there",
            )
        )
    if os.geteuid() not in (0, status.st_uid):
        raise CheckFailure(
            _refused(
                f"{directory} belongs to user id {status.st_uid}, not to the running user "
                f"{os.geteuid()}",
                "run the check as the user of Nagios",
            )
        )


def _prefix(feed: str) -> str:
    """What the names of a feed's files begin with."""
    number, letters = int(feed[:15], 16), []
    for _ in range(_OWN):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "c" + "".join(letters)


def _remove_older(place: int, feed: str) -> int:
    """Take back what Nagios has not taken yet, and what a run that was killed has left. Raises
    OSError.
    """
    removed = 0
    prefix, unfinished = _prefix(feed), _unfinished(feed)
    for name in os.listdir(place):
        if name == unfinished:
            os.unlink(name, dir_fd=place)
        elif name.startswith(prefix) and len(name) == 1 + _LENGTH and _is_of(place, name, feed):
            # First what announces it: from then on Nagios leaves it alone.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{name}.ok", dir_fd=place)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
                removed += 1
    return removed


def _is_of(place: int, name: str, feed: str) -> bool:
    """Whether a file is of this feed."""
    wanted = f"{MARK}{feed}\n".encode()
    try:
        descriptor = os.open(name, os.O_RDONLY | _NOT_FOLLOWED, dir_fd=place)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and (
            os.read(descriptor, len(wanted)) == wanted
        )
    finally:
        os.close(descriptor)


def _unfinished(feed: str) -> str:
    """The name of a file that is being written; Nagios reads names of seven characters only."""
    return f"mapi-feed-{feed[:16]}.new"


def _write(place: int, status: os.stat_result, feed: str, data: bytes) -> None:
    """Raises OSError."""
    unfinished = _unfinished(feed)
    descriptor = os.open(
        unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED, 0o640, dir_fd=place
    )
    try:
        with open(descriptor, "wb") as file:
            if os.geteuid() != status.st_uid:
                os.fchown(descriptor, status.st_uid, status.st_gid)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        _announce(place, unfinished, _prefix(feed))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=place)


def _announce(place: int, unfinished: str, prefix: str) -> None:
    """Link a whole file into its place, and say that it is there. Raises OSError."""
    for _ in range(_TRIES):
        rest = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH - _OWN))
        name = prefix + rest
        try:
            os.link(unfinished, name, src_dir_fd=place, dst_dir_fd=place)
        except FileExistsError:
            continue
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED
            os.close(os.open(f"{name}.ok", flags, 0o640, dir_fd=place))
            return
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=place)
            if error.errno != errno.EEXIST:
                raise
    raise FileExistsError(errno.EEXIST, "no name is free")


def _failure(directory: str, error: OSError) -> Failure:
    """What an error of the file system means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _refused(f"{directory} is full", "free space in --submit-directory", error)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return _refused(
            f"{directory} is no directory", "see check_result_path in nagios.cfg", error
        )
    if isinstance(error, PermissionError):
        remedy = "run the check as the user of Nagios"
        return _refused(f"{directory}: user id {os.geteuid()} may not write there", remedy, error)
    reason = error.strerror or type(error).__name__
    return _refused(
        f"{directory} cannot be written: {reason}",
        "check --submit-directory; write a file there by hand",
        error,
    )


def _refused(cause: str, remedy: str, error: OSError | None = None) -> Failure:
    code = errno.errorcode.get(error.errno or 0, "") if error else ""
    return Failure("submit", cause, remedy, code)
