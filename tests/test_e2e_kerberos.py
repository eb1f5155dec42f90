"""What is said when Kerberos gives no ticket: every row of the table, produced by a KDC of MIT."""

from __future__ import annotations

import os
import signal

import pytest

from .conftest import GRACE
from .guarded import guarded
from .test_acceptors import start

pytest.importorskip("spnego")

REFUSED = ("stale", "deleted", "disabled", "expired", "outdated")
LINE = "MAPI {} - healthy@practice.example: "


@pytest.fixture
def windows(check, tenant, tmp_path):
    with guarded(check, tenant, tmp_path) as run:
        yield run


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory):
    """A KDC that holds against each account of `REFUSED` what its name says; `keytabs` are those of
    before.
    """
    with start("kerberos", tmp_path_factory.mktemp("kerberos")) as acceptor:
        for name in REFUSED:
            acceptor.administer(f'addprinc -pw "Old.{name}" {name}@LAB.TEST')
        acceptor.keytabs = {
            name: acceptor.keytab(f"{name}.keytab", f"{name}@LAB.TEST") for name in REFUSED
        }
        acceptor.administer(
            'cpw -pw "another" stale@LAB.TEST',
            "delprinc -force deleted@LAB.TEST",
            "modprinc -allow_tix disabled@LAB.TEST",
            'modprinc -expire "2020-01-01 00:00:00" expired@LAB.TEST',
            'modprinc -pwexpire "2020-01-01 00:00:00" outdated@LAB.TEST',
        )
        yield acceptor


WITH_A_KEYTAB = {"stale": ("CRITICAL", "KDC does not accept the key of the keytab (KRB5 31)")}
WORDS = {
    "stale": ("CRITICAL", "KDC refuses the password of {} (KRB5 31)"),
    "deleted": ("CRITICAL", "KDC knows no user {} (KRB5 6)"),
    "disabled": ("CRITICAL", "account of {} is locked or disabled (KRB5 18)"),
    "expired": ("CRITICAL", "account of {} has expired (KRB5 1)"),
    "outdated": ("CRITICAL", "password of {} has expired (KRB5 23)"),
}


def said(run, state, cause):
    """The first line is exactly this, but for a remedy behind it."""
    expected = LINE.format(state) + cause
    assert run.line.split("; ")[0] == expected
    assert run.code == {"CRITICAL": 2, "UNKNOWN": 3}[state]
    assert "check the password" not in run.diagnosis


@pytest.mark.parametrize("name", REFUSED)
def test_with_a_keytab(windows, kerberos, tenant, name):
    environment = kerberos.environment(cache=f"of-{name}", keytab=kerberos.keytabs[name])
    run = windows(kerberos, "--auth", "negotiate", user=None, environment=environment)
    state, cause = {**WORDS, **WITH_A_KEYTAB}[name]
    said(run, state, cause.format("the keytab"))
    assert tenant.logons == []


@pytest.mark.parametrize("name", REFUSED)
def test_with_a_password(windows, kerberos, tenant, name):
    user = f"{name}@LAB.TEST"
    run = windows(kerberos, "--auth", "negotiate", user=user, password=f"Old.{name}")
    state, cause = WORDS[name]
    said(run, state, cause.format(user))
    assert tenant.logons == []


def test_a_service_that_the_kdc_does_not_know(windows, kerberos, tenant):
    ticket = kerberos.environment(cache=kerberos.ticket_cache())
    place = f"127.0.0.1:{tenant.port}"
    run = windows(kerberos, "--auth", "negotiate", "-H", place, user=None, environment=ticket)
    said(run, "UNKNOWN", "KDC knows no service HTTP/127.0.0.1 (KRB5 7)")
    assert "setspn -Q HTTP/127.0.0.1" in run.diagnosis


def test_a_realm_without_a_kdc(windows, kerberos):
    run = windows(kerberos, "--auth", "negotiate", user="probe@NOWHERE.TEST")
    said(run, "UNKNOWN", "no KDC is known for the realm of probe@NOWHERE.TEST (KRB5 154)")


def test_a_realm_in_lower_case(windows, kerberos):
    run = windows(kerberos, "--auth", "negotiate", user=f"{kerberos.user}@lab.test")
    said(run, "UNKNOWN", f"no KDC is known for the realm of {kerberos.user}@lab.test (KRB5 154)")
    assert "upper case" in run.diagnosis


def test_domain_and_user(windows, kerberos):
    """A backslash is an escape in the names of Kerberos: the KDC would be asked for LABprobe."""
    run = windows(kerberos, "--auth", "negotiate", user="LAB\\probe")
    assert run.code == 3
    assert "Kerberos takes no DOMAIN" in run.line
    assert "give USER@REALM (--username)" in run.diagnosis


def test_an_ended_ticket(windows, kerberos):
    kerberos.ticket_cache("ended", life="1s")
    run = None
    while run is None or run.code == 0:
        # As soon as it has ended; MIT's library asks for one more second than that.
        environment = kerberos.environment(cache="ended")
        run = windows(kerberos, "--auth", "negotiate", user=None, environment=environment)
    said(run, "UNKNOWN", "the Kerberos ticket has ended (KRB5 32)")


def test_a_cache_of_another_kind(windows, kerberos):
    (kerberos.directory / "garbage").write_bytes(b"no cache of credentials")
    environment = kerberos.environment(cache="garbage")
    run = windows(kerberos, "--auth", "negotiate", user=None, environment=environment)
    said(run, "UNKNOWN", "no Negotiate token can be made for localhost (NoCredentialError)")
    assert "Unsupported credentials cache format" in run.diagnosis


def test_a_keytab_that_is_not_there(windows, kerberos):
    environment = kerberos.environment(cache="nothing", keytab="missing.keytab")
    run = windows(kerberos, "--auth", "negotiate", user=None, environment=environment)
    said(
        run,
        "UNKNOWN",
        "keytab of KRB5_CLIENT_KTNAME: No such file or directory (NoCredentialError)",
    )


def test_a_kdc_that_is_down(windows, tmp_path):
    with start("kerberos", tmp_path / "down") as acceptor:
        keytab = acceptor.environment(cache="none", keytab=acceptor.keytab())
        os.kill(acceptor.kdc.pid, signal.SIGKILL)
        run = windows(acceptor, "--auth", "negotiate", user=None, environment=keytab)
    said(run, "UNKNOWN", "no KDC of the realm of the keytab answers (KRB5 156)")


def test_a_kdc_that_is_silent(windows, kerberos):
    keytab = kerberos.environment(cache="silent", keytab=kerberos.keytab())
    os.kill(kerberos.kdc.pid, signal.SIGSTOP)
    try:
        run = windows(kerberos, "--auth", "negotiate", "-t", "2", user=None, environment=keytab)
    finally:
        os.kill(kerberos.kdc.pid, signal.SIGCONT)
    assert run.code == 2
    assert "no answer from the KDC (Negotiate token) in " in run.line
    assert run.outcome.seconds < 2 + GRACE
