"""The set-up command while somebody who may change its directory swaps it, the one above, or a file in
it, before any one of the command's own looks at the disk: nothing is written elsewhere, nothing
foreign is read.
"""

from __future__ import annotations

import os
import shutil

import pytest

from check_mapi_connectivity.base.errors import UsageError

from ..support.setting_up import FILES, Arranged
from ..support.sweeps import sweep
from ..tenant.directory import TENANT_NAME

CANARY = "what-belongs-to-somebody-else"

#: The calls by which the command looks at files and changes them.
CALLS = (
    "open",
    "replace",
    "unlink",
    "mkdir",
    "listdir",
    "rename",
    "rmdir",
    "fstat",
    "stat",
    "lstat",
)

#: One in so many calls is met; neighbours are of one step.
STRIDE = 29

ACTIONS = {
    "set-up": (),
    "renew": ("--renew",),
    "remove": ("--remove", "--yes"),
    "status": ("--status",),
}


def aside(path, foreign):
    """`path` is the foreign directory now."""
    if path.is_symlink() or not path.exists():
        return
    path.rename(path.with_name(f"{path.name}.aside"))
    path.symlink_to(foreign, target_is_directory=True)


def swap_directory(arranged, foreign):
    aside(arranged.directory, foreign / TENANT_NAME)


def swap_parent(arranged, foreign):
    aside(arranged.etc, foreign)


def swap_files(arranged, foreign):
    for name in sorted(FILES):
        path = arranged.directory / name
        if path.parent.is_dir() and not path.is_symlink():
            path.unlink(missing_ok=True)
            path.symlink_to(foreign / TENANT_NAME / name)


SWAPS = {"directory": swap_directory, "parent": swap_parent, "file": swap_files}


class Watch:
    """Counts the command's calls that name a place below the test's own directory, or that go by a
    descriptor, and does `act` before the one of that number.
    """

    def __init__(self, monkeypatch, below):
        self.count, self.number, self.act = 0, -1, lambda: None
        self._below = str(below)
        for name in CALLS:
            monkeypatch.setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, call):
        def watched(path=".", *arguments, **keywords):
            by_descriptor = isinstance(path, int) or keywords.get("dir_fd") is not None
            by_descriptor = by_descriptor or keywords.get("src_dir_fd") is not None
            if by_descriptor or str(path).startswith(self._below):
                self.count += 1
                if self.count == self.number:
                    # What follows is the attacker's own.
                    self.number = -1
                    before, self.count = self.count, -(10**6)
                    self.act()
                    self.count = before
            return call(path, *arguments, **keywords)

        return watched


def contents(directory):
    """Names, modes and contents of all below it."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        body = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(directory))] = (status.st_mode, status.st_uid, body)
    return found


@pytest.fixture
def scene(tenant, tmp_path, check, monkeypatch):
    """`scene(action)`: an own empty tenant and directory, set up before any action but the first; and
    a foreign directory that looks like it.
    """
    made = []

    def again(action):
        tenant.reset()
        root = tmp_path / str(len(made))
        root.mkdir()
        root.chmod(0o755)
        arranged = Arranged(tenant, root, check, monkeypatch)
        arranged.proves = False
        made.append(arranged)
        if action != "set-up":
            assert arranged() == 0
        foreign = root / "foreign"
        (foreign / TENANT_NAME).mkdir(parents=True)
        for name in FILES:
            path = foreign / TENANT_NAME / name
            path.write_text(f"{CANARY} {name}\n")
            path.chmod(0o600)
        return arranged, foreign

    yield again
    assert tenant.crashes == []


def run(arranged, words):
    try:
        return arranged(*words)
    except UsageError as error:
        arranged.said += [str(error), *error.details]
        return 3


@pytest.mark.cases(3)
@pytest.mark.parametrize("swapped", SWAPS)
@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_written_elsewhere_and_nothing_foreign_is_read(
    scene, tenant, tmp_path, monkeypatch, action, swapped
):
    watch = Watch(monkeypatch, tmp_path)
    arranged, _ = scene(action)
    watch.count = 0
    run(arranged, ACTIONS[action])
    calls = watch.count
    assert calls > STRIDE
    met = 0
    for number in sweep(range(1, calls + 1, STRIDE)):
        arranged, foreign = scene(action)
        before = contents(foreign)
        watch.count, watch.number = 0, number
        watch.act = lambda at=arranged, other=foreign: SWAPS[swapped](at, other)
        code = run(arranged, ACTIONS[action])
        met += watch.number == -1
        watch.number = -1
        assert contents(foreign) == before, number
        heard = "\n".join(arranged.said)
        heard += "".join(raw.decode("utf-8", "replace") for _, _, _, raw in tenant.requests)
        assert CANARY not in heard, number
        # Where it says that all is well, its own files are where its own directory is now.
        if code == 0 and action in ("set-up", "renew"):
            there = [arranged.directory, arranged.directory.with_name(f"{TENANT_NAME}.aside")]
            there += [arranged.etc.with_name("etc.aside") / TENANT_NAME]
            assert any((one / "certificate.pem").is_file() for one in there), number
        shutil.rmtree(arranged.etc.parent)
    assert met > 0
