"""What stands for an address is always the same, and as long."""

from __future__ import annotations

import uuid

import pytest

from check_mapi_connectivity.options import Login, Secret
from check_mapi_connectivity.standins import Standins, fitted

ADDRESS = "probe@contoso.com"


@pytest.fixture
def standins(options):
    def make(*texts, mailboxes=(ADDRESS,), user=None):
        chosen = options(
            mailboxes=mailboxes, methods=("mapi",), login=Login(user, Secret("x")) if user else None
        )
        made = Standins(chosen)
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


def test_fitted():
    assert (fitted("abcdef", 3), fitted("a", 3)) == ("abc", "axx")
