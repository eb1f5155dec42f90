"""The monitor's own key and certificate, and certificates as Graph lists them."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..base.credentials import CertificateFiles
from ..base.errors import UsageError
from ..base.reading import pem
from ..signin import certificate

if TYPE_CHECKING:
    from typing import Any

    from ..signin.certificate import ClientCertificate

#: Days of a month on the average, so that twelve are a year.
_MONTH = 365 / 12

_SHA1_BYTES = 20


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


def prove(client: ClientCertificate, path: str) -> None:
    """Sign something with the private key, and verify it by the certificate. Raises UsageError."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(client.private_key.encode("ascii"), None)
    public = x509.load_pem_x509_certificate(client.certificate.encode("ascii")).public_key()
    if not (isinstance(key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey)):
        raise UsageError(f"--certificate: {path} holds no RSA key")
    said = b"the key is this certificate's"
    try:
        public.verify(key.sign(said, PKCS1v15(), SHA256()), said, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise UsageError(
            f"--certificate: the private key in {path} does not belong to its certificate"
        ) from None


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
    if listed.get("key"):
        return str(listed["key"]) == key
    sha1 = _sha1(key)
    return bool(sha1) and thumbprint(listed) == sha1


def thumbprint(listed: dict[str, Any]) -> str:
    """SHA-1 of a keyCredential in hex, as the portal shows it; empty where Graph shows none.

    >>> thumbprint({"customKeyIdentifier": "AAECAwQFBgcICQoLDA0ODxAREhM="})
    '000102030405060708090A0B0C0D0E0F10111213'
    """
    if listed.get("key"):
        return _sha1(str(listed["key"]))
    identifier = listed.get("customKeyIdentifier")
    if not isinstance(identifier, str) or not identifier.isascii():
        return ""
    if re.fullmatch("[0-9A-Fa-f]{40}", identifier):
        return identifier.upper()
    try:
        raw = base64.b64decode(identifier, validate=True)
    except ValueError:
        return ""
    return raw.hex().upper() if len(raw) == _SHA1_BYTES else ""


def _sha1(key: str) -> str:
    """SHA-1 of a certificate in base64 DER; empty for what is no base64."""
    import hashlib

    try:
        # A SHA-1 thumbprint is a name here, not a protection.
        digest = hashlib.new("sha1", base64.b64decode(key), usedforsecurity=False)
    except ValueError:
        return ""
    return digest.hexdigest().upper()
