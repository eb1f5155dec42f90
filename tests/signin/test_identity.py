"""The identity that all tests of a run share: tokens from the cache and from the practice tenant,
each asked for once, by many threads as well.
"""

from __future__ import annotations

import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.base.credentials import CertificateFiles
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.secrecy import echoes
from check_mapi_connectivity.secrecy import reports as secrecy_reports
from check_mapi_connectivity.signin import identity

from ..support.signing import Runs, at_once, refusal, token
from ..tenant.entra import Entra
from ..tenant.material import CLIENT_IDS, TENANT_ID, make_certificate, pem, pem_key
from ..tenant.refusals import Refusal

BOTH = ("cmdlet", "graph")

pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated")


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


def key_of(run):
    """Where the run keeps its token."""
    return run.identity._keys[run.account.resource(run.report.method)]


def prepared(run):
    """The run, its certificate read."""
    run.identity.prepare(run.cache, time.time())
    run.report.signed_by(run.identity.facts, time.time())
    return run


def test_token_is_fetched_once_and_kept(runs, tenant):
    first = prepared(runs())
    found = token(first)
    assert token(first) is found
    assert (found.cached, first.report.times.token_cached, found.tenant_id) == (
        False,
        False,
        TENANT_ID,
    )
    assert (len(tenant.paths()), tenant.token_requests) == (2, 1)
    assert "token" not in first.report.times.unneeded
    second = prepared(runs())
    again = token(second)
    assert (again.access_token, again.cached) == (found.access_token, True)
    assert (second.report.times.token_cached, second.report.times.unneeded) == (True, {"token"})
    assert second.report.certificate.subject == "CN=check_mapi_connectivity probe"
    assert 364.0 < second.report.certificate_days < 365.0
    assert len(tenant.paths()) == 2
    assert found.access_token not in repr(found)


def test_renewed_token_replaces_the_cached_one(runs):
    old = token(runs())
    second = runs()
    cached = token(second)
    assert (cached.access_token, cached.cached) == (old.access_token, True)
    new = second.sign_in.renew(cached)
    assert (new.cached, second.report.times.token_cached) == (False, False)
    assert second.report.times.unneeded == set()
    assert second.report.trace.notes == ["the service refused the cached token; signed in again"]
    assert new.access_token != old.access_token
    assert token(runs()).access_token == new.access_token


def test_without_a_cache_directory(runs, tenant):
    run = runs()._replace(cache=Cache(None, []))
    assert token(run).cached is False
    assert token(runs()._replace(cache=Cache(None, []))).cached is False
    assert tenant.token_requests == 2
    assert run.cache.notes == []


OTHERS = {
    "client id": {"client_id": CLIENT_IDS["no-graph"]},
    "tenant": {"tenant": TENANT_ID},
    "authority": {"authority_url": "https://localhost"},
    "method": {"methods": ("graph",)},
}


@pytest.mark.parametrize("other", OTHERS)
def test_cache_is_keyed_by_who_signs_in_where_for_what(runs, tenant, other):
    token(runs())
    changes = dict(OTHERS[other])
    if "authority_url" in changes:
        changes["authority_url"] += f":{tenant.port}"
    run = runs(**changes)
    assert token(run).cached is False
    assert token(runs(**changes)).cached is True
    assert run.cache.notes == []


def test_cache_is_keyed_by_the_credential(runs, tenant):
    ways = [
        runs,
        runs.by_secret,
        lambda: runs.by_federated_token(client_id=CLIENT_IDS["monitor"]),
        runs.by_password,
        runs.by_managed_identity,
    ]
    assert [token(way()).cached for way in ways] == [False] * 5
    assert [token(way()).cached for way in ways] == [True] * 5
    assert tenant.token_requests == 5
    # Whoever has another secret has no share in the first one's token.
    assert refusal(runs.by_secret("other")).code == "AADSTS7000215"
    assert refusal(runs.by_password("other")).code == "AADSTS50126"


def test_cache_gives_no_secret_away(runs, tenant):
    material = tenant.material
    tokens = [token(way()) for way in (runs.by_secret, runs.by_password)]
    names = [path.name for path in runs.cache_dir.iterdir()]
    texts = [path.read_text() for path in runs.cache_dir.iterdir()]
    assert sum(found.access_token in text for found in tokens for text in texts) == 2
    for secret in (material.secret, material.password):
        assert not any(secret in text for text in names + texts)


