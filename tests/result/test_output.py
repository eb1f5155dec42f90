"""The sanitizer and the one place that prints."""

from __future__ import annotations

import json
import os
import pty
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity import __version__
from check_mapi_connectivity.result import output

HOSTILE = [
    "|evil=1",
    "\n[OK] forged",
    "\r",
    "\x1b[31m",
    "<b>",
    "&lt;",
    "\u202eabc",
    "\u2028",
    "\ud800",
    "\x00",
    "\x9b1m",
    "\u200b",
    "\ufeff",
    "\U000e0041",
]


@given(
    st.text(alphabet=st.characters(), max_size=400)
    | st.lists(st.sampled_from(HOSTILE)).map("x".join),
    st.integers(3, 200),
)
def test_clean_gives_one_printable_line(text, limit):
    cleaned = output.clean(text, limit)
    assert len(cleaned) <= limit
    assert not set("|<>\n\r") & set(cleaned)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in cleaned)
    cleaned.encode("utf-8")


@given(st.text(alphabet=st.characters(), max_size=200))
def test_clean_is_idempotent(text):
    assert output.clean(output.clean(text)) == output.clean(text)


def test_clean_is_quick_for_megabytes():
    assert output.clean("ab\n" * 1_000_000, 20) == "ab ab ab ab ab ab..."


def test_printable_keeps_columns():
    assert output.printable("  a   b|c\n") == "  a   b/c "


def test_first_line_is_cut_before_the_pipe():
    line = output.first_line("CRITICAL", "x" * 500, "a=1")
    head, _, tail = line.partition(" | ")
    assert (len(head), head[-3:], tail) == (120, "...", "a=1")


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (80, "database is offline (ec=1142); call the operator"),
        (47, "database is offline; call the operator"),
        (37, "database is offline (ec=1142)"),
        (25, "database is offline"),
        (16, "dat... (ec=1142)"),
        (12, "database..."),
    ],
)
def test_sentence_gives_up_the_remedy_first(room, text):
    made = output.sentence("database is offline", "ec=1142", "call the operator", room)
    assert len(made) <= room
    assert made == text


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=80), st.integers(10, 120))
def test_sentence_never_leaves_its_room(cause, code, remedy, room):
    assert len(output.sentence(cause, code, remedy, room)) <= room


@given(st.floats(-1e9, 1e9))
def test_decimal_is_plain(value):
    text = output.decimal(value)
    assert "e" not in text
    assert len(text.partition(".")[2]) <= 6
    assert float(text) == pytest.approx(value, abs=1e-6)


def test_complaint_as_text():
    assert output.complain("a|b\nc", as_json=False) == "MAPI UNKNOWN - a/b c\n"
    text = output.complain("x" * 160, ("SHA-1 <A>",), as_json=False).split("\n")
    assert (len(text[0]), text[0][-3:]) == (120, "...")
    assert text[1:] == [f"  {'x' * 160}", "  SHA-1 (A)", ""]


def test_complaint_as_json():
    document = json.loads(output.complain("a|b", ("c",), as_json=True))
    unknown = dict.fromkeys(("during", "remedy", "code", "detail"))
    assert document["failure"] == {"kind": "usage", "cause": "a/b", "details": ["c"], **unknown}
    assert (document["format_version"], document["version"]) == (2, __version__)
    assert (document["state"], document["exit_code"], document["summary"]) == ("UNKNOWN", 3, "a/b")


def test_write_to_a_pipe_longer_than_its_buffer():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os._exit(0 if output.write("y" * 300_000, descriptor=write, patience=20) else 1)
    os.close(write)
    with os.fdopen(read) as file:
        assert len(file.read()) == 300_000
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


