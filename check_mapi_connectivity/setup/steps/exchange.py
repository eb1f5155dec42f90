"""The steps in Exchange, by the admin interface: role, role group, pointer and membership for
method cmdlet (reference sheet exchange-online 8.3).
"""

from __future__ import annotations

import re
from typing import Any

from ...base import quoting
from ...base.failure import CheckFailure, Failure
from ..tenant_api import Call
from . import names
from .step import Found, Known, Site, Step, guid, shown

#: Seconds between the tries to use what Exchange has just made.
_REPLICATION = (2, 4, 8, 15, 30, 30)

#: How Exchange speaks of what it does not know yet, or may not do yet.
_NOT_YET = re.compile(
    r"n[o']t (?:be )?found|n[o']t exist|ObjectNotFound|dehydrated|Enable-OrganizationCustomization|"
    r"delegating role assignment",
    re.IGNORECASE,
)


def unquestioned(verb: str, identity: str, **more: Any) -> Call:
    """A cmdlet that would otherwise ask."""
    return Call(verb, "", {"Identity": identity, **more, "Confirm": False})


class CustomizationStep(Step):
    """A tenant that was never customized keeps its roles in a shared place."""

    title = "organization customization"
    why = "only where Exchange calls the organization dehydrated; it cannot be undone"
    removable = False

    def _look(self, site: Site) -> Found:
        rows = site.services.exchange("Get-OrganizationConfig")
        dehydrated = any(str(row.get("IsDehydrated")).lower() == "true" for row in rows)
        return Found(not dehydrated, "dehydrated" if dehydrated else "")

    def _calls(self, known: Known) -> list[Call]:
        return [Call("Enable-OrganizationCustomization")]

    def _make(self, site: Site) -> bool:
        why = "Exchange still enables the customization"
        try:
            site.services.change(self.calls(site.known)[0])
        except CheckFailure as error:
            # It may take longer than an answer is waited for, and goes on meanwhile.
            slow = error.failure.kind == "timeout" or error.failure.status in (502, 504)
            if not (slow and self.appears(site, _REPLICATION, why)):
                raise
            return True
        self.appears(site, _REPLICATION, why)
        return True

    def confirm(self, site: Site) -> None:
        """Cmdlets that need it wait for it."""


class RoleStep(Step):
    """A role that holds one cmdlet."""

    checked = True
    title = f"role {names.ROLE}"
    why = f"holds {names.CMDLET} and nothing else"

    def _look(self, site: Site) -> Found:
        if not named(site.services.exchange("Get-ManagementRole", Identity=names.ROLE)):
            self._choose_parent(site)
            return Found(False)
        identity = f"{names.ROLE}\\*"
        rows = site.services.exchange("Get-ManagementRoleEntry", Identity=identity)
        entries = {str(row.get("Name")) for row in rows}
        alien = sorted(entries - {names.CMDLET})
        if alien:
            cause = f"{self.title} holds {shown(alien[0])} as well"
            remedy = "run Remove-ManagementRoleEntry to remove it, or rename the role"
            raise CheckFailure(Failure("permission", cause, remedy, detail=", ".join(alien[:20])))
        if names.CMDLET not in entries:
            cause = f"{self.title} does not hold {names.CMDLET}"
            raise CheckFailure(
                Failure(
                    "permission",
                    cause,
                    f"run Remove-ManagementRole '{names.ROLE}', then run this again",
                )
            )
        return Found(True, f"holds {names.CMDLET} alone")

    @staticmethod
    def _choose_parent(site: Site) -> None:
        rows = site.services.exchange("Get-ManagementRole", Cmdlet=names.CMDLET)
        parents = [name for name in map(_name, rows) if name and name != names.ROLE]
        if not parents:
            cause = f"no role of this tenant holds {names.CMDLET}"
            raise CheckFailure(Failure("permission", cause, "use --method graph instead"))
        preferred = (names.PARENT, "Mail Recipients", *parents)
        site.known.parent = next(name for name in preferred if name in parents)

    def _calls(self, known: Known) -> list[Call]:
        body = {
            "Name": names.ROLE,
            "Parent": known.parent,
            "EnabledCmdlets": [names.CMDLET],
            "Description": names.TAG,
        }
        return [Call("New-ManagementRole", "", body)]

    def _shell(self) -> list[str]:
        return [f"Get-ManagementRole -Cmdlet {names.CMDLET}    # choose the parent from this list"]

    def _make(self, site: Site) -> bool:
        made = patiently(site, self.calls(site.known)[0])
        # What a derived role holds is Exchange's doing: look before anybody gets it.
        self.appears(site, _REPLICATION, "Exchange does not show the new role yet")
        return made is not None

    def _undoing(self, known: Known) -> list[Call]:
        return [unquestioned("Remove-ManagementRole", names.ROLE)]

    def _remove(self, site: Site) -> str:
        if named(site.services.exchange("Get-RoleGroup", Identity=names.GROUP)):
            return f"left; role group {names.GROUP} still has it"
        return super()._remove(site)


