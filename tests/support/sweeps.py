"""What can be done at every one of many places is done at one of them, unless `SWEEPS=all`
(`make test-all`); of the many cases of one test a few are run, spread over all.
"""

from __future__ import annotations

import os

#: Cases of a test that are run, where its mark says no other number.
CASES = 4


def _all():
    """Whether every case is wanted."""
    return os.environ.get("SWEEPS") == "all" or os.environ.get("GOLDEN") == "write"


def sweep(places):
    """The middle one of these, or all."""
    found = list(places)
    return found if _all() else found[len(found) // 2 :][:1]


def left_out(items):
    """Of each test's cases those above its number: what runs is spread over all of them."""
    if _all():
        return []
    cases = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [item for found in cases.values() for item in _thinned(found)]


def _thinned(cases):
    """Of one test's cases those that are not run."""
    most = next((mark.args[0] for mark in cases[0].iter_markers("cases")), CASES)
    if len(cases) <= most:
        return []
    kept = {number * len(cases) // most for number in range(most)}
    return [case for number, case in enumerate(cases) if number not in kept]
