"""Replication: readers see what was created or granted only after a number of their requests.

Counted, not timed, so that nobody has to wait for it. Withdrawals hold at once.

Source: reference sheet exchange-online 3.2, 8.2, 8.3 for what is late; published experience of
set-up scripts for Exchange's own objects and for what follows Enable-OrganizationCustomization.
"""

from __future__ import annotations

#: What can be late -> what a reader gets until then.
KINDS = {
    "directory": "404, 400 or an empty list for a new application or service principal; AADSTS700016, 7000229",
    "app-role": "a token without the app role, so 401 at Exchange",
    "exchange-object": "ManagementObjectNotFoundException for a new service principal in Exchange",
    "exchange-role": "403 with NUL bytes for a new member of a role group",
    "graph-role": "ErrorAccessDenied for a new assignment of RBAC for Applications",
    "hydration": "IsDehydrated after Enable-OrganizationCustomization",
    "delegation": "no right to assign roles after hydration",
}


class Arrival:
    """Something on its way to its readers."""

    def __init__(self, requests):
        self._requests = requests

    def seen(self):
        """Whether a reader sees it by now; one who does not brings it one request nearer."""
        if self._requests > 0:
            self._requests -= 1
            return False
        return True


class Replication:
    """How many requests of readers each kind of news takes; none unless `delay` says so."""

    def __init__(self):
        self._delays = dict.fromkeys(KINDS, 0)

    def delay(self, kind, requests):
        """From now on. Raises KeyError for an unknown kind."""
        if kind not in KINDS:
            raise KeyError(kind)
        self._delays[kind] = requests

    def send(self, kind):
        """News of that kind."""
        return Arrival(self._delays[kind])
