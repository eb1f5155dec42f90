"""Where the secrets of a recorded run stand - headers, form fields, JSON members, elements - and
what is put there instead.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..base.reading import untrusted
from ..base.reading import untrusted as base_untrusted
from ..mapihttp import envelope
from . import names
from .placeholders import jwt

if TYPE_CHECKING:
    from typing import Any

    from .placeholders import Placeholders

#: Headers whose whole value is a secret but for the scheme.
_AUTHORIZATION = (
    *("authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"),
    *("authentication-info", "proxy-authentication-info"),
)
#: Attributes of a cookie (RFC 6265 4.1.1, RFC 2965 3.2.2): what is no secret beside it.
_ATTRIBUTES = (
    *("path", "domain", "expires", "max-age", "secure", "httponly", "samesite", "version"),
    *("priority", "partitioned", "comment", "discard", "port"),
)

#: What of a message its readers have of its author.
_SUBJECTS = ("subject", "subjectprefix", "normalizedsubject")

#: Members with a secret, without dashes and underscores -> the word in its placeholder.
_KINDS = {
    **{name.replace(" ", ""): kind for name, kind in names.SECRETS.items()},
    **dict.fromkeys((*_SUBJECTS, "conversationtopic", "bodypreview"), "SUBJECT"),
}
#: Members of a token answer that say what it is (RFC 6749 5.1, 5.2; Entra's own).
_TOLD = (
    *("token_type", "scope", "expires_in", "ext_expires_in", "expires_on", "not_before"),
    *("refresh_in", "resource", "error", "error_description", "error_codes", "error_uri"),
    *("suberror", "timestamp", "trace_id", "correlation_id", "claims"),
)

#: In a form `client_info` is but a number that asks for it.
_FIELD = names.pattern(name for name in names.SECRETS if name != "client info")
_FORM = re.compile(rf"((?:^|[&?#;])({_FIELD})=)([^&\s]*)", re.IGNORECASE)
_MEMBER = re.compile(
    rf'("({_FIELD}|{"|".join(_SUBJECTS)})"\s*:\s*")((?:[^"\\]|\\.)*)',
    re.IGNORECASE,
)
_CHALLENGE = re.compile(r"\b(NTLM|Negotiate|Kerberos)(\s+)([A-Za-z0-9+/]{8,}=*)", re.IGNORECASE)
_NONCE = re.compile(r'((?:nonce|opaque|response|rspauth)="?)([^",\s]+)', re.IGNORECASE)
#: Elements of WS-Trust whose content is a secret.
_ELEMENT = re.compile(
    r"(<((?:\w+:)?(?:RequestedSecurityToken|Password|Assertion))\b[^>]*>)(.*?)(</\2\s*>)", re.DOTALL
)
_SUBJECT = "REDACTED-SUBJECT"

#: Seconds since 1970 from which on and until when an ID token holds whenever it is replayed.
_ALWAYS = (0, 253402300799)

#: Seconds that msal forgives a clock.
_SKEW = 120


class Places:
    """Finds secrets by where they stand, for the placeholders of one run."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders

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
                answer["body"] = (
                    self._token_answer(answer)
                    if _signs_in(sent or {})
                    else self._body(envelope.plain(kind, answer["body"]))
                )
            token = entry["value"].get("token") if isinstance(entry.get("value"), dict) else None
            if token:
                token["access_token"] = self._placeholders.of(token["access_token"], "TOKEN")

    def _header(self, name: str, value: str) -> list[str]:
        low = name.lower()
        scheme, blank, word = value.partition(" ")
        if low == "authorization" and blank and scheme.lower() in ("basic", "bearer"):
            kind = "CREDENTIAL" if scheme.lower() == "basic" else "TOKEN"
            # It may come back without what pads it.
            return [name, f"{scheme} {self._placeholders.of(word.rstrip('='), kind)}"]
        if low in _AUTHORIZATION:
            for pattern in (_CHALLENGE, _NONCE):
                value = pattern.sub(self._handshake, value)
        if low in ("set-cookie", "set-cookie2"):
            return [name, self._cookies(value)]
        if low == "cookie":
            return [name, ";".join(self._cookie(part) for part in value.split(";"))]
        return [name, self._bare(self._form(value))]

    def _handshake(self, found: re.Match[str]) -> str:
        *before, word = found.groups()
        return "".join(before) + self._placeholders.of(word, "HANDSHAKE")

    def _cookies(self, value: str) -> str:
        """A Set-Cookie line: whatever is no attribute is taken for a part of the cookie."""
        first, *rest = value.split(";")
        kept = (
            part if part.partition("=")[0].strip().lower() in _ATTRIBUTES else self._cookie(part)
            for part in rest
        )
        return ";".join([self._cookie(first), *kept])

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        bare = (value if equals else name).strip()
        stand = self._placeholders.of(bare, "COOKIE") if bare else ""
        return f"{name}={stand}" if equals else stand or pair

    def _token_answer(self, answer: dict[str, Any]) -> bytes:
        """The body of an answer to a sign-in: of one that cannot be taken apart, nothing is kept
        that may be a token.
        """
        body: bytes = answer["body"]
        if not answer["decoded"] and decoded(body) is None:
            # It may be compressed.
            return b"x" * len(body)
        text = as_text(body)
        document = None if text is None else json_of(text)
        if not isinstance(document, dict):
            return self._body(self._placeholders.blot(body))
        cleaned = {
            name: member if name in _TOLD or _kind(name) else self._blotted(member)
            for name, member in self._members(document, answer["received"]).items()
        }
        return self._bare(text if cleaned == document and text else json.dumps(cleaned)).encode()

    def _blotted(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._blotted(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._blotted(one) for one in value]
        if not isinstance(value, str):
            return value
        return self._placeholders.blot(value.encode("utf-8", "replace")).decode()

    def _body(self, body: bytes) -> bytes:
        """A body with what stands in known places replaced; one that is no text as it is."""
        found = decoded(body)
        if found is None:
            return body
        text, encoding = found
        document = json_of(text)
        if document is not None:
            cleaned = self._members(document, 0.0)
            # Spelled anew only where it has changed.
            text = text if cleaned == document else json.dumps(cleaned)
        else:
            text = _MEMBER.sub(self._field, self._form(text))
            text = _ELEMENT.sub(self._element, text)
        return self._bare(text).encode(encoding)

    def _form(self, text: str) -> str:
        return _FORM.sub(self._field, text)

    def _field(self, found: re.Match[str]) -> str:
        return found[1] + str(self._named(_kind(found[2]), found[3], 0.0))

    def _members(self, value: Any, now: float) -> Any:
        if isinstance(value, list):
            return [self._members(one, now) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._named(_kind(name), member, now)
            if _kind(name)
            else self._members(member, now)
            for name, member in value.items()
        }

    def _named(self, kind: str, value: Any, now: float) -> Any:
        """What stands for the secret of that kind, and for each text in it."""
        if isinstance(value, list):
            return [self._named(kind, one, now) for one in value]
        if isinstance(value, dict):
            return {name: self._named(kind, one, now) for name, one in value.items()}
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return 0
        if not isinstance(value, str) or not value:
            return value
        if kind == "SUBJECT":
            # It is looked for nowhere else: its words are anybody's.
            return _SUBJECT
        if kind in ("ID-TOKEN", "CLIENT-INFO"):
            stand = _id_token(value, now) if kind == "ID-TOKEN" else _client_info(value)
            return self._placeholders.put(value, stand)
        return self._placeholders.of(value, kind)

    def _element(self, found: re.Match[str]) -> str:
        kind = "PASSWORD" if found[2].endswith("Password") else "ASSERTION"
        return f"{found[1]}{self._placeholders.of(found[3], kind)}{found[4]}"

    def _bare(self, text: str) -> str:
        """Text without the tokens that it holds."""
        made = self._placeholders
        return re.sub(
            names.JWT,
            lambda found: found[0] if found[0] in made else made.of(found[0], "TOKEN"),
            text,
        )


def as_text(body: bytes) -> str | None:
    """A body as text; None for one that is none, or that could not be read back from text."""
    found = decoded(body)
    return found[0] if found and found[1] == "utf-8" else None


def decoded(body: bytes) -> tuple[str, str] | None:
    """A body as text, and its encoding; None for one that is no text."""
    if re.search(rb"[\x00-\x08\x0e-\x1f]", body):
        return None
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def json_of(text: str) -> Any:
    """The object or list that a text is in JSON; None for what is none, or beyond all measure."""
    return untrusted.document(text) if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") else None


def _kind(name: str) -> str:
    """The kind of secret that a member or field of this name holds; empty for none."""
    return _KINDS.get(re.sub("[_-]", "", name.lower()), "")


def _signs_in(sent: dict[str, Any]) -> bool:
    """Whether this request asks for a token (RFC 6749 3.2; the metadata service of Azure)."""
    path = urlsplit(sent.get("url", "")).path.rstrip("/")
    return path.endswith("/token") or b"grant_type=" in sent.get("body", b"")


def _id_token(token: str, now: float) -> str:
    """An unsigned ID token that msal judges, whenever it is replayed, as it did at `now`."""
    found = base_untrusted.claims(token)
    if not found:
        return _unreadable(token)
    kept: dict[str, object] = {"redacted": True}
    # Which claims there are matters to msal as well.
    kept.update({name: "REDACTED" for name, claim in found.items() if isinstance(claim, str)})
    kept.update({name: found[name] for name in ("aud", "iss", "tid") if name in found})
    begin, end = found.get("nbf"), found.get("exp")
    if isinstance(begin, (int, float)):
        kept["nbf"] = _ALWAYS[1 if begin > now + _SKEW else 0]
    if isinstance(end, (int, float)):
        kept["exp"] = _ALWAYS[0 if end < now - _SKEW else 1]
    return jwt(kept, "REDACTED")


def _client_info(value: str) -> str:
    """Who has signed in, as msal reads it: the members of the object, without what they say."""
    try:
        found = untrusted.document(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except ValueError:
        return _unreadable(value)
    kept = dict.fromkeys(found, "REDACTED") if isinstance(found, dict) else []
    return base64.urlsafe_b64encode(json.dumps(kept).encode()).decode("ascii").rstrip("=")


def _unreadable(value: str) -> str:
    """What is no JSON in base64 either, and as long."""
    return re.sub("[A-Za-z0-9_-]", "x", value)
