"""The words of the contract: states, kinds of failure, methods and performance labels.

Plain tables without imports, because the option parser and the usage errors need them too and must
stay quick.
"""

from __future__ import annotations

#: Schemes of authentication, as HTTP spells them.
BASIC, NTLM, NEGOTIATE, BEARER = SCHEMES = ("Basic", "NTLM", "Negotiate", "Bearer")

PLUGIN = "check_mapi_connectivity"
SERVICE = "MAPI"

#: What the objects of a tenant are called that let an app test mailboxes, whoever makes them.
ROLE, GROUP, SCOPE = "MAPI probe", "MAPI probes", "MAPI probe mailboxes"

#: State name -> exit code (Monitoring Plugins guidelines).
STATES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}

#: From harmless to worst when several states meet. A fault outranks a blind spot, unlike in
#: nagiosplugin.
SEVERITY = ("OK", "WARNING", "UNKNOWN", "CRITICAL")

#: Kind of failure -> default state. `moving` is the one case of `mailbox` that is judged by itself.
KINDS = {
    "usage": "UNKNOWN",
    "credential": "UNKNOWN",
    "permission": "UNKNOWN",
    "throttled": "UNKNOWN",
    "untested": "UNKNOWN",
    "address-book": "WARNING",
    "submit": "CRITICAL",
    "dns": "CRITICAL",
    "connect": "CRITICAL",
    "proxy": "CRITICAL",
    "tls": "CRITICAL",
    "logon": "CRITICAL",
    "mailbox": "CRITICAL",
    "moving": "WARNING",
    "server": "CRITICAL",
    "protocol": "CRITICAL",
    "timeout": "CRITICAL",
}

#: Addresses of one host that are tested at most.
MOST_ADDRESSES = 16


class Method:
    """One way to test a mailbox: all that is told of it by its name alone.

    What is done is in `probes/MODULE.py`, named like the method if nothing else is said, whose
    class is `probe`.
    """

    def __init__(
        self,
        *,
        usage: str,
        does: str,
        path: str,
        named_by: str,
        names: tuple[str, ...],
        lists: bool,
        requests: int,
        resource: str,
        scope: str,
        probe: str,
        unseen: str,
        labels: tuple[str, ...],
        module: str = "",
        mailbox: bool = True,
    ) -> None:
        #: What it does: for `--help`, and for `--explain`.
        self.usage, self.does = usage, does
        #: What of all that lies between here and a mailbox it tests.
        self.path = path
        #: Who names the mailbox's place, and which parts of that he can name.
        self.named_by, self.names = named_by, names
        #: Whether it lists the Inbox.
        self.lists = lists
        #: How many requests a test without faults sends, sign-in apart.
        self.requests = requests
        #: The field of Cloud that says what a token is for, and the least that a user's token must
        #: allow (reference sheet exchange-online 5.6).
        self.resource, self.scope = resource, scope
        self.module, self.probe = module, probe
        #: Whether it logs on to a mailbox: those alone are offered by `--method`.
        self.mailbox = mailbox
        #: What nobody here has seen yet.
        self.unseen = unseen
        #: Performance labels.
        self.labels = labels


#: What to do about a fault at Microsoft, and about one at an Exchange Server.
HEALTH = "see M365 health; Service health in the Microsoft 365 admin center"
IIS = "check IIS; application pool and event log of that server, then run Test-ServiceHealth"

#: Labels that each method begins with, and those of the way to a host.
_OUTCOME = ("mapi_connectivity", "connection_time", "time_token")
_WAY = ("time_dns", "time_tcp", "time_proxy", "time_tls")

#: Days until the credential ends: a client secret, or a certificate.
_CREDENTIAL = ("secret_days", "certificate_days")


def _sign_in(resource: str, scope: str) -> Method:
    """The row of `--sign-in-only`, with a token for this resource."""
    return Method(
        usage="sign in only",
        does="sign in at Entra and read the tenant's openid-configuration; no mailbox is tested",
        path="the sign-in",
        named_by="Entra",
        names=(),
        lists=False,
        requests=1,
        resource=resource,
        scope=scope,
        module="sign_in",
        probe="SignInProbe",
        mailbox=False,
        unseen="""The sign-in alone was built on Microsoft's documentation; it has not yet been seen
on a live tenant.""",
        labels=("sign_in", "time_token", "total_time", *_CREDENTIAL),
    )


#: Method -> its row.
METHODS = {
    "cmdlet": Method(
        usage="Exchange Online runs its own Test-MAPIConnectivity",
        does="Exchange Online runs its own Test-MAPIConnectivity for the mailbox",
        path="the cmdlet",
        named_by="Exchange",
        names=("database", "server"),
        lists=False,
        requests=1,
        resource="exchange",
        scope=".default",
        probe="CmdletProbe",
        unseen="""The answer of Exchange Online's InvokeCommand interface to Test-MAPIConnectivity
has not yet been seen on a live tenant.""",
        labels=(
            *_OUTCOME,
            *_WAY,
            "time_request",
            "time_server",
            "total_time",
            *_CREDENTIAL,
        ),
    ),
    "mapi": Method(
        usage="log on by MAPI over HTTP, as Outlook does: Exchange Server, grommunio",
        does="log on by MAPI over HTTP as Outlook does, and list the Inbox",
        path="the MAPI path",
        named_by="Exchange",
        names=("server",),
        lists=True,
        requests=3,
        resource="exchange",
        scope=".default",
        probe="MapiProbe",
        unseen="""Method mapi was built on the open specifications and recordings of grommunio. The
decoder was checked against recordings of an Exchange Server SE; no live run yet. On Exchange
Online it needs a token that its MAPI endpoint accepts, which has not yet been seen for own app
registrations.""",
        labels=(
            *_OUTCOME,
            "time_autodiscover",
            *_WAY,
            "time_connect",
            "time_execute",
            "time_disconnect",
            "address_book",
            "time_address_book",
            "time_server",
            "total_time",
            "inbox_items",
            *_CREDENTIAL,
        ),
    ),
    "graph": Method(
        usage="list the Inbox through Microsoft Graph",
        does="Microsoft Graph lists the Inbox",
        path="Graph",
        named_by="Graph",
        names=(),
        lists=True,
        requests=1,
        resource="graph",
        scope="Mail.ReadBasic",
        probe="GraphProbe",
        unseen="""Method graph was built on Microsoft's documentation; it has not yet been seen on a
live tenant.""",
        labels=(
            *_OUTCOME,
            *_WAY,
            "time_request",
            "total_time",
            "inbox_items",
            *_CREDENTIAL,
        ),
    ),
}

