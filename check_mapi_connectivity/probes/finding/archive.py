"""Where a mailbox's archive is: Autodiscover's AlternativeMailbox of type Archive (MS-OXDSCLI
2.2.4.1.1.2.2).

It has a DN and a server of its own, or an e-mail address to ask Autodiscover for. That the server,
a GUID at a domain, is the MailboxId of its address has not yet been seen on a live server.
"""

from __future__ import annotations

import re

from ...base.failure import CheckFailure, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...mapihttp.autodiscover import Alternative, Settings

#: What stands for a mailbox in an address: a GUID at a domain.
_MAILBOX_ID = re.compile(r"[0-9A-Fa-f-]{36}@[0-9A-Za-z.-]{1,255}")

_NONE = Failure(
    "mailbox",
    "the mailbox has no archive",
    "Enable-Mailbox -Archive gives it one; else leave out --archive",
    detail="Autodiscover lists no AlternativeMailbox of type Archive",
)

#: To list the Inbox of the mailbox would say nothing of the archive.
ITSELF = Failure(
    "protocol",
    "Autodiscover gives the mailbox itself for its archive",
    "see what Autodiscover lists as AlternativeMailbox of type Archive",
)


def place(settings: Settings) -> Alternative:
    """The archive that settings list. Raises CheckFailure where there is none."""
    for one in settings.alternatives:
        if one.kind.lower() == "archive" and (one.legacy_dn or one.address):
            return one
    raise CheckFailure(_NONE)


def at(url: str, server: str) -> str:
    """The address of a mailbox on the endpoint of another; as it is where the server is no
    MailboxId.

    >>> at("https://a.example/mapi/emsmdb/?MailboxId=1@b.example", "not named")
    'https://a.example/mapi/emsmdb/?MailboxId=1@b.example'
    """
    if not _MAILBOX_ID.fullmatch(server):
        return url
    return f"{url.partition('?')[0]}?MailboxId={server}"
