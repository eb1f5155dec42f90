"""The key and certificate that the set-up command makes, and certificates as Graph lists them."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.setup import keypair
from check_mapi_connectivity.signin import certificate

from ..support.provisioning import pems


def test_what_is_made():
    begun = time.time()
    client = keypair.load("new.pem", keypair.make("check_mapi_connectivity on h.example", 12))
    assert client.facts.subject == "CN=check_mapi_connectivity on h.example"
    certificate.check_dates(client.facts, begun)
    assert 364.9 < client.facts.days(begun) < 365.1
    assert client.facts.not_before < begun - 600
    assert x509.load_pem_x509_certificate(client.certificate.encode()).public_key().key_size == 2048


def test_the_public_half_in_base64():
    pem = next(pems())
    made = x509.load_pem_x509_certificate(pem)
    from cryptography.hazmat.primitives.serialization import Encoding

    der = made.public_bytes(Encoding.DER)
    assert keypair.der(pem.decode()) == base64.b64encode(der).decode()
    assert keypair.der("no PEM") == ""
    assert b"PRIVATE" not in base64.b64decode(keypair.der(pem.decode()))


def test_certificates_are_told_by_themselves_or_by_their_thumbprint():
    first, second = (keypair.der(pem.decode()) for pem, _ in zip(pems(), range(2)))
    digest = hashlib.sha1(base64.b64decode(first))
    shapes = [
        {"key": first},
        {"key": None, "customKeyIdentifier": digest.hexdigest().upper()},
        {"customKeyIdentifier": digest.hexdigest()},
        {"customKeyIdentifier": base64.b64encode(digest.digest()).decode()},
    ]
    assert [keypair.same(one, first) for one in shapes] == [True] * 4
    assert [keypair.same(one, second) for one in shapes] == [False] * 4
    assert not keypair.same({}, first)
    assert not keypair.same({"customKeyIdentifier": "x"}, "BASE64-OF-THE-CERTIFICATE")


@given(
    st.dictionaries(
        st.sampled_from(["key", "customKeyIdentifier", "keyId"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    ),
    st.text(),
)
def test_any_listed_certificate(listed, key):
    assert keypair.same(listed, key) in (True, False)


@given(st.text())
def test_any_text_for_a_pem(text):
    assert isinstance(keypair.der(text), str)


def test_as_graph_takes_it():
    assert keypair.credential("AAAA", "probe on h") == {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": "AAAA",
        "displayName": "CN=probe on h",
    }


@pytest.mark.parametrize("months", [1, 24])
def test_lifetime(months):
    client = keypair.load("new.pem", keypair.make("x", months))
    assert round(client.facts.days(time.time())) == round(months * 365 / 12)
