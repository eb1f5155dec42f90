#!/bin/bash
# msal 1.21.0 and 1.39.0: a web page in place of a token is an exception, and a traceback on standard error.
#
# One would guess: what goes wrong at the token endpoint comes back as a dict with "error", as documented; a library writes
# nothing by itself.
# What happens: an answer that is not JSON, such as the page of a proxy or a portal, raises json.JSONDecodeError out of
# acquire_token_for_client. Where no logging is set up, the page and a traceback of some fifteen lines go to standard error.
# Why it matters: Icinga 2 takes standard error into the output, so that the traceback stands where the state should. Catch
# ValueError around msal, and give its logger a handler.

. "$(dirname "$0")/common.bash"

cat >ask.py <<'PYTHON'
import json

import msal

BASE = "https://login.microsoftonline.com/tenant"
PLACES = {"authorization_endpoint": f"{BASE}/authorize", "token_endpoint": f"{BASE}/token", "issuer": f"{BASE}/v2.0"}


class Answer:
    status_code = 200
    headers = {}

    def __init__(self, text):
        self.text = text

    def raise_for_status(self):
        pass


class Transport:  # stands for a network with a portal
    def get(self, url, **_):
        return Answer(json.dumps(PLACES))

    def post(self, url, **_):
        return Answer("<html>Please accept our terms</html>")

    def close(self):
        pass


application = msal.ConfidentialClientApplication(
    "application", client_credential="secret", authority=BASE, http_client=Transport(), instance_discovery=False
)
try:
    print(application.acquire_token_for_client(["https://graph.microsoft.com/.default"]))
except Exception as error:
    print(type(error).__name__, isinstance(error, ValueError))
PYTHON

for version in 1.21.0 1.39.0; do
    python "msal==$version"
    is "raised, a ValueError" "JSONDecodeError True" "$("msal==$version/bin/python" ask.py 2>errors)"
    is "first line of standard error" "Token response is not in json format: <html>Please accept our terms</html>" \
        "$(head -n 1 errors)"
    is "tracebacks on standard error" 1 "$(grep -c ^Traceback errors)"
done
