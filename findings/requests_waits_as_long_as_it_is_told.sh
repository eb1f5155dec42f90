#!/bin/bash
# requests 2.34.2 with urllib3 2.8.0: `max_retries=1` obeys Retry-After, and no time limit holds.
#
# One would guess: `HTTPAdapter(max_retries=1)` is for connections that fail, as its documentation says; an answer 429 or 503
# is returned at once. And `timeout=1` bounds the wait.
# What happens: 413, 429 and 503 with a Retry-After header are tried again after as many seconds as the server says; 502, or 503
# without the header, are returned. The wait is in no time limit, and the caller never sees the 429.
# Why it matters: Microsoft throttles with Retry-After of minutes. The check then sleeps beyond the scheduler's limit and is
# killed, instead of saying "throttled". Leave max_retries at 0.

. "$(dirname "$0")/common.bash"
python requests==2.34.2
"requests==2.34.2/bin/pip" install -q urllib3==2.8.0 >>install.log 2>&1 ||
    { echo "cannot install urllib3==2.8.0, so nothing is known"; exit 2; }

cat >ask.py <<'PYTHON'
import http.server
import threading
import time

import requests
from requests.adapters import HTTPAdapter


class Throttled(http.server.BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        type(self).requests += 1
        status, header = self.path.strip("/").split("/")
        self.send_response(int(status) if self.requests == 1 else 200)
        if header == "Retry-After":
            self.send_header("Retry-After", "3")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Throttled)
threading.Thread(target=server.serve_forever, daemon=True).start()
for retries, path in ((0, "429/Retry-After"), (1, "429/Retry-After"), (1, "503/Retry-After"), (1, "503/no"), (1, "502/Retry-After")):
    Throttled.requests = 0
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=retries))
        began = time.monotonic()
        answer = session.get(f"http://127.0.0.1:{server.server_port}/{path}", timeout=1)
        waited = "waited" if time.monotonic() - began > 2.9 else "at once"
    print(f"max_retries={retries} {path}:", answer.status_code, waited, "requests:", Throttled.requests)
PYTHON
is "timeout=1, Retry-After: 3" "max_retries=0 429/Retry-After: 429 at once requests: 1
max_retries=1 429/Retry-After: 200 waited requests: 2
max_retries=1 503/Retry-After: 200 waited requests: 2
max_retries=1 503/no: 503 at once requests: 1
max_retries=1 502/Retry-After: 502 at once requests: 1" "$("requests==2.34.2/bin/python" ask.py)"
