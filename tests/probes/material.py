"""What tests of a mailbox's authentication share: a transport that answers as it is told."""

from __future__ import annotations

import base64
import time

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.report import Stopwatch
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.probes.context import ProbeContext

URL = "https://mail.example/mapi/emsmdb/?MailboxId=1"
BLOB = base64.b64encode(b"probe:Secret.123").decode()


def answer(status=200, *challenges):
    lines = tuple(("WWW-Authenticate", text) for text in challenges)
    headers = Headers({"WWW-Authenticate": ", ".join(challenges)} if lines else {})
    return Answer(URL, "mail.example", status, "", headers, b"", lines=lines)


class Carrier:
    """Stands for the transport: gives the answers in turn, and keeps what was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, method, url, watch, **keywords):
        self.sent.append(keywords["headers"].get("Authorization"))
        return self.answers.pop(0)

    def connections(self, url):
        return 1

    def learn(self, kind, ask, take=None):
        return ask()


def context(chosen, carrier, sign_in, logon, report):
    parts = chosen.targets, chosen.account, chosen.server
    long = Deadline(time.monotonic(), 600.0)
    return ProbeContext(*parts, carrier, sign_in, logon, Cache(None, []), report, long)


def post(authentication, **keywords):
    return authentication.post(URL, Stopwatch(), phase="connect", headers={}, **keywords)
