"""Asks a person for a secret, twice, on the terminal and nowhere else."""

from __future__ import annotations

import signal

from ..base.deadline import SIGNALS
from ..base.errors import UsageError


def ask(what: str) -> str:
    """What was typed in, the same both times.

    Raises UsageError without a terminal, for nothing typed, two different entries, and Ctrl-C.
    """
    import getpass
    import os

    if not os.isatty(0):
        raise UsageError("--ask-password works on a terminal only; a scheduler needs a file")
    # Whatever ends the process now would leave the terminal silent; and Ctrl-C is ignored by what a
    # shell starts beside itself.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        first = getpass.getpass(f"{what}: ")
        second = getpass.getpass("the same again: ")
    except (EOFError, KeyboardInterrupt, OSError):
        raise UsageError("--ask-password: nothing was entered") from None
    except UnicodeDecodeError:
        raise UsageError("--ask-password: what was entered is no text") from None
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if not first:
        raise UsageError("--ask-password: nothing was entered")
    if first != second:
        raise UsageError("--ask-password: the two entries differ; start again")
    return first
