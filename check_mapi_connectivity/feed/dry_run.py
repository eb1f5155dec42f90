"""What a feed would submit, for a person to read: no secret is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import icinga_answers, nagios_file
from .settings import ICINGA2, impossible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .results import Result
    from .settings import Feed


def shown(feed: Feed, results: Sequence[Result]) -> Iterator[str]:
    """Line by line: the requests to Icinga, or the file for Nagios."""
    possible = []
    for result in results:
        why = impossible(result.service, feed.scheduler)
        if why:
            yield f"# not submitted, {result.service}: {why}"
        else:
            possible.append(result)
    if feed.scheduler == ICINGA2:
        for result in possible:
            yield f"POST {feed.url}{icinga_answers.path(result)}"
            yield icinga_answers.body(result)
    elif possible:
        now = max(result.ended for result in possible)
        yield from nagios_file.text(possible, "dry run", now).splitlines()
