"""The proof: the check itself, with the identity that was made, until it is green.

The check runs as a process of its own, as it will for the operator: what ends a run that hangs is a
watchdog, and a process has but one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.failure import CheckFailure, Failure
from ..result import output
from ..result.first_line import LISTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .files.directory import Directory
    from .terminal import Voice

#: Seconds between two tries at most, and of the first pause.
_LONGEST, _FIRST = 30.0, 2.0

#: What is to be done where what was granted may still be on its way.
LATER = (
    "wait for the grants to take effect, which may need more than 15 minutes, then run this again; "
    "they are kept, and --status shows them"
)

#: Kinds of failure that are the identity's own: with these no right does it any good.
_FOR_GOOD = ("usage", "credential", "permission")

#: What a refusal says about which grant has not arrived yet (reference sheet exchange-online 1.5,
#: 8.3 step 7): code -> words.
_STAGES = {
    ("cmdlet", "HTTP 401"): "the app role has not taken effect yet (HTTP 401)",
    ("cmdlet", "HTTP 403"): "the role group has not taken effect yet (HTTP 403)",
    ("", "AADSTS700016"): "Entra does not know the app everywhere yet",
    ("", "AADSTS7000229"): "Entra does not know the enterprise application everywhere yet",
    ("", "AADSTS700027"): "Entra does not know the certificate everywhere yet",
    ("graph", ""): "the right to read the mailbox has not taken effect yet (30 minutes to 2 hours)",
}


class Check(NamedTuple):
    """A run of the check: the words after its name, and its environment; where its files are, a
    directory that is handed on as it is held.
    """

    words: list[str]
    environ: Mapping[str, str]
    place: Directory | None = None


class Outcome(NamedTuple):
    """How a run of the check ended: the first test that is no success, else the first."""

    mailbox: str
    method: str
    failure: Failure | None
    seconds: float = 0.0


def prove(check: Check, voice: Voice, seconds: float) -> None:
    """Run the check until every mailbox is green by every method.

    Waits `seconds` at most for grants to arrive. Raises CheckFailure for a refusal that waiting
    does not mend, and for one that is left when the time is over.
    """
    until, pause = voice.clock() + seconds, _FIRST
    shown = ""
    while True:
        outcome = once(check)
        if outcome.failure is None:
            took = f"Inbox {LISTED} {outcome.seconds:.3f}s ({outcome.method})"
            voice.say(f"  the check works: {outcome.mailbox}: {took}")
            return
        stage = waiting_for(outcome)
        if stage is None:
            raise CheckFailure(outcome.failure)
        if stage != shown:
            voice.say(f"  waiting: {stage}")
            shown = stage
        if voice.clock() + pause > until:
            failure = outcome.failure
            cause = f"{stage} after {seconds / 60:.0f} min"
            raise CheckFailure(
                Failure(failure.kind, cause, LATER, failure.code, failure.detail, transient=True)
            )
        voice.wait(pause, stage)
        pause = min(_LONGEST, 2 * pause)


def waiting_may_help(failure: Failure) -> bool:
    """Whether what was granted may still come to be of use as it is: not where the check refuses
    the identity itself, or the identity is refused for good.
    """
    return failure.transient or failure.kind not in _FOR_GOOD


def once(check: Check) -> Outcome:
    """One run of the check. Raises CheckFailure where it gives no answer."""
    return read(_run(check))


def _run(check: Check) -> str:
    """Start the check and wait for what it says, as JSON. Raises CheckFailure."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.pathsep.join(filter(None, [package, check.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "check_mapi_connectivity", "--json", *check.words]
    place = check.place
    held = None if place is None else place.descriptor
    try:
        done = subprocess.run(
            command,
            # In a directory of somebody's, modules might lie that are none of ours.
            cwd="/",
            env={**check.environ, "PYTHONPATH": path},
            pass_fds=() if held is None else (held,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120.0,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        cause = f"the check cannot be started: {type(error).__name__}"
        raise CheckFailure(Failure("usage", cause, "run it by hand to see why")) from None
    text = done.stdout.decode("utf-8", "replace")
    return text if place is None else text.replace(place.base, place.path)


def read(text: str) -> Outcome:
    """What a run of the check with --json has said. Raises CheckFailure for what is no such
    document.
    """
    try:
        document = json.loads(text)
        reports = document.get("reports", [])
        if document.get("failure"):
            # It never got as far as a mailbox.
            return Outcome("", "", _failure(document["failure"]))
        failed = [one for one in reports if one["failure"] is not None or not one["success"]]
        one = failed[0] if failed else reports[0]
        seconds = one["connection_time"] or one["round_trip"] or 0.0
        failure = _failure(one["failure"] or {}) if failed else None
        return Outcome(str(one["mailbox"]), str(one["method"]), failure, float(seconds))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        detail = output.clean(text, 200)
        failure = Failure(
            "protocol", "the check gives no answer", "run it by hand to see why", "", detail
        )
        raise CheckFailure(failure) from None


def _failure(said: dict[str, Any]) -> Failure:
    texts = (str(said.get(name) or "") for name in ("kind", "cause", "remedy", "code", "detail"))
    kind, cause, remedy, code, detail = texts
    return Failure(kind, cause, remedy, code, detail)


def waiting_for(outcome: Outcome) -> str | None:
    """What has not arrived yet, in words; None where waiting is of no use."""
    failure = outcome.failure
    if failure is None:
        return None
    stage = _STAGES.get((outcome.method, failure.code)) or _STAGES.get(("", failure.code))
    if stage is None and outcome.method == "graph" and failure.kind == "permission":
        return _STAGES["graph", ""]
    if stage is None and failure.kind in ("throttled", "server", "timeout"):
        return failure.cause
    return stage
