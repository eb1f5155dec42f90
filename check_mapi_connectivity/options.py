"""What one run is asked to do: Options, and the values it is made of.

All frozen; nothing here reads anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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


@dataclass(frozen=True)
class Cloud:
    """Hosts of one Microsoft cloud (reference sheet exchange-online 7; none but worldwide seen live
    here).
    """

    name: str
    authority_host: str
    exchange_host: str

    @property
    def resource(self) -> str:
        """The token's resource. It stays the cloud's own, wherever requests are sent."""
        return f"https://{self.exchange_host}"


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("worldwide", "login.microsoftonline.com", "outlook.office365.com"),
        Cloud("gcc", "login.microsoftonline.com", "outlook.office365.com"),
        Cloud("gcc-high", "login.microsoftonline.us", "outlook.office365.us"),
        Cloud("dod", "login.microsoftonline.us", "outlook-dod.office365.us"),
        # Disputed: the module's table says partner.outlook.cn, the admin API's page
        # outlook.office365.cn.
        Cloud("china", "login.partner.microsoftonline.cn", "partner.outlook.cn"),
    )
}


@dataclass(frozen=True)
class CertificateFiles:
    """The certificate credential as read from disk; certificate.py makes sense of it."""

    path: str
    data: bytes = field(repr=False)
    key_path: str | None = None
    key_data: bytes | None = field(default=None, repr=False)
    passphrase: Secret | None = None


@dataclass(frozen=True)
class Login:
    """A user: name, password, and the HTTP authentication scheme to use.

    Without a password a Kerberos ticket serves; without a scheme the server's offer decides.
    """

    username: str | None
    password: Secret | None = None
    scheme: str | None = None


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy, and where its setting came from."""

    host: str
    port: int
    source: str
    user: str | None = None
    password: Secret | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Options:
    """One run, fully checked: what `cli.parse` returns and everything else is given.

    `tenant` is empty where nobody signs in to Entra: then `login` is for an Exchange Server.
    """

    mailbox: str
    method: str
    archive: bool
    tenant: str
    cloud: Cloud
    authority_url: str
    exchange_url: str
    client_id: str
    certificate: CertificateFiles | None
    proxy: Proxy | None
    no_proxy: str
    ca_files: tuple[str, ...]
    min_tls: str
    ip_version: int | None
    thresholds: dict[str, tuple[str | None, str | None]]
    states: dict[str, str]
    timeout: float
    timeout_state: str
    diagnosis: bool
    verbose: int
    json: bool
    cache_dir: str | None
    sources: tuple[str, ...] = ()
    login: Login | None = None
    hostname: str | None = None
    autodiscover_url: str | None = None
    mapi_url: str | None = None
    legacy_dn: str | None = None
    inbox_items: int = 10
