#!/bin/bash
# requests 2.34.2: `NO_PROXY=*.contoso.com` excepts no host from the proxy.
#
# One would guess: it is every host below contoso.com, as in browsers, Windows and proxy scripts.
# What happens: a star is only a star where it stands alone. `*.contoso.com` and `*contoso.com` match nothing and are no error;
# `.contoso.com` and `contoso.com` are what was meant. An IPv6 network matches nothing either, an IPv4 network does.
# Why it matters: requests for the own Exchange go through the proxy, which refuses them or asks for a logon, and the line in
# the unit file looks right. Write `.contoso.com`.

. "$(dirname "$0")/common.bash"
python requests==2.34.2

cat >ask.py <<'PYTHON'
import os
import sys

from requests.utils import get_environ_proxies

os.environ.update(HTTPS_PROXY="http://proxy.lab.test:3128", NO_PROXY=sys.argv[1])
print("proxy" if get_environ_proxies(sys.argv[2]) else "direct")
PYTHON

unset no_proxy https_proxy
way() { "requests==2.34.2/bin/python" ask.py "$1" "$2"; }
is "*.contoso.com" proxy "$(way '*.contoso.com' https://mail.contoso.com/)"
is "*contoso.com" proxy "$(way '*contoso.com' https://mail.contoso.com/)"
is ".contoso.com" direct "$(way .contoso.com https://mail.contoso.com/)"
is "contoso.com" direct "$(way contoso.com https://mail.contoso.com/)"
is "10.0.0.0/8" direct "$(way 10.0.0.0/8 https://10.1.2.3/)"
is "fd00::/8" proxy "$(way fd00::/8 'https://[fd00::1]/')"
