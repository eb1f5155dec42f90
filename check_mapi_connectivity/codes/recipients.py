"""Why an address has no mailbox in Exchange Online: on-premises, a guest's, unlicensed, deleted.

Exchange and Graph answer all of these alike; their words, and a guest's address, tell them apart
where they say it at all (reference sheet exchange-online 2.6, 3.3, 9).
"""

from __future__ import annotations

import re

from . import Advice

GUEST = Advice(
    "mailbox",
    "user is a guest, whose mailbox is in another tenant",
    "check a mailbox of this tenant",
)

#: Wording of a message -> advice that says more than its code; the first that fits counts.
REASONS = (
    (
        r"inactive.*soft.?deleted",
        Advice(
            "mailbox",
            "mailbox is inactive, soft-deleted or on-premises",
            "check licence and mailbox; use --method mapi with -H for on-premises",
        ),
    ),
    (
        r"unlicen[cs]ed|(\bnot?\b|n't\b|without|lacks|requires|needs).{0,60}licen[cs]e"
        r"|licen[cs]e.{0,60}(\bnot?\b|n't\b|missing|expired|removed|required)",
        Advice("mailbox", "user has no Exchange Online licence", "assign a licence"),
    ),
    (
        r"soft.?deleted",
        Advice("mailbox", "mailbox is soft-deleted", "restore it, or drop the check"),
    ),
    (r"guest.?(mail)?.?user", GUEST),
    (
        r"on.?premise|remote.?(user.?|shared.?)?mailbox",
        Advice("mailbox", "mailbox is on-premises", "use --method mapi with -H"),
    ),
    (
        r"mail.?(enabled.?)?user|mail.?contact",
        Advice(
            "mailbox",
            "address is a mail user or contact, with a mailbox elsewhere",
            "use --method mapi with -H for on-premises; else check the address",
        ),
    ),
)


def explain(text: str, *, guest: bool = False) -> Advice | None:
    """What a message about a mailbox that is none says of the reason; None where it says nothing.

    `guest` is whether the address is a guest's: a user principal name with #EXT# in it.

    >>> explain("The mailbox is hosted on-premise.").cause, explain("object 'x' not found")
    ('mailbox is on-premises', None)
    """
    if guest:
        return GUEST
    # A hostile text must not keep the GIL busy.
    words = text[:500].lower()
    if "#ext#" in words:
        return GUEST
    # What it quotes are names, which say nothing of a reason.
    words = re.sub(r"(?<!\w)'[^']{0,300}'|\"[^\"]{0,300}\"|\S{1,100}@\S+", " ", words)
    return next((row for pattern, row in REASONS if re.search(pattern, words)), None)
