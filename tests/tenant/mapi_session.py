"""Session Contexts: what the server remembers between two requests.

Source: reference sheet mapi-http 2.6 and 4.1 (MS-OXCMAPIHTTP 3.2.1, 3.2.5.1).
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

#: The first handle; 0 is as good as any.
FIRST_HANDLE = {"exchange": 0x75, "exchange-se": 0x75, "gromox": 0}


@dataclass
class Session:
    """One Session Context. `mailbox` is the user's own, `in_use` the one logged on to last."""

    tenant: object
    user: str
    mailbox: object
    #: What a request through a former endpoint gets (`Mailbox.move`).
    sign: str = ""
    code_page: int = 0
    lcid_sort: int = 0
    lcid_string: int = 0
    context: str = field(default_factory=lambda: uuid.uuid4().hex)
    sequence: str = ""
    in_use: object = None
    things: dict = field(default_factory=dict)
    released: set = field(default_factory=set)
    #: Held while a request is worked on.
    lock: threading.Lock = field(default_factory=threading.Lock)
    _last_request: tuple = ("", -1)

    def __post_init__(self):
        self._next = FIRST_HANDLE[self.tenant.flavour]
        self.renew()

    def renew(self):
        """A new sequence cookie."""
        self.sequence = str(uuid.uuid4())

    def keep(self, thing):
        """A new handle."""
        handle, self._next = self._next, self._next + 1
        self.things[handle] = thing
        return handle

    def release(self, handle):
        """Forget a handle, and with a logon everything opened through it."""
        gone = self.things[handle]
        for other, thing in list(self.things.items()):
            if other == handle or (gone.kind == "logon" and thing.logon == gone.logon):
                del self.things[other]
                self.released.add(other)

    def snapshot(self):
        """For `restore`, when a response does not fit."""
        return dict(self.things), self._next

    def restore(self, before):
        """Undo what one ROP opened."""
        self.things, self._next = before

    def remark(self, request_id):
        """Note what a real server lets pass and the specification does not."""
        guid, _, count = request_id.rpartition(":")
        before, last = self._last_request
        if before and guid != before:
            self.tenant.remarks.append("the GUID of X-RequestId changes within a session")
        if int(count) <= last:
            self.tenant.remarks.append("the counter of X-RequestId does not rise")
        self._last_request = (guid, int(count))
