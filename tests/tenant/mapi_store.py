"""The store: mailboxes, their folders and messages, and what is wrong with each of them."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass, field
from types import MappingProxyType

from .directory import DOMAIN, MANY, OPERATOR
from .mapi_tables import (
    ABSENT,
    ATTACHED,
    CLASS,
    CONTAINER,
    COUNT,
    DELIVERED,
    DISPLAY,
    FID,
    FLAGS,
    INST_ID,
    INSTANCE,
    INTERNET_ID,
    MID,
    MODIFIED,
    NOT_FOUND,
    OUT_OF_OFFICE,
    OWNER,
    SENDER,
    SENDER_SMTP,
    SIZE,
    SIZE_EXTENDED,
    SUBFOLDERS,
    SUBJECT,
    UNREAD,
    identifier,
)

ORGANIZATION = "/o=Practice/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
SPACE = uuid.UUID("6a1d0a52-77c4-4c8e-9f4e-1d9b5f6f2a10")

#: Global counters of the 13 special folders in the order of the RopLogon response; the fifth is the Inbox.
FOLDERS = {
    "exchange-se": (0x102, 0x103, 0x104, 0x108, 0x10C, *range(0x10D, 0x115)),
    "exchange": (0x102, 0x103, 0x104, 0x108, 0x10C, *range(0x10D, 0x115)),
    "gromox": (0x01, 0x02, 0x03, 0x09, 0x0D, 0x0C, 0x0A, 0x0B, 0x07, 0x08, 0x05, 0x06, 0x04),
}
FOLDER_NAMES = (
    "",
    "Deferred Action",
    "Spooler Queue",
    "Top of Information Store",
    "Inbox",
    "Outbox",
    "Sent Items",
    "Deleted Items",
    "Common Views",
    "Schedule",
    "Finder",
    "Views",
    "Shortcuts",
)
INBOX = 4

#: 2026-09-22T08:00:00Z as FILETIME.
BASE = (1790064000 + 11644473600) * 10**7
HOUR = 3600 * 10**7


def message(number, subject, hours=None, *, read=True, size=None, sender="Ada Sender", **more):
    """One message; `hours` is how long before BASE it came."""
    name = f"{number:06x}@{DOMAIN}"
    age = number if hours is None else hours
    values = {
        MID: identifier(0x2000 + number),
        INST_ID: identifier(0x2000 + number),
        INSTANCE: 0,
        SUBJECT: subject,
        DELIVERED: BASE - age * HOUR,
        MODIFIED: BASE - age * HOUR + 10**7,
        SIZE: size if size is not None else 2400 + 17 * number,
        FLAGS: int(read),
        ATTACHED: 0,
        CLASS: "IPM.Note",
        SENDER: sender,
        SENDER_SMTP: f"sender@{DOMAIN}",
        INTERNET_ID: f"<{name}>",
    }
    return {**values, **{int(tag, 16): value for tag, value in more.items()}}


@dataclass
class Mailbox:
    """A mailbox, and the way it fails. Codes are ErrorCode, StatusCode or ReturnValue as named."""

    name: str
    messages: list = field(default_factory=lambda: [message(1, "Welcome")])
    display: str = ""
    dn: str = ""
    guid: uuid.UUID | None = None
    replica: uuid.UUID | None = None
    replica_id: int | None = None
    #: Counter of an Inbox that is not where it is presumed, and whether something else lies there.
    inbox: int | None = None
    decoy: bool = False
    full_access: tuple = ()
    connect_error: int = 0
    connect_status: int = 0
    execute_status: int = 0
    logon_error: int = 0
    redirect: str = ""
    #: ROP number -> ReturnValue; the ROP that is answered by RopBackoff.
    rop_errors: dict = field(default_factory=dict)
    backoff: int = 0
    #: Rows of the first, second ... block, the last number for all further ones.
    rows_per_block: tuple = ()
    framing: int = 0
    chatty: bool = False
    #: Not found by name in the address book; what Autodiscover's AddressBook element holds, nothing
    #: for no such element, None for both URLs; `mapi_people.Alternative`s that it lists.
    hidden: bool = False
    address_book: str | None = None
    alternatives: tuple = ()
    #: Fixed (LogonTime, GwartTime) bytes, for comparisons with recorded answers.
    logon_time: bytes = b""
    #: MailboxIds of former endpoints -> what a request there gets (`Tenant.move`).
    former: dict = field(default_factory=dict)

    def __post_init__(self):
        self.guid = self.guid or uuid.uuid5(SPACE, self.name)
        self.replica = self.replica or uuid.uuid5(SPACE, f"replica of {self.name}")
        self.dn = self.dn or f"{ORGANIZATION}/cn=Recipients/cn={self.guid.hex}-{self.name}"
        self.display = self.display or f"Practice {self.name.title()}"
        self.endpoint = str(self.guid)

    @property
    def address(self):
        """The primary SMTP address."""
        return f"{self.name}@{DOMAIN}"

    def move(self, sign):
        """Another endpoint from now on; the old one answers by `sign`."""
        self.former[self.endpoint] = sign
        self.endpoint = str(uuid.uuid5(SPACE, f"{self.name} moved {len(self.former)}"))
        if sign == "unknown-user":
            self.dn = f"{ORGANIZATION}/cn=Recipients/cn={self.guid.hex}-moved-{self.name}"

    def folder_ids(self, flavour):
        """The 13 FIDs of the RopLogon response."""
        counters = list(FOLDERS[flavour])
        if self.inbox is not None:
            counters[INBOX] = self.inbox
        return [identifier(counter) for counter in counters]

    def folder(self, fid, flavour):
        """Name and messages of a folder; None when there is none."""
        own = self.folder_ids(flavour)
        if fid in own:
            number = own.index(fid)
            return FOLDER_NAMES[number], self.messages if number == INBOX else []
        if self.decoy and fid == identifier(FOLDERS[flavour][INBOX]):
            return "Old Inbox", [message(900, "Never to be shown")]
        return None

    def folder_values(self, fid, flavour):
        """A folder's properties."""
        name, messages = self.folder(fid, flavour)
        return {
            FID: fid,
            DISPLAY: name,
            COUNT: len(messages),
            UNREAD: sum(not found[FLAGS] & 1 for found in messages),
            SUBFOLDERS: 0,
            CONTAINER: "IPF.Note",
            SIZE_EXTENDED: sum(found[SIZE] for found in messages),
        }

    def values(self):
        """The logon object's properties."""
        size = sum(found[SIZE] for found in self.messages)
        return {
            DISPLAY: f"Mailbox - {self.display}",
            OWNER: self.display,
            SIZE: size,
            SIZE_EXTENDED: size,
            COUNT: len(self.messages),
            OUT_OF_OFFICE: 0,
        }


