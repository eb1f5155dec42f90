"""From a host name to a TLS connection: name lookup, TCP, proxy and handshake, each timed and each
with a failure of its own.

This replaces urllib3's own `connect()` because that one reports neither phases nor which of several
addresses failed how.
"""

from __future__ import annotations

import socket
import ssl
import time

from ..base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    Proxy,
    UserPassword,
)
from ..base.failure import BY_TLS, CheckFailure, Failure
from ..base.options import Confided, Network
from ..base.report import Stopwatch
from ..base.value import NamedTuple
from . import tls
from .shared_logon import Logon
from .trust import Trust, may_help

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar, Union

    Credential = Union[
        "CertificateFiles", "ClientSecret", "UserPassword", "ManagedIdentity", "FederatedToken"
    ]
    from typing import Any

    from ..base.deadline import Deadline
    from ..base.report import Report

    _Shaken = TypeVar("_Shaken")


def choose(network: Network, url: str) -> Proxy | None:
    """The proxy for one URL; None where the way is direct, also by NO_PROXY."""
    if network.proxy is None or not network.no_proxy:
        return network.proxy
    from .answer import place
    from .proxy import bypass

    return None if bypass.excepts(network.no_proxy, *place(url)) else network.proxy


_ADDRESS_FAMILIES: dict[int | None, int] = {
    None: socket.AF_UNSPEC,
    4: socket.AF_INET,
    6: socket.AF_INET6,
}


class Means(NamedTuple):
    """What all transports of a run are given: the way, how much is kept for `-vv`, where a refused
    password of the proxy is remembered, and what must show nowhere.
    """

    network: Network
    verbose: int = 0
    cache_dir: str | None = None
    confided: Confided = Confided()


class Shared(NamedTuple):
    """What all transports of a run have in common: TLS settings, which take time to load, and what
    the proxy said of the credential.
    """

    trust: Trust
    proxy_logon: Logon


class NotKept(Exception):
    """The connection that a logon began on was closed, and nothing was sent on another one."""


