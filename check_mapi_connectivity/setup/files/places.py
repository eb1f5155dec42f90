"""Where the administrator's tokens go: to the cloud's own hosts, or to those that he named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.clouds import CLOUDS
from ...base.errors import UsageError
from ..steps import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...base.clouds import Cloud
    from ...base.options import Account, Network, Server
    from ...commandline.given import Given
    from .directory import Directory

#: Options that name a host instead of the cloud's own.
URLS = ("authority-url", "exchange-url", "graph-url")

_CALLED = {
    "authority-url": "the administrator signs in at",
    "exchange-url": "the token for Exchange Online goes to",
    "graph-url": "the token for Microsoft Graph goes to",
}


def vouched(given: Given, source: str, place: Directory, tenant: str) -> None:
    """Refuse other hosts than the cloud's own from an ini section that this command did not write
    for this tenant and cloud. Raises UsageError.
    """
    cloud = (given.text("cloud") or "worldwide").lower()
    if cloud not in CLOUDS:
        return
    made, ini = place.made, place.read(names.OPTIONS_INI) or b""
    if made and (made.tenant, made.cloud) == (tenant, cloud) and made.has(names.OPTIONS_INI, ini):
        return
    for name in URLS:
        url = given.text(name)
        if url is None or given.source[name] != source or _same(url, _own(CLOUDS[cloud], name)):
            continue
        raise UsageError(
            f"--{name}: {place.file(names.OPTIONS_INI)} names {url}, which is not a host of cloud "
            f"{cloud}, and {names.COMMAND} did not write that file for this cloud; if this host is "
            f"right, give --{name}={url} on the command line, else remove that line"
        )


def named(
    account: Account, server: Server, network: Network, source: Mapping[str, str]
) -> Iterator[str]:
    """Lines about the hosts that are not the cloud's own, and who named them."""
    urls = (account.authority_url, server.exchange_url, server.graph_url)
    for name, url in zip(URLS, urls):
        own = _own(account.cloud, name)
        if not _same(url, own):
            where = source.get(name, "")
            yield f"{_CALLED[name]} {url}, not {own} (--{name}: {where})"
    if network.proxy is not None:
        yield f"through proxy {network.proxy}"
        if not network.proxy.source.startswith("--"):
            yield (
                f"{network.proxy.source} is of this shell, and a scheduler does not have it: give "
                "--proxy, then the check finds it"
            )
    for path in network.ca_files:
        yield f"certificates of the authorities in {path} are trusted"


def _own(cloud: Cloud, name: str) -> str:
    hosts = dict(zip(URLS, (cloud.authority_host, cloud.exchange_host, cloud.graph_host)))
    return f"https://{hosts[name]}"


def _same(url: str, own: str) -> bool:
    return url.rstrip("/").lower() == own
