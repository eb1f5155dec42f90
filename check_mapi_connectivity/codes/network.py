"""What the resolver and the system say of names and connections -> kind, cause and remedy."""

from __future__ import annotations

import errno
import socket
import ssl

from ..base.value import NamedTuple
from . import Advice, table

#: What getaddrinfo says, all of glibc's netdb.h (RFC 3493 6.1).
DNS = table("""
[dns] check the name; its spelling, and the search domains of the resolver
EAI_NONAME: name {host} does not exist

[dns] check the name; it has no A or AAAA record
EAI_NODATA: name {host} has no address

[dns] leave out -4 and -6; or check the addresses of the host
EAI_ADDRFAMILY: name {host} has no address of this IP version
EAI_FAMILY: name {host} cannot be resolved: this host does not know this IP version

[dns] check /etc/resolv.conf; the name servers in it must answer
EAI_AGAIN: name {host} cannot be resolved at the moment: no name server answers
EAI_FAIL: name {host} cannot be resolved: the name server fails

[dns] check the name; a label is empty, too long or odd
EAI_IDN_ENCODE: name {host} cannot be written as a DNS name

[dns] free memory on this host
EAI_MEMORY: name {host} cannot be resolved: no memory is left for it

[dns] check /etc/resolv.conf and /etc/nsswitch.conf; this user must read them
EAI_SYSTEM: name {host} cannot be resolved: the resolver reports a system error

[dns] check /etc/nsswitch.conf; if it lasts, run the check with --record and report it
EAI_BADFLAGS: name {host} cannot be resolved: the resolver refuses the question
EAI_SOCKTYPE
EAI_SERVICE
EAI_OVERFLOW
EAI_INPROGRESS: name {host} cannot be resolved: the resolver gave up halfway
EAI_CANCELED
EAI_NOTCANCELED
EAI_ALLDONE
EAI_INTR
""")

#: Numbers of glibc's for which Python has no name.
_GLIBC = {
    -100: "EAI_INPROGRESS",
    -101: "EAI_CANCELED",
    -102: "EAI_NOTCANCELED",
    -103: "EAI_ALLDONE",
    -104: "EAI_INTR",
    -105: "EAI_IDN_ENCODE",
}

#: For what getaddrinfo says and has no row.
DNS_UNKNOWN = Advice("dns", "name {host} cannot be resolved", "check name resolution on this host")

#: Error of the system -> advice; the cause follows "HOST port N: " (connect(2), ip(7)).
SYSTEM = table("""
[connect, again] check name, port and firewall; the service may be stopped
ECONNREFUSED: connection refused

[connect, again] check firewall and route; a proxy may be needed
ETIMEDOUT: connection timed out
EHOSTUNREACH: no route to host
EHOSTDOWN: host is down
ENETUNREACH: network is unreachable

[connect, again] check the proxy, then the firewall; one of them may cut the connection
ECONNRESET: connection reset by peer
ECONNABORTED: connection aborted
EPIPE: connection closed by the other side
ENOTCONN: connection is gone
ESHUTDOWN
ENETRESET: connection reset by the network
EPROTO: protocol error on the connection
EIO: input or output error

[connect, again] run ip link and ip route; a network interface of this host may be down
ENETDOWN: network of this host is down
ENODEV: network interface of this host is gone
ENONET: this host is on no network

[connect] check this host's firewall, SELinux and systemd; one may forbid it to this user
EACCES: this host forbids the connection
EPERM

[connect] try -4 or -6; this host has no address of the IP version that was chosen
EADDRNOTAVAIL: no address of this host fits
EAFNOSUPPORT: this host does not know this IP version

[connect, again] raise net.ipv4.ip_local_port_range; too many connections are open
EADDRINUSE: no local port is left
EAGAIN

[connect] raise ulimit -n for the monitoring user, or lower --concurrency
EMFILE: too many open files in this check

[connect] raise fs.file-max, or see what keeps so many files open
ENFILE: too many open files on this host

[connect] free memory on this host
ENOBUFS: no memory is left for the connection
ENOMEM
""")


class Reason(NamedTuple):
    """Why a connection failed: the words, the code, the remedy; `transient` as in a row."""

    words: str
    code: str
    remedy: str
    transient: bool


def dns(number: int | None) -> Advice:
    """The row of a number that getaddrinfo gives."""
    # The numbers are the C library's.
    names = {getattr(socket, name, None): name for name in DNS}
    return DNS.get(names.get(number or 0) or _GLIBC.get(number or 0, ""), DNS_UNKNOWN)


def system(error: OSError) -> Advice | None:
    """The row of an error of the system; None where it has none."""
    if isinstance(error, ssl.SSLError):
        # Its number is OpenSSL's.
        return None
    if error.errno is None and isinstance(error, socket.timeout):
        return SYSTEM["ETIMEDOUT"]
    return of_number(error.errno or 0)


def of_number(number: int) -> Advice | None:
    """The row of an errno; None where it has none."""
    return SYSTEM.get(errno.errorcode.get(number, ""))


def reason(error: OSError) -> Reason:
    """Why a connection failed, in our words; in the system's where no row has them."""
    row = system(error)
    if row is not None:
        return Reason(row.cause, row.code, row.remedy, row.transient)
    words = (error.strerror or str(error) or type(error).__name__).lower()
    name = "" if isinstance(error, ssl.SSLError) else errno.errorcode.get(error.errno or 0, "")
    return Reason(words, name, SYSTEM["ECONNREFUSED"].remedy, True)
