"""The client certificate: what its files hold, when it ends, and the form that msal wants.

cryptography is imported by `load` alone: with a cached token the facts come from the cache and
nothing here needs it.
"""

from __future__ import annotations

import hashlib
import time

from ..base.credentials import CertificateFacts
from ..base.errors import UsageError
from ..base.reading import pem
from ..base.value import NamedTuple
from ..base.vocabulary import PLUGIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from ..base.credentials import CertificateFiles, Secret
    from ..base.failure import Failure

#: Private keys of one file that are opened; each takes time.
_MOST_KEYS = 16


class ClientCertificate(NamedTuple):
    """Facts, the key, which takes long to read and is read once, and the certificate as PEM."""

    facts: CertificateFacts
    key: RSAPrivateKey
    certificate: str

    @property
    def private_key(self) -> str:
        """The key as PEM text."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        plain = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return plain.decode("ascii")

    def __repr__(self) -> str:
        return f"ClientCertificate({self.facts!r})"


def fingerprint(files: CertificateFiles) -> str:
    """Names exactly this credential in the cache: any change of file or passphrase changes it."""
    digest = hashlib.sha256()
    passphrase = files.passphrase.reveal().encode() if files.passphrase else b""
    for part in (files.data, files.key_data or b"", passphrase):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def unfit(facts: CertificateFacts, now: float) -> str:
    """Why a certificate cannot be used at `now`; empty where it can."""
    if now >= facts.not_after:
        return f"certificate {facts.path} expired on {_date(facts.not_after)}"
    if now < facts.not_before:
        return f"certificate {facts.path} is not valid before {_date(facts.not_before)}"
    return ""


def check_dates(facts: CertificateFacts, now: float) -> None:
    """Refuse a certificate that is not valid at `now`.

    Raises UsageError with file, subject and both thumbprints.
    """
    reason = unfit(facts, now)
    if reason:
        remedy = "renew it" if now >= facts.not_after else "check this host's clock"
        raise UsageError(f"{reason}; {remedy}", *facts.describe())


def refusal(facts: CertificateFacts, now: float, tenant: str) -> Failure | None:
    """The failure of a run whose certificate is not valid at `now` (contract 7.1)."""
    from ..base.failure import Failure

    reason = unfit(facts, now)
    if not reason:
        return None
    command = f"{PLUGIN}_setup --tenant {tenant} --renew"
    remedy = f"renew it; run {command}"
    if now < facts.not_before:
        remedy = f"check this host's clock; if it is right, renew it: run {command}"
    return Failure("credential", reason, remedy)


def load(files: CertificateFiles, now: float | None = None) -> ClientCertificate:
    """The certificate to use, with its key: of several pairs the one that is valid at `now` and
    ends last.

    Raises UsageError, naming file and remedy.
    """
    return candidates(files, time.time() if now is None else now)[0]


def candidates(files: CertificateFiles, now: float) -> list[ClientCertificate]:
    """Every certificate of the files whose key is there: those that are valid at `now` first, the
    one that ends last in front of them, then those that will be, then those that were.

    Raises UsageError where there is none, naming file and remedy.
    """
    if files.passphrase is not None and "\0" in files.passphrase.reveal():
        raise UsageError("the certificate's passphrase holds a NUL character")
    contents = pem.read(files.data)
    if contents.pfx and not contents.certificates:
        found = _pfx(files, contents.pfx)
    else:
        found = _pem(files, contents)
    made: dict[str, ClientCertificate] = {}
    for key in found.rsa_keys():
        for one in found.certificates:
            if _numbers(one) == key.public_key().public_numbers():
                pair = _paired(files.path, one, key)
                if pair is not None:
                    made.setdefault(pair.facts.sha256, pair)
    if not made:
        raise UsageError(found.why_none(files.path))
    return sorted(made.values(), key=lambda pair: _rank(pair.facts, now))


def _rank(facts: CertificateFacts, now: float) -> tuple[int, float]:
    if now >= facts.not_after:
        return 2, -facts.not_after
    return (1, facts.not_before) if now < facts.not_before else (0, -facts.not_after)


def _paired(path: str, one: Certificate, key: RSAPrivateKey) -> ClientCertificate | None:
    """A certificate and its key; None where the certificate is damaged."""
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        facts = _facts(path, one)
    except ValueError:
        return None
    return ClientCertificate(facts, key, one.public_bytes(Encoding.PEM).decode("ascii"))


class _Found(NamedTuple):
    """Keys, the file that they were in, and certificates; what is wrong with further keys, and
    whether a certificate is damaged.
    """

    keys: list[Any]
    key_path: str
    certificates: list[Certificate]
    problems: list[str]
    damaged: bool = False

    def rsa_keys(self) -> list[RSAPrivateKey]:
        """The keys that Entra takes."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return [key for key in self.keys if isinstance(key, RSAPrivateKey)]

    def why_none(self, path: str) -> str:
        """What keeps every key from every certificate."""
        if self.problems:
            return self.problems[0]
        if not self.rsa_keys():
            return f"--certificate: the key in {self.key_path} is no RSA key; Entra takes RSA only"
        if self.damaged or any(_facts_damaged(one) for one in self.certificates):
            return f"--certificate: the certificate in {path} is damaged"
        return (
            f"--certificate: the key in {self.key_path} does not belong to the certificate in "
            f"{path}"
        )


