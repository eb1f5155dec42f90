"""The steps in Exchange for method graph: scope and role assignment, RBAC for Applications
(reference sheet exchange-online 3.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...base import quoting
from ...base.failure import CheckFailure, Failure
from ..tenant_api import Call
from . import names
from .exchange import last, named, patiently, unquestioned
from .identity import JudgeStep
from .step import Found, Known, Site, Step, guid, shown

if TYPE_CHECKING:
    from collections.abc import Iterable


class ScopeStep(Step):
    """The mailboxes that the app may read by method graph."""

    title = f"scope {names.SCOPE}"
    why = "the mailboxes that are tested, and no others; those in it already stay"

    grants = True
    checked = True

    def __init__(self, mailboxes: tuple[str, ...]) -> None:
        self._mailboxes = mailboxes
        #: The addresses before this run added some.
        self._before: tuple[str, ...] | None = None

    def _look(self, site: Site) -> Found:
        site.known.scoped = None
        rows = named(site.services.exchange("Get-ManagementScope", Identity=names.SCOPE))
        if not rows:
            return Found(False)
        text = str(
            rows[0].get("RecipientFilter") or rows[0].get("RecipientRestrictionFilter") or ""
        )
        scoped = read_filter(text)
        if scoped is None:
            cause = f"{self.title} has a filter that this command did not write"
            remedy = f"run Remove-ManagementScope '{names.SCOPE}' or rename it, then run this again"
            raise CheckFailure(Failure("permission", cause, remedy, detail=shown(text, 200)))
        site.known.scoped = scoped
        wanted = [one.lower() for one in self._mailboxes]
        missing = ", ".join(one for one in wanted if one not in scoped)
        held = f"holds {', '.join(map(shown, scoped))}"
        return Found(not missing, f"{held}; lacks {missing}" if missing else held)

    def _calls(self, known: Known) -> list[Call]:
        if known.scoped is None:
            restriction = write_filter(self._mailboxes)
            body = {"Name": names.SCOPE, "RecipientRestrictionFilter": restriction}
            return [Call("New-ManagementScope", "", body)]
        both = dict.fromkeys([*known.scoped, *(one.lower() for one in self._mailboxes)])
        body = {"Identity": names.SCOPE, "RecipientRestrictionFilter": write_filter(both)}
        return [Call("Set-ManagementScope", "", body)]

    def _make(self, site: Site) -> bool:
        self._before = site.known.scoped
        made = patiently(site, self.calls(site.known)[0]) is not None
        site.known.scoped = (*(self._before or ()), *(one.lower() for one in self._mailboxes))
        return made

    def _take_back(self, site: Site) -> None:
        if self._before is None:
            super()._take_back(site)
            return
        body = {"Identity": names.SCOPE, "RecipientRestrictionFilter": write_filter(self._before)}
        site.services.change(Call("Set-ManagementScope", "", body))

    def _undoing(self, known: Known) -> list[Call]:
        return [unquestioned("Remove-ManagementScope", names.SCOPE)]


class AssignmentStep(Step):
    """The right to read them."""

    grants = True
    checked = True

    title = f"role assignment {names.ASSIGNMENT}"
    why = f"{names.MAIL_ROLE} for this scope only; in Entra the app gets no right to mail"

    def _look(self, site: Site) -> Found:
        rows = named(
            site.services.exchange("Get-ManagementRoleAssignment", Identity=names.ASSIGNMENT)
        )
        if not rows:
            return Found(False)
        row, remedy = (
            rows[0],
            f"run Remove-ManagementRoleAssignment '{names.ASSIGNMENT}', then run this",
        )
        remedy += " again"
        role, scope = last(str(row.get("Role") or names.MAIL_ROLE)), row.get("CustomResourceScope")
        if role != names.MAIL_ROLE:
            cause = f"{self.title} gives the role {shown(role)}"
            raise CheckFailure(Failure("permission", cause, remedy))
        if "CustomResourceScope" in row and last(str(scope)) != names.SCOPE:
            reach = f"the scope {shown(last(str(scope)))}" if scope else "all mailboxes"
            cause = f"{self.title} is for {reach}"
            raise CheckFailure(Failure("permission", cause, remedy))
        # An assignment outlives the app it was made for.
        other = next(filter(None, (guid(row.get(name)) for name in ("App", "RoleAssignee"))), "")
        if other and other not in {site.known.principal, site.known.client_id, *site.known.aliases}:
            cause = f"{self.title} is for another app, {other}"
            raise CheckFailure(Failure("permission", cause, remedy))
        return Found(True, f"{names.MAIL_ROLE} for the scope {names.SCOPE} alone")

    def _calls(self, known: Known) -> list[Call]:
        body = {
            "Name": names.ASSIGNMENT,
            "App": known.principal,
            "Role": names.MAIL_ROLE,
            "CustomResourceScope": names.SCOPE,
        }
        return [Call("New-ManagementRoleAssignment", "", body)]

    def _make(self, site: Site) -> bool:
        return patiently(site, self.calls(site.known)[0]) is not None

    def _undoing(self, known: Known) -> list[Call]:
        return [unquestioned("Remove-ManagementRoleAssignment", names.ASSIGNMENT)]


class AuthorizationStep(JudgeStep):
    """What Exchange itself says of the right, which is there long before Graph knows of it."""

    why = "looks only: Exchange's own test of the right, Test-ServicePrincipalAuthorization"

    def __init__(self, mailbox: str) -> None:
        self._mailbox = mailbox
        self.title = f"right to read {mailbox}"

    def _look(self, site: Site) -> Found:
        scoped = self._mailbox.lower() in (site.known.scoped or ())
        if not (scoped and site.known.has("principal")):
            return Found(False)
        identity, verb = site.known.principal, "Test-ServicePrincipalAuthorization"
        try:
            rows = site.services.exchange(verb, Identity=identity, Resource=self._mailbox)
        except CheckFailure as error:
            # The check itself is the proof; this only tells sooner.
            return Found(True, f"not tested: {error.failure.cause}")
        said = [str(row.get("InScope")).lower() for row in rows if _is_mail(row)]
        if "false" in said and "true" not in said:
            cause = f"{self._mailbox} is not in the scope of the app"
            remedy = "give the primary address of the mailbox; run Get-Mailbox to see it"
            raise CheckFailure(Failure("permission", cause, remedy))
        return Found(True, "in scope" if "true" in said else "Exchange does not say")

    def _shell(self) -> list[str]:
        verb = "Test-ServicePrincipalAuthorization"
        return [f"{verb} -Identity 'OBJECT-ID' -Resource {quoting.powershell(self._mailbox)}"]


def _is_mail(row: dict[str, Any]) -> bool:
    return last(str(row.get("RoleName"))) == names.MAIL_ROLE


def write_filter(mailboxes: Iterable[str]) -> str:
    """A recipient filter for these addresses.

    >>> write_filter(["o'neil@contoso.com"])
    "PrimarySmtpAddress -eq 'o''neil@contoso.com'"
    """
    quoted = (one.replace("'", "''") for one in mailboxes)
    return " -or ".join(f"PrimarySmtpAddress -eq '{one}'" for one in quoted)


def read_filter(text: str) -> tuple[str, ...] | None:
    """The addresses of such a filter, whatever brackets Exchange puts around them; None for any
    other filter.

    >>> read_filter("((PrimarySmtpAddress -eq 'A@b.c') -or (PrimarySmtpAddress -eq 'd@b.c'))")
    ('a@b.c', 'd@b.c')
    """
    pattern = r"[(\s]*PrimarySmtpAddress\s+-eq\s+'((?:[^']|'')*)'[)\s]*"
    found: list[str] = []
    rest = text[:20000]
    while True:
        match = re.match(pattern, rest, re.IGNORECASE)
        if match is None:
            return None
        found.append(match[1].replace("''", "'").lower())
        rest = rest[match.end() :]
        if not rest:
            return tuple(found)
        joined = re.match(r"-or\b", rest, re.IGNORECASE)
        if joined is None:
            return None
        rest = rest[joined.end() :]
