"""The proof: the check itself against the practice tenant, and what its refusals mean for a set-up
that is on its way.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.setup import proof
from check_mapi_connectivity.setup.terminal import Voice

from ..tenant.material import CLIENT_IDS


@pytest.fixture
def once(check, tenant, monkeypatch):
    """A proof's run against the practice tenant: `once(*words, mailbox=...)` -> Outcome."""

    def run(*words, mailbox="healthy"):
        monkeypatch.setattr(proof, "_run", lambda one: check("--json", *one.words).stdout)
        given = [f"--extra-opts=cmdlet@{tenant.ini}", "-m", f"{mailbox}@practice.example"]
        return proof.once(proof.Check([*given, "--no-cache", *words], {}))

    return run


@pytest.mark.parametrize(
    ("app", "stage"),
    [
        ("no-app-role", "the app role has not taken effect yet (HTTP 401)"),
        ("no-role-group", "the role group has not taken effect yet (HTTP 403)"),
        ("nobody", "Entra does not know the app everywhere yet"),
    ],
)
def test_which_grant_is_missing(once, app, stage):
    client_id = CLIENT_IDS.get(app, "11111111-2222-3333-4444-555555555555")
    assert proof.waiting_for(once("--client-id", client_id)) == stage


def test_a_certificate_that_is_not_uploaded_yet(once, tenant):
    tenant.entra.certificates.clear()
    try:
        outcome = once()
    finally:
        tenant.entra.certificates.append(tenant.material.certificate)
    assert proof.waiting_for(outcome) == "Entra does not know the certificate everywhere yet"


def test_graph(once):
    outcome = once("--client-id", CLIENT_IDS["no-graph"], "--method", "graph")
    stage = "the right to read the mailbox has not taken effect yet (30 minutes to 2 hours)"
    assert proof.waiting_for(outcome) == stage


def test_green(once):
    outcome = once()
    assert outcome == ("healthy@practice.example", "cmdlet", None, 0.041)
    assert proof.waiting_for(outcome) is None
    # Of several, the one that fails counts.
    both = once("-m", "offline@practice.example")
    assert both.mailbox == "offline@practice.example"


def test_what_waiting_does_not_mend(once):
    outcome = once(mailbox="nobody")
    assert outcome.failure.cause == "no such mailbox in this tenant"
    assert proof.waiting_for(outcome) is None
    outcome = once("--method", "moon")
    assert (outcome.failure.kind, outcome.failure.cause) == (
        "usage",
        "--method: moon is not one of cmdlet, mapi, graph",
    )


def test_the_check_as_a_process(tmp_path, environment):
    """Without a tenant: no network is needed to be told what is missing."""
    check = proof.Check(["--tenant", "t.example", "-m", "a@b.example"], environment)
    outcome = proof.once(check)
    assert outcome.failure.cause.startswith("no certificate for t.example: ")


def test_a_check_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(proof.sys, "executable", "/nonexistent/python")
    with pytest.raises(CheckFailure) as caught:
        proof.once(proof.Check([], {}))
    failure = caught.value.failure
    assert failure.cause == "the check cannot be started: FileNotFoundError"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["reports", "failure", "success", "mailbox"]), inner)
    ),
    max_leaves=6,
)


@given(st.text() | json_values.map(json.dumps))
def test_any_answer(text):
    try:
        assert isinstance(proof.read(text), proof.Outcome)
    except CheckFailure as error:
        assert error.failure.cause == "the check gives no answer"


class Waiting:
    """A proof whose runs end as they are told to."""

    def __init__(self, monkeypatch, codes):
        self.said, self.naps, self._now = [], [], 0.0
        left = list(codes)

        def once(_):
            code = (left.pop(0) if len(left) > 1 else left[0]) if left else None
            failure = code and Failure("permission", "no", "do it", code, "detail")
            return proof.Outcome("a@b.example", "cmdlet", failure, 0.5)

        monkeypatch.setattr(proof, "once", once)
        self.voice = Voice(None, self._write, lambda: self._now, self._sleep)

    def _write(self, text):
        self.said.append(text)
        return True

    def _sleep(self, seconds):
        self._now += seconds
        self.naps.append(seconds)


def test_time_that_runs_out(monkeypatch):
    waiting = Waiting(monkeypatch, ["HTTP 403"])
    with pytest.raises(CheckFailure) as caught:
        proof.prove(None, waiting.voice, 900.0)
    failure = caught.value.failure
    assert failure.cause == "the role group has not taken effect yet (HTTP 403) after 15 min"
    assert failure.remedy == proof.LATER and "--status" in failure.remedy
    assert (failure.code, failure.detail) == ("HTTP 403", "detail")
    assert 840 < sum(waiting.naps) <= 900
    assert waiting.said == ["  waiting: the role group has not taken effect yet (HTTP 403)\n"]


def test_no_time_at_all(monkeypatch):
    waiting = Waiting(monkeypatch, ["HTTP 401"])
    with pytest.raises(CheckFailure):
        proof.prove(None, waiting.voice, 0.0)
    assert waiting.naps == []


def test_green_at_once(monkeypatch):
    waiting = Waiting(monkeypatch, [])
    proof.prove(None, waiting.voice, 0.0)
    assert waiting.said == ["  the check works: a@b.example: Inbox listed in 0.500s (cmdlet)\n"]


def test_a_failure_that_is_final_ends_it(monkeypatch):
    waiting = Waiting(monkeypatch, ["ErrorInvalidUser"])
    with pytest.raises(CheckFailure) as caught:
        proof.prove(None, waiting.voice, 900.0)
    assert (caught.value.failure.cause, waiting.naps) == ("no", [])
