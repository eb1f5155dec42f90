"""What can be done at every one of many places is done at one of them, unless `SWEEPS=all`
(`make test-all`); of a series of like cases each n-th is run.
"""

from __future__ import annotations

import os
from collections import Counter


def _all():
    """Whether every case is wanted."""
    return os.environ.get("SWEEPS") == "all" or os.environ.get("GOLDEN") == "write"


def sweep(places):
    """The middle one of these, or all."""
    found = list(places)
    return found if _all() else found[len(found) // 2 :][:1]


def left_out(items):
    """Of tests that are marked as a series those whose turn it is not."""
    seen = Counter()
    found = []
    for item in items:
        series = item.get_closest_marker("series")
        if series is None or _all():
            continue
        test = item.nodeid.partition("[")[0]
        if seen[test] % series.args[0]:
            found.append(item)
        seen[test] += 1
    return found
