"""End to end: real proxies that refuse a user, a host or a certificate; and how often a wrong
password is tried.
"""

from __future__ import annotations

import json
import re

import pytest

from ..support.masks import begins
from ..support.squid_config import BLOCKED, DOWN, UNKNOWN
from ..support.ways import expected
from ..tenant.directory import MANY
from ..tenant.material import DOMAIN
from .test_squid import HEALTHY, PROXIED, lab, through, whose

__all__ = ["lab", "through"]


def shown(user):
    """A user as he is printed."""
    return user.replace("\\", "/")


#: Mailboxes of a run with several.
FIVE = [word for name in MANY[:5] for word in ("-m", f"{name}@{DOMAIN}")]
KDC = "KDC refuses the password of monuser@LAB.TEST (KRB5 24)"
#: What is told of a proxy that stops the sign-in.
BARRED = dict.fromkeys(("time_dns", "time_tcp", "time_proxy", "time_tls"), "U")

#: Kind, user, further options; what the first line says; the failed logon; CONNECTs of a run.
WRONG = [
    ("basic", "basic", (), "refuses user monuser (Basic)", "basic", 2),
    ("ntlm", "domain", (), "refuses user EXLAB/monuser (NTLM)", "ntlm", 3),
    ("kerberos", "realm", (), KDC, "kerberos", 1),
    ("kerberos", "realm", ("--proxy-auth", "negotiate"), KDC, "kerberos", 0),
    ("all", "realm", (), KDC, "kerberos", 1),
    (
        "all",
        "basic",
        ("--proxy-auth", "basic"),
        "refuses user monuser (Basic)",
        "basic",
        1,
    ),
    ("negotiate-ntlm", "domain", (), "refuses user EXLAB/monuser (Negotiate)", "ntlm", 3),
]


@pytest.mark.parametrize(
    ("kind", "who", "words", "text", "verifier", "legs"),
    WRONG,
    ids=["-".join((row[0], row[1], *row[2][1:])) for row in WRONG],
)
def test_a_wrong_password_is_one_failed_logon(through, lab, kind, who, words, text, verifier, legs):
    """Where five mailboxes are tested by two methods."""
    user = whose(lab, who)
    wrong = {"host": "localhost", "who": user, "password": "Not.The.Proxys.Password"}
    run = through("methods", kind, "plain", *FIVE, *words, **wrong)
    proxy = "" if text == KDC else f"proxy {lab.address(kind, 'plain', 'localhost')} "
    assert run.line == (
        f"MAPI CRITICAL - none of 5 mailboxes tested: sign-in failed: {proxy}{text}"
    )
    assert (run.code, run.stderr, run.requests) == (2, "", [])
    assert (lab.failed_logons(), len(through.schemes)) == ([(verifier, user)], legs)
    failed = {"ok": False, "days": True, **BARRED}
    parts = [
        expected(method, prefix=f"{name}_practice_example_{method}_", **failed)
        for name in MANY[:5]
        for method in ("cmdlet", "graph")
    ]
    assert run.perfdata == " ".join(parts)
    assert len(re.findall(r"\] \S+ by (?:cmdlet|graph): sign-in: ", run.diagnosis)) == 10


def test_one_mailbox_with_a_wrong_password(through, lab):
    wrong = {"who": lab.account, "password": "Not.The.Proxys.Password"}
    run = through("cmdlet", "ntlm", "tls", "--json", "-vvv", **wrong)
    found = json.loads(run.stdout)
    cause = f"proxy {lab.address('ntlm', 'tls')} refuses user {lab.account} (NTLM)"
    [report] = found["reports"]
    assert (found["state"], report["failure"]["kind"]) == ("CRITICAL", "proxy")
    assert report["failure"]["cause"] == cause
    assert lab.failed_logons() == [("ntlm", lab.account)]


@pytest.mark.parametrize(("kind", "who"), [("basic", "basic"), ("ntlm", "domain")])
def test_a_wrong_password_is_one_failed_logon_without_a_sign_in(through, lab, kind, who):
    """Nothing but the proxy's own logon keeps five mailboxes from trying it at once."""
    user = whose(lab, who)
    words = ("-H", "mail.contoso.test", "--concurrency", "5", *FIVE)
    wrong = {"who": user, "password": "Not.The.Proxys.Password"}
    run = through("mapi", kind, "plain", *words, **wrong)
    assert run.code == 2
    cause = f"proxy {lab.address(kind)} refuses user {shown(user)} ("
    assert run.words.count(f" by mapi: Autodiscover: {cause}") == 5
    assert lab.failed_logons() == [(kind, user)]
    assert run.requests == []


TARGETS = [
    (BLOCKED, "refuses to connect to", "HTTP 403", "ERR_ACCESS_DENIED 0", "allow {} on the proxy"),
    (DOWN, "cannot reach", "HTTP 503", "ERR_CONNECT_FAIL 111", "see the proxy's own log; check"),
    (UNKNOWN, "cannot reach", "HTTP 500", "ERR_CANNOT_FORWARD 0", "see the proxy's own log"),
]


