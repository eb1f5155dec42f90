"""What Exchange Online's admin interface and its cmdlet report -> kind, cause, remedy."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """One row: kind of failure, cause and remedy; `moving` and the like in `judged_as`."""

    kind: str
    cause: str
    remedy: str
    judged_as: str = ""
    transient: bool = False


#: .NET exception (its last name part) that the admin API reports -> advice (reference sheet
#: exchange-online 1.7).
EXCHANGE = {
    "ManagementObjectNotFoundException": Advice(
        "mailbox",
        "no such mailbox in this tenant",
        "check the address; it may be on-premises, a guest, deleted, or in another tenant",
    ),
    "AmbiguousParameterSetException": Advice(
        "protocol",
        "Exchange does not take these parameters",
        "report it with -vv: the interface may have changed",
    ),
    "ParameterTransformationException": Advice(
        "protocol", "Exchange does not take the value of a parameter", "check the mailbox address"
    ),
    "ParameterBindingException": Advice(
        "protocol",
        "Exchange does not take these parameters",
        "report it with -vv: the interface may have changed",
    ),
    "CommandNotFoundException": Advice(
        "permission",
        "this identity may not run Test-MAPIConnectivity",
        "give it a role group whose role holds the cmdlet",
    ),
    "CmdletProxyNotAvailableFailure": Advice(
        "server",
        "Exchange has no server free for the cmdlet",
        "wait for the next run, see service health",
        transient=True,
    ),
    "ServerBusyException": Advice(
        "server", "Exchange is busy", "wait for the next run, see service health", transient=True
    ),
    "TransientException": Advice(
        "server",
        "Exchange reports a passing fault",
        "wait for the next run, see service health",
        transient=True,
    ),
    "BackendCommunicationException": Advice(
        "server",
        "Exchange's front end cannot reach its back end",
        "see the service health page",
        transient=True,
    ),
    "UnableToWriteToAadException": Advice(
        "server", "Exchange cannot reach Entra", "see the service health page", transient=True
    ),
}

#: MAPI exception named in the cmdlet's Error -> advice (exchange-online 2.5, 2.6; MS-OXCSTOR
#: 3.2.5.1.1; MS-OXCDATA 2.4).
MAPI = {
    "MapiExceptionMdbOffline": Advice(
        "mailbox", "mailbox database is offline", "see the service health page"
    ),
    "MapiExceptionMailboxInTransit": Advice(
        "mailbox", "mailbox is being moved", "wait for the move to end", "moving"
    ),
    "MapiExceptionWrongServer": Advice(
        "mailbox", "mailbox has just been moved", "wait for the next run", "moving"
    ),
    "MapiExceptionUnknownUser": Advice(
        "mailbox", "store knows no such mailbox, or it is disabled", "check licence and mailbox"
    ),
    "MapiExceptionMailboxDisabled": Advice(
        "mailbox", "mailbox is disabled", "check licence and mailbox"
    ),
    "MapiExceptionUserDisabled": Advice(
        "mailbox", "mailbox is disabled", "check licence and mailbox"
    ),
    "MapiExceptionMailboxQuarantined": Advice(
        "mailbox", "mailbox is in quarantine", "wait, or ask Microsoft support why"
    ),
    "MapiExceptionMailboxSoftDeleted": Advice(
        "mailbox", "mailbox is soft-deleted", "restore it or drop the check"
    ),
    "MapiExceptionLogonFailed": Advice(
        "logon", "logon to the mailbox failed", "check licence and mailbox, then service health"
    ),
    "MapiExceptionNoAccess": Advice(
        "logon", "logon to the mailbox is not permitted", "check licence and mailbox"
    ),
    "MapiExceptionLoginPerm": Advice(
        "logon", "logon to the mailbox is not permitted", "check licence and mailbox"
    ),
    "MapiExceptionServerPaused": Advice(
        "server", "mailbox server is paused", "check less often, then service health"
    ),
    "MapiExceptionNetworkError": Advice(
        "server",
        "mailbox server is out of reach inside Exchange",
        "see the service health page",
    ),
    "MapiExceptionTimeout": Advice(
        "server", "mailbox server does not answer in time", "see the service health page"
    ),
    "MapiExceptionRpcServerTooBusy": Advice(
        "server", "mailbox server is too busy", "see the service health page"
    ),
    "MapiExceptionADUnavailable": Advice(
        "server", "directory is out of reach inside Exchange", "see the service health page"
    ),
    "MapiExceptionExiting": Advice("server", "mailbox server is stopping", "wait for the next run"),
    "MapiExceptionMountInProgress": Advice(
        "mailbox", "mailbox database is mounting", "wait for the next run"
    ),
    "MapiExceptionDismountInProgress": Advice(
        "mailbox", "mailbox database is dismounting", "see the service health page"
    ),
}

#: ec number -> the exception it belongs to, for errors that name the number alone (MS-OXCDATA 2.4).
EC = {
    0x476: "MapiExceptionMdbOffline",
    0x50C: "MapiExceptionMailboxInTransit",
    0x478: "MapiExceptionWrongServer",
    0x3EB: "MapiExceptionUnknownUser",
    0x96C: "MapiExceptionMailboxDisabled",
    0xA33: "MapiExceptionMailboxQuarantined",
    0xA4B: "MapiExceptionMailboxSoftDeleted",
    0x3F2: "MapiExceptionLoginPerm",
    0x80040111: "MapiExceptionLogonFailed",
    0x80070005: "MapiExceptionNoAccess",
    0x47F: "MapiExceptionServerPaused",
    0x80040115: "MapiExceptionNetworkError",
    0x96E: "MapiExceptionADUnavailable",
    0x3ED: "MapiExceptionExiting",
    0xA34: "MapiExceptionMountInProgress",
    0xA35: "MapiExceptionDismountInProgress",
}
