"""Mailboxes for the address book and for what Autodiscover lists beside the own mailbox.

They stand apart from those of `mapi_store`, which every sweep over all faults takes.
The form of AlternativeMailbox is MS-OXDSCLI's; no recording shows one.
"""

from __future__ import annotations

from dataclasses import dataclass

from .mapi_store import Mailbox, message


@dataclass(frozen=True)
class Alternative:
    """One AlternativeMailbox: its Type, the mailbox, and which of `LegacyDN`, `Server` and
    `SmtpAddress` it is named by.
    """

    kind: str
    name: str
    named_by: tuple = ("LegacyDN", "Server")


BY_ADDRESS = ("SmtpAddress",)
BOTH = ("LegacyDN", "Server", "SmtpAddress")


def _archive(owner, **fault):
    """Nobody logs on as the archive: its owner does."""
    subject = [message(1, "Kept for years", 9000)]
    guid = f"/guid={owner}"
    archive = Mailbox(f"{owner}-archive", subject, f"Archive {owner}", hidden=True, **fault)
    archive.dn += guid
    archive.full_access = (owner,)
    return archive


def _owner(name, *named_by):
    archive = Alternative("Archive", f"{name}-archive", *named_by)
    return Mailbox(name, alternatives=(archive,))


def people():
    """Name -> mailbox, all new."""
    return {
        found.name: found
        for found in (
            # The address book.
            Mailbox("hidden", hidden=True),
            Mailbox("twin"),
            Mailbox("other-twin"),
            Mailbox("no-address-book", address_book=""),
            Mailbox("book-inside", address_book="<InternalUrl>{url}</InternalUrl>"),
            Mailbox("book-missing", address_book="<ExternalUrl>{root}/gone/</ExternalUrl>"),
            Mailbox(
                "book-foreign",
                address_book="<ExternalUrl>https://mail.elsewhere.example{path}</ExternalUrl>",
            ),
            # Archives.
            _owner("archived"),
            _archive("archived"),
            _owner("archived-smtp", BY_ADDRESS),
            _archive("archived-smtp"),
            _owner("archived-both", BOTH),
            _archive("archived-both"),
            _owner("archive-offline"),
            _archive("archive-offline", logon_error=0x80040111),
            _owner("archive-denied"),
            _archive("archive-denied", logon_error=0x80070005),
            # Autodiscover names it and the store has none.
            _owner("archive-gone"),
            Mailbox(
                "assistant",
                alternatives=(
                    Alternative("Delegate", "shared", BY_ADDRESS),
                    Alternative("Delegate", "operator"),
                    Alternative("TeamMailbox", "large", BY_ADDRESS),
                ),
            ),
        )
    }
