"""Method mapi end to end: what becomes of failures, and no session left behind. What is said of each
is in `test_golden`.
"""

from __future__ import annotations

import pytest

from ..conftest import GRACE
from ..tenant.material import DOMAIN


@pytest.mark.parametrize("mailbox", ["mounting", "server-busy", "no-rows"])
def test_what_may_pass_is_tried_once_more_without_autodiscover(mapi, mailbox):
    run = mapi(mailbox)
    assert run.code == 2
    assert "first try: " in run.diagnosis
    assert len(run.requests) == 7


def test_a_server_that_is_too_busy_is_left_alone_as_long_as_it_asks(mapi):
    """Connect named a RetryDelay of 10 seconds, which do not fit into the time left."""
    run = mapi("status-6bb", "-t", "8")
    assert (run.code, len(run.requests)) == (2, 4)
    assert "mailbox server is too busy; run the checks less often" in run.line


def test_a_server_that_asks_to_wait(mapi):
    run = mapi("busy", "-t", "4")
    assert run.line.startswith(
        "MAPI UNKNOWN - busy@practice.example: mailbox server asks to wait 5.0s (RopBackoff 0xF9)"
    )
    assert run.outcome.seconds < 4 + GRACE


def test_no_rights_on_another_users_mailbox(mapi):
    run = mapi("foreign", user="healthy@practice.example")
    assert run.code == 3
    assert run.line.startswith(
        "MAPI UNKNOWN - foreign@practice.example: signed-in user may not open the Inbox"
    )
    assert "kind permission" in run.diagnosis
    assert "Add-MailboxPermission" in run.diagnosis


@pytest.mark.parametrize("section", ["mapi", "mapi-auto", "mapi-url"])
def test_a_wrong_password_is_sent_once(mapi, tenant, tmp_path, section):
    (tmp_path / "wrong").write_text("Not.The.Password\n")
    (tmp_path / "wrong").chmod(0o600)
    run = mapi("healthy", "--password-file", tmp_path / "wrong", section=section)
    assert run.code == 2
    assert "127.0.0.1 refuses the check's user (Basic)" in run.line
    assert "kind logon" in run.diagnosis
    assert [ok for _, _, ok in tenant.logons] == [False]
    assert "Not.The.Password" not in run.outcome.stdout


def test_a_remembered_address_with_a_wrong_password_is_not_asked_again(mapi, tenant, tmp_path):
    mapi()
    tenant.logons.clear()
    (tmp_path / "wrong").write_text("Not.The.Password\n")
    (tmp_path / "wrong").chmod(0o600)
    run = mapi("healthy", "--password-file", tmp_path / "wrong")
    assert (run.code, len(run.requests)) == (2, 1)
    assert mapi().code == 0


@pytest.mark.parametrize(
    "mailbox",
    ["redirect-address", "redirect-url", "http-302", "internal-only", "external-only", "two-mapi"],
)
def test_autodiscover_goes_a_longer_way(mapi, mailbox):
    run = mapi(mailbox, user="healthy@practice.example")
    assert (run.code, run.line) == (
        0,
        f"MAPI OK - {mailbox}@{DOMAIN}: Inbox listed in #s (mapi)",
    )


@pytest.mark.parametrize(
    "fault",
    ["lost-session", "sequence", "code-6", "code-10", "late-failure", "cut-before", "http-503"],
)
def test_passing_faults_of_execute(mapi, tenant, fault):
    tenant.faults.on("mapi-execute", fault, 1)
    run = mapi()
    assert (run.code, run.line) == (0, f"MAPI OK - healthy@{DOMAIN}: Inbox listed in #s (mapi)")
    assert ("connected again" in run.diagnosis) or ("first try: " in run.diagnosis)


@pytest.mark.parametrize("fault", ["pending", "unchunked", "split-chunks", "wrong-echo"])
@pytest.mark.parametrize("place", ["mapi-connect", "mapi-execute", "mapi-disconnect"])
def test_odd_but_good_answers(mapi, tenant, place, fault):
    tenant.faults.on(place, fault)
    run = mapi()
    assert run.code == 0
    assert ("something in between may answer" in run.words) == (fault == "wrong-echo")


