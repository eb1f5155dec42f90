"""PEM in every form that Windows, clouds, spreadsheets and old systems give it, read by one reader."""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import CertificateFiles, Secret
from check_mapi_connectivity.base.reading import pem
from check_mapi_connectivity.signin import certificate

from ..tenant.material import PASSPHRASE, make_certificate, pem_key, pfx, small_key
from ..tenant.material import pem as pem_of

KEY, CERTIFICATE = make_certificate("forms", key=small_key())
TEXT = (pem_of(CERTIFICATE) + pem_key(KEY)).decode()
PFX = base64.b64encode(pfx(KEY, CERTIFICATE)).decode()
OLD_KEY = KEY.private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSPHRASE.encode())
).decode()
LOCKED = (pem_of(CERTIFICATE) + pem_key(KEY, PASSPHRASE)).decode()


def lines(text, width):
    """Base64 in lines of so many characters."""
    return "\r\n".join(text[at : at + width] for at in range(0, len(text), width))


FORMS = {
    "mark before it": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16-be with a mark": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-16-le without one": TEXT.replace("\n", "\r\n").encode("utf-16-le"),
    "utf-16-be without one": TEXT.encode("utf-16-be"),
    "utf-16 cut within a letter": TEXT.encode("utf-16") + b"\n",
    "two files of utf-16": pem_of(CERTIFICATE).decode().encode("utf-16")
    + pem_key(KEY).decode().encode("utf-16"),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "cr": TEXT.replace("\n", "\r").encode(),
    "blanks for line ends": TEXT.replace("\n", " ").encode(),
    "no line ends": TEXT.replace("\n", "").encode(),
    "indented": "".join(f"\t  {line}\n" for line in TEXT.split("\n")).encode(),
    "quoted mail": "".join(f"> {line}\n" for line in TEXT.split("\n")).encode(),
    "glued": TEXT.replace("-----\n-----", "----------").encode(),
    "text around": f"Bag Attributes\n  id: 1\nsubject=CN = \u00e4\n{TEXT}the end".encode(),
    "latin-1 around": "pr\u00fcfer\n".encode("latin-1") + TEXT.encode(),
    "escaped": TEXT.replace("\n", "\\n").encode(),
    "escaped, in quotes": f'"{TEXT}"'.replace("\n", "\\n").encode(),
    "escaped twice": TEXT.replace("\n", "\\\\r\\\\n").encode(),
    "json of php": TEXT.replace("/", "\\/").replace("\n", "\\n").replace("+", "\\u002b").encode(),
    "for a url": quote(TEXT).encode(),
    "base64 of it": base64.b64encode(TEXT.encode()),
    "pfx as base64": PFX.encode(),
    "pfx as base64 in lines": lines(PFX, 76).encode() + b"\r\n",
    "pfx as base64 in quotes": f'"{PFX}"\n'.encode(),
    "pfx as base64 in utf-16": PFX.encode("utf-16"),
    "pfx as base64 with a mark": b"\xef\xbb\xbf" + PFX.encode(),
    "pfx as base64 for urls": PFX.replace("+", "-").replace("/", "_").rstrip("=").encode(),
    "pfx as a data url": f"data:application/x-pkcs12;base64,{PFX}".encode(),
    "pfx in marks": f"-----BEGIN PKCS12-----\n{lines(PFX, 64)}\n-----END PKCS12-----".encode(),
}
WITH_PASSPHRASE = {
    "locked": LOCKED.encode(),
    "locked, cr": LOCKED.replace("\n", "\r").encode(),
    "locked, escaped": LOCKED.replace("\n", "\\n").encode(),
    "locked pfx as base64": base64.b64encode(pfx(KEY, CERTIFICATE, PASSPHRASE)),
    "old": (pem_of(CERTIFICATE).decode() + OLD_KEY).encode(),
    "old, cr": (pem_of(CERTIFICATE).decode() + OLD_KEY).replace("\n", "\r").encode(),
    "old, utf-16": (pem_of(CERTIFICATE).decode() + OLD_KEY).encode("utf-16"),
    "old, indented": "".join(f"  {line}\n" for line in (TEXT[:0] + OLD_KEY).split("\n")).encode()
    + pem_of(CERTIFICATE),
    "old, in one line": (pem_of(CERTIFICATE).decode() + OLD_KEY).replace("\n", " ").encode(),
}


