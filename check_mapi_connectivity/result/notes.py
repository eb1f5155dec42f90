"""What is told once a run, after the diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.clouds import MODULE_CLIENT_ID
from ..base.credentials import ManagedIdentity, UserPassword
from ..base.vocabulary import METHODS
from .diagnosis import field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.options import Options


def general_notes(options: Options) -> Iterator[str]:
    """What is to be known of the cloud and of the way of signing in."""
    if options.credential is not None and options.cloud.doubt:
        yield f"cloud {options.cloud.name}: {options.cloud.doubt}"
    if isinstance(options.credential, UserPassword):
        yield RETIRING
        if options.client_id == MODULE_CLIENT_ID:
            given = "client-id" in options.origins
            yield MODULE_APP.format(because="" if given else ", because --client-id is not given")


def surroundings(options: Options) -> Iterator[str]:
    """What holds for the whole run: where options came from, hosts, proxy and cache."""
    for source in options.sources:
        yield field("options from", source)
    if isinstance(options.credential, ManagedIdentity):
        yield field("sign-in host", options.credential.url)
    elif options.credential is not None:
        yield field("sign-in host", options.authority_url)
    resources = {METHODS[method].resource for method in options.methods}
    if options.credential is not None and "exchange" in resources:
        yield field("exchange host", options.exchange_url)
    if "graph" in resources:
        yield field("graph host", options.graph_url)
    yield field("cache", options.cache_dir or "none")


def proxy_text(options: Options) -> str:
    """The proxy in use, and where its setting came from."""
    proxy = options.proxy
    if proxy is None:
        return "none, direct connection" + (" (--no-proxy)" if options.no_proxy == "*" else "")
    user = f" as {proxy.user}" if proxy.user else ""
    return f"{proxy}{' by TLS' if proxy.tls else ''} from {proxy.source}{user}"


#: What a user of the password sign-in should know (reference sheet exchange-online 5.6).
RETIRING = """Signed in with user name and password: Microsoft has announced to retire this
sign-in (MC1248389), the date is not known yet; a certificate lasts."""

#: What somebody signs in as who names no app registration.
MODULE_APP = """Signed in as Microsoft's own app for Exchange PowerShell{because}; it has not yet
been seen on a live tenant that this app may sign in so."""
