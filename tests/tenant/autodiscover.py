"""Autodiscover, the XML kind: settings, redirects, errors, and what broken servers send.

Source: reference sheet mapi-http 1.2 to 1.4 (MS-OXDSCLI 2.2), and the recorded Gromox answers.
"""

from __future__ import annotations

import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from . import autodiscover_parts
from .directory import DOMAIN, local_part
from .mapi_store import ORGANIZATION, SPACE

PATH = "/autodiscover/autodiscover.xml"
REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
OUTER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
INNER = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
XML = {"Content-Type": "text/xml; charset=utf-8"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
FOREIGN = "https://mail.elsewhere.example"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Who are you?</body></html>"

ERRORS = {
    500: "The email address can't be found.",
    501: "No configuration information for this kind of settings.",
    600: "Invalid Request",
    601: "Provider is not available",
    602: "The address is malformed.",
    603: "Internal error.",
    404: "Not Found",
}

#: Mailbox -> name of the mailbox that the settings of `redirect-address` and the like lead to.
ADDRESSES = {
    "redirect-address": "healthy",
    "redirect-itself": "redirect-itself",
    "redirect-to-and": "redirect-fro",
    "redirect-fro": "redirect-to-and",
    "redirect-stranger": "healthy@elsewhere.example",
    "redirect-nowhere": "",
    "in-cloud": "healthy@practice.mail.onmicrosoft.example",
}

#: Mailbox -> Protocol element instead of the usual; `{url}` is the endpoint, `{root}` the server.
PROTOCOLS = {
    "no-mapi": "",
    "no-urls": '<Protocol Type="mapiHttp" Version="1"><MailStore/></Protocol>',
    "internal-only": "<InternalUrl>{url}</InternalUrl>",
    "external-only": "<ExternalUrl>{url}</ExternalUrl>",
    "foreign-host": f"<ExternalUrl>{FOREIGN}{{path}}</ExternalUrl>",
    "foreign-internal": f"<InternalUrl>{FOREIGN}{{path}}</InternalUrl>"
    "<ExternalUrl>{url}</ExternalUrl>",
    "wrong-path": "<ExternalUrl>{root}/owa/?MailboxId=1@practice.example</ExternalUrl>",
    "plain-http": "<ExternalUrl>http://127.0.0.1:9{path}</ExternalUrl>",
    "outside-down": "<InternalUrl>{url}</InternalUrl>"
    "<ExternalUrl>https://127.0.0.1:9{path}</ExternalUrl>",
    "odd-url": "<ExternalUrl>https://[::1/mapi</ExternalUrl>",
}

#: Mailbox -> where its redirect leads: `{root}` is the server, `{hop}` rises with each hop.
REDIRECTS = {
    "redirect-url": "{root}" + PATH + "?settings",
    "redirect-url-loop": "{root}" + PATH,
    "redirect-url-endless": "{root}" + PATH + "?hop={hop}",
    "redirect-url-foreign": f"https://autodiscover.elsewhere.example{PATH}",
    "redirect-url-http": f"http://127.0.0.1:9{PATH}",
    "http-302": "{root}" + PATH + "?settings",
    "http-302-loop": "{root}" + PATH,
    "http-302-foreign": f"https://autodiscover.elsewhere.example{PATH}",
    "http-302-http": f"http://127.0.0.1:9{PATH}",
    "http-302-logon-page": "https://login.elsewhere.example/oauth2/authorize?client_id=x",
    "http-302-own-page": "{root}/my.policy",
}

#: What web hosters know: other clients than Outlook.
HOSTER = (
    f'<Autodiscover xmlns="{OUTER}"><Response xmlns="{INNER}"><Account><Action>settings</Action>'
    "<Protocol><Type>IMAP</Type></Protocol><Protocol><Type>SMTP</Type></Protocol>"
    "</Account></Response></Autodiscover>"
).encode()

#: Mailbox -> headers and body that are no Autodiscover answer, or none of Exchange's.
RAW = {
    "hoster": (XML, HOSTER),
    "broken-xml": (XML, b"<?xml version='1.0'?><Autodiscover><Response><User><Lega"),
    "doctype": (
        XML,
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">'
        + b"".join(f'<!ENTITY x{n} "{f"&x{n - 1 or str()};" * 10}">'.encode() for n in range(1, 9))
        + b"]><Autodiscover><Response><Error><Message>&x8;</Message></Error></Response>"
        b"</Autodiscover>",
    ),
    "external-entity": (
        XML,
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b"<Autodiscover><Response><User><LegacyDN>&x;</LegacyDN></User></Response></Autodiscover>",
    ),
    "html-page": (HTML, PAGE),
    "empty-xml": (XML, b""),
    "nothing-in-it": (XML, f'<Autodiscover xmlns="{OUTER}"/>'.encode()),
    "deep-xml": (XML, b"<a>" * 100000),
    "not-utf-8": (
        XML,
        b'<?xml version="1.0" encoding="utf-8"?><Autodiscover>\xff\xfe</Autodiscover>',
    ),
}

#: Names that mean something here, beside the mailboxes of the store.
NAMES = (
    *(f"error-{number}" for number in ERRORS),
    *ADDRESSES,
    *PROTOCOLS,
    *REDIRECTS,
    *RAW,
    "no-dn",
    "two-mapi",
    "endless-body",
    "not-permitted",
)


def error(number, text=None):
    """An Error document, HTTP 200."""
    words = escape(text or ERRORS[number])
    return (
        200,
        XML,
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{OUTER}"><Response>'
        f'<Error Time="09:30:07.1234567" Id="1234567890"><ErrorCode>{number}</ErrorCode>'
        f"<Message>{words}</Message><DebugData/></Error></Response></Autodiscover>".encode(),
    )


def answer(tenant, method, target, headers, raw):
    """Status, headers, body; the body None when it shall never end."""
    try:
        if method != "POST":
            raise ValueError
        address, dn = _read(raw)
    except (ValueError, ElementTree.ParseError):
        return error(600)
    if address is None:
        return error(601)
    mailbox = tenant.mapi.store.by_dn(dn) if dn else None
    name, _, domain = address.lower().partition("@")
    if mailbox is not None:
        name, domain = mailbox.name, DOMAIN
    unknown = error(404 if tenant.flavour == "gromox" else 500)
    if domain != DOMAIN:
        return unknown
    # URLs name the server as the client did: a host that Kerberos knows stays one.
    root = f"https://{headers['Host']}" if headers.get("Host") else tenant.url
    special = _special(root, name, urllib.parse.urlsplit(target).query)
    if special is not None:
        return special
    mailbox = tenant.mapi.store.mailboxes.get(name)
    if mailbox is None and name not in NAMES:
        return unknown
    return 200, XML, _settings(tenant, root, name, mailbox, headers)


def mailbox_of(tenant, raw):
    """The mailbox that a request is about, nothing when that cannot be told."""
    try:
        address, dn = _read(raw)
    except (ValueError, ElementTree.ParseError):
        return ""
    mailbox = tenant.mapi.store.by_dn(dn) if dn else None
    return mailbox.name if mailbox else local_part(address or "")


def _read(raw):
    """Address and LegacyDN asked for; (None, None) when another schema is wanted."""
    root = ElementTree.fromstring(raw)
    found = {part: root.find(f".//{{{REQUEST}}}{part}") for part in ("EMailAddress", "LegacyDN")}
    schema = root.find(f".//{{{REQUEST}}}AcceptableResponseSchema")
    words = {part: (node.text or "").strip() for part, node in found.items() if node is not None}
    if root.tag != f"{{{REQUEST}}}Autodiscover" or schema is None or not any(words.values()):
        raise ValueError
    if (schema.text or "").strip() != INNER:
        return None, None
    return words.get("EMailAddress", ""), words.get("LegacyDN", "")


def _special(root, name, query):
    if name == "not-permitted":
        # As Gromox words it (err_autodiscover_no_permission).
        return error(501, f"Bad Address (403 Permission Denied on {name}@{DOMAIN})")
    if name.startswith("error-") and name in NAMES:
        return error(int(name[6:]))
    if name in ADDRESSES:
        other = ADDRESSES[name]
        address = other if "@" in other or not other else f"{other}@{DOMAIN}"
        return 200, XML, _redirect("redirectAddr", "RedirectAddr", address)
    if name in REDIRECTS and query != "settings":
        hop = int(query.partition("=")[2] or 0) + 1
        url = REDIRECTS[name].format(root=root, hop=hop)
        if name.startswith("http-"):
            return 302, {"Location": url, **HTML}, PAGE
        return 200, XML, _redirect("redirectUrl", "RedirectUrl", url)
    if name in RAW:
        return 200, *RAW[name]
    if name == "endless-body":
        return 200, XML, None
    return None


def _redirect(action, element, value):
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{OUTER}">'
        f'<Response xmlns="{INNER}"><Account><Action>{action}</Action>'
        f"<{element}>{escape(value)}</{element}></Account></Response></Autodiscover>"
    ).encode()


