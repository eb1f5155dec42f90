"""What the squids of the lab are configured with, and the network around them: kinds of ports,
squid.conf, hosts, certificates, a relay to the origin, a name server that knows no name.

Source: reference sheet proxy 1 (the lab) and squid.conf.documented of squid 5.7.
"""

from __future__ import annotations

import contextlib
import datetime
import glob
import itertools
import os
import select
import socket
import socketserver
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

#: Kind of a port -> what it offers, in this order.
OFFERS = {
    "open": (),
    "basic": ("basic",),
    "ntlm": ("ntlm",),
    "kerberos": ("negotiate",),
    "all": ("negotiate", "ntlm", "basic"),
    "negotiate-ntlm": ("negotiate",),
}
KINDS = tuple(OFFERS)

#: How a kind's ports take connections: CONNECT in the clear, inside TLS (`https_port`), in the clear
#: by a proxy that opens the tunnel's TLS (`ssl-bump`).
WAYS = ("plain", "tls", "inspecting")

#: Names that the proxies resolve to the relay before the tenant.
NAMES = (
    "login.microsoftonline.com",
    "outlook.office365.com",
    "graph.microsoft.com",
    "autodiscover-s.outlook.com",
    "mail.contoso.test",
)

#: What the policy forbids, whoever asks: 403 ERR_ACCESS_DENIED.
BLOCKED = "blocked.contoso.test"
#: Has an address where nobody listens: 503 ERR_CONNECT_FAIL.
DOWN = "down.contoso.test"
#: Has no address.
UNKNOWN = "unknown.contoso.test"

#: Common name of the inspection's authority.
INSPECTOR = "Contoso Web Gateway CA"

HELPERS = "/usr/lib/squid"

#: One line a request; every field is %-quoted, the last are all its headers.
LOG_FORMAT = "%ts.%03tu %>la %>lp %Ss %03>Hs %err_code %rm %#ru %#un %#>h"

BASE = """\
visible_hostname proxy.lab.test
pid_filename {run}/squid.pid
cache_log {run}/cache.log
logformat lab {log_format}
access_log stdio:{run}/access.log lab
coredump_dir {run}
cache deny all
cache_mem 8 MB
memory_cache_shared off
sslproxy_session_cache_size 0
max_filedescriptors 1024
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
udp_incoming_address 127.0.0.1
dns_nameservers {address}
hosts_file {run}/hosts
tls_outgoing_options cafile={run}/origin-ca.pem
"""

#: `-n` asks no DNS: names come from hosts_file, or the lab's name server denies them.
RULES = """\
acl loopback dst -n 127.0.0.0/8 ::1
acl literal dst -n all
acl blocked dstdomain {blocked}
http_access deny literal !loopback
http_access deny blocked
http_access allow all
"""

INSPECTION = """\
sslcrtd_program {helpers}/security_file_certgen -s {run}/certificates -M 4MB
sslcrtd_children 1 startup=1
acl first_step at_step SslBump1
acl inspecting myportname {ports}
ssl_bump splice !inspecting
ssl_bump peek first_step
ssl_bump bump all
http_access deny !CONNECT !inspecting
"""

BASIC = """\
auth_param basic program {helpers}/basic_ncsa_auth {run}/htpasswd
auth_param basic children 2 startup=1 idle=1
auth_param basic realm lab proxy
"""

CHILDREN = "auth_param {scheme} children 4 startup=1 idle=1\n"


def squid_conf(run, address, listeners, programs):
    """squid.conf for a process whose state is in `run`.

    `listeners` are (kind, way, address:port), `programs` the helpers of `ntlm` and `negotiate`.
    """
    used = [kind for kind in KINDS if any(kind == row[0] for row in listeners)]
    names = {kind: f"{{}}.{kind}" for kind in used}
    text = BASE.format(run=run, log_format=LOG_FORMAT, address=address)
    text += "".join(
        f"http{'s' if way == 'tls' else ''}_port {where} name={names[kind].format(way)}"
        f"{EXTRA[way].format(run=run)}\n"
        for kind, way, where in listeners
    )
    offered = {scheme for kind in used for scheme in OFFERS[kind]}
    for scheme, program in programs.items():
        if scheme in offered:
            text += f"auth_param {scheme} program {program}\n" + CHILDREN.format(scheme=scheme)
    if "basic" in offered:
        text += BASIC.format(helpers=HELPERS, run=run)
    inspecting = " ".join(name.format("inspecting") for name in names.values())
    text += INSPECTION.format(helpers=HELPERS, run=run, ports=inspecting)
    if offered:
        text += "acl users proxy_auth REQUIRED\n"
        text += "".join(_access(kind, offered, names[kind]) for kind in used if OFFERS[kind])
    return text + RULES.format(blocked=BLOCKED)


