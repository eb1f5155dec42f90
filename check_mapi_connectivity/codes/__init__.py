"""The row that all tables of codes are made of, and the text that they are written in.

A heading `[kind judged_as] remedy` goes for the rows below it, `[kind, again]` for failures that
may be tried once more. A row is `code name: cause`; without a cause it has that of the row above.
`{health}` is the remedy of a fault at Microsoft; `{host}` and the like stand for what a message
fills in.
"""

from __future__ import annotations

import re

from ..base.value import NamedTuple
from ..base.vocabulary import HEALTH


class Advice(NamedTuple):
    """One row: kind of failure, cause and remedy, half sentences for a status line.

    `judged_as` is `moving` and the like, `transient` whether it may be tried once more; `code` is
    what messages show, `name` what its owner calls it, empty where that is not documented.
    """

    kind: str
    cause: str
    remedy: str
    judged_as: str = ""
    transient: bool = False
    code: str = ""
    name: str = ""


def table(text: str, form: str = "{code}") -> dict[str, Advice]:
    """The rows of a text as above, by their code; `form` is how messages show it.

    >>> table("[mailbox moving, again] wait\\n0x10 ecOne: all is one", "{name} {code}")["0x10"][2:]
    ('wait', 'moving', True, 'ecOne 0x10', 'ecOne')
    """
    found = {}
    kind = judged_as = again = remedy = cause = ""
    for line in text.split("\n"):
        if line.startswith("["):
            heading, _, remedy = line[1:].replace("{health}", HEALTH).partition("] ")
            words, _, again = heading.partition(", ")
            kind, _, judged_as = words.partition(" ")
        elif line:
            words, colon, told = line.partition(": ")
            cause = told if colon else cause
            code, _, name = words.partition(" ")
            shown = form.format(code=code, name=name)
            found[code] = Advice(kind, cause, remedy, judged_as, again == "again", shown, name)
    return found


def numbered(text: str, form: str = "{code}") -> dict[int, Advice]:
    """The same for codes that are numbers, decimal or hexadecimal."""
    return {int(code, 0): row for code, row in table(text, form).items()}


def plain(text: str) -> str:
    """Words of a row for a document: what a message fills in stands in capitals.

    >>> plain("allow {target} on the proxy")
    'allow TARGET on the proxy'
    """
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), text)
