"""Microsoft Graph's error codes -> kind, cause, remedy (reference sheet exchange-online 3.3).

Graph spells codes in more than one way (`serviceNotAvailable` in its documentation,
`ServiceNotAvailable` on the wire), so `find` takes any case. Codes that the sheet does not list
were seen in public reports of Graph's answers; the comment names the status they came with.
"""

from __future__ import annotations

import re

from . import Advice, recipients, table

#: Microsoft Graph as the audience of a token: its application id, and its host in each cloud
#: (exchange-online 3.2, 7).
APPLICATION = "00000003-0000-0000-c000-000000000000"
HOSTS = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    "graph.svc.sovcloud.fr",
    "graph.svc.sovcloud.de",
    "graph.svc.sovcloud.sg",
)

#: Graph's `error.code` -> advice. NoPermissionsInAccessToken (401, 403): neither `roles` nor `scp`
#: is in the token. OrganizationFromTenantGuidNotFound (401, 404): the tenant has no Exchange
#: Online, or the token is of another tenant. MailboxInfoStale (503): after a move, or for shared
#: mailboxes that are named by their address.
CODES = table("""
[permission] check --tenant, --cloud and the app registration
InvalidAuthenticationToken: Graph refuses the token
unauthenticated
Unauthorized

[permission] grant Mail.ReadBasic, or Exchange's role Application Mail.ReadBasic
NoPermissionsInAccessToken: Graph finds no permission in the token

[permission] grant Mail.ReadBasic; or see Test-ServicePrincipalAuthorization
ErrorAccessDenied: Graph denies access to this mailbox
accessDenied
Forbidden

[permission] check --tenant and --client-id; the tenant may lack the enterprise application
Authorization_IdentityNotFound: Graph does not find the identity of the app

[permission] give the primary address to -m; or grant User.Read.All
Authorization_RequestDenied: no permission to look this user up

[mailbox] check the licence; the mailbox may be on-premises, or too new
MailboxNotEnabledForRESTAPI: mailbox is unlicensed, on-premises or a guest's

[mailbox] check the address; use --method mapi for on-premises
ResourceNotFound: mailbox is not here: on-premises or in another forest

[mailbox] check the address; the user may be deleted, or in another tenant
Request_ResourceNotFound: no such user in this tenant

[mailbox] open it in Outlook on the web; if that fails too, ask Microsoft support
ErrorItemNotFound: mailbox has no Inbox that Graph can find
ErrorFolderNotFound
ErrorCorruptData: data in the mailbox is corrupt
ErrorFolderCorrupt

[mailbox] make room in it, or raise its quota; see Get-MailboxStatistics
ErrorQuotaExceeded: mailbox is full

[mailbox] enable account and mailbox, or drop the check
ErrorAccountDisabled: account of the mailbox is disabled

[mailbox] run Get-Mailbox; see the user in Entra as well
ErrorMailboxConfiguration: Exchange Online finds the mailbox misconfigured

[mailbox] check the address; groups, contacts and guests have no mailbox
ErrorInvalidUser: address belongs to no mailbox user
ErrorNonExistentMailbox: Exchange Online has no mailbox of this address

[mailbox] check --tenant; it needs a plan with Exchange Online
OrganizationFromTenantGuidNotFound: this tenant has no Exchange Online

[throttled, again] run the checks less often; spread them over time
TooManyRequests: Graph throttles this app
activityLimitReached

[throttled, again] run fewer checks at once; Graph accepts four requests of one app at a time
ApplicationThrottled: Graph throttles this app at this mailbox

[server] {health}
InternalServerError: Graph reports an internal error
UnknownError: Graph reports an unknown error
generalException
ErrorInternalServerError: Exchange Online reports an internal error

[server, again] if it lasts, {health}
ServiceNotAvailable: Graph is not available
ErrorServerBusy: Exchange Online is busy
ErrorMailboxStoreUnavailable: mailbox database is unavailable
ErrorMailboxFailover: mailbox database is failing over to another server
ErrorInternalServerTransientError: Exchange Online reports a temporary fault
ErrorADUnavailable: Exchange Online cannot reach its directory
ErrorConnectionFailed: Exchange Online cannot reach the mailbox database
ErrorTimeoutExpired: Exchange Online waited too long for a part of its own
ErrorInsufficientResources: Exchange Online lacks resources for the request
ErrorNotEnoughMemory

[mailbox moving] wait for the move to end
ErrorMailboxMoveInProgress: mailbox is being moved

[server, again] wait for the next run; if it lasts, give the user's object id to -m
MailboxInfoStale: Exchange Online's record of this mailbox is out of date
""")

_BY_NAME = {name.lower(): name for name in CODES}

#: `MailboxNotSupportedForRESTAPI`, `ErrorMailboxNotEnabledForRESTAPI` and the like.
_NO_REST = re.compile(r"(error)?mailbox\w*forrestapi")

#: Codes behind which one of several reasons hides.
_VAGUE = ("MailboxNotEnabledForRESTAPI", "ResourceNotFound", "ErrorInvalidUser")


def find(code: str) -> Advice | None:
    """The row of a code in any case, or of the variant that means the same; None for no row.

    >>> find("errorServerBusy").cause, find("MailboxNotSupportedForRESTAPI").kind, find("New")
    ('Exchange Online is busy', 'mailbox', None)
    """
    return CODES.get(_name(code))


def explain(code: str, message: str, *, guest: bool) -> Advice | None:
    """The row of a code, or what the message's wording, or a guest's address, says more exactly.

    >>> explain("ResourceNotFound", "The mailbox is hosted on-premise.", guest=False).cause
    'mailbox is on-premises'
    """
    if _name(code) not in _VAGUE:
        return find(code)
    return recipients.explain(message, guest=guest) or find(code)


def _name(code: str) -> str:
    lowered = code.lower()
    if _NO_REST.fullmatch(lowered):
        return "MailboxNotEnabledForRESTAPI"
    return _BY_NAME.get(lowered, "")
