"""An administrator made of requests, for tests of the tenant itself: device code, Graph, InvokeCommand."""

from __future__ import annotations

import base64
import time
import uuid

import jwt
from cryptography.hazmat.primitives.serialization import Encoding

from .client import ASSERTION, EXCHANGE, GRAPH, Client
from .client_auth import thumbprint
from .devices import GRANT
from .directory import DOMAIN, GRAPH_TOOLS, MODULE_CLIENT_ID, TENANT_ID
from .registry import EXCHANGE_APP

MANAGE_AS_APP = "dc50a0fb-09a3-484d-be87-e023b12c6440"
MAIL_READ_BASIC_ALL = "693c5e45-0940-467d-9b8a-1022fb9d42ef"
NOWHERE = "00000000-0000-4000-8000-000000000000"
DENIED = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
SCOPES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "DelegatedPermissionGrant.ReadWrite.All",
    "User.ReadWrite.All",
)
GRAPH_SCOPES = " ".join([*(f"{GRAPH}/{scope}" for scope in SCOPES), "offline_access"])


def missing(number):
    """Graph's answer about an object that is not there."""
    text = f"Resource '{number}' does not exist or one of its queried reference-property objects "
    return 404, "Request_ResourceNotFound", f"{text}are not present."


def error(answer):
    """Status, code and message of Graph's error document, which is checked for its shape."""
    found = answer.json()["error"]
    assert set(found) - {"details"} == {"code", "message", "innerError"}
    assert set(found["innerError"]) == {"date", "request-id", "client-request-id"}
    return answer.status_code, found["code"], found["message"]


def der(certificate):
    """As a key credential carries it."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def credential(certificate, **changes):
    """A key credential."""
    usual = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": der(certificate)}
    return {**usual, **changes}


class Administrator(Client):
    """Signs in with the Entra roles given when it first needs a token for Graph or Exchange."""

    def __init__(self, tenant, *roles, scopes=GRAPH_SCOPES, name="admin"):
        super().__init__(tenant)
        self.user = f"{name}@{DOMAIN}"
        self.roles = roles or ("Global Administrator",)
        self.scopes, self.tokens = scopes, {}

    def begin(self, client=GRAPH_TOOLS.client_id, scope=GRAPH_SCOPES, place=TENANT_ID):
        """The answer to a request for a device code."""
        form = {"client_id": client, "scope": scope}
        return self.post(f"/{place}/oauth2/v2.0/devicecode", data=form).json()

    def poll(self, flow, client=GRAPH_TOOLS.client_id, **changes):
        """The token endpoint's document for a device code."""
        form = {"grant_type": GRANT, "client_id": client, "device_code": flow["device_code"]}
        return self.post(f"/{TENANT_ID}/oauth2/v2.0/token", data={**form, **changes}).json()

    def token(self, service):
        """A token for `graph` or `exchange`."""
        if service not in self.tokens:
            client, scope = GRAPH_TOOLS.client_id, self.scopes
            if service == "exchange":
                client, scope = MODULE_CLIENT_ID, f"{EXCHANGE}/.default"
            flow = self.begin(client, scope)
            self.tenant.admin.approve(self.user, self.roles, code=flow["user_code"])
            self.tokens[service] = self.poll(flow, client)["access_token"]
        return self.tokens[service]

    def ask(self, method, path, body=None, **headers):
        """The answer of Microsoft Graph; `path` is below v1.0, or a whole URL."""
        headers = {"Authorization": f"Bearer {self.token('graph')}", **headers}
        url = path if path.startswith("https://") else f"{self.tenant.url}/v1.0/{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=30)

    def create(self, name="probe", **changes):
        """The document of a new application."""
        answer = self.ask("POST", "applications", {"displayName": name, **changes})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def create_pair(self, name="probe", **changes):
        """Those of a new application and its service principal."""
        application = self.create(name, **changes)
        answer = self.ask("POST", "servicePrincipals", {"appId": application["appId"]})
        assert answer.status_code == 201, answer.text
        return application, answer.json()

    def resource(self, app_id=EXCHANGE_APP):
        """Object id of one of Microsoft's service principals."""
        return self.ask("GET", f"servicePrincipals(appId='{app_id}')?$select=id").json()["id"]

    def consent(self, principal, role=MANAGE_AS_APP, app_id=EXCHANGE_APP, **changes):
        """The answer to an app role assignment."""
        body = {"principalId": principal, "resourceId": self.resource(app_id), "appRoleId": role}
        path = f"servicePrincipals/{principal}/appRoleAssignments"
        return self.ask("POST", path, {**body, **changes})

    def invoke(self, name, token=None, **parameters):
        """The answer of InvokeCommand, its body unread when it says that it is compressed."""
        return self.session.post(
            f"{self.tenant.url}/adminapi/beta/{TENANT_ID}/InvokeCommand",
            json={"CmdletInput": {"CmdletName": name, "Parameters": parameters}},
            headers={"Authorization": f"Bearer {token or self.token('exchange')}"},
            timeout=30,
            stream=True,
        )

    def rows(self, name, **parameters):
        """What a cmdlet that works puts out."""
        answer = self.invoke(name, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def fails(self, name, **parameters):
        """Exception, without its namespace, and text of a cmdlet that does not work."""
        answer = self.invoke(name, **parameters)
        assert answer.status_code == 400
        inner = answer.json()["error"]["innererror"]["internalexception"]
        return inner["type"].rpartition(".")[2], inner["message"]

    def app_token(self, app_id, resource=EXCHANGE, key=None, certificate=None):
        """The token endpoint's document for a registration, by the tenant's client certificate."""
        material, now = self.tenant.material, int(time.time())
        claims = {
            "aud": f"{self.tenant.url}/{TENANT_ID}/oauth2/v2.0/token",
            "iss": app_id,
            "sub": app_id,
            "iat": now,
            "exp": now + 600,
            "jti": uuid.uuid4().hex,
        }
        headers = {"x5t": thumbprint(certificate or material.certificate, "sha1")}
        return self.sign_in(
            client_id=app_id,
            scope=f"{resource}/.default",
            client_assertion_type=ASSERTION,
            client_assertion=jwt.encode(
                claims, key or material.key, algorithm="RS256", headers=headers
            ),
        )
