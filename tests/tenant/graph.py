"""Microsoft Graph: the messages of an Inbox, and why a mailbox refuses to list them.

Source: reference sheet exchange-online 3; OData 4.01 for the query.
"""

from __future__ import annotations

import base64
import datetime
import json
import time
import urllib.parse
import uuid

from .directory import DOMAIN, local_part
from .mapi_tables import ABSENT, DELIVERED, FLAGS, MID, MODIFIED, NOT_FOUND, SENDER, SUBJECT

#: Members that Mail.ReadBasic allows, with what is shown of a message; and those that it forbids.
MEMBERS = (
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "importance",
    "isRead",
    "isDraft",
    "sender",
    "from",
    "toRecipients",
)
FORBIDDEN = (
    "body",
    "bodyPreview",
    "uniqueBody",
    "attachments",
    "extensions",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
)
OPTIONS = {"$top", "$select", "$count", "$orderby", "$skip"}
LARGEST = 1000

_NOT_ENABLED = "MailboxNotEnabledForRESTAPI"
_DENIED = "Access is denied. Check credentials and try again."
_THROTTLED = "Application is over its MailboxConcurrency limit."
_MOVING = "The mailbox is being moved. Please try again later."
_INACTIVE = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."

#: Mailbox (before the @) -> status, code, message, seconds for Retry-After.
REFUSED = {
    "unlicensed": (404, _NOT_ENABLED, "REST API is not yet supported for this mailbox.", None),
    "inactive": (404, _NOT_ENABLED, _INACTIVE, None),
    "disabled": (404, _NOT_ENABLED, _INACTIVE, None),
    "not-supported": (403, "MailboxNotSupportedForRESTAPI", "REST API is not supported.", None),
    "on-premises": (404, "ResourceNotFound", "Resource could not be discovered.", None),
    "no-inbox": (404, "ErrorItemNotFound", "The specified object was not found.", None),
    "no-mailbox": (404, "ErrorInvalidUser", "The requested user is invalid.", None),
    "full": (403, "ErrorQuotaExceeded", "The mailbox is beyond its maximum size.", None),
    "unknown-code": (403, "ErrorOfTomorrow", "Nobody knows this one yet.", None),
    "access-denied": (403, "ErrorAccessDenied", _DENIED, None),
    "directory-denied": (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        None,
    ),
    "throttled": (429, "TooManyRequests", "Too many requests.", 600),
    "concurrency": (429, "ApplicationThrottled", _THROTTLED, 1),
    "broken": (500, "InternalServerError", "An internal server error occurred.", None),
    "unexplained": (500, "UnknownError", "", None),
    "gateway": (502, "UnknownError", "", None),
    "service-down": (503, "ServiceNotAvailable", "The service is unavailable.", None),
    "busy": (503, "ErrorServerBusy", "The server cannot service this request right now.", None),
    "store-unavailable": (503, "ErrorMailboxStoreUnavailable", "Mailbox store unavailable.", None),
    "offline": (503, "ErrorMailboxStoreUnavailable", "Mailbox store unavailable.", None),
    "moving": (503, "ErrorMailboxMoveInProgress", _MOVING, None),
    "gateway-timeout": (504, "UnknownError", "", None),
}

DIAGNOSTIC = {
    "ServerInfo": {
        "DataCenter": "West Europe",
        "Slice": "E",
        "Ring": "5",
        "ScaleUnit": "003",
        "RoleInstance": "AM2PEPF0001C4D7",
    }
}
_CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    ', client_id="00000003-0000-0000-c000-000000000000"'
)


class Trouble(Exception):
    """An error document: status, code, message, details, and headers for it."""

    def __init__(self, status, code, message, details=(), **headers):
        super().__init__(message)
        self.status, self.code, self.details, self.headers = status, code, details, headers


