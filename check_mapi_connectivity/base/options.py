"""What one run is asked to do: Options, and the values it is made of.

All frozen; nothing here reads anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Cloud:
    """Hosts of one Microsoft cloud (reference sheet exchange-online 7); `doubt` is what nobody has
    confirmed about them.
    """

    name: str
    authority_host: str
    exchange_host: str
    graph_host: str
    autodiscover_host: str
    doubt: str = ""

    @property
    def exchange(self) -> str:
        """Resource of tokens for Exchange. It stays the cloud's own, wherever requests are sent."""
        return f"https://{self.exchange_host}"

    @property
    def graph(self) -> str:
        """Resource of tokens for Microsoft Graph, likewise."""
        return f"https://{self.graph_host}"

    def same_hosts(self, other: Cloud) -> bool:
        """Whether both are reached alike, as GCC and worldwide are."""
        return (self.authority_host, self.exchange_host, self.graph_host) == (
            other.authority_host,
            other.exchange_host,
            other.graph_host,
        )


_LOGIN, _LOGIN_US = "login.microsoftonline.com", "login.microsoftonline.us"
_WORLDWIDE = (_LOGIN, "outlook.office365.com", "graph.microsoft.com", "autodiscover-s.outlook.com")
_UNSEEN = "whether an app may sign in to Exchange in this cloud is not known"

CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("worldwide", *_WORLDWIDE),
        Cloud("gcc", *_WORLDWIDE),
        Cloud(
            "gcc-high",
            _LOGIN_US,
            "outlook.office365.us",
            "graph.microsoft.us",
            "autodiscover-s.office365.us",
            _UNSEEN,
        ),
        Cloud(
            "dod",
            _LOGIN_US,
            "outlook-dod.office365.us",
            "dod-graph.microsoft.us",
            "autodiscover-s-dod.office365.us",
            _UNSEEN,
        ),
        Cloud(
            "china",
            "login.partner.microsoftonline.cn",
            "partner.outlook.cn",
            "microsoftgraph.chinacloudapi.cn",
            "autodiscover-s.partner.outlook.cn",
            "sources disagree on its Exchange host, partner.outlook.cn or outlook.office365.cn "
            "(see --exchange-url), and nobody has confirmed its Autodiscover host",
        ),
    )
}

#: Microsoft's own public client for Exchange PowerShell, known in every tenant (reference sheet
#: exchange-online 1.4).
MODULE_CLIENT_ID = "fb78d390-0c51-40cd-8e17-fdbfab77341b"


#: What `Options.reads` calls authorities that are trusted in place of the system's.
INSTEAD = "authorities in place of the system's"


@dataclass(frozen=True)
class CertificateFiles:
    """The certificate credential as read from disk; certificate.py makes sense of it."""

    path: str
    data: bytes = field(repr=False)
    key_path: str | None = None
    key_data: bytes | None = field(default=None, repr=False)
    passphrase: Secret | None = None


@dataclass(frozen=True)
class ClientSecret:
    """The secret of an app registration."""

    secret: Secret


@dataclass(frozen=True)
class UserPassword:
    """A user of the tenant, signed in by the resource owner password grant."""

    username: str
    password: Secret


@dataclass(frozen=True)
class ManagedIdentity:
    """The identity of the Azure VM that the check runs on: its own, or the user-assigned one of
    this client id. `url` is where the instance metadata service answers.
    """

    client_id: str
    url: str


@dataclass(frozen=True)
class FederatedToken:
    """A token of another issuer, which Entra takes for the app registration's credential."""

    path: str
    token: Secret


@dataclass(frozen=True)
class Login:
    """A user of an Exchange Server: name, password, and the HTTP authentication scheme to use.

    Without a password a Kerberos ticket serves; without a scheme the server's offer decides.
    """

    username: str | None
    password: Secret | None = None
    scheme: str | None = None


@dataclass(frozen=True)
class Proxy:
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


@dataclass(frozen=True)
class Options:
    """One run, fully checked: what `cli.parse` returns and everything else is given.

    Each mailbox is tested by each method. `credential` is what Entra is shown; without one, `login`
    is for an Exchange Server. `tenant` may be empty for a managed identity: its token names it.
    """

    mailboxes: tuple[str, ...]
    methods: tuple[str, ...]
    archive: bool
    tenant: str
    cloud: Cloud
    authority_url: str
    exchange_url: str
    graph_url: str
    client_id: str
    credential: Credential | None
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
    #: Every how many runs the diagnosis is printed: while all is well, while it is not.
    frequency: tuple[int, int] = (1, 1)
    inbox_items: int = 10
    #: Mailboxes or methods that are tested at the same time.
    concurrency: int = 4
    #: Seconds that a person took to type a secret in.
    asked: float = 0.0
    #: Whether to say what would be done, and do nothing.
    explain: bool = False
    #: What a run would end with before it began, where only an explanation is wanted.
    lacking: str = ""
    #: Name of each option that is given -> where: the command line, an ini section.
    origins: dict[str, str] = field(default_factory=dict)
    #: (what, where) of all that was read: files and variables of the environment, never a value.
    reads: tuple[tuple[str, str], ...] = ()
    #: File to write a recording to, and whether addresses are replaced in it.
    record: str | None = None
    redact_addresses: bool = False
    #: Authorities whose files were read before, in place of `ca_files`: (file, PEM).
    authorities: tuple[tuple[str, str], ...] = ()
    #: The file of a recording that is played instead of a run.
    replay: str | None = None

    @property
    def subjects(self) -> bool:
        """Whether subjects are asked for: where bodies are shown, but for no recording."""
        return self.verbose >= 3 and self.record is None and self.replay is None

    @property
    def certificate(self) -> CertificateFiles | None:
        """The credential where it is a certificate."""
        return self.credential if isinstance(self.credential, CertificateFiles) else None

    @property
    def tests(self) -> list[tuple[str, str]]:
        """(mailbox, method) of each test, in the order they were asked for."""
        return [(mailbox, method) for mailbox in self.mailboxes for method in self.methods]

    @property
    def secrets(self) -> list[str]:
        """Every secret text that this run was given."""
        credential = self.credential
        found: list[Secret | None] = [
            self.login.password if self.login else None,
            self.proxy.password if self.proxy else None,
        ]
        if isinstance(credential, CertificateFiles):
            found.append(credential.passphrase)
        elif isinstance(credential, ClientSecret):
            found.append(credential.secret)
        elif isinstance(credential, UserPassword):
            found.append(credential.password)
        elif isinstance(credential, FederatedToken):
            found.append(credential.token)
        return [secret.reveal() for secret in found if secret is not None]

    def resource(self, method: str) -> str:
        """What a token for this method is for."""
        return self.cloud.graph if method == "graph" else self.cloud.exchange
