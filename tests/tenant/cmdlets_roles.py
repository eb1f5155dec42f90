"""Cmdlets about management roles, their entries, role groups and members.

Sources: Microsoft's pages on the cmdlets and "Manage role groups in Exchange Online"; reference sheet
exchange-online 2.3, 8.3.
"""

from __future__ import annotations

from . import cmdlets_errors as errors
from .directory import local_part
from .rbac import APPLICATION_ROLES, Group, Role, matching

LONGEST_NAME = 64
_SNAPIN = "Microsoft.Exchange.Management.PowerShell.E2010"


def words(value):
    """A list of strings; one string is a list of one."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def check_name(taken, name):
    """Raises CmdletError for a name that is too long or taken."""
    if len(name) > LONGEST_NAME:
        raise errors.transformation("Name", name)
    if matching(taken, name):
        raise errors.exists(name)


def _role(rbac, identity):
    found = matching(rbac.roles, identity)
    if not found:
        raise errors.not_found(identity)
    return rbac.roles[found[0]]


def _role_row(role):
    def shown(parameters):
        return "".join(f" -{name}" for name in parameters)

    held = [f"({_SNAPIN}) {name}{shown(given)}" for name, given in role.entries.items()]
    return {
        "RoleEntries@odata.type": "#Collection(String)",
        "RoleEntries": held,
        "RoleType": role.name.replace(" ", "") if not role.parent else "Custom",
        "Description": role.description,
        "IsRootRole": not role.parent,
        "IsEndUserRole": False,
        "Parent": role.parent or None,
        "Name": role.name,
        "Identity": role.name,
        "Id": role.name,
        "Guid@data.type": "System.Guid",
        "Guid": role.number,
        "IsValid": True,
    }


def get_role(rbac, given):
    """Get-ManagementRole."""
    identity, cmdlet = given.get("Identity"), given.get("Cmdlet")
    names = list(rbac.roles)
    if identity is not None:
        names = matching(names, identity)
        if not names and "*" not in identity:
            raise errors.not_found(identity)
    if given.get("GetChildren") or given.get("Recurse"):
        names = [one for one in rbac.roles if rbac.roles[one].parent in names]
    found = [rbac.roles[name] for name in names]
    if cmdlet is not None:
        found = [role for role in found if matching(role.entries, cmdlet)]
    return [_role_row(role) for role in found]


def new_role(rbac, given):
    """New-ManagementRole: copies the parent's entries, or those of EnabledCmdlets alone."""
    parent, name = _role(rbac, given["Parent"]), str(given["Name"])
    if rbac.looks_dehydrated():
        raise errors.dehydrated()
    check_name(rbac.roles, name)
    entries = dict(parent.entries)
    if "EnabledCmdlets" in given:
        entries = {}
        for cmdlet in words(given["EnabledCmdlets"]):
            held = matching(parent.entries, cmdlet)
            if not held:
                raise errors.invalid(f"The cmdlet '{cmdlet}' isn't in the role '{parent.name}'.")
            entries.update({one: parent.entries[one] for one in held})
    role = Role(name, entries, parent.name, str(given.get("Description", "")))
    rbac.roles[name] = role
    return [_role_row(role)]


def remove_role(rbac, given):
    """Remove-ManagementRole."""
    role = _role(rbac, given["Identity"])
    if not role.parent:
        raise errors.invalid(f"The built-in role '{role.name}' can't be removed.")
    children = [one for one in rbac.roles.values() if one.parent == role.name]
    if children and not given.get("Recurse"):
        raise errors.invalid(f"The role '{role.name}' can't be removed because it has child roles.")
    for child in children:
        remove_role(rbac, {**given, "Identity": child.name})
    if any(role.name in group.roles for group in rbac.groups.values()):
        text = f"The role '{role.name}' can't be removed because it's assigned to role groups."
        raise errors.invalid(text)
    del rbac.roles[role.name]
    return []


def _entries(rbac, identity):
    r"""Role and names of entries that `role\cmdlet` means."""
    role, separator, cmdlet = str(identity).partition("\\")
    if not separator:
        raise errors.transformation("Identity", identity)
    found = _role(rbac, role)
    return found, matching(found.entries, cmdlet), cmdlet


def _entry_row(role, cmdlet):
    return {
        "Parameters@odata.type": "#Collection(String)",
        "Parameters": list(role.entries[cmdlet]),
        "PSSnapinName": _SNAPIN,
        "Name": cmdlet,
        "Role": role.name,
        "Type": "Cmdlet",
        "Identity": f"{role.name}\\{cmdlet}",
        "Id": f"{role.name}\\{cmdlet}",
    }


def get_entry(rbac, given):
    r"""Get-ManagementRoleEntry, of `role\cmdlet`."""
    role, names, cmdlet = _entries(rbac, given["Identity"])
    if not names and "*" not in cmdlet:
        raise errors.not_found(given["Identity"])
    return [_entry_row(role, name) for name in names]


def _changeable(rbac, identity):
    role, names, cmdlet = _entries(rbac, identity)
    if not role.parent:
        raise errors.invalid(f"The built-in role '{role.name}' can't be changed.")
    return role, names, cmdlet


