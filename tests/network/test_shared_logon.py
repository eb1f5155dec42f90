"""Who may send a credential when, and what a refusal means for the others."""

from __future__ import annotations

import threading
import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.network.shared_logon import MOST_REFUSED, Logon

REFUSED = Failure("logon", "mail.example refuses user probe (Basic)")

#: Seconds after which a test has failed.
PATIENCE = 10.0


@pytest.fixture
def logon(monkeypatch):
    """A Logon by which nobody waits so long that he goes ahead."""
    for name in ("TURN", "_SHORT_TURN", "_AHEAD"):
        monkeypatch.setattr(f"check_mapi_connectivity.network.shared_logon.{name}", 3 * PATIENCE)
    return Logon()


class Asker(threading.Thread):
    """Asks at a place; `answer` is called in its turn, `began` is set then."""

    def __init__(self, logon, place, answer=lambda: None):
        super().__init__(daemon=True)
        self.logon, self.place, self.answer = logon, place, answer
        self.began = threading.Event()
        self.start()

    def run(self):
        with self.logon.turn(Deadline(time.monotonic(), 600.0), self.place):
            self.began.set()
            self.answer()


def test_a_node_that_took_it_before_is_asked_first(logon):
    with logon.coming("good", took=True):
        other = Asker(logon, "odd", lambda: logon.turned_away(REFUSED, "odd"))
    assert not other.began.wait(0.05)
    Asker(logon, "good", lambda: logon.let_in("Basic", "good")).join(PATIENCE)
    other.join(PATIENCE)
    # One refusal after it was taken is no reason to spare the next.
    assert (other.began.is_set(), logon.accepted, logon.refusal) == (True, True, None)


@pytest.mark.parametrize("place", ["odd", "autodiscover.example"])
def test_a_node_waits_until_all_are_on_their_way(logon, place):
    logon.awaited = 2
    with logon.coming("odd", took=False):
        other = Asker(logon, place)
    assert not other.began.wait(0.05)
    with logon.coming("new", took=False):
        other.join(PATIENCE)
    assert other.began.is_set()


def test_a_node_that_took_it_before_and_is_not_there_keeps_nobody_waiting(logon):
    other = None
    with pytest.raises(OSError, match="refused"), logon.coming("gone", took=True):
        other = Asker(logon, "x")
        raise OSError("connection refused")
    other.join(PATIENCE)
    assert other.began.is_set()


def test_after_the_proof_too_those_that_took_it_before_go_first(logon):
    logon.let_in("Basic", "a")
    with logon.coming("good", took=True):
        other = Asker(logon, "odd")
    assert not other.began.wait(0.05)
    good = Asker(logon, "good", lambda: logon.let_in("Basic", "good"))
    for asker in (good, other):
        asker.join(PATIENCE)
        assert asker.began.is_set()


def test_after_the_proof_no_more_are_asked_at_a_time_than_may_refuse(logon):
    go_on = threading.Event()

    def refuse(place):
        assert go_on.wait(PATIENCE)
        logon.turned_away(REFUSED, place)

    logon.let_in("Basic", "a")
    askers = [Asker(logon, place, lambda place=place: refuse(place)) for place in "bcdefg"]
    while sum(asker.began.is_set() for asker in askers) < MOST_REFUSED:
        askers[0].join(0.002)
    assert sum(asker.began.wait(0.02) for asker in askers) == MOST_REFUSED
    before = [asker.place for asker in askers if asker.began.is_set()]
    for asker in askers:
        if asker.place not in before:
            # Those who come now are told instead.
            asker.answer = lambda: None
    go_on.set()
    for asker in askers:
        asker.join(PATIENCE)
    assert logon.refused_at in before
    assert logon.barred("z", password=True).kind == "untested"
    assert logon.barred(logon.refused_at, password=True) == REFUSED
    # No account is locked by tickets.
    assert logon.barred("z", password=False) is None


def test_refusals_count_in_a_row(logon):
    logon.let_in("Basic", "a")
    for place in "bcd":
        logon.turned_away(REFUSED, place)
        logon.let_in("Basic", f"after {place}")
    assert logon.refusal is None
    # What goes on where it was taken long ago is no new word on it.
    logon.turned_away(REFUSED, "e")
    logon.let_in("Basic", "a")
    logon.turned_away(REFUSED, "f")
    assert (logon.refusal, logon.refused_at) == (REFUSED, "f")


def test_a_password_that_nobody_has_taken_is_refused_once(logon):
    logon.turned_away(REFUSED, "a")
    assert logon.barred("b", password=True).cause == "not tested: a refused the password"
    other = Logon()
    other.take(logon.told())
    assert other.barred("b", password=True) == logon.barred("b", password=True)
