"""Goes through the steps: makes what is missing, tells what there is, renews the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.errors import UsageError
from ...base.failure import CheckFailure, Failure
from ...base.reading import pem
from .. import keypair, proof
from . import files, names
from .entra import change_keys, without
from .step import Found, Site, Step, remedy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: The check with the identity that is there; the certificate's file is named.
    Own = Callable[[str], proof.Check]

#: Files of a renewal that was not ended.
_RENEWAL = (names.NEXT_CERTIFICATE, names.OLD_CERTIFICATE)

#: Seconds between the looks at what was made, until it is shown.
_SEEN = (1, 2, 4, 8, 15, 30)
_UNSEEN = "made, but not shown yet; run this with --status in a few minutes"


class StepFailure(Exception):
    """A step that failed: what of, why, and the titles of what had been done before."""

    def __init__(self, title: str, failure: Failure, done: Sequence[str]) -> None:
        super().__init__(title)
        self.title, self.failure, self.done = title, failure, tuple(done)


class Doing:
    """Turns what goes wrong in a step into StepFailure."""

    def __init__(self, title: str, done: Sequence[str]) -> None:
        self._title, self._done = title, done

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CheckFailure):
            raise StepFailure(self._title, error.failure, self._done) from None
        if isinstance(error, UsageError):
            raise StepFailure(self._title, Failure("usage", str(error)), self._done) from None


def set_up(site: Site, steps: Sequence[Step], own: Own, wait: float) -> bool:
    """Make what is missing, then prove it; false where nothing was missing. Raises StepFailure.

    All is looked at before anything is made. What the identity was given is looked at again after
    that; where it is not as meant, or the check is refused for good, it is taken back.
    """
    found = {step: _first_look(site, step) for step in steps}
    made: list[Step] = []
    for step in steps:
        with Doing(step.title, _titles(made)):
            _bring_about(site, step, found[step], made)
    try:
        if made:
            _look_again(site, steps, made)
        with Doing("proof", _titles(made)):
            proof.prove(own(names.CERTIFICATE), site.voice, wait)
    except StepFailure as error:
        if proof.waiting_may_help(error.failure):
            raise
        _take_back(site, made)
        raise StepFailure(error.title, error.failure, _titles(made)) from None
    if not made:
        site.voice.say("nothing to do: everything was there")
    _tell_of_renewal(site)
    return bool(made)


def _titles(made: Sequence[Step]) -> list[str]:
    return [step.title for step in made]


def _first_look(site: Site, step: Step) -> Found:
    with Doing(step.title, ()):
        return step.look(site)


def _bring_about(site: Site, step: Step, found: Found, made: list[Step]) -> None:
    """Make what is not there, and tell of it. Raises CheckFailure."""
    if step.judges and any(one.grants for one in made):
        # Judged in the end, where what was granted can be taken back.
        return
    if not found.there and (made or step.judges):
        # What was made meanwhile gives it the ids to be looked for.
        found = step.look(site)
    if found.there:
        if not step.judges:
            site.voice.tell("there", step.title, found.detail)
        elif not made:
            site.voice.tell("checked", step.title, found.detail)
    elif step.judges:
        if not step.appears(site, _SEEN, f"{step.title}: what was made is not shown yet"):
            cause = "what was made for this host is not shown yet, so nothing is granted to it"
            raise CheckFailure(Failure("server", cause, "run this again in a few minutes"))
    elif step.make(site):
        made.append(step)
        site.voice.tell("made", step.title)
    else:
        step.confirm(site)
        site.voice.tell("there", step.title)


def _look_again(site: Site, steps: Sequence[Step], made: Sequence[Step]) -> None:
    """Whether what there is now is what was meant, line by line. Raises StepFailure."""
    for step in steps:
        if not step.checked:
            continue
        with Doing(step.title, _titles(made)):
            found = step.look(site)
            if not found.there and step.appears(site, _SEEN, f"{step.title} is not shown yet"):
                found = step.look(site)
        state, detail = ("checked", found.detail) if found.there else ("unseen", _UNSEEN)
        site.voice.tell(state, step.title, detail)


def _take_back(site: Site, made: list[Step]) -> None:
    """Take away again what this run granted; what could not be taken stays in `made`."""
    for step in [step for step in reversed(made) if step.grants]:
        try:
            with Doing(step.title, ()):
                step.take_back(site)
        except StepFailure as error:
            site.voice.tell("left", step.title, f"not taken back: {error.failure.cause}")
            continue
        made.remove(step)
        site.voice.tell("removed", step.title, "taken back, because of the failure below")


def _tell_of_renewal(site: Site) -> None:
    if any(site.directory.read(name) is not None for name in _RENEWAL):
        site.voice.say("a renewal was not finished; run this with --renew to finish it")


def status(site: Site, steps: Sequence[Step]) -> bool:
    """Tell what there is, and what to run; whether it is all of it."""
    wrong = missing = 0
    for step in steps:
        try:
            found = _first_look(site, step)
        except StepFailure as error:
            wrong += 1
            _tell_of_wrong(site, step.title, error.failure)
            continue
        if found.there:
            site.voice.tell("checked" if step.judges else "there", step.title, found.detail)
        elif not step.judges:
            missing += 1
            site.voice.tell("MISSING", step.title, found.detail)
    _tell_of_renewal(site)
    site.voice.say(_verdict(wrong, missing))
    return not wrong and not missing


def _tell_of_wrong(site: Site, title: str, failure: Failure) -> None:
    """What is wrong and what to do, and below it the service's own text."""
    site.voice.tell("WRONG", title, f"{failure.cause}; {remedy_of(failure)}")
    if failure.detail and failure.detail not in failure.cause:
        site.voice.say(f"    details: {failure.detail}", 1000)


