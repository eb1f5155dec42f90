"""What an HTTP status means from each side that answers -> kind, cause and remedy.

`{service}`, `{host}`, `{option}`, `{proxy}`, `{target}` and `{user}` are filled in by the message.
"""

from __future__ import annotations

import http

from . import Advice, numbered, table


def _statuses(text: str) -> dict[int, Advice]:
    """The rows of a text whose codes are statuses; named as RFC 9110 names them."""
    return {
        status: row._replace(name=_phrase(status))
        for status, row in numbered(text, "HTTP {code}").items()
    }


def _phrase(status: int) -> str:
    return http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""


#: From every service: sign-in, admin interface, Graph, Autodiscover, MAPI over HTTP.
SERVICES = _statuses("""
[protocol] check the proxy; it may show a logon page, or {option} names a wrong host
301: {service} redirects to another address
302
303
307
308

[throttled, again] run the checks less often; spread them over time
429: {service} throttles this check

[server] {health}
500: {service} reports an internal error
502: {service} answers with Bad Gateway

[server, again] if it lasts, {health}
503: {service} is unavailable
504: {service} answers with Gateway Timeout
408: {service} answers with Request Timeout

[connect] log this host on to that network, or have it exempted there
511: a network on the way to {service} wants a logon (captive portal)
""")

#: From Exchange Online's admin interface (reference sheet exchange-online 1.5, 1.7).
ADMIN = _statuses("""
[permission] grant Exchange.ManageAsApp; of Office 365 Exchange Online, with admin consent
401: Exchange Online refuses the token

[permission] add the {user} to a role group; its role must hold the cmdlet
403: this identity may not run Test-MAPIConnectivity

[protocol] check the proxy; it or a firewall may have answered instead
404: {host} answers, but not as Exchange Online
405
""")

#: From Graph, where it names no code of its own (exchange-online 3.3); what 401 and 403 mean is
#: told by the token.
GRAPH = _statuses("""
[mailbox] check the address and its licence
404: Graph does not find this mailbox
410
""")

#: From Autodiscover and MAPI over HTTP (reference sheet mapi-http 2.8 at its end, 8).
MAPI = _statuses("""
[logon] check its password; the account may be locked
401: {host} refuses {user}

[permission] check the reverse proxy; it may allow some addresses only; else the user's rights
403: {host} denies access to {user}

[protocol] check the host name; Get-MapiVirtualDirectory shows its addresses
404: {host} has no {service}

[logon] exclude this user from the policy; nobody can answer it unattended
456: MFA is demanded of {user}
""")

#: From a proxy to CONNECT.
PROXY = _statuses("""
[proxy] allow {target} on the proxy
401: proxy {proxy} refuses to connect to {target}
403
451

[proxy] check --proxy-user, --proxy-domain and the password
407: proxy {proxy} refuses the logon, or wants one

[proxy] check address and port of the proxy; if it is one, see its own log
400: {proxy} is most likely no proxy, it refuses CONNECT to {target}
404
405
501

[proxy] have this host exempted; it cannot use a logon page; -v names the page
301: proxy {proxy} sends this host to a web page
302
303
307
308

[proxy] ask the owner of the proxy for the right one
305: proxy {proxy} wants another proxy for {target}

[proxy] log this host on to that network, or have it exempted there
511: a network on the way to proxy {proxy} wants a logon (captive portal)

[proxy] spread the checks, or raise the proxy's limit for this host
429: proxy {proxy} throttles this host

[proxy] see the proxy's own log
500: proxy {proxy} reports an internal error on the way to {target}

[proxy] see the proxy's own log; check its way to the Internet
502: proxy {proxy} cannot reach {target}
503
504
""")

#: For a proxy's status without a row, which makes no claim.
PROXY_OTHER = Advice(
    "proxy", "proxy {proxy} does not connect to {target}", "see the proxy's own log"
)

#: Name in a proxy's X-Squid-Error -> advice, those of Squid's error/forward.h that a CONNECT meets.
SQUID = table("""
[proxy] allow {target} on the proxy
ERR_ACCESS_DENIED: proxy {proxy} refuses to connect to {target}
ERR_FORWARDING_DENIED
ERR_NO_RELAY

[proxy] check --proxy-user, --proxy-domain and the password
ERR_CACHE_ACCESS_DENIED: proxy {proxy} refuses the logon, or wants one
ERR_CACHE_MGR_ACCESS_DENIED

[proxy] check the proxy's name servers, and the spelling of the host
ERR_DNS_FAIL: proxy {proxy} cannot resolve the name in {target}

[proxy] see the proxy's own log; check its way to the Internet
ERR_CANNOT_FORWARD: proxy {proxy} cannot reach {target}
ERR_CONNECT_FAIL
ERR_GATEWAY_FAILURE
ERR_SOCKET_FAILURE
ERR_READ_TIMEOUT: proxy {proxy} gets no answer from {target}
ERR_LIFETIME_EXP
ERR_READ_ERROR: proxy {proxy} loses the connection to {target}
ERR_WRITE_ERROR
ERR_ZERO_SIZE_OBJECT

[proxy] see the proxy's own log; it inspects TLS and cannot verify the host
ERR_SECURE_CONNECT_FAIL: proxy {proxy} cannot make a TLS connection to {target}

[proxy] see the proxy's own log; {target} may be misspelt
ERR_INVALID_REQ: proxy {proxy} does not understand the request to connect to {target}
ERR_INVALID_URL
ERR_UNSUP_REQ
ERR_UNSUP_HTTPVERSION
ERR_PROTOCOL_UNKNOWN
ERR_CONFLICT_HOST: proxy {proxy} finds that name and address of {target} do not fit
ERR_INVALID_RESP: proxy {proxy} gets no HTTP from {target}
ERR_TOO_BIG: proxy {proxy} finds the request to connect to {target} too big

[proxy] check the content filter of the proxy (ICAP or eCAP)
ERR_ICAP_FAILURE: proxy {proxy} cannot ask its content filter

[proxy] wait for the proxy to come back
ERR_SHUTTING_DOWN: proxy {proxy} is shutting down
""")
