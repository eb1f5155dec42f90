"""The proof: the check itself against the practice tenant, and what its refusals mean for a set-up
that is on its way.
"""

from __future__ import annotations

import pytest

from check_mapi_connectivity import cli
from check_mapi_connectivity.provision import proof
from check_mapi_connectivity.provision.voice import Voice
from check_mapi_connectivity.report import CheckFailure, Failure, Report

from .tenant.material import CLIENT_IDS


def options(tenant, *words, section="cmdlet", mailbox="healthy"):
    given = [f"--extra-opts={section}@{tenant.ini}", "-m", f"{mailbox}@practice.example"]
    return cli.parse([*given, "--no-cache", *words], {})


@pytest.mark.parametrize(
    ("app", "stage"),
    [
        ("no-app-role", "the app role has not arrived yet (HTTP 401)"),
        ("no-role-group", "the role group has not arrived yet (HTTP 403)"),
        ("nobody", "Entra does not know the app everywhere yet"),
    ],
)
def test_which_grant_is_missing(tenant, app, stage):
    client_id = CLIENT_IDS.get(app, "11111111-2222-3333-4444-555555555555")
    report = proof.once(options(tenant, "--client-id", client_id))
    assert proof.waiting_for(report) == stage


def test_a_certificate_that_is_not_uploaded_yet(tenant):
    tenant.entra.certificates.clear()
    try:
        report = proof.once(options(tenant))
    finally:
        tenant.entra.certificates.append(tenant.material.certificate)
    assert proof.waiting_for(report) == "Entra does not know the certificate everywhere yet"


def test_graph(tenant):
    report = proof.once(options(tenant, "--client-id", CLIENT_IDS["no-graph"], "--method", "graph"))
    stage = "the right to read the mailbox has not arrived yet (30 minutes to 2 hours)"
    assert proof.waiting_for(report) == stage


def test_green(tenant):
    report = proof.once(options(tenant))
    assert (report.success, proof.waiting_for(report)) == (True, None)
    # Two tests are two workers; the one that fails counts.
    both = proof.once(options(tenant, "-m", "offline@practice.example"))
    assert both.mailbox == "offline@practice.example"


def test_what_waiting_does_not_mend(tenant):
    report = proof.once(options(tenant, mailbox="nobody"))
    assert report.failure.cause == "no such mailbox in this tenant"
    assert proof.waiting_for(report) is None


class Waiting:
    """A proof whose runs end as they are told to."""

    def __init__(self, monkeypatch, codes):
        self.said, self.naps, self._now = [], [], 0.0
        left = list(codes)

        def once(_):
            report = Report("a@b.example", "cmdlet", success=not left, connection_time=0.5)
            code = (left.pop(0) if len(left) > 1 else left[0]) if left else None
            report.failure = code and Failure("permission", "no", "do it", code, "detail")
            return report

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
    assert failure.cause == "the role group has not arrived yet (HTTP 403) after 15 minutes"
    assert failure.remedy == "all is made; run this again later, it goes on waiting"
    assert (failure.code, failure.detail) == ("HTTP 403", "detail")
    assert 840 < sum(waiting.naps) <= 900
    assert waiting.said == ["  waiting: the role group has not arrived yet (HTTP 403)\n"]


def test_no_time_at_all(monkeypatch):
    waiting = Waiting(monkeypatch, ["HTTP 401"])
    with pytest.raises(CheckFailure):
        proof.prove(None, waiting.voice, 0.0)
    assert waiting.naps == []


def test_green_at_once(monkeypatch):
    waiting = Waiting(monkeypatch, [])
    proof.prove(None, waiting.voice, 0.0)
    assert waiting.said == ["  the check is green: a@b.example: Inbox listed in 0.500s (cmdlet)\n"]


def test_a_failure_that_is_final_ends_it(monkeypatch):
    waiting = Waiting(monkeypatch, ["ErrorInvalidUser"])
    with pytest.raises(CheckFailure) as caught:
        proof.prove(None, waiting.voice, 900.0)
    assert (caught.value.failure.cause, waiting.naps) == ("no", [])
