"""What any service means by an answer that is no success: throttling, trouble, pages."""

from __future__ import annotations

import re

from ..base.failure import CheckFailure, Failure
from ..base.reading import untrusted
from ..base.vocabulary import BEARER
from ..network import headers
from ..network.response import too_large
from ..secrecy import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..network.answer import Answer


#: What to do where only the other side's words say what is wrong; and where they are none.
OWN_TEXT = "run the check with -v; it shows the whole error text"
INSTEAD = "check the proxy; it or a firewall may have answered instead"
REPORT = "run the check with --record, then report it; the mailbox itself may be well"


def _no_answer(answer: Answer) -> Failure:
    """A status that nothing asked for."""
    cause = f"{answer.host} answers with status {answer.status}"
    return Failure("protocol", cause, INSTEAD, f"HTTP {answer.status}")


def redirected(answer: Answer, option: str) -> Failure:
    """A 3xx: never followed, because a token would go along."""
    from ..codes.http import SERVICES

    row, place = SERVICES[302], answer.headers.get("Location", "")
    if answer.status not in SERVICES:
        # 304 and its like lead nowhere.
        return _no_answer(answer)
    code, told = f"HTTP {answer.status}", f"Location: {place}"
    return Failure.of(row, code, told, service=answer.host, option=option)


def throttled(answer: Answer, who: str, remedy: str = "") -> Failure:
    """429, or 503 with Retry-After; `remedy` is for a service that is not Microsoft's."""
    wait = headers.retry_after(answer)
    if wait is None:
        # "... in 17 seconds": some of Exchange's texts carry the number as their second-last word.
        words = message(answer).rstrip(".").split()
        wait = (
            float(words[-2]) if len(words) > 1 and re.fullmatch("[0-9]{1,4}", words[-2]) else None
        )
    from ..codes.http import SERVICES

    hint = f" for {span(wait)}" if wait is not None else ""
    cause, advised = SERVICES[429].cause.format(service=who), SERVICES[429].remedy
    if answer.status == 503:
        hint = f", retry in {span(wait)}" if wait is not None else ""
        cause, advised = f"{who} is unavailable", remedy or SERVICES[503].remedy
    failure = Failure(
        "throttled",
        cause + hint,
        advised,
        f"HTTP {answer.status}",
        message(answer),
    )
    return _retried(failure, 1.0 if wait is None else wait)


def span(seconds: float) -> str:
    """How long to wait, in words for a cause.

    >>> span(600.2), span(30707696288)
    ('600s', 'over a day')
    """
    return f"{seconds:.0f}s" if seconds <= 86400 else "over a day"


def _retried(failure: Failure, wait: float) -> Failure:
    return failure._replace(transient=True, retry_after=wait)


def trouble(answer: Answer, who: str, remedy: str = "") -> Failure:
    """A 5xx; `remedy` is for a service that is not Microsoft's."""
    from ..codes.http import SERVICES

    if answer.status == 503 and headers.retry_after(answer) is not None:
        return throttled(answer, who, remedy)
    row = SERVICES.get(answer.status)
    if row is None:
        row = SERVICES[500]._replace(cause=f"{{service}} answers with {_phrase(answer)}")
    cause, advised = row.cause.format(service=who), remedy or row.remedy
    if answer.status == 511:
        # By definition not the service's own (RFC 6585 6).
        advised = row.remedy
    elif answer.status > 501 and is_page(answer) and not (remedy and answer.status == 503):
        cause = f"{who if remedy else answer.host} answers with an error page"
        advised = remedy or "check the proxy, then see M365 health; the page may be a proxy's"
    row = row._replace(cause=cause, remedy=advised)
    failure = Failure.of(row, f"HTTP {answer.status}", message(answer))
    return failure._replace(status=answer.status)


def _phrase(answer: Answer) -> str:
    """What a status without a row is called: the status itself, in the words of RFC 9110."""
    from http import HTTPStatus

    known = {status.value: status.phrase for status in HTTPStatus}
    return known.get(answer.status, f"status {answer.status}")


def is_page(answer: Answer) -> bool:
    """Whether a person was meant to read this; services answer programs otherwise."""
    return answer.text.lstrip().startswith("<")


def unknown_error(who: str, code: str, text: str) -> Failure:
    """An error that no table has: told in its own words, without a claim (contract 7.27)."""
    return Failure("protocol", f"{who} reports an unknown error", OWN_TEXT, code, text)


