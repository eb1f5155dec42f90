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
from dataclasses import asdict, replace
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from ..base import credentials
from ..base.cache import Cache
from ..base.credentials import ClientSecret, FederatedToken, ManagedIdentity, UserPassword
from ..base.failure import CheckFailure, Failure
from ..base.reading.untrusted import YEAR_9999, Fields, Odd
from ..base.report import SHARED
from ..network import lockout
from . import certificate, managed_identity, msal_client
from .tokens import Token, lifetime, usable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from typing import Any

    from ..base.options import Credential, Options
    from .job import Job

#: Entra does not know the certificate (reference sheet exchange-online 6).
_UNKNOWN = "AADSTS700027"

#: Seconds before a second try where the other side names none.
_PAUSE = 0.25


class _Refusal(NamedTuple):
    """A sign-in that failed, and the time (monotonic) before which nobody tries again."""

    failure: Failure
    until: float


class Identity:
    """The monitor's own identity in one run, for use by many threads.

    Signs in at most once for each resource, once more after a passing fault, and once more when the
    service refuses a cached token.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        resources = {options.resource(method) for method in options.methods}
        shared = Lock()
        # A password is tried by one at a time: a second wrong one would be a failed logon more.
        password = isinstance(options.credential, UserPassword)
        self._locks = {name: shared if password else Lock() for name in resources}
        self._tokens: dict[str, Token] = {}
        self._refused: dict[str, str] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._clients: list[certificate.ClientCertificate] = []
        self._facts: credentials.CertificateFacts | None = None
        who = _fingerprint(options.credential) if options.credential else ""
        self._keys = {
            name: Cache.key(
                "token",
                options.authority_url,
                options.tenant.lower(),
                options.client_id.lower(),
                who,
                name,
            )
            for name in resources
        }

    def prepare(self, cache: Cache, now: float) -> None:
        """Read the certificate's dates, from the cache if it knows the files; `now` is in seconds
        since 1970.

        Raises UsageError for files that cannot be used.
        """
        files = self._options.certificate
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
        return certificate.refusal(self._facts, now, self._options.tenant)

    @property
    def facts(self) -> credentials.CertificateFacts | None:
        """The certificate in use."""
        return self._facts

    def token(self, job: Job) -> Token:
        """The token for the job's method. Raises CheckFailure."""
        resource, report = self._options.resource(job.report.method), job.report
        token = self._known(job, resource)
        if token is None:
            report.times.sign_in.start(SHARED)
            try:
                with ExitStack() as held:
                    token = self._known(job, resource, held) or self._first(job, resource)
            except CheckFailure as error:
                raise CheckFailure(replace(error.failure, during="sign-in")) from None
            finally:
                report.times.sign_in.stop()
                if self._facts is not report.certificate:
                    report.signed_by(self._facts, job.deadline.wall())
        report.times.token_cached = token.cached or not report.times.sign_in.phases()
        if report.times.token_cached:
            report.times.unneeded.add("token")
        else:
            report.times.unneeded.discard("token")
        return token

    def _known(self, job: Job, resource: str, held: ExitStack | None = None) -> Token | None:
        """The token that another test of this run has fetched; with `held`, once it is this one's
        turn to look.
        """

        def look() -> dict[str, Any]:
            if held is not None:
                held.enter_context(self._locks[resource])
            token, refusal = self._tokens.get(resource), self._refusals.get(resource)
            wait = refusal.until - job.deadline.now() if refusal is not None else math.inf
            return {
                "token": token and asdict(token),
                "refusal": refusal and asdict(refusal.failure),
                "wait": wait if math.isfinite(wait) else None,
            }

        def take(known: dict[str, Any]) -> None:
            if known["token"]:
                self._tokens[resource] = Token(**known["token"])
            wait = math.inf if known["wait"] is None else known["wait"]
            if known["refusal"]:
                refused = Failure(**known["refusal"])
                self._refusals[resource] = _Refusal(refused, job.deadline.now() + wait)

        job.transport.learn("sign-in", look, take)
        return self._tokens.get(resource)

    def renew(self, job: Job, refused: Token) -> Token:
        """A fresh token in place of a cached one that the service refuses. Raises CheckFailure."""
        resource = self._options.resource(job.report.method)
        with self._locks[resource]:
            # Another one of this run may have been here before.
            if self._tokens.get(resource) is refused:
                del self._tokens[resource]
                self._refused[resource] = refused.access_token
                job.cache.drop(self._keys[resource])
        job.report.trace.note("the service refused the cached token; signed in again")
        return self.token(job)

    def _first(self, job: Job, resource: str) -> Token:
        """A token that nobody in this run has had yet. Raises CheckFailure."""
        refusal = self._refusals.get(resource)
        if refusal is not None and job.deadline.now() < refusal.until:
            wait = refusal.until - job.deadline.now()
            again = refusal.failure.transient and math.isfinite(wait)
            raise CheckFailure(
                replace(refusal.failure, transient=again, retry_after=wait if again else None)
            )
        job.report.times.sign_in.discard()
        job.report.times.sign_in.start("cache")
        try:
            # Who has a token waits for nobody.
            token = self._cached(job.cache, resource)
            if token is None:
                with self._alone(job, resource):
                    # Another run may have fetched one while this one waited.
                    token = self._cached(job.cache, resource) or self._fetch(job, resource)
        except CheckFailure as error:
            self._refuse(error.failure, resource, job, last=refusal is not None)
            raise
        self._tokens[resource] = token
        return token

    def _refuse(self, failure: Failure, resource: str, job: Job, *, last: bool) -> None:
        """Remember a failed sign-in for everybody in this run."""
        wait = math.inf
        if failure.transient and not last:
            wait = _PAUSE if failure.retry_after is None else failure.retry_after
        # What is wrong with a password is wrong with it everywhere.
        about_resource = failure.kind == "credential" and not lockout.counts(failure)
        everywhere = isinstance(self._options.credential, UserPassword) and not about_resource
        for name in self._locks if everywhere else [resource]:
            self._refusals[name] = _Refusal(failure, job.deadline.now() + wait)

    def _alone(self, job: Job, resource: str) -> AbstractContextManager[object]:
        """Keep other runs from signing in meanwhile; from sending a password, at any price."""
        user = self._options.credential
        if isinstance(user, UserPassword):
            return lockout.Pause.of_sign_in(self._options, user, job.cache).alone(job.deadline)
        return job.cache.lock(self._keys[resource])

    def _cached(self, cache: Cache, resource: str) -> Token | None:
        document = cache.load(self._keys[resource])
        if document is None or not usable(document):
            return None
        if document["access_token"] == self._refused.get(resource):
            # It could not be dropped, in a directory that cannot be written.
            return None
        return Token(document["access_token"], document["expires_at"], cached=True)

    def _fetch(self, job: Job, resource: str) -> Token:
        job.report.times.sign_in.start("signing")
        files, now = self._options.certificate, job.deadline.wall()
        if not self._clients and files is not None:
            self._clients = certificate.candidates(files, now)
        answer = self._ask(job, resource)
        lasting = lifetime(answer.get("expires_in"))
        token = Token(str(answer["access_token"]), job.deadline.wall() + lasting)
        job.cache.store(
            self._keys[resource],
            {
                "access_token": token.access_token,
                "expires_at": token.expires_at,
                "certificate": asdict(self._facts) if self._facts else None,
            },
        )
        return token

    def _ask(self, job: Job, resource: str) -> Mapping[str, Any]:
        """A token answer. Raises CheckFailure."""
        credential = self._options.credential
        if isinstance(credential, ManagedIdentity):
            return managed_identity.ask(job, credential, resource)
        if not isinstance(credential, UserPassword):
            return self._shown(job, resource)
        pause = lockout.Pause.of_sign_in(self._options, credential, job.cache)
        pause.check()
        try:
            found = msal_client.ask(job, resource, None, pause.sending)
        except CheckFailure as error:
            if not pause.sent:
                raise
            failure = replace(error.failure, transient=False)
            pause.told(failure)
            raise CheckFailure(failure) from None
        pause.told(None)
        return found

    def _shown(self, job: Job, resource: str) -> Mapping[str, Any]:
        """A token answer for what no guessing can harm: of several certificates of one file the
        next one that is valid, where Entra does not know the first (contract 7.28). Raises
        CheckFailure.
        """
        now, tried = job.deadline.wall(), 0
        valid = [one for one in self._clients if not certificate.unfit(one.facts, now)]
        clients = valid or self._clients[:1]

        def go_on() -> bool:
            if tried + 1 >= len(clients):
                return False
            before, self._facts = clients[tried].facts, clients[tried + 1].facts
            job.report.trace.remark(
                f"Entra does not know {_named(before)} ({_UNKNOWN}); the next certificate of "
                f"{before.path} that fits is {_named(self._facts)}"
            )
            return True

        while True:
            try:
                return msal_client.ask(job, resource, clients[tried] if clients else None)
            except CheckFailure as error:
                unknown = error.failure.code == _UNKNOWN
                if not unknown or not job.transport.learn("certificate", go_on):
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
