"""Which scheme is chosen for a proxy: by its offer, by whose credential there is, and by what is
installed. The tokens are fake.
"""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.credentials import Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.network import ntlm_kerberos
from check_mapi_connectivity.network.shared_logon import Logon

from ..support.odd_proxy import OPENED, answers
from .test_proxy_connect import ASKED, PLAIN, USER, opening, proxy, refused, wanted

__all__ = ["opening", "proxy"]


class FakeHandshake:
    """Makes tokens of the words it was asked with; `fails` are schemes that no token is made for."""

    fails, made, complete = {}, [], False

    def __init__(self, scheme, login, host, binding=b"", *, inside=""):
        self.words = (scheme, inside, login.username, host)
        self.made.append(self.words)

    def begin(self):
        scheme, inside = self.words[:2]
        if (inside or scheme) in self.fails:
            failure = self.fails[inside or scheme]
            raise (
                CheckFailure(failure)
                if failure.kind == "logon"
                else ntlm_kerberos.Unusable(failure)
            )
        return b"token"


@pytest.fixture
def handshake(monkeypatch):
    """`handshake(kerberos=..., **fails)` puts the fake in its place."""

    def use(*, kerberos=True, installed=True, **fails):
        fake = type("Fake", (FakeHandshake,), {"made": [], "fails": fails})
        monkeypatch.setattr(ntlm_kerberos, "Handshake", fake)
        monkeypatch.setattr(ntlm_kerberos, "available", lambda: installed)
        monkeypatch.setattr(ntlm_kerberos, "kerberos", lambda: kerberos and installed)
        return fake

    return use


ALL = ("Negotiate", "NTLM", 'Basic realm="x"', "Digest x=y")
#: The same without Basic, which does not go by a connection without TLS beside others.
STRONG = ("Negotiate", "NTLM", "Digest x=y")
NOTHING_MADE = Failure("credential", "no token", "get a ticket (kinit)")
UPN, DOWN_LEVEL = "u@EXAMPLE.COM", "D\\u"


@pytest.mark.parametrize(
    ("user", "password", "kerberos", "offer", "chosen"),
    [
        (None, False, True, ALL, ("Negotiate", "", None)),
        (UPN, True, True, ALL, ("Negotiate", "", UPN)),
        (UPN, False, True, ALL, ("Negotiate", "", UPN)),
        (UPN, True, False, ALL, ("NTLM", "", UPN)),
        (DOWN_LEVEL, True, True, ALL, ("NTLM", "ntlm", DOWN_LEVEL)),
        (DOWN_LEVEL, True, True, ("Negotiate", "Basic"), ("Negotiate", "ntlm", DOWN_LEVEL)),
        (DOWN_LEVEL, True, False, ("Negotiate",), ("Negotiate", "ntlm", DOWN_LEVEL)),
        (UPN, True, True, ("NTLM", "Basic"), ("NTLM", "", UPN)),
    ],
)
def test_the_strongest_in_common(
    proxy, opening, handshake, user, password, kerberos, offer, chosen
):
    fake = handshake(kerberos=kerberos)
    odd = proxy(answers(wanted(*offer), OPENED, kept=False))
    secret = Secret("p") if password else None
    opening(odd, user=user, password=secret, spn_host="spn.example").open().close()
    scheme, inside, name = chosen
    assert fake.made == [(scheme, inside, name, "spn.example")]
    assert odd.seen == [ASKED, PLAIN(f"Proxy-Authorization: {scheme} dG9rZW4=\r\n")]


def test_nobody_to_log_on_as(proxy, opening, handshake):
    handshake(kerberos=False)
    failure = refused(opening(proxy(answers(wanted("Negotiate")))))
    assert failure.cause.endswith(" wants authentication and offers Negotiate")
    assert failure.remedy == (
        "give --proxy-user and --proxy-password-file, or for a Kerberos ticket: "
        "pip install 'pyspnego[kerberos]'"
    )
    failure = refused(opening(proxy(answers(wanted(*ALL)))))
    assert failure.remedy == "give --proxy-user and --proxy-password-file"


def test_without_a_ticket_the_next_scheme_serves(proxy, opening, handshake):
    fake = handshake(Negotiate=NOTHING_MADE)
    odd = proxy(answers(wanted(*ALL), OPENED, kept=False))
    opening(odd, user=UPN, password=Secret("p")).open().close()
    assert [words[:2] for words in fake.made] == [("Negotiate", ""), ("NTLM", "")]
    assert opening.report.trace.notes == ["Negotiate for the proxy: no token"]
    assert opening.logon.scheme == "NTLM"


