"""What an earlier run wrote, where the command line is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.errors import UsageError
from ...commandline import given as commandline_given
from ..steps import names
from . import places

if TYPE_CHECKING:
    from .directory import Directory
    from .trusted_files import TrustedFiles


def options(
    given: commandline_given.Given,
    tenant: str,
    place: Directory,
    trusted: TrustedFiles,
    wanted: set[str],
) -> None:
    """What an earlier run was told of the options `wanted` still holds where the command line is
    silent. Raises UsageError.
    """
    path, held = place.file(names.OPTIONS_INI), place.held()
    if names.OPTIONS_INI not in held:
        return
    trusted.hold(path, held[names.OPTIONS_INI])
    before = commandline_given.Given()
    before.add_section(f"{tenant}@{path}", {})
    password = place.file(names.PASSWORD)
    if names.PASSWORD in held:
        trusted.hold(password, held[names.PASSWORD])
    values = {name: value for name, value in before.values.items() if name in wanted}
    source = f"[{tenant}] of {path}"
    given.add(values, source, weak=True)
    places.vouched(given, source, place, tenant)


def mailboxes(given: commandline_given.Given, place: Directory) -> None:
    """What a renewal is proved by where the command line is silent: what the set-up was. Raises
    UsageError.
    """
    if given.texts("mailbox"):
        return
    if place.made is None or not place.made.mailboxes:
        raise UsageError(
            "--renew needs --mailbox (-m), to test the new certificate with it; "
            f"{place.file(names.LIST)} names none"
        )
    given.add({"mailbox": place.made.mailboxes}, place.file(names.LIST), weak=True)
