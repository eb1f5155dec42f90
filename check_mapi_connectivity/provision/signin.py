"""The administrator's sign-in: by device code, or with tokens that he has from elsewhere.

Graph and Exchange want a token each, and no client of Microsoft's own is known to have both:
Graph's is that of its command line tools, Exchange's that of its PowerShell module (reference sheet
exchange-online 8.1). What the first sign-in gives is tried for the second; where that fails,
another code is shown.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import entra
from ..codes.graph import APPLICATION, HOSTS
from ..errors import UsageError
from ..options import MODULE_CLIENT_ID
from ..report import CheckFailure, Failure
from ..tokens import MARGIN, claims, lifetime, sendable
from . import names

if TYPE_CHECKING:
    from typing import Any

    from ..job import Job
    from .voice import Voice

#: Service -> what it is called, and its audience where that is an id.
_SERVICES = {
    "graph": ("Microsoft Graph", APPLICATION),
    "exchange": ("Exchange Online", names.EXCHANGE_APP),
}

#: Codes by which policies of the tenant bar device code (exchange-online 5.7, 6).
_POLICIES = [f"AADSTS{n}" for n in (50097, 50131, 53000, 53001, 53002, 53003, 530032)]

_CONSENTING = "sign in as Global Administrator or Privileged Role Administrator"

#: Codes of a device sign-in -> cause, where Entra's name says too little, and what to do.
_CODES = {
    "AADSTS65001": ("", _CONSENTING),
    "AADSTS65004": ("", "run it again, and accept what the page asks for"),
    "AADSTS70020": ("nobody entered the code in time", "run it again"),
    "AADSTS90094": ("this account may not consent", _CONSENTING),
    **dict.fromkeys(_POLICIES, ("", "where device code is blocked: --ask-token or --print-only")),
}

#: A scope of the Exchange token without which it is of no use here.
_EXCHANGE_SCOPE = "Exchange.Manage"


class Administrator:
    """Access tokens by service, made when they are first needed.

    `pasted` are tokens that the administrator gave; with one of them no sign-in is tried.
    """

    def __init__(self, job: Job, voice: Voice, pasted: dict[str, str] | None = None) -> None:
        self._job, self._voice = job, voice
        self._pasted = bool(pasted)
        voice.hush(*(pasted or {}).values())
        self._tokens = dict(pasted or {})
        self._expires: dict[str, float] = {}
        self._apps: dict[str, tuple[Any, entra.EntraHttp]] = {}
        self._refresh: dict[str, str] = {}

    def token(self, service: str) -> str:
        """A token for `graph` or `exchange`. Raises CheckFailure."""
        if self._pasted:
            if service not in self._tokens:
                called = _SERVICES[service][0]
                cause = f"no access token for {called} among those given"
                raise CheckFailure(Failure("credential", cause, "give one for each service"))
            return self._tokens[service]
        if service not in self._tokens or self._expires[service] - time.time() < MARGIN:
            self._tokens.pop(service, None)
            self._sign_in(service)
        return self._tokens[service]

    @property
    def who(self) -> str:
        """Whose tokens these are, as far as they say."""
        for token in self._tokens.values():
            said = claims(token)
            for name in ("upn", "preferred_username", "unique_name", "appid"):
                if said.get(name):
                    return str(said[name])
        return "an account that the token does not name"

    def _sign_in(self, service: str) -> None:
        if service in self._apps:
            # The token has ended meanwhile.
            if self._silently(service, service):
                return
        elif service == "exchange" and self._silently("graph", service):
            return
        self._by_code(service)

    def _silently(self, client: str, service: str) -> bool:
        """Whether an earlier sign-in of a client gives a token for the service, too."""
        if not self._refresh.get(client):
            return False
        app, http = self._apps[client]
        refresh = self._refresh.get(client, "")

        def asking() -> dict[str, Any]:
            return dict(app.acquire_token_by_refresh_token(refresh, self._scopes(service)))

        try:
            answer = entra.answered(self._job, http, asking)
        except CheckFailure:
            return False
        scopes = str(claims(str(answer["access_token"])).get("scp", "")).split()
        if client != service and _EXCHANGE_SCOPE not in scopes:
            return False
        if client == service:
            self._refresh[client] = str(answer.get("refresh_token") or refresh)
        self._keep(service, answer)
        return True

    def _by_code(self, service: str) -> None:
        """Show a code, and wait until somebody has entered it. Raises CheckFailure."""
        import msal

        options, called = self._job.options, _SERVICES[service][0]
        http = entra.EntraHttp(self._job, None)
        client = names.GRAPH_TOOLS if service == "graph" else MODULE_CLIENT_ID
        made: list[Any] = []

        def begin() -> dict[str, Any]:
            app = msal.PublicClientApplication(
                client,
                authority=f"{options.authority_url}/{options.tenant}",
                instance_discovery=False,
                http_client=http,
            )
            made.append(app)
            found = app.initiate_device_flow(scopes=self._scopes(service))
            return found if isinstance(found, dict) else {}

        flow = dict(entra.answered(self._job, http, begin, "user_code"))
        self._voice.hush(str(flow.get("device_code") or ""))
        place = str(flow.get("verification_uri", "https://microsoft.com/devicelogin"))
        minutes = int(flow.get("expires_in", 900)) // 60
        self._voice.say(f"Sign in as administrator for {called}:")
        self._voice.say(f"  open {place} and enter the code {flow['user_code']}")
        self._voice.say(
            f"  waiting for you, {minutes} minutes at most; Ctrl-C stops, nothing is done"
        )
        try:
            answer = entra.answered(
                self._job, http, lambda: dict(made[0].acquire_token_by_device_flow(flow))
            )
        except CheckFailure as error:
            raise CheckFailure(_way_round(error.failure)) from None
        self._apps[service] = (made[0], http)
        self._refresh[service] = str(answer.get("refresh_token") or "")
        self._keep(service, answer)
        self._voice.say(f"  signed in as {self.who}")

    def _scopes(self, service: str) -> list[str]:
        cloud = self._job.options.cloud
        if service == "exchange":
            return [f"{cloud.exchange}/.default"]
        return [f"{cloud.graph}/{name}" for name in names.GRAPH_SCOPES]

    def _keep(self, service: str, answer: Any) -> None:
        token = str(answer["access_token"])
        self._voice.hush(token, str(answer.get("refresh_token") or ""))
        self._tokens[service] = token
        self._expires[service] = time.time() + lifetime(answer.get("expires_in"))


def sort(texts: list[str], option: str, exchange: str) -> dict[str, str]:
    """Pasted tokens by service, told by their audience; `exchange` is the cloud's own.

    Raises UsageError.
    """
    found: dict[str, str] = {}
    for text in texts:
        if not sendable(text):
            raise UsageError(f"{option}: what is given is no access token")
        audience = str(claims(text).get("aud", "")).rstrip("/").lower()
        host = audience.rpartition("/")[2]
        if audience == APPLICATION or host in HOSTS:
            found["graph"] = text
        elif audience == names.EXCHANGE_APP or audience == exchange.lower():
            found["exchange"] = text
        else:
            shown = audience[:60] or "nobody that it names"
            raise UsageError(
                f"{option}: a token is for {shown}, neither Microsoft Graph nor Exchange Online"
            )
    if not found:
        raise UsageError(f"{option}: no access token is given")
    return found


def _way_round(failure: Failure) -> Failure:
    """A refusal of a device sign-in, with what to do about it here."""
    if failure.code not in _CODES:
        return failure
    cause, remedy = _CODES[failure.code]
    return replace(failure, cause=cause or failure.cause, remedy=remedy)