@pytest.mark.parametrize(
    "document",
    [
        {"access_token": 5, "expires_at": time.time() + 3000},
        {"access_token": "x", "expires_at": "soon"},
        {"access_token": "x", "expires_at": time.time() + 299},
        {"access_token": "x", "expires_at": time.time() + 1e7},
        {"access_token": "x"},
        {},
    ],
)
def test_odd_document_is_no_token(runs, document):
    run = runs()
    run.cache.store(key_of(run), document)
    assert token(run).cached is False


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        [],
        {},
        {"subject": 1},
        {"subject": "s", "sha1": "a", "sha256": "b", "not_before": "x", "not_after": 1.0},
        # As if it had expired: only the files themselves end a run.
        {"subject": "s", "sha1": "a", "sha256": "b", "not_before": 1.0, "not_after": 2.0},
    ],
)
def test_odd_facts_are_read_from_the_files(runs, certificate):
    run = runs()
    document = {"access_token": "x", "expires_at": time.time() + 3000, "certificate": certificate}
    run.cache.store(key_of(run), document)
    assert prepared(run).report.certificate.subject == "CN=check_mapi_connectivity probe"


FACTS = st.none() | st.text() | st.floats() | st.integers().map(float)


@given(st.dictionaries(st.sampled_from(["subject", "sha1", "sha256"]), FACTS) | FACTS)
def test_any_facts_of_the_cache_are_certificate_facts_or_none(document):
    if isinstance(document, dict):
        document = {"not_before": 1.0, "not_after": 2.0, **document}
    found = identity._facts(document, "path")
    assert found is None or all(isinstance(text, str) for text in (found.subject, found.sha256))


@pytest.mark.parametrize("cached", [False, True])
def test_dates_are_checked_before_anything_is_sent(runs, tenant, cached):
    key, expired = make_certificate("old", start_days=-30, end_days=-1)
    run = runs(credential=CertificateFiles("old.pem", pem(expired) + pem_key(key)))
    if cached:
        run.cache.store(key_of(run), {"access_token": "x", "expires_at": time.time() + 3000.0})
    prepared(run)
    refused = run.identity.refusal(time.time())
    assert (refused.kind, refused.cause[:28]) == ("credential", "certificate old.pem expired ")
    assert tenant.requests == []


def test_refused_token_that_cannot_be_dropped_is_not_used_again(runs, monkeypatch):
    old = token(runs())
    run = runs()
    cached = token(run)
    assert cached.cached
    monkeypatch.setattr(Cache, "drop", lambda *_: None)
    monkeypatch.setattr(Cache, "store", lambda *_: None)
    assert run.sign_in.renew(cached).access_token != old.access_token


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "abc\u20acdef", "\x00", 5, None, "\ud800"])
def test_token_that_fits_into_no_header_is_neither_sent_nor_kept(runs, monkeypatch, text):
    monkeypatch.setattr(Entra, "token", lambda *_: {"access_token": text, "expires_in": 3599})
    assert refusal(runs()).kind == "protocol"
    assert not list(runs.cache_dir.glob("*.json"))


@pytest.mark.parametrize("lifetime", [None, "x", -5, 0, 1e9, [], "3599", 10**400, float("inf")])
def test_lifetime_in_any_shape(runs, monkeypatch, lifetime):
    monkeypatch.setattr(
        Entra, "token", lambda *_: {"access_token": "opaque", "expires_in": lifetime}
    )
    run = runs()
    try:
        found = token(run)
    except CheckFailure as error:
        assert error.failure.kind == "protocol"
        return
    assert (found.claims, found.tenant_id) == ({}, None)
    assert found.expires_at <= time.time() + 3600


def test_failure_is_said_to_be_of_the_sign_in(runs, tenant):
    tenant.faults.on("discovery", "html-200")
    run = runs()
    assert refusal(run).during == "sign-in"
    assert run.report.times.sign_in.current is None
    assert run.report.times.sign_in.total() > 0


# What many threads ask for at the same time.


def test_many_threads_make_one_request(runs, tenant):
    first = runs()
    each = [first, *(runs.beside(first) for _ in range(7))]
    found = at_once(*(partial(token, run) for run in each))
    assert len({one.access_token for one in found}) == 1
    assert (tenant.token_requests, len(tenant.paths())) == (1, 2)
    assert all(run.report.times.sign_in.current is None for run in each)
    # Whoever waited for another one has waited all the same.
    phases = [[phase.name for phase in run.report.times.sign_in.phases()] for run in each]
    assert sum("signing" in names for names in phases) == 1
    assert all(names == ["shared"] for names in phases if names and "signing" not in names)


def test_each_resource_is_signed_in_to_once(runs, tenant):
    first = runs(methods=(*BOTH, "mapi"))
    each = [runs.beside(first, method) for method in (*BOTH, "mapi") for _ in range(4)]
    found = at_once(*(partial(token, run) for run in each))
    assert len({one.access_token for one in found}) == 2
    assert [one.claims["aud"] for one in found[::4]] == [
        "https://outlook.office365.com",
        "https://graph.microsoft.com",
        "https://outlook.office365.com",
    ]
    assert tenant.token_requests == 2