def document(
    answer: Answer, none: Callable[[Answer, str], Failure], smaller: str = ""
) -> dict[str, Any]:
    """The JSON object of an answer that is a success.

    Raises CheckFailure: `none` of what the host does, for what is no such object; or that it is too
    large, for which `smaller` may be the remedy.
    """
    if not answer.decoded:
        failure = none(answer, "answers with broken compression")
        raise CheckFailure(failure._replace(transient=True))
    large = too_large(answer)
    if large is not None:
        raise CheckFailure(large._replace(remedy=smaller or large.remedy))
    found = answer.json()
    if found is None:
        raise CheckFailure(none(answer, "answers, but not in JSON"))
    if not isinstance(found, dict):
        raise CheckFailure(none(answer, "answers, but in the wrong form"))
    return found


def error_document(answer: Answer) -> dict[str, Any]:
    """The `error` member of a JSON body, empty when there is none."""
    document = answer.json()
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def details_of(error: Mapping[str, Any]) -> list[str]:
    """The `message` texts of `error.details[]`."""
    details = error.get("details")
    found = (
        [detail.get("message") for detail in details if isinstance(detail, dict)]
        if isinstance(details, list)
        else []
    )
    return [text for text in found if isinstance(text, str) and text.strip()]


def inner_errors(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The exceptions behind an OData error as Exchange tells them, the innermost one first."""
    found: list[dict[str, Any]] = []
    inner = error.get("innererror")
    while isinstance(inner, dict) and len(found) < 16:
        found.insert(0, inner)
        inner = inner.get("internalexception")
    return found


def message(answer: Answer) -> str:
    """The text of an error answer that says most (order of exchange-online 1.7)."""
    error = error_document(answer)
    for text in details_of(error):
        return _embedded(text).split("|", 2)[-1].strip()
    document = answer.json()
    flat = document if isinstance(document, dict) else {}
    # Gateways and the sign-in service put the text beside `error`, not into it.
    others = (flat.get("error_description"), flat.get("message"))
    inner = [exception.get("message") for exception in inner_errors(error)]
    for member in (*inner, error.get("message"), *others):
        if isinstance(member, str) and member.strip():
            return member.strip()
    return glimpse(answer)


#: What a claims challenge says beside `code:` -> why the token does not do, as words after who says
#: so, and the remedy (learn.microsoft.com, "Continuous access evaluation").
_CHALLENGES = {
    "TokenIssuedBeforeRevocationTimestamp": (
        "holds the token as revoked",
        "see Entra's sign-in log; then Conditional Access",
    ),
    "TokenCreatedWithOutdatedPolicies": (
        "demands a token by today's policies",
        "see Entra's sign-in log; then Conditional Access",
    ),
    "LocationConditionEvaluationSatisfied": (
        "takes no token from the address of this host",
        "allow all outgoing addresses of this host in Conditional Access",
    ),
}


def challenged(answer: Answer, who: str) -> tuple[str, str] | None:
    """Cause and remedy of a 401 that wants other claims in the token; None for any other."""
    lines = answer.all("WWW-Authenticate")
    if headers.parameter(lines, BEARER, "error") != "insufficient_claims":
        return None
    told = f"{message(answer)[:1000]} {headers.parameter(lines, BEARER, 'error_description')}"
    found = re.search(r"\bcode: ([A-Za-z]{3,60})\b", told)
    code = found[1] if found else "insufficient_claims"
    words, remedy = _CHALLENGES.get(
        code,
        (
            f"wants other claims in the token: {code}",
            "see Entra's sign-in log; then Conditional Access",
        ),
    )
    return f"{who} {words}", remedy


def _embedded(text: str) -> str:
    """The `Message` of a detail that is itself a JSON object; any other detail as it is."""
    document = untrusted.document(text) if text.lstrip().startswith("{") else None
    found = document.get("Message") if isinstance(document, dict) else None
    return found if isinstance(found, str) and found else text


def glimpse(answer: Answer) -> str:
    """The beginning of a body that is not what was expected: what kind it is and its first
    printable words.
    """
    kind = answer.headers.get("Content-Type", "no content type").split(";")[0].strip()[:60]
    words = plain(answer.text)
    return f"{kind}: {words[:80]}" if words else f"{kind}, {len(answer.body)} bytes without text"


def plain(text: str) -> str:
    """The words of a text that may be HTML: without tags, scripts and control characters.

    >>> plain("<head><title>x</title></head><b>Bad\\x00</b> &lt;gateway&gt;")
    'Bad <gateway>'
    """
    import html

    # The tags may be what tells that a value is secret.
    named = names.fields(text[:8000])
    bare = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", named)
    # A character reference of thousands of digits is beyond what int() takes.
    bare = html.unescape(re.sub(r"&#[0-9]{8,};?", " ", bare))
    words = " ".join("".join(c if c.isprintable() else " " for c in bare).split())
    return names.fields(words)
