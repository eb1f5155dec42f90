"""Exchange's role-based access control: roles with their entries, role groups, service principals,
scopes, assignments, and what follows from them for those who call.

Sources: Microsoft's pages "Understanding management roles", "Role Based Access Control for Applications in
Exchange Online" and on the cmdlets; reference sheet exchange-online 1.5, 2.3, 3.2, 8.3. Which roles hold
Test-MAPIConnectivity is that sheet's guess.
"""

from __future__ import annotations

import copy
import fnmatch
import re
import uuid
from dataclasses import dataclass, field

from .directory import DOMAIN, local_part
from .replication import Arrival

TEST = "Test-MAPIConnectivity"
SERVER = "AM0PR01A001DC.EURPR01A001.prod.outlook.com"

_ORDINARY = {
    "View-Only Recipients": ("Get-Mailbox", "Get-MailboxStatistics", "Get-Recipient", TEST),
    "Mail Recipients": ("Get-Mailbox", "Set-Mailbox", "Get-MailboxStatistics", TEST),
    "View-Only Configuration": ("Get-OrganizationConfig", "Get-ManagementRole"),
    "Role Management": ("Get-ManagementRole", "New-ManagementRole", "New-RoleGroup"),
}
#: Roles of RBAC for Applications -> the permission of Microsoft Graph that each grants.
APPLICATION_ROLES = {
    "Application Mail.ReadBasic": "Mail.ReadBasic",
    "Application Mail.Read": "Mail.Read",
    "Application Mail.ReadWrite": "Mail.ReadWrite",
    "Application Mail.Send": "Mail.Send",
}
_PARAMETERS = {
    TEST: ("Archive", "Confirm", "ErrorAction", "Identity", "WhatIf"),
    "Get-Mailbox": ("Filter", "Identity", "ResultSize"),
}
_CLAUSE = re.compile(r"\(*\s*(\w+)\s+-eq\s+(?:'((?:[^']|'')*)'|\"([^\"]*)\")\s*\)*", re.IGNORECASE)


@dataclass
class Role:
    """A management role; `entries` are cmdlet -> parameters, `parent` is nothing for a built-in one."""

    name: str
    entries: dict
    parent: str = ""
    description: str = ""
    number: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Group:
    """A role group; `members` are ("app", object id) or ("user", name before the @)."""

    name: str
    roles: list
    members: dict = field(default_factory=dict)
    description: str = ""
    builtin: bool = False
    number: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Pointer:
    """What Exchange knows of a service principal of Entra; nobody looks whether it is there."""

    app_id: str
    object_id: str
    name: str
    arrival: Arrival


@dataclass
class Scope:
    """A management scope; `clauses` are alternatives of (property, value)."""

    name: str
    filter: str
    clauses: list


@dataclass
class Assignment:
    """A role for an application, in one scope or, with neither, everywhere."""

    name: str
    role: str
    object_id: str
    scope: str
    group: str
    arrival: Arrival


