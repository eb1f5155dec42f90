"""The acceptors tell right from wrong, as a pyspnego client sees it: what the tests of the plugin's
own authentication rest on.
"""

from __future__ import annotations

import contextlib
import datetime
import glob
import hashlib
import importlib.util
import os
import subprocess
import sys
import textwrap
import types

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from ..support import acceptor_process, acceptors
from ..support.acceptor_process import Process, members, poll
from ..support.acceptors import GssNtlm, Kerberos, SambaNtlm, available, end_point

ROOT = acceptors.Path(__file__).resolve().parent.parent

spnego = pytest.importorskip("spnego")
channel_bindings = pytest.importorskip("spnego.channel_bindings")

#: Class and arguments of every acceptor.
KINDS = {
    "samba": (SambaNtlm, {}),
    "samba-negotiate": (SambaNtlm, {"scheme": "Negotiate"}),
    "gss": (GssNtlm, {}),
    "gss-negotiate": (GssNtlm, {"scheme": "Negotiate"}),
    "kerberos": (Kerberos, {}),
}


def certificate(key, algorithm):
    """A throw-away certificate, DER."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, algorithm)
        .public_bytes(Encoding.DER)
    )


RIGHT, WRONG = (
    certificate(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()) for _ in range(2)
)


def start(kind, directory):
    """An acceptor, or a skip that says what is missing."""
    of, options = KINDS[kind]
    reason = available(of)
    if of is Kerberos and not all(importlib.util.find_spec(name) for name in ("gssapi", "krb5")):
        reason = reason or "this interpreter has no gssapi and krb5: pip install pyspnego[kerberos]"
    if reason:
        # CI installs everything: there a test that does not run is a failure.
        assert not os.environ.get("REAL_SERVERS"), reason
        pytest.skip(reason)
    return of(directory, **options)


@pytest.fixture(scope="module", params=KINDS)
def any_acceptor(request, tmp_path_factory):
    with start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def acceptor(any_acceptor, monkeypatch):
    """Each of them in turn, with the client's environment set."""
    for name, value in any_acceptor.environment().items():
        monkeypatch.setenv(name, value)
    return any_acceptor


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory):
    with start("kerberos", tmp_path_factory.mktemp("kerberos")) as running:
        yield running


def client(acceptor, *credentials, seen=RIGHT, **options):
    """A client that saw this certificate."""
    data = seen and end_point(seen)
    bindings = data and channel_bindings.GssChannelBindings(application_data=data)
    where = {"hostname": "localhost", "service": "HTTP", "protocol": acceptor.scheme.lower()}
    return spnego.client(*credentials, channel_bindings=bindings, **{**where, **options})


def log_on(acceptor, initiator, served=RIGHT):
    """All steps of one logon at a server with this certificate; whom the acceptor saw."""
    context = acceptor.open(served)
    try:
        token, user = initiator.step(), None
        while token:
            reply, user = context.step(token)
            token = initiator.step(reply) if reply and not initiator.complete else None
        assert initiator.complete
        return user
    finally:
        context.close()


def test_the_right_password_and_the_right_binding(acceptor):
    names = (f"{acceptor.domain}\\{acceptor.user}", f"{acceptor.user}@LAB.TEST")
    for _ in range(2):
        user = log_on(acceptor, client(acceptor, acceptor.account, acceptor.password))
        assert user == acceptor.account and user in names


def test_the_wrong_password(acceptor):
    # The KDC itself refuses it, and with "negotiate" pyspnego would go on to NTLM.
    protocol = "kerberos" if isinstance(acceptor, Kerberos) else acceptor.scheme.lower()
    with pytest.raises(Exception, match=r"LOGON_FAILURE|Invalid argument|Decrypt integrity"):
        log_on(acceptor, client(acceptor, acceptor.account, "wrong", protocol=protocol))


def test_the_wrong_binding(acceptor):
    initiator = client(acceptor, acceptor.account, acceptor.password, seen=WRONG)
    if isinstance(acceptor, SambaNtlm):
        assert log_on(acceptor, initiator) == acceptor.account
        return
    with pytest.raises(ValueError, match=r"Permission denied|BadChannelBindings"):
        log_on(acceptor, initiator)


def test_no_binding(acceptor):
    def unbound():
        return client(acceptor, acceptor.account, acceptor.password, seen=None)

    assert log_on(acceptor, unbound(), served=b"") == acceptor.account
    if isinstance(acceptor, SambaNtlm):
        assert log_on(acceptor, unbound()) == acceptor.account
        return
    with pytest.raises(ValueError, match="no channel bindings"):
        log_on(acceptor, unbound())


def test_a_binding_that_the_server_does_not_ask_for(acceptor):
    initiator = client(acceptor, acceptor.account, acceptor.password)
    assert log_on(acceptor, initiator, served=b"") == acceptor.account


def test_conversations_do_not_mix(acceptor):
    one, two = acceptor.open(RIGHT), acceptor.open(WRONG)
    try:
        first = client(acceptor, acceptor.account, acceptor.password)
        second = client(acceptor, acceptor.account, acceptor.password, seen=WRONG)
        replies = one.step(first.step()), two.step(second.step())
        if isinstance(acceptor, Kerberos):
            assert [user for _, user in replies] == [acceptor.account] * 2
            return
        users = [
            context.step(initiator.step(reply))[1]
            for context, initiator, (reply, _) in zip((one, two), (first, second), replies)
        ]
        assert users == [acceptor.account] * 2
    finally:
        one.close()
        two.close()


