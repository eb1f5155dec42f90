"""Entra's side: openid-configuration, user realms, the token endpoint, and what its tokens hold.

Sources: RFC 6749 4.3, 4.4, 5.2 and 6 (password, client credentials, errors, refresh), RFC 7522 2.1 (SAML), RFC
8628 (device code), reference sheets exchange-online 1.4, 5.6 to 7, 8.1, mapi-http 7.
"""

from __future__ import annotations

import time
import uuid

import jwt

from . import client_auth, devices
from .adfs import Federation
from .directory import (
    CLIENT_IDS,
    CLOUDS,
    DOMAIN,
    FEDERATED_USERS,
    GRAPH_TOOLS,
    HOME,
    MODULE_CLIENT_ID,
    TENANT_ID,
    WORLDWIDE,
    app_of,
    directory_of,
)
from .refusals import USER_REFUSALS, Refusal

RESOURCE = WORLDWIDE.resource("exchange")
GRAPH = WORLDWIDE.resource("graph")
USER_SCOPE = "MapiHttp.AccessAsUser.All"
OPENID = {"openid", "profile", "offline_access"}
SIGNING_KEY = uuid.uuid4().hex + uuid.uuid4().hex
_WRONG = "Error validating credentials due to invalid username or password."
SAML_GRANT = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"


