"""The steps that make nothing: whether the key is this host's, who else can sign in as the app, and
whether it has any right beside the one that it is to have.

What an app holds, Microsoft's pages on application, federatedIdentityCredential, servicePrincipal
and appRoleAssignment describe; rights of applications in Exchange, reference sheet exchange-online
3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...base.failure import CheckFailure, Failure
from ...signin import certificate
from .. import keypair
from . import names
from .entra import COLUMNS, objects
from .exchange import aliases_of, last
from .step import Found, Site, Step, guid, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...base.credentials import CertificateFiles

_APPLICATIONS = "/v1.0/applications"
_PRINCIPALS = "/v1.0/servicePrincipals"

#: App roles -> what tokens call them; those of Microsoft Graph open every mailbox (exchange-online
#: 1.5, 3.2).
_ROLES = {
    names.MANAGE_AS_APP: names.MANAGE_AS_APP_NAME,
    "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a": "Mail.ReadBasic",
    "693c5e45-0940-467d-9b8a-1022fb9d42ef": "Mail.ReadBasic.All",
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read",
}

#: Credentials that a refusal lists.
_MOST = 20


class JudgeStep(Step):
    """A step that looks, and refuses what it must not be; there is nothing to make."""

    removable = False
    judges = True
    checked = True

    def _make(self, site: Site) -> bool:
        return False


class KeyProofStep(JudgeStep):
    """The key by itself, before anybody hears of it: `load` reads it as the check will. Raises
    UsageError.
    """

    title = "key of this host"
    why = "looks only: the check must accept the file, and the key must belong to the certificate"
    checked = False

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load

    def _look(self, site: Site) -> Found:
        data = site.directory.read(names.CERTIFICATE)
        if data is None:
            return Found(False)
        path = site.directory.file(names.CERTIFICATE)
        keypair.prove(keypair.load(path, data), path)
        self._load()
        return Found(True, "it belongs to the certificate")


class CredentialStep(JudgeStep):
    """Who can sign in as the app: an app that was found is used where all its credentials are this
    directory's, or where the administrator names it.
    """

    title = "credentials of the app registration"
    why = "looks only: all of them must be of this directory, unless --client-id names the app"

    def __init__(self, given: CertificateFiles | None = None) -> None:
        #: The certificate that is going to be copied into the directory.
        self._given = given

    def _look(self, site: Site) -> Found:
        known = site.known
        if not known.has("app"):
            return Found(False)
        app = site.services.graph(f"{_APPLICATIONS}/{known.app}?$select={COLUMNS}")
        if app is None:
            return Found(False)
        held = self._held(site)
        keys = objects(app.get("keyCredentials"))
        ours = [one for one in keys if any(keypair.same(one, key) for key in held)]
        strange = _strange(site, app, [one for one in keys if one not in ours])
        owners = f"owners, who may add credentials: {self._owners(site)}"
        if site.named_client or (not strange and (ours or not known.by_name)):
            more = f"; beside them {'; '.join(strange[:_MOST])}" if strange else ""
            return Found(bool(ours), f"{_number(ours)} of this directory{more}; {owners}")
        made = shown(app.get("createdDateTime") or "at a time that Graph does not tell")[:40]
        site.voice.tell("found", f"app registration {known.client_id}", f"made {made}; {owners}")
        for one in strange[:_MOST]:
            site.voice.tell("found", one)
        raise CheckFailure(_refusal(site, strange))

    def _held(self, site: Site) -> list[str]:
        """The certificates of the directory in base64 DER, those of a renewal as well."""
        files = (names.CERTIFICATE, names.NEXT_CERTIFICATE, names.OLD_CERTIFICATE)
        texts = [(site.directory.read(name) or b"").decode("ascii", "replace") for name in files]
        texts += [certificate.load(self._given).certificate] if self._given else []
        return [key for key in map(keypair.der, texts) if key]

    def _owners(self, site: Site) -> str:
        """Names of the app's owners, in words."""
        rows = site.services.listed(f"{_APPLICATIONS}/{site.known.app}/owners")
        # Without the right to read users Graph shows their ids alone.
        told = [
            shown(one.get("userPrincipalName") or one.get("displayName") or guid(one.get("id")))
            for one in rows
        ]
        return ", ".join(filter(None, told[:_MOST])) or "Graph names none"


def _number(ours: list[dict[str, Any]]) -> str:
    return f"{len(ours)} certificate{'s' * (len(ours) != 1)}"


def _strange(site: Site, app: dict[str, Any], keys: list[dict[str, Any]]) -> list[str]:
    """Credentials that this command did not put there, in words."""
    found = [_certificate(one) for one in keys]
    found += [_secret(one) for one in objects(app.get("passwordCredentials"))]
    for one in site.services.listed(
        f"{_APPLICATIONS}/{site.known.app}/federatedIdentityCredentials"
    ):
        if one.get("issuer") and one.get("subject"):
            found.append(f"federated identity {shown(one['subject'])} of {shown(one['issuer'])}")
    # Of the two, a certificate alone has a usage.
    for one in site.known.principal_keys:
        words = _certificate(one) if "usage" in one else _secret(one)
        found.append(f"of the enterprise application: {words}")
    return found


