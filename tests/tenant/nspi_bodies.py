"""Bodies of the address book's requests and answers.

Source: reference sheet nspi 3 and 5 (MS-OXCMAPIHTTP 2.2.1 and 2.2.5), and the recorded Gromox.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass

from .directory import DOMAIN
from .mapi_frames import Malformed
from .mapi_store import ORGANIZATION

STRING8, STRING, BINARY, INTEGER = 0x1E, 0x1F, 0x102, 0x3
MULTIPLE = 0x1000
UNICODE, TELETEX = 1200, 20261
PRESENT = b"\xff"

NOT_FOUND, INVALID_PARAMETER = 0x8004010F, 0x80070057
UNRESOLVED, AMBIGUOUS, RESOLVED = 0, 1, 2

#: MUIDEMSAB, the provider of permanent entry ids.
PROVIDER = bytes.fromhex("dca740c8c042101ab4b908002b2fe182")


@dataclass
class Stat:
    """What is used of STAT."""

    container: int = 0
    code_page: int = 1252


class _Reader:
    """A body from front to back. Raises Malformed where it ends too early."""

    def __init__(self, body):
        self._body, self._at = body, 0

    def numbers(self, count=1):
        try:
            found = struct.unpack_from(f"<{count}I", self._body, self._at)
        except struct.error:
            raise Malformed("the body ends too early") from None
        self._at += 4 * count
        return found

    def present(self):
        if self._at >= len(self._body):
            raise Malformed("a presence byte is missing")
        self._at += 1
        return self._body[self._at - 1] != 0

    def stat(self):
        if not self.present():
            return None
        fields = self.numbers(9)
        return Stat(fields[1], fields[6])

    def string(self):
        for at in range(self._at, len(self._body) - 1, 2):
            if self._body[at : at + 2] == b"\0\0":
                text, self._at = self._body[self._at : at], at + 2
                return text.decode("utf-16-le", "surrogatepass")
        raise Malformed("a string without end")

    def auxiliary(self):
        """The end of every request; bytes behind it are let pass, as Gromox does."""
        (size,) = self.numbers()
        if self._at + size > len(self._body):
            raise Malformed("AuxiliaryBufferSize does not fit the body")


class Bind:
    """A Bind request's body. Raises Malformed."""

    def __init__(self, body):
        reader = _Reader(body)
        (self.flags,) = reader.numbers()
        self.stat = reader.stat()
        reader.auxiliary()


class Unbind:
    """An Unbind request's body. Raises Malformed."""

    def __init__(self, body):
        reader = _Reader(body)
        reader.numbers()
        reader.auxiliary()


class ResolveNames:
    """A ResolveNames request's body. Raises Malformed."""

    def __init__(self, body):
        reader = _Reader(body)
        reader.numbers()
        self.stat = reader.stat() or Stat()
        self.tags = list(reader.numbers(*reader.numbers())) if reader.present() else []
        (count,) = reader.numbers() if reader.present() else (0,)
        self.names = []
        while len(self.names) < count:
            self.names.append(reader.string())
        reader.auxiliary()


def codec(code_page):
    """Python's name for a code page, nothing for one that is not served."""
    if code_page in (65001, TELETEX):
        return "utf-8" if code_page == 65001 else "latin-1"
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return ""


def properties(mailbox):
    """Property id -> value: texts, numbers, bytes and lists of texts."""
    dn = mailbox.dn
    entry = bytes(4) + PROVIDER + struct.pack("<II", 1, 0) + dn.encode() + b"\0"
    servers = f"{ORGANIZATION}/cn=Configuration/cn=Servers"
    return {
        0x3001: mailbox.display,
        0x39FE: mailbox.address,
        0x3003: dn,
        0x3900: 0,
        0x3905: 0x40000000,
        0x0FFE: 6,
        0x3002: "EX",
        0x800F: [f"SMTP:{mailbox.address}"],
        0x8006: f"{servers}/cn={mailbox.endpoint}@{DOMAIN}/cn=Microsoft Private MDB",
        0x0FFF: entry,
        0x0FF9: entry,
    }


def _one(kind, value, code_page):
    """A value with its presence byte; an error's number where it cannot be had so."""
    if kind == INTEGER and isinstance(value, int):
        return struct.pack("<I", value)
    if kind == STRING and isinstance(value, str):
        return PRESENT + value.encode("utf-16-le", "surrogatepass") + b"\0\0"
    if kind == STRING8 and isinstance(value, str):
        name = codec(code_page)
        return PRESENT + value.encode(name, "ignore") + b"\0" if name else INVALID_PARAMETER
    if kind == BINARY and isinstance(value, bytes):
        return PRESENT + struct.pack("<I", len(value)) + value
    return NOT_FOUND


def value_of(tag, values, code_page):
    """AddressBookPropertyValue of a column, or the number of the error in its place."""
    kind, value = tag & 0xFFFF, values.get(tag >> 16)
    if not (kind & MULTIPLE and isinstance(value, list)):
        return _one(kind, value, code_page)
    items = [_one(kind & ~MULTIPLE, item, code_page) for item in value]
    errors = [item for item in items if isinstance(item, int)]
    return errors[0] if errors else PRESENT + struct.pack("<I", len(items)) + b"".join(items)


def row(tags, values, code_page):
    """AddressBookPropertyRow."""
    found = [value_of(tag, values, code_page) for tag in tags]
    if tags and not any(isinstance(value, int) for value in found):
        return b"\0" + b"".join(found)
    flagged = (
        b"\x0a" + struct.pack("<I", value) if isinstance(value, int) else b"\0" + value
        for value in found
    )
    return b"\1" + b"".join(flagged)


def bound(error, server):
    """Bind's answer before AuxiliaryBufferSize."""
    return struct.pack("<II", 0, error) + (bytes(16) if error else server.bytes_le)


def resolved(code_page, ids, tags, rows):
    """ResolveNames' answer before AuxiliaryBufferSize."""
    head = struct.pack("<III", 0, 0, code_page)
    numbers = struct.pack(f"<I{len(ids)}I", len(ids), *ids)
    columns = struct.pack(f"<I{len(tags)}I", len(tags), *tags)
    return (
        head + PRESENT + numbers + PRESENT + columns + struct.pack("<I", len(rows)) + b"".join(rows)
    )


def not_resolved(error, code_page):
    """The same with an ErrorCode: neither ids nor rows."""
    return struct.pack("<III", 0, error, code_page) + bytes(2)
