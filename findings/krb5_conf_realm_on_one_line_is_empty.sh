#!/bin/bash
# MIT Kerberos (python3-gssapi of Debian 12): a realm that is written on one line has no KDC.
#
# One would guess: `LAB.TEST = { kdc = kdc.lab.test }` means the same as on three lines, or it is a syntax error.
# What happens: a brace opens a block only where it ends the line. Otherwise the braces and what they hold are a text that
# nobody asks for, and there is no error: the realm is known and has no KDC.
# Why it matters: "Cannot find KDC for realm" is said of a file that names the KDC, and one looks for DNS and the firewall. Give
# the brace, each value and the closing brace a line of their own.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >ask.py <<'PYTHON'
from gssapi import MechType, Name, NameType
from gssapi.exceptions import GSSError
from gssapi.raw import acquire_cred_with_password

try:
    acquire_cred_with_password(Name("probe", NameType.user), b"S3cret", mechs=[MechType.kerberos], usage="initiate")
except GSSError as error:
    print(error.gen_message().rpartition("): ")[2])
PYTHON
ask() {
    printf '[libdefaults]\ndefault_realm = LAB.TEST\ndns_lookup_kdc = false\nudp_preference_limit = 1\n[realms]\n%b\n' "$1" >krb5.conf
    /usr/bin/python3 ask.py
}
is "one line" 'Cannot find KDC for realm "LAB.TEST"' "$(ask "LAB.TEST = { kdc = 127.0.0.1:$port }")"
is "three lines, nobody listens there" "Cannot contact any KDC for realm 'LAB.TEST'" "$(ask "LAB.TEST = {\nkdc = 127.0.0.1:$port\n}")"
