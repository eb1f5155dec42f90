#!/bin/bash
# MIT Kerberos (python3-gssapi of Debian 12): of a value that is given twice, the first counts.
#
# One would guess: the later line wins, as in most configuration files, so that what is added at the end of krb5.conf or in a
# second file replaces what stands above; or there is an error.
# What happens: the first value is kept, without a word, inside one section and over two of the same name. The order of the
# files in KRB5_CONFIG and of `includedir` counts likewise.
# Why it matters: a default_realm or a switch that an administrator appends has no effect, and one looks for the mistake in the
# new line. Change the first one, or put the new one above it.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

realm() {
    /usr/bin/python3 - <<'PYTHON'
from gssapi import MechType, Name, NameType

print(Name("probe", NameType.user).canonicalize(MechType.kerberos))
PYTHON
}
printf '[libdefaults]\ndefault_realm = FIRST.TEST\ndefault_realm = SECOND.TEST\n' >krb5.conf
is "two lines" "probe@FIRST.TEST" "$(realm)"
printf '[libdefaults]\ndefault_realm = FIRST.TEST\n[realms]\n[libdefaults]\ndefault_realm = SECOND.TEST\n' >krb5.conf
is "two sections" "probe@FIRST.TEST" "$(realm)"
mkdir more
printf '[libdefaults]\ndefault_realm = SECOND.TEST\n' >more/own.conf
printf '[libdefaults]\ndefault_realm = FIRST.TEST\nincludedir %s\n' "$folder/more" >krb5.conf
is "a folder that is included below" "probe@FIRST.TEST" "$(realm)"
printf '[libdefaults]\ndefault_realm = FIRST.TEST\n' >krb5.conf
export KRB5_CONFIG=$folder/more/own.conf:$folder/krb5.conf
is "KRB5_CONFIG=own.conf:krb5.conf" "probe@SECOND.TEST" "$(realm)"
