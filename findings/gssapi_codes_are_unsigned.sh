#!/bin/bash
# gssapi for Python (python3-gssapi of Debian 12): the codes of Kerberos in `min_code` are not those of krb5.h.
#
# One would guess: `min_code` of an error without a ticket is KRB5_CC_NOTFOUND, -1765328243, as in krb5.h, in the
# documentation of MIT and in the `err_code` of the package krb5.
# What happens: it is the same number without its sign, 2529639053, so that a table of codes never matches.
# Why it matters: every refusal of a KDC then reads "get a ticket", also where the key is stale or the account is locked.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

seen=$(/usr/bin/python3 - <<'PYTHON'
import gssapi

try:
    gssapi.Credentials(usage="initiate")
except gssapi.exceptions.GSSError as error:
    print(type(error).__name__, error.min_code, error.min_code - 2**32)
PYTHON
)
is "error, min_code, the same as krb5.h has it" "MissingCredentialsError 2529639053 -1765328243" "$seen"
