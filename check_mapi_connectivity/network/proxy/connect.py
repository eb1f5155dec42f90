"""The CONNECT conversation that opens a tunnel through an HTTP proxy, with authentication.

Strategy: our own exchange, because neither urllib3 nor http.client shows a refused CONNECT's
headers, and both send `CONNECT` as HTTP/1.0 on Python before 3.12, which some proxies refuse
(reference sheet proxy 2, 4). Credentials go into the CONNECT and nowhere else. Where no scheme is
known the proxy is asked first, and the strongest of its offer that can be used is taken; another
one follows only before a password or a proof of it was sent. Without TLS a password goes by Basic
only where nothing else is offered, or where the operator says so. NTLM and Negotiate take several
legs on one connection; a proxy that closes after its first 407 is connected to again. A refused
credential is sent once in a run.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket

from ...base.credentials import Login
from ...base.errors import UsageError
from ...base.failure import CheckFailure, Failure
from ...base.report import KDC
from ...base.value import NamedTuple
from ...base.vocabulary import BASIC, NEGOTIATE, NTLM
from ...secrecy import echoes as secrecy_echoes
from .. import headers, ntlm_kerberos
from ..carriers.capped import CappedResponse
from ..head import Disconnected, HeadError
from ..ntlm_kerberos import Unusable
from . import schemes
from .refusals import broken, interrupted, no_http, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...base.credentials import Proxy
    from ...base.deadline import Deadline
    from ...base.report import Stopwatch, Times, Trace
    from ..lockout import Pause
    from ..shared_logon import Logon

_CHALLENGE = "Proxy-Authenticate"

#: Requests that one tunnel may take; NTLM that has to be asked first needs three.
_MOST_LEGS = 8

#: Squid, for one, says the same of all of these.
_ACCOUNT = "check user and password; a locked, disabled or expired account looks the same"
_TICKET = "compare the clocks; check --proxy-spn-host, and see the proxy's log"
_REALM = "where the proxy takes Kerberos only: --proxy-user USER@REALM; else user and password"

#: Bytes of the page beside a 407; a longer one is not worth keeping the connection for.
_MOST_BODY = 65536


class _Reply(NamedTuple):
    """A proxy's answer to CONNECT; `kept` is whether its connection can be used on."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    kept: bool

    @property
    def challenges(self) -> list[str]:
        """The lines that say what the proxy takes."""
        return self.headers.get_all(_CHALLENGE, [])

    @property
    def hint(self) -> str:
        """The proxy's own reason, as squid and others give it, and the page that it leads to."""
        reason = str(self.headers.get("X-Squid-Error") or self.reason)
        page = str(self.headers.get("Location") or "").partition("?")[0]
        return f"{reason}; it leads to {page[:200]}" if page and self.status < 400 else reason

    @property
    def schemes(self) -> list[str]:
        """The schemes that the proxy offers."""
        return headers.schemes(self.challenges)


