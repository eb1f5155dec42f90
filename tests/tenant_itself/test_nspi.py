"""The practice tenant's address book, held against the recorded sessions of a real server, and what
the reference sheet says of the other. No client code of the check takes part.
"""

from __future__ import annotations

import http.client
import json
import struct

import pytest

from ..tenant import mapi_faults, nspi_faults
from ..tenant.mapi_store import Mailbox
from ..tenant.wire import HERE, Wire

RECORDED = "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
#: The people of the recordings: name -> display name, number of the LegacyDN.
PEOPLE = {
    "probe": ("Probe Mailbox", "0100000001000000"),
    "alice": ("Alice Example", "0100000002000000"),
    "dis": ("Disabled User", "0100000006000000"),
    "gone": ("Deleted User", "0100000007000000"),
    "uml": ("Jörg Müller", "0100000009000000"),
    "ja": ("テスト 太郎", "010000000a000000"),
    "m12": ("Mailbox 12", "010000001e000000"),
}
#: Exchanges whose values the practice tenant's people do not have, by the beginning of their note.
LEFT_OUT = ("binary columns", "columns naming the home server")

#: How many exchanges are compared, and sessions that the recording leaves open.
REPLAYED = {
    "ok_nspi_session_minimal": (3, 0),
    "ok_nspi_resolvenames": (30, 0),
    "err_nspi_bind": (15, 6),
    "err_nspi_session": (45, 0),
}

STAT = bytes(24) + struct.pack("<III", 1252, 0x409, 0x409)
BIND = bytes(4) + b"\xff" + STAT + bytes(4)
COLUMNS = (0x3001001F, 0x39FE001F, 0x3003001F)
UNBIND = bytes(8)


@pytest.fixture
def dial(tenant):
    """`dial(user)` -> Wire at the address book."""
    wires = []

    def make(user="healthy"):
        wires.append(Wire(tenant, user))
        wires[-1].target = wires[-1].target.replace("/emsmdb/", "/nspi/")
        return wires[-1]

    yield make
    assert tenant.crashes == []
    for wire in wires:
        wire.http.close()


def resolve(*names, columns=COLUMNS):
    """A ResolveNames request."""
    words = b"".join(name.encode("utf-16-le") + b"\0\0" for name in names)
    tags = struct.pack(f"<I{len(columns)}I", len(columns), *columns)
    return (
        bytes(4) + b"\xff" + STAT + b"\xff" + tags + b"\xff" + struct.pack("<I", len(names)) + words
    ) + bytes(4)


def ids(body):
    """The minimal ids, and the text of what follows them."""
    count = struct.unpack_from("<I", body, 13)[0]
    return struct.unpack_from(f"<{count}I", body, 17), body[17 + 4 * count :]


def recording(name):
    """The exchanges of a recording, with the practice tenant's domain in the place of its own."""
    text = (HERE / "nspi" / f"{name}.json").read_text()
    there, here = "@example.test", "@practice.example"
    for encoding in ("utf-16-le", "ascii"):
        text = text.replace(there.encode(encoding).hex(), here.encode(encoding).hex())
        text = text.replace(
            there.upper().encode(encoding).hex(), here.upper().encode(encoding).hex()
        )
    return json.loads(text)["exchanges"]


def cookies(headers):
    """(name, value) of each Set-Cookie, in order."""
    return [tuple(value.split("=", 1)) for name, value in headers if name == "Set-Cookie"]


def settled(body, entity):
    """A recorded answer as the tenant gives it: its time, and its ServerGuid."""
    head, _, rest = entity.partition(b"\r\n\r\n")
    if not head.startswith(b"PROCESSING"):
        return entity
    if len(rest) == 28 and rest[:8] == bytes(8):
        rest = rest[:8] + body[-20:-4] + rest[-4:]
    lines = head.split(b"\r\n")[:-1]
    return b"\r\n".join([*lines, body.split(b"\r\n")[3]]) + b"\r\n\r\n" + rest


@pytest.mark.parametrize("name", REPLAYED)
def test_a_session_as_recorded(tenant, dial, name):
    tenant.flavour = "gromox"
    tenant.mapi.store.mailboxes.clear()
    for who, (display, number) in PEOPLE.items():
        tenant.mapi.store.add(Mailbox(who, display=display, dn=f"{RECORDED}{number}-{who}"))
    wire, own, replayed = dial("probe"), {}, 0
    for exchange in recording(name):
        ask, there = exchange["request"], exchange["response"]
        headers = {
            key: text for key, text in ask["headers"] if key not in ("Host", "Content-Length")
        }
        headers["Authorization"] = wire.basic
        for recorded, mine in own.items():
            headers["Cookie"] = headers.get("Cookie", "").replace(recorded, mine)
        found = wire.send("POST", ask["target"], headers, bytes.fromhex(ask["body_hex"]))
        own.update(zip(dict(cookies(there["headers"])).values(), dict(cookies(found[1])).values()))
        if exchange["note"].startswith(LEFT_OUT):
            continue
        replayed += 1
        left, right, note = dict(found[1]), dict(there["headers"]), exchange["note"]
        same = [key for key in right if key.startswith("X-") or key == "Content-Type"]
        assert {key: left.get(key) for key in same} == {key: right[key] for key in same}, note
        assert [key for key, _ in cookies(found[1])] == [
            key for key, _ in cookies(there["headers"])
        ]
        assert found[2] == settled(found[2], bytes.fromhex(there["body_hex"])), note
    assert (replayed, tenant.open_sessions()) == REPLAYED[name]


