"""What is tested: mailboxes, methods, tenant and hosts, from the options."""

from __future__ import annotations

import re

from ..base.errors import UsageError
from ..base.reading import files, pasted
from ..base.vocabulary import MOST_ADDRESSES, OFFERED, SIGN_IN
from .given import GUID, TENANT, Given, is_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_HOST = r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([1-9][0-9]{0,4}))?"


def _is_host(text: str) -> bool:
    """Whether this is HOST or HOST:PORT, an IPv6 address in brackets."""
    found = re.fullmatch(_HOST, text)
    return bool(found and (not found[1] or _is_ipv6(found[1])) and int(found[2] or 1) < 65536)


def _is_ipv6(text: str) -> bool:
    import socket

    try:
        socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return False
    return True


def _as_dns_has(name: str) -> str:
    """A name beyond ASCII as the network has it; as it is where it has none."""
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _as_host(text: str) -> str:
    """`; write X`, how what is no host should be written; empty where nobody can tell.

    >>> _as_host("[::1]:"), _as_host("::1"), _as_host("https://mail.example/x"), _as_host("mail:x")
    ('; write [::1]', '; an IPv6 address stands in brackets: [::1]', '; write mail.example', '')
    >>> _as_host("b\u00fccher.example:444")
    '; write xn--bcher-kva.example:444'
    """
    alone = re.sub(r"(?i)^https?://([^/]+)(?:/.*)?$", r"\1", pasted.bare(text))
    if not alone.isascii():
        alone = _as_dns_has(alone)
    for one in (text, alone):
        # A port of no digits, or with zeros before them.
        shorter = re.sub(":0*$", "", re.sub(":0+(?=[1-9][0-9]*$)", ":", one))
        if _is_host(shorter):
            return f"; write {shorter}"
    if _is_ipv6(alone.strip("[]")):
        return f"; an IPv6 address stands in brackets: [{alone.strip('[]')}]"
    return "; an address with a zone (%) cannot be given" if "%" in text else ""


def url(text: str | None, option: str) -> str | None:
    """An https URL without user, query and trailing slash. Raises UsageError."""
    if text is None:
        return None
    if not _is_url(text):
        alone = pasted.bare(text)
        raise UsageError(
            f"{option}: its value has something around the URL; write {alone}"
            if _is_url(alone)
            else f"{option}: its value is not an https URL like https://host or https://host:port"
        )
    return text.rstrip("/")


def _is_url(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        usable = parts.scheme == "https" and _is_host(parts.netloc)
    except ValueError:
        return False
    pasted_on = re.search(r"[\"<>,;` ]", text) or not text.isprintable()
    return usable and not (parts.query or parts.fragment or pasted_on)


def authority(text: str | None, tenant: str) -> str | None:
    """The sign-in host; a path that only repeats the tenant is dropped. Raises UsageError."""
    found = url(text, "--authority-url")
    if found is None:
        return None
    scheme, _, rest = found.partition("://")
    host, _, path = rest.partition("/")
    if path not in ("", tenant):
        raise UsageError(
            f"--authority-url: {found} has a path; give the host alone, the tenant is added to it"
        )
    return f"{scheme}://{host}"


def exchange_server(
    given: Given, methods: tuple[str, ...], mailboxes: tuple[str, ...]
) -> dict[str, Any]:
    """Where method mapi finds the mailboxes: fields of Server. Raises UsageError."""
    if "mapi" not in methods:
        return {}
    hostname, mapi_url = given.text("hostname"), given.text("mapi-url")
    legacy_dn = given.text("legacy-dn")
    if hostname is not None and not _is_host(hostname):
        shown = "its value" if "@" in hostname else hostname
        hint = "" if "@" in hostname else _as_host(hostname)
        raise UsageError(f"--hostname: {shown} is not HOST or HOST:PORT{hint}")
    if bool(mapi_url) != bool(legacy_dn):
        raise UsageError("--mapi-url and --legacy-dn belong together; give both")
    if mapi_url is not None and legacy_dn is not None:
        from ..mapihttp.discovery import usable_store

        if len(mailboxes) > 1:
            raise UsageError(
                "--mapi-url is for one mailbox; leave it out, then Autodiscover finds each mailbox"
            )
        for other in ("autodiscover-url", "hostname"):
            if given.text(other):
                raise UsageError(f"--mapi-url and --{other} exclude each other; give one of them")
        if not usable_store(mapi_url):
            raise UsageError(
                "--mapi-url: its value is not https://HOST/mapi/emsmdb/?MailboxId=GUID@DOMAIN"
            )
        if not legacy_dn.startswith("/") or not legacy_dn.isascii() or len(legacy_dn) > 1000:
            raise UsageError(f"--legacy-dn: {legacy_dn} is not a DN like /o=ORG/ou=.../cn=USER")
    elif any("@" not in mailbox for mailbox in mailboxes):
        raise UsageError("--mailbox: Autodiscover needs an e-mail address, not a GUID")
    return {
        "hostname": hostname,
        "autodiscover_url": url(given.text("autodiscover-url"), "--autodiscover-url"),
        "mapi_url": mapi_url,
        "legacy_dn": legacy_dn,
    }


_ADDRESS = r"[^@\s]+@[^@\s]+"

#: Characters of what is no address, beyond which they would push the cause off the first line.
_LONG = 40

#: What no address of a mailbox has, and exports put around one.
_AROUND = rf"[{pasted.QUOTES}<>(),;:\[\]\\]|^'|'$|\.$"


def mailboxes_of(given: Given) -> tuple[str, ...]:
    """The mailboxes to test, each once, in the order given. Raises UsageError."""
    path = given.text("mailbox-file")
    named = [(name, "--mailbox") for name in given.texts("mailbox")]
    if path is not None:
        named += _lines(path)
        given.reads.append(("mailboxes", path))
    username = given.text("username") or ""
    if not named and re.fullmatch(_ADDRESS, username):
        named = [(username, "--username")]
    if not named:
        raise UsageError(
            "--mailbox (-m) is missing: give the e-mail address of the mailbox to log on to"
        )
    found: dict[str, str] = {}
    for name, place in named:
        if not name:
            raise UsageError(f"{place}: its value is empty; write none to leave it out")
        _check(name, place)
        found.setdefault(name.lower(), name)
    return tuple(found.values())


def _check(name: str, place: str) -> None:
    """Refuse what is neither an address nor a GUID, or has something around it. Raises
    UsageError.
    """
    pasted.check_visible(name, place)
    if re.fullmatch(GUID, name) or (_is_address(name) and not re.search(_AROUND, name)):
        return
    alone = pasted.bare(name).rstrip(".")
    if re.fullmatch(GUID, alone) or (_is_address(alone) and not re.search(_AROUND, alone)):
        raise UsageError(f"{place}: {name} has something around the address; write {alone}")
    if len(re.findall(r"[^@\s,;]+@[^@\s,;]+", name[:1000])) > 1:
        raise UsageError(
            f"{place}: {name} is more than one address; give --mailbox once for each, or one a "
            "line of --mailbox-file"
        )
    if len(name) > _LONG:
        raise UsageError(f"{place}: neither an e-mail address nor a GUID: {name}")
    raise UsageError(f"{place}: {name} is neither an e-mail address nor a GUID")


def _is_address(name: str) -> bool:
    return re.fullmatch(_ADDRESS, name) is not None and len(name) <= 320


def _lines(path: str) -> list[tuple[str, str]]:
    """(mailbox, where it stands) of each line of a mailbox file. Raises UsageError."""
    lines = files.read_text(path, "--mailbox-file").split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        # A # within a word is part of it: addresses of guests have one.
        name = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if name:
            found.append((name, f"--mailbox-file: {path} line {number}"))
    if not found:
        raise UsageError(f"--mailbox-file: {path} names no mailbox")
    return found


#: Mailboxes times methods that one run can test and put into words in reasonable time.
_MOST_TESTS = 1000

#: Options of method mapi: with one of them and no tenant, `--method mapi` was forgotten.
_MAPI_ONLY = ("hostname", "autodiscover-url", "mapi-url", "auth", "username")


def read_counts(
    given: Given, mailboxes: tuple[str, ...], methods: tuple[str, ...]
) -> dict[str, Any]:
    """What is tested beside mailboxes and methods: the options of that name, fields of Targets.
    Raises UsageError.
    """
    addresses = _addresses(given, methods)
    if len(mailboxes) * (len(methods) + max(0, len(addresses) - 1)) > _MOST_TESTS:
        several = f", {len(addresses)} of --address" if addresses else ""
        raise UsageError(
            f"{len(mailboxes)} mailboxes, {len(methods)} of --method{several}: more than "
            f"{_MOST_TESTS} tests; split them into several runs"
        )
    return {
        "addresses": addresses,
        "each_address": given.flag("each-address"),
        "archive": given.flag("archive"),
        "address_book": given.flag("address-book"),
        "inbox_items": _count(given, "inbox-items", 10, 1000),
        "concurrency": _count(given, "concurrency", 4, 64),
    }


def _addresses(given: Given, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Where the Exchange host is connected to, each once. Raises UsageError."""
    found = tuple(dict.fromkeys(one.lower() for one in given.texts("address")))
    each = given.flag("each-address")
    option = "--each-address" if each else "--address"
    if (found or each) and "mapi" not in methods:
        raise UsageError(f"{option} needs --method mapi")
    if each and found:
        raise UsageError("--address and --each-address exclude each other; give one of them")
    if each and not (given.text("hostname") or given.text("mapi-url")):
        raise UsageError("--each-address needs the name to look up: give --hostname")
    if len(found) > MOST_ADDRESSES:
        raise UsageError(f"--address: {len(found)} of them; {MOST_ADDRESSES} are tested at most")
    for one in found:
        if not one:
            raise UsageError("--address: its value is empty; write none to leave it out")
        if not _is_host(one):
            shown, hint = ("its value", "") if "@" in one else (one[:80], _as_host(one))
            if not hint and re.search("[,; ]", one):
                hint = "; give --address once for each"
            raise UsageError(f"--address: {shown} is not ADDRESS or ADDRESS:PORT{hint}")
    return found


def read_hosts(
    given: Given, cloud: str, tenant: str, places: dict[str, str | None], *, online: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where requests go, the cloud's hosts or those that are given: fields of Account, and of
    Server. Raises UsageError.
    """
    from ..base.clouds import CLOUDS

    hosts = CLOUDS[cloud]
    exchange_url = url(given.text("exchange-url"), "--exchange-url")
    if online and not (places.get("autodiscover_url") or places.get("hostname")):
        places["autodiscover_url"] = exchange_url or f"https://{hosts.autodiscover_host}"
    signing = authority(given.text("authority-url"), tenant) or f"https://{hosts.authority_host}"
    return {"cloud": hosts, "authority_url": signing}, {
        "exchange_url": exchange_url or hosts.exchange,
        "graph_url": url(given.text("graph-url"), "--graph-url") or hosts.graph,
        **places,
    }


#: Options that name what --sign-in-only does not test.
_OF_MAILBOXES = ("mailbox", "mailbox-file", "archive", "address-book", "address", "each-address")


def only_sign_in(given: Given, methods: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Mailboxes and methods of a run that tests the sign-in alone: a test without a mailbox, by the
    token for the first of these methods.

    A section of an ini file may be shared with the mailboxes' tests; what names a mailbox beside
    the option is an error. Raises UsageError.
    """
    for name in _OF_MAILBOXES:
        value = given.values.get(name)
        named = [one for one in (value if isinstance(value, list) else [value]) if one]
        if given.source.get(name) not in given.sections and not all(map(is_none, named)):
            raise UsageError(
                f"--sign-in-only tests no mailbox: leave out --{name}, or --sign-in-only"
            )
        given.values.pop(name, None)
    return ("",), (SIGN_IN[methods[0]],)


def read_methods(names: Sequence[str]) -> tuple[str, ...]:
    """The methods to test by, each once. Raises UsageError."""
    found = tuple(dict.fromkeys(name.lower() for name in names)) or ("cmdlet",)
    for name in found:
        if name not in OFFERED:
            each = "; give --method once for each" if re.search("[,; ]", name) else ""
            raise UsageError(f"--method: {name} is not one of {', '.join(OFFERED)}{each}")
    return found


def _count(given: Given, name: str, default: int, most: int) -> int:
    """A number from 1 to `most`. Raises UsageError."""
    text = given.text(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise UsageError(f"--{name}: {text} is not a number from 1 to {most}")
    return int(text)


def check_parts(given: Given, methods: tuple[str, ...]) -> None:
    """Refuse a part of a mailbox that no method of this run would test. Raises UsageError."""
    for name, able in (("archive", ("cmdlet", "mapi")), ("address-book", ("mapi",))):
        if given.flag(name) and not set(able) & set(methods):
            raise UsageError(
                f"--{name} is for --method {' and '.join(able)}; method {methods[0]} does not test "
                "it"
            )


def read_tenant(given: Given, methods: tuple[str, ...], chosen: str | None) -> str:
    """The tenant to sign in to; empty for an Exchange Server, which has none, and for a managed
    identity, whose token names it. Raises UsageError.
    """
    tenant = given.text("tenant")
    if tenant is None and (methods == ("mapi",) or chosen == "--managed-identity"):
        return ""
    if tenant is None and methods[0] in SIGN_IN.values():
        raise UsageError(
            "--sign-in-only needs --tenant; an Exchange Server has no sign-in of its own to test"
        )
    alien = [name for name in _MAPI_ONLY if given.text(name) is not None]
    if tenant is None and alien and "mapi" not in methods:
        raise UsageError(f"--{alien[0]} needs --method mapi; or give --tenant for Exchange Online")
    if tenant is None:
        raise UsageError(
            "--tenant is missing: give a domain of the tenant, e.g. contoso.onmicrosoft.com, "
            "or its GUID"
        )
    if not re.fullmatch(TENANT, tenant):
        hint = pasted.instead(tenant, TENANT)
        raise UsageError(f"--tenant: {tenant} is neither a domain nor a GUID{hint}")
    return tenant