def answer(headers, work):
    """Status, headers, body of a request below `/v1.0`; `work` gives status and document of the
    answer, None for an empty one, or raises Trouble.
    """
    number = str(uuid.uuid4())
    own = headers.get("client-request-id", number)
    common = {
        "Content-Type": "application/json;odata.metadata=minimal;charset=utf-8",
        "request-id": number,
        "client-request-id": own,
        "x-ms-ags-diagnostic": json.dumps(DIAGNOSTIC),
    }
    try:
        status, document = work()
    except Trouble as trouble:
        now = datetime.datetime.now(datetime.timezone.utc)
        inner = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "request-id": number, "client-request-id": own}
        error = {"code": trouble.code, "message": str(trouble), "innerError": inner}
        if trouble.details:
            error["details"] = list(trouble.details)
        pairs = {name.replace("_", "-"): value for name, value in trouble.headers.items()}
        return trouble.status, {**common, **pairs}, json.dumps({"error": error}).encode()
    return status, common, b"" if document is None else json.dumps(document).encode()


def mailboxes(tenant):
    """Name -> mailbox whose Inbox is listed: those that MAPI over HTTP finds nothing wrong with."""
    return {
        name: box
        for name, box in tenant.mapi.store.mailboxes.items()
        if name not in REFUSED
        and not (box.connect_error or box.connect_status or box.execute_status)
        and not (box.logon_error or box.rop_errors or box.backoff)
    }


def mailbox_of(tenant, parts, headers):
    """The mailbox that a request is about, nothing when that cannot be told."""
    if parts[1:2] == ["me"]:
        claims = tenant.entra.check(headers.get("Authorization"), "graph")
        return local_part((claims or {}).get("upn", ""))
    return local_part(parts[2]) if parts[1:2] == ["users"] and len(parts) > 2 else ""


def messages(tenant, method, target, parts, headers):
    """The page of an Inbox that is asked for. Raises Trouble."""
    claims = claims_of(tenant, headers.get("Authorization", ""))
    at = 2 if parts[1:2] == ["me"] else 3
    wanted = [part.lower() for part in parts[at:]]
    if parts[1:2] not in (["me"], ["users"]) or wanted != ["mailfolders", "inbox", "messages"]:
        raise Trouble(400, "BadRequest", "Resource not found for the segment.")
    if method != "GET":
        raise Trouble(405, "Request_BadRequest", "Specified HTTP method is not allowed.")
    name = mailbox_of(tenant, parts, headers)
    _authorize(tenant, claims, name)
    query = _query(urllib.parse.urlsplit(target).query)
    if name in REFUSED:
        status, code, message, wait = REFUSED[name]
        raise Trouble(status, code, message, **({"Retry_After": str(wait)} if wait else {}))
    mailbox = mailboxes(tenant).get(name)
    if mailbox is None:
        text = f"Resource '{name or parts[2]}' does not exist or one of its queried reference-property "
        raise Trouble(404, "Request_ResourceNotFound", text + "objects are not present.")
    root = f"https://{headers['Host']}" if headers.get("Host") else tenant.url
    return 200, _page(mailbox, query, f"{root}{urllib.parse.urlsplit(target).path}", claims["tid"])


