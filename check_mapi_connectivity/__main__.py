"""Entry point: `check_mapi_connectivity` and `python -m check_mapi_connectivity`.

The outermost guard stands here: whatever happens, one line on stdout, an exit code of the four,
nothing on stderr.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import sys
import time

from . import process
from .base.errors import Information, UsageError
from .process import bug, harden, missing
from .result import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .base.options import Command
    from .feed.feeder import Feeder
    from .record.tape import Recorder


def main() -> int:
    """Run the check with the process's own arguments; the exit code."""
    started = time.monotonic()
    as_json = "--json" in sys.argv[1:]
    # Worded now, because that takes memory as well.
    starved = output.complain(_NO_MEMORY, as_json=as_json)

    def interrupted(signal_name: str) -> NoReturn:
        words = f"ended by {signal_name} before anything was tested"
        output.write(output.complain(words, as_json=as_json))
        process.leave(3)

    try:
        process.answer_signals(interrupted)
        text, code, latest = _worded(started, as_json)
    except (MemoryError, SystemError):
        # Python's own words for a C function that had no memory are SystemError.
        text, code, latest = starved, 3, None
    process.block_signals()
    return code if output.write(text, latest=latest) else 3


#: Said whatever wanted it.
_NO_MEMORY = "out of memory; raise the limits this check runs under (ulimit -d, -v)"


def _worded(started: float, as_json: bool) -> tuple[str, int, float | None]:
    """What `_run` gives, or what it was that kept the run from its end, in words."""
    try:
        return _run(started, harden())
    except Information as information:
        text = str(information)
    except UsageError as error:
        text = output.complain(str(error), error.details, as_json=as_json or error.as_json)
    except KeyboardInterrupt:
        text = output.complain("interrupted before anything was tested", as_json=as_json)
    except (MemoryError, SystemError, SystemExit):
        raise
    except BaseException as error:
        # Some libraries' panics are no Exception.
        text = output.complain(_trouble(error), as_json=as_json)
    return text, 3, None


def _trouble(error: BaseException) -> str:
    """What an error says about this installation, this host or this code."""
    if getattr(error, "errno", None) == errno.ENOMEM or re.search(_UNMAPPED, str(error)):
        return _NO_MEMORY
    return missing(error) if isinstance(error, ImportError) else bug(error)


#: What the dynamic loader says where a library finds no room.
_UNMAPPED = "(?i)failed to map segment|cannot allocate memory|cannot map zero-fill"


def _run(started: float, terminal: int | None) -> tuple[str, int, float | None]:
    """Output, exit code, and when (monotonic clock) the output must have been written."""
    from .commandline import parse

    command = parse.parse(sys.argv[1:], os.environ)
    from .base.options import Replay

    if isinstance(command, Replay):
        from .record import replay

        return (*replay.run(command), None)
    return carry_out(command, started, terminal)


def carry_out(
    command: Command, started: float, terminal: int | None = None
) -> tuple[str, int, float | None]:
    """Output, exit code, and when the output must have been written. Raises UsageError."""
    from .base.options import EXPLAIN

    try:
        if command.mode == EXPLAIN:
            from .explain import text as explain_text

            return explain_text.build(command, time.time()), 3, None
        from . import plugin

        # Waiting for a person is none of the check's time.
        started += command.waited
        return plugin.run(command.options, started, terminal, _recorder(command), _feeder(command))
    except UsageError as error:
        error.as_json = command.as_json
        raise


def _recorder(command: Command) -> Recorder | None:
    """What records the run, where that is asked for."""
    if command.recording is None:
        return None
    from .record.tape import Recorder

    return Recorder(command.options, command.recording, as_json=command.as_json)


def _feeder(command: Command) -> Feeder | None:
    """What gives the results to a scheduler, where that is asked for. Raises UsageError."""
    if command.submission is None:
        return None
    from .feed.feeder import feeder_of

    return feeder_of(command)


def run() -> NoReturn:
    """The whole process: nothing is left to do after the result, and threads may still hang."""
    # One test leaves no garbage worth looking for; a run of many looks for it again.
    gc.disable()
    process.leave(main())


if __name__ == "__main__":
    run()
