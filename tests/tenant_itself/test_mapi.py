"""The practice tenant's Exchange on premises, held against the reference vectors and the recorded
sessions of a real server. No client code of the check takes part: a shared mistake shows here.
"""

from __future__ import annotations

import http.client
import json
import re
import struct
import threading
from urllib.parse import urlencode

import pytest

from ..tenant import mapi_faults
from ..tenant.entra import GRAPH, RESOURCE
from ..tenant.faults import MAPI_PLACES
from ..tenant.mapi_frames import compress, expand, only_block
from ..tenant.mapi_store import Mailbox
from ..tenant.material import CLIENT_IDS, TENANT_ID
from ..tenant.wire import LZ77, TwoLegs, Wire, contoso, header, listing, recorded, u32, vector

NEW = [0xFFFFFFFF] * 3
HEALTHY = "healthy@practice.example"


@pytest.fixture
def dial(tenant):
    """`dial(user)` -> Wire."""
    wires = []

    def make(user="healthy"):
        wires.append(Wire(tenant, user))
        return wires[-1]

    yield make
    assert tenant.crashes == []
    for wire in wires:
        wire.http.close()


@pytest.fixture
def wire(dial):
    """The healthy user's session."""
    healthy = dial()
    healthy.connect()
    return healthy


@pytest.fixture
def probe(tenant, dial):
    """The session of the vectors, logged on."""
    tenant.mapi.store.add(contoso())
    wire = dial("probe")
    assert wire.mapi("Connect", vector("C01")) == (0, vector("C02"))
    assert wire.mapi("Execute", vector("C13")) == (0, vector("C14"))
    return wire


@pytest.mark.parametrize("entry", LZ77, ids=lambda entry: entry["id"])
def test_compression_as_published(entry):
    repeated, times = entry["decoded"].get("plain_ascii_repeat", ("", 0))
    plain = (entry["decoded"].get("plain_ascii") or repeated * times).encode()
    assert compress(plain).hex() == entry["hex"]
    assert expand(bytes.fromhex(entry["hex"]), len(plain)) == plain


def test_a_recorded_compressed_answer_is_the_recorded_plain_one():
    session = recorded("ok_execute_compressed_response")
    _, short, full, _ = (body[82:] for _, (_, _, body) in session)
    size, plain = struct.unpack_from("<HH", short, 16 + 4)
    # They differ in the handles.
    assert expand(short[24 : 24 + size], plain)[:-12] == full[24 : 24 + plain][:-12]


def test_the_session_of_the_vectors(tenant, probe):
    # The folder of the vector counts two messages and lists three.
    there = vector("C20").replace(u32(2, 1) + b"\5\2", u32(3, 0) + b"\5\2")
    there = there.replace(b"\5\2" + u32(0, 2), b"\5\2" + u32(0, 3))
    assert probe.mapi("Execute", vector("C19")) == (0, there)
    assert probe.mapi("Disconnect", vector("C28")) == (0, vector("C29"))
    assert (tenant.open_sessions(), tenant.remarks) == (0, [])


def test_obfuscation_and_compression_unless_declined(probe):
    plain = probe.mapi("Execute", vector("C19"))[1]
    probe.mapi("Connect", vector("C01"))
    probe.mapi("Execute", vector("C13"))
    xored = probe.mapi("Execute", b"\x05" + vector("C19")[1:])[1]
    assert (vector("C22") in xored, len(xored)) == (True, len(plain))
    both = probe.mapi("Execute", b"\x00" + vector("C19")[1:])[1]
    flags, size, actual = struct.unpack_from("<HHH", both, 18)
    assert (flags, size < actual) == (7, True)
    assert only_block(both[16:-4])[2:10] == plain[26:34]


def test_other_answers_of_the_vectors(probe):
    assert vector("C10") in probe.execute(vector("C09"), [0x75])
    assert bytes.fromhex("2700 08010480") in probe.execute(b"\1\0\0" + vector("C09"), [0x75])
    assert probe.mapi("Connect", vector("C01"))[0] == 0
    assert probe.mapi("Execute", vector("C13"))[0] == 0
    probe.box.backoff = 0x15
    assert vector("C26") in probe.mapi("Execute", vector("C19"))[1]
    probe.box.rop_errors = {0x02: 0x8004010F}
    assert probe.mapi("Connect", vector("C01"))[0] == 0
    assert probe.mapi("Execute", vector("C23")) == (0, vector("C24"))
    probe.box.logon_error = 0x478
    assert vector("C07") in probe.mapi("Execute", vector("C13"))[1]
    probe.box.logon_error = 0x50C
    assert vector("C08") in probe.mapi("Execute", vector("C13"))[1]
    probe.box.connect_status = 0x6BB
    assert probe.mapi("Connect", vector("C01")) == (0, vector("C03"))
    probe.box.connect_status, probe.box.connect_error = 0, 0x3EB
    assert probe.mapi("Connect", vector("C01"))[1][:23] == vector("C04")[:23]


