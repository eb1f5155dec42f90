"""Records a run: what each test met of the world, in its own order, and how the run ended.

Strategy: a test learns of the world through its transport alone, by requests and by `learn`, also
what other tests of the run have found out meanwhile. So each can be replayed by itself. All is kept
in memory; secrets and addresses are replaced before the file, which was made empty before anything
was sent, is written.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
from dataclasses import fields, is_dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING

from .. import __version__
from ..base.errors import UsageError
from ..base.failure import CheckFailure
from ..base.reading.untrusted import Fields, Odd
from ..network.transport import Transport
from ..probes.unrecorded import Unrecorded
from ..result import output
from ..secrecy.redaction import Redaction
from . import options as record_options
from . import recording
from .entries import Entry, Sent
from .recording import Ending, Recording, Result, Test

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..base import options as base_options
    from ..base.deadline import Deadline
    from ..base.options import Options
    from ..base.report import Report, Stopwatch
    from ..network.carriers.request import Request
    from ..network.route import Means, Shared
    from ..network.transport import Manner
    from ..probes.unrecorded import Again

    #: Words the run's output for the recording, which has these options.
    Worded = Callable[[Redaction, Options], str]

#: What a run may depend on, besides Python.
_PACKAGES = (
    *("requests", "urllib3", "msal", "cryptography", "nagiosplugin"),
    *("pyspnego", "gssapi", "krb5", "dnspython"),
)

#: Whatever else may be raised by what we do not foresee.
_ANY = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError),
    *(TypeError, ValueError, re.error, CheckFailure, UsageError),
)


class Recorder(Unrecorded):
    """The recording of one run, and the file that it goes into.

    As a context: an error within it leaves what is known, or no file where nothing was sent.
    """

    def __init__(self, options: Options, wanted: base_options.Recording, *, as_json: bool) -> None:
        self._options, self._wanted, self._path = options, wanted, wanted.path
        self._as_json = as_json
        self._ways: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
        self._marks: list[Mark] = []
        self._frozen: Recording | None = None

    def begin(self, deadline: Deadline, reports: list[Report]) -> None:
        """A run begins. Raises UsageError where the file cannot be made."""
        self.deadline, self._reports = deadline, reports
        self._begun = deadline.wall() - (deadline.now() - deadline.started)
        self._numbers = {id(report): number for number, report in enumerate(reports)}
        self._descriptor = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except FileExistsError:
            text = f"--record: {self._path} exists; name another file, or remove it"
            raise UsageError(text) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no file can have this name"
            raise UsageError(f"--record: {self._path} cannot be written: {why}") from None
        with contextlib.suppress(OSError):
            # The umask may keep its owner out.
            os.fchmod(descriptor, 0o600)
        return descriptor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        self.freeze("itself")
        if not any(mark.kind in ("request", "connect") for mark in self._marks):
            self._remove()
        elif isinstance(error, UsageError):
            text = output.complain(str(error), error.details, as_json=self._as_json)
            self._write(Result(3, text), lambda redaction, _: redaction.report_text(text))
        else:
            self._write(None, lambda *_: "")

    def transport(
        self, means: Means, deadline: Deadline, report: Report, shared: Shared | None
    ) -> Transport:
        """A transport that tells this recorder of all it carries."""
        return RecordingTransport(self, means, deadline, report, shared)

    def set_out(self, report: Report, connections: dict[str, int], known: dict[str, int]) -> None:
        """A test begins with these connections, of which some are authenticated."""
        self._ways[id(report)] = connections, known

    def mark(self, kind: str, report: Report, watch: Stopwatch | None = None) -> Mark:
        """Something begins for the test of this report."""
        if id(report) not in self._numbers:
            # The run has found out by now which addresses there are to test.
            self._numbers = {id(one): number for number, one in enumerate(self._reports)}
        mark = Mark(kind, self._numbers[id(report)], report, watch, self.now())
        self._marks.append(mark)
        return mark

    def now(self) -> float:
        """Seconds since the run began."""
        return self.deadline.now() - self.deadline.started

    def freeze(self, by: str) -> None:
        """The run has ended: what comes after this is not recorded."""
        if self._frozen is not None:
            return
        ending = Ending(by, self.now())
        certificates = [report.certificate for report in self._reports if report.certificate]
        self._frozen = Recording(
            version=__version__,
            moment=self._begun,
            options=record_options.settled(self._options, self._reports),
            certificate=certificates[0] if certificates else None,
            environment={},
            tests=tuple(map(self._test, self._reports)),
            entries=tuple(mark.entry() for mark in list(self._marks)),
            ending=ending,
            result=None,
        )

    def _test(self, report: Report) -> Test:
        times = report.times
        begun, ended = (
            None if moment is None else max(0.0, moment - self.deadline.started)
            for moment in (times.begun, times.ended)
        )
        connections, known = self._ways.get(id(report), ({}, {}))
        failure = report.failure if times.begun is None else None
        return Test(begun, ended, connections, known, failure)

    def keep(self, text: str, code: int, again: Again) -> tuple[str, int]:
        """Write the recording with the run's output; the output with a line on that, and the exit
        code.

        `again` words reports anew, whose addresses were replaced.
        """

        def worded(redaction: Redaction, options: Options) -> str:
            if not self._wanted.redact_addresses:
                return redaction.report_text(text)
            reports = [_with_standins(report, redaction) for report in self._reports]
            return again(options, reports)

        problem = self._write(Result(code, text), worded)
        look = f"look at it with --replay {self._path} -vvv before you pass it on"
        told = f"not written: {problem}" if problem else f"written to {self._path}; {look}"
        return output.extended(text, "recording", told, as_json=self._as_json), code

    def _write(self, result: Result | None, worded: Worded) -> str:
        """Write the file; why that failed, in words, and then there is no file."""
        try:
            data = recording.encode(self._contents(result, worded))
            if len(data) > recording.LIMIT:
                raise Odd(f"so much: it is larger than {recording.LIMIT >> 20} MiB")
            with os.fdopen(os.dup(self._descriptor), "wb") as file:
                file.write(data)
        except Odd as error:
            problem = f"no recording can hold {error}"
        except OSError as error:
            problem = error.strerror or type(error).__name__
        except _ANY as error:
            # A recording never costs the check its own result.
            problem = f"internal error: {type(error).__name__}; please report it"
        else:
            os.close(self._descriptor)
            return ""
        self._remove()
        return problem

    def _remove(self) -> None:
        """Remove the file, which this run has made."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _contents(self, result: Result | None, worded: Worded) -> dict[str, Any]:
        """What the file is to hold. Raises Odd."""
        if self._frozen is None:
            raise Odd("a run that has not ended")
        met = {secret for report in self._reports for secret in list(report.confidences.secrets)}
        redaction = Redaction(
            *record_options.known(self._options),
            met,
            addresses=self._wanted.redact_addresses,
            words={word for report in self._reports for word in list(report.confidences.words)},
            named=[report.finding.named for report in self._reports if report.finding.named],
        )
        plain = recording.document(replace(self._frozen, environment=_environment()))
        redaction.entries(plain["entries"])
        contents: dict[str, Any] = redaction.everywhere(plain)
        replaced = record_options.parse(Fields(contents["options"], "options."), len(self._reports))
        if result is not None:
            output_text = redaction.printed(worded(redaction, replaced))
            contents["result"] = {"exit_code": result.exit_code, "output": output_text}
        return {"redacted": redaction.kinds, **contents}


