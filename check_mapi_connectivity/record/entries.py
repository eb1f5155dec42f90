"""What the tests of a recorded run met, one by one, as values and as JSON has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..base.clock_skew import Skew
from ..base.failure import Failure
from ..base.reading.untrusted import YEAR_9999, Fields, Odd
from ..base.report import Phase
from ..base.vocabulary import KINDS, SCHEMES
from ..network.answer import Answer, Headers, host_of

if TYPE_CHECKING:
    from typing import Any

#: What a test is told by others than servers -> the shape of the answer.
_LEARNT = ("sign-in", "turn", "spnego", "handshake", "service", "certificate")

#: Seconds since 1970 that a calendar can still show, and seconds that a run may last.
LONGEST = 1e7


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


def document(entry: Entry) -> dict[str, Any]:
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
        "failure": entry.failure and entry.failure._asdict(),
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


def parse(fields: Fields, tests: int) -> Entry:
    """An entry of a recording with so many tests. Raises Odd."""
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
        begin=fields.number("begin", LONGEST),
        end=fields.number("end", LONGEST) if ended else None,
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
        failure=failure(fields.inner("failure")) if fields.there("failure") else None,
        usage=fields.texts("usage"),
        value=_value(kind if told else "", fields),
    )


def _skew(fields: Fields) -> Skew:
    return Skew(fields.text("host"), fields.number("seconds", YEAR_9999, least=-YEAR_9999))


def _phase(parts: list[Any]) -> Phase:
    fields = Fields(dict(zip(("name", "seconds", "finished"), parts)), "phases.")
    finished = fields.flag("finished")
    return Phase(fields.text("name", 100), fields.number("seconds", LONGEST), finished)


def _sent(fields: Fields) -> Sent:
    return Sent(
        fields.choice("method", ("GET", "POST")),
        fields.text("url"),
        fields.pairs("headers"),
        fields.body("body"),
    )


def _answer(fields: Fields, url: str) -> Answer:
    lines = fields.pairs("headers")
    try:
        host = host_of(url)
    except ValueError:
        raise Odd("url") from None
    return Answer(
        url=url,
        host=host,
        status=fields.whole("status", 999),
        reason=fields.text("reason"),
        headers=Headers.merged(lines),
        body=fields.body("body"),
        decoded=fields.flag("decoded"),
        lines=lines,
        received=fields.number("received", YEAR_9999),
    )


def failure(fields: Fields) -> Failure:
    """Why something failed. Raises Odd."""
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
    """What a test was told, in the shape that it wants, as `document` wrote it; None without a
    kind.
    """
    if not kind:
        if fields.there("value"):
            raise Odd(f"{fields.path}value")
        return None
    if kind == "handshake":
        return fields.flag_or("value", "opening")
    if kind in ("spnego", "certificate"):
        return fields.flag("value")
    if kind == "service":
        if not fields.there("value"):
            return None
        [host, port] = fields.sized("value", 2)
        pair = Fields({"host": host, "port": port}, f"{fields.path}value.")
        return [pair.text("host", 300), pair.whole("port", 65535)]
    inner = fields.inner("value")
    refusal = inner.inner("refusal") if inner.there("refusal") else None
    refused = refusal and failure(refusal)._asdict()
    if kind == "turn":
        return {
            "scheme": inner.choice("scheme", SCHEMES) if inner.there("scheme") else None,
            "refusal": refused,
            "accepted": inner.flag("accepted"),
            "each_request": inner.flag("each_request"),
            # Recordings of earlier versions know of one place only.
            "refused_at": inner.text("refused_at") if inner.there("refused_at") else "",
        }
    wait = inner.number("wait", 1e9, -1e9) if inner.there("wait") else None
    return {"token": _token(inner), "refusal": refused, "wait": wait}


def _token(inner: Fields) -> dict[str, Any] | None:
    if not inner.there("token"):
        return None
    token = inner.inner("token")
    return {
        "access_token": token.text("access_token", 100_000),
        "expires_at": token.number("expires_at", YEAR_9999),
        "cached": token.flag("cached"),
    }
