"""What `--explain` says of sixteen command lines, whole, one file each.

`make golden` writes the files anew; what has changed is then reviewed by eye.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support.explained import CREDENTIALS, furnish, told
from ..support.scenarios import WRITE

GOLDEN = Path(__file__).parent / "golden"

#: A proxy of the environment, and who is reached without it.
PROXIES = {
    "HTTPS_PROXY": "http://proxy.contoso.com:8080",
    "NO_PROXY": ".contoso.com,169.254.169.254",
}

#: Name of a file -> credential, what else is given, environment.
CASES = {
    "certificate": (
        "certificate",
        "-w 2 --warning-for certificate_days=60: --critical-for time_tls=@1:2 --archive"
        " -t 60:UNKNOWN --state throttled=OK",
        {},
    ),
    "certificate-china": (
        "certificate",
        "--cloud china --certificate-passphrase-file password --ca-file ca.pem",
        {"SSL_CERT_FILE": "/etc/ca", "SSL_CERT_DIR": "/etc/cas"},
    ),
    "certificate-mapi": ("certificate", "--method mapi --cloud gcc-high", {}),
    "secret-own-hosts": (
        "secret",
        "--method graph --method cmdlet --client-secret-file none --no-proxy --min-tls 1.3 -4"
        " --ca-file ca.pem --authority-url https://127.0.0.1:8443"
        " --graph-url https://127.0.0.1:8443 --exchange-url https://[::1]:8444",
        {"MAPI_CLIENT_SECRET": "canary"},
    ),
    "secret-proxy": (
        "secret",
        "--method graph --proxy http://proxy:3128 --proxy-user svc --proxy-domain CONTOSO"
        " --proxy-password-file password --proxy-auth ntlm -m dana@contoso.com -w 2"
        " --warning-for dana_contoso_com_connection_time=5",
        {},
    ),
    "federated": (
        "federated",
        "--method graph -m o'brien@contoso.com -m 22222222-3333-4444-5555-666666666666"
        " --proxy https://proxy.contoso.com:8443",
        {},
    ),
    "managed": ("managed", "--method graph --method cmdlet --no-cache", PROXIES),
    "managed-user": (
        "managed-user",
        "--method graph --mailbox-file mailboxes --imds-url http://127.0.0.1:40342",
        {"KRB5CCNAME": "FILE:/t"},
    ),
    "module": (
        "module",
        "--method cmdlet",
        {"https_proxy": "http://u:canary@proxy:3128", "NO_PROXY": ".contoso.com"},
    ),
    "user": ("user", "--method cmdlet --method graph", {}),
    "user-mapi": (
        "user",
        "--method mapi -m dana@contoso.com --concurrency 2 --inbox-items 3"
        " --proxy https://proxy:3128 --proxy-auth negotiate --proxy-spn-host real.contoso.com",
        {"KRB5CCNAME": "FILE:/t"},
    ),
    "login": (
        "login",
        "--method mapi -m dana@contoso.com -m erik@fabrikam.com --password-file none",
        {**PROXIES, "MAPI_PASSWORD": "canary"},
    ),
    "login-many": (
        "login",
        "--method mapi --mailbox-file mailboxes --auth basic -H mail.contoso.com:8443",
        {},
    ),
    "login-nodes": (
        "login",
        "--method mapi -H mail.contoso.com --address 10.0.0.13 --address [fe80::1]:444"
        " --address-book --archive --warning-for 10_0_0_13_time_tls=1",
        {},
    ),
    "login-direct": (
        "login",
        "--method mapi --mapi-url https://mail.contoso.com/mapi/emsmdb/?MailboxId=x@contoso.com"
        " --legacy-dn /o=x",
        {},
    ),
    "ticket": (
        "ticket",
        "--method mapi --autodiscover-url https://auto.contoso.com/a.xml",
        {"KRB5CCNAME": "FILE:/t", "KRB5_CLIENT_KTNAME": "/k"},
    ),
    "sign-in-certificate": ("certificate", "--sign-in-only -w 2", PROXIES),
    "sign-in-managed": ("managed", "--sign-in-only --cloud gcc-high", {}),
    "sign-in-user": ("user", "--sign-in-only --method graph", {}),
    "ticket-user": ("ticket", "--method mapi -l probe@contoso.com --no-cache", {}),
}


@pytest.mark.cases(len(CASES))
@pytest.mark.parametrize("name", CASES)
def test_explanation(there, name):
    furnish(there)
    names = (f"m{number}@contoso.com\n" for number in range(12))
    (there / "mailboxes").write_text("".join(names))
    (there / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    credential, more, environ = CASES[name]
    own = "--mailbox-file" in more or "--sign-in-only" in more
    mailbox = None if own else "probe@contoso.com"
    text = told(*CREDENTIALS[credential], *more.split(), mailbox=mailbox, **environ)
    path = GOLDEN / f"{name}.txt"
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert "canary" not in text


def test_every_file_has_its_command_line():
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)
