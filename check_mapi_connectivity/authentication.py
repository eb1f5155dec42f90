"""Sends requests with the credential of the run: Basic, NTLM, Negotiate or Bearer.

A refused credential is never sent again in a run: accounts are locked after a few tries. NTLM and
Negotiate authenticate a connection, the others each request.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import mapi_advice, windows
from .errors import UsageError
from .options import UserPassword
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .answer import Answer
    from .options import Login
    from .probes import Run
    from .report import Stopwatch
    from .transport import Transport

BASIC, NTLM, NEGOTIATE, BEARER = "Basic", "NTLM", "Negotiate", "Bearer"

#: What is recorded of a first token that proves nothing yet.
OPENING = "opening"

#: Stands for a token in a replay.
_STAND_IN = b"replayed"

#: Legs that a handshake may take; NTLM needs three messages.
_MOST_LEGS = 6


class Authentication:
    """The run's credential for one mailbox.

    `scheme` is the one to use, None until a server has said what it takes.
    """

    def __init__(self, run: Run) -> None:
        options, report = run.options, run.report
        self._run, self._report, self._transport = run, report, run.transport
        self._logon = run.logon
        self._login: Login | None = options.login
        self._forced = BEARER if options.credential else self._login.scheme if self._login else None
        self.scheme: str | None = self._forced or self._logon.scheme
        #: Requests that carried a credential.
        self.sent = 0
        #: Whether a server has refused the credential.
        self.refused = False
        #: Whether a proof of the password was sent, which no weaker scheme may follow.
        self._proved = False

    def remember(self, scheme: object) -> None:
        """Begin with the scheme that worked in an earlier run."""
        able = (BASIC, NTLM, NEGOTIATE) if self._able() else (BASIC,)
        if self.scheme is None and scheme in able:
            self.scheme = str(scheme)

    def post(
        self, url: str, watch: Stopwatch, *, unasked: bool = True, phase: str, **keywords: Any
    ) -> Answer:
        """POST, authenticated; an answer that is not 401.

        `unasked` sends the credential at once where the scheme is known, else it waits until the
        server asks for it. Raises CheckFailure, also for a refused credential, and UsageError.
        """
        if self.scheme == BEARER:
            return self._post(url, watch, unasked=unasked, phase=phase, **keywords)
        with ExitStack() as held:

            def turn() -> dict[str, Any]:
                held.enter_context(self._logon.turn(self._run.deadline))
                return self._logon.told()

            self._transport.learn("turn", turn, self._logon.take)
            if self._logon.refusal is not None:
                self.refused = True
                raise CheckFailure(self._logon.refusal)
            # Who waited has been told what the server takes.
            self.scheme = self.scheme or self._logon.scheme
            return self._post(url, watch, unasked=unasked, phase=phase, **keywords)

    def _post(
        self, url: str, watch: Stopwatch, *, unasked: bool = True, phase: str, **keywords: Any
    ) -> Answer:
        remembered = self.scheme is not None and self.scheme != self._forced
        if self.scheme is None or not unasked:
            answer = self._send(url, watch, phase, None, keywords)
            if answer.status != 401:
                return answer
            self._choose(answer)
        try:
            answer = self._with_credential(url, watch, phase, keywords)
        except CheckFailure as error:
            if not remembered or error.failure.kind != "credential":
                raise
            # No token can be made for what an earlier run remembers: let the server say.
            self.scheme = None
            return self._post(url, watch, phase=phase, **keywords)
        other = remembered and self.scheme not in offered(answer) and not self._proved
        if answer.status == 401 and other:
            self._choose(answer)
            answer = self._with_credential(url, watch, phase, keywords)
        if answer.status == 401:
            failure = self.explain(answer)
            # A server that does not take the scheme has not judged the credential.
            given = offered(answer)
            self.refused = not given or self.scheme in given
            # What was taken earlier in this run may be used once more, to end a session.
            if self.refused and not self._logon.accepted and self.scheme != BEARER:
                self._logon.refusal = failure
            self._logon.accepted = False
            raise CheckFailure(failure)
        if answer.status == 200:
            self._logon.accepted, self._logon.scheme = True, self.scheme
        return answer

    def _able(self) -> bool:
        """Whether tokens of NTLM and Negotiate can be made here."""
        return bool(self._transport.learn("spnego", windows.available))

    def explain(self, answer: Answer) -> Failure:
        """What an answer with another status than 200 means."""
        failure = mapi_advice.http_status(
            answer,
            scheme=self.scheme or "no password",
            offered=tuple(offered(answer)),
            user=self.user,
        )
        if answer.status == 401 and self._logon.accepted and self.scheme != BEARER:
            remedy = (
                "it was let in before: see IISAuthenticationMethods of Get-MapiVirtualDirectory"
            )
            failure = replace(failure, remedy=remedy)
        return failure

    @property
    def user(self) -> str:
        """Who signs in, in words."""
        credential = self._run.options.credential
        if isinstance(credential, UserPassword):
            return credential.username
        if self._login is not None and self._login.username:
            return self._login.username
        return "of the token" if self.scheme == BEARER else "of the ticket"

    def _with_credential(
        self, url: str, watch: Stopwatch, phase: str, keywords: dict[str, Any]
    ) -> Answer:
        if self.scheme == BEARER:
            return self._bearer(url, watch, phase, keywords)
        if self.scheme == BASIC:
            return self._send(url, watch, phase, f"Basic {self._basic()}", keywords)
        return self._windows(url, watch, phase, keywords)

    def _send(
        self,
        url: str,
        watch: Stopwatch,
        phase: str,
        authorization: str | None,
        keywords: dict[str, Any],
    ) -> Answer:
        headers = dict(keywords.get("headers") or {})
        if authorization is not None:
            headers["Authorization"] = authorization
            self.sent += 1
        rest = {name: value for name, value in keywords.items() if name != "headers"}
        return self._transport.send("POST", url, watch, phase=phase, headers=headers, **rest)

    def _basic(self) -> str:
        """The credential of Basic, in UTF-8 (RFC 7617)."""
        login = self._login
        if login is None or login.password is None:
            raise UsageError("--auth basic needs --username and --password-file")
        return base64.b64encode(f"{login.username}:{login.password.reveal()}".encode()).decode()

    def _bearer(self, url: str, watch: Stopwatch, phase: str, keywords: dict[str, Any]) -> Answer:
        token = self._run.identity.token(self._run)
        answer = self._send(url, watch, phase, f"Bearer {token.access_token}", keywords)
        if answer.status == 401 and token.cached:
            token = self._run.identity.renew(self._run, token)
            answer = self._send(url, watch, phase, f"Bearer {token.access_token}", keywords)
        return answer

    def _windows(self, url: str, watch: Stopwatch, phase: str, keywords: dict[str, Any]) -> Answer:
        """A request on an authenticated connection; the handshake comes first where it must."""
        number = self._transport.connections(url)
        known = self._transport.authenticated.get(_origin(url))
        if known == number and not self._logon.each_request:
            answer = self._send(url, watch, phase, None, keywords)
            if answer.status != 401:
                return answer
            # The same connection, and yet a 401: this server wants a token with each request.
            self._logon.each_request = self._transport.connections(url) == number
        return self._handshake(url, watch, phase, keywords)

    def _handshake(
        self, url: str, watch: Stopwatch, phase: str, keywords: dict[str, Any]
    ) -> Answer:
        scheme = self.scheme or NEGOTIATE
        certificate = self._transport.connect(url, watch, phase)
        # Kerberos may ask its KDC now, which may not answer.
        host, self._report.host = self._report.host, f"the KDC ({scheme} token)"
        watch.start(phase)
        handshake = _Handshake(self._transport)
        token = handshake.begin(
            scheme, self._login, urlsplit(url).hostname or "", windows.end_point(certificate)
        )
        watch.stop()
        self._report.host = host
        number = self._transport.connections(url)
        self._proved = self._proved or handshake.proves
        for leg in range(1, _MOST_LEGS + 1):
            answer = self._send(
                url, watch, phase, f"{scheme} {base64.b64encode(token or b'').decode()}", keywords
            )
            reply = _reply(answer, scheme)
            if answer.status != 401:
                if reply:
                    handshake.finish(reply)
                connections = self._transport.connections(url)
                self._transport.authenticated[_origin(url)] = connections
                return answer
            # A challenge after the proof is a refusal, too.
            if not reply or (scheme == NTLM and leg > 1):
                return answer
            if self._transport.connections(url) != number:
                raise CheckFailure(_interrupted(answer, scheme))
            self._proved = True
            token = handshake.step(reply)
            if not token:
                return answer
        return answer

    def _choose(self, answer: Answer) -> None:
        """The strongest scheme that server and credential have in common. Raises CheckFailure,
        UsageError where a package is missing for it.
        """
        if self._forced is not None:
            self.scheme = self._forced
            return
        given = offered(answer)
        password = self._login is not None and self._login.password is not None
        able = [NTLM, NEGOTIATE] if password else [NEGOTIATE]
        usable = [scheme for scheme in able if scheme in given and self._able()]
        if password and BASIC in given:
            usable.append(BASIC)
        if usable:
            self.scheme = usable[0]
            better = [scheme for scheme in able if scheme in given]
            if self.scheme == BASIC and better:
                text = f"{answer.host} offers {' and '.join(better)}, too"
                text = windows.missing(text, there=self._able())
                self._report.remarks.append(f"Basic is used: {text}")
            return
        missing = [scheme for scheme in able if scheme in given]
        if missing:
            text = f"{answer.host} wants {' or '.join(missing)}, which"
            raise UsageError(windows.missing(text, there=self._able()))
        raise CheckFailure(_nothing_in_common(answer, password=password))


class _Handshake:
    """The handshake of one connection. A replay has no token, but what stands for one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._inner: windows.Handshake | None = None
        #: Whether the first token is a proof of the password by itself, as Kerberos's is.
        self.proves = False

    def begin(self, scheme: str, login: Login | None, host: str, binding: bytes) -> bytes | None:
        """The first token to send. Raises CheckFailure, UsageError where a package is missing."""
        token = b""

        def ask() -> bool | str:
            nonlocal token
            self._inner = windows.Handshake(scheme, login, host, binding)
            token = self._inner.begin()
            return OPENING if windows.opens_ntlm(token) else bool(token)

        told = self._transport.learn("handshake", ask)
        # Recordings of earlier versions have True for every token.
        self.proves = bool(told) and told != OPENING and scheme == NEGOTIATE
        return token or (_STAND_IN if told else None)

    def step(self, token: bytes) -> bytes | None:
        """The next token to send, None when there is none. Raises CheckFailure."""
        return self._made(lambda: self._inner.step(token) if self._inner else None)

    def finish(self, token: bytes) -> None:
        """Take the server's last token. Raises CheckFailure."""
        self._made(lambda: self._inner.finish(token) if self._inner else None)

    def _made(self, make: Callable[[], bytes | None]) -> bytes | None:
        token: list[bytes | None] = []

        def ask() -> bool:
            token.append(make())
            return bool(token[0])

        there = self._transport.learn("handshake", ask)
        return token[0] if token else _STAND_IN if there else None


