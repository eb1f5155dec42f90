"""The file of a recording: made before anything is sent, and written whatever ends the run."""

from __future__ import annotations

import json
import os
import signal
import stat
import time

import pytest

from check_mapi_connectivity.base.credentials import Login, Proxy, Secret
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.options import Recording
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.record import recording, tape

from ..support.recorded import record_and_replay, replayed
from ..tenant.material import DOMAIN
from ..whole.test_process import Start


def test_the_file_is_private_and_told_of(cmdlet, tmp_path):
    path = tmp_path / "probe.json"
    run = cmdlet("healthy", "--record", path)
    assert run.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    look = f"look at it with --replay {path} -vvv before you pass it on"
    assert run.stdout.endswith(f"\n  recording     written to {path}; {look}\n")
    # Nothing of the run is left for the next one.
    assert not (tmp_path / "cache").exists()


def test_a_file_that_exists_is_left_alone(cmdlet, tenant, tmp_path):
    path = tmp_path / "probe.json"
    path.write_text("mine")
    run = cmdlet("healthy", "--record", path)
    text = f"--record: {path} exists; name another file, or remove it"
    assert (run.code, text in " ".join(run.stdout.split("\n  "))) == (3, True)
    assert (path.read_text(), tenant.paths()) == ("mine", [])


def test_a_place_that_cannot_be_written(cmdlet, tenant, tmp_path):
    run = cmdlet("healthy", "--record", tmp_path / "nowhere" / "probe.json", "--json")
    document = json.loads(run.stdout)
    assert document["failure"]["cause"].endswith(
        "probe.json cannot be written: No such file or directory"
    )
    assert tenant.paths() == []


def begun(chosen, path, *, redact=False):
    """The recorder of a run of one test that begins."""
    recorder = tape.Recorder(chosen, Recording(str(path), redact), as_json=chosen.display.json)
    report = Report(chosen.targets.mailboxes[0], chosen.targets.methods[0])
    recorder.begin(Deadline(time.monotonic(), 30.0), [report])
    return recorder


def again(options, reports):
    return "MAPI OK - well\n"


def test_a_usage_error_before_anything_is_sent_leaves_no_file(check, tenant, tmp_path):
    path = tmp_path / "probe.json"
    options = ("--extra-opts=cmdlet@" + str(tenant.ini), "--ca-file", os.devnull)
    assert check(*options, "--record", path).code == 3
    assert (path.exists(), tenant.paths()) == (False, [])


