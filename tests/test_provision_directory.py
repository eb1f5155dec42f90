"""Files that appear whole or not at all, and never open to others."""

from __future__ import annotations

import os
import stat

import pytest

from check_mapi_connectivity.provision import directory as module
from check_mapi_connectivity.provision.directory import Directory, Owner
from check_mapi_connectivity.report import CheckFailure


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_are_the_same_by_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        alone = Directory(str(tmp_path / "a" / "b"), Owner())
        alone.write("key", b"secret")
        shared = Directory(str(tmp_path / "c" / "d"), Owner(None, os.getegid()))
        shared.write("key", b"secret")
    finally:
        os.umask(before)
    assert [mode(tmp_path / one) for one in ("a", "a/b", "a/b/key")] == [0o700, 0o700, 0o600]
    assert [mode(tmp_path / one) for one in ("c", "c/d", "c/d/key")] == [0o750, 0o750, 0o640]


def test_a_file_is_private_before_it_has_its_content(tmp_path, monkeypatch):
    """Owner and mode are given to a file that begins as 0600."""
    seen = []
    fchmod = os.fchmod

    def watched(descriptor, wanted):
        seen.append((mode(descriptor), wanted))
        fchmod(descriptor, wanted)

    monkeypatch.setattr(module.os, "fchmod", watched)
    Directory(str(tmp_path), Owner(None, os.getegid())).write("key", b"secret")
    assert seen == [(0o600, 0o640)]


@pytest.mark.parametrize("place", ["fchmod", "fsync", "replace"])
def test_interrupted_at_any_point(tmp_path, monkeypatch, place):
    """The old content is left, and nothing beside it."""
    there = Directory(str(tmp_path), Owner())
    there.write("key", b"old")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, place, stop)
    with pytest.raises(KeyboardInterrupt):
        there.write("key", b"new")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["key"]
    assert there.read("key") == b"old"


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path):
    there = Directory(str(tmp_path), Owner())
    os.symlink("/etc/passwd", tmp_path / ".key.new")
    there.write("key", b"new")
    assert (os.listdir(tmp_path), there.read("key")) == (["key"], b"new")


def test_reading_moving_dropping(tmp_path):
    there = Directory(str(tmp_path / "d"), Owner())
    assert there.read("key") is None
    assert there.drop("key") is False
    there.write("key", b"x")
    there.move("key", "other")
    assert (there.read("key"), there.read("other")) == (None, b"x")
    assert there.drop_empty() is False
    assert there.drop("other") is True
    assert there.drop_empty() is True
    assert not (tmp_path / "d").exists()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    there = Directory(str(tmp_path / "file" / "d"), Owner())
    with pytest.raises(CheckFailure) as caught:
        there.write("key", b"secret")
    failure = caught.value.failure
    path = tmp_path / "file" / "d" / "key"
    assert failure.cause == f"{path} cannot be written: file exists"
    assert failure.remedy == "run it as root, or name another directory with --output"
    for action in (lambda: there.drop("key"), lambda: there.move("key", "other")):
        with pytest.raises(CheckFailure):
            action()


def test_mode_in_words(tmp_path):
    Directory(str(tmp_path), Owner()).write("key", b"")
    ids = f"user id {os.geteuid()}, group id {os.getegid()}"
    assert module.mode_of(str(tmp_path / "key")) == f"0600, {ids}"