def add_entry(rbac, given):
    """Add-ManagementRoleEntry: the parent must hold it."""
    role, names, cmdlet = _changeable(rbac, given["Identity"])
    held = matching(rbac.roles[role.parent].entries, cmdlet)
    if not held:
        raise errors.invalid(f"The cmdlet '{cmdlet}' isn't in the role '{role.parent}'.")
    if names and not given.get("Overwrite"):
        raise errors.exists(given["Identity"])
    role.entries[held[0]] = tuple(
        words(given.get("Parameters", list(rbac.roles[role.parent].entries[held[0]])))
    )
    return []


def set_entry(rbac, given):
    """Set-ManagementRoleEntry: its parameters."""
    role, names, _ = _changeable(rbac, given["Identity"])
    if not names:
        raise errors.not_found(given["Identity"])
    wanted = words(given.get("Parameters", []))
    if given.get("RemoveParameter"):
        wanted = [one for one in role.entries[names[0]] if one not in wanted]
    elif given.get("AddParameter"):
        wanted = [*role.entries[names[0]], *wanted]
    if not set(wanted) <= set(rbac.roles[role.parent].entries[names[0]]):
        raise errors.invalid(f"The role '{role.parent}' doesn't have all of these parameters.")
    role.entries[names[0]] = tuple(dict.fromkeys(wanted))
    return []


def remove_entry(rbac, given):
    """Remove-ManagementRoleEntry."""
    role, names, _ = _changeable(rbac, given["Identity"])
    if not names:
        raise errors.not_found(given["Identity"])
    if any(
        one.parent == role.name and set(names) & set(one.entries) for one in rbac.roles.values()
    ):
        raise errors.invalid("A child role has this entry.")
    for name in names:
        del role.entries[name]
    return []


def _group(rbac, identity):
    for group in rbac.groups.values():
        if str(identity).lower() in (group.name.lower(), group.number):
            return group
    raise errors.not_found(identity)


def _member(rbac, identity):
    pointer = rbac.pointer(str(identity))
    if pointer is not None:
        return "app", pointer.object_id
    name = local_part(str(identity))
    if name in rbac.mailboxes:
        return "user", name
    raise errors.not_found(identity)


def _group_row(rbac, group):
    members = [number for _, number in group.members]
    return {
        "ManagedBy@odata.type": "#Collection(String)",
        "ManagedBy": ["Organization Management"],
        "RoleAssignments@odata.type": "#Collection(String)",
        "RoleAssignments": [f"{role}-{group.name}" for role in group.roles],
        "Roles@odata.type": "#Collection(String)",
        "Roles": list(group.roles),
        "Members@odata.type": "#Collection(String)",
        "Members": members,
        "DisplayName": group.name,
        "Description": group.description,
        "Name": group.name,
        "Identity": group.name,
        "Id": group.name,
        "Guid@data.type": "System.Guid",
        "Guid": group.number,
        "IsValid": True,
    }


def new_group(rbac, given):
    """New-RoleGroup."""
    name = str(given["Name"])
    if rbac.looks_dehydrated():
        raise errors.dehydrated()
    roles = [_role(rbac, one).name for one in words(given.get("Roles", []))]
    check_name([*rbac.groups, *rbac.lists], name)
    if set(roles) & set(APPLICATION_ROLES):
        raise errors.invalid("A role of applications can't be assigned to a role group.")
    if not rbac.may_delegate():
        raise errors.not_ready(f"{roles[0] if roles else ''}-{name}")
    members = [_member(rbac, one) for one in words(given.get("Members", []))]
    group = Group(name, roles, description=str(given.get("Description", "")))
    group.members = {one: rbac.replication.send("exchange-role") for one in members}
    rbac.groups[name] = group
    return [_group_row(rbac, group)]


def get_group(rbac, given):
    """Get-RoleGroup."""
    identity = given.get("Identity")
    if identity is None:
        return [_group_row(rbac, group) for group in rbac.groups.values()]
    if "*" in str(identity):
        return [_group_row(rbac, rbac.groups[name]) for name in matching(rbac.groups, identity)]
    return [_group_row(rbac, _group(rbac, identity))]


def remove_group(rbac, given):
    """Remove-RoleGroup, with its assignments."""
    group = _group(rbac, given["Identity"])
    if group.builtin:
        raise errors.invalid(f"The built-in role group '{group.name}' can't be removed.")
    del rbac.groups[group.name]
    return []


def get_member(rbac, given):
    """Get-RoleGroupMember."""
    rows = []
    for kind, number in _group(rbac, given["Identity"]).members:
        pointer = rbac.pointers.get(number) if kind == "app" else None
        rows.append(
            {
                "Name": number,
                "DisplayName": pointer.name if pointer else number,
                "Identity": number,
                "Id": number,
                "RecipientType": "UserMailbox" if kind == "user" else "User",
                "RecipientTypeDetails": "UserMailbox" if kind == "user" else "ServicePrincipal",
                "ExternalDirectoryObjectId": number if kind == "app" else "",
            }
        )
    return rows


def add_member(rbac, given):
    """Add-RoleGroupMember."""
    group, member = _group(rbac, given["Identity"]), _member(rbac, given["Member"])
    if member in group.members:
        raise errors.is_member(given["Member"], group.name)
    group.members[member] = rbac.replication.send("exchange-role")
    return []


def remove_member(rbac, given):
    """Remove-RoleGroupMember."""
    group, member = _group(rbac, given["Identity"]), _member(rbac, given["Member"])
    if member not in group.members:
        raise errors.no_member(given["Member"], group.name)
    del group.members[member]
    return []
