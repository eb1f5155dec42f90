"""What stands for an address is always the same, and as long."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.record.options import known
from check_mapi_connectivity.secrecy.standins import Standins

ADDRESS = "probe@contoso.com"


@pytest.fixture
def standins(options):
    def make(*texts, mailboxes=(ADDRESS,), user=None):
        chosen = options(
            mailboxes=mailboxes, methods=("mapi",), login=Login(user, Secret("x")) if user else None
        )
        made = Standins(known(chosen)[1])
        made.learn(texts)
        return made

    return make


def test_in_any_case_and_percent_encoded(standins):
    made = standins()
    for text, expected in (
        (ADDRESS, "m1xxx@d1x.example"),
        ("PROBE@Contoso.COM", "m1xxx@d1x.example"),
        ("/users/probe%40contoso.com/mail", "/users/m1xxx%40d1x.example/mail"),
        ("https://mail.contoso.com/x", "https://mail.d1x.example/x"),
        ("other@contoso.com", "m2xxx@d1x.example"),
        ("notcontoso.com contoso.community", "notcontoso.com contoso.community"),
    ):
        assert made.text(text) == expected
        assert made.text(expected) == expected


def test_as_long_where_there_is_room(standins):
    made = standins(mailboxes=("somebody@mail.contoso.example",))
    found = made.text("somebody@mail.contoso.example")
    assert found == "m1xxxxxx@d1xxxxxxxxxx.example"
    assert len(found) == len("somebody@mail.contoso.example")


def test_one_that_was_cut_stays_the_same(standins):
    made = standins(mailboxes=("somebody@mail.contoso.example",))
    whole = made.text("somebody@mail.contoso.example")
    assert made.text("at somebody@mail.conto") == f"at {whole[: len('somebody@mail.conto')]}"


def test_domains_of_microsoft_stay(standins):
    made = standins("x@outlook.com")
    text = "autodiscover-s.outlook.com m3x@outlook.com"
    assert made.text("autodiscover-s.outlook.com me2@outlook.com") == text


def test_login_names(standins):
    made = standins(user="CONTOSO\\monitor")
    assert made.text("user CONTOSO\\monitor by NTLM") == "user ORG1xxx\\login1x by NTLM"
    assert made.text('{"u": "contoso\\\\monitor"}') == '{"u": "ORG1xxx\\\\login1x"}'


def test_binary_data_keeps_its_size(standins):
    made = standins(mailboxes=("somebody@mail.contoso.example",))
    plain = "somebody@mail.contoso.example"
    data = b"\1\2" + plain.encode() + b"\0\0" + plain.upper().encode("utf-16-le") + b"\xff"
    found = made.data(data)
    assert len(found) == len(data)
    stand = made.text(plain)
    assert found == b"\1\2" + stand.encode() + b"\0\0" + stand.encode("utf-16-le") + b"\xff"


def test_a_guid_is_the_same_everywhere(standins):
    guid = "11111111-2222-3333-4444-5555555555AA"
    made = standins("id 99999999-2222-3333-4444-555555555555", mailboxes=(guid,))
    stand = "00000000-0000-0000-0000-000000000001"
    assert made.text(guid) == stand
    assert made.text(f"?MailboxId={guid.lower()}@contoso.com") == f"?MailboxId={stand}@d2x.example"
    assert made.data(uuid.UUID(guid).bytes_le) == uuid.UUID(stand).bytes_le
    other = "id 99999999-2222-3333-4444-555555555555"
    assert made.text(other) == other


@pytest.mark.parametrize(
    ("mailbox", "stand"),
    [
        ("dana@münchen.de", "m1xx@d1.example"),
        ("dana@firma.xn--p1ai", "m1xx@d1xxxx.example"),
        ("dana@corp", "m1xx@d1.example"),
        ("x_gmail.com#EXT#@münchen.de", "m1xxxxxxxxx#EXT#@d1.example"),
        ("o'brien@fabrikam.com", "m1xxxxx@d1xx.example"),
    ],
)
def test_every_address_that_can_be_given(standins, mailbox, stand):
    """The first one met is a longer one, or one of its spellings."""
    made = standins(f'"{mailbox}" {mailbox}.more a{mailbox}', mailboxes=(mailbox,))
    assert made.text(mailbox) == stand
    assert made.text(mailbox.upper().replace("#EXT#", "#ext#")) == stand
    assert made.text(stand) == stand


def test_the_host_of_a_domain_beyond_ascii(standins):
    made = standins(mailboxes=("dana@münchen.de",))
    text = "https://autodiscover.xn--mnchen-3ya.de/x"
    assert made.text(text) == "https://autodiscover.d1.example/x"


@pytest.mark.parametrize(
    ("text", "stand"),
    [
        ("o.brien&#64;contoso.com", "m1xxxxx&#64;d1x.example"),
        ("o.brien%2540contoso.com", "m1xxxxx%2540d1x.example"),
        ("Resource 'o.brien' is not", "Resource 'm1xxxxx' is not"),
        ("o'hara@contoso.com", "m2xxxx@d1x.example"),
        ("dana#x@contoso.com", "m2xxxx@d1x.example"),
        ("a!b@contoso.com", "m2x@d1x.example"),
        ('"dana smith"@contoso.com', "m2xxxxxxxxxx@d1x.example"),
        ("jose@firma.xn--p1ai", "m2xx@d2xxxx.example"),
        ("josé@münchen.de", "m2xx@d2.example"),
        ("value@odata.context", "m2xxx@odata.context"),
    ],
)
def test_other_spellings_and_addresses(options, text, stand):
    made = Standins(known(options(mailboxes=("o.brien@contoso.com",), tenant="contoso.com"))[1])
    made.learn([text])
    assert made.text(text) == stand


@pytest.mark.parametrize(
    ("text", "stand"),
    [
        ("CORPNET\\svc-mon", "ORG1xxx\\login1x"),
        ("CORPNET/svc-mon", "ORG1xxx/login1x"),
        ("corpnet%5Csvc-mon", "ORG1xxx%5Clogin1x"),
        ("svc-mon@CORPNET", "login1x@d3.example"),
        ("account svc-mon of CORPNET", "account login1x of ORG1xxx"),
    ],
)
def test_the_parts_of_a_login_name(standins, text, stand):
    assert standins(user="CORPNET\\svc-mon").text(text) == stand


@pytest.mark.parametrize("user", ["mapi", "graph", "exchange", "https", "Success", "value"])
def test_a_login_name_that_is_a_word_of_the_protocol(standins, user):
    made = standins(user=user)
    text = f"https://graph/exchange/mapi value Success {user}"
    assert made.text(text) == text
    # Our own words around it tell it.
    assert made.text(f"{user} by NTLM") == f"{made.login(user)} by NTLM"
    assert user not in made.login(user)


def test_a_word_that_the_recording_is_made_of(options):
    login = Login("inventory", Secret("x"))
    made = Standins(known(options(methods=("mapi",), login=login, credential=None))[1])
    made.learn([], words=["inventory"])
    assert made.text("the inventory") == "the inventory"


def test_names_and_dns_of_mailboxes(standins):
    dn = "/o=Practice/ou=First/cn=Recipients/cn=abc-Dana"
    made = standins(f"DN {dn}", dn.encode("utf-16-le").decode("latin-1"))
    made.learn([f"DN {dn}"], named=["Dana Smith"])
    assert made.text(f"{dn} of DANA SMITH") == (
        "/o=Practice/ou=First/cn=Recipients/cn=leaf1xxx of Name 1xxxx"
    )
    data = b"\1" + f"{dn}\0Dana Smith".encode("utf-16-le") + dn.encode()
    found = made.data(data)
    assert len(found) == len(data)
    for name in ("abc-Dana", "Dana Smith"):
        assert name.encode() not in found
        assert name.encode("utf-16-le") not in found


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_text_has_one_answer(standins, text):
    made = standins(text)
    assert made.text(text) == made.text(text)
