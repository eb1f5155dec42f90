"""Which credential a run uses, and where its parts come from.

Exactly one is chosen, by what was given; nothing here is sent anywhere.
"""

from __future__ import annotations

import os
import re

from ..base.errors import UsageError
from ..base.reading import files, pasted
from ..base.vocabulary import BASIC, NEGOTIATE, NTLM, PLUGIN
from .given import ENVIRONMENT_SECRETS, GUID, TENANT_DIRECTORIES, Given
from .option import MISSING
from .secrets import check_path, check_private, secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from ..base.credentials import CertificateFiles, FederatedToken, Login, ManagedIdentity, Secret
    from ..base.options import Credential

#: `--auth` -> the scheme's name in HTTP.
SCHEMES = {name.lower(): name for name in (BASIC, NTLM, NEGOTIATE)}

#: Where the instance metadata service of an Azure VM answers, and the variable that Azure's own
#: libraries read another address from.
IMDS = "http://169.254.169.254"
IMDS_VARIABLE = "AZURE_POD_IDENTITY_AUTHORITY_HOST"


class Who:
    """Who signs in: `login` is for an Exchange Server, `account` has fields of Account; `lacking`
    is why neither can be used, where an explanation is wanted all the same.
    """

    def __init__(self, login: Login | None, account: dict[str, Any], lacking: str = "") -> None:
        self.login, self.account, self.lacking = login, account, lacking


def kind(given: Given, environ: MutableMapping[str, str]) -> str | None:
    """The credential that is given, by the name of its option; None for none.

    Raises UsageError for two.
    """
    found = given.credentials()
    if len(found) > 1:
        raise UsageError(
            f"{found[0]} and {found[1]} are two credentials; give one of them (the value "
            "none switches one of an ini section off)"
        )
    if found:
        return found[0]
    if given.text("password-file") is not None:
        raise UsageError("--password-file needs --username, whose password it holds")
    # A secret of the environment counts only where it is the one that is left.
    typed = given.flag("ask-password") or environ.get(ENVIRONMENT_SECRETS["client-secret"])
    return "--client-secret-file" if typed and given.text("client-id") is not None else None


def credential(
    given: Given, environ: MutableMapping[str, str], tenant: str, chosen: str | None
) -> Credential:
    """What Entra is shown for the tenant. Raises UsageError."""
    if given.text("auth") is not None:
        raise UsageError(
            "--auth and --tenant exclude each other: --auth is for the logon at an Exchange "
            "Server, --tenant for the sign-in at Entra"
        )
    if given.flag("ask-password") and chosen in ("--managed-identity", "--federated-token-file"):
        raise UsageError(f"--ask-password: {chosen} has no secret that a person could type in")
    if chosen == "--managed-identity":
        return _managed_identity(given, environ)
    if chosen == "--federated-token-file":
        return _federated_token(given)
    if chosen == "--client-secret-file":
        from ..base.credentials import ClientSecret

        found = secret(given, environ, "client-secret", f"client secret of {client_id(given)}")
        if found is None:
            raise UsageError("--client-secret-file: there is no client secret")
        return ClientSecret(found)
    if chosen == "--username":
        from ..base.credentials import UserPassword

        username = given.text("username") or ""
        _check_username(username)
        if not username.isascii():
            raise UsageError("--username: user names of Entra have ASCII characters only")
        return UserPassword(username, _password(given, environ, username))
    return _certificate(given, environ, tenant)


def login(given: Given, environ: MutableMapping[str, str], chosen: str | None) -> Login:
    """The user who logs on to an Exchange Server. Raises UsageError."""
    username, auth = given.text("username"), given.text("auth")
    scheme = SCHEMES[given.choice("auth", tuple(SCHEMES), "basic")] if auth else None
    if chosen not in (None, "--username"):
        raise UsageError(f"{chosen} needs --tenant; an Exchange Server takes --username")
    if username is None and scheme != NEGOTIATE:
        raise UsageError(
            "no credential: give --username and --password-file, --auth negotiate with a Kerberos "
            "ticket, or --tenant for Exchange Online"
        )
    _check_username(username)

    from ..base.credentials import Login

    if username is None:
        if given.flag("ask-password"):
            raise UsageError("--ask-password needs --username, whose password is asked for")
        return Login(None, None, scheme)
    found = secret(given, environ, "password", f"password of {username}")
    if found is None and scheme != NEGOTIATE:
        raise _no_password(username)
    return Login(username, found, scheme)


def _password(given: Given, environ: MutableMapping[str, str], username: str) -> Secret:
    found = secret(given, environ, "password", f"password of {username}")
    if found is None:
        raise _no_password(username)
    return found


def _no_password(username: str) -> UsageError:
    return UsageError(
        f"no password for {username}: give --password-file, password in an ini section, or "
        "the environment variable MAPI_PASSWORD"
    )


def _check_username(username: str | None) -> None:
    """Refuse what would only be a failed logon. Raises UsageError."""
    if username is None:
        return
    if ":" in username:
        raise UsageError("--username holds a colon, which no user name can have")
    pasted.check_alone(username, "--username")


