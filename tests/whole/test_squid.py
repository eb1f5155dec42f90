"""End to end: every method through real proxies of every kind, in every way, to the practice tenant
under the names of Microsoft's hosts.
"""

from __future__ import annotations

import json
import re

import pytest

from check_mapi_connectivity.network import ntlm_kerberos

from ..support.squid_runs import Through
from ..support.ways import expected
from ..tenant.material import DOMAIN
from ..tenant_itself.test_squid import need
from .test_methods import LISTED, METHODS

HEALTHY = f"healthy@{DOMAIN}"
#: A connection of its own through a proxy.
PROXIED = {"time_dns": "#s", "time_tcp": "0s", "time_proxy": "#s", "time_tls": "#s"}
TARGETS = {
    "login.microsoftonline.com:443",
    "outlook.office365.com:443",
    "graph.microsoft.com:443",
    "autodiscover-s.outlook.com:443",
}


@pytest.fixture
def lab(running_lab, tenant):
    """The lab, its logs forgotten, and its tenant's counters at zero."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def through(lab, way, tenant, tmp_path):
    """`through(section, kind, way, ...)` -> a Way; see squid_runs."""
    return Through(lab, way, tenant, tmp_path)


def whose(lab, name):
    """The user of a name in the table below, as the lab calls him."""
    names = {
        "basic": lab.user,
        "odd": lab.odd,
        "domain": lab.account,
        "realm": lab.kerberos.account,
    }
    return names.get(name, name)


#: Kind, way and host of the proxy; who logs on, with which further options; the scheme it comes to.
ROUTES = [
    ("open", "plain", "::1", None, (), ""),
    ("open", "tls", "localhost", "domain", (), ""),
    ("open", "inspecting", "127.0.0.1", None, (), ""),
    ("basic", "plain", "127.0.0.1", "odd", (), "basic"),
    ("basic", "tls", "::1", "odd", (), "basic"),
    ("basic", "inspecting", "localhost", "basic", (), "basic"),
    ("ntlm", "plain", "::1", "domain", (), "ntlm"),
    ("ntlm", "tls", "127.0.0.1", "basic", ("--proxy-domain", "EXLAB"), "ntlm"),
    ("ntlm", "inspecting", "localhost", "domain", ("--proxy-auth", "ntlm"), "ntlm"),
    ("kerberos", "plain", "localhost", "realm", (), "negotiate"),
    ("kerberos", "tls", "localhost", "ticket", (), "negotiate"),
    (
        *("kerberos", "inspecting", "127.0.0.1", "keytab"),
        ("--proxy-spn-host", "localhost", "--proxy-auth", "negotiate"),
        "negotiate",
    ),
    ("all", "plain", "localhost", "realm", (), "negotiate"),
    ("all", "tls", "127.0.0.1", "domain", (), "ntlm"),
    ("all", "inspecting", "127.0.0.1", "odd", ("--proxy-auth", "basic"), "basic"),
    ("negotiate-ntlm", "plain", "127.0.0.1", "domain", (), "negotiate"),
    ("negotiate-ntlm", "tls", "::1", "basic", ("--proxy-domain", "EXLAB"), "negotiate"),
    ("negotiate-ntlm", "inspecting", "localhost", "domain", (), "negotiate"),
]


@pytest.mark.parametrize(
    ("kind", "way_of", "host", "who", "words", "scheme"),
    ROUTES,
    ids=[f"{row[0]}-{row[1]}" for row in ROUTES],
)
def test_every_method(through, lab, tenant, kind, way_of, host, who, words, scheme):
    user = whose(lab, who)
    run = through("methods-user", kind, way_of, "-vvv", *words, host=host, who=user)
    assert (run.line, run.code, run.stderr) == (f"MAPI OK - {HEALTHY}: {LISTED}", 0, "")
    # Who comes second to the token for Exchange finds it there.
    tokens = re.sub(r"((?:cmdlet|mapi)_time_token)=0s", r"\1=#s", run.perfdata)
    usual = {"cmdlet": PROXIED, "graph": PROXIED, "mapi": {}}
    parts = [expected(method, prefix=f"{method}_", **usual[method]) for method in METHODS]
    assert tokens == " ".join(parts)
    assert (run.tokens, lab.failed_logons()) == (2, [])
    assert {one.target for one in through.seen if one.method == "CONNECT"} == TARGETS
    # Asked once, and then all at once with the scheme that was found.
    asked = 1 if scheme and "--proxy-auth" not in words else 0
    schemes = through.schemes
    assert set(schemes) == ({scheme, ""} if asked else {scheme})
    assert asked == 0 or schemes.count("") == 1
    assert {one.address for one in through.seen} == {"127.0.0.1" if host == "localhost" else host}
    assert {headers["host"] + ":443" for _, _, headers, _ in run.requests} == TARGETS
    # A backslash is printed as a slash.
    shown = f"EXLAB/{user}" if "--proxy-domain" in words else (user or "").replace("\\", "/")
    name = {None: None, "ticket": "the owner of the ticket", "keytab": "the owner of the ticket"}
    logon = f"  proxy logon   {name.get(who, shown)} by "
    assert run.diagnosis.count(logon) == (3 if scheme else 0)
    inspector = "Contoso Web Gateway CA of Contoso" if way_of == "inspecting" else "trustme"
    assert f"  TLS inspected graph.microsoft.com by {inspector}" in run.diagnosis
    tls = " by TLS" if way_of == "tls" else ""
    owner = f" as {shown}" if who not in (None, "ticket", "keytab") else ""
    told = f"  proxy         {lab.address(kind, way_of, host)}{tls} from --proxy (command line){owner}\n"
    assert told in run.diagnosis


@pytest.mark.parametrize(
    ("kind", "way_of", "who"),
    [
        ("basic", "plain", "odd"),
        ("ntlm", "tls", "plain"),
        ("negotiate-ntlm", "inspecting", "plain"),
    ],
)
def test_an_exchange_server_by_basic(through, lab, tenant, tmp_path, kind, way_of, who):
    user = whose(lab, who) if who == "odd" else f"{lab.domain}\\{lab.samba.plain}"
    password = lab.odd_password if who == "odd" else lab.samba.plain_password
    own = ("-H", "mail.contoso.test", "-l", HEALTHY)
    run = through("mapi", kind, way_of, *own, who=user, password=password)
    assert (run.line, run.code) == (f"MAPI OK - {HEALTHY}: Inbox listed in #s (mapi)", 0)
    assert run.perfdata == expected("mapi", time_token="0s")
    assert {headers["host"] for _, _, headers, _ in run.requests} == {"mail.contoso.test"}
    assert (lab.failed_logons(), run.connections) == ([], 1)


@pytest.mark.parametrize(
    ("kind", "way_of"), [("basic", "plain"), ("ntlm", "plain"), ("ntlm", "tls")]
)
def test_an_exchange_server_by_ntlm(through, lab, tenant, kind, way_of):
    """The proxy's user is another than the server's, and each is verified."""
    tenant.schemes, tenant.acceptors = ("NTLM",), {"NTLM": lab.samba}
    tenant.accounts = {lab.account.lower(): "healthy"}
    own = through.directory / "own-password"
    own.write_text(f"{lab.password}\n")
    own.chmod(0o600)
    words = ("-H", "mail.contoso.test", "--auth", "ntlm", "-l", lab.account, "--password-file", own)
    user = lab.odd if kind == "basic" else f"{lab.domain}\\{lab.samba.plain}"
    password = lab.odd_password if kind == "basic" else lab.samba.plain_password
    run = through("mapi", kind, way_of, *words, who=user, password=password)
    assert (run.line, run.code) == (f"MAPI OK - {HEALTHY}: Inbox listed in #s (mapi)", 0)
    assert run.connections == 1
    logons = [user for _, user, succeeded in lab.logons() if succeeded]
    assert set(logons) == {lab.account, user}
    assert lab.failed_logons() == []


def test_a_certificate_and_json(through, lab):
    run = through("cmdlet", "kerberos", "plain", "--json", "-vvv", host="localhost", who="ticket")
    found = json.loads(run.stdout)
    assert (found["state"], found["proxy"]) == ("OK", lab.address("kerberos", host="localhost"))
    assert found["proxy_from"] == "--proxy (command line)"
    assert (set(through.schemes), run.code) == ({"", "negotiate"}, 0)


def test_where_the_setting_came_from(through, lab, tenant, tmp_path):
    """An ini with a password in it, and the environment's variable."""
    need("" if ntlm_kerberos.available() else "pyspnego is missing")
    ini, address = tmp_path / "proxy.ini", lab.address("basic")
    ini.write_text(f"[proxy]\nproxy = http://{lab.user}:{lab.password}@{address}\n")
    ini.chmod(0o600)
    run = through("cmdlet", None, "plain", f"--extra-opts=proxy@{ini}")
    listed = f"MAPI OK - {HEALTHY}: Inbox listed in 0.041s (cmdlet)"
    assert (run.line, run.code) == (listed, 0)
    assert run.perfdata == expected("cmdlet", days=True, **PROXIED)
    told = f" proxy {address} from --proxy ([proxy] of {ini}) as {lab.user}"
    assert run.words.replace("/ ", "/").endswith(told)
    lab.reset()
    url = f"http://{lab.user}:{lab.password}@{address}"
    words = ["--authority-url", "none", "--exchange-url", "none", "--ca-file", lab.ca_file]
    run = through.way("cmdlet", *words, "--no-cache", HTTPS_PROXY=url)
    assert run.line == listed
    assert run.diagnosis.endswith(f"  proxy         {address} from HTTPS_PROXY as {lab.user}\n")
    assert lab.password not in run.stdout
    assert [one.scheme for one in lab.requests()] in (["", "basic", "basic"],)
