"""End to end: the deadline, signals, a broken stdout, proxies that misbehave - whatever happens,
one line and the right code.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

from ..conftest import GRACE, perfdata
from ..tenant import exchange
from ..tenant.entra import Entra

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount name space")


@pytest.mark.cases(2)
@pytest.mark.parametrize("fault", ["silent", "drip-header", "drip-body", "drip-chunked"])
def test_deadline_holds_at_exchange(cmdlet, tenant, fault):
    cmdlet()
    tenant.faults.on("exchange", fault)
    run = cmdlet("healthy", "-t", "5.5")
    text = "no complete answer from 127.0.0.1 in 5.5s; see M365 health"
    assert (run.line, run.code) == (f"MAPI CRITICAL - healthy@practice.example: {text}", 2)
    phases = "time_dns=#s time_tcp=#s time_proxy=0s time_tls=#s time_request=U"
    assert run.perfdata == perfdata(token="0s", service=phases)
    assert 5.3 < run.seconds < 5.5 + GRACE
    assert re.search(r"    request +[0-5]\.[0-9]+s #+ not finished", run.diagnosis)
    assert "  client-request-id " in run.diagnosis


@pytest.mark.parametrize(
    ("limit", "state", "code"),
    [("5:OK", "OK", 0), ("5:3", "UNKNOWN", 3), ("5:warning", "WARNING", 1)],
)
def test_state_of_a_deadline_can_be_chosen(cmdlet, tenant, limit, state, code):
    tenant.faults.on("token", "silent")
    run = cmdlet("healthy", "-t", limit)
    text = "no complete answer from 127.0.0.1 in 5s; check the proxy, then the firewall"
    assert (run.line, run.code) == (f"MAPI {state} - sign-in failed: {text}", code)
    assert run.perfdata == perfdata(token="U", service="never")


def test_silent_handshake(cmdlet, tenant):
    tenant.faults.on("tls", "silent")
    run = cmdlet("healthy", "-t", "5")
    text = "no TLS handshake with 127.0.0.1 in 5s; check the proxy, then the firewall"
    assert (run.line, run.code) == (f"MAPI CRITICAL - sign-in failed: {text}", 2)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("close", r"sign-in failed: 127\.0\.0\.1 port \d+ breaks off the TLS handshake; .*"),
        (
            "plain",
            r"sign-in failed: 127\.0\.0\.1 port \d+ answers without TLS \(WRONG_VERSION_NUMBER\).*",
        ),
    ],
)
def test_broken_handshake(cmdlet, tenant, fault, text):
    tenant.faults.on("tls", fault)
    run = cmdlet()
    assert re.fullmatch(f"MAPI CRITICAL - {text}", run.line)
    assert (run.perfdata, run.code) == (perfdata(service="never"), 2)


def test_certificate_of_an_unknown_authority(check, tenant):
    run = check(
        *(f"--extra-opts=cmdlet@{tenant.ini}", "--ca-file", "none", "--no-cache"),
        SSL_CERT_FILE="/nonexistent",
    )
    text = "MAPI CRITICAL - sign-in failed: certificate of 127.0.0.1 is not trusted here: "
    assert (run.line[: len(text)], run.code) == (text, 2)
    for line in (
        "  remedy        give --ca-file; the authority is your own, or of a proxy that inspects TLS",
        "  in full       certificate of 127.0.0.1 refused: ",
        "  proxy         none, direct connection",
    ):
        assert f"\n{line}" in run.diagnosis


def test_certificate_for_another_name(cmdlet, tenant):
    url = tenant.url.replace("127.0.0.1", "127.0.0.2")
    run = cmdlet("healthy", "--exchange-url", url)
    # The tenant listens on 127.0.0.1 only.
    assert re.match(
        r"MAPI CRITICAL - healthy@practice.example: 127\.0\.0\.2 port \d+: connection refused; check name, port and firewall",
        run.line,
    )
    assert run.code == 2


def test_ca_variable_of_the_environment_holds(check, tenant):
    ini = (f"--extra-opts=cmdlet@{tenant.ini}", "--ca-file", "none", "--no-cache")
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        assert check(*ini, **{name: tenant.material.ca_file}).code == 0


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "KRB5_CONFIG"])
def test_a_variable_that_names_what_has_no_end(check, tenant, tmp_path, name):
    """The library would wait for it until the deadline, and nothing would say for what."""
    os.mkfifo(tmp_path / "endless")
    section = "cmdlet" if name == "SSL_CERT_FILE" else "mapi-auto"
    run = check(f"--extra-opts={section}@{tenant.ini}", **{name: tmp_path / "endless"})
    text = f"MAPI UNKNOWN - {name}: {tmp_path / 'endless'} is not a regular file"
    shown = (run.line if len(text) <= 120 else run.diagnosis.split("\n")[0].strip(), run.code)
    assert shown == (text if len(text) <= 120 else text.partition(" - ")[2], 3)


def test_name_that_does_not_exist(cmdlet):
    run = cmdlet("healthy", "--authority-url", "https://nowhere.invalid", "-t", "10")
    assert re.match(r"MAPI CRITICAL - sign-in failed: name nowhere\.invalid ", run.line)
    assert ": kind dns\n" in run.diagnosis
    assert (run.perfdata, run.code) == (perfdata(service="never"), 2)


@ROOT_ONLY
def test_name_server_that_swallows_queries(cmdlet, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.9", 53))
        resolv = tmp_path / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.9\n")
        mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        before = ["unshare", "-m", "sh", "-c", mount, str(resolv)]
        # Containers refuse that to their root, too.
        may = subprocess.run([*before, "true"], capture_output=True, text=True, check=False)
        if may.returncode != 0:
            pytest.skip(f"no mount in a name space of its own: {may.stderr.strip()}")
        run = cmdlet(
            "healthy", "-t", "5", "--authority-url", "https://login.example.com", before=before
        )
    text = "no DNS answer for login.example.com in 5s; check /etc/resolv.conf"
    assert (run.line, run.code) == (f"MAPI CRITICAL - sign-in failed: {text}", 2)
    assert run.perfdata == perfdata(token="U", service="never")
    assert 4.8 < run.seconds < 5 + GRACE


def test_connection_refused(cmdlet):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        run = cmdlet("healthy", "--exchange-url", f"https://127.0.0.1:{port}")
    text = f"healthy@practice.example: 127.0.0.1 port {port}: connection refused; check name"
    assert run.line.startswith(f"MAPI CRITICAL - {text}")
    phases = "time_dns=#s time_tcp=#s time_proxy=0s time_tls=U time_request=U"
    assert (run.perfdata, run.code) == (perfdata(service=phases), 2)
    assert "tried again after 0.25s" in run.diagnosis


CHECK = (sys.executable, "-m", "check_mapi_connectivity")


class Start:
    """A check that has been started and hangs at the practice tenant."""

    def __init__(
        self,
        environment,
        tenant,
        stdout=subprocess.PIPE,
        arguments=(),
        place="token",
        path="/token",
        section="cmdlet",
    ):
        tenant.faults.on(place, "silent")
        # A shell's test runner may have these blocked or ignored; a scheduler has not.
        self.process = subprocess.Popen(
            [
                *(*CHECK, f"--extra-opts={section}@{tenant.ini}"),
                *("--no-cache", "-t", "30", *arguments),
            ],
            env=environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        until = time.monotonic() + 30
        while not any(
            path == headers.get("x-requesttype") or one.endswith(path)
            for _, one, headers, _ in list(tenant.requests)
        ):
            assert time.monotonic() < until, f"the check never reached {path}"
            select.select([], [], [], 0.01)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signal_is_answered_with_the_diagnosis(environment, tenant, name):
    start = Start(environment, tenant)
    sent = time.monotonic()
    start.process.send_signal(getattr(signal, name))
    stdout, stderr = start.process.communicate(timeout=30)
    answered = time.monotonic() - sent
    line, _, rest = stdout.decode().partition("\n")
    pattern = rf"MAPI UNKNOWN - healthy@practice\.example: ended by {name} after [0-9.]+s in sign-in, phase request \(127\.0\.0\.1\) \| .*"
    assert re.fullmatch(pattern, line)
    assert "not finished" in rest
    assert (start.process.returncode, stderr) == (3, b"")
    # 3 ms on an idle machine.
    assert answered < GRACE


def test_a_signal_while_modules_are_loaded_is_answered(environment, tenant, tmp_path):
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "nagiosplugin.py").write_text(
        "import os, time\nos.write(1, b'loading ')\ntime.sleep(600)\n"
    )
    process = subprocess.Popen(
        [*CHECK, f"--extra-opts=cmdlet@{tenant.ini}", "--no-cache"],
        env={**environment, "PYTHONPATH": f"{hook}:{environment['PYTHONPATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert os.read(process.stdout.fileno(), 8) == b"loading "
    process.terminate()
    stdout, stderr = process.communicate(timeout=30)
    line = b"MAPI UNKNOWN - ended by SIGTERM before anything was tested\n"
    assert (stdout, stderr, process.returncode) == (line, b"", 3)


def test_stopped_across_the_deadline(environment, tenant):
    """Job control, or a host that was suspended."""
    begun = time.monotonic()
    start = Start(environment, tenant, arguments=("-t", "8"))
    start.process.send_signal(signal.SIGSTOP)
    # Not to be right, but for the deadline to pass.
    select.select([], [], [], max(0.0, begun + 9 - time.monotonic()))
    start.process.send_signal(signal.SIGCONT)
    stdout, stderr = start.process.communicate(timeout=30)
    line = "no complete answer from 127.0.0.1 in 8s; check the proxy, then the firewall"
    assert stdout.decode().split(" | ")[0] == f"MAPI CRITICAL - sign-in failed: {line}"
    assert (start.process.returncode, stderr) == (2, b"")


def test_a_signal_within_a_session_says_that_it_is_left_open(environment, tenant):
    start = Start(environment, tenant, place="mapi-execute", path="Execute", section="mapi")
    start.process.terminate()
    stdout, _ = start.process.communicate(timeout=30)
    pattern = r"MAPI UNKNOWN - \S+: ended by SIGTERM after [0-9.]+s in phase execute \(127\.0\.0\.1\) \| .*"
    line, _, rest = stdout.decode().partition("\n")
    assert re.fullmatch(pattern, line)
    assert "  note          SIGTERM came before the session was ended\n" in rest
    assert tenant.open_sessions() == 1
    tenant.reset()


def silent(environment, tenant, stdout):
    """(exit code, stderr) of a cold run with this stdout."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_mapi_connectivity",
            f"--extra-opts=cmdlet@{tenant.ini}",
            "--no-cache",
        ],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stderr