def test_ntlm_inside_negotiate_where_nothing_else_is_offered(proxy, opening, handshake):
    fake = handshake(Negotiate=NOTHING_MADE)
    odd = proxy(answers(wanted("Negotiate", "Digest x=y"), OPENED, kept=False))
    opening(odd, user=UPN, password=Secret("p")).open().close()
    assert [words[:2] for words in fake.made] == [("Negotiate", ""), ("Negotiate", "ntlm")]
    fake = handshake(Negotiate=NOTHING_MADE)
    opening.logon = Logon()
    failure = refused(opening(proxy(answers(wanted("Negotiate"))), user=UPN))
    assert (failure.cause, len(fake.made)) == ("no token", 1)


def test_ntlm_that_stands_in_for_kerberos_does_not_hide_its_cause(
    proxy, opening, handshake, monkeypatch
):
    """The first message of NTLM is refused by who takes Kerberos alone; it proves nothing."""
    handshake(Negotiate=NOTHING_MADE)
    monkeypatch.setattr(ntlm_kerberos, "proves", lambda _: False)
    odd = proxy(answers(wanted("Negotiate"), wanted("Negotiate"), kept=False))
    failure = refused(opening(odd, user=UPN, password=Secret("p")))
    assert failure == NOTHING_MADE._replace(kind="proxy")
    assert opening.report.trace.notes == ["Negotiate for the proxy: no token"]


@pytest.mark.parametrize(
    ("user", "kerberos", "blamed"),
    [(UPN, True, "clocks"), (UPN, False, "password"), ("D\\u", True, "USER@REALM")],
)
def test_a_password_is_blamed_only_where_it_was_judged(
    proxy, opening, handshake, user, kerberos, blamed
):
    handshake(kerberos=kerberos)
    refusals = [wanted("Negotiate")] * 2
    failure = refused(
        opening(proxy(answers(*refusals, kept=False)), user=user, password=Secret("p"))
    )
    assert failure.cause.endswith(f" refuses user {user} (Negotiate)")
    assert blamed in failure.remedy


def test_a_password_that_the_kdc_refuses_goes_no_further(proxy, opening, handshake):
    told = Failure("logon", "KDC refuses the password of u", "check --password-file")
    fake = handshake(Negotiate=told)
    odd = proxy(answers(wanted(*ALL), wanted(*ALL), kept=False))
    failure = refused(opening(odd, user=UPN, password=Secret("p")))
    assert failure == told._replace(kind="proxy", remedy="check --proxy-password-file")
    assert (odd.seen, len(fake.made)) == ([ASKED], 1)
    # Nor is the KDC asked again.
    assert refused(opening(odd, user=UPN, password=Secret("p"))) == failure
    assert (odd.seen, len(fake.made)) == ([ASKED], 1)


def test_without_the_package(proxy, opening, handshake):
    """By TLS the password may go by Basic; the way there is another test's."""
    handshake(installed=False)
    user = {"user": UPN, "password": Secret("p"), "tls": True}
    odd = proxy(answers(wanted(*ALL), OPENED, kept=False))
    opening(odd, **user).open().close()
    assert "Proxy-Authorization: Basic " in odd.seen[1]
    [remark] = opening.report.trace.remarks
    assert remark.startswith(f"Basic is used: proxy {odd.address} offers NTLM and Negotiate")
    assert "pip install pyspnego" in remark


@pytest.mark.parametrize(
    ("installed", "offer", "words"),
    [
        (False, ALL, r"offers NTLM and Negotiate, which .*; or --proxy-auth basic, which sends "),
        (False, ("Basic", "Digest x=y"), "has no TLS and offers Basic and Digest: the password is"),
        (True, ("Digest x=y", "Basic"), "has no TLS and offers Digest and Basic: the password is"),
    ],
)
def test_basic_beside_others_shows_no_password(proxy, opening, handshake, installed, offer, words):
    handshake(installed=installed)
    odd = proxy(answers(wanted(*offer)))
    with pytest.raises((UsageError, CheckFailure), match=words):
        opening(odd, user=UPN, password=Secret("p")).open()
    assert odd.seen == [ASKED]


def test_after_all_else_failed_basic_shows_no_password(proxy, opening, handshake):
    handshake(Negotiate=NOTHING_MADE, NTLM=NOTHING_MADE, ntlm=NOTHING_MADE)
    odd = proxy(answers(wanted(*ALL)))
    assert refused(opening(odd, user=UPN, password=Secret("p"))).cause == "no token"
    assert odd.seen == [ASKED]
    # Said by the operator, or the only one: then it goes.
    for named, offer in (("Basic", ALL), (None, ('Basic realm="x"',))):
        opening.logon = Logon()
        either = proxy(answers(*([] if named else [wanted(*offer)]), OPENED, kept=False))
        opening(either, user=UPN, password=Secret("p"), scheme=named).open().close()
        assert "Proxy-Authorization: Basic " in either.seen[-1]


def test_without_the_package_and_without_basic(proxy, opening, monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    with pytest.raises(
        UsageError, match=r"offers NTLM, which needs a package: pip .* beside this plugin$"
    ):
        opening(proxy(answers(wanted("NTLM"))), **USER).open()
