"""What ends a run before it has a result: errors of use, with their remedy."""

from __future__ import annotations


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