def claims_of(tenant, authorization):
    """The claims of a token for Graph. Raises Trouble with 401."""
    scheme, _, token = authorization.partition(" ")
    code, more = "InvalidAuthenticationToken", ""
    if scheme != "Bearer" or not token:
        raise Trouble(401, code, "Access token is empty.", WWW_Authenticate=_CHALLENGE)
    claims = tenant.entra.check(authorization, "graph")
    if claims is not None:
        return claims
    text = "IDX14100: JWT is not well formed."
    if tenant.entra.claims(token) is not None:
        text = "Access token validation failure. Invalid audience."
    elif token in tenant.entra.revoked:
        text = "Continuous access evaluation resulted in challenge with result: "
        text += "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp"
        told = {"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}
        encoded = base64.b64encode(json.dumps(told).encode()).decode()
        more = f', error="insufficient_claims", claims="{encoded}"'
    elif token.count(".") == 2:
        text = "Lifetime validation failed, the token is expired."
    raise Trouble(401, code, text, WWW_Authenticate=_CHALLENGE + more)


def _authorize(tenant, claims, name):
    """An application reads all mailboxes, or those that Exchange grants it, a person the own one.
    Raises Trouble with 403.
    """
    granted = {*claims.get("roles", ()), *claims.get("scp", "").split()}
    if "upn" not in claims:
        granted |= tenant.administrations[claims["tid"]].rbac.mail_rights(claims, name)
    own = "upn" not in claims or local_part(claims["upn"]) == name
    if not own or not granted & {"Mail.ReadBasic.All", "Mail.ReadBasic", "Mail.Read"}:
        raise Trouble(403, "ErrorAccessDenied", _DENIED)


def _query(text):
    """Option -> value of a query that can be answered. Raises Trouble."""
    query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
    if set(query) - OPTIONS:
        raise Trouble(400, "BadRequest", "The query specified in the URI is not valid.")
    select = [word for word in query.get("$select", "").split(",") if word]
    if set(select) & set(FORBIDDEN):
        raise Trouble(403, "ErrorAccessDenied", _DENIED)
    for word in select:
        if word not in MEMBERS:
            text = f"Could not find a property named '{word}' on type 'microsoft.graph.message'."
            raise Trouble(400, "RequestBroker--ParseUri", text)
    top, skip = query.get("$top", "10"), query.get("$skip", "0")
    if not (top.isdigit() and skip.isdigit() and 1 <= int(top) <= LARGEST):
        raise Trouble(400, "ErrorInvalidUrlQuery", f"The limit of '{LARGEST}' has been exceeded.")
    order = query.get("$orderby", "receivedDateTime desc").split()
    if order[:1] != ["receivedDateTime"] or order[1:] not in ([], ["asc"], ["desc"]):
        raise Trouble(400, "ErrorInvalidUrlQuery", "The property in $orderby is not supported.")
    return {
        "top": int(top),
        "skip": int(skip),
        "select": select,
        "newest": order[1:] == ["desc"],
        "count": query.get("$count") == "true",
    }


def _page(mailbox, query, url, tid):
    select, begin = query["select"], query["skip"]
    end = begin + query["top"]
    found = sorted(mailbox.messages, key=lambda one: one[DELIVERED], reverse=query["newest"])
    shown = select or MEMBERS
    items = []
    for message in found[begin:end]:
        values = _values(message)
        # The id comes with whatever else is selected.
        kept = {name: values[name] for name in dict.fromkeys(["id", *shown])}
        items.append({"@odata.etag": f'W/"{values["id"][-12:]}"', **kept})
    user = urllib.parse.quote(f"{mailbox.name}@{DOMAIN}", safe="")
    context = f"https://graph.microsoft.com/v1.0/$metadata#users('{user}')/mailFolders('inbox')"
    document = {
        "@odata.context": f"{context}/messages" + (f"({','.join(select)})" if select else "")
    }
    if query["count"]:
        document["@odata.count"] = len(found)
    document["value"] = items
    if end < len(found):
        more = {"$top": query["top"], "$skip": end}
        if select:
            more["$select"] = ",".join(select)
        if not query["newest"]:
            more["$orderby"] = "receivedDateTime"
        if query["count"]:
            more["$count"] = "true"
        document["@odata.nextLink"] = f"{url}?{urllib.parse.urlencode(more)}"
    return document


def _values(message):
    def text(tag):
        return None if message[tag] in (ABSENT, NOT_FOUND) else message[tag]

    sender = {"emailAddress": {"name": text(SENDER), "address": f"sender@{DOMAIN}"}}
    moment = _moment(message[DELIVERED])
    return {
        "id": base64.urlsafe_b64encode(b"AAMkPractice" + message[MID]).decode(),
        "createdDateTime": moment,
        "lastModifiedDateTime": _moment(message[MODIFIED]),
        "receivedDateTime": moment,
        "sentDateTime": moment,
        "hasAttachments": False,
        "internetMessageId": f"<{message[MID].hex()}@{DOMAIN}>",
        "subject": text(SUBJECT),
        "importance": "normal",
        "isRead": bool(message[FLAGS] & 1),
        "isDraft": False,
        "sender": sender,
        "from": sender,
        "toRecipients": [],
    }


def _moment(filetime):
    """ISO 8601 of a FILETIME, at most what the type can hold."""
    begin = datetime.datetime(1601, 1, 1)
    try:
        found = begin + datetime.timedelta(microseconds=filetime // 10)
    except OverflowError:
        found = datetime.datetime.max
    return f"{found.replace(microsecond=0).isoformat()}Z"
