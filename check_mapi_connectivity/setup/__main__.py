"""Entry point: `check_mapi_connectivity_setup` and `python -m check_mapi_connectivity.setup`.

Unlike the check this is a command for people: exit code 0 is done, 1 a step that failed, 2 usage,
130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys

from .. import process as check
from ..base.errors import Information, UsageError
from ..base.failure import CheckFailure
from ..result import output
from ..secrecy import names as secrecy_names
from .steps import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

    from ..base.failure import Failure
    from .command_line import Settings
    from .terminal import Voice


def main() -> int:
    """Run the command with the process's own arguments; the exit code."""
    terminal = check.harden()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _run(terminal)
    except Information as information:
        output.write(str(information))
        return 0
    except UsageError as error:
        _complain([str(error), *error.details])
        return 2
    except ImportError as error:
        _complain([check.missing(error)])
        return 1
    except KeyboardInterrupt:
        _complain(["interrupted; run it again: it goes on where it stopped"])
        return 130
    except Exception as error:
        _complain([check.bug(error)])
        return 1


def _run(terminal: int | None) -> int:
    from . import command_line

    settings = command_line.parse(sys.argv[1:], os.environ)
    # A password that was typed in left this one blocked.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    from .terminal import Voice

    return carry_out(settings, Voice(terminal))


def carry_out(settings: Settings, voice: Voice) -> int:
    """Do what was asked for and explain what fails; the exit code. Raises UsageError."""
    from . import run
    from .steps.work import StepFailure

    try:
        return run.run(settings, voice)
    except StepFailure as error:
        _explain(voice, f"failed: {error.title}", error.failure)
        done = ", ".join(error.done) or "nothing"
        voice.say(f"  done before that: {done}; the next run goes on from there", 2000)
    except CheckFailure as error:
        _explain(voice, "failed", error.failure)
    return 1


def _explain(voice: Voice, title: str, failure: Failure) -> None:
    """What failed, why, the service's own text, and what to do."""
    from .steps.step import remedy_of

    code = f" ({failure.code})" if failure.code and failure.code not in failure.cause else ""
    voice.say(f"{title}: {failure.cause}{code}")
    if failure.detail:
        voice.say(f"  details: {failure.detail}", 1000)
    if failure.remedy:
        voice.say(f"  to do: {remedy_of(failure)}")


def _complain(lines: list[str]) -> None:
    first, *more = lines
    output.write(f"{names.COMMAND}: {output.clean(secrecy_names.text(first))}\n")
    for line in more:
        output.write(f"  {output.clean(secrecy_names.text(line))}\n")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def run() -> NoReturn:
    """The whole process."""
    sys.exit(main())


if __name__ == "__main__":
    run()
