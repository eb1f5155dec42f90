"""Entra's side: openid-configuration, user realms and the token endpoint, with the checks that Entra
makes on a client assertion and on a password.

Sources: RFC 7523 3 (assertion), RFC 6749 4.3, 4.4 and 5.2 (password, client credentials, errors),
reference sheets exchange-online 5.3, 5.6 and 6, mapi-http 7.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives.serialization import Encoding

from .material import CLIENT_IDS, DOMAIN, TENANT_ID, TENANT_NAME

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RESOURCE = "https://outlook.office365.com"
GRAPH = "https://graph.microsoft.com"
USER_SCOPE = "MapiHttp.AccessAsUser.All"
OPENID = {"openid", "profile", "offline_access"}
SIGNING_KEY = uuid.uuid4().hex + uuid.uuid4().hex


#: Users whose right password is not enough: number and text.
USER_REFUSALS = {
    "mfa": (50076, "You must use multi-factor authentication to access the resource."),
    "locked": (50053, "The account is locked: too many sign-ins with a wrong password."),
    "expired": (50055, "The password is expired."),
    "blocked": (50057, "The user account is disabled."),
    "conditional": (53003, "Access has been blocked by Conditional Access policies."),
}


class Refusal(Exception):
    """One of Entra's error answers."""

    def __init__(self, number, text, error="invalid_client", status=401):
        super().__init__(text)
        self.status = status
        now = datetime.datetime.now(datetime.timezone.utc)
        ids = {
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        }
        tail = " ".join(f"{name.replace('_', ' ').title()}: {value}" for name, value in ids.items())
        self.document = {
            "error": error,
            "error_description": f"AADSTS{number}: {text} {tail}",
            "error_codes": [number],
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
            **ids,
        }


