#!/bin/bash
# http.client of Python 3.11.2 (Debian 12; below urllib3 and requests too): after one bad header line all others are lost.
#
# One would guess: a header line without a colon is skipped, or is an error of the protocol.
# What happens: the headers end there, without an error. What follows, also Content-Length and Transfer-Encoding, is not
# there: the body is then what comes until the connection ends.
# Why it matters: one broken line that a proxy or a load balancer puts in takes X-ResponseCode or WWW-Authenticate away, and
# the diagnosis is "not an Exchange Server". Headers that must be there deserve a message that shows those which were.

. "$(dirname "$0")/common.bash"
. "$here/cpython.bash"

cat >ask.py <<'PYTHON'
import http.client
import socket
import threading

ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-RequestId: 7\r\nX-Served-By front 3\r\nX-ResponseCode: 0\r\nContent-Length: 4\r\n\r\nDONE"
)


def serve(listener):
    connection = listener.accept()[0]
    connection.recv(4096)
    connection.sendall(ANSWER)
    connection.close()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
connection = http.client.HTTPConnection(*listener.getsockname(), timeout=10)
connection.request("GET", "/")
response = connection.getresponse()
print(response.status, response.getheaders(), response.length, response.read())
PYTHON
is "status, headers, length, body" "200 [('X-RequestId', '7')] None b'DONE'" "$("$cpython" ask.py)"
