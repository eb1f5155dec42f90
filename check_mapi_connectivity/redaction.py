"""Replaces what a recording must not hold - secrets, tokens, cookies, subjects, and where asked for
addresses - before anything of it is written.

Strategy: first every secret is found, by where it stands (a header, a form field, a JSON member, an
element) or because the run knows it; then each is replaced wherever it shows. The same secret has
the same placeholder everywhere, so that a replay goes on. What stands for an address has its
length, so that texts are cut where they were cut, and binary bodies keep their sizes.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from . import masking, standins, tokens
from .answer import JSON_LIMIT, integer
from .mapihttp import envelope
from .options import CertificateFiles, ClientSecret, FederatedToken, UserPassword

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .options import Options

#: Claims of an access token that the check reads.
_CLAIMS = ("aud", "roles", "scp", "tid")

#: Headers whose whole value is a secret but for the scheme or the cookies' names.
_AUTHORIZATION = ("authorization", "proxy-authorization", "proxy-authenticate")
_COOKIES = ("cookie", "set-cookie")

#: Members and fields with a secret -> the word in its placeholder.
_NAMES = {
    "access_token": "TOKEN",
    "refresh_token": "REFRESH-TOKEN",
    "client_assertion": "ASSERTION",
    "assertion": "ASSERTION",
    "client_secret": "CLIENT-SECRET",
    "password": "PASSWORD",
    "subject": "SUBJECT",
    "subjectprefix": "SUBJECT",
    "normalizedsubject": "SUBJECT",
}
#: Members that are left out: msal reads into them, and the check needs none.
_DROPPED = ("id_token", "client_info")

_FORM = re.compile(rf"((?:^|&)({'|'.join([*_NAMES, *_DROPPED])})=)([^&]*)", re.IGNORECASE)
_MEMBER = re.compile(
    rf'("({"|".join([*_NAMES, *_DROPPED])})"\s*:\s*")((?:[^"\\]|\\.)*)', re.IGNORECASE
)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]+)*")
_CHALLENGE = re.compile(r"\b(NTLM|Negotiate|Kerberos)(\s+)([A-Za-z0-9+/]{8,}=*)", re.IGNORECASE)
#: Elements of WS-Trust whose content is a secret.
_ELEMENT = re.compile(
    r"(<((?:\w+:)?(?:RequestedSecurityToken|Password|Assertion))\b[^>]*>)(.*?)(</\2\s*>)", re.DOTALL
)

_SUBJECT = "REDACTED-SUBJECT"

#: Letters from which on a secret is looked for everywhere: one that was met, and one that the run
#: was given.
_MET, _GIVEN = 6, 4

#: Letters that a word of our own output has at most.
_WORD = 12


class Redaction:
    """What stands for the secrets of one run, and with `addresses` for its addresses.

    `met` are secrets that the run came across.
    """

    def __init__(self, options: Options, met: Iterable[str], *, addresses: bool) -> None:
        #: Secret -> placeholder.
        self._placeholders: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._given: set[str] = set()
        known = masking.of_options(options)
        #: The secrets that the run was given, as they are.
        self._plain = {secret for _, secret in _secrets(options) if secret in known}
        for kind, secret in _secrets(options):
            placeholder = self.placeholder(secret, kind)
            spelled = masking.spellings(secret) & known
            self._given |= spelled
            self._placeholders.update(dict.fromkeys(spelled, placeholder))
        self._met = [one for one in met if len(one) >= _MET and one not in self._placeholders]
        self._standins = standins.Standins(options) if addresses else None
        #: The options of the run with what stands for its secrets and addresses.
        self.options = options

    def placeholder(self, secret: str, kind: str) -> str:
        """What stands for a secret; `kind` is the word that tells what it was."""
        found = self._placeholders.get(secret)
        if found is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            found = f"REDACTED-{kind}-{self._counts[kind]}"
            if kind == "TOKEN":
                found = _token(secret, found)
            if kind == "HANDSHAKE":
                # It is read as base64.
                found = f"REDACTEDTOKEN{self._counts[kind]:03}"
            self._placeholders[secret] = found
        return found

    def entries(self, entries: list[dict[str, Any]]) -> None:
        """Find the secrets of these entries by where they stand, and replace them there."""
        for entry in entries:
            sent, answer = entry.get("request"), entry.get("answer")
            if sent is not None:
                sent["headers"] = [self._header(*pair) for pair in sent["headers"]]
                sent["body"] = self._body(sent["body"])
            if answer is not None:
                kinds = {name.lower(): text for name, text in (sent or {}).get("headers", ())}
                kind = kinds.get("x-requesttype", "")
                answer["headers"] = [self._header(*pair) for pair in answer["headers"]]
                answer["body"] = self._body(envelope.plain(kind, answer["body"]))
        for one in self._met:
            self.placeholder(one, "SECRET")

    def _header(self, name: str, value: str) -> list[str]:
        low = name.lower()
        scheme, blank, word = value.partition(" ")
        if low == "authorization" and blank and scheme.lower() in ("basic", "bearer"):
            kind = "CREDENTIAL" if scheme.lower() == "basic" else "TOKEN"
            return [name, f"{scheme} {self.placeholder(word, kind)}"]
        if low in _AUTHORIZATION or low == "www-authenticate":
            value = _CHALLENGE.sub(
                lambda found: found[1] + found[2] + self.placeholder(found[3], "HANDSHAKE"), value
            )
        if low == "set-cookie":
            first, semicolon, rest = value.partition(";")
            return [name, self._cookie(first) + semicolon + rest]
        if low == "cookie":
            return [name, ";".join(self._cookie(part) for part in value.split(";"))]
        return [name, self._bare(value)]

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        bare = value.strip()
        return f"{name}{equals}{self.placeholder(bare, 'COOKIE')}" if bare else pair

    def _body(self, body: bytes) -> bytes:
        """A body with what stands in known places replaced; one that is no text as it is."""
        text = as_text(body)
        if text is None:
            return body
        document = _json(text)
        if document is not None:
            cleaned = self._members(document)
            # Spelled anew only where it has changed.
            text = text if cleaned == document else json.dumps(cleaned)
        else:
            text = _FORM.sub(lambda found: found[1] + self._named(found[2], found[3]), text)
            text = _MEMBER.sub(lambda found: found[1] + self._named(found[2], found[3]), text)
            text = _ELEMENT.sub(self._element, text)
        return self._bare(text).encode()

    def _members(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._members(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._named(name, member)
            if name.lower() in _NAMES and isinstance(member, str)
            else self._members(member)
            for name, member in value.items()
            if name.lower() not in _DROPPED
        }

    def _named(self, name: str, value: str) -> str:
        kind = _NAMES.get(name.lower(), "SECRET")
        # A subject is looked for nowhere else: its words are anybody's.
        return _SUBJECT if kind == "SUBJECT" else self.placeholder(value, kind) if value else value

    def _element(self, found: re.Match[str]) -> str:
        kind = "PASSWORD" if found[2].endswith("Password") else "ASSERTION"
        return f"{found[1]}{self.placeholder(found[3], kind)}{found[4]}"

    def _bare(self, text: str) -> str:
        """Text without the tokens that it holds."""
        stand = set(self._placeholders.values())
        return _JWT.sub(
            lambda found: found[0] if found[0] in stand else self.placeholder(found[0], "TOKEN"),
            text,
        )

    def everywhere(self, value: Any) -> Any:
        """A JSON value, whose bytes are bodies, without anything that is to be replaced; bodies as
        JSON can hold them.
        """
        texts = list(_texts(value))
        whole = "\n".join(texts)
        found = [one for one in self._placeholders if len(one) >= self._least(one)]
        # A search for each of thousands of secrets is done once, not for each text.
        spread = [one for one in found if one in whole or _wide(one) in whole]
        spread.sort(key=len, reverse=True)
        if self._standins is not None:
            self._standins.learn(texts)
        pattern = re.compile("|".join(map(re.escape, spread))) if spread else None
        return self._walk(value, pattern, spread)

    def _least(self, secret: str) -> int:
        return _GIVEN if secret in self._given else _MET

    def _walk(self, value: Any, pattern: re.Pattern[str] | None, spread: list[str]) -> Any:
        if isinstance(value, dict):
            return {
                self._text(name, None): self._walk(one, pattern, spread)
                for name, one in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._walk(one, pattern, spread) for one in value]
        if isinstance(value, str):
            return self._text(value, pattern)
        if not isinstance(value, bytes):
            return value
        text = as_text(value)
        if text is not None:
            document = _json(text)
            if document is None:
                return self._text(text, pattern)
            # By its values: their letters may be spelled in any way.
            cleaned = self._values(document, pattern)
            return text if cleaned == document else json.dumps(cleaned)
        return {"base64": base64.b64encode(self._data(value, spread)).decode("ascii")}

    def _values(self, value: Any, pattern: re.Pattern[str] | None) -> Any:
        """The values and names of a JSON body."""
        if isinstance(value, dict):
            return {
                self._text(name, pattern): self._values(one, pattern) for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._values(one, pattern) for one in value]
        return self._text(value, pattern) if isinstance(value, str) else value

    def _text(self, text: str, pattern: re.Pattern[str] | None) -> str:
        if pattern is not None:
            text = pattern.sub(lambda found: self._placeholders[found[0]], text)
        if any(mark in text for mark in "%&") and self._hides(text):
            return "REDACTED-TEXT"
        return text if self._standins is None else self._standins.text(text)

    def _hides(self, text: str) -> bool:
        """Whether a secret that the run was given is there in a spelling of its own."""
        plain = (html.unescape(text), unquote(text), unquote_plus(text))
        return any(secret in one for one in plain for secret in self._plain)

    def _data(self, data: bytes, spread: list[str]) -> bytes:
        """Binary data with as many bytes as before."""
        for secret in spread:
            for encoding in ("utf-8", "utf-16-le"):
                coded = secret.encode(encoding, "replace")
                letters = standins.fitted(self._placeholders[secret], len(secret))
                stand = letters.encode(encoding)[: len(coded)].ljust(len(coded), b"x")
                data = data.replace(coded, stand)
        return data if self._standins is None else self._standins.data(data)

    def known(self, text: str) -> str:
        """What was printed, without secrets that are long enough not to be words of ours."""
        for secret in sorted(self._placeholders, key=len, reverse=True):
            if len(secret) > _WORD:
                text = text.replace(secret, self._placeholders[secret])
        return text

    def report_text(self, text: str) -> str:
        """A text of a report with what stands for its addresses; its secrets are masked already."""
        return text if self._standins is None else self._standins.text(text)


def as_text(body: bytes) -> str | None:
    """A body as text; None for one that is none, or that could not be read back from text."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0e-\x1f]", text) else text


