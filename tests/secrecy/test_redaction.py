"""What a recording must not hold is replaced, whoever spells it how; the same by the same."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.base.reading import untrusted
from check_mapi_connectivity.record.options import known
from check_mapi_connectivity.secrecy.places import as_text
from check_mapi_connectivity.secrecy.redaction import Redaction

PASSWORD = 'Pass <4711> "&" ä'
JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "RS256"}, {"aud": "a", "roles": ["R"], "oid": "private", "tid": "t"})
)
JWT = f"{JWT}.c2lnbmF0dXJl"


@pytest.fixture
def redaction(options):
    def make(*met, addresses=False, words=()):
        login = Login("probe@contoso.com", Secret(PASSWORD))
        chosen = options(methods=("mapi",), credential=None, login=login)
        return Redaction(*known(chosen), met, addresses=addresses, words=words)

    return make


def entry(headers=(), body=b"", answer=(), content=b""):
    """An entry as a recording has it."""
    return {
        "request": {"headers": [list(one) for one in headers], "body": body},
        "answer": {
            "headers": [list(one) for one in answer],
            "body": content,
            "decoded": True,
            "received": 0.0,
        },
    }


def redacted(made, *entries):
    """The entries after it."""
    made.entries(list(entries))
    return made.everywhere(list(entries))


def test_a_credential_that_comes_back_in_part(redaction):
    """A gateway cuts what it quotes."""
    word = base64.b64encode(f"probe@contoso.com:{PASSWORD}".encode()).decode()
    page = f"<p>{word[:-5]}</p><p>{JWT[-12:]}</p><p>{JWT}</p>".encode()
    sent = entry([("Authorization", f"Basic {word}")], answer=[("X-A", word[4:20])], content=page)
    [one] = redacted(redaction(word, JWT, words=[word, JWT]), sent)
    assert one["answer"]["headers"] == [["X-A", "***"]]
    shown = one["answer"]["body"].split("</p><p>")
    assert shown[:2] == ["<p>***", "***"]
    assert untrusted.claims(shown[2])["roles"] == ["R"]


def test_headers(redaction):
    [one] = redacted(
        redaction(),
        entry(
            [("Authorization", "Basic cHJvYmU6c2VjcmV0"), ("Cookie", "a=first1; b=2")],
            answer=[
                ("Set-Cookie", "a=first1; path=/; secure"),
                ("WWW-Authenticate", "NTLM TlRMTVNTUAACAAAA"),
                ("WWW-Authenticate", 'Basic realm="here"'),
            ],
        ),
    )
    assert one["request"]["headers"] == [
        ["Authorization", "Basic REDACTED-CREDENTIAL-1"],
        ["Cookie", "a=REDACTED-COOKIE-1; b=REDACTED-COOKIE-2"],
    ]
    assert one["answer"]["headers"] == [
        ["Set-Cookie", "a=REDACTED-COOKIE-1; path=/; secure"],
        ["WWW-Authenticate", "NTLM REDACTEDTOKEN001"],
        ["WWW-Authenticate", 'Basic realm="here"'],
    ]
    assert base64.b64decode("REDACTEDTOKEN001", validate=True)


def test_an_access_token_keeps_what_is_judged_by(redaction):
    first = entry(content=json.dumps({"access_token": JWT, "id_token": "x", "n": 1}).encode())
    second = entry([("Authorization", f"Bearer {JWT}")])
    found = redacted(redaction(), first, second)
    document = json.loads(found[0]["answer"]["body"])
    token = document["access_token"]
    assert (set(document), document["id_token"]) == ({"access_token", "id_token", "n"}, "x")
    assert found[1]["request"]["headers"] == [["Authorization", f"Bearer {token}"]]
    assert untrusted.claims(token) == {"redacted": True, "aud": "a", "roles": ["R"], "tid": "t"}
    assert token.endswith(".REDACTED-TOKEN-1")


@pytest.mark.parametrize(
    "spelled",
    [
        PASSWORD,
        escape(PASSWORD),
        quote(PASSWORD),
        quote_plus(PASSWORD),
        base64.b64encode(PASSWORD.encode()).decode(),
        json.dumps(PASSWORD)[1:-1],
        "".join(f"&#{ord(char)};" for char in PASSWORD),
        quote(quote(PASSWORD, safe=""), safe="").replace("%25", "%"),
    ],
)
def test_a_password_in_any_spelling(redaction, spelled):
    body = f"<p>{spelled}</p>".encode()
    [one] = redacted(redaction(), entry(body=body, answer=[("X-Echo", spelled)]))
    assert one["answer"]["headers"] in (
        [["X-Echo", "REDACTED-PASSWORD-1"]],
        [["X-Echo", "REDACTED-TEXT"]],
    )
    assert one["request"]["body"] in ("<p>REDACTED-PASSWORD-1</p>", "REDACTED-TEXT")


def test_json_may_spell_its_letters_in_any_way(redaction):
    spelled = "".join(f"\\u{ord(char):04X}" for char in PASSWORD)
    [one] = redacted(redaction(), entry(content=f'{{"message": "{spelled}"}}'.encode()))
    assert one["answer"]["body"] == '{"message": "REDACTED-PASSWORD-1"}'


def test_forms_subjects_and_assertions(redaction):
    saml = "<t:RequestedSecurityToken><a:Assertion>x</a:Assertion></t:RequestedSecurityToken>"
    one, two, three = redacted(
        redaction(),
        entry(body=b"scope=a&client_assertion=abc&refresh_token=def"),
        entry(content=b'{"value": [{"subject": "private", "id": "1"}]}'),
        entry(content=saml.encode()),
    )
    form = "scope=a&client_assertion=REDACTED-ASSERTION-1&refresh_token=REDACTED-REFRESH-TOKEN-1"
    assert one["request"]["body"] == form
    listed = '{"value": [{"subject": "REDACTED-SUBJECT", "id": "1"}]}'
    assert two["answer"]["body"] == listed
    assert three["answer"]["body"] == saml.replace(
        "<a:Assertion>x</a:Assertion>", "REDACTED-ASSERTION-2"
    )


def test_binary_bodies_keep_their_size(redaction):
    plain = b"\0\1" + PASSWORD.encode() + b"\0" + PASSWORD.encode("utf-16-le") + b"\0met-secret\0"
    [one] = redacted(redaction("met-secret"), entry(content=plain))
    data = base64.b64decode(one["answer"]["body"]["base64"])
    assert len(data) == len(plain)
    assert not any(
        word.encode(code) in data
        for word in (PASSWORD, "met-secret")
        for code in ("utf-8", "utf-16-le")
    )


def test_what_was_met_is_replaced_where_it_is_echoed(redaction):
    found = redacted(redaction("cookie-value"), entry(answer=[("X-Echo", "is cookie-value!")]))
    assert found[0]["answer"]["headers"] == [["X-Echo", "is REDACTED-SECRET-1!"]]


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_body_is_kept_or_replaced(redaction, body):
    [one] = redacted(redaction(addresses=True), entry(body=body, content=body))
    kept = one["answer"]["body"]
    assert isinstance(kept, str) == (as_text(body) is not None)


def test_the_certificate_of_a_server(redaction):
    made = redaction(addresses=True)
    name = b"\x16\x10mail.contoso.com\x00"
    [one] = redacted(made, {"kind": "connect", "certificate": name.hex()})
    assert bytes.fromhex(one["certificate"]) == b"\x16\x10mail.d1x.example\x00"
    assert made.kinds == ["secrets", "subjects", "addresses"]


def test_fixed_words_of_our_own_are_left_alone(redaction):
    made = redaction("deadline!", addresses=True)
    entry = {"kind": "deadline!", "facts": {"deadline!": "deadline!"}, "by": "deadline!"}
    [one] = redacted(made, entry)
    assert one == {
        "kind": "deadline!",
        "facts": {"deadline!": "REDACTED-SECRET-1"},
        "by": "deadline!",
    }


def test_text_beyond_utf_8_is_text(redaction):
    [one] = redacted(redaction(addresses=True), entry(content=b"caf\xe9 probe@contoso.com"))
    assert one["answer"]["body"] == {"latin-1": "caf\xe9 m1xxx@d1x.example"}


def test_names_that_autodiscover_tells(redaction):
    body = b"<User><DisplayName>Dana &amp; Smith</DisplayName></User>"
    [one] = redacted(redaction(addresses=True), entry(content=body))
    assert one["answer"]["body"] == "<User><DisplayName>Name 1xxxxxx</DisplayName></User>"
