"""The numbers of MAPI over HTTP -> symbol, plain cause, kind and remedy.

Data of reference sheet mapi-http 1.3, 2.4, 2.8 and 7.3, in the text that codes.py reads. Symbols
are those of MS-OXCDATA 2.4, or the MAPI_E_ name where that is the one
people search for, or the name that Exchange's own exceptions use.
"""

from __future__ import annotations

from . import numbered

#: How messages show a number: its symbol first, by which people search.
_NUMBER = "{name} {code}"

#: Who logs on to what, and whether it is allowed.
_LOGON = """
[logon] set a new password; one that does not expire
0x64C ecChgPassword: password must be changed first
0x64D ecPwdExpired: password has expired

[logon] check the account in Active Directory; tab Account, Log On To, Logon Hours
0x64E ecInvWkstn: account may not log on from this host
0x64F ecInvLogonHrs: account may not log on at this hour

[logon] enable the account, or check as another user
0x650 ecAcctDisabled: account is disabled

[logon] use the mailbox's own user; or grant FullAccess by Add-MailboxPermission
0x3F2 ecLoginPerm: logon to the mailbox is not permitted
0x80070005 MAPI_E_NO_ACCESS: logon to the mailbox is not permitted

[logon] run Get-User and Get-Mailbox; the account of the mailbox may be deleted
0x3F6 ecZombieUser: account has no security identifier

[logon] try another --auth, then run Get-MapiVirtualDirectory
0x4BC ecRpcAuthentication: server wants a logon and got none
0x4BD ecRpcBadAuthenticationLevel: server does not accept this level of logon
0x7D9 ecCleartextLogonDisabled: logon with a clear-text password is switched off

[logon] run Get-RpcClientAccess; see EncryptionRequired
0x970 ecNotEncrypted: server demands encryption inside the session

[logon] run Get-CASMailbox; see MAPIBlockOutlookVersions
0x4DF ecClientVerDisallowed: clients of this version are blocked

[logon] run Get-CASMailbox; see MAPIBlockOutlookRpcHttp
0x4E0 ecRpcHttpDisallowed: this user may not log on over HTTP

[logon] run Set-CASMailbox; set -MAPIBlockOutlookNonCachedMode to $false
0x4E1 ecCachedModeRequired: only clients in cached mode may log on

[logon] run Get-MailboxDatabaseCopyStatus; then Get-CASMailbox; check the session limit
0x80040111 MAPI_E_LOGON_FAILED: logon failed, no reason given

[permission] run Add-MailboxPermission; or Add-MailboxFolderPermission for one folder
0x501 ecNoReadRight: signed-in user may not read this folder
"""

