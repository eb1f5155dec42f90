"""Sends requests with the credential of the run: Basic, NTLM, Negotiate or Bearer.

Strategy: of the schemes that a server offers the strongest that can be used is taken; where one
cannot, for want of a ticket or a kept connection, the next follows, but only before a password or a
proof of it was sent. A refused credential is never sent again in a run, not even to end a session,
and not by the next run within a minute: accounts are locked after a few tries. NTLM and Negotiate
authenticate a connection, the others each request.
"""

from __future__ import annotations

import base64
from contextlib import ExitStack
from urllib.parse import urlsplit

from ..base.credentials import UserPassword
from ..base.errors import UsageError
from ..base.failure import CheckFailure
from ..base.report import KDC
from ..base.value import NamedTuple
from ..base.vocabulary import BASIC, BEARER, NEGOTIATE, NTLM
from ..network import headers, ntlm_kerberos
from ..network.lockout import Pause
from ..network.ntlm_kerberos import Unusable
from ..network.route import NotKept
from ..services import mapi_http_refusals, sign_in_offers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..base.credentials import Login
    from ..base.failure import Failure
    from ..base.report import Stopwatch
    from ..network.answer import Answer
    from .context import ProbeContext

_CHALLENGE = "WWW-Authenticate"

#: Legs that a handshake may take; NTLM needs three messages.
_MOST_LEGS = 6


