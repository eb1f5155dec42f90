"""Permissions that a command line needs, and the PowerShell that grants them.

Sources: reference sheet exchange-online 1.5, 2.3, 3.2, 5.6 and 8, which rest on Microsoft's
documentation; nothing of it was tried on a live tenant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..base.clouds import EXCHANGE_APP, MANAGE_AS_APP, MODULE_CLIENT_ID
from ..base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    UserPassword,
)
from ..base.quoting import powershell as quoted
from ..base.vocabulary import GROUP, ROLE, SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.options import Account, Server, Targets

FACT, NOTE, COMMAND = "fact", "note", "command"

#: Mailboxes that commands name one by one.
_MOST_NAMED = 10

#: Length of an address that fits into a filter on one line.
_SHORT = 40

_PUBLIC = "Authentication, Allow public client flows: Yes"
_EXCHANGE = "Office 365 Exchange Online"
_MODULE_APP = "Microsoft's own for Exchange PowerShell: nothing to grant"
_UNTRIED = "these steps follow Microsoft's documentation and were not tried on a live tenant"
_OBJECT_ID = """OBJECT-ID is the object id of the enterprise application, not that of the app
registration"""


class Entry(NamedTuple):
    """One item of an explanation: a fact has a name, a command is PowerShell as it is typed."""

    kind: str
    text: str
    name: str = ""


def needed(method: str, targets: Targets, account: Account, server: Server) -> Iterator[Entry]:
    """What a method needs with the credential of the run, and how to grant it."""
    return _NEEDED[method](targets, account, server)


def _cmdlet(targets: Targets, account: Account, server: Server) -> Iterator[Entry]:
    credential = account.credential
    user = credential.username if isinstance(credential, UserPassword) else None
    yield from _may_call_exchange(account)
    yield Entry(
        FACT, "a role group with that one cmdlet, in Exchange Online PowerShell:", "Exchange"
    )
    yield Entry(COMMAND, "Get-ManagementRole -Cmdlet Test-MAPIConnectivity")
    yield Entry(NOTE, "the parent is one of that list; View-Only Recipients if it is there")
    yield Entry(
        COMMAND,
        f'New-ManagementRole -Name "{ROLE}" -Parent "View-Only Recipients" '
        "-EnabledCmdlets Test-MAPIConnectivity",
    )
    yield Entry(COMMAND, f'Get-ManagementRoleEntry "{ROLE}\\*"')
    yield Entry(NOTE, "it must list that cmdlet and nothing else")
    yield Entry(COMMAND, f'New-RoleGroup -Name "{GROUP}" -Roles "{ROLE}"')
    if user is None:
        yield _service_principal(account)
    member = "OBJECT-ID" if user is None else quoted(user)
    yield Entry(COMMAND, f'Add-RoleGroupMember -Identity "{GROUP}" -Member {member}')
    if user is None:
        yield Entry(NOTE, _OBJECT_ID)
    else:
        yield Entry(COMMAND, f"Set-User -Identity {quoted(user)} -EXOModuleEnabled $true")
    yield Entry(NOTE, f"{_UNTRIED}; a new grant takes from minutes to hours")


def _may_call_exchange(account: Account) -> Iterator[Entry]:
    """The first of two grants: that the app, or the user's app, may call Exchange at all."""
    credential = account.credential
    if isinstance(credential, UserPassword):
        if account.client_id == MODULE_CLIENT_ID:
            yield Entry(FACT, _MODULE_APP, "app")
            return
        yield from _public_client(account, f"{_EXCHANGE}: Exchange.Manage")
        yield Entry(NOTE, "that this permission does is known from others' programs only")
    elif isinstance(credential, ManagedIdentity):
        yield Entry(FACT, "app role Exchange.ManageAsApp, in Microsoft Graph PowerShell:", "Entra")
        resource = f"$app = Get-MgServicePrincipal -Filter \"AppId eq '{EXCHANGE_APP}'\""
        yield Entry(COMMAND, resource)
        yield Entry(
            COMMAND,
            "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId OBJECT-ID "
            f"-PrincipalId OBJECT-ID -ResourceId $app.Id -AppRoleId {MANAGE_AS_APP}",
        )
    else:
        yield from _app(account)
        granted = """API permissions: Office 365 Exchange Online, application permission
        Exchange.ManageAsApp; Grant admin consent"""
        yield Entry(FACT, granted, "Entra")


