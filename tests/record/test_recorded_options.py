"""Options survive a recording, but for their secrets and for what local files hold."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from check_mapi_connectivity.base.credentials import (
    ClientSecret,
    FederatedToken,
    Login,
    ManagedIdentity,
    Proxy,
    Secret,
    UserPassword,
)
from check_mapi_connectivity.base.reading.untrusted import Fields, Odd
from check_mapi_connectivity.record import options as record_options

from ..support.options import changed

SECRET = Secret("Canary.4711")
MAPI = "https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com"


def again(chosen):
    """The options after a recording, and its text."""
    text = json.dumps(record_options.document(chosen))
    assert "Canary" not in text
    return record_options.parse(Fields(json.loads(text), "options."), len(chosen.targets.tests))


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": ManagedIdentity("", "http://169.254.169.254"), "tenant": ""},
        {"credential": None, "methods": ("mapi",), "mapi_url": MAPI, "legacy_dn": "/o=C/cn=p"},
        {"credential": None, "methods": ("mapi",), "hostname": "mail.contoso.com:444"},
        {"mailboxes": ("a@b.example", "c@d.example"), "methods": ("cmdlet", "graph")},
        {"json": True, "verbose": 3, "timeout": 2.5, "timeout_state": "UNKNOWN", "ip_version": 6},
    ],
)
def test_all_that_is_no_secret_comes_back(options, changes):
    chosen = options(**{"credential": ManagedIdentity("", "http://h"), **changes})
    assert again(chosen) == chosen


@pytest.mark.parametrize(
    ("credential", "stand"),
    [
        (ClientSecret(SECRET), "REDACTED-CLIENT-SECRET-1"),
        (UserPassword("u@contoso.com", SECRET), "REDACTED-PASSWORD-1"),
        (FederatedToken("token", SECRET), "REDACTED-FEDERATED-TOKEN-1"),
    ],
)
def test_a_secret_has_the_placeholder_of_the_recording(options, credential, stand):
    chosen = options(credential=credential)
    found = again(chosen)
    assert [secret.reveal() for _, secret in found.confided.secrets] == [stand]
    assert type(found.account.credential) is type(credential)
    assert changed(found, credential=None) == changed(chosen, credential=None)


def test_login_and_proxy(options):
    login = Login("CONTOSO\\probe", SECRET, "NTLM")
    proxy = Proxy("p", 3128, "--proxy", "me", SECRET, True, "NTLM", "p1")
    found = again(options(credential=None, methods=("mapi",), login=login, proxy=proxy))
    assert (found.server.login.username, found.server.login.scheme) == (login.username, "NTLM")
    assert str(found.network.proxy) == str(proxy)
    through = found.network.proxy
    assert (through.user, through.spn_host, through.tls) == ("me", "p1", True)
    assert [secret.reveal() for _, secret in found.confided.secrets] == [
        "REDACTED-PASSWORD-1",
        "REDACTED-PROXY-PASSWORD-1",
    ]


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("mailboxes", [], "options.methods"),
        ("mailboxes", ["a@b.c", "a@b.c"], "options.mailboxes"),
        ("mailboxes", ["a\nb@c.d"], "options.mailboxes"),
        ("methods", ["imap"], "options.methods"),
        ("exchange_url", "http://plain", "options.exchange_url"),
        ("states", {"weather": "OK"}, "options.states"),
        ("tenant", "a/b", "options.tenant"),
        ("limits", [], "options.limits"),
        ("limits", [{}], "options.limits.mapi_connectivity"),
        ("hostname", "a b", "options.hostname"),
        ("mapi_url", "https://x/", "options.mapi_url"),
        ("legacy_dn", "x", "options.legacy_dn"),
        ("credential", {"kind": "none"}, "options.credential.kind"),
        ("archive", "yes", "options.archive"),
        ("no_proxy", 5, "options.no_proxy"),
    ],
)
def test_what_is_odd_is_named(options, name, value, path):
    document = json.loads(json.dumps(record_options.document(options())))
    with pytest.raises(Odd) as caught:
        record_options.parse(Fields({**document, name: value}, "options."), 1)
    assert str(caught.value) == path


def test_no_secret_shows_in_the_parts(options):
    login = Login("CONTOSO\\probe", SECRET)
    proxy = Proxy("p", 3128, "--proxy", "me", SECRET)
    chosen = options(credential=None, methods=("mapi",), login=login, proxy=proxy)
    assert "Canary" not in f"{chosen} {chosen.confided} {chosen.service}"


def test_a_field_that_an_older_recording_lacks_has_its_default(options):
    chosen = options(archive=True, no_proxy="a.example", json=True)
    document = json.loads(json.dumps(record_options.document(chosen)))
    for name in ("archive", "no_proxy", "json"):
        del document[name]
    found = record_options.parse(Fields(document, "options."), 1)
    assert (found.targets.archive, found.network.no_proxy, found.display.json) == (False, "", False)


class Invented(NamedTuple):
    """A part with fields of each kind, as somebody may add one."""

    flag: bool = False
    count: int = 3
    seconds: float = 0.5
    words: tuple[str, ...] = ()
    text: str | None = None


@pytest.mark.parametrize(
    "values", [{}, {"flag": True, "count": 5, "seconds": 2.0, "words": ["a"], "text": "x"}]
)
def test_a_field_is_read_by_the_kind_of_its_default(values):
    found = Invented(**record_options._read(Invented, Fields(values, "options.")))
    assert found == Invented(**{**values, "words": tuple(values.get("words", ()))})
