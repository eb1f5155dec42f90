"""Sign-in: tokens from the cache and from the practice tenant, and msal's ways of failing."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity import identity
from check_mapi_connectivity.cache import Cache
from check_mapi_connectivity.deadline import Deadline
from check_mapi_connectivity.errors import UsageError
from check_mapi_connectivity.options import CertificateFiles
from check_mapi_connectivity.report import CheckFailure, Report
from check_mapi_connectivity.transport import Transport

from .tenant.entra import Entra
from .tenant.material import TENANT_ID, make_certificate, pem, pem_key


@pytest.fixture
def make(tenant, options, tmp_path):
    """`make(**changes)` -> Identity, Report and Cache of a run against the practice tenant."""

    carriers = []

    def build(**changes):
        data = (tenant.material.directory / "probe.pem").read_bytes()
        values = {
            "authority_url": tenant.url,
            "ca_files": (str(tenant.material.ca_file),),
            "certificate": CertificateFiles("probe.pem", data),
            **changes,
        }
        chosen = options(**values)
        report = Report("m", "cmdlet")
        cache = Cache(str(tmp_path / "cache"), [])
        transport = Transport(chosen, Deadline(time.monotonic(), 30), report)
        carriers.append(transport)
        return identity.Identity(chosen, transport, cache, report), report, cache

    yield build
    for carrier in carriers:
        carrier.close()


def test_token_is_fetched_once_and_kept(make, tenant):
    first, report, _ = make()
    first.prepare()
    token = first.token()
    assert first.token() is token
    assert (token.cached, report.token_cached, token.tenant_id) == (False, False, TENANT_ID)
    assert len(tenant.paths()) == 2
    second, report, _ = make()
    second.prepare()
    again = second.token()
    assert (again.access_token, again.cached, report.token_cached) == (
        token.access_token,
        True,
        True,
    )
    assert report.certificate.subject == "CN=check_mapi_connectivity probe"
    assert len(tenant.paths()) == 2
    assert token.access_token not in repr(token)


def test_renewed_token_replaces_the_cached_one(make):
    first, _, _ = make()
    old = first.token()
    second, report, _ = make()
    assert second.token().cached
    new = second.renew()
    assert (new.cached, report.token_cached) == (False, False)
    assert new.access_token != old.access_token
    third, _, _ = make()
    assert third.token().access_token == new.access_token


@pytest.mark.parametrize(
    "change",
    [{"client_id": "other"}, {"tenant": "other.example"}, {"authority_url": "https://127.0.0.1:2"}],
)
def test_cache_is_keyed_by_who_signs_in_where(make, change):
    make()[0].token()
    other, _, cache = make(**change)
    with pytest.raises(CheckFailure):
        other.token()
    assert cache.notes == []


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
def test_odd_document_is_no_token(make, document):
    first, _, cache = make()
    cache.store(first._key, document)
    assert first.token().cached is False


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        [],
        {},
        {"subject": 1},
        {"subject": "s", "sha1": "a", "sha256": "b", "not_before": "x", "not_after": 1.0},
    ],
)
def test_odd_facts_are_read_from_the_files(make, certificate):
    first, report, cache = make()
    cache.store(
        first._key,
        {"access_token": "x", "expires_at": time.time() + 3000, "certificate": certificate},
    )
    first.prepare()
    assert report.certificate.subject == "CN=check_mapi_connectivity probe"


def test_dates_are_checked_before_anything_is_sent(make, tenant):
    key, expired = make_certificate("old", start_days=-30, end_days=-1)
    who, _, _ = make(certificate=CertificateFiles("old.pem", pem(expired) + pem_key(key)))
    with pytest.raises(UsageError, match=r"certificate old\.pem expired on "):
        who.prepare()
    assert tenant.requests == []


def test_dates_are_checked_also_with_a_cached_token(make, tenant):
    key, expired = make_certificate("old", start_days=-30, end_days=-1)
    who, _, cache = make(certificate=CertificateFiles("old.pem", pem(expired) + pem_key(key)))
    cache.store(who._key, {"access_token": "x", "expires_at": time.time() + 3000.0})
    with pytest.raises(UsageError, match=r"certificate old\.pem expired on "):
        who.prepare()
    assert tenant.requests == []


def test_refused_token_that_cannot_be_dropped_is_not_used_again(make, monkeypatch):
    first, _, _ = make()
    old = first.token()
    second, _, _ = make()
    assert second.token().cached
    monkeypatch.setattr(Cache, "drop", lambda *_: None)
    monkeypatch.setattr(Cache, "store", lambda *_: None)
    assert second.renew().access_token != old.access_token


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "abc\u20acdef", "\x00", 5, None, "\ud800"])
def test_token_that_fits_into_no_header_is_neither_sent_nor_kept(
    make, monkeypatch, tmp_path, token
):
    monkeypatch.setattr(Entra, "token", lambda *_: {"access_token": token, "expires_in": 3599})
    who, _, _ = make()
    with pytest.raises(CheckFailure) as caught:
        who.token()
    assert caught.value.failure.kind == "protocol"
    assert not list((tmp_path / "cache").glob("*.json"))


def test_failure_is_said_to_be_of_the_sign_in(make, tenant):
    tenant.faults.on("discovery", "html-200")
    who, report, _ = make()
    with pytest.raises(CheckFailure) as caught:
        who.token()
    assert caught.value.failure.during == "sign-in"
    assert report.sign_in.current is None
    assert report.sign_in.total() > 0


def test_endpoint_without_tls_is_refused(make, tenant, monkeypatch):
    def configuration(self, url, tenant):
        return {
            "token_endpoint": "http://127.0.0.1/t/token",
            "authorization_endpoint": "https://h/t/a",
        }

    monkeypatch.setattr(Entra, "configuration", configuration)
    who, _, _ = make()
    with pytest.raises(CheckFailure, match="does not answer as Entra does"):
        who.token()
    assert len(tenant.requests) == 1


@pytest.mark.parametrize(
    "document", [{}, {"token_endpoint": 5}, {"token_endpoint": "https://h"}, {"error": 1}, []]
)
def test_configuration_that_is_not_entras(make, monkeypatch, document):
    monkeypatch.setattr(Entra, "configuration", lambda *_: document)
    who, _, _ = make()
    with pytest.raises(CheckFailure) as caught:
        who.token()
    assert caught.value.failure.kind in ("protocol", "credential")


@pytest.mark.parametrize("lifetime", [None, "x", -5, 0, 1e9, [], "3599", 10**400, float("inf")])
def test_lifetime_in_any_shape(make, monkeypatch, lifetime):
    issued = {"access_token": "opaque", "expires_in": lifetime}
    monkeypatch.setattr(Entra, "token", lambda *_: issued)
    who, _, _ = make()
    try:
        token = who.token()
    except CheckFailure as error:
        assert error.failure.kind == "protocol"
        return
    assert token.claims == {}
    assert token.tenant_id is None
    assert token.expires_at <= time.time() + 3600


@given(
    st.text() | st.binary().map(lambda data: "x." + base64.urlsafe_b64encode(data).decode() + ".y")
)
def test_any_text_has_claims_or_none(text):
    assert isinstance(identity.claims(text), dict)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_any_payload(payload):
    token = (
        "x." + base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=") + ".y"
    )
    assert identity.claims(token) == (payload if isinstance(payload, dict) else {})
    assert identity.Token(token, 0.0).tenant_id is None
