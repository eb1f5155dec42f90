"""Errors of Kerberos, by which a KDC refuses a ticket or none is found (MIT's krb5.h)."""

from __future__ import annotations

from . import numbered

#: Where their numbers begin in MIT's tables.
FIRST = -1765328384

#: Error -> advice.
KERBEROS = numbered(
    """
[logon] check --password-file
31 KRB5KRB_AP_ERR_BAD_INTEGRITY: KDC refuses the password of {user}
24 KRB5KDC_ERR_PREAUTH_FAILED

[logon] check --username
6 KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN: KDC knows no user {user}

[logon] unlock it in the directory
18 KRB5KDC_ERR_CLIENT_REVOKED: account of {user} is locked or disabled

[logon] set a new one
23 KRB5KDC_ERR_KEY_EXP: password of {user} has expired

[credential] set this host's clock
37 KRB5KRB_AP_ERR_SKEW: clocks of this host and the KDC differ

[credential] see /etc/krb5.conf
154 KRB5_REALM_UNKNOWN: no KDC is known for the realm of {user}
156 KRB5_KDC_UNREACH: no KDC of the realm of {user} answers
""",
    "KRB5 {code}",
)