def mapi_url(root, endpoint):
    """The URL of a mailbox's endpoint."""
    return f"{root}/mapi/emsmdb/?MailboxId={endpoint}@{DOMAIN}"


def _settings(tenant, root, name, mailbox, headers):
    dn = mailbox.dn if mailbox else f"{ORGANIZATION}/cn=Recipients/cn=0-{name}"
    endpoint = mailbox.endpoint if mailbox else str(uuid.uuid5(SPACE, name))
    display = mailbox.display if mailbox else f"Practice {name}"
    # A server that redirects or is odd about protocols still serves the healthy mailbox.
    if mailbox is None:
        endpoint, dn = _borrowed(tenant)
    # XML 1.0 has no way to write most control characters.
    shown = "".join(letter for letter in display if letter.isprintable())
    user = f"<DisplayName>{escape(shown)}</DisplayName>"
    if name != "no-dn":
        user += f"<LegacyDN>{escape(dn)}</LegacyDN>"
    user += f"<AutoDiscoverSMTPAddress>{name}@{DOMAIN}</AutoDiscoverSMTPAddress>"
    user += f"<DeploymentId>{uuid.uuid5(SPACE, 'deployment')}</DeploymentId>"
    capability = str(headers.get("X-MapiHttpCapability", ""))
    able = tenant.flavour == "gromox" or (capability.isdigit() and int(capability) >= 1)
    mapi = _mapi_protocol(name, root, endpoint, mailbox) if able else ""
    mapi *= 2 if name == "two-mapi" else 1
    others = autodiscover_parts.alternatives(mailbox, tenant.mapi.store) if mailbox else ""
    first, rest = ("", mapi) if tenant.flavour == "gromox" else (mapi, "")
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\r\n<Autodiscover xmlns="{OUTER}">'
        f'<Response xmlns="{INNER}"><User>{user}</User><Account><AccountType>email</AccountType>'
        f"<Action>settings</Action><MicrosoftOnline>False</MicrosoftOnline>{first}"
        f"{_other_protocols(tenant.flavour, root, endpoint, rest)}{others}"
        f"<PublicFolderInformation><SmtpAddress>public@{DOMAIN}</SmtpAddress>"
        "</PublicFolderInformation></Account></Response></Autodiscover>"
    ).encode()


