"""The file of `--record`: everything that a run met, as values, and their form in JSON.

A recording comes from strangers. `parse` gives a Recording whose every field was looked at, or
raises the one UsageError that says what is wrong with the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .. import __version__
from ..base.credentials import CertificateFacts
from ..base.errors import UsageError
from ..base.failure import Failure
from ..base.reading import files
from ..base.reading.untrusted import YEAR_9999, Fields, Odd, integer
from ..base.vocabulary import STATES
from . import entries as record_entries
from . import options as record_options
from .entries import LONGEST, Entry

if TYPE_CHECKING:
    from typing import Any

    from ..base.options import Options

FORMAT = "recording of check_mapi_connectivity"
VERSION = 1

#: Bytes of the largest file that is read or written.
LIMIT = 8 << 20

#: What may be replaced in a recording.
_KINDS = ("secrets", "subjects", "addresses")

#: Entries and tests that one recording may hold.
_MOST_ENTRIES, _MOST_TESTS = 100_000, 1000

#: A list of a few plain values, one on a line of its own.
_SHORT = re.compile(r"\[\n +((?:[^\n\[\]{}][^\n]*\n +){1,4})\]")

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


@dataclass(frozen=True)
class Test:
    """One test: when it began and ended, in seconds since the run began; what it found of earlier
    ones on its way: connections by host and port, and those that are authenticated. `failure` is
    that of a test that never began.
    """

    begun: float | None
    ended: float | None
    connections: dict[str, int]
    authenticated: dict[str, int]
    failure: Failure | None = None


@dataclass(frozen=True)
class Ending:
    """How a run ended: `by` itself, deadline, or the name of a signal; after so many seconds."""

    by: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """What the run printed, and its exit code."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Recording:
    """A run as it was recorded by a version of the plugin; `moment` is its beginning in seconds
    since 1970, `name` the file.
    """

    version: str
    moment: float
    options: Options
    certificate: CertificateFacts | None
    environment: dict[str, str]
    tests: tuple[Test, ...]
    entries: tuple[Entry, ...]
    ending: Ending
    result: Result | None
    name: str = ""


def _test_document(test: Test) -> dict[str, Any]:
    return {**vars(test), "failure": test.failure and test.failure._asdict()}


def document(recording: Recording) -> dict[str, Any]:
    """A recording as JSON has it, but for its bodies, which are still bytes."""
    return {
        "options": record_options.document(recording.options),
        "certificate": recording.certificate and recording.certificate._asdict(),
        "environment": recording.environment,
        "moment": recording.moment,
        "tests": [_test_document(test) for test in recording.tests],
        "entries": [record_entries.document(entry) for entry in recording.entries],
        "ending": asdict(recording.ending),
        "result": recording.result and asdict(recording.result),
    }


def encode(contents: dict[str, Any]) -> bytes:
    """The file for contents that hold nothing but JSON."""
    whole = {"format": FORMAT, "format_version": VERSION, "version": __version__, **contents}
    whole["sha256"] = checksum(whole)
    text = json.dumps(whole, indent=1, ensure_ascii=True, allow_nan=False)
    return _SHORT.sub(_on_one_line, text).encode() + b"\n"


def _on_one_line(found: re.Match[str]) -> str:
    values = re.sub(r" *\n *", " ", found[1]).strip()
    return f"[{values}]"


def checksum(whole: dict[str, Any]) -> str:
    """SHA-256 of a recording without its checksum, in hex."""
    rest = {name: value for name, value in whole.items() if name != "sha256"}
    plain = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def read(path: str) -> Recording:
    """The recording in a file. Raises UsageError."""
    return parse(files.read(path, "--replay", limit=LIMIT), path)


def parse(data: bytes, name: str) -> Recording:
    """The recording in a file of that name. Raises UsageError."""
    try:
        whole = json.loads(files.decoded(data), parse_int=integer)
    except (ValueError, RecursionError):
        cut = data.lstrip().startswith(b"{") and not data.rstrip().endswith(b"}")
        what = "is cut short: it ends in the middle" if cut else "is no JSON"
        raise UsageError(f"--replay: {name} {what}; copy it again or record it anew") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise UsageError(f"--replay: {name} is no recording; make one with --record")
    if whole.get("format_version") != VERSION:
        text = f"--replay: {name} is a recording of another format"
        raise UsageError(f"{text}; replay it with the version that wrote it, or record it anew")
    try:
        fits = whole.get("sha256") == checksum(whole)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        text = f"--replay: {name} was changed after it was recorded: its checksum does not fit"
        raise UsageError(f"{text}; record it anew")
    try:
        return _recording(Fields(whole, ""), name)
    except Odd as error:
        text = f"--replay: {name} does not hold what a recording does ({error})"
        raise UsageError(f"{text}; record it anew") from None


def _recording(fields: Fields, name: str) -> Recording:
    ending = fields.inner("ending")
    tests = tuple(_test(one) for one in fields.inners("tests", _MOST_TESTS))
    options = record_options.parse(fields.inner("options"), len(tests))
    if not set(fields.texts("redacted")) <= set(_KINDS):
        raise Odd("redacted")
    entries = tuple(
        record_entries.parse(one, len(tests)) for one in fields.inners("entries", _MOST_ENTRIES)
    )
    certificate = fields.inner("certificate") if fields.there("certificate") else None
    found = Recording(
        version=fields.text("version", 100),
        # What follows is in the calendar as well.
        moment=fields.number("moment", YEAR_9999 - 2 * LONGEST),
        options=options,
        certificate=None if certificate is None else _certificate(certificate),
        environment=fields.texts_by_name("environment"),
        tests=tests,
        entries=entries,
        ending=Ending(
            ending.choice("by", ("itself", "deadline", *_SIGNALS)),
            ending.number("seconds", LONGEST),
        ),
        result=_result(fields.inner("result")) if fields.there("result") else None,
        name=name,
    )
    for known in ("format", "format_version", "sha256"):
        fields.there(known)
    fields.close()
    return found


def _result(fields: Fields) -> Result:
    return Result(fields.whole("exit_code", max(STATES.values())), fields.text("output", LIMIT))


def _certificate(fields: Fields) -> CertificateFacts:
    texts = [fields.text(name, 10_000) for name in ("path", "subject")]
    times = [fields.number(name, YEAR_9999) for name in ("not_before", "not_after")]
    thumbprints = [fields.text(name, 64) for name in ("sha1", "sha256")]
    for name, thumbprint, letters in zip(("sha1", "sha256"), thumbprints, (40, 64)):
        if not re.fullmatch(f"[0-9A-Fa-f]{{{letters}}}", thumbprint):
            raise Odd(f"certificate.{name}")
    return CertificateFacts(texts[0], texts[1], times[0], times[1], thumbprints[0], thumbprints[1])


def _test(fields: Fields) -> Test:
    return Test(
        fields.number("begun", LONGEST) if fields.there("begun") else None,
        fields.number("ended", LONGEST) if fields.there("ended") else None,
        fields.wholes_by_name("connections"),
        fields.wholes_by_name("authenticated"),
        record_entries.failure(fields.inner("failure")) if fields.there("failure") else None,
    )
