"""`--sign-in-only`: a token, and the tenant's own openid-configuration; no mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.credentials import ManagedIdentity
from ..base.failure import CheckFailure, Failure
from ..services import openid_configuration

if TYPE_CHECKING:
    from ..signin.tokens import Token
    from .context import ProbeContext


class SignInProbe:
    """Signs in, and asks Entra for the document of the tenant unless the sign-in has just done it.

    A token of the cache is one: it is what the tests of the mailboxes have. What says that Entra is
    there now is the document, which is asked for in every run.
    """

    def __init__(self, run: ProbeContext) -> None:
        self._run = run

    def run(self) -> None:
        """Sign in and fill in the report. Raises CheckFailure."""
        run, report = self._run, self._run.report
        token = run.sign_in.token()
        # msal has read the document on its way to a token, and judged it.
        if token.cached or isinstance(run.account.credential, ManagedIdentity):
            self._ask(self._tenant(token))
        if run.account.tenant:
            report.trace.fact("tenant", run.account.tenant)
        kept = "from the cache, not asked for anew" if token.cached else "fresh"
        report.trace.fact("token", f"{kept}, for {run.account.resource(report.method)}")
        report.success = True

    def end(self) -> None:
        """Nothing is left behind."""

    def _tenant(self, token: Token) -> str:
        """The tenant that the document is of. Raises CheckFailure."""
        tenant = self._run.account.tenant or token.tenant_id
        if not tenant:
            cause = "the token does not say of which tenant it is"
            raise CheckFailure(Failure("protocol", cause, "give --tenant"))
        return tenant

    def _ask(self, tenant: str) -> None:
        """Raises CheckFailure."""
        run, report = self._run, self._run.report
        report.times.service = report.times.stopwatch()
        url = run.account.authority_url + openid_configuration.path(tenant)
        answer = run.transport.send("GET", url, report.times.service)
        report.trace.identify(openid_configuration.ids(answer))
        found = openid_configuration.read(answer)
        report.trace.fact("issuer", found.issuer)
