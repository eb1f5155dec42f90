"""Command lines and what `--explain` says about them: `asked` makes the Options of one."""

from __future__ import annotations

import base64
import json
from functools import lru_cache

from check_mapi_connectivity.base.credentials import CertificateFiles
from check_mapi_connectivity.commandline import parse
from check_mapi_connectivity.explain import text as explain_text
from check_mapi_connectivity.result import output
from check_mapi_connectivity.signin import certificate

from ..tenant.material import make_certificate, pem, pem_key, private_file

#: Each kind of credential, by the options that give it; the files are those that `furnish` writes.
APP = ("--tenant", "contoso.onmicrosoft.com", "--client-id", "11111111-2222-3333-4444-555555555555")
CREDENTIALS = {
    "certificate": (*APP, "--certificate", "probe.pem"),
    "secret": (*APP, "--client-secret-file", "secret"),
    "federated": (*APP, "--federated-token-file", "token"),
    "managed": ("--managed-identity",),
    "managed-user": ("--managed-identity=22222222-3333-4444-5555-666666666666",),
    "user": (*APP, "-l", "probe@contoso.com", "--password-file", "password"),
    "module": (*APP[:2], "-l", "probe@contoso.com", "--password-file", "password"),
    "login": ("-l", "probe@contoso.com", "--password-file", "password"),
    "ticket": ("--auth", "negotiate"),
}

#: What must never be shown.
SECRETS = {"secret": "canary-secret", "password": "canary-password"}


@lru_cache(None)
def probe():
    """Key and certificate of the probe, as PEM."""
    key, made = make_certificate("probe")
    return pem(made) + pem_key(key)


@lru_cache(None)
def facts():
    """Facts of that certificate."""
    return certificate.load(CertificateFiles("probe.pem", probe())).facts


@lru_cache(None)
def foreign():
    """A token of another issuer; who signed it is nobody's business here."""
    claims = {"iss": "https://issuer.example", "sub": "system:serviceaccount:monitoring:icinga"}
    parts = ({"alg": "RS256"}, claims, {"canary": "signature"})
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.decode().rstrip("=") for part in coded)


def furnish(directory):
    """The files that the command lines name."""
    private_file(directory / "probe.pem", probe())
    private_file(directory / "token", foreign().encode())
    for name, text in SECRETS.items():
        private_file(directory / name, f"{text}\n".encode())


def asked(*arguments, mailbox="probe@contoso.com", **environ):
    """Options of a command line with --explain, without anything of this machine's."""
    where = () if mailbox is None else ("-m", mailbox)
    words = ["--explain", "--cache-dir", "/c", *where, *arguments]
    return parse.parse(words, {"HOME": "/h", **environ})


def told(*arguments, **keywords):
    """The output, for the moment at which the certificate has 100 days to live; what is this
    certificate's own is replaced.
    """
    text = explain_text.build(asked(*arguments, **keywords), facts().not_after - 100 * 86400)
    return mask(text)


def mask(text):
    """A text without what differs from certificate to certificate."""
    for name in ("sha1", "sha256"):
        text = text.replace(getattr(facts(), name), f"({name})")
    return text.replace(output.date(facts().not_after), "(day)")


def part(text, title):
    """The lines of one section."""
    sections = dict(section.split("\n", 1) for section in text.split("\n\n")[1:])
    return sections[title].rstrip("\n")
