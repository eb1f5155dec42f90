"""Reading what an administrator wrote: configuration, certificates, secrets.

One place for who may read what.
"""

from __future__ import annotations

import os
import select
import stat
import time

from ..errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What was read of a file, and its status at that time.
Content = tuple[bytes, os.stat_result]

#: No file that is named here is ever this large; and none that a library reads by itself.
LIMIT = 1 << 20
_LARGEST = 8 << 20


def read(path: str, option: str, *, secret: bool = False, limit: int = LIMIT) -> bytes:
    """The whole of a regular file of at most `limit` bytes.

    With `secret`, the file must also belong to root or the running user and not be open to others.
    Raises UsageError, naming option, file and remedy.
    """
    try:
        data, status = _sources[-1](path, option, limit)
    except BlockingIOError:
        # Some files of /proc and /sys are called regular, and have no end.
        raise UsageError(f"{option}: {path} has no end; it is not a regular file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{option}: {_reason(path, error)}") from None
    if secret:
        check_private(path, option, status)
    return data


def check_ends(path: str, option: str) -> None:
    """Refuse a file that a library is going to read by itself, and would wait for; what cannot be
    read at all it passes by. Raises UsageError.
    """
    path = path.removeprefix("FILE:")
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            return
        _by_name(path, option, _LARGEST)
    except BlockingIOError:
        raise UsageError(f"{option}: {path} has no end; it is not a regular file") from None
    except (OSError, ValueError):
        return


def _by_name(path: str, option: str, limit: int) -> Content:
    # To open a device may do something; without O_NONBLOCK a FIFO would hold the run before its
    # deadline is known.
    _check_regular(path, option, os.stat(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return content(descriptor, path, option, limit)
    finally:
        os.close(descriptor)


def content(descriptor: int, path: str, option: str, limit: int) -> Content:
    """What an open file holds. Raises UsageError, OSError."""
    status = os.fstat(descriptor)
    _check_regular(path, option, status)
    data = _all(descriptor, limit + 1)
    if len(data) > limit:
        text = f"{option}: {path} is larger than {limit >> 20} MiB"
        raise UsageError(f"{text}; it is not what this option wants")
    return data, status


#: Where the content of files comes from; the last one counts.
_sources: list[Callable[[str, str, int], Content]] = [_by_name]


class Source:
    """Takes the content of files from elsewhere, for a command that is stricter than the check:
    `with Source(read):`.
    """

    def __init__(self, read: Callable[[str, str, int], Content]) -> None:
        self._read = read

    def __enter__(self) -> None:
        """From here on."""
        _sources.append(self._read)

    def __exit__(self, *_: object) -> None:
        """And no longer."""
        _sources.pop()


def _check_regular(path: str, option: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{option}: {path} is a directory; name a file")
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{option}: {path} is not a regular file")


def _all(descriptor: int, most: int) -> bytes:
    """All that there is to read, up to so many bytes. Raises OSError."""
    data = b""
    while len(data) < most:
        more = os.read(descriptor, min(most - len(data), 1 << 16))
        if not more:
            break
        data += more
    return data


def check_private(path: str, option: str, status: os.stat_result) -> None:
    """Refuse a file with a secret that others can read or write, or that belongs to a third user.

    Owner and group may read it: 0640 root:nagios is the usual way. Raises UsageError.
    """
    import shlex

    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o006:
        raise UsageError(
            f"{option}: {path} holds a secret and is open to all users (mode {mode:04o}); "
            f"chmod 640 {shlex.quote(path)}"
        )
    if status.st_uid not in (0, os.geteuid()):
        raise UsageError(
            f"{option}: {path} holds a secret and belongs to user id {status.st_uid}, neither "
            "root nor the running"
            f" user {os.geteuid()}; chown root {shlex.quote(path)}"
        )


def read_text(path: str, option: str, *, secret: bool = False) -> str:
    """The same as text with plain line ends. Raises UsageError."""
    try:
        return _lines(decoded(read(path, option, secret=secret)))
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {path} is not UTF-8 text") from None


def decoded(data: bytes) -> str:
    r"""Text of an administrator's file without its byte order mark: UTF-8, or UTF-16 as Windows
    PowerShell writes it, with or without a mark. Raises UnicodeDecodeError.

    >>> decoded(b"\xff\xfea\0b\0"), decoded(b"\0a\0b"), decoded(b"\xef\xbb\xbfab")
    ('ab', 'ab', 'ab')
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[: len(data) & ~1].decode("utf-16")
    if b"\0\0" in (data[:3:2], data[1:4:2]):
        # A text begins with letters of ASCII, whose other halves are zero.
        return data[: len(data) & ~1].decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le")
    return data.decode("utf-8-sig")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_line(path: str, option: str, *, secret: bool = False) -> str:
    """The first line without its line end; blanks are kept, because a password may have them.

    Raises UsageError.
    """
    line = read_text(path, option, secret=secret).split("\n", 1)[0]
    if not line:
        raise UsageError(f"{option}: the first line of {path} is empty")
    return line


def standard_input(option: str) -> str:
    """All of stdin as UTF-8 text, for an option that names it.

    Raises UsageError when it does not end within five seconds, or is no such text.
    """
    until, data = time.monotonic() + 5.0, b""
    try:
        while len(data) <= LIMIT:
            if not select.select([0], [], [], max(0.0, until - time.monotonic()))[0]:
                raise UsageError(f"{option}: standard input does not end; name a file")
            more = os.read(0, 65536)
            if not more:
                return _lines(decoded(data))
            data += more
    except (OSError, ValueError):
        raise UsageError(f"{option}: standard input is no UTF-8 text") from None
    raise UsageError(f"{option}: standard input is larger than 1 MiB")


def _reason(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        shell = "; ~ is a shell's word, write the whole path" if path.startswith("~") else ""
        return f"{path} does not exist{shell}"
    if isinstance(error, PermissionError):
        return f"{path} cannot be read by user id {os.geteuid()}; give it or its group read access"
    if isinstance(error, OSError):
        return f"{path} cannot be read: {error.strerror}"
    return "the file name holds a NUL character"