#: Where the mailbox is and how it fares.
_MAILBOX = """
[mailbox] run Get-Mailbox; it must exist, be enabled and have this LegacyExchangeDN
0x3EB ecUnknownUser: no such mailbox, or it is disabled
0x89B ecUnknownMailbox: address book has no mailbox for this logon

[mailbox] run Get-Recipient -Anr; two users have this name
0x89A ecAmbiguousAlias: name fits several users

[mailbox] enable account and mailbox, or drop the check
0x96C ecMailboxDisabled: mailbox is disabled

[mailbox] run Set-CASMailbox -MAPIEnabled $true
0x7D8 ecProtocolDisabled: MAPI is switched off for this mailbox

[mailbox] run Get-CASMailbox; compare it with that of a mailbox that works
0x3EE ecBadConfig: protocol settings of this user are wrong

[mailbox] run Get-Mailbox; the mailbox may have moved: -v shows what Autodiscover says
0x478 ecWrongServer: mailbox is not on this server
0x479 WrongTenant: mailbox belongs to another tenant
0x648 ecWrongMailbox: request went to the wrong mailbox
0x11C ecProfileNotConfigured: mailbox is not in this mailbox database

[mailbox moving] wait for the move to end; Get-MoveRequestStatistics shows it
0x50C ecMailboxInTransit: mailbox is being moved

[mailbox] run Get-MailboxDatabaseCopyStatus; then Mount-Database
0x476 ecMDBNotInit: mailbox database is offline
0xA35 DismountInProgress: mailbox database is dismounting

[mailbox, again] wait for the next run, else run Get-MailboxDatabaseCopyStatus
0xA34 MountInProgress: mailbox database is mounting

[mailbox] run Get-MailboxDatabaseCopyStatus; this must be the active copy
0x47B WriteOperationOnReadOnlyDatabase: mailbox database is read-only

[mailbox] run Get-MailboxStatistics; it says why; then run Disable-MailboxQuarantine
0xA33 MailboxQuarantined: mailbox is in quarantine

[mailbox] restore it, or drop the check
0xA4B MailboxSoftDeleted: mailbox is soft-deleted

[mailbox] run Get-MailboxStatistics; then Update-StoreMailboxState
0xA37 NotFoundInContainer: mailbox database does not list this mailbox

[mailbox] run Get-MailboxStatistics; compare it with the quotas of Get-Mailbox
0x4D9 ecQuotaExceeded: a quota of resources would be exceeded
0x4DD ecShutoffQuotaExceeded: mailbox is over the quota that shuts it off

[mailbox] open it in Outlook; if that fails too, run New-MailboxRepairRequest
0x4FB ecFolderDisabled: access to the folder is switched off
0x8004010F MAPI_E_NOT_FOUND: mailbox lacks a folder or item, or hides it
0x8004011B MAPI_E_CORRUPT_DATA: data in the mailbox is corrupt
"""

#: Store, directory and load. A limit of sessions is the server's: it meets the mailbox's users too,
#: so it is no throttling of the check. The budget of ConnectionsOverBudget is the signed-in user's
#: alone, and nothing was put to the test: throttled.
_SERVER = """
[server] run Test-ServiceHealth; and Get-ServerComponentState, both on the mailbox server
0x3ED ecExiting: mailbox server is stopping
0x97D ecSubsystemStopping: a part of the mailbox server is stopping
0x97E ecSAUnavailable: system attendant is not available
0x8004011D MAPI_E_FAILONEPROVIDER: a service of the mailbox server fails
0x973 ecRpcServerTooBusy: mailbox server is too busy
0x974 ecRpcOutOfMemory: Exchange is out of memory in a call between its parts
0x975 ecRpcServerOutOfMemory: mailbox server is out of memory in a call inside Exchange
0x976 ecRpcOutOfResources: Exchange is out of resources in a call between its parts
0x977 ecRpcServerUnavailable: Exchange reports the mailbox server as unavailable
0x80040115 MAPI_E_NETWORK_ERROR: Exchange cannot reach the mailbox server

[server, again] run Get-Mailbox; if the mailbox is on this server, run the checks less often
0x47F ecServerPaused: mailbox server is paused

[server, again] run the checks less often; check the load of the mailbox server
0x480 ecServerBusy: mailbox server is busy
0xA8C MaxThreadsPerMdbExceeded: mailbox database has no free thread

[server, again] wait for the next run; check the load of the mailbox server
0x6BA ecLockTimedOut: waiting for a lock in the mailbox database took too long
0x6BB ecObjectLocked: an object in the mailbox is locked
0x8004010B MAPI_E_BUSY: mailbox server is still busy with an earlier request

[server, again] wait for the backup to end
0x50D ecBackupInProgress: mailbox database is being backed up

[server] make room on that disk; a full backup removes log files
0xA31 ecLowMdbSpace: volume of the database files is full, or nearly
0xA32 LowDatabaseLogDiskSpace: volume of the log files is full, or nearly
0x8004010D MAPI_E_NOT_ENOUGH_DISK: mailbox server's disk is full

[server] run Get-MailboxDatabaseCopyStatus; see the server's event log and disks
0x3EA ecJetError: database engine reports an error
0x454 ecDatabaseError: mailbox database reports an error
0x80040116 MAPI_E_DISK_ERROR: mailbox server reports a disk error
0x80004005 MAPI_E_CALL_FAILED: mailbox server fails, no reason given

[server] check load and memory of the mailbox server
0x80040401 MAPI_E_TIMEOUT: mailbox server does not answer in time
0x3F0 ecServerOOM: mailbox server is out of memory
0x8007000E MAPI_E_NOT_ENOUGH_MEMORY: not enough memory for the request
0x8004010E ecInsufficientResrc: not enough resources for the request

[server] check the domain controllers; see MSExchange ADAccess events on the server
0x96E ecADUnavailable: Exchange cannot reach Active Directory
0x96F ecADError: Active Directory answers Exchange with an error
0x971 ecADNotFound: Active Directory lacks an object that Exchange needs
0x57E ecDSNoSuchObject: an object is missing in Active Directory

[server] end unused sessions; find the client that leaves sessions open
0x80040112 MAPI_E_SESSION_LIMIT: server's limit of sessions is reached
0xA2D ecMaxPoolExceeded: server has no free connection pool

[throttled, again] end unused sessions; the limit is RcaMaxConcurrency of Get-ThrottlingPolicy
0xA36 ConnectionsOverBudget: this user has too many connections

[server, again] check the load balancer; without affinity it splits the session
0xA2E ecRpcInvalidHandle: session is no longer valid
0xA4D RpcInvalidSession: session is not valid
0x80040200 MAPI_E_END_OF_SESSION: server has ended the session
"""

