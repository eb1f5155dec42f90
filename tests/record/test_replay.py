"""A replay goes by the recording alone; where that has no answer, it says so."""

from __future__ import annotations

import json
import socket

import pytest

from check_mapi_connectivity.record import recording

from ..support.recorded import play
from .test_recording import GOOD


@pytest.fixture
def changed(tmp_path):
    """`changed(name, change)` -> path of that recording after `change(document)`."""

    def make(name, change):
        document = json.loads(GOOD[name])
        change(document)
        document["sha256"] = recording.checksum(document)
        path = tmp_path / "probe.json"
        path.write_text(json.dumps(document))
        return path

    return make


def test_nothing_is_connected_to(changed, monkeypatch):
    def never(*_):
        raise AssertionError

    path = changed("several-mailboxes-and-methods", lambda one: None)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)
    assert play(path)[0] == 2


def test_an_answer_that_is_missing(changed):
    def shorten(document):
        document["entries"] = document["entries"][:-1]

    path = changed("cmdlet-ok", shorten)
    code, text = play(path)
    line, told, asked = text.split("\n")[:3]
    whole = f"--replay: {path} holds no answer to what this version asks; replay it with version"
    assert (code, line[:40]) == (3, f"MAPI UNKNOWN - --replay: {path}"[:40])
    assert told == f"  {whole} 0.1.0, which recorded it"
    assert asked.startswith("  asked: POST https://127.0.0.1:")


def test_a_test_that_never_began(changed):
    def forget(document):
        document["tests"][-1].update(begun=None, ended=None)
        document["ending"].update(by="deadline", seconds=30.0)

    code, text = play(changed("several-mailboxes-and-methods", forget), "-v")
    assert code == 2
    assert "not tested: the time was up before its turn" in text


def test_a_wait_costs_no_time(changed):
    """The wait before a second try is that of the clock of the recording."""

    def fail(document):
        last = document["entries"][-1]
        failure = {
            **dict.fromkeys(("remedy", "code", "detail", "judged_as", "during"), ""),
            "kind": "connect",
            "cause": "it is gone",
            "transient": True,
            "retry_after": 20.0,
            "status": 0,
        }
        first = {**last, "failure": failure}
        del first["answer"]
        document["entries"][-1:] = [first, last]
        # The second try has its own token.
        value = {"token": None, "refusal": None, "wait": None}
        learnt = {"test": 0, "kind": "sign-in", "begin": 20.0, "end": 20.0, "value": value}
        document["entries"].insert(-1, learnt)

    code, text = play(changed("cmdlet-ok", fail))
    assert code == 0
    assert "first try: it is gone; tried again after 20s" in text
    assert "waiting 20.000s" in text


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("--mailbox=a@b.c", "--replay and --mailbox exclude each other: "),
        ("--no-cache", "--replay and --no-cache exclude each other: "),
        ("--record=x", "--replay and --record exclude each other: "),
    ],
)
def test_what_has_no_place_beside_it(changed, word, text):
    code, said = play(changed("cmdlet-ok", lambda one: None), word)
    assert code == 3
    assert text in said
