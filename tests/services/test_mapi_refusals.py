"""What a MAPI over HTTP server answers, in words: no number and no answer breaks the reading."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes.mapi import AUTODISCOVER_CODES, CODES, RESPONSE_CODES
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.services import (
    autodiscover_refusals,
    mapi_http_refusals,
    mapi_refusals,
)

HOST = "mail.example"
MAPI_URL = "https://mail.example/mapi/emsmdb/?MailboxId=x@example"
AUTODISCOVER_URL = "https://mail.example/autodiscover/autodiscover.xml"


def make_answer(status=200, body=b"", url=MAPI_URL, host="mail.example", headers=None):
    return Answer(url, host, status, "", Headers(headers or {}), body)


def status(number, body=b"", scheme="basic", offered=(), url=MAPI_URL, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = make_answer(number, body, url, headers=named)
    return mapi_http_refusals.http_status(answer, scheme=scheme, offered=offered, user="LAB\\probe")


@pytest.mark.parametrize(
    ("number", "page"),
    [
        (400, b"<title>400 No required SSL certificate was sent</title>"),
        (403, b"<h2>403.7 - Forbidden</h2>"),
        (403, b"<p>Client Certificate Required"),
    ],
)
@pytest.mark.parametrize("scheme", ["Basic", "NTLM", ""])
def test_a_client_certificate_that_is_demanded_behind_tls(number, page, scheme):
    failure = status(number, page, scheme=scheme)
    assert failure.kind == "tls"
    assert failure.cause.endswith("demands a client certificate for TLS")
    assert status(403, b"<h2>403.4 - Forbidden</h2>").kind == "permission"


def test_x_response_code_is_named_and_the_server_speaks_for_itself():
    page = "<html><head><title>x</title></head><body>The <b>X-RequestId</b>\n header &amp; more"
    failure = mapi_refusals.response_code(3, page, HOST)
    assert failure.kind == "protocol"
    assert failure.cause == "mail.example refuses the request: The X-RequestId header & more"
    assert failure.code == "X-ResponseCode 3"
    assert failure.detail == (
        "Invalid Path in the specification, which this server may not follow; "
        "here: The X-RequestId header & more"
    )


def test_exchange_numbers_as_the_specification_does():
    failure = mapi_refusals.response_code(3, "<p>whatever</p>", HOST, exchange=True)
    assert failure.code == "X-ResponseCode 3 Invalid Path"
    assert failure.detail == "Invalid Path in the specification; here: whatever"


@pytest.mark.parametrize(
    ("number", "text", "meant"),
    [
        # As recorded from Gromox; the others are words of our own for what its numbers mean.
        (2, "The request has an invalid session context cookie.", 6),
        (6, "The request lacks the session cookie", 13),
        (3, "missing X-RequestId header", 7),
        (4, "no privilege", 11),
        (7, "bad sequence", 15),
        (8, "unknown request type", 5),
        (5, "the request body cannot be read", 12),
        (1, "Unsupported HTTP method", 2),
        (13, "session context not found", 10),
    ],
)
def test_words_beside_x_response_code_decide_what_it_means(number, text, meant):
    failure = mapi_refusals.response_code(number, f"<h1>Invalid header</h1><p>{text}</p>", HOST)
    row = RESPONSE_CODES[meant]
    assert (failure.kind, failure.transient) == (row.kind, row.transient)
    assert failure.cause == row.cause.format(host=HOST)
    assert failure.code == f"X-ResponseCode {number}"
    assert failure.detail.endswith(f"that is how X-ResponseCode {number} is meant here: {text}")


def test_x_response_codes():
    for number in RESPONSE_CODES:
        kind = "server" if number in (1, 16, 17, 18) else "protocol"
        assert mapi_refusals.response_code(number, "", HOST).kind == kind
    assert mapi_refusals.response_code(10, "", HOST).transient
    assert mapi_refusals.response_code(10, "", HOST).detail.endswith("the server adds no text")


def test_unknown_x_response_code():
    failure = mapi_refusals.response_code(99, "words", HOST)
    assert (failure.kind, failure.code, failure.detail) == (
        "protocol",
        "X-ResponseCode 99",
        "here: words",
    )
    assert failure.cause == "mail.example refuses the request: words"


def test_words_of_a_server_win_over_its_number():
    failure = mapi_refusals.response_code(1, "<p>ProtocolDisabled</p>", HOST)
    assert (failure.kind, failure.code) == ("mailbox", "X-ResponseCode 1")
    assert failure.remedy == "run Set-CASMailbox -MAPIEnabled $true"


@pytest.mark.parametrize(
    ("failure", "kind", "code", "transient"),
    [
        (mapi_refusals.status_code(0x6BB), "server", "RPC_S_SERVER_TOO_BUSY 0x6BB", True),
        (mapi_refusals.status_code(0x6BA), "server", "RPC_S_SERVER_UNAVAILABLE 0x6BA", False),
        (mapi_refusals.status_code(0x4B6), "protocol", "ecRpcFormat 0x4B6", False),
        (mapi_refusals.error_code(0x3EB, "Connect"), "mailbox", "ecUnknownUser 0x3EB", False),
        (mapi_refusals.error_code(0x480, "Execute"), "server", "ecServerBusy 0x480", True),
        (mapi_refusals.return_value(0x6BB, "RopSortTable"), "server", "ecObjectLocked 0x6BB", True),
        (mapi_refusals.return_value(0x3F2, "RopLogon"), "logon", "ecLoginPerm 0x3F2", False),
        (
            mapi_refusals.return_value(-2147221231, "RopLogon"),
            "logon",
            "MAPI_E_LOGON_FAILED 0x80040111",
            False,
        ),
    ],
)
def test_numbers_by_the_field_they_are_in(failure, kind, code, transient):
    assert (failure.kind, failure.code, failure.transient) == (kind, code, transient)


@pytest.mark.parametrize(
    "failure",
    [
        mapi_refusals.status_code(0x12345678),
        mapi_refusals.error_code(0x12345678, "Connect"),
        mapi_refusals.return_value(0x12345678, "RopQueryRows"),
    ],
)
def test_unknown_number_keeps_its_number(failure):
    assert (failure.kind, failure.code) == ("server", "unknown code 0x12345678")
    assert failure.cause == "server reports an error"


def test_every_number_is_worded_as_its_row():
    for number, row in CODES.items():
        failure = mapi_refusals.return_value(number, "RopLogon")
        assert failure == Failure(
            row.kind,
            row.cause,
            row.remedy,
            f"{row.name} 0x{number:X}",
            f"ReturnValue of RopLogon: {row.name}, {number}",
            row.judged_as,
            transient=row.transient,
        )


def test_moving_is_judged_by_itself():
    failure = mapi_refusals.return_value(0x50C, "RopLogon")
    assert (failure.kind, failure.state_key) == ("mailbox", "moving")


def test_refusals_of_connect_name_the_legacy_dn():
    for number, kind in ((0x80040115, "server"), (0x80070005, "logon")):
        failure = mapi_refusals.error_code(number, "Connect")
        assert failure.kind == kind
        assert "legacy DN" in failure.cause and len(failure.cause) <= 64
        assert "legacy DN" not in mapi_refusals.error_code(number, "Execute").cause


@pytest.mark.parametrize("number", [0x8004010F, 0x80070005, 0x501])
def test_foreign_user_without_rights_on_the_inbox(number):
    failure = mapi_refusals.return_value(number, "RopOpenFolder", owner=False)
    assert failure.kind == "permission"
    assert failure.cause == "signed-in user may not open the Inbox"
    assert "Add-MailboxPermission -AccessRights FullAccess" in failure.remedy
    assert failure.code.endswith(f" 0x{number:X}")


def test_inbox_of_the_owner():
    assert mapi_refusals.return_value(0x8004010F, "RopOpenFolder").kind == "mailbox"
    for rop in ("RopOpenFolder", "RopQueryRows"):
        for number in (0x80070005, 0x501):
            failure = mapi_refusals.return_value(number, rop)
            assert (failure.kind, failure.cause) == ("permission", "access to the Inbox is denied")
    assert mapi_refusals.return_value(0x80070005, "RopLogon").kind == "logon"


def test_backoff():
    failure = mapi_refusals.backoff(2500)
    assert (failure.kind, failure.retry_after, failure.transient) == ("throttled", 2.5, True)
    assert failure.cause == "mailbox server asks to wait 2.5s"


def test_redirected():
    failure = mapi_refusals.redirected("/o=Lab/cn=Servers/cn=EX2")
    assert (failure.kind, failure.code) == ("mailbox", "ecWrongServer 0x478")
    assert failure.detail.endswith("/o=Lab/cn=Servers/cn=EX2")
    assert mapi_refusals.redirected("").detail.endswith("not told")


def test_autodiscover_error():
    for number, row in AUTODISCOVER_CODES.items():
        failure = autodiscover_refusals.error(number, "Its text.")
        assert (failure.kind, failure.cause, failure.remedy) == (row.kind, row.cause, row.remedy)
        assert (failure.code, failure.detail) == (f"Autodiscover ErrorCode {number}", "Its text.")
    failure = autodiscover_refusals.error(999, "Odd.")
    assert (failure.kind, failure.code) == ("server", "Autodiscover ErrorCode 999")


@pytest.mark.parametrize("scheme", ["basic", "ntlm", "negotiate"])
def test_password_is_refused(scheme):
    failure = status(401, scheme=scheme, offered=("Negotiate", "NTLM", "Basic"))
    assert failure.kind == "logon"
    assert failure.cause == f"mail.example refuses LAB\\probe ({scheme})"
    assert ("Extended Protection" in failure.remedy) == (scheme != "basic")
    assert "password" in failure.remedy
    assert failure.detail.startswith("offered: Negotiate, NTLM, Basic")


def test_ticket_is_refused():
    answer = make_answer(401, b"", MAPI_URL)
    failure = mapi_http_refusals.http_status(
        answer, scheme="Negotiate", offered=(), user=mapi_http_refusals.TICKET
    )
    assert (failure.kind, failure.cause) == ("logon", "mail.example refuses the ticket (Negotiate)")
    assert "password" not in failure.remedy


def test_scheme_that_is_not_offered():
    failure = status(401, scheme="basic", offered=("Negotiate", "NTLM"))
    assert failure.cause == "mail.example does not offer logon by basic"
    assert failure.kind == "logon"
    assert "does not offer" in status(401, scheme="ntlm", offered=("Negotiate",)).cause
    assert "refuses LAB" in status(401, scheme="basic").cause


@pytest.mark.parametrize(
    ("number", "diagnostics", "cause", "code"),
    [
        (
            401,
            "2000003;reason=\"The audience claim value is invalid 'aud'.\";"
            'error_category="invalid_resource"',
            "token was made for another host or service",
            "HTTP 401, 2000003",
        ),
        (
            403,
            '2000008;reason="The token contains not enough scope to make this call."',
            "token has not enough scope for MAPI",
            "HTTP 403, 2000008",
        ),
        (
            401,
            '2000008;reason="no permissions";error_category="invalid_grant"',
            "token holds no permission that the server accepts",
            "HTTP 401, 2000008",
        ),
        (
            401,
            '4000000;reason="Flighting"',
            "tokens are not switched on for this organization",
            "HTTP 401, 4000000",
        ),
        (401, '2000010;reason="New"', "mail.example refuses the token", "HTTP 401, 2000010"),
        (401, "garbage ; reason=", "mail.example refuses the token", "HTTP 401"),
        (401, "", "mail.example refuses the token", "HTTP 401"),
    ],
)
def test_token_is_refused(number, diagnostics, cause, code):
    failure = status(number, scheme="Bearer", offered=("Bearer",), x_ms_diagnostics=diagnostics)
    assert (failure.kind, failure.cause, failure.code) == ("permission", cause, code)
    assert "not yet seen to work on Exchange Online" in failure.detail


def test_reason_and_category_are_shown():
    text = '2000010;reason="Odd | thing";error_category="odd_one"'
    failure = status(401, scheme="bearer", offered=("Bearer", "Basic"), x_ms_diagnostics=text)
    assert failure.detail.startswith("reason: Odd | thing; category: odd_one; ")
    assert "offered: Bearer, Basic" in failure.detail


def test_server_that_takes_no_tokens():
    failure = status(401, scheme="bearer", offered=("Basic",))
    assert failure.cause == "mail.example accepts no tokens"


def test_forbidden_and_multi_factor():
    assert status(403).kind == "permission"
    failure = status(456)
    assert (failure.kind, failure.code) == ("logon", "HTTP 456")
    assert "MFA" in failure.cause


@pytest.mark.parametrize("number", [200, 456])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<b>ProtocolDisabled</b>", "mailbox"),
        (b"Connection blocked by Client Access Rules", "permission"),
        (b"Culture is not supported.", "protocol"),
    ],
)
def test_bodies_with_known_words(number, body, kind):
    failure = status(number, body)
    assert (failure.kind, failure.code) == (kind, f"HTTP {number}")
    assert failure.detail


def test_nothing_at_this_address():
    failure = status(404)
    assert failure.kind == "protocol"
    assert failure.cause == "mail.example has no MAPI over HTTP at this URL"
    assert failure.remedy == "check the host name; Get-MapiVirtualDirectory shows its addresses"
    failure = status(404, url=AUTODISCOVER_URL)
    assert failure.cause == "mail.example has no Autodiscover at this URL"
    assert (
        failure.remedy
        == "check the host name; Get-AutodiscoverVirtualDirectory shows its addresses"
    )


@pytest.mark.parametrize("number", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("https://login.example/owa?secret=1", "login.example"),
        ("/owa/auth/logon.aspx", "mail.example"),
        ("", "mail.example"),
        ("https://[", "an address that is none"),
    ],
)
def test_redirect_is_named_and_not_followed(number, place, target):
    failure = status(number, Location=place)
    assert failure.kind == "protocol"
    assert failure.detail == f"redirects to {target}, not followed"
    assert failure.remedy == mapi_http_refusals.LOGON_PAGE


def test_throttling_is_read_as_of_the_admin_api():
    failure = status(429, Retry_After="7")
    assert (failure.kind, failure.retry_after, failure.transient) == ("throttled", 7.0, True)
    assert status(503, Retry_After="3").kind == "throttled"
    assert (status(503).kind, status(503).transient) == ("server", True)


def test_server_trouble_shows_what_the_front_end_knows():
    failure = status(
        500, X_FailureDescription="Back end down", X_BackEndHttpStatus="503", X_FEServer="EX1"
    )
    assert (failure.kind, failure.code) == ("server", "HTTP 500")
    assert failure.cause == "mail.example reports an internal error"
    for part in ("X-FailureDescription: Back end down", "X-BackEndHttpStatus: 503", "EX1"):
        assert part in failure.detail


def test_other_status():
    failure = status(400, b"Bad Request")
    assert (failure.kind, failure.code) == ("protocol", "HTTP 400")


def test_page_instead_of_mapi():
    page = b"<html><head><title>\n Sign in &amp; go</title></head>Please"
    failure = mapi_http_refusals.not_mapi(
        make_answer(200, page, headers={"Content-Type": "text/html"})
    )
    assert failure.kind == "protocol"
    assert failure.cause == "mail.example answers, but not as MAPI over HTTP"
    assert failure.detail == 'a page titled "Sign in & go"'
    failure = mapi_http_refusals.not_mapi(make_answer(200, b"\0", AUTODISCOVER_URL))
    assert failure.cause == "mail.example answers, but not as Autodiscover"
    assert failure.detail == "no content type, 1 bytes without text"
    assert status(200, page) == mapi_http_refusals.not_mapi(make_answer(200, page))


def test_wire():
    failure = mapi_refusals.wire("row 3 ends after 2 bytes", "RopQueryRows")
    assert (failure.kind, failure.cause) == (
        "protocol",
        "server's answer to RopQueryRows is malformed",
    )
    assert "--record" in failure.remedy
    assert failure.detail == "row 3 ends after 2 bytes"


def test_remark_on_the_database():
    assert mapi_refusals.NO_DATABASE == "no MAPI field names the database"


ANY = st.integers()
TEXT = st.text(max_size=80) | st.text(min_size=1, max_size=3).map(lambda text: text * 5000)


def assert_sound(failure):
    assert failure.kind in KINDS
    assert failure.cause
    assert failure.remedy
    assert len(failure.cause) < 240
    assert len(failure.remedy) < 140
    assert len(failure.code) < 80
    assert len(failure.detail) < 2500
    assert failure.retry_after is None or failure.retry_after >= 0


@given(ANY, TEXT, st.booleans())
def test_any_number(number, text, owner):
    assert_sound(mapi_refusals.response_code(number, text, HOST))
    assert_sound(mapi_refusals.status_code(number))
    assert_sound(mapi_refusals.error_code(number, text))
    assert_sound(mapi_refusals.return_value(number, text, owner=owner))
    assert_sound(mapi_refusals.return_value(number, "RopOpenFolder", owner=owner))
    assert_sound(mapi_refusals.backoff(number))
    assert_sound(autodiscover_refusals.error(number, text))


@given(TEXT, TEXT)
def test_any_text(text, what):
    assert_sound(mapi_refusals.redirected(text))
    assert_sound(mapi_refusals.wire(text, what))


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-ms-diagnostics",
            "Location",
            "Retry-After",
            "Content-Type",
            "X-FailureDescription",
            "request-id",
        ]
    ),
    TEXT,
)


@given(
    st.integers(100, 999) | st.sampled_from([200, 302, 401, 403, 456, 503]),
    st.binary(max_size=200) | TEXT.map(str.encode),
    HEADERS,
    st.sampled_from(["basic", "ntlm", "negotiate", "bearer", "Bearer"]) | TEXT,
    st.lists(TEXT, max_size=12).map(tuple),
    TEXT,
)
def test_any_answer(number, body, headers, scheme, offered, user):
    answer = make_answer(number, body, headers=headers)
    assert_sound(mapi_http_refusals.http_status(answer, scheme=scheme, offered=offered, user=user))
    assert_sound(mapi_http_refusals.not_mapi(answer))


@pytest.mark.parametrize("piece", ["<title", "<head", "reason=", "&#9", "&#99999999", "<", '";'])
def test_hostile_text_is_read_in_no_time(piece):
    text = piece * 20000
    assert_sound(mapi_refusals.response_code(1, text, HOST))
    assert_sound(status(401, text.encode(), scheme="bearer", x_ms_diagnostics=text))
    assert_sound(mapi_http_refusals.not_mapi(make_answer(200, text.encode())))


def test_words_hold_nothing_that_the_sanitizer_would_change():
    for number in (200, 302, 400, 401, 403, 404, 429, 456, 500, 503):
        for scheme in ("basic", "ntlm", "bearer"):
            failure = status(number, scheme=scheme)
            assert not re.search(r"[|<>\n]", failure.cause + failure.remedy)
