"""The two carriers of requests, and which one the transports of a process take."""

from __future__ import annotations

import os

from check_mapi_connectivity.network import transport

PLAIN, REQUESTS = "plain", "requests"
BOTH = (PLAIN, REQUESTS)

#: Has every run that is forked, and every transport of the tests' own process, go by this one.
VARIABLE = "CARRIER"


def named(name):
    """What makes the carrier of a transport's route."""
    from check_mapi_connectivity.network.carriers.by_requests import ByRequests
    from check_mapi_connectivity.network.carriers.plain import Plain

    return {PLAIN: Plain, REQUESTS: ByRequests}[name]


def force():
    """Have the transports of this process go by the one that the environment names, if any."""
    if os.environ.get(VARIABLE):
        transport.carrier = named(os.environ[VARIABLE])
