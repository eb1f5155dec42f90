"""Entry point: `check_mapi_connectivity` and `python -m check_mapi_connectivity`.

The outermost guard stands here: whatever happens, one line on stdout, an exit code of the four,
nothing on stderr.
"""

from __future__ import annotations

import os
import sys
import time

from .base import deadline
from .base.errors import Information, UsageError
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
        deadline.leave(3)

    try:
        deadline.answer_signals(interrupted)
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
    deadline.block_signals()
    return code if output.write(text, latest=latest) else 3


def _run(started: float, terminal: int | None) -> tuple[str, int, float | None]:
    """Output, exit code, and when (monotonic clock) the output must have been written."""
    from .commandline import parse

    options = parse.parse(sys.argv[1:], os.environ)
    try:
        if options.replay is not None:
            from .record import replay

            return (*replay.run(options), None)
        if options.explain:
            from .explain import text as explain_text

            return explain_text.build(options, time.time()), 3, None
        from . import plugin

        latest = started + options.asked + options.timeout + output.GRACE
        return (*plugin.run(options, started, terminal), latest)
    except UsageError as error:
        error.as_json = options.json
        raise


#: Variables by which libraries would write session keys or tokens to a file, or take other
#: passwords and weaker protocols (ssl, pyspnego).
_MISUSED = (
    "SSLKEYLOGFILE",
    "PYSPNEGO_LOG_CFG",
    "NTLM_USER_FILE",
    "LM_COMPAT_LEVEL",
    "NETBIOS_COMPUTER_NAME",
)


def harden() -> int | None:
    """No core dump with secrets, nothing on stderr, no socket in the place of a closed stdout.

    Returns a descriptor of the terminal that stderr was, None where it was none.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A closed descriptor 0, 1 or 2 would be given to the next file opened; a write to stdout would
    # then go there.
    while True:
        descriptor = _nothing(os.O_RDONLY)
        if descriptor > 2:
            os.close(descriptor)
            break
    terminal = os.dup(2) if os.isatty(2) else None
    # Libraries in other languages write to the descriptor itself.
    silent = _nothing(os.O_WRONLY)
    os.dup2(silent, 2)
    os.close(silent)
    for name in _MISUSED:
        os.environ.pop(name, None)
    sys.warnoptions[:] = ["ignore"]
    import warnings

    warnings.simplefilter("ignore")
    return terminal


def _nothing(flags: int) -> int:
    """A descriptor of /dev/null. Raises UsageError where there is none."""
    try:
        return os.open(os.devnull, flags)
    except OSError as error:
        raise UsageError(
            f"{os.devnull} cannot be opened: {error.strerror}; this check needs /dev, in a chroot "
            "or container as well"
        ) from None


#: Modules this package needs -> name on PyPI; Debian's is python3- and the module's.
_NEEDED = {
    **{name: name for name in ("cryptography", "msal", "nagiosplugin", "requests", "urllib3")},
    "jwt": "pyjwt",
}


def missing(error: ImportError) -> str:
    """Which module is missing, and how to get it."""
    name = (error.name or "").split(".")[0]
    if name not in _NEEDED:
        return f"this installation is incomplete ({error}); install it again"
    return (
        f"Python module {name} is missing: apt install python3-{name}, or pip install "
        f"{_NEEDED[name]}"
    )


def bug(error: BaseException) -> str:
    """Where an error came from that nobody foresaw; its text is left out, because it might hold a
    secret.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = (
        f"{os.path.basename(place.tb_frame.f_code.co_filename)} line {place.tb_lineno}"
        if place
        else "an unknown place"
    )
    return f"internal error: {type(error).__name__} in {where}; please report it"


def run() -> NoReturn:
    """The whole process: nothing is left to do after the result, and threads may still hang."""
    deadline.leave(main())


if __name__ == "__main__":
    run()
