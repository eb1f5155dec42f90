"""A tenant in memory, as its administrator meets it: Microsoft Graph and Exchange's cmdlets, by
their documentation (reference sheet exchange-online 8.2, 8.3).
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import re
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.setup import keypair
from check_mapi_connectivity.setup.proof import Outcome
from check_mapi_connectivity.setup.steps import names
from check_mapi_connectivity.signin import certificate

TENANT = "contoso.onmicrosoft.com"
MAILBOX = "probe@contoso.com"
ADMIN = "admin@contoso.com"
TOKENS = {
    service: jwt.encode({"aud": audience, "upn": ADMIN, "tid": TENANT}, "k" * 32)
    for service, audience in (
        ("graph", "https://graph.microsoft.com"),
        ("exchange", "https://outlook.office365.com"),
    )
}

#: Certificates and keys that were made once, because making one takes a while.
_KEYS = []
_make = keypair.make


def pems():
    """Certificates with keys, each its own, the same in every test."""
    for number in itertools.count():
        if number == len(_KEYS):
            _KEYS.append(_make(f"{names.APP} on host {number}", 12))
        yield _KEYS[number]


class AdminTenant:
    """What `Transport.send` answers; `refusals` are (status, document) by the beginning of a request."""

    def __init__(self):
        self.apps, self.principals, self.grants = [], [], []
        self.resource = str(uuid.uuid4())
        self.dehydrated = True
        self.roles = {names.PARENT: {"entries": ["Get-Mailbox", names.CMDLET]}}
        self.groups, self.members, self.pointers = {}, {}, []
        self.scopes, self.assignments = {}, {}
        self.users = {}
        #: Addresses that are no mailbox's primary one.
        self.aliases = set()
        self.requests, self.changes = [], []
        #: Beginning of a request -> (status, document), or a function from its number to that or None.
        self.refusals, self.counts = {}, {}
        #: Owners, federated credentials of the app and Entra roles of its enterprise application.
        self.owners = [{"userPrincipalName": ADMIN}]
        self.federated, self.roles_of_entra = [], []
        #: Recipients that are no mailbox, by name.
        self.recipients = {}

    def state(self):
        """All there is, without ids."""
        return {
            "apps": [(one["displayName"], len(one["keyCredentials"])) for one in self.apps],
            "principals": len(self.principals),
            "grants": len(self.grants),
            "roles": {name: sorted(role["entries"]) for name, role in self.roles.items()},
            "groups": copy.deepcopy(self.groups),
            "members": {name: len(found) for name, found in self.members.items()},
            "pointers": len(self.pointers),
            "scopes": dict(self.scopes),
            "assignments": {name: one["Role"] for name, one in self.assignments.items()},
        }

    # What the command calls instead of a transport.

    def close(self):
        """Nothing to close."""

    def send(self, method, url, watch, *, headers=None, data=None, **_):
        parts = urlsplit(url)
        body = json.loads(data) if data else {}
        exchange = "InvokeCommand" in parts.path
        token = headers["Authorization"].partition(" ")[2]
        assert token == TOKENS["exchange" if exchange else "graph"]
        if exchange:
            assert headers["X-AnchorMailbox"] == f"UPN:{ADMIN}"
            command = body["CmdletInput"]
            name = command["CmdletName"]
            changing = not name.startswith(("Get-", "Test-"))
        else:
            name = f"{method} {unquote(parts.path)}"
            changing = method != "GET"
        self.requests.append(name)
        refusal = self._refusal(name)
        if refusal is not None:
            return answer(url, *refusal)
        if exchange:
            status, document = self.cmdlet(name, command["Parameters"])
        else:
            status, document = self.graph(method, unquote(parts.path), parse_qs(parts.query), body)
        if changing and status < 300:
            self.changes.append(name)
        return answer(url, status, document)

    def _refusal(self, name):
        for begin, found in self.refusals.items():
            if name.startswith(begin):
                self.counts[begin] = self.counts.get(begin, 0) + 1
                return found(self.counts[begin]) if callable(found) else found
        return None

    # Microsoft Graph.

    def graph(self, method, path, query, body):
        path = path.removeprefix("/v1.0")
        wanted = re.fullmatch(r"(\w+) eq '(.*)'", query.get("$filter", [""])[0])
        if match := re.fullmatch(r"/(applications|servicePrincipals)", path):
            there = self.apps if match[1] == "applications" else self.principals
            if method == "GET":
                found = [one for one in there if one.get(wanted[1]) == wanted[2]]
                # Certificates are in no list.
                return 200, {"value": [{**one, "keyCredentials": []} for one in found]}
            return self._post(match[1], body)
        if path == f"/servicePrincipals(appId='{names.EXCHANGE_APP}')":
            roles = [{"id": names.MANAGE_AS_APP, "value": names.MANAGE_AS_APP_NAME}]
            return 200, {"id": self.resource, "appRoles": roles}
        lists = {
            r"/applications/[\w-]+/owners": self.owners,
            r"/applications/[\w-]+/federatedIdentityCredentials": self.federated,
            r"/servicePrincipals/[\w-]+/memberOf": self.roles_of_entra,
        }
        for pattern, rows in lists.items():
            if re.fullmatch(pattern, path):
                assert method == "GET"
                return 200, {"value": rows}
        if match := re.fullmatch(r"/applications/([\w-]+)", path):
            return self._application(method, match[1], body)
        if match := re.fullmatch(r"/servicePrincipals/([\w-]+)", path):
            assert method == "DELETE"
            return self._delete(self.principals, match[1])
        match = re.fullmatch(r"/servicePrincipals/([\w-]+)/appRoleAssignments(?:/([\w-]+))?", path)
        if method == "GET":
            return 200, {"value": [one for one in self.grants if one["principalId"] == match[1]]}
        if method == "DELETE":
            return self._delete(self.grants, match[2])
        assert body["resourceId"] == self.resource and body["principalId"] == match[1]
        self.grants.append({"id": uuid.uuid4().hex, "createdDateTime": "2026-11-22", **body})
        return 201, self.grants[-1]

    def _post(self, kind, body):
        made = {"id": str(uuid.uuid4()), **body}
        if kind == "applications":
            made["appId"] = str(uuid.uuid4())
            self.apps.append(made)
        else:
            assert any(one["appId"] == body["appId"] for one in self.apps)
            if any(one["appId"] == body["appId"] for one in self.principals):
                text = "The service principal already exists."
                return 409, graph_error("Request_MultipleObjectsWithSameKeyValue", text)
            self.principals.append(made)
        return 201, made

    def _application(self, method, identifier, body):
        found = [one for one in self.apps if one["id"] == identifier]
        if not found:
            return 404, graph_error("Request_ResourceNotFound", "It does not exist.")
        if method == "DELETE":
            app = found[0]["appId"]
            self.principals = [one for one in self.principals if one["appId"] != app]
            return self._delete(self.apps, identifier)
        if method == "PATCH":
            found[0].update(body)
            return 204, None
        return 200, found[0]

    @staticmethod
    def _delete(there, identifier):
        before = len(there)
        there[:] = [one for one in there if one["id"] != identifier]
        if len(there) == before:
            return 404, graph_error("Request_ResourceNotFound", "It does not exist.")
        return 204, None

    # Exchange.

    def cmdlet(self, name, given):
        rows = getattr(self, "_" + name.replace("-", "_").lower())(**given)
        if isinstance(rows, tuple):
            return rows
        return 200, {"@odata.context": "x", "value": rows or [], "@adminapi.warnings": []}

    def _get_organizationconfig(self):
        return [{"Name": TENANT, "IsDehydrated": self.dehydrated}]

    def _enable_organizationcustomization(self):
        self.dehydrated = False

    def _get_managementrole(self, Identity=None, Cmdlet=None):
        if Cmdlet:
            return [{"Name": n} for n, role in self.roles.items() if Cmdlet in role["entries"]]
        return [{"Name": Identity}] if Identity in self.roles else not_found(Identity)

    def _new_managementrole(self, Name, Parent, EnabledCmdlets, Description):
        assert not self.dehydrated
        assert set(EnabledCmdlets) <= set(self.roles[Parent]["entries"])
        self.roles[Name] = {"entries": EnabledCmdlets}
        return [{"Name": Name, "Description": Description}]

    def _get_managementroleentry(self, Identity):
        role, _, _ = Identity.partition("\\")
        return [{"Name": one, "Role": role} for one in self.roles[role]["entries"]]

    def _remove_managementrole(self, Identity, Confirm):
        assert Confirm is False and not any(Identity in one for one in self.groups.values())
        return None if self.roles.pop(Identity, None) else not_found(Identity)

    def _get_recipient(self, Identity):
        kind = self.recipients.get(Identity)
        return [{"Name": Identity, "RecipientTypeDetails": kind}] if kind else not_found(Identity)

    def _get_rolegroup(self, Identity=None):
        if Identity is None:
            return [{"Name": one, "Members": self.members[one]} for one in self.groups]
        if Identity not in self.groups:
            return not_found(Identity)
        return [{"Name": Identity, "Roles": [f"x/{one}" for one in self.groups[Identity]]}]

    def _new_rolegroup(self, Name, Roles, Description):
        assert set(Roles) <= set(self.roles)
        if Name in self.recipients:
            text = f"The object 'CN={Name}' already exists."
            return exchange_error("ADObjectAlreadyExistsException", text)
        self.groups[Name], self.members[Name] = Roles, []
        return [{"Name": Name}]

    def _new_managementroleassignment(self, Role, SecurityGroup=None, **given):
        if SecurityGroup:
            self.groups[SecurityGroup].append(Role)
            return
        assert given["CustomResourceScope"] in self.scopes
        self.assignments[given["Name"]] = {"Role": Role, **given}
        return

    def _get_managementroleassignment(self, Identity):
        found = self.assignments.get(Identity)
        return [{**found, "Name": Identity}] if found else not_found(Identity)

    def _remove_managementroleassignment(self, Identity, Confirm):
        return None if self.assignments.pop(Identity, None) else not_found(Identity)

    def _remove_rolegroup(self, Identity, Confirm):
        self.members.pop(Identity, None)
        return None if self.groups.pop(Identity, None) else not_found(Identity)

    def _get_rolegroupmember(self, Identity):
        if Identity not in self.groups:
            return not_found(Identity)
        return [{"Name": one} for one in self.members[Identity]]

    def _add_rolegroupmember(self, Identity, Member):
        if Member in self.members[Identity]:
            return exchange_error("MemberAlreadyExistsException", f"{Member} is already a member.")
        assert Member in self.users or any(one["ObjectId"] == Member for one in self.pointers)
        self.members[Identity].append(Member)
        return None

    def _remove_rolegroupmember(self, Identity, Member, Confirm):
        self.members[Identity].remove(Member)

    def _get_serviceprincipal(self, Identity):
        found = [one for one in self.pointers if one["AppId"] == Identity]
        return found or not_found(Identity)

    def _new_serviceprincipal(self, AppId, ObjectId, DisplayName):
        assert any(one["id"] == ObjectId and one["appId"] == AppId for one in self.principals)
        self.pointers.append({"AppId": AppId, "ObjectId": ObjectId, "DisplayName": DisplayName})
        return self.pointers[-1:]

    def _remove_serviceprincipal(self, Identity, Confirm):
        self.pointers = [one for one in self.pointers if one["AppId"] != Identity]

    def _get_managementscope(self, Identity):
        found = self.scopes.get(Identity)
        return [{"Name": Identity, "RecipientFilter": found}] if found else not_found(Identity)

    def _new_managementscope(self, Name, RecipientRestrictionFilter):
        self.scopes[Name] = RecipientRestrictionFilter

    def _set_managementscope(self, Identity, RecipientRestrictionFilter):
        self.scopes[Identity] = RecipientRestrictionFilter

    def _remove_managementscope(self, Identity, Confirm):
        return None if self.scopes.pop(Identity, None) else not_found(Identity)

    def _test_serviceprincipalauthorization(self, Identity, Resource=""):
        return [
            {
                "RoleName": one["Role"],
                "AllowedResourceScope": one.get("CustomResourceScope") or "Organization",
                "InScope": Resource.lower() in self.scopes.get(names.SCOPE, "").lower(),
            }
            for one in self.assignments.values()
            if one["App"] == Identity and Resource not in self.aliases
        ] + [{"RoleName": names.MAIL_ROLE, "InScope": "False"}] * (Resource in self.aliases)

    def _get_user(self, Identity):
        return [self.users[Identity]] if Identity in self.users else not_found(Identity)

    # The check with the identity that was made.

    def once(self, options):
        """What a run of the check would report."""
        method = options.methods[0]
        return Outcome(options.mailboxes[0], method, self._refused(options, method), 0.041)

    def _refused(self, options, method):
        if options.certificate is None:
            user = options.credential.username
            member = user in self.members.get(names.GROUP, ())
            return None if member else Failure("permission", "no", "", "HTTP 403")
        key = keypair.der(certificate.load(options.certificate).certificate)
        apps = [one for one in self.apps if one["appId"] == options.client_id]
        if not apps:
            return Failure("credential", "unknown", "", "AADSTS700016")
        if not any(keypair.same(one, key) for one in apps[0]["keyCredentials"]):
            return Failure("credential", "no such key", "", "AADSTS700027")
        principal = next(one["id"] for one in self.principals if one["appId"] == apps[0]["appId"])
        if method == "graph":
            found = self.assignments.get(names.ASSIGNMENT, {})
            allowed = found.get("App") == principal
            return None if allowed else Failure("permission", "no", "", "ErrorAccessDenied")
        if not any(one["principalId"] == principal for one in self.grants):
            return Failure("permission", "no", "", "HTTP 401")
        member = principal in self.members.get(names.GROUP, ())
        return None if member else Failure("permission", "no", "", "HTTP 403")


def answer(url, status, document):
    """An Answer with a JSON body."""
    body = b"" if document is None else json.dumps(document).encode()
    headers = Headers({"Content-Type": "application/json"})
    return Answer(url, urlsplit(url).hostname, status, "", headers, body)


def graph_error(code, text):
    """An error document of Graph."""
    return {"error": {"code": code, "message": text, "innerError": {}}}


def exchange_error(exception, text):
    """Status and error document of Exchange."""
    detail = {"code": "Context", "target": "", "message": f"Ex6F9304|x.{exception}|{text}"}
    return 400, {"error": {"code": "BadRequest", "message": "x", "details": [detail]}}


def not_found(identity):
    """Exchange's way to say that there is none."""
    text = f"The operation couldn't be performed because object '{identity}' couldn't be found."
    return exchange_error("ManagementObjectNotFoundException", text)


def sha1(pem):
    """base64 of a PEM's SHA-1, one of the shapes that Graph shows."""
    import hashlib

    return base64.b64encode(hashlib.sha1(base64.b64decode(keypair.der(pem.decode()))).digest())
