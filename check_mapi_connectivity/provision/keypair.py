"""The monitor's own key and certificate, and certificates as Graph lists them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from .. import certificate, pem
from ..options import CertificateFiles

if TYPE_CHECKING:
    from typing import Any

    from ..certificate import ClientCertificate

#: Days of a month on the average, so that twelve are a year.
_MONTH = 365 / 12


def make(subject: str, months: int) -> bytes:
    """A fresh RSA key and a self-signed certificate in one PEM, valid from a quarter of an hour ago
    (another host's clock may be behind), for so many months.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=15))
        .not_valid_after(now + timedelta(days=round(months * _MONTH)))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM) + private


def load(path: str, data: bytes) -> ClientCertificate:
    """A PEM with certificate and key. Raises UsageError."""
    return certificate.load(CertificateFiles(path, data))


def der(data: str) -> str:
    """The first certificate of a PEM in base64 DER, as Graph takes it; empty for none.

    >>> der("-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n")
    'MAA='
    """
    found = pem.read(data.encode("utf-8")).certificates
    return base64.b64encode(found[0]).decode("ascii") if found else ""


def credential(key: str, subject: str) -> dict[str, str]:
    """A certificate as a keyCredential of Graph (reference sheet exchange-online 8.2 step 3)."""
    return {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": key,
        "displayName": f"CN={subject}",
    }


def same(listed: dict[str, Any], key: str) -> bool:
    """Whether a keyCredential is this certificate: by the certificate itself, else by its SHA-1,
    which Graph shows in hex or in base64.
    """
    import hashlib

    if listed.get("key"):
        return str(listed["key"]) == key
    identifier = listed.get("customKeyIdentifier")
    try:
        # A SHA-1 thumbprint is a name here, not a protection.
        digest = hashlib.new("sha1", base64.b64decode(key), usedforsecurity=False)
    except ValueError:
        return False
    shapes = (digest.hexdigest().upper(), base64.b64encode(digest.digest()).decode("ascii"))
    return isinstance(identifier, str) and (identifier.upper() == shapes[0] or identifier in shapes)
