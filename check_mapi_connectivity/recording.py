"""The file of `--record`: everything that a run met, as values, and their form in JSON.

A recording comes from strangers. `parse` gives a Recording whose every field was looked at, or
raises the one UsageError that says what is wrong with the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from requests.structures import CaseInsensitiveDict

from . import __version__, recorded_options
from .answer import Answer, integer
from .certificate import CertificateFacts
from .clock import Skew
from .errors import UsageError
from .fields import Fields, Odd
from .report import Failure, Phase
from .transport import host_of
from .vocabulary import KINDS, STATES

if TYPE_CHECKING:
    from typing import Any

    from .options import Options

FORMAT = "recording of check_mapi_connectivity"
VERSION = 1

#: Bytes of the largest file that is read.
LIMIT = 32 << 20

#: Entries and tests that one recording may hold.
_MOST_ENTRIES, _MOST_TESTS = 100_000, 1000

#: What a test is told by others than servers -> the shape of the answer.
_LEARNT = ("sign-in", "turn", "spnego", "handshake", "service")

#: Seconds since 1970 that a calendar can still show, and seconds that a run may last.
_YEAR_9999, _LONGEST = 253402300800.0, 1e7

#: A list of a few plain values, one on a line of its own.
_SHORT = re.compile(r"\[\n +((?:[^\n\[\]{}][^\n]*\n +){1,4})\]")

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


@dataclass(frozen=True)
class Sent:
    """One request as it was sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Entry:
    """One thing that the test of that number met: a `request`, the making of a connection
    (`connect`), or what it learnt otherwise, with `value` as its answer.

    Times are in seconds since the run began; `end` is None for what never ended, which was in phase
    `running` then. `phases`, `facts`, `remarks`, `notes`, `skew` and `host` are what it added to
    the report, `connections` how many the host had afterwards.
    """

    test: int
    kind: str
    begin: float
    end: float | None
    host: str = ""
    phases: tuple[Phase, ...] = ()
    running: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    url: str = ""
    connections: int = 0
    certificate: bytes = b""
    skew: Skew | None = None
    request: Sent | None = None
    #: An answer that has but headers came before a failure.
    answer: Answer | None = None
    failure: Failure | None = None
    usage: tuple[str, ...] = ()
    value: Any = None


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


def document(recording: Recording) -> dict[str, Any]:
    """A recording as JSON has it, but for its bodies, which are still bytes."""
    return {
        "options": recorded_options.document(recording.options),
        "certificate": recording.certificate and asdict(recording.certificate),
        "environment": recording.environment,
        "moment": recording.moment,
        "tests": [asdict(test) for test in recording.tests],
        "entries": [_entry_document(entry) for entry in recording.entries],
        "ending": asdict(recording.ending),
        "result": recording.result and asdict(recording.result),
    }


def _entry_document(entry: Entry) -> dict[str, Any]:
    """An entry without what says nothing."""
    found = {
        "test": entry.test,
        "kind": entry.kind,
        "begin": entry.begin,
        "end": entry.end,
        "host": entry.host,
        "phases": [list(phase) for phase in entry.phases],
        "running": entry.running,
        "facts": entry.facts,
        "remarks": entry.remarks,
        "notes": entry.notes,
        "url": entry.url,
        "connections": entry.connections,
        "certificate": entry.certificate.hex(),
        "skew": entry.skew and entry.skew._asdict(),
        "request": entry.request and _sent_document(entry.request),
        "answer": entry.answer and _answer_document(entry.answer),
        "failure": entry.failure and asdict(entry.failure),
        "usage": entry.usage,
        "value": entry.value,
    }
    kept = ("test", "kind", "begin", "end", "value")
    return {name: one for name, one in found.items() if one or name in kept}


def _sent_document(sent: Sent) -> dict[str, Any]:
    return {**vars(sent), "headers": [list(pair) for pair in sent.headers]}


