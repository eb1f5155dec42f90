"""What a 401 offers to sign in by, where that is nothing that can be used, or a token.

A token is asked for at the configured authority alone, never at an address that the host names: who
answers in its place would name its own.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..base.failure import Failure
from ..base.vocabulary import BEARER
from ..network import headers
from .mapi_refusals import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..network.answer import Answer

_CHALLENGE = "WWW-Authenticate"

_ONLY = "a token comes from the configured authority only (--tenant)"

#: What nobody here has seen.
_UNSEEN = "a logon by token at an Exchange Server has not yet been seen"


def nothing_in_common(answer: Answer, *, password: bool) -> Failure:
    """No scheme that is offered can be used; `password` is whether there is one."""
    names = [name[:20] for name in headers.schemes(answer.all(_CHALLENGE))[:8]]
    if names == [BEARER]:
        return Failure(
            "protocol",
            f"{answer.host} takes tokens only (Bearer)",
            "run Get-MapiVirtualDirectory; IISAuthenticationMethods, and the user's authentication "
            "policy, must allow NTLM or Basic",
            f"HTTP {answer.status}",
            tokens(answer),
        )
    remedy = "allow Basic, NTLM or Negotiate" if password else "give --password-file"
    return Failure(
        "protocol",
        f"{answer.host} offers no usable logon: {', '.join(names) or 'nothing'}",
        remedy,
        f"HTTP {answer.status}",
    )


def tokens(answer: Answer) -> str:
    """Where a token would come from by the challenge of an answer, in words; empty where it offers
    none.
    """
    lines = answer.all(_CHALLENGE)
    if BEARER not in headers.schemes(lines):
        return ""
    authority = headers.parameter(lines, BEARER, "authorization_uri")
    tenant = re.search(
        r"@([0-9A-Fa-f-]{36})\b", headers.parameter(lines, BEARER, "trusted_issuers")
    )
    where = f"by its own word a token comes from {_host(authority)}{_kind(authority)}"
    if not authority:
        where = "it does not say where a token comes from"
    whose = f", of tenant {tenant[1]}" if tenant else ""
    return f"{where}{whose}; nothing is asked there, {_ONLY}; {_UNSEEN}"


def _host(authority: str) -> str:
    try:
        return short(urlsplit(authority).hostname or "an address that is none", 100)
    except ValueError:
        return "an address that is none"


def _kind(authority: str) -> str:
    """What kind of authority this is, as far as its address tells."""
    host = _host(authority)
    if host.endswith((".windows.net", ".microsoftonline.com", ".microsoftonline.us")):
        return " (hybrid modern authentication)"
    return " (AD FS)" if "/adfs/" in authority.lower() else ""