def test_refused_logons_as_recorded(tenant, dial):
    tenant.flavour, tenant.schemes = "gromox", ("Basic", "Negotiate")
    wire = dial()
    for exchange in recording("err_nspi_auth"):
        ask, there = exchange["request"], exchange["response"]
        if there["status"] == 401:
            headers = {
                key: text for key, text in ask["headers"] if key not in ("Host", "Content-Length")
            }
            status, pairs, body = wire.send(
                "POST", ask["target"], headers, bytes.fromhex(ask["body_hex"])
            )
            offers = [value for key, value in pairs if key == "WWW-Authenticate"]
            same = [value for key, value in there["headers"] if key == "WWW-Authenticate"]
            assert (status, offers, body.hex()) == (401, same, there["body_hex"]), exchange["note"]
    assert len(tenant.logons) == 6


def test_a_gromox_answers_addresses_it_does_not_know_with_404(tenant, dial):
    tenant.flavour = "gromox"
    wire = dial()
    wire.target = wire.target.replace("/nspi/?MailboxId", "/NSPI/?mailboxid")
    assert wire.mapi("Bind", BIND)[0] == 0
    assert wire.mapi("Bind", BIND, target="/mapi/nspi/")[0] == 404
    assert wire.send("GET", wire.target, wire.headers("Bind"))[0] == 404


def test_a_session_with_an_exchange(tenant, dial):
    wire = dial()
    assert wire.mapi("Bind", BIND)[0] == 0
    assert wire.last["X-FEServer"] == "EXFE01"
    assert [*wire.cookies] == ["MapiContext", "MapiSequence", "MapiRouting"]
    code, body = wire.mapi("ResolveNames", resolve("healthy@practice.example", wire.box.dn.upper()))
    found, rest = ids(body)
    assert (code, found, struct.unpack_from("<I", body, 8)) == (0, (2, 2), (1252,))
    row = b"\0" + b"".join(
        b"\xff" + text.encode("utf-16-le") + b"\0\0"
        for text in ("Practice Healthy", "healthy@practice.example", wire.box.dn)
    )
    assert rest == b"\xff" + struct.pack("<5I", 3, *COLUMNS, 2) + row * 2 + bytes(4)
    assert wire.mapi("Unbind", UNBIND) == (0, bytes.fromhex("00000000 01000000 00000000"))
    assert tenant.open_sessions() == 0
    assert wire.mapi("Unbind", UNBIND)[0] == 10


@pytest.mark.parametrize(("flavour", "unknown", "twin"), [("exchange", 0, 2), ("gromox", 1, 1)])
def test_who_is_found(tenant, dial, flavour, unknown, twin):
    tenant.flavour = flavour
    wire = dial("hidden")
    wire.mapi("Bind", BIND)
    names = ("hidden@practice.example", wire.box.dn, "nobody@practice.example", "", "practice")
    found, _ = ids(wire.mapi("ResolveNames", resolve(*names))[1])
    assert found == (unknown, unknown, unknown, 0, 1)
    names = (
        "twin@practice.example",
        tenant.mapi.store.mailboxes["twin"].dn,
        "=SMTP:twin@practice.example",
    )
    found, _ = ids(wire.mapi("ResolveNames", resolve(*names))[1])
    assert found == (twin, 2, twin)


def test_refusals_of_an_exchange(tenant, dial):
    wire = dial()
    assert wire.mapi("ResolveNames", resolve("x"))[0] == 13
    wire.mapi("Bind", BIND)
    assert wire.mapi("Execute", b"")[0] == 5
    assert wire.mapi("ResolveNames", b"\0")[0] == 12
    assert (
        wire.mapi(
            "ResolveNames", resolve("x"), Cookie=wire.jar().replace("Sequence=", "Sequence=0")
        )[0]
        == 15
    )
    assert wire.mapi("ResolveNames", resolve("x"))[0] == 0
    assert wire.mapi("Bind", BIND, target="/mapi/nspi/?MailboxId=1@practice.example")[0] == 3
    # A second Bind takes the place of the first session.
    assert (wire.mapi("Bind", BIND)[0], tenant.open_sessions()) == (0, 1)


