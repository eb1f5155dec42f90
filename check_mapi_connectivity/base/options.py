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
    #: Whether the address book is asked for each mailbox (method mapi).
    address_book: bool = False
    #: Whether subjects are asked for: where bodies are shown, but for no recording.
    subjects: bool = False
    #: Where the host of a mailbox is connected to, in place of what its name resolves to (method
    #: mapi); and whether it is all that the name resolves to.
    addresses: tuple[str, ...] = ()
    each_address: bool = False

    @property
    def tests(self) -> list[tuple[str, str]]:
        """(mailbox, method) of each test, in the order they were asked for."""
        return [(mailbox, method) for mailbox, method, _ in self.places]

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """(mailbox, method, address) of each test; without an address where none is given."""
        return [
            (mailbox, method, address)
            for mailbox in self.mailboxes
            for method in self.methods
            for address in ((self.addresses if method == "mapi" else ()) or ("",))
        ]


def address_parts(address: str) -> tuple[str, int | None]:
    """Host and port of an address of `Targets`; no port stands for the usual one.

    >>> address_parts("10.0.0.13:444"), address_parts("[::1]"), address_parts("ex1.contoso.com")
    (('10.0.0.13', 444), ('::1', None), ('ex1.contoso.com', None))
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        host, port = address, ""
    return host.strip("[]"), int(port) if port else None


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

    def limited(self, label: str) -> bool:
        """Whether there is a limit on a label, of whatever mailbox and method."""
        limits = self.thresholds.items()
        return any(name.endswith(label) and any(ranges) for name, ranges in limits)


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


class Submission(NamedTuple):
    """What the options say of a feed, for the annex that reads them: the scheduler, the other
    options by their names, and those of them that are more than text.
    """

    scheduler: str
    texts: Mapping[str, str]
    password: Secret | None = None
    proxy: Proxy | None = None
    dry_run: bool = False


class Command(NamedTuple):
    """A command line, understood: the options of a run, and what is to be done with them."""

    options: Options
    mode: str
    provenance: Provenance
    recording: Recording | None = None
    #: Seconds that a person took to type a secret in.
    waited: float = 0.0
    submission: Submission | None = None

    @property
    def as_json(self) -> bool:
        """Whether the output is to be JSON."""
        return self.options.display.json


class Replay(NamedTuple):
    """A recording to be played again: its file, and how much of it is shown."""

    path: str
    display: Display
