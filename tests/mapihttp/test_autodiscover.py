"""Autodiscover documents: what they may say, and what XML may do to a reader."""

from __future__ import annotations

import encodings
import pkgutil
from encodings.aliases import aliases
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import autodiscover
from check_mapi_connectivity.mapihttp.autodiscover import (
    Alternative,
    RedirectAddress,
    RedirectUrl,
    Refusal,
    Settings,
    read,
)
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import assert_value_or_error, patient, peak


def document(inner):
    return f"<Autodiscover><Response>{inner}</Response></Autodiscover>".encode()


def account(inner):
    return document(f"<Account>{inner}</Account>")


#: Reference sheet mapi-http 1.3, and an EXCH protocol beside it.
SETTINGS = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
 <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
  <User>
   <DisplayName>Probe Mailbox</DisplayName>
   <LegacyDN>/o=Contoso/cn=Recipients/cn=4f2c-probe</LegacyDN>
   <AutoDiscoverSMTPAddress>probe@contoso.com</AutoDiscoverSMTPAddress>
   <DeploymentId>11223344</DeploymentId>
  </User>
  <Account>
   <AccountType>email</AccountType>
   <Action>settings</Action>
   <Protocol><Type>EXCH</Type><Server>a@b</Server></Protocol>
   <Protocol><Type>EXCH</Type><Server>c@d</Server></Protocol>
   <Protocol Type="mapiHttp" Version="1">
    <MailStore>
     <InternalUrl>https://in.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com</InternalUrl>
     <ExternalUrl> https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com&amp;a=b
     </ExternalUrl>
    </MailStore>
    <AddressBook><InternalUrl>https://in.contoso.com/mapi/nspi/</InternalUrl></AddressBook>
   </Protocol>
   <Protocol><Type>WEB</Type></Protocol>
   <AlternativeMailbox>
    <Type>Archive</Type><DisplayName>In-Place Archive</DisplayName>
    <LegacyDN>/o=C/cn=p/guid=1</LegacyDN><Server>2@contoso.com</Server>
   </AlternativeMailbox>
   <AlternativeMailbox>
    <Type>Delegate</Type><DisplayName>Sales</DisplayName>
    <SmtpAddress>sales@contoso.com</SmtpAddress><OwnerSmtpAddress>a@b</OwnerSmtpAddress>
   </AlternativeMailbox>
  </Account>
 </Response>
