"""Microsoft Graph's error codes -> kind, cause, remedy (reference sheet exchange-online 3.3).

Graph spells codes in more than one way (`serviceNotAvailable` in its documentation,
`ServiceNotAvailable` on the wire), so `find` takes any case. Codes that the sheet does not list
were seen in public reports of Graph's answers; the comments name the status they came with.
"""

from __future__ import annotations

import re

from .exchange_codes import Advice

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

_HEALTH = "see the service health page of Microsoft 365"
_NEXT = "wait for the next run, see service health"

#: Graph's `error.code` -> advice.
CODES = {
    "InvalidAuthenticationToken": Advice(
        "permission",
        "Graph refuses the token",
        "check --tenant, --cloud and the app registration",
    ),
    # 401 and 403: neither `roles` nor `scp` is in the token.
    "NoPermissionsInAccessToken": Advice(
        "permission",
        "Graph finds no permission in the token",
        "grant Mail.ReadBasic, or Exchange's role Application Mail.ReadBasic",
    ),
    "ErrorAccessDenied": Advice(
        "permission",
        "Graph denies access to this mailbox",
        "grant Mail.ReadBasic, or see Test-ServicePrincipalAuthorization",
    ),
    "Authorization_RequestDenied": Advice(
        "permission",
        "directory permission to look this user up is missing",
        "give the mailbox's own address to -m, or grant User.Read.All",
    ),
    "MailboxNotEnabledForRESTAPI": Advice(
        "mailbox",
        "mailbox is unlicensed, on-premises or a guest's",
        "check licence and place of the mailbox; a new one takes a while",
    ),
    "ResourceNotFound": Advice(
        "mailbox",
        "mailbox cannot be found: on-premises or in another forest",
        "on-premises is for --method mapi; else check the address",
    ),
    "Request_ResourceNotFound": Advice(
        "mailbox",
        "no such user in this tenant",
        "check the address; the user may be deleted, or in another tenant",
    ),
    "ErrorItemNotFound": Advice(
        "mailbox",
        "mailbox has no Inbox that Graph can find",
        "look at it in Outlook on the web; Microsoft support can repair it",
    ),
    "ErrorInvalidUser": Advice(
        "mailbox",
        "address belongs to no mailbox user",
        "check it: groups, contacts and guests have no mailbox",
    ),
    # 401 and 404: the tenant has no Exchange Online, or the token is of another tenant.
    "OrganizationFromTenantGuidNotFound": Advice(
        "mailbox",
        "this tenant has no Exchange Online",
        "check --tenant; it needs a plan with Exchange Online",
    ),
    "TooManyRequests": Advice(
        "throttled",
        "Graph throttles this app",
        "spread the checks and run them less often",
        transient=True,
    ),
    "ApplicationThrottled": Advice(
        "throttled",
        "Graph throttles this app's requests to one mailbox",
        "Graph takes four at a time: spread the checks, see what else uses the app",
        transient=True,
    ),
    "InternalServerError": Advice("server", "Graph reports an internal error", _HEALTH),
    "ServiceNotAvailable": Advice("server", "Graph is not available", _NEXT, transient=True),
    "UnknownError": Advice("server", "Graph reports an unknown error", _HEALTH),
    "ErrorServerBusy": Advice("server", "Exchange is busy", _NEXT, transient=True),
    "ErrorMailboxStoreUnavailable": Advice(
        "server", "Exchange's mailbox store is unavailable", _NEXT, transient=True
    ),
    "ErrorMailboxMoveInProgress": Advice(
        "mailbox", "mailbox is being moved", "wait for the move to end", "moving"
    ),
    # 503: after a move, or for shared mailboxes that are named by their address.
    "MailboxInfoStale": Advice(
        "server",
        "Exchange's record of where this mailbox is has aged",
        "wait for the next run; if it stays, give the user's object id to -m",
        transient=True,
    ),
}

_BY_NAME = {name.lower(): name for name in CODES}

#: `MailboxNotSupportedForRESTAPI`, `ErrorMailboxNotEnabledForRESTAPI` and the like.
_NO_REST = re.compile(r"(error)?mailbox\w*forrestapi")

#: Wording of a message about a mailbox that Graph cannot serve -> advice that says more than its
#: code; the first that fits counts.
_NO_MAILBOX = (
    (
        r"inactive.*soft.?deleted",
        Advice(
            "mailbox",
            "mailbox is inactive, soft-deleted or on-premises",
            "license or restore it; on-premises is for --method mapi",
        ),
    ),
    (
        r"licen[cs]e",
        Advice("mailbox", "user has no Exchange Online licence", "assign a licence"),
    ),
    (
        r"soft.?deleted",
        Advice("mailbox", "mailbox is soft-deleted", "restore it or drop the check"),
    ),
    (
        r"on.?premise",
        Advice("mailbox", "mailbox is on-premises", "use --method mapi with -H"),
    ),
)

_GUEST = Advice(
    "mailbox",
    "user is a guest, whose mailbox is in another tenant",
    "check a mailbox of this tenant",
)

#: Codes behind which one of several reasons hides.
_VAGUE = ("MailboxNotEnabledForRESTAPI", "ResourceNotFound", "ErrorInvalidUser")


def find(code: str) -> Advice | None:
    """The row of a code in any case, or of the variant that means the same; None for no row.

    >>> find("errorServerBusy").cause, find("MailboxNotSupportedForRESTAPI").kind, find("New")
    ('Exchange is busy', 'mailbox', None)
    """
    return CODES.get(_name(code))


def explain(code: str, message: str, *, guest: bool) -> Advice | None:
    """The row of a code, or what the message's wording, or a guest's address, says more exactly.

    >>> explain("ResourceNotFound", "The mailbox is hosted on-premise.", guest=False).cause
    'mailbox is on-premises'
    """
    if _name(code) not in _VAGUE:
        return find(code)
    if guest:
        return _GUEST
    # A hostile text must not keep the GIL busy.
    words = message[:500].lower()
    exact = (row for pattern, row in _NO_MAILBOX if re.search(pattern, words))
    return next(exact, find(code))


def _name(code: str) -> str:
    lowered = code.lower()
    if _NO_REST.fullmatch(lowered):
        return "MailboxNotEnabledForRESTAPI"
    return _BY_NAME.get(lowered, "")
