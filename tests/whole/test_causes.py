"""End to end: the cause is what the answer says, and what nobody knows makes no claim."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

STATES = {0: "OK", 2: "CRITICAL", 3: "UNKNOWN"}

#: Method, mailbox -> exit code, first line after the mailbox, kind, remedy.
SERVICES = [
    (
        *("cmdlet", "ambiguous", 2),
        "address fits several objects of this tenant; use the primary address",
        *("mailbox", "use the primary address; Get-Recipient -Anr lists all that fit"),
    ),
    (
        *("cmdlet", "no-role", 3),
        "this identity may not run Test-MAPIConnectivity; add it to a role group",
        *("permission", "add it to a role group; its role must hold the cmdlet"),
    ),
    (
        *("cmdlet", "strange", 2),
        "Exchange Online reports an unknown error; run the check with -v",
        *("protocol", "run the check with -v; it shows the whole error text"),
    ),
    (
        *("graph", "full", 2),
        "mailbox is full (ErrorQuotaExceeded); make room in it, or raise its quota",
        *("mailbox", "make room in it, or raise its quota; see Get-MailboxStatistics"),
    ),
    (
        *("graph", "unknown-code", 2),
        "Graph reports an unknown error (ErrorOfTomorrow); run the check with -v",
        *("protocol", "run the check with -v; it shows the whole error text"),
    ),
]


@pytest.mark.parametrize(
    ("method", "mailbox", "code", "text", "kind", "remedy"), SERVICES, ids=[x[1] for x in SERVICES]
)
def test_services(cmdlet, method, mailbox, code, text, kind, remedy):
    run = cmdlet(mailbox, section=method)
    line = f"MAPI {STATES[code]} - {mailbox}@practice.example: {text}"
    assert (run.line, run.code, run.stderr) == (line, code, "")
    assert f": kind {kind}\n" in run.diagnosis
    assert f"  remedy        {remedy}\n" in run.diagnosis


#: Fault -> exit code, first line, kind.
ENTRA = [
    ("aadsts-90033-503", 2, "sign-in failed: Entra is unavailable (HTTP 503, AADSTS90033); if it lasts, see M365 health", "server"),
    ("aadsts-90033-429", 3, "sign-in failed: Entra throttles this check (HTTP 429, AADSTS90033); run the checks less often", "throttled"),
    (
        *("aadsts-90055-500", 3),
        "sign-in failed: Entra throttles this tenant (HTTP 500, AADSTS90055); run the checks "
        "less often",
        "throttled",
    ),
    # A service in trouble has judged nothing.
    ("aadsts-700027-504", 2, "sign-in failed: Entra answers with Gateway Timeout; if it lasts, see M365 health", "server"),
    ("aadsts-50020", 3, "sign-in refused: account is not in this tenant (AADSTS50020); use an account of this tenant", "credential"),
    (
        *("aadsts-900439", 3),
        "sign-in belongs to the US Government cloud (AADSTS900439); set --cloud gcc-high or dod",
        "credential",
    ),
    *(
        (
            f"aadsts-{number}",
            3,
            f"Entra refuses the sign-in for an unknown reason (AADSTS{number}); see "
            f"Entra's sign-in log",
            "credential",
        )
        for number in (5002730, 90041)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "code", "text", "kind"), ENTRA, ids=[row[0] for row in ENTRA])
def test_entras_words_beside_any_status(cmdlet, tenant, fault, code, text, kind):
    tenant.faults.on("token", fault)
    run = cmdlet("healthy", "-t", "4", "-v")
    assert (run.line, run.code) == (f"MAPI {STATES[code]} - {text}", code)
    assert f": kind {kind}\n" in run.diagnosis
    for words in ("Trace Id: ", "Correlation Id: ", "Timestamp: "):
        assert words in run.diagnosis
    assert f"https://login.microsoftonline.com/error?code={fault.split('-')[1]}" in run.diagnosis


class Agent(BaseHTTPRequestHandler):
    """What a gateway or agent answers to any request."""

    status, header, document = 401, "", {}

    def do_GET(self):
        """The answer."""
        body = json.dumps(self.document).encode()
        self.server.paths.append(self.path.partition("?")[0])
        self.send_response(self.status)
        if self.header:
            self.send_header("WWW-Authenticate", self.header)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


AGENTS = [
    (
        *(401, "Basic realm=/var/opt/azcmagent/tokens/7c1d.key", {"error": {"code": "Unauthorized"}}),
        *("UNKNOWN", "sign-in refused: 127.0.0.1 answers as Azure Arc's agent, whose tokens need root; use a certificate"),
        "use a certificate; managed identities of Azure Arc are not supported",
    ),
    (
        *(401, "Bearer", {"error": "unauthorized"}),
        *("UNKNOWN", "sign-in refused: 127.0.0.1 wants a proof before it gives a token (HTTP 401); use a certificate"),
        "use a certificate; only managed identities of Azure VMs work",
    ),
    (
        *(400, "", {"error": {"code": "Odd.Code", "message": "Not like this."}}),
        *("CRITICAL", "sign-in failed: 127.0.0.1 reports an unknown error (Odd.Code); run the check with -v"),
        "run the check with -v; it shows the whole error text",
    ),
    (
        *(400, "", {"error": ["of_a_list", {"b": 1}]}),
        *("CRITICAL", "sign-in failed: 127.0.0.1 reports an unknown error (of_a_list); run the check with -v"),
        "run the check with -v; it shows the whole error text",
    ),
    (
        *(400, "", {"error": 17}),
        *("CRITICAL", "sign-in failed: 127.0.0.1 reports an unknown error (17); run the check with -v"),
        "run the check with -v; it shows the whole error text",
    ),
    (
        *(503, "", {"error": {"code": "Busy", "message": "AADSTS90033: Come again."}}),
        *("CRITICAL", "sign-in failed: Azure's metadata service is unavailable (HTTP 503, AADSTS90033); wait for the next run"),
        "wait for the next run",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("status", "header", "document", "state", "text", "remedy"), AGENTS)
def test_what_stands_where_the_metadata_service_should_be(
    check, tenant, status, header, document, state, text, remedy
):
    members = {"status": status, "header": header, "document": document}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Agent,), members)) as server:
        server.paths = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        options = ("-m", "healthy@practice.example", "--no-cache", "--imds-url", url, "-t", "4")
        run = check(f"--extra-opts=cmdlet-managed@{tenant.ini}", *options)
        server.shutdown()
    assert run.line == f"MAPI {state} - {text}"
    assert f"  remedy        {remedy}\n" in run.diagnosis
    assert "{'" not in run.stdout and "['" not in run.stdout
    # A path that the other side names is no path of ours.
    assert set(server.paths) == {"/metadata/identity/oauth2/token"}


def test_the_internal_address_where_the_external_one_cannot_be_reached(mapi):
    run = mapi("outside-down", user="healthy@practice.example", section="mapi-auto")
    assert run.code == 0
    assert run.line.startswith("MAPI OK - outside-down@practice.example: Inbox listed in ")
    assert "127.0.0.1 port 9: connection refused; Autodiscover names https://127.0.0.1:" in (
        run.words
    )