def _graph(targets: Targets, account: Account, server: Server) -> Iterator[Entry]:
    if isinstance(account.credential, UserPassword):
        yield from _public_client(account, "Microsoft Graph: Mail.ReadBasic")
        own = "the mailbox should be the user's own; this right is known to open that one only"
        yield Entry(FACT, own, "mailbox")
        yield Entry(NOTE, _UNTRIED)
        return
    yield from _app(account)
    nothing = """no permission of Microsoft Graph: it would hold for every mailbox. Where that is
    acceptable, application permission Mail.ReadBasic.All does instead of the commands"""
    yield Entry(FACT, nothing, "Entra")
    yield Entry(FACT, "RBAC for Applications, in Exchange Online PowerShell:", "Exchange")
    yield _service_principal(account)
    yield from _scope(targets.mailboxes)
    yield Entry(
        COMMAND,
        'New-ManagementRoleAssignment -App OBJECT-ID -Role "Application Mail.ReadBasic" '
        f'-CustomResourceScope "{SCOPE}"',
    )
    first = quoted(targets.mailboxes[0])
    test = f"Test-ServicePrincipalAuthorization -Identity OBJECT-ID -Resource {first}"
    yield Entry(COMMAND, test)
    yield Entry(NOTE, "InScope must be True")
    yield Entry(NOTE, _OBJECT_ID)
    yield Entry(NOTE, f"{_UNTRIED}; Graph sees a change after 30 minutes to 2 hours")


def _scope(mailboxes: tuple[str, ...]) -> Iterator[Entry]:
    """The commands for a scope of just these mailboxes."""
    scope = f'New-ManagementScope -Name "{SCOPE}" -RecipientRestrictionFilter'
    plain = re.fullmatch(r"[A-Za-z0-9.@+_-]+", mailboxes[0]) and len(mailboxes[0]) <= _SHORT
    if len(mailboxes) > _MOST_NAMED:
        count = f"give all {len(mailboxes)} mailboxes an attribute of their own, the first by:"
        yield Entry(NOTE, count)
        yield Entry(COMMAND, f"Set-Mailbox {quoted(mailboxes[0])} -CustomAttribute1 probe")
        yield Entry(COMMAND, f"{scope} \"CustomAttribute1 -eq 'probe'\"")
    elif len(mailboxes) == 1 and plain:
        yield Entry(COMMAND, f"{scope} \"PrimarySmtpAddress -eq '{mailboxes[0]}'\"")
    else:
        # The filter has quotes of its own, in which a quote is doubled once more.
        names = ", ".join(quoted(mailbox.replace("'", "''")) for mailbox in mailboxes)
        yield Entry(COMMAND, f"$mailboxes = {names}")
        joined = "$mailboxes -join \"' -or PrimarySmtpAddress -eq '\""
        yield Entry(COMMAND, f'$filter = "PrimarySmtpAddress -eq \'" + ({joined}) + "\'"')
        yield Entry(COMMAND, f"{scope} $filter")
    if any("@" not in mailbox for mailbox in mailboxes):
        yield Entry(NOTE, "in place of a GUID write the mailbox's primary address")