EXTRA = {
    "plain": "",
    "tls": " tls-cert={run}/proxy.crt tls-key={run}/proxy.key",
    "inspecting": " ssl-bump tls-cert={run}/inspector.pem generate-host-certificates=on"
    " dynamic_cert_mem_cache_size=1MB",
}


def _access(kind, offered, name):
    """A kind's ports offer its schemes alone. Credentials of another scheme are refused unseen, as
    if there were none: squid's helpers are the whole process's.
    """
    ports = " ".join(name.format(way) for way in WAYS)
    text = f"acl at_{kind} myportname {ports}\n"
    text += f"auth_schemes {','.join(OFFERS[kind])} at_{kind}\n"
    others = sorted(offered - set(OFFERS[kind]))
    if others:
        text += f"acl not_{kind} req_header Proxy-Authorization -i ^({'|'.join(others)})\n"
        text += f"deny_info 407:ERR_CACHE_ACCESS_DENIED not_{kind}\n"
        text += f"http_access deny at_{kind} not_{kind}\n"
    return text + f"http_access deny at_{kind} !users\n"


def hosts(names, address, nobody):
    """The hosts file: the origin's names, and the one where nobody listens."""
    return f"{address} {' '.join(names)} {BLOCKED}\n{nobody} {DOWN}\n"


def proxy_certificate(authority):
    """Certificate chain and key of a proxy that is spoken to inside TLS."""
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1", "proxy.lab.test")
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes()


def inspection_authority():
    """Certificate and key of the authority of a proxy that opens TLS, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Contoso"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, INSPECTOR),
        ]
    )
    usage = dict.fromkeys(USAGES, False)
    usage.update(key_cert_sign=True, crl_sign=True)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(own, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Served:
    """A server in a thread of its own, for `with`."""

    allow_reuse_address = daemon_threads = True
    block_on_close = False

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Relay(Served, socketserver.ThreadingTCPServer):
    """Port 443 of a loopback address, passed on to another port.

    `openings` are the first bytes that came by each connection: for TLS b"\\x16\\x03...".
    """

    request_queue_size = 128

    def __init__(self, address, origin):
        self.address, self.origin, self.openings = address, origin, []
        super().__init__((address, 443), Passage)


class Passage(socketserver.BaseRequestHandler):
    """One connection, until both sides have ended it or one has broken it."""

    def handle(self):
        with contextlib.suppress(OSError), socket.create_connection(self.server.origin) as origin:
            reading = {self.request: origin, origin: self.request}
            opening = b""
            while reading:
                for source in select.select(list(reading), [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        reading.pop(source).shutdown(socket.SHUT_WR)
                        continue
                    if source is self.request and not opening:
                        opening = data
                        self.server.openings.append(data)
                    reading[source].sendall(data)


class NameServer(Served, socketserver.UDPServer):
    """Answers every question with NXDOMAIN, so that squid need not wait to learn it (RFC 1035)."""

    def __init__(self, address):
        super().__init__((address, 53), Denial)


class Denial(socketserver.BaseRequestHandler):
    """One question, and that it has no answer."""

    def handle(self):
        data, listener = self.request
        with contextlib.suppress(ValueError, OSError):
            question = data[12 : data.index(0, 12) + 5]
            reply = data[:2] + b"\x81\x83\x00\x01" + bytes(6) + question
            listener.sendto(reply, self.client_address)


def addresses():
    """Loopback addresses that another lab on this machine is not likely to have."""
    begin = os.getpid() % 65536
    for number in itertools.chain(range(begin, 65536), range(begin)):
        if number % 256 not in (0, 255):
            yield f"127.3.{number // 256}.{number % 256}"


def reserved(address, port=0):
    """A port that nobody else gets, and that a server can still listen at: two sockets may share
    one as long as only one of them listens (socket(7), SO_REUSEADDR).
    """
    holder = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((address.strip("[]"), port))
    except OSError:
        holder.close()
        raise
    return holder


def ipv6():
    """Whether this machine has ::1."""
    with contextlib.suppress(OSError):
        reserved("::1").close()
        return True
    return False


#: States in /proc/net/tcp (Linux, include/net/tcp_states.h): a client is there, or the server has
#: not noticed yet that it left; somebody listens.
CONNECTED, LISTEN = frozenset(("01", "03", "08")), frozenset(("0A",))


def sockets(ports, states):
    """The local ends at these ports that are in one of these states."""
    found = []
    for name in glob.glob("/proc/net/tcp*"):
        for line in Path(name).read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            if state in states and int(local.rpartition(":")[2], 16) in ports:
                found.append(local)
    return found


def users(directory):
    """The processes that name a directory on their command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = Path(path).read_text(errors="replace")
            if f"{directory}/" in words:
                found.append(words.replace("\0", " "))
    return found
