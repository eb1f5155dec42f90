"""What is told once a run, after the diagnosis."""

from __future__ import annotations

from ..base.clouds import MODULE_CLIENT_ID
from ..base.credentials import ManagedIdentity, UserPassword
from ..base.vocabulary import METHODS
from .layout import field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.options import Account, Network, Server


def general_notes(account: Account) -> Iterator[str]:
    """What is to be known of the cloud and of the way of signing in."""
    if account.credential is not None and account.cloud.doubt:
        yield f"cloud {account.cloud.name}: {account.cloud.doubt}"
    if isinstance(account.credential, UserPassword):
        yield RETIRING
        if account.client_id == MODULE_CLIENT_ID:
            because = "" if account.client_id_given else ", because --client-id is not given"
            yield MODULE_APP.format(because=because)


def hosts(account: Account, server: Server, methods: tuple[str, ...]) -> Iterator[str]:
    """The hosts that a run signs in at and asks, as far as options or cloud name them."""
    if isinstance(account.credential, ManagedIdentity):
        yield field("sign-in host", account.credential.url)
    elif account.credential is not None:
        yield field("sign-in host", account.authority_url)
    resources = {METHODS[method].resource for method in methods if METHODS[method].mailbox}
    if account.credential is not None and "exchange" in resources:
        yield field("exchange host", server.exchange_url)
    if "graph" in resources:
        yield field("graph host", server.graph_url)


def proxy_text(network: Network) -> str:
    """The proxy in use, and where its setting came from."""
    proxy = network.proxy
    if proxy is None:
        return "none, direct connection" + (" (--no-proxy)" if network.no_proxy == "*" else "")
    user = f" as {proxy.user}" if proxy.user else ""
    return f"{proxy}{' by TLS' if proxy.tls else ''} from {proxy.source}{user}"


#: What a user of the password sign-in should know (reference sheet exchange-online 5.6).
RETIRING = (
    "Microsoft will retire the sign-in with user name and password (MC1248389): use a certificate"
)

#: What somebody signs in as who names no app registration.
MODULE_APP = """signed in as Microsoft's own app for Exchange PowerShell{because}; that this app may
sign in so has not yet been seen on a live tenant"""
