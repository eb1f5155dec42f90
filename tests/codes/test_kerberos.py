"""Errors of Kerberos by the numbers of MIT's krb5.h."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.codes.kerberos import FIRST, KERBEROS


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [
        (-1765328378, "KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN", "logon"),
        (-1765328366, "KRB5KDC_ERR_CLIENT_REVOKED", "logon"),
        (-1765328361, "KRB5KDC_ERR_KEY_EXP", "logon"),
        (-1765328360, "KRB5KDC_ERR_PREAUTH_FAILED", "logon"),
        (-1765328353, "KRB5KRB_AP_ERR_BAD_INTEGRITY", "logon"),
        (-1765328347, "KRB5KRB_AP_ERR_SKEW", "credential"),
        (-1765328236, "KRB5_KDCREP_SKEW", "credential"),
        (-1765328230, "KRB5_REALM_UNKNOWN", "credential"),
        (-1765328228, "KRB5_KDC_UNREACH", "credential"),
    ],
)
def test_numbers_of_the_library_have_their_names(number, name, kind):
    row = KERBEROS[number - FIRST]
    assert (row.name, row.kind, row.code) == (name, kind, f"KRB5 {number - FIRST}")