class Reader:
    """A pipe in steps of a clock of its own: its reader takes so many bytes, then waits so many
    seconds.
    """

    def __init__(self, monkeypatch, takes, gap):
        self.now, self.room, self.got = 100.0, takes, b""
        self._takes, self._gap = takes, gap
        monkeypatch.setattr(output.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(output.select, "select", self.select)
        monkeypatch.setattr(output.os, "write", self.write)

    def select(self, _, descriptors, __, seconds):
        if self.room < output.select.PIPE_BUF:
            if seconds < self._gap:
                self.now += seconds
                return [], [], []
            self.now, self.room = self.now + self._gap, self.room + self._takes
        return [], descriptors, []

    def write(self, _, data):
        self.room -= len(data)
        self.got += data
        return len(data)


@pytest.mark.parametrize(
    ("gap", "latest", "written"),
    [
        # Every 64 KiB another 2.5 seconds: four gaps are longer than any one may be.
        (2.5, None, True),
        (2.5, 110.0, True),
        (2.5, 109.0, False),
        (4.9, None, True),
        (5.1, None, False),
        (0.1, 0.0, True),
        (0.2, 0.0, False),
    ],
)
def test_a_slow_reader_gets_everything_in_time(monkeypatch, gap, latest, written):
    reader = Reader(monkeypatch, 65536, gap)
    assert output.write("y" * 300_000, latest=latest) is written
    assert (len(reader.got) == 300_000) is written


def test_write_to_nobody(tmp_path):
    read, write = os.pipe()
    assert output.write("y" * 300_000, descriptor=write, patience=0.05) is False
    os.close(read)
    assert output.write("y", descriptor=write) is False
    os.close(write)
    assert output.write("y", descriptor=write) is False
    assert output.write("y", descriptor=-1) is False


@pytest.fixture
def terminal():
    """A terminal: `terminal()` -> what was shown on it since it was asked last."""
    ours, theirs = pty.openpty()

    def shown():
        os.write(theirs, b"#")
        found = b""
        while not found.endswith(b"#"):
            found += os.read(ours, 65536)
        return found[:-1].decode()

    shown.descriptor = theirs
    yield shown
    os.close(ours)
    os.close(theirs)


def test_progress_on_a_terminal(terminal):
    progress = output.Progress(terminal.descriptor, 40)
    progress.show(0, 0)
    progress.show(0, 0)
    progress.show(12, 3)
    assert terminal() == "\r0 of 40 tested, 0 not OK\x1b[K\r12 of 40 tested, 3 not OK\x1b[K"
    progress.clear()
    assert terminal() == "\r\x1b[K"


def test_nothing_is_shown_beside_the_result(terminal):
    progress = output.Progress(terminal.descriptor, 40)
    progress.show(1, 0)
    progress.clear()
    terminal()
    # Of the thread that waits for the others, while the watchdog writes.
    progress.show(2, 0)
    progress.clear()
    assert terminal() == ""


def test_progress_that_showed_nothing_clears_nothing(terminal):
    output.Progress(terminal.descriptor, 2).clear()
    assert terminal() == ""


def test_progress_for_nobody(capfd):
    progress = output.Progress(None, 40)
    progress.show(1, 0)
    progress.clear()
    assert capfd.readouterr() == ("", "")


def test_progress_on_a_terminal_that_is_gone(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    real, asked = output.write, []

    def note(text, *, descriptor, patience):
        asked.append(descriptor)
        return real(text, descriptor=descriptor, patience=patience)

    monkeypatch.setattr(output, "write", note)
    progress = output.Progress(write, 2)
    progress.show(1, 0)
    progress.show(2, 0)
    progress.clear()
    # Once, and nowhere else.
    assert asked == [write]
    os.close(write)


def test_progress_on_a_terminal_that_is_stopped():
    read, write = os.pipe()
    os.set_blocking(write, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(write, b"y" * 65536)
    progress = output.Progress(write, 2)
    progress.show(1, 0)
    # Whoever does not read is not asked again: what comes after it is nobody's.
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        while True:
            assert set(os.read(read, 65536)) == {ord("y")}
    progress.show(2, 0)
    progress.clear()
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("word", ["UP", "DOWN", "INFO", "PENDING", "OK", "CRITICAL"])
def test_markers_of_icinga_web_are_no_markers(word):
    assert output.clean(f"server says [{word}] here") == f"server says [{word} here"


def test_backslashes_are_slashes_but_for_json():
    words = "user LAB\\nagios of C:\\temp"
    assert output.complain(words, ("a\\b",), as_json=False) == (
        "MAPI UNKNOWN - user LAB/nagios of C:/temp\n  a/b\n"
    )
    document = json.loads(output.complain(words, ("a\\b",), as_json=True))
    assert (document["summary"], document["failure"]["details"]) == (
        "user LAB\\nagios of C:\\temp",
        ["a\\b"],
    )


def test_backslashes_of_a_whole_run(cmdlet):
    proxy = ("--proxy", "http://127.0.0.1:1", "--proxy-user", "LAB\\nagios")
    run = cmdlet("healthy", *proxy, MAPI_PROXY_PASSWORD="x")
    assert "as LAB/nagios" in run.diagnosis
    assert "\\" not in run.stdout
