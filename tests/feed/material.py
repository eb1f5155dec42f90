"""Results that nobody has measured, and what a feed of them is told."""

from __future__ import annotations

import time

from check_mapi_connectivity.base.credentials import Secret
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.feed.icinga import Icinga, trust
from check_mapi_connectivity.feed.outcome import Outcome
from check_mapi_connectivity.feed.results import Result
from check_mapi_connectivity.feed.settings import Feed

from ..support.fake_icinga import PASSWORD, USER

HOST = "o365"


def result(number=1, **changes):
    """The result of a mailbox; a moment ago, unless it says otherwise."""
    mailbox = f"many-{number:03d}@contoso.com"
    now = time.time()
    made = Result(
        mailbox,
        HOST,
        f"mapi {mailbox}",
        "WARNING",
        "MAPI WARNING - slow\n  long line 1\n  long line 2",
        ("time=1.2s;1;2;0", "token=0.1s"),
        now - 1,
        now,
    )
    return made._replace(**changes)


def name(number=1):
    """What Icinga calls the service of that result."""
    return f"{HOST}!mapi many-{number:03d}@contoso.com"


def feed(icinga, **changes):
    """A feed to a fake Icinga that is trusted."""
    made = Feed(
        "icinga2",
        HOST,
        "mapi {mailbox}",
        url=icinga.url,
        user=USER,
        password=Secret(PASSWORD),
        network=Network(ca_files=(str(icinga.ca_file),)),
    )
    return made._replace(**changes)


def submitted(icinga, results, seconds=20.0, **changes):
    """The outcome of a feed."""
    outcome, to = Outcome(), feed(icinga, **changes)
    Icinga(to, trust(to), Deadline(time.monotonic(), seconds), outcome).submit(results)
    return outcome
