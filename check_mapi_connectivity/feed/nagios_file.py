r"""Results -> the text of a check result file of Nagios 4 and Naemon.

Facts: Nagios 4.4.6. A real newline ends a value, `\n` stands for one and `\\` for a backslash. A
state beyond 0 to 3 is stored as it is; without `check_type=1` and times a result counts as active,
and as of 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .results import Result

#: What the first line of a file of ours begins with; Nagios takes it for a comment.
MARK = "# check_mapi_connectivity feed "


#: What no name may have unless illegal_object_name_chars of nagios.cfg says otherwise.
_ILLEGAL = frozenset("`~!$%^&*|'\"<>?,()=")


def doubtful(results: Iterable[Result]) -> list[str]:
    """The names among these that Nagios, as it is installed, gives to no service."""
    return [result.service for result in results if not _ILLEGAL.isdisjoint(result.service)]


def text(results: Iterable[Result], feed: str, now: float) -> str:
    """The whole file; `feed` tells whose it is, `now` is in seconds since 1970."""
    blocks = [f"{MARK}{feed}\nfile_time={int(now)}\n", *map(_block, results)]
    return "\n".join(blocks)


def _block(result: Result) -> str:
    """One result, whose names hold nothing that ends a line."""
    first, newline, rest = result.text.partition("\n")
    output = f"{escaped(first)}|{escaped(' '.join(result.perfdata))}{escaped(newline + rest)}"
    members = {
        "host_name": result.host,
        "service_description": result.service,
        "check_type": 1,
        "check_options": 0,
        "scheduled_check": 0,
        "reschedule_check": 0,
        "latency": "0.0",
        "start_time": f"{result.began:.6f}",
        "finish_time": f"{result.ended:.6f}",
        "early_timeout": 0,
        "exited_ok": 1,
        "return_code": result.code,
        "output": output,
    }
    return "".join(f"{name}={value}\n" for name, value in members.items())


def escaped(words: str) -> str:
    r"""A value of several lines as one line.

    >>> escaped("a\\b\nc")
    'a\\\\b\\nc'
    """
    return words.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n")
