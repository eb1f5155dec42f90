#!/bin/bash
# nginx 1.22.1: a client that names the HTTP version that it speaks gets no connection, one that names none gets one.
#
# One would guess: ALPN is a question. Who offers `http/1.1`, and finds a server for other versions, goes on without it.
# What happens: a server that is set to `h2` ends the handshake with the alert "no application protocol" (RFC 7301 3.2) where
# only `http/1.1` is offered. Where ALPN is not mentioned it takes the connection. And what a server has besides is not told:
# to hear of `h2` one has to offer it, and is bound to it by the answer.
# Why it matters: a check that offers ALPN only to show the version changes what it tests, and learns nothing by `http/1.1`.

. "$(dirname "$0")/common.bash"
debian nginx=1.22.1-9+deb12u11 libnginx-mod-stream=1.22.1-9+deb12u11

openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
chmod 644 key.pem
cat >ports.py <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))
PYTHON
read -r both single < <(python3 ports.py)
cat >nginx.conf <<CONFIGURATION
daemon off;
pid nginx.pid;
error_log stderr;
load_module $folder/usr/lib/nginx/modules/ngx_stream_module.so;
events {}
stream {
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    server { listen 127.0.0.1:$both ssl; ssl_alpn h2 http/1.1; return ok; }
    server { listen 127.0.0.1:$single ssl; ssl_alpn h2; return ok; }
}
CONFIGURATION
daemon usr/sbin/nginx -p "$folder" -c "$folder/nginx.conf"
await nginx.pid 1

cat >ask.py <<'PYTHON'
import socket
import ssl
import sys

for offer in ([], ["http/1.1"], ["h2", "http/1.1"]):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if offer:
        context.set_alpn_protocols(offer)
    told = []
    for port in map(int, sys.argv[1:]):
        try:
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20)) as secured:
                told.append(f"{secured.selected_alpn_protocol()}, and {secured.recv(9).decode()}")
        except ssl.SSLError as error:
            told.append(str(error).partition("] ")[2].partition(" (")[0])
    print(" ".join(offer) or "nothing", "|", " | ".join(told))
PYTHON
is "offer, server of both, server of h2" "nothing | None, and ok | None, and ok
http/1.1 | http/1.1, and ok | tlsv1 alert no application protocol
h2 http/1.1 | h2, and ok | h2, and ok" "$(python3 ask.py "$both" "$single")"
