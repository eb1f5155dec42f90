"""What Entra, or what answers in its place, says when it gives no token -> Failure.

Entra says that programs must not branch on AADSTS numbers: they choose words here, and the OAuth
error decides the kind (RFC 6749 5.2; reference sheet exchange-online 6). A gateway before Entra
writes `error` in its own way: an object, a list, a number.
"""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..base.value import NamedTuple
from ..network import headers
from . import http_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..network.answer import Answer

#: Members of Entra's error document that its support asks for.
_SUPPORT = ("correlation_id", "trace_id", "timestamp")

#: Pages of Entra's that explain a number.
_PAGE = "https://login.microsoftonline.com/error?code={number}"

#: InvalidClient: stands before the number that says what it is about.
_SOMETHING = 70002


class Words(NamedTuple):
    """An error document: error code, text with what support asks for, AADSTS number; each empty, or
    0, where the document has none.
    """

    error: str
    text: str
    number: int


def words(document: Mapping[str, Any]) -> Words:
    """What an error document says, in whatever form `error` is."""
    error, told = _error(document.get("error"))
    text = _text(document.get("error_description")) or told or _text(document.get("message"))
    ids = [
        f"{name.replace('_', ' ')} {value}"
        for name in _SUPPORT
        for value in [_text(document.get(name))[:80]]
        if value and value not in text
    ]
    return Words(
        error, "; ".join(part for part in (text, ", ".join(ids)) if part), aadsts(document)
    )


def _error(value: object) -> tuple[str, str]:
    """Code and text of the member `error`."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        return _text(value.get("code"))[:60], _text(value.get("message"))
    return _text(value)[:60], ""


def _text(value: object) -> str:
    """A text or number on one line; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return " ".join(str(value).split())


def sign_in(document: Mapping[str, Any], last: Answer | None) -> Failure:
    """Entra's refusal in an error document; `last` is the answer that held it."""
    from ..codes.entra import ENTRA, OAUTH

    found = words(document)
    number, row = found.number, ENTRA.get(found.number)
    if number in (_SOMETHING, 7000216) and "client_assertion" in found.text:
        # Not a wrong credential, but none.
        row = ENTRA[7000218]
    elif number == 50012 and "client secret" in found.text.lower():
        row = ENTRA[7000215]
    if number == 700027 and "expired" in found.text.lower():
        kind, cause = "credential", "Entra holds this certificate as expired"
        remedy = "upload a new one"
    elif row is not None:
        kind, cause, remedy, *_ = row
    elif found.error in OAUTH:
        kind, cause, remedy, *_ = OAUTH[found.error]
    else:
        kind = "server" if last is not None and last.status >= 500 else "protocol"
        cause = f"{last.host if last else 'Entra'} gives no token for an unknown reason"
        remedy = http_refusals.OWN_TEXT
    if row is None and number:
        remedy = f"see Entra's sign-in log; {_PAGE.format(number=number)}"
    return Failure(
        kind,
        cause,
        remedy,
        f"AADSTS{number}" if number else found.error,
        found.text or found.error,
        transient=kind == "server",
        retry_after=headers.retry_after(last) if last else None,
    )


def aadsts(document: Mapping[str, Any]) -> int:
    """The AADSTS number of an error document, 0 for none; of several the one that says most.

    >>> aadsts({"error_codes": [70002, 50126]})
    50126
    """
    from ..codes.entra import ENTRA

    codes = document.get("error_codes")
    listed = [_text(code) for code in codes[:20]] if isinstance(codes, list) else []
    found = [int(code) for code in listed if re.fullmatch("[0-9]{4,9}", code)]
    if not found:
        _, told = _error(document.get("error"))
        texts = f"{_text(document.get('error_description'))[:2000]} {told[:2000]}"
        found = [int(number) for number in re.findall("AADSTS([0-9]{4,9})", texts)]
    # Only that something about the credential is wrong; another one says what.
    telling = [number for number in found if number in ENTRA and number != _SOMETHING]
    return next(iter(telling + found), 0)


def status(answer: Answer) -> Failure | None:
    """A failure for answers of the sign-in service that msal must not see; None for those it can
    read.
    """
    if answer.status == 429:
        return with_words(http_refusals.throttled(answer, "Entra"), answer)
    if answer.status >= 500:
        return with_words(http_refusals.trouble(answer, "Entra"), answer)
    if 300 <= answer.status < 400:
        return http_refusals.redirected(answer, "--authority-url")
    if answer.status != 200 and not isinstance(answer.json(), dict):
        return not_entra(answer)
    return None


def with_words(failure: Failure, answer: Answer) -> Failure:
    """The failure of a status, with code and text of the error document beside it.

    Numbers of trouble and throttling choose the kind; a refusal does not, because a service in
    trouble has judged nothing.
    """
    from ..codes.entra import ENTRA, OAUTH

    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return failure
    found = words(document)
    known = found.error if found.error in OAUTH else ""
    code = f"AADSTS{found.number}" if found.number else known
    # What somebody else's error is called stands in the text: as a code it may be another's.
    detail = ": ".join(part for part in ("" if code else found.error, found.text) if part)
    row = ENTRA.get(found.number)
    if row is not None and row.kind == "throttled":
        failure = failure._replace(kind=row.kind, cause=row.cause, remedy=row.remedy)
    return failure._replace(
        code=f"{failure.code}, {code}" if code else failure.code,
        detail=detail or failure.detail,
    )


def not_entra(answer: Answer | None) -> Failure:
    """An answer that is none of Entra's; None when there was not even one."""
    if answer is None:
        return Failure("protocol", "Entra was not asked", http_refusals.REPORT)
    return Failure(
        "protocol",
        f"{answer.host} answers, but not as Entra",
        http_refusals.INSTEAD,
        f"HTTP {answer.status}",
        http_refusals.glimpse(answer),
    )
