"""The way to a mailbox's settings: which Autodiscover URL to ask next, and who may be told the
password (MS-OXDISCO 3.1.5, MS-OXDSCLI 3.1.5).
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

from ..base.value import NamedTuple
from . import autodiscover
from .reader import WireError

PATH = "/autodiscover/autodiscover.xml"

#: Where Autodiscover v2 says which address of the XML kind to ask, without a sign-in (reference
#: sheet mapi-http 1.5).
JSON_PATH = "/autodiscover/autodiscover.json/v1.0/{address}?Protocol=AutodiscoverV1"

#: Hosts by which Autodiscover v2 says that a mailbox is in Exchange Online.
_CLOUD_HOSTS = frozenset(
    ("outlook.office365.com", "autodiscover-s.outlook.com", "partner.outlook.cn")
)

#: Redirects that are followed, and addresses that are gone on to.
MOST_HOPS = 5

#: Host and port as every reader of URLs understands them: no backslash, no percent sign, no user.
_AUTHORITY = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?)(?::[0-9]*)?"
)

#: How a candidate is asked: POST with the password at once; POST, and the password only when the
#: server asks for it; unencrypted GET for a redirect; a look into DNS for a service record; GET of
#: the JSON kind.
NAMED, GUESSED, REDIRECT, SERVICE = "named", "guessed", "redirect", "service"
JSON = "json"


class Step(NamedTuple):
    """What to ask next, in one of the five ways; `url` is a name to look up for SERVICE."""

    how: str
    url: str
    address: str


class Untrusted(Exception):
    """A place that the password may not be sent to, and what leads there, up to the word `to`.

    `page` is its host and path where that is no address of Autodiscover: a logon page, a web site.
    """

    def __init__(self, url: str, named_by: str) -> None:
        super().__init__(f"{named_by} to {url[:200]}")
        self.host = host_of(url)
        self.page = "" if is_autodiscover(url) else f"{self.host}{_path_of(url)[:40]}"
        self.plain = url.lower().startswith("http:")
        self.named_by = named_by


class Trust:
    """The hosts that a password may go to: those named by the operator, the mailbox's own domain
    and what is below it, and those of `domains`: of Microsoft 365.
    """

    def __init__(self, address: str, hosts: tuple[str, ...], domains: tuple[str, ...]) -> None:
        domain = domain_of(address)
        self._domains = (*((domain,) if "." in domain else ()), *domains)
        self._hosts = {host.lower() for host in hosts}

    def allows(self, url: str) -> bool:
        """Whether a password may be sent to this URL."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return False
        if parts.scheme != "https" or not host or port == 0 or re.search(r"[^!-~]", url):
            return False
        if not _AUTHORITY.fullmatch(parts.netloc):
            return False
        return host in self._hosts or any(
            host == domain or host.endswith(f".{domain}") for domain in self._domains
        )

    def check(self, url: str, named_by: str) -> None:
        """Raises Untrusted."""
        if not self.allows(url):
            raise Untrusted(url, named_by)


def domain_of(address: str) -> str:
    """The domain of an e-mail address as DNS has it (RFC 3490)."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def named_url(autodiscover_url: str | None, hostname: str | None) -> str | None:
    """The only Autodiscover URL to ask, where an operator names it or the server.

    >>> named_url(None, "mail.contoso.com")
    'https://mail.contoso.com/autodiscover/autodiscover.xml'
    """
    if autodiscover_url:
        return autodiscover_url + ("" if autodiscover_url.count("/") > 2 else PATH)
    return f"https://{hostname}{PATH}" if hostname else None


def host_of(url: str) -> str:
    """The host of a URL as far as it has one, for messages."""
    try:
        return (urlsplit(url).hostname or url[:80])[:255]
    except ValueError:
        return url[:80]


def is_autodiscover(url: str) -> bool:
    """Whether this is the address of an Autodiscover service; logon pages have others."""
    return _path_of(url).lower().startswith("/autodiscover")


def _path_of(url: str) -> str:
    """The path of a URL; empty where it is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _json_path(address: str) -> str:
    return JSON_PATH.format(address=quote(address, safe="@.+-_'"))


def in_cloud(address: str) -> bool:
    """Whether this address is one that Exchange Online gives to each of its mailboxes."""
    return bool({"onmicrosoft", "onmschina"} & set(domain_of(address).split(".")))


def usable_store(url: str) -> bool:
    """Whether this is the address of a mailbox: https, and the path of the protocol
    (MS-OXCMAPIHTTP 2.2.1).
    """
    return _usable(url, "/mapi/emsmdb")


def usable_address_book(url: str) -> bool:
    """Whether this is the address of an address book, likewise."""
    return _usable(url, "/mapi/nspi")


def address_book_beside(store: str) -> str:
    """The address of the address book beside that of a mailbox, where nobody names another.

    >>> address_book_beside("https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com")
    'https://mail.contoso.com/mapi/nspi/?MailboxId=1@contoso.com'
    """
    return re.sub("(?i)/mapi/emsmdb", "/mapi/nspi", store, count=1)