_PROTOCOL = """
[protocol] update Exchange Server; MAPI over HTTP needs 2013 SP1 or later
0x6B9 ecNoServerSupport: server is too old for the request

[protocol] run with --record, then report it; the mailbox itself may be well
0x3EF ecUnknownCodePage: server lacks the code page asked for
0x8004011E MAPI_E_UNKNOWN_CPID: server does not support the code page
0x8004011F MAPI_E_UNKNOWN_LCID: server does not support the locale
0x80040110 MAPI_E_VERSION: versions of client and server do not fit
0x4B6 ecRpcFormat: server finds the request malformed
0x4ED ecFmtError: server finds a part of the request malformed
0x47D ecBufferTooSmall: answer does not fit the size that was asked for
0x4B9 ecNullObject: request builds on a step that failed or never was
0x481 ecNoSuchLogon: request names a logon that does not exist
0x4DE ecMaxObjsExceeded: session holds too many open objects
0x7EE ecRejected: request is rejected, or not supported
0x40380 MAPI_W_ERRORS_RETURNED: server could not give all values
0x40481 MAPI_W_POSITION_CHANGED: message list changed while it was read
0x80070057 ecInvalidParam: server finds a parameter invalid
0x80040102 MAPI_E_NO_SUPPORT: server does not support the request
0x80040106 MAPI_E_UNKNOWN_FLAGS: server does not know a flag
0x80040107 ecInvalidEntryId: id of an object is malformed
0x80040108 ecInvalidObject: object has already been released
0x80040117 MAPI_E_TOO_COMPLEX: request is too complex for the server
0x80040118 MAPI_E_BAD_COLUMN: server refuses a column of the message list
0x80040305 MAPI_E_TOO_BIG: result is too big
0x80040FFF NotImplemented: server does not implement the request
"""

#: Numbers that mean something else in the field StatusCode: what were faults of the RPC layer.
STATUS_CODES = numbered(
    """
[server] run Get-MailboxDatabaseCopyStatus; the database must be mounted, the back end up
0x6BA RPC_S_SERVER_UNAVAILABLE: mailbox database offline or out of reach

[server, again] run the checks less often; check the load of the mailbox server
0x6BB RPC_S_SERVER_TOO_BUSY: mailbox server is too busy

[protocol] run with --record, then report it; the mailbox itself may be well
0x6F7 RPC_X_BAD_STUB_DATA: request is beyond a size limit of the server
""",
    _NUMBER,
)

