"""What one run is asked to do: Options, and the values it is made of.

All frozen; nothing here reads anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

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
from .vocabulary import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Union

    Credential = Union[
        "CertificateFiles", "ClientSecret", "UserPassword", "ManagedIdentity", "FederatedToken"
    ]

#: What `Options.reads` calls authorities that are trusted in place of the system's.
INSTEAD = "authorities in place of the system's"


class Replay(NamedTuple):
    """A recording to be played again: its file, and the fields of Options by which it is shown."""

    path: str
    display: Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """One run, fully checked: what `commandline.parse` returns and everything else is given.

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
        resource: str = getattr(self.cloud, METHODS[method].resource)
        return resource
