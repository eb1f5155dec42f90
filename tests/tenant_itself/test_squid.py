"""The lab of proxies tells right from wrong, as sockets and curl see it: what the tests of the
check's own way through a proxy rest on.
"""

from __future__ import annotations

import base64
import contextlib
import glob
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ..support import acceptors, squid, squid_config
from ..support.acceptor_process import members, poll
from ..support.squid import Squid, available
from ..support.squid_config import (
    BLOCKED,
    DOWN,
    INSPECTOR,
    KINDS,
    NAMES,
    OFFERS,
    UNKNOWN,
    WAYS,
    users,
)
from ..tenant.material import TENANT_NAME

ROOT = Path(__file__).resolve().parent.parent

LOGIN = "login.microsoftonline.com"
#: The addresses of every port.
HOSTS = ["127.0.0.1", "::1"] if squid_config.ipv6() else ["127.0.0.1"]
PATH = f"/{TENANT_NAME}/v2.0/.well-known/openid-configuration"


def need(reason):
    """A skip that says what is missing, if anything is."""
    if reason:
        # CI installs everything: there a test that does not run is a failure.
        assert not os.environ.get("REAL_SERVERS"), reason
        pytest.skip(reason)


def start(tenant, **options):
    """A lab, or a skip that says what is missing."""
    need(available(options.get("kinds", KINDS)))
    return Squid(tenant, **options)


@pytest.fixture
def lab(running_lab, tenant):
    """The lab, its logs forgotten, and its tenant's counters at zero."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def curl(lab, tmp_path):
    """`curl(kind, way, *arguments, name=..., host=...)` -> (status of CONNECT, of the request)."""
    need("" if shutil.which("curl") else "curl is missing: Debian package curl")

    def get(kind, way, *arguments, name=LOGIN, host="127.0.0.1", path=PATH, **variables):
        authority = lab.inspection_ca if way == "inspecting" else lab.ca_file
        words = ["curl", "-qs", "--max-time", "20", "-o", get.body]
        words += ["--cacert", authority, "--proxy-cacert", lab.ca_file]
        words += ["-w", "%{http_connect} %{http_code}"]
        done = subprocess.run(
            [*words, "--proxy", lab.url(kind, way, host), *arguments, f"https://{name}{path}"],
            env={"PATH": os.environ["PATH"], **lab.environment(), **variables},
            encoding="utf-8",
            stdout=subprocess.PIPE,
            timeout=30,
            check=False,
        )
        return tuple(int(number) for number in done.stdout.split())

    get.body = tmp_path / "body"
    return get


def basic(user, password):
    """The header's value (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def connected(lab, kind, way="plain", host="127.0.0.1"):
    """A connection to a proxy, TLS included."""
    raw = socket.create_connection((host, lab.ports[kind, way]), 20)
    if way != "tls":
        return raw
    with raw:  # wrap_socket() takes it over
        return ssl.create_default_context(cafile=lab.ca_file).wrap_socket(raw, server_hostname=host)


