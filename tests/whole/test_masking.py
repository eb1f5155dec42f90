"""End to end: what the other side sends back of a secret shows in no output, however it is spelt,
with one mailbox and with several.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

import pytest

from ..support.canaries import Room
from ..tenant.handler import JSON, Handler
from ..tenant.material import DOMAIN, private_file

#: What every secret here has in it, and no output may.
CORE = "Canary4711"
SECRETS = {
    "client secret": f"x~{CORE}+a/b&c=d?e.F",
    "odd": f'<{CORE}>"it\'s"; \\ä|100%',
    "two blanks": f"two  {CORE}   blanks",
}

SPELLINGS = {
    "plain": str,
    "form": urllib.parse.quote_plus,
    "lower": lambda text: re.sub("%..", lambda part: part[0].lower(), urllib.parse.quote(text, "")),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "xml": escape,
    "html": html.escape,
    "entities": lambda text: re.sub(r"\W", lambda char: f"&#{ord(char[0])};", text),
    "json": lambda text: json.dumps(text)[1:-1],
}


def escaped(text):
    """A JSON string in which all but letters and digits is escaped, as some servers write `+`."""
    return re.sub("[^A-Za-z0-9 ]", lambda char: f"\\u{ord(char[0]):04X}", text)


def spelt(secret):
    """The secret in all spellings, but those that JSON would spell once more."""
    words = {name: spell(secret) for name, spell in SPELLINGS.items()}
    again = {name for name, word in words.items() if '"' in word or "\\" in word} - {"plain"}
    return " ".join(word for name, word in words.items() if name not in again)


def layers(output):
    """An output, and what it says once decoded."""
    yield output
    yield urllib.parse.unquote_plus(output)
    yield urllib.parse.unquote_plus(urllib.parse.unquote(output))
    yield html.unescape(output)
    yield re.sub(r"\\u([0-9A-Fa-f]{4})", lambda part: chr(int(part[1], 16)), output)
    for word in re.findall(r"(?:[0-9a-f]{2}){6,}", output):
        yield bytes.fromhex(word).decode("latin-1")
    for word in re.findall(r"[A-Za-z0-9+/_-]{12,}", output):
        # What was cut off may begin anywhere.
        for begin in range(4):
            cut = word[begin : begin + (len(word) - begin) // 4 * 4]
            with contextlib.suppress(binascii.Error):
                yield base64.b64decode(cut.replace("-", "+").replace("_", "/")).decode("latin-1")


def shown(output):
    """What of the secret an output shows."""
    return [text for text in layers(output) if CORE in text]


@pytest.fixture
def says(tenant, monkeypatch):
    """`says(body, kind, place)`: what the place answers from now on, with status 400."""
    ordinary, told = Handler.spoiled, {}

    def spoiled(self, fault):
        if fault != "http-504":
            return ordinary(self, fault)
        if self.command == "GET" and "/adfs/" in self.path:
            return False
        known = dict.fromkeys(("request-id", "X-FEServer", "x-ms-diagnostics"), told["header"])
        self.answer(400, {**told["kind"], **known}, told["body"].encode())
        return True

    monkeypatch.setattr(Handler, "spoiled", spoiled)

    def switch(body, kind=JSON, place="token", header="none"):
        told.update(body=body, kind=kind, header=header)
        tenant.faults.on(place, "http-504")

    return switch


def quoting(text, error="invalid_client"):
    """Entra's error document, not yet written as JSON."""
    return {"error": error, "error_description": f"AADSTS7000215: It is wrong: {text}"}


def page(text):
    """What a gateway answers."""
    return f"<p>{text}</p>", {"Content-Type": "text/html"}


@pytest.fixture
def several(tmp_path):
    """Options of one mailbox, and of three."""
    listed = tmp_path / "mailboxes"
    names = ("healthy", "many-001", "many-002")
    listed.write_text("".join(f"{name}@{DOMAIN}\n" for name in names))
    return {1: (), 3: ("-m", "none", "--mailbox-file", listed)}


def test_a_leak_would_be_found():
    for secret in SECRETS.values():
        for spell in (*SPELLINGS.values(), escaped):
            assert shown(f"it is:\nwrong: {spell(secret)}, is it")
            assert shown(f"x{spell(secret)[:28]}...")
    assert not shown("it is: wrong: ***, is it")


