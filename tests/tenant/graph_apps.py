"""Microsoft Graph: applications, service principals and app role assignments.

Sources: Microsoft Graph's pages on application, servicePrincipal and appRoleAssignment; "Grant tenant-wide
admin consent to an application" for who may; reference sheet exchange-online 8.2; error answers as
published in issue trackers.
"""

from __future__ import annotations

import uuid

from . import graph_keys
from .administration import ROLES
from .graph import Trouble
from .odata import bad, entity, page, select
from .registry import GRAPH_APP, RESOURCES

_AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
_WRITABLE = (
    "displayName",
    "description",
    "notes",
    "tags",
    "signInAudience",
    "isFallbackPublicClient",
    "requiredResourceAccess",
    "keyCredentials",
)
_WRITABLE_OF_PRINCIPALS = {"appId", "displayName", "tags", "accountEnabled", "notes"}
_FILTERABLE = ("id", "appId", "displayName")
APPLICATION_ADMINISTRATORS = (
    "Global Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
)


def denied():
    """The scope or the Entra role is missing."""
    text = "Insufficient privileges to complete the operation."
    return Trouble(403, "Authorization_RequestDenied", text)


def missing(number):
    """There is no such object, or not yet."""
    text = f"Resource '{number}' does not exist or one of its queried reference-property objects "
    return Trouble(404, "Request_ResourceNotFound", text + "are not present.")


def find(store, key):
    """The object of a key, `("id" or "appId", value)`. Raises Trouble."""
    name, value = key
    found = [one for one in store.values() if one.document.get(name) == value]
    if not found or not found[0].arrival.seen():
        raise missing(value)
    return found[0]


def _visible(store):
    return [one.document for one in store.values() if one.arrival.seen()]


def _may_change(call, thing):
    own = thing.owner == call.user
    if not own and not call.admin.is_one_of(call.user, APPLICATION_ADMINISTRATORS):
        raise denied()


def _shown(document):
    """Keys are shown to those alone who ask for one application's by name."""
    keys = [{**one, "key": None} for one in document["keyCredentials"]]
    return {**document, "keyCredentials": keys}


def list_applications(call):
    """GET /applications."""
    registry = call.admin.registry
    rows = [_shown(row) for row in _visible(registry.applications)]
    return 200, page(rows, "applications", call.query, call.url, registry.page, _FILTERABLE)


def get_application(call):
    """GET /applications/{id}."""
    document = find(call.admin.registry.applications, call.keys[0]).document
    if "keyCredentials" not in call.query.get("$select", "").split(","):
        document = _shown(document)
    return 200, entity(document, "applications", call.query)


def create_application(call):
    """POST /applications."""
    registry = call.admin.registry
    may = registry.users_may_register or call.admin.is_one_of(call.user, APPLICATION_ADMINISTRATORS)
    if not may:
        raise denied()
    if not str(call.body.get("displayName") or "").strip():
        text = "A value is required for property 'displayName' of resource 'Application'."
        raise bad(text)
    changes = _changes(call, [])
    application = registry.add_application(changes, call.user)
    return 201, entity(_shown(application.document), "applications", {})


def update_application(call):
    """PATCH /applications/{id}."""
    application = find(call.admin.registry.applications, call.keys[0])
    _may_change(call, application)
    application.document.update(_changes(call, application.document["keyCredentials"]))
    return 204, None


def delete_application(call):
    """DELETE /applications/{id}; the service principal goes with it."""
    registry = call.admin.registry
    application = find(registry.applications, call.keys[0])
    _may_change(call, application)
    del registry.applications[application.document["id"]]
    principal = registry.with_app_id(registry.principals, application.app_id)
    if principal is not None:
        registry.remove_principal(principal.document["id"])
    return 204, None


def list_owners(call):
    """GET /applications/{id}/owners: who made it through a sign-in of his own; as these scopes read no
    users, they are shown by type and id alone.
    """
    application = find(call.admin.registry.applications, call.keys[0])
    owner = str(uuid.uuid5(uuid.NAMESPACE_URL, application.owner.lower()))
    hidden = {"displayName": None, "userPrincipalName": None}
    rows = [{"@odata.type": "#microsoft.graph.user", "id": owner, **hidden}]
    return 200, page(rows, "directoryObjects", call.query, call.url, call.admin.registry.page)


