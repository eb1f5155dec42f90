"""What the user who runs the check can reach, where root, who sets up, finds everything open."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from ...base.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .directory import Owner


def try_all(files: Mapping[str, str | None], directory: str, owner: Owner, user: str) -> None:
    """Try to write to the directory that is to hold the identity, or to what there is of the way to
    it; as `user`, empty for nobody, to enter it, and to read files, by their options.

    Only root can try as another user. Raises UsageError, naming option, file, user and remedy.
    """
    wanted = directory
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    # Before an administrator signs in for nothing.
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(
            f"{wanted} cannot be written: you may not write to {directory}; run this as root, or "
            "name another directory by --output"
        )
    if not user:
        return
    for option, path in files.items():
        if path is not None and not _may("-r", path, owner, user):
            raise UsageError(
                f"{option}: {path} cannot be read by {user}, who runs the check; let that user "
                "read it and enter its directories, or name another user by --owner"
            )
    if not _may("-x", directory, owner, user):
        raise UsageError(
            f"--output: {directory} cannot be entered by {user}, who runs the check; let that user "
            "enter it and those above it, or name another user by --owner"
        )


def closed_program(owner: Owner, user: str) -> str | None:
    """The path of this Python, or of this program, where `user` cannot start it; else None."""
    if not _may("-x", sys.executable, owner, user):
        return sys.executable
    # In a zip archive it is no file.
    if os.path.isfile(__file__) and not _may("-r", __file__, owner, user):
        return os.path.dirname(os.path.dirname(__file__))
    return None


def _may(test: str, path: str, owner: Owner, user: str) -> bool:
    """What test(1) says as that user; true where it cannot be asked."""
    import pwd

    account = pwd.getpwnam(user)
    groups = os.getgrouplist(user, account.pw_gid)
    if owner.group is not None:
        groups.append(owner.group)
    try:
        done = subprocess.run(
            ["test", test, path],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=groups,
            env={"PATH": os.defpath},
            check=False,
        )
    except OSError:
        # A root that may not become another user, as in some containers.
        return True
    return done.returncode == 0
