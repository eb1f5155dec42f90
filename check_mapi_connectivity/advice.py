"""Code -> plain cause -> kind -> remedy, for everything the other side can answer.

Tables first, then the functions that turn an answer into a Failure. Causes and remedies are half
sentences that fit a status line. Entra says that programs must not branch on AADSTS numbers: they
choose words here, and the OAuth error decides the kind.
"""

from __future__ import annotations

import email.utils
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from . import headers, masking
from .codes import recipients
from .report import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .answer import Answer


def sign_in(document: Mapping[str, Any], last: Answer | None) -> Failure:
    """Entra's refusal in an OAuth error document (RFC 6749 5.2; numbers: exchange-online 6)."""
    from .codes.entra import ENTRA, OAUTH

    error, description = str(document.get("error", "")), str(document.get("error_description", ""))
    number = aadsts(document)
    code = f"AADSTS{number}" if number else error
    row = ENTRA.get(number)
    detail = " ".join(description.split()) or error
    if number == 700027 and "expired" in description.lower():
        cause, remedy, kind = (
            "Entra holds this certificate as expired",
            "upload a new one",
            "credential",
        )
    elif row is not None:
        kind, cause, remedy, *_ = row
    else:
        known = OAUTH.get(error)
        kind, cause, remedy = ("credential", "Entra refuses the sign-in", "see Entra's own text")
        if known is not None:
            kind, cause, remedy, *_ = known
        if number:
            remedy = f"https://login.microsoftonline.com/error?code={number}"
    transient = kind == "server"
    return Failure(
        kind,
        cause,
        remedy,
        code,
        detail,
        transient=transient,
        retry_after=retry_after(last) if last else None,
    )


def aadsts(document: Mapping[str, Any]) -> int:
    """The AADSTS number of an error document, 0 when it has none."""
    codes = document.get("error_codes")
    if (
        isinstance(codes, list)
        and codes
        and isinstance(codes[0], int)
        and not isinstance(codes[0], bool)
    ):
        return codes[0]
    match = re.search(r"AADSTS([0-9]{4,9})", str(document.get("error_description", "")))
    return int(match[1]) if match else 0


def sign_in_status(answer: Answer) -> Failure | None:
    """A failure for answers of the sign-in service that msal must not see; None for those it can
    read.
    """
    if answer.status == 429:
        return throttled(answer, "Entra")
    if answer.status >= 500:
        return trouble(answer, "Entra")
    if 300 <= answer.status < 400:
        return redirected(answer, "--authority-url")
    if answer.status != 200 and not answer.text.lstrip().startswith("{"):
        return not_entra(answer)
    return None


def not_entra(answer: Answer | None) -> Failure:
    """An answer that is none of Entra's; None when there was not even one."""
    if answer is None:
        return Failure("protocol", "no answer of Entra's", "report it with --record")
    return Failure(
        "protocol",
        f"{answer.host} does not answer as Entra does",
        "a proxy or gateway may have answered in its place",
        f"HTTP {answer.status}",
        glimpse(answer),
    )


def redirected(answer: Answer, option: str) -> Failure:
    """A 3xx: never followed, because a token would go along."""
    from .codes.http import SERVICES

    row, place = SERVICES[302], answer.headers.get("Location", "")
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
    row = SERVICES.get(answer.status, SERVICES[500])
    cause, advised = row.cause.format(service=who), remedy or row.remedy
    if answer.status > 501 and is_page(answer):
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


def is_page(answer: Answer) -> bool:
    """Whether a person was meant to read this; services answer programs otherwise."""
    return answer.text.lstrip().startswith("<")


def _refused(answer: Answer, claims: Mapping[str, Any]) -> Failure:
    """A 401 or 403 of the admin API to a token of these claims."""
    from .codes.http import ADMIN
    from .codes.mapi import DIAGNOSTICS

    roles, person = claims.get("roles"), "scp" in claims
    code, detail = f"HTTP {answer.status}", _explained(answer)
    if is_page(answer):
        cause = "the request is refused with a web page, by a gateway or by Exchange"
        remedy = "allow it on the gateway; if it is Exchange's page, see to the permissions"
    elif answer.status == 401:
        told = headers.diagnostics(answer.headers.get("x-ms-diagnostics", ""))
        row = DIAGNOSTICS.get(told.number or 0, ADMIN[401])
        cause, remedy = row.cause, row.remedy
        if isinstance(roles, list) and "Exchange.ManageAsApp" not in roles:
            cause = "the token lacks the app role Exchange.ManageAsApp"
        if person:
            remedy = "see EXOModuleEnabled of Get-User; an own app needs the scope Exchange.Manage"
    else:
        cause = ADMIN[403].cause
        remedy = ADMIN[403].remedy.format(user="user" if person else "app")
        if not answer.body.strip(b"\0"):
            detail = (
                "the body is empty or all NUL bytes, Exchange's way to say that the "
                "cmdlet is in no role of this identity"
            )
    return Failure("permission", cause, remedy, code, detail)


def exchange_status(answer: Answer, claims: Mapping[str, Any], mailbox: str = "") -> Failure:
    """What an answer of the admin API with a status other than 200 means, to a token of these
    claims and a question about this mailbox (exchange-online 1.7).
    """
    from .codes.exchange import EXCHANGE
    from .codes.http import ADMIN

    status, code = answer.status, f"HTTP {answer.status}"
    if status == 429:
        return throttled(answer, "Exchange")
    if 300 <= status < 400:
        return redirected(answer, "--exchange-url")
    if status in (401, 403):
        return _refused(answer, claims)
    if "MapiException" in message(answer) and error_document(answer):
        return mapi_error(message(answer))
    exception = exception_name(answer)
    row = EXCHANGE.get(exception)
    if row is None and "may be transient" in message(answer):
        row = EXCHANGE["TransientException"]
    if exception == "ManagementObjectNotFoundException":
        row = recipients.explain(message(answer), guest="#ext#" in mailbox.lower()) or row
    if row is not None:
        return Failure(
            row.kind,
            row.cause,
            row.remedy,
            exception or code,
            message(answer),
            transient=row.transient,
        )
    if status >= 500 or status == 408:
        return trouble(answer, "Exchange")
    if status == 400 and error_document(answer):
        remedy = "see Exchange's own text below"
        return Failure(
            "server",
            "Exchange could not run the cmdlet",
            remedy,
            exception or code,
            message(answer),
        )
    row = ADMIN[404]
    cause = row.cause.format(host=answer.host)
    return Failure(row.kind, cause, row.remedy, code, message(answer))


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
            return Failure(
                "logon",
                "Exchange could not log on to the mailbox",
                "see Exchange's own text",
                code,
                detail,
            )
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
    for member in (_internal(error).get("message"), error.get("message")):
        if isinstance(member, str) and member.strip():
            return member.strip()
    return glimpse(answer)


def _embedded(text: str) -> str:
    """The `Message` of a detail that is itself a JSON object; any other detail as it is."""
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        document = None
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
    return next(iter([*known, *(name for name in names if name != "Exception")]), "")


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
