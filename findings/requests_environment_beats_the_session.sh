#!/bin/bash
# requests 2.25.1 and 2.34.2: REQUESTS_CA_BUNDLE counts for more than the CA file that a program gives its session.
#
# One would guess: what the code says, `session.verify = "own.pem"`, wins over the environment, as it does for one request.
# What happens: the variable replaces the session's file; only `verify=` of the single request wins over both. A CURL_CA_BUNDLE
# does the same.
# Why it matters: a file of authorities in an option of the check is not read on the machine whose profile sets the variable, for
# pip or another tool, and the error is that of a missing authority. Give `verify=` with each request.

. "$(dirname "$0")/common.bash"

cat >ask.py <<'PYTHON'
import os
import sys

import requests
from requests.adapters import BaseAdapter


class Adapter(BaseAdapter):
    def send(self, request, verify=None, **_):
        print(request.url, verify)
        answer = requests.Response()
        answer.status_code = 204
        answer.url = request.url
        answer.raw = None
        return answer

    def close(self):
        pass


for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ[variable] = "environment.pem"
    session = requests.Session()
    session.mount("https://", Adapter())
    session.verify = "own.pem"
    session.get("https://exchange.test/session", stream=True)
    session.get("https://exchange.test/request", stream=True, verify="own.pem")
    del os.environ[variable]
session.get("https://exchange.test/none", stream=True)
PYTHON

unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
export NO_PROXY='*'
for version in 2.25.1 2.34.2; do
    python "requests==$version"
    is "where own.pem is given, what counts" "https://exchange.test/session environment.pem
https://exchange.test/request own.pem
https://exchange.test/session environment.pem
https://exchange.test/request own.pem
https://exchange.test/none own.pem" "$("requests==$version/bin/python" ask.py)"
done
