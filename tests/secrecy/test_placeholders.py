"""What stands for a secret: found in any spelling, and never put where a word of the protocol is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.base.reading import untrusted
from check_mapi_connectivity.record.options import known
from check_mapi_connectivity.secrecy.placeholders import Placeholders, fitted, jwt

PASSWORD = 'Pass <4711> "&" ä'
STAND = "REDACTED-PASSWORD-1"


@pytest.fixture
def placeholders(options):
    def make(*texts, **cookies):
        login = Login("probe@contoso.com", Secret(PASSWORD))
        confided, names = known(options(methods=("mapi",), credential=None, login=login))
        made = Placeholders(confided, names.openly)
        for value in cookies.values():
            made.of(value, "COOKIE")
        made.learn([PASSWORD, *cookies.values(), *texts])
        return made

    return make


@pytest.mark.parametrize(
    "spelled",
    [
        PASSWORD,
        "".join(f"%{byte:02x}" for byte in PASSWORD.encode()),
        "".join(f"%25{byte:02X}" for byte in PASSWORD.encode()),
        "".join(f"&#{ord(letter)};" for letter in PASSWORD),
        "".join(f"&amp;#x00{ord(letter):X};" for letter in PASSWORD),
        "".join(f"\\u{ord(letter):04X}" for letter in PASSWORD),
        "Pass+&lt;4711%3E%20&quot;&amp;%22 &#228;",
    ],
)
def test_a_password_in_any_mixture_of_spellings(placeholders, spelled):
    made = placeholders()
    assert made.text(f"x{spelled}y") == f"x{STAND}y"
    if spelled != PASSWORD:
        assert made.printed(f"in full: {spelled}") == f"in full: {STAND}"


def test_binary_data_in_either_order_of_bytes(placeholders):
    made = placeholders()
    plain = b"\0\1x" + PASSWORD.encode("utf-16-be") + PASSWORD.encode("utf-16-le")
    data = made.data(plain)
    assert len(data) == len(plain)
    assert not any(PASSWORD.encode(code) in data for code in ("utf-16-be", "utf-16-le"))
    assert made.printed(" ".join(PASSWORD)) == STAND


@pytest.mark.parametrize(
    "value",
    [
        *("Success", "https:", "/o=Practice", "probe@contoso.com", "application/mapi-http"),
        *("127.0.0.1", "ex01.contoso.com"),
    ],
)
def test_a_cookie_that_is_a_usual_word_is_looked_for_nowhere(placeholders, value):
    text = f"the words {value} here"
    assert placeholders(text, cookie=value).text(text) == text


def test_a_cookie_that_is_none_is_looked_for_everywhere(placeholders):
    text = "has q7Xw2Lm9 and q7Xw2Lm9more and 9f8e7d6c5b4a39281706"
    made = placeholders(text, short="q7Xw2Lm9", long="9f8e7d6c5b4a39281706")
    assert made.text(text) == "has REDACTED-COOKIE-1 and q7Xw2Lm9more and REDACTED-COOKIE-2"


def test_what_looks_like_a_token_is_blotted_out(placeholders):
    made = placeholders()
    body = b"words openid-configuration 0.AXoA OPAQUEREFRESHTOKENSECRET"
    assert made.blot(body) == body[:-24] + b"x" * 24
    wide = "OPAQUEREFRESHTOKENSECRET".encode("utf-16-be")
    assert made.blot(wide) == b"\0x" * 24
    # What is printed of it may have been cut.
    assert made.printed("in full: OPAQUEREFRESHTOKENS") == f"in full: {'x' * 19}"


@given(body=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_blotting_keeps_the_size(placeholders, body):
    assert len(placeholders().blot(body)) == len(body)


def test_jwt():
    token = jwt({"aud": "a"}, "REDACTED-TOKEN-1")
    head, claims, signature = token.split(".")
    assert (untrusted.claims(token), signature) == ({"aud": "a"}, "REDACTED-TOKEN-1")
    assert base64.urlsafe_b64decode(head + "==") == b'{"alg": "none", "typ": "JWT"}'
    assert "=" not in claims


def test_fitted():
    assert (fitted("abcdef", 3), fitted("a", 3)) == ("abc", "axx")
