"""401s that offer Bearer with an authorization_uri, as an Exchange with hybrid modern authentication.

Source: reference sheet mapi-http 7.1. AD FS as authority was not seen: `bearer-foreign` stands for any
other host.
"""

from __future__ import annotations

from .directory import TENANT_ID

AUTHORITY = "https://login.windows.net/common/oauth2/authorize"
FOREIGN = "https://login.elsewhere.example/adfs/oauth2/authorize"


def _challenge(authority):
    return (
        'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
        f'trusted_issuers="00000001-0000-0000-c000-000000000000@{TENANT_ID}", '
        'token_types="app_asserted_user_v1 service_asserted_app_v1", '
        f'authorization_uri="{authority}"'
    )


#: Fault -> the Bearer challenge, and whether the tenant's other schemes stand behind it.
CHALLENGES = {
    "bearer-challenge": (_challenge(AUTHORITY), True),
    "bearer-only": (_challenge(AUTHORITY), False),
    "bearer-foreign": (_challenge(FOREIGN), False),
    "bearer-bare": ("Bearer", False),
}


def headers(fault, others):
    """The headers of the 401; `others` are the values for the tenant's own schemes."""
    challenge, with_others = CHALLENGES[fault]
    values = [challenge, *(others if with_others else [])]
    return [("WWW-Authenticate", value) for value in values]
