"""The sanitizer's work grows with the text and no faster, and `clean` looks at no more than it may
show.
"""

from __future__ import annotations

import time

import pytest

from check_mapi_connectivity.result import output

HOSTILE = {
    "brackets": "[",
    "mixed brackets": "[(",
    "closing": "OK" + "])" * 40,
    "words": "[OK",
    "markers": "[OK] ",
    "almost": "WARNING ",
    "blanks": " ",
    "lines": "\n",
    "pipes": "|<>",
    "controls": "\x1b\u202e",
    "surrogates": "\ud800",
}

#: A quadratic search takes 64 times as long for eight times as much.
MORE, FACTOR = 8, 20


def seconds(work, text):
    """Processor time, so that a busy machine counts little; the best of some."""
    times = []
    for _ in range(5):
        begun = time.thread_time()
        work(text)
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("work", [output.printable, lambda text: output.clean(text, len(text))])
def test_time_grows_with_the_text(work, name):
    size = 4000
    text = (HOSTILE[name] * size)[:size]
    assert seconds(work, text * MORE) < FACTOR * seconds(work, text)


class Watched(str):
    """A text that tells how much of it is taken, and can be looked at in no other way."""

    __slots__ = ("taken",)

    def __getitem__(self, key):
        found = str.__getitem__(self, key)
        self.taken = len(found)
        return found

    def refuse(self, *_):
        raise AssertionError("the whole text is looked at")

    translate = split = __iter__ = replace = strip = encode = refuse


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("limit", [3, 120, output.LONG_LINE])
def test_clean_looks_at_little_more_than_it_shows(name, limit):
    text = Watched(HOSTILE[name] * 100000)
    assert len(output.clean(text, limit)) <= limit
    assert text.taken <= 4 * limit