#: ErrorCode of Connect and Execute, ReturnValue of a ROP, and StatusCode but for the three above.
CODES = {0x6F7: STATUS_CODES[0x6F7], **numbered(_LOGON + _MAILBOX + _SERVER + _PROTOCOL, _NUMBER)}

#: X-ResponseCode as MS-OXCMAPIHTTP 2.2.3.3.3 numbers it; 14 is reserved. All of one kind, because
#: not every server numbers them so.
RESPONSE_CODES = numbered(
    """
[server, again] run Get-ServerComponentState; see the server's event log
1 Unknown Failure: {host} reports an unknown failure
18 Endpoint Shutting Down: {host} shuts MAPI over HTTP down

[protocol, again] check the load balancer; without affinity it splits the session
6 Invalid Context Cookie: {host} does not accept the session's cookie
10 Context Not Found: {host} does not find the session

[protocol] run Get-MapiVirtualDirectory; compare the URL, or let Autodiscover find it
3 Invalid Path: {host} does not know this URL

[server] run Get-OrganizationConfig; MapiHttpEnabled must be true, as of the mailbox
16 Endpoint Disabled: MAPI over HTTP is off on {host}

[protocol] check the reverse proxy; it may remove headers or cookies
7 Missing Header: {host} got a request that lacks a header
8 Anonymous Not Allowed: {host} got a request that lacks a logon
13 Missing Cookie: {host} got a request that lacks a cookie

[protocol] check the reverse proxy; all requests of a session must come from one user
11 No Privilege: {host} denies this user the session

[server] run Test-ServiceHealth; and Get-ServerComponentState, both on the mailbox server
17 Invalid Response: {host} could not build its answer

[protocol] run with --record, then report it; the mailbox itself may be well
2 Invalid Verb: {host} does not accept this HTTP method
4 Invalid Header: {host} finds a header malformed
5 Invalid Request Type: {host} does not know this type of request
9 Too Large: {host} finds the request too large
12 Invalid Request Body: {host} finds the request malformed
15 Invalid Sequence: {host} finds the requests out of order
""",
    "X-ResponseCode {code} {name}",
)

#: ErrorCode of an Autodiscover answer (MS-OXDSCLI), which has no symbols: they are ours.
AUTODISCOVER_CODES = numbered(
    """
[mailbox] check the address
404 not found: Autodiscover does not know this address
500 unknown address: Autodiscover does not know this address

[mailbox] run Get-CASMailbox; MapiHttpEnabled must be true, as in Get-OrganizationConfig
501 no settings: Autodiscover has no Outlook settings for this mailbox

[protocol] check the reverse proxy; it may have cut the request
600 not understood: Autodiscover does not understand the request

[protocol] check the host name; what answers may be no Exchange, or a proxy alters requests
601 not available: Autodiscover does not support requests of Outlook

[server] check the address, then run Get-AutodiscoverVirtualDirectory
602 malformed address: address is malformed, or Autodiscover misconfigured

[server] run Test-ServiceHealth; and Get-ServerComponentState, both on the mailbox server
603 internal error: Autodiscover reports an internal error
""",
    "Autodiscover ErrorCode {code}",
)

#: Id of x-ms-diagnostics where its meaning has been seen; symbols are the error_category.
DIAGNOSTICS = numbered("""
[permission] check --cloud and host name; the token's audience must be the host that is asked
2000003 invalid_resource: token was made for another host or service

[permission] grant user_impersonation; seen to help on-premises, not yet seen online
2000008 invalid_grant: token holds no permission that the server accepts

[permission] run Set-OrganizationConfig -OAuth2ClientProfileEnabled $true; allow OAuth in IIS
4000000 oauth_not_available: tokens are not switched on for this organization
""")
