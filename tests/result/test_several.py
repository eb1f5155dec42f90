"""Several results in one: the first line, and what it means that methods disagree."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.vocabulary import KINDS, LABELS, worst
from check_mapi_connectivity.result import first_line, output, several
from check_mapi_connectivity.result.judge import judge

from ..support.reports import asked, diagnosis, failed, judged, success

A, B, C = "probe@contoso.com", "b@contoso.com", "c@contoso.com"
LONG = "a.very.long.address.of.somebody@subdomain.contoso.example.com"

OFFLINE = {
    "cause": "mailbox database is offline",
    "remedy": "call the operator",
    "code": "ec=1142",
}
SIGN_IN = {
    "kind": "credential",
    "cause": "Entra does not know this certificate",
    "remedy": "upload it or check --client-id",
    "code": "AADSTS700027",
    "during": "sign-in",
}
THROTTLED = {"kind": "throttled", "cause": "slow down", "code": "HTTP 429"}
REFUSED = {"kind": "connect", "cause": "graph.example port 443: connection refused"}
FORBIDDEN = {"kind": "permission", "cause": "the app may not read this mailbox"}


def expiring(*of, **changes):
    return success(*of, certificate_days=3.0, **changes)


@pytest.fixture
def line(options):
    """`line(*reports)` -> the first line of these results, without performance data."""

    def make(*reports, **changes):
        found = judged(list(reports), options, **changes)
        state = worst([one.state for one in found])
        return output.first_line(state, first_line.line(found))

    return make


@pytest.mark.parametrize(
    ("reports", "text"),
    [
        (
            [success(A), success(A, "graph", 0.5)],
            "OK - probe@contoso.com: Inbox listed in 0.250s (cmdlet), 0.500s (graph)",
        ),
        (
            [success(A), failed(A, "graph", **OFFLINE)],
            "CRITICAL - probe@contoso.com: the cmdlet works, Graph fails: mailbox database is "
            "offline; call the operator",
        ),
        (
            [success(A), failed(A, "graph", **FORBIDDEN)],
            "UNKNOWN - probe@contoso.com: the cmdlet works, Graph was not tested: the app "
            "may not read this mailbox",
        ),
        (
            [success(A), failed(A, "mapi", **REFUSED), success(A, "graph")],
            "CRITICAL - probe@contoso.com: only the MAPI path fails: graph.example port 443: "
            "connection refused",
        ),
        (
            [success(A), failed(A, "mapi", cause="gone"), success(A, "graph")],
            "CRITICAL - probe@contoso.com: the cmdlet and Graph work, the MAPI path fails: gone",
        ),
        (
            [success(A), failed(A, "mapi", **THROTTLED), failed(A, "graph", cause="gone")],
            "CRITICAL - probe@contoso.com: the cmdlet works, the MAPI path and Graph fail: gone",
        ),
        (
            [success(A), failed(A, "mapi", **OFFLINE), failed(A, "graph", **OFFLINE)],
            "CRITICAL - probe@contoso.com: all but the cmdlet fail: mailbox database is offline "
            "(ec=1142); call the operator",
        ),
        (
            [failed(A, "mapi", **OFFLINE), failed(A, "graph", **OFFLINE)],
            "CRITICAL - probe@contoso.com: the MAPI path and Graph fail alike: mailbox database "
            "is offline; call the operator",
        ),
        (
            [failed(A, method, **OFFLINE) for method in ("cmdlet", "mapi", "graph")],
            "CRITICAL - probe@contoso.com: all methods fail alike: mailbox database is offline "
            "(ec=1142); call the operator",
        ),
        (
            [failed(LONG, method, **OFFLINE) for method in ("cmdlet", "mapi", "graph")],
            "CRITICAL - a.very.long.address.of.somebo...: all methods fail alike: mailbox "
            "database is offline; call the operator",
        ),
        (
            [failed(A, **THROTTLED), failed(A, "graph", **REFUSED)],
            "CRITICAL - probe@contoso.com: all methods fail, Graph: graph.example port 443: "
            "connection refused",
        ),
        (
            [success(A), expiring(A, "graph")],
            "CRITICAL - probe@contoso.com: client certificate ends 2026-12-04, in 3 days "
            "(CRITICAL below 7) (graph)",
        ),
        (
            [success("a@x.y"), expiring("a@x.y", "graph")],
            "CRITICAL - a@x.y: client certificate ends 2026-12-04, in 3 days (CRITICAL below 7) "
            "(graph)",
        ),
        (
            [success(LONG), expiring(LONG, "graph")],
            "CRITICAL - a.very.long.address.of.somebo...: client certificate ends 2026-12-04, in 3 "
            "days (graph)",
        ),
        (
            [failed(A, **SIGN_IN), failed(A, "graph", **SIGN_IN)],
            "UNKNOWN - sign-in refused: Entra does not know this certificate (AADSTS700027); "
            "upload it or check --client-id",
        ),
        (
            [success(A), failed(A, "graph", **SIGN_IN)],
            "UNKNOWN - probe@contoso.com: only Graph fails: sign-in refused: Entra does not know "
            "this certificate",
        ),
    ],
)
def test_several_methods(line, reports, text):
    assert line(*reports) == f"MAPI {text}"


@pytest.mark.parametrize(
    ("reports", "text"),
    [
        (
            [success(A), success(B, seconds=0.75), success(C)],
            "OK - 3 mailboxes: Inbox listed in 0.750s at most (cmdlet)",
        ),
        (
            [success(of, method) for of in (A, B) for method in ("graph", "mapi")],
            "OK - 2 mailboxes: Inbox listed in 0.250s at most (graph, mapi)",
        ),
        (
            [success(A), failed(B, **OFFLINE), success(C)],
            "CRITICAL - 1 of 3 mailboxes not OK: b@contoso.com: mailbox database is offline "
            "(ec=1142); call the operator",
        ),
        (
            [failed(A, **THROTTLED), failed(B, **OFFLINE), success(C)],
            "CRITICAL - 2 of 3 mailboxes not OK, worst b@contoso.com: mailbox database is offline "
            "(ec=1142); call the operator",
        ),
        (
            [failed(A, **THROTTLED), failed(B, cause="gone")],
            "CRITICAL - all 2 mailboxes not OK, worst b@contoso.com: gone",
        ),
        (
            [expiring(A), failed(B, cause="gone")],
            "CRITICAL - all 2 mailboxes not OK, worst b@contoso.com: gone",
        ),
        (
            [success(A), expiring(B)],
            "CRITICAL - 1 of 2 mailboxes not OK: b@contoso.com: client certificate ends "
            "2026-12-04, in 3 days (CRITICAL below 7)",
        ),
        (
            [success(A), expiring(LONG)],
            "CRITICAL - 1 of 2 mailboxes not OK: a.very.long.address.of.somebo...: client "
            "certificate ends 2026-12-04, in 3 days",
        ),
        (
            [failed(of, **SIGN_IN) for of in (A, B, C)],
            "UNKNOWN - none of 3 mailboxes tested: sign-in refused: Entra does not know this "
            "certificate (AADSTS700027)",
        ),
        (
            [failed(of, method, **SIGN_IN) for of in (A, B) for method in ("cmdlet", "graph")],
            "UNKNOWN - none of 2 mailboxes tested: sign-in refused: Entra does not know this "
            "certificate (AADSTS700027)",
        ),
        (
            [success(A), success(A, "graph"), success(B), failed(B, "graph", **OFFLINE)],
            "CRITICAL - 1 of 2 mailboxes not OK: b@contoso.com: only Graph fails: mailbox database "
            "is offline; call the operator",
        ),
    ],
)
def test_many_mailboxes(line, reports, text):
    assert line(*reports) == f"MAPI {text}"


def test_a_failure_judged_ok_is_named(line, options):
    states = {**options().judging.states, "throttled": "OK"}
    assert line(success(A), failed(B, **THROTTLED), states=states) == (
        "MAPI OK - all 2 mailboxes OK, worst b@contoso.com: slow down (HTTP 429)"
    )


def test_what_made_it_worse_than_the_failure_is_told(line):
    for reports in (
        [expiring(A), failed(A, "graph", **THROTTLED)],
        [success(A), failed(A, "graph", **THROTTLED, of={"certificate_days": 3.0})],
    ):
        assert line(*reports) == (
            "MAPI CRITICAL - probe@contoso.com: the cmdlet works, Graph was not tested: slow down "
            "(HTTP 429); 1 more limit violated"
        )
    reports = [failed(A, of={"certificate_days": 3.0}, **{**SIGN_IN, "remedy": "", "cause": "no"})]
    reports.append(
        failed(A, "graph", of={"certificate_days": 3.0}, **{**SIGN_IN, "remedy": "", "cause": "no"})
    )
    assert line(*reports) == (
        "MAPI CRITICAL - sign-in refused: no (AADSTS700027); "
        "client certificate ends 2026-12-04, in 3 days (CRITICAL below 7)"
    )


def test_the_rest_is_counted_however_much_there_is_to_say(line):
    reports = [
        failed(LONG, method, cause=f"{method} is broken", of={"certificate_days": 3.0})
        for method in ("cmdlet", "mapi", "graph")
    ]
    reports += [failed(B, method) for method in ("cmdlet", "mapi", "graph")]
    assert line(*reports) == (
        "MAPI CRITICAL - all 2 mailboxes not OK, worst a.very.long.address.of....: all methods "
        "fail, the cmdlet: cmdlet is broken"
    )
    reports = [failed(LONG, cause="x" * 99, of={"certificate_days": 3.0}), success(B)]
    assert line(*reports) == (
        "MAPI CRITICAL - 1 of 2 mailboxes not OK: "
        "a.very.long.address.of.somebody@subdomain.con...: xxxxxxxxxxxxxxxxxxxxxxxxxx..."
    )
    reports = [expiring(LONG), success(B)]
    limits = ("b_contoso_com_", "a_very_long_address_of_somebody_subdomain_contoso_example_com_")
    ranges = {prefix + label: ("@~:999", None) for prefix in limits for label in LABELS["cmdlet"]}
    assert line(*reports, thresholds=ranges) == (
        "MAPI WARNING - all 2 mailboxes not OK, worst a.very.long.address.of.somebody@su...: "
        "mapi_connectivity 1 is inside ~:999"
    )


TEXTS = st.text(max_size=150) | st.text("abc |<", min_size=1, max_size=150)
KINDS_THAT_FAIL = st.sampled_from([kind for kind in KINDS if kind not in ("usage", "moving")])
OUTCOMES = st.one_of(
    st.just(None),
    st.just("limit"),
    st.fixed_dictionaries(
        {
            "kind": KINDS_THAT_FAIL,
            "cause": TEXTS,
            "remedy": TEXTS,
            "code": TEXTS,
            "during": st.sampled_from(["", "sign-in"]),
        }
    ),
)


def outcome(mailbox, method, found):
    if found is None:
        return success(mailbox, method)
    return expiring(mailbox, method) if found == "limit" else failed(mailbox, method, **found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_first_line_is_longer_than_120(options, data):
    names = st.text(st.characters(), min_size=1, max_size=80) | st.just(LONG)
    mailboxes = data.draw(st.lists(names, min_size=1, max_size=4, unique_by=str.lower))
    methods = data.draw(
        st.lists(st.sampled_from(["cmdlet", "mapi", "graph"]), min_size=1, unique=True)
    )
    reports = [
        outcome(mailbox, method, data.draw(OUTCOMES)) for mailbox in mailboxes for method in methods
    ]
    chosen = options(mailboxes=tuple(mailboxes), methods=tuple(methods))
    found = judge(reports, chosen.targets, chosen.judging)
    state = worst([one.state for one in found])
    made = first_line.line(found)
    text = several.text(state, made, found, diagnosis(found, chosen))
    head, _, tail = text.split("\n")[0].partition(" | ")
    assert len(head) <= 120
    assert head.startswith(f"MAPI {state} - ")
    assert len(tail.split(" ")) == sum(len(one.performances) for one in found)
    assert text.count("|") == 1
    bad = sum(
        any(one.state != "OK" for one in found if one.report.mailbox == mailbox)
        for mailbox in mailboxes
    )
    if len(mailboxes) > 1 and any(one.state != "OK" for one in found):
        # The count of all stands first, whatever comes after it.
        assert re.match(
            rf"MAPI [A-Z]+ - (all {bad}|{bad} of \d+|none of \d+) mailboxes (not OK|tested)", head
        )


@pytest.mark.parametrize(
    ("results", "meaning"),
    [
        ([success(A), success(A, "graph")], None),
        ([failed(A)], None),
        ([expiring(A), success(A, "graph")], None),
        (
            [failed(A, **SIGN_IN), failed(A, "graph", **SIGN_IN)],
            "the sign-in failed, so no method could try the mailbox",
        ),
        (
            [failed(A, **REFUSED), failed(A, "graph", "timeout", "late")],
            "no method reaches its service from here: check this host's network first",
        ),
        (
            [failed(A, **OFFLINE), failed(A, "graph", "server", "busy")],
            "all methods reach Exchange and fail there: check mailbox and database",
        ),
        (
            [failed(A, **OFFLINE), failed(A, "graph", **REFUSED)],
            "the methods fail for different reasons",
        ),
        (
            [success(A), failed(A, "graph", **FORBIDDEN)],
            "the cmdlet works: the mailbox can be reached; Graph lacks its own permission",
        ),
        (
            [success(A, "graph"), failed(A, **FORBIDDEN), failed(A, "mapi", **FORBIDDEN)],
            "Graph works: the mailbox can be reached; the cmdlet and the MAPI path lack their own "
            "permission",
        ),
        (
            [success(A), failed(A, "graph", **THROTTLED)],
            "the cmdlet works: the mailbox can be reached; Graph was asked too often",
        ),
        (
            [success(A, "graph"), failed(A, **THROTTLED), failed(A, "mapi", **THROTTLED)],
            "Graph works: the mailbox can be reached; the cmdlet and the MAPI path were asked too "
            "often",
        ),
        (
            [success(A), failed(A, "graph", **REFUSED, of={"host": "graph.example"})],
            "the cmdlet works: the mailbox is well; the connection to graph.example is broken",
        ),
        (
            [success(A), failed(A, "graph", **REFUSED)],
            "the cmdlet works: the mailbox is well; the connection is broken",
        ),
        (
            [success(A), success(A, "graph"), failed(A, "mapi", "logon", "refused")],
            "the cmdlet and Graph work: the mailbox can be reached; the MAPI path fails",
        ),
        (
            [success(A), failed(A, "graph"), failed(A, "mapi", **REFUSED)],
            "the cmdlet works: the mailbox can be reached; Graph and the MAPI path fail",
        ),
    ],
)
def test_what_it_means(options, results, meaning):
    found = judged(results, options)
    assert several.meaning(found) == meaning
    lines = diagnosis(found, asked(results, options))
    # A long one goes on in a second line.
    told = " ".join(" ".join(lines).split())
    assert told.count(f"{A}: {meaning}") == (meaning is not None)
