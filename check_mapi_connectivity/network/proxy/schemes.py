"""Which schemes a proxy and the credential for it have in common, and in what order to try them."""

from __future__ import annotations

from ...base.errors import UsageError
from ...base.failure import CheckFailure, Failure
from ...base.vocabulary import BASIC, NEGOTIATE, NTLM
from .. import ntlm_kerberos

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...base.credentials import Proxy

_RELAY = "a local relay (px, cntlm) can stand between"


def usable(proxy: Proxy, offered: list[str], remark: Callable[[str], None]) -> list[str]:
    """The schemes to try, one after the other, of those that a proxy offers. Without TLS Basic is
    one of them only where nothing else is offered; what is weaker than need be goes to `remark`.

    Raises CheckFailure, UsageError where a package is missing for all of them.
    """
    known = [name for name in offered if name in (BASIC, NTLM, NEGOTIATE)]
    found = [name for name in _order(proxy) if name in known]
    if not found:
        raise CheckFailure(wanted(proxy, offered, known))
    strong = [name for name in found if name != BASIC]
    readable = not proxy.tls and offered != [BASIC]
    if ntlm_kerberos.available():
        if found == [BASIC] and readable:
            raise CheckFailure(_readable(proxy, offered))
        return strong if readable else found
    if BASIC not in found or readable:
        if not strong:
            raise CheckFailure(_readable(proxy, offered))
        text = ntlm_kerberos.missing(f"proxy {proxy} offers {' and '.join(strong)}, which")
        clear = "; or --proxy-auth basic, which sends the password readable"
        raise UsageError(text + (clear if BASIC in found else ""))
    if strong:
        text = ntlm_kerberos.missing(f"proxy {proxy} offers {' and '.join(strong)}, too")
        remark(f"Basic is used: {text}")
    return [BASIC]


def _order(proxy: Proxy) -> list[str]:
    """The schemes that the credential can be used by; a ticket is what everybody has, and a user
    name with an @ may be one of Kerberos.
    """
    if proxy.user is None:
        return [NEGOTIATE] if ntlm_kerberos.available() and ntlm_kerberos.kerberos() else []
    if ntlm_kerberos.kerberos() and ("@" in proxy.user or proxy.password is None):
        return [NEGOTIATE, NTLM, BASIC] if proxy.password else [NEGOTIATE]
    return [NTLM, NEGOTIATE, BASIC]


def wanted(proxy: Proxy, offered: list[str], known: list[str]) -> Failure:
    """A proxy that wants a credential, and there is none that it would take."""
    names = " or ".join(name[:20] for name in offered[:8]) or "nothing"
    remedy = "give --proxy-user and --proxy-password-file"
    if not known:
        remedy = f"Basic, NTLM and Negotiate are known here; {_RELAY}"
    elif known == [NEGOTIATE] and proxy.user is None and not ntlm_kerberos.kerberos():
        remedy += ", or for a Kerberos ticket: pip install 'pyspnego[kerberos]'"
    return Failure(
        "proxy", f"proxy {proxy} wants authentication and offers {names}", remedy, "HTTP 407"
    )


def _readable(proxy: Proxy, offered: list[str]) -> Failure:
    """Basic beside what is not known here: the password is not shown unless that is said."""
    names = " and ".join(name[:20] for name in offered[:8])
    return Failure(
        "proxy",
        f"proxy {proxy} has no TLS and offers {names}: the password is not sent",
        "name it as https://, or --proxy-auth basic to send the password readable",
        "HTTP 407",
    )