class Authentication:
    """The run's credential for one mailbox.

    `scheme` is the one to use, None until a server has said what it takes.
    """

    def __init__(self, run: ProbeContext) -> None:
        account, report = run.account, run.report
        self._run, self._report, self._transport = run, report, run.transport
        self._logon = run.logon
        self._login: Login | None = run.server.login
        self._forced = BEARER if account.credential else self._login.scheme if self._login else None
        self.scheme: str | None = self._forced or self._logon.scheme
        #: Requests that carried a credential.
        self.sent = 0
        #: Why the credential was refused, or must not be sent; whether it was taken before.
        self.refused: Failure | None = None
        self.taken_before = False
        #: Where this test's credential was taken last: what another server says of it meanwhile is
        #: no word on a session there.
        self._taken_at: str | None = None
        #: Whether a password or a proof was sent in this request, which nothing else may follow.
        self._proved = False
        self._held = ExitStack()
        self._pause: Pause | None = None

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
        request, place = _Request(url, watch, phase, keywords), self._place(url)
        if self.scheme == BEARER:
            return self._post(request, unasked=unasked)
        if self._report.address:
            # One of several nodes that hangs keeps none of the others waiting.
            with self._logon.coming(self._report.address, took=self.taken_before):
                self._transport.connect(url, watch, phase)
        with ExitStack() as held:

            def turn() -> dict[str, Any]:
                held.enter_context(self._logon.turn(self._run.deadline, place))
                return self._logon.told()

            self._transport.learn("turn", turn, self._logon.take)
            self._held, self._pause, self._proved = held, None, False
            password = self._login is not None and self._login.password is not None
            barred = self.refused or self._logon.barred(place, password=password)
            if barred is not None and url != self._taken_at:
                self.refused = barred
                raise CheckFailure(barred)
            # Who waited has been told what the server takes.
            self.scheme = self.scheme or self._logon.scheme
            return self._post(request, unasked=unasked)

    def _post(self, request: _Request, *, unasked: bool) -> Answer:
        known = self.scheme is not None and unasked
        try:
            answer = self._with_credential(request) if known else self._asked(request)
        except Unusable:
            if not known or self._proved or self.scheme == self._forced:
                raise
            # What an earlier run remembers cannot be used any more: let the server say.
            self.scheme = None
            answer = self._asked(request)
        if answer.status == 401:
            raise CheckFailure(self._refused(request, answer))
        if answer.status == 200:
            if self._pause is not None:
                self._pause.told(None)
            self._logon.let_in(self.scheme, self._place(request.url))
            self._taken_at = request.url
        return answer

    def _place(self, url: str) -> str:
        """What a word on the credential holds for: a node, or all hosts where none is tested."""
        if not self._report.address:
            return ""
        host = urlsplit(url).hostname or ""
        return self._report.address if self._transport.led(host) else host

    def _refused(self, request: _Request, answer: Answer) -> Failure:
        """The credential was sent and not taken: nothing in this test sends it again."""
        failure = self.explain(answer)
        self.refused, self._taken_at = failure, None
        if self.scheme != BEARER:
            place = self._place(request.url)
            if self._pause is not None and not self._logon.proven(place):
                self._pause.told(failure)
            self._logon.turned_away(failure, place)
        return failure

    def _asked(self, request: _Request) -> Answer:
        """The answer to a request without a credential, or to the same with the first of the
        offered schemes that can be used. Raises CheckFailure, UsageError.
        """
        answer = self._send(request, None)
        if answer.status != 401:
            return answer
        left = self._usable(answer)
        while True:
            self.scheme = left.pop(0)
            try:
                return self._with_credential(request)
            except (Unusable, UsageError) as error:
                if self._proved or not left:
                    raise
                why = error.failure.cause if isinstance(error, CheckFailure) else error
                self._report.trace.remark(f"{self.scheme} cannot be used: {why}")

    def _usable(self, answer: Answer) -> list[str]:
        """The schemes that server and credential have in common, the strongest first.

        Raises CheckFailure, UsageError where a package is missing for all of them.
        """
        given = offered(answer)
        tokens = sign_in_offers.tokens(answer)
        if tokens and len(given) > 1:
            self._report.trace.note(f"{answer.host} takes tokens, too: {tokens}")
        if self._forced is not None:
            if self._forced in given:
                return [self._forced]
            self.scheme = self._forced
            failure = (
                self.explain(answer)
                if given
                else sign_in_offers.nothing_in_common(answer, password=True)
            )
            raise Unusable(failure)
        password = self._login is not None and self._login.password is not None
        able = (NTLM, NEGOTIATE) if password else (NEGOTIATE,)
        wanted = [scheme for scheme in able if scheme in given]
        usable = wanted if wanted and self._able() else []
        if password and BASIC in given:
            if wanted and not usable:
                text = f"{answer.host} offers {' and '.join(wanted)}, too"
                text = ntlm_kerberos.missing(text, there=False)
                self._report.trace.remark(f"Basic is used: {text}")
            return [*usable, BASIC]
        if usable:
            return usable
        if wanted:
            text = f"{answer.host} wants {' or '.join(wanted)}, which"
            raise UsageError(ntlm_kerberos.missing(text, there=False))
        raise Unusable(sign_in_offers.nothing_in_common(answer, password=password))

    def _prove(self, request: _Request) -> None:
        """A password or a proof goes out next. Raises CheckFailure where it must not."""
        self._proved = True
        taken = self._logon.proven(self._place(request.url)) or request.url == self._taken_at
        if taken or self._pause is not None or self._login is None:
            return
        host = urlsplit(request.url).hostname or ""
        self._pause = Pause.of_logon(self._login, host, self._run.cache)
        if self._pause is None:
            return
        try:
            self._held.enter_context(self._pause.trial(self._run.deadline))
        except CheckFailure as error:
            self.refused = error.failure
            self._logon.bar(error.failure)
            raise

    def _able(self) -> bool:
        """Whether tokens of NTLM and Negotiate can be made here."""
        return bool(self._transport.learn("spnego", ntlm_kerberos.available))

    def explain(self, answer: Answer) -> Failure:
        """What an answer with another status than 200 means."""
        who = mapi_http_refusals.named(self.user, self._report.mailbox)
        scheme, given = self.scheme or "no password", tuple(offered(answer))
        told: dict[str, Any] = {"scheme": scheme, "offered": given, "user": who}
        failure = mapi_http_refusals.http_status(answer, **told)
        if answer.status != 401 or not self._logon.accepted or scheme == BEARER:
            return failure
        if self._report.address and self._taken_at is None:
            return mapi_http_refusals.let_in_elsewhere(failure, answer, **told)
        # No wrong password: the same one was taken in this run.
        cause = f"{answer.host} now refuses {who} ({scheme})"
        remedy = "run Get-MapiVirtualDirectory; IISAuthenticationMethods may lack the scheme"
        return failure._replace(cause=cause, remedy=remedy)

    @property
    def user(self) -> str:
        """Who signs in, in words."""
        credential = self._run.account.credential
        if isinstance(credential, UserPassword):
            return credential.username
        if self._login is not None and self._login.username:
            return self._login.username
        return "of the token" if self.scheme == BEARER else mapi_http_refusals.TICKET

    def _with_credential(self, request: _Request) -> Answer:
        if self.scheme == BEARER:
            return self._bearer(request)
        if self.scheme == BASIC:
            word = self._basic()
            self._prove(request)
            return self._send(request, f"Basic {word}")
        return self._windows(request)

    def _send(self, request: _Request, authorization: str | None, *, kept: bool = False) -> Answer:
        headers = dict(request.keywords.get("headers") or {})
        if authorization is not None:
            headers["Authorization"] = authorization
            self.sent += 1
        rest = {name: value for name, value in request.keywords.items() if name != "headers"}
        if kept:
            rest["kept"] = True
        return self._transport.send(
            "POST", request.url, request.watch, phase=request.phase, headers=headers, **rest
        )

    def _basic(self) -> str:
        """The credential of Basic, in UTF-8 (RFC 7617)."""
        login = self._login
        if login is None or login.password is None:
            raise UsageError("--auth basic needs --username and --password-file")
        return base64.b64encode(f"{login.username}:{login.password.reveal()}".encode()).decode()

    def _bearer(self, request: _Request) -> Answer:
        token = self._run.sign_in.token()
        answer = self._send(request, f"Bearer {token.access_token}")
        if answer.status == 401 and token.cached:
            token = self._run.sign_in.renew(token)
            answer = self._send(request, f"Bearer {token.access_token}")
        return answer

    def _windows(self, request: _Request) -> Answer:
        """A request on an authenticated connection; the handshake comes first where it must."""
        url = request.url
        number = self._transport.connections(url)
        known = self._transport.authenticated.get(_origin(url))
        if known == number and not self._logon.each_request:
            answer = self._send(request, None)
            if answer.status != 401:
                return answer
            # The same connection, and yet a 401: this server wants a token with each request.
            self._logon.each_request = self._transport.connections(url) == number
        return self._handshake(request)

    def _begin(self, scheme: str, request: _Request) -> tuple[ntlm_kerberos.Conversation, bytes]:
        """A handshake and its first token, once there is a connection to bind it to.

        Raises CheckFailure, Unusable, UsageError.
        """
        certificate = self._transport.connect(request.url, request.watch, request.phase)
        # Kerberos may ask its KDC now, which may not answer.
        with self._report.times.at(KDC):
            request.watch.start(request.phase)
            handshake = ntlm_kerberos.Conversation(self._transport.learn, scheme)
            name = urlsplit(request.url).hostname or ""
            try:
                token = handshake.begin(self._login, name, ntlm_kerberos.end_point(certificate))
            except Unusable:
                raise
            except CheckFailure as error:
                # The KDC has refused the password: nobody asks it again.
                self.refused, self._proved = error.failure, True
                self._logon.bar(error.failure)
                raise
            finally:
                request.watch.stop()
        return handshake, token or b""

    def _handshake(self, request: _Request) -> Answer:
        """The answer to a request by NTLM or Negotiate. Raises Unusable where it ends before a
        proof was sent, CheckFailure, UsageError.
        """
        scheme, url = self.scheme or NEGOTIATE, request.url
        handshake, token = self._begin(scheme, request)
        for leg in range(_MOST_LEGS):
            word = f"{scheme} {base64.b64encode(token).decode()}"
            if handshake.proving:
                self._prove(request)
            answer = self._leg(request, word, scheme, opened=leg > 0)
            reply = _reply(answer, scheme)
            if answer.status != 401:
                if reply:
                    handshake.finish(reply)
                self._transport.authenticated[_origin(url)] = self._transport.connections(url)
                return answer
            if not handshake.proving and not reply:
                raise Unusable(self._not_gone_on(answer, scheme))
            # A server that does not offer Kerberos has not judged the ticket.
            if leg == 0 and scheme == NEGOTIATE and scheme not in offered(answer):
                self._proved = False
                raise Unusable(self.explain(answer))
            # A challenge after the proof is a refusal, too.
            if not reply or (scheme == NTLM and handshake.proving):
                return answer
            following = handshake.step(reply)
            if not following:
                return answer
            token = following
        return answer

    def _leg(self, request: _Request, word: str, scheme: str, *, opened: bool) -> Answer:
        """One message of a handshake, which goes on by the connection that it began on.

        Raises CheckFailure, Unusable where the connection was closed before a proof was sent.
        """
        if not opened:
            return self._send(request, word)
        try:
            return self._send(request, word, kept=True)
        except NotKept:
            self._proved = False
            host = self._report.times.host
            raise Unusable(mapi_http_refusals.interrupted(host, scheme)) from None

    def _not_gone_on(self, answer: Answer, scheme: str) -> Failure:
        """The server has refused the first message, which proves nothing."""
        given = offered(answer)
        if given and scheme not in given:
            return self.explain(answer)
        return mapi_http_refusals.not_gone_on(answer, scheme, given)


class _Request(NamedTuple):
    """A request that may be sent several times until its credential is taken."""

    url: str
    watch: Stopwatch
    phase: str
    keywords: dict[str, Any]


def _reply(answer: Answer, scheme: str) -> bytes | None:
    """The token of a scheme's challenge; Gromox labels that of NTLM as Negotiate (reference sheet
    mapi-http, corrections).
    """
    lines = answer.all(_CHALLENGE)
    found = headers.token(lines, scheme)
    if found or scheme != NTLM:
        return found
    other = headers.token(lines, NEGOTIATE) or b""
    return other if other.startswith(b"NTLMSSP\0") else found


def offered(answer: Answer) -> list[str]:
    """The authentication schemes that an answer offers, those known here by their own spelling."""
    return headers.schemes(answer.all(_CHALLENGE))


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
