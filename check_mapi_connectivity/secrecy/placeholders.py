"""What stands for the secrets in a recording: the same for the same, wherever and however spelled.

Strategy: a secret that the run was given is looked for everywhere, in every mixture of spellings. A
secret that was met on the wire is replaced where it stood; elsewhere only where it can be no word
of the protocol, because a replay reads those words.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from ..base.reading import untrusted
from . import echoes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..base.options import Confided

#: Claims of an access token that the check reads.
_CLAIMS = ("aud", "roles", "scp", "tid")

#: Letters from which on a secret is looked for everywhere: one that was met, and one that the run
#: was given; and letters from which on a met one is no part of a longer word by chance.
_MET, _GIVEN, _LONG = 8, 4, 16

#: Letters that a word of our own output has at most.
_WORD = 12

#: Letters of the longest secret that is looked for in every mixture of spellings.
_MIXED = 128

#: Letters that a token is made of; many in a row are taken for one.
_RUN = "[A-Za-z0-9_+=~-]{16,}"
_WORDS = "[A-Z]?[a-z]{0,16}|[A-Z]{0,12}|[0-9]{1,4}"
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}

#: A host, an address of one, or a GUID: nothing that opens a door, and read all over the protocol.
_PLACE = re.compile(
    r"(?:https?://)?(?:[^\s@/]+@)?(?:[A-Za-z0-9-]{1,30}\.)+(?:[a-z]{2,10}|[0-9]{1,3})(?:[:/~].*)?"
)
GUID = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Placeholders:
    """What stands for the secrets that one run was given and met. `names` are those it says openly:
    they are no secret, though a server may make a cookie of one.
    """

    def __init__(self, confided: Confided, names: Iterable[str]) -> None:
        #: Secret -> placeholder.
        self._made: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        #: Placeholders of secrets that may be common words.
        self._weak: set[str] = set()
        self._runs: set[str] = set()
        self._said = " ".join(names).lower()
        known = echoes.of_run(confided)
        self._given: set[str] = set()
        #: (what matches any spelling of a given secret, the secret as it is, its placeholder)
        self._mixed: list[tuple[re.Pattern[str], str, str]] = []
        for kind, kept in confided.secrets:
            secret = kept.reveal()
            placeholder = self.of(secret, kind)
            spelled = echoes.spellings(secret) & known
            self._given |= spelled
            self._made.update(dict.fromkeys(spelled, placeholder))
            if secret in known and len(secret) <= _MIXED:
                pattern = re.compile("".join(map(_letter, secret)))
                self._mixed.append((pattern, secret, placeholder))
        self._pattern: re.Pattern[str] | None = None
        self._spread: list[str] = []

    def __contains__(self, text: str) -> bool:
        """Whether this is a placeholder."""
        return text in self._made.values()

    def of(self, secret: str, kind: str) -> str:
        """What stands for a secret; `kind` is the word that tells what it was."""
        found = self._made.get(secret)
        if found is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            found = f"REDACTED-{kind}-{self._counts[kind]}"
            if kind == "TOKEN":
                found = _token(secret, found)
            if kind == "HANDSHAKE":
                # It is read as base64.
                found = f"REDACTEDTOKEN{self._counts[kind]:03}"
            if kind == "COOKIE":
                self._weak.add(secret)
            self._made[secret] = found
        return found

    def put(self, secret: str, stand: str) -> str:
        """Let this stand for a secret."""
        return self._made.setdefault(secret, stand)

    def meet(self, secrets: Iterable[str]) -> None:
        """Take up secrets of which is not known where they stood."""
        for one in sorted(secrets):
            if len(one) >= _MET:
                self.of(one, "SECRET")

    def blot(self, body: bytes) -> bytes:
        """A body of which nobody knows where its secrets stand, without anything that looks like
        one; with as many bytes as before.
        """

        def blotted(found: re.Match[bytes]) -> bytes:
            plain = found[0].replace(b"\0", b"").decode("ascii")
            if not _opaque(plain) or plain in self:
                return found[0]
            self._runs.add(plain)
            return re.sub(rb"[^\0]", b"x", found[0])

        one = _RUN[: _RUN.index("{")].encode()
        for pattern in (one, one + rb"\0", rb"\0" + one):
            body = re.sub(rb"(?:" + pattern + rb"){16,}", blotted, body)
        return body

    def learn(self, texts: Iterable[str]) -> None:
        """Find which secrets these texts hold: they are looked for from now on."""
        whole = "\n".join(texts)
        # A search for each of thousands of secrets is done once, not for each text.
        self._spread = [one for one in self._spreading() if _there(one, whole)]
        found = [
            re.escape(one)
            if one in self._given or len(one) >= _LONG
            else rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])"
            for one in self._spread
        ]
        self._pattern = re.compile("|".join(found)) if found else None

    def _spreading(self) -> list[str]:
        """The secrets that are looked for everywhere, the longest first."""
        found = [one for one in self._made if self._spreads(one)]
        return sorted(found, key=len, reverse=True)

    def _spreads(self, secret: str) -> bool:
        if secret in self._given:
            return len(secret) >= _GIVEN
        if secret not in self._weak:
            return len(secret) >= _MET
        low = secret.lower()
        opaque = GUID.fullmatch(secret) is not None or _opaque(secret)
        return len(secret) >= _MET and low not in self._said and opaque

    def text(self, text: str) -> str:
        """Text with placeholders."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._made[found[0]], text)
        if any(mark in text for mark in "%&\\"):
            for pattern, _, placeholder in self._mixed:
                text = pattern.sub(placeholder, text)
        return self._blotted(text)

    def _blotted(self, text: str) -> str:
        """Text without what was blotted out of bodies, or the beginning of it."""
        if not self._runs:
            return text
        return re.sub(
            _RUN,
            lambda found: (
                "x" * len(found[0]) if any(found[0] in run for run in self._runs) else found[0]
            ),
            text,
        )

    def data(self, data: bytes) -> bytes:
        """Binary data with placeholders, with as many bytes as before."""
        for secret in self._spread:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                coded = secret.encode(encoding, "replace")
                letters = fitted(self._made[secret], len(secret))
                stand = letters.encode(encoding)[: len(coded)].ljust(len(coded), b"x")
                data = data.replace(coded, stand)
        return data

    def printed(self, text: str) -> str:
        """What was printed, without secrets that are long enough not to be words of ours."""
        for secret in self._spreading():
            if len(secret) > _WORD:
                text = text.replace(secret, self._made[secret])
        for pattern, plain, placeholder in self._mixed:
            # UTF-16 that was read as UTF-8 is shown with blanks.
            text = text.replace(" ".join(plain), placeholder)
            # The plain one is masked already, or is a word of ours.
            parts = text.split(plain)
            text = plain.join(pattern.sub(placeholder, part) for part in parts)
        return self._blotted(text)


