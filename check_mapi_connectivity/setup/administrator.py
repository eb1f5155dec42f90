"""The administrator's sign-in: by device code, or with tokens that he has from elsewhere.

Graph and Exchange want a token each, and no client of Microsoft's own is known to have both:
Graph's is that of its command line tools, Exchange's that of its PowerShell module (reference sheet
exchange-online 8.1). What the first sign-in gives is tried for the second; where that fails,
another code is shown.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from ..base.clouds import MODULE_CLIENT_ID
from ..base.errors import UsageError
from ..base.failure import CheckFailure, Failure
from ..base.reading.untrusted import claims
from ..codes.entra import OAUTH
from ..codes.graph import APPLICATION, HOSTS
from ..signin import msal_client
from ..signin.tokens import MARGIN, lifetime, sendable
from .steps import names

if TYPE_CHECKING:
    from typing import Any

    from ..signin.session import Session
    from .terminal import Voice

#: Service -> what it is called, and its audience where that is an id.
_SERVICES = {
    "graph": ("Microsoft Graph", APPLICATION),
    "exchange": ("Exchange Online", names.EXCHANGE_APP),
}

_CONSENTING = "sign in as Global Administrator or Privileged Role Administrator"
_PASTE = "give access tokens from another tool, with --ask-token or --token-file"
_AGAIN = f"sign in again; if that does not help, {_PASTE}"
_BLOCKED = (
    "this tenant does not know Microsoft's app for the sign-in of administrators, or blocks it"
)

#: What to do -> codes, with a cause of their own where the check's table speaks of its own app
#: (exchange-online 5.7, 6).
_ADVICE: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("", f"{_PASTE}, where device code is blocked", (50097, 50131, 50155, 53000, 53001, 53002)),
    ("", f"{_PASTE}, where device code is blocked", (53003, 530032)),
    (
        "",
        f"sign in again and do what the page asks for; if that is not possible, {_PASTE}",
        (50072, 50074, 50076, 50078, 50079, 50125, 50158, 53004, 530035, 70043),
    ),
    (
        _BLOCKED,
        f"allow it in Entra under Enterprise applications, or {_PASTE}",
        (50105, 501051, 500011, 65002, 650052, 650054, 650056, 650057),
    ),
    (
        _BLOCKED,
        f"allow it in Entra under Enterprise applications, or {_PASTE}",
        (70001, 700016, 7000112, 7000218, 7000229),
    ),
    ("", _CONSENTING, (65001, 90095)),
    ("this account may not consent", _CONSENTING, (90094,)),
    ("", "run this again, and accept what the page asks for", (65004,)),
    ("nobody entered the code in time", "run this again", (70020,)),
)
_CODES = {f"AADSTS{n}": (cause, remedy) for cause, remedy, all_ in _ADVICE for n in all_}

#: Codes whose advice for the check is right for a person as well: account, tenant, cloud, network.
_AS_FOR_THE_CHECK = {
    f"AADSTS{number}"
    for numbers in (
        (16000, 50002, 500021, 500022, 50034, 50049, 50055, 50144, 50057, 50059, 50128, 50064),
        (50126, 50135, 53011, 530034, 90002, 90019, 90038, 900382, 900432, 90051, 90072),
    )
    for number in numbers
}

#: A scope of the Exchange token without which it is of no use here.
_EXCHANGE_SCOPE = "Exchange.Manage"


class Administrator:
    """Access tokens by service, made when they are first needed.

    `pasted` are tokens that the administrator gave; with one of them no sign-in is tried.
    """

    def __init__(
        self, session: Session, voice: Voice, pasted: dict[str, str] | None = None
    ) -> None:
        self._session, self._voice = session, voice
        self._pasted = bool(pasted)
        voice.hush(*(pasted or {}).values())
        self._tokens = dict(pasted or {})
        self._expires: dict[str, float] = {}
        self._apps: dict[str, tuple[Any, msal_client.EntraHttp]] = {}
        self._refresh: dict[str, str] = {}
        self._warned = False

    def token(self, service: str) -> str:
        """A token for `graph` or `exchange`. Raises CheckFailure."""
        if self._pasted:
            if service not in self._tokens:
                called = _SERVICES[service][0]
                cause = f"no access token for {called} was given"
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
            answer = msal_client.answered(self._session, http, asking)
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

        account, called = self._session.account, _SERVICES[service][0]
        http = msal_client.EntraHttp(self._session, None)
        client = names.GRAPH_TOOLS if service == "graph" else MODULE_CLIENT_ID
        made: list[Any] = []

        def begin() -> dict[str, Any]:
            app = msal.PublicClientApplication(
                client,
                authority=f"{account.authority_url}/{account.tenant}",
                instance_discovery=False,
                http_client=http,
            )
            made.append(app)
            found = app.initiate_device_flow(scopes=self._scopes(service))
            return found if isinstance(found, dict) else {}

        try:
            flow = dict(msal_client.answered(self._session, http, begin, "user_code"))
        except CheckFailure as error:
            raise CheckFailure(_way_round(error.failure)) from None
        self._warn()
        self._voice.hush(str(flow.get("device_code") or ""))
        place = str(flow.get("verification_uri", "https://microsoft.com/devicelogin"))
        minutes = int(flow.get("expires_in", 900)) // 60
        self._voice.say(f"Sign in as administrator for {called}:")
        self._voice.say(f"  open {place} and enter the code {flow['user_code']}")
        self._voice.say(
            f"  waiting {minutes} minutes at most; meanwhile nothing is changed; Ctrl-C stops"
        )
        try:
            answer = msal_client.answered(
                self._session, http, lambda: dict(made[0].acquire_token_by_device_flow(flow))
            )
        except CheckFailure as error:
            raise CheckFailure(_way_round(error.failure)) from None
        self._apps[service] = (made[0], http)
        self._refresh[service] = str(answer.get("refresh_token") or "")
        self._keep(service, answer)
        self._voice.say(f"  signed in as {self.who}")

    def _warn(self) -> None:
        """What may come in the way, before anybody opens the page (exchange-online 5.7)."""
        if not self._warned:
            self._voice.say(
                "A Conditional Access policy of the tenant may block the sign-in by device code."
            )
            self._voice.say(
                "  If the page refuses it, stop with Ctrl-C and run this with --ask-token or "
                "--token-file."
            )
        self._warned = True

    def _scopes(self, service: str) -> list[str]:
        cloud = self._session.account.cloud
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
        audience = str(claims(text).get("aud", "")).rstrip("/").lower()
        if not (sendable(text) and audience):
            raise UsageError(f"{option}: this is not an access token; paste it whole, in one line")
        host = audience.rpartition("/")[2]
        if audience == APPLICATION or host in HOSTS:
            found["graph"] = text
        elif audience == names.EXCHANGE_APP or audience == exchange.lower():
            found["exchange"] = text
        else:
            raise UsageError(
                f"{option}: a token is for {audience[:60]}; give one for Microsoft Graph and one "
                "for Exchange Online"
            )
    if not found:
        raise UsageError(f"{option}: no access token was given")
    return found


def _way_round(failure: Failure) -> Failure:
    """A refusal of a device sign-in, with what a person is to do about it, who is there."""
    code = failure.code
    if code in _CODES:
        cause, remedy = _CODES[code]
        return failure._replace(cause=cause or failure.cause, remedy=remedy)
    # Codes of Entra alone: the way there is the same for a person.
    if code in _AS_FOR_THE_CHECK or not re.fullmatch(r"AADSTS[0-9]+|[a-z_]+", code):
        return failure
    if failure.kind in ("server", "throttled"):
        return failure._replace(remedy="run this again in a few minutes")
    known = OAUTH.get(code)
    cause = "Entra refuses the sign-in" if known else failure.cause
    return failure._replace(cause=cause, remedy=_AGAIN)
