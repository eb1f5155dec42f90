"""End to end: no run sends a password again that was not taken a moment ago, or whose fate nobody
knows, whoever runs beside it.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from check_mapi_connectivity.result import output

from ..support.signing import at_once
from ..support.ways import expected
from ..tenant.directory import MANY
from ..tenant.material import DOMAIN, private_file

HEALTHY, FEDERATED = f"healthy@{DOMAIN}", f"federated@{DOMAIN}"

#: What a password that was sent and not heard of again is told of by the next run.
UNANSWERED = (
    "not tested: the last sign-in of this user had no answer; its password rests for a minute"
)
LEAD = "not tested: another run's sign-in failed: "
RESTS = re.compile(r"^  in full       sent \d+s ago, not sent again within 60s\.", re.MULTILINE)
#: User -> what the first line says of a wrong password, and where it is sent.
REFUSED = {
    "password": (
        "sign-in refused: user name or password is wrong (AADSTS50126); correct the password",
        "token",
    ),
    "federated-user": (
        f"sign-in refused: federation server 127.0.0.1 refuses user {FEDERATED}; check the password",
        "adfs",
    ),
}


@pytest.fixture
def wrong(tmp_path):
    """Options of a password that is wrong."""
    return "--password-file", private_file(tmp_path / "wrong", b"Not.The.Password\n")


def sent(tenant):
    """How many requests held a password; assertions are none."""
    bodies = [raw for _, _, _, raw in tenant.requests]
    return sum(b"grant_type=password" in raw or b"<wsse:Password" in raw for raw in bodies)


def not_tested(text):
    """The first line of a run that was kept from sending a password by this failure of another."""
    if text == UNANSWERED:
        return f"MAPI UNKNOWN - {text}"
    if FEDERATED in text:
        # Whom it refuses is too long beside the lead.
        return f"MAPI UNKNOWN - {LEAD}federation server 127.0.0.1 refuses... (FailedAuthentication)"
    cause, code, remedy = re.fullmatch(
        r"sign-in (?:refused|failed): (.*?)(?: \(([^()]*)\))?(?:; (.*))?", text
    ).groups("")
    room = output.FIRST_LINE - len("MAPI CRITICAL - ")
    return f"MAPI UNKNOWN - {output.sentence(LEAD + cause, code, remedy, room)}"


def rests(run, text, method="cmdlet"):
    """Assert that this run says what became of the password, and sent nothing."""
    assert (run.line, run.code) == (not_tested(text), 3)
    assert ": kind untested\n" in run.diagnosis
    assert run.perfdata == expected(method, ok=False)
    assert (run.requests, run.connections, run.stderr) == ([], 0, "")
    assert RESTS.search(run.diagnosis)


# Side by side.


@pytest.mark.parametrize("methods", [["cmdlet"] * 8, ["cmdlet", "graph"] * 4])
@pytest.mark.parametrize("user", REFUSED)
def test_eight_processes_send_a_wrong_password_once(way, tenant, wrong, user, methods):
    text, place = REFUSED[user]
    # As long as Entra may think about it.
    tenant.faults.on(place, "late")
    found = at_once(*(partial(way, f"{method}-{user}", *wrong) for method in methods))
    address = FEDERATED if user == "federated-user" else HEALTHY
    assert tenant.entra.password_tries == [(address, False)]
    assert sent(tenant) == 1
    lines = sorted(run.line for run in found)
    assert lines == sorted([f"MAPI UNKNOWN - {text}", *[not_tested(text)] * 7])
    assert [(run.code, run.stderr) for run in found] == [(3, "")] * 8
    assert sum(RESTS.search(run.diagnosis) is not None for run in found) == 7


@pytest.mark.parametrize("user", REFUSED)
def test_eight_processes_share_the_token_of_a_right_password(way, tenant, user):
    tenant.faults.on(REFUSED[user][1], "late")
    found = at_once(*(partial(way, f"cmdlet-{user}") for _ in range(8)))
    assert [(run.code, run.stderr) for run in found] == [(0, "")] * 8
    address = FEDERATED if user == "federated-user" else HEALTHY
    assert tenant.entra.password_tries == [(address, True)]


def test_a_corrected_password_beside_wrong_ones(way, tenant, wrong):
    """Whatever the order: the right one is taken, and the wrong one goes once at most between."""
    tenant.faults.on("token", "late")
    calls = [partial(way, "cmdlet-password", *wrong) for _ in range(3)]
    found = at_once(partial(way, "graph-password"), *calls)
    assert [run.code for run in found] == [0, 3, 3, 3]
    tries = [right for _, right in tenant.entra.password_tries]
    assert tries.count(True) == 1
    # A password that was taken lifts the rest of the wrong one.
    assert tries in ([True, False], [False, True], [False, True, False])


# A password whose fate is unknown.

#: Fault at the token endpoint -> how the run that met it ends.
LOST = {
    "close": "CRITICAL - sign-in failed: 127.0.0.1 closes the connection, no answer; "
    "check the proxy, then the firewall",
    "truncated": "CRITICAL - sign-in failed: 127.0.0.1 breaks off its answer after 9 bytes "
    "(HTTP 200); check the proxy",
    "http-500": "CRITICAL - sign-in failed: Entra reports an internal error (HTTP 500); see "
    "M365 health",
    "http-503": "CRITICAL - sign-in failed: 127.0.0.1 answers with an error page (HTTP "
    "503); check the proxy, then see M365 health",
    "http-503-wait-1": "UNKNOWN - sign-in failed: Entra is unavailable for 1s (HTTP 503); if it "
    "lasts, see M365 health",
    "html-200": "CRITICAL - sign-in failed: 127.0.0.1 answers, but not as Entra (HTTP "
    "200); check the proxy",
}


@pytest.mark.parametrize("fault", LOST)
def test_a_password_whose_answer_is_lost_rests(way, tenant, fault):
    tenant.faults.on("token", fault)
    first = way("cmdlet-password")
    assert (first.line, first.tokens) == (f"MAPI {LOST[fault]}", 1)
    assert sent(tenant) == 1
    tenant.faults.off()
    text = LOST[fault].partition(" - ")[2]
    for method in ("cmdlet", "graph"):
        rests(way(f"{method}-password"), text, method)


def test_a_password_that_nobody_answers_rests(way, tenant):
    tenant.faults.on("token", "silent")
    # A busy machine may not get that far in time; then the password was not sent, either.
    for seconds in (3, 9, 27):
        run = way("cmdlet-password", "-t", seconds)
        if sent(tenant):
            break
    cause = f"no complete answer from 127.0.0.1 in {seconds}s"
    assert run.line.startswith(f"MAPI CRITICAL - sign-in failed: {cause}")
    tenant.faults.off()
    rests(way("graph-password"), UNANSWERED, "graph")
    assert sent(tenant) == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("user", REFUSED)
def test_a_run_that_is_ended_meanwhile_leaves_a_rest(way, tenant, environment, tmp_path, user, end):
    tenant.faults.on("token", "silent")
    options = (f"--extra-opts=cmdlet-{user}@{tenant.ini}", "--cache-dir", str(tmp_path / "cache"))
    process = subprocess.Popen(
        [sys.executable, "-m", "check_mapi_connectivity", *options, "-t", "60"],
        env=environment,
        stdout=subprocess.PIPE,
    )
    until = time.monotonic() + 50
    while not tenant.token_requests:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(end)
    process.communicate(timeout=30)
    assert sent(tenant) == 1
    tenant.faults.off()
    rests(way(f"graph-{user}"), UNANSWERED, "graph")
    # A corrected one need not wait for it.
    corrected = private_file(tmp_path / "corrected", b"Another.Password\n")
    assert way(f"graph-{user}", "--password-file", corrected).code == 3
    assert sent(tenant) == 2


@pytest.mark.parametrize("more", [(), ("--no-cache",)])
@pytest.mark.parametrize("fault", ["close", "http-503", "aadsts-50126"])
def test_forty_tests_of_a_run_send_it_once(way, tenant, tmp_path, fault, more):
    listed = tmp_path / "mailboxes"
    listed.write_text("".join(f"{name}@{DOMAIN}\n" for name in MANY[:20]))
    tenant.faults.on("token", fault)
    run = way(
        *("cmdlet-password", "--method", "cmdlet", "--method", "graph", "-m", "none"),
        *("--mailbox-file", listed, "--concurrency", "10", *more),
    )
    assert " - none of 20 mailboxes tested: sign-in " in run.line
    assert (sent(tenant), tenant.token_requests) == (1, 1)
    assert run.perfdata.count("mapi_connectivity=0") == 40


@pytest.mark.parametrize("user", REFUSED)
@pytest.mark.parametrize("place", ["discovery", "realm"])
def test_a_failure_before_the_password_is_sent_does_not_rest(way, tenant, place, user):
    tenant.faults.on(place, "http-503")
    run = way(f"cmdlet-{user}")
    assert run.code == 2
    asked = {"discovery": "openid-configuration", "realm": "@"}[place]
    # Tried again at once, and by the next run.
    assert sum(asked in path for path in run.paths) == 2
    assert sent(tenant) == 0
    tenant.faults.on(place, "http-503", times=1)
    run = way(f"cmdlet-{user}")
    assert (run.code, sent(tenant)) == (0, 1)
    assert "; tried again after 0.25s" in run.diagnosis


def test_a_federation_server_that_fails_before_the_password_is_sent(way, tenant):
    tenant.faults.on("adfs", "http-503", times=1)
    run = way("cmdlet-federated-user")
    assert (run.code, sent(tenant)) == (0, 1)
    assert run.paths.count("mex") == 2


# What lifts a rest, and what is none.


@pytest.mark.parametrize("number", [700016, 65001])
def test_what_lies_not_with_the_password_does_not_rest(way, tenant, number):
    tenant.faults.on("token", f"aadsts-{number}")
    for method in ("cmdlet", "cmdlet", "graph"):
        run = way(f"{method}-password")
        assert (run.code, run.tokens) == (3, 1)
        assert f"(AADSTS{number})" in run.line
    tenant.faults.off()
    assert way("cmdlet-password").code == 0


def test_success_lifts_the_rest(way, tenant, wrong):
    """Of the wrong password, too: the account's count of failures is at zero again."""
    assert way("cmdlet-password", *wrong).code == 3
    rests(way("cmdlet-password", *wrong), REFUSED["password"][0])
    assert way("cmdlet-password").code == 0
    assert [right for _, right in tenant.entra.password_tries] == [False, True]
    run = way("cmdlet-password", *wrong)
    assert (run.code, run.tokens) == (3, 1)
    assert [right for _, right in tenant.entra.password_tries] == [False, True, False]


def test_no_cache_no_rest(way, tenant, wrong):
    for _ in range(2):
        assert way("cmdlet-password", *wrong, "--no-cache").code == 3
    assert len(tenant.entra.password_tries) == 2
