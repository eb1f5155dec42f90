"""Microsoft's clouds: hosts, scopes and the client id of its PowerShell module."""

from __future__ import annotations

from .value import NamedTuple

#: Where Microsoft 365 answers.
MICROSOFT = ("outlook.com", "office365.com", "office.com", "partner.outlook.cn", "office365.us")

#: Domains of Microsoft's hosts that this check talks to.
_OWN = (*MICROSOFT, "microsoftonline.com", "microsoftonline.us", "microsoft.com", "microsoft.us")


class Cloud(NamedTuple):
    """Hosts of one Microsoft cloud (reference sheet exchange-online 7); `doubt` is what nobody has
    confirmed about them.
    """

    name: str
    authority_host: str
    exchange_host: str
    graph_host: str
    autodiscover_host: str
    doubt: str = ""

    @property
    def exchange(self) -> str:
        """Resource of tokens for Exchange. It stays the cloud's own, wherever requests are sent."""
        return f"https://{self.exchange_host}"

    @property
    def graph(self) -> str:
        """Resource of tokens for Microsoft Graph, likewise."""
        return f"https://{self.graph_host}"

    def same_hosts(self, other: Cloud) -> bool:
        """Whether both are reached alike, as GCC and worldwide are."""
        return (self.authority_host, self.exchange_host, self.graph_host) == (
            other.authority_host,
            other.exchange_host,
            other.graph_host,
        )


_LOGIN, _LOGIN_US = "login.microsoftonline.com", "login.microsoftonline.us"
_WORLDWIDE = (_LOGIN, "outlook.office365.com", "graph.microsoft.com", "autodiscover-s.outlook.com")
_UNSEEN = "whether an app may sign in to Exchange in this cloud is not known"

CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("worldwide", *_WORLDWIDE),
        Cloud("gcc", *_WORLDWIDE),
        Cloud(
            "gcc-high",
            _LOGIN_US,
            "outlook.office365.us",
            "graph.microsoft.us",
            "autodiscover-s.office365.us",
            _UNSEEN,
        ),
        Cloud(
            "dod",
            _LOGIN_US,
            "outlook-dod.office365.us",
            "dod-graph.microsoft.us",
            "autodiscover-s-dod.office365.us",
            _UNSEEN,
        ),
        Cloud(
            "china",
            "login.partner.microsoftonline.cn",
            "partner.outlook.cn",
            "microsoftgraph.chinacloudapi.cn",
            "autodiscover-s.partner.outlook.cn",
            "sources disagree on its Exchange host, partner.outlook.cn or outlook.office365.cn "
            "(see --exchange-url), and nobody has confirmed its Autodiscover host",
        ),
    )
}

#: Office 365 Exchange Online, and its app role that lets an app call the admin interface
#: (exchange-online 1.5).
EXCHANGE_APP = "00000002-0000-0ff1-ce00-000000000000"
MANAGE_AS_APP = "dc50a0fb-09a3-484d-be87-e023b12c6440"

#: Microsoft's own public client for Exchange PowerShell, known in every tenant (reference sheet
#: exchange-online 1.4).
MODULE_CLIENT_ID = "fb78d390-0c51-40cd-8e17-fdbfab77341b"


def is_microsofts(host: str) -> bool:
    """Whether this is the name of a host of Microsoft's."""
    return any(host.rstrip(".").lower().endswith(f".{name}") for name in _OWN)