def list_federated(call):
    """GET /applications/{id}/federatedIdentityCredentials."""
    application = find(call.admin.registry.applications, call.keys[0])
    name = "federatedIdentityCredentials"
    return 200, page(application.federated, name, call.query, call.url, call.admin.registry.page)


def create_federated(call):
    """POST to that list."""
    application = find(call.admin.registry.applications, call.keys[0])
    _may_change(call, application)
    wanted = {"name", "issuer", "subject", "audiences"}
    if not wanted <= set(call.body):
        text = f"A value is required for property '{sorted(wanted - set(call.body))[0]}'."
        raise bad(text)
    application.federated.append({"id": str(uuid.uuid4()), "description": None, **call.body})
    return 201, application.federated[-1]


def list_memberships(call):
    """GET /servicePrincipals/{id}/memberOf: groups, of which there are none, and Entra roles."""
    registry = call.admin.registry
    principal = find(registry.principals, call.keys[0])
    names = {number: name for name, number in ROLES.items()}
    rows = [
        {
            "@odata.type": "#microsoft.graph.directoryRole",
            "id": grant.document["id"],
            "displayName": names[grant.document["roleDefinitionId"]],
            "roleTemplateId": grant.document["roleDefinitionId"],
        }
        for grant in registry.role_grants.values()
        if grant.document["principalId"] == principal.document["id"]
    ]
    return 200, page(rows, "directoryObjects", call.query, call.url, registry.page)


def _changes(call, keys):
    body = dict(call.body)
    unknown = sorted(set(body) - set(_WRITABLE))
    if unknown:
        raise bad(f"Invalid property '{unknown[0]}'.")
    audience, public = body.get("signInAudience"), body.get("isFallbackPublicClient")
    wrong = "displayName" if not isinstance(body.get("displayName", ""), str) else ""
    wrong = "signInAudience" if audience not in (None, *_AUDIENCES) else wrong
    wrong = "isFallbackPublicClient" if public not in (None, True, False) else wrong
    wrong = wrong or _wrong_access(body.get("requiredResourceAccess", []))
    if wrong:
        raise bad(f"Invalid value specified for property '{wrong}' of resource 'Application'.")
    if "keyCredentials" in body:
        policy = call.admin.registry.policy
        body["keyCredentials"] = graph_keys.replace(keys, body["keyCredentials"], policy)
    return body


def _wrong_access(wanted):
    try:
        for resource in wanted:
            uuid.UUID(resource["resourceAppId"])
            for access in resource["resourceAccess"]:
                uuid.UUID(access["id"])
                if access["type"] not in ("Role", "Scope"):
                    return "requiredResourceAccess"
    except (TypeError, KeyError, ValueError, AttributeError):
        return "requiredResourceAccess"
    return ""


def list_principals(call):
    """GET /servicePrincipals."""
    registry = call.admin.registry
    rows = _visible(registry.principals)
    found = page(rows, "servicePrincipals", call.query, call.url, registry.page, _FILTERABLE)
    return 200, found


def get_principal(call):
    """GET /servicePrincipals/{id}."""
    found = find(call.admin.registry.principals, call.keys[0])
    return 200, entity(found.document, "servicePrincipals", call.query)


