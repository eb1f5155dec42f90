"""TLS: connections within connections, what a failed handshake means, and who inspects.

A proxy that inspects TLS shows certificates of its own. It is told from a broken server by their
issuer, which is read in a second handshake when the first one fails, and nothing secret is sent
after it: a request for nothing, because its answer tells what time it is there.
"""

from __future__ import annotations

import re
import ssl
import time

from ..base.clouds import is_microsofts
from ..base.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, Union

    from urllib3.util.ssltransport import SSLTransport

    from ..codes import Advice

    #: A TLS connection: over TCP, or over another TLS connection.
    Secured = Union[ssl.SSLSocket, SSLTransport]

#: Authorities that issue the certificates of Microsoft's hosts, as far as words of their names go.
_ISSUERS = ("microsoft", "digicert")

#: What of an issuer's name is told, in the words of `SSLSocket.getpeercert`.
_NAMES = ("commonName", "organizationName")

#: Bytes of an answer that are read for its Date.
_MOST_HEAD = 16384

#: OpenSSL's verification errors that say that the issuer is not trusted (x509_vfy.h).
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)

#: Those that say that a certificate is not yet valid, or has expired.
_DATES = (9, 10)


def wrap(sock: socket.socket, settings: ssl.SSLContext, host: str) -> Secured:
    """TLS with `host` over a connection, which may itself be TLS with a proxy.

    Raises OSError, ValueError.
    """
    if isinstance(sock, ssl.SSLSocket):
        from urllib3.util.ssltransport import SSLTransport

        return SSLTransport(sock, settings, host)
    return settings.wrap_socket(sock, server_hostname=host)


def shown(sock: socket.socket, host: str, patience: float) -> tuple[bytes, str]:
    """The certificate (DER) that the other side shows, whatever it is worth, and its Date, empty
    where it tells none within so many seconds.

    Nothing that is a secret is sent to it. Raises OSError, ValueError.
    """
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    secured = wrap(sock, blind, host)
    try:
        return secured.getpeercert(True) or b"", _date(secured, host, patience)
    finally:
        secured.close()


def _date(secured: Secured, host: str, patience: float) -> str:
    """The Date of an answer to a request for nothing; empty where none comes."""
    until, head = time.monotonic() + patience, b""
    try:
        secured.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while b"\r\n\r\n" not in head and len(head) < _MOST_HEAD:
            secured.settimeout(max(0.01, until - time.monotonic()))
            more: Any = secured.recv(4096)
            if not more or time.monotonic() > until:
                break
            head += more
    except (OSError, ValueError):
        return ""
    found = re.search(rb"(?i)\r\ndate:[ \t]*([ -~]{1,64}?)[ \t]*\r\n", head)
    return found[1].decode() if found else ""


def worth_a_look(error: Exception) -> bool:
    """Whether a handshake failed because of the certificate's issuer, or its dates."""
    return isinstance(error, ssl.SSLCertVerificationError) and (
        error.verify_code in (*_UNKNOWN_ISSUER, *_DATES)
    )


def unknown_issuer(error: Exception) -> bool:
    """Whether a handshake failed because nobody here trusts the certificate's issuer."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _UNKNOWN_ISSUER


def told_by_issuer(failed: Failure, certificate: bytes, host: str) -> Failure:
    """The failure with the issuer of the certificate that was shown; as it is where none was."""
    issuer = _issuer(certificate)
    if issuer is None:
        return failed
    if _is_microsofts(host) and not _known(issuer):
        return failed._replace(
            cause=f"a proxy or firewall inspects TLS to {host}: certificate issued by {issuer}",
            remedy="give that authority by --ca-file, or exempt the host from inspection",
            detail=failed.cause,
        )
    return failed._replace(
        cause=f"certificate of {host} is not trusted here: issued by {issuer}",
        detail=failed.cause,
    )


def inspector(secured: Secured, host: str) -> str | None:
    """Who inspects TLS to a host of Microsoft's, though trusted; None where nobody does."""
    if not _is_microsofts(host):
        return None
    try:
        certificate: Any = secured.getpeercert() or {}
        issuer = _verified_issuer(certificate)
    except (OSError, ValueError):
        # OpenSSL has verified it; what it cannot put into words says nothing about who issued it.
        return None
    return f"{host} by {issuer}" if issuer is not None and not _known(issuer) else None