def _verdict(wrong: int, missing: int) -> str:
    """What `--status` ends with."""
    if wrong:
        first = f"{wrong} WRONG: do what the line says"
        return f"{first}, then run --status again" + (f"; {missing} MISSING" if missing else "")
    if missing:
        return f"{missing} MISSING: run this without --status to make what is missing"
    return "nothing is missing or wrong"


def renew(
    site: Site, entra: Sequence[Step], own: Own, new: Callable[[], bytes], wait: float
) -> None:
    """A new certificate, and the old one out once the new one has worked; `entra` are the steps of
    certificate and app registration, `new` makes the new one. Raises StepFailure.

    What an interrupted run left tells where to go on: the next certificate, then the old one's
    public half.
    """
    done: list[str] = []
    there = site.directory
    with Doing("certificate in use", done):
        for step in entra:
            if not _usable(step, site):
                cause = f"{step.title} is not there"
                raise CheckFailure(
                    Failure("usage", cause, "run this without --renew; there is nothing to renew")
                )
    if there.read(names.NEXT_CERTIFICATE) is None and there.read(names.OLD_CERTIFICATE) is None:
        with Doing("new certificate", done):
            there.write(names.NEXT_CERTIFICATE, new())
            done.append("new certificate")
            site.voice.tell("made", there.file(names.NEXT_CERTIFICATE))
    if there.read(names.NEXT_CERTIFICATE) is not None:
        _bring_in(site, own, wait, done)
    _retire(site, done)


def _usable(step: Step, site: Site) -> bool:
    """Whether a step's thing is there; an expired certificate is, to be renewed."""
    if isinstance(step, files.CertificateStep):
        data = site.directory.read(step.name)
        if data is None:
            return False
        files.remember(site, keypair.load(step.title, data))
        return True
    return step.look(site).there


def _bring_in(site: Site, own: Own, wait: float, done: list[str]) -> None:
    """The next certificate into the app, to the proof, and into its place."""
    there, known = site.directory, site.known
    path = there.file(names.NEXT_CERTIFICATE)
    with Doing("new certificate in the app registration", done):
        client = keypair.load(path, there.read(names.NEXT_CERTIFICATE) or b"")
        key = keypair.der(client.certificate)
        if any(keypair.same(one, key) for one in known.keys):
            site.voice.tell("there", "new certificate in the app registration")
        else:
            subject = client.facts.subject.rpartition("CN=")[2]
            keys = [*known.keys, keypair.credential(key, subject)]
            change_keys(site, keys)
            done.append("new certificate in the app registration")
            site.voice.tell("made", "new certificate in the app registration")
    with Doing("proof with the new certificate", done):
        proof.prove(own(names.NEXT_CERTIFICATE), site.voice, wait)
    with Doing("change of certificates", done):
        old = there.read(names.CERTIFICATE) or b""
        public = [pem.Block("CERTIFICATE", (), one).text() for one in pem.read(old).certificates]
        there.write(names.OLD_CERTIFICATE, public[0] if public else b"")
        there.move(names.NEXT_CERTIFICATE, names.CERTIFICATE)
        site.voice.tell("in use", there.file(names.CERTIFICATE), files.describe(client))


def _retire(site: Site, done: list[str]) -> None:
    """The old certificate out of the app, and its public half out of the directory."""
    there, known = site.directory, site.known
    with Doing("old certificate out of the app registration", done):
        key = keypair.der((there.read(names.OLD_CERTIFICATE) or b"").decode("ascii", "replace"))
        data = there.read(names.CERTIFICATE) or b""
        current = keypair.der(keypair.load(there.file(names.CERTIFICATE), data).certificate)
        if key and key != current and any(keypair.same(one, key) for one in known.keys):
            change_keys(site, without(known.keys, key))
            site.voice.tell("removed", "old certificate in the app registration")
        there.drop(names.OLD_CERTIFICATE)
