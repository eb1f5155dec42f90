"""Exchange Online's admin REST interface, sans-IO: the request that runs Test-MAPIConnectivity, and
what its answer says.

The interface (`InvokeCommand`) is undocumented, and no answer of it to this cmdlet has been seen in
public. So the reading is defensive: every encoding that the interface uses for other cmdlets is
understood (reference sheet exchange-online 1.6, 2.4, 2.5), and whatever else comes ends in one
exception, CheckFailure.
"""

from __future__ import annotations

import json
import math
import re

from ..base.failure import CheckFailure, Failure
from ..base.value import NamedTuple
from ..base.vocabulary import HEALTH
from . import exchange_refusals, http_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..network.answer import Answer

#: System mailbox that anchors app-only requests (exchange-online 1.3).
_ANCHOR = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"

#: Seconds beyond which a Latency is nonsense: no request lives for a month.
_LONGEST = 30 * 86400.0

_TIMESPAN = r"(-)?(?:([0-9]{1,8})\.)?([0-9]{1,2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,7})?)"
_DURATION = (
    r"P(?:([0-9]{1,8}(?:\.[0-9]{1,9})?)D)?(?:T(?:([0-9]{1,8}(?:\.[0-9]{1,9})?)H)?(?:([0-9]{1,8}(?:\.[0-9]{1,9})?)M)?"
    r"(?:([0-9]{1,8}(?:\.[0-9]{1,9})?)S)?)?"
)


class Outcome(NamedTuple):
    """One MapiTransactionOutcome.

    `latency` in seconds, None where Exchange reports none that can be read.
    """

    success: bool
    result: str
    latency: float | None
    latency_note: str
    server: str | None
    database: str | None
    mailbox: str | None
    error: str
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


def request(
    tenant: str, mailbox: str, *, archive: bool, token: str, user: str | None = None
) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of the POST (exchange-online 1.1-1.3); `user` is whose token it is,
    None for an app's.
    """
    parameters: dict[str, Any] = {"Identity": mailbox}
    if archive:
        parameters["Archive"] = True
    return invoke(tenant, "Test-MAPIConnectivity", parameters, token=token, user=user)


def invoke(
    tenant: str, cmdlet: str, parameters: dict[str, Any], *, token: str, user: str | None
) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of the POST that runs any cmdlet (exchange-online 1.1-1.3)."""
    document = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Language": "en-US",
        "X-CmdletName": cmdlet,
        "X-ResponseFormat": "json",
        "X-SerializationLevel": "Partial",
        "X-AnchorMailbox": f"UPN:{user}" if user else f"APP:{_ANCHOR}@{tenant}",
    }
    return f"/adminapi/beta/{tenant}/InvokeCommand", headers, json.dumps(document).encode("ascii")


def read(answer: Answer) -> Outcome:
    """The first outcome of an answer with status 200.

    Raises CheckFailure of kind `protocol` or `server`.
    """
    document = http_refusals.document(answer, _no_result)
    warnings = _texts(document.get("@adminapi.warnings"))
    there = http_refusals.error_document(answer)
    told = http_refusals.message(answer) if there else document.get("error")
    errors = (*_texts(document.get("@adminapi.errors")), *_texts(told))
    row = _row(document)
    if row is None:
        if errors:
            failure = _cmdlet_error(errors)._replace(
                cause="Exchange Online reports an error and no result"
            )
            named = (exchange_refusals.exchange_error(text) for text in errors)
            raise CheckFailure(next((found for found in named if found), failure))
        raise CheckFailure(
            _no_result(answer, "answers without the test's result", document.get("value"))
        )
    result = _member(row, "Result")
    if result is None or not result.strip("* "):
        raise CheckFailure(_no_result(answer, "answers with an empty Result", row))
    latency, note = read_latency(_found(row, "Latency"))
    return Outcome(
        success=_words(result) == "success",
        result=result.strip("* "),
        latency=latency,
        latency_note=note,
        server=_member(row, "Server"),
        database=_member(row, "Database"),
        mailbox=_member(row, "Mailbox"),
        error=_member(row, "Error") or "",
        warnings=warnings,
        errors=errors,
    )


def judge(outcome: Outcome) -> Failure | None:
    """Why an outcome is no success; None when it is one (exchange-online 2.5 rule 2, contract
    7.17).
    """
    if outcome.success and not outcome.errors:
        return None
    if outcome.success:
        return _cmdlet_error(outcome.errors)
    failure = exchange_refusals.mapi_error(outcome.error)
    if "moved" in _words(outcome.result) and failure.state_key != "moving":
        from ..codes.exchange import MAPI

        row = MAPI["MapiExceptionWrongServer"]
        failure = Failure.of(row, failure.code, failure.detail)
    if outcome.error or outcome.errors:
        return failure
    cause = f"Test-MAPIConnectivity says {outcome.result} without a reason"
    # Another word than those that are known may be one of another language.
    remedy = HEALTH if _words(outcome.result) == "failure" else http_refusals.REPORT
    return failure if failure.judged_as else Failure("server", cause, remedy)