def fitted(text: str, length: int) -> str:
    """Text cut or filled up to a length."""
    return text[:length].ljust(length, "x")


def _there(secret: str, whole: str) -> bool:
    wide = (secret.encode(code, "replace").decode("latin-1") for code in ("utf-16-le", "utf-16-be"))
    plain = secret.encode("utf-8", "replace").decode("latin-1")
    return secret in whole or plain in whole or any(one in whole for one in wide)


def _opaque(text: str) -> bool:
    """Whether this looks like a secret: no GUID, no host, and not made of words only."""
    if GUID.fullmatch(text) or _PLACE.fullmatch(text):
        return False
    words = re.split(r"[^A-Za-z0-9]+", text)
    return not all(re.fullmatch(_WORDS, one) for one in words)


def _letter(letter: str) -> str:
    """A pattern for one letter as it is, and as URLs, XML, HTML and JSON may write it."""
    code = ord(letter)
    units = letter.encode("utf-16-be", "replace").hex()
    found = [
        rf"\\?{re.escape(letter)}",
        rf"&(?:amp;)*#0*{code};",
        rf"(?i:&(?:amp;)*#x0*{code:x};)",
        "(?i:" + "".join(f"%(?:25)*{byte:02x}" for byte in letter.encode("utf-8", "replace")) + ")",
        "(?i:" + "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4)) + ")",
    ]
    if letter in _ENTITIES:
        found.append(f"&(?:amp;)*{_ENTITIES[letter]};")
    if letter == " ":
        found.append(r"\+")
    return f"(?:{'|'.join(found)})"


def _token(secret: str, name: str) -> str:
    """An unsigned JWT with the claims that the check reads, where the token is a JWT."""
    found = untrusted.claims(secret)
    if not found:
        return name
    kept = {"redacted": True, **{claim: found[claim] for claim in _CLAIMS if claim in found}}
    return jwt(kept, name)


def jwt(claims: dict[str, object], signature: str) -> str:
    """An unsigned JWT (RFC 7519 6) with a word in the place of its signature."""
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(one.rstrip("=") for one in coded), signature])
