"""Microsoft Graph: the organization, users, consent to delegated permissions, Entra roles.

Sources: Microsoft Graph's pages on organization, user, oAuth2PermissionGrant and unifiedRoleAssignment;
reference sheet exchange-online 5.6, 8.2.
"""

from __future__ import annotations

import uuid

from .administration import CONSENT_ROLES, ROLES
from .directory import DOMAIN
from .graph import Trouble
from .graph_apps import denied, find, missing
from .odata import bad, entity, page

_USER_ADMINISTRATORS = ("Global Administrator",)


def organization(call):
    """GET /organization."""
    place = call.admin.place
    domains = [
        {"name": place.name, "isInitial": True, "isDefault": False},
        {"name": DOMAIN, "isInitial": False, "isDefault": True},
    ]
    row = {"id": place.id, "displayName": "Practice", "verifiedDomains": domains}
    return 200, page([row], "organization", call.query, call.url, 100)


def user_id(place, address):
    """Object id of a user."""
    return str(uuid.uuid5(uuid.UUID(place.id), address))


def _user(call, address, **changes):
    return {
        "id": user_id(call.admin.place, address),
        "displayName": f"Practice {address.partition('@')[0].title()}",
        "userPrincipalName": address,
        "mail": address,
        "accountEnabled": True,
        **changes,
    }


def _users(call):
    """Those of the mailboxes, and those that administrators made."""
    rows = [_user(call, f"{name}@{DOMAIN}") for name in call.admin.rbac.mailboxes]
    hidden = ("passwordProfile",)
    own = call.admin.registry.users.values()
    return rows + [{key: one[key] for key in one if key not in hidden} for one in own]


def me(call):
    """GET /me."""
    return 200, entity(_user(call, call.user), "users", call.query)


def list_users(call):
    """GET /users."""
    size = call.admin.registry.page
    names = ("id", "userPrincipalName", "displayName", "mail")
    return 200, page(_users(call), "users", call.query, call.url, size, names)


def get_user(call):
    """GET /users/{id or userPrincipalName}."""
    wanted = call.key().lower()
    for row in _users(call):
        if wanted in (row["id"], row["userPrincipalName"].lower()):
            return 200, entity(row, "users", call.query)
    raise missing(call.key())


def create_user(call):
    """POST /users."""
    if not call.admin.is_one_of(call.user, _USER_ADMINISTRATORS):
        raise denied()
    body, profile = call.body, call.body.get("passwordProfile")
    for name in ("accountEnabled", "displayName", "mailNickname", "userPrincipalName"):
        if body.get(name) in (None, ""):
            raise bad(f"A value is required for property '{name}' of resource 'User'.")
    if not isinstance(profile, dict) or not profile.get("password"):
        raise bad("A password must be specified to create a new user.")
    address = str(body["userPrincipalName"]).lower()
    if not address.endswith(f"@{DOMAIN}"):
        raise bad("The domain portion of the userPrincipalName property is invalid.")
    if address in [row["userPrincipalName"].lower() for row in _users(call)]:
        text = "Another object with the same value for property userPrincipalName already exists."
        detail = {"code": "ObjectConflict", "message": text, "target": "userPrincipalName"}
        raise bad(text, detail)
    document = {**_user(call, address, mail=None), **body}
    call.admin.registry.users[address] = document
    shown = {name: value for name, value in document.items() if name != "passwordProfile"}
    return 201, entity(shown, "users", {})


def delete_user(call):
    """DELETE /users/{id or userPrincipalName}; those of the mailboxes stay."""
    if not call.admin.is_one_of(call.user, _USER_ADMINISTRATORS):
        raise denied()
    users, wanted = call.admin.registry.users, call.key().lower()
    for address, document in list(users.items()):
        if wanted in (address, document["id"]):
            del users[address]
            return 204, None
    raise missing(call.key())


def list_consents(call):
    """GET /oauth2PermissionGrants."""
    registry = call.admin.registry
    names = ("clientId", "resourceId", "consentType", "principalId")
    rows = list(registry.consents.values())
    return 200, page(rows, "oauth2PermissionGrants", call.query, call.url, registry.page, names)


