"""Replaces what a recording must not hold - secrets, tokens, cookies, subjects, and where asked for
addresses - before anything of it is written.

Strategy: first every secret is found, by where it stands (a header, a form field, a JSON member, an
element) or because the run knows it; then each is replaced wherever it shows, but not in the fixed
words of our own options and entries. What stands for an address has its length, so that texts are
cut where they were cut, and binary bodies keep their sizes.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import echoes, standins
from .placeholders import Placeholders
from .places import Places, decoded, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..base.options import Confided
    from .standins import Names

_NAME = re.compile(r"<(?:\w+:)?DisplayName>([^<]+)<")

#: Letters of a secret that may be a word of the protocol.
_SHORT = 7

#: Members of our own whose words are fixed.
_FIXED = (
    *("kind", "methods", "scheme", "method", "cloud", "states", "limits", "timeout_state", "by"),
    *("judged_as", "phases", "running", "environment", "min_tls", "sha1", "sha256"),
)
#: Members of our own whose names are not.
_BY_PLACE = ("connections", "authenticated")


class Redaction:
    """What stands for the secrets of one run, and with `addresses` for its addresses.

    `confided` and `names` are what the run was given, `met` are secrets that it came across,
    `words` those of them that are long and random, `named` is what servers call the mailboxes.
    """

    def __init__(
        self,
        confided: Confided,
        names: Names,
        met: Iterable[str],
        *,
        addresses: bool,
        words: Iterable[str] = (),
        named: Iterable[str] = (),
    ) -> None:
        self._placeholders = Placeholders(confided, names.openly)
        self._met, self._named_as = list(met), list(named)
        self._standins = standins.Standins(names) if addresses else None
        # What stands for a token has claims of it: only the end of one is looked for in parts.
        parts = {word.rpartition(".")[2] for word in words} | echoes.words_of_run(confided)
        given = (one for one in echoes.of_run(confided) if len(one) > _SHORT)
        self._echoes = echoes.Echoes(given, parts)

    @property
    def kinds(self) -> list[str]:
        """What was replaced."""
        return ["secrets", "subjects", *(["addresses"] if self._standins else [])]

    def entries(self, entries: list[dict[str, Any]]) -> None:
        """Find the secrets of these entries by where they stand, and replace them there."""
        Places(self._placeholders).entries(entries)
        self._placeholders.meet(self._met)

    def everywhere(self, value: Any) -> Any:
        """A JSON value, whose bodies are bytes, without anything that is to be replaced; bodies as
        JSON can hold them.
        """
        texts = list(_texts(value))
        self._placeholders.learn(texts)
        if self._standins is not None:
            names = {html.unescape(name) for text in texts for name in _NAME.findall(text)}
            self._standins.learn(
                texts, words=_words(value), named=[*self._named_as, *sorted(names)]
            )
        return self._walk(value)

    def _walk(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            by_place = name in _BY_PLACE
            return {
                self._text(one) if by_place else one: json.loads(json.dumps(inner))
                if one in _FIXED
                else self._walk(inner, one)
                for one, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._walk(one, name) for one in value]
        if isinstance(value, str):
            if name == "certificate":
                return self._data(bytes.fromhex(value)).hex()
            if self._standins is not None and name in ("user", "username"):
                return self._standins.login(value)
            return self._text(value)
        return self._stored(value) if isinstance(value, bytes) else value

    def _stored(self, body: bytes) -> Any:
        """A body as JSON can hold it."""
        found = decoded(body)
        if found is None:
            return {"base64": base64.b64encode(self._data(body)).decode("ascii")}
        text, encoding = found
        document = json_of(text) if encoding == "utf-8" else None
        if document is None:
            text = self._text(text)
            return text if encoding == "utf-8" else {encoding: text}
        # By its values: their letters may be spelled in any way.
        cleaned = self._values(document)
        return text if cleaned == document else json.dumps(cleaned)

    def _values(self, value: Any) -> Any:
        """The values and names of a JSON body."""
        if isinstance(value, dict):
            return {self._text(name): self._values(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._values(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = self._placeholders.text(text)
        # What is left of a secret was cut, or is spelt in a way of its own.
        return self.report_text(self._echoes.masked(text, wholly=False))

    def _data(self, data: bytes) -> bytes:
        """Binary data with as many bytes as before."""
        data = self._placeholders.data(data)
        return data if self._standins is None else self._standins.data(data)

    def printed(self, text: str) -> str:
        """What was printed, without secrets."""
        return self._placeholders.printed(text)

    def report_text(self, text: str) -> str:
        """A text of a report with what stands for its addresses; its secrets are masked already."""
        return text if self._standins is None else self._standins.text(text)


def _words(value: Any) -> set[str]:
    """The words of the protocol that a recording holds: names of headers and members, and paths."""
    found: set[str] = set()
    for entry in value["entries"] if isinstance(value, dict) else value:
        for part in (entry.get("request"), entry.get("answer")):
            if part is not None:
                found.update(name for name, _ in part["headers"])
                found.update(urlsplit(part.get("url", "")).path.split("/"))
                text = decoded(part["body"])
                if text is not None:
                    found.update(re.findall(r'"([A-Za-z]+)"\s*:', text[0]))
                    found.update(re.findall(r"</?(?:\w+:)?([A-Za-z]+)[\s>/]", text[0]))
    return {word.lower() for word in found if re.fullmatch("[A-Za-z-]+", word)}


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
        found = decoded(value)
        yield value.decode("latin-1") if found is None else found[0]
        if found is not None:
            yield from _texts(json_of(found[0]))