def _facts_damaged(one: Certificate) -> bool:
    try:
        return not _facts("", one).sha1
    except ValueError:
        return True


def _pem(files: CertificateFiles, contents: pem.Contents) -> _Found:
    """Keys and certificates of PEM, or of DER beside a key file. Raises UsageError."""
    from cryptography import x509

    if not contents.certificates and (contents.der or not files.data):
        raise UsageError(_unread(files.path, contents))
    if not contents.certificates:
        raise UsageError(f"--certificate: {files.path} holds no certificate")
    certificates = []
    for der in contents.certificates:
        try:
            certificates.append(x509.load_der_x509_certificate(der))
        except (ValueError, x509.InvalidVersion):
            # A chain may hold what is none of ours.
            continue
    path, source = files.path, contents
    if files.key_path is not None and files.key_data is not None:
        path, source = files.key_path, pem.read(files.key_data)
    keys, problems = _keys(path, source, files.passphrase)
    damaged = len(certificates) < len(contents.certificates)
    return _Found(keys, path, certificates, problems, damaged)


def _unread(path: str, contents: pem.Contents) -> str:
    """Why nothing can be read in a file."""
    if pem.is_java(contents.der):
        return (
            f"--certificate: {path} is a Java keystore (JKS); make it PFX: keytool "
            "-importkeystore -deststoretype pkcs12"
        )
    return f"--certificate: {path} is neither PEM nor PFX"


def _keys(
    path: str, contents: pem.Contents, passphrase: Secret | None
) -> tuple[list[Any], list[str]]:
    """The keys that open, and what is wrong with the others. Raises UsageError for no key."""
    blocks = contents.keys
    if contents.pfx:
        # A key as DER has no name that tells whether it is encrypted.
        blocks.append(pem.Block("", (), contents.pfx))
    if not blocks:
        raise UsageError(f"--certificate-key: {path} holds no private key; name the file that does")
    keys, problems = [], []
    for block in list(dict.fromkeys(blocks))[:_MOST_KEYS]:
        key = _opened(block, passphrase)
        if key is not None:
            keys.append(key)
        elif block.encrypted and passphrase is None:
            problems.append(
                f"the private key in {path} is encrypted; give --certificate-passphrase-file"
            )
        elif block.encrypted:
            problems.append(f"the private key in {path} does not open with the passphrase given")
        else:
            problems.append(f"the private key in {path} is damaged or of a kind unknown here")
    return keys, problems


def _opened(block: pem.Block, passphrase: Secret | None) -> Any:
    """The key in a block; None where it does not open.

    What its DER is decides, and not its name: Go and .NET put PKCS #8 between the marks of PKCS #1,
    and encrypted keys between those of plain ones.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    load: Any = serialization.load_der_private_key
    data = block.der
    if block.headers:
        load, data = serialization.load_pem_private_key, block.text()
    elif block.of_openssh:
        load, data = serialization.load_ssh_private_key, block.text()
    word = passphrase.reveal().encode() if passphrase else None
    for tried in dict.fromkeys((word, None)):
        try:
            return load(data, tried)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return None


def _pfx(files: CertificateFiles, data: bytes) -> _Found:
    """Keys and certificates of a PFX (PKCS #12) file. Raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm

    from . import pkcs12

    if files.key_path is not None:
        text = f"--certificate-key goes with a PEM certificate; {files.path} is none"
        raise UsageError(text)
    # A passphrase that is given for nothing, in the environment say, spoils nothing.
    tries = [files.passphrase.reveal().encode(), None] if files.passphrase else [None]
    for passphrase in tries:
        try:
            keys, certificates = pkcs12.load(data, passphrase)
            break
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    else:
        hint = "the passphrase is wrong"
        if files.passphrase is None:
            hint = "if it has a passphrase, give --certificate-passphrase-file"
        raise UsageError(
            f"--certificate: {files.path} does not open as PFX: {hint}, or the file is damaged"
        )
    if not keys:
        text = f"--certificate: the PFX {files.path} holds no private key; export it with its key"
        raise UsageError(text)
    if not certificates:
        raise UsageError(f"--certificate: the PFX {files.path} holds no certificate, only a key")
    return _Found(keys, files.path, certificates, [])


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
