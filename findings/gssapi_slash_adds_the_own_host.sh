#!/bin/bash
# gssapi for Python (Debian 12): the service HTTP/proxy.lab.test is a service of the machine that asks.
#
# One would guess: a hosted service may be written as setspn, klist and keytabs write it, HTTP/proxy.lab.test; or the form
# is refused.
# What happens: NameType.hostbased_service wants HTTP@proxy.lab.test. With a slash there is no error: the whole text is the
# service, and the name of the own machine is put behind it.
# Why it matters: the KDC says that it does not know the service, and the name that was configured is right to the letter for
# every other tool. Put the `@` in oneself, or use NameType.kerberos_principal for the form with a slash.

. "$(dirname "$0")/common.bash"
. "$here/gssapi.bash"

printf '[libdefaults]\ndefault_realm = LAB.TEST\ndns_canonicalize_hostname = false\n[domain_realm]\n.lab.test = LAB.TEST\n' >krb5.conf
seen=$(/usr/bin/python3 - <<'PYTHON'
import socket

from gssapi import MechType, Name, NameType

for text in ("HTTP@proxy.lab.test", "HTTP/proxy.lab.test"):
    principal = str(Name(text, NameType.hostbased_service).canonicalize(MechType.kerberos))
    service, _, host = principal.partition("@")[0].rpartition("/")
    own = host.lower().split(".")[0] in (socket.gethostname().lower().split(".")[0], "localhost")
    print(text, "is", service, "of", "the own machine" if own else host)
PYTHON
)
is "names" 'HTTP@proxy.lab.test is HTTP of proxy.lab.test
HTTP/proxy.lab.test is HTTP\/proxy.lab.test of the own machine' "$seen"
