"""The administrator's side of one tenant: who administers it, what was created there, what is late.

Administrators sign in by device code (`devices`), change Entra's directory through Microsoft Graph
(`registry`) and Exchange's roles through InvokeCommand (`rbac`). It begins without any app
registration: those of `directory.APPS` are not shown to administrators.
"""

from __future__ import annotations

import threading

from .devices import Devices
from .rbac import Rbac
from .registry import Registry
from .replication import Replication

#: Entra roles of administrators, by what they are called, and their template ids (Microsoft's page
#: "Microsoft Entra built-in roles"; reference sheet exchange-online 8.2).
ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Exchange Administrator": "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509",
}
APPLICATION_ROLES = ("Application Administrator", "Cloud Application Administrator")
CONSENT_ROLES = ("Global Administrator", "Privileged Role Administrator")
EXCHANGE_ROLES = ("Global Administrator", "Exchange Administrator")


class Administration:
    """State of one directory with these mailboxes; `lock` is held while a request changes it.

    `people` are administrators by address with their Entra roles: who is not in there is none.
    `calls` are administrative requests in their order, `METHOD /path` or the cmdlet's name.
    """

    def __init__(self, place, mailboxes):
        self.place = place
        self.lock = threading.RLock()
        self.replication = Replication()
        self.registry = Registry(place.cloud, self.replication)
        self.rbac = Rbac(self.replication, mailboxes)
        self.devices = Devices()
        self.people = {}
        self.calls = []

    def approve(self, user="admin@practice.example", roles=("Global Administrator",), **how):
        """Somebody with these Entra roles signs in with the code; `how` is for `Devices.decide`.
        Raises KeyError for an unknown role or code.
        """
        for role in roles:
            if role not in ROLES:
                raise KeyError(role)
        with self.lock:
            self.devices.decide(("approve", user.lower()), **how)
            self.people[user.lower()] = frozenset(roles)

    def is_one_of(self, user, roles):
        """Whether somebody has one of these Entra roles."""
        return bool(self.people.get(user.lower(), frozenset()) & set(roles))

    def may_consent(self, user, to_graph=False):
        """To permissions, for everybody; those of applications on Microsoft Graph (`to_graph`) are
        not for application administrators.
        """
        roles = CONSENT_ROLES if to_graph else (*CONSENT_ROLES, *APPLICATION_ROLES)
        return self.is_one_of(user, roles)

    def state(self):
        """Everything that administrators made, as plain values that can be compared."""
        with self.lock:
            return {**self.registry.state(), **self.rbac.state()}