#: The methods that test a mailbox.
OFFERED = tuple(METHODS)

#: Method -> what stands in its place where only the sign-in is tested: by its token.
SIGN_IN = {"cmdlet": "sign-in", "mapi": "sign-in", "graph": "sign-in-graph"}
METHODS["sign-in"] = _sign_in("exchange", ".default")
METHODS["sign-in-graph"] = _sign_in("graph", "Mail.ReadBasic")

#: Method -> the performance labels it prints, in this order, in every state but usage errors.
LABELS = {name: method.labels for name, method in METHODS.items()}

#: Labels that say whether a run was a success.
OUTCOMES = ("mapi_connectivity", "sign_in")

#: Labels that carry no unit; all others are seconds. Those of them that are 1 or 0.
UNITLESS = frozenset({*OUTCOMES, "address_book", "inbox_items", *_CREDENTIAL})
YES_OR_NO = frozenset({*OUTCOMES, "address_book"})

#: Addresses of one host that are tested at most.
MOST_ADDRESSES = 16

#: Labels of a run that is asked for the address book, and of one that signs in by secret or
#: certificate.
ADDRESS_BOOK_LABELS = frozenset({"address_book", "time_address_book"})
OPTIONAL_LABELS = ADDRESS_BOOK_LABELS | {*_CREDENTIAL}

#: Thresholds that hold where no option speaks: label -> (warning, critical).
DEFAULT_THRESHOLDS = {"certificate_days": ("30:", "7:")}


def prefixes(mailboxes: tuple[str, ...], methods: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """(mailbox, method) -> what its labels begin with (contract 5).

    Two addresses that would look the same get a suffix that only depends on the address.

    >>> prefixes(("a.b@c.d", "e@f.g"), ("cmdlet",))[("a.b@c.d", "cmdlet")]
    'a_b_c_d_'
    """
    names = {mailbox: _graphite(mailbox) if len(mailboxes) > 1 else "" for mailbox in mailboxes}
    # A suffix may make another address of it, so once more until all differ.
    for round_ in range(len(mailboxes)):
        taken: dict[str, int] = {}
        for name in names.values():
            taken[name] = taken.get(name, 0) + 1
        alike = [mailbox for mailbox, name in names.items() if name and taken[name] > 1]
        for mailbox in alike:
            names[mailbox] += f"_{_digest(mailbox, round_)}"
        if not alike:
            break
    return {
        (mailbox, method): "".join(
            f"{part}_" for part in (name, method if len(methods) > 1 else "") if part
        )
        for mailbox, name in names.items()
        for method in methods
    }


def place_prefixes(
    mailboxes: tuple[str, ...], methods: tuple[str, ...], addresses: tuple[str, ...]
) -> dict[tuple[str, str, str], str]:
    """(mailbox, method, address) -> what the labels of a test at that address begin with, where
    there are several (contract 5).

    >>> found = place_prefixes(("a@b.c",), ("mapi",), ("10.0.0.1", "[::1]:444"))
    >>> list(found.values())
    ['10_0_0_1_', '__1_444_']
    """
    where = prefixes(tuple(one.strip("[").replace("]", "") for one in addresses), ("",))
    named = prefixes(mailboxes, ("",))
    return {
        (mailbox, method, address): (
            named[mailbox, ""] + part + (f"{method}_" if len(methods) > 1 else "")
        )
        for mailbox in mailboxes
        for method in methods
        for address, part in zip(addresses, where.values())
    }


def _graphite(text: str) -> str:
    """Text with everything but ASCII letters, digits, `_` and `-` turned into `_`."""
    import re

    return re.sub("[^0-9A-Za-z_-]", "_", text)


def _digest(text: str, salt: int) -> str:
    import hashlib

    return hashlib.sha256(f"{salt} {text.lower()}".encode()).hexdigest()[:8]


def state_name(text: str) -> str | None:
    """The state that a word or an exit code names, in any case; None when it names none.

    >>> state_name("warning"), state_name("3"), state_name("green")
    ('WARNING', 'UNKNOWN', None)
    """
    for name, code in STATES.items():
        if text.upper() == name or text == str(code):
            return name
    return None


def worst(states: list[str]) -> str:
    """The worst of some states, OK for none.

    >>> worst(["OK", "UNKNOWN", "WARNING"])
    'UNKNOWN'
    """
    return max(states, key=SEVERITY.index, default="OK")
