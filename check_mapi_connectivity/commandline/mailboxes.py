"""Which mailboxes to test: `--mailbox`, `--mailbox-file`, or the address of `--username`."""

from __future__ import annotations

import re

from ..base.errors import UsageError
from . import files, pasted
from .given import GUID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .given import Given

_ADDRESS = r"[^@\s]+@[^@\s]+"

#: What no address of a mailbox has, and exports put around one.
_AROUND = rf"[{pasted.QUOTES}<>(),;:\[\]\\]|^'|'$|\.$"


def mailboxes_of(given: Given) -> tuple[str, ...]:
    """The mailboxes to test, each once, in the order given. Raises UsageError."""
    path = given.text("mailbox-file")
    named = [(name, "--mailbox") for name in given.texts("mailbox")]
    if path is not None:
        named += _lines(path)
        given.reads.append(("mailboxes", path))
    username = given.text("username") or ""
    if not named and re.fullmatch(_ADDRESS, username):
        named = [(username, "--username")]
    if not named:
        raise UsageError(
            "--mailbox (-m) is missing: the e-mail address of the mailbox to log on to"
        )
    found: dict[str, str] = {}
    for name, place in named:
        if not name:
            raise UsageError(f"{place}: its value is empty; write none for not given")
        _check(name, place)
        found.setdefault(name.lower(), name)
    return tuple(found.values())


def _check(name: str, place: str) -> None:
    """Refuse what is neither an address nor a GUID, or has something around it. Raises
    UsageError.
    """
    pasted.check_visible(name, place)
    if re.fullmatch(GUID, name) or (_is_address(name) and not re.search(_AROUND, name)):
        return
    alone = pasted.bare(name).rstrip(".")
    if re.fullmatch(GUID, alone) or (_is_address(alone) and not re.search(_AROUND, alone)):
        raise UsageError(f"{place}: {name} has something around the address; write {alone}")
    if len(re.findall(r"[^@\s,;]+@[^@\s,;]+", name[:1000])) > 1:
        raise UsageError(
            f"{place}: {name} is more than one address; give --mailbox once for each, or one a "
            "line of --mailbox-file"
        )
    raise UsageError(f"{place}: {name} is neither an e-mail address nor a GUID")


def _is_address(name: str) -> bool:
    return re.fullmatch(_ADDRESS, name) is not None and len(name) <= 320


def _lines(path: str) -> list[tuple[str, str]]:
    """(mailbox, where it stands) of each line of a mailbox file. Raises UsageError."""
    lines = files.read_text(path, "--mailbox-file").split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        # A # within a word is part of it: addresses of guests have one.
        name = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if name:
            found.append((name, f"--mailbox-file: {path} line {number}"))
    if not found:
        raise UsageError(f"--mailbox-file: {path} names no mailbox")
    return found