def _usable(url: str, wanted: str) -> bool:
    try:
        parts = urlsplit(url)
        path, port = parts.path.lower().rstrip("/"), parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and _AUTHORITY.fullmatch(parts.netloc) is not None
        and path == wanted
        and port != 0
        and re.search(r"[^!-~]", url) is None
    )


class Moved(Exception):
    """The server that was named says that the mailbox is at another address, which it does not
    serve itself, or under this one in Exchange Online.
    """

    def __init__(self, address: str, *, online: bool = False) -> None:
        super().__init__(f"the mailbox is at {address[:320]}")
        self.address, self.online = address, online


class Walk:
    """Goes through the candidates of an address, and where they send it.

    `url` names the only candidate; without it they are guessed from the address. `online` tells
    that the credential is one for Exchange Online. A driver asks what `steps` holds first, and says
    what came of it by `answered`, `redirected`, `service` or `skip`.
    """

    def __init__(
        self, address: str, trust: Trust, url: str | None = None, *, online: bool = False
    ) -> None:
        self.trust = trust
        self._online = online
        self._url = url
        self.address = address
        self._hops = 0
        self._seen: set[tuple[str, str]] = set()
        self.steps: list[Step] = []
        self._begin(address)

    def _begin(self, address: str) -> None:
        """Queue the candidates of an address, in the order of the reference sheet mapi-http 1.4."""
        if self._url is not None:
            found = [Step(NAMED, self._url, address)]
        else:
            domain = domain_of(address)
            found = [
                Step(GUESSED, f"https://{domain}{PATH}", address),
                Step(GUESSED, f"https://autodiscover.{domain}{PATH}", address),
                Step(REDIRECT, f"http://autodiscover.{domain}{PATH}", address),
                Step(SERVICE, f"_autodiscover._tcp.{domain}", address),
                Step(JSON, f"https://autodiscover.{domain}{_json_path(address)}", address),
            ]
        self.steps = [step for step in found if self._fresh(step)]

    def _fresh(self, step: Step) -> bool:
        key = (step.url.lower(), step.address.lower())
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _hop(self, step: Step) -> None:
        """Go on to `step` before all that is queued. Raises WireError when it leads in circles or
        never ends.
        """
        self._hops += 1
        if self._hops > MOST_HOPS or not self._fresh(step):
            raise WireError(f"Autodiscover redirects in circles, last to {step.url}")
        self.steps.insert(0, step)

    def skip(self) -> None:
        """The first candidate is no Autodiscover service: leave it behind."""
        del self.steps[:1]

    def redirected(self, location: str) -> None:
        """The first candidate answered with an HTTP redirect. Raises Untrusted, WireError."""
        step = self.steps.pop(0)
        try:
            url = urljoin(step.url, location)
        except ValueError:
            raise WireError("Autodiscover redirects to a malformed URL") from None
        named_by = f"{host_of(step.url)} redirects Autodiscover"
        self.trust.check(url, named_by)
        try:
            self._hop(Step(GUESSED, url, step.address))
        except WireError:
            if url != step.url or is_autodiscover(url):
                raise
            # A logon page that sends whoever has no session to itself.
            raise Untrusted(url, named_by) from None

    def service(self, host: str, port: int) -> None:
        """The service record names a host. Raises Untrusted, WireError."""
        step = self.steps.pop(0)
        url = f"https://{host.rstrip('.')}{'' if port == 443 else f':{port}'}{PATH}"
        self.trust.check(url, f"service record {step.url} leads")
        self._hop(Step(GUESSED, url, step.address))

    def named(self, url: str) -> None:
        """The JSON kind names an address of the XML kind. Raises Untrusted, Moved, WireError."""
        step = self.steps.pop(0)
        if not self._online and host_of(url).lower() in _CLOUD_HOSTS:
            # A password of the premises is none there.
            raise Moved(step.address, online=True)
        self.trust.check(url, f"JSON of {host_of(step.url)} leads")
        self._hop(Step(GUESSED, url, step.address))

    def answered(self, body: bytes) -> autodiscover.Settings | autodiscover.Refusal | None:
        """The first candidate's document: settings or refusal, or None where it sends the walk on.

        Raises WireError, Untrusted, Moved.
        """
        result = autodiscover.read(body)
        step = self.steps[0]
        if isinstance(result, autodiscover.RedirectUrl):
            self.redirected(result.url)
            return None
        if isinstance(result, autodiscover.RedirectAddress):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", result.address) or len(result.address) > 320:
                raise WireError("Autodiscover redirects to a malformed address")
            if in_cloud(result.address) and not self._online:
                # A password of the premises is none there.
                raise Moved(result.address)
            self._hops += 1
            if self._hops > MOST_HOPS:
                raise WireError(f"Autodiscover redirects in circles, last to {result.address}")
            self._begin(result.address)
            # A domain that an answer names is nobody's own: its hosts get no password untold.
            self.steps = [
                step for step in self.steps if step.how != GUESSED or self.trust.allows(step.url)
            ]
            again = result.address.lower() == step.address.lower()
            if not self.steps and again and self.address.lower() != step.address.lower():
                raise Moved(result.address)
            if not self.steps:
                raise WireError(f"Autodiscover redirects in circles, last to {result.address}")
            return None
        return result
