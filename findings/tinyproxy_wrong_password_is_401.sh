#!/bin/bash
# Tinyproxy 1.11.1: a wrong password for the proxy is answered by 401, a missing one by 407.
#
# One would guess: both are 407 Proxy Authentication Required with Proxy-Authenticate.
# What happens: a CONNECT without a password gets 407. With a wrong one it gets 401 Unauthorized with WWW-Authenticate, which
# are the words of the server behind, although the proxy has not asked it.
# Why it matters: who reads statuses says that Exchange or Microsoft refuses the sign-in, and the mailbox's password is changed
# in place of the proxy's. Before there is a tunnel each answer is the proxy's.

. "$(dirname "$0")/common.bash"
debian tinyproxy-bin=1.11.1-2.1+deb12u1

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >tinyproxy.conf <<CONFIGURATION
Port $port
Listen 127.0.0.1
LogFile "$folder/proxy.log"
BasicAuth probe S3cret
CONFIGURATION
: >proxy.log
daemon usr/bin/tinyproxy -d -c "$folder/tinyproxy.conf"
await proxy.log 4

cat >ask.py <<'PYTHON'
import base64
import socket
import sys

with socket.create_server(("127.0.0.1", 0)) as target:
    place = f"127.0.0.1:{target.getsockname()[1]}"
    for user in (None, "probe:wrong", "probe:S3cret"):
        request = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n"
        if user:
            request += f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n"
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
            connection.sendall(f"{request}\r\n".encode())
            head = connection.recv(4096).decode().partition("\r\n\r\n")[0].splitlines()
        asked = [line for line in head if "-Authenticate" in line]
        print(user, head[0], asked)
PYTHON
is "user, answer to CONNECT" "None HTTP/1.0 407 Proxy Authentication Required ['Proxy-Authenticate: Basic realm=\"Tinyproxy\"']
probe:wrong HTTP/1.0 401 Unauthorized ['WWW-Authenticate: Basic realm=\"Tinyproxy\"']
probe:S3cret HTTP/1.0 200 Connection established []" "$(python3 ask.py "$port")"
