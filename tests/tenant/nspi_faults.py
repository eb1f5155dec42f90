"""Faults of the address book beside those of the wire and of MAPI over HTTP (`mapi_faults`).

At `nspi-bind`, `nspi-resolvenames` and `nspi-unbind`: `error-XXXXXXXX` is that ErrorCode in eight
hexadecimal digits (2 is the failure of Unbind: `error-00000002`). At `nspi-resolvenames` the others.
"""

from __future__ import annotations

import re

PLACES = ("nspi-bind", "nspi-resolvenames", "nspi-unbind")

#: The ErrorCode of an answer.
ERROR = re.compile(r"error-([0-9a-f]{8})")

#: Minimal ids 0 and 1 for all names, or for those of one kind; another's row; rows that are left out
#: although the id says resolved; rows in which nothing is set.
RESOLVING = (
    "unresolved",
    "dn-unresolved",
    "address-unresolved",
    "ambiguous",
    "dn-ambiguous",
    "address-ambiguous",
    "stranger",
    "no-rows",
    "missing-columns",
)


def known(place, fault):
    """Whether a place has this fault."""
    if place not in PLACES:
        return False
    return bool(ERROR.fullmatch(fault)) or (place == PLACES[1] and fault in RESOLVING)


def error_of(quirks):
    """The ErrorCode that a fault asks for, 0 for none."""
    found = [ERROR.fullmatch(quirk) for quirk in quirks]
    return next((int(match[1], 16) for match in found if match), 0)