def _managed_identity(given: Given, environ: MutableMapping[str, str]) -> ManagedIdentity:
    named = given.text("managed-identity") or MISSING
    if named != MISSING and not re.fullmatch(GUID, named):
        raise UsageError(
            f"--managed-identity: {named} is neither a client id (a GUID) nor true or false"
        )
    identity = "" if named == MISSING else named
    named_url, variable = given.text("imds-url"), environ.get(IMDS_VARIABLE)
    option = "--imds-url" if named_url else IMDS_VARIABLE
    url = (named_url or variable or IMDS).rstrip("/")
    place = re.fullmatch(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", url)
    if not place or not 0 < int(place[1] or 80) < 65536:
        raise UsageError(f"{option}: its value is not a URL like {IMDS}")

    from ..base.credentials import ManagedIdentity

    return ManagedIdentity(identity, url)


def _federated_token(given: Given) -> FederatedToken:
    path = given.text("federated-token-file") or ""
    check_path(path, "--federated-token-file")
    text = files.read_text(path, "--federated-token-file", secret=True).strip()
    given.reads.append(("federated token", path))
    if not re.fullmatch(r"[!-~]+", text):
        raise UsageError(f"--federated-token-file: {path} holds no token, or more than one")

    from ..base.credentials import FederatedToken, Secret

    return FederatedToken(path, Secret(text))


def client_id(given: Given, *, module: bool = False) -> str:
    """The application id of the app registration; `module` lets Microsoft's own serve where none
    is given. Raises UsageError.
    """
    client_id = given.text("client-id")
    if client_id is None and module:
        from ..base.clouds import MODULE_CLIENT_ID

        return MODULE_CLIENT_ID
    if client_id is None:
        raise UsageError(
            "--client-id is missing: give the application (client) id of the app registration"
        )
    return _application_id(client_id, "--client-id")


#: Where an application id is to be found.
_PORTAL = "; the portal shows it as Application (client) ID"


def _application_id(text: str, option: str) -> str:
    if re.search(r"[^A-Za-z0-9._-]", text):
        hint = pasted.instead(text, "[A-Za-z0-9._-]+")
        raise UsageError(f"{option}: {text} is not an application id{hint or _PORTAL}")
    return text


def _certificate(given: Given, environ: MutableMapping[str, str], tenant: str) -> CertificateFiles:
    """The certificate's files. Raises UsageError."""
    path, key_path = given.text("certificate"), given.text("certificate-key")
    if path is None and given.unreadable:
        places = " and ".join(given.unreadable)
        raise UsageError(
            f"no certificate for {tenant}: {places} cannot be read by user id {os.geteuid()}; "
            "give its group read access, and search access to the directories above it"
        )
    if path is None and "." not in tenant and not re.fullmatch(GUID, tenant):
        raise UsageError(
            f"no certificate for {tenant}: give --tenant a whole domain, e.g. "
            "contoso.onmicrosoft.com, or a GUID"
        )
    if path is None:
        raise UsageError(
            f"no certificate for {tenant}: run {PLUGIN}_setup, or give --certificate and"
            f" --client-id, on the command line or in an ini section [{tenant}]; the directory"
            f" {TENANT_DIRECTORIES}/{tenant} holds none; see --help for other credentials"
        )
    data = check_private(path, "--certificate")
    key_data = check_private(key_path, "--certificate-key") if key_path else None
    given.reads.append(("certificate", path))
    if key_path:
        given.reads.append(("private key", key_path))
    passphrase = secret(given, environ, "certificate-passphrase", f"passphrase of {path}")

    from ..base.credentials import CertificateFiles

    return CertificateFiles(path, data, key_path, key_data, passphrase)


def who(
    given: Given,
    environ: MutableMapping[str, str],
    methods: tuple[str, ...],
    tenant: str,
    chosen: str | None,
) -> Who:
    """Who signs in. Raises UsageError.

    What is to be explained may lack its credential, or have a certificate that cannot be used: the
    explanation is wanted before there is one.
    """
    try:
        return _signs_in(given, environ, methods, tenant, chosen)
    except UsageError as error:
        named = chosen if tenant or chosen != "--username" else None
        if not given.flag("explain") or named not in (None, "--certificate"):
            raise
        lacking = str(error)
    from ..base.credentials import CertificateFiles, Login

    login = None if tenant else Login(given.text("username"))
    shown = CertificateFiles(given.text("certificate") or "", b"") if tenant else None
    return Who(login, _account(given, shown, given.text("client-id") or "CLIENT-ID"), lacking)


def _signs_in(
    given: Given,
    environ: MutableMapping[str, str],
    methods: tuple[str, ...],
    tenant: str,
    chosen: str | None,
) -> Who:
    if not tenant and chosen != "--managed-identity":
        return Who(login(given, environ, chosen), _account(given, None, ""))
    shown, identifier = credential(given, environ, tenant, chosen), ""
    if chosen != "--managed-identity":
        module = chosen == "--username" and methods in (("cmdlet",), ("sign-in",))
        identifier = client_id(given, module=module)
    return Who(None, _account(given, shown, identifier))


def _account(given: Given, shown: Credential | None, identifier: str) -> dict[str, Any]:
    named = "client-id" in given.origins()
    return {"credential": shown, "client_id": identifier, "client_id_given": named}
