"""What is done at every one of many places is done at one of them where `SWEEPS=one`: CI's later legs
ask whether it works there at all.
"""

from __future__ import annotations

import os


def sweep(places):
    """All of these, or the middle one."""
    found = list(places)
    return found[len(found) // 2 :][:1] if os.environ.get("SWEEPS") == "one" else found
