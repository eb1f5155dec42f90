"""The feeder where this host has no room for it."""

from __future__ import annotations

import threading
import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.feed import feeder
from check_mapi_connectivity.feed.settings import Feed


@pytest.fixture
def made(options, tmp_path):
    """`made(**changes)`: a feeder to a directory, and its options."""

    def make(**changes):
        chosen = options(cache_dir=str(tmp_path / "cache"), **changes)
        feed = Feed("nagios", "o365", "mapi {mailbox}", directory=str(tmp_path))
        return feeder.Feeder(feed, chosen), chosen

    return make


def concluded(made, chosen):
    """Output and exit code of a run whose one test has not ended."""
    clock = Deadline(time.monotonic(), 20)
    report = Report("probe@contoso.com", "cmdlet", clock.now)
    report.success = True
    return made.conclude(chosen, [report], clock)


def test_no_thread(made, monkeypatch):
    def none(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    text, code = concluded(*made())
    assert code == 2
    assert text.startswith(
        "MAPI CRITICAL - no thread can be started; raise the limits (ulimit -u, -d, -v); "
        "0 of 1 results submitted | "
    )


def test_an_error_that_nobody_foresaw_is_raised(made, monkeypatch):
    def broken(*_):
        raise KeyError("x")

    monkeypatch.setattr(feeder.nagios_directory, "put", broken)
    with pytest.raises(KeyError):
        concluded(*made())


@pytest.mark.parametrize(("timeout", "kept"), [(30.0, 0.501), (0.9, 0.3)])
def test_time_that_is_kept_back(made, timeout, kept):
    assert made(timeout=timeout)[0].kept == pytest.approx(kept)


def test_without_a_cache_no_lock_is_claimed(made, options):
    found, chosen = made()
    free = feeder.Feeder(found._feed, chosen._replace(cache_dir=None))
    assert free.begin()
    assert free._outcome.notes == [
        "without a cache directory nothing keeps two runs of this feed apart"
    ]
