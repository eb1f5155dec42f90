"""The way out: the one sanitizer, and the one place that prints.

Imports little, because usage errors come this way too; how a Report is worded stands in
first_line.py and diagnosis.py.
"""

from __future__ import annotations

import os
import re
import select
import time

from .. import __version__
from ..base.vocabulary import SERVICE, STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Characters of the first line before the pipe (contract 3).
FIRST_LINE = 120

#: Words that Icinga Web shows as coloured dots when in brackets; a server's are no state.
_MARKS = ("OK", "WARNING", "CRITICAL", "UNKNOWN", "PENDING", "UP", "DOWN", "INFO")

#: What may end a clause of a remedy.
_ENDS = ("; ", ", or ", ", then ", ", else ")

#: Format of the JSON document, as docs/report.schema.json describes it; counted up when a member
#: goes or changes its meaning, not when one is added.
FORMAT_VERSION = 2

#: Seconds that a reader may take for nothing, and beyond the deadline for all; and what is left
#: of them at the least.
GRACE = 5.0
_MOMENT = 0.5

#: Longest line of the long output; a server's own text beyond it is cut.
LONG_LINE = 1000

#: What would forge perfdata, tags or terminal commands, and what stands in for it.
_REPLACED = str.maketrans({"|": "/", "<": "(", ">": ")"})


def clean(text: str, limit: int = LONG_LINE) -> str:
    """One line of printable text without pipe and angle brackets, blanks folded, cut to `limit`
    characters.

    >>> clean("a|b\\n<b>c</b>", 9)
    'a/b (b...'
    """
    # A server may send megabytes; cutting first keeps this linear in what is shown.
    text = printable(text[: 4 * limit])
    if ("]" in text or ")" in text) and any(word + end in text for word in _MARKS for end in "])"):
        text = re.sub(rf"\b({'|'.join(_MARKS)})[\])]+", r"\1", text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: max(0, limit - 3)].rstrip() + "..."


def printable(text: str) -> str:
    """Text that neither breaks a line nor forges perfdata or tags; columns are kept.

    What Python does not call printable goes: controls, bidi and zero-width characters, surrogates,
    separators other than the blank.
    """
    text = text.translate(_REPLACED)
    # Nearly all texts are, and letter by letter this takes a hundred times as long.
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def slashed(text: str) -> str:
    """Text with `/` for each backslash, some of which Icinga's pages turn into white space
    (contract 7.30).
    """
    return text.replace("\\", "/")


def first_line(state: str, text: str, perfdata: str = "") -> str:
    """`MAPI STATE - text | perfdata`, the part before the pipe at most 120 characters."""
    head = slashed(clean(f"{SERVICE} {state} - {text}", FIRST_LINE))
    return f"{head} | {perfdata}" if perfdata else head


def sentence(cause: str, code: str, remedy: str, room: int) -> str:
    """Cause, then code in brackets, then as much of the remedy as fits into `room` characters; the
    code gives way to the remedy's shortest form, and to the rest of the cause.

    >>> sentence("database is offline", "ec=1142", "mount it; see the event log", 40)
    'database is offline (ec=1142); mount it'
    >>> sentence("database is offline", "ec=1142", "mount it; see the event log", 30)
    'database is offline; mount it'
    """
    cause, code = clean(cause), clean(code)
    coded = f"{cause} ({code})" if code and code not in cause else cause
    forms = [clean(form) for form in shortened(remedy)]
    for form in forms:
        if len(f"{coded}; {form}") <= room:
            return f"{coded}; {form}"
    if forms and len(f"{cause}; {forms[-1]}") <= room:
        return f"{cause}; {forms[-1]}"
    for whole in (coded, cause):
        if len(whole) <= room:
            return whole
    tail = f" ({code})" if coded != cause and len(code) < room // 2 else ""
    return clean(cause, room - len(tail)) + tail


def shortened(remedy: str) -> list[str]:
    """A remedy whole and in shorter forms, the longest first: clauses go from its end. A comma ends
    one only before another way out, for half of a list would mislead.

    >>> shortened("check name, port and -H, or wait; see why")[1:]
    ['check name, port and -H, or wait', 'check name, port and -H']
    """
    forms = []
    while remedy:
        # Half of what stands in brackets says nothing.
        forms += [remedy] if remedy.count("(") == remedy.count(")") else []
        remedy = next((remedy[: remedy.rindex(end)] for end in _ENDS if end in remedy), "")
    return forms


