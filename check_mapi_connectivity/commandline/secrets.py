"""Secrets: from a file, from the environment, or asked for on the terminal."""

from __future__ import annotations

import os
import signal

from ..base.deadline import SIGNALS
from ..base.errors import UsageError
from ..base.reading import files
from .given import ENVIRONMENT_SECRETS, INI_SECRETS, Given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ..base.credentials import Secret


def ask(what: str) -> str:
    """What was typed in, the same both times.

    Raises UsageError without a terminal, for nothing typed, two different entries, and Ctrl-C.
    """
    import getpass

    if not os.isatty(0):
        raise UsageError(f"{what}: there is no terminal to ask on; give it in a file")
    # Whatever ends the process now would leave the terminal silent; and Ctrl-C is ignored by what a
    # shell starts beside itself.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        first = getpass.getpass(f"{what}: ")
        second = getpass.getpass("the same again: ")
    except (EOFError, KeyboardInterrupt, OSError):
        raise UsageError(f"{what}: nothing was entered") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what}: what was entered is not text") from None
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if not first:
        raise UsageError(f"{what}: nothing was entered")
    if first != second:
        raise UsageError(f"{what}: the two entries differ; start again")
    return first


def check_private(path: str, option: str) -> bytes:
    """A certificate or key file; refused when it holds a private key, in any form, that others can
    read.

    Raises UsageError.
    """
    data = files.read(path, option)
    if b"PRIVATE KEY-----" in data:
        return files.read(path, option, secret=True)
    from ..base.reading import pem

    if pem.read(data).private:
        return files.read(path, option, secret=True)
    return data


def check_path(path: str, option: str) -> None:
    """Raise UsageError for what names no file and may be the secret itself, unless it looks like a
    path: it is not shown.
    """
    if not path.startswith(("/", ".", "~")) and not os.path.lexists(path):
        raise UsageError(
            f"{option}: there is no such file; it takes a file's path, never the secret itself"
        )


def secret(
    given: Given, environ: MutableMapping[str, str], name: str, asked_for: str = ""
) -> Secret | None:
    """A secret: its file, else its ini key, else its environment variable.

    With `--ask-password`, what a person types in when asked for `asked_for`. Raises UsageError.
    """
    variable = environ.pop(ENVIRONMENT_SECRETS[name], None)
    path = given.text(INI_SECRETS[name])
    if asked_for and given.flag("ask-password"):
        if path is not None:
            raise UsageError(
                f"--ask-password and --{INI_SECRETS[name]} exclude each other; give one of them "
                "(the value none switches one of an ini section off)"
            )
        text: str | None = ask(asked_for)
        where = "the terminal, typed by a person"
    elif path is not None:
        check_path(path, f"--{INI_SECRETS[name]}")
        text = files.first_line(path, f"--{INI_SECRETS[name]}", secret=True)
        where = path
    else:
        text, where = given.text(name), given.source.get(name, "")
        if text is None:
            text, where = variable, f"environment variable {ENVIRONMENT_SECRETS[name]}"
    if not text:
        return None
    given.reads.append((name.replace("-", " "), where))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        source = "what was entered" if variable is None else ENVIRONMENT_SECRETS[name]
        raise UsageError(f"{source} is not UTF-8 text") from None
    _check_typed(text, name.replace("-", " "), where)

    from ..base.credentials import Secret

    return Secret(text)


def _check_typed(text: str, what: str, where: str) -> None:
    """Raise UsageError for what nobody can have typed: to send it would be a failed logon."""
    if text.startswith("-----BEGIN "):
        raise UsageError(f"the {what} of {where} is a PEM file; put the {what} itself there")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise UsageError(f"the {what} of {where} holds control characters; write it anew")