@pytest.mark.parametrize("as_json", [False, True])
def test_a_full_disk_is_told_and_changes_no_state(options, tmp_path, monkeypatch, as_json):
    path = tmp_path / "probe.json"
    login = Login("probe", Secret("Secret.123"))
    chosen = options(json=as_json, credential=None, methods=("mapi",), login=login)
    recorder = begun(chosen, path)
    recorder.freeze("itself")
    os.close(recorder._descriptor)
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(recorder, "_descriptor", full)
    text, code = recorder.keep('{"state": "OK"}\n' if as_json else "MAPI OK - well\n", 0, again)
    told = "not written: No space left on device"
    assert (code, path.exists()) == (0, False)
    if as_json:
        assert json.loads(text) == {"state": "OK", "recording": told}
    else:
        assert text == f"MAPI OK - well\n  recording     {told}\n"


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), MemoryError()])
def test_an_error_while_redacting_changes_no_state(options, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    path = tmp_path / "probe.json"
    recorder = begun(options(), path)
    recorder.freeze("itself")
    monkeypatch.setattr(tape.Redaction, "entries", fail)
    told = f"not written: internal error: {type(error).__name__}; please report it"
    assert recorder.keep("MAPI OK - well\n", 0, again) == (
        f"MAPI OK - well\n  recording     {told}\n",
        0,
    )
    assert not path.exists()


def test_what_is_too_large_is_not_written(options, tmp_path, monkeypatch):
    path = tmp_path / "probe.json"
    recorder = begun(options(), path)
    recorder.freeze("itself")
    monkeypatch.setattr(recording, "LIMIT", 1 << 10)
    told = "not written: no recording can hold so much: it is larger than 0 MiB"
    assert recorder.keep("MAPI OK - well\n", 0, again)[0].endswith(f"  recording     {told}\n")
    assert not path.exists()


def test_any_umask(options, tmp_path):
    path = tmp_path / "probe.json"
    before = os.umask(0o777)
    try:
        begun(options(), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mailbox", ["dana@münchen.de", "x_gmail.com#EXT#@practice.example"])
def test_a_mailbox_that_is_hard_to_spell(way, tmp_path, mailbox):
    path = tmp_path / "probe.json"
    outcome = record_and_replay(
        lambda *words: way("cmdlet", "-m", mailbox, *words).outcome, path, redact=True
    )
    assert (outcome.code, mailbox.partition("@")[0] in path.read_text()) == (2, False)
    assert json.loads(path.read_text())["redacted"] == ["secrets", "subjects", "addresses"]


@pytest.mark.parametrize("user", ["mapi", "beta"])
def test_a_login_name_of_the_protocol(tmp_path, options, user):
    path = tmp_path / "probe.json"
    chosen = options(
        proxy=Proxy("p", 3128, "--proxy", user, Secret("Secret.123")),
        methods=("mapi",),
        credential=None,
        login=Login("probe", Secret("Secret.124")),
    )
    recorder = begun(chosen, path, redact=True)
    recorder.freeze("itself")
    recorder.keep("MAPI OK - well\n", 0, again)
    found = recording.parse(path.read_bytes(), "f").options
    assert (found.targets.methods, found.network.proxy.user) == (("mapi",), "login2")


@pytest.mark.parametrize("end", ["deadline", "SIGTERM"])
def test_a_run_that_is_cut_off(cmdlet, tenant, environment, tmp_path, end):
    path = tmp_path / "probe.json"
    if end == "deadline":
        tenant.faults.on("exchange", "silent")
        code = cmdlet("healthy", "-t", "3", "--record", path).code
    else:
        words = ("--record", str(path))
        place = {"place": "exchange", "path": "/InvokeCommand"}
        process = Start(environment, tenant, arguments=words, **place).process
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        code = process.returncode
    assert code == (2 if end == "deadline" else 3)
    assert json.loads(path.read_text())["ending"]["by"] == end
    recorded, again = replayed(path)
    assert again == recorded
    where = {"deadline": "no complete answer from", "SIGTERM": "in phase request"}
    assert where[end] in again.line


def test_subjects_are_not_asked_for(way, tenant, tmp_path):
    path = tmp_path / "probe.json"
    run = way("graph", "-vvv", "--record", path)
    assert run.code == 0
    assert not any("subject" in path for _, path, _, _ in tenant.requests)


def test_addresses_are_in_no_part_of_it(way, tmp_path):
    path = tmp_path / "probe.json"
    record_and_replay(lambda *words: way("methods-user", *words).outcome, path, "-vvv", redact=True)
    text = path.read_text().lower()
    assert f"healthy@{DOMAIN}" not in text
    assert "healthy%40" not in text
    assert DOMAIN not in text
    found = recording.parse(path.read_bytes(), "f")
    bodies = [entry.answer.body for entry in found.entries if entry.answer]
    bodies += [entry.certificate for entry in found.entries]
    names = (DOMAIN, "Practice Healthy")
    for name in (code for one in names for code in (one.encode(), one.encode("utf-16-le"))):
        assert not any(name in body for body in bodies)


@pytest.mark.parametrize("section", ["cmdlet", "graph-federated-user", "mapi-auto", "methods"])
def test_a_run_and_its_replay(way, tmp_path, section):
    record_and_replay(lambda *words: way(section, *words).outcome, tmp_path / "probe.json")
