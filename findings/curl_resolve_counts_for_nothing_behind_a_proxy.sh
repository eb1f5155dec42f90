#!/bin/bash
# curl 7.88.1: `--resolve` has no effect on the server where a proxy is used, `--connect-to` has.
#
# One would guess: both lead a name to an address for this one command, whatever the way there, or curl says that it cannot.
# What happens: with an HTTP proxy the proxy is asked for the name, and the address of --resolve is not used, without a word. That of
# --connect-to is sent to the proxy in its place.
# Why it matters: who tries each node behind a load balancer by `--resolve` on a machine with https_proxy in its environment tries
# the balancer each time, and finds all nodes well. Use --connect-to, or --noproxy '*'.

. "$(dirname "$0")/common.bash"
debian curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 libnghttp2-14 libidn2-0 librtmp1 libssh2-1 libpsl5 libldap-2.5-0 \
    libsasl2-2 libbrotli1 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libunistring2 libssl3 libzstd1
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >proxy.py <<'PYTHON'
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        with listener.accept()[0] as connection, open("asked", "ab") as file:
            file.write(connection.recv(4096).partition(b"\r\n")[0] + b"\n")
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
PYTHON
daemon /usr/bin/env -u LD_LIBRARY_PATH python3 "$folder/proxy.py" "$port"

# asked OPTION ...: what the proxy is asked for.
asked() {
    rm -f asked
    usr/bin/curl -q -s --retry 30 --retry-connrefused --retry-delay 1 --proxy "http://127.0.0.1:$port" "$@" https://mail.test/ 2>&1 || true
    cat asked
}
is "no option" "CONNECT mail.test:443 HTTP/1.1" "$(asked)"
is "--resolve mail.test:443:127.0.0.5" "CONNECT mail.test:443 HTTP/1.1" "$(asked --resolve mail.test:443:127.0.0.5)"
is "--connect-to mail.test:443:127.0.0.5:443" "CONNECT 127.0.0.5:443 HTTP/1.1" \
    "$(asked --connect-to mail.test:443:127.0.0.5:443)"
