"""Completion of both commands, asked of real shells."""

from __future__ import annotations

import re
import shutil

import pytest

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import option_table, parse
from check_mapi_connectivity.setup import command_line as set_up_cli
from check_mapi_connectivity.setup import option_table as set_up
from check_mapi_connectivity.setup.steps import names
from generate import completion

from ..support.shells import Fish, Shell
from ..tenant_itself.test_squid import need

CHECK, SET_UP = vocabulary.PLUGIN, names.COMMAND
OPTIONS = {CHECK: option_table.OPTIONS, SET_UP: set_up.OPTIONS}


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request, tmp_path_factory):
    need("" if shutil.which(request.param) else f"{request.param} is not installed")
    directory = tmp_path_factory.mktemp(request.param)
    (directory / "probe.pem").touch()
    (directory / "probe.d").mkdir()
    running = Fish(directory) if request.param == "fish" else Shell(request.param, directory)
    yield running
    running.close()


@pytest.mark.parametrize("command", [CHECK, SET_UP])
def test_every_long_option(shell, command):
    wanted = {option.flags[-1] for option in OPTIONS[command].values()}
    assert set(shell.complete(f"{command} --")) == wanted


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("--clo", "--cloud"),
        ("--cloud ", f"--cloud {' '.join(sorted(CLOUDS))}"),
        ("--cloud w", "--cloud worldwide"),
        ("--cloud=w", "--cloud=worldwide"),
        ("-m probe@contoso.com --method g", "-m probe@contoso.com --method graph"),
        ("--method cmdlet --method m", "--method cmdlet --method mapi"),
        ("--auth n", "--auth negotiate ntlm"),
        ("--proxy-auth b", "--proxy-auth basic"),
        ("--min-tls ", "--min-tls 1.2 1.3"),
        ("--diagnosis o", "--diagnosis off on"),
        ("--state thr", "--state throttled="),
        ("--state throttled=O", "--state throttled=OK"),
        ("--state=throttled=O", "--state=throttled=OK"),
        ("--warning-for time_tl", "--warning-for time_tls="),
        ("--certificate pro", "--certificate probe.d/ probe.pem"),
        ("--certificate=probe.p", "--certificate=probe.pem"),
        ("--cache-dir pro", "--cache-dir probe.d/"),
        ("--tenant pro", "--tenant pro"),
        ("--json --no-c", "--json --no-cache"),
    ],
)
def test_values_of_the_check(shell, typed, completed):
    found = shell.complete(f"{CHECK} {typed}")
    kept = len(typed.split()) - (typed[-1] != " ")
    # The shells order what matches in their own ways; one ends a directory with a slash, one does not.
    words = [word.rstrip("/") for word in found]
    wanted = [word.rstrip("/") for word in completed.split()]
    assert words[:kept] + sorted(words[kept:]) == wanted


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("--method ", ["--method", "cmdlet", "graph"]),
        ("--sta", ["--status"]),
        ("--owner roo", ["--owner", "root"]),
        ("--token-file pro", ["--token-file", "probe.d", "probe.pem"]),
    ],
)
def test_values_of_the_set_up_command(shell, typed, completed):
    first, *more = [word.rstrip("/") for word in shell.complete(f"{SET_UP} {typed}")]
    assert [first, *sorted(more)] == completed


#: What each option needs beside it to be looked at.
BESIDE = {
    "auth": "--method mapi -l probe@contoso.com --password-file pw -m probe@contoso.com",
    "cloud": "--tenant contoso.com -m probe@contoso.com --client-id {id} --certificate c.pem",
}


@pytest.mark.parametrize("name", sorted(completion.WORDS))
def test_every_word_is_one_that_the_check_takes(there, name):
    (there / "pw").write_text("secret")
    (there / "pw").chmod(0o600)
    (there / "c.pem").chmod(0o600)
    beside = BESIDE.get(name, BESIDE["cloud"])
    words = beside.format(id="11111111-2222-3333-4444-555555555555").split()
    if name == "proxy-auth":
        words += ["--proxy", "http://p:3128", "--proxy-user", "u", "--proxy-password-file", "pw"]
    for value in completion.WORDS[name]:
        given = [*words, f"--{name}", value]
        if (name, value) == ("method", "mapi"):
            given += ["-l", "probe@contoso.com", "--password-file", "pw"]
            given = [word for word in given if word not in ("--certificate", "c.pem")]
        parse.parse(given, {})
    with pytest.raises(UsageError, match=re.escape(f"--{name}")):
        parse.parse([*words, f"--{name}", "other"], {})


def test_methods_of_the_set_up_command_are_those_that_it_takes():
    for method in vocabulary.LABELS:
        words = ["--tenant", "contoso.com", "-m", "a@contoso.com", "--print-only"]
        taken = True
        try:
            set_up_cli.parse([*words, "--method", method], {})
        except UsageError as error:
            taken = "is not one of" not in str(error)
        assert taken == (method in completion.SET_UP_METHODS)


def test_options_of_completion_are_in_the_tables():
    every = {**OPTIONS[CHECK], **OPTIONS[SET_UP]}
    assert {*completion.WORDS, *completion.PAIRS} <= set(every)
    metavars = {option.metavar for option in every.values()}
    assert set(completion.SYSTEM) <= metavars
    assert {metavar for metavar in metavars if re.search("FILE|DIR|HOST", metavar)} - set(
        completion.SYSTEM
    ) == {"[SECTION][@FILE]"}
