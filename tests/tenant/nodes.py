"""Nodes: more loopback addresses at which the tenant answers, each with a name and a fault of its own.

Source: reference sheet mapi-http 2.3 and 6 (headers that name a server), exchange-se (Connect's blocks).
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import formatdate

import trustme

from .directory import DOMAIN
from .faults import HANDSHAKE, RAW, STATUSES

#: `certificate`: another name's; `untrusted`: of an authority that nobody knows; `refuse`: nobody
#: listens; `silent` (takes the connection and says nothing), `close` and `plain` instead of the
#: handshake; `quiet`: TLS, and no answer to any request; `logon`: it refuses every user. The others
#: spoil each request.
CERTIFICATES = ("certificate", "untrusted")
NAMES = (*CERTIFICATES, "refuse", "quiet", "logon", *HANDSHAKE, *RAW, *STATUSES)


@dataclass
class Node:
    """One server. `back_end` holds the mailboxes, `skew` is how many seconds its clock is ahead."""

    name: str
    fault: str | None = None
    back_end: str = "EXBE01"
    skew: int = 0
    #: More headers of each answer, as pairs: the cookies of a load balancer.
    headers: tuple = ()
    alpn: tuple = ()
    address: str = ""

    def __post_init__(self):
        if self.fault is not None and self.fault not in NAMES:
            raise KeyError(self.fault)

    @property
    def fqdn(self):
        """Its name in DNS."""
        return f"{self.name}.{DOMAIN}".lower()

    @property
    def request_fault(self):
        """What spoils each request."""
        return None if self.fault in HANDSHAKE else {"quiet": "silent"}.get(self.fault, self.fault)

    def names(self):
        """The headers that name it and its back end."""
        return {
            "X-FEServer": self.name,
            "X-BEServer": self.back_end,
            "X-DiagInfo": self.back_end,
            "X-CalculatedBETarget": f"{self.back_end}.{DOMAIN}".lower(),
        }

    def extra(self, flavour):
        """Headers for each answer; the endpoints of MAPI name the server by themselves."""
        front = [("X-FEServer", self.name)] if flavour == "exchange" else []
        return [*front, *self.headers]

    def date(self):
        """The Date header, by its own clock."""
        return formatdate(time.time() + self.skew, usegmt=True)

    def context(self, material):
        """The TLS context that it serves with."""
        authority = trustme.CA() if self.fault == "untrusted" else material.authority
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = material.server
        if self.fault == "certificate":
            certificate = authority.issue_cert(f"other.{DOMAIN}")
        elif self.fault == "untrusted":
            certificate = authority.issue_cert("127.0.0.1", "localhost", "mail.contoso.test")
        certificate.configure_cert(context)
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))
        return context


class Closed:
    """An address that nobody listens at, kept from others."""

    def __init__(self, address, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((address, port))

    def close(self):
        """Give it back."""
        self._socket.close()
