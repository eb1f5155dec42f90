"""Method `cmdlet`: Exchange Online runs its own Test-MAPIConnectivity for one mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import adminapi, advice
from ..report import CheckFailure, Stopwatch

if TYPE_CHECKING:
    from ..identity import Identity, Token
    from ..options import Options
    from ..report import Report
    from ..transport import Answer, Transport

#: Response headers that Microsoft support asks for, or that tell which server answered.
_ID_HEADERS = ("request-id", "X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-FailureContext")


def probe(options: Options, transport: Transport, identity: Identity, report: Report) -> None:
    """Run the cmdlet and fill in `report`.

    Raises CheckFailure when the mailbox was not logged on to and listed.
    """
    token = identity.token()
    answer = _post(options, transport, token, report)
    if answer.status == 401 and token.cached:
        token = identity.renew()
        answer = _post(options, transport, token, report)
    if answer.status != 200:
        raise CheckFailure(advice.exchange_status(answer, token.claims.get("roles")))
    outcome = adminapi.read(answer)
    report.result, report.named = outcome.result, outcome.mailbox
    report.server, report.database = outcome.server, outcome.database
    # The module reads warnings from the header, the body has them too (exchange-online 1.6).
    warnings = [*outcome.warnings, answer.headers.get("X-Warnings", "")]
    report.remarks += [f"warning of Exchange: {text}" for text in dict.fromkeys(warnings) if text]
    failure = adminapi.judge(outcome)
    # A latency of nothing beside a failure means that the test never ran.
    report.server_latency = outcome.latency if outcome.latency or failure is None else None
    if failure is not None:
        raise CheckFailure(failure)
    if outcome.error:
        report.remarks.append(f"Exchange adds: {outcome.error}")
    if outcome.latency is None:
        note = outcome.latency_note or "Exchange reports no Latency"
        report.remarks.append(f"{note}; the connection time is the request's round trip")
    report.success = True


def _post(options: Options, transport: Transport, token: Token, report: Report) -> Answer:
    report.service = Stopwatch()
    tenant = token.tenant_id or options.tenant
    path, headers, body = adminapi.request(
        tenant, options.mailbox, archive=options.archive, token=token.access_token
    )
    answer = transport.send(
        "POST", options.exchange_url + path, report.service, headers=headers, data=body
    )
    phases = {phase.name: phase.seconds for phase in report.service.phases()}
    report.round_trip = phases.get("request")
    report.ids.update(
        {name: answer.headers[name] for name in _ID_HEADERS if name in answer.headers}
    )
    return answer
