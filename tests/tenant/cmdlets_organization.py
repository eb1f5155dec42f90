"""Cmdlets about the organization, its users and mailboxes.

Sources: Microsoft's pages on the cmdlets; reference sheet exchange-online 2.7, 5.6, 8.3.
"""

from __future__ import annotations

from . import cmdlets_errors as errors
from .directory import DOMAIN, TENANT_NAME, local_part


def get_organization(rbac, given):
    """Get-OrganizationConfig."""
    return [
        {
            "IsDehydrated": rbac.looks_dehydrated(),
            "DisplayName": "Practice",
            "Name": TENANT_NAME,
            "Identity": TENANT_NAME,
            "IsValid": True,
        }
    ]


def customize(rbac, given):
    """Enable-OrganizationCustomization: once."""
    if not rbac.dehydrated:
        raise errors.invalid(
            "This operation is not required. Organization is already enabled for customization."
        )
    rbac.hydrate()
    return []


def _names(rbac, given):
    if "Identity" not in given:
        return list(rbac.mailboxes)
    name = local_part(str(given["Identity"]))
    if name not in rbac.mailboxes:
        raise errors.not_found(given["Identity"])
    return [name]


def get_user(rbac, given):
    """Get-User."""
    return [
        {
            "UserPrincipalName": f"{name}@{DOMAIN}",
            "EXOModuleEnabled": name not in rbac.disabled,
            "RecipientType": "UserMailbox",
            "Name": name,
            "Identity": name,
            "IsValid": True,
        }
        for name in _names(rbac, given)
    ]


def set_user(rbac, given):
    """Set-User, of EXOModuleEnabled."""
    name, enabled = _names(rbac, given)[0], given.get("EXOModuleEnabled", True)
    if not isinstance(enabled, bool):
        raise errors.transformation("EXOModuleEnabled", enabled)
    rbac.disabled -= {name}
    rbac.disabled |= set() if enabled else {name}
    return []


def get_recipient(rbac, given):
    """Get-Recipient, of one mailbox or distribution list."""
    name = str(given["Identity"])
    if name in rbac.lists:
        kind = "MailUniversalDistributionGroup"
        shown = {
            "Name": name,
            "Identity": name,
            "DisplayName": name,
            "Alias": name.replace(" ", ""),
        }
        return [{**shown, "RecipientType": kind, "RecipientTypeDetails": kind, "IsValid": True}]
    return get_mailbox(rbac, given)


def get_mailbox(rbac, given):
    """Get-Mailbox."""
    size = given.get("ResultSize", 1000)
    names = _names(rbac, given)
    if str(size).lower() != "unlimited":
        names = names[: int(size)]
    return [
        {
            "PrimarySmtpAddress": f"{name}@{DOMAIN}",
            "UserPrincipalName": f"{name}@{DOMAIN}",
            "RecipientTypeDetails": "UserMailbox",
            "DisplayName": f"Practice {name.title()}",
            "Alias": name,
            "Name": name,
            "Identity": name,
            "IsValid": True,
        }
        for name in names
    ]
