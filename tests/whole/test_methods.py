"""End to end: several methods in one run, and what it means when they disagree."""

from __future__ import annotations

import re
import shutil

import pytest

from ..support.ways import expected
from ..tenant.material import CLIENT_IDS, DOMAIN

HEALTHY = f"healthy@{DOMAIN}"
METHODS = ("cmdlet", "graph", "mapi")
LISTED = "Inbox listed in 0.041s (cmdlet), #s (graph), #s (mapi)"

#: What a run with tokens and addresses from the cache has.
WARM = {
    "cmdlet": {"service": "reached", "time_token": "0s"},
    "graph": {"service": "reached", "time_token": "0s"},
    "mapi": {"service": "reached", "time_token": "0s", "time_autodiscover": "0s"},
}


def all_well(**changes):
    """The performance data of all three; `changes` replace what a method has."""
    told = {method: changes.get(method, WARM[method]) for method in METHODS}
    return " ".join(expected(method, prefix=f"{method}_", **told[method]) for method in METHODS)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """What earlier runs have left: their cache, and the diagnosis of a warm one."""
    return tmp_path_factory.mktemp("earlier"), []


@pytest.fixture
def three(way, tmp_path, earlier):
    """`three(*arguments)`: all methods by a user's password, with tokens and addresses from the
    cache; `three.well` is the diagnosis when all is well.
    """
    kept, diagnosis = earlier
    if not diagnosis:
        cold, warm = (way("methods-user", "--cache-dir", kept) for _ in range(2))
        assert (cold.code, warm.code) == (0, 0)
        diagnosis.append(warm.diagnosis)
    shutil.copytree(kept, tmp_path / "cache")

    def run(*arguments):
        return way("methods-user", *arguments)

    run.well = diagnosis[0]
    return run


def blocks(diagnosis):
    """Method -> its part of the diagnosis, times as `#`, ids left out."""
    found = {}
    for part in re.split(r"^(?=\[)", diagnosis, flags=re.MULTILINE)[1:]:
        own = [line for line in part.split("\n") if re.match(r"\[|  [a-zA-Z]", line)]
        kept = [
            line for line in own if not re.match(r"  (note|client-request|request-id|proxy)", line)
        ]
        text = re.sub(r"\d+\.\d{3}s.*", "#", "\n".join(kept))
        found[re.search(r" by (\w+)", part)[1]] = text
    return found


def test_all_well(way, tenant):
    run = way("methods-user")
    assert (run.line, run.code, run.stderr) == (f"MAPI OK - {HEALTHY}: {LISTED}", 0, "")
    usual = {"service": "kept"}
    # Who comes second to the token for Exchange may find it there.
    tokens = re.sub(r"((?:cmdlet|mapi)_time_token)=0s", r"\1=#s", run.perfdata)
    assert tokens == all_well(**dict.fromkeys(METHODS, usual))
    # One token for Exchange, which two methods share, and one for Graph.
    assert (run.tokens, run.connections) == (2, 3)
    assert tenant.entra.password_tries == [(HEALTHY, True)] * 2
    states = re.findall(r"^\[(\w+)\] (\S+) by (\w+): Inbox listed", run.diagnosis, re.MULTILINE)
    assert states == [("OK", HEALTHY, method) for method in METHODS]
    run = way("methods-user")
    assert (run.line, run.perfdata) == (f"MAPI OK - {HEALTHY}: {LISTED}", all_well())
    assert (run.tokens, len(run.requests)) == (0, 5)


def test_two_methods_by_certificate(way):
    run = way("methods")
    listed = "Inbox listed in 0.041s (cmdlet), #s (graph)"
    assert (run.line, run.code) == (f"MAPI OK - {HEALTHY}: {listed}", 0)
    parts = (expected(method, prefix=f"{method}_", days=True) for method in METHODS[:2])
    assert run.perfdata == " ".join(parts)
    assert (run.tokens, run.connections) == (2, 2)


#: Place and fault -> method, what the first line says, performance data of the method that fails,
#: what it means.
KILLED = [
    (
        ("exchange", "http-500"),
        "cmdlet",
        "only the cmdlet fails: Exchange Online reports an internal error (HTTP 500)",
        {"service": "reached", "time_request": "#s"},
        "Graph and the MAPI path work: the mailbox can be reached; the cmdlet fails",
    ),
    (
        ("graph", "close"),
        "graph",
        "only Graph fails: 127.0.0.1 closes the connection, no answer; check the proxy",
        {"service": "reached", "time_request": "#s"},
        "the cmdlet and the MAPI path work: the mailbox is well; the connection to 127.0.0.1 is "
        "broken",
    ),
    (
        ("graph", "http-401"),
        "graph",
        "only Graph fails: Graph refuses the token (HTTP 401)",
        {"service": "kept", "time_request": "#s", "time_token": "#s"},
        "the cmdlet and the MAPI path work: the mailbox can be reached; Graph lacks its own "
        "permission",
    ),
    (
        ("mapi-connect", "http-500"),
        "mapi",
        "only the MAPI path fails: 127.0.0.1 reports an internal error; check IIS",
        {"service": "reached", "time_connect": "#s", "time_autodiscover": "#s"},
        "the cmdlet and Graph work: the mailbox can be reached; the MAPI path fails",
    ),
]


