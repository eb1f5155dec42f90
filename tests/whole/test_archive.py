"""The archive and what else Autodiscover lists beside a mailbox, and challenges that offer tokens."""

from __future__ import annotations

import re

import pytest

from ..conftest import mapi_perfdata
from ..support.gateway import Gateway, with_length

OK = "MAPI OK - {}@practice.example: Inbox of the archive listed in #s (mapi)"


@pytest.mark.parametrize("name", ["archived", "archived-smtp", "archived-both"])
def test_an_archive_by_its_dn_or_by_its_address(mapi, name):
    run = mapi(name, "--archive", "-v")
    assert (run.line, run.code) == (OK.format(name), 0)
    assert run.perfdata == mapi_perfdata(items="1")
    assert f"mailbox       Archive {name}" in run.diagnosis
    assert f"Autodiscover lists beside it: Archive Archive {name}" in run.diagnosis
    again = mapi(name, "--archive")
    assert (again.line, len(again.requests)) == (OK.format(name), 3)
    # The mailbox itself is another one, and remembered by itself.
    own = mapi(name)
    assert own.line == f"MAPI OK - {name}@practice.example: Inbox listed in #s (mapi)"
    places = [re.search("endpoint .*MailboxId=(.*)", one.diagnosis)[1] for one in (run, own)]
    assert places[0] != places[1]


def test_the_mailbox_itself_is_no_archive(way, tenant):
    def itself(head, body):
        return with_length(head, body.replace(b"archived-smtp-archive@", b"archived-smtp@"))

    with Gateway(tenant, itself) as gateway:
        url = f"{gateway.url}/autodiscover/autodiscover.xml"
        words = ("-m", "archived-smtp@practice.example", "-l", "archived-smtp@practice.example")
        run = way("mapi", *words, "--archive", "--autodiscover-url", url)
    cause = "Autodiscover gives the mailbox itself for its archive"
    assert run.line.startswith(f"MAPI CRITICAL - archived-smtp@practice.example: {cause}")
    assert gateway.requests == 2 * ["/autodiscover/autodiscover.xml"]


@pytest.mark.parametrize(
    ("name", "cause", "code"),
    [
        ("healthy", "the mailbox has no archive", 2),
        ("archive-denied", "logon to the mailbox is not permitted", 2),
        ("archive-gone", "no such mailbox, or it is disabled", 2),
    ],
)
def test_an_archive_that_is_none(mapi, name, cause, code):
    run = mapi(name, "--archive")
    assert run.line.startswith(f"MAPI CRITICAL - {name}@practice.example: {cause}")
    assert run.code == code
    assert "by mapi (archive): " in run.diagnosis


def test_with_the_address_book_of_its_owner(mapi):
    run = mapi("archived", "--archive", "--address-book")
    assert run.line == OK.format("archived")
    assert "address book  Practice Archived, archived@practice.example" in run.diagnosis


def test_other_mailboxes_are_named_with_v(mapi):
    run = mapi("assistant", "-v")
    for words in ("Delegate Practice Shared", "Delegate Practice Operator", "TeamMailbox Practice"):
        assert f"Autodiscover lists beside it: {words}" in run.diagnosis
    assert "lists beside it" not in mapi("assistant").diagnosis


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("bearer-only", "comes from login.windows.net (hybrid modern authentication), of tenant "),
        ("bearer-foreign", "comes from login.elsewhere.example (AD FS), of tenant "),
        ("bearer-bare", "it does not say where a token comes from"),
    ],
)
def test_a_host_that_takes_tokens_only(mapi, tenant, fault, words):
    tenant.faults.on("autodiscover", fault)
    run = mapi("healthy", "-v", section="mapi-auto")
    assert "127.0.0.1 takes tokens only (Bearer)" in run.line
    assert words in run.diagnosis
    assert "a token comes from the configured authority only" in run.diagnosis
    # Nothing was asked of anybody else, and no password went out.
    assert run.requests == ["/autodiscover/autodiscover.xml"]
    assert not any("authorization" in headers for _, _, headers, _ in tenant.requests)


def test_a_host_that_takes_tokens_too(mapi, tenant):
    tenant.faults.on("autodiscover", "bearer-challenge", 1)
    run = mapi("healthy", "-v", section="mapi-auto")
    assert run.code == 0
    assert "127.0.0.1 takes tokens, too: by its own word a token comes from login." in run.diagnosis
