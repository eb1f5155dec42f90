"""What an option is, for the tables of options."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: What an option's value may be: one `value`, a repeatable `list`, a `flag` without value, a
#: `count` of repetitions, a value that may be missing (`optional`).
VALUE, LIST, FLAG, COUNT, OPTIONAL = "value", "list", "flag", "count", "optional"

#: What stands for the missing value of an `optional` option.
MISSING = "system"

#: How near a name has to be to the one that was meant, as difflib measures it.
_NEAR = 0.8


class Option:
    """One option: its flags (long one last), metavar, help text, and the shape of its value."""

    def __init__(self, flags: str, metavar: str, help_: str, shape: str = VALUE) -> None:
        self.flags = tuple(flags.split())
        self.metavar = metavar
        self.help = " ".join(help_.split())
        self.shape = shape

    @property
    def name(self) -> str:
        """The long name without dashes: the key in an ini section and in the parsed values."""
        return self.flags[-1].lstrip("-")


def alike(name: str, known: Iterable[str]) -> str:
    """A question about the one that begins like this name, or is spelled much like it; empty for
    none.

    >>> alike("--user", ["--username"]), alike("clientid", ["client-id"]), alike("x", ["y"])
    ('is --username meant? ', 'is client-id meant? ', '')
    """
    names = list(known)
    found = [one for one in names if len(name) > 4 and one.startswith(name)]
    near = [one for one in names if _may_be_near(name, one)]
    if near and not found:
        import difflib

        found = difflib.get_close_matches(name, near, 1, _NEAR)
    return f"is {found[0]} meant? " if found else ""


def _may_be_near(one: str, other: str) -> bool:
    """Whether difflib can find them near: letters that only one of them has match nothing.

    It looks at each letter of each name, which takes a third of a usage error.
    """
    first, second = {*one}, {*other}
    matching = min(len(one) - len(first - second), len(other) - len(second - first))
    return 2 * matching >= _NEAR * (len(one) + len(other))
