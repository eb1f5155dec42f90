"""Entry point: `check_mapi_connectivity` and `python -m check_mapi_connectivity`.

The outermost guard stands here: whatever happens, one line on stdout, an exit code of the four,
nothing on stderr.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time

from . import deadline, output
from .errors import Information, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> int:
    """Run the check with the process's own arguments; the exit code."""
    started = time.monotonic()
    as_json = "--json" in sys.argv[1:]
    # Worded now, because that takes memory as well.
    starved = output.complain(_NO_MEMORY, as_json=as_json)

    def interrupted(signal_name: str) -> NoReturn:
        words = f"ended by {signal_name} before anything was tested"
        output.write(output.complain(words, as_json=as_json))
        deadline.leave(3)

    try:
        deadline.answer_signals(interrupted)
        text, code, latest = _worded(started, as_json)
    except (MemoryError, SystemError):
        # Python's own words for a C function that had no memory are SystemError.
        text, code, latest = starved, 3, None
    deadline.block_signals()
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
    if getattr(error, "errno", None) == errno.ENOMEM or _UNMAPPED.search(str(error)):
        return _NO_MEMORY
    return missing(error) if isinstance(error, ImportError) else bug(error)


#: What the dynamic loader says where a library finds no room.
_UNMAPPED = re.compile("failed to map segment|cannot allocate memory|cannot map zero-fill", re.I)


def _run(started: float, terminal: int | None) -> tuple[str, int, float | None]:
    """Output, exit code, and when (monotonic clock) the output must have been written."""
    from . import cli

    options = cli.parse(sys.argv[1:], os.environ)
    try:
        if options.replay is not None:
            from .record import replay

            return (*replay.run(options), None)
        if options.explain:
            from . import explain

            return explain.build(options, time.time()), 3, None
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
