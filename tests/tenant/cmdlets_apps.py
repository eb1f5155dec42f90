"""Cmdlets about service principals and RBAC for Applications: scopes, assignments, and a test of them.

Sources: Microsoft's pages on the cmdlets and "Role Based Access Control for Applications in Exchange Online";
reference sheet exchange-online 3.2, 8.3.
"""

from __future__ import annotations

import uuid

from . import cmdlets_errors as errors
from .cmdlets_roles import check_name
from .directory import local_part
from .rbac import APPLICATION_ROLES, Assignment, Pointer, Scope, clauses, matching


def _guid(given, name):
    try:
        return str(uuid.UUID(str(given[name])))
    except ValueError:
        raise errors.transformation(name, given[name]) from None


def _pointer_row(pointer):
    return {
        "DisplayName": pointer.name,
        "AppId": pointer.app_id,
        "ObjectId": pointer.object_id,
        "ServiceId": pointer.object_id,
        "Name": pointer.object_id,
        "Identity": pointer.object_id,
        "Id": pointer.object_id,
        "IsValid": True,
    }


def new_principal(rbac, given):
    """New-ServicePrincipal; ServiceId is the old name of ObjectId. Whether Entra has it is not looked at."""
    name = "ObjectId" if "ObjectId" in given else "ServiceId"
    if name not in given:
        raise errors.CmdletError(
            "System.Management.Automation.ParameterBindingException",
            "Cannot process command because of one or more missing mandatory parameters: ObjectId.",
        )
    app_id, object_id = _guid(given, "AppId"), _guid(given, name)
    for one in rbac.pointers.values():
        if app_id == one.app_id or object_id == one.object_id:
            raise errors.exists(one.object_id)
    arrival = rbac.replication.send("exchange-object")
    pointer = Pointer(app_id, object_id, str(given.get("DisplayName", "")), arrival)
    rbac.pointers[object_id] = pointer
    return [_pointer_row(pointer)]


def _pointer(rbac, identity):
    found = rbac.pointer(str(identity))
    if found is None:
        raise errors.not_found(identity)
    return found


def get_principal(rbac, given):
    """Get-ServicePrincipal."""
    if "Identity" in given:
        return [_pointer_row(_pointer(rbac, given["Identity"]))]
    return [_pointer_row(one) for one in rbac.pointers.values() if one.arrival.seen()]


def remove_principal(rbac, given):
    """Remove-ServicePrincipal; its memberships and assignments go with it."""
    number = _pointer(rbac, given["Identity"]).object_id
    del rbac.pointers[number]
    for group in rbac.groups.values():
        group.members.pop(("app", number), None)
    for name, one in list(rbac.assignments.items()):
        if one.object_id == number:
            del rbac.assignments[name]
    return []


def _scope_row(scope):
    return {
        "RecipientRoot": "",
        "RecipientFilter": scope.filter,
        "ServerFilter": "",
        "ScopeRestrictionType": "RecipientScope",
        "Exclusive": False,
        "Name": scope.name,
        "Identity": scope.name,
        "Id": scope.name,
        "IsValid": True,
    }


def new_scope(rbac, given):
    """New-ManagementScope."""
    name, text = str(given["Name"]), str(given["RecipientRestrictionFilter"])
    if rbac.looks_dehydrated():
        raise errors.dehydrated()
    found = clauses(text)
    if found is None:
        raise errors.transformation("RecipientRestrictionFilter", text)
    check_name(rbac.scopes, name)
    rbac.scopes[name] = Scope(name, text, found)
    return [_scope_row(rbac.scopes[name])]


def _named(store, identity):
    names = matching(store, identity)
    if not names and "*" not in str(identity):
        raise errors.not_found(identity)
    return names


def get_scope(rbac, given):
    """Get-ManagementScope."""
    return [_scope_row(rbac.scopes[one]) for one in _named(rbac.scopes, given.get("Identity", "*"))]


def set_scope(rbac, given):
    """Set-ManagementScope; assignments follow."""
    name = (_named(rbac.scopes, given["Identity"]) or [""])[0]
    text = str(given.get("RecipientRestrictionFilter", rbac.scopes[name].filter))
    found = clauses(text)
    if found is None:
        raise errors.transformation("RecipientRestrictionFilter", text)
    rbac.scopes[name] = Scope(name, text, found)
    return []


def remove_scope(rbac, given):
    """Remove-ManagementScope."""
    name = (_named(rbac.scopes, given["Identity"]) or [""])[0]
    if any(one.scope == name for one in rbac.assignments.values()):
        raise errors.invalid(f"The scope '{name}' can't be removed because it's in use.")
    rbac.scopes.pop(name, None)
    return []