@pytest.mark.parametrize("fault", ["http-500", "html-200", "status-6ba", "cut", "sequence"])
def test_a_session_that_was_not_ended_is_ended_after_all(mapi, tenant, fault):
    tenant.faults.on("mapi-disconnect", fault, 1)
    run = mapi()
    assert (run.code, run.line) == (0, f"MAPI OK - healthy@{DOMAIN}: Inbox listed in #s (mapi)")
    assert "the session could not be ended: " in run.diagnosis


@pytest.mark.parametrize("fault", ["silent", "drip-body", "pending-forever", "drip-chunked"])
def test_an_execute_that_hangs_is_given_up_in_time_to_end_the_session(mapi, tenant, fault):
    tenant.faults.on("mapi-execute", fault)
    run = mapi("healthy", "-t", "4")
    assert run.code == 2
    assert " in 3." in run.line
    assert "time_execute=U time_disconnect=#s" in run.perfdata
    assert "no answer to MAPI Execute from 127.0.0.1 in " in run.line
    assert run.outcome.seconds < 4 + GRACE


def test_deadline_at_disconnect_stays_a_success(mapi, tenant):
    tenant.faults.on("mapi-disconnect", "silent")
    mapi.left = 1
    run = mapi("healthy", "-t", "2")
    assert (run.code, run.line) == (0, f"MAPI OK - healthy@{DOMAIN}: Inbox listed in #s (mapi)")


def test_a_disconnect_that_hangs_is_not_waited_for_long(mapi, tenant):
    tenant.faults.on("mapi-disconnect", "silent")
    mapi.left = 1
    run = mapi("healthy", "-t", "30")
    assert run.code == 0
    assert "the session could not be ended: timed out" in run.diagnosis
    assert run.outcome.seconds < 3 + GRACE


@pytest.mark.parametrize(
    ("fault", "left"), [("no-cookies", 1), ("cut-before", 2), ("pending-forever", 0), ("cut", 0)]
)
def test_sessions_at_a_broken_connect(mapi, tenant, fault, left):
    """A session that the client is never told of is the server's to end."""
    tenant.faults.on("mapi-connect", fault)
    mapi.left = left
    assert mapi("healthy", "-t", "4").code == 2


def test_a_bearer_token_that_the_endpoint_refuses(mapi, tenant):
    tenant.faults.on("mapi-connect", "http-401")
    run = mapi("healthy", section="mapi-bearer")
    assert run.code == 3
    assert "kind permission" in run.diagnosis


def test_an_app_only_token_is_refused_with_the_servers_reason(mapi, tenant):
    run = mapi(
        "healthy",
        "--username",
        "none",
        "--client-id",
        "5d1b7a3e-1111-4c0e-8a52-000000000001",
        "--certificate",
        tenant.material.directory / "probe.pem",
        "-v",
        section="mapi-bearer",
        user="none",
    )
    assert run.code == 3
    assert "not yet seen to work" in run.words


@pytest.mark.parametrize(
    "address", ["日本@practice.example", "postfach@bücher.example", "😀@x.example"]
)
def test_addresses_beyond_ascii(mapi, address):
    run = mapi(address, user="healthy@practice.example")
    assert run.code == 2
    assert "Autodiscover does not know this address" in run.line


def test_a_lost_session_is_begun_anew_once(mapi, tenant):
    tenant.faults.on("mapi-execute", "code-10")
    run = mapi()
    types = [headers.get("x-requesttype") for _, _, headers, _ in tenant.requests]
    assert (run.code, types.count("Connect"), types.count("Execute")) == (2, 2, 2)


def test_what_was_learned_outlives_a_failure(mapi, tenant):
    """The Inbox's id is still known; only the address is asked for again."""
    assert len(mapi("old-inbox").requests) == 5
    tenant.faults.on("mapi-execute", "http-500", 1)
    assert mapi("old-inbox").code == 2
    assert len(mapi("old-inbox").requests) == 4
    assert len(mapi("old-inbox").requests) == 3
