"""Keys, certificates and the ini file of the practice tenant: one section for each way in."""

from __future__ import annotations

import datetime
import os
import secrets
import ssl
import time
import uuid
from pathlib import Path

import jwt
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from .directory import CLIENT_IDS, DOMAIN, FEDERATED, MANY, TENANT_ID, TENANT_NAME
from .plugin_ini import plugin_ini

PASSPHRASE = "correct horse"
SERVER_NAMES = (
    "localhost",
    "127.0.0.1",
    "::1",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "outlook.office365.com",
    "outlook.office365.us",
    "graph.microsoft.com",
    "graph.microsoft.us",
    "autodiscover-s.outlook.com",
    "mail.contoso.test",
)

__all__ = ["CLIENT_IDS", "DOMAIN", "PASSPHRASE", "TENANT_ID", "TENANT_NAME", "Material"]


def make_certificate(name, start_days=-1, end_days=365, key=None):
    """A self-signed client certificate and its key."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=start_days))
        .not_valid_after(now + datetime.timedelta(days=end_days))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def small_key():
    """An RSA key for what only reads keys: the usual size takes a sixth of a second to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def pem_key(key, passphrase=None):
    """PKCS #8 PEM."""
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def pem(certificate):
    """The certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def pfx(key, certificate, passphrase=None):
    """A PFX file's bytes."""
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"probe", key, certificate, None, locked)


def private_file(path, data):
    """Write a file that only its owner can read."""
    path.write_bytes(data)
    os.chmod(path, 0o600)
    return path


class Material:
    """Everything on disk that a client of the practice tenant needs."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.authority = trustme.CA()
        self.ca_file = self.directory / "ca.pem"
        self.ca_file.write_bytes(self.authority.cert_pem.bytes())
        self.server = self.authority.issue_cert(*SERVER_NAMES)
        self.key, self.certificate = make_certificate("check_mapi_connectivity probe")
        #: Of every mailbox user; a colon and what forms escape are part of it.
        self.password = f"Pw:{secrets.token_urlsafe(12)}%2B+&"
        #: Of every app registration that has one.
        self.secret = f"{secrets.token_urlsafe(20)}~._%25&+="
        #: Of the foreign issuer that the app registration trusts.
        self.federated_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._write_client_files()

    def _write_client_files(self):
        there = self.directory
        locked = pem_key(self.key, PASSPHRASE)
        private_file(there / "probe.pem", pem(self.certificate) + pem_key(self.key))
        private_file(there / "probe.crt", pem(self.certificate))
        private_file(there / "probe.key", pem_key(self.key))
        private_file(there / "probe-locked.pem", locked + pem(self.certificate))
        private_file(there / "probe.pfx", pfx(self.key, self.certificate))
        private_file(there / "probe-locked.pfx", pfx(self.key, self.certificate, PASSPHRASE))
        private_file(there / "passphrase", PASSPHRASE.encode() + b"\n")
        private_file(there / "password", self.password.encode() + b"\n")
        private_file(there / "secret", self.secret.encode() + b"\n")
        private_file(there / "federated-token", self.federated_token().encode() + b"\n")
        addresses = [f"{name}@{DOMAIN}\n" for name in MANY]
        addresses[100:100] = ["\n"]
        (there / "mailboxes").write_text("# One address a line.\n" + "".join(addresses))

    def federated_token(self, key=None, **claims):
        """A token of the foreign issuer; `claims` replace or, with None, remove what the app
        registration trusts, `key` signs instead of the issuer's.
        """
        now = int(time.time())
        usual = {
            **FEDERATED,
            "iat": now,
            "nbf": now,
            "exp": now + 7 * 86400,
            "jti": uuid.uuid4().hex,
        }
        told = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        key = pem_key(key or self.federated_key)
        return jwt.encode(told, key, algorithm="RS256", headers={"kid": "practice"})

    @property
    def server_der(self):
        """The server's certificate, as channel bindings want it."""
        return ssl.PEM_cert_to_DER_cert(self.server.cert_chain_pems[0].bytes().decode())

    def extra_certificate(self, name, **validity):
        """A certificate of another kind as a PEM file: expired, not yet valid, unknown to the
        tenant.
        """
        key, certificate = make_certificate(name, **validity)
        return private_file(self.directory / f"{name}.pem", pem(certificate) + pem_key(key))

    def elliptic_certificate(self):
        """A certificate whose key is none that Entra takes."""
        key, certificate = make_certificate("elliptic", key=ec.generate_private_key(ec.SECP256R1()))
        return private_file(self.directory / "elliptic.pem", pem(certificate) + pem_key(key))

    def write_ini(self, *urls):
        """`plugin.ini` with one section for each way in; `urls` are what `plugin_ini` wants."""
        there = self.directory.resolve()
        return private_file(there / "plugin.ini", plugin_ini(there, PASSPHRASE, *urls).encode())
