"""Recordings of a live Gromox 3.10 (2026-11-29): lost sessions, limits, names, rows that are none.

The expected values were read in the recordings.
"""

from __future__ import annotations

import pytest

from check_mapi_connectivity.mapihttp import autodiscover, envelope, responses
from check_mapi_connectivity.mapihttp.reader import WireError
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.probes.finding.endpoint import whole
from check_mapi_connectivity.services import (
    autodiscover_refusals,
    mapi_http_refusals,
    mapi_refusals,
)

from .material import FOLDER, dechunked, questions, recordings

LIVE = recordings(FOLDER / "gromox-3.10")
LOST, IDLE, LIMIT = "err_session_lost_restart", "err_session_expired_idle", "err_session_limit"
NAMES, ROWS = "ok_connect_display_name_codepages", "ok_queryrows_rowcount_0"
DENIED, NTLM = "err_autodiscover_no_permission", "ok_connect_ntlm"
COOKIE = "The request has an invalid session context cookie."


def live(recording, number):
    return next(one for one in LIVE if one[:2] == (recording, number))


def connected(exchange):
    return envelope.connect_response(envelope.strip(exchange.body).body)


def test_all_recordings_are_here():
    counted = {}
    for exchange in LIVE:
        counted[exchange.recording] = counted.get(exchange.recording, 0) + 1
    assert counted == {DENIED: 8, LOST: 15, IDLE: 10, LIMIT: 10, NAMES: 9, NTLM: 18, ROWS: 11}


@pytest.mark.parametrize(
    "exchange", [one for one in LIVE if "transfer-encoding" in one.headers], ids=str
)
def test_bodies_are_what_the_chunks_hold(exchange):
    assert dechunked(exchange.wire) == exchange.body


@pytest.mark.parametrize("exchange", [one for one in LIVE if one.kind == "Connect"], ids=str)
def test_our_connect_is_the_recorded_one(exchange):
    asked = envelope.read_request("Connect", exchange.sent) if exchange.sent else None
    again = asked.encode() if asked else b""
    assert again == exchange.sent


@pytest.mark.parametrize(
    ("recording", "number"), [(LOST, 3), (LOST, 4), (LOST, 5), (LOST, 6), (IDLE, 4), (IDLE, 5)]
)
def test_a_session_that_the_server_does_not_know_any_more(recording, number):
    exchange = live(recording, number)
    assert (exchange.status, exchange.headers["x-responsecode"]) == (200, "2")
    failure = mapi_refusals.response_code(2, exchange.body.decode(), "mail.example")
    assert (failure.kind, failure.transient) == ("protocol", True)
    assert failure.cause == "mail.example does not accept the session's cookie"
    assert failure.code == "X-ResponseCode 2"
    assert failure.detail == (
        f"Invalid Verb in the specification; that is how X-ResponseCode 2 is meant here: {COOKIE}"
    )


def test_a_connect_without_cookies_opens_a_new_session():
    assert connected(live(LOST, 7)).error_code == 0


def test_a_user_with_a_hundred_sessions():
    answer = connected(live(LIMIT, 0))
    assert (answer.status_code, answer.error_code) == (0, 0x80040111)
    failure = mapi_refusals.error_code(answer.error_code, "Connect")
    assert failure.kind == "logon"
    assert "database" not in f"{failure.cause} {failure.remedy}"
    assert "end some sessions" in failure.remedy


def test_a_server_without_a_connection_left():
    """The status line of the recording, whose client saw it through a proxy."""
    exchange = live(LIMIT, 9)
    answer = Answer(
        "https://mail.example/mapi/emsmdb/",
        "mail.example",
        exchange.status,
        "L-202 Service Unavailable",
        Headers(exchange.headers),
        exchange.body,
    )
    failure = mapi_http_refusals.http_status(answer, scheme="basic", offered=(), user="probe")
    assert (failure.kind, failure.cause, failure.code) == (
        "server",
        "mail.example has no free connection",
        "HTTP 503 L-202",
    )


@pytest.mark.parametrize(
    ("number", "told", "shown"),
    [
        (0, "Jrg Mller", "Jörg Müller"),
        (1, "Jörg Müller", "Jörg Müller"),
        (2, " ", "Пробный ящик"),
        (3, "Пробный ящик", "Пробный ящик"),
        (4, " ", "テスト 太郎"),
        (5, "テスト 太郎", "テスト 太郎"),
        (6, " ", "Пробный ящик"),
    ],
)
def test_names_that_a_code_page_loses(number, told, shown):
    assert connected(live(NAMES, number)).display_name == told
    assert whole(shown, told) == shown


def test_a_code_page_that_the_server_does_not_take():
    assert connected(live(NAMES, 7)).error_code == 0x80040111
    assert connected(live(NAMES, 8)).error_code == 0x80040115


@pytest.mark.parametrize("number", [0, 1])
def test_a_mailbox_without_permission(number):
    found = autodiscover.read(live(DENIED, number).body)
    assert found == autodiscover.Refusal(
        501, "Bad Address (403 Permission Denied on bob@example.test)"
    )
    failure = autodiscover_refusals.error(found.code, found.message)
    assert (failure.kind, failure.code) == ("permission", "Autodiscover ErrorCode 501")
    assert "MapiHttpEnabled" not in failure.remedy
    assert "FullAccess" in failure.remedy


@pytest.mark.parametrize(
    ("number", "name"),
    [(2, "Carol Example"), (3, "Alice Example"), (4, "テスト 太郎"), (5, "Mailbox 12")],
)
def test_names_of_autodiscover_are_whole(number, name):
    assert autodiscover.read(live(DENIED, number).body).display_name == name


@pytest.mark.parametrize(
    ("number", "content", "code"),
    [(2, responses.Rows(1, ()), 0), (8, None, 0x47D)],
)
def test_rows_that_are_none(number, content, code):
    """The table counts rows in both."""
    exchange = live(ROWS, number)
    asked = questions(exchange.sent)
    body = envelope.execute_response(envelope.strip(exchange.body).body)
    found = responses.read(body.payloads, asked, ()).responses
    assert found[2].content > 0
    assert (found[4].content, found[4].return_value) == (content, code)


def test_nothing_fits():
    body = envelope.execute_response(envelope.strip(live(ROWS, 9).body).body)
    assert (body.status_code, body.error_code, body.frames) == (0, 0x47D, ())


@pytest.mark.parametrize("number", [1, 6, 16])
def test_the_challenge_for_ntlm_is_labelled_negotiate(number):
    header = live(NTLM, number).headers["www-authenticate"]
    assert header.startswith("Negotiate TlRMTVNTUAACAAAA")


def test_what_has_no_body_cannot_be_read():
    with pytest.raises(WireError):
        envelope.strip(live(LIMIT, 8).body)
