"""Codes that Graph passes on from Exchange, and those of its page on errors."""

from __future__ import annotations

import json

import pytest

from check_mapi_connectivity.codes import graph
from check_mapi_connectivity.services import graph_refusals

from ..services.test_http_refusals import make_answer


def error(status, code, message, **headers):
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return make_answer(status, body, Content_Type="application/json", **headers)


#: Status, code -> kind. Codes that Graph passes on from Exchange (Exchange's own list
#: of ResponseCode), and those of Graph's page on errors.
PASSED_ON = [
    (403, "ErrorQuotaExceeded", "mailbox"),
    (507, "ErrorQuotaExceeded", "mailbox"),
    (403, "ErrorAccountDisabled", "mailbox"),
    (404, "ErrorNonExistentMailbox", "mailbox"),
    (404, "ErrorFolderNotFound", "mailbox"),
    (500, "ErrorMailboxConfiguration", "mailbox"),
    (500, "ErrorCorruptData", "mailbox"),
    (500, "ErrorFolderCorrupt", "mailbox"),
    (403, "ErrorMailboxStoreUnavailable", "server"),
    (503, "ErrorMailboxFailover", "server"),
    (500, "ErrorInternalServerError", "server"),
    (500, "ErrorInternalServerTransientError", "server"),
    (500, "ErrorADUnavailable", "server"),
    (403, "ErrorConnectionFailed", "server"),
    (500, "ErrorTimeoutExpired", "server"),
    (500, "ErrorInsufficientResources", "server"),
    (500, "ErrorNotEnoughMemory", "server"),
    (500, "generalException", "server"),
    (403, "activityLimitReached", "throttled"),
    (401, "unauthenticated", "permission"),
    (401, "Unauthorized", "permission"),
    (403, "accessDenied", "permission"),
    (403, "Forbidden", "permission"),
    (401, "Authorization_IdentityNotFound", "permission"),
]


@pytest.mark.parametrize(("status", "code", "kind"), PASSED_ON)
def test_every_code_that_is_passed_on(status, code, kind):
    """By its code, whatever the status: a 403 need not be about permissions."""
    failure = graph_refusals.status(error(status, code, "Its own words."), {})
    assert (failure.kind, failure.code, failure.detail) == (kind, code, "Its own words.")
    assert failure.cause == graph.CODES[code].cause
