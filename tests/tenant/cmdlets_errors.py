"""How cmdlets fail: exceptions and texts.

Source: reference sheet exchange-online 1.7; ADObjectAlreadyExistsException, its embedded JSON,
MemberAlreadyExistsException and InvalidOperationInDehydratedContextException as published.
"""

from __future__ import annotations

from .rbac import SERVER

_TASKS = "Microsoft.Exchange.Configuration.Tasks"
_MANAGEMENT = "Microsoft.Exchange.Management"


class CmdletError(Exception):
    """HTTP 400 with a .NET exception; `embedded` for the shape that is JSON inside JSON."""

    def __init__(self, exception, text, embedded=False):
        super().__init__(text)
        self.exception, self.embedded = exception, embedded


def not_found(identity):
    """There is no such object, or not yet."""
    text = f"The operation couldn't be performed because object '{identity}' couldn't be found on "
    return CmdletError(f"{_TASKS}.ManagementObjectNotFoundException", f"{text}'{SERVER}'.")


def exists(name):
    """There is one already."""
    text = f"The object 'CN={name}' already exists."
    exception = "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"
    return CmdletError(exception, text, embedded=True)


def invalid(text):
    """Refused for a reason that the text gives."""
    return CmdletError("System.InvalidOperationException", text)


def transformation(name, value):
    """A parameter's value is none."""
    return CmdletError(
        "System.Management.Automation.ParameterBindingArgumentTransformationException",
        f"Cannot process argument transformation on parameter '{name}'. Cannot convert value "
        f'"{value}".',
    )


def ambiguous():
    """Parameters that do not exist, or do not go together."""
    text = "Parameter set cannot be resolved using the specified named parameters."
    return CmdletError("System.Management.Automation.AmbiguousParameterSetException", text)


def dehydrated():
    """The organization cannot be changed yet."""
    text = "The command you tried to run isn't currently allowed in your organization. To run this "
    text += "command, you first need to run the command: Enable-OrganizationCustomization."
    return CmdletError(f"{_TASKS}.InvalidOperationInDehydratedContextException", text)


def not_ready(what):
    """The organization was changed a moment ago."""
    text = f"You don't have access to create, change, or remove the '{what}' management role "
    text += "assignment. You must be assigned a delegating role assignment to the management role."
    return CmdletError(f"{_TASKS}.TaskInvalidOperationException", text)


def is_member(member, group):
    """A member twice."""
    text = f'The recipient "{member}" is already a member of the group "{group}".'
    return CmdletError(f"{_MANAGEMENT}.RecipientTasks.MemberAlreadyExistsException", text)


def no_member(member, group):
    """Who leaves a group must be in it."""
    text = f'The recipient "{member}" isn\'t a member of the group "{group}".'
    return CmdletError(f"{_MANAGEMENT}.RecipientTasks.MemberNotFoundException", text)
