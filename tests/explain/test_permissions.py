"""Permissions, and the commands that grant them."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.explain import permissions

from ..support.explained import CREDENTIALS, furnish, part, told


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    names = (f"m{number}@contoso.com\n" for number in range(12))
    (there / "mailboxes").write_text("".join(names))
    return there


#: Credential, what else is given, environment -> the section.
CASES = [
    (
        "certificate",
        ("--method", "cmdlet"),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: upload the certificate
                (never its key): Certificates & secrets, Certificates
  Entra         API permissions: Office 365 Exchange Online, application
                permission Exchange.ManageAsApp; Grant admin consent
  Exchange      a role group with that one cmdlet, in Exchange Online
                PowerShell:
    Get-ManagementRole -Cmdlet Test-MAPIConnectivity
  note          the parent is one of that list; View-Only Recipients if it is
                there
    New-ManagementRole -Name "MAPI probe" -Parent "View-Only Recipients" `
      -EnabledCmdlets Test-MAPIConnectivity
    Get-ManagementRoleEntry "MAPI probe\\*"
  note          it must list that cmdlet and nothing else
    New-RoleGroup -Name "MAPI probes" -Roles "MAPI probe"
    New-ServicePrincipal -AppId 11111111-2222-3333-4444-555555555555 `
      -ObjectId OBJECT-ID -DisplayName check_mapi_connectivity
    Add-RoleGroupMember -Identity "MAPI probes" -Member OBJECT-ID
  note          OBJECT-ID is the object id of the enterprise application, not
                that of the app registration
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; a new grant takes from minutes to hours
  note          The answer of Exchange Online's InvokeCommand interface to
                Test-MAPIConnectivity has not yet been seen on a live tenant.""",
    ),
    (
        "managed",
        ("--method", "cmdlet"),
        {},
        """\
  Entra         app role Exchange.ManageAsApp, in Microsoft Graph PowerShell:
    $app = Get-MgServicePrincipal `
      -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId OBJECT-ID `
      -PrincipalId OBJECT-ID -ResourceId $app.Id `
      -AppRoleId dc50a0fb-09a3-484d-be87-e023b12c6440
  Exchange      a role group with that one cmdlet, in Exchange Online
                PowerShell:
    Get-ManagementRole -Cmdlet Test-MAPIConnectivity
  note          the parent is one of that list; View-Only Recipients if it is
                there
    New-ManagementRole -Name "MAPI probe" -Parent "View-Only Recipients" `
      -EnabledCmdlets Test-MAPIConnectivity
    Get-ManagementRoleEntry "MAPI probe\\*"
  note          it must list that cmdlet and nothing else
    New-RoleGroup -Name "MAPI probes" -Roles "MAPI probe"
    New-ServicePrincipal -AppId APPLICATION-ID -ObjectId OBJECT-ID `
      -DisplayName check_mapi_connectivity
    Add-RoleGroupMember -Identity "MAPI probes" -Member OBJECT-ID
  note          OBJECT-ID is the object id of the enterprise application, not
                that of the app registration
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; a new grant takes from minutes to hours
  note          The answer of Exchange Online's InvokeCommand interface to
                Test-MAPIConnectivity has not yet been seen on a live tenant.""",
    ),
    (
        "module",
        ("--method", "cmdlet"),
        {},
        """\
  app           Microsoft's own for Exchange PowerShell: nothing to grant
  Exchange      a role group with that one cmdlet, in Exchange Online
                PowerShell:
    Get-ManagementRole -Cmdlet Test-MAPIConnectivity
  note          the parent is one of that list; View-Only Recipients if it is
                there
    New-ManagementRole -Name "MAPI probe" -Parent "View-Only Recipients" `
      -EnabledCmdlets Test-MAPIConnectivity
    Get-ManagementRoleEntry "MAPI probe\\*"
  note          it must list that cmdlet and nothing else
    New-RoleGroup -Name "MAPI probes" -Roles "MAPI probe"
    Add-RoleGroupMember -Identity "MAPI probes" -Member 'probe@contoso.com'
    Set-User -Identity 'probe@contoso.com' -EXOModuleEnabled $true
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; a new grant takes from minutes to hours
  note          The answer of Exchange Online's InvokeCommand interface to
                Test-MAPIConnectivity has not yet been seen on a live tenant.""",
    ),
    (
        "user",
        ("--method", "cmdlet"),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: Authentication, Allow
                public client flows: Yes
  Entra         API permissions: Office 365 Exchange Online: Exchange.Manage,
                delegated; Grant admin consent
  note          that this permission does is known from others' programs only
  Exchange      a role group with that one cmdlet, in Exchange Online
                PowerShell:
    Get-ManagementRole -Cmdlet Test-MAPIConnectivity
  note          the parent is one of that list; View-Only Recipients if it is
                there
    New-ManagementRole -Name "MAPI probe" -Parent "View-Only Recipients" `
      -EnabledCmdlets Test-MAPIConnectivity
    Get-ManagementRoleEntry "MAPI probe\\*"
  note          it must list that cmdlet and nothing else
    New-RoleGroup -Name "MAPI probes" -Roles "MAPI probe"
    Add-RoleGroupMember -Identity "MAPI probes" -Member 'probe@contoso.com'
    Set-User -Identity 'probe@contoso.com' -EXOModuleEnabled $true
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; a new grant takes from minutes to hours
  note          The answer of Exchange Online's InvokeCommand interface to
                Test-MAPIConnectivity has not yet been seen on a live tenant.""",
    ),
    (
        "secret",
        ("--method", "graph"),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: the secret is made there:
                Certificates & secrets, Client secrets
  Entra         no permission of Microsoft Graph: it would hold for every
                mailbox. Where that is acceptable, application permission
                Mail.ReadBasic.All does instead of the commands
  Exchange      RBAC for Applications, in Exchange Online PowerShell:
    New-ServicePrincipal -AppId 11111111-2222-3333-4444-555555555555 `
      -ObjectId OBJECT-ID -DisplayName check_mapi_connectivity
    New-ManagementScope -Name "MAPI probe mailboxes" `
      -RecipientRestrictionFilter `
      "PrimarySmtpAddress -eq 'probe@contoso.com'"
    New-ManagementRoleAssignment -App OBJECT-ID `
      -Role "Application Mail.ReadBasic" `
      -CustomResourceScope "MAPI probe mailboxes"
    Test-ServicePrincipalAuthorization -Identity OBJECT-ID `
      -Resource 'probe@contoso.com'
  note          InScope must be True
  note          OBJECT-ID is the object id of the enterprise application, not
                that of the app registration
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; Graph sees a change after 30 minutes to 2
                hours
  note          Method graph was built on Microsoft's documentation; it has not
                yet been seen on a live tenant.""",
    ),
    (
        "federated",
        (
            "--method",
            "graph",
            "-m",
            "o'brien@contoso.com",
            "-m",
            "22222222-3333-4444-5555-666666666666",
        ),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: enter issuer and subject
                of the token: Certificates & secrets, Federated credentials
  Entra         no permission of Microsoft Graph: it would hold for every
                mailbox. Where that is acceptable, application permission
                Mail.ReadBasic.All does instead of the commands
  Exchange      RBAC for Applications, in Exchange Online PowerShell:
    New-ServicePrincipal -AppId 11111111-2222-3333-4444-555555555555 `
      -ObjectId OBJECT-ID -DisplayName check_mapi_connectivity
    $mailboxes = 'probe@contoso.com', 'o''''brien@contoso.com', `
      '22222222-3333-4444-5555-666666666666'
    $filter = "PrimarySmtpAddress -eq '" + ($mailboxes `
      -join "' -or PrimarySmtpAddress -eq '") + "'"
    New-ManagementScope -Name "MAPI probe mailboxes" `
      -RecipientRestrictionFilter $filter
  note          in place of a GUID write the mailbox's primary address
    New-ManagementRoleAssignment -App OBJECT-ID `
      -Role "Application Mail.ReadBasic" `
      -CustomResourceScope "MAPI probe mailboxes"
    Test-ServicePrincipalAuthorization -Identity OBJECT-ID `
      -Resource 'probe@contoso.com'
  note          InScope must be True
  note          OBJECT-ID is the object id of the enterprise application, not
                that of the app registration
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; Graph sees a change after 30 minutes to 2
                hours
  note          Method graph was built on Microsoft's documentation; it has not
                yet been seen on a live tenant.""",
    ),
    (
        "managed-user",
        ("--method", "graph", "--mailbox-file", "mailboxes"),
        {},
        """\
  Entra         no permission of Microsoft Graph: it would hold for every
                mailbox. Where that is acceptable, application permission
                Mail.ReadBasic.All does instead of the commands
  Exchange      RBAC for Applications, in Exchange Online PowerShell:
    New-ServicePrincipal -AppId 22222222-3333-4444-5555-666666666666 `
      -ObjectId OBJECT-ID -DisplayName check_mapi_connectivity
  note          give all 12 mailboxes an attribute of their own, the first by:
    Set-Mailbox 'm0@contoso.com' -CustomAttribute1 probe
    New-ManagementScope -Name "MAPI probe mailboxes" `
      -RecipientRestrictionFilter "CustomAttribute1 -eq 'probe'"
    New-ManagementRoleAssignment -App OBJECT-ID `
      -Role "Application Mail.ReadBasic" `
      -CustomResourceScope "MAPI probe mailboxes"
    Test-ServicePrincipalAuthorization -Identity OBJECT-ID `
      -Resource 'm0@contoso.com'
  note          InScope must be True
  note          OBJECT-ID is the object id of the enterprise application, not
                that of the app registration
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant; Graph sees a change after 30 minutes to 2
                hours
  note          Method graph was built on Microsoft's documentation; it has not
                yet been seen on a live tenant.""",
    ),
    (
        "user",
        ("--method", "graph"),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: Authentication, Allow
                public client flows: Yes
  Entra         API permissions: Microsoft Graph: Mail.ReadBasic, delegated;
                Grant admin consent
  mailbox       the mailbox should be the user's own; this right is known to
                open that one only
  note          these steps follow Microsoft's documentation and were not tried
                on a live tenant
  note          Method graph was built on Microsoft's documentation; it has not
                yet been seen on a live tenant.""",
    ),
    (
        "user",
        ("--method", "mapi", "-m", "dana@contoso.com"),
        {},
        """\
  app           11111111-2222-3333-4444-555555555555: Authentication, Allow
                public client flows: Yes
  note          which permission Exchange Online's MAPI endpoint accepts of an
                own app registration is not known
  mailbox       none for the user's own
  mailbox       FullAccess of probe@contoso.com to each mailbox that is not his
                own:
    Add-MailboxPermission -Identity 'dana@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
    (
        "certificate",
        ("--method", "mapi"),
        {},
        """\
  note          which permission Exchange Online's MAPI endpoint accepts of an
                own app registration is not known
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
    (
        "login",
        ("--method", "mapi"),
        {},
        """\
  mailbox       none for the user's own
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
    (
        "login",
        ("--method", "mapi", "--mailbox-file", "mailboxes"),
        {},
        """\
  mailbox       FullAccess of probe@contoso.com to each mailbox that is not his
                own:
    Add-MailboxPermission -Identity 'm0@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm1@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm2@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm3@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm4@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm5@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm6@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm7@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm8@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
    Add-MailboxPermission -Identity 'm9@contoso.com' `
      -User 'probe@contoso.com' -AccessRights FullAccess -AutoMapping $false
  note          and so for 2 more
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
    (
        "ticket",
        ("--method", "mapi"),
        {},
        """\
  mailbox       FullAccess of the user of the ticket (USER) to each mailbox
                that is not his own:
    Add-MailboxPermission -Identity 'probe@contoso.com' -User USER `
      -AccessRights FullAccess -AutoMapping $false
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
    (
        "login",
        (
            "--method",
            "mapi",
            "--mapi-url",
            "https://mail.contoso.com/mapi/emsmdb/?MailboxId=x@contoso.com",
            "--legacy-dn",
            "/o=x",
        ),
        {},
        """\
  mailbox       none, but the mailbox has to be the user's own
  note          Method mapi was built on the open specifications and recordings
                of grommunio. The decoder was checked against recordings of an
                Exchange Server SE; no live run yet. On Exchange Online it
                needs a token that its MAPI endpoint accepts, which has not yet
                been seen for own app registrations.""",
    ),
]


@pytest.mark.parametrize(("name", "more", "environ", "expected"), CASES)
def test_permissions(name, more, environ, expected):
    mailbox = None if "--mailbox-file" in more else "probe@contoso.com"
    text = told(*CREDENTIALS[name], *more, mailbox=mailbox, **environ)
    assert part(text, f"permissions for method {more[1]}") == expected


def test_quoted():
    """PowerShell takes these five for a single quote; nothing else is special within them."""
    assert permissions.quoted("a'b\u2018\u2019\u201a\u201bc") == (
        "'a''b\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201bc'"
    )
    assert permissions.quoted('$x`"') == "'$x`\"'"
