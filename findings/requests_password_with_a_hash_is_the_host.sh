#!/bin/bash
# requests 2.34.2: the proxy of `http://user:Winter@mybirthday#1@proxy.lab.test:3128` is the host `mybirthday`.
#
# One would guess: the last @ ends the password, as it does without the #; or such a URL is refused.
# What happens: the URL ends at the # (so does one with ? or /), and the @ within the password begins the host. Part of the
# password is asked for in DNS, and stands in the error and in the log: "Failed to resolve 'mybirthday'".
# Why it matters: a password with @ alone works, so nobody thinks of the URL after the password was changed; and who reads
# DNS or logs reads the rest of it. `#` is written `%23` there.

. "$(dirname "$0")/common.bash"
python requests==2.34.2

cat >ask.py <<'PYTHON'
import socket
import sys

import requests


def resolve(host, *_, **__):
    print("asked for in DNS:", host)
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


socket.getaddrinfo = resolve
try:
    requests.get("https://outlook.example/", proxies={"https": sys.argv[1]})
except requests.RequestException as error:
    print(type(error).__name__)
PYTHON
ask() { "requests==2.34.2/bin/python" ask.py "http://user:$1@proxy.lab.test:3128"; }
is "with @" "asked for in DNS: proxy.lab.test
ProxyError" "$(ask 'Winter@2026')"
is "with @ and #" "asked for in DNS: mybirthday
ProxyError" "$(ask 'Winter@mybirthday#1')"
is "with @ and ?" "asked for in DNS: mybirthday
ProxyError" "$(ask 'Winter@mybirthday?1')"
is "with @ and %23" "asked for in DNS: proxy.lab.test
ProxyError" "$(ask 'Winter@mybirthday%231')"