@pytest.mark.parametrize("arguments", [("-v",), ("-vvv",), ("-vv", "--json"), ("-vvv", "--json")])
@pytest.mark.parametrize("mailboxes", [1, 3])
@pytest.mark.parametrize("name", SECRETS)
def test_a_client_secret_that_is_echoed(way, says, several, tmp_path, name, mailboxes, arguments):
    secret = SECRETS[name]
    path = private_file(tmp_path / "secret", f"{secret}\n".encode())
    bodies = [
        (json.dumps(quoting(spelt(secret))), JSON),
        # The same document as another library writes it.
        (json.dumps(quoting("#")).replace("#", escaped(secret)), JSON),
        *(page(SPELLINGS[one](secret)) for one in ("form", "base64", "html", "entities")),
    ]
    for body, kind in bodies:
        says(body, kind, header=SPELLINGS["form"](secret))
        options = ("--client-secret-file", path, *several[mailboxes], *arguments)
        run = way("cmdlet-secret", *options)
        assert (run.code in (2, 3), run.tokens, run.stderr) == (True, 1, "")
        assert shown(run.stdout) == []
        assert "***" in run.stdout


@pytest.mark.parametrize("arguments", [("-v",), ("-vvv",), ("-vvv", "--json")])
@pytest.mark.parametrize("section", ["cmdlet-password", "graph-federated-user"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_password_that_is_echoed(way, says, tmp_path, name, section, arguments):
    secret = SECRETS[name]
    path = private_file(tmp_path / "password", f"{secret}\n".encode())
    if "federated" in section:
        words = [spell(secret) for spell in SPELLINGS.values() if "<" not in spell(secret)]
        text = f"<s:Envelope><s:Body><s:Text>{' '.join(words)}</s:Text></s:Body></s:Envelope>"
        says(text, {"Content-Type": "application/soap+xml"}, "adfs")
    else:
        says(json.dumps(quoting(spelt(secret), "invalid_grant")))
    # The next run quotes what the first one left.
    for _ in range(2):
        run = way(section, "--password-file", path, *arguments)
        assert (run.code, run.stderr, "***" in run.stdout) == (3, "", True)
        assert shown(run.stdout) == []
    assert not any(shown(file.read_text()) for file in (tmp_path / "cache").iterdir())


ALL = [("-v",), ("-vvv",), ("-vv", "--json"), ("-vvv", "--json")]


@pytest.fixture
def assertion(tenant, monkeypatch):
    """`assertion(spelling)`: Entra sends back the assertion; `assertion.seen` tells it by."""
    ordinary = Handler.spoiled

    def spoiled(self, fault):
        if fault != "http-504":
            return ordinary(self, fault)
        [word] = urllib.parse.parse_qs(tenant.requests[-1][3].decode())["assertion"]
        plain = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode()
        [signature] = re.findall("SignatureValue>([^<]+)", plain)
        switch.seen = [word[:40], signature[:20], "saml:Assertion"]
        text = {"raw": plain, "as sent": word}[switch.spelling]
        self.answer(400, JSON, json.dumps(quoting(text, "invalid_grant")).encode())
        return True

    def switch(spelling):
        monkeypatch.setattr(Handler, "spoiled", spoiled)
        tenant.faults.on("token", "http-504")
        switch.spelling = spelling

    return switch


@pytest.mark.parametrize(
    ("spelling", "arguments"),
    [
        *(("as sent", arguments) for arguments in ALL),
        *(("raw", arguments) for arguments in ALL),
    ],
)
def test_an_assertion_that_is_echoed(way, assertion, spelling, arguments):
    assertion(spelling)
    run = way("cmdlet-federated-user", *arguments)
    assert (run.code, run.stderr, len(assertion.seen)) == (3, "", 3)
    for text in layers(run.stdout):
        assert not [one for one in assertion.seen if one in text]


#: How a server may quote the word of Basic that it was sent.
QUOTED = (
    lambda word: word.rstrip("="),
    lambda word: urllib.parse.quote(word, safe=""),
    lambda word: base64.b64decode(word).hex(),
    lambda word: f"{word[:20]}\r\n {word[20:]}",
    lambda word: word[9:-4],
    lambda word: base64.b64encode(b"a:" + base64.b64decode(word).partition(b":")[2]).decode(),
)


@pytest.mark.parametrize("arguments", [("-v",), ("-vvv",)])
def test_the_word_of_basic_that_is_echoed(way, tenant, monkeypatch, arguments):
    words = []

    def spoiled(self, _):
        words.append(tenant.requests[-1][2]["authorization"].partition(" ")[2])
        text = "; ".join(quoted(words[-1]) for quoted in QUOTED)
        self.answer(500, {"Content-Type": "text/html"}, text.encode())
        return True

    monkeypatch.setattr(Handler, "spoiled", spoiled)
    tenant.faults.on("autodiscover", "http-504")
    run = way("mapi", *arguments)
    assert (run.code, run.stderr) == (2, "")
    assert "in full       text/html: ***; ***; ***; ***; ***; ***\n" in run.stdout
    word, secret = words[-1], tenant.material.password.encode()
    parts = [word[begin : begin + 8] for begin in range(20, len(word) - 8)]
    assert not [one for one in [*parts, secret.hex()] if one in run.stdout]


#: A token answer that cannot be read, and of which only names tell what is secret.
ODD_TOKENS = {
    "single quotes": "{'access_token': 'OPAQUE', 'refresh_token': ['OPAQUE']}",
    "text before it": 'see {"refresh_token":"OPAQUE","access_token":"OPAQUE"}',
    "form": "access_token=OPAQUE&refresh_token=OPAQUE",
    "XML": "<r><AccessToken>OPAQUE</AccessToken><refresh-token>OPAQUE</refresh-token></r>",
    "escaped names": r'see {"refresh\u005ftoken":"OPAQUE"}',
    "a page": "<p>&lt;access_token&gt;OPAQUE",
}


@pytest.mark.parametrize("how", ODD_TOKENS)
def test_tokens_of_an_odd_answer(way, says, how):
    says(ODD_TOKENS[how], {"Content-Type": "text/html"})
    for arguments in ((), ("-vvv",)):
        run = way("cmdlet-password", "--no-cache", *arguments)
        assert (run.code, run.stderr, "***" in run.stdout) == (2, "", True)
        assert "OPAQUE" not in run.stdout


#: Odd ways to spell a secret, and odd places for it.
ODD = {
    "hexadecimal entities": lambda text: page(
        re.sub(r"\W", lambda char: f"&#x{ord(char[0]):X};", text)
    ),
    "JSON that is broken": lambda text: (f'{{"error": "{escaped(text)}"', JSON),
    "all of it percent-encoded": lambda text: page("".join(f"%{one:02x}" for one in text.encode())),
    "percent-encoded twice": lambda text: page(
        urllib.parse.quote(urllib.parse.quote(text, ""), "")
    ),
    "all of it as references": lambda text: page("".join(f"&#{ord(char)};" for char in text)),
    "hexadecimal": lambda text: page(text.encode().hex()),
    "XML in JSON": lambda text: (json.dumps(quoting(escape(text))), JSON),
    "cut off by the plugin itself": lambda text: page(f"{'x' * 68} {text}"),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_spellings_and_places(way, says, tmp_path, how):
    secret = f'{CORE}"+a/b&c=d'
    path = private_file(tmp_path / "password", f"{secret}\n".encode())
    says(*ODD[how](secret))
    run = way("cmdlet-password", "--password-file", path, "-vvv")
    assert shown(run.stdout) == []


@pytest.mark.parametrize("verbose", ["-vv", "-vvv"])
@pytest.mark.parametrize(
    "section",
    ["cmdlet-federated-user", "graph-password", "cmdlet-secret", "graph-federated", "mapi-bearer"],
)
def test_json_holds_no_secret(tmp_path, environment, tenant, section, verbose):
    room = Room(tmp_path, environment, tenant)
    material = tenant.material
    room.keep("given", material.password, material.secret)
    room.keep("given", (material.directory / "federated-token").read_text().strip())
    code, output = room.run(section, verbose, "--json")
    assert code == 0
    # What was in play is only known at the end.
    assert "access token" in room.canaries
    assert ("federated" in section) == ("assertion" in room.canaries)
    assert "<saml" not in output
    [report] = json.loads(output)["reports"]
    assert len(report["exchanges"]) > 2
    bodies = [one[side] for one in report["exchanges"] for side in ("request_body", "answer_body")]
    # Bodies are for -vvv.
    assert any(bodies) == (verbose == "-vvv")
