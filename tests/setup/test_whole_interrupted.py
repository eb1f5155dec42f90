"""The set-up command, interrupted at each single call to the practice tenant and run again: the same
end, no duplicates, nothing half-written, no key that others can read.
"""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ..support.setting_up import FILES, Arranged
from ..support.sweeps import sweep


@pytest.fixture
def begin(tenant, tmp_path, check, monkeypatch):
    """`begin()`: an empty tenant and an empty directory, again and again. Everybody may read what is
    made without saying who may.
    """
    made = []

    def again():
        tenant.reset()
        made.append(Arranged(tenant, tmp_path / str(len(made)), check, monkeypatch))
        (tmp_path / str(len(made) - 1)).mkdir()
        (tmp_path / str(len(made) - 1)).chmod(0o755)
        made[-1].proves = False
        return made[-1]

    old = os.umask(0)
    yield again
    os.umask(old)
    assert tenant.crashes == []


def interrupt(arranged, how):
    """`run(when, number, *words)`: run the command and interrupt it `before` or `after` its call of
    that number is carried out, by a broken connection or by Ctrl-C; its exit code, None for Ctrl-C.
    """
    main = threading.main_thread().ident

    def run(when, number, *words):
        arranged.tenant.faults.on("admin", f"cut-{when}-{number}")
        if how == "cut":
            return arranged(*words)
        arranged.tenant.when_cut = lambda: signal.pthread_kill(main, signal.SIGINT)
        try:
            return arranged(*words)
        except KeyboardInterrupt:
            return None
        finally:
            arranged.tenant.when_cut = lambda: None
            arranged.tenant.faults.off()

    return run


def sound(arranged):
    """Nothing half-written, no file that others can read; an app knows the key that is in place."""
    kept = arranged.kept()
    assert {mode & 0o077 for mode in [kept.pop("", 0), *(mode for mode, _ in kept.values())]} == {0}
    assert set(kept) <= {*FILES, "certificate.next.pem", "certificate.old.pem"}
    for name in {"certificate.pem", "certificate.next.pem"} & set(kept):
        assert kept[name][1].count("-----END ") == 2
    apps = arranged.tenant.directory_state()["applications"]
    assert len(apps) <= 1


def every_call(begin, how, words, first=None, ways=("before", "after")):
    """Interrupt a run with these words, after one with `first`, at every call; all that follow it end
    alike.
    """

    def prepared():
        arranged = begin()
        token = arranged.tokens()
        if first is not None:
            assert arranged(*first, token) == 0
        return arranged, (*words, token)

    whole, given = prepared()
    assert whole(*given) == 0
    wanted, calls = (whole.state(), whole.kept()), len(whole.tenant.admin.calls)
    for when in ways:
        for number in sweep(range(1, calls + 1)):
            arranged, given = prepared()
            code = interrupt(arranged, how)(when, number, *given)
            # A question is asked again after a broken connection.
            assert code in (0, 1) if how == "cut" else code is None, (when, number)
            sound(arranged)
            assert arranged(*given) == 0, (when, number, arranged.said)
            assert (arranged.state(), arranged.kept()) == wanted, (when, number)
    return calls


@pytest.mark.parametrize(
    ("words", "calls"), [((), 45), (("--method", "graph"), 33)], ids=["cmdlet", "graph"]
)
def test_a_broken_connection_at_every_call(begin, words, calls):
    assert every_call(begin, "cut", words) == calls


@pytest.mark.parametrize(
    ("words", "calls"), [((), 45), (("--method", "graph"), 33)], ids=["cmdlet", "graph"]
)
def test_ctrl_c_at_every_call(begin, words, calls):
    assert every_call(begin, "ctrl-c", words, ways=("after",)) == calls


@pytest.mark.cases(2)
@pytest.mark.parametrize(("how", "ways"), [("cut", ("before", "after")), ("ctrl-c", ("after",))])
@pytest.mark.parametrize(("method", "calls"), [("cmdlet", 20), ("graph", 12)])
def test_a_removal_that_is_interrupted(begin, method, calls, how, ways):
    words = ("--remove", "--yes")
    assert every_call(begin, how, words, ("--method", method), ways) == calls


@pytest.mark.parametrize(
    ("how", "when"), [("cut", "before"), ("cut", "after"), ("ctrl-c", "after")]
)
def test_a_renewal_that_is_interrupted(begin, how, when):
    """At any point the check goes on with the certificate that is in place."""
    for number in sweep(range(1, 5)):
        arranged = begin()
        token = arranged.tokens()
        arranged(token)
        before, old = arranged.state(), arranged.kept()["certificate.pem"]
        assert interrupt(arranged, how)(when, number, "--renew", token) in (0, 1, None)
        sound(arranged)
        [app] = arranged.tenant.directory_state()["applications"]
        key = "".join(arranged.kept()["certificate.pem"][1].split("\n")[1:-2])
        assert any(one["key"] in key for one in app["keyCredentials"])
        assert arranged("--renew", token) == 0
        after = arranged.state()
        assert set(arranged.kept()) == {"", *FILES}
        assert len(after["applications"][0]["keyCredentials"]) == 1
        assert arranged.kept()["certificate.pem"] != old
        assert {**after, "applications": []} == {**before, "applications": []}


def test_an_app_that_nobody_sees_yet_is_not_made_twice(begin):
    """Cut off right after it was made; Entra shows it to readers much later."""
    arranged = begin()
    assert arranged(arranged.tokens()) == 0
    number = arranged.tenant.admin.calls.index("POST /v1.0/applications") + 1
    arranged = begin()
    token = arranged.tokens()
    arranged.tenant.admin.replication.delay("directory", 4)
    assert interrupt(arranged, "cut")("after", number, token) == 1
    assert arranged.tenant.admin.calls[-1] == "POST /v1.0/applications"
    assert arranged(token) == 0
    assert sum(arranged.naps) > 3
    assert len(arranged.state()["applications"]) == len(arranged.state()["service_principals"]) == 1
