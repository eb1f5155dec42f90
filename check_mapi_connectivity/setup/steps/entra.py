"""The steps in Entra, by Microsoft Graph: app registration, its certificate, its enterprise
application, its one app role (reference sheet exchange-online 8.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...base import quoting
from ...base.failure import CheckFailure, Failure
from .. import keypair
from ..tenant_api import Call
from . import names
from .step import Found, Known, Site, Step, guid, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What is asked of an app registration; certificates come to those alone who ask for them by name.
COLUMNS = "id,appId,displayName,keyCredentials,passwordCredentials,notes,createdDateTime"

_APPLICATIONS = "/v1.0/applications"
_PRINCIPALS = "/v1.0/servicePrincipals"

#: Seconds between the tries to use what Entra has just made, which takes a while to be known
#: everywhere (exchange-online 8.2 step 4).
_REPLICATION = (1, 2, 4, 8, 15, 30)
_TENANT_LATE = "Entra does not find the tenant's own data"
_APP_LATE = "Entra does not know the new app everywhere yet"
_PRINCIPAL_LATE = "Entra does not know the enterprise application everywhere yet"

#: How Graph speaks of what it does not know yet.
_UNKNOWN_YET = (
    "ResourceNotFound",
    "Directory_ObjectNotFound",
    "backing application",
    "does not exist",
    "does not reference a valid",
    "not found",
)


class AppStep(Step):
    """The app registration."""

    title = f"app registration {names.APP}"
    why = "the identity that the check signs in as, in this tenant only"

    def __init__(self, *, cmdlet: bool) -> None:
        self._cmdlet = cmdlet

    def _look(self, site: Site) -> Found:
        known = site.known
        app = self._find(site)
        if app is None:
            return Found(False)
        whole = self._whole(site, _id(app, "id"))
        if whole is None:
            return Found(False)
        known.app, known.client_id = _id(whole, "id"), _id(whole, "appId")
        known.keys = objects(whole.get("keyCredentials"))
        known.tagged = whole.get("notes", names.TAG) == names.TAG
        tagged = "" if known.tagged else ", not made by this command"
        return Found(True, f"client id {known.client_id}{tagged}")

    @staticmethod
    def _whole(site: Site, identifier: str) -> dict[str, Any] | None:
        """An app that is listed, with its certificates, which no list holds; None where it is gone
        after all.
        """
        path = f"{_APPLICATIONS}/{identifier}?$select={COLUMNS}"
        for pause in _REPLICATION:
            whole = site.services.graph(path)
            if whole is not None:
                return whole
            site.voice.wait(pause, _APP_LATE)
        return site.services.graph(path)

    def _find(self, site: Site) -> dict[str, Any] | None:
        """The one app registration that is meant. Raises CheckFailure for several."""
        wanted = site.named_client or _stored_client(site)
        site.known.by_name = False
        if wanted:
            found = site.services.listed(_filter(_APPLICATIONS, "appId", wanted))
            if found or not site.named_client:
                return found[0] if found else self._by_name(site)
            cause = f"no app registration with client id {wanted}"
            raise CheckFailure(Failure("credential", cause, "check --client-id and --tenant"))
        return self._by_name(site)

    def _by_name(self, site: Site) -> dict[str, Any] | None:
        site.known.by_name = True
        found = site.services.listed(_filter(_APPLICATIONS, "displayName", names.APP))
        if len(found) < 2:
            return found[0] if found else None
        for app in found:
            whole = site.services.graph(
                f"{_APPLICATIONS}/{_id(app, 'id')}?$select=id,keyCredentials"
            )
            keys = objects((whole or {}).get("keyCredentials"))
            if any(keypair.same(one, site.known.key) for one in keys):
                return app
        ids = ", ".join(shown(app.get("appId"), 40) for app in found[:5])
        cause = f"{len(found)} app registrations are called {names.APP}"
        raise CheckFailure(Failure("usage", cause, "name the right one by --client-id", detail=ids))

    def _calls(self, known: Known) -> list[Call]:
        body: dict[str, Any] = {
            "displayName": names.APP,
            "signInAudience": "AzureADMyOrg",
            "notes": names.TAG,
            "keyCredentials": [keypair.credential(known.key, known.subject)],
        }
        if self._cmdlet:
            role = {"id": names.MANAGE_AS_APP, "type": "Role"}
            body["requiredResourceAccess"] = [
                {"resourceAppId": names.EXCHANGE_APP, "resourceAccess": [role]}
            ]
        return [Call("POST", _APPLICATIONS, body)]

    def _make(self, site: Site) -> bool:
        if site.named_client:
            cause = f"no app registration with client id {site.named_client}"
            raise CheckFailure(Failure("credential", cause, "check --client-id and --tenant"))
        # Nothing keeps Entra from a second app of that name, and the list comes late.
        why = "looking for what an earlier run may have made"
        if not site.known.fresh and self.appears(site, _REPLICATION[:-2], why):
            return False
        made = patiently(site, self.calls(site.known)[0], _TENANT_LATE) or {}
        known = site.known
        known.app, known.client_id = _id(made, "id"), _id(made, "appId")
        known.keys = self.calls(known)[0].body["keyCredentials"]
        known.by_name = False
        return True

    def _undoing(self, known: Known) -> list[Call]:
        return [Call("DELETE", f"{_APPLICATIONS}/{known.app}")]

    def _remove(self, site: Site) -> str:
        super()._remove(site)
        return "removed; Entra keeps it among its deleted applications for 30 days"


class KeyStep(Step):
    """Our certificate in the app registration, beside those that are there already."""

    title = "certificate in the app registration"
    why = "only where the app exists already; the list is replaced, so all of its entries are sent"

    def _look(self, site: Site) -> Found:
        if not site.known.has("app"):
            return Found(False)
        ours = [one for one in site.known.keys if keypair.same(one, site.known.key)]
        others = len(site.known.keys) - len(ours)
        beside = f", beside {others} of others" if others else ""
        if not ours:
            held = f"the app has {others}, none of them is {names.CERTIFICATE} of this directory"
            return Found(False, held if others else "")
        end = shown(ours[0].get("endDateTime") or "")[:10]
        return Found(True, f"{'until ' + end if end else 'accepted'}{beside}")

    def _calls(self, known: Known) -> list[Call]:
        return [set_keys(known, [*known.keys, keypair.credential(known.key, known.subject)])]

    def _make(self, site: Site) -> bool:
        change_keys(
            site, [*site.known.keys, keypair.credential(site.known.key, site.known.subject)]
        )
        return True

    def _remove(self, site: Site) -> str:
        """Ours go, also those of a renewal that was not ended."""
        change_keys(site, foreign(site))
        return "removed; those of others stay"


class PrincipalStep(Step):
    """The enterprise application: what rights are given to."""

    checked = True

    title = f"enterprise application {names.APP}"
    why = "rights are given to this object, not to the app registration"

    def _look(self, site: Site) -> Found:
        if not site.known.has("client_id"):
            return Found(False)
        found = site.services.listed(_filter(_PRINCIPALS, "appId", site.known.client_id))
        if not found:
            return Found(False)
        site.known.principal = _id(found[0], "id")
        site.known.principal_keys = [
            one
            for name in ("keyCredentials", "passwordCredentials")
            for one in objects(found[0].get(name))
        ]
        if found[0].get("accountEnabled") is False:
            cause = f"{self.title} is disabled for sign-in"
            raise CheckFailure(
                Failure(
                    "credential", cause, "enable it in Entra: Enterprise applications, Properties"
                )
            )
        return Found(True, f"object id {site.known.principal}")

    def _calls(self, known: Known) -> list[Call]:
        return [Call("POST", _PRINCIPALS, {"appId": known.client_id, "notes": names.TAG})]

    def _make(self, site: Site) -> bool:
        made = patiently(site, self.calls(site.known)[0], _APP_LATE)
        if made is not None:
            site.known.principal = _id(made, "id")
            return True
        if not self.appears(site, _REPLICATION, _PRINCIPAL_LATE):
            cause = f"Entra has {self.title}, but does not list it yet"
            raise CheckFailure(Failure("server", cause, "run this again later"))
        return False

    def _undoing(self, known: Known) -> list[Call]:
        return [Call("DELETE", f"{_PRINCIPALS}/{known.principal}")]


class GrantStep(Step):
    """The app role Exchange.ManageAsApp, with the administrator's consent."""

    title = f"app role {names.MANAGE_AS_APP_NAME}"
    why = "lets the app call Exchange's admin interface; the role group says what it may run there"
    grants = True
    checked = True

    def _look(self, site: Site) -> Found:
        known = site.known
        path = f"{_PRINCIPALS}(appId='{names.EXCHANGE_APP}')?$select=id,appRoles"
        resource = site.services.graph(path)
        if resource is None:
            cause = "the tenant has no Office 365 Exchange Online"
            remedy = (
                "check --tenant; without a licence for Exchange Online it has no mailbox to test"
            )
            raise CheckFailure(Failure("credential", cause, remedy))
        known.exchange = _id(resource, "id")
        listed = resource.get("appRoles")
        roles = [str(one) for one in listed] if isinstance(listed, list) else []
        if roles and not any(names.MANAGE_AS_APP in role for role in roles):
            cause = f"Office 365 Exchange Online of this tenant has no {self.title}"
            raise CheckFailure(Failure("credential", cause, "check --cloud; try --method graph"))
        if not known.has("principal"):
            return Found(False)
        path = f"{_PRINCIPALS}/{known.principal}/appRoleAssignments"
        for one in site.services.listed(path):
            ours = guid(one.get("resourceId")) == known.exchange
            if ours and guid(one.get("appRoleId")) == names.MANAGE_AS_APP:
                known.grant = _key(one)
                return Found(
                    True, f"consented {shown(one.get('createdDateTime') or '')[:10]}".strip()
                )
        return Found(False)

    def _calls(self, known: Known) -> list[Call]:
        body = {
            "principalId": known.principal,
            "resourceId": known.exchange,
            "appRoleId": names.MANAGE_AS_APP,
        }
        return [Call("POST", f"{_PRINCIPALS}/{known.principal}/appRoleAssignments", body)]

    def _shell(self) -> list[str]:
        path = f"{_PRINCIPALS}(appId='{names.EXCHANGE_APP}')"
        command = f"Invoke-MgGraphRequest -Uri {quoting.powershell(path)}"
        return [f"{command}    # its id is EXCHANGE-OBJECT-ID"]

    def _make(self, site: Site) -> bool:
        try:
            made = patiently(site, self.calls(site.known)[0], _PRINCIPAL_LATE)
            if made is not None:
                site.known.grant = _key(made)
            return made is not None
        except CheckFailure as error:
            if error.failure.kind != "permission":
                raise
            account, old = site.account, error.failure
            place = f"{account.authority_url}/{account.tenant}/adminconsent"
            remedy = f"or have one of them consent at {place}?client_id={site.known.client_id}"
            raise CheckFailure(
                Failure(old.kind, old.cause, f"{old.remedy}, {remedy}", old.code, old.detail)
            ) from None

    def _undoing(self, known: Known) -> list[Call]:
        path = f"{_PRINCIPALS}/{known.principal}/appRoleAssignments/{known.grant}"
        return [Call("DELETE", path)]


