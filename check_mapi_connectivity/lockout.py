"""Keeps a password that was not taken from being sent again within a minute, by any run.

Entra locks an account after a few wrong passwords, and a scheduler that tries every minute would be
the one who locks it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

from . import masking
from .cache import Cache
from .report import CheckFailure, Failure
from .vocabulary import KINDS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .options import Options, UserPassword

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
    "its password rests for a minute, because accounts get locked",
)


class Pause:
    """The rest of one user's password that was sent and not taken, kept in the cache directory.

    A corrected password does not have to rest. `sent` is whether this one was sent.
    """

    def __init__(self, options: Options, user: UserPassword, cache: Cache) -> None:
        self.sent = False
        self._cache = cache
        self._password = user.password.reveal()
        self._key = Cache.key(
            "refused", options.authority_url, options.tenant.lower(), user.username.lower()
        )

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other run from sending this user's password meanwhile.

        Waits for as long as it takes: the deadline is the watchdog's.
        """
        return self._cache.lock(self._key, patience=None)

    def check(self) -> None:
        """Raise CheckFailure with what became of it while the password rests."""
        document = self._cache.load(self._key) or {}
        names = ("kind", "cause", "remedy", "code", "detail", "salt", "proof")
        texts = [document.get(name) for name in names]
        sent_at = document.get("sent_at")
        if not isinstance(sent_at, float) or not all(isinstance(text, str) for text in texts):
            return
        ago = time.time() - sent_at
        kind, cause, remedy, code, detail, salt, proof = map(str, texts)
        # A clock may have been set back, but not far.
        if kind not in KINDS or not -REST < ago < REST or proof != self._proof(salt):
            return
        told = f"sent {max(0.0, ago):.0f}s ago, not sent again within {REST:.0f}s. {detail}"
        raise CheckFailure(Failure(kind, cause, remedy, code, told.strip()))

    def sending(self) -> None:
        """The password goes out now: until its fate is known it rests, too."""
        if not self.sent:
            self.sent = True
            self._keep(_UNANSWERED)

    def told(self, failure: Failure | None) -> None:
        """What became of the password; None where it was taken."""
        if failure is None or (failure.kind == "credential" and not counts(failure)):
            self._cache.drop(self._key)
        else:
            self._keep(failure)

    def _keep(self, failure: Failure) -> None:
        salt = os.urandom(16).hex()
        # The other side may quote the password, which is written nowhere.
        echoes = masking.Echoes(masking.spellings(self._password))
        texts = {name: getattr(failure, name) for name in ("kind", "cause", "remedy")}
        for name in ("code", "detail"):
            texts[name] = echoes.masked(getattr(failure, name))
        self._cache.store(
            self._key, {**texts, "sent_at": time.time(), "salt": salt, "proof": self._proof(salt)}
        )

    def _proof(self, salt: str) -> str:
        return hashlib.pbkdf2_hmac(
            "sha256", self._password.encode(), salt.encode("utf-8", "replace"), 20000
        ).hex()
