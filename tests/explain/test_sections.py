"""What the sections of an explanation say."""

from __future__ import annotations

import pytest

from ..support.explained import CREDENTIALS, furnish, part, told
from ..tenant.material import private_file


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    names = (f"m{number}@contoso.com\n" for number in range(12))
    (there / "mailboxes").write_text("".join(names))
    (there / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    private_file(there / "a.ini", b"[x]\nclient-secret = canary\n")
    return there


#: Section, credential, what else is given, environment -> the section.
CASES = [
    (
        "what would be tested",
        "certificate",
        ("--archive",),
        {},
        """\
  method cmdlet Exchange Online runs its own Test-MAPIConnectivity for the
                mailbox
  mailbox       probe@contoso.com
  archive       the archive mailbox (method cmdlet)
  requests      about 1; where the cache holds nothing, 2 more for the sign-in""",
    ),
    (
        "what would be tested",
        "managed",
        ("--method", "graph", "--method", "cmdlet", "--no-cache"),
        {},
        """\
  method graph  Microsoft Graph lists the Inbox
  method cmdlet Exchange Online runs its own Test-MAPIConnectivity for the
                mailbox
  mailbox       probe@contoso.com
  Inbox         the newest 10 messages are listed
  tests         2, at most 4 at the same time
  requests      about 2; for want of a cache, 2 more for the sign-in""",
    ),
    (
        "what would be tested",
        "user",
        ("--method", "mapi", "-m", "dana@contoso.com", "--concurrency", "2", "--inbox-items", "3"),
        {},
        """\
  method mapi   log on by MAPI over HTTP as Outlook does, and list the Inbox
  mailboxes     probe@contoso.com, dana@contoso.com
  Inbox         the newest 3 messages are listed
  tests         2, at most 2 at the same time
  requests      about 6; where the cache holds nothing, 3 more for the sign-in,
                Autodiscover for each mailbox""",
    ),
    (
        "what would be tested",
        "login",
        ("--method", "mapi", "--auth", "basic"),
        {},
        """\
  method mapi   log on by MAPI over HTTP as Outlook does, and list the Inbox
  mailbox       probe@contoso.com
  Inbox         the newest 10 messages are listed
  requests      about 3; where the cache holds nothing, Autodiscover for each
                mailbox""",
    ),
    (
        "what would be tested",
        "login",
        ("--method", "mapi", "--mailbox-file", "mailboxes"),
        {},
        """\
  method mapi   log on by MAPI over HTTP as Outlook does, and list the Inbox
  mailboxes     m0@contoso.com, m1@contoso.com, m2@contoso.com, m3@contoso.com,
                m4@contoso.com, m5@contoso.com, m6@contoso.com, m7@contoso.com,
                m8@contoso.com, m9@contoso.com, m10@contoso.com,
                m11@contoso.com
  Inbox         the newest 10 messages are listed
  tests         12, at most 4 at the same time
  requests      about 36; where the cache holds nothing, Autodiscover for each
                mailbox, one for what authentication the server takes; NTLM and
                Kerberos take one or two more on each connection""",
    ),
    (
        "proxy",
        "secret",
        ("--no-proxy",),
        {},
        """\
  proxy         none, because --no-proxy says so""",
    ),
    (
        "proxy",
        "secret",
        (
            "--proxy",
            "http://proxy:3128",
            "--proxy-user",
            "svc",
            "--proxy-domain",
            "CONTOSO",
            "--proxy-password-file",
            "password",
            "--proxy-auth",
            "ntlm",
        ),
        {},
        """\
  proxy         proxy:3128 from --proxy (command line) as CONTOSO/svc
  logs on by    NTLM, as CONTOSO/svc
  secret        proxy password from password
  note          from here only the proxy, and what is reached directly, must be
                reachable""",
    ),
    (
        "proxy",
        "secret",
        (),
        {"https_proxy": "http://u:canary@proxy:3128", "NO_PROXY": ".contoso.com"},
        """\
  proxy         proxy:3128 from https_proxy as u
  directly      hosts of NO_PROXY: .contoso.com
  logs on by    what the proxy asks for, as u: Kerberos before NTLM before
                Basic
  secret        proxy password from the URL of https_proxy
  service name  HTTP/proxy, where it comes to Kerberos
  note          from here only the proxy, and what is reached directly, must be
                reachable""",
    ),
    (
        "proxy",
        "secret",
        (
            "--proxy",
            "https://proxy:3128",
            "--proxy-auth",
            "negotiate",
            "--proxy-spn-host",
            "real.contoso.com",
        ),
        {"KRB5CCNAME": "FILE:/t"},
        """\
  proxy         proxy:3128 by TLS from --proxy (command line)
  logs on by    Negotiate, without a user
  service name  HTTP/real.contoso.com, where it comes to Kerberos
  note          from here only the proxy, and what is reached directly, must be
                reachable""",
    ),
    (
        "credential",
        "certificate",
        ("--cloud", "china"),
        {},
        """\
  kind          certificate of an app registration, probe.pem
  given by      --certificate (command line)
  tenant        contoso.onmicrosoft.com
  cloud         china
  client id     11111111-2222-3333-4444-555555555555 (command line)
  subject       CN=probe
  ends          (day), in 100 days
  SHA-1         (sha1)
  SHA-256       (sha256)
  note          cloud china: sources disagree on its Exchange host,
                partner.outlook.cn or outlook.office365.cn (see
                --exchange-url), and nobody has confirmed its Autodiscover host""",
    ),
    (
        "credential",
        "secret",
        ("--client-secret-file", "none"),
        {"MAPI_CLIENT_SECRET": "canary"},
        """\
  kind          secret of an app registration
  tenant        contoso.onmicrosoft.com
  cloud         worldwide
  client id     11111111-2222-3333-4444-555555555555 (command line)
  secret        client secret from environment variable MAPI_CLIENT_SECRET""",
    ),
    (
        "credential",
        "federated",
        (),
        {},
        """\
  kind          federated token, token
  given by      --federated-token-file (command line)
  tenant        contoso.onmicrosoft.com
  cloud         worldwide
  client id     11111111-2222-3333-4444-555555555555 (command line)
  issuer        https://issuer.example
  subject       system:serviceaccount:monitoring:icinga""",
    ),
    (
        "credential",
        "managed-user",
        (),
        {},
        """\
  kind          managed identity 22222222-3333-4444-5555-666666666666 of this
                VM
  given by      --managed-identity (command line)
  cloud         worldwide""",
    ),
    (
        "credential",
        "module",
        (),
        {},
        """\
  kind          user probe@contoso.com and password
  given by      --username (command line)
  tenant        contoso.onmicrosoft.com
  cloud         worldwide
  client id     fb78d390-0c51-40cd-8e17-fdbfab77341b, Microsoft's own for
                Exchange PowerShell
  secret        password from password
  note          Signed in with user name and password: Microsoft has announced
                to retire this sign-in (MC1248389), the date is not known yet;
                a certificate lasts.
  note          Signed in as Microsoft's own app for Exchange PowerShell,
                because --client-id is not given; it has not yet been seen on a
                live tenant that this app may sign in so.""",
    ),
    (
        "credential",
        "login",
        ("--method", "mapi", "--password-file", "none"),
        {"MAPI_PASSWORD": "canary"},
        """\
  kind          user probe@contoso.com and password
  given by      --username (command line)
  secret        password from environment variable MAPI_PASSWORD
  logs on by    what the server offers: NTLM before Negotiate before Basic""",
    ),
    (
        "credential",
        "ticket",
        ("--method", "mapi", "-l", "probe@contoso.com"),
        {},
        """\
  kind          Kerberos ticket or keytab of user probe@contoso.com
  given by      --username (command line)
  logs on by    Negotiate""",
    ),
    (
        "TLS and network",
        "secret",
        (),
        {"SSL_CERT_FILE": "/etc/ca", "SSL_CERT_DIR": "/etc/cas"},
        """\
  authorities   /etc/ca (SSL_CERT_FILE) and /etc/cas (SSL_CERT_DIR)
  lowest TLS    1.2; certificates are always verified""",
    ),
    (
        "TLS and network",
        "secret",
        ("--ca-file", "ca.pem", "--min-tls", "1.3", "-4"),
        {},
        """\
  authorities   the system's, and those of ca.pem
  lowest TLS    1.3; certificates are always verified
  addresses     IPv4 only""",
    ),
    (
        "files",
        "certificate",
        ("--certificate-passphrase-file", "password", "--ca-file", "ca.pem"),
        {"SSL_CERT_FILE": "/etc/ca"},
        """\
  reads         authorities: ca.pem (--ca-file)
  reads         certificate: probe.pem
  reads         certificate passphrase: password
  reads         authorities in place of the system's: /etc/ca (SSL_CERT_FILE)
  writes        /c (mode 0700, files 0600, each with a lock)
  token-*.json  access tokens""",
    ),
    (
        "files",
        "user",
        ("--method", "mapi"),
        {},
        """\
  reads         password: password
  writes        /c (mode 0700, files 0600, each with a lock)
  token-*.json  access tokens
  refused-*.json
      for a minute that a password was refused; a salted digest, no password
  mapi-*.json   address, DN, Inbox id and server of a mailbox; no password""",
    ),
    (
        "files",
        "ticket",
        ("--method", "mapi", "--no-cache"),
        {"KRB5CCNAME": "FILE:/t", "KRB5_CLIENT_KTNAME": "/k"},
        """\
  reads         Kerberos: FILE:/t (KRB5CCNAME)
  reads         Kerberos: /k (KRB5_CLIENT_KTNAME)
  writes        nothing: there is no cache""",
    ),
    (
        "files",
        "managed",
        ("--mailbox-file", "mailboxes"),
        {"KRB5CCNAME": "FILE:/t"},
        """\
  reads         mailboxes: mailboxes
  writes        /c (mode 0700, files 0600, each with a lock)
  token-*.json  access tokens""",
    ),
    (
        "judgement",
        "certificate",
        ("-t", "60:UNKNOWN", "--state", "throttled=OK", "--critical-for", "time_tls=@1:2"),
        {},
        """\
  time_tls      CRITICAL inside 1:2
  certificate_days
      WARNING outside 30:, CRITICAL outside 7:
  states        throttled is OK
  timeout       60s for the whole run, then UNKNOWN
  note          the scheduler's own limit must be longer; the usual 60s is not""",
    ),
    (
        "judgement",
        "secret",
        (
            "-m",
            "dana@contoso.com",
            "-w",
            "2",
            "--warning-for",
            "dana_contoso_com_connection_time=5",
        ),
        {},
        """\
  probe_contoso_com_connection_time
      WARNING outside 2
  dana_contoso_com_connection_time
      WARNING outside 5
  states        as documented for each kind of failure
  timeout       30s for the whole run, then CRITICAL
  note          the scheduler's own limit must be longer; the usual 60s is""",
    ),
]


@pytest.mark.parametrize(("title", "name", "more", "environ", "expected"), CASES)
def test_sections(title, name, more, environ, expected):
    mailbox = None if "--mailbox-file" in more else "probe@contoso.com"
    text = told(*CREDENTIALS[name], *more, mailbox=mailbox, **environ)
    assert part(text, title) == expected
    assert "canary" not in text


def test_a_secret_of_an_ini_section_is_named_by_its_section():
    words = [
        word for word in CREDENTIALS["secret"] if word not in ("--client-secret-file", "secret")
    ]
    text = told("--extra-opts=x@a.ini", *words)
    assert "  secret        client secret from [x] of a.ini\n" in text
    assert "  reads         options: [x] of a.ini\n" in text
    assert "canary" not in text


def test_many_limits_and_mailboxes_are_counted():
    words = (
        *CREDENTIALS["login"],
        "--method",
        "mapi",
        *(f"-mn{number}@x.example" for number in range(30)),
    )
    odd = [f"--warning-for=n{number}_x_example_total_time={number + 1}" for number in range(30)]
    text = told(*words, *odd)
    assert "n17@x.example, n18@x.example and 11 more" in " ".join(text.split())
    assert part(text, "judgement").count("total_time") == 20
    assert "  note          and 10 more limits\n" in text
