"""Texts as a shell takes them literally, for commands that people copy."""

from __future__ import annotations

import re

#: What PowerShell takes as a single quote (Windows PowerShell language specification 2.3.5.2,
#: single-quote-character).
SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"


def powershell(text: str) -> str:
    """A text as PowerShell takes it literally: a verbatim string, whose single quotes are doubled.

    >>> powershell("o'brien@contoso.com")
    "'o''brien@contoso.com'"
    """
    inner = re.sub(f"([{SINGLE_QUOTES}])", r"\1\1", text)
    return f"'{inner}'"
