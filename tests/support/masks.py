"""What differs from run to run, from day to day and from machine to machine, and what stands for it:
the only place that knows.
"""

from __future__ import annotations

import re

UUID = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"

#: In texts: what depends on the day.
_DAY = (
    (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\dZ?)?", "(date)"),
    # A text that was cut in the middle of one.
    (r'("date": ")\d[\d-]*', r"\1(date)"),
    (r"\bin -?\d+ (?:day|hour)s", "in # days"),
    (r"\(\d+ (?:second|minute|hour|day)s? (?:ago|in the future)\)", "(ago)"),
)

#: In texts: what depends on the run, or on where it happens.
_RUN = (
    (r"(?m)^  recording .*\n", ""),
    (rf"{UUID}(?::\d+)?", "(id)"),
    # One that was cut.
    (r"\b[0-9a-f]{8}-[0-9a-f-]*\.\.\.|(?<=Trace Id: )[0-9a-f-]+\.\.\.", "(id)..."),
    (r"\b127\.0\.0\.1(:| port )\d+", r"127.0.0.1\g<1>(port)"),
    (r"\b[0-9A-F]{40}\b|\b[0-9A-F]{64}\b", "(thumbprint)"),
    (r"\b\d+\.\d{3}s", "#s"),
    (r"((?:timed out after|phase \w+ after| in) )[0-9.]+s\b", r"\1#s"),
    (r"(?m)^( +[\w, -]+? +#s) #+", r"\1"),
    (r"(?<![\w:/)])/(?:[\w.+-]+/)+(?=[\w.+-])", "/.../"),
)

#: In what a run and its replay say, whose day is the same: times that were measured.
_MEASURED = (
    (r"\s*[0-9]+\.[0-9]{3}s(?: #+)?", " #s"),
    (r"((?:after|wait|sent|in) )[0-9.]+s\b", r"\1#s"),
    (r"in [0-9.]+ (?:day|hour)s", "in # days"),
)

#: What has another value in each run; Exchange's own Latency has not.
_TIME = re.compile(
    r"((?:^|_| )(?:(?:time_(?!server)[a-z]+|total_time)=|(?:time_server|connection_time)=(?!0\.041s)))"
    r"(?!0s)[0-9.]+s"
)


def _each(patterns, text):
    for pattern, stands in patterns:
        text = re.sub(pattern, stands, text)
    return text


def varying(text):
    """Output without what another run, day or machine makes different."""
    return _each((*_RUN[:4], *_DAY, *_RUN[4:]), text)


def timeless(text):
    """Text in which measured times are `#s`."""
    return _each(_MEASURED, text)


def measured(perfdata):
    """Performance data with every measured time and days left as `#`, Exchange's Latency aside."""
    text = re.sub(r"\b((?:time_(?!server)\w+|total_time)=)(?!0s)[0-9.]+s", r"\1#s", perfdata)
    return _days(text)


def masked(perfdata):
    """Performance data with measured times as `#`: what is the same in every run."""
    # What an Exchange server says it needed itself is 0 or not.
    text = re.sub(r"(_execute=\S+ \S+ (?:\w+_)?time_server=)[0-9.]+s", r"\1#s", perfdata)
    return _days(_TIME.sub(r"\1#s", text))


def _days(perfdata):
    return re.sub(r"((?:certificate|secret)_days=)-?[0-9.]+", r"\1#", perfdata)


def begins(line, text):
    """Whether a first line begins with a text, as far as it is not cut: how much of it fits depends
    on how long a directory's name is.
    """
    shown, cut, _ = line.partition("...")
    return line.startswith(text) or (bool(cut) and text.startswith(shown))
