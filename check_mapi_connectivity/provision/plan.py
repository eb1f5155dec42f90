"""What there is to be made, as values: requests, what is known so far, and the steps.

A step looks whether its thing is there, and knows the requests that make it and those that take it
away. Running, --status, --remove and --print-only all read the same steps; the requests hold names
in capitals where an id is not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from . import names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..options import Options
    from .directory import Directory
    from .service import Call, Services
    from .voice import Voice


@dataclass
class Known:
    """What is known of the tenant so far; in capitals what is not.

    `keys` are the app's certificates as Graph lists them, `key` ours in base64 DER.
    """

    client_id: str = "CLIENT-ID"
    app: str = "APP-OBJECT-ID"
    principal: str = "OBJECT-ID"
    exchange: str = "EXCHANGE-OBJECT-ID"
    grant: str = "GRANT-ID"
    parent: str = names.PARENT
    key: str = "BASE64-OF-THE-CERTIFICATE"
    subject: str = names.APP
    keys: list[dict[str, Any]] = field(default_factory=list)
    #: Whether the app registration was made by this command.
    tagged: bool = True
    #: The certificate was made in this run: no earlier one can have made an app with it.
    fresh: bool = False
    #: Exchange's own names for pointer or user, by which a role group may list it.
    aliases: set[str] = field(default_factory=set)
    #: The role group is there, but without the role.
    bare_group: bool = False
    #: Addresses that the scope holds already; None where there is no scope.
    scoped: tuple[str, ...] | None = None

    def has(self, name: str) -> bool:
        """Whether an id is known."""
        return bool(getattr(self, name) != getattr(Known, name))


class Found(NamedTuple):
    """Whether a step's thing is there, and what there is to say of it."""

    there: bool
    detail: str = ""


@dataclass
class Site:
    """Everything a step works with."""

    options: Options
    services: Services
    directory: Directory
    voice: Voice
    known: Known
    #: The monitoring user where a user's password is the credential, else empty.
    user: str = ""
    #: Client id that the administrator named.
    named_client: str = ""


class Step:
    """One thing that the monitor needs; `title` names it, `why` says what for.

    What a kind of step does differently, it says in the methods that begin with an underscore.
    """

    title = ""
    why = ""
    #: Whether --remove takes it away.
    removable = True

    def look(self, site: Site) -> Found:
        """Whether it is there. Raises CheckFailure and UsageError for what can neither be used nor
        made.
        """
        return self._look(site)

    def appears(self, site: Site, pauses: Sequence[float], why: str) -> bool:
        """Whether it is there, or comes to be seen after one of these pauses (seconds). Raises as
        `look` does.
        """
        for pause in pauses:
            if self.look(site).there:
                return True
            site.voice.wait(pause, why)
        return self.look(site).there

    def calls(self, known: Known) -> list[Call]:
        """The requests that make it."""
        return self._calls(known)

    def undoing(self, known: Known) -> list[Call]:
        """The requests that take it away."""
        return self._undoing(known)

    def shell(self) -> list[str]:
        """Commands for whoever does it by hand, before the requests: of a shell for what is made
        on this host, where `own` gives a file away; of PowerShell for what has to be looked up.
        """
        return self._shell()

    def make(self, site: Site) -> bool:
        """Make it; false where it turns out to be there. Raises CheckFailure."""
        return self._make(site)

    def remove(self, site: Site) -> str:
        """Take away what `look` has found; what became of it in words. Raises CheckFailure."""
        return self._remove(site)

    def _look(self, site: Site) -> Found:
        raise NotImplementedError

    def _calls(self, known: Known) -> list[Call]:
        return []

    def _undoing(self, known: Known) -> list[Call]:
        return []

    def _shell(self) -> list[str]:
        return []

    def _make(self, site: Site) -> bool:
        changed = False
        for call in self.calls(site.known):
            changed = site.services.change(call) is not None or changed
        return changed

    def _remove(self, site: Site) -> str:
        for call in self.undoing(site.known):
            site.services.change(call)
        return "removed"
