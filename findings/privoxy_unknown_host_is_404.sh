#!/bin/bash
# Privoxy 3.0.34: a host that DNS does not know is "404" to a CONNECT, and "502" on the page below.
#
# One would guess: 502, 503 or 504, the statuses of a gateway that cannot reach the other side.
# What happens: the status line is "404 No such domain"; the title of the page that comes with it says 502.
# Why it matters: 404 reads as "the server has no such mailbox or page". A client that shows the status alone sends the
# administrator to Exchange, and it is a typing error in the host's name, or the proxy's DNS. The proxy's phrase tells it.

. "$(dirname "$0")/common.bash"
debian privoxy=3.0.34-1 libpcre3 libmbedtls14 libmbedx509-1 libmbedcrypto7 libbrotli1 zlib1g

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >privoxy.conf <<CONFIGURATION
confdir $folder/etc/privoxy
logdir $folder
listen-address 127.0.0.1:$port
CONFIGURATION
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu):$(echo "$folder"/lib/*-linux-gnu)
daemon usr/sbin/privoxy --no-daemon "$folder/privoxy.conf"

cat >ask.py <<'PYTHON'
import re
import socket
import sys
import time

for _ in range(100):
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
        break
    except OSError:
        time.sleep(0.1)
host = "m" * 64 + ".lab.test"  # longer than DNS allows, so that no server is asked
with connection:
    connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    answer = connection.makefile(encoding="utf-8", newline="\r\n").read()
print(answer.partition("\r\n")[0])
print(re.search("<title>([^(]*) ", answer)[1])
PYTHON
is "status line, then the page's title" "HTTP/1.1 404 No such domain
502 - Bad Gateway" "$(python3 ask.py "$port")"
