"""Sign-in at Entra: an access token for Exchange, from our own cache or through msal.

The cache is looked at before msal is imported, because msal's constructor goes to the network even
when its own cache is warm. msal speaks through the plugin's transport, so the last answer it was
given is at hand when it says too little about a failure.
"""

from __future__ import annotations

import base64
import json
import math
import re
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from . import advice, certificate
from .cache import Cache
from .errors import UsageError
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .answer import Answer
    from .options import Options
    from .report import Report
    from .transport import Transport

#: A token with less than this many seconds to live is not used (contract 7.26).
MARGIN = 300.0

#: No token lives longer; an expiry beyond it means that the clock was wrong when it was stored.
_LONGEST = 30 * 3600.0

#: Seconds since 1970 that a calendar can still show.
_YEAR_9999 = 253402300800.0


@dataclass(frozen=True)
class Token:
    """An access token, and when it ends in seconds since 1970."""

    access_token: str
    expires_at: float
    cached: bool = False

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says of itself, unchecked: the service checks it.

        Empty unless it is a JWT (RFC 7519 3).
        """
        return claims(self.access_token)

    @property
    def tenant_id(self) -> str | None:
        """GUID of the tenant that issued the token, where it says so."""
        found = str(self.claims.get("tid", ""))
        return found if re.fullmatch(r"[0-9A-Fa-f-]{36}", found) else None


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT without any check; empty when it is none.

    >>> claims("x.eyJ0aWQiOiAiYSJ9.y"), claims("opaque")
    ({'tid': 'a'}, {})
    """
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class Identity:
    """The monitor's own identity in one run.

    Signs in at most once, and once more when Exchange refuses a cached token.
    """

    def __init__(
        self, options: Options, transport: Transport, cache: Cache, report: Report
    ) -> None:
        self._options = options
        self._transport = transport
        self._cache = cache
        self._report = report
        self._token: Token | None = None
        self._refused: Token | None = None
        self._client: certificate.ClientCertificate | None = None
        files, login = options.certificate, options.login
        self._key = Cache.key(
            "token",
            options.authority_url,
            options.tenant.lower(),
            options.client_id.lower(),
            certificate.fingerprint(files) if files else f"user {login and login.username}",
            options.cloud.resource,
        )

    def prepare(self) -> None:
        """Read the certificate's dates, from the cache if it knows the files.

        Raises UsageError before anything is sent.
        """
        files = self._options.certificate
        if files is None:
            return
        document = self._cache.load(self._key) or {}
        facts = _facts(document.get("certificate"), files.path)
        if facts is None:
            self._client = certificate.load(files)
            facts = self._client.facts
        now = time.time()
        try:
            certificate.check_dates(facts, now)
        except UsageError:
            # A damaged cache may say so too: only the files themselves end a run.
            self._client = self._client or certificate.load(files)
            facts = self._client.facts
        self._report.certificate = facts
        # Whole hundredths, rounded down: a limit of 7 days must not be met by 6.999.
        self._report.certificate_days = math.floor(facts.days(now) * 100) / 100
        certificate.check_dates(facts, now)

    def token(self) -> Token:
        """The token of this run. Raises CheckFailure."""
        if self._token is None:
            self._token = self._cached()
        if self._token is None:
            watch = self._report.sign_in
            watch.start("cache")
            try:
                with self._cache.lock(self._key):
                    # Another run may have fetched one while this one waited.
                    self._token = self._cached() or self._fetch()
            except CheckFailure as error:
                raise CheckFailure(replace(error.failure, during="sign-in")) from None
            finally:
                watch.stop()
        self._report.token_cached = self._token.cached
        if self._token.cached:
            self._report.unneeded.add("token")
        else:
            self._report.unneeded.discard("token")
        return self._token

    def renew(self) -> Token:
        """A fresh token in place of a cached one that the service refuses. Raises CheckFailure."""
        self._refused = self._token
        self._cache.drop(self._key)
        self._report.notes.append("the service refused the cached token; signed in again")
        self._token = None
        return self.token()

    def _usable(self, document: Mapping[str, Any]) -> bool:
        expires_at = document.get("expires_at")
        return (
            _sendable(document.get("access_token"))
            and isinstance(expires_at, float)
            and MARGIN <= expires_at - time.time() <= _LONGEST
        )

    def _cached(self) -> Token | None:
        document = self._cache.load(self._key)
        if document is None or not self._usable(document):
            return None
        if self._refused is not None and document["access_token"] == self._refused.access_token:
            # It could not be dropped, in a directory that cannot be written.
            return None
        return Token(document["access_token"], document["expires_at"], cached=True)

    def _fetch(self) -> Token:
        self._report.sign_in.start("signing")
        files = self._options.certificate
        if self._client is None and files is not None:
            self._client = certificate.load(files)
        http = _EntraHttp(self._transport, self._report, self._options.authority_url)
        try:
            answer = self._ask(self._client, http)
        except CheckFailure:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            # msal raises these for answers it cannot use, most of them without the answer's own
            # words.
            raise CheckFailure(_unusable(http.last, error)) from None
        if "error" in answer:
            raise CheckFailure(advice.sign_in(answer, http.last))
        if not _sendable(answer.get("access_token")):
            raise CheckFailure(advice.not_entra(http.last))
        token = Token(
            str(answer["access_token"]), time.time() + _lifetime(answer.get("expires_in"))
        )
        self._cache.store(
            self._key,
            {
                "access_token": token.access_token,
                "expires_at": token.expires_at,
                "certificate": asdict(self._client.facts) if self._client else None,
            },
        )
        return token

    def _ask(
        self, client: certificate.ClientCertificate | None, http: _EntraHttp
    ) -> dict[str, Any]:
        import msal

        authority = f"{self._options.authority_url}/{self._options.tenant}"
        scopes = [f"{self._options.cloud.resource}/.default"]
        login = self._options.login
        if client is None:
            user = msal.PublicClientApplication(
                self._options.client_id,
                authority=authority,
                instance_discovery=False,
                http_client=http,
            )
            self._report.sign_in.start("signing")
            name = login.username if login else None
            password = login.password.reveal() if login and login.password else None
            found = user.acquire_token_by_username_password(name, password, scopes=scopes)
            return found if isinstance(found, dict) else {}
        credential = {"private_key": client.private_key, "thumbprint": client.facts.sha1}
        if _version(msal.__version__) >= (1, 35):
            # From here on msal signs PS256 with the SHA-256 thumbprint, given the certificate and
            # no thumbprint.
            credential = {
                "private_key": client.private_key,
                "public_certificate": client.certificate,
            }
        app = msal.ConfidentialClientApplication(
            self._options.client_id,
            client_credential=credential,
            authority=authority,
            instance_discovery=False,
            http_client=http,
        )
        self._report.sign_in.start("signing")
        found = app.acquire_token_for_client(scopes=scopes)
        return found if isinstance(found, dict) else {}


