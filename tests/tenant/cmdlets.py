"""InvokeCommand for administrators: which cmdlets there are, their parameters, and how they fail.

Sources: Microsoft's pages on the cmdlets (parameters), reference sheet exchange-online 1.6, 1.7, 8.3. Rows hold the
properties that these pages and public scripts name; no whole answer to any of them has been seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Callable

from . import cmdlets_apps, cmdlets_organization, cmdlets_roles
from .cmdlets_errors import CmdletError, ambiguous

#: Parameters that every cmdlet takes.
_COMMON = {"Confirm", "WhatIf", "ErrorAction", "WarningAction", "Verbose"}


@dataclass
class Cmdlet:
    """What runs it, the parameters it must have, and those it may have."""

    run: Callable
    required: str = ""
    optional: str = ""


CMDLETS = {
    "Get-ManagementRole": Cmdlet(
        cmdlets_roles.get_role, "", "Identity Cmdlet CmdletParameters RoleType Recurse GetChildren"
    ),
    "New-ManagementRole": Cmdlet(
        cmdlets_roles.new_role, "Name Parent", "EnabledCmdlets Description Force"
    ),
    "Remove-ManagementRole": Cmdlet(cmdlets_roles.remove_role, "Identity", "Recurse Force"),
    "Get-ManagementRoleEntry": Cmdlet(
        cmdlets_roles.get_entry, "Identity", "Parameters Type PSSnapinName ResultSize"
    ),
    "Add-ManagementRoleEntry": Cmdlet(
        cmdlets_roles.add_entry, "Identity", "Parameters Type Overwrite Force"
    ),
    "Set-ManagementRoleEntry": Cmdlet(
        cmdlets_roles.set_entry, "Identity", "Parameters AddParameter RemoveParameter Force"
    ),
    "Remove-ManagementRoleEntry": Cmdlet(cmdlets_roles.remove_entry, "Identity", "Force"),
    "New-RoleGroup": Cmdlet(
        cmdlets_roles.new_group,
        "Name",
        "Roles Members Description DisplayName ManagedBy CustomRecipientWriteScope SamAccountName "
        "BypassSecurityGroupManagerCheck Force",
    ),
    "Get-RoleGroup": Cmdlet(cmdlets_roles.get_group, "", "Identity ResultSize SortBy Filter"),
    "Remove-RoleGroup": Cmdlet(
        cmdlets_roles.remove_group, "Identity", "BypassSecurityGroupManagerCheck Force"
    ),
    "Get-RoleGroupMember": Cmdlet(cmdlets_roles.get_member, "Identity", "ResultSize"),
    "Add-RoleGroupMember": Cmdlet(
        cmdlets_roles.add_member, "Identity Member", "BypassSecurityGroupManagerCheck"
    ),
    "Remove-RoleGroupMember": Cmdlet(
        cmdlets_roles.remove_member, "Identity Member", "BypassSecurityGroupManagerCheck"
    ),
    "New-ServicePrincipal": Cmdlet(
        cmdlets_apps.new_principal, "AppId", "ObjectId ServiceId DisplayName Organization"
    ),
    "Get-ServicePrincipal": Cmdlet(cmdlets_apps.get_principal, "", "Identity Organization"),
    "Remove-ServicePrincipal": Cmdlet(cmdlets_apps.remove_principal, "Identity"),
    "New-ManagementScope": Cmdlet(
        cmdlets_apps.new_scope,
        "Name RecipientRestrictionFilter",
        "RecipientRoot Exclusive Force",
    ),
    "Get-ManagementScope": Cmdlet(cmdlets_apps.get_scope, "", "Identity Exclusive Orphan"),
    "Set-ManagementScope": Cmdlet(
        cmdlets_apps.set_scope, "Identity", "RecipientRestrictionFilter RecipientRoot Name Force"
    ),
    "Remove-ManagementScope": Cmdlet(cmdlets_apps.remove_scope, "Identity", "Force"),
    "New-ManagementRoleAssignment": Cmdlet(
        cmdlets_apps.new_assignment,
        "Role",
        "App SecurityGroup Name CustomResourceScope RecipientGroupScope Force",
    ),
    "Get-ManagementRoleAssignment": Cmdlet(
        cmdlets_apps.get_assignment,
        "",
        "Identity Role RoleAssignee RoleAssigneeType CustomResourceScope Delegating Enabled",
    ),
    "Remove-ManagementRoleAssignment": Cmdlet(cmdlets_apps.remove_assignment, "Identity", "Force"),
    "Test-ServicePrincipalAuthorization": Cmdlet(
        cmdlets_apps.authorization, "Identity", "Resource"
    ),
    "Get-OrganizationConfig": Cmdlet(cmdlets_organization.get_organization),
    "Enable-OrganizationCustomization": Cmdlet(cmdlets_organization.customize),
    "Get-User": Cmdlet(cmdlets_organization.get_user, "", "Identity ResultSize Filter"),
    "Set-User": Cmdlet(cmdlets_organization.set_user, "Identity", "EXOModuleEnabled Force"),
    "Get-Recipient": Cmdlet(
        cmdlets_organization.get_recipient, "Identity", "ResultSize Filter RecipientTypeDetails"
    ),
    "Get-Mailbox": Cmdlet(cmdlets_organization.get_mailbox, "", "Identity ResultSize Filter"),
}


def run(admin, name, parameters):
    """Rows of an administrator's cmdlet. Raises CmdletError."""
    cmdlet = CMDLETS[name]
    given = {key: value for key, value in parameters.items() if "@" not in key}
    known = {word.lower(): word for word in (*cmdlet.required.split(), *cmdlet.optional.split())}
    known.update({word.lower(): word for word in _COMMON})
    if {key.lower() for key in given} - set(known):
        raise ambiguous()
    given = {known[key.lower()]: value for key, value in given.items() if value is not None}
    absent = [word for word in cmdlet.required.split() if given.get(word) in ("", [], None)]
    if absent:
        raise CmdletError(
            "System.Management.Automation.ParameterBindingException",
            "Cannot process command because of one or more missing mandatory parameters: "
            f"{' '.join(absent)}.",
        )
    if given.get("WhatIf"):
        return []
    return cmdlet.run(admin.rbac, given)


def details(error):
    """The `message` of an error's detail, in either of the two shapes that were seen."""
    if error.embedded:
        told = {"Message": str(error), "TypeName": error.exception}
        return json.dumps({**told, "StackTrace": None, "InnerError": None})
    return f"Ex6F9304|{error.exception}|{error}"
