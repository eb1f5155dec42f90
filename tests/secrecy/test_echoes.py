"""What came back of a secret, in spellings that others have been seen to use or may use."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import time
import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Secret
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.options import Confided
from check_mapi_connectivity.base.report import Exchange
from check_mapi_connectivity.network import confidential
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.secrecy import echoes as secrecy_echoes
from check_mapi_connectivity.secrecy import names, reports
from check_mapi_connectivity.services import http_refusals

from ..support.reports import known

SECRET = "Käse:4711+&b c"
DATA = SECRET.encode()

#: A credential of Basic, and the last message of an NTLM logon as long as real ones are.
BASIC = base64.b64encode(b"probe@contoso.com:" + DATA).decode()
NTLM = base64.b64encode(b"NTLMSSP\0\3\0\0\0" + hashlib.sha512(DATA).digest() * 4).decode()

SPELT = {
    "percent, all": "".join(f"%{byte:02X}" for byte in DATA),
    "percent, all, lower": "".join(f"%{byte:02x}" for byte in DATA),
    "decimal references": "".join(f"&#{ord(char)};" for char in SECRET),
    "hexadecimal references": "".join(f"&#x{ord(char):X};" for char in SECRET),
    "JSON escapes": "".join(f"\\u{ord(char):04x}" for char in SECRET),
    "hexadecimal": DATA.hex(),
    "hexadecimal, upper": DATA.hex().upper(),
    "UTF-16LE in base64": base64.b64encode(SECRET.encode("utf-16-le")).decode(),
    "UTF-16BE in base64": base64.b64encode(SECRET.encode("utf-16-be")).decode().rstrip("="),
}


def answer(status, body=b"", **headers):
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("https://h/", "h", status, "", Headers(lines), body, lines=(*lines.items(),))


@pytest.mark.parametrize("how", SPELT)
def test_spellings_of_a_secret(how):
    assert SPELT[how] in secrecy_echoes.spellings(SECRET)
    assert (
        secrecy_echoes.known(f"it is {SPELT[how]}!", secrecy_echoes.spellings(SECRET))
        == "it is ***!"
    )


@pytest.mark.parametrize("user", ["", "a:", "ab:", "healthy:"])
def test_a_secret_inside_of_other_base64(user):
    word = base64.b64encode(user.encode() + DATA + b"; ").decode()
    shown = secrecy_echoes.known(word, secrecy_echoes.spellings(SECRET)).partition("***")
    assert shown[1] == "***"
    # Letters that hold a few bits of its first and last bytes.
    assert len(shown[0]) <= len(user) * 4 // 3 + 1
    assert len(shown[2]) <= 6


def twice(text):
    return urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="")


LAYERED = {
    "percent twice": twice(SECRET),
    "percent thrice": urllib.parse.quote(twice(SECRET)),
    "percent twice, base64": twice(base64.b64encode(DATA).decode()),
    "form, then references": html.escape(urllib.parse.quote_plus(SECRET)).replace("%", "&#37;"),
    "some letters": SECRET.replace("4", "%34").replace("ä", "&#228;").replace(" ", "%20"),
    "long references": SECRET.replace("4", "&#0000052;").replace(" ", "&nbsp;&#x20;"[6:]),
}


@pytest.mark.parametrize("how", LAYERED)
def test_spellings_in_layers(how):
    echoes = secrecy_echoes.Echoes(secrecy_echoes.spellings(SECRET))
    text = f'{{"a": "it is {LAYERED[how]}", "b": "100% &amp; more"}}'
    assert echoes.masked(text) == '{"a": "it is ***", "b": "100% &amp; more"}'


def test_what_is_hidden_in_several_words():
    echoes = secrecy_echoes.Echoes({"two blanks"})
    assert echoes.masked("it is: tw%6F blanks") == "***"
    assert echoes.masked("".join(f"{char}\0" for char in "it is: two blanks")) == "***"
    # What has to be read is left, and is masked once it was.
    assert echoes.masked("it is: tw%6F blanks", wholly=False) == "it is: tw%6F blanks"


WORDS = {
    "unpadded": lambda word: word.rstrip("="),
    "quoted": lambda word: urllib.parse.quote(word, safe=""),
    "quoted twice": twice,
    "other alphabet": lambda word: word.translate(str.maketrans("+/", "-_")),
    "folded": lambda word: "\r\n ".join(word[begin : begin + 5] for begin in range(0, 200, 5)),
    "beginning": lambda word: word[:24],
    "middle": lambda word: word[13:29],
    "end": lambda word: word[-20:],
    "lower": str.lower,
    "hexadecimal": lambda word: base64.b64decode(word).hex(),
    "hexadecimal, upper": lambda word: base64.b64decode(word).hex().upper(),
    "base64": lambda word: base64.b64encode(f"Basic {word}".encode()).decode(),
    "base64 of a part": lambda word: base64.b64encode(word[5:40].encode()).decode(),
}


@pytest.mark.parametrize("how", WORDS)
@pytest.mark.parametrize("word", [BASIC, NTLM], ids=["Basic", "NTLM"])
def test_a_credential_word_in_parts(word, how):
    echoes = secrecy_echoes.Echoes({word}, {word})
    spelt = WORDS[how](word).strip()
    assert echoes.masked(f"you sent {spelt}") == "you sent ***"


def test_what_a_word_has_in_common_with_others_stays():
    words = {
        NTLM,
        base64.b64encode(bytes(60)).decode(),
        "administrative-group",
        "REDACTED-TOKEN-1",
    }
    for text in (
        "AAAAAAAAAAAAAAAAAAAA",
        "an administrative-team",
        "REDACTED-TOKEN-2",
        "request-id: 11111111-2222-3333-4444-555555555555",
        "MapiExceptionMdbOffline AADSTS7000215 ex01.contoso.com",
    ):
        assert secrecy_echoes.Echoes((), words).masked(text) == text


@given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_be_searched(text, secret, word):
    masked = secrecy_echoes.Echoes(secrecy_echoes.spellings(secret), {word}).masked(
        f"{text}{secret}"
    )
    assert len(secret) < 4 or secret not in masked or secret in names.MASK * 2
    assert len(names.fields(text)) <= len(text) * 4 + 4


@given(st.text(min_size=4, max_size=40), st.randoms(use_true_random=False))
def test_references_hide_no_secret(secret, chance):
    forms = ("&#{};", "&#0{};", "&#x{:x};", "&#X{:X};")
    spelt = "".join(chance.choice(forms).format(ord(char)) for char in secret)
    # Some characters have no reference.
    assume(html.unescape(spelt) == secret)
    assert secrecy_echoes.Echoes({secret}).masked(f"it is {spelt}") == "it is ***"


NAMED = [
    ("{'access_token': 'opaque', 'n': 1}", "{'access_token': \"***\", 'n': 1}"),
    ('x {"refresh_token":"opaque","n":1', 'x {"refresh_token":"***","n":1'),
    ('{"RefreshToken": ["opaque", "opaque"], ', '{"RefreshToken": "***", '),
    ('{"refresh-token": {"v": "opaque", "w": 1}, ', '{"refresh-token": "***", '),
    (r'"{\"id_token\":\"opaque\", ', r'"{\"id_token\":"***", '),
    (r'{"refresh\u005ftoken":"opaque", ', '{"refresh_token":"***", '),
    ("t=Bearer&AccessToken=opaque&n=1", "t=Bearer&AccessToken=***&n=1"),
    ("https://x/cb#access_token=opaque&n=1", "https://x/cb#access_token=***&n=1"),
    ("<a:access_token n='1'>opaque</a:access_token>", "<a:access_token n='1'>***</a:access_token>"),
    ("<Password>opaque", "<Password>***"),
    ("&lt;id_token&gt;a&amp;b&lt;/id_token&gt;", "&lt;id_token&gt;***&lt;/id_token&gt;"),
    ("{&quot;id_token&quot;:&quot;opaque&quot;}", '{&quot;id_token&quot;:"***"}'),
    ('{\0"\0a\0c\0c\0e\0s\0s\0t\0o\0k\0e\0n\0"\0:\0"\0o\0p\0a\0', '{"accesstoken":"***"'),
]


@pytest.mark.parametrize(("given_text", "shown"), NAMED)
def test_secrets_by_their_names(given_text, shown):
    assert names.fields(given_text) == shown


@pytest.mark.parametrize(
    "text",
    ["'client_assertion' or 'client_secret'", "password: see there", "<passwordReset>x", "token=1"],
)
def test_what_only_looks_like_a_name_stays(text):
    assert names.fields(text) == text


def test_a_whole_json_document_is_masked_by_its_names():
    document = {"refresh_token": ["opaque"], "AccessToken": {"v": "opaque"}, "n": ["opaque"]}
    shown = {"refresh_token": "***", "AccessToken": "***", "n": ["opaque"]}
    assert json.loads(names.body(json.dumps(document))) == shown


def test_a_glimpse_of_a_token_answer():
    """Tags are gone, and the end is cut off: the names must be looked at before."""
    body = b"<r><access_token>opaque</access_token><refresh_token>opaque</refresh_token></r>"
    assert http_refusals.glimpse(answer(200, body, Content_Type="text/xml")) == "text/xml: *** ***"
    body = b"&lt;access_token&gt;opaque " + b"x" * 99
    assert "opaque" not in http_refusals.glimpse(answer(200, body, Content_Type="text/html"))


def test_a_location_is_masked_by_its_names():
    place = "https://x/#access_token=opaque"
    assert names.headers({"Location": place}) == [("Location", "https://x/#access_token=***")]


def test_what_a_report_shows_of_a_failure():
    report = known("m", "mapi", secrets={BASIC}, words={BASIC})
    detail = f"Location: https://x/?a={BASIC[8:30]}&id_token=opaque"
    cause = f"no: {twice(SECRET)} {BASIC[:-5]}"
    report.failure = Failure("server", cause, "see it", BASIC[:16], detail)
    report.trace.note(f"it said {SPELT['hexadecimal']}")
    reports.conceal([report], secrecy_echoes.spellings(SECRET))
    assert report.failure == Failure(
        "server", "no: *** ***", "see it", "***", "Location: https://x/?***&id_token=***"
    )
    assert report.trace.notes == ["it said ***"]


def test_what_a_report_shows_of_a_success():
    """Only what is shown whole is searched for parts."""
    report = known("m", "mapi", success=True, secrets={BASIC}, words={BASIC})
    report.trace.fact("session info", f"{SECRET} {BASIC}")
    reports.conceal([report], secrecy_echoes.spellings(SECRET))
    assert report.trace.facts == {"session info": "*** ***"}
    headers = [("X-Debug", BASIC[8:30])]
    report.trace.met(Exchange("POST", [], [], "HTTP 200", headers, []))
    reports.conceal([report])
    assert report.trace.exchanges[0].response_headers == [("X-Debug", "***")]


def test_a_generated_secret_is_known_by_its_parts():
    """A text that was cut has its beginning only."""
    secret = "Xk7~pQ2mLw9_vB4tRz8dNc6h"
    confided = Confided(
        (("a client secret", Secret(secret)), ("a password", Secret("Mailbox-Monitor-2026")))
    )
    words = secrecy_echoes.words_of_run(confided)
    assert words == {secret}
    report = known("m", "cmdlet")
    report.failure = Failure("server", f"no: {secret[:-4]}", "see it", "", f"{secret[3:20]}...")
    reports.conceal([report], secrecy_echoes.of_run(confided), words)
    assert (report.failure.cause, report.failure.detail) == ("no: ***", "***")


def test_an_answer_is_masked_before_it_is_cut():
    challenge = f"NTLM {NTLM[:60]}"
    refused = answer(
        401, f"<p>{twice(SECRET)} {NTLM[9:40]}".encode(), WWW_Authenticate=challenge, X=NTLM[40:60]
    )
    masked = confidential.without_echoes(secrecy_echoes.spellings(SECRET), {NTLM}, refused)
    assert (masked.body, masked.headers["X"]) == (b"<p>*** ***", "***")
    # The logon goes on by it.
    assert masked.all("WWW-Authenticate") == [challenge]
    # What is not text stays what it is where nothing is masked.
    assert confidential.without_echoes({SECRET}, {NTLM}, answer(500, b"\xff\0a")).body == b"\xff\0a"


def test_hostile_texts_are_masked_in_no_time():
    """What is quadratic takes minutes for these."""
    begun = time.monotonic()
    echoes = secrecy_echoes.Echoes(secrecy_echoes.spellings(SECRET), {NTLM * 50})
    for text in ("&#" * 99999, "%25" * 99999, "A\n" * 99999, "\0" * 199999, '"password"' * 19999):
        echoes.masked(text)
        names.fields(text[:64000])
    for text in ("<a" * 32000, "<a:password" * 5000, "'password'\\\\" * 5000, "password=" * 7000):
        names.fields(text)
    secrecy_echoes.spellings("%&\0" * 5000)
    # A second or less on an idle machine.
    assert time.monotonic() - begun < 20.0


def test_a_common_word_in_a_cause_is_not_given_away():
    """Who sees `connection ***` knows the password."""
    for word in ("refused", "wrong", "Autodiscover"):
        report = known("m", "mapi", failure=Failure("connect", f"connection {word}", detail=word))
        reports.conceal([report], secrecy_echoes.spellings(word))
        assert (report.failure.cause, report.failure.detail) == (f"connection {word}", "***")
