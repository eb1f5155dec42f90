"""Method graph end to end: what it lists, what refuses it, and what it says about either."""

from __future__ import annotations

import json
import re

import pytest

from ..conftest import GRACE
from ..support.ways import expected
from ..tenant import graph
from ..tenant.material import CLIENT_IDS, DOMAIN

STATES = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
LISTED = "Inbox listed in #s (graph)"


@pytest.fixture
def listing(way):
    """`listing(mailbox, *arguments)`: method graph by certificate."""
    return lambda mailbox="healthy", *arguments: way(
        "graph", "-m", f"{mailbox}@{DOMAIN}", *arguments
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A cache for tests that do not look at the sign-in."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def warm(listing, shared):
    """The same with a token from the cache."""
    cache = ("--cache-dir", shared)
    if not list(shared.iterdir()):
        assert listing("healthy", *cache).code == 0
    return lambda mailbox="healthy", *arguments: listing(mailbox, *arguments, *cache)


def ends(run, mailbox, state, text, **values):
    """Assert first line, performance data and exit code."""
    ok = values.pop("ok", state == "OK")
    code = {name: number for number, name in STATES.items()}[state]
    line = f"MAPI {state} - {mailbox}@{DOMAIN}: {text}"
    assert (run.line, run.code, run.stderr) == (line, code, "")
    assert run.perfdata == expected("graph", ok=ok, days=True, **values)


def test_an_inbox_is_listed(listing):
    first = listing()
    ends(first, "healthy", "OK", LISTED)
    [query] = [request for request in first.requests if request[1].endswith("/messages")]
    assert query[2]["authorization"].startswith("Bearer ")
    assert query[2]["accept-encoding"] == "identity"
    # An empty one is as good, and the token serves for all.
    for mailbox, items in (("empty", "0"), ("large", "2000"), ("hostile", "6")):
        run = listing(mailbox)
        ends(run, mailbox, "OK", LISTED, service="reached", time_token="0s", inbox_items=items)
        assert (run.tokens, run.connections, len(run.requests)) == (0, 1, 1)
    assert "  inbox         6 messages, " in run.diagnosis
    assert not set("<>|\x1b\u202e") & set(run.diagnosis)


def test_diagnosis_names_what_support_asks_for(warm):
    run = warm("healthy", "-v")
    sent = run.requests[-1][2]["client-request-id"]
    assert f"  client-request-id {sent}\n" in run.diagnosis
    assert re.search(r"\n  request-id    [0-9a-f-]{36}\n", run.diagnosis)
    server = '{"ServerInfo": {"DataCenter": "West Europe", "Slice": "E", "Ring": "5"'
    assert f"\n  x-ms-ags-diagnostic {server}" in run.diagnosis
    assert "\n  database      Graph does not name it\n" in run.diagnosis
    assert "\n  permission    Mail.ReadBasic.All of Entra: every mailbox" in run.diagnosis


MANY = "Graph throttles this app at this mailbox for 1s; run fewer checks at once"
STORE = "mailbox database is unavailable (ErrorMailboxStoreUnavailable)"
UNKNOWN = "Graph reports an unknown error (UnknownError)"

#: Mailbox -> exit code, text, kind, requests that Graph saw.
REFUSED = {
    "unlicensed": (
        2,
        "mailbox is unlicensed, on-premises or a guest's; check the licence",
        "mailbox",
        1,
    ),
    "inactive": (
        2,
        "mailbox is inactive, soft-deleted or on-prem... (MailboxNotEnabledForRESTAPI)",
        "mailbox",
        1,
    ),
    "disabled": (
        2,
        "mailbox is inactive, soft-deleted or on-prem... (MailboxNotEnabledForRESTAPI)",
        "mailbox",
        1,
    ),
    "not-supported": (
        2,
        "mailbox is unlicensed, on-premises or a guest",
        "mailbox",
        1,
    ),
    "on-premises": (
        2,
        "mailbox is not here: on-premises or in another f... (ResourceNotFound)",
        "mailbox",
        1,
    ),
    "no-inbox": (2, "mailbox has no Inbox that Graph can find (ErrorItemNotFound)", "mailbox", 1),
    "no-mailbox": (2, "address belongs to no mailbox user (ErrorInvalidUser)", "mailbox", 1),
    "access-denied": (
        3,
        "Mail.ReadBasic.All excludes this mailbox (ErrorAccessDenied)",
        "permission",
        1,
    ),
    "directory-denied": (
        3,
        "no permission to look this user up; give the primary address to -m",
        "permission",
        1,
    ),
    "throttled": (
        3,
        "Graph throttles this app for 600s (TooManyRequests)",
        "throttled",
        1,
    ),
    "concurrency": (3, MANY, "throttled", 2),
    "broken": (2, "Graph reports an internal error (InternalServerError)", "server", 1),
    "unexplained": (2, UNKNOWN, "server", 1),
    "gateway": (2, UNKNOWN, "server", 1),
    "service-down": (2, "Graph is not available (ServiceNotAvailable)", "server", 2),
    "busy": (
        2,
        "Exchange Online is busy (ErrorServerBusy); if it lasts, see M365 health",
        "server",
        2,
    ),
    "store-unavailable": (2, STORE, "server", 2),
    "offline": (
        2,
        "mailbox database is unavailable (ErrorMailboxStoreUnavailable)",
        "server",
        2,
    ),
    "moving": (
        1,
        "mailbox is being moved (ErrorMailboxMoveInProgress); wait for the move to end",
        "mailbox (moving)",
        1,
    ),
    "gateway-timeout": (2, UNKNOWN, "server", 2),
    "nobody": (2, "no such user in this tenant (Request_ResourceNotFound)", "mailbox", 1),
    "full": (2, "mailbox is full (ErrorQuotaExceeded)", "mailbox", 1),
    "unknown-code": (
        2,
        "Graph reports an unknown error (ErrorOfTomorrow)",
        "protocol",
        1,
    ),
}


def test_all_refusals_of_the_tenant_are_known():
    assert set(REFUSED) == {*graph.REFUSED, "nobody"}


@pytest.mark.parametrize("mailbox", ["unlicensed", "access-denied", "busy", "moving"])
def test_refused_mailbox(warm, mailbox):
    code, text, kind, tries = REFUSED[mailbox]
    run = warm(mailbox)
    values = {"time_token": "0s", "time_request": "#s"}
    service = "reached" if tries == 1 else "kept"
    ends(run, mailbox, STATES[code], text, ok=False, service=service, **values)
    assert run.paths.count("messages") == tries
    assert f": kind {kind}\n" in run.diagnosis
    assert re.search(r"\n  request-id    [0-9a-f-]{36}\n", run.diagnosis)


def test_all_refused_mailboxes_in_one_run(way, shared, tmp_path):
    listed = tmp_path / "mailboxes"
    listed.write_text("".join(f"{name}@{DOMAIN}\n" for name in REFUSED))
    options = ("--mailbox-file", listed, "--cache-dir", shared, "-v", "--concurrency", "20")
    run = way("many-graph", *options)
    text = f"unlicensed@{DOMAIN}: mailbox is unlicensed, on-premises or a g..."
    line = f"MAPI CRITICAL - all {len(REFUSED)} mailboxes not OK, worst {text}"
    assert (run.line, run.code, run.stderr) == (line, 2, "")
    parts = re.split(r"^(?=\[)", run.diagnosis, flags=re.MULTILINE)[1:]
    found = {re.match(r"\[\w+\] (\S+)@", part)[1]: part for part in parts}
    assert set(found) == set(REFUSED)
    for name, (code, text, kind, tries) in REFUSED.items():
        cause = text.partition(" (")[0].partition("...")[0].partition("; ")[0]
        assert found[name].startswith(f"[{STATES[code]}] {name}@{DOMAIN} by graph: ")
        assert f"\n  cause         {cause[:20]}" in found[name]
        assert f": kind {kind}\n" in found[name]
        assert ("tried again after" in found[name]) is (tries == 2)
        assert re.search(r"\n  request-id    [0-9a-f-]{36}\n", found[name])
        assert "\n  x-ms-ags-diagnostic {" in found[name]
        asked = [path for _, path, _, _ in run.requests if f"/{name}@" in path]
        assert len(asked) == tries
    assert run.tokens <= 1


#: Fault -> state, text, requests that Graph saw, kind, how Graph was reached.
FAULTS = [
    (
        "http-429-wait-600",
        "UNKNOWN",
        "Graph throttles this check for 600s (HTTP 429); run the checks less often",
        1,
        "throttled",
    ),
    (
        "http-503",
        "CRITICAL",
        "127.0.0.1 answers with an error page (HTTP 503); check the proxy",
        2,
        "server",
    ),
    (
        "http-502-html",
        "CRITICAL",
        "127.0.0.1 answers with an error page (HTTP 502); check the proxy",
        1,
        "server",
    ),
    (
        "garbage",
        "CRITICAL",
        "127.0.0.1 answers, but not as a web server; check the proxy, then the firewall",
        1,
        "protocol",
    ),
    (
        "http-403-html",
        "UNKNOWN",
        "127.0.0.1 refuses the request with a web page (HTTP 403); check the proxy",
        1,
        "permission",
    ),
]


@pytest.mark.parametrize(
    ("fault", "state", "text", "tries", "kind"), FAULTS, ids=[row[0] for row in FAULTS]
)
def test_fault(warm, tenant, fault, state, text, tries, kind):
    tenant.faults.on("graph", fault)
    run = warm()
    service = "reached" if tries == 1 else "kept"
    ends(run, "healthy", state, text, service=service, time_token="0s", time_request="#s")
    assert (run.paths.count("messages"), run.tokens) == (tries, 0)
    assert f": kind {kind}\n" in run.diagnosis


def test_passing_fault_is_tried_once_more(warm, tenant):
    tenant.faults.on("graph", "http-503", times=1)
    run = warm()
    ends(run, "healthy", "OK", LISTED, time_token="0s")
    assert (
        "first try: 127.0.0.1 answers with an error page; tried again after 0.25s" in run.diagnosis
    )


def test_silence_ends_at_the_deadline(warm, tenant):
    tenant.faults.on("graph", "silent")
    run = warm("healthy", "-t", "4")
    text = "no complete answer from 127.0.0.1 in 4s; see M365 health"
    ends(run, "healthy", "CRITICAL", text, service="reached", time_token="0s")
    assert run.seconds < 4 + GRACE


def test_revoked_token_is_signed_in_again_once(listing, tenant):
    token = listing().requests[-1][2]["authorization"].split()[1]
    tenant.entra.revoked.add(token)
    run = listing()
    ends(run, "healthy", "OK", LISTED, service="kept")
    assert run.paths == ["messages", "openid-configuration", "token", "messages"]
    # A service that refuses every token is asked twice, no more.
    tenant.faults.on("graph", "http-401")
    run = listing()
    ends(
        run,
        "healthy",
        "UNKNOWN",
        "Graph refuses the token; check --tenant, --cloud and the app registration",
        service="kept",
        time_request="#s",
    )
    assert run.paths == ["messages", "openid-configuration", "token", "messages"]


def test_app_without_permission(listing):
    run = listing("healthy", "--client-id", CLIENT_IDS["no-graph"])
    text = "neither Entra nor Exchange lets the app read the mailbox; grant Mail.ReadBasic"
    ends(run, "healthy", "UNKNOWN", text, service="kept", time_request="#s")
    assert "Test-ServicePrincipalAuthorization" in run.diagnosis


def test_subjects_are_asked_for_and_shown_with_vvv_only(warm):
    plain, shown = warm("healthy", "-vv"), warm("healthy", "-vvv")
    token = shown.requests[-1][2]["authorization"].split()[1]
    for run, asked in ((plain, "id,receivedDateTime"), (shown, "id,receivedDateTime,subject")):
        assert f"/messages?$top=10&$select={asked}&$count=true\n" in run.diagnosis
        assert "\n    Authorization: Bearer ***\n" in run.diagnosis
        assert token[:40] not in run.stdout
    assert "Invoice 4711" not in plain.stdout
    assert '"subject": "Invoice 4711"' in shown.diagnosis


def test_json_is_the_same_report(warm):
    run = warm("healthy", "--json", "--inbox-items", "3")
    document = json.loads(run.stdout)
    [report] = document["reports"]
    assert (run.code, document["exit_code"], document["state"]) == (0, 0, "OK")
    assert (report["method"], report["success"], report["failure"]) == ("graph", True, None)
    assert report["inbox"]["items"] == 8
    assert [row["delivered"] for row in report["inbox"]["rows"]] == [
        *(1790060400.0, 1790056800.0, 1790049600.0),
    ]
    assert {"client-request-id", "request-id", "x-ms-ags-diagnostic"} <= set(report["request_ids"])
    labels = [item["label"] for item in report["perfdata"]]
    assert labels == [item.split("=")[0] for item in expected("graph", days=True).split()]