def read_latency(value: object) -> tuple[float | None, str]:
    """Seconds of a Latency, and a note where there is one that cannot be read.

    >>> read_latency("00:00:00.0410000"), read_latency("PT0.5S"), read_latency({"Ticks": 410000})
    ((0.041, ''), (0.5, ''), (0.041, ''))
    """
    if value is None or value == "":
        return None, ""
    seconds = _seconds(value)
    if seconds is None or not math.isfinite(seconds) or not 0 <= seconds < _LONGEST:
        return None, f"Latency {str(value)[:60]} is unreadable"
    return round(seconds, 7), ""


def _seconds(value: object) -> float | None:
    if isinstance(value, dict):
        return _of_members(value)
    number = _number(value)
    if number is not None:
        # Which unit a bare number has is unknown; only as seconds is it plausible.
        return number if number < 1000 else None
    if not isinstance(value, str):
        return None
    match = re.fullmatch(_TIMESPAN, value.strip())
    if match:
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        return (
            None
            if hours > 23 or minutes > 59 or seconds >= 60
            else -total
            if match[1] and total
            else total
        )
    match = re.fullmatch(_DURATION, value.strip())
    if match and any(part is not None for part in match.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return None


#: Members of a TimeSpan that are the whole of it, and those that are parts -> seconds of one.
_WHOLES = {
    "totalmilliseconds": 1e-3,
    "totalseconds": 1.0,
    "totalminutes": 60.0,
    "totalhours": 3600.0,
    "totaldays": 86400.0,
    "ticks": 1e-7,
}
_PARTS = {
    "days": 86400.0,
    "hours": 3600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
    "nanoseconds": 1e-9,
}


def _of_members(value: dict[str, Any]) -> float | None:
    """A TimeSpan as an object, in any case of letters: the member that is its whole, else the sum
    of its parts, else what it wraps.
    """
    members = {name.lower(): member for name, member in value.items() if "@" not in name}
    for name, unit in _WHOLES.items():
        number = _number(members.get(name))
        if number is not None:
            return number * unit
    parts = [(_number(members[name]), unit) for name, unit in _PARTS.items() if name in members]
    if parts:
        known = [number * unit for number, unit in parts if number is not None]
        return sum(known) if len(known) == len(parts) else None
    inner = members.get("value")
    if inner is None and len(members) == 1:
        inner = next(iter(members.values()))
    return _seconds(inner) if isinstance(inner, str) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    return (
        float(value)
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,18}(?:\.[0-9]{1,18})?\s*", value)
        else None
    )


def _row(document: dict[str, Any]) -> dict[str, Any] | None:
    """The first object of `value` that tells of a failure, else the first with a Result, or `value`
    itself; `Value` is tolerated.
    """
    value = document.get("value") or document.get("Value")
    rows = [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict)]
    told = [row for row in rows if _found(row, "Result") is not None]
    # One mailbox has one row; where there are more, one success does not speak for the others.
    failed = [row for row in told if _words(_member(row, "Result") or "") != "success"]
    return next(iter([*failed, *told, *rows]), None)


def _found(row: dict[str, Any], name: str) -> Any:
    """A member of a row, in any case of letters: serializers write `Result` or `result`."""
    if name in row:
        return row[name]
    return next((member for key, member in row.items() if key.lower() == name.lower()), None)


def _member(row: dict[str, Any], name: str) -> str | None:
    """The text of a member of a row."""
    return _scalar(_found(row, name))


def _scalar(value: object) -> str | None:
    """A member's text: a string or number itself, or what an object wraps (exchange-online 2.5 rule
    2); of a list those of its strings.
    """
    if isinstance(value, list):
        value = "; ".join(item for item in value if isinstance(item, str))
    if isinstance(value, dict):
        plain = {name: member for name, member in value.items() if "@" not in name}
        wrapped = [plain.get("Value"), plain.get("value"), *plain.values()]
        value = next(
            (
                member
                for member in wrapped
                if isinstance(member, (str, int, float)) and not isinstance(member, bool)
            ),
            None,
        )
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value).strip() or None


def _words(result: str) -> str:
    return result.strip("* ").lower()


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a member that may be a list; what is no text and not empty, in JSON, because an
    error in a shape of its own is an error all the same.
    """
    items = value if isinstance(value, list) else [value]
    texts = (_scalar(item) or (json.dumps(item) if item else "") for item in items)
    return tuple(text for text in texts if text)


def _cmdlet_error(errors: tuple[str, ...]) -> Failure:
    cause = "Exchange Online reports an error beside the result"
    return Failure("server", cause, http_refusals.OWN_TEXT, "@adminapi.errors", "; ".join(errors))


def _no_result(answer: Answer, does: str, found: object = None) -> Failure:
    """An answer without a result: what the host does instead; `found` stands in its place."""
    cause = f"{answer.host} {does}"
    remedy = "check the proxy; else run the check with --record and report it"
    detail = http_refusals.glimpse(answer) if found is None else json.dumps(found)[:200]
    return Failure("protocol", cause, remedy, f"HTTP {answer.status}", detail)
