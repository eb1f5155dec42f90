"""Which runs of a service print the diagnosis (contract 6 and 7.21), remembered from run to run in
the cache directory.

Whatever cannot be remembered is printed: a diagnosis too many harms nobody.
"""

from __future__ import annotations

from ..base.cache import Cache
from ..base.reading.untrusted import Fields, Odd

#: Runs that are counted; beyond it the count begins anew.
_MOST_RUNS = 1e9 - 1


def due(every: tuple[int, int], cache_dir: str | None, service: str, state: str) -> bool:
    """Whether a run that ended in `state` prints the diagnosis, which is due `every` so many runs
    that are well, and that are not. The run is counted with those of its service.
    """
    normal, abnormal = every
    if normal == abnormal == 1:
        return True
    notes: list[str] = []
    cache, key = Cache(cache_dir, notes), Cache.key("diagnosis", service)
    with cache.lock(key):
        before = _runs(cache.load(key), state)
        # A damaged file is no reason to print for ever: it is written anew.
        notes.clear()
        cache.store(key, {"state": state, "runs": before + 1})
    period = normal if state == "OK" else abnormal
    return before % period == 0 or bool(notes)


def _runs(document: dict[str, object] | None, state: str) -> int:
    """How many runs in a row have ended in this state; 0 for a document that is odd."""
    try:
        known = Fields(document, "")
        runs = known.number("runs", _MOST_RUNS, 1.0)
        return int(runs) if runs.is_integer() and known.text("state") == state else 0
    except Odd:
        return 0
