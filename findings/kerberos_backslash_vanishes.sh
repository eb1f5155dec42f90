#!/bin/bash
# MIT Kerberos (python3-gssapi of Debian 12): DOMAIN\user is the user DOMAINuser.
#
# One would guess: a logon name in Windows's form is refused, or taken for the user of that domain.
# What happens: a backslash is an escape in the names of Kerberos. `LAB\probe` is the name `LABprobe` in the default realm,
# without an error, and a KDC then says that it knows no such user.
# Why it matters: an administrator who is told "no user" looks at an account that is well. A check asks for USER@REALM.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

seen=$(/usr/bin/python3 - <<'PYTHON'
from gssapi import MechType, Name, NameType

for text in (r"LAB\probe", "probe@LAB.TEST"):
    print(Name(text, NameType.user).canonicalize(MechType.kerberos), end=" ")
PYTHON
)
is 'LAB\probe, then probe@LAB.TEST' "LABprobe@LAB.TEST probe@LAB.TEST " "$seen"
