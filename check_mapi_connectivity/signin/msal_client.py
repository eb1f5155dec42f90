"""Sign-in at Entra through msal, for every kind of credential that Entra itself judges.

msal speaks through the plugin's transport, so the last answer it was given is at hand when it says
too little about a failure.
"""

from __future__ import annotations

import re

from ..base.clouds import CLOUDS
from ..base.credentials import ClientSecret, FederatedToken, UserPassword
from ..base.failure import FEDERATION, CheckFailure, Failure
from ..base.vocabulary import METHODS
from ..network.answer import SIGN_IN_LIMIT
from ..network.response import too_large
from ..services import entra
from . import federation
from .tokens import sendable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..base.clouds import Cloud
    from ..network.answer import Answer
    from .certificate import ClientCertificate
    from .session import Session

#: Bytes of an answer beyond the limit that are looked at.
_BEGINNING = 4096


def ask(
    session: Session,
    resource: str,
    client: ClientCertificate | None,
    sending: Callable[[], None] | None = None,
) -> Mapping[str, Any]:
    """Entra's token answer for one resource; `sending` is told before the credential goes out.

    Raises CheckFailure.
    """
    http = EntraHttp(session, sending)
    return answered(session, http, lambda: _ask(session, resource, client, http))


def answered(
    session: Session,
    http: EntraHttp,
    asking: Callable[[], dict[str, Any]],
    wanted: str = "access_token",
) -> Mapping[str, Any]:
    """What `asking` has msal get from Entra by way of `http`: a document with the `wanted` member.

    Raises CheckFailure.
    """
    try:
        answer = asking()
        if "error" in answer:
            raise CheckFailure(entra.sign_in(answer, http.last))
        if not sendable(answer.get(wanted)):
            raise CheckFailure(entra.not_entra(http.last))
    except CheckFailure as error:
        raise CheckFailure(_elsewhere(error.failure, http.cloud, session)) from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        # msal raises these for answers it cannot use, most of them without the answer's own
        # words; SyntaxError is XML that is none.
        failure = _unusable(http, session, error)
        raise CheckFailure(_elsewhere(failure, http.cloud, session)) from None
    if http.cloud is not None and not http.cloud.same_hosts(session.account.cloud):
        session.report.trace.remark(_says(http.cloud))
    return answer


def _ask(
    session: Session, resource: str, client: ClientCertificate | None, http: EntraHttp
) -> dict[str, Any]:
    import msal

    account = session.account
    settings = {
        "authority": f"{account.authority_url}/{account.tenant}",
        "instance_discovery": False,
        "http_client": http,
    }
    user = account.credential
    if isinstance(user, UserPassword):
        public = msal.PublicClientApplication(account.client_id, **settings)
        session.report.times.sign_in.start("signing")
        found = public.acquire_token_by_username_password(
            user.username, user.password.reveal(), scopes=[_user_scope(session, resource)]
        )
    else:
        app = msal.ConfidentialClientApplication(
            account.client_id, client_credential=_credential(session, client), **settings
        )
        session.report.times.sign_in.start("signing")
        found = app.acquire_token_for_client(scopes=[f"{resource}/.default"])
    return found if isinstance(found, dict) else {}


def _user_scope(session: Session, resource: str) -> str:
    """The least that a user's token must allow."""
    return f"{resource}/{METHODS[session.report.method].scope}"


def _credential(session: Session, client: ClientCertificate | None) -> Any:
    """The app's credential as msal takes it."""
    import msal

    credential = session.account.credential
    if isinstance(credential, ClientSecret):
        return credential.secret.reveal()
    if isinstance(credential, FederatedToken):
        # As a callable: msal warns of a text that cannot be renewed.
        return {"client_assertion": credential.token.reveal}
    if client is None:
        raise ValueError("no credential")
    if _version(msal.__version__) >= (1, 35):
        # From here on msal signs PS256 with the SHA-256 thumbprint, given the certificate and
        # no thumbprint.
        return {"private_key": client.key, "public_certificate": client.certificate}
    return {"private_key": client.key, "thumbprint": client.facts.sha1}