class Mark:
    """Something that a test meets, from its beginning on."""

    def __init__(
        self, kind: str, test: int, report: Report, watch: Stopwatch | None, begin: float
    ) -> None:
        trace = report.trace
        self.kind = kind
        self._report, self._watch = report, watch
        if watch is not None:
            # What was open before is none of this one's time.
            watch.stop()
        self._closed = 0 if watch is None else len(watch.closed)
        self._facts = dict(trace.facts)
        self._said = len(trace.remarks), len(trace.notes)
        self._skew = report.times.skew
        self._entry = Entry(test, kind, begin, None)

    def tell(self, **found: Any) -> None:
        """Take up what is known of it."""
        self._entry = replace(self._entry, **found)

    def end(self, now: float) -> None:
        """It has ended."""
        self._entry = replace(self.entry(), end=now, running=None)

    def entry(self) -> Entry:
        """It as it stands."""
        if self._entry.end is not None:
            return self._entry
        report, watch = self._report, self._watch
        facts = report.trace.facts.copy()
        return replace(
            self._entry,
            host=report.times.host,
            phases=() if watch is None else watch.closed[self._closed :],
            running=None if watch is None else watch.current,
            facts={name: text for name, text in facts.items() if self._facts.get(name) != text},
            remarks=tuple(report.trace.remarks[self._said[0] :]),
            notes=tuple(report.trace.notes[self._said[1] :]),
            skew=None if report.times.skew is self._skew else report.times.skew,
        )


