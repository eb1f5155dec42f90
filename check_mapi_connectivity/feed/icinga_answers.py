"""What Icinga's API asks for and answers (action process-check-result), without a connection.

Facts: Icinga 2.13.6 and 2.14.6. A 200 proves nothing without exactly one result object, and a 404
is no diagnosis: an unknown name, a missing permission and a permission whose filter leaves the
object out all are "No objects found".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from ..base.failure import Failure

if TYPE_CHECKING:
    from .results import Result

PERMISSION = "actions/process-check-result"

#: From this version on a result that is answered with 200 survives a reload.
SAFE = (2, 14)

#: Characters of what Icinga says that are shown.
_MOST_WORDS = 300


class Refused(NamedTuple):
    """Why one result was not taken."""

    why: str


class Again(NamedTuple):
    """Icinga cannot take results just now."""

    why: str


def path(result: Result) -> str:
    """Path and query of the request for a result: the object is in the URL and nowhere else,
    because a body that names a type without a target means every service there is.
    """
    return f"/v1/actions/process-check-result?service={quote(full_name(result), safe='')}"


def full_name(result: Result) -> str:
    """What Icinga calls a service."""
    return f"{result.host}!{result.service}"


def body(result: Result, *, verbose: bool = True) -> str:
    """The request's body: one JSON document in ASCII; `verbose` asks for the reason of a refusal,
    which takes Icinga 60 ms to find out.
    """
    return json.dumps(
        {
            "exit_status": result.code,
            "plugin_output": result.text,
            "performance_data": list(result.perfdata),
            "execution_start": round(result.began, 3),
            "execution_end": round(result.ended, 3),
            "verbose": verbose,
        }
    )


def version(server: str) -> tuple[int, ...]:
    """The version in a header `Server`; empty where it tells none.

    >>> version("Icinga/r2.13.6-1"), version("Icinga/v2.14.2"), version("nginx")
    ((2, 13), (2, 14), ())
    """
    match = re.match(r"Icinga/[rv]?([0-9]{1,4})\.([0-9]{1,4})", server)
    return (int(match[1]), int(match[2])) if match else ()


def refusal(status: int, document: Any, server: str, user: str) -> Failure | None:
    """Why nothing can be submitted, by the answer to `GET /v1`; None where it can."""
    if status == 401:
        return _failure(
            f"Icinga knows no user {user} with this password or certificate",
            "check the ApiUser and what --submit-user or --submit-certificate name",
            "HTTP 401",
        )
    found = _results(document)
    permissions = found[0].get("permissions") if len(found) == 1 else None
    if status != 200 or not isinstance(permissions, list):
        name = server[:40] or "what answers there"
        return _failure(
            f"{name} does not answer as Icinga's API does",
            "check --submit-url; the API listens on port 5665",
            f"HTTP {status}",
        )
    granted = [str(one).partition(" (")[0] for one in permissions]
    if not any(_grants(one) for one in granted):
        return _failure(
            f"the ApiUser {user} may not submit results",
            f"grant the ApiUser {PERMISSION}; then reload Icinga",
        )
    return None


def _grants(pattern: str) -> bool:
    """Whether a permission of Icinga, in which * stands for any text, allows to submit."""
    parts = (re.escape(part) for part in pattern.lower().split("*"))
    return re.fullmatch(".*".join(parts), PERMISSION) is not None


def read(status: int, document: Any) -> Refused | Again | Failure | None:
    """What an answer to a result means; None where it was taken.

    A Failure concerns all results, the others only this one.
    """
    words = _words(document)
    if status == 503:
        return Again(words or "HTTP 503")
    if status == 401:
        return _failure("Icinga does not let the user in any more", "check its ApiUser", "HTTP 401")
    found = _results(document)
    if status == 200 and len(found) == 1 and found[0].get("code") == 200:
        return None
    if status == 200 and len(found) > 1:
        return Refused(f"{len(found)} objects have taken it, not one: look at the names")
    if status == 404:
        return Refused(_unknown(words))
    if not isinstance(document, dict):
        return _failure(
            "Icinga's API answers with what is not its own", "check --submit-url", f"HTTP {status}"
        )
    return Refused(words or f"HTTP {status} without a reason")


def _unknown(words: str) -> str:
    """Why an object is not found; Icinga says more where a permission is missing."""
    if "ermission" in words or "denied" in words:
        return words
    return "no such service for this ApiUser"


def _results(document: Any) -> list[dict[str, Any]]:
    """The result objects of an answer."""
    found = document.get("results") if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _words(document: Any) -> str:
    """What an answer says, in Icinga's own words; empty for nothing."""
    if not isinstance(document, dict):
        return ""
    parts = [document, *_results(document)]
    texts = [part.get(name) for part in parts for name in ("status", "diagnostic_information")]
    # A stack trace comes after the words.
    first = [text.partition("\n")[0] for text in texts if isinstance(text, str)]
    said = [" ".join(text.split()) for text in first]
    return "; ".join(dict.fromkeys(filter(None, said)))[:_MOST_WORDS]


def _failure(cause: str, remedy: str, code: str = "") -> Failure:
    return Failure("submit", cause, remedy, code)
