"""The proof: the check itself, with the identity that was made, until it is green."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .. import masking
from ..deadline import Deadline
from ..errors import UsageError
from ..report import CheckFailure, Failure, Report
from ..runner import Runner

if TYPE_CHECKING:
    from ..options import Options
    from .voice import Voice

#: Seconds between two tries at most, and of the first pause.
_LONGEST, _FIRST = 30.0, 2.0

#: What a refusal says about which grant has not arrived yet (reference sheet exchange-online 1.5,
#: 8.3 step 7): code -> words.
_STAGES = {
    ("cmdlet", "HTTP 401"): "the app role has not arrived yet (HTTP 401)",
    ("cmdlet", "HTTP 403"): "the role group has not arrived yet (HTTP 403)",
    ("", "AADSTS700016"): "Entra does not know the app everywhere yet",
    ("", "AADSTS7000229"): "Entra does not know the enterprise application everywhere yet",
    ("", "AADSTS700027"): "Entra does not know the certificate everywhere yet",
    ("graph", ""): "the right to read the mailbox has not arrived yet (30 minutes to 2 hours)",
}


def prove(options: Options, voice: Voice, seconds: float) -> None:
    """Run the check until every mailbox is green by every method.

    Waits `seconds` at most for grants to arrive. Raises CheckFailure for a refusal that waiting
    does not mend, and for one that is left when the time is over.
    """
    until, pause = voice.clock() + seconds, _FIRST
    shown = ""
    while True:
        report = once(options)
        if report.failure is None:
            voice.say(f"  the check is green: {_green(report)}")
            return
        stage = waiting_for(report)
        if stage is None:
            raise CheckFailure(report.failure)
        if stage != shown:
            voice.say(f"  waiting: {stage}")
            shown = stage
        if voice.clock() + pause > until:
            failure = report.failure
            remedy = "all is made; run this again later, it goes on waiting"
            cause = f"{stage} after {seconds / 60:.0f} minutes"
            raise CheckFailure(Failure(failure.kind, cause, remedy, failure.code, failure.detail))
        voice.wait(pause, stage)
        pause = min(_LONGEST, 2 * pause)


def once(options: Options) -> Report:
    """One run of the check: the first report that is no success, else the first."""
    reports = [Report(mailbox, method) for mailbox, method in options.tests]
    deadline = Deadline(time.monotonic(), options.timeout)
    try:
        Runner(options, deadline, reports, lambda _: None).run()
    except UsageError as error:
        reports[0].failure = Failure("usage", str(error))
    given = masking.of_options(options)
    for report in reports:
        masking.conceal(report, given)
        if not report.success and report.failure is None:
            report.failure = report.timed_out(options.timeout)
    return next((report for report in reports if report.failure is not None), reports[0])


def waiting_for(report: Report) -> str | None:
    """What has not arrived yet, in words; None where waiting is of no use."""
    failure = report.failure
    if failure is None:
        return None
    stage = _STAGES.get((report.method, failure.code)) or _STAGES.get(("", failure.code))
    if stage is None and report.method == "graph" and failure.kind == "permission":
        stage = _STAGES["graph", ""]
    if stage is None and (failure.transient or failure.kind in ("throttled", "server")):
        return failure.cause
    return stage


def _green(report: Report) -> str:
    took = report.connection_time or report.round_trip or 0.0
    return f"{report.mailbox}: Inbox listed in {took:.3f}s ({report.method})"
