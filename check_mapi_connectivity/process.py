"""The process itself: hardening, signals, the watchdog, and how it is left."""

from __future__ import annotations

import os
import re
import signal
import sys

from .base.deadline import SIGNALS, Deadline
from .base.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


def block_signals() -> None:
    """Keep the signals for the watchdog; threads made later inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def answer_signals(answer: Callable[[str], NoReturn]) -> None:
    """Give the name of a signal that comes before there is a watchdog to `answer`, which ends the
    process.
    """

    def handle(number: int, _: Any) -> None:
        answer(signal.Signals(number).name)

    for one in SIGNALS:
        signal.signal(one, handle)


class Watchdog:
    """Ends the process at the deadline or on a signal.

    `last_words(signal name or None)` gives the output and the exit code; `write` puts it out. Both
    run in the watchdog's thread.
    """

    def __init__(
        self,
        deadline: Deadline,
        last_words: Callable[[str | None], tuple[str, int]],
        write: Callable[[str], bool],
    ) -> None:
        self._deadline = deadline
        self._last_words = last_words
        self._write = write
        from threading import Lock

        self._last_word = Lock()

    def start(self) -> None:
        """Begin to watch, and block the signals. Raises UsageError."""
        from threading import Thread

        block_signals()

        try:
            Thread(target=self._watch, name="watchdog", daemon=True).start()
        except RuntimeError:
            text = "no thread can be started: raise the limits (ulimit -u, -d, -v)"
            raise UsageError(text) from None

    def claim(self) -> bool:
        """Take the last word; false when the other side has it.

        From then on the deadline is the claimer's own affair.
        """
        return self._last_word.acquire(blocking=False)

    def _watch(self) -> None:
        received = signal.sigtimedwait(SIGNALS, self._deadline.remaining())
        if not self.claim():
            if received:
                # Given back, for whoever has the last word.
                os.kill(os.getpid(), received.si_signo)
            return
        # A process that was stopped across the deadline gets a signal's data that nobody has
        # filled in, whatever number they show: what comes then is the deadline.
        number = received.si_signo if received and self._deadline.remaining() > 0 else None
        name = next((one.name for one in SIGNALS if one == number), None)
        code = 3
        try:
            text, decided = self._last_words(name)
            if self._write(text):
                code = decided
        finally:
            leave(code)


def leave(code: int) -> NoReturn:
    """End the process without waiting for anything."""
    os._exit(code)


#: Variables by which libraries would write session keys or tokens to a file, take other passwords
#: and weaker protocols (ssl, pyspnego), or sign in at another host than the options say (msal).
_MISUSED = (
    "SSLKEYLOGFILE",
    "PYSPNEGO_LOG_CFG",
    "NTLM_USER_FILE",
    "LM_COMPAT_LEVEL",
    "MSAL_FORCE_REGION",
)

#: The name of this host in NTLM (pyspnego, gss-ntlmssp), and how long one may be: that of NetBIOS.
_WORKSTATION, _LONGEST_WORKSTATION = "NETBIOS_COMPUTER_NAME", 15


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
    # pyspnego would give the whole host name, with its domain: accounts with a list of workstations
    # ("Log On To") know this host by its short one only.
    short = os.uname().nodename.partition(".")[0].upper()[:_LONGEST_WORKSTATION]
    os.environ.setdefault(_WORKSTATION, short)
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


#: What OpenSSL and Python say where openssl.cnf leaves OpenSSL without algorithms.
_NO_PROVIDER = "digital envelope routines|unsupported hash type|LIBRARY_HAS_NO_CIPHERS"


def bug(error: BaseException) -> str:
    """Where an error came from that nobody foresaw, but for an OpenSSL of no use; its text is left
    out, because it might hold a secret.
    """
    if re.search(_NO_PROVIDER, str(error)):
        settings = os.environ.get("OPENSSL_CONF") or "openssl.cnf"
        return (
            f"OpenSSL of this host is left without algorithms by {settings}; have it activate the "
            "default provider, too"
        )
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = (
        f"{os.path.basename(place.tb_frame.f_code.co_filename)} line {place.tb_lineno}"
        if place
        else "an unknown place"
    )
    return f"internal error: {type(error).__name__} in {where}; please report it"
