"""The practice tenant's nodes, archives, Bearer challenges and Autodiscover v2. No client code of the
check takes part.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import urllib.parse

import pytest

from ..tenant import bearer
from ..tenant.directory import TENANT_ID
from ..tenant.nodes import Node
from ..tenant.wire import TwoLegs, Wire, listing, recorded

NEW = [0xFFFFFFFF]


@pytest.fixture
def wire(tenant):
    """The healthy user at the tenant's own address."""
    found = Wire(tenant)
    yield found
    assert tenant.crashes == []
    found.http.close()


class At(Wire):
    """A user at a node: its address, and the name that the certificate is for."""

    def __init__(self, tenant, address, user="healthy", name="localhost"):
        super().__init__(tenant, user)
        trust = ssl.create_default_context(cafile=tenant.material.ca_file)
        self.http.close()
        self.http = http.client.HTTPSConnection(name, tenant.port, context=trust, timeout=5)
        where = (address, tenant.port)
        self.http._create_connection = lambda _, *more: socket.create_connection(where, *more)


def test_nodes_name_themselves(tenant):
    tenant.node("127.0.0.2", "EX02", back_end="EX04", headers=[("Set-Cookie", "LB=two; path=/")])
    tenant.node("127.0.0.3", "EX03")
    seen = {}
    for address in ("127.0.0.2", "127.0.0.3"):
        wire = At(tenant, address)
        assert wire.connect()[0] == 0
        names = ("X-FEServer", "X-BEServer", "X-DiagInfo", "X-CalculatedBETarget")
        seen[address] = [wire.last[name] for name in names]
        assert ("LB" in wire.cookies) is (address == "127.0.0.2")
        assert "Set-Cookie" in wire.last
        assert wire.mapi("Disconnect", bytes(4))[0] == 0
        headers = {"Authorization": wire.basic}
        _, pairs, _ = wire.send("POST", "/autodiscover/autodiscover.xml", headers, b"")
        assert dict(pairs)["X-FEServer"] == seen[address][0]
        status, pairs, _ = wire.send("POST", wire.target, {"X-RequestType": "Connect"})
        assert (status, dict(pairs)["X-FEServer"]) == (401, seen[address][0])
        wire.http.close()
    assert seen == {
        "127.0.0.2": ["EX02", "EX04", "EX04", "ex04.practice.example"],
        "127.0.0.3": ["EX03", "EXBE01", "EXBE01", "exbe01.practice.example"],
    }


def test_a_node_of_exchange_server_se_is_named_by_connect(tenant):
    tenant.flavour = "exchange-se"
    tenant.node("127.0.0.2", "SE02")
    wire = At(tenant, "127.0.0.2")
    assert b"se02.practice.example" in wire.connect()[1]
    assert "X-FEServer" not in wire.last
    wire.http.close()


