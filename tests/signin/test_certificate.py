"""Certificate files: every form, every mistake, and what is said about each."""

from __future__ import annotations

import re
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import CertificateFiles, Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.signin import certificate
from check_mapi_connectivity.signin import pkcs12 as pkcs12_reader

from ..support.pkcs12_files import keystore
from ..tenant.material import PASSPHRASE, make_certificate, pem, pem_key, pfx, small_key

KEY, CERTIFICATE = make_certificate("unit", key=small_key())
OTHER_KEY, OTHER_CERTIFICATE = make_certificate("other", key=small_key())
LOCK = Secret(PASSPHRASE)


def files(data, key=None, passphrase=None):
    return CertificateFiles("c", data, None if key is None else "k", key, passphrase)


TRADITIONAL = KEY.private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSPHRASE.encode())
)


@pytest.mark.parametrize(
    "given_files",
    [
        files(pem(CERTIFICATE) + pem_key(KEY)),
        files(pem_key(KEY) + b"\nsome text\n" + pem(CERTIFICATE)),
        files(pem(CERTIFICATE), pem_key(KEY)),
        files(pem(CERTIFICATE), pem_key(KEY), LOCK),
        files(pem(OTHER_CERTIFICATE) + pem(CERTIFICATE), pem_key(KEY)),
        files(pem(CERTIFICATE) + pem_key(KEY, PASSPHRASE), passphrase=LOCK),
        files(pem(CERTIFICATE) + TRADITIONAL, passphrase=LOCK),
        files(pem(CERTIFICATE).replace(b"\n", b"\r\n") + pem_key(KEY).replace(b"\n", b"\r\n")),
        files(pfx(KEY, CERTIFICATE)),
        files(pfx(KEY, CERTIFICATE, PASSPHRASE), passphrase=LOCK),
        files(pfx(KEY, CERTIFICATE), passphrase=LOCK),
    ],
)
def test_every_form(given_files):
    loaded = certificate.load(given_files)
    assert loaded.private_key.encode() == pem_key(KEY)
    assert x509.load_pem_x509_certificate(loaded.certificate.encode()) == CERTIFICATE
    assert loaded.facts.subject == "CN=unit"
    assert 364.9 < loaded.facts.days(time.time()) < 365.1
    assert len(loaded.facts.sha1), len(loaded.facts.sha256) == (40, 64)
    assert "PRIVATE" not in repr(loaded)


PLAIN, LOCKED = pem_key(KEY), pem_key(KEY, PASSPHRASE)
FIRST = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
OPENSSH = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (PLAIN, b"RSA PRIVATE KEY"),
        (PLAIN, b"ENCRYPTED PRIVATE KEY"),
        (LOCKED, b"PRIVATE KEY"),
        (LOCKED, b"RSA PRIVATE KEY"),
        (FIRST, b"PRIVATE KEY"),
        (OPENSSH, b"OPENSSH PRIVATE KEY"),
    ],
    # The keys are made anew in each process.
    ids=["plain-rsa", "plain-encrypted", "locked-plain", "locked-rsa", "first-plain", "openssh"],
)
def test_a_key_is_what_it_is_whatever_it_is_called(key, name):
    """Programs of Go and .NET put their own marks around what a library gives them."""
    renamed = re.sub(rb"(BEGIN|END)[A-Z ]*PRIVATE KEY", rb"\1 " + name, key)
    found = certificate.load(files(pem(CERTIFICATE) + renamed, passphrase=LOCK))
    assert found.private_key.encode() == PLAIN
    if key is LOCKED:
        with pytest.raises(UsageError, match="c is encrypted; give --certificate-passphrase-file"):
            certificate.load(files(pem(CERTIFICATE) + renamed))


def elliptic():
    from cryptography.hazmat.primitives.asymmetric import ec

    key, found = make_certificate("ec", key=ec.generate_private_key(ec.SECP256R1()))
    return files(pem(found) + pem_key(key))


