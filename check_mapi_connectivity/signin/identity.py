"""The monitor's own identity in one run: access tokens, from our own cache or from Entra.

One identity serves all mailboxes and methods of a run. Each resource is signed in to once, by
whoever needs it first, while the others wait; a refusal is everybody's. The cache is looked at
before msal is imported, because msal's constructor goes to the network even when its own cache is
warm.
"""

from __future__ import annotations

import hashlib
import math
from contextlib import ExitStack
from threading import Lock

from ..base import credentials
from ..base.cache import Cache
from ..base.credentials import ClientSecret, FederatedToken, ManagedIdentity, UserPassword
from ..base.failure import CheckFailure, Failure
from ..base.reading.untrusted import YEAR_9999, Fields, Odd
from ..base.report import SHARED, Report
from ..base.value import NamedTuple
from . import certificate
from .session import Session
from .tokens import Token, lifetime, usable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import Any

    from ..base.deadline import Deadline
    from ..base.options import Account, Credential
    from ..network.transport import Transport

#: Entra does not know the certificate (reference sheet exchange-online 6).
_UNKNOWN = "AADSTS700027"

#: Seconds before a second try where the other side names none.
_PAUSE = 0.25


class _Refusal(NamedTuple):
    """A sign-in that failed, and the time (monotonic) before which nobody tries again."""

    failure: Failure
    until: float


class SignIn:
    """The sign-in of one test, by the identity of its run."""

    def __init__(self, identity: Identity, session: Session) -> None:
        self._identity, self._session = identity, session

    def token(self) -> Token:
        """The token for the test's method. Raises CheckFailure."""
        return self._identity.token(self._session)

    def renew(self, refused: Token) -> Token:
        """A fresh token in place of a cached one that the service refuses. Raises CheckFailure."""
        return self._identity.renew(self._session, refused)

    def secret_days(self, graph_url: str, *, well: bool) -> float | None:
        """Days until the client secret ends, None where that is not known; asked for only after a
        test that is `well`. The time it takes is not the test's.
        """
        from . import secret_end

        well = well and self._identity.may_ask(self._session.report.method)
        session, report = self._session, self._session.report
        aside = session._replace(report=Report(report.mailbox, "graph", report.times.clock))
        token = SignIn(self._identity, aside).token
        key = self._identity.secret_key
        return secret_end.days(secret_end.Asking(session, aside, token, graph_url, key), well=well)


