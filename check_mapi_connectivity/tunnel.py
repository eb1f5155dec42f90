"""The CONNECT conversation that opens a tunnel through an HTTP proxy, with authentication.

Strategy: our own exchange, because neither urllib3 nor http.client shows a refused CONNECT's
headers, and both send `CONNECT` as HTTP/1.0 on Python before 3.12, which some proxies refuse
(reference sheet proxy 2, 4). Credentials go into the CONNECT and nowhere else. Where no scheme is
known the proxy is asked first, and the strongest of its offer is taken. NTLM and Negotiate take
several legs on one connection; a proxy that closes after its first 407 is connected to again. A
refused credential is sent once in a run.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.client
import re
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from . import masking, tls, windows
from .capped import CappedResponse
from .head import HeadError
from .options import Login
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deadline import Deadline
    from .logon import Logon
    from .options import Proxy
    from .report import Report

BASIC, NTLM, NEGOTIATE = "Basic", "NTLM", "Negotiate"
_SCHEMES = {name.lower(): name for name in (BASIC, NTLM, NEGOTIATE)}

#: Requests that one tunnel may take; NTLM that has to be asked first needs three.
_MOST_LEGS = 8

#: Bytes of the page beside a 407; a longer one is not worth keeping the connection for.
_MOST_BODY = 65536

_RELAY = "a local relay (px, cntlm) can stand between"
_NO_PROXY = "is an HTTP proxy at that address and port? if by TLS, name it as https://"


class _Reply(NamedTuple):
    """A proxy's answer to CONNECT; `kept` is whether its connection can be used on."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    kept: bool


