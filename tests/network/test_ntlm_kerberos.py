"""Tokens for NTLM and Kerberos: the binding to the connection, and what is said without them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.network import ntlm_kerberos

from ..conftest import ROOT
from ..support.acceptors import end_point
from ..support.odd_proxy import ntlm_challenge
from ..tenant_itself.test_acceptors import certificate

pytest.importorskip("spnego")

LOGIN = Login("EXLAB\\probe", Secret("Secret.123"))
URL = "https://mail.example/mapi/emsmdb/"


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_the_binding_uses_the_hash_of_the_signature(algorithm):
    der = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
    assert ntlm_kerberos.end_point(der) == end_point(der)
    digest = hashlib.new(algorithm.name, der).digest()
    assert ntlm_kerberos.end_point(der) == b"tls-server-end-point:" + digest


def test_the_binding_of_a_signature_without_a_hash():
    der = certificate(ed25519.Ed25519PrivateKey.generate(), None)
    assert ntlm_kerberos.end_point(der) == b"tls-server-end-point:" + hashlib.sha256(der).digest()


def test_the_binding_of_what_is_no_certificate():
    expected = b"tls-server-end-point:" + hashlib.sha256(b"junk").digest()
    assert ntlm_kerberos.end_point(b"junk") == expected


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    with pytest.raises(UsageError, match=r"NTLM needs a package: pip install pyspnego beside"):
        ntlm_kerberos.Handshake("NTLM", LOGIN, URL, b"")


@pytest.mark.parametrize("token", [b"", b"junk", b"NTLMSSP\0\2\0\0\0", b"NTLMSSP\0" + b"\xff" * 60])
def test_any_token_of_a_server_is_taken_or_refused(token):
    handshake = ntlm_kerberos.Handshake("NTLM", LOGIN, URL, b"")
    assert handshake.begin().startswith(b"NTLMSSP\0\1")
    with pytest.raises(CheckFailure) as caught:
        handshake.step(token)
    assert caught.value.failure.kind == "protocol"
    assert "Secret.123" not in str(caught.value.failure)


@pytest.mark.parametrize(
    "words",
    [
        "[digital envelope routines] unsupported",
        "error:060800A3:digital envelope routines:EVP_DigestInit_ex:disabled for fips",
        "unsupported hash type md5",
    ],
)
def test_a_host_without_md5_is_told_as_one(monkeypatch, words):
    """FIPS mode. The server's token is as it should be."""

    def refuse(*_, **__):
        raise ValueError(words)

    handshake = ntlm_kerberos.Handshake("NTLM", LOGIN, URL, b"")
    handshake.begin()
    monkeypatch.setattr(hashlib, "md5", refuse)
    with pytest.raises(ntlm_kerberos.Unusable) as caught:
        handshake.step(ntlm_challenge())
    told = caught.value.failure
    assert told.cause == "NTLM needs MD5, and OpenSSL here has none (FIPS mode)"
    assert (told.kind, told.detail) == ("credential", words)


def test_ntlm_without_a_password_takes_none_from_elsewhere():
    with pytest.raises(CheckFailure) as caught:
        ntlm_kerberos.Handshake("NTLM", Login("probe"), URL, b"").begin()
    assert caught.value.failure.kind == "credential"
    assert "--password-file" in caught.value.failure.remedy


@pytest.mark.parametrize("kind", ["", "FILE:"])
@pytest.mark.parametrize(
    ("variable", "content", "found"),
    [
        ("KRB5CCNAME", b"\5\4\0\14", None),
        ("KRB5CCNAME", None, None),
        ("KRB5CCNAME", b"\5\5", "the file of KRB5CCNAME is no ticket cache"),
        ("KRB5CCNAME", b"", "the file of KRB5CCNAME is no ticket cache"),
        ("KRB5_CLIENT_KTNAME", b"\5\2", None),
        ("KRB5_CLIENT_KTNAME", b"\5\4", "the file of KRB5_CLIENT_KTNAME is no keytab"),
        (
            *("KRB5_CLIENT_KTNAME", None),
            "keytab of KRB5_CLIENT_KTNAME: No such file or directory",
        ),
    ],
)
def test_files_that_kerberos_cannot_read(monkeypatch, tmp_path, kind, variable, content, found):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(variable, f"{kind}{path}")
    said = ntlm_kerberos._unreadable(variable)
    assert (said and said[0]) == found


def test_what_is_no_file_of_kerberos_is_not_looked_at(monkeypatch):
    for value in ("", "MEMORY:check", "KEYRING:session:check"):
        monkeypatch.setenv("KRB5_CLIENT_KTNAME", value)
        assert ntlm_kerberos._unreadable("KRB5_CLIENT_KTNAME") is None


def test_whose_ticket_it_is(monkeypatch, tmp_path):
    """A keytab stands behind a cache that is there, and alone where there is none."""
    monkeypatch.setattr("spnego.client", lambda *_, **__: None)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)

    class Krb5Error(Exception):
        err_code = -1765328230

    def cause():
        handshake = ntlm_kerberos.Handshake("Negotiate", None, URL)
        return handshake._no_token(Krb5Error()).failure.cause.rpartition(" of ")[2]

    assert cause() == "the ticket"
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{tmp_path / 'keytab'}")
    assert cause() == "the keytab"
    (tmp_path / "cache").write_bytes(b"\5\4")
    assert cause() == "the ticket or keytab"


def test_kerberos_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "spnego" or None)
    assert ntlm_kerberos.available()
    assert ntlm_kerberos._protocol("Negotiate", "a password") == "negotiate"
    assert ntlm_kerberos._protocol("Negotiate", None) == "kerberos"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *((number, "logon") for number in (-1765328353, -1765328360, -1765328378)),
        *((number, "credential") for number in (-1765328228, 1)),
    ],
)
def test_errors_of_kerberos(number, kind):
    class Krb5Error(Exception):
        err_code = number

    handshake = ntlm_kerberos.Handshake("NTLM", LOGIN, URL, b"")
    error = handshake._no_token(Krb5Error("in its own words"))
    assert (error.failure.kind, error.failure.detail) == (kind, "in its own words")
    # What a KDC says of the password is the last word; without a token another scheme may do.
    assert isinstance(error, ntlm_kerberos.Unusable) is (kind == "credential")


#: Hardens a process on a host of this name, and prints the workstation that NTLM names then.
NAMED = """
import os, sys, types
os.uname = lambda: types.SimpleNamespace(nodename="Monitoring-Server-01.corp.example")
from check_mapi_connectivity import process
process.harden()
import spnego
from tests.support.odd_proxy import ntlm_challenge
context = spnego.client("user", "password", protocol="ntlm")
context.step()
challenge = bytearray(ntlm_challenge())
challenge[23] |= 2  # with a version, as Windows
message = context.step(bytes(challenge))
length, at = int.from_bytes(message[44:46], "little"), int.from_bytes(message[48:52], "little")
print(message[at:at + length].decode("utf-16-le"))
"""


@pytest.mark.parametrize(
    ("given", "named"),
    [({}, "MONITORING-SERV"), ({"NETBIOS_COMPUTER_NAME": "MON1"}, "MON1")],
)
def test_the_workstation_is_the_short_name_of_the_host_unless_another_is_given(given, named):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}
    run = subprocess.run(
        [sys.executable, "-c", NAMED], env=environment, capture_output=True, check=True, text=True
    )
    assert run.stdout == f"{named}\n"
