"""Which hosts NO_PROXY excepts from the proxy.

No standard says what may stand there, and each program reads something else. Whatever one of the
usual ones takes is taken here, the same with every version of requests: domains with and without a
dot or star before them, addresses and networks of both versions of IP, ports, stars. A domain
begins at a dot: `ample.com` is not `example.com`.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network
    from typing import Union

    Network = Union[IPv4Network, IPv6Network]


def excepts(listed: str, host: str, port: int) -> bool:
    """Whether one of the entries, which have commas between them, is for this host.

    >>> [excepts("*.contoso.com,[fd00::]/8", host, 443) for host in ("contoso.com", "fd00::1", "x")]
    [True, True, False]
    """
    name = _spelt(host)
    return any(_is_for(entry, name, port) for entry in listed.split(","))


def _is_for(entry: str, host: str, port: int) -> bool:
    name, only = _parts(entry.strip().lower())
    if only not in ("", str(port)):
        return False
    network = _network(name)
    if network is not None:
        address = _network(host)
        return address is not None and address.network_address in network
    domain = _spelt(name.lstrip("*.") if name != "*" else name)
    if "*" in domain:
        from fnmatch import fnmatchcase

        return fnmatchcase(host, domain)
    return bool(domain) and f".{host}".endswith(f".{domain}")


def _parts(entry: str) -> tuple[str, str]:
    """Domain, address or network of an entry, and the port it is for, if any."""
    _, scheme, rest = entry.partition("://")
    entry = rest.partition("/")[0] if scheme else entry.rstrip("/")
    found = re.fullmatch(r"\[([^]]*)\](/[0-9]+)?(?::([0-9]+))?", entry)
    if found is not None:
        return found[1] + (found[2] or ""), found[3] or ""
    name, _, port = entry.partition(":")
    return (name, port) if port.isdigit() else (entry, "")


def _network(text: str) -> Network | None:
    """An address, or a network, as one; None for anything else."""
    if not re.fullmatch("[0-9a-f.:]+(/[0-9.]+)?", text):
        return None
    from ipaddress import ip_network

    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _spelt(host: str) -> str:
    """A name as DNS has it, without the dot of the root."""
    host = host.lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
