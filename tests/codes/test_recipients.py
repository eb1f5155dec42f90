"""Why an address has no mailbox: what the words of Exchange and Graph, and the address, tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.codes import recipients
from check_mapi_connectivity.services import exchange_refusals

from ..services.test_http_refusals import exchange_error

NONE = "no such mailbox in this tenant"
ON_PREMISES = "mailbox is on-premises"
ELSEWHERE = "address is a mail user or contact, with a mailbox elsewhere"
GUEST = "user is a guest, whose mailbox is in another tenant"
NOT_FOUND = "The operation couldn't be performed because object '{}' couldn't be found on 'S'."

#: Text, address -> cause. No live text but the first has been seen.
REASONS = [
    (NOT_FOUND.format("nobody@contoso.com"), "nobody@contoso.com", NONE),
    (NOT_FOUND.format("a_b.example#EXT#@contoso.com"), "x@contoso.com", GUEST),
    (NOT_FOUND.format("x"), "a_b.example#EXT#@contoso.com", GUEST),
    ("The recipient type is GuestMailUser.", "x@contoso.com", GUEST),
    ("x is a RemoteUserMailbox.", "x@contoso.com", ON_PREMISES),
    ("The mailbox is hosted on-premises.", "x@contoso.com", ON_PREMISES),
    ("x is not a mailbox but a MailUser.", "x@contoso.com", ELSEWHERE),
    ("x is a mail-enabled user.", "x@contoso.com", ELSEWHERE),
    ("x is a MailContact.", "x@contoso.com", ELSEWHERE),
    ("The mailbox is soft-deleted.", "x@contoso.com", "mailbox is soft-deleted"),
    ("x has no valid license.", "x@contoso.com", "user has no Exchange Online licence"),
    (
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        "x@contoso.com",
        "mailbox is inactive, soft-deleted or on-premises",
    ),
]


@pytest.mark.parametrize(("text", "mailbox", "cause"), REASONS)
def test_what_the_cmdlets_refusal_tells(text, mailbox, cause):
    answer = exchange_error(f"Ex1|Microsoft.X.ManagementObjectNotFoundException|{text}")
    failure = exchange_refusals.exchange_status(answer, {}, mailbox)
    assert (failure.kind, failure.cause, failure.detail) == ("mailbox", cause, text)
    assert failure.code == "ManagementObjectNotFoundException"


def test_an_error_of_the_cmdlet_without_an_exception():
    assert (
        exchange_refusals.mapi_error("The mailbox is soft-deleted.").cause
        == "mailbox is soft-deleted"
    )
    assert exchange_refusals.mapi_error("Something else.").kind == "server"


@pytest.mark.parametrize(
    "text",
    [
        NOT_FOUND.format("mail.user@contoso.com"),
        NOT_FOUND.format("Remote Mailbox Test"),
        NOT_FOUND.format("license@contoso.com"),
        "The term 'Get-LicenseReport' is not recognized.",
        "The license server answers slowly.",
    ],
)
def test_a_name_that_is_quoted_is_no_reason(text):
    """The address that was asked for stands in the message."""
    assert recipients.explain(text) is None


def test_what_is_not_told_names_all_that_it_may_be():
    answer = exchange_error(f"Ex1|X.ManagementObjectNotFoundException|{NOT_FOUND.format('x')}")
    remedy = exchange_refusals.exchange_status(answer, {}, "x@contoso.com").remedy
    for reason in ("unlicensed", "on-premises", "guest", "deleted"):
        assert reason in remedy


@given(st.text())
def test_any_text_is_a_reason_or_none(text):
    found = recipients.explain(text)
    assert found is None or found in [row for _, row in recipients.REASONS]
