"""Which credential a run uses, and where its parts come from.

Exactly one is chosen, by what was given; nothing here is sent anywhere.
"""

from __future__ import annotations

import os
import re

from . import files
from .errors import UsageError
from .option_table import ENVIRONMENT_SECRETS, INI_SECRETS
from .sources import TENANT_DIRECTORIES, Given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from .options import CertificateFiles, Login, Secret

#: `--auth` -> the scheme's name in HTTP.
SCHEMES = {"basic": "Basic", "ntlm": "NTLM", "negotiate": "Negotiate"}


def login(
    given: Given, environ: MutableMapping[str, str], method: str, tenant: str
) -> Login | None:
    """The user who logs on; None where a certificate is the credential. Raises UsageError."""
    username, auth = given.text("username"), given.text("auth")
    password = secret(given, environ, "password") if username is not None else None
    environ.pop(ENVIRONMENT_SECRETS["password"], None)
    if method == "cmdlet":
        if username is not None and given.source["username"] == "command line":
            raise UsageError(
                "--username is for --method mapi; method cmdlet signs in with a certificate"
            )
        return None
    scheme = SCHEMES[given.choice("auth", tuple(SCHEMES), "basic")] if auth else None
    if tenant:
        if scheme:
            raise UsageError(
                "--auth and --tenant exclude each other: a tenant is signed in to at Entra, with "
                "--auth an Exchange Server is logged on to"
            )
        if username is None:
            return None
        if given.text("certificate") is not None:
            raise UsageError(
                "--certificate and --username are two credentials; give one of them (none takes "
                "one from an ini back)"
            )
    elif given.text("certificate") is not None:
        raise UsageError("--certificate needs --tenant; an Exchange Server takes --username")
    elif username is None and given.text("password-file") is not None:
        raise UsageError("--password-file: whose? --username is missing")
    elif username is None and scheme != "Negotiate":
        raise UsageError(
            "no credential: give --username and --password-file, --auth negotiate with a Kerberos "
            "ticket, or --tenant for Exchange Online"
        )
    _check_username(username)
    if password is None and scheme != "Negotiate":
        raise UsageError(
            f"no password for {username}: give --password-file, password in an ini section, or "
            "the environment variable MAPI_PASSWORD"
        )

    from .options import Login

    return Login(username, password, scheme)


def _check_username(username: str | None) -> None:
    """Refuse what would only be a failed logon. Raises UsageError."""
    if username is None:
        return
    if username != username.strip() or not username.isprintable():
        raise UsageError("--username begins or ends with a blank, or holds control characters")
    if ":" in username:
        raise UsageError("--username holds a colon, which no user name can have")


def client_id(given: Given) -> str:
    """The application id of the app registration. Raises UsageError."""
    client_id = given.text("client-id")
    if client_id is None:
        raise UsageError(
            "--client-id is missing: the application (client) id of the app registration"
        )
    if re.search(r"[^A-Za-z0-9._-]", client_id):
        raise UsageError(
            f"--client-id: {client_id} is not an application id; the portal shows it as "
            "Application (client) ID"
        )
    return client_id


def certificate(
    given: Given, environ: MutableMapping[str, str], tenant: str
) -> CertificateFiles | None:
    """The certificate's files; None where nobody signs in to a tenant. Raises UsageError."""
    if not tenant:
        return None
    path, key_path = given.text("certificate"), given.text("certificate-key")
    if path is None and given.unreadable:
        places = " and ".join(given.unreadable)
        raise UsageError(
            f"no certificate for {tenant}: {places} cannot be read by user id {os.geteuid()}; "
            "give its group read access, and to the directories above it search access"
        )
    if path is None:
        raise UsageError(
            f"no certificate for {tenant}: give --certificate and --client-id, or put them "
            f"into an ini section [{tenant}] or the"
            f" directory {TENANT_DIRECTORIES}/{tenant}"
        )
    data = _private(path, "--certificate")
    key_data = _private(key_path, "--certificate-key") if key_path else None
    passphrase = secret(given, environ, "certificate-passphrase")

    from .options import CertificateFiles

    return CertificateFiles(path, data, key_path, key_data, passphrase)


def _private(path: str, option: str) -> bytes:
    """A certificate or key file; refused when it holds a private key that others can read.

    Raises UsageError.
    """
    data = files.read(path, option)
    # PFX is DER and begins with the tag of a SEQUENCE; other files hold nothing worth guarding.
    if data[:1] == b"\x30" or b"PRIVATE KEY-----" in data:
        return files.read(path, option, secret=True)
    return data


def secret(given: Given, environ: MutableMapping[str, str], name: str) -> Secret | None:
    """A secret: its file, else its ini key, else its environment variable. Raises UsageError."""
    variable = environ.pop(ENVIRONMENT_SECRETS[name], None)
    path = given.text(INI_SECRETS[name])
    if path is not None:
        text: str | None = files.first_line(path, f"--{INI_SECRETS[name]}", secret=True)
    else:
        text = given.text(name) or variable
    if not text:
        return None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{ENVIRONMENT_SECRETS[name]} is not UTF-8 text") from None

    from .options import Secret

    return Secret(text)
