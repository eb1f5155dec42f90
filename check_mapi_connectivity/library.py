"""The library face: tests of mailboxes from Python; docs/library.md has an example.

It knows no argv, no exit codes and no states, prints nothing, and leaves the process alone:
signals, descriptors, limits, environment and warnings stay as they are. Secrets are masked in all
that it returns. It may be used by several threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from .base.credentials import Secret
from .base.deadline import Deadline
from .base.errors import UsageError
from .base.failure import Failure
from .base.options import Options
from .base.vocabulary import METHODS
from .commandline.given import INI_SECRETS, Given
from .commandline.groups import feeding
from .commandline.option import COUNT, FLAG, LIST
from .commandline.option_table import OPTIONS
from .commandline.parse import checked
from .probes.runner import Runner, allowed, blank, cut_off
from .secrecy import echoes, reports

if TYPE_CHECKING:
    from typing import Any

    from .base.report import Report as RunningReport

__all__ = ["Failure", "Options", "Report", "Secret", "UsageError", "options", "probe"]

#: Options that are for a command line, a person at a terminal or a file of settings.
_NOT_HERE = frozenset(
    [
        "ask-password",
        "diagnosis",
        "diagnosis-frequency",
        "explain",
        "extra-opts",
        "help",
        "json",
        "record",
        "redact-addresses",
        "replay",
        "verbose",
        "version",
        "submit-password",
        *(option.name for option in feeding.OPTIONS),
    ]
)

#: Where values come from, in messages.
_CALL = "the call"

#: Seconds between two looks at a report that another thread writes to, and how many looks.
_BETWEEN, _LOOKS = 0.001, 100


class Finding(NamedTuple):
    """What a test has found out; None where it did not get so far, or the method does not tell.

    `server_latency` is in seconds, `inbox_items` and `unread` are counts.
    """

    result: str | None
    named: str | None
    database: str | None
    server: str | None
    server_latency: float | None
    inbox_items: int | None
    unread: int | None


class Report(NamedTuple):
    """How one test ended.

    `seconds` is the connection time, None where the test failed; `times` has the seconds of each
    phase, named "sign-in dns" and so on, in the order in which they began; `remarks` are what the
    diagnosis would say beside the cause. `address` is where the host was connected to, where one
    was given; `address_book` whether it answers for the mailbox, None where it was not asked.
    """

    mailbox: str
    method: str
    ok: bool
    seconds: float | None
    failure: Failure | None
    finding: Finding
    times: Mapping[str, float]
    remarks: tuple[str, ...]
    address: str = ""
    address_book: bool | None = None
    address_book_failure: Failure | None = None


def options(*, environ: Mapping[str, str] | None = None, **given: Any) -> Options:
    """The options of a run: values by the long names of the command line's options, with
    underscores for dashes, lists for repeatable ones, True and False for flags.

    The four secrets of an ini section may be given by their names there (`password` and so on), as
    text or Secret. Of the environment only what `environ` holds is looked at, no ini file is read,
    and nothing is kept from one call to the next unless `cache_dir` is given. Raises UsageError, in
    the words of the command line, also for what is no option or has no place here.
    """
    values: dict[str, Any] = {}
    for word, value in given.items():
        name = word.replace("_", "-")
        if name in _NOT_HERE or (name not in OPTIONS and name not in INI_SECRETS):
            raise UsageError(f"{word}: no option that can be given here")
        if value is not None and value is not False:
            values[name] = _value(name, value)
    if "cache-dir" not in values:
        values["no-cache"] = True
    found = Given()
    found.add(values, _CALL)
    return checked(found, dict(environ or {})).options


def _value(name: str, value: Any) -> Any:
    """A value in the form that the command line gives it. Raises UsageError."""
    if name in INI_SECRETS:
        value = value.reveal() if isinstance(value, Secret) else value
    shape = OPTIONS[name].shape if name in OPTIONS else ""
    if shape in (FLAG, COUNT):
        if value is not True:
            raise UsageError(f"{name}: True or False, not {type(value).__name__}")
        return True
    if shape == LIST:
        several = value if isinstance(value, (list, tuple)) else [value]
        return [_text(name, one) for one in several]
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    """Raises UsageError for what is neither text nor a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise UsageError(f"{name}: text or a number, not {type(value).__name__}")


def probe(options: Options) -> tuple[Report, ...]:
    """Test each mailbox by each method, several at a time, and return when all have ended, at the
    latest after the seconds of the option `timeout`.

    A test that fails is a Report with a Failure. What still waits for a host at the deadline is
    reported as timed out; its thread is left behind, a daemon, until its wait ends. Raises
    UsageError where a local file cannot be used.
    """
    deadline = Deadline(time.monotonic(), allowed(options))
    running = blank(options, deadline)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            Runner(options, deadline, running, lambda _: None).run()
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=run, name="probe", daemon=True)
    worker.start()
    worker.join(deadline.remaining())
    if raised:
        raise raised[0]
    ended = [_as_it_stands(report) for report in running]
    cut_off(options, ended)
    given, words = echoes.of_run(options.confided), echoes.words_of_run(options.confided)
    reports.conceal(ended, given, words)
    return tuple(_frozen(report) for report in ended)


def _as_it_stands(report: RunningReport) -> RunningReport:
    """A copy that no other thread writes to."""
    for _ in range(_LOOKS):
        try:
            return report.copy()
        except RuntimeError:
            # A collection has changed while it was copied.
            time.sleep(_BETWEEN)
    return report.copy()


def _frozen(report: RunningReport) -> Report:
    finding, method = report.finding, METHODS[report.method]
    return Report(
        mailbox=report.mailbox,
        method=report.method,
        ok=report.success and report.failure is None,
        seconds=None if report.failure else finding.connection_time,
        failure=report.failure,
        finding=Finding(
            result=finding.result,
            named=finding.named,
            # Where a method cannot tell, the diagnosis says so in words.
            database=finding.database if "database" in method.names else None,
            server=finding.server if "server" in method.names else None,
            server_latency=finding.server_latency,
            inbox_items=finding.inbox_items,
            unread=finding.unread,
        ),
        times={
            f"{name} {phase.name}": phase.seconds
            for name, watch in report.times.watches.items()
            for phase in watch.phases()
        },
        remarks=tuple(report.trace.remarks),
        address=report.address,
        address_book=report.address_book_answers,
        address_book_failure=report.address_book_failure,
    )
