"""`--explain`: the explanation of a command line as text, or as one JSON document."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from ..result.document import certificate_facts
from ..result.output import clean, first_line, json_head, render_json, slashed
from .permissions import COMMAND, FACT, Entry
from .sections import Explanation, explain

if TYPE_CHECKING:
    from ..base.options import Command

SUMMARY = "nothing was tested: --explain says what would be done"

#: Columns of the text, and of the names of facts.
_WIDTH, _NAME = 79, 13

#: What goes on below its name, or from the line before, begins here.
_INDENT = " " * 6

#: Characters of one entry; a list of ten addresses is the longest.
_LONGEST = 8000


def build(command: Command, now: float) -> str:
    """The whole output, as text or as one JSON document; `now` is in seconds since 1970."""
    made = explain(command, now)
    if command.as_json:
        return _document(made)
    lines = [first_line("UNKNOWN", SUMMARY)]
    for section in made.sections:
        lines += ["", section.title]
        for entry in section.entries:
            lines += _lines(entry)
    return "\n".join(lines) + "\n"


def _lines(entry: Entry) -> list[str]:
    """One entry as text of 79 columns; a longer word is not broken."""
    text = clean(entry.text, _LONGEST)
    if entry.kind == COMMAND:
        # To be copied into a shell, which wants its backslashes.
        return _command(text)
    text = slashed(text)
    name = slashed(clean(entry.name)) if entry.kind == FACT else "note"
    head, margin = f"  {name:<{_NAME}} ", " " * (_NAME + 3)
    if len(head) > len(margin):
        return [*_wrapped(name, "  ", "  "), *_wrapped(text, _INDENT, _INDENT)]
    return _wrapped(text, head, margin)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(text: str) -> list[str]:
    """A command, gone on with on the next line after a backtick as PowerShell has it: before a
    parameter where that does, and never within quotes.
    """
    words = re.findall(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""", text)
    groups: list[list[str]] = [[]]
    for word in words:
        if word.startswith("-"):
            groups.append([])
        groups[-1].append(word)
    lines, line = [], "   "
    for group in groups:
        whole = " ".join(group)
        for part in [whole] if len(_INDENT + whole) + 2 <= _WIDTH else group:
            if line.strip() and len(line) + len(part) + 3 > _WIDTH:
                lines.append(f"{line} `")
                line = _INDENT[:-1]
            line = f"{line} {part}"
    return [*lines, line]


def _document(made: Explanation) -> str:
    """The same as one JSON document."""
    return render_json(
        {
            **json_head("UNKNOWN", SUMMARY),
            "hosts": [
                {
                    "host": contact.host,
                    "port": contact.port,
                    "protocol": contact.protocol,
                    "by_proxy": contact.proxied,
                    "purpose": clean(contact.purpose),
                }
                for contact in made.hosts
            ],
            "certificate": made.certificate and certificate_facts(made.certificate),
            "sections": [
                {
                    "title": section.title,
                    "entries": [
                        {
                            "kind": entry.kind,
                            "name": clean(entry.name) or None,
                            "text": clean(entry.text, _LONGEST),
                        }
                        for entry in section.entries
                    ],
                }
                for section in made.sections
            ],
        }
    )