class Tunnel:
    """One tunnel: `connect` gives a connection to the proxy, as often as one is needed; `pause` is
    the rest of the proxy user's password.
    """

    def __init__(
        self,
        proxy: Proxy,
        target: str,
        connect: Callable[[], socket.socket],
        logon: Logon,
        *,
        trace: Trace,
        times: Times,
        watch: Stopwatch,
        deadline: Deadline,
        pause: Pause | None = None,
    ) -> None:
        self._proxy, self._target, self._logon = proxy, target, logon
        self._connect, self._pause = connect, pause
        self._trace, self._times = trace, times
        self._watch, self._deadline = watch, deadline
        self._sock: socket.socket | None = None
        self._scheme: str | None = proxy.scheme or logon.scheme
        self._handshake: ntlm_kerberos.Handshake | None = None
        #: Why Kerberos gave no token, where NTLM went inside Negotiate instead.
        self._no_ticket: Failure | None = None
        #: Whether a password or a proof of it was sent, which no other scheme may follow.
        self._proved = False
        self._held = contextlib.ExitStack()
        #: What was sent and must not be read back from the proxy's words.
        self._words: set[str] = set()

    def open(self) -> socket.socket:
        """A connection to the proxy that has become one to the target.

        Raises CheckFailure of kind `proxy` or `untested`, UsageError where a package is missing.
        """
        try:
            if not self._has_credential:
                return self._converse()
            with self._held, self._logon.turn(self._deadline):
                if self._logon.refusal is not None:
                    raise CheckFailure(self._logon.refusal)
                return self._found_out()
        except CheckFailure as error:
            self._close()
            raise CheckFailure(self._of_the_proxy(error.failure)) from None
        except OSError as error:
            self._close()
            raise CheckFailure(broken(self._proxy, error)) from None

    def _found_out(self) -> socket.socket:
        """The same, while others wait for what becomes of the credential."""
        try:
            return self._converse()
        except CheckFailure as error:
            if error.failure.kind in ("logon", "untested"):
                # A KDC has refused the password before the proxy was asked, or it must rest.
                self._logon.bar(self._of_the_proxy(error.failure))
            raise

    def _of_the_proxy(self, failure: Failure) -> Failure:
        """A failure as the proxy's: in the words of its options, without what it was sent."""
        password = self._proxy.password
        given = secrecy_echoes.spellings(password.reveal()) if password else set()
        echoes = secrecy_echoes.Echoes(given | self._words, self._words)
        cause, detail = map(echoes.masked, (failure.cause, failure.detail))
        remedy = re.sub("--(username|password-file)", _of_the_proxy, failure.remedy)
        kind = "untested" if failure.kind == "untested" else "proxy"
        return failure._replace(kind=kind, cause=cause, detail=detail, remedy=remedy)

    @property
    def _has_credential(self) -> bool:
        return self._proxy.user is not None or self._proxy.scheme == NEGOTIATE

    def _converse(self) -> socket.socket:
        if self._scheme is not None:
            return self._log_on()
        reply = self._leg(None)
        opened = self._opened(reply)
        if opened is not None:
            return opened
        left = schemes.usable(self._proxy, reply.schemes, self._trace.remark)
        while True:
            self._scheme = left.pop(0)
            try:
                # Proxies that offer Negotiate alone take NTLM inside it.
                return self._log_on(ntlm_inside=NTLM not in left)
            except (Unusable, UsageError) as error:
                self._close()
                if self._proved:
                    raise
                why = error.failure.cause if isinstance(error, CheckFailure) else error
                self._trace.note(f"{self._scheme} for the proxy: {why}")
                others = [name for name in reply.schemes if name in (BASIC, NTLM)]
                if not left and others and self._proxy.user is None:
                    # Without a ticket a password would do.
                    known = [NEGOTIATE, *others]
                    raise CheckFailure(schemes.wanted(self._proxy, reply.schemes, known)) from None
                if not left:
                    raise

    def _opened(self, reply: _Reply) -> socket.socket | None:
        """The tunnel, where it is open; None for a 407, after which a connection that cannot be
        used on is closed. Raises CheckFailure for any other answer.
        """
        if 200 <= reply.status < 300 and self._sock is not None:
            self._logon.let_in(self._scheme)
            if self._pause is not None and self._proved:
                self._pause.told(None)
            if self._scheme is not None:
                user = self._proxy.user or "the owner of the ticket"
                self._trace.fact("proxy logon", f"{user} by {self._scheme}")
            return self._sock
        if reply.status == 401 and self._proved:
            # Before there is a tunnel all that is said is the proxy's: so Tinyproxy refuses.
            raise CheckFailure(self._denied(reply))
        if reply.status != 407:
            failure = refused(self._proxy, self._target, reply.status, reply.hint)
            raise CheckFailure(failure)
        if not reply.kept:
            self._close()
        return None

    def _log_on(self, *, ntlm_inside: bool = True) -> socket.socket:
        """The tunnel, by the scheme that was chosen.

        Raises Unusable where it ends before a proof was sent, CheckFailure, UsageError.
        """
        word = self._first(ntlm_inside=ntlm_inside)
        for _ in range(_MOST_LEGS):
            proving = self._scheme == BASIC or ntlm_kerberos.proves(word)
            if proving:
                self._prove()
            shown = base64.b64encode(word).decode("ascii")
            reply = self._leg(f"{self._scheme} {shown}")
            opened = self._opened(reply)
            if opened is not None:
                return opened
            following = self._next(reply)
            if following is None and not self._proved:
                raise Unusable(self._not_gone_on(reply))
            if following is None:
                break
            word = following
        raise CheckFailure(self._denied(reply))

    def _prove(self) -> None:
        """A password or a proof goes out next. Raises CheckFailure where it must not."""
        if not (self._proved or self._logon.accepted or self._pause is None):
            self._held.enter_context(self._pause.trial(self._deadline))
        self._proved = True

    def _leg(self, authorization: str | None) -> _Reply:
        """One CONNECT and its answer. Raises CheckFailure, OSError."""
        if self._sock is None:
            self._sock = self._connect()
        lines = [f"CONNECT {self._target} HTTP/1.1", f"Host: {self._target}"]
        lines.append("Proxy-Connection: Keep-Alive")
        if authorization is not None:
            self._words.add(authorization.partition(" ")[2])
            lines.append(f"Proxy-Authorization: {authorization}")
        self._sock.sendall("\r\n".join([*lines, "", ""]).encode())
        response = CappedResponse(self._sock, method="CONNECT")
        try:
            response.begin()
            # What was only asked goes on by another connection: proxies close the first one, and
            # not all say so.
            shown = self._handshake is None or self._handshake.complete
            # Where all was shown, nothing goes on by it either.
            kept = not shown and response.status == 407 and _drained(response)
        except (http.client.HTTPException, HeadError, Disconnected) as error:
            raise CheckFailure(no_http(self._proxy, error)) from None
        finally:
            # Only the response's own view of the connection.
            with contextlib.suppress(OSError):
                response.close()
        return _Reply(response.status, response.reason or "", response.headers, kept)

    def _first(self, *, ntlm_inside: bool) -> bytes:
        """What to send first by the scheme; `ntlm_inside` is whether Negotiate may become NTLM
        where Kerberos has no token. Raises Unusable, CheckFailure, UsageError.
        """
        scheme, proxy = self._scheme or BASIC, self._proxy
        password = proxy.password.reveal() if proxy.password else None
        if scheme == BASIC:
            return f"{proxy.user or ''}:{password or ''}".encode()
        host = proxy.spn_host or proxy.host
        login = Login(proxy.user, proxy.password)
        # A Windows domain has no KDC here.
        ntlm = password is not None and "@" not in (proxy.user or "")
        if ntlm:
            return self._begun(ntlm_kerberos.Handshake(scheme, login, host, inside="ntlm"))
        # A KDC may not answer.
        with self._times.at(KDC):
            self._watch.start("proxy")
            try:
                return self._begun(ntlm_kerberos.Handshake(scheme, login, host))
            except Unusable as error:
                if scheme != NEGOTIATE or password is None or not ntlm_inside:
                    raise
                self._no_ticket = error.failure
                return self._begun(ntlm_kerberos.Handshake(scheme, login, host, inside="ntlm"))

    def _begun(self, handshake: ntlm_kerberos.Handshake) -> bytes:
        self._handshake = handshake
        return handshake.begin()

    def _next(self, reply: _Reply) -> bytes | None:
        """The token that answers the proxy's; None where its 407 has none or is a refusal.

        Raises Unusable.
        """
        found = headers.token(reply.challenges, self._scheme or "")
        # One more challenge after everything was shown is how some refuse.
        if self._handshake is None or self._handshake.complete or not found:
            return None
        if self._sock is None:
            raise Unusable(interrupted(self._proxy, self._scheme or ""))
        return self._handshake.step(found) or None

    def _not_gone_on(self, reply: _Reply) -> Failure:
        """The proxy has refused the first message, which proves nothing."""
        if reply.schemes and self._scheme not in reply.schemes:
            return self._not_taken(reply)
        if self._no_ticket is not None:
            # NTLM only stood in for Kerberos, which is all that this proxy takes.
            return self._no_ticket
        names = ", ".join(name[:20] for name in reply.schemes[:8]) or "none"
        return Failure(
            "proxy",
            f"proxy {self._proxy} does not go on with the {self._scheme} logon",
            f"no password was sent; name another --proxy-auth of those offered: {names}",
            "HTTP 407",
            detail=reply.hint,
        )

    def _not_taken(self, reply: _Reply) -> Failure:
        names = " or ".join(name[:20] for name in reply.schemes[:8])
        return Failure(
            "proxy",
            f"proxy {self._proxy} does not take {self._scheme}, it offers {names}",
            "leave --proxy-auth away, or name one of them",
            "HTTP 407",
            detail=reply.hint,
        )

    def _denied(self, reply: _Reply) -> Failure:
        """The proxy has been sent the credential and does not take it: nothing sends it again."""
        user = f"user {self._proxy.user}" if self._proxy.user else "the ticket"
        # The KDC has taken the password before.
        ticket = self._scheme == NEGOTIATE and "@" in (self._proxy.user or "@")
        failure = Failure(
            "proxy",
            f"proxy {self._proxy} refuses {user} ({self._scheme})",
            _TICKET if ticket and ntlm_kerberos.kerberos() else _ACCOUNT,
            f"HTTP {reply.status}",
            detail=reply.hint,
        )
        if self._no_ticket is not None:
            # Whoever takes Kerberos alone has not judged the NTLM that stood in for it.
            lead = f"proxy {self._proxy} takes no NTLM, and Kerberos gives no token: "
            failure = self._no_ticket._replace(cause=f"{lead}{self._no_ticket.cause}")
        elif self._scheme == NEGOTIATE and self._proxy.user and "@" not in self._proxy.user:
            failure = failure._replace(remedy=_REALM)
        if reply.schemes and self._scheme not in reply.schemes:
            failure = self._not_taken(reply)
        failure = self._of_the_proxy(failure)
        self._logon.bar(failure)
        if self._pause is not None and not self._logon.accepted:
            self._pause.told(failure)
        return failure

    def _close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def _of_the_proxy(option: re.Match[str]) -> str:
    """The proxy's option that stands for a server's."""
    return {"username": "--proxy-user", "password-file": "--proxy-password-file"}[option[1]]


def _drained(response: http.client.HTTPResponse) -> bool:
    """Read the page beside a refusal; whether the connection is clean after it."""
    if response.will_close:
        return False
    # Reading beyond the limit would be the proxy's choice of how long this takes.
    try:
        rest = response.read(_MOST_BODY)
    except (http.client.HTTPException, HeadError, Disconnected, OSError):
        # The refusal is there, whatever becomes of its page.
        return False
    return len(rest) < _MOST_BODY and response.isclosed()
