"""Where secrets stand in headers and bodies, and that odd answers to a sign-in keep none."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest

from check_mapi_connectivity.base.reading import untrusted
from check_mapi_connectivity.record.options import known
from check_mapi_connectivity.secrecy.placeholders import Placeholders
from check_mapi_connectivity.secrecy.places import Places, as_text

REFRESH, ACCESS = "0.OPAQUErefreshTOKEN1.SECRETofSOMEbody2", "OPAQUEaccessTOKENSECRETof1"
KEY = "a key that is long enough for any digest"
NOW = 1795380328.0


@pytest.fixture
def redacted(options):
    """`redacted(body, headers)` -> headers and body of an answer to a sign-in."""

    def make(body=b"", headers=(), url="https://login/t/oauth2/v2.0/token", decoded=True):
        sent = {"url": url, "headers": [], "body": b""}
        answer = {"headers": headers, "body": body, "decoded": decoded, "received": NOW}
        confided, names = known(options())
        Places(Placeholders(confided, names.openly)).entries([{"request": sent, "answer": answer}])
        return answer["headers"], answer["body"]

    return make


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("VALUE; path=/", "REDACTED-COOKIE-1; path=/"),
        ('q="half;REST"; Path=/; Secure', "q=REDACTED-COOKIE-1;REDACTED-COOKIE-2; Path=/; Secure"),
        ("; z=VALUE", "; z=REDACTED-COOKIE-1"),
        ("k\tVALUE", "REDACTED-COOKIE-1"),
        ("a=; Max-Age=1", "a=; Max-Age=1"),
    ],
)
@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie2"])
def test_cookies_that_are_odd(redacted, name, line, kept):
    assert redacted(headers=[(name, line)])[0] == [[name, kept]]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Authentication-Info", 'nextnonce="abc"', 'nextnonce="REDACTEDTOKEN001"'),
        (
            "Location",
            f"https://x/cb#access_token={ACCESS}&state=1",
            "https://x/cb#access_token=REDACTED-TOKEN-1&state=1",
        ),
    ],
)
def test_headers_that_tell_a_secret(redacted, name, value, kept):
    assert redacted(headers=[(name, value)])[0] == [[name, kept]]


DOCUMENT = {"token_type": "Bearer", "access_token": ACCESS, "refresh_token": REFRESH}
TEXT = json.dumps(DOCUMENT)


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        TEXT.replace("_token", "\\u005ftoken").encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("Bearer", "B\xe4rer").encode("latin-1"),
        b"\0" + TEXT.encode(),
        b"text before " + TEXT.encode(),
        TEXT.replace('"', "'").encode(),
        TEXT[:-1].encode() + b",}",
        (
            TEXT.replace("refresh_", "refresh\\u005f")[:-1] + f', "z": "{"x " * (1 << 20)}"}}'
        ).encode(),
        f"<r><access_token>{ACCESS}</access_token><t>{REFRESH}</t></r>".encode(),
        f"token_type=Bearer&access_token={ACCESS}&refresh_token={REFRESH}".encode(),
        json.dumps({**DOCUMENT, "refresh_token": [REFRESH]}).encode(),
        json.dumps({**DOCUMENT, "refresh_token": {"v": REFRESH}}).encode(),
        json.dumps({"RefreshToken": REFRESH, "other": {"deep": [ACCESS]}}).encode(),
        json.dumps([DOCUMENT]).encode(),
    ],
)
def test_no_token_answer_keeps_a_token(redacted, body):
    kept = redacted(body)[1].replace(b"\0", b"")
    assert not any(part in kept for part in (b"refreshTOKEN", b"SECRET", ACCESS.encode()))
    assert len(kept) > 20


def test_one_that_could_not_be_decoded_keeps_its_size(redacted):
    assert redacted(b"\x1f\x8b abc", decoded=False)[1] == b"xxxxxx"


def test_what_a_refusal_says_stays(redacted):
    refusal = json.dumps(
        {
            "error": "invalid_client",
            "error_description": "AADSTS700027: thumbprint CEE80DE0715D65BFDF54FB0D319058EE9AA4CFE1",
            "trace_id": "11111111-2222-3333-4444-555555555555",
        }
    ).encode()
    assert redacted(refusal)[1] == refusal


@pytest.mark.parametrize(
    ("claims", "kept"),
    [
        ({"exp": NOW + 60, "nbf": NOW - 60}, {"exp": 253402300799, "nbf": 0}),
        ({"exp": NOW - 600}, {"exp": 0}),
        ({"exp": NOW + 60, "nbf": NOW + 600}, {"exp": 253402300799, "nbf": 253402300799}),
    ],
)
def test_an_id_token_is_judged_as_it_was_then(redacted, claims, kept):
    whole = {"aud": "client", "sub": "private", "name": "Private Person", **claims}
    token = jwt.encode(whole, KEY, algorithm="HS256")
    document = json.loads(redacted(json.dumps({"id_token": token}).encode())[1])
    named = {"redacted": True, "aud": "client", "sub": "REDACTED", "name": "REDACTED"}
    assert untrusted.claims(document["id_token"]) == {**named, **kept}
    assert time.time() < 253402300799


def test_what_msal_cannot_read_stays_so(redacted):
    info = base64.urlsafe_b64encode(b'{"uid": "private", "utid": "t"}').decode()
    found = json.loads(redacted(json.dumps({"client_info": info}).encode())[1])["client_info"]
    assert json.loads(base64.urlsafe_b64decode(found + "==")) == {
        "uid": "REDACTED",
        "utid": "REDACTED",
    }
    broken = {"client_info": "no-JSON!", "id_token": "a.b"}
    kept = json.loads(redacted(json.dumps(broken).encode())[1])
    assert kept == {"client_info": "xxxxxxx!", "id_token": "x.x"}


def test_subjects_that_nobody_asked_for(redacted):
    body = b'{"value": [{"subject": ["private"], "bodyPreview": "private", "id": "1"}]}'
    assert json.loads(redacted(body, url="https://graph/v1.0/me")[1]) == {
        "value": [{"subject": ["REDACTED-SUBJECT"], "bodyPreview": "REDACTED-SUBJECT", "id": "1"}]
    }


def test_as_text():
    assert (as_text(b"caf\xc3\xa9"), as_text(b"caf\xe9"), as_text(b"a\0")) == ("café", None, None)
