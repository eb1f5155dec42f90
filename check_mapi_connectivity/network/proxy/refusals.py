"""What a proxy's answer to CONNECT means that opens no tunnel."""

from __future__ import annotations

import re
import socket
import ssl

from ...base.failure import Failure
from .. import tls
from ..head import Disconnected, HeadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...base.credentials import Proxy

_NO_PROXY = "check address and port of the proxy; give one by TLS as https://"

#: What Privoxy answers where it cannot resolve the host's name.
_UNKNOWN_HOST = (404, "no such domain")


def refused(proxy: Proxy, target: str, status: int, hint: str) -> Failure:
    """Any answer but 200 and 407; `hint` is the proxy's own reason: X-Squid-Error says more
    than the status (http).
    """
    from ...codes import http

    word = "ERR_DNS_FAIL" if (status, hint.lower()) == _UNKNOWN_HOST else hint
    found = squid(str(proxy), target, status, word)
    if found is not None:
        return found
    row = http.PROXY.get(status, http.PROXY_OTHER)
    return Failure.of(row, f"HTTP {status}", hint, proxy=proxy, target=target)


def squid(proxy: str, target: str, status: int, hint: str) -> Failure | None:
    """What an X-Squid-Error says, inside the tunnel too, where a proxy that inspects TLS answers in
    place of the server; None for a word that has no row.
    """
    from ...codes import http, network

    name, _, number = hint.partition(" ")
    row = http.SQUID.get(name)
    if row is None:
        return None
    system = network.of_number(int(number) if re.fullmatch("[0-9]{1,3}", number) else 0)
    why = f": {system.cause}" if system else ""
    failure = Failure.of(row, f"HTTP {status}", hint, proxy=proxy, target=target)
    return failure._replace(cause=failure.cause + why)


def no_http(proxy: Proxy, error: Exception) -> Failure:
    """What answers CONNECT does not speak HTTP, or says nothing to the end."""
    if isinstance(error, Disconnected):
        # So do proxies that cannot reach the host, and those that do not want this client.
        when = "without an answer to" if error.silent else "within its answer to"
        cause = f"proxy {proxy} closes the connection {when} CONNECT"
        remedy = "see the proxy's own log; if it is spoken to by TLS, name it as https://"
        return Failure("proxy", cause, remedy)
    line = f": {error.line}" if isinstance(error, HeadError) and error.line else ""
    cause = f"proxy {proxy} answers CONNECT with no HTTP"
    return Failure("proxy", cause, _NO_PROXY, detail=f"{error}{line}")


def interrupted(proxy: Proxy, scheme: str) -> Failure:
    """The connection was closed between two legs of a logon."""
    return Failure(
        "proxy",
        f"proxy {proxy} closes the connection in the middle of the {scheme} logon",
        f"{scheme} needs one kept connection; check the proxy, or a load balancer before it",
    )


def broken(proxy: Proxy, error: OSError) -> Failure:
    """The connection broke, or nothing came, before CONNECT was answered."""
    # Not TimeoutError: on Python 3.9 that is another.
    if isinstance(error, socket.timeout):
        cause = f"proxy {proxy} does not answer CONNECT"
        return Failure("proxy", cause, "check the proxy; it may be overloaded")
    from ...codes import network

    cause = f"proxy {proxy} breaks the connection during CONNECT"
    if isinstance(error, ssl.SSLError):
        found = tls.broken(error, f"proxy {proxy}")
        return found._replace(kind="proxy", transient=False)
    row = network.system(error)
    code, detail = (row.code, row.cause) if row else ("", str(error))
    return Failure("proxy", cause, _NO_PROXY, code, detail)
