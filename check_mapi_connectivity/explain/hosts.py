"""Hosts and ports that a run will contact, for the firewall ticket; nothing is looked up here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..base.clouds import MICROSOFT
from ..base.credentials import ClientSecret, ManagedIdentity, UserPassword
from ..base.options import address_parts
from ..base.vocabulary import METHODS, NEGOTIATE
from ..mapihttp.discovery import JSON, REDIRECT, SERVICE, Trust, Walk, domain_of, named_url
from ..network import route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.options import Account, Network, Server, Targets

#: What a connection speaks.
HTTPS, HTTP, PROXY, TLS_PROXY = "https", "http", "http proxy", "https proxy"
DNS, KERBEROS = "DNS", "Kerberos"


class Contact(NamedTuple):
    """One host and port; `host` is None where only the run itself learns it.

    `proxied` is whether a proxy makes the connection, `because` why none does although there is
    one.
    """

    host: str | None
    port: int
    protocol: str
    purpose: str
    proxied: bool = False
    because: str = ""

    @property
    def way(self) -> str:
        """How it is reached, in words."""
        if self.proxied:
            return "by the proxy" + (f" ({self.because})" if self.because else "")
        return "directly" + (f", because {self.because}" if self.because else "")


def contacts(targets: Targets, account: Account, server: Server, network: Network) -> list[Contact]:
    """All that a run may contact, in the order it does; each host and port once."""
    found: dict[tuple[str, int, str], Contact] = {}
    for contact in (
        *_sign_in(targets, account, network),
        *_services(targets, server, network),
        *_secret_end(account, server, network),
        *_kerberos(server, network),
    ):
        # What has no name yet is told apart by what it is for.
        place = (contact.host or contact.purpose, contact.port, contact.protocol)
        before = found.get(place, contact)
        same = contact.purpose in before.purpose
        purpose = before.purpose if same else f"{before.purpose}; {contact.purpose}"
        found[place] = contact._replace(purpose=purpose)
    through = network.proxy
    if through is None or not any(contact.proxied for contact in found.values()):
        return list(found.values())
    protocol = TLS_PROXY if through.tls else PROXY
    purpose = "looks up and reaches all hosts that are marked: by the proxy"
    return [Contact(through.host, through.port, protocol, purpose), *found.values()]


def _sign_in(targets: Targets, account: Account, network: Network) -> Iterator[Contact]:
    credential = account.credential
    if isinstance(credential, ManagedIdentity):
        because = "a managed identity is asked for on this machine" if network.proxy else ""
        place = _contact(network, credential.url, "instance metadata service, for tokens")
        yield place._replace(proxied=False, because=because)
    elif credential is not None:
        yield _contact(network, account.authority_url, "sign-in at Entra")
    if not any(METHODS[method].mailbox for method in targets.methods):
        yield _contact(network, account.authority_url, "the tenant's openid-configuration")
    if isinstance(credential, UserPassword):
        domain = domain_of(credential.username)
        purpose = f"federation server (AD FS) of {domain}, where Entra names one"
        yield _unnamed(network, purpose)


def _services(targets: Targets, server: Server, network: Network) -> Iterator[Contact]:
    for method in targets.methods:
        if METHODS[method].mailbox:
            yield from _SERVICES[method](targets, server, network)


def _cmdlet(targets: Targets, server: Server, network: Network) -> Iterator[Contact]:
    yield _contact(network, server.exchange_url, "Exchange Online, to run the cmdlet")


def _graph(targets: Targets, server: Server, network: Network) -> Iterator[Contact]:
    yield _contact(network, server.graph_url, "Microsoft Graph")


def _mapi(targets: Targets, server: Server, network: Network) -> Iterator[Contact]:
    named = {urlsplit(f"//{server.hostname}").hostname} if server.hostname else set()
    for contact in _by_name(targets, server, network):
        # What goes to the host itself goes to the addresses given in its place.
        there = contact.host in named or bool(server.mapi_url)
        for address in (targets.addresses if there else ()) or ("",):
            host, port = address_parts(address) if address else (contact.host, None)
            purpose = f"{contact.purpose}, as {contact.host}" if address else contact.purpose
            yield contact._replace(host=host, port=port or contact.port, purpose=purpose)


def _by_name(targets: Targets, server: Server, network: Network) -> Iterator[Contact]:
    """Hosts by their names, whatever addresses are given for them."""
    if server.mapi_url:
        yield _contact(network, server.mapi_url, "the mailbox, by MAPI over HTTP")
        return
    url = named_url(server.autodiscover_url, server.hostname)
    # Candidates depend on the domain alone.
    addresses: dict[str, str] = {}
    for mailbox in targets.mailboxes:
        addresses.setdefault("" if url else domain_of(mailbox), mailbox)
    for address in addresses.values():
        for number, step in enumerate(Walk(address, Trust(address, (), MICROSOFT), url).steps):
            purpose = "Autodiscover"
            if number:
                purpose += f", candidate {number + 1}, where those before it do not answer"
            if step.how == SERVICE:
                purpose += f": name servers of this host, for the SRV record {step.url}"
                because = "dnspython, where installed, knows no proxy" if network.proxy else ""
                yield Contact(None, 53, DNS, purpose, because=because)
                continue
            if step.how == REDIRECT:
                purpose += ", asked for a redirect without a password"
            if step.how == JSON:
                purpose += ", asked for an address without a password"
            yield _contact(network, step.url, purpose)
    yield _unnamed(network, "the mailbox, by MAPI over HTTP: the host that Autodiscover names")


#: Method -> the hosts that it needs beside those of the sign-in.
_SERVICES = {"cmdlet": _cmdlet, "mapi": _mapi, "graph": _graph}


def _secret_end(account: Account, server: Server, network: Network) -> Iterator[Contact]:
    if isinstance(account.credential, ClientSecret):
        purpose = (
            "when the client secret ends, once a day, where the app may read that and has a token "
            "for Graph, or secret_days a limit"
        )
        yield _contact(network, server.graph_url, purpose)


def _kerberos(server: Server, network: Network) -> Iterator[Contact]:
    schemes = [one.scheme for one in (server.login, network.proxy) if one is not None]
    if NEGOTIATE in schemes:
        because = "Kerberos knows no proxy" if network.proxy else ""
        purpose = "key distribution centres of the realm, see /etc/krb5.conf"
        yield Contact(None, 88, KERBEROS, purpose, because=because)


def _contact(network: Network, url: str, purpose: str) -> Contact:
    parts = urlsplit(url)
    tls, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if tls else 80)
    place = f"[{host}]" if ":" in host else host
    proxied = route.choose(network, f"https://{place}:{port}/") is not None
    because = "NO_PROXY says so" if network.proxy and not proxied else ""
    return Contact(host, port, HTTPS if tls else HTTP, purpose, proxied, because)


def _unnamed(network: Network, purpose: str) -> Contact:
    """A host that only the run itself learns."""
    because = "unless NO_PROXY names it" if network.proxy and network.no_proxy else ""
    return Contact(None, 443, HTTPS, purpose, network.proxy is not None, because)
