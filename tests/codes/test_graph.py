"""Graph's refusals, every row of reference sheet exchange-online 3.3, from bytes to words."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes import graph, recipients
from check_mapi_connectivity.services import graph as services_graph
from check_mapi_connectivity.services import graph_refusals

from ..services.test_http_refusals import make_answer
from .test_graph_passed_on import PASSED_ON, error

IDS = (
    b'"innerError":{"date":"2026-11-22T08:00:00","request-id":"2b6e1a7c-0000-4000-8000-000000000001",'
    b'"client-request-id":"2b6e1a7c-0000-4000-8000-000000000002"}}}'
)
RETRY = {"Retry_After": "17"}
UNKNOWN = "Graph reports an unknown error"

#: In the place of the cause of the code's own row.
SAME = ""


#: Status, body up to innerError, headers -> kind, what --state knows it by, cause, transient.
ROWS = [
    (
        401,
        b'{"error":{"code":"InvalidAuthenticationToken","message":"Access token is empty.",',
        {},
        ("permission", "permission", SAME, False),
    ),
    (
        401,
        b'{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired.",',
        {},
        ("permission", "permission", "Graph finds the token expired or not yet valid", False),
    ),
    (
        401,
        b'{"error":{"code":"InvalidAuthenticationToken","message":"Continuous access evaluation resulted in challenge with result: InteractionRequired",',
        {"WWW_Authenticate": 'Bearer realm="", error="insufficient_claims", claims="eyJ9"'},
        (
            "permission",
            "permission",
            "Graph wants other claims in the token: insufficient_claims",
            False,
        ),
    ),
    (
        401,
        b'{"error":{"code":"NoPermissionsInAccessToken","message":"The token contains no permissions, or permissions can not be understood.",',
        {},
        ("permission", "permission", SAME, False),
    ),
    (
        401,
        b'{"error":{"code":"OrganizationFromTenantGuidNotFound","message":"The tenant for tenant guid \'0\' does not exist.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        403,
        b'{"error":{"code":"ErrorAccessDenied","message":"Access is denied. Check credentials and try again.",',
        {},
        ("permission", "permission", SAME, False),
    ),
    (
        403,
        b'{"error":{"code":"ErrorAccessDenied","message":"Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.",',
        {},
        (
            "permission",
            "permission",
            "an application access policy keeps the app from this mailbox",
            False,
        ),
    ),
    (
        403,
        b'{"error":{"code":"ErrorAccessDenied","message":"Access to OData is disabled.",',
        {},
        ("permission", "permission", "Exchange's EWS access policy bars this client", False),
    ),
    (
        403,
        b'{"error":{"code":"AccessDenied","message":"Access has been blocked by Conditional Access policies.",',
        {},
        ("permission", "permission", "a Conditional Access policy bars this request", False),
    ),
    (
        403,
        b'{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation.",',
        {},
        ("permission", "permission", SAME, False),
    ),
    (
        404,
        b'{"error":{"code":"MailboxNotEnabledForRESTAPI","message":"REST API is not yet supported for this mailbox.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        404,
        b'{"error":{"code":"MailboxNotEnabledForRESTAPI","message":"The mailbox is either inactive, soft-deleted, or is hosted on-premise.",',
        {},
        ("mailbox", "mailbox", "mailbox is inactive, soft-deleted or on-premises", False),
    ),
    (
        404,
        b'{"error":{"code":"ResourceNotFound","message":"Resource could not be discovered.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        404,
        b'{"error":{"code":"Request_ResourceNotFound","message":"Resource \'a@b.example\' does not exist or one of its queried reference-property objects are not present.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        404,
        b'{"error":{"code":"ErrorItemNotFound","message":"The specified object was not found in the store.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        404,
        b'{"error":{"code":"ErrorInvalidUser","message":"The requested user \'a@b.example\' is invalid.",',
        {},
        ("mailbox", "mailbox", SAME, False),
    ),
    (
        403,
        b'{"error":{"code":"MailboxNotSupportedForRESTAPI","message":"REST API is not supported for this mailbox.",',
        {},
        ("mailbox", "mailbox", "mailbox is unlicensed, on-premises or a guest's", False),
    ),
    (
        429,
        b'{"error":{"code":"TooManyRequests","message":"Too many requests.",',
        RETRY,
        ("throttled", "throttled", "Graph throttles this app for 17s", True),
    ),
    (
        429,
        b'{"error":{"code":"ApplicationThrottled","message":"Application is over its MailboxConcurrency limit.",',
        {},
        ("throttled", "throttled", SAME, True),
    ),
    (
        500,
        b'{"error":{"code":"InternalServerError","message":"An internal server error occurred.",',
        {},
        ("server", "server", SAME, False),
    ),
    (
        503,
        b'{"error":{"code":"ServiceNotAvailable","message":"The service is temporarily unavailable.",',
        {},
        ("server", "server", SAME, True),
    ),
    (
        503,
        b'{"error":{"code":"serviceNotAvailable","message":"The service is temporarily unavailable.",',
        RETRY,
        ("throttled", "throttled", "Graph is unavailable for 17s", True),
    ),
    (500, b'{"error":{"code":"UnknownError","message":"",', {}, ("server", "server", SAME, False)),
    (504, b'{"error":{"code":"UnknownError","message":"",', {}, ("server", "server", SAME, True)),
    (
        500,
        b'{"error":{"code":"ErrorServerBusy","message":"The server cannot service this request right now. Try again later.",',
        {},
        ("server", "server", SAME, True),
    ),
    (
        503,
        b'{"error":{"code":"ErrorMailboxStoreUnavailable","message":"The mailbox database is temporarily unavailable.",',
        {},
        ("server", "server", SAME, True),
    ),
    (
        500,
        b'{"error":{"code":"ErrorMailboxMoveInProgress","message":"Mailbox move in progress. Try again later.",',
        {},
        ("mailbox", "moving", SAME, False),
    ),
    (
        503,
        b'{"error":{"code":"ErrorMailboxMoveInProgress","message":"Mailbox move in progress. Try again later.",',
        RETRY,
        ("mailbox", "moving", SAME, False),
    ),
    (
        503,
        b'{"error":{"code":"MailboxInfoStale","message":"Mailbox info is stale.",',
        {},
        ("server", "server", SAME, True),
    ),
]


@pytest.mark.parametrize(("status", "beginning", "headers", "found"), ROWS)
def test_every_row_of_the_sheet(status, beginning, headers, found):
    answer = make_answer(status, beginning + IDS, Content_Type="application/json", **headers)
    failure = graph_refusals.status(answer, {})
    kind, key, cause, transient = found
    assert failure.code == re.search(rb'"code":"(\w+)"', beginning)[1].decode()
    assert (failure.kind, failure.state_key, failure.transient) == (kind, key, transient)
    assert failure.cause == (cause or graph.CODES[failure.code].cause)
    assert failure.remedy
    message = re.search(rb'"message":"(.*)",$', beginning)[1].decode()
    assert failure.detail.startswith(message)
    assert services_graph.ids(answer) == {
        "request-id": "2b6e1a7c-0000-4000-8000-000000000001",
        "client-request-id": "2b6e1a7c-0000-4000-8000-000000000002",
        "date": "2026-11-22T08:00:00",
    }


def test_every_code_of_the_table_is_a_row_here():
    codes = {re.search(rb'"code":"(\w+)"', row[1])[1].decode() for row in ROWS}
    assert set(graph.CODES) <= codes | {row[1] for row in PASSED_ON}


@pytest.mark.parametrize(("status", "beginning", "headers", "found"), ROWS)
def test_an_error_in_a_200_is_none_the_less_an_error(status, beginning, headers, found):
    failure = graph_refusals.status(make_answer(status, beginning + IDS, **headers), {})
    with pytest.raises(services_graph.CheckFailure) as caught:
        services_graph.read(make_answer(200, beginning + IDS))
    assert caught.value.failure.code == failure.code
    assert caught.value.failure.kind == graph.find(failure.code).kind


@pytest.mark.parametrize(
    ("message", "guest", "cause"),
    [
        (b"The mailbox is hosted on-premise.", False, "mailbox is on-premises"),
        (b"The mailbox is soft deleted.", False, "mailbox is soft-deleted"),
        (b"The user has no license.", False, "user has no Exchange Online licence"),
        (
            b"REST API is not yet supported for this mailbox.",
            True,
            "user is a guest, whose mailbox is in another tenant",
        ),
    ],
)
def test_the_wording_says_more_than_the_code(message, guest, cause):
    body = b'{"error":{"code":"MailboxNotEnabledForRESTAPI","message":"' + message + b'",' + IDS
    path, _ = services_graph.request(
        "a_b.example#EXT#@c.example" if guest else "a@c.example", 1, "T", subjects=False
    )
    answer = make_answer(404, body)._replace(url=f"https://host.example{path}")
    failure = graph_refusals.status(answer, {})
    assert (failure.kind, failure.cause) == ("mailbox", cause)


MAIL = {"roles": ["User.Read.All", "Mail.ReadBasic.All"]}


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({}, "Graph denies access to this mailbox"),
        ({"tid": "x"}, "neither Entra nor Exchange lets the app read the mailbox"),
        ({"roles": ["Mail.Send"]}, "neither Entra nor Exchange lets the app read the mailbox"),
        ({"roles": "Mail.Read"}, "neither Entra nor Exchange lets the app read the mailbox"),
        (MAIL, "Mail.ReadBasic.All excludes this mailbox"),
        ({"scp": "openid Mail.Send"}, "the token lacks the delegated permission Mail.ReadBasic"),
        ({"scp": "openid Mail.Read"}, "the token's user may not read this mailbox"),
    ],
)
def test_denial_is_explained_by_the_token(claims, cause):
    for code in ("ErrorAccessDenied", "UnknownError", "Forbidden"):
        failure = graph_refusals.status(error(403, code, "Access is denied."), claims)
        assert (failure.kind, failure.cause, failure.code) == ("permission", cause, code)
        assert len(failure.remedy) <= 80


@pytest.mark.parametrize(
    ("audience", "host", "cause"),
    [
        ("https://graph.microsoft.com", "graph.microsoft.com", "Graph refuses the token"),
        ("https://graph.microsoft.com/", "127.0.0.1:8443", "Graph refuses the token"),
        ("00000003-0000-0000-c000-000000000000", "x.example", "Graph refuses the token"),
        (
            "https://outlook.office365.com",
            "graph.microsoft.com",
            "the token is for outlook.office365.com, not for Microsoft Graph",
        ),
        (
            "https://graph.microsoft.us/",
            "graph.microsoft.com",
            "the token is for the Graph of another cloud, graph.microsoft.us",
        ),
        (["x"], "graph.microsoft.com", "Graph refuses the token"),
    ],
)
def test_token_for_something_else(audience, host, cause):
    answer = error(401, "InvalidAuthenticationToken", "Access token validation failure.")
    failure = graph_refusals.status(answer._replace(host=host), {"aud": audience})
    assert (failure.kind, failure.cause) == ("permission", cause)


@pytest.mark.parametrize(
    ("answer", "kind", "cause"),
    [
        (
            make_answer(403, b"<html>no</html>", Content_Type="text/html"),
            "permission",
            "host.example refuses the request with a web page",
        ),
        (make_answer(404, b"<html>"), "protocol", "host.example answers, but not as Graph"),
        (make_answer(204), "protocol", "host.example answers, but not as Graph"),
        (
            make_answer(302, b"", Location="https://x/"),
            "protocol",
            "host.example redirects to another address",
        ),
        (
            make_answer(404, b'{"error":{}}'),
            "protocol",
            "host.example answers, but not as Graph",
        ),
        (
            make_answer(404, b'{"error":{"message":"x"}}'),
            "mailbox",
            "Graph does not find this mailbox",
        ),
        *(
            (error(status, "Brand_New", "x"), "protocol", UNKNOWN)
            for status in (400, 401, 403, 404, 409, 410, 423)
        ),
        (
            error(403, "Brand_New", "Access blocked: [RAOP]"),
            "permission",
            "an application access policy keeps the app from this mailbox",
        ),
        (
            error(401, "Brand_New", "The token is expired."),
            "permission",
            "Graph finds the token expired or not yet valid",
        ),
        (error(507, "Brand_New", "x"), "server", "Graph answers with Insufficient Storage"),
        (error(599, "Brand_New", "x"), "server", "Graph answers with status 599"),
        (make_answer(401), "permission", "Graph refuses the token"),
        (make_answer(403), "permission", "Graph denies access to this mailbox"),
        (error(403, "ErrorServerBusy", "x"), "server", "Exchange Online is busy"),
        (make_answer(502, b"<html>"), "server", "host.example answers with an error page"),
        (make_answer(503, b"<html>"), "server", "host.example answers with an error page"),
        (error(500, "Brand_New", "x"), "server", "Graph reports an internal error"),
        (
            make_answer(503, b"", Retry_After="9"),
            "throttled",
            "Graph is unavailable for 9s",
        ),
        (make_answer(429), "throttled", "Graph throttles this check"),
    ],
)
def test_answers_without_a_code_of_the_table(answer, kind, cause):
    failure = graph_refusals.status(answer, {})
    assert (failure.kind, failure.cause) == (kind, cause)


def test_words_fit_a_status_line_and_need_no_sanitizer():
    rows = [*graph.CODES.values(), *(row for _, row in recipients.REASONS)]
    for row in rows:
        assert row.kind in KINDS
        assert row.judged_as in ("", "moving")
        assert len(row.cause) <= 60
        assert len(row.remedy) <= 80
        assert row.cause[0] not in " ." and not (row.cause + row.remedy).endswith(".")
        assert not re.search(r"[|<>\n]", row.cause + row.remedy)
