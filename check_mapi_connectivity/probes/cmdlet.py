"""Method `cmdlet`: Exchange Online runs its own Test-MAPIConnectivity for one mailbox."""

from __future__ import annotations

import math

from ..base.credentials import UserPassword
from ..base.failure import CheckFailure, Failure
from ..services import exchange_admin, exchange_refusals
from .context import ID_HEADERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..network.answer import Answer
    from ..signin.tokens import Token
    from .context import ProbeContext


class CmdletProbe:
    """Runs the cmdlet for the mailbox of the report."""

    def __init__(self, run: ProbeContext) -> None:
        self._run, self._report = run, run.report

    def run(self) -> None:
        """Run the cmdlet and fill in the report.

        Raises CheckFailure when the mailbox was not logged on to and listed.
        """
        report = self._report
        finding, trace = report.finding, report.trace
        token = self._run.sign_in.token()
        answer = self._post(token)
        if answer.status == 401 and token.cached:
            token = self._run.sign_in.renew(token)
            answer = self._post(token)
        if answer.status != 200:
            raise CheckFailure(
                exchange_refusals.exchange_status(answer, token.claims, self._report.mailbox)
            )
        outcome = exchange_admin.read(answer)
        finding.result, finding.named = outcome.result, outcome.mailbox
        finding.server, finding.database = outcome.server, outcome.database
        # The module reads warnings from the header, the body has them too (exchange-online 1.6).
        warnings = [*outcome.warnings, answer.headers.get("X-Warnings", "")]
        trace.remark(*(f"warning of Exchange: {text}" for text in dict.fromkeys(warnings) if text))
        failure = exchange_admin.judge(outcome)
        # A latency of nothing beside a failure means that the test never ran.
        finding.server_latency = outcome.latency if outcome.latency or failure is None else None
        if failure is not None:
            raise CheckFailure(failure)
        if outcome.error:
            trace.remark(f"Exchange adds: {outcome.error}")
        finding.connection_time = outcome.latency
        # Clocks differ by little; a unit that was misread, by much.
        if outcome.latency is not None and outcome.latency > (finding.round_trip or math.inf) + 1.0:
            trace.remark(
                "Exchange reports a Latency that is longer than the whole request: its unit may be "
                "another, report it with --record"
            )
        if outcome.latency is None:
            note = outcome.latency_note or "Exchange reports no Latency"
            trace.remark(f"{note}; the connection time is the request's round trip")
            finding.connection_time = finding.round_trip
        report.success = True

    def end(self) -> None:
        """Nothing is left behind."""

    def _post(self, token: Token) -> Answer:
        account, report = self._run.account, self._report
        report.times.service = report.times.stopwatch()
        tenant = token.tenant_id or account.tenant
        if not tenant:
            raise CheckFailure(Failure("credential", "the token names no tenant", "give --tenant"))
        user = account.credential
        path, headers, body = exchange_admin.request(
            tenant,
            report.mailbox,
            archive=self._run.targets.archive,
            token=token.access_token,
            user=user.username if isinstance(user, UserPassword) else None,
        )
        answer = self._run.transport.send(
            "POST",
            self._run.server.exchange_url + path,
            report.times.service,
            headers=headers,
            data=body,
        )
        phases = {phase.name: phase.seconds for phase in report.times.service.phases()}
        report.finding.round_trip = phases.get("request")
        report.trace.identify(
            {name: answer.headers[name] for name in ID_HEADERS if name in answer.headers}
        )
        throttling = exchange_refusals.throttling(answer)
        if throttling:
            report.trace.fact("throttling", throttling)
        return answer
