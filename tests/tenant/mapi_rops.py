"""Remote operations: the requests of one buffer, done in order, and their answers.

Source: reference sheet mapi-http 3.1, 3.4 and 4 (MS-OXCROPS, MS-OXCSTOR, MS-OXCFOLD, MS-OXCTABL).
"""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass

from . import mapi_frames
from .mapi_requests import (
    BACKOFF,
    GET_CONTENTS,
    GET_PROPERTIES,
    LOGON,
    OPEN_FOLDER,
    QUERY_ROWS,
    RECEIVE_FOLDER,
    RELEASE,
    SET_COLUMNS,
    SORT_TABLE,
    TOO_SMALL,
    WARNING,
    parse,
)
from .mapi_store import INBOX
from .mapi_tables import TYPES, Table, row

NULL_OBJECT, NO_SUCH_LOGON, UNKNOWN_USER, CODE_PAGE = 0x4B9, 0x481, 0x3EB, 0x3EF
RPC_FORMAT, BUFFER_TOO_SMALL, WRONG_SERVER, LOGIN_PERM = 0x4B6, 0x47D, 0x478, 0x3F2
ERROR, INVALID_PARAM, NOT_SUPPORTED, NOT_FOUND = 0x80004005, 0x80070057, 0x80040102, 0x8004010F
INVALID_OBJECT, ACCESS_DENIED, UNKNOWN_FLAGS = 0x80040108, 0x80070005, 0x80040106
NO_HANDLE = 0xFFFFFFFF
NO_COMPRESSION, NO_XOR_MAGIC, CHAIN = 1, 2, 4
MOST_BLOCKS = 96
PER_MDB_REPLID_MAPPING, ADMIN = 0x01000000, 0x1
KNOWN_OPEN_FLAGS = 0x2100070F
CODE_PAGES = {932, 936, 949, 950, *range(1250, 1259), 20127, 20866, 28591, 28592, 28605, 65001}


class WholeFailure(Exception):
    """The Execute fails as a whole: `ErrorCode` or `StatusCode`."""

    def __init__(self, error=0, status=0):
        super().__init__(f"{error:#x} {status:#x}")
        self.error, self.status = error, status


class _Backoff(Exception):
    pass


@dataclass
class Thing:
    """What a handle stands for: a logon, a folder (`fid`) or a table."""

    kind: str
    mailbox: object
    logon: int
    fid: bytes = b""
    table: Table | None = None