def _json(text: str) -> Any:
    """The object or list that a text is in JSON; None for what is none, or beyond all measure."""
    if len(text) > JSON_LIMIT or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, parse_int=integer)
    except (ValueError, RecursionError):
        return None


def _secrets(options: Options) -> list[tuple[str, str]]:
    """(kind, secret) of what the run was given."""
    credential = options.credential
    given = [
        ("PASSWORD", options.login.password if options.login else None),
        ("PROXY-PASSWORD", options.proxy.password if options.proxy else None),
    ]
    if isinstance(credential, CertificateFiles):
        given.append(("PASSPHRASE", credential.passphrase))
    elif isinstance(credential, ClientSecret):
        given.append(("CLIENT-SECRET", credential.secret))
    elif isinstance(credential, UserPassword):
        given.append(("PASSWORD", credential.password))
    elif isinstance(credential, FederatedToken):
        given.append(("FEDERATED-TOKEN", credential.token))
    return [(kind, secret.reveal()) for kind, secret in given if secret is not None]


def _token(secret: str, name: str) -> str:
    """An unsigned JWT with the claims that the check reads, where the token is a JWT."""
    found = tokens.claims(secret)
    if not found:
        return name
    kept = {"redacted": True, **{claim: found[claim] for claim in _CLAIMS if claim in found}}
    parts = [{"alg": "none", "typ": "JWT"}, kept]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(one.rstrip("=") for one in coded), name])


def _wide(text: str) -> str:
    """Text as UTF-16LE looks when it is read as Latin-1."""
    return text.encode("utf-16-le", "replace").decode("latin-1")


def _texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value; bodies that are no text as Latin-1."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        text = as_text(value)
        yield value.decode("latin-1") if text is None else text
        if text is not None:
            yield from _texts(_json(text))
