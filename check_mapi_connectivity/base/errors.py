"""What ends a run or a test: errors of use, and the failure of a test with its cause and remedy."""

from __future__ import annotations

from dataclasses import dataclass


class UsageError(Exception):
    """The command line, an ini file or a local file cannot be used.

    Its text names the culprit and the remedy; `details` are further lines. `as_json` says that JSON
    was asked for.
    """

    def __init__(self, text: str, *details: str) -> None:
        super().__init__(text)
        self.details = details
        self.as_json = False


class Information(Exception):
    """`--help` or `--version` was asked for. Its text is what to print."""


@dataclass(frozen=True)
class Failure:
    """Why a run is no success.

    `kind` is a word of the contract's table, `cause` and `remedy` are half sentences without
    capital and full stop, `code` is what the other side calls it, `detail` its own text.
    `transient` failures may be tried once more, after `retry_after` seconds. `status` is that of
    the HTTP answer which told of trouble, 0 for none.
    """

    kind: str
    cause: str
    remedy: str = ""
    code: str = ""
    detail: str = ""
    judged_as: str = ""
    transient: bool = False
    retry_after: float | None = None
    during: str = ""
    status: int = 0

    @property
    def state_key(self) -> str:
        """The word that `--state` knows this failure by."""
        return self.judged_as or self.kind


class CheckFailure(Exception):
    """Carries a Failure out of a probe.

    Neither OSError nor ValueError, so that no library takes it for its own.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause)
        self.failure = failure
