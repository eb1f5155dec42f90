#!/bin/bash
# MIT Kerberos (python3-gssapi of Debian 12): a comment behind a value in krb5.conf is part of the value.
#
# One would guess: `default_realm = LAB.TEST  # the lab` is the realm LAB.TEST.
# What happens: "#" and ";" begin a comment at the start of a line only. The realm is the whole text, blanks and all, without
# an error; then there is no KDC for a realm of that name. In quotes, `"LAB.TEST" # the lab`, the rest is dropped.
# Why it matters: "cannot find KDC for realm" sends the administrator to DNS and the firewall. Show the realm in quotes.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

realm() {
    printf '[libdefaults]\n  default_realm = %s\n' "$1" >krb5.conf
    /usr/bin/python3 - <<'PYTHON'
from gssapi import MechType, Name, NameType

print("<" + str(Name("probe", NameType.user).canonicalize(MechType.kerberos)) + ">")
PYTHON
}
is "LAB.TEST  # the lab" "<probe@LAB.TEST  # the lab>" "$(realm 'LAB.TEST  # the lab')"
is '"LAB.TEST"  # the lab' "<probe@LAB.TEST>" "$(realm '"LAB.TEST"  # the lab')"
