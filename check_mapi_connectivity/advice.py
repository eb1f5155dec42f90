"""What any service answers by HTTP status, and what Exchange's admin interface says -> Failure.

Causes and remedies are half sentences that fit a status line. A code without a row makes no claim:
its kind is that of the HTTP status, its words are the answer's own.
"""

from __future__ import annotations

import email.utils
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from . import headers, masking, untrusted
from .codes import recipients
from .report import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .answer import Answer


#: Exceptions that only carry another one.
_WRAPPERS = frozenset({"Exception", "ODataServiceException", "CmdletProxyException"})

#: Words of a refusal that is about Exchange's roles, not about the token.
_OF_ROLES = re.compile(
    r"not allowed to call|assigned to any management role|supported in this scenario", re.IGNORECASE
)

#: After about ten quick calls the admin API has answered 500 (exchange-online 1.8).
_BURST = "see the service health page; it may be a burst of calls: spread the checks"


def _no_answer(answer: Answer) -> Failure:
    """A status that nothing asked for."""
    cause = f"{answer.host} answers: status {answer.status}"
    remedy = "a gateway may have answered: look at what is on the way"
    return Failure("protocol", cause, remedy, f"HTTP {answer.status}")


def redirected(answer: Answer, option: str) -> Failure:
    """A 3xx: never followed, because a token would go along."""
    from .codes.http import SERVICES

    row, place = SERVICES[302], answer.headers.get("Location", "")
    if answer.status not in SERVICES:
        # 304 and its like lead nowhere.
        return _no_answer(answer)
    return Failure(
        row.kind,
        row.cause.format(service=answer.host),
        row.remedy.format(option=option),
        f"HTTP {answer.status}",
        f"Location: {place}",
    )


def throttled(answer: Answer, who: str, remedy: str = "") -> Failure:
    """429, or 503 with Retry-After; `remedy` is for a service that is not Microsoft's."""
    wait = retry_after(answer)
    if wait is None:
        # "... in 17 seconds": some of Exchange's texts carry the number as their second-last word.
        words = message(answer).rstrip(".").split()
        wait = (
            float(words[-2]) if len(words) > 1 and re.fullmatch("[0-9]{1,4}", words[-2]) else None
        )
    from .codes.http import SERVICES

    hint = f" and asks to wait {wait:.0f}s" if wait is not None else ""
    cause, advised = SERVICES[429].cause.format(service=who), SERVICES[429].remedy
    if answer.status == 503:
        cause, advised = f"{who} is unavailable", remedy or SERVICES[503].remedy
    failure = Failure(
        "throttled",
        cause + hint,
        advised,
        f"HTTP {answer.status}",
        message(answer),
    )
    return _retried(failure, 1.0 if wait is None else wait)


def _retried(failure: Failure, wait: float) -> Failure:
    return replace(failure, transient=True, retry_after=wait)


def trouble(answer: Answer, who: str, remedy: str = "") -> Failure:
    """A 5xx; `remedy` is for a service that is not Microsoft's."""
    from .codes.http import SERVICES

    if answer.status == 503 and retry_after(answer) is not None:
        return throttled(answer, who, remedy)
    row = SERVICES.get(answer.status)
    if row is None:
        row = SERVICES[500]._replace(cause=f"{{service}} answers: {_phrase(answer)}")
    cause, advised = row.cause.format(service=who), remedy or row.remedy
    if answer.status == 511:
        # By definition not the service's own (RFC 6585 6).
        advised = row.remedy
    elif answer.status > 501 and is_page(answer):
        cause = cause.replace(" answers:", " answers with a web page:")
        advised = remedy or "does a gateway answer in its place? else see service health"
    return Failure(
        row.kind,
        cause,
        advised,
        f"HTTP {answer.status}",
        message(answer),
        transient=row.transient,
        status=answer.status,
    )


def _phrase(answer: Answer) -> str:
    """What a status without a row is called: the status itself, in the words of RFC 9110."""
    known = {status.value: status.phrase.lower() for status in HTTPStatus}
    return known.get(answer.status, f"status {answer.status}")


def is_page(answer: Answer) -> bool:
    """Whether a person was meant to read this; services answer programs otherwise."""
    return answer.text.lstrip().startswith("<")


