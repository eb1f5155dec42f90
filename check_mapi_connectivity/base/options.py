"""What one run is asked to do: Options in six parts, each for the rooms that need it, and the
Command that has them.

All frozen; nothing here reads anything.
"""

from __future__ import annotations

from .clouds import Cloud
from .credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    Login,
    ManagedIdentity,
    Proxy,
    Secret,
    UserPassword,
)
from .value import NamedTuple
from .vocabulary import METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Union

    Credential = Union[
        "CertificateFiles", "ClientSecret", "UserPassword", "ManagedIdentity", "FederatedToken"
    ]

#: What `Provenance.reads` calls authorities that are trusted in place of the system's.
INSTEAD = "authorities in place of the system's"

#: What a Command is for.
CHECK, EXPLAIN = "check", "explain"


class Targets(NamedTuple):
    """What is tested: each mailbox by each method, at most `concurrency` at the same time."""

    mailboxes: tuple[str, ...]
    methods: tuple[str, ...]
    archive: bool = False
    #: Messages that are listed at most.
    inbox_items: int = 10
    concurrency: int = 4
    #: Whether subjects are asked for: where bodies are shown, but for no recording.
    subjects: bool = False

    @property
    def tests(self) -> list[tuple[str, str]]:
        """(mailbox, method) of each test, in the order they were asked for."""
        return [(mailbox, method) for mailbox in self.mailboxes for method in self.methods]


class Account(NamedTuple):
    """Who signs in at Entra; without a credential nobody does.

    `tenant` may be empty for a managed identity: its token names it.
    """

    tenant: str
    cloud: Cloud
    authority_url: str
    client_id: str
    credential: Credential | None
    #: Whether `client_id` is an option's, and not the one that is used where none is given.
    client_id_given: bool = False

    @property
    def certificate(self) -> CertificateFiles | None:
        """The credential where it is a certificate."""
        return self.credential if isinstance(self.credential, CertificateFiles) else None

    def resource(self, method: str) -> str:
        """What a token for this method is for."""
        resource: str = getattr(self.cloud, METHODS[method].resource)
        return resource


class Server(NamedTuple):
    """Where the mailboxes are, and who logs on to them where that is no account of Entra."""

    exchange_url: str
    graph_url: str
    login: Login | None = None
    hostname: str | None = None
    autodiscover_url: str | None = None
    mapi_url: str | None = None
    legacy_dn: str | None = None


class Network(NamedTuple):
    """The way there."""

    proxy: Proxy | None = None
    #: Hosts that need no proxy, by commas.
    no_proxy: str = ""
    ca_files: tuple[str, ...] = ()
    min_tls: str = "1.2"
    #: 4 or 6 where only that one is to be used.
    ip_version: int | None = None
    #: Authorities whose files were read before, in place of `ca_files`: (file, PEM).
    authorities: tuple[tuple[str, str], ...] = ()


class Judging(NamedTuple):
    """How a run is judged: label -> (warning, critical), kind of failure -> state, and the seconds
    that it may take.
    """

    thresholds: dict[str, tuple[str | None, str | None]]
    states: dict[str, str]
    timeout: float
    timeout_state: str


class Display(NamedTuple):
    """How much of a run is shown, and in which form."""

    diagnosis: bool = True
    #: Every how many runs the diagnosis is printed: while all is well, while it is not.
    frequency: tuple[int, int] = (1, 1)
    verbose: int = 0
    json: bool = False


class Confided(NamedTuple):
    """The secrets that a run was given, each with the word for its kind, and what is none even
    where it is the same: mailboxes, user and host.
    """

    secrets: tuple[tuple[str, Secret], ...] = ()
    openly: tuple[str, ...] = ()


class Options(NamedTuple):
    """One run, fully checked."""

    targets: Targets
    account: Account
    server: Server
    network: Network
    judging: Judging
    display: Display = Display()
    cache_dir: str | None = None
    #: Ini sections and directories that options came from.
    sources: tuple[str, ...] = ()

    @property
    def confided(self) -> Confided:
        """What must show nowhere."""
        credential, login, proxy = self.account.credential, self.server.login, self.network.proxy
        found = [
            ("PASSWORD", login.password if login else None),
            ("PROXY-PASSWORD", proxy.password if proxy else None),
        ]
        if isinstance(credential, CertificateFiles):
            found.append(("PASSPHRASE", credential.passphrase))
        elif isinstance(credential, ClientSecret):
            found.append(("CLIENT-SECRET", credential.secret))
        elif isinstance(credential, UserPassword):
            found.append(("PASSWORD", credential.password))
        elif isinstance(credential, FederatedToken):
            found.append(("FEDERATED-TOKEN", credential.token))
        names = (*self.targets.mailboxes, login and login.username, self.server.hostname)
        return Confided(
            tuple((kind, secret) for kind, secret in found if secret is not None),
            tuple(name for name in names if name),
        )

    @property
    def service(self) -> str:
        """What tells one service of a scheduler from another: what it tests, by whom, which way,
        and how it is judged. No secret is in it.
        """
        account, server = self.account._asdict(), self.server._asdict()
        network = {**self.network._asdict(), "proxy": str(self.network.proxy)}
        account["cloud"] = self.account.cloud.name
        credential, login = account.pop("credential"), server.pop("login")
        who = [getattr(credential, name, "") for name in ("path", "username", "client_id", "url")]
        who += [login.username, login.scheme] if login else []
        tested = self.targets._replace(subjects=False)
        parts = (account, server, network, self.judging, self.display.frequency)
        return repr((tested, type(credential).__name__, who, *parts))


class Provenance(NamedTuple):
    """Where options come from: name of each that is given -> the command line or an ini section;
    and (what, where) of all that was read, files and variables of the environment, never a value.

    `lacking` is what a run would end with before it began, where only an explanation is wanted.
    """

    origins: Mapping[str, str]
    reads: tuple[tuple[str, str], ...] = ()
    lacking: str = ""


class Recording(NamedTuple):
    """A recording to be made: its file, and whether addresses are replaced in it."""

    path: str
    redact_addresses: bool = False


class Command(NamedTuple):
    """A command line, understood: the options of a run, and what is to be done with them."""

    options: Options
    mode: str
    provenance: Provenance
    recording: Recording | None = None
    #: Seconds that a person took to type a secret in.
    waited: float = 0.0

    @property
    def as_json(self) -> bool:
        """Whether the output is to be JSON."""
        return self.options.display.json


class Replay(NamedTuple):
    """A recording to be played again: its file, and how much of it is shown."""

    path: str
    display: Display
