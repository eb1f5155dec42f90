"""Entra's directory as administrators fill it: applications, service principals, what they were granted.

Sources: Microsoft Graph's pages on application, servicePrincipal, appRoleAssignment, oAuth2PermissionGrant,
unifiedRoleAssignment and user; reference sheet exchange-online 1.4, 1.5, 3.2, 8.2.
"""

from __future__ import annotations

import base64
import copy
import datetime
import uuid
from dataclasses import dataclass, field

from cryptography import x509

from .directory import App
from .refusals import Refusal
from .replication import Arrival

EXCHANGE_APP = "00000002-0000-0ff1-ce00-000000000000"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"

#: Microsoft's own applications: name, app roles and delegated scopes by what tokens call them.
RESOURCES = {
    EXCHANGE_APP: (
        "Office 365 Exchange Online",
        {"Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440"},
        {"Exchange.Manage": "ab4f2b77-0b06-4fc1-a9de-02113fc2ab7c"},
    ),
    GRAPH_APP: (
        "Microsoft Graph",
        {
            "Mail.ReadBasic": "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a",
            "Mail.ReadBasic.All": "693c5e45-0940-467d-9b8a-1022fb9d42ef",
            "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
        },
        {
            "Mail.ReadBasic": "a4b8392a-d8d1-4954-a029-8e668a39a170",
            "Mail.Read": "570282fd-fa5c-430d-a7fd-fc8dc98a9dca",
        },
    ),
}


def now():
    """This moment as Graph writes it."""
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Application:
    """A registration: what Graph shows of it, key credentials with their keys, who made it, and its
    federated credentials.
    """

    document: dict
    owner: str
    arrival: Arrival
    federated: list = field(default_factory=list)

    @property
    def app_id(self):
        """The client id."""
        return self.document["appId"]


@dataclass
class Principal:
    """A service principal; `assignments` are the app roles that it was granted."""

    document: dict
    owner: str
    arrival: Arrival
    assignments: dict = field(default_factory=dict)

    @property
    def app_id(self):
        """The client id."""
        return self.document["appId"]


@dataclass
class Grant:
    """One app role assignment, or one assignment of an Entra role."""

    document: dict
    arrival: Arrival


class Policy:
    """The app management policy: `forbidden` bars certificates, `max_days` limits their lifetime.

    `one_year` is no policy, but what Microsoft's page "Add a certificate to an app" says of every
    certificate and tools of long standing contradict.
    """

    def __init__(self):
        self.id = "5b2b6d2c-7a0e-4a8e-8a52-000000000001"
        self.forbidden, self.max_days, self.one_year = False, None, False


