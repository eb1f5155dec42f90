"""Codes that Graph passes on from Exchange, and those of its page on errors."""

from __future__ import annotations

import json

import pytest

from check_mapi_connectivity.services import graph_refusals

from ..services.test_http_refusals import make_answer


def error(status, code, message, **headers):
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return make_answer(status, body, Content_Type="application/json", **headers)


#: Status, code, message -> kind, cause. Codes that Graph passes on from Exchange (Exchange's own list
#: of ResponseCode), and those of Graph's page on errors.
PASSED_ON = [
    (403, "ErrorQuotaExceeded", "The mailbox is beyond its size.", "mailbox", "mailbox is full"),
    (507, "ErrorQuotaExceeded", "The mailbox is beyond its size.", "mailbox", "mailbox is full"),
    (403, "ErrorAccountDisabled", "x", "mailbox", "account of the mailbox is disabled"),
    (404, "ErrorNonExistentMailbox", "x", "mailbox", "Exchange has no mailbox of this address"),
    (404, "ErrorFolderNotFound", "x", "mailbox", "mailbox has no Inbox that Graph can find"),
    (500, "ErrorMailboxConfiguration", "x", "mailbox", "Exchange finds the mailbox misconfigured"),
    (500, "ErrorCorruptData", "x", "mailbox", "data in the mailbox is corrupt"),
    (500, "ErrorFolderCorrupt", "x", "mailbox", "data in the mailbox is corrupt"),
    (403, "ErrorMailboxStoreUnavailable", "x", "server", "Exchange's mailbox store is unavailable"),
    (
        *(503, "ErrorMailboxFailover", "x", "server"),
        "mailbox database is failing over to another server",
    ),
    (500, "ErrorInternalServerError", "x", "server", "Exchange reports an internal error"),
    (500, "ErrorInternalServerTransientError", "x", "server", "Exchange reports a temporary fault"),
    (500, "ErrorADUnavailable", "x", "server", "Exchange cannot reach its directory"),
    (403, "ErrorConnectionFailed", "x", "server", "Exchange cannot reach the mailbox store"),
    (500, "ErrorTimeoutExpired", "x", "server", "Exchange gave up waiting inside"),
    (500, "ErrorInsufficientResources", "x", "server", "Exchange lacks resources for the request"),
    (500, "ErrorNotEnoughMemory", "x", "server", "Exchange lacks resources for the request"),
    (500, "generalException", "x", "server", "Graph reports an unknown error"),
    (403, "activityLimitReached", "x", "throttled", "Graph throttles this app"),
    (401, "unauthenticated", "x", "permission", "Graph refuses the token"),
    (401, "Unauthorized", "x", "permission", "Graph refuses the token"),
    (403, "accessDenied", "x", "permission", "Graph denies access to this mailbox"),
    (403, "Forbidden", "x", "permission", "Graph denies access to this mailbox"),
    (
        *(401, "Authorization_IdentityNotFound", "x", "permission"),
        "Graph does not find the identity of the app",
    ),
]


@pytest.mark.parametrize(("status", "code", "message", "kind", "cause"), PASSED_ON)
def test_every_code_that_is_passed_on(status, code, message, kind, cause):
    """By its code, whatever the status: a 403 need not be about permissions."""
    failure = graph_refusals.status(error(status, code, message), {})
    assert (failure.kind, failure.cause, failure.code) == (kind, cause, code)
    assert failure.detail.startswith(message)
