"""How a test fails: kind, cause and remedy."""

from __future__ import annotations

from .clouds import is_microsofts
from .value import NamedTuple
from .vocabulary import HEALTH, IIS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Row(Protocol):
        """A row of the tables of codes, as `codes.Advice` is one."""

        @property
        def kind(self) -> str:
            """Kind of failure."""

        @property
        def cause(self) -> str:
            """Half a sentence, maybe with blanks."""

        @property
        def remedy(self) -> str:
            """Another."""

        @property
        def judged_as(self) -> str:
            """The word that `--state` knows it by, where that is another than its kind."""

        @property
        def transient(self) -> bool:
            """Whether it may be tried once more."""

        @property
        def code(self) -> str:
            """What messages show."""


class Failure(NamedTuple):
    """Why a run is no success.

    `kind` is a word of the contract's table, `cause` and `remedy` are half sentences without
    capital and full stop, `code` is what the other side calls it, `detail` its own text.
    `transient` failures may be tried once more, after `retry_after` seconds. `status` is that of
    the HTTP answer which told of trouble, 0 for none.
    """

    kind: str
    cause: str
    remedy: str = ""
    code: str = ""
    detail: str = ""
    judged_as: str = ""
    transient: bool = False
    retry_after: float | None = None
    during: str = ""
    status: int = 0

    @classmethod
    def of(cls, row: Row, code: str | None = None, detail: str = "", **words: object) -> Failure:
        """The failure that a row tells, whose blanks `words` fill; `code` is shown in place of the
        row's own.
        """
        cause, remedy = row.cause, row.remedy
        if words:
            cause, remedy = cause.format(**words), remedy.format(**words)
        shown = row.code if code is None else code
        return cls(row.kind, cause, remedy, shown, detail, row.judged_as, transient=row.transient)

    def __str__(self) -> str:
        """The cause, with the code of the other side where there is one."""
        return f"{self.cause} ({self.code})" if self.code else self.cause

    @property
    def state_key(self) -> str:
        """The word that `--state` knows this failure by."""
        return self.judged_as or self.kind


#: What the server is called that a domain's users sign in at, where that is not Entra.
FEDERATION = "federation server"

#: What the name of a proxy ends with while TLS with the proxy itself is begun.
BY_TLS = " by TLS"

_ADDRESS_BOOK = "check the domain controllers; the address book asks one of them"

#: Phase that a deadline was hit in -> what did not come, and what to do. Where the
#: remedy is empty, whose server it is decides.
_AWAITED = {
    "dns": ("no DNS answer for {host}", "check /etc/resolv.conf; its name servers must answer"),
    "tcp": (
        "no connection to {host}",
        "check firewall and route; packets may be dropped, or a proxy is needed",
    ),
    "proxy": ("no answer from {host}", "check the proxy; see its own log"),
    "tls": (
        "no TLS handshake with {host}",
        "check the proxy, then the firewall; one of them may hold up the handshake",
    ),
    "request": ("no complete answer from {host}", ""),
    "connect": ("no answer to MAPI Connect from {host}", ""),
    "execute": (
        "no answer to MAPI Execute from {host}",
        "test another mailbox; the mailbox database may hang",
    ),
    "bind": ("no answer to Bind from {host}", _ADDRESS_BOOK),
    "resolvenames": ("no answer to ResolveNames from {host}", _ADDRESS_BOOK),
}


def unanswered(late: Failure, phase: str, host: str, whose: str, seconds: float) -> Failure:
    """The failure of a time that was up within a phase at `host`, in words for that phase; as it is
    where there are none. `whose` is FEDERATION, `Autodiscover`, or empty.
    """
    if phase not in _AWAITED:
        return late
    missing, remedy = _AWAITED[phase]
    if host.endswith(BY_TLS):
        # A proxy without TLS takes the handshake for the beginning of a request.
        remedy = "name a proxy without TLS as http://; else check the proxy"
    if whose == "Autodiscover" and phase == "request":
        missing = "no complete answer to Autodiscover from {host}"
    named = f"{whose} {host}" if whose == FEDERATION else host
    cause = f"{missing.format(host=named)} in {round(seconds, 3):g}s"
    return late._replace(cause=cause, remedy=remedy or _hangs(late, phase, host, whose))


def _hangs(late: Failure, phase: str, host: str, whose: str) -> str:
    """What to do about a server that is connected and does not answer."""
    if whose == FEDERATION:
        return "check that server; see its event log AD FS/Admin"
    if late.during == "sign-in":
        return "check the proxy, then the firewall, then M365 health; Entra may hang"
    own = whose == "Autodiscover" or phase == "connect"
    return IIS if own and not is_microsofts(host) else HEALTH


class CheckFailure(Exception):
    """Carries a Failure out of a probe.

    Neither OSError nor ValueError, so that no library takes it for its own.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure
