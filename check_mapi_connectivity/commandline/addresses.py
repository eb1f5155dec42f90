"""The options that name hosts: what they mean, and what they may hold."""

from __future__ import annotations

import re

from ..base.errors import UsageError
from . import pasted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .given import Given

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::[0-9]{1,5})?"


def url(text: str | None, option: str) -> str | None:
    """An https URL without user, query and trailing slash. Raises UsageError."""
    if text is None:
        return None
    if not _is_url(text):
        alone = pasted.bare(text)
        raise UsageError(
            f"{option}: what is given has something around the URL; write {alone}"
            if _is_url(alone)
            else f"{option}: what is given is not an https URL like https://host or "
            "https://host:port"
        )
    return text.rstrip("/")


def _is_url(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        usable = parts.scheme == "https" and re.fullmatch(_HOST, parts.netloc) and parts.port != 0
    except ValueError:
        return False
    pasted_on = re.search(r"[\"<>,;` ]", text) or not text.isprintable()
    return bool(usable) and not (parts.query or parts.fragment or pasted_on)


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
    """Where method mapi finds the mailboxes: the options of that name. Raises UsageError."""
    if "mapi" not in methods:
        return {}
    hostname, mapi_url = given.text("hostname"), given.text("mapi-url")
    legacy_dn = given.text("legacy-dn")
    if hostname is not None:
        port = re.search(r":([0-9]{1,5})$", hostname)
        if not re.fullmatch(_HOST, hostname) or (port and not 0 < int(port[1]) < 65536):
            shown = "what is given" if "@" in hostname else hostname
            hint = "" if "@" in hostname else pasted.instead(hostname, _HOST)
            raise UsageError(f"--hostname: {shown} is not HOST or HOST:PORT{hint}")
    if bool(mapi_url) != bool(legacy_dn):
        raise UsageError("--mapi-url and --legacy-dn belong together; give both")
    if mapi_url is not None and legacy_dn is not None:
        from ..mapihttp.discovery import usable_store

        if len(mailboxes) > 1:
            raise UsageError("--mapi-url is the address of one mailbox; leave it to Autodiscover")
        for other in ("autodiscover-url", "hostname"):
            if given.text(other):
                raise UsageError(f"--mapi-url and --{other} exclude each other; give one of them")
        if not usable_store(mapi_url):
            raise UsageError(
                "--mapi-url: what is given is not https://HOST/mapi/emsmdb/?MailboxId=GUID@DOMAIN"
            )
        if not legacy_dn.startswith("/") or not legacy_dn.isascii() or len(legacy_dn) > 1000:
            raise UsageError(f"--legacy-dn: {legacy_dn} is not a DN like /o=ORG/ou=.../cn=USER")
    elif any("@" not in mailbox for mailbox in mailboxes):
        raise UsageError("--mailbox: Autodiscover wants an e-mail address, not a GUID")
    return {
        "hostname": hostname,
        "autodiscover_url": url(given.text("autodiscover-url"), "--autodiscover-url"),
        "mapi_url": mapi_url,
        "legacy_dn": legacy_dn,
    }
