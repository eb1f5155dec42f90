"""Files that appear whole or not at all, and never open to others."""

from __future__ import annotations

import os
import stat

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.setup.files import directory as module
from check_mapi_connectivity.setup.files.directory import Directory, Owner

KEY, OLD, LIST = "certificate.pem", "certificate.old.pem", "made.json"


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_are_the_same_by_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        alone = Directory(str(tmp_path / "a" / "b"), Owner())
        alone.write(KEY, b"secret")
        shared = Directory(str(tmp_path / "c" / "d"), Owner(None, os.getegid()))
        shared.write(KEY, b"secret")
    finally:
        os.umask(before)
    assert [mode(tmp_path / one) for one in ("a", "a/b", f"a/b/{KEY}")] == [0o700, 0o700, 0o600]
    assert [mode(tmp_path / one) for one in ("c", "c/d", f"c/d/{KEY}")] == [0o750, 0o750, 0o640]


def test_a_file_is_private_before_it_has_its_content(tmp_path, monkeypatch):
    """Owner and mode are given to a file that begins as 0600."""
    seen = []
    fchmod = os.fchmod

    def watched(descriptor, wanted):
        seen.append((mode(descriptor), wanted))
        fchmod(descriptor, wanted)

    monkeypatch.setattr(module.os, "fchmod", watched)
    Directory(str(tmp_path), Owner(None, os.getegid())).write(KEY, b"secret")
    # The list of what is made, and the file.
    assert seen == [(0o600, 0o640), (0o600, 0o640)]


@pytest.mark.parametrize("place", ["fchmod", "fsync", "replace"])
def test_interrupted_at_any_point(tmp_path, monkeypatch, place):
    """The old content is left, and nothing beside it."""
    there = Directory(str(tmp_path), Owner())
    there.write(KEY, b"old")

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, place, stop)
    with pytest.raises(KeyboardInterrupt):
        there.write(KEY, b"new")
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == [KEY, LIST]
    assert there.read(KEY) == b"old" == (tmp_path / KEY).read_bytes()


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path):
    there = Directory(str(tmp_path), Owner())
    os.symlink("/etc/passwd", tmp_path / f".{KEY}.new")
    there.write(KEY, b"new")
    assert (sorted(os.listdir(tmp_path)), there.read(KEY)) == ([KEY, LIST], b"new")


def test_reading_moving_dropping(tmp_path):
    there = Directory(str(tmp_path / "d"), Owner())
    assert there.read(KEY) is None
    assert there.drop(KEY) is False
    there.write(KEY, b"x")
    there.move(KEY, OLD)
    assert (there.read(KEY), there.read(OLD)) == (None, b"x")
    assert there.drop_empty() is False
    assert there.drop(OLD) is True
    assert there.drop(LIST) is True
    assert there.drop_empty() is True
    assert not (tmp_path / "d").exists()


def test_what_is_made_is_on_the_list_before_it_is_there(tmp_path, monkeypatch):
    """So that an interrupted run leaves nothing that --remove takes for somebody else's."""
    there = Directory(str(tmp_path), Owner())
    there.write(KEY, b"old")

    replace = os.replace

    def stop(source, to, **places):
        if to == KEY:
            raise KeyboardInterrupt
        replace(source, to, **places)

    monkeypatch.setattr(module.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        there.write(KEY, b"new")
    again = Directory(str(tmp_path), Owner())
    assert again.read(KEY) == b"old"
    assert again.made.has(KEY, b"old") and again.made.has(KEY, b"new")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as usage:
        Directory(str(tmp_path / "file" / "d"), Owner()).open()
    assert str(usage.value) == f"--output: {tmp_path}/file/d cannot be read: not a directory"
    there = Directory(str(tmp_path / "d"), Owner())
    there.open()
    (tmp_path / "d").write_text("")
    with pytest.raises(CheckFailure) as caught:
        there.write(KEY, b"secret")
    failure = caught.value.failure
    assert failure.cause == f"{tmp_path}/d/made.json cannot be written: not a directory"
    assert failure.remedy == "run it as root, or name another directory with --output"
    with pytest.raises(CheckFailure):
        there.move(KEY, OLD)


def test_mode_in_words(tmp_path):
    there = Directory(str(tmp_path), Owner())
    there.write(KEY, b"")
    ids = f"user id {os.geteuid()}, group id {os.getegid()}"
    assert there.mode_of(KEY) == f"0600, {ids}"
