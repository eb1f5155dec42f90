"""What pasting and exporting put around a value: invisible characters, quotes, brackets, `SMTP:`.

Such a value is refused, with the value as it should be written: it would be asked for as it stands,
and no message would show what is wrong with it.
"""

from __future__ import annotations

import re

from ..errors import UsageError

#: Quotes that word processors and shells write, beside `'`, which names may have.
QUOTES = '"`\u00ab\u00bb\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u2039\u203a'

#: What stands around a value: before it, and after it.
_BEFORE, _AFTER = f"{QUOTES}<({{[ ", f"{QUOTES}>)}}],; "

#: Characters of a value that are looked at: more than any address or host name has.
_MOST = 1000

#: What stands before an address in directories and on web pages.
_PREFIX = r"(?:smtp|x500|sip|upn|mailto|email|e-mail):"


def bare(text: str) -> str:
    """The value alone.

    >>> bare('"SMTP:a@b.example";'), bare("Probe <a@b.example>"), bare("mailto:a@b.example?cc=c")
    ('a@b.example', 'a@b.example', 'a@b.example')
    """
    text = "".join(c for c in text[:_MOST] if c.isprintable() or c.isspace())
    named = re.fullmatch(r"[^<>]*<([^<>]+@[^<>]+)>[\s,;]*", text)
    before, text = "", " ".join((named[1] if named else text).split())
    while text != before:
        before = text
        text = re.sub(f"(?i)^{_PREFIX}", "", text.lstrip(_BEFORE).rstrip(_AFTER))
        if len(text) > 1 and text[0] == text[-1] == "'":
            text = text[1:-1]
    return re.sub(r"\?.*", "", text) if "@" in text else text


def invisible(text: str) -> str:
    """The first character that nobody sees, in words: `U+200B ZERO WIDTH SPACE`; empty for none.

    Controls, and the blank, have names of their own.
    """
    import unicodedata

    for character in text:
        if not character.isprintable() and unicodedata.category(character) != "Cc":
            name = unicodedata.name(character, "")
            return f"U+{ord(character):04X} {name}".rstrip()
    return ""


def check_visible(text: str, where: str, *, shown: bool = True) -> None:
    """Refuse a value with a character that nobody sees, or with a blank at its edge, which the
    message would not show; `shown` is whether the value may be.

    Raises UsageError.
    """
    if text.isprintable():
        alone = text.strip()
        if alone != text:
            remedy = f"write {alone}" if shown and alone else "write it without"
            raise UsageError(f"{where}: its value begins or ends with a blank; {remedy}")
        return
    found = invisible(text)
    if not found:
        raise UsageError(f"{where}: its value holds control characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        # Python's stand-ins for bytes that are no text here: without them it is another value.
        raise UsageError(f"{where}: its value is not UTF-8 text; check it and LANG")
    remedy = f"write {bare(text)}" if shown else "write it without"
    raise UsageError(f"{where}: its value holds an invisible character, {found}; {remedy}")


def check_alone(text: str, where: str) -> None:
    """Refuse a value with something around it. Raises UsageError."""
    alone = bare(text)
    if alone != text:
        raise UsageError(f"{where}: {text} has something around it; write {alone}")


def check_quotes(text: str, where: str) -> None:
    """Refuse a value of the environment that stands in quotes, and never show it. Raises
    UsageError.
    """
    if text[:1] in {*QUOTES, "'"} or text[-1:] in {*QUOTES, "'"}:
        raise UsageError(
            f"{where}: its value stands in quotes, which env files keep; write it without quotes"
        )


def instead(text: str, pattern: str) -> str:
    """`; write X` where the value alone would do, else nothing.

    >>> instead("<mail.contoso.example>", "[a-z.]+"), instead("what?", "[a-z.]+")
    ('; write mail.contoso.example', '')
    """
    alone = re.sub(r"(?i)^https?://([^/]+)/?$", r"\1", bare(text))
    return f"; write {alone}" if alone != text and re.fullmatch(pattern, alone) else ""
