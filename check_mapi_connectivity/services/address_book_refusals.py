"""What the answers of an address book mean: every failure there is of kind `address-book`."""

from __future__ import annotations

from ..base.failure import Failure
from ..codes.address_book import ADDRESS_BOOK
from . import mapi_refusals

KIND = "address-book"

#: Kind of failure, or HTTP status -> where to look, where the words of a mailbox would mislead.
_SERVICE = "check IIS; see the application pool MSExchangeMapiAddressBookAppPool on that server"
_REMEDIES = {
    "HTTP 404": "check the address book service; Autodiscover names this URL, and nothing is there",
    "HTTP 500": _SERVICE,
    "HTTP 502": _SERVICE,
    "HTTP 503": _SERVICE,
}

#: Autodiscover names an endpoint for the mailbox, and none for the address book.
NOT_NAMED = Failure(
    KIND,
    "Autodiscover names no address book",
    "run Get-MapiVirtualDirectory; check InternalUrl and ExternalUrl",
)


#: A name is resolved, to an entry that says nothing.
NAMELESS = Failure(
    KIND,
    "address book finds the user, and gives no entry with a name",
    "run Get-Recipient; check the attributes of this user",
)


def within(failure: Failure) -> Failure:
    """A failure that was met at the address book of a mailbox that is well."""
    if failure.kind == KIND:
        return failure
    remedy = _REMEDIES.get(failure.code, failure.remedy)
    return failure._replace(
        kind=KIND,
        cause=f"address book: {failure.cause}",
        remedy=remedy,
        during="",
        judged_as="",
        transient=False,
    )


def error_code(number: int, request: str) -> Failure:
    """ErrorCode other than 0 of a request to the address book."""
    row = ADDRESS_BOOK.get(number)
    field = f"ErrorCode of {request}"
    if row is None:
        return within(mapi_refusals.error_code(number, request))
    return Failure.of(row, detail=f"{field}: {row.name}, {number}")


def untrusted(host: str) -> Failure:
    """The address book is at a host that no password is sent to."""
    return Failure(
        KIND,
        f"Autodiscover has the address book at the foreign host {host}",
        "check that host; if it is your Exchange, give it by -H",
        detail="no password is sent there",
    )


def unusable(url: str) -> Failure:
    """What Autodiscover names is no address of an address book."""
    return Failure(
        KIND,
        "Autodiscover names no usable address of the address book",
        "run Get-MapiVirtualDirectory; check InternalUrl and ExternalUrl",
        detail=mapi_refusals.plain(url),
    )


def another(name: str, address: str) -> Failure:
    """The address book has somebody else by these names."""
    return Failure(
        KIND,
        "address book gives somebody else for this mailbox",
        "run Get-Recipient -Anr; two users may have this address or DN",
        detail=f"it gives {mapi_refusals.plain(name)}, {mapi_refusals.plain(address)}",
    )


def unknown(minimal_ids: tuple[int, ...]) -> Failure:
    """The address book answers, and has nobody by address and legacy DN."""
    words = {0: "unresolved", 1: "ambiguous"}
    said = ", ".join(words.get(one, str(one)) for one in minimal_ids) or "nothing"
    return Failure(
        KIND,
        "address book does not know this user",
        "run Get-Mailbox; the user may be hidden, or an address book policy applies",
        detail=f"it says of address and legacy DN: {said}",
    )
