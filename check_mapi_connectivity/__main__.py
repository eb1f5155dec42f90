"""Entry point: `check_mapi_connectivity` and `python -m check_mapi_connectivity`.

The outermost guard stands here: whatever happens, one line on stdout, an exit code of the four,
nothing on stderr.
"""

from __future__ import annotations

import os
import sys
import time

from . import process
from .base.errors import Information, UsageError
from .process import bug, harden, missing
from .result import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> int:
    """Run the check with the process's own arguments; the exit code."""
    started = time.monotonic()
    as_json = "--json" in sys.argv[1:]
    latest: float | None = None

    def interrupted(signal_name: str) -> NoReturn:
        words = f"ended by {signal_name} before anything was tested"
        output.write(output.complain(words, as_json=as_json))
        process.leave(3)

    try:
        process.answer_signals(interrupted)
        text, code, latest = _run(started, harden())
    except Information as information:
        text, code = str(information), 3
    except UsageError as error:
        as_json = as_json or error.as_json
        text, code = output.complain(str(error), error.details, as_json=as_json), 3
    except ImportError as error:
        text, code = output.complain(missing(error), as_json=as_json), 3
    except MemoryError:
        text, code = (
            output.complain(
                "out of memory; raise the limit this check runs under", as_json=as_json
            ),
            3,
        )
    except KeyboardInterrupt:
        text, code = output.complain("interrupted before anything was tested", as_json=as_json), 3
    except SystemExit:
        raise
    except BaseException as error:
        # Some libraries' panics are no Exception.
        text, code = output.complain(bug(error), as_json=as_json), 3
    process.block_signals()
    return code if output.write(text, latest=latest) else 3


def _run(started: float, terminal: int | None) -> tuple[str, int, float | None]:
    """Output, exit code, and when (monotonic clock) the output must have been written."""
    from .commandline import parse

    options = parse.parse(sys.argv[1:], os.environ)
    from .base.options import Replay

    if isinstance(options, Replay):
        from .record import replay

        return (*replay.run(options), None)
    try:
        if options.explain:
            from .explain import text as explain_text

            return explain_text.build(options, time.time()), 3, None
        from . import plugin

        latest = started + options.asked + options.timeout + output.GRACE
        return (*plugin.run(options, started, terminal), latest)
    except UsageError as error:
        error.as_json = options.json
        raise


def run() -> NoReturn:
    """The whole process: nothing is left to do after the result, and threads may still hang."""
    process.leave(main())


if __name__ == "__main__":
    run()
