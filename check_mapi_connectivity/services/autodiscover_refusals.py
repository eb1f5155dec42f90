"""What Autodiscover means by an answer without a mailbox server."""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..codes.mapi import AUTODISCOVER_CODES
from .mapi_refusals import FULL_ACCESS, plain, short


def error(number: int, message: str) -> Failure:
    """An Error element of Autodiscover (MS-OXDSCLI)."""
    name, own = f"Autodiscover ErrorCode {short(str(number), 12)}", plain(message)
    row = AUTODISCOVER_CODES.get(number)
    if re.search(r"(?i)\b403\b|permission denied|access denied", own):
        cause = "signed-in user has no right to this mailbox"
        return Failure("permission", cause, FULL_ACCESS, name, own)
    if row is None:
        cause = "Autodiscover answers with an error"
        return Failure("server", cause, "see Autodiscover's own text; -v shows it whole", name, own)
    return Failure.of(row, detail=own)


def no_store(known: bool) -> Failure:
    """Autodiscover answers, but without an address for MAPI over HTTP."""
    if not known:
        return Failure(
            "protocol",
            "Autodiscover names no DN of the mailbox",
            "report it with --record",
            during="Autodiscover",
        )
    return Failure(
        "mailbox",
        "Autodiscover names no MAPI address of this mailbox",
        "run Get-CASMailbox; MapiHttpEnabled must be true, as in Get-OrganizationConfig; or a "
        "proxy strips X-MapiHttpCapability",
        during="Autodiscover",
    )


def no_address(url: str) -> Failure:
    """Autodiscover names an address that cannot be one of MAPI over HTTP."""
    named = "no https MAPI address" if url.startswith("http:") else "no usable MAPI address"
    return Failure(
        "protocol",
        f"Autodiscover names {named}",
        "run Get-MapiVirtualDirectory; correct -InternalUrl and -ExternalUrl",
        detail=url,
        during="Autodiscover",
    )
