"""This host's clock against a server's Date."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base import clock_skew
from check_mapi_connectivity.base.clock_skew import Skew
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.result import diagnosis

from ..support.reports import known
from ..tenant.handler import Handler

HOST = "mail.contoso.com"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "agrees with that of mail.contoso.com"),
        (-4.9, "agrees with that of mail.contoso.com"),
        (6.0, "is 6 seconds ahead of that of mail.contoso.com"),
        (-119.0, "is 119 seconds behind that of mail.contoso.com"),
        (720.0, "is 12 minutes ahead of that of mail.contoso.com"),
        (-7200.0, "is 2 hours behind that of mail.contoso.com"),
        (86400.0 * 400, "is 400 days ahead of that of mail.contoso.com"),
    ],
)
def test_words(seconds, words):
    assert str(Skew(HOST, seconds)) == words


@pytest.mark.parametrize("date", [None, "", "yesterday", "9" * 999])
def test_a_date_that_is_none(date):
    assert clock_skew.compare(HOST, date, 0.0) is None


@given(st.text() | st.builds(email.utils.formatdate, st.integers(0, 2**37)))
def test_any_date_is_a_number_of_seconds_or_nothing(date):
    found = clock_skew.compare(HOST, date, 1e9)
    assert found is None or isinstance(found.seconds, float)


@pytest.mark.parametrize(
    ("code", "seconds", "explained"),
    [
        ("AADSTS700024", 400, True),
        ("AADSTS700024", -400, True),
        ("AADSTS700024", 200, False),
        ("verify error 9", -90000, True),
        ("verify error 9", 90000, False),
        ("verify error 10", 90000, True),
        ("verify error 10", -90000, False),
        ("AADSTS700027", 90000, False),
        *((f"KRB5 {number}", seconds, True) for number in (33, 37, 148) for seconds in (-400, 400)),
        ("KRB5 37", 200, False),
        ("KRB5 32", 90000, False),
    ],
)
def test_what_a_wrong_clock_explains(code, seconds, explained):
    report = known("probe@contoso.com", "cmdlet", skew=Skew(HOST, seconds))
    failure = Failure("credential", "refused", "wait", code, "its own text")
    found = report.explained(failure)
    assert (found == failure) is not explained
    if explained:
        assert found.cause == f"this host's clock {Skew(HOST, seconds)}"
        assert found.remedy == "set the clock; and keep it right by NTP"
        assert (found.code, found.kind) == (code, "credential")
        assert found.detail == "refused; its own text"


def test_it_is_told_where_sign_in_or_tls_fails():
    report = known("probe@contoso.com", "cmdlet", skew=Skew(HOST, 1))
    told = {}
    for kind, during in [("tls", ""), ("credential", ""), ("server", "sign-in"), ("server", "")]:
        report.failure = Failure(kind, "trouble", during=during)
        told[kind, during] = diagnosis.clock_told(report)
    assert told == {
        ("tls", ""): True,
        ("credential", ""): True,
        ("server", "sign-in"): True,
        ("server", ""): False,
    }


@pytest.fixture
def shifted(monkeypatch):
    """`shifted(seconds)`: the tenant's clock is so far ahead of this host's."""
    ordinary = Handler.date_time_string

    def shift(seconds):
        def moved(self, timestamp=None):
            return ordinary(self, time.time() + seconds)

        monkeypatch.setattr(Handler, "date_time_string", moved)

    return shift


def test_an_assertion_outside_its_time(cmdlet, tenant, shifted):
    tenant.faults.on("token", "aadsts-700024")
    run = cmdlet()
    assert "  clock         this host's agrees with that of 127.0.0.1\n" in run.diagnosis
    shifted(3600)
    run = cmdlet()
    assert run.line == (
        "MAPI UNKNOWN - sign-in refused: this host's clock is 60 minutes behind that of 127.0.0.1 "
        "(AADSTS700024); set the clock"
    )
    assert "  clock         this host's is 60 minutes behind that of 127.0.0.1\n" in run.diagnosis
    assert "  remedy        set the clock; and keep it right by NTP\n" in run.diagnosis
    assert run.code == 3


def test_a_clock_that_has_nothing_to_do_with_it(cmdlet, tenant, shifted):
    shifted(3600)
    assert "clock" not in cmdlet().diagnosis
    tenant.faults.on("exchange", "http-403-html")
    assert "  clock  " not in cmdlet().diagnosis
    tenant.faults.on("token", "aadsts-700016")
    run = cmdlet("healthy", "--no-cache")
    assert "  clock         this host's is 60 minutes behind that of 127.0.0.1\n" in run.diagnosis


def test_a_server_certificate_of_another_authority(cmdlet, tenant, shifted):
    shifted(-86400 * 3)
    run = cmdlet("healthy", "--ca-file", "none")
    assert "kind tls\n" in run.diagnosis
    assert "  clock         this host's is 3 days ahead of that of 127.0.0.1\n" in run.diagnosis


def test_json(cmdlet, tenant, shifted):
    import json

    shifted(-7200)
    found = json.loads(cmdlet("healthy", "--json").stdout)["reports"][0]["clock"]
    assert found["host"] == "127.0.0.1"
    assert 7190 < found["offset"] < 7300
