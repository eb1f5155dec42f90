#!/bin/bash
# Squid 5.7 and requests 2.32.3: a server that refuses the connection is "503" and "Unable to connect to proxy".
#
# One would guess: 502 Bad Gateway, the status for a gateway that gets nothing from behind it, and a message of the target's.
# What happens: Squid answers CONNECT with 503 Service Unavailable. The cause is in a header, X-Squid-Error, with the number
# of the system's error. requests drops the header and says that the proxy cannot be reached, although it has answered.
# Why it matters: 503 reads like Microsoft's "busy, try again", and the message sends the administrator to the proxy that is
# well. Ask the proxy oneself, or look at its header, before blaming it.

. "$(dirname "$0")/common.bash"
debian squid=5.7-2+deb12u6 squid-common squid-langpack libecap3 libltdl7 libnettle8 libhogweed6 libgnutls30 \
    libnetfilter-conntrack3 libnfnetlink0 libmnl0 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0
python requests==2.32.3

free() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
port=$(free) nobody_listens=$(free)
cat >squid.conf <<CONFIGURATION
http_port 127.0.0.1:$port
http_access allow localhost
visible_hostname proxy.lab.test
pid_filename none
netdb_filename none
pinger_enable off
cache deny all
hosts_file none
dns_nameservers 127.0.0.1
cache_effective_user $user
cache_log $folder/cache.log
access_log none
coredump_dir $folder
mime_table $folder/usr/share/squid/mime.conf
icon_directory $folder/usr/share/squid/icons
error_directory $folder/usr/share/squid-langpack/en
CONFIGURATION
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)
daemon usr/sbin/squid -N -f "$folder/squid.conf"
for tries in $(seq 100); do
    ! grep -q "Accepting HTTP" cache.log 2>/dev/null || break
    sleep 0.1
done

cat >ask.py <<'PYTHON'
import socket
import sys

import requests

proxy, target = int(sys.argv[1]), f"127.0.0.1:{sys.argv[2]}"
with socket.create_connection(("127.0.0.1", proxy), 20) as connection:
    connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    lines = connection.makefile(encoding="utf-8", newline="\r\n").read().splitlines()
print(lines[0], [line for line in lines if line.startswith("X-Squid-Error")])
with requests.Session() as session:
    session.trust_env = False
    try:
        session.get(f"https://{target}/", proxies={"https": f"http://127.0.0.1:{proxy}"}, timeout=20)
    except requests.exceptions.ProxyError as error:
        reason = error.args[0].reason
        print(reason.args[0], "-", reason.args[1])
PYTHON
is "Squid, then requests" "HTTP/1.1 503 Service Unavailable ['X-Squid-Error: ERR_CONNECT_FAIL 111']
Unable to connect to proxy - Tunnel connection failed: 503 Service Unavailable" \
    "$("requests==2.32.3/bin/python" ask.py "$port" "$nobody_listens")"
