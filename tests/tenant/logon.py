"""Who speaks: Basic, Bearer, and NTLM or Negotiate through acceptors that tests plug in.

Source: reference sheet mapi-http 7.1, 7.3 and 8 (RFC 7617, RFC 6750, MS-NTHT, RFC 4559).

An acceptor: `open(certificate_der)` -> context; `context.step(token)` -> (token to send back or None,
user or None when more legs are needed); ValueError when refused. `close()` of a context is optional.
"""

from __future__ import annotations

import base64
import binascii

from . import bearer
from .directory import DOMAIN

#: What the Exchange resource tells a client without a token, or with a useless one.
BEARER = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*", '
    'token_types="app_asserted_user_v1 service_asserted_app_v1", '
    'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
)
SCOPES = {"MapiHttp.AccessAsUser.All", "user_impersonation"}
TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Challenge(Exception):
    """An answer instead of the one asked for."""

    def __init__(self, status, headers, body=b"Unauthorized\r\n"):
        super().__init__(str(status))
        self.status, self.headers, self.body = status, [TEXT, *headers], body


def local_name(user, tenant):
    """`healthy` of `healthy@practice.example` or `PRACTICE\\healthy` in any letter case, or what
    `tenant.accounts` makes of an account of another domain; None if unknown.
    """
    user = user.lower()
    if user in tenant.accounts:
        return tenant.accounts[user]
    domain, _, name = user.partition("\\")
    if not name:
        name, _, domain = user.partition("@")
    fits = domain in (DOMAIN, DOMAIN.partition(".")[0])
    return name if fits and name in tenant.users() else None


class Logon:
    """Authentication on one TCP connection, of a server that `refuses` everybody or not."""

    def __init__(self, tenant, certificate, *, refuses=False):
        self._tenant, self._certificate, self._refuses = tenant, certificate, refuses
        self._user = self._context = self._scheme = None

    def check(self, headers):
        """The user, and headers for the answer. Raises Challenge."""
        user, more = self._checked(headers)
        if self._refuses:
            scheme, _, _ = self._tenant.logons.pop()
            self.close()
            raise self._failed(scheme, user)
        return user, more

    def _checked(self, headers):
        authorization = headers.get("Authorization")
        if not authorization:
            if self._user is None:
                raise self.challenge()
            return self._user, []
        scheme, _, word = authorization.partition(" ")
        self._user = None
        offered = {name.lower(): name for name in self._tenant.schemes}
        if scheme.lower() == "bearer" and self._tenant.flavour != "gromox":
            return self._bearer(word.strip()), []
        if scheme.lower() not in offered:
            raise self._failed(scheme, "")
        if scheme.lower() == "basic":
            return self._basic(word), []
        return self._step(offered[scheme.lower()], word)

    def close(self):
        """Forget user and handshake, with the connection or in the middle of it."""
        if hasattr(self._context, "close"):
            self._context.close()
        self._user = self._context = self._scheme = None

    def challenge(self, more=None):
        """A 401 that names every way in; `more` is more text for Bearer, which then is offered
        in any case.
        """
        return Challenge(401, self._offers(more))

    def bearer_challenge(self, fault):
        """A 401 by a fault of `bearer`."""
        return Challenge(401, bearer.headers(fault, [value for _, value in self._offers(None)]))

    def _offers(self, more):
        names = list(self._tenant.schemes)
        if more is not None and "Bearer" not in names:
            names.insert(0, "Bearer")
        full = {"Basic": f'Basic realm="{DOMAIN}"', "Bearer": BEARER + (more or "")}
        if self._tenant.flavour == "gromox":
            full["Basic"] = 'Basic realm="msrpc realm", charset="utf-8"'
        return [("WWW-Authenticate", full.get(name, name)) for name in names]

    def _failed(self, scheme, user):
        self._tenant.logons.append((scheme, user, False))
        return self.challenge()

    def _basic(self, word):
        try:
            user, _, password = base64.b64decode(word, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise self._failed("Basic", "") from None
        name = local_name(user, self._tenant)
        if name is None or password != self._tenant.material.password:
            raise self._failed("Basic", user)
        self._tenant.logons.append(("Basic", name, True))
        return name

    def _step(self, scheme, word):
        if self._scheme != scheme or self._context is None:
            self.close()
            self._scheme = scheme
            self._context = self._tenant.acceptors[scheme].open(self._certificate)
        try:
            reply, user = self._context.step(base64.b64decode(word, validate=True))
        except ValueError:
            self.close()
            raise self._failed(scheme, "") from None
        # Gromox takes NTLM, and labels what it answers as it labels its offer (ok_connect_ntlm).
        label = "Negotiate" if self._tenant.flavour == "gromox" else scheme
        answer = f"{label} {base64.b64encode(reply).decode()}" if reply else scheme
        if user is None:
            raise Challenge(401, [("WWW-Authenticate", answer)])
        name = local_name(user, self._tenant)
        self.close()
        if name is None:
            raise self._failed(scheme, user)
        self._tenant.logons.append((scheme, name, True))
        self._user = None if self._tenant.per_request else name
        return name, [("WWW-Authenticate", answer)] if reply else []

    def _bearer(self, token):
        claims = self._tenant.entra.claims(token) if token else None
        upn = (claims or {}).get("upn", "")
        refusal = self._objection(claims)
        name = local_name(upn, self._tenant)
        if refusal is None and name is not None:
            self._tenant.logons.append(("Bearer", name, True))
            return name
        self._tenant.logons.append(("Bearer", upn, False))
        status, number, reason, category = refusal or (
            401,
            2000010,
            "The user is not known here.",
            "invalid_user",
        )
        challenge = self.challenge(', error="invalid_token"' if token else "")
        challenge.status = status
        text = f'{number};reason="{reason}";error_category="{category}"'
        challenge.headers += [("x-ms-diagnostics", text)] if token else []
        raise challenge

    def _objection(self, claims):
        """Why a token will not do: status, number, reason, category; None when it will."""
        if not claims:
            return 401, 2000001, "The token is malformed, forged or expired.", "invalid_token"
        good = {self._tenant.entra.resource, self._tenant.url}
        if str(claims.get("aud", "")).rstrip("/") not in good:
            return 401, 2000003, "The audience claim value is invalid 'aud'.", "invalid_resource"
        scopes = set(str(claims.get("scp", "")).split())
        if not scopes and not claims.get("roles"):
            text = "The token contains no permissions, or permissions can not be understood."
            return 401, 2000008, text, "invalid_grant"
        if not scopes & SCOPES:
            text = "The token contains not enough scope to make this call."
            return 403, 2000008, text, "invalid_grant"
        return None