class Rbac:
    """All of it. `mailboxes` are names before the @, `attributes` are further properties of mailboxes, by name and by the property's name
    in lower case; `mail_groups` the direct members of mail-enabled groups; `disabled` those users whose
    EXOModuleEnabled is off. `dehydrated`: Enable-OrganizationCustomization is still to be run.
    """

    def __init__(self, replication, mailboxes):
        self.replication, self.mailboxes = replication, mailboxes
        self.roles = {
            name: Role(name, {cmdlet: _PARAMETERS.get(cmdlet, ("Identity",)) for cmdlet in held})
            for name, held in _ORDINARY.items()
        }
        self.roles.update({name: Role(name, {}) for name in APPLICATION_ROLES})
        self.groups = {
            "Organization Management": Group(
                "Organization Management", list(_ORDINARY), builtin=True
            ),
            "View-Only Organization Management": Group(
                "View-Only Organization Management",
                ["View-Only Recipients", "View-Only Configuration"],
                builtin=True,
            ),
        }
        self.pointers, self.scopes, self.assignments = {}, {}, {}
        self.attributes, self.mail_groups, self.disabled = {}, {}, set()
        #: Distribution lists by name; role groups share their names with them.
        self.lists = set()
        self.dehydrated = False
        self._hydration, self._delegation = Arrival(0), Arrival(0)

    def hydrate(self):
        """Enable-OrganizationCustomization was run."""
        self.dehydrated = False
        self._hydration = self.replication.send("hydration")
        self._delegation = self.replication.send("delegation")

    def looks_dehydrated(self):
        """To one more reader."""
        return self.dehydrated or not self._hydration.seen()

    def may_delegate(self):
        """Whether Exchange has finished the roles of an organization that was hydrated."""
        return self._delegation.seen()

    def cmdlets(self, claims, registry):
        """Cmdlets that a caller may run by role groups, and by Entra roles of an application."""
        if "upn" in claims:
            name = local_part(claims["upn"])
            return set() if name in self.disabled else self._by_groups(("user", name))
        pointer = self.pointers.get(claims.get("oid"))
        found = set()
        if pointer is not None and pointer.app_id == claims["appid"]:
            found = self._by_groups(("app", pointer.object_id))
        for grant in registry.role_grants.values():
            if grant.document["principalId"] == claims.get("oid") and grant.arrival.seen():
                found |= _BY_ENTRA_ROLE.get(grant.document["roleDefinitionId"], set())
        return found

    def _by_groups(self, member):
        found = set()
        for group in self.groups.values():
            if member in group.members and group.members[member].seen():
                for role in group.roles:
                    found |= set(self.roles[role].entries)
        return found

    def mail_rights(self, claims, mailbox):
        """Permissions of Microsoft Graph that an application has in one mailbox by now."""
        pointer = self.pointers.get(claims.get("oid"))
        if pointer is None or pointer.app_id != claims["appid"]:
            return set()
        return {
            APPLICATION_ROLES[one.role]
            for one in self.assignments.values()
            if one.object_id == pointer.object_id
            and self.in_scope(one, mailbox)
            and one.arrival.seen()
        }

    def in_scope(self, assignment, mailbox):
        """Whether an assignment holds for a mailbox."""
        if assignment.group:
            return mailbox in self.mail_groups.get(assignment.group, ())
        if not assignment.scope:
            return True
        own = {
            "primarysmtpaddress": f"{mailbox}@{DOMAIN}",
            "userprincipalname": f"{mailbox}@{DOMAIN}",
            "windowsemailaddress": f"{mailbox}@{DOMAIN}",
            "alias": mailbox,
            "name": mailbox,
            **self.attributes.get(mailbox, {}),
        }
        clauses = self.scopes[assignment.scope].clauses
        return any(own.get(name, "").lower() == value.lower() for name, value in clauses)

    def pointer(self, identity):
        """The service principal of an object id, a client id or a name, once it has arrived."""
        for one in self.pointers.values():
            if identity in (one.object_id, one.app_id, one.name):
                return one if one.arrival.seen() else None
        return None

    def state(self):
        """Plain values; what every organization has is left out."""
        return copy.deepcopy(
            {
                "roles": {
                    role.name: {"parent": role.parent, "entries": sorted(role.entries)}
                    for role in self.roles.values()
                    if role.parent
                },
                "role_groups": {
                    group.name: {"roles": sorted(group.roles), "members": sorted(group.members)}
                    for group in self.groups.values()
                    if not group.builtin or group.members
                },
                "exchange_service_principals": {
                    one.object_id: {"app_id": one.app_id, "name": one.name}
                    for one in self.pointers.values()
                },
                "scopes": {one.name: one.filter for one in self.scopes.values()},
                "scope_assignments": {
                    one.name: (one.role, one.object_id, one.scope or one.group)
                    for one in self.assignments.values()
                },
                "exo_module_disabled": sorted(self.disabled),
                "dehydrated": self.dehydrated,
            }
        )


#: Global Reader, Exchange Administrator, Global Administrator (reference sheet exchange-online 1.5).
_BY_ENTRA_ROLE = {
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": {TEST, "Get-Mailbox"},
    "29232cdf-9323-42fd-ade2-1d097af3e4de": {TEST, "Get-Mailbox"},
    "62e90394-69f5-4237-9190-012177145e10": {TEST, "Get-Mailbox"},
}


def clauses(text):
    """(property, value) pairs of an OPATH filter of comparisons by -eq, joined by -or; None for any
    other filter.
    """
    found = []
    for part in re.split(r"\s+-or\s+", text.strip(), flags=re.IGNORECASE):
        match = _CLAUSE.fullmatch(part)
        if not match:
            return None
        value = match[3] if match[2] is None else match[2].replace("''", "'")
        found.append((match[1].lower(), value))
    return found


def matching(names, pattern):
    """Names that a pattern with `*` means, in any case."""
    return [name for name in names if fnmatch.fnmatchcase(name.lower(), str(pattern).lower())]