def _answer_document(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "reason": answer.reason,
        "headers": [list(pair) for pair in answer.lines],
        "decoded": answer.decoded,
        "received": answer.received,
        "body": answer.body,
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


def parse(data: bytes, name: str) -> Recording:
    """The recording in a file of that name. Raises UsageError."""
    try:
        whole = json.loads(data.decode("utf-8"), parse_int=integer)
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
    options = recorded_options.parse(fields.inner("options"))
    ending = fields.inner("ending")
    tests = tuple(_test(one) for one in fields.inners("tests", _MOST_TESTS))
    if len(tests) != len(options.tests):
        raise Odd("tests")
    entries = tuple(_entry(one, len(tests)) for one in fields.inners("entries", _MOST_ENTRIES))
    certificate = fields.inner("certificate") if fields.there("certificate") else None
    return Recording(
        version=fields.text("version", 100),
        moment=fields.number("moment", _YEAR_9999),
        options=options,
        certificate=None if certificate is None else _certificate(certificate),
        environment=fields.texts_by_name("environment"),
        tests=tests,
        entries=entries,
        ending=Ending(
            ending.choice("by", ("itself", "deadline", *_SIGNALS)),
            ending.number("seconds", _LONGEST),
        ),
        result=_result(fields.inner("result")) if fields.there("result") else None,
        name=name,
    )


def _result(fields: Fields) -> Result:
    return Result(fields.whole("exit_code", max(STATES.values())), fields.text("output", LIMIT))


def _certificate(fields: Fields) -> CertificateFacts:
    texts = [fields.text(name, 10_000) for name in ("path", "subject")]
    times = [fields.number(name, _YEAR_9999) for name in ("not_before", "not_after")]
    thumbprints = [fields.text(name, 64) for name in ("sha1", "sha256")]
    return CertificateFacts(texts[0], texts[1], times[0], times[1], thumbprints[0], thumbprints[1])


def _test(fields: Fields) -> Test:
    return Test(
        fields.number("begun", _LONGEST) if fields.there("begun") else None,
        fields.number("ended", _LONGEST) if fields.there("ended") else None,
        fields.wholes_by_name("connections"),
        fields.wholes_by_name("authenticated"),
        _failure(fields.inner("failure")) if fields.there("failure") else None,
    )


def _entry(fields: Fields, tests: int) -> Entry:
    kind = fields.choice("kind", ("request", "connect", *_LEARNT))
    request = _sent(fields.inner("request")) if fields.there("request") else None
    if (kind == "request") != (request is not None):
        raise Odd(f"{fields.path}request")
    url = request.url if request else fields.text("url") if fields.there("url") else ""
    answer = _answer(fields.inner("answer"), url) if fields.there("answer") else None
    ended = fields.there("end")
    failed = fields.there("failure") or fields.there("usage")
    if kind == "request" and ended and answer is None and not failed:
        raise Odd(f"{fields.path}answer")
    told = kind in _LEARNT and ended and not failed
    return Entry(
        test=fields.whole("test", tests - 1),
        kind=kind,
        begin=fields.number("begin", _LONGEST),
        end=fields.number("end", _LONGEST) if ended else None,
        host=fields.text("host") if fields.there("host") else "",
        phases=tuple(_phase(one) for one in fields.lists("phases", 1000)),
        running=fields.text("running", 100) if fields.there("running") else None,
        facts=fields.texts_by_name("facts"),
        remarks=fields.texts("remarks"),
        notes=fields.texts("notes"),
        url=url,
        connections=fields.whole("connections", 10**6) if fields.there("connections") else 0,
        certificate=fields.hex("certificate") if fields.there("certificate") else b"",
        skew=_skew(fields.inner("skew")) if fields.there("skew") else None,
        request=request,
        answer=answer,
        failure=_failure(fields.inner("failure")) if fields.there("failure") else None,
        usage=fields.texts("usage"),
        value=_value(kind, fields) if told else None,
    )


def _skew(fields: Fields) -> Skew:
    return Skew(fields.text("host"), fields.number("seconds", _YEAR_9999, least=-_YEAR_9999))


def _phase(parts: list[Any]) -> Phase:
    fields = Fields(dict(zip(("name", "seconds", "finished"), parts)), "phases.")
    finished = fields.flag("finished")
    return Phase(fields.text("name", 100), fields.number("seconds", _LONGEST), finished)


def _sent(fields: Fields) -> Sent:
    return Sent(
        fields.choice("method", ("GET", "POST")),
        fields.text("url"),
        fields.pairs("headers"),
        fields.body("body"),
    )


def _answer(fields: Fields, url: str) -> Answer:
    lines = fields.pairs("headers")
    joined: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in lines:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    try:
        host = host_of(url)
    except ValueError:
        raise Odd("url") from None
    return Answer(
        url=url,
        host=host,
        status=fields.whole("status", 999),
        reason=fields.text("reason"),
        headers=joined,
        body=fields.body("body"),
        decoded=fields.flag("decoded"),
        lines=lines,
        received=fields.number("received", _YEAR_9999),
    )


def _failure(fields: Fields) -> Failure:
    return Failure(
        kind=fields.choice("kind", tuple(KINDS)),
        cause=fields.text("cause"),
        remedy=fields.text("remedy"),
        code=fields.text("code"),
        detail=fields.text("detail"),
        judged_as=fields.choice("judged_as", ("", "signal", *KINDS)),
        transient=fields.flag("transient"),
        retry_after=fields.number("retry_after", 1e9) if fields.there("retry_after") else None,
        during=fields.text("during"),
        status=fields.whole("status", 999),
    )


def _value(kind: str, fields: Fields) -> Any:
    """What a test was told, in the shape that it wants; as `document` wrote it."""
    if kind in ("spnego", "handshake"):
        return fields.flag("value")
    if kind == "service":
        if not fields.there("value"):
            return None
        [host, port] = fields.sized("value", 2)
        pair = Fields({"host": host, "port": port}, f"{fields.path}value.")
        return [pair.text("host", 300), pair.whole("port", 65535)]
    inner = fields.inner("value")
    refusal = inner.inner("refusal") if inner.there("refusal") else None
    refused = refusal and asdict(_failure(refusal))
    if kind == "turn":
        return {
            "scheme": inner.choice("scheme", ("Basic", "NTLM", "Negotiate", "Bearer"))
            if inner.there("scheme")
            else None,
            "refusal": refused,
            "accepted": inner.flag("accepted"),
            "each_request": inner.flag("each_request"),
        }
    wait = inner.number("wait", 1e9, -1e9) if inner.there("wait") else None
    return {"token": _token(inner), "refusal": refused, "wait": wait}


def _token(inner: Fields) -> dict[str, Any] | None:
    if not inner.there("token"):
        return None
    token = inner.inner("token")
    return {
        "access_token": token.text("access_token", 100_000),
        "expires_at": token.number("expires_at", _YEAR_9999),
        "cached": token.flag("cached"),
    }