def _healthy():
    return [
        message(1, "Weekly report", 30),
        message(2, "Grüße aus Köln – 日本語 🚀", 2, read=False),
        message(3, NOT_FOUND, 9, read=False),
        message(4, "Invoice 4711", 1, sender=NOT_FOUND, **{hex(ATTACHED): 1}),
        message(5, ABSENT, 50),
        message(6, "Lunch?", 4, read=False),
        message(7, "x" * 300, 70),
        message(8, "", 12),
    ]


def _hostile():
    return [
        message(1, "bad|evil=1;2;3\n[OK] forged\x1b[31m<b>bold</b>\u202e", 1, sender="a|b\r\nc"),
        message(2, "\udc00 lone \ud83d", 2),
        message(3, "y" * 253 + "🚀🚀", 3),
        message(4, "\0nul\0", 4, size=-1),
        message(5, "far future", 5, **{hex(DELIVERED): 2**64 - 1}),
        message(6, "long ago", 6, **{hex(DELIVERED): 0}),
    ]


@functools.cache
def _number(count):
    """Made once, as every test begins with a new store: nobody can change them."""
    return tuple(
        MappingProxyType(message(number, f"Message {number:04d}")) for number in range(1, count + 1)
    )


def _servers(name):
    return f"{ORGANIZATION}/cn=Configuration/cn=Servers/cn={name}"


