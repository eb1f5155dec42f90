"""What Exchange Online's admin interface and its cmdlet report -> kind, cause, remedy."""

from __future__ import annotations

from ..base.vocabulary import HEALTH
from . import table
from .mapi import CODES

#: .NET exception (its last name part) that the admin API reports -> advice (reference sheet
#: exchange-online 1.7, Microsoft's pages on Exchange's errors and public reports of answers).
EXCHANGE = table("""
[mailbox] check the address; unlicensed, on-premises, guest and deleted ones are not found
ManagementObjectNotFoundException: no such mailbox in this tenant
ADNoSuchObjectException: Exchange Online's directory has no such object

[mailbox] use the primary address; Get-Recipient -Anr lists all that fit
ManagementObjectAmbiguousException: address fits several objects of this tenant
NonUniqueRecipientException

[mailbox] enable account and mailbox, or drop the check
AccountDisabledException: account or mailbox is disabled

[mailbox moving] wait for the next run
WrongServerException: mailbox is not on the server asked, may have moved

[protocol] run with --record, then report it; the interface may have changed
AmbiguousParameterSetException: Exchange Online does not accept these parameters
ParameterBindingException

[protocol] check the mailbox address
ParameterTransformationException: Exchange Online does not accept a parameter's value

[permission] add it to a role group; its role must hold the cmdlet
CommandNotFoundException: this identity may not run Test-MAPIConnectivity
CmdletAccessDeniedException
AuthorizationException
ImpersonationDeniedException

[permission] check the roles of this identity; run the check with -v for Exchange's own text
UnauthorizedAccessException: Exchange Online denies access

[throttled, again] run the checks less often; spread them over time
OverBudgetException: Exchange Online's budget for this identity is used up

[server, again] if it lasts, {health}
CmdletProxyNotAvailableFailure: Exchange Online has no free server for the cmdlet
ServerBusyException: Exchange Online is busy
TransientException: Exchange Online reports a temporary fault
ResourceUnhealthyException: a part of Exchange Online is overloaded
WlmResourceUnhealthyException
ConnectionFailedTransientException: Exchange Online cannot reach the mailbox database
ADTransientException: Exchange Online cannot reach its directory

[server, again] {health}
BackendCommunicationException: Exchange Online cannot reach its own back end
UnableToWriteToAadException: Exchange Online cannot reach Entra
""")

_HEALTH = HEALTH
_LICENCE = "check licence and mailbox"

#: MAPI exception named in the cmdlet's Error -> its number in codes.mapi.CODES, and what an
#: administrator of Exchange Online can do (exchange-online 2.5, 2.6; MS-OXCDATA 2.4).
_EXCEPTIONS = {
    "MapiExceptionMdbOffline": (0x476, _HEALTH),
    "MapiExceptionMailboxInTransit": (0x50C, "wait for the move to end"),
    "MapiExceptionWrongServer": (0x478, "wait for the next run"),
    "MapiExceptionUnknownUser": (0x3EB, _LICENCE),
    "MapiExceptionMailboxDisabled": (0x96C, _LICENCE),
    "MapiExceptionMailboxQuarantined": (0xA33, "ask Microsoft support why; or wait for its end"),
    "MapiExceptionMailboxSoftDeleted": (0xA4B, "restore it, or drop the check"),
    "MapiExceptionLoginPerm": (0x3F2, _LICENCE),
    "MapiExceptionLogonFailed": (0x80040111, "check licence and mailbox, then M365 health"),
    "MapiExceptionNoAccess": (0x80070005, _LICENCE),
    "MapiExceptionServerPaused": (0x47F, "run the checks less often, then see M365 health"),
    "MapiExceptionNetworkError": (0x80040115, _HEALTH),
    "MapiExceptionADUnavailable": (0x96E, _HEALTH),
    "MapiExceptionExiting": (0x3ED, "wait for the next run"),
    "MapiExceptionMountInProgress": (0xA34, "wait for the next run"),
    "MapiExceptionDismountInProgress": (0xA35, _HEALTH),
}

#: Exceptions without a number of their own -> the number that means the same.
_ALIASES = {
    "MapiExceptionUserDisabled": (0x96C, _LICENCE),
    "MapiExceptionTimeout": (0x80040401, _HEALTH),
    "MapiExceptionRpcServerTooBusy": (0x973, _HEALTH),
}

#: ec number -> the exception it belongs to, for errors that name the number alone.
EC = {number: name for name, (number, _) in _EXCEPTIONS.items()}

#: MAPI exception -> advice; its name is the number's symbol, where it has one of its own.
MAPI = {
    name: CODES[number]._replace(
        remedy=remedy,
        transient=False,
        code=name,
        name="" if name in _ALIASES else CODES[number].name,
    )
    for name, (number, remedy) in {**_EXCEPTIONS, **_ALIASES}.items()
}
# The cmdlet finds the server by itself: a wrong one is a move that has just ended.
MAPI["MapiExceptionWrongServer"] = MAPI["MapiExceptionWrongServer"]._replace(
    cause="mailbox has just been moved", judged_as="moving"
)
