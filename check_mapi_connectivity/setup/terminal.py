"""What the set-up command tells a person: lines on stdout, and on a terminal what it waits for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..result import output
from ..secrecy import echoes, names

if TYPE_CHECKING:
    from collections.abc import Callable

#: Columns that a line of words may have.
_WIDTH = 400


class Voice:
    """Says lines, and waits with a line that tells why.

    `terminal` is a descriptor of the person's terminal, None where there is none.
    """

    def __init__(
        self,
        terminal: int | None = None,
        write: Callable[[str], bool] = output.write,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock
        self._terminal = terminal
        self._write = write
        self._sleep = sleep
        self._shown = False
        self._secrets: set[str] = set()

    def hush(self, *secrets: str) -> None:
        """From now on these are masked, however the other side spells them."""
        for secret in filter(None, secrets):
            self._secrets |= echoes.spellings(secret)

    def say(self, text: str, limit: int = _WIDTH) -> None:
        """One line; blanks at its beginning are kept."""
        self._clear()
        indent = " " * (len(text) - len(text.lstrip(" ")))
        self._write(f"{indent}{self._plain(text, limit)}\n")

    def tell(self, state: str, title: str, detail: str = "") -> None:
        """A line about one thing, its state in a column of its own."""
        text = f"{title}: {detail}" if detail else title
        self._clear()
        self._write(f"  {state:8} {self._plain(text, _WIDTH)}\n")

    def lines(self, texts: list[str]) -> None:
        """Lines that are to be copied as they are: neither folded nor cut, nothing replaced but
        what cannot be printed.
        """
        self._clear()
        for text in texts:
            shown = "".join(
                one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text
            )
            self._write(f"{shown}\n")

    def wait(self, seconds: float, why: str) -> None:
        """Let time pass; on a terminal a line says what for."""
        until = self.clock() + seconds
        while True:
            left = until - self.clock()
            if left <= 0:
                return
            self._show(f"{why}; next try in {left:.0f}s")
            self._sleep(min(1.0, left))

    def _plain(self, text: str, limit: int) -> str:
        return output.clean(names.text(echoes.known(text, self._secrets)), limit)

    def _show(self, text: str) -> None:
        if self._terminal is not None:
            line = self._plain(text, 76)
            output.write(f"\r{line}\x1b[K", descriptor=self._terminal, patience=0.0)
            self._shown = True

    def _clear(self) -> None:
        if self._shown and self._terminal is not None:
            output.write("\r\x1b[K", descriptor=self._terminal, patience=0.0)
        self._shown = False


def confirm(voice: Voice, question: str, word: str) -> bool:
    """Whether a person at the terminal types `word`; false without a terminal."""
    if not os.isatty(0):
        return False
    voice.say(f"{question} Type {word} to go on:")
    try:
        typed = os.read(0, 1000).decode("utf-8", "replace").strip()
    except OSError:
        return False
    return typed.lower() == word.lower()
