"""What a run signs in with: secrets that never show, and the files and names around them."""

from __future__ import annotations

import math

from .value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Union

    Credential = Union[
        "CertificateFiles", "ClientSecret", "UserPassword", "ManagedIdentity", "FederatedToken"
    ]


class Secret:
    """A text that never shows: not in repr, not in str, not in a traceback's locals, not in a
    pickle.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


class CertificateFiles(NamedTuple):
    """The certificate credential as read from disk; certificate.py makes sense of it."""

    path: str
    data: bytes
    key_path: str | None = None
    key_data: bytes | None = None
    passphrase: Secret | None = None

    def __repr__(self) -> str:
        return f"CertificateFiles({self.path!r}, {self.key_path!r})"


class ClientSecret(NamedTuple):
    """The secret of an app registration."""

    secret: Secret


class UserPassword(NamedTuple):
    """A user of the tenant, signed in by the resource owner password grant."""

    username: str
    password: Secret


class ManagedIdentity(NamedTuple):
    """The identity of the Azure VM that the check runs on: its own, or the user-assigned one of
    this client id. `url` is where the instance metadata service answers.
    """

    client_id: str
    url: str


class FederatedToken(NamedTuple):
    """A token of another issuer, which Entra takes for the app registration's credential."""

    path: str
    token: Secret


class Login(NamedTuple):
    """A user of an Exchange Server: name, password, and the HTTP authentication scheme to use.

    Without a password a Kerberos ticket serves; without a scheme the server's offer decides.
    """

    username: str | None
    password: Secret | None = None
    scheme: str | None = None


class Proxy(NamedTuple):
    """An HTTP proxy, and where its setting came from.

    `tls` is whether it is spoken to by TLS, `scheme` how to authenticate where that is not left to
    its offer, `spn_host` the host of its Kerberos service where that is not its own.
    """

    host: str
    port: int
    source: str
    user: str | None = None
    password: Secret | None = None
    tls: bool = False
    scheme: str | None = None
    spn_host: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


DAY = 86400.0


class CertificateFacts(NamedTuple):
    """What an administrator compares with the portal.

    Times are seconds since 1970, thumbprints upper-case hex.
    """

    path: str
    subject: str
    not_before: float
    not_after: float
    sha1: str
    sha256: str

    def whole_days(self, now: float) -> float:
        """The same in whole hundredths, rounded down: a limit of 7 days must not be met by
        6.999.
        """
        return math.floor(self.days(now) * 100) / 100

    def days(self, now: float) -> float:
        """Days until the certificate ends, negative when it has."""
        return (self.not_after - now) / DAY

    def describe(self) -> tuple[str, ...]:
        """Lines with subject and both thumbprints."""
        return (f"subject {self.subject}", f"SHA-1 {self.sha1}", f"SHA-256 {self.sha256}")