def loaded(data, passphrase=None, key=None):
    lock = None if passphrase is None else Secret(passphrase)
    return certificate.load(CertificateFiles("c", data, key and "k", key, lock), time.time())


@pytest.mark.filterwarnings("ignore:PKCS#12 bundle")
@pytest.mark.parametrize("form", FORMS)
def test_every_form(form):
    found = loaded(FORMS[form])
    assert x509.load_pem_x509_certificate(found.certificate.encode()) == CERTIFICATE
    assert found.private_key.encode() == pem_key(KEY)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_known_to_hold_a_private_key(form):
    assert pem.read(FORMS[form]).private


@pytest.mark.parametrize("form", WITH_PASSPHRASE)
def test_every_form_with_a_passphrase(form):
    found = loaded(WITH_PASSPHRASE[form], PASSPHRASE)
    assert found.private_key.encode() == pem_key(KEY)
    assert pem.read(WITH_PASSPHRASE[form]).private


@pytest.mark.parametrize(
    "data",
    [
        pem_key(KEY)[:900],
        pem_key(KEY).decode()[:900].encode("utf-16"),
        KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        b"\xfe\xed\xfe\xed\0\0\0\x02",
        b"\x30\x80\x02\x01\x03\x30\x80",
    ],
    ids=["cut", "cut, utf-16", "der", "java", "pfx of unknown length"],
)
def test_what_may_hold_a_key_counts_as_one(data):
    assert pem.read(data).private


@pytest.mark.parametrize(
    "data",
    [
        pem_of(CERTIFICATE),
        CERTIFICATE.public_bytes(Encoding.DER),
        base64.b64encode(CERTIFICATE.public_bytes(Encoding.DER)),
        pem_of(CERTIFICATE).decode().encode("utf-16"),
        b"hello",
        b"",
    ],
    ids=["pem", "der", "base64", "utf-16", "a word", "nothing"],
)
def test_what_is_public_needs_no_guard(data):
    assert not pem.read(data).private


def test_certificate_of_der_beside_a_key_of_der():
    der = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    found = loaded(CERTIFICATE.public_bytes(Encoding.DER), "x", der)
    assert (found.facts.subject, found.private_key.encode()) == ("CN=forms", pem_key(KEY))


def test_names_of_openssl():
    trusted = pem_of(CERTIFICATE).replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE")
    der = CERTIFICATE.public_bytes(Encoding.DER)
    assert pem.read(trusted).certificates == [der]
    more = base64.b64encode(der + b"\x30\x03\x02\x01\x01").decode()
    marked = f"-----BEGIN TRUSTED CERTIFICATE-----{more}-----END TRUSTED CERTIFICATE-----"
    assert pem.read(marked.encode()).certificates == [der]


def test_an_elliptic_key_spoils_nothing():
    odd = pem_key(ec.generate_private_key(ec.SECP256R1()))
    assert loaded(odd + pem_of(CERTIFICATE) + pem_key(KEY)).facts.subject == "CN=forms"


@given(st.lists(st.binary(max_size=90), max_size=4), st.sampled_from(["", "\n", "\r", " ", "\t\n"]))
def test_what_is_in_blocks_comes_out(parts, between):
    text = between.join(
        f"-----BEGIN X{number}-----{between}{base64.b64encode(part).decode()}-----END X{number}-----"
        for number, part in enumerate(parts)
    )
    found = pem.read(text.encode()).blocks
    assert [block.der for block in found] == parts
    assert [pem.read(block.text()).blocks for block in found] == [[block] for block in found]


MARKS = st.sampled_from(
    [b"-----BEGIN A-----", b"-----END A-----", b"\\n", b"\x30\x82", b"\0", b"MII"]
)


@given(st.lists(st.binary(max_size=40) | MARKS).map(b"".join))
def test_any_bytes_are_read(data):
    found = pem.read(data)
    assert isinstance(found.private, bool)
    assert all(isinstance(one, bytes) for one in found.certificates)
    assert len(list(pem.children(data))) <= len(data)


def test_a_million_marks_take_no_time():
    begun = time.process_time()
    assert pem.read(b"-----BEGIN CERTIFICATE-----\n" * 37000).blocks == []
    assert pem.read(b"-----BEGIN A----------END B-----" * 32000).blocks == []
    assert time.process_time() - begun < 5