def _refused(answer: Answer, claims: Mapping[str, Any]) -> Failure:
    """A 401 or 403 of the admin API to a token of these claims."""
    from .codes.http import ADMIN

    person, roles = "scp" in claims, claims.get("roles")
    lacking = isinstance(roles, list) and "Exchange.ManageAsApp" not in roles
    of_roles = not lacking and _OF_ROLES.search(message(answer)[:1000])
    code, detail = f"HTTP {answer.status}", _explained(answer)
    if is_page(answer):
        cause = "the request is refused with a web page, by a gateway or by Exchange"
        remedy = "allow it on the gateway; if it is Exchange's page, see to the permissions"
    elif answer.status == 401 and not of_roles:
        cause, remedy = _token_refused(answer, claims)
    else:
        cause = ADMIN[403].cause
        remedy = ADMIN[403].remedy.format(user="user" if person else "app")
        if not answer.body.strip(b"\0"):
            detail = (
                "the body is empty or all NUL bytes, Exchange's way to say that the "
                "cmdlet is in no role of this identity"
            )
    return Failure("permission", cause, remedy, code, detail)


def _token_refused(answer: Answer, claims: Mapping[str, Any]) -> tuple[str, str]:
    """Cause and remedy of a 401 of the admin API that does not speak of roles."""
    from .codes.http import ADMIN
    from .codes.mapi import DIAGNOSTICS

    roles = claims.get("roles")
    told = headers.diagnostics(answer.headers.get("x-ms-diagnostics", ""))
    row = DIAGNOSTICS.get(told.number or 0)
    cause, remedy = (row.cause, row.remedy) if row else (ADMIN[401].cause, ADMIN[401].remedy)
    if isinstance(roles, list) and "Exchange.ManageAsApp" not in roles:
        cause = "the token lacks the app role Exchange.ManageAsApp"
    elif isinstance(roles, list) and row is None:
        # It has the app role: to grant it again helps nobody.
        remedy = "see Exchange's own text; is the app in a role group that holds the cmdlet?"
    if "scp" in claims:
        remedy = "see EXOModuleEnabled of Get-User; an own app needs the scope Exchange.Manage"
    return cause, remedy


def exchange_status(answer: Answer, claims: Mapping[str, Any], mailbox: str = "") -> Failure:
    """What an answer of the admin API with a status other than 200 means, to a token of these
    claims and a question about this mailbox (exchange-online 1.7).
    """
    from .codes.http import ADMIN

    status, code, text = answer.status, f"HTTP {answer.status}", message(answer)
    if status == 429:
        return throttled(answer, "Exchange")
    if 300 <= status < 400:
        return redirected(answer, "--exchange-url")
    exception = exception_name(answer)
    if error_document(answer) and "MapiException" in f"{exception} {text}":
        return mapi_error(text if "MapiException" in text else f"{exception}: {text}")
    found = _by_exception(exception, text, mailbox)
    if found is not None:
        return replace(found, code=exception or code)
    if status in (401, 403) and not exception:
        return _refused(answer, claims)
    if status >= 500 or status == 408:
        failure = trouble(answer, "Exchange", _BURST if status == 500 else "")
        return replace(failure, code=f"{code}, {exception}" if exception else code)
    if error_document(answer):
        return unknown_error("Exchange", exception or code, text)
    row = ADMIN[404]
    return Failure(row.kind, row.cause.format(host=answer.host), row.remedy, code, text)


def _by_exception(exception: str, text: str, mailbox: str) -> Failure | None:
    """What an exception of Exchange's means by its row; None where it has none."""
    from .codes.exchange import EXCHANGE

    row = EXCHANGE.get(exception)
    if row is None and (exception.endswith("TransientException") or "may be transient" in text):
        row = EXCHANGE["TransientException"]
    if exception == "ManagementObjectNotFoundException":
        row = recipients.explain(text, guest="#ext#" in mailbox.lower()) or row
    if row is None:
        return None
    return Failure(
        row.kind, row.cause, row.remedy, exception, text, row.judged_as, transient=row.transient
    )


def unknown_error(who: str, code: str, text: str) -> Failure:
    """An error that no table has: told in its own words, without a claim (contract 7.27)."""
    cause = f"{who} reports an error that is not known here"
    return Failure("protocol", cause, f"see {who}'s own text", code, text)


def exchange_error(text: str) -> Failure | None:
    """What an error in an answer with status 200 means, where it names an exception of the table;
    its form is `id|exception|text`.
    """
    parts = text.split("|", 2)
    name = re.split(r"[.+]", parts[1].strip())[-1] if len(parts) > 2 else ""
    return _by_exception(name, parts[-1].strip(), "") if name else None


