"""Method `graph`: Microsoft Graph lists the Inbox of one mailbox."""

from __future__ import annotations

from ..base.failure import CheckFailure
from ..services import graph, graph_refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..network.answer import Answer
    from ..signin.tokens import Token
    from .context import ProbeContext


class GraphProbe:
    """Lists the Inbox of the report's mailbox."""

    def __init__(self, run: ProbeContext) -> None:
        self._run = run
        run.report.finding.database = "Graph does not name it"

    def run(self) -> None:
        """List the Inbox and fill in the report.

        Raises CheckFailure when the mailbox was not logged on to and listed.
        """
        run, report = self._run, self._run.report
        token = run.sign_in.token()
        answer = self._get(token)
        if answer.status == 401 and token.cached:
            token = run.sign_in.renew(token)
            answer = self._get(token)
        if answer.status != 200:
            raise CheckFailure(graph_refusals.status(answer, token.claims))
        listed = graph.read(answer)
        # A server may list more than it was asked for.
        report.finding.rows = listed.rows[: run.targets.inbox_items]
        report.finding.inbox_items = listed.total
        if listed.total is None:
            text = f"{len(listed.rows)} listed; Graph does not say how many more"
            report.trace.fact("inbox", text)
        elif listed.total and not listed.rows:
            report.trace.remark(f"Graph counts {listed.total} messages, yet lists none")
        report.finding.connection_time = report.times.service.total()
        report.success = True

    def end(self) -> None:
        """Nothing is left behind."""

    def _get(self, token: Token) -> Answer:
        targets, report = self._run.targets, self._run.report
        report.times.service = report.times.stopwatch()
        path, headers = graph.request(
            report.mailbox,
            targets.inbox_items,
            token.access_token,
            subjects=targets.subjects,
        )
        answer = self._run.transport.send(
            "GET", self._run.server.graph_url + path, report.times.service, headers=headers
        )
        phases = {phase.name: phase.seconds for phase in report.times.service.phases()}
        report.finding.round_trip = phases.get("request")
        report.trace.identify(graph.ids(answer))
        front_end = graph.front_end(answer)
        report.finding.server = (
            f"Graph names its own front end only: {front_end}"
            if front_end
            else "Graph does not name it"
        )
        facts = {
            "permission": graph.granted(token.claims),
            "throttling": graph_refusals.throttling(answer),
        }
        for name, text in facts.items():
            if text:
                report.trace.fact(name, text)
        return answer
