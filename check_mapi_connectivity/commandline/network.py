"""The way there, from the options: proxies, authorities, IP version."""

from __future__ import annotations

import os
import re

from ..base.errors import UsageError
from ..base.reading import files, pasted
from ..base.vocabulary import BASIC, NEGOTIATE, NTLM
from . import credentials, secrets
from .given import Given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any
    from urllib.parse import SplitResult

    from ..base.credentials import Login, Proxy, Secret

_RELAY = "use a local relay such as px or cntlm"


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
    from urllib.parse import unquote

    from ..base.credentials import Proxy, Secret

    parts, host, port = _place(url, source)
    if user is None and parts.username:
        user = unquote(parts.username)
    if password is None and parts.password:
        password = Secret(unquote(parts.password))
    if user is not None and (":" in user or not user.isprintable()):
        raise UsageError(f"{source}: a proxy user name has no colon and no control characters")
    if domain is not None and user is not None and not any(c in user for c in "\\@"):
        user = f"{domain}\\{user}"
    return Proxy(host, port, source, user, password, parts.scheme.lower() == "https")


def _place(url: str, source: str) -> tuple[SplitResult, str, int]:
    """A proxy's URL in its parts, with its host and port. Raises UsageError."""
    from urllib.parse import urlsplit

    usual = f"{source}: its value is not a proxy URL like http://proxy.example.com:3128"
    if "@" in url:
        usual += "; in user and password write # ? / [ ] as %23 %3F %2F %5B %5D"
    pasted.check_quotes(url, source)
    pasted.check_visible(url, source, shown=False)
    url = url.strip()
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        usual_port = 443 if parts.scheme.lower() == "https" else 80
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
    # What follows a host may be the rest of a password, and the host its beginning.
    beyond = parts.path not in ("", "/") or parts.query or parts.fragment
    if not host or not port or not host.isprintable() or " " in host or beyond:
        raise UsageError(usual)
    return parts, host, port


def read_network(given: Given) -> dict[str, Any]:
    """Versions of TLS and IP: fields of Network. Raises UsageError."""
    return {
        "min_tls": _lowest(given),
        "ip_version": _ip_version(given),
    }


def note_variables(
    given: Given, environ: MutableMapping[str, str], login: Login | None, proxy: Proxy | None
) -> None:
    """Note the files that libraries take from the environment by themselves."""
    from ..base.options import INSTEAD

    schemes = [one.scheme for one in (login, proxy) if one is not None]
    kerberos = ("KRB5CCNAME", "KRB5_CLIENT_KTNAME", "KRB5_CONFIG")
    for what, names in (
        (INSTEAD, ("SSL_CERT_FILE", "SSL_CERT_DIR")),
        # Where no scheme is named, the other side may ask for Negotiate.
        ("Kerberos", kerberos if {None, NEGOTIATE} & set(schemes) else ()),
    ):
        found = [name for name in names if environ.get(name)]
        for name in found:
            pasted.check_quotes(environ[name], name)
            files.check_ends(environ[name], name)
        given.reads += [(what, f"{environ[name]} ({name})") for name in found]


def _ip_version(given: Given) -> int | None:
    """4 or 6 where only that one is to be used. Raises UsageError."""
    if given.flag("ipv4") and given.flag("ipv6"):
        raise UsageError("-4 and -6 exclude each other; give one of them or none")
    return 4 if given.flag("ipv4") else 6 if given.flag("ipv6") else None


def read_ca_files(given: Given, environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """Authorities to trust besides the system's.

    Where no option speaks, those that requests would take from the environment.
    """
    named = given.text("ca-file")
    sources = (
        [("--ca-file", named)]
        if named
        else [(name, environ.get(name)) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    )
    for option, path in sources:
        if path:
            pasted.check_quotes(path, option)
            if not os.path.isdir(path):
                _check_authorities(path, option)
            elif named and not _is_hashed(path):
                raise UsageError(
                    f"{option}: {path} is a directory; name a file, or run openssl rehash on it"
                )
            given.reads.append(("authorities", f"{path} ({option})"))
            return (path,)
    return ()


def _is_hashed(directory: str) -> bool:
    """Whether OpenSSL finds authorities in it, as `1a2b3c4d.0`; also where nobody may look."""
    try:
        return any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name) for name in os.listdir(directory))
    except OSError:
        return True


