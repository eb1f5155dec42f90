"""Tokens of NTLM and Kerberos for a server, made by pyspnego and bound to the TLS connection.

pyspnego and what it needs are imported only here, when a server wants them (extras `ntlm` and
`kerberos`). Its own negotiation is not used where Kerberos is installed: after a refused password
it would try the same one by NTLM, and accounts are locked after a few tries.
"""

from __future__ import annotations

import os
import re
from functools import cache

from ..base.errors import UsageError
from ..base.failure import CheckFailure, Failure
from ..base.vocabulary import NTLM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..base.credentials import Login

#: Beginning of every message of NTLM, before its type (MS-NLMP 2.2.1).
_SIGNATURE = b"NTLMSSP\0"

#: Stands for a token in a replay.
_STAND_IN = b"replayed"

#: What a recording holds for a token that proves nothing; true for one that does.
_OPENING = "opening"

#: KRB5KRB_AP_ERR_TKT_EXPIRED.
_TICKET_ENDED = 32

_TICKET = "get a ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME"

#: What Python and OpenSSL say where a digest is not to be had.
_NO_DIGEST = "(?i)digital envelope routines|disabled for fips|unsupported hash type"

#: Variables of Kerberos -> what they name, and how such a file begins (MIT's documents on the
#: formats of credential caches and keytabs).
_FILES = {
    "KRB5CCNAME": ("ticket cache", (b"\5\1", b"\5\2", b"\5\3", b"\5\4")),
    "KRB5_CLIENT_KTNAME": ("keytab", (b"\5\1", b"\5\2")),
}


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


@cache
def available() -> bool:
    """Whether pyspnego is installed; looked up once, because that is a walk through directories."""
    from importlib import util

    return util.find_spec("spnego") is not None


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
        self._keytab = not (login and login.username) and "KRB5_CLIENT_KTNAME" in os.environ
        of = "the keytab" if self._keytab else "the ticket"
        if self._keytab and os.path.exists(_file("KRB5CCNAME")):
            of = "the ticket or keytab"
        self._user = (login.username if login else None) or of
        password = login.password.reveal() if login and login.password else None
        self._password = password is not None
        protocol = inside or _protocol(scheme, password)
        if protocol == "kerberos" and "\\" in self._user:
            # A backslash is an escape in the names of Kerberos.
            raise Unusable(
                Failure(
                    "credential",
                    f"Kerberos takes no DOMAIN\\USER: {self._user}",
                    "give USER@REALM (--username), or take --auth ntlm",
                )
            )
        try:
            self._context = spnego.client(
                login.username if login else None,
                password,
                hostname=self._host,
                service="HTTP",
                channel_bindings=GssChannelBindings(application_data=binding) if binding else None,
                protocol=protocol,
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
            if type(error).__name__ == "ContextExpiredError":
                # The ticket ended between this side's token and the server's.
                raise CheckFailure(self._row(_TICKET_ENDED, str(error))) from None
            detail = " ".join(str(error).split())[:500]
            if re.search(_NO_DIGEST, detail):
                cause = f"{self._scheme} needs MD5, and OpenSSL here has none (FIPS mode)"
                remedy = "take Kerberos, or Basic; where it may be, have openssl.cnf allow MD5"
                raise Unusable(Failure("credential", cause, remedy, detail=detail)) from None
            cause = f"{self._host} sends a token for {self._scheme} that is not valid"
            remedy = "check the proxy; it may take part in the logon"
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
        from ..codes.kerberos import KERBEROS

        number = code(error) or -1
        if number in KERBEROS:
            failure = self._row(number, text)
            # A KDC has judged the password.
            return CheckFailure(failure) if failure.kind == "logon" else Unusable(failure)
        cause = f"no {self._scheme} token can be made for {self._host}"
        if self._scheme == NTLM:
            remedy = "check --username and --password-file"
        else:
            # MIT Kerberos found neither ticket nor key, and says only where it looked for a ticket.
            keytab = _unreadable("KRB5_CLIENT_KTNAME") if "(default cache: " in text else None
            cache = None if self._password else _unreadable("KRB5CCNAME")
            looked = re.search(r"\(default cache: ([^)]{1,80})\)", text)
            if looked:
                cause = f"no Kerberos ticket in {looked[1]}"
            cause, remedy = cache or keytab or (cause, _TICKET)
        return Unusable(Failure("credential", cause, remedy, name, text))

    def _row(self, number: int, text: str) -> Failure:
        """What a code of Kerberos means for this user and service."""
        from ..codes.kerberos import KERBEROS, KEYTAB

        row = (KEYTAB.get(number) if self._keytab else None) or KERBEROS[number]
        found = Failure.of(row, detail=text, user=self._user, service=f"HTTP/{self._host}")
        keytab = _unreadable("KRB5_CLIENT_KTNAME") if self._keytab else None
        if number == _TICKET_ENDED and keytab:
            # Its key would have given a new one.
            found = found._replace(cause=f"{keytab[0]}, ticket ended", remedy=keytab[1])
        return found


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
            opening = self._scheme != NTLM and bool(made) and not proves(made)
            return _OPENING if opening else bool(made)

        there = self._learn("handshake", ask)
        self.proving = there is True and (self._scheme != NTLM or self._begun)
        self._begun = True
        return token[0] if token else _STAND_IN if there else None


def code(error: BaseException) -> int | None:
    """The number of MIT's error table that an exception carries, or one that it comes from.

    krb5's own has it in `err_code`, gssapi's in `min_code`, unsigned; pyspnego's has neither and
    is raised from one of them.
    """
    from ..codes.kerberos import COUNT, FIRST

    found: BaseException | None = error
    while found is not None:
        number = getattr(found, "err_code", None) or getattr(found, "min_code", None)
        if isinstance(number, int) and 0 <= (place := (number - FIRST) % (1 << 32)) < COUNT:
            return place
        found = found.__cause__
    return None


def _unreadable(variable: str) -> tuple[str, str] | None:
    """Cause and remedy where a file that the environment names cannot be read, which Kerberos
    passes over in silence or tells as if there were none; None where it can, and for a cache that
    is not there yet.
    """
    what, magic = _FILES[variable]
    path = _file(variable)
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            known = file.read(2) in magic
    except PermissionError as error:
        return f"{what} of {variable}: {error.strerror}", "let the check's user read it (chown)"
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and variable == "KRB5CCNAME"
        return None if missing else (f"{what} of {variable}: {error.strerror}", _TICKET)
    return None if known else (f"the file of {variable} is no {what}", "name another file there")


def _file(variable: str) -> str:
    """The file that the environment names for Kerberos, empty for none and for other places."""
    kind, _, path = os.environ.get(variable, "").rpartition(":")
    return path if kind in ("", "FILE") else ""


def _protocol(scheme: str, password: str | None) -> str:
    """pyspnego's protocol for an HTTP scheme.

    Negotiate is Kerberos; NTLM inside it only where Kerberos is not installed and there is a
    password. Kerberos tokens go without the frame of SPNEGO: MIT Kerberos takes them, Windows is
    said to (the universal receiver of MS-SPNG), which was not seen here.
    """
    if scheme == NTLM:
        return "ntlm"
    return "kerberos" if kerberos() or password is None else "negotiate"


def kerberos() -> bool:
    """Whether Kerberos is installed for pyspnego."""
    from importlib import util

    return all(util.find_spec(name) for name in ("gssapi", "krb5"))