class GroupStep(Step):
    """The role group that has the role."""

    checked = True
    title = f"role group {names.GROUP}"
    why = f"gives its members the role {names.ROLE}"

    def _look(self, site: Site) -> Found:
        site.known.bare_group = False
        rows = named(site.services.exchange("Get-RoleGroup", Identity=names.GROUP))
        if not rows:
            return Found(False)
        roles = _texts(rows[0].get("Roles"))
        alien = [role for role in roles if last(role) != names.ROLE]
        if alien:
            cause = f"{self.title} has the role {shown(last(alien[0]))} as well"
            remedy = "remove that role from the group, or rename the group"
            raise CheckFailure(Failure("permission", cause, remedy, detail=", ".join(alien[:20])))
        if not roles:
            site.known.bare_group = True
            return Found(False, "there, without its role")
        return Found(True, f"has the role {names.ROLE} alone")

    def _calls(self, known: Known) -> list[Call]:
        if known.bare_group:
            body = {"SecurityGroup": names.GROUP, "Role": names.ROLE}
            return [Call("New-ManagementRoleAssignment", "", body)]
        body_of_group: dict[str, Any] = {
            "Name": names.GROUP,
            "Roles": [names.ROLE],
            "Description": names.TAG,
        }
        return [Call("New-RoleGroup", "", body_of_group)]

    def _make(self, site: Site) -> bool:
        return patiently(site, self.calls(site.known)[0]) is not None

    def _taken(self, site: Site) -> str:
        """A distribution list, for example: role groups and recipients share their names."""
        try:
            rows = site.services.exchange("Get-Recipient", Identity=names.GROUP)
        except CheckFailure:
            return ""
        kinds = (row.get("RecipientTypeDetails") or row.get("RecipientType") for row in named(rows))
        return next((f"a {shown(kind)}" for kind in kinds if kind and kind != "RoleGroup"), "")

    def _undoing(self, known: Known) -> list[Call]:
        return [unquestioned("Remove-RoleGroup", names.GROUP)]

    def _remove(self, site: Site) -> str:
        members = site.services.exchange("Get-RoleGroupMember", Identity=names.GROUP)
        if members:
            return f"left; it has {len(members)} other member{'s' * (len(members) > 1)}"
        return super()._remove(site)


class PointerStep(Step):
    """Exchange's own record of the enterprise application."""

    checked = True
    title = f"service principal {names.APP} in Exchange"
    why = "Exchange's own record of the enterprise application, by its object id"

    def _look(self, site: Site) -> Found:
        known = site.known
        if not known.has("client_id"):
            return Found(False)
        rows = site.services.exchange("Get-ServicePrincipal", Identity=known.client_id)
        rows = [row for row in rows if _is(row.get("AppId"), known.client_id)]
        if not rows:
            return Found(False)
        there = [rows[0][name] for name in ("ObjectId", "ServiceId") if rows[0].get(name)]
        pointed = guid(there[0]) if there else ""
        if there and not pointed:
            cause = f"{self.title} has no GUID as object id"
            remedy = f"run Remove-ServicePrincipal -Identity {known.client_id}, then run this again"
            raise CheckFailure(Failure("protocol", cause, remedy, detail=shown(there[0])))
        if there and known.has("principal") and pointed != known.principal:
            cause = f"{self.title} points to object id {pointed}, not to {known.principal}"
            remedy = f"run Remove-ServicePrincipal -Identity {known.client_id}, then run this again"
            raise CheckFailure(Failure("permission", cause, remedy))
        known.aliases = _aliases(rows[0])
        return Found(True, f"object id {pointed}" if there else "")

    def _calls(self, known: Known) -> list[Call]:
        body = {
            "AppId": known.client_id,
            "ObjectId": known.principal,
            "DisplayName": names.APP,
        }
        return [Call("New-ServicePrincipal", "", body)]

    def _make(self, site: Site) -> bool:
        return patiently(site, self.calls(site.known)[0]) is not None

    def _undoing(self, known: Known) -> list[Call]:
        return [unquestioned("Remove-ServicePrincipal", known.client_id)]


