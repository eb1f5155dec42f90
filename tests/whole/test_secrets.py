"""End to end: twelve canaries - password, client secret, PFX passphrase, private key, access token,
refresh token, federated token, proxy password, cookie, assertion, NTLM response, keytab - are in no
output, process list or file of any run.

Each is shown to be in play first: the practice tenant was sent it or issued it, or the run cannot
succeed without it. Then the other side sends back all it knows.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
import urllib.parse
from xml.sax.saxutils import escape

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ..support.canaries import Room, echoing
from ..support.odd_proxy import OddProxy, asks_first
from ..support.sweeps import sweep
from ..tenant.entra import Entra
from ..tenant.material import DOMAIN, PASSPHRASE, private_file
from ..tenant_itself.test_acceptors import start

HEALTHY = f"healthy@{DOMAIN}"


@pytest.fixture
def room(tmp_path, environment, tenant, monkeypatch):
    """A Room that knows the secrets of the practice tenant and what it issues."""
    made = Room(tmp_path, environment, tenant)
    ordinary = Entra._user_answer

    def answer(*arguments):
        document = ordinary(*arguments)
        made.keep("refresh token", document["refresh_token"])
        made.keep("access token", document["access_token"])
        return document

    monkeypatch.setattr(Entra, "_user_answer", answer)
    yield made
    assert tenant.crashes == []


@pytest.fixture
def echoes(tenant, monkeypatch):
    """`echoes(*places)`: the tenant sends back what these are sent; without any, all is well."""
    return echoing(tenant, monkeypatch)


def certificate_secrets(tenant):
    """The private key as files hold it, and its numbers."""
    key = tenant.material.key
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    lines = pem.split("\n")[9:12]
    number = key.private_numbers().d
    return {*lines, f"{number:x}", str(number)}


#: Section -> place of the sign-in, place of the service, canaries that must have been in play.
SCENARIOS = {
    "cmdlet-pfx-locked": (
        "token",
        "exchange",
        {"PFX passphrase", "private key", "assertion", "access token"},
    ),
    "cmdlet-secret": ("token", "exchange", {"client secret", "access token"}),
    "cmdlet-password": ("token", "exchange", {"password", "access token", "refresh token"}),
    "graph-federated-user": (
        "adfs",
        "graph",
        {"password", "assertion", "access token", "refresh token"},
    ),
    "graph-federated": ("token", "graph", {"federated token", "assertion", "access token"}),
    "mapi": (None, "mapi-execute", {"password", "cookie"}),
    "mapi-bearer": (
        "token",
        "mapi-execute",
        {"password", "access token", "refresh token", "cookie"},
    ),
}


def in_play(room, section):
    """Keep the secrets that this section hands to the check."""
    material = room.tenant.material
    foreign = (material.directory / "federated-token").read_text().strip()
    given = {
        "cmdlet-pfx-locked": {
            "PFX passphrase": {PASSPHRASE},
            "private key": certificate_secrets(room.tenant),
        },
        "cmdlet-secret": {"client secret": {material.secret}},
        "graph-federated": {"federated token": {foreign}},
    }
    own = given.get(section, {"password": {material.password}})
    for name, secrets in own.items():
        room.keep(name, *secrets)
    return own


def received(tenant):
    """All that the tenant was sent, decoded."""
    texts = []
    for _, _, headers, raw in tenant.requests:
        word = headers.get("authorization", "").partition(" ")[2]
        with contextlib.suppress(ValueError):
            texts.append(base64.b64decode(word, validate=True).decode("latin-1"))
        text = raw.decode("latin-1")
        texts += [text, urllib.parse.unquote_plus(text), text.replace("&amp;", "&")]
    return "\n".join(texts)


@pytest.mark.parametrize("section", sweep(SCENARIOS))
def test_canaries(room, tenant, check, echoes, section):
    sign_in, service, canaries = SCENARIOS[section]
    own = in_play(room, section)
    code, output = room.run(section, "-vvv")
    assert (code, "Authorization: " in output) == (0, True)
    sent = received(tenant)
    for name in set(own) - {"PFX passphrase", "private key"}:
        assert any(secret in sent for secret in own[name]), name
    assert set(room.canaries) == canaries
    assert room.record(check, section) == 0
    if sign_in:
        echoes(sign_in)
        assert room.record(check, section) == 3
        code, output = room.run(section, "-vvv", "--no-cache")
        assert (code, "***" in output) == (3, True)
    echoes(service)
    assert room.record(check, section, "--redact-addresses") == 2
    tenant.mapi.sessions.clear()
    for arguments in [("-vvv", "--json")] if sign_in else [(), ("-vvv",), ("-vvv", "--json")]:
        code, output = room.run(section, *arguments)
        assert (code, "***" in output) == (2, True)
    tenant.mapi.sessions.clear()
    # A token is what the cache is for; of what signs in there is nothing.
    room.must_not_be_left({"access token"} & canaries)


@pytest.mark.parametrize("arguments", [("-v",), ("-vv",), ("-vvv", "--json")])
def test_password_at_other_verbosities(room, echoes, arguments):
    in_play(room, "cmdlet-password")
    echoes("token")
    code, output = room.run("cmdlet-password", "--no-cache", *arguments)
    assert (code, "***" in output) == (3, True)


def test_proxy_password(room, tenant):
    secret = "Proxy-Canary:4711+&"
    room.keep("proxy password", secret)
    path = private_file(room.directory / "proxy-password", f"{secret}\n".encode())

    def refuse(_, client, head):
        word = head.split("Basic ")[1].split("\r\n")[0]
        known = base64.b64decode(word).decode()
        body = f"{word} {known} {urllib.parse.quote(known)}"
        client.sendall(
            f"HTTP/1.1 407 {word}\r\nProxy-Authenticate: Basic realm={known}\r\n"
            f"X-Squid-Error: {body}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    for act, code in ((OddProxy.relay, 0), (refuse, 2)):
        through = OddProxy(asks_first(act))
        words = ("--proxy", through.address, "--proxy-user", "probe", "--no-cache")
        try:
            for more in ([], ["-vvv"], ["-vvv", "--json"])[0 if code else 2 :]:
                run = room.run("cmdlet-secret", *words, "--proxy-password-file", path, *more)
                assert run[0] == code
        finally:
            through.close()
        word = through.seen[1].split("Basic ")[1].split("\r\n")[0]
        assert base64.b64decode(word).decode() == f"probe:{secret}"
    path.unlink()
    room.must_not_be_left()


@pytest.mark.parametrize("kind", ["samba", "gss"])
def test_ntlm_response(room, tenant, check, echoes, tmp_path_factory, kind):
    pytest.importorskip("spnego")
    with start(kind, tmp_path_factory.mktemp(kind)) as acceptor:
        options = windows(room, acceptor)
        path = private_file(room.directory / "password", f"{acceptor.password}\n".encode())
        room.keep("password", acceptor.password)
        options += ("-l", acceptor.account, "--password-file", path)
        environment = acceptor.environment()
        for place, code in ((None, 0), ("autodiscover", 2)):
            echoes(*filter(None, [place]))
            more = ("-vvv", *(("--no-cache",) if place else ()))
            run = room.run(None, *options, *more, **environment)
            assert (run[0], "NTLM ***" in run[1]) == (code, True)
            assert room.record(check, None, *options, **environment) == code
    assert {"NTLM response", "cookie", "password"} == set(room.canaries)
    path.unlink()
    room.must_not_be_left()


def test_keytab(room, tenant, check, echoes, tmp_path_factory):
    pytest.importorskip("spnego")
    with start("kerberos", tmp_path_factory.mktemp("kerberos")) as acceptor:
        options = (*windows(room, acceptor), "--auth", "negotiate")
        keytab = acceptor.keytab()
        environment = acceptor.environment(keytab=keytab)
        # Each entry ends with its key, which is 16 bytes or longer, and a version.
        data = keytab.read_bytes()
        room.keep("keytab", data[-20:-4], data[-36:-20])
        for place, code in ((None, 0), ("autodiscover", 2)):
            echoes(*filter(None, [place]))
            more = ("-vvv", *(("--no-cache",) if place else ()))
            run = room.run(None, *options, *more, **environment)
            assert (run[0], "Negotiate ***" in run[1]) == (code, True)
            assert room.record(check, None, *options, **environment) == code
    assert {"keytab", "ticket", "cookie"} == set(room.canaries)
    room.must_not_be_left()


def windows(room, acceptor):
    """Options of method mapi against the tenant, which this acceptor guards."""
    tenant = room.tenant
    tenant.schemes, tenant.acceptors = (acceptor.scheme,), {acceptor.scheme: acceptor}
    names = (acceptor.account, f"{acceptor.domain}\\{acceptor.user}")
    tenant.accounts = {name.lower(): "healthy" for name in names}
    return (
        *("--method", "mapi", "-H", f"localhost:{tenant.port}", "-4"),
        *("-m", HEALTHY, "--ca-file", tenant.material.ca_file),
    )


@pytest.mark.parametrize("section", ["cmdlet-pfx-locked", "cmdlet-secret", "cmdlet-password"])
def test_process_list(room, tenant, section):
    in_play(room, section)
    tenant.faults.on("token", "silent")
    process = room.start(f"--extra-opts={section}@{tenant.ini}", "--no-cache", "-t", "30")
    until = time.monotonic() + 30
    while not any(path.endswith("/token") for path in tenant.paths()):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)
    room.note()
    with open(f"/proc/{process.pid}/cmdline", "rb") as file:
        line = file.read().decode()
    process.terminate()
    output = process.communicate(timeout=30)[0].decode()
    assert "check_mapi_connectivity" in line
    room.must_not_be_in(line, "process list")
    room.must_not_be_in(output, "diagnosis after SIGTERM")
    assert process.returncode == 3


def test_a_leak_would_be_found(room):
    """The search finds each spelling, so that a test here can fail."""
    secret = 'Canary "4711" & <more>'
    room.keep("password", secret)
    room.keep("keytab", b"\x00\x01canary\xff\xfe\xfd")
    for text in (
        secret,
        escape(secret),
        urllib.parse.quote_plus(secret),
        json.dumps({"a": secret}),
        base64.b64encode(secret.encode()).decode(),
    ):
        assert room.found_in(f"x{text}y") == {"password"}
    assert room.found_in(b"\x00\x01canary\xff\xfe\xfd".hex()) == {"keytab"}
    leak = os.path.join(room.places["tmp"], "leak")
    with open(leak, "w") as file:
        file.write(f"left: {secret}")
    with pytest.raises(AssertionError):
        room.must_not_be_left()