def test_stdout_full(environment, tenant):
    with open("/dev/full", "wb") as full:
        assert silent(environment, tenant, full) == (3, b"")


def test_stdout_closed(environment, tenant):
    command = f'exec "{sys.executable}" -m check_mapi_connectivity "--extra-opts=cmdlet@{tenant.ini}" --no-cache >&-'
    done = subprocess.run(
        ["sh", "-c", command], env=environment, stderr=subprocess.PIPE, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (3, b"")
    assert [path.endswith("InvokeCommand") for path in tenant.paths()].count(True) == 1


def test_reader_gone(environment, tenant):
    read, write = os.pipe()
    os.close(read)
    assert silent(environment, tenant, write) == (3, b"")
    os.close(write)


def test_signal_while_nobody_reads(environment, tenant):
    """A full pipe that nobody empties does not keep the process alive."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    start = Start(environment, tenant, stdout=write)
    start.process.terminate()
    start.process.communicate(timeout=20)
    assert start.process.returncode == 3
    os.close(read)
    os.close(write)


def test_no_core_dump(environment, tenant):
    start = Start(environment, tenant)
    with open(f"/proc/{start.process.pid}/limits") as file:
        limits = file.read()
    start.process.kill()
    start.process.communicate()
    assert re.search(r"Max core file size +0 +0 ", limits)


def test_passphrase_leaves_the_process_environment(check, tenant):
    """The variable is used; what /proc shows is the kernel's copy from before, which no process can
    change.
    """
    ini = (
        f"--extra-opts=cmdlet-locked@{tenant.ini}",
        "--certificate-passphrase-file",
        "none",
        "--no-cache",
    )
    assert check(*ini, MAPI_CERTIFICATE_PASSPHRASE="correct horse").code == 0
    assert check(*ini, MAPI_CERTIFICATE_PASSPHRASE="wrong").code == 3


@pytest.mark.parametrize("module", ["nagiosplugin", "requests", "msal", "cryptography", "urllib3"])
def test_missing_module(cmdlet, environment, tmp_path, module):
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / f"{module}.py").write_text(f"raise ModuleNotFoundError('gone', name='{module}')")
    # Of a run without a proxy only newer msal needs these two.
    more = ("--proxy", "http://127.0.0.1:9") if module in ("requests", "urllib3") else ()
    run = cmdlet("healthy", *more, PYTHONPATH=f"{hook}:{environment['PYTHONPATH']}")
    line = f"MAPI UNKNOWN - Python module {module} is missing: apt install python3-{module}, or pip install {module}"
    assert (run.stdout, run.code, run.stderr) == (f"{line}\n", 3, "")


def echo_token(tenant, monkeypatch, where):
    """The practice tenant repeats the token it was sent, in the place named."""
    ordinary = exchange.answer

    def answer(identity, name, headers, *more):
        token = headers["Authorization"].split()[1]
        status, sent, body = ordinary(identity, name, headers, *more)
        if where == "header":
            return status, {**sent, "request-id": token}, body
        if where == "error":
            return 500, sent, json.dumps({"error": {"message": f"bad {token}"}}).encode()
        if where == "page":
            return 404, {"Content-Type": "text/html"}, f"<p>{token}</p>".encode()
        row = {"Result": "FAILURE", "Error": f"MapiExceptionNew {token}", "Server": token}
        return 200, sent, json.dumps({"value": [row], "@adminapi.warnings": [token]}).encode()

    monkeypatch.setattr(exchange, "answer", answer)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("where", ["header", "error", "page", "row"])
def test_token_that_is_echoed_is_never_shown(cmdlet, tenant, monkeypatch, where, opaque):
    if opaque:
        monkeypatch.setattr(Entra, "issue", lambda *_: "opaque-token-of-nobody")
        monkeypatch.setattr(
            Entra, "check", lambda *_: {"roles": ["Exchange.ManageAsApp"], "appid": "y"}
        )
    echo_token(tenant, monkeypatch, where)
    for arguments in ((), ("--json",), ("-vvv",), ("-vvv", "--json")):
        run = cmdlet("healthy", *arguments)
        token = tenant.requests[-1][2]["authorization"].split()[1]
        assert token[:40] not in run.stdout
        assert "***" in run.stdout