REFUSED = [
    (files(b"hello"), "--certificate: c is neither PEM nor PFX"),
    (files(b""), "--certificate: c is neither PEM nor PFX"),
    (
        files(b"\x30\x03abc"),
        "--certificate: c does not open as PFX: if it has a passphrase, give "
        "--certificate-passphrase-file, or the file is damaged",
    ),
    (files(pem_key(KEY)), "--certificate: c holds no certificate"),
    (files(pem(CERTIFICATE)), "--certificate-key: c holds no private key; name the file that does"),
    (
        files(pem(CERTIFICATE), pem(CERTIFICATE)),
        "--certificate-key: k holds no private key; name the file that does",
    ),
    (
        files(pem(CERTIFICATE), pem_key(OTHER_KEY)),
        "--certificate: the key in k does not belong to the certificate in c",
    ),
    (
        files(pem(CERTIFICATE) + pem_key(KEY, PASSPHRASE)),
        "the private key in c is encrypted; give --certificate-passphrase-file",
    ),
    (
        files(pem(CERTIFICATE) + TRADITIONAL),
        "the private key in c is encrypted; give --certificate-passphrase-file",
    ),
    (
        files(pem(CERTIFICATE) + pem_key(KEY, PASSPHRASE), passphrase=Secret("x")),
        "the private key in c does not open with the passphrase given",
    ),
    (
        files(pem(CERTIFICATE) + TRADITIONAL, passphrase=Secret("x")),
        "the private key in c does not open with the passphrase given",
    ),
    (
        files(pem(CERTIFICATE), pem_key(KEY)[:200] + pem_key(KEY)[300:]),
        "the private key in k is damaged or of a kind unknown here",
    ),
    (
        files(pem(CERTIFICATE)[:300] + pem(CERTIFICATE)[400:] + pem_key(KEY)),
        "--certificate: the certificate in c is damaged",
    ),
    (
        files(pfx(KEY, CERTIFICATE, PASSPHRASE)),
        "--certificate: c does not open as PFX: if it has a passphrase, give "
        "--certificate-passphrase-file, or the file is damaged",
    ),
    (
        files(pfx(KEY, CERTIFICATE, PASSPHRASE), passphrase=Secret("x")),
        "--certificate: c does not open as PFX: the passphrase is wrong, or the file is damaged",
    ),
    (
        files(pfx(KEY, CERTIFICATE), pem_key(KEY)),
        "--certificate-key goes with a PEM certificate; c is none",
    ),
    (
        files(CERTIFICATE.public_bytes(Encoding.DER)),
        "--certificate-key: c holds no private key; name the file that does",
    ),
    (files(pfx(KEY, None)), "--certificate: the PFX c holds no certificate, only a key"),
    (
        files(pfx(KEY, CERTIFICATE), passphrase=Secret("a\0b")),
        "the certificate's passphrase holds a NUL character",
    ),
    (elliptic(), "--certificate: the key in c is no RSA key; Entra takes RSA only"),
]


@pytest.mark.parametrize(
    ("given_files", "text"), REFUSED, ids=[str(number) for number in range(len(REFUSED))]
)
def test_refused(given_files, text):
    with pytest.raises(UsageError) as caught:
        certificate.load(given_files)
    assert str(caught.value) == text


def test_dates(facts):
    certificate.check_dates(facts, time.time())
    expired = facts._replace(not_after=1790000000.0)
    with pytest.raises(UsageError) as caught:
        certificate.check_dates(expired, time.time())
    assert str(caught.value) == "certificate /etc/probe.pem expired on 2026-09-21; renew it"
    assert caught.value.details == ("subject CN=probe", f"SHA-1 {'A' * 40}", f"SHA-256 {'B' * 64}")
    early = facts._replace(not_before=4000000000.0, not_after=5000000000.0)
    with pytest.raises(UsageError, match="is not valid before 2096-10-02; check this host's clock"):
        certificate.check_dates(early, time.time())


def test_fingerprint_changes_with_any_part():
    variants = [
        files(b"a"),
        files(b"b"),
        files(b"a", b"c"),
        files(b"a", passphrase=Secret("c")),
        files(b"ac"),
    ]
    assert len({certificate.fingerprint(variant) for variant in variants}) == len(variants)
    assert certificate.fingerprint(files(b"a")) == certificate.fingerprint(
        files(b"a")._replace(path="elsewhere")
    )


GOOD = pem(CERTIFICATE) + pem_key(KEY)
GOOD_PFX = pfx(KEY, CERTIFICATE)
TWO = keystore([(KEY, CERTIFICATE), (OTHER_KEY, OTHER_CERTIFICATE)])


