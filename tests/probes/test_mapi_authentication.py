"""How the credential of a run is sent, and how often."""

from __future__ import annotations

import base64

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.network import ntlm_kerberos
from check_mapi_connectivity.network.shared_logon import Logon

from .material import BLOB, Carrier, answer, post


def test_the_named_scheme_is_sent_at_once(authentication):
    carrier = Carrier(answer())
    assert post(authentication(carrier, "Basic")).status == 200
    assert carrier.sent == [f"Basic {BLOB}"]


def test_where_a_host_was_guessed_the_server_has_to_ask(authentication):
    carrier = Carrier(answer(404), answer(401, "Basic realm=x"), answer())
    asker = authentication(carrier, "Basic")
    assert post(asker, unasked=False).status == 404
    assert post(asker, unasked=False).status == 200
    assert carrier.sent == [None, None, f"Basic {BLOB}"]


def test_without_a_scheme_the_server_is_asked_once(authentication):
    carrier = Carrier(answer(401, 'Basic realm="a, NTLM"'), answer(), answer())
    asker = authentication(carrier)
    post(asker)
    post(asker)
    assert carrier.sent == [None, f"Basic {BLOB}", f"Basic {BLOB}"]
    assert asker.scheme == "Basic"


def test_a_refused_password_is_never_sent_again(authentication):
    carrier = Carrier(answer(401, "Basic realm=x"))
    asker = authentication(carrier, "Basic")
    for _ in range(3):
        with pytest.raises(CheckFailure) as caught:
            post(asker)
        assert caught.value.failure.kind == "logon"
    assert carrier.sent == [f"Basic {BLOB}"]


def test_a_password_that_was_good_and_is_refused_ends_no_session(authentication):
    carrier = Carrier(answer(), answer(401, "Basic realm=x"))
    asker = authentication(carrier, "Basic")
    post(asker)
    for _ in range(3):
        with pytest.raises(CheckFailure, match="now refuses"):
            post(asker)
    assert len(carrier.sent) == 2


def test_a_session_that_was_let_in_goes_on_whatever_another_server_says(authentication):
    logon, refused = Logon(), answer(401, "Basic realm=x")
    well = Carrier(*[answer()] * 3)
    others = [authentication(Carrier(refused), "Basic", logon=logon) for _ in range(4)]
    own = authentication(well, "Basic", logon=logon)
    post(own)
    for other in others:
        with pytest.raises(CheckFailure):
            post(other)
    assert [post(own).status, post(own).status] == [200, 200]
    assert not own.refused


