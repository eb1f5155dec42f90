"""The bytes of line 1 with its performance data: Nagios is sure of 4096 of the whole output only."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.vocabulary import LABELS, OFFERED, prefixes
from check_mapi_connectivity.result import conclusion

from ..support.reports import Clock, asked, success, watch

#: Characters of three bytes; an address that is as long as one may be.
CAUSE, ADDRESS = "データベース" * 40, f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example"

#: Limits of each label, wide ones.
LIMITS = ("@10.25:3600.123456", "@20.5:7200.123456")


class Deadline:
    """What a conclusion asks of the clock of a run."""

    started = 0.0
    now, wall = Clock(), Clock()


def slow(mailbox, method):
    """A test of which every value is long."""
    phases = ("dns", "tcp", "proxy", "tls", "request", "connect", "execute", "disconnect")
    return success(
        mailbox,
        method,
        failure=Failure("server", CAUSE),
        seconds=12345.123456,
        server_latency=12345.123456,
        certificate_days=-1234.12,
        inbox_items=2147483647,
        sign_in=watch(("request", 12345.123456)),
        discovery=watch(("request", 12345.123456)),
        service=watch(*((name, 12345.123456) for name in phases)),
        ended=99999.123456,
    )


def first_line(options, methods, mailboxes=(ADDRESS,)):
    """Line 1 of a run whose mailboxes violate every limit."""
    reports = [slow(mailbox, method) for mailbox in mailboxes for method in methods]
    prefix = prefixes(tuple(mailboxes), tuple(methods))
    thresholds = {
        start + label: LIMITS for (_, method), start in prefix.items() for label in LABELS[method]
    }
    chosen = asked(reports, options, thresholds=thresholds)
    text, _ = conclusion.conclude(chosen, reports, Deadline)
    return text.partition("\n")[0].encode()


@pytest.mark.parametrize("method", LABELS)
def test_one_mailbox_by_one_method(options, method):
    assert 300 < len(first_line(options, [method])) < 2000


def test_one_mailbox_by_all_methods(options):
    assert 2000 < len(first_line(options, OFFERED)) < 4000


def test_six_nodes_are_kept_by_nagios(options):
    """What docs/exchange-server.md says of a service with several addresses."""
    phases = ("dns", "tcp", "proxy", "tls", "connect", "execute", "disconnect")
    nodes = [
        success(
            "probe@contoso.com",
            "mapi",
            address=f"192.168.100.1{number:02d}",
            seconds=1.123456,
            server_latency=1.123456,
            inbox_items=21474,
            sign_in=watch(("request", 1.123456)),
            discovery=watch(("request", 1.123456)),
            service=watch(*((name, 1.123456) for name in phases)),
            address_book=watch(*((name, 1.123456) for name in ("bind", "resolvenames", "unbind"))),
            address_book_answers=True,
            ended=9.123456,
        )
        for number in range(6)
    ]
    chosen = asked(nodes, options, address_book=True)
    line = conclusion.conclude(chosen, nodes, Deadline)[0].partition("\n")[0]
    assert "192_168_100_105_time_address_book=3.370368s" in line
    assert 3000 < len(line.encode()) < 4096