class Tunnel:
    """One tunnel: `connect` gives a connection to the proxy, as often as one is needed."""

    def __init__(
        self,
        proxy: Proxy,
        target: str,
        connect: Callable[[], socket.socket],
        logon: Logon,
        *,
        report: Report,
        deadline: Deadline,
    ) -> None:
        self._proxy, self._target, self._logon = proxy, target, logon
        self._connect = connect
        self._report, self._deadline = report, deadline
        self._sock: socket.socket | None = None
        self._scheme: str | None = proxy.scheme or logon.scheme
        self._handshake: windows.Handshake | None = None
        #: What was sent and must not be read back from the proxy's words.
        self._words: set[str] = set()

    def open(self) -> socket.socket:
        """A connection to the proxy that has become one to the target.

        Raises CheckFailure of kind `proxy`, UsageError where a package is missing.
        """
        try:
            if not self._has_credential:
                return self._converse()
            with self._logon.turn(self._deadline):
                if self._logon.refusal is not None:
                    raise CheckFailure(self._logon.refusal)
                return self._found_out()
        except CheckFailure as error:
            self._close()
            raise CheckFailure(self._of_the_proxy(error.failure)) from None
        except OSError as error:
            self._close()
            raise CheckFailure(_broken(self._proxy, error)) from None

    def _found_out(self) -> socket.socket:
        """The same, while others wait for what becomes of the credential."""
        try:
            return self._converse()
        except CheckFailure as error:
            if error.failure.kind == "logon":
                # A KDC has refused the password, before the proxy was asked.
                self._logon.refusal = self._of_the_proxy(error.failure)
            raise

    def _of_the_proxy(self, failure: Failure) -> Failure:
        """A failure as the proxy's: in the words of its options, without what it was sent."""
        password = self._proxy.password
        given = masking.spellings(password.reveal()) if password else set()
        echoes = masking.Echoes(given | self._words, self._words)
        cause, detail = map(echoes.masked, (failure.cause, failure.detail))
        remedy = re.sub("--(username|password-file)", _of_the_proxy, failure.remedy)
        return replace(failure, kind="proxy", cause=cause, detail=detail, remedy=remedy)

    @property
    def _has_credential(self) -> bool:
        return self._proxy.user is not None or self._proxy.scheme == NEGOTIATE

    def _converse(self) -> socket.socket:
        asked = self._scheme is None
        authorization = None if asked else self._first()
        for _ in range(_MOST_LEGS):
            reply = self._leg(authorization)
            if 200 <= reply.status < 300 and self._sock is not None:
                self._logon.accepted, self._logon.scheme = True, self._scheme
                if self._scheme is not None:
                    user = self._proxy.user or "the owner of the ticket"
                    self._report.facts["proxy logon"] = f"{user} by {self._scheme}"
                return self._sock
            if reply.status != 407:
                raise CheckFailure(_refused(self._proxy, self._target, reply))
            if not reply.kept:
                self._close()
            if asked:
                asked, authorization = False, self._choose(reply)
                continue
            token = self._next(reply)
            if token is None:
                raise CheckFailure(self._denied(reply))
            authorization = f"{self._scheme} {token}"
        raise CheckFailure(self._denied(reply))

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
            kept = authorization is not None and response.status == 407 and _drained(response)
        except http.client.HTTPException as error:
            raise CheckFailure(_no_http(self._proxy, error)) from None
        finally:
            # Only the response's own view of the connection.
            with contextlib.suppress(OSError):
                response.close()
        return _Reply(response.status, response.reason or "", response.headers, kept)

    def _choose(self, reply: _Reply) -> str:
        """The first authorization of the strongest scheme in common. Raises CheckFailure,
        UsageError.
        """
        offered = schemes(reply.headers.get_all("Proxy-Authenticate", []))
        known = [_SCHEMES[name.lower()] for name in offered if name.lower() in _SCHEMES]
        user, password = self._proxy.user, self._proxy.password
        if user is None and NEGOTIATE in known and windows.available() and windows.kerberos():
            self._scheme = NEGOTIATE
            try:
                return self._first()
            except CheckFailure as error:
                if known == [NEGOTIATE] or error.failure.kind != "credential":
                    raise
                # No ticket is no fault where a password would do as well.
                self._report.notes.append(f"Negotiate for the proxy: {error.failure.cause}")
        if user is None:
            raise CheckFailure(_wanted(self._proxy, offered, known))
        order = [NTLM, NEGOTIATE, BASIC]
        if windows.kerberos() and ("@" in user or password is None):
            order = [NEGOTIATE, NTLM, BASIC] if password else [NEGOTIATE]
        usable = [name for name in order if name in known]
        if not usable:
            raise CheckFailure(_wanted(self._proxy, offered, known))
        return self._strongest(usable)

    def _strongest(self, usable: list[str]) -> str:
        """The first authorization of the first scheme that a token can be made for."""
        if not windows.available() and BASIC in usable:
            if usable != [BASIC]:
                text = f"proxy {self._proxy} offers {' and '.join(usable)}, too"
                self._report.remarks.append(f"Basic is used: {windows.missing(text)}")
            usable = [BASIC]
        for name in usable[:-1]:
            self._scheme = name
            try:
                return self._first(ntlm_inside=NTLM not in usable)
            except CheckFailure as error:
                # Nothing was sent to the proxy yet; a KDC that refuses the password was asked.
                if error.failure.kind != "credential":
                    raise
                self._report.notes.append(f"{name} for the proxy: {error.failure.cause}")
        self._scheme = usable[-1]
        return self._first()

    def _first(self, *, ntlm_inside: bool = True) -> str:
        """What to send first by the scheme; `ntlm_inside` is whether Negotiate may become NTLM
        where Kerberos has no token. Raises CheckFailure, UsageError.
        """
        scheme, proxy = self._scheme or BASIC, self._proxy
        password = proxy.password.reveal() if proxy.password else None
        if scheme == BASIC:
            plain = f"{proxy.user or ''}:{password or ''}".encode()
            return f"Basic {base64.b64encode(plain).decode('ascii')}"
        host = proxy.spn_host or proxy.host
        login = Login(proxy.user, proxy.password)
        # Proxies that offer Negotiate alone take NTLM inside it; a Windows domain has no KDC here.
        ntlm = password is not None and "@" not in (proxy.user or "")
        try:
            self._handshake = windows.Handshake(scheme, login, host, inside="ntlm" if ntlm else "")
            token = self._handshake.begin()
        except CheckFailure as error:
            if (
                scheme != NEGOTIATE
                or password is None
                or ntlm
                or not ntlm_inside
                or error.failure.kind != "credential"
            ):
                raise
            self._handshake = windows.Handshake(scheme, login, host, inside="ntlm")
            token = self._handshake.begin()
        return f"{scheme} {base64.b64encode(token).decode('ascii')}"

    def _next(self, reply: _Reply) -> str | None:
        """The token that answers the proxy's; None where its 407 is a refusal.

        Raises CheckFailure.
        """
        found = _token(reply.headers.get_all("Proxy-Authenticate", []), self._scheme or "")
        # One more challenge after everything was shown is how some refuse.
        if self._handshake is None or self._handshake.complete or not found:
            return None
        if self._sock is None:
            raise CheckFailure(_interrupted(self._proxy, self._scheme or ""))
        token = self._handshake.step(found)
        return base64.b64encode(token).decode("ascii") if token else None

    def _denied(self, reply: _Reply) -> Failure:
        """The proxy has judged the credential."""
        offered = schemes(reply.headers.get_all("Proxy-Authenticate", []))
        user = f"user {self._proxy.user}" if self._proxy.user else "the ticket"
        failure = Failure(
            "proxy",
            f"proxy {self._proxy} refuses {user} ({self._scheme})",
            "check --proxy-user, --proxy-domain and the password",
            "HTTP 407",
            detail=_hint(reply),
        )
        if offered and (self._scheme or "").lower() not in [name.lower() for name in offered]:
            names = " or ".join(offered)
            cause = f"proxy {self._proxy} does not take {self._scheme}, it offers {names}"
            return replace(
                failure, cause=cause, remedy="leave --proxy-auth away, or name one of them"
            )
        self._logon.refusal = failure
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
    rest = response.read(_MOST_BODY)
    return len(rest) < _MOST_BODY and response.isclosed()


