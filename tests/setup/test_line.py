"""Requests of the set-up command end by themselves: it has no watchdog."""

from __future__ import annotations

import socket
import time

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.setup.line import Line

from ..support.options import means


def failure_of(options, url, seconds, **changes):
    deadline = Deadline(time.monotonic(), seconds)
    line = Line(means(options(**changes)), deadline, Report("", "graph"))
    if seconds < 1:
        # A handshake is given up by the transport's own patience.
        line.patience = seconds
    try:
        with pytest.raises(CheckFailure) as caught:
            line.send("GET", url, Stopwatch())
    finally:
        line.close()
    return caught.value.failure


def test_a_service_that_takes_the_request_and_says_nothing(options, tenant):
    tenant.faults.on("graph", "silent")
    path = "/v1.0/users/healthy@practice.example/mailFolders/inbox/messages"
    failure = failure_of(options, tenant.url + path, 1.0, ca_files=(str(tenant.material.ca_file),))
    assert failure.cause.startswith("127.0.0.1 has not answered for ")
    remedy = "check network and proxy, or run this again later"
    assert (failure.kind, failure.remedy) == ("timeout", remedy)


def test_a_service_that_does_not_shake_hands(options):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        failure = failure_of(options, f"https://127.0.0.1:{port}/", 0.5)
    assert failure.cause.startswith("127.0.0.1 has not answered for ")


def test_time_begins_anew_with_each_request(options, tenant):
    deadline = Deadline(time.monotonic() - 1000.0, 60.0)
    line = Line(
        means(options(ca_files=(str(tenant.material.ca_file),))), deadline, Report("", "graph")
    )
    try:
        answer = line.send("GET", f"{tenant.url}/v1.0/nothing", Stopwatch())
    finally:
        line.close()
    assert answer.status >= 400
    assert deadline.remaining() > 0
