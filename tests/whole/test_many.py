"""End to end: a hundred mailboxes in one run, by each method, with some of them broken."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from ..conftest import GRACE
from ..support.masks import begins
from ..support.ways import ORDER, counters, expected
from ..tenant.directory import MANY, OPERATOR
from ..tenant.material import DOMAIN

HUNDRED = MANY[:100]
BROKEN = HUNDRED[4::10]
METHODS = ("cmdlet", "graph", "mapi")
PLACES = {"cmdlet": "exchange", "graph": "graph", "mapi": "mapi-connect"}
#: The first line's cause when the method's place answers with HTTP 500.
CAUSES = {
    "cmdlet": "Exchange Online reports an internal error",
    "graph": "Graph reports an internal error",
    "mapi": "127.0.0.1 reports an internal error",
}
#: What a test that failed has all the same.
TOUCHED = {"cmdlet": "time_request", "graph": "time_request", "mapi": "time_connect"}


def prefix(name):
    """What the labels of a mailbox begin with."""
    return f"{name}_{DOMAIN.replace('.', '_')}_"


@pytest.fixture
def hundred(way, tmp_path):
    """`hundred(method, *arguments)`: a hundred mailboxes by a method; `names` are in the file."""
    listed = tmp_path / "mailboxes"

    def run(method, *arguments, names=HUNDRED):
        listed.write_text("# probes\n\n" + "".join(f"{name}@{DOMAIN}\n" for name in names))
        return way(f"many-{method}", "--mailbox-file", listed, *arguments)

    return run


def by_mailbox(run, names=HUNDRED):
    """Mailbox -> label -> value; the labels are those of all mailboxes in their order."""
    found = {name: {} for name in names}
    for item in run.perfdata.split():
        label, _, value = item.partition("=")
        name, _, bare = label.partition(f"_{DOMAIN.replace('.', '_')}_")
        found[name][bare] = value
    return found


def well(method, times):
    """Whether the values of a mailbox are those of a success, reached or by a kept connection."""
    usual = dict(item.split("=", 1) for item in expected(method).split())
    if method != "mapi":
        usual["certificate_days"] = "#;30:;7:"
    if method != "cmdlet":
        usual["inbox_items"] = "2"
    phases = {label for label in usual if re.match(r"time_(?!request|server)|connection", label)}
    same = {label: value for label, value in usual.items() if label not in phases}
    own = {label: value for label, value in times.items() if label not in phases}
    return (
        list(times) == list(usual)
        and {**own, "time_server": 0} == {**same, "time_server": 0}
        and all(times[label] in ("0s", "#s", "0.041s") for label in phases)
    )


@pytest.mark.parametrize("method", METHODS)
def test_all_well_then_ten_broken(hundred, tenant, method):
    run = hundred(method)
    longest = "0.041s" if method == "cmdlet" else "#s"
    text = f"100 mailboxes: Inbox listed in {longest} at most ({method})"
    assert (run.line, run.code, run.stderr) == (f"MAPI OK - {text}", 0, "")
    before = by_mailbox(run)
    assert list(before) == list(HUNDRED)
    assert {name: before[name] for name in HUNDRED if not well(method, before[name])} == {}
    # Ten, and one more for each test that a busy machine keeps so long that another worker starts.
    assert run.connections <= 50
    assert run.tokens == (0 if method == "mapi" else 1)
    assert tenant.open_sessions() == 0
    [head] = [line for line in run.diagnosis.split("\n") if line.startswith("[")]
    assert head.startswith("[OK] 100 of 100: Inbox listed in ")

    for name in BROKEN:
        tenant.faults.on(PLACES[method], "http-500", mailbox=name)
    run = hundred(method)
    text = f"10 of 100 mailboxes not OK, worst {BROKEN[0]}@{DOMAIN}: {CAUSES[method]}"
    assert (run.line, run.code, run.stderr) == (f"MAPI CRITICAL - {text}", 2, "")
    after = by_mailbox(run)
    assert [name for name in HUNDRED if not well(method, after[name])] == list(BROKEN)
    for name in BROKEN:
        assert after[name]["mapi_connectivity"] == "0;;;0;1"
        assert after[name]["connection_time"] == "U"
        assert after[name][TOUCHED[method]] == "#s"
        assert list(after[name]) == list(before[name])
    # One sign-in in both runs together, and each test tried once.
    assert run.tokens == 0
    heads = [line for line in run.diagnosis.split("\n") if line.startswith("[")]
    named = [re.match(r"\[CRITICAL\] (\S+)@\S+ by (\w+): ", line) for line in heads[:-1]]
    assert [match.groups() for match in named] == [(name, method) for name in BROKEN]
    assert heads[-1].startswith("[OK] 90 of 100: Inbox listed in ")


def in_tenths(text):
    """Text in which the moment that method mapi gives up at is `14.#s`, give or take a second."""
    return re.sub(r" in 1[345](\.\d+)?s", " in 14.#s", text)


@pytest.mark.cases(1)
@pytest.mark.parametrize("method", METHODS)
def test_ten_that_hang_do_not_hold_the_others(hundred, tenant, method):
    for name in BROKEN:
        tenant.faults.on(PLACES[method], "silent", mailbox=name)
    # The others have to be through by then, also on a busy machine.
    run = hundred(method, "-t", "16")
    # Method mapi keeps time to end its session.
    seconds = "14.#s" if method == "mapi" else "16s"
    phase = TOUCHED[method].removeprefix("time_")
    ended = {
        "connect": "no answer to MAPI Connect from 127.0.0.1",
        "execute": "no answer to MAPI Execute from 127.0.0.1",
    }.get(phase, "no complete answer from 127.0.0.1")
    text = f"{BROKEN[0]}@{DOMAIN}: {ended}"
    assert run.line.startswith(f"MAPI CRITICAL - 10 of 100 mailboxes not OK, worst {text}")
    assert (run.code, run.stderr) == (2, "")
    after = by_mailbox(run)
    assert [name for name in HUNDRED if not well(method, after[name])] == list(BROKEN)
    for name in BROKEN:
        assert after[name][TOUCHED[method]] == "U"
        assert after[name]["mapi_connectivity"] == "0;;;0;1"
    assert run.seconds < 16 + GRACE
    heads = re.findall(r"^\[CRITICAL\] .*", in_tenths(run.diagnosis), re.MULTILINE)
    ended = f"{ended} in {seconds}"
    assert heads == [f"[CRITICAL] {name}@{DOMAIN} by {method}: {ended}" for name in BROKEN]


def test_requests_of_a_hundred_are_shown_of_twenty(hundred):
    run = hundred("graph", "-vvv")
    assert run.code == 0
    assert len(re.findall(r"\n  request       GET \S+/v1\.0/", run.diagnosis)) == 20
    note = "\n  note          its requests are not shown, others' are: test it alone"
    assert run.diagnosis.count(note) == 80


def test_wrong_password_of_fifty_is_one_failed_logon(hundred, tenant, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("Not.The.Password\n")
    wrong.chmod(0o600)
    names = HUNDRED[:50]
    run = hundred("mapi", "--password-file", wrong, names=names)
    text = f"{names[0]}@{DOMAIN}: 127.0.0.1 refuses user {OPERATOR} (Basic)"
    line = f"MAPI CRITICAL - all 50 mailboxes not OK, worst {text}"
    assert (run.line, run.code) == (line, 2)
    assert tenant.logons == [("Basic", f"{OPERATOR}@{DOMAIN}", False)]
    values = by_mailbox(run, names)
    assert {times["mapi_connectivity"] for times in values.values()} == {"0;;;0;1"}
    assert {tuple(times) for times in values.values()} == {tuple(ORDER["mapi"].split())}
    assert run.words.count(f"refuses user {OPERATOR} (Basic) (HTTP 401) remedy") == 10
    assert "\n[CRITICAL] 40 more, not shown; -v shows all\n" in run.diagnosis


def test_bad_line_of_the_file_is_named(way, tmp_path):
    listed = tmp_path / "mailboxes"
    listed.write_text(f"# probes\nmany-001@{DOMAIN}\n\nno address\n")
    run = way("many-graph", "--mailbox-file", listed)
    line = f"--mailbox-file: {listed} line 4: no address is neither an e-mail address nor a GUID"
    assert (run.code, run.stderr, run.requests) == (3, "", [])
    assert begins(run.stdout.partition("\n")[0], f"MAPI UNKNOWN - {line}")
    assert line in run.stdout


class Start:
    """A check of a hundred mailboxes, of which ten hang, with a terminal or a pipe as stderr."""

    def __init__(self, environment, tenant, tmp_path, *arguments, terminal):
        for name in BROKEN:
            tenant.faults.on("graph", "silent", mailbox=name)
        listed = tmp_path / "mailboxes"
        listed.write_text("".join(f"{name}@{DOMAIN}\n" for name in HUNDRED))
        self.reader, writer = pty.openpty() if terminal else os.pipe()
        self.tenant, self.shown, self.before = tenant, b"", counters(tenant)
        section = f"--extra-opts=many-graph@{tenant.ini}"
        options = ("--mailbox-file", listed, "--cache-dir", tmp_path / "cache", *arguments)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "check_mapi_connectivity", section, *map(str, options)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=writer,
        )
        os.close(writer)

    def wait_for(self, condition):
        """Read what is shown until the condition holds."""
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until, self.shown
            if select.select([self.reader], [], [], 0.02)[0]:
                self._read()

    def _read(self):
        try:
            data = os.read(self.reader, 65536)
        except OSError:
            # A terminal whose other end is closed.
            data = b""
        self.shown += data
        return data

    def end(self):
        """stdout, everything on stderr, exit code."""
        stdout = self.process.stdout.read().decode()
        while self._read():
            pass
        os.close(self.reader)
        self.process.stdout.close()
        return stdout, self.shown.decode(), self.process.wait(timeout=30)

    def answered(self):
        """How many requests for a mailbox have come."""
        return sum(path.endswith("/messages") for _, path, _, _ in self.tenant.requests)


def test_progress_on_a_terminal_and_sigterm_in_the_middle(environment, tenant, tmp_path):
    start = Start(environment, tenant, tmp_path, "-v", terminal=True)
    start.wait_for(lambda: b"\r90 of 100 tested, 0 not OK\x1b[K" in start.shown)
    start.process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    stdout, shown, code = start.end()
    # 40 ms on an idle machine.
    assert time.monotonic() - sent < GRACE
    assert code == 3
    first = stdout.partition("\n")[0].partition(" | ")[0]
    ended = r"ended by SIGTERM after [0-9.]+s in.*\.\.\."
    worst = f"{BROKEN[0]}@{re.escape(DOMAIN)}"
    line = rf"MAPI UNKNOWN - 10 of 100 mailboxes not OK, worst {worst}: {ended}"
    assert re.fullmatch(line, first)
    heads = re.findall(r"^\[(\w+)\] (\S+)@\S+ by graph: ", stdout, re.MULTILINE)
    assert [name for state, name in heads if state == "UNKNOWN"] == list(BROKEN)
    assert [state for state, _ in heads].count("OK") == 90
    # Nothing of it stays on the screen.
    words = re.findall(r"\r([^\r]*?)\x1b\[K", shown)
    assert words[-1] == ""
    assert re.sub(r"\r[^\r]*?\x1b\[K", "", shown) == ""
    counts = [int(word.split()[0]) for word in words[:-1]]
    assert counts == sorted(counts)
    assert all(re.fullmatch(r"\d+ of 100 tested, 0 not OK", word) for word in words[:-1])


@pytest.mark.parametrize(("arguments", "terminal"), [((), True), (("-v",), False)])
def test_no_progress_without_v_or_a_terminal(environment, tenant, tmp_path, arguments, terminal):
    start = Start(environment, tenant, tmp_path, *arguments, terminal=terminal)
    start.wait_for(lambda: start.answered() == 100)
    start.process.send_signal(signal.SIGTERM)
    stdout, shown, code = start.end()
    assert (shown, code) == ("", 3)
    assert stdout.startswith("MAPI UNKNOWN - ")