def _assignment_row(one):
    return {
        "Role": one.role,
        "RoleAssignee": one.object_id,
        "RoleAssigneeName": one.object_id,
        "RoleAssigneeType": "ServicePrincipal",
        "RoleAssignmentDelegationType": "Regular",
        "CustomResourceScope": one.scope or one.group or None,
        "Enabled": True,
        "Name": one.name,
        "Identity": one.name,
        "Id": one.name,
        "IsValid": True,
    }


def new_assignment(rbac, given):
    """New-ManagementRoleAssignment for an application, or for a role group."""
    if rbac.looks_dehydrated():
        raise errors.dehydrated()
    roles = matching(rbac.roles, given["Role"])
    if not roles:
        raise errors.not_found(given["Role"])
    if ("App" in given) == ("SecurityGroup" in given):
        raise errors.ambiguous()
    if "SecurityGroup" in given:
        return _assign_to_group(rbac, roles[0], given)
    pointer = _pointer(rbac, given["App"])
    if roles[0] not in APPLICATION_ROLES:
        raise errors.invalid(f"The role '{roles[0]}' can't be assigned to a service principal.")
    if not rbac.may_delegate():
        raise errors.not_ready(roles[0])
    scope, group = given.get("CustomResourceScope", ""), given.get("RecipientGroupScope", "")
    if scope:
        scope = (_named(rbac.scopes, scope) or [""])[0]
    if group and group not in rbac.mail_groups:
        raise errors.not_found(group)
    name = str(given.get("Name") or f"{roles[0]}-{pointer.object_id}"[:64])
    check_name(rbac.assignments, name)
    arrival = rbac.replication.send("graph-role")
    one = Assignment(name, roles[0], pointer.object_id, scope, group, arrival)
    rbac.assignments[name] = one
    return [_assignment_row(one)]


def _assign_to_group(rbac, role, given):
    names = matching(rbac.groups, given["SecurityGroup"])
    if not names:
        raise errors.not_found(given["SecurityGroup"])
    group = rbac.groups[names[0]]
    if role in group.roles:
        raise errors.exists(f"{role}-{group.name}")
    if not rbac.may_delegate():
        raise errors.not_ready(f"{role}-{group.name}")
    group.roles.append(role)
    return [row for row in _group_rows(rbac) if row["Name"] == f"{role}-{group.name}"]


def _group_rows(rbac):
    """Role groups have theirs as well."""
    return [
        {
            "Role": role,
            "RoleAssignee": group.name,
            "RoleAssigneeName": group.name,
            "RoleAssigneeType": "RoleGroup",
            "RoleAssignmentDelegationType": "Regular",
            "CustomResourceScope": None,
            "Enabled": True,
            "Name": f"{role}-{group.name}",
            "Identity": f"{role}-{group.name}",
            "Id": f"{role}-{group.name}",
            "IsValid": True,
        }
        for group in rbac.groups.values()
        for role in group.roles
    ]


def get_assignment(rbac, given):
    """Get-ManagementRoleAssignment."""
    rows = [_assignment_row(one) for one in rbac.assignments.values()] + _group_rows(rbac)
    if "Identity" in given:
        rows = [row for row in rows if matching([row["Name"]], given["Identity"])]
        if not rows and "*" not in str(given["Identity"]):
            raise errors.not_found(given["Identity"])
    if "Role" in given:
        rows = [row for row in rows if matching([row["Role"]], given["Role"])]
    if "RoleAssignee" in given:
        pointer = rbac.pointer(str(given["RoleAssignee"]))
        wanted = pointer.object_id if pointer else str(given["RoleAssignee"])
        rows = [row for row in rows if row["RoleAssignee"].lower() == wanted.lower()]
    for name in ("RoleAssigneeType", "CustomResourceScope"):
        if name in given:
            rows = [row for row in rows if row[name] == given[name]]
    return [] if given.get("Delegating") else rows


def remove_assignment(rbac, given):
    """Remove-ManagementRoleAssignment, of an application."""
    names = _named(rbac.assignments, given["Identity"])
    for name in names:
        del rbac.assignments[name]
    return []


def authorization(rbac, given):
    """Test-ServicePrincipalAuthorization, which sees at once what others see later."""
    pointer, resource = _pointer(rbac, given["Identity"]), given.get("Resource")
    name = local_part(str(resource or ""))
    if resource is not None and name not in rbac.mailboxes:
        raise errors.not_found(resource)
    return [
        {
            "RoleName": one.role,
            "GrantedPermissions": APPLICATION_ROLES[one.role],
            "AllowedResourceScope": one.scope or one.group or "Organization",
            "ScopeType": "CustomRecipientScope" if one.scope else "Organization",
            "InScope": "Not Run" if resource is None else str(rbac.in_scope(one, name)),
        }
        for one in rbac.assignments.values()
        if one.object_id == pointer.object_id
    ]
