"""Autodiscover, the plain XML kind: request and answer (MS-OXDSCLI 2.2)."""

from __future__ import annotations

import json
from xml.parsers import expat
from xml.sax.saxutils import escape

from ..base.value import NamedTuple
from .reader import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

#: Without this header the server leaves the mapiHttp protocol out (MS-OXDSCLI 2.2.2.1).
CAPABILITY = {"X-MapiHttpCapability": "1"}
CONTENT_TYPE = "text/xml; charset=utf-8"

_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook"

#: What the XML parser reads by itself: any other name would make Python load a codec.
_ENCODINGS = ("utf-8", "utf-16", "us-ascii", "iso-8859-1")

#: Types of protocol that Exchange and gromox name to Outlook (MS-OXDSCLI 2.2.4.1.1.2.3).
_OUTLOOK = frozenset({"MAPIHTTP", "EXCH", "EXPR", "EXHTTP"})

#: Bounds of an answer: real ones have a few hundred elements in six levels.
_MOST_ELEMENTS, _MOST_LEVELS, _MOST_BYTES = 5000, 32, 1 << 20


class Alternative(NamedTuple):
    """A mailbox beside the user's own (MS-OXDSCLI 2.2.4.1.1.2.2): its type, which is Archive,
    Delegate or TeamMailbox, its name, and its DN and server, or in their place its e-mail address.
    """

    kind: str
    display_name: str
    legacy_dn: str
    server: str
    address: str


class Settings(NamedTuple):
    """Where a mailbox is: its DN, and (internal, external) URLs of each mapiHttp protocol.

    `server` is what the EXCH protocol names, a GUID at a domain since Exchange 2013; `kinds` are
    the types of all protocols, in capitals; `address_books` are like `stores`.
    """

    legacy_dn: str
    address: str
    display_name: str
    deployment: str
    server: str
    stores: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...] = ()
    address_books: tuple[tuple[str, str], ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs of the mailbox, each once, the external one of a pair first."""
        return _each_once(self.stores)

    @property
    def address_book_urls(self) -> tuple[str, ...]:
        """Those of the address book in the same order."""
        return _each_once(self.address_books)

    @property
    def foreign(self) -> bool:
        """Whether these are settings for other clients than Outlook, as web hosters give them."""
        return not self.legacy_dn and not _OUTLOOK.intersection(self.kinds)


def _each_once(pairs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(url for pair in pairs for url in reversed(pair) if url))


class RedirectAddress(NamedTuple):
    """Ask again for another e-mail address."""

    address: str


class RedirectUrl(NamedTuple):
    """Ask another Autodiscover URL."""

    url: str


class Refusal(NamedTuple):
    """An Error element: its code (0 where that is no number) and message."""

    code: int
    message: str


if TYPE_CHECKING:
    Result = Union[Settings, RedirectAddress, RedirectUrl, Refusal]


def request(address: str) -> bytes:
    """The body to POST for the mailbox of an e-mail address (MS-OXDSCLI 2.2.3)."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<Autodiscover xmlns="{_SCHEMA}/requestschema/2006"><Request>'
        f"<EMailAddress>{escape(address)}</EMailAddress>"
        f"<AcceptableResponseSchema>{_SCHEMA}/responseschema/2006a</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode("utf-8", "replace")


class _Element:
    """An element by its local name: Microsoft's own answers mix the namespaces."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[_Element] = []
        self.parts: list[str] = []

    def all(self, path: str) -> list[_Element]:
        """The elements at a path of local names below this one."""
        found = [self]
        for name in path.split("/"):
            found = [child for element in found for child in element.children if child.name == name]
        return found

    def text(self, path: str) -> str:
        """The text of the first element at a path; empty where there is none."""
        return next(("".join(element.parts).strip() for element in self.all(path)), "")


def _tree(data: bytes) -> _Element:
    """The document's elements. Raises WireError, also for a document type and what it may hold."""
    if len(data) > _MOST_BYTES:
        raise WireError("the Autodiscover answer is too long")
    root = _Element("", {})
    levels = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS or len(levels) > _MOST_LEVELS:
            raise WireError("the Autodiscover answer has too many elements")
        element = _Element(name.rpartition(":")[2], attributes)
        levels[-1].children.append(element)
        levels.append(element)

    def text(part: str) -> None:
        levels[-1].parts.append(part)

    def doctype(*_: object) -> None:
        raise WireError("the Autodiscover answer declares a document type")

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise WireError("the Autodiscover answer is in an encoding that is not known")

    # Without namespaces: a long one would be repeated in the name of every element.
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: levels.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise WireError(f"the Autodiscover answer is no XML: {error}") from None
    return root


def read(data: bytes) -> Result:
    """What an answer says. Raises WireError for what is no Autodiscover answer."""
    responses = _tree(data).all("Autodiscover/Response")
    if not responses:
        raise WireError("the answer is no Autodiscover document")
    response = responses[0]
    errors = response.all("Error") + response.all("Account/Error")
    if errors:
        return _refusal(errors[0])
    action = response.text("Account/Action").lower()
    if action == "redirectaddr":
        return RedirectAddress(response.text("Account/RedirectAddr"))
    if action == "redirecturl":
        return RedirectUrl(response.text("Account/RedirectUrl"))
    # The type is an attribute of mapiHttp and a child element of all others.
    protocols = [
        (protocol.attributes.get("Type") or protocol.text("Type"), protocol)
        for protocol in response.all("Account/Protocol")
    ]
    mapi = [protocol for kind, protocol in protocols if kind.lower() == "mapihttp"]
    return Settings(
        response.text("User/LegacyDN"),
        response.text("User/AutoDiscoverSMTPAddress"),
        response.text("User/DisplayName"),
        response.text("User/DeploymentId"),
        next((protocol.text("Server") for kind, protocol in protocols if kind == "EXCH"), ""),
        _pairs(mapi, "MailStore"),
        # ActiveSync has a schema of its own (MS-ASCMD 2.2.1.1).
        tuple(
            dict.fromkeys(
                kind.upper()
                for kind in (
                    *(kind for kind, _ in protocols),
                    *(server.text("Type") for server in response.all("Action/Settings/Server")),
                )
                if kind
            )
        ),
        _pairs(mapi, "AddressBook"),
        tuple(map(_alternative, response.all("Account/AlternativeMailbox"))),
    )


def _pairs(protocols: list[_Element], name: str) -> tuple[tuple[str, str], ...]:
    """(internal, external) URLs of each protocol's element of that name, where it has any."""
    found = [
        (one.text(f"{name}/InternalUrl"), one.text(f"{name}/ExternalUrl")) for one in protocols
    ]
    return tuple(pair for pair in found if any(pair))


def _alternative(element: _Element) -> Alternative:
    names = ("Type", "DisplayName", "LegacyDN", "Server", "SmtpAddress")
    return Alternative(*map(element.text, names))


def read_json(data: bytes) -> str:
    """The address that an answer of the JSON kind names (reference sheet mapi-http 1.5). Raises
    WireError for what is none, with its own words where it says why.
    """
    if len(data) > _MOST_BYTES:
        raise WireError("the Autodiscover answer is too long")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise WireError("the Autodiscover answer is no JSON") from None
    if not isinstance(found, dict):
        raise WireError("the Autodiscover answer is no JSON object")
    url = found.get("Url")
    if not isinstance(url, str) or not url:
        why = found.get("ErrorMessage")
        raise WireError(f"Autodiscover v2 names no address: {why if isinstance(why, str) else ''}")
    return url


def _refusal(error: _Element) -> Refusal:
    code = error.text("ErrorCode")
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0
    return Refusal(number, error.text("Message"))
