"""What there is to be made, as values: requests, what is known so far, and the steps.

A step looks whether its thing is there, and knows the requests that make it and those that take it
away. Running, --status, --remove and --print-only all read the same steps; the requests hold names
in capitals where an id is not known yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ...base.failure import CheckFailure, Failure
from ...result import output
from . import names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...base.options import Account
    from ..files.directory import Directory
    from ..tenant_api import Call, Services
    from ..terminal import Voice

#: Seconds between the looks at what a service calls there already.
_SECOND_LOOK = (2, 4, 8, 15)

#: Characters that a name from Graph or Exchange may take up in a line.
_NAME = 80


def shown(text: object, limit: int = _NAME) -> str:
    """A name that another side gives, as it may be shown: one line, cut.

    >>> shown("a\\n<b>", 9)
    'a (b)'
    """
    return output.clean(str(text), limit)


def remedy_of(failure: Failure) -> str:
    """What to do, without the option by which the check shows more: this command has none, and
    shows the text by itself.

    >>> remedy_of(Failure("server", "", "see Entra's own text; -v shows it whole"))
    "see Entra's own text"
    """
    return failure.remedy.replace("; -v shows it whole", "")


def guid(value: object) -> str:
    """A GUID in lower case; empty for anything else.

    >>> guid("DC50A0FB-09a3-484d-be87-e023b12c6440"), guid("x")
    ('dc50a0fb-09a3-484d-be87-e023b12c6440', '')
    """
    pattern = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    text = value.lower() if isinstance(value, str) and value.isascii() else ""
    return text if re.fullmatch(pattern, text) else ""


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
    #: Whether the app registration was found by its name alone.
    by_name: bool = False
    #: Whether the app registration was made by this command.
    tagged: bool = True
    #: The certificate was made in this run: no earlier one can have made an app with it.
    fresh: bool = False
    #: Exchange's own names for pointer or user, by which a role group may list it.
    aliases: set[str] = field(default_factory=set)
    #: Certificates and secrets of the enterprise application itself, where this command puts none.
    principal_keys: list[dict[str, Any]] = field(default_factory=list)
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

    account: Account
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
    #: Whether it gives the identity a right: taken back where the identity proves to be of no use.
    grants = False
    #: Whether it is looked at again when all is made.
    checked = False
    #: Whether it only looks, and makes nothing.
    judges = False

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

    def confirm(self, site: Site) -> None:
        """Look again where a service said that it was there already: what has the name may be
        something else. Raises CheckFailure.
        """
        taken = self._taken(site)
        if not taken and self.appears(
            site, _SECOND_LOOK, f"{self.title} exists, but is not shown yet"
        ):
            return
        cause = f"{self.title} is not there, but its name is taken"
        cause += f" by {taken}" if taken else "; this command cannot see by what"
        remedy = "rename or remove the object of that name, then run this again"
        raise CheckFailure(Failure("usage", cause, remedy))

    def take_back(self, site: Site) -> None:
        """Take away again what `make` made in this run. Raises CheckFailure."""
        self._take_back(site)

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

    def _take_back(self, site: Site) -> None:
        for call in self.undoing(site.known):
            site.services.change(call)

    def _taken(self, site: Site) -> str:
        """What else has the name, in words; empty where that is not known."""
        return ""

    def _make(self, site: Site) -> bool:
        changed = False
        for call in self.calls(site.known):
            changed = site.services.change(call) is not None or changed
        return changed

    def _remove(self, site: Site) -> str:
        for call in self.undoing(site.known):
            site.services.change(call)
        return "removed"