def test_many_threads_renew_once(runs, tenant):
    old = token(runs())
    first = runs()
    each = [runs.beside(first) for _ in range(8)]
    cached = [token(run) for run in each]
    assert {one.access_token for one in cached} == {old.access_token}
    asked = tenant.token_requests
    found = at_once(*(partial(run.sign_in.renew, one) for run, one in zip(each, cached)))
    assert len({one.access_token for one in found} - {old.access_token}) == 1
    assert all(one.access_token != old.access_token for one in found)
    assert tenant.token_requests == asked + 1


@pytest.mark.parametrize("methods", [("cmdlet",), BOTH])
def test_a_refused_password_is_sent_once(runs, tenant, methods):
    first = runs.by_password("wrong", methods=methods)
    each = [runs.beside(first, method) for method in methods for _ in range(8 // len(methods))]
    found = at_once(*(partial(token, run) for run in each))
    assert {error.failure.code for error in found} == {"AADSTS50126"}
    assert {error.failure.transient for error in found} == {False}
    assert tenant.entra.password_tries == [("healthy@practice.example", False)]
    assert refusal(runs.beside(first)).code == "AADSTS50126"
    assert tenant.token_requests == 1


@pytest.mark.parametrize("way", ["by_password", "by_secret", "__call__"])
def test_a_refusal_of_one_resource_does_not_stop_the_other(runs, tenant, way):
    tenant.faults.on("token", "aadsts-65001", times=1)
    first = getattr(runs, way)(methods=BOTH)
    assert refusal(first).code == "AADSTS65001"
    assert token(runs.beside(first, "graph")).claims["aud"] == "https://graph.microsoft.com"
    assert refusal(runs.beside(first)).code == "AADSTS65001"
    assert tenant.token_requests == 2


def test_a_refusal_is_not_repeated(runs, tenant):
    """Contract 7.26."""
    tenant.faults.on("token", "aadsts-700027")
    first = runs()
    found = at_once(*(partial(token, runs.beside(first)) for _ in range(4)))
    assert [(error.failure.code, error.failure.transient) for error in found] == [
        ("AADSTS700027", False)
    ] * 4
    assert (refusal(first).code, tenant.token_requests) == ("AADSTS700027", 1)


def test_a_passing_fault_is_tried_twice_in_a_run_and_no_more(runs, tenant, monkeypatch):
    monkeypatch.setattr(identity, "_PAUSE", 0.0)
    tenant.faults.on("token", "http-503")
    first = runs()
    found = [refusal(runs.beside(first)) for _ in range(5)]
    assert [failure.kind for failure in found] == ["server"] * 5
    assert [failure.transient for failure in found] == [True, True, False, False, False]
    assert tenant.token_requests == 2


def test_a_passing_fault_passes_for_all(runs, tenant, monkeypatch):
    monkeypatch.setattr(identity, "_PAUSE", 0.0)
    tenant.faults.on("token", "http-503", times=1)
    first = runs()
    assert refusal(first).transient
    found = at_once(*(partial(token, runs.beside(first)) for _ in range(8)))
    assert len({one.access_token for one in found}) == 1
    assert tenant.token_requests == 2


def test_others_wait_as_long_as_the_first_was_asked_to(runs, tenant):
    tenant.faults.on("token", "http-503-wait-600")
    first = runs()
    assert refusal(first).retry_after == 600.0
    again = refusal(runs.beside(first))
    assert (again.kind, again.transient, tenant.token_requests) == ("throttled", True, 1)
    assert 500.0 < again.retry_after <= 600.0


@pytest.mark.parametrize("kind", ["wrong", "resting"])
def test_a_password_that_comes_back_shows_in_no_report(runs, tenant, monkeypatch, kind):
    """Entra or a federation server may quote what it was sent."""

    def quoting(self, url, tenant, form):
        raise Refusal(50126, f"The password {form['password']} is wrong.")

    monkeypatch.setattr(Entra, "token", quoting)
    first = runs.by_password("geheim & co")
    reports = [first.report]
    refusal(first)
    other = runs.beside(first) if kind == "wrong" else runs.by_password("geheim & co")
    reports.append(other.report)
    refused = refusal(other)
    assert tenant.token_requests == 1
    for report in reports:
        report.failure = refused._replace()
        secrecy_reports.conceal([report], echoes.of_run(first.options.confided))
        assert "is wrong" in report.failure.detail
        assert "geheim" not in report.failure.detail
    kept = [path.read_text() for path in runs.cache_dir.glob("refused-*.json")]
    assert len(kept) == 1
    assert "geheim" not in kept[0]