def _verified_issuer(certificate: dict[str, Any]) -> str | None:
    """The same of a certificate that OpenSSL has verified, which needs no library to read it."""
    pairs = [pair for name in certificate.get("issuer", ()) for pair in name]
    return _named([text for wanted in _NAMES for kind, text in pairs if kind == wanted])


def _is_microsofts(host: str) -> bool:
    # Other authorities are usual in China.
    return is_microsofts(host) and not host.rstrip(".").lower().endswith(".cn")


def _known(issuer: str) -> bool:
    return any(word in issuer.lower() for word in _ISSUERS)


def _issuer(certificate: bytes) -> str | None:
    """Common name and organization of a certificate's issuer; None for what cannot be read."""
    try:
        from cryptography import x509
    except ImportError:
        # A run that needs it for nothing else, from the zipapp, goes on without the name.
        return None
    try:
        name = x509.load_der_x509_certificate(certificate).issuer
        found = [
            str(attribute.value)
            for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME)
            for attribute in name.get_attributes_for_oid(oid)
        ]
    except ValueError:
        return None
    return _named(found)


def _named(found: list[str]) -> str | None:
    """Names of an issuer in words; None where there are none."""
    return " of ".join(dict.fromkeys(found))[:80] or None


def failure(error: OSError | ValueError, host: str, port: int, via: str) -> Failure:
    """What became of a handshake; `via` is the way, in words (codes.tls)."""
    from ..codes import network, tls

    where = f"{host} port {port}{via}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _refused(error, tls.VERIFY.get(error.verify_code), host, via)
    cut = tls.HANDSHAKE["UNEXPECTED_EOF_WHILE_READING"]
    if not isinstance(error, ssl.SSLError):
        broken = f"{where} breaks off the TLS handshake"
        if not isinstance(error, OSError):
            return Failure("tls", broken, cut.remedy, type(error).__name__, str(error))
        why = network.reason(error)
        return Failure("tls", f"{broken}: {why.words}", cut.remedy, why.code)
    ended = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    row = cut if ended else tls.HANDSHAKE.get(error.reason or "")
    if row is not None:
        return Failure.of(row, host=where)
    code = error.reason or ""
    reason = code.replace("_", " ").lower() or "no reason given"
    return Failure("tls", f"TLS handshake with {where} failed: {reason}", cut.remedy, code)


def broken(error: ssl.SSLError, host: str) -> Failure:
    """What became of a connection after its handshake. With TLS 1.3 a server says only then that it
    wants a certificate of the client (RFC 8446 4.4.2.4).

    The number of such an error is OpenSSL's, not the system's.
    """
    from ..codes import tls

    code = error.reason or ""
    row = tls.HANDSHAKE.get(code)
    if code == "RECORD_LAYER_FAILURE":
        # From OpenSSL 3.5 on that is all it says of a record that does not hold.
        row = tls.HANDSHAKE["DECRYPTION_FAILED_OR_BAD_RECORD_MAC"]._replace(code=code)
    if row is None or code == "UNEXPECTED_EOF_WHILE_READING":
        ended = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
        reason = code.replace("_", " ").lower() or "no reason given"
        cause = f"TLS connection with {host} " + ("broken off" if ended else f"failed: {reason}")
        remedy = tls.HANDSHAKE["UNEXPECTED_EOF_WHILE_READING"].remedy
        return Failure("tls", cause, remedy, "" if ended else code, transient=ended)
    return Failure.of(row, host=host)


def _refused(
    error: ssl.SSLCertVerificationError, row: Advice | None, host: str, via: str
) -> Failure:
    """A certificate that OpenSSL does not accept; in its own words where no row has them."""
    cause, code = f"certificate of {host} refused{via}", f"verify error {error.verify_code}"
    if row is None:
        remedy = "run openssl s_client -connect HOST:PORT; it shows the certificate"
        return Failure("tls", cause, remedy, code, error.verify_message)
    return Failure.of(row._replace(cause=f"{cause}: {row.cause}"), code)
