"""Who and what exists in the practice tenants: clouds, app registrations, identities, people.

Source: reference sheet exchange-online 1.4, 1.5, 3.2 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "practice.example"
TENANT_NAME = "practice.onmicrosoft.example"
TENANT_ID = "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01"
GOV_TENANT_NAME = "practice.onmicrosoft.us.example"
GOV_TENANT_ID = "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a02"
DOD_TENANT_NAME = "practice-dod.onmicrosoft.us.example"
CHINA_TENANT_NAME = "practice.partner.onmschina.cn.example"
GCC_TENANT_NAME = "practice-gcc.onmicrosoft.example"


@dataclass(frozen=True)
class Cloud:
    """A national cloud by its hosts, and what its tenants' openid-configuration says."""

    login: str
    exchange: str
    graph: str
    region: str
    sub_scope: str = ""

    def resource(self, service):
        """The resource of `exchange` or `graph`."""
        return f"https://{getattr(self, service)}"

    def service(self, resource):
        """The service that a resource names, nothing for none of this cloud."""
        named = [name for name in ("exchange", "graph") if self.resource(name) == resource]
        return named[0] if named else ""


WORLDWIDE = Cloud("login.microsoftonline.com", "outlook.office365.com", "graph.microsoft.com", "EU")
GCC = Cloud(WORLDWIDE.login, WORLDWIDE.exchange, WORLDWIDE.graph, "NA", "GCC")
GCC_HIGH = Cloud(
    "login.microsoftonline.us", "outlook.office365.us", "graph.microsoft.us", "USGov", "DODCON"
)
DOD = Cloud(
    GCC_HIGH.login, "outlook-dod.office365.us", "dod-graph.microsoft.us", GCC_HIGH.region, "DOD"
)
CHINA = Cloud(
    "login.partner.microsoftonline.cn",
    "partner.outlook.cn",
    "microsoftgraph.chinacloudapi.cn",
    "CN",
)
CLOUDS = (WORLDWIDE, GCC_HIGH, DOD, CHINA)


@dataclass(frozen=True)
class Directory:
    """One Entra tenant."""

    name: str
    id: str
    cloud: Cloud


HOME = Directory(TENANT_NAME, TENANT_ID, WORLDWIDE)
DIRECTORIES = (
    HOME,
    Directory(GOV_TENANT_NAME, GOV_TENANT_ID, GCC_HIGH),
    Directory(DOD_TENANT_NAME, "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a03", DOD),
    Directory(CHINA_TENANT_NAME, "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a04", CHINA),
    Directory(GCC_TENANT_NAME, "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a05", GCC),
)


def directory_of(tenant):
    """A directory by its name or GUID; None when there is none."""
    found = [one for one in DIRECTORIES if tenant.lower() in (one.id, one.name)]
    return found[0] if found else None


#: Issuer, subject and audience that the federated credential of app `monitor` names.
FEDERATED = {
    "iss": "https://issuer.practice.example/",
    "sub": "system:serviceaccount:monitoring:check-mapi",
    "aud": "api://AzureADTokenExchange",
}


@dataclass(frozen=True)
class App:
    """An app registration or managed identity, and what was granted to it."""

    client_id: str
    #: App roles, with admin consent.
    exchange: tuple = ("Exchange.ManageAsApp",)
    graph: tuple = ("Mail.ReadBasic.All",)
    role_group: bool = True
    secret_expired: bool = False
    federated: bool = False
    #: Public clients only: delegated scopes that have consent.
    public: bool = False
    exchange_scopes: tuple = ()
    graph_scopes: tuple = ()
    #: By an administrator in this run: knows its own certificates only, and no secret.
    registered: bool = False


#: App registrations, which all know the same certificates and the same secret.
APPS = {
    "monitor": App("5d1b7a3e-1111-4c0e-8a52-000000000001", federated=True),
    "no-app-role": App("5d1b7a3e-1111-4c0e-8a52-000000000002", exchange=()),
    "no-role-group": App("5d1b7a3e-1111-4c0e-8a52-000000000003", role_group=False),
    "user": App(
        "5d1b7a3e-1111-4c0e-8a52-000000000004",
        exchange=(),
        graph=(),
        public=True,
        exchange_scopes=("Exchange.Manage", "MapiHttp.AccessAsUser.All"),
        graph_scopes=("Mail.ReadBasic",),
    ),
    "no-graph": App("5d1b7a3e-1111-4c0e-8a52-000000000005", graph=()),
    "secret-expired": App("5d1b7a3e-1111-4c0e-8a52-000000000006", secret_expired=True),
}
#: Application (client) ids by what they were granted.
CLIENT_IDS = {name: app.client_id for name, app in APPS.items()}

#: Microsoft's PowerShell module: a public client that every tenant knows.
MODULE_CLIENT_ID = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
MODULE = App(
    MODULE_CLIENT_ID, exchange=(), graph=(), public=True, exchange_scopes=("Exchange.Manage",)
)

#: Microsoft Graph Command Line Tools, with the delegated scopes that an administrator may consent to.
GRAPH_TOOLS = App(
    "14d82eec-204b-4c2f-b7e8-296a70dab67e",
    exchange=(),
    graph=(),
    public=True,
    graph_scopes=(
        "User.Read",
        "User.ReadBasic.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Organization.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "Application.Read.All",
        "Application.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "RoleManagement.Read.Directory",
        "RoleManagement.ReadWrite.Directory",
    ),
)

#: Managed identities: the system-assigned one, and the user-assigned one.
MANAGED_IDS = {
    "system": "5d1b7a3e-2222-4c0e-8a52-000000000001",
    "user": "5d1b7a3e-2222-4c0e-8a52-000000000002",
}
MANAGED = tuple(App(client) for client in MANAGED_IDS.values())


def app_of(client_id):
    """A registration or identity by its client id; None for a stranger."""
    found = [app for app in (*APPS.values(), MODULE, *MANAGED) if app.client_id == client_id]
    return found[0] if found else None


#: Users of the role group that holds the cmdlet.
ROLE_GROUP = ("healthy", "operator", "federated")

#: Users that sign in at a federation server; nobody listens at that of the second.
FEDERATED_USERS = ("federated", "federated-down")

#: Healthy mailboxes; `operator` has FullAccess to all of them.
MANY = tuple(f"many-{number:03d}" for number in range(1, 201))
OPERATOR = "operator"


def local_part(address):
    """`healthy` of `Healthy@practice.example`, or of itself; nothing for another domain."""
    name, _, domain = address.lower().partition("@")
    return name if domain in ("", DOMAIN) else ""
