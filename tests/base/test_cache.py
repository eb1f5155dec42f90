"""The cache: private, atomic, and of no consequence when anything about it is odd."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.cache import DOUBTED, Cache

KEY = Cache.key("token", "a", "b")


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "deep" / "cache"


def test_store_load_drop(directory):
    cache = Cache(str(directory), [])
    assert cache.load(KEY) is None
    cache.store(KEY, {"access_token": "x"})
    assert Cache(str(directory), []).load(KEY) == {"access_token": "x", "version": 1}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / f"{KEY}.json").stat().st_mode) == 0o600
    assert os.listdir(directory) == [f"{KEY}.json"]
    cache.drop(KEY)
    assert cache.load(KEY) is None
    assert cache.notes == []


def test_a_document_is_doubted_until_it_is_stored_again(directory):
    cache = Cache(str(directory), [])
    cache.doubt("token-1")
    assert not directory.exists()
    cache.store("token-1", {"a": 1})
    for _ in range(2):
        cache.doubt("token-1")
        assert cache.load("token-1")[DOUBTED] is True
    cache.store("token-1", {"a": 1})
    assert DOUBTED not in cache.load("token-1")
    assert cache.notes == []


def test_key_gives_nothing_away():
    assert Cache.key("token", "ab", "") != KEY
    assert "contoso" not in Cache.key("token", "contoso")


def test_reading_makes_no_directory(directory):
    assert Cache(str(directory), []).load(KEY) is None
    assert not directory.exists()


def test_no_directory_at_all():
    cache = Cache(None, [])
    cache.store(KEY, {})
    with cache.lock(KEY):
        assert cache.load(KEY) is None
    assert cache.notes == []


def damage_mode(path):
    path.chmod(0o644)


def damage_link(path):
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def damage_fifo(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def damage_directory(path):
    path.unlink()
    path.mkdir()


def write(data):
    return lambda path: path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        damage_mode,
        damage_link,
        damage_fifo,
        damage_directory,
        write(b""),
        write(b"{"),
        write(b"[]"),
        write(b"\xff\xff"),
        write(b'{"version": 99}'),
        write(b"[" * 60000),
    ],
)
def test_odd_file_is_ignored_and_named(directory, damage):
    Cache(str(directory), []).store(KEY, {"access_token": "x"})
    damage(directory / f"{KEY}.json")
    cache = Cache(str(directory), [])
    assert cache.load(KEY) is None
    [note] = cache.notes
    assert note.startswith(f"cache file {directory}/{KEY}.json ignored: ")


def test_damaged_file_is_written_anew(directory):
    cache = Cache(str(directory), [])
    cache.store(KEY, {"access_token": "x"})
    (directory / f"{KEY}.json").write_bytes(b"{")
    cache.store(KEY, {"access_token": "y"})
    assert cache.load(KEY)["access_token"] == "y"


def test_directory_open_to_others_is_ignored(directory):
    directory.mkdir(parents=True)
    # Whatever the umask is.
    directory.chmod(0o755)
    cache = Cache(str(directory), [])
    cache.store(KEY, {"access_token": "x"})
    assert os.listdir(directory) == []
    assert cache.notes == [f"cache directory {directory} ignored: mode 0755 is open to others"]


def test_directory_that_is_a_link_is_ignored(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    cache = Cache(str(tmp_path / "link"), [])
    cache.store(KEY, {"access_token": "x"})
    assert "a symbolic link" in cache.notes[0]
    assert os.listdir(tmp_path / "real") == []


def test_directory_that_is_a_file_is_ignored(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(str(tmp_path / "file" / "cache"), [])
    cache.store(KEY, {"access_token": "x"})
    assert cache.notes
    assert cache.load(KEY) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_foreign_owner_is_ignored(directory):
    Cache(str(directory), []).store(KEY, {"access_token": "x"})
    os.chown(directory / f"{KEY}.json", 12345, 0)
    cache = Cache(str(directory), [])
    assert cache.load(KEY) is None
    assert "belongs to user id 12345" in cache.notes[0]
    os.chown(directory, 12345, 0)
    cache = Cache(str(directory), [])
    assert cache.load(KEY) is None
    assert cache.notes == [f"cache directory {directory} ignored: belongs to user id 12345"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_directory_that_cannot_be_written(directory):
    cache = Cache(str(directory), [])
    cache.store(KEY, {})
    directory.chmod(0o500)
    cache.store(KEY, {"access_token": "x"})
    assert "not written" in cache.notes[0]


def test_lock_waits_no_longer_than_half_a_second(directory):
    holder = Cache(str(directory), [])
    waiting = Cache(str(directory), [])
    with holder.lock(KEY), waiting.lock(KEY):
        assert waiting.notes == ["cache lock is held by another run"]
    with waiting.lock(KEY):
        pass
    assert len(waiting.notes) == 1


def test_what_a_run_that_was_killed_has_left_is_swept(directory):
    """Not what another run is still writing."""
    cache = Cache(str(directory), [])
    cache.store(KEY, {"access_token": "x"})
    left = directory / f"{KEY}.json.4711.12"
    left.write_bytes(b"")
    left.chmod(0o600)
    written = cache.reserve("other", 8)
    cache.sweep()
    assert not left.exists()
    assert written.fill({"n": 1})
    assert sorted(os.listdir(directory)) == sorted([f"{KEY}.json", "other.json"])


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_that_is_swept_before_it_is_locked(directory, monkeypatch, removed):
    """Its writer begins another one, whether the run that sweeps has removed it or is about to."""
    cache, lock = Cache(str(directory), []), fcntl.flock
    with contextlib.ExitStack() as held:

        def late(descriptor, how):
            monkeypatch.setattr(fcntl, "flock", lock)
            [begun] = directory.iterdir()
            if removed:
                Cache(str(directory), []).sweep()
            else:
                lock(held.enter_context(begun.open()), how)
                held.callback(begun.unlink)
            assert begun.exists() is not removed
            return lock(descriptor, how)

        monkeypatch.setattr(fcntl, "flock", late)
        room = cache.reserve(KEY, 8)
    assert room.fill({"access_token": "x"})
    assert (cache.load(KEY)["access_token"], cache.notes) == ("x", [])
    assert os.listdir(directory) == [f"{KEY}.json"]


def test_a_disk_that_is_full(directory, monkeypatch):
    """What was begun is taken away again; why is told, by `failed` as well."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache = Cache(str(directory), [])
    cache.store("other", {})
    open_ones = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert cache.reserve(KEY, 8) is None
        assert cache.store(KEY, {}) is False
    assert (cache.failed, cache.notes) == (
        "No space left on device",
        ["cache not written: No space left on device"],
    )
    assert os.listdir(directory) == ["other.json"]
    assert len(os.listdir("/proc/self/fd")) == open_ones
    fresh = Cache(str(directory / "within"), [])
    monkeypatch.setattr(os, "mkdir", full)
    assert fresh.store(KEY, {}) is False
    assert fresh.failed == "No space left on device"


def test_room_that_is_given_back(directory):
    cache = Cache(str(directory), [])
    cache.reserve(KEY, 8).free()
    assert os.listdir(directory) == []


PROGRAM = """
import sys
from check_mapi_connectivity.base.cache import Cache
cache = Cache(sys.argv[1], [])
for number in range(40):
    with cache.lock("k"):
        found = cache.load("k")
        assert found is None or found["text"] == "x" * int(found["length"]), found
        cache.store("k", {"text": "x" * number, "length": number})
assert not [note for note in cache.notes if "lock is held" not in note], cache.notes
"""


def test_many_processes_share_one_directory(directory, environment):
    command = [sys.executable, "-c", PROGRAM, str(directory)]
    runs = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(6)]
    for run in runs:
        _, stderr = run.communicate(timeout=60)
        assert (run.returncode, stderr) == (0, b"")
    assert sorted(os.listdir(directory)) == ["k.json", "k.json.lock"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_content_is_a_document_or_nothing(tmp_path, content):
    directory = tmp_path / "any"
    cache = Cache(str(directory), [])
    cache.store(KEY, {})
    (directory / f"{KEY}.json").write_bytes(content)
    found = Cache(str(directory), []).load(KEY)
    assert found is None or found["version"] == 1
