"""What OpenSSL says, in our words: no text of its own where a row exists."""

from __future__ import annotations

import ssl

import pytest

from check_mapi_connectivity.codes.tls import HANDSHAKE, VERIFY
from check_mapi_connectivity.network import tls


def verification(number, message="OpenSSL's own words"):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = number, message
    return error


def handshake(reason, kind=ssl.SSLError):
    error = kind(1, "[SSL] the library's own words (_ssl.c:1)")
    error.reason = reason
    return error


def test_every_number_of_openssl():
    assert sorted(VERIFY) == list(range(1, 95))
    assert len({row.name for row in VERIFY.values()}) == 94


@pytest.mark.parametrize("number", sorted(VERIFY))
def test_a_certificate_refused(number):
    failure = tls.failure(verification(number), "mail.example", 443, " through proxy p:1")
    start = "certificate of mail.example refused through proxy p:1: "
    assert failure.cause == start + VERIFY[number].cause
    assert (failure.kind, failure.code, failure.detail) == ("tls", f"verify error {number}", "")
    assert failure.remedy == VERIFY[number].remedy


def test_a_number_of_a_newer_openssl():
    failure = tls.failure(verification(999), "mail.example", 443, "")
    assert failure.cause == "certificate of mail.example refused"
    assert (failure.code, failure.detail) == ("verify error 999", "OpenSSL's own words")
    assert failure.remedy == "run openssl s_client -connect HOST:PORT; it shows the certificate"


@pytest.mark.parametrize("reason", HANDSHAKE)
def test_a_handshake_failed(reason):
    failure = tls.failure(handshake(reason), "mail.example", 443, "")
    assert failure.cause == HANDSHAKE[reason].cause.format(host="mail.example port 443")
    assert (failure.kind, failure.code, failure.detail) == ("tls", reason, "")


ODD = "TLS handshake with mail.example port 443 "
END = "mail.example port 443 breaks off the TLS handshake"


@pytest.mark.parametrize(
    ("error", "cause", "code"),
    [
        (handshake(None, ssl.SSLEOFError), END, "UNEXPECTED_EOF_WHILE_READING"),
        (handshake("NEW_REASON"), f"{ODD}failed: new reason", "NEW_REASON"),
        (handshake(None), f"{ODD}failed: no reason given", ""),
        (
            ConnectionResetError(104, "x"),
            f"{END}: connection reset by peer",
            "ECONNRESET",
        ),
        (ValueError("embedded null"), END, "ValueError"),
    ],
)
def test_other_ends_of_a_handshake(error, cause, code):
    failure = tls.failure(error, "mail.example", 443, "")
    assert (failure.kind, failure.cause, failure.code) == ("tls", cause, code)
    assert failure.remedy