def test_garbage_is_refused(acceptor):
    context = acceptor.open(RIGHT)
    with pytest.raises(ValueError, match=r"^(BH|NA|\w+Error)"):
        context.step(b"garbage")
    context.close()


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_a_ticket_cache(kerberos, monkeypatch, protocol):
    for name, value in kerberos.environment(cache=kerberos.ticket_cache().name).items():
        monkeypatch.setenv(name, value)
    assert log_on(kerberos, client(kerberos, protocol=protocol)) == kerberos.account
    with pytest.raises(ValueError, match="BadChannelBindings"):
        log_on(kerberos, client(kerberos, protocol=protocol, seen=WRONG))


def test_a_keytab(kerberos, monkeypatch):
    keytab = kerberos.keytab()
    for name, value in kerberos.environment().items():
        monkeypatch.setenv(name, value)
    credential = spnego.KerberosKeytab(f"FILE:{keytab}", principal=kerberos.account)
    assert log_on(kerberos, client(kerberos, credential)) == kerberos.account
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{keytab}")
    monkeypatch.setenv("KRB5CCNAME", "MEMORY:keytab")
    assert log_on(kerberos, client(kerberos)) == kerberos.account


def test_no_ticket(kerberos, monkeypatch):
    for name, value in kerberos.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(spnego.exceptions.NoCredentialError):
        client(kerberos, protocol="kerberos").step()
    with pytest.raises(RuntimeError, match="does not exist"):
        kerberos.keytab("nobody.keytab", "nobody@LAB.TEST")


def test_end_point_follows_the_signature():
    key = ec.generate_private_key(ec.SECP384R1())
    der = certificate(key, hashes.SHA384())
    assert end_point(der) == b"tls-server-end-point:" + hashlib.sha384(der).digest()
    for der in (RIGHT, certificate(ed25519.Ed25519PrivateKey.generate(), None)):
        assert end_point(der) == b"tls-server-end-point:" + hashlib.sha256(der).digest()


def test_what_is_missing_is_named(monkeypatch):
    class Needy(GssNtlm):
        needs = types.MappingProxyType({"no-such-program": "some-package"})

    assert available(Needy) == "no-such-program is missing: Debian package some-package"
    Needy.needs = {}
    acceptors.system_gssapi.cache_clear()
    monkeypatch.setattr(acceptors, "SYSTEM_PYTHON", "/nowhere/python3")
    assert available(Needy) == "/nowhere/python3 lacks gssapi: Debian package python3-gssapi"
    acceptors.system_gssapi.cache_clear()


def users(directory):
    """The processes that name a directory on their command line, in whatever group or session."""
    lines = {}
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines[path] = acceptors.Path(path).read_text(errors="replace")
    return [line for line in lines.values() if f"{directory}/" in line]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_outlives_stop(kind, tmp_path, monkeypatch):
    running = start(kind, tmp_path)
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    log_on(running, client(running, running.account, running.password))
    running.open(RIGHT)  # and never closed
    groups = [process.pid for process in running.processes]
    assert all(members(group) for group in groups)
    running.stop()
    assert not any(members(group) for group in groups)
    assert not users(running.directory)
    running.stop()


def test_a_long_path_does_no_harm(tmp_path):
    running = start("samba", tmp_path / ("long" * 25))
    user = log_on(running, client(running, running.account, running.password))
    running.stop()
    assert user == running.account and not running.directory.exists()


def test_a_failed_start_leaves_nothing(tmp_path):
    started = []

    class Broken(acceptor_process.Acceptor):
        def start(self):
            started.append(self.spawn(["sleep", "60"], {}).pid)
            raise KeyError("broken")

    with pytest.raises(KeyError):
        Broken(tmp_path)
    assert not members(started[0])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_outlives_the_tests(kind, tmp_path, tmp_path_factory):
    start(kind, tmp_path).stop()  # skips where it must
    of, options = KINDS[kind]
    directory = tmp_path_factory.mktemp("left")
    script = f"""
        import os, sys
        sys.path.insert(0, {str(ROOT)!r})
        from tests.support.acceptors import {of.__name__}
        acceptor = {of.__name__}({str(tmp_path_factory.mktemp("left"))!r}, **{options!r})
        print(*(process.pid for process in acceptor.processes), flush=True)
        os._exit(1)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    said = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=False).stdout
    groups = [int(word) for word in said.split()]
    assert groups
    poll(lambda: not any(members(group) for group in groups), "all are gone")
    assert not users(directory)


def test_silence_and_death_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(acceptor_process, "LIMIT", 0.2)
    process = Process(["sleep", "60"], {}, tmp_path / "log")
    with pytest.raises(RuntimeError, match="sleep 60 is silent"):
        process.ask("hello")
    monkeypatch.undo()
    process.stop()
    process = Process(["sh", "-c", "echo last words >&2"], {}, tmp_path / "log")
    with pytest.raises(RuntimeError, match="ended\nlast words"):
        process.ask("hello")
    process.stop()
