"""The time that tests may take, and the reports that they begin with; test_plugin has the rest."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.probes import runner


@pytest.mark.parametrize(
    ("mailboxes", "verbose", "seconds"),
    [(1, 0, 30.0), (101, 0, 29.9), (20_001, 0, 22.5), (1, 3, 30.0), (101, 1, 29.9), (101, 2, 29.8)],
)
def test_time_to_conclude_is_kept(options, mailboxes, verbose, seconds):
    chosen, names = options(verbose=verbose), tuple(f"m{one}@x.y" for one in range(mailboxes))
    many = chosen._replace(targets=chosen.targets._replace(mailboxes=names))
    assert runner.allowed(many) == pytest.approx(seconds)


def test_all_stopwatches_go_by_the_clock_of_the_run(options):
    class Clock(Deadline):
        hand = 5.0

        def now(self):
            return self.hand

    clock = Clock(0.0, 30.0)
    [report] = runner.blank(options(archive=True), clock)
    for watch in (
        report.times.sign_in,
        report.times.discovery,
        report.times.service,
        report.times.stopwatch(),
    ):
        watch.start("dns")
        clock.hand += 2.0
        watch.stop()
        assert watch.total() == 2.0
    assert (report.archive, report.proxied) == (True, False)