class Execution:
    """The ROPs of one Execute. `session` holds what handles stand for."""

    def __init__(self, session, store, flavour, quirks=frozenset()):
        self._session, self._store = session, store
        self._flavour, self._quirks = flavour, quirks
        self._handles = []
        self._sent = 0
        self._blocks = 0

    def run(self, flags, buffer, most):
        """The RopBuffer of the answer. Raises WholeFailure, Malformed."""
        rops, self._handles = parse(mapi_frames.only_block(buffer))
        self._refuse_early(rops)
        if most < 8:
            return b""
        out = self._frame(self._first(rops, most), flags)
        if not rops or rops[-1].number != QUERY_ROWS or not flags & CHAIN:
            return self._mark_last(out)
        return self._mark_last(self._chain(rops[-1], flags, most, out))

    def _refuse_early(self, rops):
        combined = len(rops) > 1 and any(rop.number == LOGON for rop in rops)
        if combined and not self._session.tenant.combined_logon:
            raise WholeFailure(RPC_FORMAT)
        targets = [self._store.by_dn(rop.arguments[2]) for rop in rops if rop.number == LOGON]
        for mailbox in (self._session.mailbox, *targets):
            if mailbox is not None and mailbox.execute_status:
                raise WholeFailure(status=mailbox.execute_status)

    def _room(self, most):
        return min(most - 8, mapi_frames.PAYLOAD_LIMIT) - 2 - 4 * len(self._handles)

    def _first(self, rops, most):
        """The responses that fit the first block."""
        out, limit = b"", self._room(most)
        if rops and limit < 3 + sum(len(rop.raw) for rop in rops):
            raise WholeFailure(status=BUFFER_TOO_SMALL)
        for number, rop in enumerate(rops):
            rest = b"".join(later.raw for later in rops[number + 1 :])
            room = limit - len(out) - (3 + len(rest) if rest else 0)
            before = self._session.snapshot()
            try:
                done = self._one(rop, room)
            except _Backoff:
                extra = bytes([1, QUERY_ROWS]) + struct.pack("<I", 10000)
                extra = extra if rop.number == QUERY_ROWS else b"\0"
                return out + struct.pack("<BBI", BACKOFF, rop.logon, 5000) + extra + b"\0\0"
            if done is None or len(done) > room:
                self._session.restore(before)
                if rop.target is not None:
                    self._handles[rop.target] = NO_HANDLE
                needed = min(0xFFFF, mapi_frames.PAYLOAD_LIMIT + 8)
                return out + struct.pack("<BH", TOO_SMALL, needed) + rop.raw + rest
            out += done
        return out

    def _chain(self, rop, flags, most, out):
        """Further blocks, each with one more QueryRows response."""
        query, _, count = rop.arguments
        thing = self._thing(rop, "table")
        wanted = query == 0 if self._flavour == "gromox" else not query & 1
        while (
            wanted
            and isinstance(thing, Thing)
            and 0 < self._sent < count
            and thing.table.origin != 2
            and self._blocks < MOST_BLOCKS
            and most - sum(map(len, out)) >= mapi_frames.PAYLOAD_LIMIT
        ):
            more = self._query(rop, thing, self._room(most), count - self._sent)
            if more is None:
                break
            out += self._frame(more, flags)
        return out

    def _frame(self, responses, flags):
        """One block, for now without the flag Last."""
        lie = 100 if "lying-rop-size" in self._quirks else 0
        table = struct.pack(f"<{len(self._handles)}I", *self._handles)
        payload = struct.pack("<H", len(responses) + 2 + lie) + responses + table
        how = 0 if flags & NO_COMPRESSION else mapi_frames.COMPRESSED
        if not flags & NO_XOR_MAGIC and self._flavour != "gromox":
            how |= mapi_frames.XOR_MAGIC
        if self._session.in_use is not None:
            how |= self._session.in_use.framing
        self._blocks += 1
        return [mapi_frames.block(payload, last=False, how=how)]

    @staticmethod
    def _mark_last(blocks):
        last = bytearray(blocks[-1])
        last[2] |= mapi_frames.LAST
        return b"".join([*blocks[:-1], bytes(last)])

    # One ROP.

    def _one(self, rop, room):
        if rop.number == LOGON:
            return self._logon(rop)
        kinds = {
            OPEN_FOLDER: ("logon", "folder"),
            GET_CONTENTS: ("folder",),
            GET_PROPERTIES: ("logon", "folder"),
            RECEIVE_FOLDER: ("logon",),
            RELEASE: ("logon", "folder", "table"),
        }.get(rop.number, ("table",))
        thing = self._thing(rop, *kinds)
        if rop.number == RELEASE:
            if isinstance(thing, Thing):
                self._session.release(self._handles[rop.source])
            return b""
        if not isinstance(thing, Thing):
            return rop.answer(thing)
        if thing.mailbox.backoff == rop.number:
            raise _Backoff
        error = thing.mailbox.rop_errors.get(rop.number, 0)
        if error not in (0, WARNING):
            return rop.answer(error)
        if rop.number == QUERY_ROWS:
            self._sent = 0
            return self._query(rop, thing, room, rop.arguments[2])
        value, rest = {
            OPEN_FOLDER: self._open_folder,
            GET_CONTENTS: self._get_contents,
            GET_PROPERTIES: self._get_properties,
            RECEIVE_FOLDER: self._receive_folder,
            SET_COLUMNS: self._set_columns,
            SORT_TABLE: self._sort_table,
        }[rop.number](rop, thing)
        return rop.answer(value or error, rest)

    def _thing(self, rop, *kinds):
        """What the input handle stands for, or the error that its use is."""
        handle = self._handles[rop.source] if rop.source < len(self._handles) else NO_HANDLE
        if handle in self._session.released:
            return INVALID_OBJECT
        thing = self._session.things.get(handle)
        if thing is None:
            return NULL_OBJECT
        if thing.logon != rop.logon:
            known = {found.logon for found in self._session.things.values()}
            return ACCESS_DENIED if rop.logon in known else NO_SUCH_LOGON
        return thing if thing.kind in kinds else NOT_SUPPORTED

    def _keep(self, rop, thing):
        self._handles[rop.target] = self._session.keep(thing)

    def _logon(self, rop):
        flags, open_flags, dn = rop.arguments
        mailbox = self._store.by_dn(dn)
        if mailbox is None:
            return rop.answer(UNKNOWN_USER)
        if mailbox.backoff == LOGON:
            raise _Backoff
        wrong_way = self._session.sign == "wrong-server"
        error = (
            WRONG_SERVER if wrong_way else mailbox.logon_error or _logon_error(flags, open_flags)
        )
        if error == 0 and self._session.code_page not in CODE_PAGES:
            error = CODE_PAGE
        if error == WRONG_SERVER and mailbox.redirect:
            name = mailbox.redirect.encode() + b"\0"
            return rop.answer(error) + bytes([flags, len(name)]) + name
        if error:
            return rop.answer(error)
        self._session.in_use = mailbox
        self._keep(rop, Thing("logon", mailbox, rop.logon))
        rights = 0x07 if mailbox.name == self._session.user else 0x01
        if self._session.user in mailbox.full_access:
            rights = 0x03
        replica = mailbox.replica_id or {"exchange-se": 5, "gromox": 5}.get(self._flavour, 1)
        return rop.answer(
            0,
            bytes([flags])
            + b"".join(mailbox.folder_ids(self._flavour))
            + bytes([rights])
            + mailbox.guid.bytes_le
            + struct.pack("<H", replica)
            + mailbox.replica.bytes_le
            + (mailbox.logon_time or _now() + struct.pack("<Q", 0x01DD000000000000))
            + bytes(4),
        )

    def _open_folder(self, rop, thing):
        fid, _ = rop.arguments
        mailbox, user = thing.mailbox, self._session.user
        seen = user == mailbox.name or user in mailbox.full_access
        if not seen or mailbox.folder(fid, self._flavour) is None:
            return NOT_FOUND, b""
        self._keep(rop, Thing("folder", mailbox, rop.logon, fid))
        return 0, bytes(2)

    def _get_contents(self, rop, thing):
        (flags,) = rop.arguments
        if flags & ~0xFA:
            return UNKNOWN_FLAGS, b""
        _, messages = thing.mailbox.folder(thing.fid, self._flavour)
        table = Table([] if flags & 0x22 else messages)
        self._keep(rop, Thing("table", thing.mailbox, rop.logon, table=table))
        return 0, struct.pack("<I", len(table))

    def _get_properties(self, rop, thing):
        limit, _, tags = rop.arguments
        if any(tag & 0xFFFF not in TYPES for tag in tags):
            return NOT_SUPPORTED, b""
        if thing.kind == "logon":
            values = thing.mailbox.values()
        else:
            values = thing.mailbox.folder_values(thing.fid, self._flavour)
        return 0, row(values, tags, largest=limit)

    def _receive_folder(self, rop, thing):
        wanted = rop.arguments[0].upper()
        found = {"IPC": "IPC", "REPORT.IPM": "REPORT.IPM"}.get(wanted, "IPM" if wanted else "")
        fid = thing.mailbox.folder_ids(self._flavour)[0 if found == "IPC" else INBOX]
        return 0, fid + found.encode() + b"\0"

    def _set_columns(self, rop, thing):
        flags, tags = rop.arguments
        if flags & ~1 or not tags:
            return INVALID_PARAM, b""
        if any(tag & 0xFFFF not in TYPES for tag in tags):
            return NOT_SUPPORTED, b""
        thing.table.columns = tags
        return 0, b"\0"

    def _sort_table(self, rop, thing):
        _, categories, expanded, keys = rop.arguments
        if categories or expanded or any(order not in (0, 1) for _, _, order in keys):
            return NOT_SUPPORTED, b""
        thing.table.sort([(number << 16 | kind, order == 1) for kind, number, order in keys])
        return 0, b"\0"

    def _query(self, rop, thing, room, count):
        """A QueryRows response; None when not one row fits."""
        flags, forward, _ = rop.arguments
        if thing.table.columns is None:
            return rop.answer(NULL_OBJECT)
        caps = thing.mailbox.rows_per_block
        if caps:
            count = min(count, caps[min(self._blocks, len(caps) - 1)])
        rows = thing.table.read(count, room - 9, forward != 0, not flags & 1)
        if rows is None:
            return None
        self._sent += len(rows)
        lie = 3 if "lying-row-count" in self._quirks else 0
        head = struct.pack("<BH", thing.table.origin, len(rows) + lie)
        return rop.answer(0, head + b"".join(rows))


def _logon_error(flags, open_flags):
    if not flags & 1:
        return NOT_SUPPORTED
    if not open_flags & PER_MDB_REPLID_MAPPING:
        return INVALID_PARAM
    if open_flags & ~KNOWN_OPEN_FLAGS:
        return ERROR
    return LOGIN_PERM if open_flags & ADMIN else 0


def _now():
    now = datetime.datetime.now(datetime.timezone.utc)
    day = (now.weekday() + 1) % 7
    return struct.pack(
        "<BBBBBBH", now.second, now.minute, now.hour, day, now.day, now.month, now.year
    )
