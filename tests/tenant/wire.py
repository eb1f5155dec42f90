"""A client made of bytes, for tests of the tenant itself: http.client, struct and what a test says."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import struct
import uuid
from pathlib import Path

from .mapi_frames import block
from .mapi_store import Mailbox, message
from .mapi_tables import ABSENT, DELIVERED, MID, NOT_FOUND

HERE = Path(__file__).parent.parent / "vectors"
GUID = "E2EA6C1C-E61B-49E9-9CFB-38184F907552"
CONTOSO = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="

_ALL = json.loads((HERE / "mapi-vectors.json").read_text())
VECTORS = {entry["id"].split("-")[0]: entry for entry in _ALL}
LZ77 = [entry for entry in _ALL if entry["layer"] == "lz77"]


def vector(name):
    """A reference vector's bytes."""
    return bytes.fromhex(VECTORS[name]["hex"])


def recorded(name):
    """Request (method, target, headers, body) and response (status, headers, body) of each
    recorded exchange.
    """
    found = []
    for exchange in json.loads((HERE / f"{name}.json").read_text())["exchanges"]:
        ask, answer = exchange["request"], exchange["response"]
        body = bytes.fromhex(ask["body_hex"])
        request = (ask["method"], ask["target"], dict(ask["headers"]), body)
        response = answer["status"], dict(answer["headers"]), bytes.fromhex(answer["body_hex"])
        found.append((request, response))
    return found


def contoso():
    """The mailbox of the reference vectors."""
    first = VECTORS["C14"]["hex"]
    rows = (
        ("02a1", "Probe 1", 0x01D882CB9B208000, 4711),
        ("02a0", NOT_FOUND, 0x01D882CB775D3A00, 815),
        ("029f", ABSENT, 0x01D882CB5399F400, 99),
    )
    messages = [message(number, row[1], size=row[3]) for number, row in enumerate(rows)]
    for values, row in zip(messages, rows):
        values.update({MID: bytes.fromhex(f"010000000000{row[0]}"), DELIVERED: row[2]})
    return Mailbox(
        "probe",
        messages[::-1],
        display="Probe Mailbox",
        dn=f"{CONTOSO}4f2c-probe",
        guid=uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00"),
        replica=uuid.UUID("a0b1c2d3-e4f5-0617-2839-4a5b6c7d8e9f"),
        rows_per_block=(1, 2),
        redirect=VECTORS["C07"]["decoded"]["ServerName"],
        logon_time=bytes.fromhex(first[first.index("071e0902") :][:32]),
    )


def header(scheme, words):
    """An Authorization header's value: `user:password`, or a token."""
    return f"{scheme} {base64.b64encode(words.encode()).decode()}"


def u32(*numbers):
    """Little-endian."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def listing(count=100, columns=True):
    """OpenFolder in 0 out 1, GetContentsTable out 2, SetColumns subject, QueryRows."""
    rops = bytes.fromhex("02000001010000000000010c00 0500010200")
    rops += bytes.fromhex("12000200 0100 1f003700") if columns else b""
    return rops + bytes.fromhex("1500020001") + struct.pack("<H", count)


class Wire:
    """One TLS connection to the tenant, and the cookies of one session."""

    def __init__(self, tenant, user="healthy"):
        self.tenant, self.cookies, self.count = tenant, {}, 0
        trust = ssl.create_default_context(cafile=tenant.material.ca_file)
        self.http = http.client.HTTPSConnection("127.0.0.1", tenant.port, context=trust, timeout=20)
        self.basic = header("Basic", f"{user}@practice.example:{tenant.material.password}")
        self.box = tenant.mapi.store.mailboxes[user]
        self.target = f"/mapi/emsmdb/?MailboxId={self.box.endpoint}@practice.example"

    def send(self, method, target, headers, body=b""):
        """Status, header pairs, body."""
        kept = {name: value for name, value in headers.items() if value}
        self.http.request(method, target, body, kept)
        answer = self.http.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def headers(self, kind, **changes):
        """Everything a request needs; a change to nothing leaves a header out."""
        self.count += 1
        headers = {
            "Authorization": self.basic,
            "Content-Type": "application/mapi-http",
            "X-RequestType": kind,
            "X-RequestId": f"{GUID}:{self.count}",
            "X-ClientInfo": f"{{{GUID}}}:1",
            "X-ClientApplication": "Outlook/16.0.15928.20006",
            "Cookie": self.jar(),
        }
        return {**headers, **{name.replace("_", "-"): text for name, text in changes.items()}}

    def jar(self):
        """The Cookie header's value."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def mapi(self, kind, body, target=None, **changes):
        """X-ResponseCode, or the status where there is none, and the body behind the meta-tags."""
        headers = self.headers(kind, **changes)
        status, self.pairs, entity = self.send("POST", target or self.target, headers, body)
        self.last = dict(self.pairs)
        for name, value in self.pairs:
            if name == "Set-Cookie":
                self.cookies.update([value.split(";")[0].split("=", 1)])
        code = self.last.get("X-ResponseCode")
        if code != "0":
            return status if code is None else int(code), entity
        self.meta, _, rest = entity.partition(b"\r\n\r\n")
        return 0, rest

    def connect(self):
        """Connect with the user's own DN."""
        rest = struct.pack("<5I", 0, 1252, 1033, 1033, 0)
        return self.mapi("Connect", self.box.dn.encode() + b"\0" + rest)

    def execute(self, rops, table, flags=7, most=0x40000):
        """The body of the answer, or X-ResponseCode."""
        payload = struct.pack("<H", len(rops) + 2) + rops
        buffer = block(payload + struct.pack(f"<{len(table)}I", *table))
        head = struct.pack("<II", flags, len(buffer))
        code, body = self.mapi("Execute", head + buffer + struct.pack("<II", most, 0))
        return body if code == 0 else code

    def logon(self, name=None):
        """RopLogon to the user's own mailbox or another."""
        box = self.tenant.mapi.store.mailboxes[name] if name else self.box
        dn = box.dn.encode() + b"\0"
        return b"\xfe\0\0\x01" + struct.pack("<IIH", 0x0100040C, 0, len(dn)) + dn

    def discover(self, name, target="/autodiscover/autodiscover.xml", **changes):
        """Status and text of an Autodiscover answer."""
        ask = recorded("ok_autodiscover_pox")[0][0][3]
        ask = ask.replace(b"probe@example.test", f"{name}@practice.example".encode())
        headers = {"Authorization": self.basic, "X-MapiHttpCapability": "1", **changes}
        status, _, body = self.send("POST", target, headers, ask)
        return status, body.decode("utf-8", "replace")


class TwoLegs:
    """An acceptor: `one`, then `two:USER`."""

    def __init__(self):
        self.log = []

    def open(self, certificate_der):
        """Itself is the context."""
        self.log.append(certificate_der)
        return self

    def step(self, token):
        """ValueError for anything else."""
        if token == b"one":
            return b"go on", None
        if not token.startswith(b"two:"):
            raise ValueError("no")
        return None, token[4:].decode()

    def close(self):
        """Noted."""
        self.log.append("closed")
