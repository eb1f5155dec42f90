"""Every fault of the practice tenant as a scenario: which section of `plugin.ini`, which mailbox,
which fault where. `test_golden` compares what the check says of each with a file.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ..tenant import autodiscover, exchange, faults, graph, mapi_faults, mapi_store
from ..tenant.directory import APPS, DOMAIN, MANY
from .masks import masked, varying

#: Whether `make golden` runs: what is compared with is written anew.
WRITE = os.environ.get("GOLDEN") == "write"

#: Section of `plugin.ini` that a fault at this place is met by.
SECTIONS = {
    "tls": "cmdlet",
    "discovery": "cmdlet",
    "token": "cmdlet",
    "realm": "cmdlet-password",
    "adfs": "cmdlet-federated-user",
    "imds": "cmdlet-managed",
    "exchange": "cmdlet",
    "graph": "graph",
    "autodiscover": "mapi",
    "mapi-connect": "mapi",
    "mapi-execute": "mapi",
    "mapi-disconnect": "mapi",
}

#: Faults that last as long as they are waited for, and those that take the tenant's own time: one
#: place will do for each kind.
_LASTING = ("silent", "drip-header", "drip-body", "drip-chunked", "pending-forever")
_LARGE = ("json-bomb", "gzip-bomb", "redirect-bomb", "huge-body", "endless-headers")
_LARGE += ("endless-continue", "deep-json", "long-number")
_AT_LARGE = ("token", "exchange", "mapi-execute")

#: Places that a few faults stand for all at.
_FEW = ("discovery", "realm", "adfs", "imds", "mapi-connect", "mapi-disconnect")
_THE_FEW = ("http-404", "http-429", "http-500", "http-503", "html-200", "garbage-json", "garbage")
_THE_FEW += ("redirect", "close", "silent", "truncated", "status-456", "sequence", "lost-session")

#: Entra's refusals that the sign-in of an app meets first.
_REFUSALS = (50034, 50053, 50126, 53003, 65001, 70011, 90002, 90024, 90055, 500011, 700016, 700024)
_REFUSALS += (700027, 7000215, 7000222, 7000229, 99999999)

#: Mailboxes of method mapi whose every answer takes long, or that are like another.
_LONG = ("large", "status-6bb", "busy")


class Scenario(NamedTuple):
    """One run: the section that says how, the mailbox, the fault and its place."""

    section: str
    mailbox: str = "healthy"
    place: str = ""
    fault: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def lasts(self):
        """Whether only the deadline ends it."""
        return self.fault in _LASTING

    @property
    def address(self):
        """The mailbox as it is given to the check."""
        return f"{self.mailbox}@{DOMAIN}"

    def words(self, ini):
        """The command line."""
        words = [f"--extra-opts={self.section}@{ini}", "-m", self.address]
        if self.section == "mapi":
            # Names that Autodiscover alone knows have no password of their own.
            stranger = self.mailbox in autodiscover.NAMES
            words += ["-l", f"healthy@{DOMAIN}" if stranger else self.address]
        return [*words, *self.arguments]


def _at_places():
    found = {}
    for place, section in SECTIONS.items():
        names = faults.HANDSHAKE if place == "tls" else faults.NAMES
        if place.startswith("mapi-"):
            names = (*names, *(name for name in mapi_faults.NAMES if name not in names))
        for name in names:
            own = place == "mapi-connect" and name in mapi_faults.NAMES
            if place in _FEW and name not in _THE_FEW and not own:
                continue
            if name in _LARGE and place not in _AT_LARGE:
                continue
            if name in _LASTING and name != "silent" and place not in ("exchange", "mapi-execute"):
                continue
            # The end of a session is given up by itself, well before the deadline.
            lasting = name in _LASTING and place != "mapi-disconnect"
            limit = ("-t", "3") if lasting else ("-t", "8")
            found[f"{place}/{name}"] = Scenario(section, "healthy", place, name, limit)
    for number in _REFUSALS:
        name = f"aadsts-{number}"
        found[f"token/{name}"] = Scenario("cmdlet", "healthy", "token", name)
    return found


def _mailboxes():
    found = {}
    for section, names in (
        ("cmdlet", [*exchange.MAILBOXES, *exchange.REFUSED, "nobody"]),
        ("graph", [*graph.REFUSED, "nobody", "guest_contoso.example#EXT#"]),
        ("mapi", [*mapi_store.mailboxes(), *autodiscover.NAMES]),
    ):
        for name in names:
            if name not in MANY and not (section == "mapi" and name in _LONG):
                found[f"{section}/{name.lower()}"] = Scenario(section, name, arguments=("-t", "8"))
    return found


def _identities():
    found = {}
    for name, app in APPS.items():
        if name not in ("monitor", "user"):
            for section in ("cmdlet", "graph") if name != "secret-expired" else ("cmdlet-secret",):
                words = ("--client-id", app.client_id)
                found[f"identity/{section}-{name}"] = Scenario(section, arguments=words)
    return found


#: Name of the golden file -> scenario.
SCENARIOS = {**_at_places(), **_mailboxes(), **_identities()}


def seen(tenant):
    """What the tenant saw of one run: its requests, by MAPI request type or by method and last part
    of their path, and sessions that were left open.
    """
    asked = []
    for method, path, headers, _ in tenant.requests:
        end = path.partition("?")[0].rpartition("/")[2]
        asked.append(headers.get("x-requesttype") or f"{method} {end}")
    return f"seen: {', '.join(asked) or 'nothing'}; sessions left: {tenant.open_sessions()}\n"


def told(outcome):
    """What one run said: exit code, first line, performance data, diagnosis, without what differs
    from run to run.
    """
    first, _, rest = outcome.stdout.partition("\n")
    line, _, perfdata = first.partition(" | ")
    return f"exit {outcome.code}\n" + varying(f"{line}\n| {masked(perfdata)}\n{rest}")
