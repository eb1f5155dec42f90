"""What Exchange's admin API means by an answer that is no success."""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..codes import recipients
from ..network import headers
from .http_refusals import (
    OWN_TEXT,
    challenged,
    details_of,
    error_document,
    inner_errors,
    is_page,
    message,
    redirected,
    throttled,
    trouble,
    unknown_error,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..codes import Advice
    from ..network.answer import Answer

#: What messages call it.
ONLINE = "Exchange Online"

#: Exceptions that only carry another one.
_WRAPPERS = frozenset({"Exception", "ODataServiceException", "CmdletProxyException"})

#: An exception that a text names, with its name space.
_NAMED = r"\b(?:Microsoft\.Exchange|System)\.[\w.+]{1,200}Exception\b"

#: Kinds of failure that a test of a mailbox, which Exchange makes itself, can have.
_OF_MAILBOXES = ("logon", "mailbox", "server", "throttled")

#: Exceptions that pass by themselves and whose names do not say so.
_PASSING = frozenset({"ADServerSettingsChangedException"})

#: Words of a refusal that is about Exchange's roles, not about the token.
_OF_ROLES = r"(?i)not allowed to call|assigned to any management role|supported in this scenario"

#: What the headers Rate-Limit-... tell: calls allowed, those left, and when they are all back.
_RATE = ("Limit", "Remaining", "Reset")

#: After about ten quick calls the admin API has answered 500 (exchange-online 1.8).
_BURST = "see M365 health; too many calls at once cause it as well: spread the checks"


def _refused(answer: Answer, claims: Mapping[str, Any]) -> Failure:
    """A 401 or 403 of the admin API to a token of these claims."""
    from ..codes.http import ADMIN

    person, roles = "scp" in claims, claims.get("roles")
    lacking = isinstance(roles, list) and "Exchange.ManageAsApp" not in roles
    of_roles = not lacking and re.search(_OF_ROLES, message(answer)[:1000])
    code, detail = f"HTTP {answer.status}", _explained(answer)
    if is_page(answer):
        cause = f"{answer.host} refuses the request with a web page"
        remedy = "check the proxy; if the page is Exchange's, check the app's permissions"
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
    from ..codes.http import ADMIN
    from ..codes.mapi import DIAGNOSTICS

    claimed = challenged(answer, "Exchange")
    if claimed is not None:
        return claimed
    roles = claims.get("roles")
    told = headers.diagnostics(answer.headers.get("x-ms-diagnostics", ""))
    row = DIAGNOSTICS.get(told.number or 0)
    cause, remedy = (row.cause, row.remedy) if row else (ADMIN[401].cause, ADMIN[401].remedy)
    if isinstance(roles, list) and "Exchange.ManageAsApp" not in roles:
        cause = "the token lacks the app role Exchange.ManageAsApp"
    elif isinstance(roles, list) and row is None:
        # It has the app role: to grant it again helps nobody.
        remedy = "add the app to a role group; its role must hold the cmdlet"
    if "scp" in claims:
        remedy = "run Get-User; EXOModuleEnabled must be true, and the app needs Exchange.Manage"
    return cause, remedy


def exchange_status(answer: Answer, claims: Mapping[str, Any], mailbox: str = "") -> Failure:
    """What an answer of the admin API with a status other than 200 means, to a token of these
    claims and a question about this mailbox (exchange-online 1.7).
    """
    from ..codes.http import ADMIN

    status, code, text = answer.status, f"HTTP {answer.status}", message(answer)
    if status == 429:
        return throttled(answer, ONLINE)
    if 300 <= status < 400:
        return redirected(answer, "--exchange-url")
    exception = exception_name(answer)
    if error_document(answer) and "MapiException" in f"{exception} {text}":
        return mapi_error(text if "MapiException" in text else f"{exception}: {text}")
    found = _by_exception(exception, text, mailbox)
    if found is not None:
        if not exception and passes(exception, text):
            # What calls itself temporary is no bad request, whatever its status.
            return found._replace(code="", detail=f"{found.detail} ({code})")
        return found._replace(code=exception or code)
    if status in (401, 403) and not exception:
        return _refused(answer, claims)
    if status >= 500 or status == 408:
        failure = trouble(answer, ONLINE, _BURST if status == 500 else "")
        return failure._replace(code=f"{code}, {exception}" if exception else code)
    if error_document(answer):
        return unknown_error(ONLINE, exception or code, text)
    return Failure.of(ADMIN[404], code, text, host=answer.host)


def throttling(answer: Answer) -> str | None:
    """How near the admin API's limit this caller is, where it says so: most answers do not
    (exchange-online 1.8).
    """
    found = [(name, answer.headers.get(f"Rate-Limit-{name}", "")) for name in _RATE]
    told = [f"{name.lower()} {' '.join(text[:60].split())}" for name, text in found if text]
    return ", ".join(told) or None


def passes(exception: str, text: str) -> bool:
    """Whether an exception of this name and text passes by itself."""
    from ..codes.exchange import EXCHANGE

    row = EXCHANGE.get(exception)
    named = exception.endswith("TransientException") or exception in _PASSING
    return bool(row and row.transient) or named or "may be transient" in text


def _by_exception(exception: str, text: str, mailbox: str) -> Failure | None:
    """What an exception of Exchange's means by its row; None where it has none."""
    from ..codes.exchange import EXCHANGE

    row = EXCHANGE.get(exception)
    if row is None and passes(exception, text):
        row = EXCHANGE["TransientException"]
    if row is None and re.search(r"not recognized as (?:a|the) name of a cmdlet", text[:2000]):
        row = EXCHANGE["CommandNotFoundException"]
    if exception == "ManagementObjectNotFoundException":
        row = recipients.explain(text, guest="#ext#" in mailbox.lower()) or row
    if row is None:
        return None
    return Failure.of(row, exception, text)


def exchange_error(text: str) -> Failure | None:
    """What an error in an answer with status 200 means, where it names an exception of the table;
    its form is `id|exception|text`.
    """
    parts = text.split("|", 2)
    name = re.split(r"[.+]", parts[1].strip())[-1] if len(parts) > 2 else ""
    return _by_exception(name, parts[-1].strip(), "") if name else None


def mapi_error(text: str) -> Failure:
    """What the cmdlet's Error text means: by the exception of MAPI that it names, else by its ec
    number, else by another exception of Exchange's.
    """
    from ..codes.exchange import EC, MAPI

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
            row = recipients.explain(text) or _behind(text, ec)
        if row is None:
            cause = "Test-MAPIConnectivity fails with an unknown error"
            return Failure("server", cause, OWN_TEXT, code, detail)
    return Failure.of(row, code, detail)


def _behind(text: str, ec: int | None) -> Advice | None:
    """What another exception than MAPI's, or a number without an exception of its own, says of the
    mailbox or its server; None for what is known of neither.
    """
    from ..codes.exchange import EXCHANGE
    from ..codes.mapi import CODES

    if ec in CODES:
        # The remedies there are for whoever has the server. The request was Exchange's own.
        row = CODES[ec]._replace(remedy=OWN_TEXT, transient=False)
        return row if row.kind in _OF_MAILBOXES else row._replace(kind="server")
    names = [name.rpartition(".")[2] for name in re.findall(_NAMED, text[:2000])]
    rows = (EXCHANGE[name] for name in names if name in EXCHANGE)
    return next((row for row in rows if row.kind in _OF_MAILBOXES), None)


def exception_name(answer: Answer) -> str:
    """The .NET exception behind an error answer, without name space; empty when none is named."""
    from ..codes.exchange import EXCHANGE

    error = error_document(answer)
    fields = [text.split("|") for text in details_of(error)]
    candidates = [parts[1] for parts in fields if len(parts) > 2]
    candidates += [str(inner.get("type", "")) for inner in inner_errors(error)]
    candidates.append(answer.headers.get("X-ExceptionType", ""))
    # One that another server has passed on is in the text alone.
    candidates += re.findall(_NAMED, message(answer)[:2000]) if error else []
    names = [re.split(r"[.+]", candidate.strip())[-1] for candidate in candidates]
    names = [name for name in names if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{2,99}", name)]
    known = [name for name in names if name in EXCHANGE]
    return next(iter([*known, *(name for name in names if name not in _WRAPPERS)]), "")


def _explained(answer: Answer) -> str:
    """The message, with the front end's own diagnostics where it sends them."""
    diagnostics = answer.headers.get("x-ms-diagnostics")
    return f"{message(answer)} ({diagnostics})" if diagnostics else message(answer)
