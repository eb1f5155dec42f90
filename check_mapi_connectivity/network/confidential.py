"""What of a request is secret, and how it is kept out of answers and of what is shown of them."""

from __future__ import annotations

import base64
import contextlib

from ..base.report import Exchange
from ..base.value import NamedTuple
from ..secrecy import echoes as secrecy_echoes
from ..secrecy import names
from .answer import Answer, Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

    from .carriers.request import Request

    #: Puts the bodies of a request and its answer (None for none) into words; None where it cannot.
    Reading = Callable[[bytes, "Answer | None"], "Lines | None"]

#: Headers that a logon goes on by.
_CHALLENGES = ("www-authenticate", "proxy-authenticate")


class Lines(NamedTuple):
    """A request's and its answer's body in words, line by line."""

    sent: list[str]
    received: list[str]


def credentials(headers: Mapping[str, str], data: object) -> set[str]:
    """Tokens, assertions and words of Basic in a request, as they are sent."""
    found = {headers.get("Authorization", "").partition(" ")[2]}
    if isinstance(data, dict):
        found |= {_plain(data.get(name, "")) for name in ("client_assertion", "assertion")}
    return {word for word in found if len(word) > 3}


def confidential(data: object) -> set[str]:
    """Secret and assertion of a request, as they were before they were encoded."""
    if not isinstance(data, dict):
        return set()
    found = {_plain(data.get("client_secret", ""))}
    with contextlib.suppress(ValueError):
        assertion = _plain(data.get("assertion", "")).encode()
        padded = assertion + b"=" * (-len(assertion) % 4)
        found |= secrecy_echoes.spellings(base64.urlsafe_b64decode(padded).decode())
    return {secret for secret in found if len(secret) > 3}


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def without(secrets: set[str], answer: Answer) -> Answer:
    """The answer with every secret masked."""
    shown = (*answer.headers.values(), *(value for _, value in answer.lines))
    texts = "\n".join((answer.reason, *shown))
    body = answer.body
    if not any(one in texts or one.encode("utf-8", "replace") in body for one in secrets):
        return answer
    for secret in sorted(secrets, key=len, reverse=True):
        body = body.replace(secret.encode("utf-8", "replace"), names.MASK.encode())
    return _masked(answer._replace(body=body), lambda _, text: secrecy_echoes.known(text, secrets))


def without_echoes(secrets: set[str], words: set[str], answer: Answer) -> Answer:
    """An answer that is no success with every echo of a secret masked, however it is spelt."""
    echoes = secrecy_echoes.Echoes(secrets, words)

    def masked(name: str, text: str) -> str:
        # A challenge has to be answered, and has much in common with what it answers.
        if name.lower() in _CHALLENGES:
            return secrecy_echoes.known(text, secrets)
        return echoes.masked(text, wholly=False)

    plain = masked("", answer.text)
    body = answer.body if plain == answer.text else plain.encode()
    return _masked(answer._replace(body=body), masked)


def _masked(answer: Answer, masked: Callable[[str, str], str]) -> Answer:
    """The answer with `masked` of header name and text in place of all texts beside the body."""
    headers = {name: masked(name, value) for name, value in answer.headers.items()}
    lines = tuple((name, masked(name, value)) for name, value in answer.lines)
    reason = masked("", answer.reason)
    return answer._replace(reason=reason, headers=Headers(headers), lines=lines)


def shown_exchange(request: Request, answer: Answer | None, reading: Reading | None) -> Exchange:
    """A request and its answer, if there was one, as `-vv` shows them: without what is secret."""
    data = request.body
    sent = data.decode("utf-8", "replace")
    received = answer.text if answer else ""
    lines = reading(data, answer) if reading else None
    return Exchange(
        f"{request.method} {request.url}",
        names.headers(request.headers),
        [names.body(sent)] if lines is None else lines.sent,
        f"HTTP {answer.status} {answer.reason}" if answer else "none that is whole",
        names.headers(answer.headers) if answer else [],
        [names.body(received)] if lines is None else lines.received,
    )