def thumbprint(certificate, algorithm):
    """base64url of the digest of the certificate's DER form, as `x5t` and `x5t#S256` carry it (RFC
    7515 4.1.7, 4.1.8).
    """
    digest = hashlib.new(algorithm, certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def not_after(certificate):
    """End of validity in seconds since 1970; cryptography before 42 knows it as naive UTC only."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc.timestamp()
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc).timestamp()


class Entra:
    """Registered certificates, and the answers to a sign-in."""

    resource = RESOURCE

    def __init__(self, certificates, password="", users=frozenset):
        self.certificates = list(certificates)
        self._password, self._users = password, users
        self.token_lifetime = 3599
        self.revoked = set()

    def configuration(self, url, tenant):
        """The openid-configuration document."""
        if tenant.lower() not in (TENANT_ID, TENANT_NAME):
            raise Refusal(90002, f"Tenant '{tenant}' not found.", "invalid_tenant", 400)
        base = f"{url}/{TENANT_ID}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }

    def token(self, url, tenant, form):
        """The answer to a client credentials or a password grant. Raises Refusal."""
        client = form.get("client_id", "")
        if tenant.lower() not in (TENANT_ID, TENANT_NAME):
            raise Refusal(90002, f"Tenant '{tenant}' not found.", "invalid_tenant", 400)
        if form.get("grant_type") == "password":
            return self._password_grant(url, client, form)
        if form.get("grant_type") != "client_credentials":
            raise Refusal(
                70003, "The app requested an unsupported grant type.", "unsupported_grant_type", 400
            )
        if client not in CLIENT_IDS.values():
            raise Refusal(
                700016,
                f"Application with identifier '{client}' was not found.",
                "unauthorized_client",
                400,
            )
        if not form.get("scope", "").endswith("/.default"):
            raise Refusal(
                1002012, "The provided value for scope is not valid.", "invalid_scope", 400
            )
        if form["scope"] != f"{RESOURCE}/.default":
            raise Refusal(
                500011,
                "The resource principal was not found in the tenant.",
                "invalid_resource",
                400,
            )
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refusal(
                7000218, "The request body must contain client_assertion or client_secret."
            )
        self._check_assertion(url, client, form.get("client_assertion", ""))
        return {
            "token_type": "Bearer",
            "expires_in": self.token_lifetime,
            "ext_expires_in": self.token_lifetime,
            "access_token": self.issue(client),
        }

    def realm(self, user):
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
        if known and name == "federated":
            document.update(
                account_type="Federated",
                federation_protocol="WSTrust",
                federation_metadata_url="https://127.0.0.1:1/adfs/services/trust/mex",
                federation_active_auth_url="https://127.0.0.1:1/adfs/services/trust/2005/username",
            )
        return document

    def _password_grant(self, url, client, form):
        """RFC 6749 4.3, for the one app that is a public client."""
        if client not in CLIENT_IDS.values():
            text = f"Application with identifier '{client}' was not found."
            raise Refusal(700016, text, "unauthorized_client", 400)
        if client != CLIENT_IDS["user"]:
            raise Refusal(
                7000218, "The request body must contain client_assertion or client_secret."
            )
        user = form.get("username", "").lower()
        name, _, domain = user.partition("@")
        if domain != DOMAIN or name not in {*self._users(), *USER_REFUSALS}:
            text = f"The user account {{EUII Hidden}} does not exist in the {TENANT_ID} directory."
            raise Refusal(50034, text, "invalid_grant", 400)
        if form.get("password") != self._password:
            text = "Error validating credentials due to invalid username or password."
            raise Refusal(50126, text, "invalid_grant", 400)
        if name in USER_REFUSALS:
            raise Refusal(*USER_REFUSALS[name], "invalid_grant", 400)
        wanted = [word for word in form.get("scope", "").split() if word not in OPENID]
        resource, _, scope = (wanted or [""])[0].rpartition("/")
        if resource.rstrip("/") not in (RESOURCE, GRAPH, url):
            text = "The resource principal was not found in the tenant."
            raise Refusal(500011, text, "invalid_resource", 400)
        scope = USER_SCOPE if scope == ".default" else scope
        return self._user_answer(client, user, resource, scope)

    def _user_answer(self, client, user, resource, scope):
        now = int(time.time())
        identity = {
            "aud": client,
            "iss": f"https://login.microsoftonline.com/{TENANT_ID}/v2.0",
            "iat": now,
            "exp": now + self.token_lifetime,
            "sub": f"subject of {user}",
            "oid": str(uuid.uuid5(uuid.UUID(TENANT_ID), user)),
            "tid": TENANT_ID,
            "preferred_username": user,
        }
        return {
            "token_type": "Bearer",
            "scope": f"{resource}/{scope}",
            "expires_in": self.token_lifetime,
            "ext_expires_in": self.token_lifetime,
            "access_token": self.issue_user(user, aud=resource, scp=scope),
            "refresh_token": f"0.{uuid.uuid4().hex}",
            "id_token": jwt.encode(identity, SIGNING_KEY, algorithm="HS256"),
        }

    def issue_user(self, user, **changes):
        """A token of a person; `changes` replace claims."""
        claims = {"scp": USER_SCOPE, "upn": user, "roles": None}
        return self.issue(CLIENT_IDS["user"], **{**claims, **changes})

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

    def _check_assertion(self, url, client, assertion):
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.PyJWTError:
            raise Refusal(
                50027, "JWT token is invalid or malformed.", "invalid_request", 400
            ) from None
        name, algorithm = {"PS256": ("x5t#S256", "sha256"), "RS256": ("x5t", "sha1")}.get(
            header["alg"], ("", "sha1")
        )
        # msal pads the thumbprint with "=", RFC 7515 does not; Entra takes either.
        given = str(header.get(name, "")).rstrip("=")
        own = [found for found in self.certificates if thumbprint(found, algorithm) == given]
        if not own:
            raise Refusal(
                700027,
                "The certificate with identifier used to sign the client assertion is not "
                "registered. The key was not found.",
            )
        if not_after(own[0]) < time.time():
            raise Refusal(
                700027, "Client assertion failed signature validation. The key used is expired."
            )
        # The token endpoint as audience, with or without the default port spelt out.
        endpoint = f"{url}/{TENANT_ID}/oauth2/v2.0/token"
        try:
            claims = jwt.decode(
                assertion,
                own[0].public_key(),
                algorithms=[header["alg"]],
                audience=[endpoint, endpoint.replace(url, f"{url}:443")],
                # Entra forgives five minutes between two clocks.
                leeway=300,
                options={"require": ["exp", "iss", "sub", "jti", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise Refusal(700024, "Client assertion is not within its valid time range.") from None
        except jwt.InvalidAudienceError:
            raise Refusal(
                700023, "Client assertion audience claim does not match Realm issuer."
            ) from None
        except jwt.PyJWTError:
            raise Refusal(700027, "Client assertion failed signature validation.") from None
        if claims["iss"] != client or claims["sub"] != client:
            raise Refusal(
                700021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            )

    def issue(self, client, **changes):
        """An access token for Exchange; `changes` replace claims."""
        without = (CLIENT_IDS["no-app-role"], CLIENT_IDS["user"])
        role = [] if client in without else ["Exchange.ManageAsApp"]
        now = int(time.time())
        claims = {
            "aud": RESOURCE,
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "iat": now,
            "exp": now + self.token_lifetime,
            "appid": client,
            "tid": TENANT_ID,
            "roles": role,
            "uti": uuid.uuid4().hex,
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")

    def check(self, authorization):
        """The claims of a good token; None for any other."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or token in self.revoked:
            return None
        try:
            return jwt.decode(token, SIGNING_KEY, algorithms=["HS256"], audience=RESOURCE)
        except jwt.PyJWTError:
            return None


def body(document):
    """A JSON answer's bytes."""
    return json.dumps(document).encode()
