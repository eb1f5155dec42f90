"""HTTP proxies: which one, and the CONNECT exchange that opens a tunnel through it.

The exchange is our own because neither urllib3 nor http.client shows a refused CONNECT's headers,
and both send `CONNECT` as HTTP/1.0 on Python before 3.12, which some proxies refuse (reference
sheet proxy 2). Credentials go into the CONNECT and nowhere else.
"""

from __future__ import annotations

import base64
import http.client
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from . import masking
from .capped import CappedResponse
from .errors import UsageError
from .options import Proxy, Secret
from .report import CheckFailure, Failure

if TYPE_CHECKING:
    import socket

    from .options import Options


def parse_url(
    url: str, source: str, user: str | None = None, password: Secret | None = None
) -> Proxy:
    """A proxy from `http://[user:password@]host:port`; the scheme may be missing, the port is 80
    then.

    `user` and `password` win over those in the URL. Raises UsageError, which never shows the URL:
    it may hold a password.
    """
    usual = f"{source}: what is given is not a proxy URL like http://proxy.example.com:3128"
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, 80 if parts.port is None else parts.port
    except ValueError:
        raise UsageError(usual) from None
    if parts.scheme.lower() != "http":
        raise UsageError(
            f"{source}: {parts.scheme} proxies are not supported, only http://; a local relay "
            "such as cntlm or px can stand between"
        )
    if not host or not port or not host.isprintable() or " " in host or parts.path not in ("", "/"):
        raise UsageError(usual)
    if user is None and parts.username:
        user = unquote(parts.username)
    if password is None and parts.password:
        password = Secret(unquote(parts.password))
    if user is not None and (":" in user or not user.isprintable()):
        raise UsageError(f"{source}: a proxy user name has no colon and no control characters")
    return Proxy(host, port, source, user, password)


def choose(options: Options, url: str) -> Proxy | None:
    """The proxy for one URL; None where the way is direct, also by NO_PROXY."""
    if options.proxy is None or not options.no_proxy:
        return options.proxy
    from requests.utils import should_bypass_proxies

    return None if should_bypass_proxies(url, options.no_proxy) else options.proxy


def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Make `sock`, connected to `proxy`, a tunnel to `host`.

    Raises CheckFailure of kind `proxy` when the proxy refuses or answers what is no HTTP, OSError
    from the socket.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    confidential: set[str] = set()
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "Proxy-Connection: Keep-Alive"]
    if proxy.user is not None:
        secret = proxy.password.reveal() if proxy.password else ""
        token = base64.b64encode(f"{proxy.user}:{secret}".encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {token}")
        confidential = {token, *masking.spellings(secret)}
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    response = CappedResponse(sock, method="CONNECT")
    try:
        response.begin()
    except http.client.HTTPException as error:
        raise CheckFailure(
            Failure(
                "proxy",
                f"proxy {proxy} answers CONNECT with no HTTP",
                "is there an HTTP proxy at that address and port?",
                detail=masking.known(f"{type(error).__name__}: {error}", confidential),
            )
        ) from None
    if not 200 <= response.status < 300:
        failure = _refusal(proxy, target, response)
        # A proxy may echo what it was sent.
        raise CheckFailure(replace(failure, detail=masking.known(failure.detail, confidential)))
    response.close()


def _refusal(proxy: Proxy, target: str, response: http.client.HTTPResponse) -> Failure:
    status, code = response.status, f"HTTP {response.status}"
    hint = response.getheader("X-Squid-Error") or response.reason
    if status == 407:
        offered = _schemes(response.headers.get_all("Proxy-Authenticate", []))
        names = " or ".join(offered) or "nothing"
        cause = f"proxy {proxy} wants authentication and offers {names}"
        remedy = "give --proxy-user and --proxy-password-file"
        if proxy.user is not None:
            cause = f"proxy {proxy} refuses user {proxy.user}"
            remedy = "check --proxy-user and its password"
        if "basic" not in [name.lower() for name in offered]:
            remedy = "this version speaks Basic only; a local relay (cntlm, px) can stand between"
    elif status in (401, 403, 405, 451):
        cause = f"proxy {proxy} refuses to connect to {target}"
        remedy = f"allow {target} on the proxy"
    else:
        cause = f"proxy {proxy} cannot reach {target}"
        remedy = "look at the proxy's own log and its way to the Internet"
    return Failure("proxy", cause, remedy, code, detail=hint)


def _schemes(challenges: list[str]) -> list[str]:
    """Authentication schemes named by Proxy-Authenticate headers, each once (RFC 9110 11.3).

    >>> _schemes(['Negotiate', 'NTLM, Basic realm="a, Digest b"'])
    ['Negotiate', 'NTLM', 'Basic']
    """
    found = []
    # Longer than any real challenge, and short for the regular expressions below.
    for challenge in [one[:2000] for one in challenges]:
        unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', '""', challenge)
        found += re.findall(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s|,|$)(?!\s*=)", unquoted)
    return list(dict.fromkeys(found))
