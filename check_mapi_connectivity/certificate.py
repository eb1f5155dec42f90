"""The client certificate: what its files hold, when it ends, and the form that msal wants.

cryptography is imported by `load` alone: with a cached token the facts come from the cache and
nothing here needs it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from typing import Any

    from cryptography.x509 import Certificate

    from .options import CertificateFiles

_DAY = 86400.0


@dataclass(frozen=True)
class CertificateFacts:
    """What an administrator compares with the portal.

    Times are seconds since 1970, thumbprints upper-case hex.
    """

    path: str
    subject: str
    not_before: float
    not_after: float
    sha1: str
    sha256: str

    def whole_days(self, now: float) -> float:
        """The same in whole hundredths, rounded down: a limit of 7 days must not be met by
        6.999.
        """
        return math.floor(self.days(now) * 100) / 100

    def days(self, now: float) -> float:
        """Days until the certificate ends, negative when it has."""
        return (self.not_after - now) / _DAY

    def describe(self) -> tuple[str, ...]:
        """Lines with subject and both thumbprints."""
        return (f"subject {self.subject}", f"SHA-1 {self.sha1}", f"SHA-256 {self.sha256}")


@dataclass(frozen=True)
class ClientCertificate:
    """Facts, and the key and certificate as PEM text for msal."""

    facts: CertificateFacts
    private_key: str
    certificate: str

    def __repr__(self) -> str:
        return f"ClientCertificate({self.facts!r})"


def fingerprint(files: CertificateFiles) -> str:
    """Names exactly this credential in the cache: any change of file or passphrase changes it."""
    digest = hashlib.sha256()
    passphrase = files.passphrase.reveal().encode() if files.passphrase else b""
    for part in (files.data, files.key_data or b"", passphrase):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def check_dates(facts: CertificateFacts, now: float) -> None:
    """Refuse a certificate that is not valid at `now`.

    Raises UsageError with file, subject and both thumbprints.
    """
    if now >= facts.not_after:
        text = f"certificate {facts.path} expired on {_date(facts.not_after)}; renew it"
        raise UsageError(text, *facts.describe())
    if now < facts.not_before:
        start = _date(facts.not_before)
        text = f"certificate {facts.path} is not valid before {start}; is this host's clock right?"
        raise UsageError(text, *facts.describe())


def load(files: CertificateFiles) -> ClientCertificate:
    """Certificate and key from PEM or PFX, shown to belong together.

    Raises UsageError, naming file and remedy.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if files.passphrase is not None and "\0" in files.passphrase.reveal():
        raise UsageError("the certificate's passphrase holds a NUL character")
    if b"-----BEGIN" in files.data:
        key, key_path, certificates = _pem(files)
    else:
        key, certificates = _pfx(files)
        key_path = files.path
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(
            f"--certificate: the key in {key_path} is no RSA key; Entra takes RSA only"
        )
    public = key.public_key().public_numbers()
    own = [found for found in certificates if _numbers(found) == public]
    if not own:
        raise UsageError(
            f"--certificate: the key in {key_path} does not belong to the certificate in "
            f"{files.path}"
        )
    try:
        facts = _facts(files.path, own[0])
    except ValueError:
        raise UsageError(f"--certificate: the certificate in {files.path} is damaged") from None
    return ClientCertificate(
        facts,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        own[0].public_bytes(Encoding.PEM).decode("ascii"),
    )


def _pem(files: CertificateFiles) -> tuple[Any, str, list[Certificate]]:
    """Key, the file it was in, and all certificates of the file."""
    import re

    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    blocks = re.findall(
        rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", files.data, re.DOTALL
    )
    if not blocks:
        raise UsageError(f"--certificate: {files.path} holds no certificate")
    try:
        certificates = [x509.load_pem_x509_certificate(block) for block in blocks]
    except (ValueError, x509.InvalidVersion):
        raise UsageError(f"--certificate: the certificate in {files.path} is damaged") from None
    key_path, key_data = files.path, files.data
    if files.key_path is not None and files.key_data is not None:
        key_path, key_data = files.key_path, files.key_data
    match = re.search(
        rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", key_data, re.DOTALL
    )
    if not match:
        raise UsageError(
            f"--certificate-key: {key_path} holds no private key; name the file that does"
        )
    locked = match[1] == b"ENCRYPTED " or b"ENCRYPTED" in match[0].split(b"\n\n")[0]
    if locked and files.passphrase is None:
        raise UsageError(
            f"the private key in {key_path} is encrypted; give --certificate-passphrase-file"
        )
    passphrase = files.passphrase.reveal().encode() if files.passphrase and locked else None
    try:
        return load_pem_private_key(match[0], passphrase), key_path, certificates
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reason = (
            "does not open with the passphrase given"
            if locked
            else "is damaged or of a kind unknown here"
        )
        raise UsageError(f"the private key in {key_path} {reason}") from None


def _pfx(files: CertificateFiles) -> tuple[Any, list[Certificate]]:
    """Key and certificates of a PFX (PKCS #12) file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    if files.key_path is not None:
        text = f"--certificate-key goes with a PEM certificate; {files.path} is none"
        raise UsageError(text)
    # A passphrase that is given for nothing, in the environment say, spoils nothing.
    tries = [files.passphrase.reveal().encode(), None] if files.passphrase else [None]
    for passphrase in tries:
        try:
            key, certificate, others = load_key_and_certificates(files.data, passphrase)
            break
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    else:
        raise UsageError(_unopened(files))
    if key is None:
        text = f"--certificate: the PFX {files.path} holds no private key; export it with its key"
        raise UsageError(text)
    found = [one for one in [certificate, *others] if one is not None]
    if not found:
        raise UsageError(f"--certificate: the PFX {files.path} holds no certificate, only a key")
    return key, found


def _unopened(files: CertificateFiles) -> str:
    """Why a file that is not PEM does not open as PFX either."""
    from cryptography import x509

    if not files.data.startswith(b"\x30"):
        return f"--certificate: {files.path} is neither PEM nor PFX"
    try:
        x509.load_der_x509_certificate(files.data)
    except ValueError:
        hint = "the passphrase is wrong"
        if files.passphrase is None:
            hint = "if it has a passphrase, give --certificate-passphrase-file"
        return f"--certificate: {files.path} does not open as PFX: {hint}, or the file is damaged"
    return (
        f"--certificate: {files.path} is a DER certificate; make it PEM: openssl x509 -inform der"
    )


def _numbers(certificate: Certificate) -> object:
    """The public numbers of an RSA certificate, None for any other."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # A chain may hold certificates with keys that are none of ours.
        return None
    return key.public_numbers() if isinstance(key, RSAPublicKey) else None


def _facts(path: str, certificate: Certificate) -> CertificateFacts:
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    return CertificateFacts(
        path,
        certificate.subject.rfc4514_string() or "(no subject)",
        _seconds(certificate, "not_valid_before"),
        _seconds(certificate, "not_valid_after"),
        certificate.fingerprint(SHA1()).hex().upper(),
        certificate.fingerprint(SHA256()).hex().upper(),
    )


def _seconds(certificate: Certificate, name: str) -> float:
    """A validity date in seconds since 1970; cryptography before 42 knows it as naive UTC only."""
    from datetime import timezone

    aware = getattr(certificate, f"{name}_utc", None)
    moment = aware if aware is not None else getattr(certificate, name).replace(tzinfo=timezone.utc)
    return float(moment.timestamp())


def _date(seconds: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")