def offered(answer: Answer) -> list[str]:
    """The authentication schemes that an answer offers, by their canonical names (RFC 9110 11.6.1).

    One header may hold several challenges.
    """
    names = {name.lower(): name for name in (BASIC, NTLM, NEGOTIATE, BEARER)}
    found: list[str] = []
    for line in answer.all("WWW-Authenticate"):
        for part in line.split(","):
            word = part.strip().partition(" ")[0].lower()
            if word in names and names[word] not in found:
                found.append(names[word])
    return found


def _nothing_in_common(answer: Answer, *, password: bool) -> Failure:
    lines = answer.all("WWW-Authenticate")
    names = [line.strip().partition(" ")[0][:20] for line in lines if line.strip()]
    remedy = "Basic, NTLM and Negotiate are known here" if password else "give --password-file"
    return Failure(
        "protocol",
        f"{answer.host} offers no sign-in that can be used: {', '.join(names) or 'nothing'}",
        remedy,
        f"HTTP {answer.status}",
    )


def _interrupted(answer: Answer, scheme: str) -> Failure:
    return Failure(
        "protocol",
        f"{answer.host} closes the connection during the {scheme} logon",
        f"{scheme} needs a kept connection: does a proxy or load balancer close it?",
    )


def _reply(answer: Answer, scheme: str) -> bytes | None:
    """The token that the server sends back; None for none that can be read."""
    for line in answer.all("WWW-Authenticate"):
        word, _, text = line.strip().partition(" ")
        if word.lower() == scheme.lower() and text.strip():
            try:
                return base64.b64decode(text.strip().rstrip(","), validate=True)
            except (binascii.Error, ValueError):
                return None
    return None


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
