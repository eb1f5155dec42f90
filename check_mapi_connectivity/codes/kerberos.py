"""Errors of Kerberos, by which a KDC refuses a ticket or none is found (MIT's krb5.h)."""

from __future__ import annotations

from . import numbered

#: Where their numbers begin in MIT's tables, and how many there are (error table krb5).
FIRST, COUNT = -1765328384, 256

#: Error -> advice.
KERBEROS = numbered(
    """
[logon] check --password-file
31 KRB5KRB_AP_ERR_BAD_INTEGRITY: KDC refuses the password of {user}
24 KRB5KDC_ERR_PREAUTH_FAILED

[logon] check --username
6 KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN: KDC knows no user {user}

[logon] unlock the account in Active Directory
18 KRB5KDC_ERR_CLIENT_REVOKED: account of {user} is locked or disabled

[logon] set a new password
23 KRB5KDC_ERR_KEY_EXP: password of {user} has expired

[logon] extend the account in Active Directory
1 KRB5KDC_ERR_NAME_EXP: account of {user} has expired

[credential] run setspn -Q {service}; rdns = false in /etc/krb5.conf keeps the name as given
7 KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN: KDC knows no service {service}

[credential] get a new ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME
32 KRB5KRB_AP_ERR_TKT_EXPIRED: the Kerberos ticket has ended

[credential] compare the clocks of this host and the KDC, then delete the ticket (kdestroy)
33 KRB5KRB_AP_ERR_TKT_NYV: the Kerberos ticket is not valid yet

[credential] set this host's clock; if it is right, delete the ticket cache (kdestroy)
37 KRB5KRB_AP_ERR_SKEW: clocks of this host and the KDC differ
148 KRB5_KDCREP_SKEW

[credential] write the realm in upper case; else check /etc/krb5.conf
154 KRB5_REALM_UNKNOWN: no KDC is known for the realm of {user}

[credential] check /etc/krb5.conf and port 88; the KDC may be down
156 KRB5_KDC_UNREACH: no KDC of the realm of {user} answers
""",
    "KRB5 {code}",
)

#: The rows that a keytab's key reads otherwise than a typed password.
KEYTAB = numbered(
    """
[logon] write a new keytab (ktutil or ktpass); the password was changed since
31 KRB5KRB_AP_ERR_BAD_INTEGRITY: KDC does not accept the key of the keytab
24 KRB5KDC_ERR_PREAUTH_FAILED

[logon] write a new keytab (ktutil or ktpass); klist -k shows whose it is
6 KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN: KDC knows no user of the keytab

[logon] set a new password, then write a new keytab (ktutil or ktpass)
23 KRB5KDC_ERR_KEY_EXP: password of the keytab's user has expired
""",
    "KRB5 {code}",
)
