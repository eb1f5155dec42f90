"""The run's own result: how the feed went, in one line, a few values, and what was refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.vocabulary import STATES, worst
from ..result import conclusion, document, several
from ..result.first_line import failure_text
from ..result.layout import told
from ..result.nodes.groups import grouped, severity, state_of
from ..result.output import FIRST_LINE, clean, decimal, first_line, printable, render_json, slashed
from .results import all_same_sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.failure import Failure
    from ..base.options import Options
    from ..result.judge import Judged
    from .outcome import Outcome
    from .results import Result
    from .settings import Feed

#: Services that are named where they were refused, in the text; and in JSON.
_MOST_NAMED, _MOST_LISTED = 20, 1000

#: Characters of the first line after `MAPI CRITICAL - `.
_ROOM = FIRST_LINE - len("MAPI CRITICAL - ")


class Summary(NamedTuple):
    """What a run with a feed has come to; `seconds` is the time that all of it took."""

    feed: Feed
    options: Options
    judged: list[Judged]
    results: list[Result]
    outcome: Outcome
    seconds: float

    def conclude(self) -> tuple[str, int]:
        """Output and exit code."""
        state, line = self.state(), self.line()
        display = self.options.display
        if display.json:
            return self._document(state, line), STATES[state]
        told: list[str] = []
        if display.verbose or (display.diagnosis and conclusion.due(self.options, state)):
            told = [*self._told(), *self._mailboxes()]
        lines = (slashed(printable(text)) for text in told)
        head = first_line(state, line, " ".join(self._perfdata()))
        return "\n".join([head, *lines, *self._dry_run(), ""]), STATES[state]

    def state(self) -> str:
        """The state of the feed, not of the mailboxes."""
        found = []
        failure = self.outcome.failure
        if failure is not None:
            states = {**self.options.judging.states, "signal": "UNKNOWN"}
            found.append(states[failure.state_key])
        if self.outcome.refused:
            found.append("WARNING")
        if all_same_sign_in(self.judged):
            found += [one.state for one in self.judged]
        if self.feed.dry_run:
            found.append("UNKNOWN")
        return worst(found)

    def line(self) -> str:
        """The first line after its state: what went wrong, else what was done."""
        failure, refused, asked = self.outcome.failure, self.outcome.refused, len(self.results)
        done = "nothing submitted"
        if asked:
            done = f"{self.outcome.submitted} of {asked} results submitted"
        if self.feed.dry_run:
            return f"{self._tested()}, nothing submitted: --submit-dry-run shows what would be"
        if failure is not None:
            return _with(failure, done)
        if all_same_sign_in(self.judged):
            cause = self.judged[0].report.failure
            if cause is not None:
                return _with(cause, f"{done} as UNKNOWN")
        if refused:
            service, why = next(iter(refused.items()))
            count = f"{len(refused)} of {asked} results refused"
            named = f"{count}, {clean(service, 48)}: "
            return f"{named}{clean(why, max(24, _ROOM - len(named)))}"
        results = _counted(self.outcome.submitted, "result")
        return f"{self._tested()}, {results} submitted{self._not_ok()}"

    def _tested(self) -> str:
        """How many mailboxes were put to the test."""
        untested = sum(all(_untested(one) for one in group) for group in grouped(self.judged))
        asked = len(self.results)
        if self.options.targets.mailboxes == ("",):
            return "sign-in tested"
        tested = _counted(asked, "mailbox", "mailboxes")
        return f"{asked - untested} of {tested} tested" if untested else f"{tested} tested"

    def _not_ok(self) -> str:
        """How many mailboxes are not well, and the worst of them."""
        groups = sorted(grouped(self.judged), key=severity)
        bad = [group for group in groups if state_of(group) != "OK"]
        if not bad:
            return ""
        name = clean(bad[0][0].report.mailbox, 40)
        return f", {len(bad)} not OK (worst {state_of(bad[0])}: {name})"

    def _perfdata(self) -> Iterator[str]:
        """The totals, in every state."""
        yield f"total_time={decimal(self.seconds)}s"
        days = [one.report.certificate_days for one in self.judged]
        if self.options.account.certificate is not None:
            known = next((value for value in days if value is not None), None)
            yield f"certificate_days={'U' if known is None else decimal(known)}"
        yield f"submitted={self.outcome.submitted}"
        yield f"refused={len(self.outcome.refused)}"

    def _told(self) -> Iterator[str]:
        """The feed in detail."""
        feed, outcome = self.feed, self.outcome
        verbose, refused = self.options.display.verbose, outcome.refused
        yield from told("feed", f"{feed.name} at {feed.place}, host {feed.host}", verbose)
        if outcome.failure is not None:
            yield from _failure(outcome.failure, verbose)
        for service, why in list(refused.items())[:_MOST_NAMED]:
            yield from told("refused", f"{service}: {why}", verbose)
        if len(refused) > _MOST_NAMED:
            more = f"and {len(refused) - _MOST_NAMED} more, --json has all"
            yield from told("refused", more, verbose)
        for note in outcome.notes:
            yield from told("note", note, verbose)

    def _mailboxes(self) -> Iterator[str]:
        if self.judged:
            once = conclusion.told_once(self.options)
            yield from several.diagnosis(self.judged, self.options.display.verbose, once)

    def _dry_run(self) -> list[str]:
        """What would be submitted, as it is."""
        if not self.feed.dry_run:
            return []
        from .dry_run import shown

        return ["", *shown(self.feed, self.results)]

    def _document(self, state: str, line: str) -> str:
        """The JSON document of the run, with the feed in it."""
        text = document.build(
            state,
            line,
            self.judged,
            account=self.options.account,
            network=self.options.network,
            sources=self.options.sources,
        )
        return render_json({**json.loads(text), "feed": self._feed()})

    def _feed(self) -> dict[str, Any]:
        failure = self.outcome.failure
        found: dict[str, Any] = {
            "scheduler": self.feed.scheduler,
            "place": clean(self.feed.place),
            "host": clean(self.feed.host),
            "dry_run": self.feed.dry_run,
            "results": len(self.results),
            "submitted": self.outcome.submitted,
            "refused": [
                {"service": clean(service), "reason": clean(why)}
                for service, why in list(self.outcome.refused.items())[:_MOST_LISTED]
            ],
            "failure": failure and document.failure_facts(failure),
            "notes": [clean(note) for note in self.outcome.notes],
        }
        if self.feed.dry_run:
            from .dry_run import shown

            found["would_submit"] = list(shown(self.feed, self.results))
        return found


def _untested(judged: Judged) -> bool:
    failure = judged.report.failure
    return failure is not None and failure.kind == "untested"


def _with(failure: Failure, more: str) -> str:
    """A failure, and what was done all the same."""
    return f"{failure_text(failure, _ROOM - len(more) - 2)}; {more}"


def _failure(failure: Failure, verbose: int) -> Iterator[str]:
    yield from told("kind", failure.kind, verbose)
    for name, text in (
        ("cause", failure.cause),
        ("remedy", failure.remedy),
        ("code", failure.code),
        ("in full", failure.detail),
    ):
        if text:
            yield from told(name, text, verbose)


def _counted(number: int, one: str, many: str = "") -> str:
    """A number of things in words.

    >>> _counted(1, "result"), _counted(2, "mailbox", "mailboxes")
    ('1 result', '2 mailboxes')
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"
