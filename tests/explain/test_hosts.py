"""Hosts and ports that a run will contact."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.explain import hosts

from ..support.explained import CREDENTIALS, asked, furnish, part, told


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    return there


#: Credential, what else is given, environment -> the section.
CASES = [
    (
        "certificate",
        ("--cloud", "gcc-high"),
        {},
        """\
  login.microsoftonline.us port 443
      https, directly: sign-in at Entra
  outlook.office365.us port 443
      https, directly: Exchange Online, to run the cmdlet""",
    ),
    (
        "secret",
        (
            "--method",
            "graph",
            "--method",
            "cmdlet",
            "--authority-url",
            "https://127.0.0.1:8443",
            "--graph-url",
            "https://127.0.0.1:8443",
            "--exchange-url",
            "https://[::1]:8444",
        ),
        {},
        """\
  127.0.0.1 port 8443
      https, directly: sign-in at Entra; Microsoft Graph
  [::1] port 8444
      https, directly: Exchange Online, to run the cmdlet""",
    ),
    (
        "federated",
        ("--proxy", "https://proxy.contoso.com:8443"),
        {},
        """\
  proxy.contoso.com port 8443
      https proxy, directly: looks up and reaches all hosts that are marked: by
      the proxy
  login.microsoftonline.com port 443
      https, by the proxy: sign-in at Entra
  outlook.office365.com port 443
      https, by the proxy: Exchange Online, to run the cmdlet""",
    ),
    (
        "managed",
        (),
        {
            "HTTPS_PROXY": "http://proxy.contoso.com:8080",
            "NO_PROXY": ".contoso.com,169.254.169.254",
        },
        """\
  proxy.contoso.com port 8080
      http proxy, directly: looks up and reaches all hosts that are marked: by
      the proxy
  169.254.169.254 port 80
      http, directly, because a managed identity is asked for on this machine:
      instance metadata service, for tokens
  outlook.office365.com port 443
      https, by the proxy: Exchange Online, to run the cmdlet""",
    ),
    (
        "managed",
        ("--imds-url", "http://127.0.0.1:40342"),
        {},
        """\
  127.0.0.1 port 40342
      http, directly: instance metadata service, for tokens
  outlook.office365.com port 443
      https, directly: Exchange Online, to run the cmdlet""",
    ),
    (
        "user",
        ("--method", "mapi", "--method", "graph"),
        {
            "HTTPS_PROXY": "http://proxy.contoso.com:8080",
            "NO_PROXY": ".contoso.com,169.254.169.254",
        },
        """\
  proxy.contoso.com port 8080
      http proxy, directly: looks up and reaches all hosts that are marked: by
      the proxy
  login.microsoftonline.com port 443
      https, by the proxy: sign-in at Entra
  a host not known yet, port 443
      https, by the proxy (unless NO_PROXY names it): federation server (AD FS)
      of contoso.com, where Entra names one
  autodiscover-s.outlook.com port 443
      https, by the proxy: Autodiscover
  a host not known yet, port 443
      https, by the proxy (unless NO_PROXY names it): the mailbox, by MAPI over
      HTTP: the host that Autodiscover names
  graph.microsoft.com port 443
      https, by the proxy: Microsoft Graph""",
    ),
    (
        "login",
        ("--method", "mapi", "-m", "dana@contoso.com", "-m", "erik@fabrikam.com"),
        {
            "HTTPS_PROXY": "http://proxy.contoso.com:8080",
            "NO_PROXY": ".contoso.com,169.254.169.254",
        },
        """\
  proxy.contoso.com port 8080
      http proxy, directly: looks up and reaches all hosts that are marked: by
      the proxy
  contoso.com port 443
      https, directly, because NO_PROXY says so: Autodiscover
  autodiscover.contoso.com port 443
      https, directly, because NO_PROXY says so: Autodiscover, candidate 2,
      where those before it do not answer
  autodiscover.contoso.com port 80
      http, directly, because NO_PROXY says so: Autodiscover, candidate 3,
      where those before it do not answer, asked for a redirect without a
      password
  a host not known yet, port 53
      DNS, directly, because dnspython, where installed, knows no proxy:
      Autodiscover, candidate 4, where those before it do not answer: name
      servers of this host, for the SRV record _autodiscover._tcp.contoso.com
  fabrikam.com port 443
      https, by the proxy: Autodiscover
  autodiscover.fabrikam.com port 443
      https, by the proxy: Autodiscover, candidate 2, where those before it do
      not answer
  autodiscover.fabrikam.com port 80
      http, by the proxy: Autodiscover, candidate 3, where those before it do
      not answer, asked for a redirect without a password
  a host not known yet, port 53
      DNS, directly, because dnspython, where installed, knows no proxy:
      Autodiscover, candidate 4, where those before it do not answer: name
      servers of this host, for the SRV record _autodiscover._tcp.fabrikam.com
  a host not known yet, port 443
      https, by the proxy (unless NO_PROXY names it): the mailbox, by MAPI over
      HTTP: the host that Autodiscover names""",
    ),
    (
        "login",
        ("--method", "mapi", "-H", "mail.contoso.com:8443"),
        {},
        """\
  mail.contoso.com port 8443
      https, directly: Autodiscover
  a host not known yet, port 443
      https, directly: the mailbox, by MAPI over HTTP: the host that
      Autodiscover names""",
    ),
    (
        "login",
        (
            "--method",
            "mapi",
            "--mapi-url",
            "https://mail.contoso.com/mapi/emsmdb/?MailboxId=x@contoso.com",
            "--legacy-dn",
            "/o=x",
        ),
        {},
        """\
  mail.contoso.com port 443
      https, directly: the mailbox, by MAPI over HTTP""",
    ),
    (
        "ticket",
        ("--method", "mapi", "--autodiscover-url", "https://auto.contoso.com/a.xml"),
        {},
        """\
  auto.contoso.com port 443
      https, directly: Autodiscover
  a host not known yet, port 443
      https, directly: the mailbox, by MAPI over HTTP: the host that
      Autodiscover names
  a host not known yet, port 88
      Kerberos, directly: key distribution centres of the realm, see
      /etc/krb5.conf""",
    ),
]


@pytest.mark.parametrize(("name", "more", "environ", "expected"), CASES)
def test_hosts_and_ports(name, more, environ, expected):
    assert part(told(*CREDENTIALS[name], *more, **environ), "hosts and ports") == expected


def test_without_anything_by_the_proxy_it_is_not_contacted():
    environ = {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "*"}
    options = asked(*CREDENTIALS["secret"], **environ).options
    found = hosts.contacts(*options[:4])
    assert [(one.host, one.way) for one in found] == [
        ("login.microsoftonline.com", "directly, because NO_PROXY says so"),
        ("outlook.office365.com", "directly, because NO_PROXY says so"),
    ]
