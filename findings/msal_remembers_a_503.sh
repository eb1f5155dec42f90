#!/bin/bash
# msal 1.21.0 and 1.39.0: after an HTTP 503 the next attempts do not leave the process.
#
# One would guess: each call without a token in the cache sends a request, so that a retry after a second is a retry.
# What happens: the answer 503 is kept for five seconds, in 1.21.0 for sixty (429 and other 5xx the same; or as long as
# Retry-After says). Who asks again in that time gets the old failure, and nothing in the error says that it is the old one.
# Why it matters: a check that retries after one and two seconds reports three failures of Microsoft's and has seen one. A
# retry waits for longer than that, or asks by an application object of its own.

. "$(dirname "$0")/common.bash"

cat >retry.py <<'PYTHON'
import json
import time

import msal

BASE = "https://login.microsoftonline.com/tenant"
PLACES = {"authorization_endpoint": f"{BASE}/authorize", "token_endpoint": f"{BASE}/token", "issuer": f"{BASE}/v2.0"}


class Answer:
    headers = {}

    def __init__(self, status_code, content):
        self.status_code = status_code
        self.text = json.dumps(content)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise OSError(f"HTTP {self.status_code}")


class Transport:  # stands for the network: the first request for a token meets a 503
    requests = 0

    def get(self, url, **_):
        return Answer(200, PLACES)

    def post(self, url, **_):
        self.requests += 1
        if self.requests == 1:
            return Answer(503, {})
        return Answer(200, {"access_token": "token", "token_type": "Bearer", "expires_in": 3600})

    def close(self):
        pass


transport = Transport()
application = msal.ConfidentialClientApplication(
    "application", client_credential="secret", authority=BASE, http_client=transport, instance_discovery=False
)
for seconds in (0, 1, 2, 4):
    time.sleep(seconds)
    try:
        token = application.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        print("a token,", end=" ")
    except Exception:
        print("a failure,", end=" ")
    print("requests so far:", transport.requests)
PYTHON

for version in 1.21.0 1.39.0; do
    python "msal==$version"
    last="a token, requests so far: 2"
    [ "$version" != 1.21.0 ] || last="a failure, requests so far: 1"
    is "at once, after 1 s, after 2 s more, after 4 s more" "a failure, requests so far: 1
a failure, requests so far: 1
a failure, requests so far: 1
$last" "$("msal==$version/bin/python" retry.py)"
done