def ask(connection, target, credential=None):
    """The answer to a CONNECT, its body read."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines += [f"Proxy-Authorization: {credential}"] if credential else []
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = http.client.HTTPResponse(connection, method="CONNECT")
    answer.begin()
    if answer.status != 200:
        answer.read()
    answer.close()
    return answer


def connect(lab, kind, target=f"{LOGIN}:443", credential=None, **where):
    """The answer to a CONNECT on a connection of its own."""
    with connected(lab, kind, **where) as connection:
        return ask(connection, target, credential)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_offered(lab, kind, way):
    for host in HOSTS:
        answer = connect(lab, kind, way=way, host=host)
        offers = answer.headers.get_all("Proxy-Authenticate", [])
        assert tuple(offer.split()[0].lower() for offer in offers) == OFFERS[kind]
        assert answer.status == (407 if OFFERS[kind] else 200)
        if OFFERS[kind]:
            assert answer.headers["X-Squid-Error"] == "ERR_CACHE_ACCESS_DENIED 0"
    seen = {(seen.kind, seen.way, seen.address, seen.method) for seen in lab.requests()}
    assert seen == {(kind, way, host, "CONNECT") for host in HOSTS}
    assert not lab.failed_logons()


def test_ipv6_is_there(lab):
    need("" if "::1" in HOSTS else "this machine has no ::1")
    assert connect(lab, "open", host="::1").status == 200
    assert lab.url("basic", "tls", "::1") == f"https://[::1]:{lab.ports['basic', 'tls']}"
    assert lab.requests()[0].address == "::1"


def test_basic(lab):
    for user, password in ((lab.user, lab.password), (lab.odd, lab.odd_password)):
        assert connect(lab, "basic", credential=basic(user, password)).status == 200
        assert connect(lab, "all", credential=basic(user, password)).status == 200
    assert not lab.failed_logons()
    assert {seen.status for seen in lab.requests()} == {200}
    assert [seen.user for seen in lab.requests()] == [lab.user, lab.user, lab.odd, lab.odd]


def test_a_refused_basic_password_is_counted_once(lab):
    with connected(lab, "basic") as connection:
        assert ask(connection, f"{LOGIN}:443").status == 407
        assert ask(connection, f"{LOGIN}:443", basic(lab.user, "wrong")).status == 407
    assert lab.failed_logons() == [("basic", lab.user)]
    assert connect(lab, "basic", credential=basic("nobody", "x")).status == 407
    assert lab.failed_logons() == [("basic", lab.user), ("basic", "nobody")]
    lab.reset()
    assert (lab.failed_logons(), lab.requests()) == ([], [])


def test_what_is_no_request_is_in_the_log(lab):
    for way in WAYS:
        for data in (b"", b"\x16\x03nonsense\r\n\r\n"):
            with contextlib.suppress(OSError), socket.socket() as client:
                client.connect(("127.0.0.1", lab.ports["basic", way]))
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                client.recv(1000)
    assert connect(lab, "basic", credential="Basic a").status == 407
    seen = lab.requests()
    assert [request.status for request in seen] == [0, 400, 0, 0, 0, 400, 407]
    assert [request.way for request in seen[:6]] == [way for way in WAYS for _ in range(2)]
    assert lab.failed_logons() == [("basic", "")]


def test_what_is_not_offered_is_refused_unseen(lab):
    good = basic(lab.user, lab.password)
    token = base64.b64encode(b"NTLMSSP\0\x01\0\0\0\x06\x82\x08\0" + bytes(16)).decode()
    for kind, credential in (
        *((kind, good) for kind in ("ntlm", "kerberos", "negotiate-ntlm")),
        *((kind, f"NTLM {token}") for kind in ("basic", "kerberos", "negotiate-ntlm")),
        *((kind, f"Negotiate {token}") for kind in ("basic", "ntlm")),
    ):
        answer = connect(lab, kind, credential=credential)
        assert answer.status == 407
        offers = answer.headers.get_all("Proxy-Authenticate")
        # No challenge: nothing follows the scheme but Basic's realm.
        bare = [re.sub(' realm="lab proxy".*', "", offer).lower() for offer in offers]
        assert tuple(bare) == OFFERS[kind]
    assert lab.failed_logons() == [("basic", lab.user)] * 3


def test_targets_that_fail(lab):
    fails = {BLOCKED: (403, "ERR_ACCESS_DENIED 0"), DOWN: (503, "ERR_CONNECT_FAIL 111")}
    # The address is documentation's (RFC 5737): the lab leads nowhere but to loopback.
    fails.update({UNKNOWN: (500, "ERR_CANNOT_FORWARD 0"), "192.0.2.1": fails[BLOCKED]})
    for name, (status, error) in fails.items():
        for kind, credential in (("open", None), ("basic", basic(lab.user, lab.password))):
            answer = connect(lab, kind, f"{name}:443", credential)
            assert (answer.status, answer.headers["X-Squid-Error"]) == (status, error)
        assert connect(lab, "basic", f"{name}:443").status == 407
    rows = [(seen.target, seen.error) for seen in lab.requests() if seen.kind == "open"]
    assert rows == [(f"{name}:443", error.split()[0]) for name, (_, error) in fails.items()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_tenant_under_its_real_name(lab, curl, tenant, kind, way, tmp_path):
    """curl logs on by the strongest that is offered."""
    plain = f"{lab.domain}\\{lab.samba.plain}"
    arguments, user = {
        "open": ([], ""),
        "basic": (["--proxy-user", f"{lab.odd}:{lab.odd_password}"], lab.odd),
        "ntlm": (["--proxy-ntlm", "--proxy-user", f"{plain}:{lab.samba.plain_password}"], plain),
        "negotiate-ntlm": (["--proxy-anyauth", "--proxy-user", ":"], lab.account),
    }.get(kind, (["--proxy-anyauth", "--proxy-user", ":"], lab.kerberos.account))
    variables = {}
    if kind == "negotiate-ntlm":
        need(acceptors.available(acceptors.GssNtlm))
        (tmp_path / "users").write_text(f"{lab.domain}:{lab.user}:{lab.password}\n")
        variables = {"NTLM_USER_FILE": str(tmp_path / "users")}
    elif user == lab.kerberos.account:
        variables = lab.environment(cache=lab.kerberos.ticket_cache().name)
        lab.reset()
    assert curl(kind, way, *arguments, host="localhost", **variables) == (200, 200)
    assert json.loads(curl.body.read_text())["issuer"]
    inside = [("GET", f"https://{LOGIN}{PATH}", user)] if way == "inspecting" else []
    served = [(one.method, one.target, one.user) for one in lab.requests() if one.status == 200]
    assert served == [("CONNECT", f"{LOGIN}:443", user), *inside]
    assert not lab.failed_logons()
    # The origin was spoken to in TLS, by its name, and saw nothing of what the proxy was told.
    assert [first[:2] for first in lab.relay.openings] == [b"\x16\x03"]
    ((_, path, headers, _),) = tenant.requests
    assert (path, headers["host"]) == (PATH, LOGIN)
    assert not [name for name in headers if name.startswith("proxy-")]
    assert ("via" in headers) == (way == "inspecting")


def test_every_name_leads_to_the_tenant(lab, curl, tenant):
    for name in NAMES:
        assert curl("open", "plain", "--insecure", name=name) == (200, 200)
    assert [headers["host"] for _, _, headers, _ in tenant.requests] == list(NAMES)
    connect(lab, "open", f"127.0.0.1:{tenant.port}")
    assert [seen.status for seen in lab.requests()] == [200] * (len(NAMES) + 1)


def test_a_refused_ntlm_password_is_counted_once(lab, curl, tmp_path):
    assert curl("ntlm", "plain", "--proxy-ntlm", "--proxy-user", r"EXLAB\plain:wrong") == (407, 0)
    assert lab.failed_logons() == [("ntlm", r"EXLAB\plain")]
    assert [(seen.status, seen.scheme) for seen in lab.requests()] == [(407, "ntlm")] * 2
    need(acceptors.available(acceptors.GssNtlm))
    lab.reset()
    (tmp_path / "users").write_text(f"{lab.domain}:{lab.user}:wrong\n")
    variables = {"NTLM_USER_FILE": str(tmp_path / "users")}
    arguments = ("--proxy-negotiate", "--proxy-user", ":")
    assert curl("negotiate-ntlm", "plain", *arguments, **variables) == (407, 0)
    assert lab.failed_logons() == [("ntlm", r"EXLAB\monuser")]
    assert {seen.scheme for seen in lab.requests()} == {"negotiate"}


def test_a_refused_kerberos_password_is_counted_once(lab):
    with pytest.raises(RuntimeError, match="Password incorrect"):
        lab.kerberos.ticket_cache("refused", password="wrong")
    assert lab.failed_logons() == [("kerberos", "monuser@LAB.TEST")]
    with pytest.raises(RuntimeError, match="not found"):
        lab.kerberos.ticket_cache("refused", principal="nobody@LAB.TEST")
    assert lab.failed_logons()[1:] == [("kerberos", "nobody@LAB.TEST")]
    lab.reset()
    lab.kerberos.ticket_cache("right")
    assert lab.logons() == [("kerberos", "monuser@LAB.TEST", True)]


def test_a_keytab(lab, curl):
    names = {"keytab": lab.kerberos.keytab().name}
    variables = {**lab.environment(**names), "KRB5CCNAME": "MEMORY:lab"}
    arguments = ("--proxy-negotiate", "--proxy-user", ":")
    assert curl("kerberos", "plain", *arguments, host="localhost", **variables) == (200, 200)
    assert lab.logons() == [("kerberos", "monuser@LAB.TEST", True)]
    # No service principal has a number for a name.
    assert curl("kerberos", "plain", *arguments, **variables) == (407, 0)


def test_the_inspection_shows_in_the_issuer(lab):
    context = ssl.create_default_context(cafile=lab.inspection_ca)
    with connected(lab, "open", "inspecting") as connection:
        assert ask(connection, f"{LOGIN}:443").status == 200
        with context.wrap_socket(connection, server_hostname=LOGIN) as inside:
            issuer = dict(pair for (pair,) in inside.getpeercert()["issuer"])
    assert issuer["commonName"] == INSPECTOR
    with connected(lab, "open", "inspecting") as connection:
        context = ssl.create_default_context(cafile=lab.ca_file)
        ask(connection, f"{LOGIN}:443")
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(connection, server_hostname=LOGIN)


def test_the_inspection_refuses_inside(lab, curl):
    """What it would refuse outside, it says in the tunnel, under its own certificate."""
    for name, status, error in ((BLOCKED, 403, "ACCESS_DENIED"), (DOWN, 503, "CONNECT_FAIL")):
        lab.reset()
        assert curl("open", "inspecting", name=name) == (200, status)
        seen = [(request.method, request.error) for request in lab.requests()]
        assert seen == [("CONNECT", f"ERR_{error}"), ("GET", f"ERR_{error}")]


def test_only_what_is_asked_for_is_started(running_tenant):
    with start(running_tenant, kinds=("open", "basic"), names=("one.test",)) as lab:
        assert (lab.samba, lab.kerberos, len(lab.processes)) == (None, None, 1)
        assert set(lab.ports) == {(kind, way) for kind in ("open", "basic") for way in WAYS}
        assert connect(lab, "open", "one.test:443").status == 200
        assert connect(lab, "open", f"{NAMES[0]}:443").status == 500
        assert lab.logons() == []
        assert "no-kerberos.conf" in lab.environment()["KRB5_CONFIG"]


def test_two_labs_do_not_meet(running_tenant, lab):
    with start(running_tenant, kinds=("open",)) as other:
        assert other.relay.address != lab.relay.address
        assert connect(other, "open").status == 200
        assert (len(other.requests()), len(lab.requests())) == (1, 0)
        with pytest.raises(RuntimeError, match="no loopback address"):
            Squid(running_tenant, kinds=("open",), address=other.relay.address)
    address = other.relay.address
    with start(running_tenant, kinds=("open",), address=address) as third:
        assert (third.relay.address, connect(third, "open").status) == (address, 200)


def shared(directory):
    """Which files it has in shared memory."""
    return "/dev/shm/" + re.sub("[^a-z0-9]", "", Path(directory).name) + "*"


def test_nothing_outlives_stop(running_tenant):
    lab = start(running_tenant)
    connection = connected(lab, "basic")  # and never closed
    assert connect(lab, "basic", credential=basic(lab.user, lab.password)).status == 200
    assert glob.glob(shared(lab.directory))
    lab.stop()
    connection.close()
    assert not users(lab.directory) and not glob.glob(shared(lab.directory))
    assert not lab.directory.exists()
    lab.stop()


def test_nothing_outlives_the_tests(running_tenant, guard):
    start(running_tenant, kinds=("open",)).stop()  # skips where it must
    script = f"""
        import os, sys, types
        from pathlib import Path
        sys.path.insert(0, {str(ROOT)!r})
        from tests.support.squid import Squid
        from tests.tenant import Tenant
        directory = Path(sys.argv[1])
        lab = Squid(Tenant(directory))
        print(lab.directory, *(process.pid for process in lab.processes), flush=True)
        os._exit(1)
    """
    directory = running_tenant.material.directory / "another"
    command = [sys.executable, "-c", textwrap.dedent(script), str(directory)]
    said = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=False).stdout.split()
    lab, groups = said[0].decode(), [int(word) for word in said[1:]]
    poll(lambda: not any(members(group) for group in groups), "all are gone")
    poll(lambda: not users(lab), "the helpers are gone, too")
    # There was something to outlive them.
    assert groups
    assert os.path.isdir(lab)
    squid.discard(shared(lab))
    guard.rooms.add(lab)
    shutil.rmtree(lab)


def test_a_failed_start_leaves_nothing(running_tenant, monkeypatch):
    need(available(("open",)))
    labs = []

    def broken(self):
        labs.append(self)
        raise KeyError("broken")

    monkeypatch.setattr(Squid, "listening", broken)
    with pytest.raises(KeyError):
        Squid(running_tenant, kinds=("open",))
    assert not users(labs[0].directory) and not labs[0].directory.exists()
    monkeypatch.undo()
    monkeypatch.setattr(squid_config, "BASE", "nonsense\n")
    with pytest.raises(RuntimeError, match="nonsense"):
        Squid(running_tenant, kinds=("open",))


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Squid, "needs", {})
    assert available(()) == "the lab of proxies must be started by root"
    monkeypatch.setattr(Squid, "needs", {"no-such-program": "some-package"})
    assert available(()) == "no-such-program is missing: Debian package some-package"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Squid, "needs", {})
    monkeypatch.setattr(squid.Realm, "needs", {"no-such-program": "some-package"})
    assert available(("open", "basic")) == ""
    assert available(("kerberos",)) == "no-such-program is missing: Debian package some-package"
