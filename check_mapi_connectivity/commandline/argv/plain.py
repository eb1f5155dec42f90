"""Command lines as people and schedulers write them: words of options, each in full.

What is odd is left to argparse: several letters in one word, a value that begins with a dash or is
missing, a value for what takes none.
"""

from __future__ import annotations

from ..option import COUNT, FLAG, LIST, MISSING, OPTIONAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..option import Option

    Words = tuple[dict[str, Any], list[str]]


def read(argv: Sequence[str], options: Mapping[str, Option]) -> Words | None:
    """Values by name, and words that belong to no option; None for what is left to argparse.

    It ends at the first `--help` or `--version`, whose value is True.
    """
    known = {flag: option for option in options.values() for flag in option.flags}
    found: dict[str, Any] = {}
    unknown: list[str] = []
    words = list(reversed(argv))
    while words:
        word = words.pop()
        flag, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = known.get(flag)
        if option is None:
            if _odd(word):
                return None
            unknown.append(word)
            continue
        if option.name in ("help", "version") and not equals:
            return {option.name: True}, []
        given = _value(option, value if equals else None, words)
        if given is None:
            return None
        if option.shape == COUNT:
            found[option.name] = found.get(option.name, 0) + 1
        elif option.shape == LIST or option.name == "extra-opts":
            found.setdefault(option.name, []).append(given)
        else:
            found[option.name] = given
    return found, unknown


def _odd(word: str) -> bool:
    """Whether argparse may see more in a word than one that belongs to no option."""
    if not word.startswith("-") or word == "-":
        return False
    letters = not word.startswith("--") and len(word) > 2
    return letters or word == "--" or " " in word or word[1].isdigit() or word[1] == "."


def _value(option: Option, value: str | None, words: list[str]) -> str | bool | None:
    """The value of an option, which may be the next of the words left; None for an odd one."""
    if option.shape in (FLAG, COUNT):
        return True if value is None else None
    if value is not None:
        return value
    missing = "" if option.name == "extra-opts" else MISSING if option.shape == OPTIONAL else None
    if not words:
        return missing
    if words[-1].startswith("-") and words[-1] != "-":
        return None if _odd(words[-1]) else missing
    return words.pop()
