"""Report -> one JSON document, for `--json`; docs/report.schema.json describes it.

Every text that came from outside passes `clean`.
"""

from __future__ import annotations

from ..base.vocabulary import LABELS, METHODS, UNITLESS
from ..secrecy import names
from . import notes, output
from .output import clean, json_head, render_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nagiosplugin import Performance

    from ..base.clock_skew import Skew
    from ..base.credentials import CertificateFacts
    from ..base.failure import Failure
    from ..base.options import Account, Network
    from ..base.report import Exchange, Phase, Report, Stopwatch
    from .judge import Judged
    from .time_analysis import Analysis


#: Every label, those before others that they end with.
_LONGEST_FIRST = sorted({one for labels in LABELS.values() for one in labels}, key=len)[::-1]


def build(
    state: str,
    line: str,
    judged: list[Judged],
    *,
    account: Account,
    network: Network,
    sources: tuple[str, ...],
) -> str:
    """The reports as one JSON document; `sources` are where options came from."""
    return render_json(
        {
            **json_head(state, line),
            "options_from": [clean(source) for source in sources],
            "proxy": None if network.proxy is None else str(network.proxy),
            "proxy_from": None if network.proxy is None else clean(network.proxy.source),
            "cloud": account.cloud.name if account.credential is not None else None,
            "notes": [clean(note) for note in notes.general_notes(account)],
            "reports": [_report(one) for one in judged],
        }
    )


def _clock(skew: Skew) -> dict[str, Any]:
    return {"host": clean(skew.host), "offset": round(skew.seconds, 1)}


def _analysis(slow: Analysis) -> dict[str, Any]:
    return {
        "parts": [part._asdict() for part in slow.parts],
        "server_seconds": slow.server,
        "points_to": slow.points_to,
    }


def _report(judged: Judged) -> dict[str, Any]:
    report = judged.report
    facts = report.certificate
    return {
        "mailbox": _text(report.mailbox),
        "method": report.method,
        "address": report.address or None,
        "archive": report.archive,
        "state": judged.state,
        "success": report.success,
        "failure": None if report.failure is None else failure_facts(report.failure),
        "address_book": None if report.address_book_answers is None else _address_book(report),
        "clock": None if report.times.skew is None else _clock(report.times.skew),
        "time_analysis": None if judged.slow is None else _analysis(judged.slow),
        "result": _text(report.finding.result),
        "mailbox_name": _text(report.finding.named),
        "database": _text(report.finding.database),
        "server": _text(report.finding.server),
        "server_latency": report.finding.server_latency,
        "round_trip": report.finding.round_trip,
        "connection_time": report.finding.connection_time,
        "total_time": report.times.total,
        "token_cached": report.times.token_cached,
        "inbox": _inbox(report),
        "facts": {clean(name): _text(value) for name, value in report.trace.facts.items()},
        "phases": {
            "sign_in": _laps(report.times.sign_in),
            "autodiscover": _laps(report.times.discovery),
            "service": _laps(report.times.service),
        },
        "request_ids": {clean(name): _text(value) for name, value in report.trace.ids.items()},
        "certificate": None if facts is None else certificate_facts(facts),
        "exchanges": [_exchange(exchange) for exchange in report.trace.exchanges],
        "notes": [
            clean(note)
            for note in [*report.trace.remarks, METHODS[report.method].unseen, *report.trace.notes]
        ],
        "limits": [{"state": state, "violated": words} for state, words in judged.limits],
        "perfdata": [_performance(performance) for performance in judged.performances],
    }


def certificate_facts(facts: CertificateFacts) -> dict[str, str | None]:
    """What an administrator compares with the portal."""
    return {
        "file": _text(facts.path),
        "subject": _text(facts.subject),
        "not_after": output.date(facts.not_after),
        "sha1": facts.sha1,
        "sha256": facts.sha256,
    }


def failure_facts(failure: Failure) -> dict[str, Any]:
    """Why something is no success, with what its code is called."""
    from ..codes import entries

    name, link = entries.find(failure.code)
    return {
        "kind": failure.kind,
        "during": failure.during or None,
        "cause": _text(failure.cause),
        "remedy": _text(failure.remedy),
        "code": _text(failure.code),
        "name": name or None,
        "link": link or None,
        "detail": _text(failure.detail),
    }


def _address_book(report: Report) -> dict[str, Any]:
    """Whether it answers for the mailbox, why not, and where the time went."""
    failure = report.address_book_failure
    return {
        "answers": report.address_book_answers,
        "failure": None if failure is None else failure_facts(failure),
        "phases": _laps(report.times.address_book),
    }


def _inbox(report: Report) -> dict[str, Any]:
    """Counts, and the rows that were listed; times in seconds since 1970."""
    finding = report.finding
    rows = [
        {
            "id": row.identifier,
            "delivered": row.delivered,
            "size": row.size,
            **({} if row.subject is None else {"subject": _text(row.subject)}),
        }
        for row in finding.rows
    ]
    newest = max((row.delivered for row in finding.rows if row.delivered is not None), default=None)
    counts = {"items": finding.inbox_items, "unread": finding.unread}
    return {**counts, "newest": newest, "rows": rows}


def _text(value: str | None) -> str | None:
    return None if value is None else clean(names.text(value[:8000])) or None


def _exchange(exchange: Exchange) -> dict[str, Any]:
    """One request and its answer; there are none below `-vv`."""
    return {
        "request": clean(exchange.request),
        "request_headers": [
            [clean(name), clean(value)] for name, value in exchange.request_headers
        ],
        "request_body": [clean(line) for line in exchange.request_body],
        "answer": clean(exchange.status),
        "answer_headers": [
            [clean(name), clean(value)] for name, value in exchange.response_headers
        ],
        "answer_body": [clean(line) for line in exchange.response_body],
    }


def _laps(watch: Stopwatch) -> list[dict[str, Any]]:
    phases: list[Phase] = watch.phases()
    return [
        {"name": phase.name, "seconds": round(phase.seconds, 6), "finished": phase.finished}
        for phase in phases
    ]


def _performance(performance: Performance) -> dict[str, Any]:
    """One item of performance data; a value that does not exist is null."""
    # Labels begin with mailbox and method where there are several.
    label = next((label for label in _LONGEST_FIRST if performance.label.endswith(label)), "")
    return {
        "label": performance.label,
        "value": None if performance.value == "U" else float(performance.value),
        "unit": None if label in UNITLESS else "s",
        "warning": performance.warn or None,
        "critical": performance.crit or None,
        "min": _number(performance.min),
        "max": _number(performance.max),
    }


def _number(bound: float | str | None) -> float | None:
    """A bound of performance data; nagiosplugin has an empty text where there is none."""
    return None if bound in ("", None) else float(bound)
