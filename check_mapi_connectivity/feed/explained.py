"""What `--explain` says of a feed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .feeder import Feeder
from .icinga_answers import PERMISSION
from .settings import ICINGA2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.options import Command
    from .settings import Feed

#: Services that are named.
_MOST_NAMED = 5


def facts(feed: Feed, command: Command) -> Iterator[tuple[str, str]]:
    """(name, text) of each."""
    yield "scheduler", f"{feed.name} at {feed.place}"
    yield "host", feed.host
    mailboxes = command.options.targets.mailboxes
    names = ", ".join(feed.service_of(mailbox) for mailbox in mailboxes[:_MOST_NAMED])
    more = len(mailboxes) - _MOST_NAMED
    yield "services", names + (f" and {more} more" if more > 0 else "")
    if feed.scheduler == ICINGA2:
        yield "signs in as", f"ApiUser {feed.user}" if feed.user else f"by {feed.certificate}"
        yield "permission", f"{PERMISSION}, and no other"
        usual = "the system's authorities"
        own = "".join(f", and those of {path}" for path in feed.network.ca_files)
        yield "trusts", usual + own
        through = feed.network.proxy
        yield "proxy", str(through) if through else "none; --proxy does not hold for the feed"
    else:
        yield "writes", f"one file a run into {feed.directory}, and its .ok"
    for what, where in command.provenance.reads:
        if what == "submit password":
            yield "secret", f"{what} from {where}"
    kept = Feeder(feed, command.options).kept
    yield "time", f"{kept:.1f}s of the timeout are kept back for it"
    if feed.dry_run:
        yield "dry run", "nothing is submitted, what would be is printed"


def address(feed: Feed) -> tuple[str, int] | None:
    """Host and port of Icinga's API; None where there is none."""
    parts = urlsplit(feed.url)
    return (parts.hostname, parts.port or 443) if parts.hostname else None
