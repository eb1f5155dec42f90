"""Which runs of a service print the diagnosis (contract 6 and 7.21), remembered from run to run in
the cache directory.

Whatever cannot be remembered is printed: a diagnosis too many harms nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.cache import Cache
from ..base.reading.untrusted import Fields, Odd

if TYPE_CHECKING:
    from ..base.options import Options

#: Runs that are counted; beyond it the count begins anew.
_MOST_RUNS = 1e9 - 1


def due(options: Options, state: str) -> bool:
    """Whether a run that ended in `state` prints the diagnosis. The run is counted."""
    normal, abnormal = options.frequency
    if normal == abnormal == 1:
        return True
    notes: list[str] = []
    cache, key = Cache(options.cache_dir, notes), _key(options)
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


def _key(options: Options) -> str:
    """The document of one service: what it tests, by whom, which way, and how it is judged."""
    login, credential = options.login, options.credential
    who = (
        *(type(credential).__name__, options.tenant, options.client_id),
        *(getattr(credential, name, "") for name in ("path", "username", "client_id", "url")),
        *((login.username, login.scheme) if login else ()),
    )
    way = (
        *(options.cloud.name, options.authority_url, options.exchange_url, options.graph_url),
        *(options.hostname, options.autodiscover_url, options.mapi_url, options.legacy_dn),
        *(options.proxy, options.no_proxy, options.ca_files, options.min_tls, options.ip_version),
    )
    asked = (options.mailboxes, options.methods, options.archive, options.inbox_items)
    judged = (options.thresholds, options.states, options.timeout, options.timeout_state)
    return Cache.key("diagnosis", *map(str, (asked, who, way, judged, options.frequency)))
