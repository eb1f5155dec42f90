"""What Autodiscover means by an answer without a mailbox server."""

from __future__ import annotations

import re

from ..base.failure import Failure
from ..codes.mapi import AUTODISCOVER_CODES
from .http_refusals import OWN_TEXT, REPORT
from .mapi_refusals import FULL_ACCESS, plain, short


def error(number: int, message: str) -> Failure:
    """An Error element of Autodiscover (MS-OXDSCLI)."""
    name, own = f"Autodiscover ErrorCode {short(str(number), 12)}", plain(message)
    row = AUTODISCOVER_CODES.get(number)
    if re.search(r"(?i)\b403\b|permission denied|access denied", own):
        cause = "signed-in user has no right to this mailbox"
        return Failure("permission", cause, FULL_ACCESS, name, own)
    if row is None:
        cause = "Autodiscover reports an unknown error"
        return Failure("server", cause, OWN_TEXT, name, own)
    return Failure.of(row, detail=own)


def no_store(known: bool) -> Failure:
    """Autodiscover answers, but without an address for MAPI over HTTP."""
    if not known:
        return Failure(
            "protocol",
            "Autodiscover names no DN of the mailbox",
            REPORT,
            during="Autodiscover",
        )
    return Failure(
        "mailbox",
        "Autodiscover names no MAPI address of this mailbox",
        "run Get-CASMailbox; MapiHttpEnabled must be true, as in Get-OrganizationConfig; or a "
        "proxy removes X-MapiHttpCapability",
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


def foreign(host: str, how: str) -> Failure:
    """Autodiscover leads, in this way, to a host that nobody here has named."""
    return Failure(
        "protocol",
        f"Autodiscover leads to foreign host {host}",
        "check that host; if it is your Exchange, give it by --autodiscover-url and -H",
        detail=f"{how}; no password is sent there",
        during="Autodiscover",
    )