def _borrowed(tenant):
    healthy = tenant.mapi.store.mailboxes["healthy"]
    return healthy.endpoint, healthy.dn


def _mapi_protocol(name, root, endpoint, mailbox):
    url = mapi_url(root, endpoint)
    words = PROTOCOLS.get(name, autodiscover_parts.USUAL).format(
        url=url, root=root, path=url[len(root) :]
    )
    if not words or words.startswith("<Protocol"):
        return words
    book = autodiscover_parts.address_book(mailbox, root, url[len(root) :])
    return f'<Protocol Type="mapiHttp" Version="1"><MailStore>{words}</MailStore>{book}</Protocol>'


def _other_protocols(flavour, root, endpoint, between):
    host = root.partition("//")[2]
    server = f"{endpoint}@{DOMAIN}"
    servers = f"{ORGANIZATION}/cn=Configuration/cn=Servers/cn={server}"
    ews = f"<EwsUrl>{root}/EWS/Exchange.asmx</EwsUrl>"
    exch = (
        f"<Protocol><Type>EXCH</Type><Server>{server}</Server><ServerVersion>73C2860B"
        f"</ServerVersion><ServerDN>{servers}</ServerDN><MdbDN>{servers}/cn=Microsoft Private MDB"
        f"</MdbDN>{ews}</Protocol>"
    )
    expr = (
        f"<Type>EXPR</Type><Server>{host}</Server><SSL>On</SSL><AuthPackage>Negotiate</AuthPackage>"
    )
    if flavour == "gromox":
        exhttp = expr.replace("EXPR", "EXHTTP").replace("Negotiate", "basic")
        return f"<Protocol>{exhttp}{ews}</Protocol>{between}{exch}<Protocol>{expr}</Protocol>"
    web = f'<OWAUrl AuthenticationMethod="Basic, Fba">{root}/owa/</OWAUrl>'
    return (
        f"{exch}<Protocol>{expr}{ews}</Protocol><Protocol><Type>WEB</Type><Internal>{web}"
        f"<Protocol><Type>EXCH</Type></Protocol></Internal></Protocol>"
    )