</Autodiscover>"""


def test_settings():
    found = read(SETTINGS.encode())
    internal = "https://in.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com"
    external = "https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com&a=b"
    assert found == Settings(
        "/o=Contoso/cn=Recipients/cn=4f2c-probe",
        "probe@contoso.com",
        "Probe Mailbox",
        "11223344",
        "a@b",
        ((internal, external),),
        ("EXCH", "MAPIHTTP", "WEB"),
        (("https://in.contoso.com/mapi/nspi/", ""),),
        (
            Alternative("Archive", "In-Place Archive", "/o=C/cn=p/guid=1", "2@contoso.com", ""),
            Alternative("Delegate", "Sales", "", "", "sales@contoso.com"),
        ),
    )
    assert found.urls[0] == external
    assert found.address_book_urls == ("https://in.contoso.com/mapi/nspi/",)
    for coding in ("utf-16", "utf-16-le"):
        declared = SETTINGS.replace('encoding="utf-8"', 'encoding="utf-16"')
        data = declared.encode(coding)
        assert read(data if coding == "utf-16" else b"\xff\xfe" + data) == found
    prefixed = SETTINGS.replace("<Account", "<x:Account").replace("</Account", "</x:Account")
    assert read(prefixed.replace("<Response ", "<Response xmlns:x='y' ").encode()) == found


@pytest.mark.parametrize(
    ("stores", "url"),
    [
        ("", ""),
        ("<Protocol Type='mapiHttp'/>", ""),
        ("<Protocol Type='mapiHttp'><MailStore/></Protocol>", ""),
        (
            "<Protocol Type='mapiHttp'><MailStore><InternalUrl>i</InternalUrl></MailStore></Protocol>",
            "i",
        ),
        (
            "<Protocol Type='MAPIHTTP'><MailStore><ExternalUrl>e</ExternalUrl></MailStore></Protocol>",
            "e",
        ),
        (
            "<Protocol><Type>mapiHttp</Type><MailStore><ExternalUrl>c</ExternalUrl></MailStore></Protocol>",
            "c",
        ),
        ("<Protocol Type='WEB'><MailStore><ExternalUrl>e</ExternalUrl></MailStore></Protocol>", ""),
        (
            "<Protocol Type='mapiHttp'/>"
            "<Protocol Type='mapiHttp'><MailStore><InternalUrl>2</InternalUrl></MailStore></Protocol>",
            "2",
        ),
    ],
)
def test_stores(stores, url):
    assert next(iter(read(account(stores)).urls), "") == url


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (account("<Action>redirectAddr</Action><RedirectAddr> a@b </RedirectAddr>"), RedirectAddress("a@b")),
        (account("<Action>RedirectAddr</Action>"), RedirectAddress("")),
        (account("<Action>redirectUrl</Action><RedirectUrl>https://a/b?c&amp;d</RedirectUrl>"), RedirectUrl("https://a/b?c&d")),
        (document("<Error><ErrorCode>500</ErrorCode><Message>no such user</Message></Error>"), Refusal(500, "no such user")),
        (account("<Error><ErrorCode> 603 </ErrorCode></Error><Action>settings</Action>"), Refusal(603, "")),
        (document("<Error/>"), Refusal(0, "")),
        (document("<Error><ErrorCode>-5</ErrorCode></Error>"), Refusal(0, "")),
        (document("<Error><ErrorCode>٣</ErrorCode></Error>"), Refusal(0, "")),
        (document(f"<Error><ErrorCode>{'9' * 5000}</ErrorCode></Error>"), Refusal(0, "")),
        (document(""), Settings("", "", "", "", "", ())),
    ],
)  # fmt: skip
def test_other_answers(data, expected):
    assert read(data) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no XML"),
        (b"{}", "no XML"),
        (b"<html><body>Sign in</body></html>", "no Autodiscover document"),
        (b"<Autodiscover/>", "no Autodiscover document"),
        (b"<Autodiscover><Response></Autodiscover>", "no XML"),
        (document("&nbsp;"), "no XML"),
        (document("\0"), "no XML"),
        (document("")[:-1], "no XML"),
        (document("") * 2, "no XML"),
        (b"\xff" + document(""), "no XML"),
        (
            document("<x>\ud800</x>".encode("utf-8", "surrogatepass").decode("latin-1"))[:60],
            "no XML",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + document("&b;"), "document type"),
        (b'<!DOCTYPE a SYSTEM "http://192.0.2.1/">' + document(""), "document type"),
        (b"<?xml version='1.0' encoding='utf-7'?>" + document(""), "encoding"),
        (b"<?xml version='1.0' encoding='unicode_escape'?>" + document(""), "encoding"),
        (document("<a>" * 40 + "</a>" * 40), "too many"),
        (document("<a/>" * 5000), "too many"),
        (document("a" * (1 << 20)), "too long"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(WireError, match=message):
        read(data)


def test_names_of_encodings_load_nothing():
    names = {module.name for module in pkgutil.iter_modules(encodings.__path__)} | set(aliases)
    for name in sorted(names | {"../x", "x" * 200, "UTF-8", "hex", "undefined"}):
        assert_value_or_error(
            read, f"<?xml version='1.0' encoding='{name}'?><a>\xe4\\x</a>".encode("latin-1")
        )


#: A billion laughs, and the same with parameters and from outside.
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "data",
    [
        f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode(),
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "' + b"c" * 100000 + b'">]><a>' + b"&b;" * 100000 + b"</a>",
    ],
)
def test_entities(data):
    found, most = peak(lambda: read(data))
    assert "document type" in str(found)
    assert most < 4 << 20


@pytest.mark.parametrize(
    "data",
    [
        document("ab\n" * 340000),
        document("&#65;&#66;" * 100000),
        document("<a>" * 100000),
        document("<a/>" * 100000),
        document("<a " + " ".join(f'b{n}=""' for n in range(90000)) + "/>"),
        document("<LegacyDN>" + "x" * 1000000 + "</LegacyDN>"),
        # A namespace is repeated in the name of everything that it qualifies.
        b"<Autodiscover xmlns='" + b"u" * 500000 + b"'><Response>"
        + b"".join(b"<a%d/>" % n for n in range(4000)) + b"</Response></Autodiscover>",
        b"<Autodiscover xmlns:x='" + b"u" * 500000 + b"' "
        + b" ".join(b"x:a%d=''" % n for n in range(20000)) + b"><Response/></Autodiscover>",
    ],
)  # fmt: skip
def test_memory_stays_bounded(data):
    _, most = peak(lambda: assert_value_or_error(read, data))
    assert most < 32 << 20


def test_a_request_names_the_mailbox():
    root = ET.fromstring(autodiscover.request("a&b<c>@contoso.com").decode())
    inner = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006}"
    (request,) = root
    assert [element.tag for element in request] == [
        f"{inner}EMailAddress",
        f"{inner}AcceptableResponseSchema",
    ]
    assert request[0].text == "a&b<c>@contoso.com"
    assert request[1].text.endswith("/outlook/responseschema/2006a")


@patient
@given(st.text())
def test_any_address_gives_a_request(address):
    assert autodiscover.request(address).startswith(b"<?xml")


@patient
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes(data, wrapped):
    assert_value_or_error(read, document("")[:24] + data + document("")[24:] if wrapped else data)


PIECES = st.sampled_from(
    [
        *("<Account>", "</Account>", "<Action>", "</Action>", "redirectUrl", "redirectAddr", "x"),
        *(
            "<Error>",
            "</Error>",
            "<ErrorCode>",
            "</ErrorCode>",
            "500",
            "&amp;",
            "&b;",
            "<!--",
            "-->",
        ),
        *("<Protocol Type='mapiHttp'>", "</Protocol>", "<MailStore>", "</MailStore>", "<![CDATA["),
        *("<RedirectUrl>https://a/</RedirectUrl>", "]]>", "<x:y/>", "<?pi?>", "\u20ac", "<", "\r"),
    ]
)


@patient
@given(st.lists(PIECES, max_size=15))
def test_any_pieces(pieces):
    assert_value_or_error(read, document("".join(pieces)))
    assert_value_or_error(read, account("".join(pieces)))


def test_the_json_kind():
    named = b'{"Protocol":"AutodiscoverV1","Url":"https://mail.contoso.com/autodiscover/x.xml"}'
    assert autodiscover.read_json(named) == "https://mail.contoso.com/autodiscover/x.xml"
    refused = b'{"ErrorCode":"InvalidProtocol","ErrorMessage":"The given protocol is invalid"}'
    with pytest.raises(WireError, match="names no address: The given protocol is invalid"):
        autodiscover.read_json(refused)
    for data in (b"", b"[]", b"\xff", b'{"Url":5}', b"[" * 100_000, b'{"Url":"' + bytes(2 << 20)):
        with pytest.raises(WireError):
            autodiscover.read_json(data)


@given(st.binary())
def test_any_bytes_of_the_json_kind(data):
    assert_value_or_error(autodiscover.read_json, data)