def _certificate(one: dict[str, Any]) -> str:
    sha1 = keypair.thumbprint(one) or shown(one.get("keyId") or "unknown", 40)
    return f"certificate SHA-1 {sha1}, {_until(one)}"


def _secret(one: dict[str, Any]) -> str:
    return f"client secret {shown(one.get('keyId') or 'without an id', 40)}, {_until(one)}"


def _until(one: dict[str, Any]) -> str:
    name = shown(one.get("displayName") or "")
    end = shown(one.get("endDateTime") or "an end that Graph does not tell")[:40]
    return f"until {end}, {f'called {name}' if name else 'without a name'}"


def _refusal(site: Site, strange: list[str]) -> Failure:
    number = len(strange)
    cause = (
        f"the app has {number} credential{'s' * (number > 1)} that this directory does not have; "
    )
    cause += "whoever holds them could use every right that the app gets"
    if not strange:
        cause = "there is an app of this name, and none of its credentials is of this directory"
    remedy = (
        f"if the app and all that is listed are yours, add --client-id {site.known.client_id}; "
        "else remove or rename that app; Entra's audit log shows who added what"
    )
    return Failure("permission", cause, remedy)


class EntraRightsStep(JudgeStep):
    """No right of the app in Entra but the one; rights add up."""

    title = "other rights in Entra"
    why = "looks only: the app must have no other app role and no Entra role"

    def __init__(self, *, cmdlet: bool) -> None:
        self._meant = {names.MANAGE_AS_APP} if cmdlet else set()

    def _look(self, site: Site) -> Found:
        if not site.known.has("principal"):
            return Found(False)
        path = f"{_PRINCIPALS}/{site.known.principal}"
        for one in site.services.listed(f"{path}/appRoleAssignments"):
            self._judge(one)
        try:
            rows = site.services.listed(f"{path}/memberOf")
        except CheckFailure as error:
            return Found(True, f"Entra roles not tested: {error.failure.cause}")
        for one in rows:
            if str(one.get("@odata.type")).endswith("directoryRole"):
                cause = (
                    f"the app has the Entra role {shown(one.get('displayName') or one.get('id'))}"
                )
                remedy = "remove that role from the enterprise application, then run this again"
                raise CheckFailure(Failure("permission", cause, remedy))
        return Found(True, "none")

    def _judge(self, one: dict[str, Any]) -> None:
        """Refuse an app role that is not meant. Raises CheckFailure."""
        role = guid(one.get("appRoleId"))
        if role in self._meant:
            return
        name = _ROLES.get(role) or shown(one.get("appRoleId"), 40)
        of = shown(one.get("resourceDisplayName") or "")
        cause = f"Entra gives the app {name}{f' of {of}' if of else ''}"
        if name.startswith("Mail."):
            cause += ", for every mailbox"
        remedy = "remove that permission from the enterprise application; rights add up"
        if role == names.MANAGE_AS_APP:
            remedy = (
                "give --method cmdlet --method graph for both methods; for graph alone run this "
            )
            remedy += "with --remove first"
        raise CheckFailure(Failure("permission", cause, remedy))


class ExchangeRightsStep(JudgeStep):
    """No right in Exchange but the one: no other role group, role of applications, or scope.
    `methods` are those that are set up; `user` is who signs in by password, if anybody.
    """

    title = "other rights in Exchange"
    why = "looks only: there must be no other role group, role or scope"

    def __init__(self, methods: tuple[str, ...], user: str = "") -> None:
        self._groups = {names.GROUP} if "cmdlet" in methods else set()
        self._graph, self._user = "graph" in methods, user

    def _look(self, site: Site) -> Found:
        known = site.known
        if not (self._user or known.has("principal")):
            return Found(False)
        ours = aliases_of(known, self._user)
        for row in site.services.exchange("Get-RoleGroup"):
            name, members = shown(row.get("Name") or ""), row.get("Members")
            members = members if isinstance(members, list) else [members]
            if name not in self._groups and ours & {last(str(one)).lower() for one in members}:
                who = self._user or "the app"
                cause = f"{who} is a member of the role group {name} as well"
                remedy = f"run Remove-RoleGroupMember '{name}'; rights add up"
                raise CheckFailure(Failure("permission", cause, remedy))
        return Found(True, "none") if self._user else self._applications(site)

    def _applications(self, site: Site) -> Found:
        """What RBAC for Applications gives the app, by Exchange's own test."""
        verb = "Test-ServicePrincipalAuthorization"
        try:
            rows = site.services.exchange(verb, Identity=site.known.principal)
        except CheckFailure as error:
            return Found(True, f"roles of applications not tested: {error.failure.cause}")
        for row in rows:
            role, scope = last(str(row.get("RoleName"))), last(str(row.get("AllowedResourceScope")))
            if not row.get("RoleName") or (
                self._graph and (role, scope) == (names.MAIL_ROLE, names.SCOPE)
            ):
                continue
            cause = f"Exchange gives the app {shown(role)} for {shown(scope)}"
            remedy = "remove that role assignment (Get-ManagementRoleAssignment); rights add up"
            raise CheckFailure(Failure("permission", cause, remedy))
        return Found(True, "none")