def _check_authorities(path: str, option: str) -> None:
    """Refuse a file that holds no certificate. Raises UsageError."""
    data = files.read(path, option)
    # The usual form is read once, by who needs it.
    if b"-----BEGIN CERTIFICATE-----" in data:
        return
    from ..base.reading import pem

    found = pem.read(data)
    if any(block.name == "PKCS7" for block in found.blocks):
        raise UsageError(
            f"{option}: {path} is PKCS #7 (P7B); make it PEM: openssl pkcs7 -print_certs"
        )
    if not found.certificates:
        raise UsageError(f"{option}: {path} holds no PEM certificate")


def read_proxy(given: Given, environ: MutableMapping[str, str]) -> tuple[Proxy | None, str]:
    """The proxy to use, and the hosts that need none. Raises UsageError."""
    password = secrets.secret(given, environ, "proxy-password")
    url, host, port, user = (
        given.text(name) for name in ("proxy", "proxy-host", "proxy-port", "proxy-user")
    )
    if url and (host or port):
        raise UsageError(
            "--proxy and --proxy-host/--proxy-port say the same thing; give one of them"
        )
    if bool(host) != bool(port):
        raise UsageError("--proxy-host and --proxy-port belong together; give both")
    if port and not re.fullmatch("[0-9]{1,5}", port):
        raise UsageError(f"--proxy-port: {port} is not a port number")
    if host and "/" in host:
        raise UsageError(f"--proxy-host: {host} is not a host name; give a URL by --proxy")
    if given.flag("no-proxy"):
        if url or host:
            raise UsageError(
                "--no-proxy and --proxy exclude each other; give one of them (--proxy none "
                "switches one of an ini section off)"
            )
        # Of any host, as in the environment's variable.
        return None, "*"
    if url and "@" in url and given.source["proxy"] == "command line":
        raise UsageError(
            "--proxy: no user or password in a URL on the command line; use --proxy-user and "
            "--proxy-password-file"
        )
    no_proxy = ""
    if url:
        source = f"--proxy ({given.source['proxy']})"
    elif host:
        url = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
        source = f"--proxy-host ({given.source['proxy-host']})"
    else:
        names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        source = next((name for name in names if environ.get(name)), "")
        url = environ.get(source)
        no_proxy = _no_proxy(environ)
        if not url:
            if user and given.source["proxy-user"] == "command line":
                raise UsageError("--proxy-user: there is no proxy; give --proxy HOST:PORT as well")
            return None, ""

    found = parse_url(url, source, user, password, given.text("proxy-domain"))
    scheme, spn_host = _proxy_logon(given, found)
    return found._replace(scheme=scheme, spn_host=spn_host), no_proxy


def _lowest(given: Given) -> str:
    """The lowest version of TLS; Icinga writes a number as 1.200000. Raises UsageError."""
    text = given.text("min-tls") or ""
    number = re.fullmatch(r"(1\.[23])0+", text)
    return number[1] if number else given.choice("min-tls", ("1.2", "1.3"), "1.2")


def _no_proxy(environ: MutableMapping[str, str]) -> str:
    """The hosts that need no proxy, by commas, whatever stands between them. Raises UsageError."""
    for name in ("no_proxy", "NO_PROXY"):
        text = environ.get(name)
        if text:
            pasted.check_quotes(text, name)
            pasted.check_visible(" ".join(text.split()), name)
            return ",".join(filter(None, re.split(r"[,;\s]+", text)))
    return ""


def _proxy_logon(given: Given, found: Proxy) -> tuple[str | None, str | None]:
    """How to authenticate at the proxy: scheme, and host of its service. Raises UsageError."""
    named = given.text("proxy-auth")
    choices = credentials.SCHEMES
    scheme = choices[given.choice("proxy-auth", tuple(choices), "basic")] if named else None
    if scheme in (BASIC, NTLM) and (found.user is None or found.password is None):
        raise UsageError(f"--proxy-auth {named} needs --proxy-user and --proxy-password-file")
    spn_host = given.text("proxy-spn-host")
    if spn_host is not None and not re.fullmatch(r"[A-Za-z0-9.-]+", spn_host):
        raise UsageError(f"--proxy-spn-host: {spn_host} is not a host name")
    return scheme, spn_host