def mapi_error(text: str) -> Failure:
    """What the cmdlet's Error text means: by the exception it names, else by its ec number."""
    from .codes.exchange import EC, MAPI

    # Exchange's texts have some hundred characters; a hostile one must not keep the GIL busy.
    text = text[:20000]
    named = re.search(r"MapiException[A-Za-z]+", text)
    number = re.search(r"\bec=(-?[0-9]{1,10}|0x[0-9A-Fa-f]{1,8})\b", text)
    ec = int(number[1], 0) & 0xFFFFFFFF if number else None
    name = named[0] if named else EC.get(ec or 0, "")
    row = MAPI.get(name) or MAPI.get(EC.get(ec or 0, ""))
    code = name or (f"ec={number[1]}" if number else "")
    detail = " ".join(text.split())
    if row is None:
        if re.search(r"in transit|being moved|has been moved|was moved", text, re.IGNORECASE):
            row = MAPI["MapiExceptionMailboxInTransit"]
        else:
            row = recipients.explain(text)
        if row is None:
            cause = "Test-MAPIConnectivity fails with an error that is not known here"
            return Failure("server", cause, "see Exchange's own text", code, detail)
    return Failure(row.kind, row.cause, row.remedy, code, detail, row.judged_as)


def error_document(answer: Answer) -> dict[str, Any]:
    """The `error` member of a JSON body, empty when there is none."""
    document = answer.json()
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> list[str]:
    """The `message` texts of `error.details[]`."""
    details = error.get("details")
    found = (
        [detail.get("message") for detail in details if isinstance(detail, dict)]
        if isinstance(details, list)
        else []
    )
    return [text for text in found if isinstance(text, str) and text.strip()]


def _internal(error: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = error.get("innererror")
    internal = inner.get("internalexception") if isinstance(inner, dict) else None
    return internal if isinstance(internal, dict) else {}


def message(answer: Answer) -> str:
    """The text of an error answer that says most (order of exchange-online 1.7)."""
    error = error_document(answer)
    for text in _details(error):
        return _embedded(text).split("|", 2)[-1].strip()
    document = answer.json()
    flat = document if isinstance(document, dict) else {}
    # Gateways and the sign-in service put the text beside `error`, not into it.
    others = (flat.get("error_description"), flat.get("message"))
    for member in (_internal(error).get("message"), error.get("message"), *others):
        if isinstance(member, str) and member.strip():
            return member.strip()
    return glimpse(answer)


def _embedded(text: str) -> str:
    """The `Message` of a detail that is itself a JSON object; any other detail as it is."""
    document = untrusted.document(text) if text.lstrip().startswith("{") else None
    found = document.get("Message") if isinstance(document, dict) else None
    return found if isinstance(found, str) and found else text


def exception_name(answer: Answer) -> str:
    """The .NET exception behind an error answer, without name space; empty when none is named."""
    from .codes.exchange import EXCHANGE

    error = error_document(answer)
    fields = [text.split("|") for text in _details(error)]
    candidates = [parts[1] for parts in fields if len(parts) > 2]
    candidates += [str(_internal(error).get("type", "")), answer.headers.get("X-ExceptionType", "")]
    names = [re.split(r"[.+]", candidate.strip())[-1] for candidate in candidates]
    names = [name for name in names if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{2,99}", name)]
    known = [name for name in names if name in EXCHANGE]
    return next(iter([*known, *(name for name in names if name not in _WRAPPERS)]), "")


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
    named = masking.fields(text[:8000])
    bare = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", named)
    # A character reference of thousands of digits is beyond what int() takes.
    bare = html.unescape(re.sub(r"&#[0-9]{8,};?", " ", bare))
    words = " ".join("".join(c if c.isprintable() else " " for c in bare).split())
    return masking.fields(words)


def _explained(answer: Answer) -> str:
    """The message, with the front end's own diagnostics where it sends them."""
    diagnostics = answer.headers.get("x-ms-diagnostics")
    return f"{message(answer)} ({diagnostics})" if diagnostics else message(answer)


def retry_after(answer: Answer) -> float | None:
    """Seconds of a Retry-After header, as a number or a date (RFC 9110 10.2.3); None when absent,
    negative or garbage.
    """
    value = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return float(value)
    moments = [email.utils.parsedate_tz(text) for text in (value, answer.headers.get("Date", ""))]
    try:
        until, now = (email.utils.mktime_tz(moment) if moment else None for moment in moments)
    except (ValueError, OverflowError):
        return None
    if until is None:
        return None
    wait = float(until) - (float(now) if now is not None else answer.received)
    return wait if wait >= 0 else None
