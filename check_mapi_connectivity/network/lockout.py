"""Keeps a password that was not taken from being sent again within a minute, by any run.

Directories lock an account after a few wrong passwords, and a scheduler that tries every minute
would be the one who locks it.

Strategy: at Entra one run at a time sends a user's password, and what it gets for it, a token,
serves the others. Elsewhere every run has to send it, so there they wait for each other only while
the last thing known of it is a refusal; a logon without an answer is not remembered there, because
one server that hangs would keep all others from being tested. What a run finds here is no fault of
what it was to test: kind `untested`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time

from ..base.cache import Cache
from ..base.failure import CheckFailure, Failure
from ..base.vocabulary import KINDS
from ..secrecy import echoes as secrecy_echoes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.cache import Room
    from ..base.credentials import Login, Proxy, UserPassword
    from ..base.deadline import Deadline
    from ..base.options import Account

#: Seconds that a refused password rests.
REST = 60.0

#: AADSTS numbers that are about what is asked for, not about user and password (reference sheet
#: exchange-online 6).
_OTHER = frozenset(
    (
        *(50001, 500011, 50105, 501051, 65001, 65002, 65004, 650052, 650054, 650056, 650057),
        *(70011, 1002012, 90094, 90095),
        # Neither are these: without app or tenant nobody looks at the password.
        *(70001, 700016, 7000112, 7000218, 7000229, 50059, 50128, 90002, 90038, 900382, 900432),
    )
)


def counts(failure: Failure) -> bool:
    """Whether a failed sign-in is one that may lock the account."""
    number = re.fullmatch(r"AADSTS([0-9]+)", failure.code)
    return failure.kind == "credential" and not (number and int(number[1]) in _OTHER)


#: What is known of a password that was sent, until the answer is there.
_UNANSWERED = Failure(
    "server",
    "the last sign-in of this user had no answer",
    "its password rests for a minute; repeated tries lock accounts",
)

#: Member of a kept failure -> characters of it that are kept, so that it fits its room.
_KEPT = {"kind": 20, "cause": 500, "remedy": 300, "code": 100, "detail": 1000}


class Pause:
    """The rest of one user's password that was sent and not taken, kept in the cache directory.

    A corrected password does not have to rest. `sent` is whether this one was sent.
    """

    def __init__(self, cache: Cache, password: str, *who: str) -> None:
        self.sent = False
        self._cache, self._password = cache, password
        self._key = Cache.key("refused", *who)
        self._room: Room | None = None

    @classmethod
    def of_sign_in(cls, account: Account, user: UserPassword, cache: Cache) -> Pause:
        """That of a user of Entra."""
        who = (account.authority_url, account.tenant.lower(), user.username.lower())
        return cls(cache, user.password.reveal(), *who)

    @classmethod
    def of_logon(cls, login: Login, host: str, cache: Cache) -> Pause | None:
        """That of a mailbox user; None where there is no password."""
        if login.password is None:
            return None
        return cls(cache, login.password.reveal(), "logon", *_account(login.username, host))

    @classmethod
    def of_proxy(cls, proxy: Proxy, cache: Cache) -> Pause | None:
        """That of a proxy's user; None where there is no password."""
        if proxy.password is None:
            return None
        return cls(cache, proxy.password.reveal(), "proxy", *_account(proxy.user, proxy.host))

    @contextlib.contextmanager
    def alone(self, deadline: Deadline) -> Iterator[None]:
        """Keep every other run from sending this user's password meanwhile.

        Raises CheckFailure of kind `untested` where another one does so until it is too late.
        """
        patience = max(0.0, deadline.remaining() - deadline.reserve)
        with self._cache.lock(self._key, patience=patience) as mine:
            if not mine:
                raise CheckFailure(_LOCKED)
            yield

    @contextlib.contextmanager
    def trial(self, deadline: Deadline) -> Iterator[None]:
        """A password that goes out with every run: alone, while the last one known was refused.

        Raises CheckFailure of kind `untested` where it must not be sent.
        """
        with contextlib.ExitStack() as held:
            if self._cache.load(self._key) is not None:
                held.enter_context(self.alone(deadline))
                self.check()
            self._room = self._cache.reserve(self._key)
            if self._room is None:
                self._check_room()
            try:
                yield
            finally:
                if self._room is not None:
                    self._room.free()
                    self._room = None

    def check(self) -> None:
        """Raise CheckFailure with what became of it while the password rests."""
        document = self._cache.load(self._key) or {}
        texts = [document.get(name) for name in (*_KEPT, "salt", "proof")]
        sent_at = document.get("sent_at")
        if not isinstance(sent_at, float) or not all(isinstance(text, str) for text in texts):
            return
        ago = time.time() - sent_at
        kind, cause, remedy, code, detail, salt, proof = map(str, texts)
        # A clock may have been set back, but not far.
        if kind not in KINDS or not -REST < ago < REST or proof != self._proof(salt):
            return
        told = f"sent {max(0.0, ago):.0f}s ago, not sent again within {REST:.0f}s. {detail}"
        lead = "" if cause == _UNANSWERED.cause else f"another run's {_WHAT[kind]} failed: "
        cause = f"not tested: {lead}{cause}"
        raise CheckFailure(Failure("untested", cause, remedy, code, told.strip()))

    def sending(self) -> None:
        """The password goes out now: until its fate is known it rests, too.

        Raises CheckFailure of kind `untested` where that cannot be written down.
        """
        if not self.sent:
            if not self._keep(_UNANSWERED):
                self._check_room()
            self.sent = True

    def _check_room(self) -> None:
        """Raise CheckFailure where only the disk keeps the rest from being written down."""
        if self._cache.failed:
            raise CheckFailure(_NO_ROOM._replace(cause=f"{_NO_ROOM.cause}: {self._cache.failed}"))

    def told(self, failure: Failure | None) -> None:
        """What became of the password; None where it was taken."""
        if failure is None or (failure.kind == "credential" and not counts(failure)):
            self._cache.drop(self._key)
        else:
            self._keep(failure)

    def _keep(self, failure: Failure) -> bool:
        """Write down what became of the password; whether that was possible."""
        salt = os.urandom(16).hex()
        # The other side may quote the password, which is written nowhere.
        echoes = secrecy_echoes.Echoes(secrecy_echoes.spellings(self._password))
        texts = {name: getattr(failure, name) for name in ("kind", "cause", "remedy")}
        for name in ("code", "detail"):
            texts[name] = echoes.masked(getattr(failure, name))
        texts["cause"] = echoes.odd.masked(failure.cause)
        document = {name: text[: _KEPT[name]] for name, text in texts.items()}
        proof = {"sent_at": time.time(), "salt": salt, "proof": self._proof(salt)}
        room, self._room = self._room, None
        if room is not None:
            return room.fill({**document, **proof})
        return self._cache.store(self._key, {**document, **proof})

    def _proof(self, salt: str) -> str:
        return hashlib.pbkdf2_hmac(
            "sha256", self._password.encode(), salt.encode("utf-8", "replace"), 20000
        ).hex()


def _account(user: str | None, host: str) -> tuple[str, ...]:
    """What tells a user from others: with a domain he is the same one at every host."""
    name = (user or "").lower()
    return (name,) if re.search(r"[@\\]", name) else (name, host.lower())


#: Kind of a failure that a password rests for -> what it was that failed.
_WHAT = {kind: "logon" if kind in ("logon", "proxy") else "sign-in" for kind in KINDS}

_LOCKED = Failure(
    "untested",
    "not tested: another run's sign-in of this user has not ended",
    "see which run hangs or is stopped, and what it waits for",
)
_NO_ROOM = Failure(
    "untested",
    "not tested: no password is sent while its pause cannot be written to the cache",
    "make room in --cache-dir",
)
