"""The list of the files that the command made in a tenant's directory, so that --remove takes away
those and no others.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field

from ...base.errors import UsageError
from ..steps import names

_DIGEST = re.compile("[0-9a-f]{64}")

#: Most digests of one file: what it held, and what an interrupted run may have put in its place.
_MOST = 2


@dataclass
class Made:
    """What was made, for which tenant and cloud, and the mailboxes that it was proved by.

    `files` are SHA-256 digests in hex by file name, the newest last; `found` are files that were
    there without a list, as an earlier version of the command left them.
    """

    tenant: str = ""
    cloud: str = ""
    files: dict[str, list[str]] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=dict)
    mailboxes: list[str] = field(default_factory=list)

    def note(self, name: str, data: bytes, before: bytes | None) -> None:
        """A file is going to be replaced; interrupted, either content is this command's."""
        known = self.files.get(name, [])
        old = [] if before is None or digest(before) not in known else [digest(before)]
        self.files[name] = [one for one in old if one != digest(data)] + [digest(data)]
        self.found.pop(name, None)

    def has(self, name: str, data: bytes) -> bool:
        """Whether this is what the command put into a file."""
        return digest(data) in self.files.get(name, [])

    def as_found(self, name: str, data: bytes) -> bool:
        """Whether this is what was there before there was a list."""
        return digest(data) in self.found.get(name, [])

    def written(self) -> bytes:
        """The list as a file: JSON."""
        document = {
            "made_by": names.COMMAND,
            "tenant": self.tenant,
            "cloud": self.cloud,
            "files": self.files,
            "found": self.found,
            "mailboxes": self.mailboxes,
        }
        return f"{json.dumps(document, indent=1, sort_keys=True)}\n".encode("ascii")


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def parse(data: bytes, path: str) -> Made:
    """A list that was read from a file. Raises UsageError."""
    try:
        document = json.loads(data)
        made = Made(
            _text(document["tenant"]),
            _text(document["cloud"]),
            _digests(document["files"]),
            _digests(document["found"]),
            # Earlier versions kept none.
            [_text(one) for one in document.get("mailboxes", [])],
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{path} is not the list that {names.COMMAND} keeps of its files; remove it, then "
            "--remove asks for each file"
        ) from None
    return made


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _digests(value: object) -> dict[str, list[str]]:
    if not isinstance(value, dict) or not set(value) <= set(names.FILES):
        raise TypeError
    for listed in value.values():
        if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST:
            raise TypeError
        if not all(_DIGEST.fullmatch(_text(one)) for one in listed):
            raise ValueError
    return value
