#!/bin/bash
# http.client of Python 3.11.2 (Debian 12; below urllib3 and requests too): a proxy is asked in HTTP/1.0, without Host.
#
# One would guess: all requests are HTTP/1.1, CONNECT as well, and HTTP/1.1 wants a Host header.
# What happens: CONNECT goes out as HTTP/1.0 with no header at all; the request inside the tunnel is HTTP/1.1.
# Python 3.12 and later send HTTP/1.1 and Host.
# Why it matters: a proxy that wants HTTP/1.1 or a Host header, or keeps a connection open for HTTP/1.1 only (a logon of
# several steps needs that), refuses the check and lets curl through. The Python makes the difference, not the network.

. "$(dirname "$0")/common.bash"
. "$here/cpython.bash"

cat >ask.py <<'PYTHON'
import http.client
import socket
import threading


def serve(listener):
    connection = listener.accept()[0]
    for _ in range(2):
        print(connection.recv(4096).decode().strip().replace("\r\n", "; "))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    connection.close()


listener = socket.create_server(("127.0.0.1", 0))
proxy = threading.Thread(target=serve, args=(listener,))
proxy.start()
connection = http.client.HTTPConnection(*listener.getsockname(), timeout=10)
connection.set_tunnel("outlook.lab.test", 443)
connection.request("GET", "/")
connection.getresponse().read()
proxy.join()
PYTHON
is "CONNECT, then the request in the tunnel" "CONNECT outlook.lab.test:443 HTTP/1.0
GET / HTTP/1.1; Host: outlook.lab.test:443; Accept-Encoding: identity" "$("$cpython" ask.py)"