class Identity:
    """The monitor's own identity in one run, for use by many threads.

    Signs in at most once for each resource, once more after a passing fault, and once more when the
    service refuses a cached token.
    """

    def __init__(
        self, account: Account, methods: tuple[str, ...], *, limits_secret: bool = False
    ) -> None:
        self._account = account
        resources = {account.resource(method) for method in methods}
        self._limits_secret = limits_secret
        if limits_secret:
            # Graph is asked when the secret ends.
            resources.add(account.resource("graph"))
        shared = Lock()
        # A password is tried by one at a time: a second wrong one would be a failed logon more.
        password = isinstance(account.credential, UserPassword)
        self._locks = {name: shared if password else Lock() for name in resources}
        self._tokens: dict[str, Token] = {}
        self._refused: dict[str, str] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._clients: list[certificate.ClientCertificate] = []
        self._facts: credentials.CertificateFacts | None = None
        who = _fingerprint(account.credential) if account.credential else ""
        whose = (
            account.authority_url,
            account.tenant.lower(),
            account.client_id.lower(),
            who,
        )
        self._keys = {name: Cache.key("token", *whose, name) for name in resources}
        #: Under which it is remembered when a client secret ends.
        self.secret_key = Cache.key("secret", *whose)

    def may_ask(self, method: str) -> bool:
        """Whether a test by this method may ask Graph when the client secret ends."""
        graph = self._account.resource("graph")
        return self._limits_secret or self._account.resource(method) == graph

    def prepare(self, cache: Cache, now: float) -> None:
        """Read the certificate's dates, from the cache if it knows the files; `now` is in seconds
        since 1970.

        Raises UsageError for files that cannot be used.
        """
        files = self._account.certificate
        if files is None:
            return
        document = cache.load(next(iter(self._keys.values()))) or {}
        facts = _facts(document.get("certificate"), files.path)
        # A damaged cache may say that it is not valid: only the files themselves end a run.
        if facts is None or certificate.unfit(facts, now):
            self._clients = certificate.candidates(files, now)
            facts = self._clients[0].facts
        self._facts = facts

    def refusal(self, now: float) -> Failure | None:
        """Why nothing need be sent: no certificate is valid at `now` (contract 7.1)."""
        if self._facts is None:
            return None
        return certificate.refusal(self._facts, now, self._account.tenant)

    @property
    def facts(self) -> credentials.CertificateFacts | None:
        """The certificate in use."""
        return self._facts

    def session(
        self, transport: Transport, cache: Cache, report: Report, deadline: Deadline
    ) -> SignIn:
        """The sign-in for the test of this report."""
        return SignIn(self, Session(self._account, transport, cache, report, deadline))

    def token(self, session: Session) -> Token:
        """The token for the method of the session's report. Raises CheckFailure."""
        resource, report = self._account.resource(session.report.method), session.report
        token = self._known(session, resource)
        if token is None:
            report.times.sign_in.start(SHARED)
            try:
                with ExitStack() as held:
                    token = self._known(session, resource, held) or self._first(session, resource)
            except CheckFailure as error:
                raise CheckFailure(error.failure._replace(during="sign-in")) from None
            finally:
                report.times.sign_in.stop()
                if self._facts is not report.certificate:
                    report.signed_by(self._facts, session.deadline.wall())
        report.times.token_cached = token.cached or not report.times.sign_in.phases()
        if report.times.token_cached:
            report.times.unneeded.add("token")
        else:
            report.times.unneeded.discard("token")
        return token

    def _known(
        self, session: Session, resource: str, held: ExitStack | None = None
    ) -> Token | None:
        """The token that another test of this run has fetched; with `held`, once it is this one's
        turn to look.
        """

        def look() -> dict[str, Any]:
            if held is not None:
                held.enter_context(self._locks[resource])
            token, refusal = self._tokens.get(resource), self._refusals.get(resource)
            wait = refusal.until - session.deadline.now() if refusal is not None else math.inf
            return {
                "token": token and token._asdict(),
                "refusal": refusal and refusal.failure._asdict(),
                "wait": wait if math.isfinite(wait) else None,
            }

        def take(known: dict[str, Any]) -> None:
            if known["token"]:
                self._tokens[resource] = Token(**known["token"])
            wait = math.inf if known["wait"] is None else known["wait"]
            if known["refusal"]:
                refused = Failure(**known["refusal"])
                self._refusals[resource] = _Refusal(refused, session.deadline.now() + wait)

        session.transport.learn("sign-in", look, take)
        return self._tokens.get(resource)

    def renew(self, session: Session, refused: Token) -> Token:
        """A fresh token in place of a cached one that the service refuses. Raises CheckFailure."""
        resource = self._account.resource(session.report.method)
        with self._locks[resource]:
            # Another one of this run may have been here before.
            if self._tokens.get(resource) is refused:
                del self._tokens[resource]
                self._refused[resource] = refused.access_token
                session.cache.drop(self._keys[resource])
        session.report.trace.note("the service refused the cached token; signed in again")
        return self.token(session)

    def _first(self, session: Session, resource: str) -> Token:
        """A token that nobody in this run has had yet. Raises CheckFailure."""
        refusal = self._refusals.get(resource)
        if refusal is not None and session.deadline.now() < refusal.until:
            wait = refusal.until - session.deadline.now()
            again = refusal.failure.transient and math.isfinite(wait)
            raise CheckFailure(
                refusal.failure._replace(transient=again, retry_after=wait if again else None)
            )
        session.report.times.sign_in.discard()
        session.report.times.sign_in.start("cache")
        try:
            # Who has a token waits for nobody.
            token = self._cached(session.cache, resource)
            if token is None:
                with self._alone(session, resource):
                    # Another run may have fetched one while this one waited.
                    token = self._cached(session.cache, resource) or self._fetch(session, resource)
        except CheckFailure as error:
            self._refuse(error.failure, resource, session, last=refusal is not None)
            raise
        self._tokens[resource] = token
        return token

    def _refuse(self, failure: Failure, resource: str, session: Session, *, last: bool) -> None:
        """Remember a failed sign-in for everybody in this run."""
        from ..network import lockout

        wait = math.inf
        if failure.transient and not last:
            wait = _PAUSE if failure.retry_after is None else failure.retry_after
        # What is wrong with a password is wrong with it everywhere.
        about_resource = failure.kind == "credential" and not lockout.counts(failure)
        everywhere = isinstance(self._account.credential, UserPassword) and not about_resource
        for name in self._locks if everywhere else [resource]:
            self._refusals[name] = _Refusal(failure, session.deadline.now() + wait)

    def _alone(self, session: Session, resource: str) -> AbstractContextManager[object]:
        """Keep other runs from signing in meanwhile; from sending a password, at any price."""
        user = self._account.credential
        if isinstance(user, UserPassword):
            from ..network.lockout import Pause

            pause = Pause.of_sign_in(self._account, user, session.cache)
            return pause.alone(session.deadline)
        return session.cache.lock(self._keys[resource])

    def _cached(self, cache: Cache, resource: str) -> Token | None:
        document = cache.load(self._keys[resource])
        if document is None or not usable(document):
            return None
        if document["access_token"] == self._refused.get(resource):
            # It could not be dropped, in a directory that cannot be written.
            return None
        return Token(document["access_token"], document["expires_at"], cached=True)

    def _fetch(self, session: Session, resource: str) -> Token:
        session.report.times.sign_in.start("signing")
        files, now = self._account.certificate, session.deadline.wall()
        if not self._clients and files is not None:
            self._clients = certificate.candidates(files, now)
        answer = self._ask(session, resource)
        lasting = lifetime(answer.get("expires_in"))
        token = Token(str(answer["access_token"]), session.deadline.wall() + lasting)
        session.cache.store(
            self._keys[resource],
            {
                "access_token": token.access_token,
                "expires_at": token.expires_at,
                "certificate": self._facts._asdict() if self._facts else None,
            },
        )
        return token

    def _ask(self, session: Session, resource: str) -> Mapping[str, Any]:
        """A token answer. Raises CheckFailure."""
        credential = self._account.credential
        if isinstance(credential, ManagedIdentity):
            from . import managed_identity

            return managed_identity.ask(session, credential, resource)
        if not isinstance(credential, UserPassword):
            return self._shown(session, resource)
        from ..network.lockout import Pause
        from . import msal_client

        pause = Pause.of_sign_in(self._account, credential, session.cache)
        pause.check()
        try:
            found = msal_client.ask(session, resource, None, pause.sending)
        except CheckFailure as error:
            if not pause.sent:
                raise
            failure = error.failure._replace(transient=False)
            pause.told(failure)
            raise CheckFailure(failure) from None
        pause.told(None)
        return found

    def _shown(self, session: Session, resource: str) -> Mapping[str, Any]:
        """A token answer for what no guessing can harm: of several certificates of one file the
        next one that is valid, where Entra does not know the first (contract 7.28). Raises
        CheckFailure.
        """
        from . import msal_client

        now, tried = session.deadline.wall(), 0
        valid = [one for one in self._clients if not certificate.unfit(one.facts, now)]
        clients = valid or self._clients[:1]

        def go_on() -> bool:
            if tried + 1 >= len(clients):
                return False
            before, self._facts = clients[tried].facts, clients[tried + 1].facts
            session.report.trace.remark(
                f"Entra does not know {_named(before)} ({_UNKNOWN}); the next one "
                f"that fits is {_named(self._facts)} of {before.path}"
            )
            return True

        while True:
            try:
                return msal_client.ask(session, resource, clients[tried] if clients else None)
            except CheckFailure as error:
                unknown = error.failure.code == _UNKNOWN
                if not unknown or not session.transport.learn("certificate", go_on):
                    raise
            tried += 1