def test_a_remembered_scheme_that_is_not_taken_any_more(authentication, monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    carrier = Carrier(answer(401, "NTLM"))
    asker = authentication(carrier)
    asker.remember("Basic")
    with pytest.raises(CheckFailure) as caught:
        post(asker)
    # The password was sent: whatever the server takes now, it does not go out again.
    assert caught.value.failure.cause == "mail.example does not offer logon by Basic"
    assert (carrier.sent, asker.refused) == ([f"Basic {BLOB}"], caught.value.failure)


@pytest.mark.parametrize("scheme", ["Digest", None, 5, "Bearer"])
def test_no_other_scheme_is_remembered(authentication, scheme):
    asker = authentication(Carrier())
    asker.remember(scheme)
    assert asker.scheme is None


def test_nothing_in_common(authentication):
    carrier = Carrier(answer(401, "Digest realm=x", "Bearer"))
    with pytest.raises(CheckFailure) as caught:
        post(authentication(carrier))
    assert caught.value.failure.kind == "protocol"
    assert caught.value.failure.cause.endswith("usable logon: Digest, Bearer")
    assert carrier.sent == [None]


def test_no_password_and_no_kerberos(authentication, monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    carrier = Carrier(answer(401, "Basic realm=x", "Negotiate"))
    with pytest.raises(UsageError, match=r"wants Negotiate, .* pip install"):
        post(authentication(carrier, password=None))


def test_what_one_mailbox_learned_holds_for_the_next(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Basic realm=x"), answer(), answer())
    post(authentication(carrier, logon=logon))
    assert (logon.accepted, logon.scheme) == (True, "Basic")
    post(authentication(carrier, logon=logon))
    assert carrier.sent == [None, f"Basic {BLOB}", f"Basic {BLOB}"]


def test_a_password_refused_for_one_mailbox_is_sent_for_no_other(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Basic realm=x"))
    causes = set()
    for mailbox in ("a", "b", "c"):
        asker = authentication(carrier, "Basic", logon=logon, mailbox=mailbox)
        with pytest.raises(CheckFailure) as caught:
            post(asker)
        causes.add(caught.value.failure)
        assert asker.refused
    assert carrier.sent == [f"Basic {BLOB}"]
    assert causes == {logon.refusal}


def test_a_password_that_was_sent_is_not_sent_again_whatever_the_server_takes(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Negotiate"), answer(401, "Basic realm=x"))
    for _ in range(2):
        asker = authentication(carrier, "Basic", logon=logon)
        with pytest.raises(CheckFailure, match="does not offer logon by Basic"):
            post(asker)
        assert asker.refused
    assert carrier.sent == [f"Basic {BLOB}"]


def test_a_named_scheme_that_is_not_offered_is_not_sent_to_a_guessed_host(authentication):
    carrier = Carrier(answer(401, "Negotiate"), answer(401), answer(401, "Basic realm=x"), answer())
    asker = authentication(carrier, "Basic")
    for cause in ("does not offer logon by Basic", "usable logon: nothing"):
        with pytest.raises(ntlm_kerberos.Unusable, match=cause):
            post(asker, unasked=False)
    assert post(asker, unasked=False).status == 200
    assert carrier.sent == [None, None, None, f"Basic {BLOB}"]


class WindowsDoor(Carrier):
    """A server on one connection that is never closed."""

    def __init__(self, *answers):
        super().__init__(*answers)
        self.authenticated = {}

    def connect(self, url, watch, phase):
        return b"certificate"


@pytest.fixture
def opening(monkeypatch):
    """`opening(token)`: the first token that is made, whatever is installed here."""

    class Made:
        def __init__(self, *_):
            pass

        def begin(self):
            return self.token

    def make(token):
        Made.token = token
        for name, stands in (("Handshake", Made), ("available", lambda: True)):
            monkeypatch.setattr(ntlm_kerberos, name, stands)
        monkeypatch.setattr(ntlm_kerberos, "end_point", lambda certificate: b"")
        return f"Negotiate {base64.b64encode(token).decode()}"

    return make


#: NTLM's first message as MS-NLMP 4.2.2 begins it, inside of SPNEGO.
NTLM_FIRST = b"\x60\x28\x06\x06+\x06\x01\x05\x05\x02" + b"NTLMSSP\0\x01\0\0\0" + bytes(20)


def test_after_a_first_message_that_proves_nothing_another_scheme_follows(authentication, opening):
    first = opening(NTLM_FIRST)
    offers = answer(401, "Basic realm=x")
    carrier = WindowsDoor(offers, offers, answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    assert post(asker).status == 200
    assert carrier.sent == [first, None, f"Basic {BLOB}"]


def test_a_ticket_that_a_server_does_not_ask_for_was_not_judged(authentication, opening):
    first = opening(b"\x60\x82a ticket")
    offers = answer(401, "Basic realm=x")
    carrier = WindowsDoor(offers, offers, answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    assert post(asker).status == 200
    assert carrier.sent == [first, None, f"Basic {BLOB}"]


def test_after_a_ticket_that_was_judged_no_weaker_scheme_follows(authentication, opening):
    first = opening(b"\x60\x82a ticket")
    carrier = WindowsDoor(answer(401, "Negotiate", "Basic realm=x"), answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    with pytest.raises(CheckFailure, match="refuses user probe"):
        post(asker)
    assert carrier.sent == [first]
