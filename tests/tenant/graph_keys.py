"""Key credentials of an application: what Microsoft Graph takes, keeps and forbids.

Sources: Microsoft Graph's pages on keyCredential, "Update application", "Add a certificate to an app" and
application management policies; error answers as published in issue trackers
(CredentialInvalidLifetimeAsPerAppPolicy, KeyCredentialsInvalidEndDate).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .client_auth import not_after
from .graph import Trouble
from .odata import bad

_MEMBERS = {
    "customKeyIdentifier",
    "displayName",
    "endDateTime",
    "key",
    "keyId",
    "startDateTime",
    "type",
    "usage",
}


def replace(existing, given, policy):
    """The key credentials that an application has after it was given these: one that is not among them
    is gone, one without a key is that of the same id. Raises Trouble.
    """
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise _invalid("keyCredentials", "Application")
    return [_credential(existing, one, policy) for one in given]


def _credential(existing, given, policy):
    unknown = sorted(set(given) - _MEMBERS)
    if unknown:
        raise bad(f"Invalid property '{unknown[0]}'.")
    kept = [one for one in existing if _same(one, given)]
    if given.get("key") is None and kept:
        return kept[0]
    if given.get("type") != "AsymmetricX509Cert":
        raise _invalid("type")
    if given.get("usage") != "Verify":
        raise _invalid("usage")
    certificate = _certificate(given.get("key"))
    if kept and kept[0]["key"] == given["key"]:
        return kept[0]
    if policy.forbidden:
        text = f"Credential type not allowed as per assigned policy '{policy.id}'."
        raise Trouble(400, "CredentialTypeNotAllowedAsPerAppPolicy", text)
    begin, end = _validity(given, certificate)
    if policy.one_year and end - begin > 366 * 86400:
        raise _end_date()
    if policy.max_days is not None and end - begin > policy.max_days * 86400:
        text = f"Credential lifetime exceeds the max value allowed as per assigned policy '{policy.id}'."
        detail = {"code": "InvalidKeyEndDate", "message": text, "target": "EndDate"}
        raise Trouble(400, "CredentialInvalidLifetimeAsPerAppPolicy", text, [detail])
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    return {
        "customKeyIdentifier": given.get("customKeyIdentifier") or thumbprint,
        "displayName": given.get("displayName") or certificate.subject.rfc4514_string(),
        "endDateTime": _moment(end),
        "key": given["key"],
        "keyId": given.get("keyId") or str(uuid.uuid4()),
        "startDateTime": _moment(begin),
        "type": given["type"],
        "usage": given["usage"],
    }


def _same(existing, given):
    names = [name for name in ("keyId", "customKeyIdentifier") if given.get(name)]
    return bool(names) and all(existing[name] == given[name] for name in names)


def _certificate(key):
    try:
        return x509.load_der_x509_certificate(base64.b64decode(key or "", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise _invalid("key") from None


def _validity(given, certificate):
    """Seconds since 1970; the certificate's own where nothing is said."""
    first, last = _not_before(certificate), not_after(certificate)
    begin = _seconds(given, "startDateTime", first)
    end = _seconds(given, "endDateTime", last)
    if not first <= begin < last:
        text = "Key credential start date is invalid."
        raise Trouble(400, "KeyCredentialsInvalidStartDate", text)
    if not begin < end <= last:
        raise _end_date()
    return begin, end


def _end_date():
    return Trouble(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")


def _not_before(certificate):
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc.timestamp()
    return certificate.not_valid_before.replace(tzinfo=datetime.timezone.utc).timestamp()


def _seconds(given, name, usual):
    if given.get(name) is None:
        return usual
    try:
        # Python before 3.11 knows neither Z nor fractions of seven digits.
        text = str(given[name]).replace("Z", "+00:00")
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise _invalid(name) from None


def _moment(seconds):
    found = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{found:%Y-%m-%dT%H:%M:%SZ}"


def _invalid(name, resource="KeyCredential"):
    return bad(f"Invalid value specified for property '{name}' of resource '{resource}'.")