@pytest.mark.parametrize(("flavour", "code"), [("exchange", 10), ("gromox", 2)])
def test_cookies_of_the_other_endpoint(tenant, dial, flavour, code):
    tenant.flavour = flavour
    wire, book = Wire(tenant), dial()
    assert (wire.connect()[0], book.mapi("Bind", BIND)[0]) == (0, 0)
    assert wire.mapi("PING", b"", Cookie=book.jar())[0] == code
    assert book.mapi("PING", b"", Cookie=wire.jar())[0] == code
    assert (book.mapi("PING", b"")[0], wire.mapi("PING", b"")[0]) == (0, 0)
    wire.http.close()


#: Fault -> minimal ids of address and LegacyDN.
IDS = {
    "unresolved": (0, 0),
    "dn-unresolved": (2, 0),
    "address-unresolved": (0, 2),
    "ambiguous": (1, 1),
    "dn-ambiguous": (2, 1),
    "address-ambiguous": (1, 2),
    "stranger": (2, 2),
    "no-rows": (2, 2),
    "missing-columns": (2, 2),
}


def test_faults_of_name_resolution(tenant, dial):
    wire = dial()
    wire.mapi("Bind", BIND)
    assert set(IDS) == set(nspi_faults.RESOLVING)
    for fault, numbers in IDS.items():
        tenant.faults.on("nspi-resolvenames", fault, 1, "healthy")
        ask = resolve("healthy@practice.example", wire.box.dn)
        found, rest = ids(wire.mapi("ResolveNames", ask)[1])
        assert found == numbers, fault
        rows = 0 if fault == "no-rows" else numbers.count(2)
        assert struct.unpack_from("<I", rest, 17) == (rows,), fault
        assert ("foreign".encode("utf-16-le") in rest) is (fault == "stranger")
        assert (bytes.fromhex("0a0f010480") in rest) is (fault == "missing-columns")


def test_error_codes_and_statuses(tenant, dial):
    wire = dial()
    tenant.faults.on("nspi-bind", "error-80040111", 1)
    assert wire.mapi("Bind", BIND) == (0, bytes.fromhex("00000000 11010480") + bytes(20))
    assert (wire.cookies, tenant.open_sessions()) == ({}, 0)
    tenant.faults.on("nspi-bind", "status-6ba", 1)
    assert wire.mapi("Bind", BIND) == (0, struct.pack("<II", 0x6BA, 0))
    wire.mapi("Bind", BIND)
    tenant.faults.on("nspi-resolvenames", "error-80040405", 1)
    code, body = wire.mapi("ResolveNames", resolve("x"))
    assert (code, body) == (0, struct.pack("<III", 0, 0x80040405, 1252) + bytes(6))
    tenant.faults.on("nspi-unbind", "error-00000002", 1)
    assert wire.mapi("Unbind", UNBIND) == (0, struct.pack("<III", 0, 2, 0))
    for place, fault in (("nspi-bind", "stranger"), ("mapi-connect", "error-80040111")):
        with pytest.raises(KeyError):
            tenant.faults.on(place, fault)


@pytest.mark.parametrize("place", nspi_faults.PLACES)
def test_every_fault_can_be_had_at_every_place(tenant, dial, place):
    bodies = {"Bind": BIND, "ResolveNames": resolve("x"), "Unbind": UNBIND}
    for fault in {*mapi_faults.NAMES, "http-503", "truncated", "bearer-only"} - {"pending-forever"}:
        wire = dial()
        for kind, body in bodies.items():
            if place == f"nspi-{kind.lower()}":
                tenant.faults.on(place, fault, 1)
            try:
                wire.mapi(kind, body)
            except (http.client.HTTPException, OSError):
                wire.http.close()
        assert tenant.faults.take(place) is None, fault
        wire.http.close()


def test_autodiscover_names_the_address_book(dial):
    wire = dial()
    for name, part in {
        "healthy": f"<InternalUrl>{{url}}{wire.target}</InternalUrl><ExternalUrl>{{url}}{wire.target}<",
        "book-inside": "<AddressBook><InternalUrl>{url}/mapi/nspi/?MailboxId=",
        "book-missing": "<AddressBook><ExternalUrl>{url}/gone/</ExternalUrl></AddressBook>",
        "book-foreign": "<AddressBook><ExternalUrl>https://mail.elsewhere.example/mapi/nspi/?",
    }.items():
        assert part.format(url=wire.tenant.url) in wire.discover(name)[1], name
    without = wire.discover("no-address-book")[1]
    assert "</MailStore></Protocol>" in without
    assert "AddressBook" not in without