def test_a_session_as_recorded_from_gromox(tenant, dial):
    tenant.flavour = "gromox"
    session = recorded("ok_session_single_execute")
    there = session[1][1][2][82:]
    dn = session[0][0][3].partition(b"\0")[0].decode()
    tenant.mapi.store.add(Mailbox("probe", [], display="Probe User", dn=dn))
    wire = dial("probe")
    for (method, _, headers, body), (status, heads, entity) in session:
        fresh = {**headers, "Authorization": wire.basic, "Cookie": wire.jar()}
        found, pairs, answer = wire.send(method, wire.target, fresh, body)
        wire.cookies = dict(value.split("=") for name, value in pairs if name == "Set-Cookie")
        assert (found, {*dict(pairs)} - {"Server"}) == (status, {*heads})
        # All but the time of day.
        assert (answer[:49], answer[80:82]) == (entity[:49], entity[80:82])
        if headers["X-RequestType"] != "Execute":
            assert answer[82:] == entity[82:]
            continue
        # FolderIds; then no message here: OpenFolder, GetContentsTable, SetColumns, QueryRows.
        assert answer[82:][33:137] == there[33:137]
        listed = "0201000000000000 0502000000000000 0000 12020000000000 15020000000002 0000"
        assert answer.endswith(bytes.fromhex(listed) + u32(0, 1, 2, 0))
    assert tenant.open_sessions() == 0


def test_gromox_judges_user_dns_as_recorded(tenant, dial):
    tenant.flavour = "gromox"
    exchanges = recorded("err_connect_userdn")
    for number, name in ((5, "probe"), (2, "other")):
        dn = exchanges[number][0][3].partition(b"\0")[0].decode()
        tenant.mapi.store.add(Mailbox(name, display=f"{name.title()} User", dn=dn))
    wire = dial("probe")
    for (_, _, headers, body), (_, heads, entity) in exchanges[:7]:
        fresh = {**headers, "Authorization": wire.basic}
        _, pairs, answer = wire.send("POST", wire.target, fresh, body)
        assert answer[82:] == entity[82:]
        assert ("Set-Cookie" in dict(pairs)) == ("Set-Cookie" in heads)