def _mapi(targets: Targets, account: Account, server: Server) -> Iterator[Entry]:
    credential = account.credential
    if credential is not None:
        if isinstance(credential, UserPassword):
            yield Entry(FACT, f"{account.client_id}: {_PUBLIC}", "app")
        unknown = """which permission Exchange Online's MAPI endpoint accepts of an own app
        registration is not known"""
        yield Entry(NOTE, unknown)
    user = server.login.username if server.login else None
    if isinstance(credential, UserPassword):
        user = credential.username
    elif credential is not None:
        return
    if server.mapi_url:
        yield Entry(FACT, "none, but the mailbox has to be the user's own", "mailbox")
        return
    yield from _others(targets, user)


def _sign_in(targets: Targets, account: Account, server: Server) -> Iterator[Entry]:
    """What makes Entra give a token at all; what it may be used for does not matter."""
    if not isinstance(account.credential, UserPassword):
        yield from _app(account)
        yield Entry(FACT, "none: any token will do, whatever it permits", "Entra")
    elif account.client_id == MODULE_CLIENT_ID:
        yield Entry(FACT, _MODULE_APP, "app")
    else:
        graph = "sign-in-graph" in targets.methods
        of = "Microsoft Graph: Mail.ReadBasic" if graph else f"{_EXCHANGE}: Exchange.Manage"
        yield from _public_client(account, of)
    yield Entry(NOTE, _UNTRIED)


_NEEDED = {
    "cmdlet": _cmdlet,
    "mapi": _mapi,
    "graph": _graph,
    "sign-in": _sign_in,
    "sign-in-graph": _sign_in,
}


def _others(targets: Targets, user: str | None) -> Iterator[Entry]:
    """The right of a user to mailboxes that are not his own."""
    others = [name for name in targets.mailboxes if user is None or name.lower() != user.lower()]
    if len(others) < len(targets.mailboxes):
        yield Entry(FACT, "none for the user's own", "mailbox")
    if not others:
        return
    who = "the user of the ticket (USER)" if user is None else user
    yield Entry(FACT, f"FullAccess of {who} to each mailbox that is not his own:", "mailbox")
    for name in others[:_MOST_NAMED]:
        yield Entry(
            COMMAND,
            f"Add-MailboxPermission -Identity {quoted(name)} "
            f"-User {'USER' if user is None else quoted(user)} "
            "-AccessRights FullAccess -AutoMapping $false",
        )
    if len(others) > _MOST_NAMED:
        yield Entry(NOTE, f"and so for {len(others) - _MOST_NAMED} more")


def _app(account: Account) -> Iterator[Entry]:
    """What the app registration needs of the credential, where it has one."""
    credential = account.credential
    if isinstance(credential, CertificateFiles):
        word = "upload the certificate (never its key): Certificates & secrets, Certificates"
    elif isinstance(credential, ClientSecret):
        word = "the secret is made there: Certificates & secrets, Client secrets"
    elif isinstance(credential, FederatedToken):
        word = (
            "enter issuer and subject of the token: Certificates & secrets, Federated credentials"
        )
    else:
        return
    yield Entry(FACT, f"{account.client_id}: {word}", "app")
    if isinstance(credential, ClientSecret):
        told = (
            "application permission Application.Read.All of Microsoft Graph, if secret_days is to"
        )
        yield Entry(
            FACT, f"{told} be known, by method graph or with a limit; else it is U", "optional"
        )


def _public_client(account: Account, permission: str) -> Iterator[Entry]:
    yield Entry(FACT, f"{account.client_id}: {_PUBLIC}", "app")
    granted = f"API permissions: {permission}, delegated; Grant admin consent"
    yield Entry(FACT, granted, "Entra")


def _service_principal(account: Account) -> Entry:
    """The command that makes the app known to Exchange."""
    app = account.client_id
    if isinstance(account.credential, ManagedIdentity):
        app = account.credential.client_id or "APPLICATION-ID"
    return Entry(
        COMMAND,
        f"New-ServicePrincipal -AppId {app} -ObjectId OBJECT-ID "
        "-DisplayName check_mapi_connectivity",
    )
