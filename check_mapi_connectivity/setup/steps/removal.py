"""Takes away what the command made, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import names
from .entra import KeyStep, foreign
from .files import FileStep
from .work import Doing, StepFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..files.directory import Directory
    from .step import Site, Step

#: Why a file stays.
_NOT_OURS = f"not made by {names.COMMAND}"
_CHANGED = "changed since it was made; remove it by hand"
_REFUSED = f"not certain that {names.COMMAND} made it; remove it by hand"


class _Files(NamedTuple):
    """The names of files that go, of those that are asked for one by one, and (name, why) of all
    that stays.
    """

    going: list[str]
    asked: list[str]
    staying: list[tuple[str, str]]


def remove(
    site: Site,
    steps: Sequence[Step],
    agreed: Callable[[list[str]], bool],
    asked: Callable[[str], bool],
) -> bool:
    """Take away what there is, the last made first, files last of all; false where `agreed`, given
    the titles, says no. `asked` is told the path of a file that is on no list. Raises StepFailure.

    An app registration with certificates of others serves other hosts, and one that was made by
    hand is not ours to remove: then only our certificate goes, and our files.
    """
    there = _there(site, steps)
    shared = bool(foreign(site)) or not site.known.tagged
    going = [step for step in reversed(steps) if step in there and _goes(step, shared=shared)]
    files, place = _files(site.directory), site.directory
    if not going and not files.going and not files.asked:
        _tell_what_stays(site, files.staying)
        site.voice.say("nothing to remove")
        _leave(site)
        return True
    if shared:
        site.voice.say(
            f"{names.APP} is used by other hosts, or was made by hand: it stays, with its rights"
        )
    titles = [step.title for step in going] + [place.file(name) for name in files.going]
    if titles and not agreed(titles):
        return False
    files = _decided(place, files, asked)
    done: list[str] = []
    for step in going:
        with Doing(step.title, done):
            became = step.remove(site)
            done.append(step.title)
            gone = became.startswith("removed")
            site.voice.tell("gone" if gone else "left", step.title, became.partition("; ")[2])
    # Without its key nothing could be tried again, so files go last.
    for name in files.going:
        with Doing(place.file(name), done):
            place.drop(name)
            done.append(place.file(name))
            site.voice.tell("gone", place.file(name))
    _tell_what_stays(site, files.staying)
    with Doing(place.path, done):
        _leave(site)
    return True


def _there(site: Site, steps: Sequence[Step]) -> set[Step]:
    """The steps whose things are there, whatever state they are in."""
    found: set[Step] = set()
    for step in (one for one in steps if not one.judges):
        try:
            with Doing(step.title, ()):
                there = step.look(site).there
        except StepFailure as error:
            if not step.removable:
                # What it judges, or needs, is no reason to keep what is to be removed.
                continue
            # What is unfit for use can still be taken away, if it is a file of ours.
            if not isinstance(step, FileStep):
                raise
            site.voice.say(f"  {step.title}: {error.failure.cause}")
            continue
        if there:
            found.add(step)
    return found


def _goes(step: Step, *, shared: bool) -> bool:
    """Whether a removal takes this away: of a shared app only the certificate. Files go by the list
    of what was made.
    """
    if isinstance(step, FileStep) or not step.removable:
        return False
    return shared if isinstance(step, KeyStep) else not shared


def _files(place: Directory) -> _Files:
    """What becomes of the files of a directory, the last made first."""
    held, made = place.held(), place.made
    found = _Files([], [], [])
    for name in reversed(names.FILES):
        if name not in held:
            continue
        data = held[name][0]
        if made is None or made.as_found(name, data):
            found.asked.append(name)
        elif made.has(name, data):
            found.going.append(name)
        else:
            known = name in made.files or name in made.found
            found.staying.append((name, _CHANGED if known else _NOT_OURS))
    others = [name for name in place.listed() if name not in held]
    ours = {f".{name}.new" for name in (*names.FILES, names.LIST)}
    found.staying.extend((name, _NOT_OURS) for name in others if name not in ours)
    return found


def _decided(place: Directory, files: _Files, asked: Callable[[str], bool]) -> _Files:
    """The files after a person was asked for those that are on no list."""
    agreed = [name for name in files.asked if asked(place.file(name))]
    going = [name for name in reversed(names.FILES) if name in agreed or name in files.going]
    refused = [(name, _REFUSED) for name in files.asked if name not in agreed]
    return _Files(going, [], [*refused, *files.staying])


def _tell_what_stays(site: Site, staying: list[tuple[str, str]]) -> None:
    for name, why in staying:
        site.voice.tell("left", site.directory.file(name), why)


def _leave(site: Site) -> None:
    """The list goes when nothing is left of what it could tell, then the empty directory. Raises
    CheckFailure.
    """
    place = site.directory
    if not set(place.held()) & set(names.FILES):
        place.drop(names.LIST)
        place.drop_empty()