NO_SESSION = f"MapiContext={'0' * 32}; MapiSequence=1; MapiRouting=1"
REFUSED = {
    "wrong path": (3, {"target": "/mapi/emsmdb/"}),
    "unknown mailbox id": (3, {"target": f"/mapi/emsmdb/?MailboxId={TENANT_ID}@practice.example"}),
    "other content type": (4, {"Content_Type": "text/xml"}),
    "bad request id": (4, {"X_RequestId": "1"}),
    "unknown type": (5, {"X_RequestType": "Bind"}),
    "bad context": (6, {"Cookie": "MapiContext=?; MapiSequence=1; MapiRouting=1"}),
    "no application": (7, {"X_ClientApplication": ""}),
    "no session": (10, {"Cookie": NO_SESSION}),
    "no cookies": (13, {"Cookie": ""}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_response_codes(tenant, wire, name):
    code, changes = REFUSED[name]
    assert wire.mapi("Disconnect", bytes(4), **changes)[0] == code
    assert (wire.last["Content-Type"], tenant.open_sessions()) == ("text/html", 1)


def test_sessions(tenant, wire, dial):
    verb = dict(wire.send("GET", wire.target, {"Authorization": wire.basic})[1])
    assert verb["X-ResponseCode"] == "2"
    assert wire.mapi("Connect", b"no end")[0] == 12
    stale = dict(wire.cookies)
    assert wire.execute(b"", [])[:8] == bytes(8)
    assert dial("shared").mapi("Execute", b"", Cookie=wire.jar())[0] == 11
    wire.cookies, fresh = stale, wire.cookies
    assert wire.execute(b"", []) == 15
    wire.cookies = fresh
    wire.connect()
    assert tenant.open_sessions() == 1, "a Connect with old cookies ends the old session"
    answers = [dial().connect()[1][4:8] for _ in range(32)]
    assert (answers[30], answers[31]) == (bytes(4), u32(0x80040112))


def test_two_requests_at_once(tenant, wire, dial):
    second = dial()
    second.cookies, second.count = wire.cookies, 7
    tenant.mapi.gate.clear()
    slow = threading.Thread(target=wire.mapi, args=("PING", b""))
    slow.start()
    session = next(iter(tenant.mapi.sessions.values()))
    while not session.lock.locked():
        slow.join(0.01)
    assert second.mapi("PING", b"")[0] == 15
    tenant.mapi.gate.set()
    slow.join()
    assert wire.last["X-ResponseCode"] == "0"


def test_malformed_buffers(tenant, wire):
    good = vector("C19")
    for at, byte in {10: 0, 12: 99, 16: 1, 18: 0x99}.items():
        body = wire.mapi("Execute", good[:at] + bytes([byte]) + good[at + 1 :])[1]
        assert body == u32(0, 0x4B6, 0, 0, 0), at
    assert wire.mapi("Execute", good[:-2])[0] == 12
    assert wire.execute(b"", [], most=0x200000)[:4] == u32(0x6F7)
    tenant.combined_logon = False
    assert wire.execute(wire.logon() + listing(), NEW)[4:8] == u32(0x4B6)
    assert wire.execute(wire.logon(), NEW[:1])[4:8] == bytes(4)


def test_listings(wire):
    body = wire.execute(wire.logon() + listing(), NEW)
    subjects = body.partition(bytes.fromhex("150200000000 02 0800"))[2]
    assert subjects.startswith(b"\0" + "Weekly report\0".encode("utf-16-le"))
    assert bytes.fromhex("01 0a0f010480") in subjects
    assert b"\0" + ("x" * 254 + "\0").encode("utf-16-le") in subjects
    assert b"\x15\x02" + u32(0x4B9) in wire.execute(wire.logon() + listing(columns=False), NEW)
    small = wire.execute(wire.logon() + listing(), NEW, most=230)
    assert b"\xff\x08\x80" + listing()[-7:] in small
    foreign = wire.execute(wire.logon("foreign") + listing(), NEW)
    assert (foreign[137] & 2, b"\x02\x01" + u32(0x8004010F) in foreign) == (0, True)
    shared = wire.execute(wire.logon("shared") + listing(), NEW)
    assert (shared[137] & 2, bytes.fromhex("150200000000 02 0500") in shared) == (2, True)


def test_chains(dial):
    wire = dial("large")
    wire.connect()
    body = wire.execute(wire.logon() + listing(2000), NEW)
    at, flags, rows = 16, [], 0
    while at < len(body) - 4:
        _, flag, size, _ = struct.unpack_from("<HHHH", body, at)
        answered = body.index(bytes.fromhex("150200000000"), at)
        rows += struct.unpack_from("<H", body, answered + 7)[0]
        flags.append(flag)
        at += 8 + size
    assert (rows, flags) == (2000, [0, 4])


SHOWN = (10, 18, 200, 401)
SPOILED = {
    **dict.fromkeys(("late-failure", "status-6bb", "split-chunks", "unchunked"), 0),
    **dict.fromkeys(("cut-before", "cut", "close"), None),
    **dict(zip(("lost-session", "shutting-down", "no-response-code", "unauthorized"), SHOWN)),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_faults(tenant, wire, fault):
    tenant.faults.on("mapi-execute", fault, 1)
    try:
        found = wire.execute(wire.logon(), NEW[:1])
        found = found if isinstance(found, int) else 0
    except (http.client.HTTPException, OSError):
        found = None
    assert (found, tenant.open_sessions()) == (SPOILED[fault], int(fault != "lost-session"))


@pytest.mark.parametrize("place", MAPI_PLACES)
def test_every_fault_can_be_had_at_every_place(tenant, dial, place):
    for fault in set(mapi_faults.NAMES) - {"pending-forever"}:
        wire = dial()
        bodies = {"Connect": wire.box.dn.encode() + bytes(21), "Execute": vector("C19")}
        for kind, body in {**bodies, "Disconnect": bytes(4)}.items():
            if place == f"mapi-{kind.lower()}":
                tenant.faults.on(place, fault, 1)
            try:
                wire.mapi(kind, body)
            except (http.client.HTTPException, OSError):
                wire.http.close()
        assert tenant.faults.take(place) is None, fault
        wire.http.close()


def test_autodiscover(tenant, dial):
    wire = dial()
    text = wire.discover("healthy", "/AutoDiscover/AUTODISCOVER.xml")[1]
    assert f"<LegacyDN>{wire.box.dn}</LegacyDN>" in text
    assert f"{tenant.url}{wire.target}</ExternalUrl>" in text
    assert "mapiHttp" not in wire.discover("healthy", **{"X-MapiHttpCapability": ""})[1]
    assert "<ErrorCode>500</ErrorCode>" in wire.discover("nobody")[1]
    assert f"<RedirectAddr>{HEALTHY}</RedirectAddr>" in wire.discover("redirect-address")[1]
    assert wire.discover("http-302")[0] == 302
    assert wire.discover("healthy", Authorization="")[0] == 401
    for name in sorted(tenant.users() - {"endless-body"}):
        assert wire.discover(name)[0] in (200, 302)


def test_moving_to_another_endpoint(tenant, dial):
    wire = dial("moved-endpoint")
    for sign, code in (("invalid-path", 3), ("not-found", 404), ("redirect", 302), ("lost", 10)):
        wire.target = f"/mapi/emsmdb/?MailboxId={wire.box.endpoint}@practice.example"
        tenant.move("moved-endpoint", sign)
        assert wire.connect()[0] == code
        assert wire.box.endpoint in wire.discover("moved-endpoint")[1]


def test_autodiscover_errors_as_recorded_from_gromox(tenant, dial):
    tenant.flavour = "gromox"
    wire = dial()
    for (method, target, headers, body), (_, _, there) in recorded("err_autodiscover_requests"):
        for code in re.findall(rb"<ErrorCode>\d+</ErrorCode>", there):
            fresh = {**headers, "Authorization": wire.basic}
            assert code in wire.send(method, target, fresh, body)[2]


def test_basic(tenant, dial):
    wire, password = dial(), tenant.material.password
    wrong = [(HEALTHY, "wrong"), ("healthy", password), ("nobody@practice.example", password)]
    for pair in (("PRACTICE\\Healthy", password), ("HEALTHY@practice.EXAMPLE", password), *wrong):
        wire.basic = header("Basic", ":".join(pair))
        assert wire.mapi("PING", b"")[0] == (401 if pair in wrong else 13)
    assert wire.last["Content-Type"].startswith("text/plain")
    assert [ok for _, _, ok in tenant.logons] == [True, True, False, False, False]


@pytest.mark.parametrize("per_request", [False, True])
def test_connection_authentication(tenant, dial, per_request):
    tenant.schemes, tenant.per_request = ("Negotiate", "NTLM"), per_request
    tenant.acceptors["NTLM"] = acceptor = TwoLegs()
    tenant.accounts["exlab\\monuser"] = "healthy"
    wire = dial()

    def ping(**changes):
        return wire.mapi("PING", b"", **changes)[0]

    assert ping(Authorization="") == 401
    offers = [value for name, value in wire.pairs if name == "WWW-Authenticate"]
    assert (offers, ping()) == (["Negotiate", "NTLM"], 401), "Basic is not offered"
    assert ping(Authorization=header("NTLM", "one")) == 401
    assert wire.last["WWW-Authenticate"] == header("NTLM", "go on")
    assert ping(Authorization=header("NTLM", "two:EXLAB\\monuser")) == 13
    assert ping(Authorization="") == (401 if per_request else 13)
    assert ping(Authorization=header("NTLM", "three")) == 401
    assert acceptor.log == [tenant.material.server_der, "closed"] * 2
    assert tenant.logons == [("Basic", "", False), ("NTLM", "healthy", True), ("NTLM", "", False)]


def test_bearer(tenant, dial):
    wire, issue = dial(), tenant.entra.issue_user
    cases = {
        issue(HEALTHY): (13, ""),
        issue(HEALTHY, aud=tenant.url, scp="user_impersonation"): (13, ""),
        issue(HEALTHY, aud=GRAPH): (401, "2000003"),
        issue(HEALTHY, scp=None): (401, "2000008"),
        issue(HEALTHY, scp="EWS.AccessAsUser.All"): (403, "2000008"),
        tenant.entra.issue(CLIENT_IDS["monitor"]): (403, "2000008"),
        "x.y.z": (401, "2000001"),
    }
    for token, expected in cases.items():
        code = wire.mapi("PING", b"", Authorization=f"Bearer {token}")[0]
        assert (code, wire.last.get("x-ms-diagnostics", "").partition(";")[0]) == expected
    assert any("trusted_issuers" in value for _, value in wire.pairs)


def test_password_grant(tenant, dial):
    wire, scope = dial(), f"{RESOURCE}/.default offline_access openid profile"
    form = {"client_id": CLIENT_IDS["user"], "grant_type": "password", "scope": scope}
    form.update(username=HEALTHY, password=tenant.material.password)

    def token(**changes):
        body = urlencode({**form, **changes})
        return json.loads(wire.send("POST", f"/{TENANT_ID}/oauth2/v2.0/token", {}, body)[2])

    claims = tenant.entra.claims(token()["access_token"])
    assert (claims["upn"], claims["aud"]) == (HEALTHY, RESOURCE)
    assert token(password="wrong")["error_codes"] == [50126]
    assert token(username="mfa@practice.example")["error_codes"] == [50076]
    assert token(client_id=CLIENT_IDS["monitor"])["error_codes"] == [7000218]
    realm = wire.send("GET", f"/common/userrealm/{HEALTHY}?api-version=1.0", {})[2]
    assert json.loads(realm)["account_type"] == "Managed"