class MemberStep(Step):
    """The membership; of the app, or of `user` where a user signs in."""

    grants = True
    checked = True

    def __init__(self, user: str = "") -> None:
        self._user = user
        self.title = f"member of {names.GROUP}: {user or names.APP}"
        self.why = f"gives {'this user' if user else 'the app'} the one cmdlet"

    def _look(self, site: Site) -> Found:
        ours = aliases_of(site.known, self._user)
        rows = site.services.exchange("Get-RoleGroupMember", Identity=names.GROUP)
        others = [row for row in rows if not {str(value).lower() for value in row.values()} & ours]
        beside = f"beside {len(others)} other member{'s' * (len(others) > 1)}" if others else ""
        return Found(len(others) < len(rows), beside if len(others) < len(rows) else "")

    def _calls(self, known: Known) -> list[Call]:
        body = {"Identity": names.GROUP, "Member": self._user or known.principal}
        return [Call("Add-RoleGroupMember", "", body)]

    def _make(self, site: Site) -> bool:
        return patiently(site, self.calls(site.known)[0]) is not None

    def confirm(self, site: Site) -> None:
        """Exchange names the member that it has; how it lists an app among members is not known."""

    def _undoing(self, known: Known) -> list[Call]:
        member = self._user or known.principal
        return [unquestioned("Remove-RoleGroupMember", names.GROUP, Member=member)]


class UserStep(Step):
    """The user who signs in by password; not made here."""

    removable = False

    def __init__(self, user: str) -> None:
        self._user = user
        self.title = f"user {user}"
        self.why = "has to exist: this command makes no user and sets no password"

    def _look(self, site: Site) -> Found:
        rows = site.services.exchange("Get-User", Identity=self._user)
        if not rows:
            cause = f"there is no user {self._user}"
            remedy = "create the user in Entra, without any role, then run this again"
            raise CheckFailure(Failure("usage", cause, remedy))
        if str(rows[0].get("EXOModuleEnabled")).lower() == "false":
            cause = f"EXOModuleEnabled of {self._user} is off, which overrides every role"
            user = quoting.powershell(self._user)
            remedy = f"run Set-User -Identity {user} -EXOModuleEnabled $true"
            raise CheckFailure(Failure("permission", cause, remedy))
        site.known.aliases = _aliases(rows[0])
        return Found(True)


def patiently(site: Site, call: Call) -> dict[str, Any] | None:
    """Run a cmdlet that what was made before may not be ready for. Raises CheckFailure."""
    for pause in _REPLICATION:
        try:
            return site.services.change(call)
        except CheckFailure as error:
            if not _NOT_YET.search(f"{error.failure.code} {error.failure.detail[:2000]}"):
                raise
            site.voice.wait(pause, "Exchange does not know yet what was just made")
    return site.services.change(call)


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are an object, not the echo of nothing."""
    return [row for row in rows if any(row.get(name) for name in ("Name", "Identity", "Guid"))]


def aliases_of(known: Known, user: str = "") -> set[str]:
    """By which names Exchange may list the app, or the user, in lower case."""
    return known.aliases | ({user.lower()} if user else {known.principal, known.client_id})


def _aliases(row: dict[str, Any]) -> set[str]:
    """An object's names that are its own, in lower case."""
    names_of = ("Name", "Guid", "Identity", "DistinguishedName", "ExternalDirectoryObjectId")
    return {str(row[name]).lower() for name in names_of if row.get(name)}


def _name(row: dict[str, Any]) -> str:
    return str(row.get("Name") or row.get("Identity") or "")


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(one) for one in items if isinstance(one, str) and one]


def last(identity: str) -> str:
    """The name at the end of an identity: `tenant/Roles/MAPI probe`, or a DN's first part."""
    if identity.upper().startswith("CN="):
        return identity[3:].split(",", 1)[0]
    return re.split(r"[\\/]", identity)[-1]


def _is(one: object, other: str) -> bool:
    return str(one).lower() == other.lower()