def schemes(challenges: list[str]) -> list[str]:
    """Authentication schemes named by Proxy-Authenticate headers, each once (RFC 9110 11.3).

    >>> schemes(['Negotiate', 'NTLM, Basic realm="a, Digest b"'])
    ['Negotiate', 'NTLM', 'Basic']
    """
    found = []
    for challenge in challenges:
        found += re.findall(
            r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s|,|$)(?!\s*=)", _unquoted(challenge)
        )
    return list(dict.fromkeys(found))


def _unquoted(challenge: str) -> str:
    """A challenge without its quoted strings, no longer than any real one."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', challenge[:16000])


def _token(challenges: list[str], scheme: str) -> bytes | None:
    """The token of one scheme's challenge; empty or None where it has none that can be read."""
    pattern = rf"(?:^|,)\s*{re.escape(scheme)}\s+([A-Za-z0-9._~+/-]+=*)\s*(?:,|$)"
    for challenge in challenges:
        match = re.search(pattern, _unquoted(challenge), re.IGNORECASE)
        if match:
            try:
                return base64.b64decode(match[1], validate=True)
            except (binascii.Error, ValueError):
                return None
    return None


def _hint(reply: _Reply) -> str:
    """The proxy's own reason, as squid and others give it."""
    return str(reply.headers.get("X-Squid-Error") or reply.reason)


def _wanted(proxy: Proxy, offered: list[str], known: list[str]) -> Failure:
    """A proxy that wants a credential, and there is none that it would take."""
    names = " or ".join(offered) or "nothing"
    remedy = "give --proxy-user and --proxy-password-file"
    if not known:
        remedy = f"Basic, NTLM and Negotiate are known here; {_RELAY}"
    elif known == [NEGOTIATE] and proxy.user is None and not windows.kerberos():
        remedy += ", or for a Kerberos ticket: pip install 'pyspnego[kerberos]'"
    return Failure(
        "proxy", f"proxy {proxy} wants authentication and offers {names}", remedy, "HTTP 407"
    )


def _refused(proxy: Proxy, target: str, reply: _Reply) -> Failure:
    """Any answer but 200 and 407; X-Squid-Error says more than the status (http)."""
    from .codes import http, network

    row = http.PROXY.get(reply.status, http.PROXY_OTHER)
    code, hint = f"HTTP {reply.status}", _hint(reply)
    name, _, number = hint.partition(" ")
    squid, why = http.SQUID.get(name), ""
    if squid is not None:
        row = squid
        system = network.of_number(int(number) if re.fullmatch("[0-9]{1,3}", number) else 0)
        why = f": {system.cause}" if system else ""
    cause = row.cause.format(proxy=proxy, target=target) + why
    return Failure(row.kind, cause, row.remedy.format(target=target), code, detail=hint)


def _no_http(proxy: Proxy, error: http.client.HTTPException) -> Failure:
    line = f": {error.line}" if isinstance(error, HeadError) and error.line else ""
    cause = f"proxy {proxy} answers CONNECT with no HTTP"
    return Failure("proxy", cause, _NO_PROXY, detail=f"{error}{line}")


def _interrupted(proxy: Proxy, scheme: str) -> Failure:
    return Failure(
        "proxy",
        f"proxy {proxy} closes the connection during the {scheme} logon",
        f"{scheme} needs a kept connection: look at the proxy, or a load balancer before it",
    )


def _broken(proxy: Proxy, error: OSError) -> Failure:
    # Not TimeoutError: on Python 3.9 that is another.
    if isinstance(error, socket.timeout):
        cause = f"proxy {proxy} does not answer CONNECT"
        return Failure("proxy", cause, "look at the proxy; is it overloaded?")
    from .codes import network

    cause = f"proxy {proxy} breaks the connection during CONNECT"
    if isinstance(error, ssl.SSLError):
        found = tls.broken(error, f"proxy {proxy}")
        return replace(found, kind="proxy", transient=False)
    row = network.system(error)
    code, detail = (row.code, row.cause) if row else ("", str(error))
    return Failure("proxy", cause, _NO_PROXY, code, detail)
