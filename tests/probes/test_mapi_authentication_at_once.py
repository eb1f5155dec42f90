"""Several mailboxes that authenticate at the same time, with one credential."""

from __future__ import annotations

import threading

from check_mapi_connectivity.base.credentials import Secret, UserPassword
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.shared_logon import Logon
from check_mapi_connectivity.probes.mapi_authentication import Authentication
from check_mapi_connectivity.signin.tokens import Token

from .material import BLOB, Carrier, answer, context, post


class Door(Carrier):
    """A server that many ask at once: `judge(number)` gives the answer to the request of that
    number, counted from 1.
    """

    def __init__(self, judge):
        super().__init__()
        self.judge, self.lock = judge, threading.Lock()

    def send(self, method, url, watch, **keywords):
        with self.lock:
            self.sent.append(keywords["headers"].get("Authorization"))
            number = len(self.sent)
        return self.judge(number)


#: Seconds after which a test gives up waiting for what ought to happen.
PATIENCE = 30.0


def all_at_once(askers):
    """Each posts in a thread of its own; what became of them."""
    found, start = [], threading.Barrier(len(askers))

    def work(asker):
        start.wait(PATIENCE)
        try:
            found.append(post(asker).status)
        except CheckFailure as error:
            found.append(error.failure.kind)

    threads = [threading.Thread(target=work, args=(asker,)) for asker in askers]
    for thread in threads:
        thread.start()
    return found, threads


class Counted(Logon):
    """Tells when so many have come for their turn."""

    def __init__(self):
        super().__init__()
        self.asked = threading.Semaphore(0)

    def turn(self, deadline, place=""):
        self.asked.release()
        return super().turn(deadline, place)

    def wait_for(self, count):
        """Wait until so many have come."""
        for _ in range(count):
            assert self.asked.acquire(timeout=PATIENCE)


def finish(threads):
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_eight_mailboxes_with_a_wrong_password_are_one_failed_logon(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    logon = Counted()

    def judge(number):
        if number == 1:
            logon.wait_for(8)
        return answer(401, "Basic realm=x")

    door = Door(judge)
    askers = [authentication(door, "Basic", logon=logon) for _ in range(8)]
    found, threads = all_at_once(askers)
    finish(threads)
    assert door.sent == [f"Basic {BLOB}"]
    assert found == ["logon"] * 8
    assert all(asker.refused for asker in askers)


def test_eight_mailboxes_with_the_right_password_do_not_wait_for_each_other(
    authentication, monkeypatch
):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    others, logon = threading.Barrier(7), Counted()

    def judge(number):
        if number == 1:
            logon.wait_for(8)
        else:
            # After the first, all the others are at the door at the same time.
            others.wait(PATIENCE / 3)
        return answer()

    door = Door(judge)
    found, threads = all_at_once([authentication(door, "Basic", logon=logon) for _ in range(8)])
    finish(threads)
    assert found == [200] * 8
    assert door.sent == [f"Basic {BLOB}"] * 8


def behind_one_that_hangs(authentication, verdict):
    """What became of seven that ask while the first, whose password is taken at last, has no answer
    yet, and the door; `verdict()` answers all but the first.
    """
    go_on = threading.Event()

    def judge(number):
        if number == 1:
            assert go_on.wait(PATIENCE)
            return answer()
        return verdict()

    logon, door = Logon(), Door(judge)
    first, threads = all_at_once([authentication(door, "Basic", logon=logon)])
    while not door.sent:
        threads[0].join(0.002)
    found, more = all_at_once([authentication(door, "Basic", logon=logon) for _ in range(7)])
    finish(more)
    assert first == []
    go_on.set()
    finish(threads)
    assert first == [200]
    return found, door


def test_one_that_hangs_does_not_keep_the_others_for_ever(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", 0.05)
    found, door = behind_one_that_hangs(authentication, answer)
    assert (found, len(door.sent)) == ([200] * 7, 8)


def test_behind_one_that_hangs_a_wrong_password_is_tried_once_more(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", 0.3)

    def refuse():
        # On a busy machine the next one's answer may take longer than that.
        monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
        return answer(401, "Basic realm=x")

    found, door = behind_one_that_hangs(authentication, refuse)
    assert (found, door.sent) == (["logon"] * 7, [f"Basic {BLOB}"] * 2)


def test_tokens_of_entra_wait_for_nobody(options, monkeypatch):
    """A token was made for this run already: there is nothing to find out."""

    class Identity:
        def token(self):
            return Token("T", 0.0)

    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    together = threading.Barrier(4)

    def judge(number):
        together.wait(PATIENCE)
        return answer(401, "Bearer")

    door, logon = Door(judge), Logon()
    chosen = options(methods=("mapi",), credential=UserPassword("u@x.y", Secret("Secret.123")))
    runs = [
        context(chosen, door, Identity(), logon, Report(f"m{number}", "mapi"))
        for number in range(4)
    ]
    found, threads = all_at_once([Authentication(run) for run in runs])
    finish(threads)
    assert found == ["permission"] * 4
    assert door.sent == ["Bearer T"] * 4
    assert logon.refusal is None