@pytest.mark.parametrize(("fault", "method", "text", "values", "told"), KILLED)
def test_killing_one_changes_only_its_lines(three, tenant, fault, method, text, values, told):
    tenant.faults.on(*fault)
    run = three()
    state, code = ("UNKNOWN", 3) if "refuses" in text else ("CRITICAL", 2)
    assert (run.line, run.code, run.stderr) == (f"MAPI {state} - {HEALTHY}: {text}", code, "")
    changes = {"ok": False, **WARM[method], **values}
    assert run.perfdata == all_well(**{method: changes})
    assert f"{HEALTHY}: {told} [{state}] {HEALTHY} by {method}: " in run.words
    before, after = blocks(three.well), blocks(run.diagnosis)
    assert list(after) == [method, *(other for other in METHODS if other != method)]
    changed = [other for other in METHODS if before[other] != after[other]]
    assert changed == [method]


def test_one_that_hangs(three, tenant):
    tenant.faults.on("exchange", "silent")
    run = three("-t", "4")
    text = "only the cmdlet fails: no complete answer from 127.0.0.1 in 4s"
    assert (run.line, run.code) == (f"MAPI CRITICAL - {HEALTHY}: {text}", 2)
    assert run.perfdata == all_well(cmdlet={"ok": False, **WARM["cmdlet"]})


def test_all_fail_alike(three, tenant):
    for place in ("exchange", "graph", "mapi-connect", "autodiscover"):
        tenant.faults.on(place, "close")
    run = three()
    text = "all methods fail alike: 127.0.0.1 closes the connection, no answer"
    assert (run.line, run.code) == (f"MAPI CRITICAL - {HEALTHY}: {text}", 2)
    meaning = "no method reaches its service from here: check this host's network first\n"
    assert run.diagnosis.startswith(f"{HEALTHY}: {meaning}")
    assert re.findall(r"mapi_connectivity=(\d)", run.perfdata) == ["0", "0", "0"]


def test_refused_sign_in_is_everybodys(way, tenant, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("Not.The.Password\n")
    wrong.chmod(0o600)
    run = way("methods-user", "--password-file", wrong)
    text = "sign-in refused: user name or password is wrong (AADSTS50126); correct the password"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - {text}", 3)
    failed = {"ok": False, "time_autodiscover": "U"}
    never = {"cmdlet": {"ok": False}, "graph": {"ok": False}, "mapi": failed}
    assert run.perfdata == all_well(**never)
    meaning = f"{HEALTHY}: the sign-in failed, so no method could try the mailbox\n"
    assert run.diagnosis.startswith(meaning)
    # Three methods, two resources, one failed logon.
    assert tenant.entra.password_tries == [(HEALTHY, False)]
    assert run.tokens == 1


def test_limit_of_one_mailbox_and_method(way):
    prefix = f"operator_{DOMAIN.replace('.', '_')}_graph_"
    run = way(
        *("methods", "-m", HEALTHY, "-m", f"operator@{DOMAIN}"),
        *("--warning-for", f"{prefix}inbox_items=0", "--critical-for", "time_proxy=3"),
    )
    text = f"1 of 2 mailboxes not OK: operator@{DOMAIN}: inbox_items 1 is outside 0:0 (graph)"
    assert (run.line, run.code) == (f"MAPI WARNING - {text}", 1)
    items = dict(item.split("=", 1) for item in run.perfdata.split())
    limited = [label for label, value in items.items() if value.endswith((";0", ";;3"))]
    assert [label.replace("_practice_example", "") for label in limited] == [
        *("healthy_cmdlet_time_proxy", "healthy_graph_time_proxy"),
        *("operator_cmdlet_time_proxy", "operator_graph_time_proxy", "operator_graph_inbox_items"),
    ]
    assert items[f"{prefix}inbox_items"] == "1;0"
    assert items[f"{prefix}time_proxy"] == "0s;;3"
    labels = [label.rsplit("_practice_example_", 1)[0] for label in items]
    assert list(dict.fromkeys(labels)) == ["healthy", "operator"]
    assert (run.tokens, len(items)) == (2, 2 * (11 + 11))


@pytest.mark.parametrize(("state", "code"), [("WARNING", 1), ("OK", 0)])
def test_state_of_a_kind_can_be_chosen(three, tenant, state, code):
    tenant.faults.on("graph", "http-500")
    run = three("--state", f"server={state}")
    text = "only Graph fails: Graph reports an internal error; see M365 health"
    assert (run.line, run.code) == (f"MAPI {state} - {HEALTHY}: {text}", code)
    failed = {"ok": False, **WARM["graph"], "time_request": "#s"}
    assert run.perfdata == all_well(graph=failed)
    assert f"[{state}] {HEALTHY} by graph: Graph reports an internal error" in run.diagnosis


def test_one_without_permission_says_that_the_other_answers(way):
    run = way("methods", "--client-id", CLIENT_IDS["no-graph"])
    text = "only Graph fails: neither Entra nor Exchange lets the app read the mailbox"
    assert (run.line, run.code) == (f"MAPI UNKNOWN - {HEALTHY}: {text}", 3)
    parts = [expected("cmdlet", prefix="cmdlet_", days=True)]
    refused = {"ok": False, "service": "kept", "time_request": "#s"}
    parts.append(expected("graph", prefix="graph_", days=True, **refused))
    assert run.perfdata == " ".join(parts)