def json_head(state: str, summary: str) -> dict[str, Any]:
    """What every JSON document begins with."""
    return {
        "format_version": FORMAT_VERSION,
        "service": SERVICE,
        "version": __version__,
        "state": state,
        "exit_code": STATES[state],
        "summary": clean(summary, FIRST_LINE),
    }


def complain(text: str, details: tuple[str, ...] = (), *, as_json: bool) -> str:
    """The whole output of a run that never got as far as a mailbox.

    A text too long for the first line stands whole on a line of its own, before the details.
    """
    if as_json:
        failure = {
            "kind": "usage",
            "during": None,
            "cause": clean(text),
            "remedy": None,
            "code": None,
            "detail": None,
            "details": [clean(line) for line in details],
        }
        return render_json({**json_head("UNKNOWN", text), "failure": failure})
    line = first_line("UNKNOWN", text)
    whole = [text] if line.endswith("...") else []
    return "\n".join([line, *(f"  {slashed(clean(more))}" for more in [*whole, *details])]) + "\n"


def render_json(document: dict[str, Any]) -> str:
    """One JSON document on one line, ASCII only."""
    import json

    return json.dumps(document, allow_nan=False) + "\n"


def extended(text: str, name: str, words: str, *, as_json: bool) -> str:
    """A whole output with one thing more, which is about the run and not of it."""
    if not as_json:
        return f"{text}  {name:<13} {slashed(clean(words))}\n"
    import json

    return render_json({**json.loads(text), name: clean(words)})


def decimal(value: float) -> str:
    """A number with at most 6 decimals, never an exponent, no trailing zeros.

    >>> decimal(0.0000123), decimal(2.50), decimal(-0.0000001)
    ('0.000012', '2.5', '0')
    """
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def date(seconds: float) -> str:
    """The day of a point in time, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def ending(not_after: float, days: float) -> str:
    """When something ends that has so many days left.

    >>> ending(0.0, 5.9), ending(0.0, 1.5), ending(0.0, -1.0)
    ('ends 1970-01-01, in 5 days', 'ends 1970-01-01, in 36 hours', 'ended 1970-01-01')
    """
    if days <= 0:
        return f"ended {date(not_after)}"
    left = f"{int(days)} days" if days >= 2 else f"{days * 24:.0f} hours"
    return f"ends {date(not_after)}, in {left}"


def write(
    text: str, *, descriptor: int = 1, patience: float = GRACE, latest: float | None = None
) -> bool:
    """Write all of `text` to stdout as UTF-8; false when the reader is gone, takes nothing for
    `patience` seconds, or not all until `latest` (monotonic clock), or the disk is full.
    """
    # A view, because what is left of megabytes would be copied thousands of times.
    data = memoryview(text.encode("utf-8", "replace"))
    # Who was stopped meanwhile has a moment left.
    end = float("inf") if latest is None else max(latest, time.monotonic() + _MOMENT)
    try:
        while data:
            until = min(end, time.monotonic() + patience)
            # Up to PIPE_BUF bytes never block on a pipe that select calls writable; the flags of a
            # shared stdout are not ours to change.
            if not select.select([], [descriptor], [], max(0.0, until - time.monotonic()))[1]:
                return False
            data = data[os.write(descriptor, data[: select.PIPE_BUF]) :]
    except (OSError, ValueError):
        return False
    return True


class Progress:
    """A line on a person's terminal that says how far a run with many tests is; without a
    descriptor, nothing.
    """

    def __init__(self, descriptor: int | None, total: int) -> None:
        self._descriptor = descriptor
        self._total = total
        self._shown = ""

    def show(self, done: int, bad: int) -> None:
        """Replace what is shown."""
        text = f"{done} of {self._total} tested, {bad} not OK"
        if self._descriptor is not None and text != self._shown:
            self._put(f"\r{text}\x1b[K")
            self._shown = text

    def clear(self) -> None:
        """Make room for the result; nothing is shown any more."""
        if self._shown:
            self._put("\r\x1b[K")
        self._descriptor = None

    def _put(self, text: str) -> None:
        descriptor = self._descriptor
        # A terminal that is stopped or gone must not stop the run.
        if descriptor is not None and not write(text, descriptor=descriptor, patience=0.0):
            self._descriptor = None
