"""A client of requests and msal, for tests of the tenant itself: sign-in, Exchange Online, Graph, IMDS."""

from __future__ import annotations

import warnings

import msal
import requests

from .directory import CLIENT_IDS, DOMAIN, TENANT_ID, TENANT_NAME

EXCHANGE = "https://outlook.office365.com"
GRAPH = "https://graph.microsoft.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Client:
    """Also an http_client for msal, which forgets the port where it asks for a user's realm."""

    def __init__(self, tenant):
        self.tenant, self.session = tenant, requests.Session()
        self.session.trust_env = False
        self.session.verify = str(tenant.material.ca_file)

    def get(self, url, **keywords):
        """GET a URL, or a path of the tenant."""
        return self._send("GET", url, **keywords)

    def post(self, url, **keywords):
        """POST to a URL, or to a path of the tenant."""
        return self._send("POST", url, **keywords)

    def _send(self, method, url, **keywords):
        url = url.replace("https://127.0.0.1/", "/")
        url = f"{self.tenant.url}{url}" if url.startswith("/") else url
        return self.session.request(method, url, timeout=30, allow_redirects=False, **keywords)

    def close(self):
        """The connections."""
        self.session.close()

    def sign_in(self, place=TENANT_ID, **form):
        """The token endpoint's document for a form; monitor's client credentials for Exchange unless
        changed, a change to None leaves a field out.
        """
        usual = {
            "client_id": CLIENT_IDS["monitor"],
            "grant_type": "client_credentials",
            "scope": f"{EXCHANGE}/.default",
        }
        fields = {name: value for name, value in {**usual, **form}.items() if value is not None}
        return self.post(f"/{place}/oauth2/v2.0/token", data=fields).json()

    def number(self, *arguments, **form):
        """AADSTS number of a refused sign-in, 0 for none."""
        return self.sign_in(*arguments, **form).get("error_codes", [0])[0]

    def as_app(self, resource=EXCHANGE, client="monitor", **form):
        """A token of an application by its secret."""
        secret = self.tenant.material.secret
        form = {"client_id": CLIENT_IDS[client], "client_secret": secret, **form}
        return self.sign_in(scope=f"{resource}/.default", **form)["access_token"]

    def as_user(self, user, scope=f"{EXCHANGE}/.default", **form):
        """The document for a user's password."""
        user = {"username": f"{user}@{DOMAIN}", "password": self.tenant.material.password}
        usual = {"grant_type": "password", "client_id": CLIENT_IDS["user"], "scope": scope}
        return self.sign_in(**{**usual, **user, **form})

    def cmdlet(self, token, mailbox="healthy", place=TENANT_ID, stream=False):
        """The answer to Test-MAPIConnectivity."""
        command = {"Parameters": {"Identity": f"{mailbox}@{DOMAIN}"}}
        return self.session.post(
            f"{self.tenant.url}/adminapi/beta/{place}/InvokeCommand",
            json={"CmdletInput": {"CmdletName": "Test-MAPIConnectivity", **command}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            stream=stream,
        )

    def graph(self, token, mailbox="healthy", query="", **headers):
        """The answer to a listing of the Inbox; `mailbox` may be a path below v1.0."""
        path = mailbox if "/" in mailbox else f"users/{mailbox}@{DOMAIN}"
        headers = {"Authorization": f"Bearer {token}", **headers} if token else headers
        return self.get(f"/v1.0/{path}/mailFolders/inbox/messages{query}", headers=headers)

    def msal_app(self, credential, resource):
        """msal's answer for an application."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            app = msal.ConfidentialClientApplication(
                CLIENT_IDS["monitor"], credential, **self._msal()
            )
            return app.acquire_token_for_client([f"{resource}/.default"])

    def msal_user(self, user, scope, password=None, client_id=CLIENT_IDS["user"]):
        """msal's answer for a user's password."""
        password = password or self.tenant.material.password
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            app = msal.PublicClientApplication(client_id, **self._msal())
            return app.acquire_token_by_username_password(f"{user}@{DOMAIN}", password, [scope])

    def _msal(self):
        authority = f"{self.tenant.url}/{TENANT_NAME}"
        return {"authority": authority, "http_client": self, "instance_discovery": False}