def create_principal(call):
    """POST /servicePrincipals."""
    registry, app_id = call.admin.registry, call.body.get("appId")
    if set(call.body) - _WRITABLE_OF_PRINCIPALS:
        unknown = sorted(set(call.body) - _WRITABLE_OF_PRINCIPALS)
        raise bad(f"Invalid property '{unknown[0]}'.")
    if not app_id:
        raise bad("A value is required for property 'appId' of resource 'ServicePrincipal'.")
    if registry.with_app_id(registry.principals, app_id) is not None:
        text = "The service principal cannot be created, updated, or restored because the service "
        text += f"principal name {app_id} is already in use."
        raise Trouble(409, "Request_MultipleObjectsWithSameKeyValue", text)
    if app_id in RESOURCES:
        if not call.admin.is_one_of(call.user, APPLICATION_ADMINISTRATORS):
            raise denied()
        return 201, entity(registry.add_resource(app_id).document, "servicePrincipals", {})
    application = registry.with_app_id(registry.applications, app_id)
    if application is None or not application.arrival.seen():
        text = f"The appId '{app_id}' of the service principal does not reference a valid "
        detail = {"code": "NoBackingApplicationObject", "message": text, "target": "appId"}
        raise bad(f"{text}application object.", {**detail, "message": f"{text}application object."})
    _may_change(call, application)
    name = application.document["displayName"]
    principal = registry.add_principal(app_id, name, call.user)
    principal.document.update({**call.body, "displayName": call.body.get("displayName") or name})
    return 201, entity(principal.document, "servicePrincipals", {})


def delete_principal(call):
    """DELETE /servicePrincipals/{id}."""
    principal = find(call.admin.registry.principals, call.keys[0])
    _may_change(call, principal)
    call.admin.registry.remove_principal(principal.document["id"])
    return 204, None


def list_assignments(call):
    """GET /servicePrincipals/{id}/appRoleAssignments: what it was granted."""
    registry = call.admin.registry
    principal = find(registry.principals, call.keys[0])
    rows = [grant.document for grant in principal.assignments.values()]
    return 200, page(
        rows, "appRoleAssignments", call.query, call.url, registry.page, ("resourceId",)
    )


def list_assigned_to(call):
    """GET /servicePrincipals/{id}/appRoleAssignedTo: to whom its roles were granted."""
    registry = call.admin.registry
    resource = find(registry.principals, call.keys[0]).document["id"]
    grants = [one for each in registry.principals.values() for one in each.assignments.values()]
    rows = [one.document for one in grants if one.document["resourceId"] == resource]
    return 200, page(
        rows, "appRoleAssignments", call.query, call.url, registry.page, ("principalId",)
    )


def create_assignment(call):
    """POST to either list: admin consent."""
    registry = call.admin.registry
    here = find(registry.principals, call.keys[0])
    names = {"principalId", "resourceId", "appRoleId"}
    if set(call.body) - names:
        raise bad(f"Invalid property '{sorted(set(call.body) - names)[0]}'.")
    for name in sorted(names):
        try:
            uuid.UUID(call.body.get(name))
        except (TypeError, ValueError, AttributeError):
            text = f"Invalid value specified for property '{name}' of resource 'AppRoleAssignment'."
            raise bad(text) from None
    if here.document["id"] not in (call.body["principalId"], call.body["resourceId"]):
        raise bad("Not a valid reference update.")
    principal = find(registry.principals, ("id", call.body["principalId"]))
    resource = find(registry.principals, ("id", call.body["resourceId"]))
    if not call.admin.may_consent(call.user, to_graph=resource.app_id == GRAPH_APP):
        raise denied()
    role = call.body["appRoleId"]
    if role not in [one["id"] for one in resource.document["appRoles"]]:
        raise bad(f"Permission being assigned was not found on application '{resource.app_id}'.")
    for grant in principal.assignments.values():
        old = grant.document
        if (old["resourceId"], old["appRoleId"]) == (resource.document["id"], role):
            raise bad("Permission being assigned already exists on the object")
    return 201, select(registry.assign(principal, resource, role), {})


def delete_assignment(call):
    """DELETE of one, by either side."""
    registry = call.admin.registry
    here, number = find(registry.principals, call.keys[0]), call.key(1)
    for principal in registry.principals.values():
        grant = principal.assignments.get(number)
        if grant and here.document["id"] in (
            grant.document["principalId"],
            grant.document["resourceId"],
        ):
            if not call.admin.may_consent(call.user):
                raise denied()
            del principal.assignments[number]
            return 204, None
    raise missing(number)
