"""Reports and stopwatches with known times, and what the tests of judgement and wording do with
them.
"""

from __future__ import annotations

from check_mapi_connectivity.base.credentials import CertificateFacts
from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.result import conclusion, several
from check_mapi_connectivity.result.judge import judge

#: The certificate of reports that are not told another; it ends on 2026-12-04.
CERTIFICATE = CertificateFacts("/etc/probe.pem", "CN=probe", 0.0, 1796385600.0, "A" * 40, "B" * 64)


class Clock:
    """A clock that is told what time it is."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def watch(*laps):
    """A stopwatch that has measured these (name, seconds)."""
    clock = Clock()
    made = Stopwatch(clock)
    for name, seconds in laps:
        made.start(name)
        clock.now += seconds
    made.stop()
    return made


class Fixed(Report):
    """A report that refuses a field which reports do not have: a test would set it in vain."""

    FIELDS = frozenset(vars(Report("", "")))

    def __setattr__(self, name, value):
        if name not in self.FIELDS:
            raise AttributeError(f"a report has no {name}; one of its parts may")
        super().__setattr__(name, value)


def known(mailbox, method, **values):
    """A report with these values, each in the part that has it."""
    made = Fixed(mailbox, method)
    for name, value in values.items():
        parts = (made, made.finding, made.times, made.trace, made.confidences)
        [part] = [part for part in parts if name in vars(part)]
        setattr(part, name, value)
    return made


def success(mailbox="probe@contoso.com", method="cmdlet", seconds=0.25, **changes):
    """A finished success."""
    values = {
        "success": True,
        "result": "Success" if method == "cmdlet" else None,
        "server_latency": 0.25,
        "round_trip": 0.5,
        "connection_time": seconds,
        "certificate": CERTIFICATE,
        "certificate_days": 100.0,
        "sign_in": watch(("signing", 0.125), ("request", 0.125)),
        "service": watch(("dns", 0.0005), ("tcp", 0.0625), ("tls", 0.125), ("request", 0.5)),
        "total": 1.0,
        "begun": 0.0,
        "ended": 1.0,
        **changes,
    }
    return known(mailbox, method, **values)


def failed(mailbox="probe@contoso.com", method="cmdlet", kind="mailbox", cause="gone", **changes):
    """A test that ended in a failure; `changes` are those of the failure, or `of` the report."""
    of = changes.pop("of", {})
    values = {
        "certificate": CERTIFICATE,
        "certificate_days": 100.0,
        "total": 1.0,
        "begun": 0.0,
        "ended": 1.0,
        **of,
    }
    return known(mailbox, method, failure=Failure(kind, cause, **changes), **values)


def asked(reports, options, **changes):
    """Options of the run that these reports are of."""
    return options(
        mailboxes=tuple(dict.fromkeys(report.mailbox for report in reports)),
        methods=tuple(dict.fromkeys(report.method for report in reports)),
        **changes,
    )


def judged(reports, options, **changes):
    """Each of the reports judged."""
    chosen = asked(reports, options, **changes)
    return judge(reports, chosen.targets, chosen.judging)


def diagnosis(found, chosen, line="", **how):
    """The lines of the diagnosis of judged reports, by the options of their run."""
    once = conclusion.told_once(chosen)
    return list(several.diagnosis(found, chosen.display.verbose, once, line, **how))