class _EntraHttp:
    """What msal takes for a requests session.

    A 5xx, 3xx or 429 ends the sign-in here, with its own words.
    """

    def __init__(self, transport: Transport, report: Report, authority_url: str) -> None:
        self._transport = transport
        self._report = report
        self._authority_url = authority_url
        self.last: Answer | None = None

    def get(
        self, url: str, params: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _EntraAnswer:
        return self._send("GET", url, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _EntraAnswer:
        return self._send("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        """The transport belongs to the run."""

    def _send(self, method: str, url: str, **keywords: Any) -> _EntraAnswer:
        # msal asks for a user's realm without the authority's port (contract 7.11).
        host = re.sub(r":\d+$", "", self._authority_url)
        if host != self._authority_url and url.startswith(f"{host}/"):
            url = self._authority_url + url[len(host) :]
        self.last = self._transport.send(method, url, self._report.sign_in, **keywords)
        failure = advice.sign_in_status(self.last)
        if failure is None and self.last.json() is None:
            failure = advice.not_entra(self.last)
        realm = self.last.json()
        if failure is None and isinstance(realm, dict) and realm.get("account_type") == "Federated":
            failure = advice.federated(realm)
        if failure is not None:
            raise CheckFailure(failure)
        return _EntraAnswer(self.last)


class _EntraAnswer:
    """The shape of a response that msal reads."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.text = answer.text
        self.headers = dict(answer.headers)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise RuntimeError(f"HTTP {self.status_code}")


def _unusable(last: Answer | None, error: Exception) -> Failure:
    """Why msal gave up: Entra's own error where the last answer holds one, else that it is not
    Entra's.
    """
    if last is not None:
        document = last.json()
        if isinstance(document, dict) and "error" in document:
            return advice.sign_in(document, last)
        return advice.not_entra(last)
    remedy = "check --authority-url and --certificate"
    return Failure("credential", "msal cannot begin the sign-in", remedy, type(error).__name__)


def _facts(document: object, path: str) -> certificate.CertificateFacts | None:
    """Certificate facts from the cache; None when anything about them is odd."""
    if not isinstance(document, dict):
        return None
    texts = [document.get(name) for name in ("subject", "sha1", "sha256")]
    times = [document.get(name) for name in ("not_before", "not_after")]
    if not all(isinstance(text, str) for text in texts):
        return None
    if not all(isinstance(moment, float) and 0 < moment < _YEAR_9999 for moment in times):
        return None
    subject, sha1, sha256 = map(str, texts)
    not_before, not_after = (float(moment or 0) for moment in times)
    return certificate.CertificateFacts(path, subject, not_before, not_after, sha1, sha256)


def _sendable(token: object) -> bool:
    """Whether this is a token that fits into a header (RFC 6750 2.1)."""
    return isinstance(token, str) and re.fullmatch(r"[!-~]+", token) is not None


def _lifetime(value: object) -> float:
    """Seconds a token lives; whatever is not a number in reason makes it last for this run only."""
    if not isinstance(value, (int, float, str)):
        return 0.0
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds < _LONGEST else 0.0


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