class Entra:
    """Registered certificates, and the answers to a sign-in.

    `password_tries` are (user, whether the password was right), here and at the federation server.
    """

    resource = RESOURCE

    def __init__(self, material, users, administrations):
        self.certificates = [material.certificate]
        self._material, self._users = material, users
        #: Tenant id -> what administrators made there.
        self._administrations = administrations
        self.token_lifetime = 3599
        self.revoked = set()
        self.password_tries = []
        #: Whether apps may read their own registration.
        self.reads_itself = lambda: False
        self.federation = Federation(self)

    def configuration(self, url, tenant):
        """The openid-configuration document."""
        place = self._directory(tenant)
        base = f"{url}/{place.id}"
        document = {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "tenant_region_scope": place.cloud.region,
            "cloud_instance_name": place.cloud.login.partition(".")[2],
            "msgraph_host": place.cloud.graph,
        }
        if place.cloud.sub_scope:
            document["tenant_region_sub_scope"] = place.cloud.sub_scope
        return document

    @staticmethod
    def _directory(tenant):
        place = directory_of(tenant)
        if place is None:
            raise Refusal(90002, f"Tenant '{tenant}' not found.")
        return place

    def device_code(self, tenant, form):
        """The answer to a request for a device code. Raises Refusal."""
        place = self._directory(tenant)
        return self._administrations()[place.id].devices.begin(place, form)

    def token(self, url, tenant, form):
        """The answer to a grant. Raises Refusal."""
        place = self._directory(tenant)
        grant, client = form.get("grant_type"), form.get("client_id", "")
        if grant in (devices.GRANT, "refresh_token"):
            return self._administrator_grant(url, place, form)
        if grant not in ("client_credentials", "password", SAML_GRANT):
            raise Refusal(70003, "The app requested an unsupported grant type.")
        app = app_of(client)
        if app is None or client not in (*CLIENT_IDS.values(), MODULE_CLIENT_ID):
            app = self._administrations()[place.id].registry.app(client)
        if grant == "client_credentials":
            return self._client_grant(url, place, app, form)
        proof = {"client_secret", "client_assertion"} & set(form)
        if not app.public or (app.registered and proof):
            self._authenticate(url, place, app, form)
        user = form.get("username", "").lower()
        if grant == "password":
            self._check_password(place, user, form.get("password"))
        else:
            user = self.federation.user_of(form.get("assertion", ""))
        return self._user_answer(url, place, app, user, form.get("scope", ""))

    def _administrator_grant(self, url, place, form):
        """RFC 8628 3.4, RFC 6749 6."""
        admin = self._administrations()[place.id]
        with admin.lock:
            if form["grant_type"] == devices.GRANT:
                user, wanted = admin.devices.redeem(form)
            else:
                user, wanted = admin.devices.refresh(form)
            app = devices.CLIENTS[form["client_id"]]
            if app is GRAPH_TOOLS and not admin.may_consent(user):
                raise Refusal(90094, "Admin consent is required for the permissions requested.")
            # Scopes are consented one by one: `.default` is what every user consents to alone.
            default = f"{place.cloud.resource('graph')}/.default"
            if app is GRAPH_TOOLS and default in wanted.split():
                wanted = "User.Read"
            answer = self._user_answer(url, place, app, user, wanted)
            answer["refresh_token"] = admin.devices.remember(app.client_id, user, wanted)
            return answer

    def _client_grant(self, url, place, app, form):
        """RFC 6749 4.4."""
        resource, _, scope = form.get("scope", "").rpartition("/")
        if scope != ".default":
            raise Refusal(1002012, "The provided value for scope is not valid.")
        if not place.cloud.service(resource):
            elsewhere = any(cloud.service(resource) for cloud in CLOUDS)
            if elsewhere and place.cloud.login != WORLDWIDE.login:
                text = "Confidential Client is not supported in Cross Cloud request."
                raise Refusal(900382, text)
            raise Refusal(500011, "The resource principal was not found in the tenant.")
        self._authenticate(url, place, app, form)
        token = None
        if app.registered:
            claims = self._administrations()[place.id].registry.claims(app, resource)
            token = self.issue(app.client_id, place, resource, **claims)
        return {
            "token_type": "Bearer",
            "expires_in": self.token_lifetime,
            "ext_expires_in": self.token_lifetime,
            "access_token": token or self.issue(app.client_id, place, resource),
        }

    def _authenticate(self, url, place, app, form):
        # The token endpoint as audience, with or without the default port spelt out.
        endpoint = f"{url}/{place.id}/oauth2/v2.0/token"
        endpoints = [endpoint, endpoint.replace(url, f"{url}:443")]
        certificates = self.certificates
        if app.registered:
            certificates = self._administrations()[place.id].registry.certificates(app)
        client_auth.check(app, form, endpoints, certificates, self._material)

    def realm(self, url, user):
        """User realm discovery: how an account signs in."""
        name, _, domain = user.lower().partition("@")
        known = domain == DOMAIN
        document = {"ver": "1.0", "account_type": "Managed" if known else "Unknown"}
        if known:
            document.update(
                domain_name=DOMAIN,
                cloud_instance_name="microsoftonline.com",
                cloud_audience_urn="urn:federation:MicrosoftOnline",
            )
        if known and name in FEDERATED_USERS:
            there = f"{url}/adfs/services/trust"
            if name == "federated-down":
                there = "https://127.0.0.1:1/adfs/services/trust"
            document.update(
                account_type="Federated",
                federation_protocol="WSTrust",
                federation_metadata_url=f"{there}/mex",
                federation_active_auth_url=f"{there}/2005/usernamemixed",
            )
        return document

    def right_password(self, user, password):
        """Whether it is the user's, which is remembered."""
        right = password == self._material.password
        self.password_tries.append((user, right))
        return right

    def _check_password(self, place, user, password):
        """RFC 6749 4.3."""
        name, _, domain = user.partition("@")
        own = self._administrations()[place.id].registry.users.get(user)
        if own is not None:
            right = password == own["passwordProfile"]["password"]
            self.password_tries.append((user, right))
            if not right:
                raise Refusal(50126, _WRONG)
            if own["passwordProfile"].get("forceChangePasswordNextSignIn", True):
                raise Refusal(50055, "The password is expired.")
            return
        if domain != DOMAIN or name not in {*self._users(), *USER_REFUSALS, *FEDERATED_USERS}:
            self.password_tries.append((user, False))
            text = f"The user account {{EUII Hidden}} does not exist in the {TENANT_ID} directory."
            raise Refusal(50034, text)
        if name in FEDERATED_USERS:
            self.password_tries.append((user, False))
            raise Refusal(50056, "Invalid or null password: it is not in the directory.")
        if not self.right_password(user, password):
            raise Refusal(50126, _WRONG)
        if name in USER_REFUSALS:
            raise Refusal(*USER_REFUSALS[name])

    @staticmethod
    def _scopes(url, place, app, wanted):
        """Resource and scopes that a user's token is for. Raises Refusal."""
        words = [word for word in wanted.split() if word not in OPENID]
        parts = [word.rpartition("/") for word in words] or [("", "", "")]
        # A scope without resource is one of Graph's.
        resource = parts[0][0].rstrip("/") or place.cloud.resource("graph")
        service = place.cloud.service(resource)
        # On premises with hybrid modern authentication.
        premises = resource == url
        if not service and not premises:
            raise Refusal(500011, "The resource principal was not found in the tenant.")
        granted = ("user_impersonation", USER_SCOPE)
        if service:
            granted = getattr(app, f"{service}_scopes")
        if not granted and not app.registered:
            text = "Consent between first party application and first party resource must be "
            raise Refusal(65002, text + "configured via preauthorization.")
        asked = [scope for _, _, scope in parts]
        if granted and asked == [".default"]:
            return resource, granted[-1:] if premises else granted
        if not granted or not set(asked) <= set(granted):
            raise Refusal(65001, "The user or administrator has not consented to this scope.")
        return resource, tuple(asked)

    def _user_answer(self, url, place, app, user, wanted):
        resource, scopes = self._scopes(url, place, app, wanted)
        now = int(time.time())
        identity = {
            "aud": app.client_id,
            "iss": f"https://{place.cloud.login}/{place.id}/v2.0",
            "iat": now,
            "exp": now + self.token_lifetime,
            "sub": f"subject of {user}",
            "oid": str(uuid.uuid5(uuid.UUID(TENANT_ID), user)),
            "tid": place.id,
            "preferred_username": user,
        }
        changes = {"aud": resource, "scp": " ".join(scopes), "tid": place.id}
        return {
            "token_type": "Bearer",
            "scope": " ".join(f"{resource}/{scope}" for scope in scopes),
            "expires_in": self.token_lifetime,
            "ext_expires_in": self.token_lifetime,
            "access_token": self.issue_user(user, appid=app.client_id, **changes),
            "refresh_token": f"0.{uuid.uuid4().hex}",
            "id_token": jwt.encode(identity, SIGNING_KEY, algorithm="HS256"),
        }

    def issue_user(self, user, **changes):
        """A token of a person; `changes` replace claims."""
        claims = {"scp": f"Exchange.Manage {USER_SCOPE}", "upn": user, "roles": None}
        return self.issue(CLIENT_IDS["user"], **{**claims, **changes})

    def issue(self, client, place=HOME, resource=RESOURCE, **changes):
        """An access token of an application; `changes` replace claims."""
        app, service = app_of(client), place.cloud.service(resource.rstrip("/"))
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{place.id}/",
            "iat": now,
            "exp": now + self.token_lifetime,
            "appid": client,
            "tid": place.id,
            "roles": list(getattr(app, service)) if app and service else [],
            "uti": uuid.uuid4().hex,
        }
        if self.reads_itself() and service == "graph":
            claims["roles"].append("Application.Read.All")
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")

    def claims(self, token):
        """The claims of a token that was issued here and is good still, for whatever audience; None
        for any other.
        """
        if token in self.revoked:
            return None
        try:
            return jwt.decode(
                token, SIGNING_KEY, algorithms=["HS256"], options={"verify_aud": False}
            )
        except jwt.PyJWTError:
            return None

    def check(self, authorization, service="exchange"):
        """The claims of a good token for that service; None for any other."""
        scheme, _, token = (authorization or "").partition(" ")
        claims = self.claims(token) if scheme == "Bearer" else None
        place = directory_of(claims["tid"]) if claims else None
        if place is None:
            return None
        fits = place.cloud.service(str(claims.get("aud")).rstrip("/")) == service
        return claims if fits else None