def mailboxes():
    """Name -> mailbox, all new."""
    return {
        found.name: found
        for found in (
            Mailbox("healthy", _healthy()),
            Mailbox("empty", []),
            Mailbox("large", _number(2000)),
            Mailbox("chained", _number(12), rows_per_block=(1, 2, 3)),
            Mailbox("cyrillic", display="Пробный ящик"),
            Mailbox("hostile", _hostile(), display="<b>Practice|x=1</b>\nMailbox\x1b[31m"),
            Mailbox("shared", _number(5), full_access=("healthy",)),
            Mailbox("foreign"),
            Mailbox("old-inbox", inbox=0x03B479CA47),
            Mailbox("decoy", inbox=0x03B479CA48, decoy=True),
            Mailbox("xored", framing=2),
            Mailbox("compressed", _number(9), framing=3),
            Mailbox("chatty", chatty=True),
            Mailbox("warned", rop_errors={0x07: 0x00040380}),
            Mailbox("moved-endpoint"),
            Mailbox(OPERATOR),
            Mailbox("federated", _number(3)),
            *(Mailbox(name, _number(2), full_access=(OPERATOR,)) for name in MANY),
            *_failing_connects(),
            *_failing_logons(),
            *_failing_listings(),
        )
    }


def _failing_connects():
    return (
        Mailbox("disabled", connect_error=0x7D8, chatty=True),
        Mailbox("unknown-dn", connect_error=0x3EB),
        Mailbox("quota", connect_error=0x80040112),
        Mailbox("no-login-right", connect_error=0x3F2),
        Mailbox("version-blocked", connect_error=0x4DF),
        Mailbox("cached-only", connect_error=0x4E1),
        Mailbox("network", connect_error=0x80040115),
        Mailbox("connect-6ba", connect_status=0x6BA, chatty=True),
        Mailbox("connect-6bb", connect_status=0x6BB),
    )


def _failing_logons():
    return (
        Mailbox("offline", logon_error=0x80040111),
        Mailbox("offline-476", logon_error=0x476),
        Mailbox("moving", logon_error=0x50C),
        Mailbox("wrong-server", logon_error=0x478, redirect=_servers("EX02")),
        Mailbox("wrong-server-bare", logon_error=0x478),
        Mailbox("quarantined", logon_error=0xA33),
        Mailbox("mounting", logon_error=0xA34),
        Mailbox("no-right", logon_error=0x3F2),
        Mailbox("no-access", logon_error=0x80070005),
        Mailbox("no-mailbox", logon_error=0x3EB),
        Mailbox("password-expired", logon_error=0x64D),
        Mailbox("logon-quota", logon_error=0x80040112),
        Mailbox("server-busy", logon_error=0x480),
        Mailbox("unexplained", logon_error=0x80004005),
        Mailbox("unheard-of", logon_error=0x0BADC0DE),
        Mailbox("busy", backoff=0xFE),
        Mailbox("status-6ba", execute_status=0x6BA),
        Mailbox("status-6bb", execute_status=0x6BB),
    )


def _failing_listings():
    return (
        Mailbox("no-inbox", rop_errors={0x02: 0x8004010F}),
        Mailbox("no-table", rop_errors={0x05: 0x4DE}),
        Mailbox("no-columns", rop_errors={0x12: 0x80040118}),
        Mailbox("no-sort", rop_errors={0x13: 0x80040117}),
        Mailbox("no-rows", rop_errors={0x15: 0x8004010B}),
        Mailbox("busy-rows", backoff=0x15),
    )


class Store:
    """All mailboxes, found by what clients call them."""

    def __init__(self, more=()):
        self.mailboxes = {**mailboxes(), **dict(more)}

    def add(self, mailbox):
        """One more, or another of the same name."""
        self.mailboxes[mailbox.name] = mailbox
        return mailbox

    def by_dn(self, dn):
        """LegacyDNs compare case-insensitively."""
        found = [box for box in self.mailboxes.values() if box.dn.lower() == dn.lower()]
        return found[0] if found else None

    def by_endpoint(self, endpoint):
        """By MailboxId, the present one or a former."""
        for mailbox in self.mailboxes.values():
            if endpoint.lower() == mailbox.endpoint or endpoint.lower() in mailbox.former:
                return mailbox
        return None
