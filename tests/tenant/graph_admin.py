"""Microsoft Graph for administrators: who may call what, and where a request goes.

What a person may do is what the token's scopes (scp) and the person's Entra roles both allow.

Sources: Microsoft Graph's pages on the calls below, each with its table of permissions; "Error responses
and resource types"; reference sheet exchange-online 3.3, 8.2.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from dataclasses import dataclass

from . import graph, graph_apps, graph_people
from .administration import Administration
from .odata import bad, entity, query_of

_READ = ("Application.Read.All", "Application.ReadWrite.All")
_DIRECTORY_READ = ("Directory.Read.All", "Directory.ReadWrite.All")
_APPS = (*_READ, *_DIRECTORY_READ)
_APPS_WRITE = ("Application.ReadWrite.All", "Directory.ReadWrite.All")
_OWNERS = ("Application.ReadWrite.All", *_DIRECTORY_READ)
_ROLES_READ = (*_APPS, "AppRoleAssignment.ReadWrite.All")
_USERS = ("User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All", *_DIRECTORY_READ)
_USERS_WRITE = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_GRANTS = ("DelegatedPermissionGrant.ReadWrite.All", *_DIRECTORY_READ)
_GRANTS_WRITE = ("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
_ENTRA_ROLES_WRITE = ("RoleManagement.ReadWrite.Directory",)
_ENTRA_ROLES = ("RoleManagement.Read.Directory", *_ENTRA_ROLES_WRITE, *_DIRECTORY_READ)
_ASSIGN = ("AppRoleAssignment.ReadWrite.All",)

#: Path, `*` for a key -> method -> function and the scopes of which one is needed.
ROUTES = {
    "applications": {
        "GET": (graph_apps.list_applications, _APPS),
        "POST": (graph_apps.create_application, _APPS_WRITE),
    },
    "applications/*": {
        "GET": (graph_apps.get_application, _APPS),
        "PATCH": (graph_apps.update_application, _APPS_WRITE),
        "DELETE": (graph_apps.delete_application, _APPS_WRITE),
    },
    "applications/*/owners": {"GET": (graph_apps.list_owners, _OWNERS)},
    "applications/*/federatedIdentityCredentials": {
        "GET": (graph_apps.list_federated, _READ),
        "POST": (graph_apps.create_federated, ("Application.ReadWrite.All",)),
    },
    "servicePrincipals": {
        "GET": (graph_apps.list_principals, _APPS),
        "POST": (graph_apps.create_principal, _APPS_WRITE),
    },
    "servicePrincipals/*": {
        "GET": (graph_apps.get_principal, _APPS),
        "DELETE": (graph_apps.delete_principal, _APPS_WRITE),
    },
    "servicePrincipals/*/memberOf": {"GET": (graph_apps.list_memberships, _APPS)},
    "servicePrincipals/*/appRoleAssignments": {
        "GET": (graph_apps.list_assignments, _ROLES_READ),
        "POST": (graph_apps.create_assignment, _ASSIGN),
    },
    "servicePrincipals/*/appRoleAssignments/*": {
        "DELETE": (graph_apps.delete_assignment, _ASSIGN),
    },
    "servicePrincipals/*/appRoleAssignedTo": {
        "GET": (graph_apps.list_assigned_to, _ROLES_READ),
        "POST": (graph_apps.create_assignment, _ASSIGN),
    },
    "servicePrincipals/*/appRoleAssignedTo/*": {
        "DELETE": (graph_apps.delete_assignment, _ASSIGN),
    },
    "oauth2PermissionGrants": {
        "GET": (graph_people.list_consents, _GRANTS),
        "POST": (graph_people.create_consent, _GRANTS_WRITE),
    },
    "oauth2PermissionGrants/*": {"DELETE": (graph_people.delete_consent, _GRANTS_WRITE)},
    "roleManagement/directory/roleAssignments": {
        "GET": (graph_people.list_role_assignments, _ENTRA_ROLES),
        "POST": (graph_people.create_role_assignment, _ENTRA_ROLES_WRITE),
    },
    "roleManagement/directory/roleAssignments/*": {
        "DELETE": (graph_people.delete_role_assignment, _ENTRA_ROLES_WRITE),
    },
    "directoryRoles": {"POST": (graph_people.activate_role, _ENTRA_ROLES_WRITE)},
    "directoryRoles/*/members/$ref": {
        "POST": (graph_people.add_role_member, _ENTRA_ROLES_WRITE),
    },
    "organization": {"GET": (graph_people.organization, ())},
    "me": {"GET": (graph_people.me, ())},
    "users": {
        "GET": (graph_people.list_users, _USERS),
        "POST": (graph_people.create_user, _USERS_WRITE),
    },
    "users/*": {
        "GET": (graph_people.get_user, _USERS),
        "DELETE": (graph_people.delete_user, _USERS_WRITE),
    },
}
#: `servicePrincipals(appId='...')`: another key than the object id.
_KEYED = re.compile(r"(\w+)\((\w+)='([^']*)'\)")


@dataclass
class Call:
    """One request: whose, with which keys in its path (name and value), options and body."""

    admin: Administration
    user: str
    keys: list
    query: dict
    url: str
    body: dict

    def key(self, at=0):
        """The value of a key that is an object id, whatever it is called."""
        return self.keys[at][1]


def concerns(parts):
    """Whether a path below `/v1.0` is none of a mailbox."""
    return "mailfolders" not in [part.lower() for part in parts]


def serve(tenant, method, target, parts, headers, raw):
    """Status and document. Raises Trouble."""
    claims = graph.claims_of(tenant, headers.get("Authorization", ""))
    route, keys, way = _route(parts[1:])
    if method not in route:
        raise graph.Trouble(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    work, scopes = route[method]
    if "upn" not in claims and way == "applications/*" and method == "GET":
        return _own_registration(tenant, claims, keys[0], query_of(target))
    if "upn" not in claims or (scopes and not set(scopes) & set(claims["scp"].split())):
        raise graph_apps.denied()
    body = _body(headers, raw) if method in ("POST", "PATCH") else {}
    root = f"https://{headers['Host']}" if headers.get("Host") else tenant.url
    url = f"{root}{urllib.parse.quote(urllib.parse.urlsplit(target).path, safe=_PATH)}"
    admin = tenant.administrations[claims["tid"]]
    with admin.lock:
        return work(Call(admin, claims["upn"], keys, query_of(target), url, body))


_PATH = "/%()'=@"


def _route(parts):
    way, keys = [], []
    for part in parts:
        keyed = _KEYED.fullmatch(part)
        if keyed:
            way += [keyed[1], "*"]
            keys.append((keyed[2], keyed[3]))
        elif "/".join([*way, part]) in _NAMES:
            way.append(part)
        else:
            way.append("*")
            keys.append(("id", part))
    path = "/".join(way)
    route = ROUTES.get(path)
    if route is None:
        text = f"Resource not found for the segment '{parts[-1] if parts else ''}'."
        raise graph.Trouble(400, "BadRequest", text)
    return route, keys, path


def _own_registration(tenant, claims, key, query):
    """An application asks for its own registration, with the permission Application.Read.All."""
    if tenant.own_secrets is None or key != ("appId", claims["appid"]):
        raise graph_apps.denied()
    document = {"passwordCredentials": tenant.own_secrets}
    return 200, entity(document, "applications", query)


#: Every path above and every beginning of one.
_NAMES = {
    "/".join(path.split("/")[: end + 1]) for path in ROUTES for end in range(path.count("/") + 1)
}


def _body(headers, raw):
    if headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
        text = "The entity body's media type is not supported."
        raise graph.Trouble(415, "Request_BadRequest", text)
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad("Unable to read JSON request payload. Please ensure Content-Type header is set.")
    return found