class Route:
    """How to reach hosts in this run, and the stopwatch that the connection being made charges its
    time to.
    """

    def __init__(
        self, means: Means, deadline: Deadline, report: Report, shared: Shared | None = None
    ) -> None:
        self.means = means
        self.trace, self.times = report.trace, report.times
        self.deadline = deadline
        self.watch = Stopwatch()
        #: The phase of the request that a connection is opened for.
        self.phase = "request"
        #: (host, port) -> the connection opened last, its server's certificate (DER), and how many
        #: there were.
        self.sockets: dict[tuple[str, int], socket.socket] = {}
        self.certificates: dict[tuple[str, int], bytes] = {}
        self.opened: dict[tuple[str, int], int] = {}
        #: Seconds that TCP, CONNECT or the TLS handshake may take, where the deadline is too late.
        self.patience: float | None = None
        #: Host -> the host and port (None for the same) that it is connected to in its place.
        self.instead: dict[str, tuple[str, int | None]] = {}
        #: Whether the way leads past any proxy.
        self.direct = False
        #: Whether only a connection that is open already will do.
        self.kept = False
        self.shared = shared or Shared(Trust(means.network), Logon())

    def attach(self, report: Report) -> None:
        """From now on go for the test of this report."""
        self.trace, self.times = report.trace, report.times
        self.patience = None

    def open(self, host: str, port: int) -> tls.Secured:
        """A verified TLS connection to `host`.

        Raises CheckFailure of kind dns, connect, proxy or tls, NotKept.
        """
        if self.kept:
            raise NotKept(host)
        through = self._through(host, port)
        try:
            sock, secured = self._trusted(lambda: self._secured(host, port, through))
        except socket.timeout:
            raise CheckFailure(self.timed_out()) from None
        except (OSError, ValueError) as error:
            via = f" through proxy {through}" if through else ""
            failure = tls.failure(error, host, port, via)
            if tls.worth_a_look(error):
                certificate = self._unverified(host, port)
                if tls.unknown_issuer(error):
                    failure = tls.told_by_issuer(failure, certificate, host)
            raise CheckFailure(failure) from None
        secured.settimeout(None)
        place = (host.rstrip("."), port)
        self.sockets[place] = secured if isinstance(secured, socket.socket) else sock
        self.certificates[place] = secured.getpeercert(True) or b""
        self.opened[place] = self.opened.get(place, 0) + 1
        inspector = tls.inspector(secured, host)
        if inspector is not None:
            self.trace.fact("TLS inspected", inspector)
        return secured

    def _trusted(self, shake: Callable[[], _Shaken]) -> _Shaken:
        """What a handshake on a new connection gives; it is made once more where an authority that
        was not known may be in the part of the system's store that is read only then.

        Raises what `shake` raises.
        """
        trust = self.shared.trust
        whole = trust.whole
        try:
            return shake()
        except ssl.SSLCertVerificationError as error:
            if whole or not may_help(error):
                raise
        trust.complete()
        self.watch.stop()
        return shake()

    def _secured(
        self, host: str, port: int, through: Proxy | None
    ) -> tuple[socket.socket, tls.Secured]:
        """A TCP connection and TLS over it. Raises CheckFailure, OSError, ValueError."""
        sock = self._reach(host, port, through)
        self.watch.start("tls")
        try:
            sock.settimeout(self.patience)
            return sock, tls.wrap(sock, self.shared.trust.context, host.rstrip("."))
        except (OSError, ValueError):
            sock.close()
            raise

    def open_plain(self, host: str, port: int) -> socket.socket:
        """A connection without TLS, for what needs no secrecy.

        Raises CheckFailure of kind dns, connect or proxy.
        """
        sock = self.sockets[host.rstrip("."), port] = self._reach(
            host, port, self._through(host, port)
        )
        return sock

    def _unverified(self, host: str, port: int) -> bytes:
        """The certificate (DER) that is shown for `host`, whoever shows it; empty where none is.

        Nothing secret is sent to whom it belongs; the time there is noted.
        """
        patience, self.patience = self.patience, min(3.0, self.deadline.remaining() / 3)
        try:
            sock = self._reach(host, port, self._through(host, port))
            with sock:
                self.watch.start("tls")
                sock.settimeout(self.patience)
                certificate, date = tls.shown(sock, host.rstrip("."), self.patience)
                self.times.compare_clock(host, date, time.time())
                return certificate
        except (CheckFailure, OSError, ValueError):
            return b""
        finally:
            self.patience = patience

    def _through(self, host: str, port: int) -> Proxy | None:
        """The proxy on the way to `host`; None for none."""
        if self.direct or self.means.network.proxy is None:
            return None
        return choose(self.means.network, f"https://{_place(host, port)}/")

    def _reach(self, host: str, port: int, through: Proxy | None) -> socket.socket:
        """A TCP connection to `host`. Raises CheckFailure."""
        # The request that wants this connection has not begun yet.
        self.watch.discard()
        there, other = self.instead.get(host.lower(), (host, None))
        port = other or port
        if through is not None:
            sock = self._tunnel(through, _place(there, port))
        else:
            if self.means.network.proxy is not None and not self.direct:
                self.trace.fact("without proxy", f"{host}, because NO_PROXY says so")
            addresses = self._resolve(there, port)
            self.watch.start("tcp")
            sock = self._tcp(there, port, addresses)
        self.times.reach(host)
        return sock

    def _resolve(self, host: str, port: int) -> list[Any]:
        self.watch.start("dns")
        family = _ADDRESS_FAMILIES[self.means.network.ip_version]
        try:
            return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise CheckFailure(_dns_failure(host, error, self.means.network.ip_version)) from None
        except (UnicodeError, OSError) as error:
            cause = f"name {host} cannot be resolved"
            failure = Failure("dns", cause, "check the host name", detail=str(error))
            raise CheckFailure(failure) from None

    def addresses(self, host: str, port: int) -> list[str]:
        """All that a name resolves to, each once, IPv6 in brackets. Raises CheckFailure."""
        found = dict.fromkeys(str(one[4][0]) for one in self._resolve(host, port))
        return [f"[{address}]" if ":" in address else address for address in found]

    def _tcp(self, host: str, port: int, addresses: list[Any]) -> socket.socket:
        """The first address that accepts; each gets its share of the time left."""
        failed = []
        for number, (family, type_, protocol, _, address) in enumerate(addresses):
            sock = None
            try:
                sock = socket.socket(family, type_, protocol)
                last = number == len(addresses) - 1
                # The watchdog ends a hanging last try with better words than a socket timeout
                # could.
                share = self.deadline.remaining() / (len(addresses) - number)
                sock.settimeout(self.patience if last else share)
                sock.connect(address)
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
            except OSError as error:
                failed.append((address[0], error))
                if sock is not None:
                    sock.close()
        raise CheckFailure(_tcp_failure(host, port, failed))

    def _tunnel(self, through: Proxy, place: str) -> socket.socket:
        from ..base.cache import Cache
        from .lockout import Pause
        from .proxy.connect import Tunnel

        self.times.reach(f"proxy {through}")
        made = Tunnel(
            through,
            place,
            lambda: self._to(through),
            self.shared.proxy_logon,
            trace=self.trace,
            times=self.times,
            watch=self.watch,
            deadline=self.deadline,
            pause=Pause.of_proxy(through, Cache(self.means.cache_dir, self.trace.notes)),
        )
        return made.open()

    def timed_out(self) -> Failure:
        """The failure of a test that has waited long enough for what it waits for now."""
        took = self.deadline.seconds - self.deadline.remaining()
        return self.times.timed_out(round(took, 1))

    def odd(self, lines: list[str]) -> None:
        """Tell of header lines that are odd; what became of the answer is told by others."""
        shown = ", ".join(f'"{line}"' for line in lines[:3])
        remark = f"{self.times.host} sends header lines that are malformed: {shown}"
        self.trace.remark_once(remark)

    def _to(self, through: Proxy) -> socket.socket:
        """A connection to the proxy itself. Raises CheckFailure of kind `proxy`."""
        if not through.tls:
            return self._tcp_to(through)
        try:
            return self._trusted(lambda: self._secured_to(through))
        except (OSError, ValueError) as error:
            failure = tls.failure(error, through.host, through.port, "")
            raise CheckFailure(
                failure._replace(kind="proxy", cause=f"TLS to the proxy: {failure.cause}")
            ) from None

    def _tcp_to(self, through: Proxy) -> socket.socket:
        """The same without TLS."""
        try:
            addresses = self._resolve(through.host, through.port)
            self.watch.start("proxy")
            sock = self._tcp(through.host, through.port, addresses)
        except CheckFailure as error:
            cause, remedy = f"proxy {error.failure.cause}", f"check {through.source}"
            failure = error.failure._replace(kind="proxy", cause=cause, remedy=remedy)
            raise CheckFailure(failure._replace(transient=False)) from None
        sock.settimeout(self.patience)
        return sock

    def _secured_to(self, through: Proxy) -> socket.socket:
        """The same by TLS. Raises CheckFailure, OSError, ValueError."""
        sock, name = self._tcp_to(through), through.host.rstrip(".")
        try:
            with self.times.at(f"proxy {through}{BY_TLS}"):
                return self.shared.trust.context.wrap_socket(sock, server_hostname=name)
        except (OSError, ValueError):
            sock.close()
            raise


def _place(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _dns_failure(host: str, error: socket.gaierror, version: int | None) -> Failure:
    from ..codes import network

    row = network.dns(error.errno)
    suffix = f" for IPv{version}" if version else ""
    # The resolver's own words only where there are none of ours.
    detail = "" if row.code else error.strerror or ""
    failure = Failure.of(row, detail=detail, host=host)
    return failure._replace(cause=failure.cause + suffix)


def _tcp_failure(host: str, port: int, failed: list[tuple[str, OSError]]) -> Failure:
    from ..codes import network

    reasons = [network.reason(error) for _, error in failed]
    first, same = reasons[0], len(set(reasons)) == 1
    words = first.words if same else f"none of {len(failed)} addresses answers"
    places = [f"{address} port {port}" for address, _ in failed]
    detail = ", ".join(f"{place}: {reason.words}" for place, reason in zip(places, reasons))
    remedy = first.remedy if same else "check firewall and route; a proxy may be needed"
    return Failure(
        "connect",
        f"{host} port {port}: {words}",
        remedy,
        first.code if same else "",
        detail,
        transient=any(reason.transient for reason in reasons),
    )