@pytest.mark.filterwarnings("ignore:PKCS#12 bundle")
@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([GOOD, GOOD_PFX]), st.integers(0, 3000), st.binary(max_size=8), st.booleans()
)
def test_any_damage_gives_a_certificate_or_one_complaint(data, position, patch, cut):
    damaged = data[:position] + patch + (b"" if cut else data[position + len(patch) :])
    try:
        assert certificate.load(files(damaged)).facts.sha1
    except UsageError as error:
        assert "c" in str(error)


NOW = time.time()
SPAN = {"old": (-400, -35), "short": (-10, 20), "long": (-1, 300), "later": (5, 700)}
RENEWED = {name: make_certificate(name, *days, key=KEY)[1] for name, days in SPAN.items()}


def fits(given_files, now=NOW):
    return [pair.facts.subject[3:] for pair in certificate.candidates(given_files, now)]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["old", "long"], ["long", "old"]),
        (["long", "old"], ["long", "old"]),
        (["short", "later", "old", "long"], ["long", "short", "later", "old"]),
        (["old", "later"], ["later", "old"]),
    ],
)
def test_of_several_certificates_of_one_key_the_valid_one_that_ends_last(names, order):
    several = [RENEWED[name] for name in names]
    text = b"".join(map(pem, several))
    assert fits(files(text + pem_key(KEY))) == order
    assert fits(files(pem_key(KEY) + text)) == order
    assert fits(files(text, pem_key(KEY))) == order
    first, *others = several
    locked = BestAvailableEncryption(PASSPHRASE.encode())
    data = pkcs12.serialize_key_and_certificates(b"probe", KEY, first, others, locked)
    assert fits(files(data, passphrase=LOCK)) == order


@pytest.mark.parametrize(
    "key",
    [pem_key(OTHER_KEY), TRADITIONAL, pem_key(KEY)[:300]],
    ids=["of another", "traditional", "cut"],
)
def test_a_key_that_is_of_no_use_spoils_nothing(key):
    good = pem_key(KEY)
    foreign = pem(make_certificate("foreign")[1])
    for data in (key + good, good + key, foreign + key + good):
        assert fits(files(data + pem(CERTIFICATE))) == ["unit"]
        assert fits(files(pem(CERTIFICATE), data)) == ["unit"]


def test_a_damaged_certificate_of_a_chain_spoils_nothing():
    cut = pem(OTHER_CERTIFICATE)[:300] + pem(OTHER_CERTIFICATE)[400:]
    assert fits(files(cut + pem(CERTIFICATE) + pem_key(KEY))) == ["unit"]


def test_two_pairs_of_which_the_second_is_valid():
    key, ended = make_certificate("ended", -90, -1)
    assert fits(files(pem(ended) + pem_key(key) + GOOD)) == ["unit", "ended"]


@pytest.mark.filterwarnings("ignore:PKCS#12 bundle")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize("turned", [False, True])
def test_a_keystore_with_two_pairs(passphrase, turned):
    pairs = [make_certificate("ended", -90, -1), (KEY, CERTIFICATE)]
    data = keystore(pairs[::-1] if turned else pairs, passphrase)
    lock = Secret(passphrase) if passphrase else None
    assert fits(files(data, passphrase=lock)) == ["unit", "ended"]
    loaded = certificate.load(files(data, passphrase=lock), NOW)
    assert loaded.private_key.encode() == pem_key(KEY)


@given(st.binary(max_size=200), st.integers(0, 3000), st.booleans())
@pytest.mark.filterwarnings("ignore:PKCS#12 bundle")
def test_bags_of_anything_are_no_bags(patch, position, whole):
    data = patch if whole else TWO[:position] + patch + TWO[position + len(patch) :]
    for part in pkcs12_reader._authenticated(data):
        assert all(isinstance(bag, bytes) for bag in pkcs12_reader._key_bags(part))


def test_a_java_keystore_is_named():
    with pytest.raises(UsageError, match=r"^--certificate: c is a Java keystore \(JKS\); make it "):
        certificate.load(files(b"\xfe\xed\xfe\xed" + bytes(40)))


def test_what_is_wrong_with_a_key_that_was_not_tried_is_told():
    with pytest.raises(UsageError, match=r"^the private key in c is encrypted; give "):
        certificate.load(files(pem(CERTIFICATE) + pem_key(OTHER_KEY) + pem_key(KEY, PASSPHRASE)))