class EntraHttp:
    """What msal takes for a session of requests.

    A 5xx, 3xx or 429 ends the sign-in here, with its own words. `last` is the last answer, `cloud`
    the one that the tenant's own document names.
    """

    def __init__(self, session: Session, sending: Callable[[], None] | None) -> None:
        self._session = session
        self._sending = sending
        self._authority = session.account.authority_url
        self._token_endpoint = ""
        self._federated = False
        self.last: Answer | None = None
        self.cloud: Cloud | None = None
        #: Host of the federation server that was asked last; empty once Entra was.
        self.federation = ""

    def get(
        self, url: str, params: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _EntraAnswer:
        """As requests does. Raises CheckFailure."""
        return self._send("GET", url, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _EntraAnswer:
        """As requests does. Raises CheckFailure."""
        return self._send("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        """The transport is the session's."""

    def _send(self, method: str, url: str, **keywords: Any) -> _EntraAnswer:
        # msal asks for a user's realm without the authority's port (contract 7.11).
        host = re.sub(r":\d+$", "", self._authority)
        if host != self._authority and url.startswith(f"{host}/"):
            url = self._authority + url[len(host) :]
        if method == "POST" and self._sending is not None:
            self._sending()
        send, watch = self._session.transport.send, self._session.report.times.sign_in
        if self._federated and url != self._token_endpoint:
            self.federation = federation.host(url)
            self._session.report.times.belongs(FEDERATION)
            self.last = federation.send(send, method, url, watch, keywords)
        else:
            self.federation = ""
            self._session.report.times.belongs("")
            self.last = send(method, url, watch, issuing=True, **keywords)
            self._judge(url, self.last)
        return _EntraAnswer(self.last)

    def _judge(self, url: str, answer: Answer) -> None:
        """What Entra itself answers. Raises CheckFailure for what msal must not see."""
        large = too_large(answer, SIGN_IN_LIMIT)
        if large is not None:
            # An error page tells enough by its status.
            page = answer._replace(body=answer.body[:_BEGINNING])
            raise CheckFailure(entra.status(page) or large)
        failure = entra.status(answer)
        document = answer.json()
        if failure is None and document is None:
            failure = entra.not_entra(answer)
        if failure is not None:
            raise CheckFailure(failure)
        if not isinstance(document, dict):
            return
        self._federated = self._federated or document.get("account_type") == "Federated"
        if "/.well-known/openid-configuration" in url:
            self.cloud = cloud_of(document)
            self._token_endpoint = str(document.get("token_endpoint", ""))


class _EntraAnswer:
    """The shape of a response that msal reads."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.text = answer.text
        self.headers = dict(answer.headers)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise RuntimeError(f"HTTP {self.status_code}")


def cloud_of(document: Mapping[str, Any]) -> Cloud | None:
    """The cloud that a tenant's openid-configuration names; None where it does not say (reference
    sheet exchange-online 7).

    >>> cloud_of({"tenant_region_sub_scope": "DODCON"}).name
    'gcc-high'
    """
    part = str(document.get("tenant_region_sub_scope", "")).upper()
    named = {"GCC": "gcc", "DODCON": "gcc-high", "DOD": "dod"}.get(part)
    if named is None:
        graph = str(document.get("msgraph_host", "")).lower()
        named = next((cloud.name for cloud in CLOUDS.values() if cloud.graph_host == graph), None)
    if named is None:
        instance = str(document.get("cloud_instance_name", "")).lower()
        named = {
            "microsoftonline.com": "worldwide",
            "microsoftonline.us": "gcc-high",
            "partner.microsoftonline.cn": "china",
            "chinacloudapi.cn": "china",
        }.get(instance)
    return CLOUDS[named] if named else None


def _says(cloud: Cloud) -> str:
    return f"the tenant's own document says that it is in cloud {cloud.name}: --cloud {cloud.name}"


def _elsewhere(failure: Failure, cloud: Cloud | None, session: Session) -> Failure:
    """A refusal by the wrong cloud, told by the tenant's own document."""
    if cloud is None or cloud.same_hosts(session.account.cloud) or failure.kind != "credential":
        return failure
    session.report.trace.remark(_says(cloud))
    # Short enough for the first line.
    return failure._replace(remedy=f"use --cloud {cloud.name}")


def _unusable(http: EntraHttp, session: Session, error: Exception) -> Failure:
    """Why msal gave up: the federation server's or Entra's own error where the last answer holds
    one, else that it is not theirs.
    """
    last = http.last
    user = session.account.credential
    if http.federation and isinstance(user, UserPassword):
        return federation.refused(last, http.federation, user.username)
    if last is not None:
        document = last.json()
        if isinstance(document, dict) and "error" in document:
            return entra.sign_in(document, last)
        if isinstance(document, dict) and document.get("account_type") == "Federated":
            return federation.unfit(document)
        return entra.not_entra(last)
    remedy = "check --authority-url and the credential"
    return Failure("credential", "msal cannot begin the sign-in", remedy, type(error).__name__)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
