"""Keys, certificates and the ini file of the practice tenant: one section for each way in."""

from __future__ import annotations

import datetime
import os
import secrets
import ssl
from pathlib import Path

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

PASSPHRASE = "correct horse"
DOMAIN = "practice.example"
TENANT_NAME = "practice.onmicrosoft.example"
TENANT_ID = "8a6c7f52-0d0e-4b4e-9b33-6f5d3c1f0a01"

#: Application (client) ids by what they were granted.
CLIENT_IDS = {
    "monitor": "5d1b7a3e-1111-4c0e-8a52-000000000001",
    "no-app-role": "5d1b7a3e-1111-4c0e-8a52-000000000002",
    "no-role-group": "5d1b7a3e-1111-4c0e-8a52-000000000003",
    "user": "5d1b7a3e-1111-4c0e-8a52-000000000004",
}


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
        self.server = self.authority.issue_cert(
            "localhost", "127.0.0.1", "::1", "login.microsoftonline.com", "outlook.office365.com"
        )
        self.key, self.certificate = make_certificate("check_mapi_connectivity probe")
        #: Of every mailbox user; a colon and what forms escape are part of it.
        self.password = f"Pw:{secrets.token_urlsafe(12)}%2B+&"
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

    def write_ini(self, url, mapi_url="", legacy_dn=""):
        """`plugin.ini` with one section for each way in. `mapi_url` and `legacy_dn` are those of the
        healthy mailbox.
        """
        there = self.directory.resolve()
        common = {
            "tenant": TENANT_NAME,
            "authority-url": url,
            "exchange-url": url,
            "ca-file": there / "ca.pem",
            "cache-dir": there / "cache",
            "client-id": CLIENT_IDS["monitor"],
            "mailbox": f"healthy@{DOMAIN}",
        }
        ways = {
            "cmdlet": {"certificate": there / "probe.pem"},
            "cmdlet-key": {
                "certificate": there / "probe.crt",
                "certificate-key": there / "probe.key",
            },
            "cmdlet-locked": {
                "certificate": there / "probe-locked.pem",
                "certificate-passphrase-file": there / "passphrase",
            },
            "cmdlet-pfx": {"certificate": there / "probe.pfx"},
            "cmdlet-pfx-locked": {
                "certificate": there / "probe-locked.pfx",
                "certificate-passphrase": PASSPHRASE,
            },
            "cmdlet-archive": {"certificate": there / "probe.pem", "archive": ""},
        }
        sections = {section: {**common, **own} for section, own in ways.items()}
        sections.update(self._mapi_sections(url, mapi_url, legacy_dn))
        lines = []
        for section, own in sections.items():
            lines.append(f"[{section}]")
            lines += [f"{name} = {value}".rstrip() for name, value in own.items()]
            lines.append("")
        return private_file(there / "plugin.ini", "\n".join(lines).encode())

    def _mapi_sections(self, url, mapi_url, legacy_dn):
        there = self.directory.resolve()
        common = {
            "method": "mapi",
            "ca-file": there / "ca.pem",
            "cache-dir": there / "cache",
            "username": f"healthy@{DOMAIN}",
            "password-file": there / "password",
            "mailbox": f"healthy@{DOMAIN}",
        }
        host = {"hostname": url.partition("//")[2]}
        return {
            "mapi": {**common, **host, "auth": "basic"},
            "mapi-url": {**common, "mapi-url": mapi_url, "legacy-dn": legacy_dn, "auth": "basic"},
            "mapi-auto": {**common, **host},
            "mapi-bearer": {
                **common,
                "tenant": TENANT_NAME,
                "client-id": CLIENT_IDS["user"],
                "authority-url": url,
                "autodiscover-url": f"{url}/autodiscover/autodiscover.xml",
            },
        }
