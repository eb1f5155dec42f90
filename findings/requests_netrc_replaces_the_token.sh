#!/bin/bash
# requests 2.25.1 and 2.34.2: a host in ~/.netrc replaces the Authorization header that a program sets.
#
# One would guess: a header that is given with the request is sent; .netrc is for requests that have none.
# What happens: without `auth=`, requests looks the host up in ~/.netrc (or $NETRC), and writes Basic with that name and password
# over `Authorization: Bearer ...`, of the request and of the session.
# Why it matters: a file that somebody made for curl, or `default` in it, turns a check with a good token into 401, under one user
# only. Give the token by an `auth=` of one's own, or set `trust_env` of the session to False, which drops the proxies too.

. "$(dirname "$0")/common.bash"

cat >ask.py <<'PYTHON'
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path[1:], self.headers["Authorization"].split()[0])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def bearer(request):
    request.headers["Authorization"] = "Bearer token"
    return request


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/"
token = {"Authorization": "Bearer token"}
os.environ.update(NETRC="none", NO_PROXY="*")
requests.get(base + "header-without-netrc", headers=token)
with open("netrc", "w") as file:
    file.write("default login probe password S3cret\n")
os.environ["NETRC"] = "netrc"
requests.get(base + "header", headers=token)
with requests.Session() as session:
    session.headers.update(token)
    session.get(base + "session")
    session.trust_env = False
    session.get(base + "session-without-trust_env")
requests.get(base + "auth", auth=bearer)
PYTHON

for version in 2.25.1 2.34.2; do
    python "requests==$version"
    is "where the token is given, what is sent" "header-without-netrc Bearer
header Basic
session Basic
session-without-trust_env Bearer
auth Bearer" "$("requests==$version/bin/python" ask.py)"
done