class RecordingTransport(Transport):
    """A transport that tells a recorder of all it carries."""

    def __init__(
        self,
        recorder: Recorder,
        means: Means,
        deadline: Deadline,
        report: Report,
        shared: Shared | None,
    ) -> None:
        super().__init__(means, deadline, report, shared)
        self._recorder = recorder

    def attach(self, report: Report) -> None:
        """From now on work for this report."""
        super().attach(report)
        connections = {f"{host}:{port}": n for (host, port), n in self._route.opened.items()}
        self._recorder.set_out(report, connections, dict(self.authenticated))

    def _carry(self, request: Request, url: str, watch: Stopwatch, manner: Manner) -> Any:
        mark = self._recorder.mark("request", self._report, watch)
        mark.tell(request=_sent(request))

        def heard(answer: Any) -> None:
            mark.tell(answer=answer)
            if manner.heard is not None:
                manner.heard(answer)

        def carry() -> Any:
            answer = super(RecordingTransport, self)._carry(
                request, url, watch, manner._replace(heard=heard)
            )
            mark.tell(answer=answer)
            return answer

        return self._marked(mark, carry, url)

    def connect(self, url: str, watch: Stopwatch, phase: str) -> bytes:
        """The same; the certificate is recorded."""
        mark = self._recorder.mark("connect", self._report, watch)
        mark.tell(url=url)

        def connect() -> bytes:
            certificate = super(RecordingTransport, self).connect(url, watch, phase)
            mark.tell(certificate=certificate)
            return certificate

        return bytes(self._marked(mark, connect, url))

    def learn(
        self, kind: str, ask: Callable[[], Any], take: Callable[[Any], None] | None = None
    ) -> Any:
        """The same; the answer is recorded."""
        mark = self._recorder.mark(kind, self._report)

        def asked() -> Any:
            value = ask()
            mark.tell(value=value)
            return value

        return self._marked(mark, asked)

    def _marked(self, mark: Mark, act: Callable[[], Any], url: str = "") -> Any:
        """What `act` gives; how it ended goes into the mark."""
        try:
            return act()
        except CheckFailure as error:
            mark.tell(failure=error.failure)
            raise
        except UsageError as error:
            mark.tell(usage=(str(error), *error.details))
            raise
        finally:
            if url:
                mark.tell(connections=self.connections(url))
            mark.end(self._recorder.now())


def _sent(request: Request) -> Sent:
    return Sent(request.method, request.url, tuple(request.headers.items()), request.body)


def _environment() -> dict[str, str]:
    """Versions of what a run may depend on; packages that are not there are not named."""
    found = {"python": platform.python_version(), "system": platform.system()}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _with_standins(report: Report, redaction: Redaction) -> Report:
    """A copy of the report in which stand-ins are in the place of addresses."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return redaction.report_text(value)
        if isinstance(value, dict):
            return {name: clean(one) for name, one in list(value.items())}
        if isinstance(value, list):
            return [clean(one) for one in value]
        if isinstance(value, tuple):
            items = [clean(one) for one in value]
            return value._make(items) if hasattr(value, "_make") else tuple(items)
        if is_dataclass(value) and not isinstance(value, type):
            parts = {one.name: clean(getattr(value, one.name)) for one in fields(value)}
            return replace(value, **parts)
        return value

    kept = report.copy()
    for part in (kept, kept.finding, kept.times, kept.trace):
        for name, value in vars(part).items():
            setattr(part, name, clean(value))
    return kept
