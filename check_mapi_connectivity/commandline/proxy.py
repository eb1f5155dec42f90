"""HTTP proxies: what a setting means, and which one serves a host. tunnel.py opens the tunnels."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..base.errors import UsageError
from ..base.options import Proxy, Secret
from . import pasted

if TYPE_CHECKING:
    from ..base.options import Options

_RELAY = "a local relay such as px or cntlm can stand between"


def parse_url(
    url: str,
    source: str,
    user: str | None = None,
    password: Secret | None = None,
    domain: str | None = None,
) -> Proxy:
    """A proxy from `http[s]://[user:password@]host:port`; the scheme may be missing, the port is
    80, or 443 for https, where it is.

    `user` and `password` win over those in the URL, `domain` goes before a user that has none.
    Raises UsageError, which never shows the URL: it may hold a password.
    """
    usual = f"{source}: what is given is not a proxy URL like http://proxy.example.com:3128"
    pasted.check_quotes(url, source)
    pasted.check_visible(url, source, shown=False)
    url = url.strip()
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        tls = parts.scheme.lower() == "https"
        usual_port = 443 if tls else 80
        host, port = parts.hostname, usual_port if parts.port is None else parts.port
    except ValueError:
        raise UsageError(usual) from None
    if parts.path.lower().endswith((".pac", ".dat")) or parts.scheme.lower().startswith("pac"):
        raise UsageError(
            f"{source}: proxy auto-configuration (PAC, WPAD) is not supported; name the proxy "
            f"that it leads to, or {_RELAY}"
        )
    if parts.scheme.lower() not in ("http", "https"):
        raise UsageError(
            f"{source}: {parts.scheme} proxies are not supported, only http:// and https://; "
            f"{_RELAY}"
        )
    if not host or not port or not host.isprintable() or " " in host or parts.path not in ("", "/"):
        raise UsageError(usual)
    if user is None and parts.username:
        user = unquote(parts.username)
    if password is None and parts.password:
        password = Secret(unquote(parts.password))
    if user is not None and (":" in user or not user.isprintable()):
        raise UsageError(f"{source}: a proxy user name has no colon and no control characters")
    if domain is not None and user is not None and not any(c in user for c in "\\@"):
        user = f"{domain}\\{user}"
    return Proxy(host, port, source, user, password, tls)


def choose(options: Options, url: str) -> Proxy | None:
    """The proxy for one URL; None where the way is direct, also by NO_PROXY."""
    if options.proxy is None or not options.no_proxy:
        return options.proxy
    from requests.utils import should_bypass_proxies

    return None if should_bypass_proxies(url, options.no_proxy) else options.proxy