def _named(facts: credentials.CertificateFacts) -> str:
    """A certificate by what the portal shows of it."""
    return f"{facts.subject}, SHA-1 {facts.sha1}"


def _fingerprint(credential: Credential) -> str:
    """What tells one credential from another, and gives nothing of it away."""
    if isinstance(credential, ManagedIdentity):
        return f"managed {credential.url} {credential.client_id}"
    if isinstance(credential, FederatedToken):
        return f"federated {credential.path}"
    if isinstance(credential, UserPassword):
        return f"user {credential.username} {_digest(credential.password.reveal())}"
    if isinstance(credential, ClientSecret):
        return f"secret {_digest(credential.secret.reveal())}"
    return certificate.fingerprint(credential)


def _digest(text: str) -> str:
    """A digest that is slow to guess from."""
    salt = b"check_mapi_connectivity"
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt, 2000).hex()


def _facts(document: object, path: str) -> credentials.CertificateFacts | None:
    """Certificate facts from the cache; None when anything about them is odd."""
    try:
        known = Fields(document, "")
        subject, sha1, sha256 = (known.text(name) for name in ("subject", "sha1", "sha256"))
        begin, end = (known.number(name, YEAR_9999, 1.0) for name in ("not_before", "not_after"))
    except Odd:
        return None
    return credentials.CertificateFacts(path, subject, begin, end, sha1, sha256)
