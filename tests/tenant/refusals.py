"""Entra's error answers.

Sources: RFC 6749 5.2, reference sheet exchange-online 6.
"""

from __future__ import annotations

import datetime
import uuid

#: Users whose right password is not enough: number and text.
USER_REFUSALS = {
    "mfa": (50076, "You must use multi-factor authentication to access the resource."),
    "mfa-setup": (50079, "The user must enroll in multi-factor authentication."),
    "locked": (50053, "The account is locked: too many sign-ins with a wrong password."),
    "expired": (50055, "The password is expired."),
    "blocked": (50057, "The user account is disabled."),
    "conditional": (53003, "Access has been blocked by Conditional Access policies."),
    "security-defaults": (530035, "Access has been blocked by security defaults."),
    "not-assigned": (50105, "The user is not assigned to a role for the application."),
}

#: `error` by number, where it is none of a user's grant.
WORDS = {
    "invalid_client": {
        50012,
        70002,
        700021,
        700023,
        700024,
        700025,
        700027,
        700030,
        700211,
        700212,
        700213,
        7000215,
        7000218,
        7000222,
    },
    "unauthorized_client": {70001, 700016, 7000112, 7000229},
    "unsupported_grant_type": {70003},
    "invalid_resource": {50001, 500011},
    "invalid_scope": {70011, 1002012},
    "invalid_tenant": {90002},
    "invalid_request": {
        50027,
        50049,
        50059,
        50128,
        50194,
        90014,
        90019,
        90038,
        90051,
        90124,
        90130,
        100007,
        900144,
        900382,
        900432,
        9001023,
        9002313,
    },
    "temporarily_unavailable": {50000, 50033, 50196, 90006, 90024, 90033, 90055},
}


class Refusal(Exception):
    """One of Entra's error answers. `error` and `status` are those that usually go with it."""

    def __init__(self, number, text="This is what the practice tenant was told to say.", error=""):
        super().__init__(text)
        words = [word for word, numbers in WORDS.items() if number in numbers]
        error = error or (words[0] if words else "invalid_grant")
        self.status = 401 if error == "invalid_client" else 400
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