class Registry:
    """All of it. Keys of the dicts are object ids; `users` are by address, in lower case.

    `page` is how many objects a list holds before it goes on elsewhere. `users_may_register` is the
    tenant's setting of that name.
    """

    def __init__(self, cloud, replication):
        self._cloud, self._replication = cloud, replication
        self.page = 100
        self.policy, self.users_may_register = Policy(), True
        self.applications, self.principals = {}, {}
        self.role_grants, self.consents, self.users = {}, {}, {}
        #: Template ids of Entra roles that the older interface, directoryRoles, knows.
        self.activated = []
        for app_id in RESOURCES:
            self.add_resource(app_id)

    def add_resource(self, app_id):
        """The service principal of one of Microsoft's applications."""
        name, roles, scopes = RESOURCES[app_id]
        principal = self.add_principal(app_id, name, "Microsoft")
        principal.document["appRoles"] = [
            {
                "id": number,
                "value": value,
                "displayName": value,
                "description": value,
                "isEnabled": True,
                "origin": "Application",
                "allowedMemberTypes": ["Application"],
            }
            for value, number in roles.items()
        ]
        principal.document["oauth2PermissionScopes"] = [
            {"id": number, "value": value, "type": "User", "isEnabled": True}
            for value, number in scopes.items()
        ]
        principal.arrival = Arrival(0)
        return principal

    def add_application(self, changes, owner):
        """A registration with what Graph fills in itself."""
        document = {
            "id": str(uuid.uuid4()),
            "deletedDateTime": None,
            "appId": str(uuid.uuid4()),
            "createdDateTime": now(),
            "displayName": "",
            "description": None,
            "notes": None,
            "tags": [],
            "identifierUris": [],
            "signInAudience": "AzureADMyOrg",
            "isFallbackPublicClient": None,
            "requiredResourceAccess": [],
            "keyCredentials": [],
            "passwordCredentials": [],
            **changes,
        }
        found = Application(document, owner, self._replication.send("directory"))
        self.applications[document["id"]] = found
        return found

    def add_principal(self, app_id, name, owner):
        """A service principal."""
        document = {
            "id": str(uuid.uuid4()),
            "deletedDateTime": None,
            "accountEnabled": True,
            "appId": app_id,
            "appDisplayName": name,
            "displayName": name,
            "notes": None,
            "appRoleAssignmentRequired": False,
            "servicePrincipalType": "Application",
            "servicePrincipalNames": [app_id],
            "keyCredentials": [],
            "passwordCredentials": [],
            "appRoles": [],
            "oauth2PermissionScopes": [],
            "tags": [],
        }
        found = Principal(document, owner, self._replication.send("directory"))
        self.principals[document["id"]] = found
        return found

    def remove_principal(self, number):
        """With everything that it was granted and that was granted on it."""
        del self.principals[number]
        for other in self.principals.values():
            for key, grant in list(other.assignments.items()):
                if grant.document["resourceId"] == number:
                    del other.assignments[key]
        for store, name in ((self.role_grants, "principalId"), (self.consents, "clientId")):
            for key, grant in list(store.items()):
                document = grant.document if isinstance(grant, Grant) else grant
                if document[name] == number:
                    del store[key]

    def with_app_id(self, store, app_id):
        """Application or service principal of a client id; None when there is none."""
        found = [one for one in store.values() if one.app_id == app_id]
        return found[0] if found else None

    def app(self, client):
        """A registration as sign-in sees it. Raises Refusal."""
        application = self.with_app_id(self.applications, client)
        if application is None or not application.arrival.seen():
            raise Refusal(700016, f"Application with identifier '{client}' was not found.")
        principal = self.with_app_id(self.principals, client)
        if principal is None or not principal.arrival.seen():
            text = f"The client application {client} is missing service principal in the tenant."
            raise Refusal(7000229, text)
        if not principal.document["accountEnabled"]:
            raise Refusal(7000112, f"Application '{client}' is disabled.")
        return App(
            client,
            (),
            (),
            role_group=False,
            public=bool(application.document["isFallbackPublicClient"]),
            exchange_scopes=self._consented(principal, EXCHANGE_APP),
            graph_scopes=self._consented(principal, GRAPH_APP),
            registered=True,
        )

    def _consented(self, principal, app_id):
        found = []
        for consent in self.consents.values():
            resource = self.principals.get(consent["resourceId"])
            if consent["clientId"] == principal.document["id"] and resource is not None:
                found += consent["scope"].split() if resource.app_id == app_id else []
        return tuple(dict.fromkeys(found))

    def certificates(self, app):
        """The registration's certificates."""
        application = self.with_app_id(self.applications, app.client_id)
        keys = application.document["keyCredentials"]
        return [x509.load_der_x509_certificate(base64.b64decode(key["key"])) for key in keys]

    def claims(self, app, resource):
        """What a new token of a registration says: its object id and the roles that have arrived."""
        principal = self.with_app_id(self.principals, app.client_id)
        service = {"exchange": EXCHANGE_APP, "graph": GRAPH_APP}[self._cloud.service(resource)]
        known = {number: value for value, number in RESOURCES[service][1].items()}
        roles = []
        for grant in principal.assignments.values():
            there = self.principals.get(grant.document["resourceId"])
            number = grant.document["appRoleId"]
            if there is not None and there.app_id == service and grant.arrival.seen():
                roles.append(known[number])
        return {"oid": principal.document["id"], "roles": sorted(roles) or None}

    def assign(self, principal, resource, number):
        """Grant an app role, by its id."""
        raw = uuid.uuid4().bytes + uuid.uuid4().bytes
        document = {
            "id": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
            "deletedDateTime": None,
            "appRoleId": number,
            "createdDateTime": now(),
            "principalDisplayName": principal.document["displayName"],
            "principalId": principal.document["id"],
            "principalType": "ServicePrincipal",
            "resourceDisplayName": resource.document["displayName"],
            "resourceId": resource.document["id"],
        }
        principal.assignments[document["id"]] = Grant(document, self._replication.send("app-role"))
        return document

    def grant_role(self, document):
        """An Entra role; in Exchange it arrives with `exchange-role`."""
        document = {"id": uuid.uuid4().hex, **document}
        arrival = self._replication.send("exchange-role")
        self.role_grants[document["id"]] = Grant(document, arrival)
        return document

    def state(self):
        """Plain values; Microsoft's own service principals are left out."""
        own = [one for one in self.principals.values() if one.app_id not in RESOURCES]
        return copy.deepcopy(
            {
                "applications": [one.document for one in self.applications.values()],
                "service_principals": [one.document for one in own],
                "app_role_assignments": [
                    grant.document for one in own for grant in one.assignments.values()
                ],
                "role_assignments": [grant.document for grant in self.role_grants.values()],
                "activated_roles": self.activated,
                "permission_grants": list(self.consents.values()),
                "users": [
                    {name: value for name, value in user.items() if name != "passwordProfile"}
                    for user in self.users.values()
                ],
            }
        )
