"""How a test fails: kind, cause and remedy."""

from __future__ import annotations

from .value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Row(Protocol):
        """A row of the tables of codes, as `codes.Advice` is one."""

        @property
        def kind(self) -> str:
            """Kind of failure."""

        @property
        def cause(self) -> str:
            """Half a sentence, maybe with blanks."""

        @property
        def remedy(self) -> str:
            """Another."""

        @property
        def judged_as(self) -> str:
            """The word that `--state` knows it by, where that is another than its kind."""

        @property
        def transient(self) -> bool:
            """Whether it may be tried once more."""

        @property
        def code(self) -> str:
            """What messages show."""


class Failure(NamedTuple):
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

    @classmethod
    def of(cls, row: Row, code: str | None = None, detail: str = "", **words: object) -> Failure:
        """The failure that a row tells, whose blanks `words` fill; `code` is shown in place of the
        row's own.
        """
        cause, remedy = row.cause, row.remedy
        if words:
            cause, remedy = cause.format(**words), remedy.format(**words)
        shown = row.code if code is None else code
        return cls(row.kind, cause, remedy, shown, detail, row.judged_as, transient=row.transient)

    def __str__(self) -> str:
        """The cause, with the code of the other side where there is one."""
        return f"{self.cause} ({self.code})" if self.code else self.cause

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
