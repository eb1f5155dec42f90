#!/bin/bash
# msal 1.21.0 and 1.39.0: an empty secret is no error, it is left out of the request.
#
# One would guess: ConfidentialClientApplication refuses an empty `client_credential`, or sends `client_secret=`.
# What happens: it makes the application and asks for a token without any credential. So it does for None.
# Why it matters: a secret's file that is empty, or a variable that is not set, reads as if the app registration were wrong:
# Microsoft answers that the request lacks `client_assertion` or `client_secret`. Refuse an empty secret oneself, by its place.

. "$(dirname "$0")/common.bash"

cat >ask.py <<'PYTHON'
import json

import msal

BASE = "https://login.microsoftonline.com/tenant"
PLACES = {"authorization_endpoint": f"{BASE}/authorize", "token_endpoint": f"{BASE}/token", "issuer": f"{BASE}/v2.0"}


class Answer:
    status_code = 200
    headers = {}

    def __init__(self, content):
        self.text = json.dumps(content)

    def raise_for_status(self):
        pass


class Transport:
    def get(self, url, **_):
        return Answer(PLACES)

    def post(self, url, data=None, **_):
        print("client_secret" in data, "client_assertion" in data)
        return Answer({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})

    def close(self):
        pass


for secret in ("secret", "", None):
    application = msal.ConfidentialClientApplication(
        "application", client_credential=secret, authority=BASE, http_client=Transport(), instance_discovery=False
    )
    print(repr(secret), end=": ")
    application.acquire_token_for_client(["https://graph.microsoft.com/.default"])
PYTHON

for version in 1.21.0 1.39.0; do
    python "msal==$version"
    is "secret: client_secret is sent, client_assertion is sent" "'secret': True False
'': False False
None: False False" "$("msal==$version/bin/python" ask.py)"
done
