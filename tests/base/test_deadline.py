"""The watchdog: what ends the run, a signal or the deadline."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

from check_mapi_connectivity import process
from check_mapi_connectivity.base import deadline
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.process import Watchdog


class Ended(Exception):
    """Stands for the end of the process."""


def ended_by(monkeypatch, number, left):
    """What last_words is told when sigtimedwait gives `number` with `left` seconds to the deadline."""
    told = []

    def last_words(name):
        told.append(name)
        return "", 2

    def leave(code):
        raise Ended(code)

    monkeypatch.setattr(process, "leave", leave)
    data = None if number is None else SimpleNamespace(si_signo=number)
    monkeypatch.setattr(signal, "sigtimedwait", lambda signals, seconds: data)
    clock = Deadline(started=0.0, seconds=8.0)
    monkeypatch.setattr(clock, "now", lambda: 8.0 - left)
    with pytest.raises(Ended) as end:
        Watchdog(clock, last_words, lambda text: True)._watch()
    assert end.value.args == (2,)
    return told


@pytest.mark.parametrize("number", deadline.SIGNALS)
def test_a_signal_before_the_deadline(monkeypatch, number):
    assert ended_by(monkeypatch, number, left=3.0) == [signal.Signals(number).name]


@pytest.mark.parametrize("number", [None, 0, 64, -1, 2**31 - 1])
def test_what_is_no_signal_that_was_waited_for(monkeypatch, number):
    assert ended_by(monkeypatch, number, left=3.0) == [None]


@pytest.mark.parametrize("number", [None, *deadline.SIGNALS, 0, 77])
def test_what_comes_after_the_deadline_is_the_deadline(monkeypatch, number):
    """Python 3.13 reads what nobody has filled in after a stop: it may look like SIGINT."""
    assert ended_by(monkeypatch, number, left=-1.0) == [None]