def create_consent(call):
    """POST /oauth2PermissionGrants: delegated permissions for everybody."""
    registry, body = call.admin.registry, call.body
    if body.get("consentType") != "AllPrincipals":
        text = "Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'."
        raise bad(text)
    client = find(registry.principals, ("id", body.get("clientId")))
    resource = find(registry.principals, ("id", body.get("resourceId")))
    if not call.admin.may_consent(call.user):
        raise denied()
    known = {one["value"] for one in resource.document["oauth2PermissionScopes"]}
    wanted = str(body.get("scope", "")).split()
    if not wanted or not set(wanted) <= known:
        raise bad("Permission being assigned was not found on application.")
    numbers = client.document["id"], resource.document["id"]
    for old in registry.consents.values():
        if (old["clientId"], old["resourceId"]) == numbers:
            text = "Permission entry already exists."
            raise Trouble(409, "Request_MultipleObjectsWithSameKeyValue", text)
    document = {
        "id": uuid.uuid4().hex,
        "clientId": numbers[0],
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": numbers[1],
        "scope": " ".join(wanted),
    }
    registry.consents[document["id"]] = document
    return 201, entity(document, "oauth2PermissionGrants", {})


def delete_consent(call):
    """DELETE /oauth2PermissionGrants/{id}."""
    if not call.admin.may_consent(call.user):
        raise denied()
    if call.admin.registry.consents.pop(call.key(), None) is None:
        raise missing(call.key())
    return 204, None


def list_role_assignments(call):
    """GET /roleManagement/directory/roleAssignments."""
    registry = call.admin.registry
    rows = [grant.document for grant in registry.role_grants.values()]
    names = ("principalId", "roleDefinitionId", "directoryScopeId")
    return 200, page(rows, "roleAssignments", call.query, call.url, registry.page, names)


def create_role_assignment(call):
    """POST /roleManagement/directory/roleAssignments."""
    registry, body = call.admin.registry, call.body
    if not call.admin.is_one_of(call.user, CONSENT_ROLES):
        raise denied()
    if body.get("roleDefinitionId") not in ROLES.values() or body.get("directoryScopeId") != "/":
        raise bad("The role definition or the directory scope is not valid.")
    principal = find(registry.principals, ("id", body.get("principalId"))).document["id"]
    wanted = {
        "principalId": principal,
        "roleDefinitionId": body["roleDefinitionId"],
        "directoryScopeId": "/",
    }
    for grant in registry.role_grants.values():
        if wanted.items() <= grant.document.items():
            text = "A conflicting object with one or more of the specified property values is "
            raise bad(text + "present in the directory.")
    return 201, entity(registry.grant_role(wanted), "roleAssignments", {})


def activate_role(call):
    """POST /directoryRoles: until then the older interface does not know a role."""
    template = call.body.get("roleTemplateId")
    if not call.admin.is_one_of(call.user, CONSENT_ROLES):
        raise denied()
    if template not in ROLES.values():
        raise bad("Invalid value specified for property 'roleTemplateId'.")
    if template in call.admin.registry.activated:
        raise bad(
            "A conflicting object with one or more of the specified property values is present."
        )
    call.admin.registry.activated.append(template)
    return 201, entity({"id": str(uuid.uuid4()), "roleTemplateId": template}, "directoryRoles", {})


def add_role_member(call):
    """POST /directoryRoles(roleTemplateId='...')/members/$ref."""
    if call.key() not in call.admin.registry.activated:
        raise missing(call.key())
    call.body = {
        "principalId": str(call.body.get("@odata.id")).rpartition("/")[2],
        "roleDefinitionId": call.key(),
        "directoryScopeId": "/",
    }
    create_role_assignment(call)
    return 204, None


def delete_role_assignment(call):
    """DELETE /roleManagement/directory/roleAssignments/{id}."""
    if not call.admin.is_one_of(call.user, CONSENT_ROLES):
        raise denied()
    if call.admin.registry.role_grants.pop(call.key(), None) is None:
        raise missing(call.key())
    return 204, None
