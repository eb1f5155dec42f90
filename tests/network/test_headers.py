"""The one reader of challenges: whatever the spelling, the same schemes, tokens and parameters."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.network import headers
from check_mapi_connectivity.network.headers import Challenge

#: What Exchange and proxies send, or might: lines -> (scheme, token, parameters) of each.
READ = [
    (["Negotiate", "NTLM"], [("Negotiate", "", {}), ("NTLM", "", {})]),
    (["NTLM TlRMTVNTUAAC, Negotiate"], [("NTLM", "TlRMTVNTUAAC", {}), ("Negotiate", "", {})]),
    (["Negotiate,NTLM TlRM,"], [("Negotiate", "", {}), ("NTLM", "TlRM", {})]),
    (["Negotiate oQM= , ntlm\tTlRM=="], [("Negotiate", "oQM=", {}), ("ntlm", "TlRM==", {})]),
    (["NTLM\r\n TlRM"], [("NTLM", "TlRM", {})]),
    (
        ['Basic realm="a, NTLM \\"b\\\\", NTLM TlRM'],
        [("Basic", "", {"realm": 'a, NTLM "b\\'}), ("NTLM", "TlRM", {})],
    ),
    (
        ['Digest realm=x, nonce = "Negotiate y" ,QOP="auth,auth-int", Basic Realm="c"'],
        [
            ("Digest", "", {"realm": "x", "nonce": "Negotiate y", "qop": "auth,auth-int"}),
            ("Basic", "", {"realm": "c"}),
        ],
    ),
    # A list may go on in the next line (RFC 9110 5.3).
    (
        ['Bearer client_id="1"', 'error="invalid_token", Basic'],
        [("Bearer", "", {"client_id": "1", "error": "invalid_token"}), ("Basic", "", {})],
    ),
    # A path is no token, and yet such a realm is met.
    (["Basic realm=/var/opt/1.key"], [("Basic", "", {"realm": "/var/opt/1.key"})]),
    ([", ,NTLM , ", ""], [("NTLM", "", {})]),
    # No end of the string, and no string at all.
    (['Basic realm="a, NTLM', "NTLM"], [("Basic", "", {"realm": "a, NTLM"}), ("NTLM", "", {})]),
    (
        ["@, NTLM, (Basic)", "Negotiate a b, Basic"],
        [("NTLM", "", {}), ("Negotiate", "", {}), ("Basic", "", {})],
    ),
    (["", "=", '"NTLM"'], []),
]


@pytest.mark.parametrize(("lines", "found"), READ)
def test_challenges(lines, found):
    assert headers.challenges(lines) == [Challenge(*one) for one in found]


def test_schemes_are_named_once_and_known_ones_in_their_own_spelling():
    lines = ["NEGOTIATE", "ntlm TlRM, digest x=y, NTLM", "BASIC, bearer, Digest"]
    assert headers.schemes(lines) == ["Negotiate", "NTLM", "digest", "Basic", "Bearer"]


@pytest.mark.parametrize(
    ("lines", "token"),
    [
        (["Negotiate", "NTLM QUJD"], b"ABC"),
        (["NTLM", "nTLm QUI="], b"AB"),
        # Some leave the padding away.
        (["NTLM QUI"], b"AB"),
        (["Negotiate QUJD"], None),
        (["NTLM a"], None),
        (["NTLM Q-U_"], None),
        (["NTLM !!!"], None),
        ([], None),
    ],
)
def test_token(lines, token):
    assert headers.token(lines, "NTLM") == token


def test_parameter():
    lines = ['Bearer realm="", error="insufficient_claims"', 'basic realm="r"']
    assert headers.parameter(lines, "Bearer", "error") == "insufficient_claims"
    assert headers.parameter(lines, "Basic", "realm") == "r"
    assert headers.parameter(lines, "NTLM", "realm") == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            '2000003;reason="The token, it has expired.";error_category="x"',
            (2000003, "The token, it has expired.", "x"),
        ),
        (" 15;reason=plain ;x", (15, "plain ", "")),
        ("reason=;", (None, "", "")),
        ("", (None, "", "")),
        ("9" * 5000, (999999999, "", "")),
    ],
)
def test_diagnostics(text, found):
    assert headers.diagnostics(text) == found


WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
VALUE = st.text(st.characters(max_codepoint=255, blacklist_categories=["Cc"]), max_size=12)
TOKEN = st.binary(min_size=1, max_size=60).map(lambda data: base64.b64encode(data).decode())
CHALLENGE = st.tuples(WORD, TOKEN, st.just({})) | st.tuples(
    WORD, st.just(""), st.dictionaries(WORD.map(str.lower), VALUE, max_size=3)
)


@st.composite
def spelt(draw, one):
    """A challenge in one of its spellings."""
    scheme, token, parameters = one
    space = draw(st.sampled_from([" ", "  ", "\t"]))
    if token:
        return f"{scheme}{space}{token}"
    pairs = []
    for name, value in parameters.items():
        plain = re.fullmatch("[A-Za-z0-9]+", value) and draw(st.booleans())
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        equals = draw(st.sampled_from(["=", " = "]))
        spelling = draw(st.sampled_from([name, name.upper()]))
        pairs.append(f"{spelling}{equals}{value if plain else quoted}")
    comma = draw(st.sampled_from([", ", ",", " ,"]))
    return f"{scheme}{space if pairs else ''}{comma.join(pairs)}"


@given(st.data(), st.lists(CHALLENGE, max_size=5))
def test_any_spelling_is_read(data, meant):
    """In one line or in several, the same comes out."""
    lines = [""]
    for one in meant:
        text = data.draw(spelt(one))
        if data.draw(st.booleans()):
            lines.append(text)
        else:
            lines[-1] += data.draw(st.sampled_from([", ", ",", " , ,"])) + text
    assert headers.challenges(lines) == [Challenge(*one) for one in meant]


@given(st.lists(st.text() | st.text('Basic NTLM=",\\ \t-0='), max_size=4))
@example(['"' * 40000])
@example(["a=" * 30000, "a " * 30000, "," * 60000, '\\"' * 30000, "A" * 60000 + "!"])
def test_any_text_is_read(lines):
    names = headers.schemes(lines)
    assert len({name.lower() for name in names}) == len(names)
    for name in (*names, "NTLM"):
        assert re.fullmatch(r"[!#-'*+.^-`|~0-9A-Za-z-]+", name)
        assert isinstance(headers.token(lines, name), (bytes, type(None)))
        assert isinstance(headers.parameter(lines, name, "realm"), str)
