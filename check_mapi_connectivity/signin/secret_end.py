"""When the client secret ends, where the app may read its own registration at Microsoft Graph.

Strategy: asked at the end of a test that is well, once a day, and remembered under the credential's
fingerprint; only by a run that has a token for Graph, or somebody's limit on the label, and only
where that token allows it. Nobody else pays for a second token, or needs a way to Graph.
It is noted as asked before anything is sent: a request that hangs, in a run that is then ended,
costs one run a day at most. A run without a cache, as one that is recorded, does not ask. Nothing
here fails a test.

Sources: Microsoft Graph's pages "Get application" and "passwordCredential resource type". The
answer has not yet been seen on a live tenant.
"""

from __future__ import annotations

import math

from ..base.credentials import DAY, ClientSecret
from ..base.failure import CheckFailure
from ..base.reading.untrusted import YEAR_9999, Fields, Odd
from ..base.value import NamedTuple
from ..services.graph import read_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..network.answer import Answer
    from .session import Session
    from .tokens import Token

#: Seconds that asking may take; a tenth of the time allowed where that is less.
_PATIENCE = 3.0

#: Application permissions of Graph by which an app may read its own registration.
_PERMISSIONS = (
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "Directory.Read.All",
)
_MAY_NOT = "the app may not read its own registration (Application.Read.All)"

#: Characters of a secret that its `hint` shows.
_HINT = 3


class Asking(NamedTuple):
    """How to ask: the session of the test, a token for Graph that is charged to nobody's time, what
    charges the request, Graph's URL, and the name of what is remembered.
    """

    session: Session
    aside: Session
    token: Callable[[], Token]
    graph_url: str
    key: str


def days(asking: Asking, *, well: bool) -> float | None:
    """Days until the client secret ends in whole hundredths, rounded down, negative when it has;
    None where that is not known. Asks only where the test is `well`, which may be asked of it, and
    half of the time is left.
    """
    session = asking.session
    now, deadline = session.deadline.wall(), session.deadline
    asked, ends = _remembered(session.cache.load(asking.key))
    due = asked is None or not 0 <= now - asked < DAY
    early = deadline.remaining() >= deadline.seconds / 2
    # Only what can be remembered is asked for.
    if due and well and early and session.cache.store(asking.key, {"asked": now, "ends": ends}):
        ends = _asked(asking, now)
    return None if ends is None else math.floor((ends - now) / DAY * 100) / 100


def _remembered(document: object) -> tuple[float | None, float | None]:
    """When it was asked last and what was found, from the cache; None for what is odd there."""
    try:
        known = Fields(document, "")
        asked = known.number("asked", YEAR_9999)
        ends = known.number("ends", YEAR_9999) if known.there("ends") else None
    except Odd:
        return None, None
    return asked, ends


def _asked(asking: Asking, now: float) -> float | None:
    """When the secret ends, as Graph says now; None where it does not, and a note says why."""
    session, transport = asking.session, asking.session.transport
    trace, times, before = session.report.trace, session.report.times, transport.patience
    ids, patience = dict(trace.ids), min(_PATIENCE, session.deadline.seconds / 10)
    transport.patience, transport.latest = patience, session.deadline.now() + patience
    try:
        with times.at(times.host):
            ends, why = _told(asking)
    except CheckFailure as error:
        ends, why = None, error.failure.cause
    finally:
        transport.patience, transport.latest = before, None
        # The ids that support is told are those of the test.
        trace.identify(ids)
    session.cache.store(asking.key, {"asked": now, "ends": ends})
    if why:
        trace.note(f"the client secret's end is not known: {why}; asked again in a day")
    return ends


def _told(asking: Asking) -> tuple[float | None, str]:
    """What Graph says: the end, or why there is none. Raises CheckFailure."""
    account, transport = asking.session.account, asking.session.transport
    token = asking.token()
    granted = token.claims.get("roles")
    if not isinstance(granted, list) or not any(role in _PERMISSIONS for role in granted):
        return None, _MAY_NOT
    path, headers = request(account.client_id, token.access_token)
    watch = asking.aside.report.times.service
    answer = transport.send("GET", asking.graph_url + path, watch, headers=headers)
    credential = account.credential
    return read(answer, credential.secret.reveal() if isinstance(credential, ClientSecret) else "")


def request(client_id: str, token: str) -> tuple[str, dict[str, str]]:
    """Path with query, and headers, of the GET of an app's own registration."""
    path = f"/v1.0/applications(appId='{client_id}')?$select=passwordCredentials"
    return path, {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def read(answer: Answer, secret: str) -> tuple[float | None, str]:
    """When this secret ends in seconds since 1970, or None and why that is not known.

    `hint` is how a secret begins: of those with its hint the one that ends last is taken, else one
    without a hint where it is the only one.
    """
    if answer.status == 403:
        return None, _MAY_NOT
    if answer.status != 200:
        return None, f"Graph answers {answer.status}"
    document = answer.json()
    listed = document.get("passwordCredentials") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None, "the answer holds no list of secrets"
    dates: dict[bool, list[float]] = {True: [], False: []}
    for one in listed:
        ends = read_date(one.get("endDateTime")) if isinstance(one, dict) else None
        hint = one.get("hint") if isinstance(one, dict) else None
        if ends is not None and hint in (None, "", secret[:_HINT]):
            dates[bool(hint)].append(ends)
    if dates[True]:
        return max(dates[True]), ""
    if len(dates[False]) == 1:
        return dates[False][0], ""
    return None, "none of the registration's secrets is known to be this one"
