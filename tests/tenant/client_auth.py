"""How an application proves who it is: certificate, secret, token of a foreign issuer.

Sources: RFC 7523 3 (assertion), RFC 6749 2.3.1 (secret), reference sheet exchange-online 5.3, 5.7, 6.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import time

import jwt
from cryptography.hazmat.primitives.serialization import Encoding

from .directory import FEDERATED
from .refusals import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: Seconds that Entra forgives between two clocks.
LEEWAY = 300


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


def check(app, form, endpoints, certificates, material):
    """Raises Refusal unless the form proves that it comes from `app`."""
    secret, assertion = form.get("client_secret"), form.get("client_assertion")
    if secret is None and form.get("client_assertion_type") != ASSERTION_TYPE:
        text = "The request body must contain client_assertion or client_secret."
        raise Refusal(7000218, text)
    # An own registration that allows public flows may have a credential as well.
    if app.public and not app.registered:
        text = "Client is public so neither 'client_assertion' nor 'client_secret' should be sent."
        raise Refusal(700025, text)
    if secret is not None:
        _check_secret(app, secret, None if app.registered else material.secret)
        return
    header, claims = _unverified(assertion or "")
    foreign = not {"x5t", "x5t#S256"} & set(header) and claims.get("iss") != app.client_id
    if foreign:
        _check_foreign(app, assertion, claims, material.federated_key.public_key())
    else:
        _check_own(app, assertion, header, endpoints, certificates)


def _check_secret(app, given, secret):
    if given != secret:
        text = "Invalid client secret provided. Ensure the secret being sent in the request is the "
        text += "client secret value, not the client secret ID, for a secret added to app "
        raise Refusal(7000215, f"{text}'{app.client_id}'.")
    if app.secret_expired:
        text = f"The provided client secret keys for app '{app.client_id}' are expired."
        raise Refusal(7000222, text)


def _unverified(assertion):
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refusal(50027, "JWT token is invalid or malformed.") from None
    return header, claims


def _check_own(app, assertion, header, endpoints, certificates):
    name, algorithm = {"PS256": ("x5t#S256", "sha256"), "RS256": ("x5t", "sha1")}.get(
        header["alg"], ("", "sha1")
    )
    # msal pads the thumbprint with "=", RFC 7515 does not; Entra takes either.
    given = str(header.get(name, "")).rstrip("=")
    own = [found for found in certificates if thumbprint(found, algorithm) == given]
    if not own:
        text = "The certificate with identifier used to sign the client assertion is not "
        raise Refusal(700027, text + "registered. The key was not found.")
    if not_after(own[0]) < time.time():
        text = "Client assertion failed signature validation. The key used is expired."
        raise Refusal(700027, text)
    try:
        claims = jwt.decode(
            assertion,
            own[0].public_key(),
            algorithms=[header["alg"]],
            audience=endpoints,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "sub", "jti", "aud"]},
        )
    except jwt.ExpiredSignatureError:
        raise Refusal(700024, "Client assertion is not within its valid time range.") from None
    except jwt.InvalidAudienceError:
        text = "Client assertion audience claim does not match Realm issuer."
        raise Refusal(700023, text) from None
    except jwt.PyJWTError:
        raise Refusal(700027, "Client assertion failed signature validation.") from None
    if claims["iss"] != app.client_id or claims["sub"] != app.client_id:
        text = "Client assertion application identifier doesn't match 'client_id' parameter."
        raise Refusal(700021, text)


def _check_foreign(app, assertion, claims, key):
    text = "No matching federated identity record found for presented assertion"
    for number, name, word in (
        (700211, "iss", "issuer"),
        (700213, "sub", "subject"),
        (700212, "aud", "audience"),
    ):
        if not app.federated or claims.get(name) != FEDERATED[name]:
            raise Refusal(number, f"{text} {word} '{claims.get(name)}'.")
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=FEDERATED["aud"],
            leeway=LEEWAY,
            options={"require": ["exp"]},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise Refusal(700024, "Client assertion is not within its valid time range.") from None
    except jwt.PyJWTError:
        raise Refusal(50013, "Assertion failed signature validation.") from None
