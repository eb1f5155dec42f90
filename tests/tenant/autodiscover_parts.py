"""Parts of Autodiscover beside the mailbox itself: the address book, other mailboxes, and the JSON
kind (v2).

Source: reference sheets nspi 1 and mapi-http 1.5. The form of AlternativeMailbox is MS-OXDSCLI's, and
that of the JSON error is not confirmed by a recording.
"""

from __future__ import annotations

import json
import urllib.parse
from xml.sax.saxutils import escape

from .directory import DOMAIN, local_part

JSON = {"Content-Type": "application/json; charset=utf-8"}
CLOUD = "https://outlook.office365.com/autodiscover/autodiscover.xml"
PATH = ("autodiscover", "autodiscover.json")

USUAL = "<InternalUrl>{url}</InternalUrl><ExternalUrl>{url}</ExternalUrl>"

#: Mailbox -> where the JSON kind sends its clients, instead of to this server.
URLS = {
    "in-cloud": CLOUD,
    "redirect-url-foreign": "https://autodiscover.elsewhere.example/autodiscover/autodiscover.xml",
    "redirect-url-http": "http://127.0.0.1:9/autodiscover/autodiscover.xml",
}


def address_book(mailbox, root, path):
    """The AddressBook element of a mailbox, None for one that only Autodiscover knows; `path` is that of
    the mailbox endpoint.
    """
    words = USUAL if mailbox is None or mailbox.address_book is None else mailbox.address_book
    path = path.replace("/emsmdb/", "/nspi/")
    inner = words.format(url=root + path, root=root, path=path)
    return f"<AddressBook>{inner}</AddressBook>" if inner else ""


def alternatives(mailbox, store):
    """The AlternativeMailbox elements of a mailbox."""
    return "".join(_alternative(mailbox, one, store) for one in mailbox.alternatives)


def _alternative(owner, one, store):
    box = store.mailboxes.get(one.name)
    values = {
        "LegacyDN": box.dn if box else f"{owner.dn}/guid=gone",
        "Server": f"{box.endpoint if box else owner.endpoint}@{DOMAIN}",
        "SmtpAddress": f"{one.name}@{DOMAIN}",
    }
    shown = box.display if box else f"Archive {owner.name}"
    parts = [("Type", one.kind), ("DisplayName", shown)]
    parts += [(name, values[name]) for name in one.named_by]
    parts += [("OwnerSmtpAddress", owner.address)] if "SmtpAddress" in one.named_by else []
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts)
    return f"<AlternativeMailbox>{inner}</AlternativeMailbox>"


def is_json(parts):
    """Whether a path's parts are those of the JSON kind, in any letter case."""
    return tuple(part.lower() for part in parts[:2]) == PATH


def address_of(target, parts):
    """The address that a request of the JSON kind asks about."""
    if len(parts) > 3:
        return parts[3]
    return _query(target).get("email", "")


def _query(target):
    fields = urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query)
    return {name.lower(): value for name, value in fields}


def answer(tenant, root, target, parts):
    """Status, headers, body of the JSON kind: without authentication, for users that exist or not."""
    address, protocol = address_of(target, parts), _query(target).get("protocol", "")
    if tenant.flavour == "gromox":
        return 404, {"Content-Type": "text/plain"}, b"Not Found\r\n"
    known = {name.lower(): name for name in tenant.json_protocols}
    name = known.get(protocol.lower())
    if name is None:
        words = ",".join(known.values())
        text = f"The given protocol value '{protocol}' is invalid. Supported values are '{words}'"
        return _document(400, {"ErrorCode": "InvalidProtocol", "ErrorMessage": text})
    local = local_part(address) if "@" in address else ""
    if not local:
        text = f"The email address '{address}' is not of this organization."
        return _document(404, {"ErrorCode": "UserNotFound", "ErrorMessage": text})
    ends = {
        "AutodiscoverV1": URLS.get(local, f"{root}/autodiscover/autodiscover.xml"),
        "ActiveSync": f"{root}/Microsoft-Server-ActiveSync",
        "Ews": f"{root}/EWS/Exchange.asmx",
    }
    return _document(200, {"Protocol": name, "Url": ends[name]})


def _document(status, value):
    return status, JSON, json.dumps(value, separators=(",", ":")).encode()