FAULTS = {
    "refuse": ConnectionRefusedError,
    "certificate": ssl.SSLCertVerificationError,
    "untrusted": ssl.SSLCertVerificationError,
    "silent": socket.timeout,
    "quiet": socket.timeout,
    "close": OSError,
    "plain": ssl.SSLError,
    "http-503": 503,
    "http-500": 500,
    None: 0,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_node_fails_by_itself(tenant, wire, fault):
    tenant.node("127.0.0.4", "EX04", fault)
    node = At(tenant, "127.0.0.4")
    if fault in ("silent", "quiet"):
        node.http.timeout = 0.5
    if isinstance(FAULTS[fault], int):
        assert node.connect()[0] == FAULTS[fault]
    else:
        with pytest.raises(FAULTS[fault]):
            node.connect()
    node.http.close()
    assert wire.connect()[0] == 0
    tenant.reset()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.4", tenant.port), 5)


def test_the_clock_of_a_node_and_what_it_offers_by_alpn(tenant):
    tenant.node("127.0.0.2", "EX02", skew=-86400 * 400, alpn=["http/1.1"])
    wire = At(tenant, "127.0.0.2")
    wire.connect()
    ahead = Wire(tenant)
    ahead.connect()
    years = [int(one.last["Date"].split()[3]) for one in (wire, ahead)]
    assert 1 <= years[1] - years[0] <= 2
    trust = ssl.create_default_context(cafile=tenant.material.ca_file)
    trust.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.2", tenant.port), 5) as plain:
        with trust.wrap_socket(plain, server_hostname="localhost") as secured:
            assert secured.selected_alpn_protocol() == "http/1.1"
    for one in (wire, ahead):
        one.http.close()
    with pytest.raises(KeyError):
        Node("EX05", "no-such-fault")


def listed(wire, name):
    """The AlternativeMailbox elements that Autodiscover lists, each as a dictionary."""
    text = wire.discover(name)[1]
    found = text.split("<AlternativeMailbox>")[1:]
    parts = ("Type", "DisplayName", "LegacyDN", "Server", "SmtpAddress", "OwnerSmtpAddress")
    return [
        {part: one.split(f"<{part}>")[1].split("<")[0] for part in parts if f"<{part}>" in one}
        for one in (rest.split("</AlternativeMailbox>")[0] for rest in found)
    ]


def test_archives_that_autodiscover_lists(tenant, wire):
    boxes = tenant.mapi.store.mailboxes
    assert listed(wire, "healthy") == []
    archive = boxes["archived-archive"]
    named = {"LegacyDN": archive.dn, "Server": f"{archive.endpoint}@practice.example"}
    first = {"Type": "Archive", "DisplayName": "Archive archived", **named}
    assert listed(wire, "archived") == [first]
    assert archive.dn.startswith("/o=Practice/ou=") and archive.dn.endswith("/guid=archived")
    (second,) = listed(wire, "archived-smtp")
    assert set(second) == {"Type", "DisplayName", "SmtpAddress", "OwnerSmtpAddress"}
    assert second["SmtpAddress"] == "archived-smtp-archive@practice.example"
    own = wire.discover("archived-smtp-archive")[1]
    assert f"<LegacyDN>{boxes['archived-smtp-archive'].dn}</LegacyDN>" in own
    assert set(first) < set(listed(wire, "archived-both")[0])
    assert [one["Type"] for one in listed(wire, "assistant")] == ["Delegate"] * 2 + ["TeamMailbox"]


@pytest.mark.parametrize(
    ("user", "value"),
    [
        ("archived", 0),
        ("archived-smtp", 0),
        ("archive-offline", 0x80040111),
        ("archive-denied", 0x80070005),
    ],
)
def test_logon_to_an_archive(tenant, user, value):
    wire, archive = Wire(tenant, user), tenant.mapi.store.mailboxes[f"{user}-archive"]
    wire.target = wire.target.replace(wire.box.endpoint, archive.endpoint)
    assert wire.connect()[0] == 0
    answer = wire.execute(wire.logon(archive.name) + listing(), NEW * 3)
    assert ("Kept for years".encode("utf-16-le") in answer) is (value == 0)
    at = answer.index(b"\xfe\0") + 2
    assert int.from_bytes(answer[at : at + 4], "little") == value
    wire.http.close()


def test_nobody_finds_an_archive_that_is_gone(tenant):
    wire = Wire(tenant, "archive-gone")
    (one,) = listed(wire, "archive-gone")
    assert tenant.mapi.store.by_dn(one["LegacyDN"]) is None
    wire.http.close()


@pytest.mark.parametrize("fault", bearer.CHALLENGES)
def test_a_401_that_offers_bearer(tenant, wire, fault):
    tenant.schemes = ("Negotiate", "Basic")
    tenant.acceptors = {"Negotiate": TwoLegs()}
    tenant.faults.on("mapi-connect", fault, 1)
    status, pairs, _ = wire.send("POST", wire.target, {"X-RequestType": "Connect"})
    offers = [value for name, value in pairs if name == "WWW-Authenticate"]
    assert (status, offers[0].split(" ")[0]) == (401, "Bearer")
    more = ["Negotiate", 'Basic realm="practice.example"'] if fault == "bearer-challenge" else []
    assert offers[1:] == more
    assert (f"@{TENANT_ID}" in offers[0]) is (fault != "bearer-bare")
    assert ("login.elsewhere.example" in offers[0]) is (fault == "bearer-foreign")
    assert wire.connect()[0] == 0


def test_a_bearer_challenge_of_one_mailbox_at_autodiscover(tenant, wire):
    tenant.faults.on("autodiscover", "bearer-only", mailbox="shared")
    assert (wire.discover("shared")[0], wire.discover("healthy")[0]) == (401, 200)
    with pytest.raises(KeyError):
        tenant.faults.on("graph", "bearer-only")


V2 = "/AutoDiscover/autodiscover.json"


def test_autodiscover_v2(tenant, wire):
    def ask(protocol, name="healthy", path=V2, status=200):
        words = urllib.parse.urlencode({"Email": f"{name}@practice.example", "Protocol": protocol})
        found, pairs, body = wire.send("GET", f"{path}?{words}", {})
        assert (found, dict(pairs)["Content-Type"]) == (status, "application/json; charset=utf-8")
        return json.loads(body)

    xml = f"{tenant.url}/autodiscover/autodiscover.xml"
    assert ask("autodiscoverv1") == {"Protocol": "AutodiscoverV1", "Url": xml}
    assert ask("AutodiscoverV1", "nobody")["Url"] == xml
    cloud = ask("AutodiscoverV1", "in-cloud")["Url"]
    assert cloud == "https://outlook.office365.com/autodiscover/autodiscover.xml"
    assert "ActiveSync,Ews,AutodiscoverV1" in ask("Rest", status=400)["ErrorMessage"]
    tenant.json_protocols = ("ActiveSync", "Ews")
    assert ask("AutodiscoverV1", status=400)["ErrorCode"] == "InvalidProtocol"
    tenant.json_protocols = ("AutodiscoverV1",)
    whole = f"{V2}/v1.0/healthy@practice.example?Protocol=AutodiscoverV1"
    assert json.loads(wire.send("GET", whole, {})[2])["Url"] == xml
    tenant.faults.on("autodiscover-json", "http-503", 1, "healthy")
    assert wire.send("GET", whole, {})[0] == 503
    elsewhere = whole.replace("practice.example", "elsewhere.example")
    assert wire.send("GET", elsewhere, {})[0] == 404
    tenant.flavour = "gromox"
    assert wire.send("GET", whole, {})[0] == 404


def test_the_protocol_that_names_both_endpoints_is_as_recorded(tenant, wire):
    tenant.flavour = "gromox"
    begin, end = '<Protocol Type="mapiHttp" Version="1">', "</Protocol>"
    texts = [answer[2].decode() for _, answer in recorded("ok_autodiscover_pox")]
    there = next(text for text in texts if begin in text).split(begin)[1].split(end)[0]
    there = re.sub(r"https://[^/]+", tenant.url, re.sub(r"\s*\n\s*", "", there))
    there = re.sub(r"=[^=@]+@[^<]+<", f"={wire.box.endpoint}@practice.example<", there)
    assert wire.discover("healthy")[1].split(begin)[1].split(end)[0] == there
