"""The library face (docs/library.md): tests of mailboxes from Python, in a process that stays as it
is.
"""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import threading
import time

import pytest

import check_mapi_connectivity
from check_mapi_connectivity import Failure, Report, Secret, UsageError, options, probe

from ..conftest import ROOT

PHASES = {
    "cmdlet": ("sign-in tcp", "sign-in request", "service request"),
    "graph": ("sign-in tcp", "sign-in request", "service request"),
    "mapi": ("discovery request", "service connect", "service execute"),
}


def given(tenant, section, **more):
    """Keywords of `options` that a section of the practice tenant's plugin.ini stands for."""
    ini = configparser.ConfigParser(interpolation=None, strict=False)
    ini.read(tenant.ini)
    return {**{name.replace("-", "_"): value for name, value in ini[section].items()}, **more}


@pytest.mark.parametrize("method", ["cmdlet", "graph", "mapi"])
def test_a_mailbox_that_is_well(tenant, method):
    [report] = probe(options(**given(tenant, method)))
    assert isinstance(report, Report)
    assert (report.mailbox, report.method) == ("healthy@practice.example", method)
    assert (report.ok, report.failure) == (True, None)
    assert 0 < report.seconds < 60
    assert [name for name in report.times if name in PHASES[method]] == list(PHASES[method])
    assert all(seconds >= 0 for seconds in report.times.values())
    assert (report.finding.database is None) == (method != "cmdlet")
    assert (report.finding.server is None) == (method == "graph")
    assert tenant.open_sessions() == 0


def test_several_one_of_which_fails(tenant):
    names = ["healthy@practice.example", "gone@practice.example"]
    first, second = probe(options(**given(tenant, "graph", mailbox=names)))
    assert [first.mailbox, second.mailbox] == names
    assert (first.ok, second.ok, second.seconds) == (True, False, None)
    assert isinstance(second.failure, Failure)
    assert second.failure.kind == "mailbox"
    assert str(second.failure).endswith(f"({second.failure.code})")
    assert second.failure.remedy


def test_nodes_and_the_address_book(tenant):
    tenant.node("127.0.0.2", "EX2")
    where = ["127.0.0.2", "127.0.0.3"]
    more = {"address": where, "address_book": True}
    well, closed = probe(options(**given(tenant, "mapi", **more)))
    assert [well.address, closed.address] == where
    assert (well.ok, well.address_book, well.address_book_failure) == (True, True, None)
    assert (closed.ok, closed.address_book, closed.failure.kind) == (False, None, "connect")
    assert "address book resolvenames" in well.times
    [again] = probe(options(**given(tenant, "mapi", each_address=True)))
    assert (again.address, again.ok) == ("127.0.0.1", True)


def test_a_host_that_hangs_comes_back_in_time(tenant):
    tenant.faults.on("graph", "silent")
    begun = time.monotonic()
    [report] = probe(options(**given(tenant, "graph", timeout=3)))
    assert time.monotonic() - begun < 30
    assert (report.ok, report.failure.kind) == (False, "timeout")
    assert report.failure.cause == "no complete answer from 127.0.0.1 in 3s"


def test_threads_of_its_user(tenant):
    asked = options(**given(tenant, "cmdlet"))
    found = []
    threads = [threading.Thread(target=lambda: found.extend(probe(asked))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.ok for report in found] == [True] * 4


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"record": "x"}, "record: no option that can be given here"),
        ({"replay": "x"}, "replay: no option that can be given here"),
        ({"explain": True}, "explain: no option that can be given here"),
        ({"ask_password": True}, "ask_password: no option that can be given here"),
        ({"mailboxes": "a@b.example"}, "mailboxes: no option that can be given here"),
        ({"no_cache": 1}, "no-cache: True or False, not int"),
        ({"mailbox": b"a@b.example"}, "mailbox: text or a number, not bytes"),
        ({"timeout": True}, "timeout: text or a number, not bool"),
        ({"timeout": "x"}, None),
        ({"mailbox": "no address"}, None),
    ],
)
def test_what_cannot_be_used(tenant, words, text):
    with pytest.raises(UsageError) as error:
        options(**given(tenant, "cmdlet", **words))
    if text is None:
        # The words of the command line.
        text = str(error.value)
        assert text.startswith("--" + next(iter(words)))
    assert str(error.value) == text


def test_a_secret_shows_nowhere(tenant):
    password = "Hunter2.Hunter2"
    words = given(tenant, "mapi", username="operator@practice.example")
    words.pop("password_file", None)
    [report] = probe(options(**words, password=Secret(password)))
    assert report.failure.kind == "logon"
    assert password not in repr(report)


#: What a program sees of itself before and after it has used the library.
PROGRAM = """
import os, resource, signal, sys, warnings
def state():
    return (
        os.readlink("/proc/self/fd/2"), signal.pthread_sigmask(signal.SIG_BLOCK, []),
        [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)],
        resource.getrlimit(resource.RLIMIT_CORE), dict(os.environ), list(warnings.filters), sys.warnoptions,
    )
# requests has filters of its own.
import requests
before = state()
from check_mapi_connectivity import options, probe
asked = options(**eval(sys.argv[1]))
print([[report.ok for report in probe(asked)] for _ in range(2)])
print(state() == before, "nagiosplugin" in sys.modules)
"""


def test_the_process_stays_as_it_was(tenant, environment):
    words = given(tenant, "cmdlet")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, repr(words)],
        env={**environment, "MAPI_PASSWORD": "kept"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("[[True], [True]]\nTrue False\n", "", 0)


def test_the_plugin_does_not_pay():
    lines = "import sys, check_mapi_connectivity as c; print(sorted(n for n in sys.modules if n.startswith(c.__name__)))"
    ran = subprocess.run(
        [sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "['check_mapi_connectivity']\n"


def test_names_of_the_face():
    for name in check_mapi_connectivity.__all__:
        assert getattr(check_mapi_connectivity, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        check_mapi_connectivity.__getattr__("nothing")


def test_example_of_the_document(tenant, monkeypatch, capsys):
    """The example of docs/library.md runs, with the practice tenant's values in place of its own."""
    page = (ROOT / "docs" / "library.md").read_text()
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    words = given(tenant, "cmdlet")
    own = check_mapi_connectivity.options
    monkeypatch.setattr(check_mapi_connectivity, "options", lambda **_: own(**words), raising=False)
    exec(program, {})
    assert re.fullmatch(r"healthy@practice\.example [0-9.]+\n", capsys.readouterr().out)
