"""Tokens of NTLM and Kerberos for a server, made by pyspnego and bound to the TLS connection.

pyspnego and what it needs are imported only here, when a server wants them (extras `ntlm` and
`kerberos`). Its own negotiation is not used where Kerberos is installed: after a refused password
it would try the same one by NTLM, and accounts are locked after a few tries.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from .errors import UsageError
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .options import Login

#: Beginning of every message of NTLM, before its type (MS-NLMP 2.2.1).
_SIGNATURE = b"NTLMSSP\0"

#: Stands for a token in a replay.
_STAND_IN = b"replayed"

#: What a recording holds for a token that proves nothing; true for one that does.
_OPENING = "opening"

_TICKET = "get a ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME"


class Unusable(CheckFailure):
    """A scheme that cannot be used here. No proof of a password was sent, so another may follow."""


def proves(token: bytes) -> bool:
    """Whether a token proves a password or a ticket: all but NTLM's first message do, which only
    opens the conversation, also inside Negotiate.

    >>> proves(b"NTLMSSP\\0\\1\\0\\0\\0"), proves(b"NTLMSSP\\0\\3\\0\\0\\0")
    (False, True)
    """
    at = token.find(_SIGNATURE) + len(_SIGNATURE)
    return bool(token) and (at < len(_SIGNATURE) or token[at : at + 1] != b"\1")


def available() -> bool:
    """Whether pyspnego is installed."""
    return importlib.util.find_spec("spnego") is not None


def missing(what: str, *, there: bool | None = None) -> str:
    """What is wrong without the packages for NTLM or Kerberos, and the remedy; `there` is whether
    pyspnego itself is, looked up unless told.
    """
    there = available() if there is None else there
    package = "'pyspnego[kerberos]'" if there else "pyspnego"
    return f"{what} needs a package: pip install {package} beside this plugin"


def end_point(certificate: bytes) -> bytes:
    """The channel binding of a server certificate in DER: `tls-server-end-point` (RFC 5929 4.1).

    The hash is that of the certificate's signature; SHA-256 in place of MD5 and SHA-1, and where
    the signature has none.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes

    algorithm: hashes.HashAlgorithm = hashes.SHA256()
    try:
        signed_by = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
        if signed_by is not None and signed_by.name not in ("md5", "sha1"):
            algorithm = signed_by
    except (ValueError, UnsupportedAlgorithm):
        pass
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


class Handshake:
    """One authentication of one connection: feed it the server's tokens, send what it gives.

    `host` names the service, `binding` is the channel binding of a TLS connection, `inside` the
    mechanism within Negotiate where it is not to be chosen here. Raises Unusable where no token can
    be made, CheckFailure where the KDC refuses the password, UsageError where a package is missing.
    """

    def __init__(
        self, scheme: str, login: Login | None, host: str, binding: bytes = b"", *, inside: str = ""
    ) -> None:
        if not available():
            raise UsageError(missing(scheme))
        import spnego
        from spnego.channel_bindings import GssChannelBindings

        self._scheme = scheme
        self._host = host
        self._user = (login.username if login else None) or "the ticket"
        password = login.password.reveal() if login and login.password else None
        try:
            self._context = spnego.client(
                login.username if login else None,
                password,
                hostname=self._host,
                service="HTTP",
                channel_bindings=GssChannelBindings(application_data=binding) if binding else None,
                protocol=inside or _protocol(scheme, password),
            )
        except Exception as error:
            raise self._no_token(error) from None

    @property
    def complete(self) -> bool:
        """Whether everything that this side has to show was shown."""
        return bool(self._context.complete)

    def begin(self) -> bytes:
        """The first token to send. Raises CheckFailure, as the class does."""
        try:
            return self._context.step() or b""
        except Exception as error:
            raise self._no_token(error) from None

    def step(self, token: bytes) -> bytes | None:
        """The next token to send, None when there is none. Raises Unusable."""
        try:
            return self._context.step(token)
        except Exception as error:
            cause = f"{self._host} sends a token for {self._scheme} that is not valid"
            remedy = "does a proxy take part in the logon?"
            detail = " ".join(str(error).split())[:500]
            failure = Failure("protocol", cause, remedy, type(error).__name__, detail)
            raise Unusable(failure) from None

    def finish(self, token: bytes) -> None:
        """Take the server's last token, by which it proves itself. Raises Unusable."""
        if not self.complete:
            self.step(token)

    def _no_token(self, error: Exception) -> CheckFailure:
        name, text = type(error).__name__, " ".join(str(error).split())[:500]
        if isinstance(error, ImportError):
            raise UsageError(missing("Kerberos")) from None
        from .codes.kerberos import FIRST, KERBEROS

        row = KERBEROS.get((getattr(error, "err_code", 0) or 0) - FIRST)
        if row is not None:
            cause = row.cause.format(user=self._user)
            failure = Failure(row.kind, cause, row.remedy, row.code, text)
            # A KDC has judged the password.
            return CheckFailure(failure) if row.kind == "logon" else Unusable(failure)
        remedy = "check --username and --password-file" if self._scheme == "NTLM" else _TICKET
        cause = f"no {self._scheme} token can be made for {self._host}"
        return Unusable(Failure("credential", cause, remedy, name, text))


class Conversation:
    """A Handshake as `learn` tells it: a replay has no token, but what stands for one.

    `proving` is whether the token made last proves a password or a ticket.
    """

    def __init__(self, learn: Callable[[str, Callable[[], object]], object], scheme: str) -> None:
        self._learn, self._scheme = learn, scheme
        self._inner: Handshake | None = None
        self.proving = False
        self._begun = False

    def begin(self, login: Login | None, host: str, binding: bytes) -> bytes | None:
        """The first token to send. Raises CheckFailure, UsageError where a package is missing."""

        def made() -> bytes:
            self._inner = Handshake(self._scheme, login, host, binding)
            return self._inner.begin()

        return self._made(made)

    def step(self, token: bytes) -> bytes | None:
        """The next token to send, None when there is none. Raises Unusable."""
        return self._made(lambda: self._inner.step(token) if self._inner else None)

    def finish(self, token: bytes) -> None:
        """Take the server's last token. Raises Unusable."""
        self._made(lambda: self._inner.finish(token) if self._inner else None)

    def _made(self, make: Callable[[], bytes | None]) -> bytes | None:
        token: list[bytes | None] = []

        def ask() -> bool | str:
            token.append(make())
            made = token[0] or b""
            # NTLM's first message needs no word of its own.
            opening = self._scheme != "NTLM" and bool(made) and not proves(made)
            return _OPENING if opening else bool(made)

        there = self._learn("handshake", ask)
        self.proving = there is True and (self._scheme != "NTLM" or self._begun)
        self._begun = True
        return token[0] if token else _STAND_IN if there else None


def _protocol(scheme: str, password: str | None) -> str:
    """pyspnego's protocol for an HTTP scheme.

    Negotiate is Kerberos; NTLM inside it only where Kerberos is not installed and there is a
    password. Kerberos tokens go without the frame of SPNEGO: MIT Kerberos takes them, Windows is
    said to (the universal receiver of MS-SPNG), which was not seen here.
    """
    if scheme == "NTLM":
        return "ntlm"
    return "kerberos" if kerberos() or password is None else "negotiate"


def kerberos() -> bool:
    """Whether Kerberos is installed for pyspnego."""
    return all(importlib.util.find_spec(name) for name in ("gssapi", "krb5"))
