"""What can be done at every one of many places is done at one of them, unless `SWEEPS=all`
(`make test-all`).
"""

from __future__ import annotations

import os


def sweep(places):
    """The middle one of these, or all."""
    found = list(places)
    return found if os.environ.get("SWEEPS") == "all" else found[len(found) // 2 :][:1]
