"""Files in a directory of check results: only ours, only whole, and never two of one feed."""

from __future__ import annotations

import errno
import os
import re

import pytest

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.feed import nagios_directory
from check_mapi_connectivity.feed.nagios_file import MARK

FEED, OTHER = "ab12" * 16, "0c0c" * 16


@pytest.fixture
def spool(tmp_path):
    """A directory as Debian makes it."""
    directory = tmp_path / "checkresults"
    directory.mkdir(mode=0o750)
    return directory


def text(words, feed=FEED):
    return f"{MARK}{feed}\n{words}\n"


def put(spool, words="one", feed=FEED):
    return nagios_directory.put(str(spool), feed, text(words, feed))


def names(spool):
    return sorted(path.name for path in spool.iterdir())


def refused(spool):
    """The failure of a file that cannot be put there."""
    with pytest.raises(CheckFailure) as raised:
        put(spool)
    failure = raised.value.failure
    assert failure.kind == "submit"
    return failure


def test_a_file_and_its_announcement(spool):
    assert put(spool) == 0
    file, announced = names(spool)
    assert re.fullmatch("c[A-Za-z0-9]{6}", file)
    assert announced == f"{file}.ok"
    assert (spool / file).read_text() == text("one")
    # No more than Nagios and its group, whatever the umask leaves.
    assert (spool / file).stat().st_mode & 0o137 == 0


def test_a_newer_file_replaces_one_that_was_not_read(spool):
    """Nagios takes files in no order: two of one feed could end with the older result."""
    put(spool, "older")
    put(spool, "of another feed", OTHER)
    assert put(spool, "newer") == 1
    told = sorted((spool / name).read_text() for name in names(spool) if not name.endswith(".ok"))
    assert told == sorted([text("newer"), text("of another feed", OTHER)])
    assert len(names(spool)) == 4


def test_what_a_killed_run_has_left_goes(spool):
    (spool / f"mapi-feed-{FEED[:16]}.new").write_text("half")
    put(spool)
    assert len(names(spool)) == 2


def test_symlinks_in_the_directory_are_not_followed(spool, tmp_path):
    """One in the place of the unfinished file, and one for each name that is tried first."""
    outside = tmp_path / "outside"
    outside.write_text(f"{MARK}{FEED}\n")
    (spool / f"mapi-feed-{FEED[:16]}.new").symlink_to(outside)
    put(spool)
    file = next(name for name in names(spool) if not name.endswith(".ok"))
    (spool / file).unlink()
    (spool / file).symlink_to(outside)
    put(spool, "two")
    assert outside.read_text() == f"{MARK}{FEED}\n"
    assert os.path.islink(spool / file)


def test_a_name_that_is_taken(spool, monkeypatch):
    """Of the file, and of its announcement."""
    letters = iter("AAABBBCCC")
    monkeypatch.setattr(nagios_directory.secrets, "choice", lambda _: next(letters))
    prefix = nagios_directory._prefix(FEED)
    (spool / f"{prefix}AAA").write_text("somebody's")
    (spool / f"{prefix}BBB.ok").symlink_to("/dev/null")
    put(spool)
    assert (spool / f"{prefix}AAA").read_text() == "somebody's"
    assert names(spool) == sorted(f"{prefix}{end}" for end in ("AAA", "BBB.ok", "CCC", "CCC.ok"))


def test_open_to_all_users(spool):
    spool.chmod(0o777)
    assert refused(spool).cause == f"{spool} is open to all users (mode 0777)"
    assert names(spool) == []


def test_somebody_elses(spool, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert refused(spool).cause == (
        f"{spool} belongs to user id {spool.stat().st_uid}, not to the running user 4711"
    )
    assert names(spool) == []


def test_made_by_root_it_is_the_daemons(spool, monkeypatch):
    """A file that the daemon may not read is deleted without a word."""
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _, *owner: given.append(owner))
    real = os.fstat

    def nagios(descriptor):
        found = list(real(descriptor))
        found[4:6] = 103, 107
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", nagios)
    put(spool)
    assert given == [(103, 107)]


def test_full(spool, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    failure = refused(spool)
    assert (failure.cause, failure.code) == (f"{spool} is full", "ENOSPC")
    assert names(spool) == []


def test_missing(spool):
    spool.rmdir()
    assert refused(spool).cause == f"{spool} is no directory"
    spool.write_text("")
    assert refused(spool).cause == f"{spool} is no directory"


def test_no_right_to_write(spool, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "link", denied)
    assert refused(spool).cause == f"{spool}: user id {os.geteuid()} may not write there"
    assert names(spool) == []