def patiently(site: Site, call: Call, why: str) -> dict[str, Any] | None:
    """Send a request that what Entra has just made may not be ready for. Raises CheckFailure."""
    for pause in _REPLICATION:
        try:
            return site.services.change(call)
        except CheckFailure as error:
            if not _unknown_yet(error.failure):
                raise
            site.voice.wait(pause, why)
    return site.services.change(call)


def _unknown_yet(failure: Failure) -> bool:
    """Whether this is how Graph speaks of what it does not know yet."""
    text = f"{failure.code} {failure.detail}"
    return any(sign in text for sign in _UNKNOWN_YET)


def set_keys(known: Known, keys: list[dict[str, Any]]) -> Call:
    """The request that replaces the app's certificates."""
    return Call("PATCH", f"{_APPLICATIONS}/{known.app}", {"keyCredentials": keys})


def change_keys(site: Site, keys: list[dict[str, Any]]) -> None:
    """Replace the app's certificates. Raises CheckFailure."""
    patiently(site, set_keys(site.known, keys), _APP_LATE)
    site.known.keys = keys


def foreign(site: Site) -> list[dict[str, Any]]:
    """The app's certificates that are none of this host's."""
    left = without(site.known.keys, site.known.key)
    for name in (names.NEXT_CERTIFICATE, names.OLD_CERTIFICATE):
        data = site.directory.read(name) or b""
        left = without(left, keypair.der(data.decode("ascii", "replace")))
    return left


def without(keys: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Certificates of an app but one."""
    return [one for one in keys if not keypair.same(one, key)]


def _stored_client(site: Site) -> str:
    """The client id of the tenant's directory; empty for none."""
    data = site.directory.read(names.CLIENT_ID) or b""
    text = data.decode("ascii", "replace").strip()
    return guid(text)


def _filter(collection: str, name: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"{collection}?$filter={quote(f'{name} eq {chr(39)}{quoted}{chr(39)}', safe='')}"


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none for what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _id(document: dict[str, Any], name: str) -> str:
    """A GUID that has to be there. Raises CheckFailure."""
    value = document.get(name)
    found = guid(value)
    if not found:
        cause = f"Graph's answer holds no {name}" + ("" if value is None else " that is a GUID")
        remedy = "check --graph-url; a gateway may answer in its place"
        raise CheckFailure(Failure("protocol", cause, remedy, detail=shown(value or "")))
    return found


def _key(document: dict[str, Any]) -> str:
    """The id of a grant, which goes into a path. Raises CheckFailure."""
    value = document.get("id")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", value):
        cause, remedy = "Graph's answer holds no id of the grant", "check --graph-url"
        raise CheckFailure(Failure("protocol", cause, remedy, detail=shown(value)))
    return value