@pytest.mark.parametrize(
    ("name", "words", "code", "reason", "remedy"), TARGETS, ids=[row[0] for row in TARGETS]
)
def test_hosts_that_the_proxy_does_not_reach(through, lab, name, words, code, reason, remedy):
    own = ("--exchange-url", f"https://{name}")
    run = through("cmdlet", "basic", "tls", *own, who=lab.user)
    address = lab.address("basic", "tls")
    start = f"MAPI CRITICAL - {HEALTHY}: proxy {address} {words} {name}:443"
    assert (begins(run.line, start), run.code) == (True, 2), run.line
    # The proxy was reached, and what it took to hear its no is measured.
    values = {**BARRED, "time_dns": "#s", "time_proxy": "#s"}
    assert run.perfdata == expected("cmdlet", ok=False, days=True, **values)
    for line in (
        f"remedy        {remedy.format(f'{name}:443')}",
        f"code          {code}",
        f"in full       {reason}",
    ):
        assert f"\n  {line}" in run.diagnosis
    assert run.diagnosis.split("\n")[0].endswith(": kind proxy")
    assert f"proxy {address} {words} {name}:443" in run.words
    assert [one.error for one in through.seen if one.target == f"{name}:443"] == [reason.split()[0]]
    assert (lab.failed_logons(), run.tokens) == ([], 1)


def test_an_inspecting_proxy_refuses_inside(through, lab):
    """Its own page, under its own certificate, is told as the proxy's."""
    words = ("--exchange-url", f"https://{BLOCKED}")
    run = through("cmdlet", "open", "inspecting", *words)
    address = lab.address("open", "inspecting")
    text = f"proxy {address} refuses to connect to {BLOCKED}:443"
    assert (begins(run.line, f"MAPI CRITICAL - {HEALTHY}: {text}"), run.code) == (True, 2)
    assert text in run.words
    assert f"\n  remedy        allow {BLOCKED}:443 on the proxy\n" in run.diagnosis


def test_an_inspection_that_is_not_trusted(through, lab):
    words = ("--ca-file", lab.ca_file)
    run = through("cmdlet", "open", "inspecting", *words)
    text = (
        "a proxy or firewall inspects TLS to login.microsoftonline.com: cert... (verify error 19)"
    )
    assert (run.line, run.code) == (f"MAPI CRITICAL - sign-in failed: {text}", 2)
    for line in (
        "cause         sign-in: a proxy or firewall inspects TLS to login.microsoftonline.com: "
        "certificate issued by Contoso Web Gateway CA of Contoso",
        "remedy        give that authority by --ca-file, or exempt the host from inspection",
    ):
        assert " ".join(line.split()) in run.words
    # The second look asked for the time there, and nothing else.
    assert [one.method for one in through.seen if one.method != "CONNECT"] == ["HEAD"]
    assert run.requests == []


@pytest.mark.parametrize(
    ("kind", "who", "words", "cause", "remedy"),
    [
        ("basic", None, (), "wants authentication and offers Basic", "give --proxy-user and "),
        ("ntlm", None, (), "wants authentication and offers NTLM", "give --proxy-user and "),
        (
            *("basic", "domain", ("--proxy-auth", "ntlm")),
            "does not take NTLM, it offers Basic",
            "leave --proxy-auth away, or name one of them",
        ),
        (
            *("ntlm", "basic", ("--proxy-auth", "basic")),
            "does not take Basic, it offers NTLM",
            "leave --proxy-auth away, or name one of them",
        ),
    ],
)
def test_what_is_offered_and_what_is_given(through, lab, kind, who, words, cause, remedy):
    run = through("cmdlet", kind, "plain", *words, who=whose(lab, who))
    assert run.code == 2
    address = lab.address(kind)
    assert begins(run.line, f"MAPI CRITICAL - sign-in failed: proxy {address} {cause}"), run.line
    assert f"proxy {address} {cause}" in run.words
    assert f"\n  remedy        {remedy}" in run.diagnosis
    assert len(through.schemes) == 1


@pytest.mark.parametrize("words", [(), ("--proxy-auth", "negotiate")])
def test_no_ticket_and_no_service(through, lab, words):
    run = through("cmdlet", "kerberos", "plain", *words, host="localhost")
    assert run.code == 2
    assert "keytab of KRB5_CLIENT_KTNAME: No such file" in run.words
    assert "  remedy        get a ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME\n" in (
        run.diagnosis
    )
    # No service principal has a number for a name.
    run = through("cmdlet", "kerberos", "plain", *words, who="ticket")
    assert "KDC knows no service HTTP/127.0.0.1" in run.line
    assert lab.failed_logons() == []


def test_no_ticket_where_a_password_would_do(through, lab):
    run = through("cmdlet", "all", "plain", "-v", host="localhost")
    assert run.code == 2
    text = f"proxy {lab.address('all', host='localhost')} wants authentication and offers "
    assert f"\n  cause         sign-in: {text}Negotiate or NTLM or Basic\n" in run.diagnosis
    assert "\n  remedy        give --proxy-user and --proxy-password-file\n" in run.diagnosis
    assert "Negotiate for the proxy: keytab of KRB5_CLIENT_KTNAME: No such file" in run.diagnosis


def test_https_and_http_mixed_up(through, lab):
    for wrong, right in (("tls", "plain"), ("plain", "tls")):
        lab.reset()
        scheme = "http" if right == "plain" else "https"
        words = ("--proxy", f"{scheme}://{lab.address('open', wrong)}")
        run = through("cmdlet", None, "plain", *words)
        assert run.code == 2
        assert ": kind proxy\n" in run.diagnosis
        told = "give one by TLS as https://" if right == "plain" else "answers without TLS"
        assert told in run.words


def test_a_limit_of_the_way_through_the_proxy(through, lab):
    run = through("cmdlet", "ntlm", "plain", "--critical-for", "time_proxy=0", who=lab.account)
    assert run.code == 2
    assert run.line.startswith(f"MAPI CRITICAL - {HEALTHY}: time_proxy 0.")
    values = {**PROXIED, "time_proxy": "#s;;0"}
    assert run.perfdata == expected("cmdlet", days=True, **values)
