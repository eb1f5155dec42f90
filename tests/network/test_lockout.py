"""A password that was not taken rests for a minute, across runs: whose, how long, what ends it."""

from __future__ import annotations

import json
import threading
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.base.credentials import Secret, UserPassword
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.network import lockout

from ..support.signing import Runs, at_once, refusal, token

pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated")

REFUSED = Failure(
    "credential", "user name or password is wrong", "correct it", "AADSTS50126", "its own text"
)


class Clock:
    """The time of day, as these tests set it."""

    def __init__(self, monkeypatch):
        self.now = 1_800_000_000.0
        monkeypatch.setattr(lockout.time, "time", lambda: self.now)


def ten_minutes():
    """A deadline that no test comes near to."""
    return Deadline(time.monotonic(), 600.0)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def pause(options, tmp_path):
    """`pause(password, user, **changes)` -> a Pause, as the next run would make it."""
    cache = Cache(str(tmp_path / "cache"), [])

    def make(password="wrong", user="u@contoso.com", **changes):
        chosen = options(**changes)
        return lockout.Pause.of_sign_in(chosen.account, UserPassword(user, Secret(password)), cache)

    make.cache = cache
    make.directory = tmp_path / "cache"
    return make


def refused(pause, failure=REFUSED):
    """The password of this Pause is sent, and this is what became of it."""
    pause.sending()
    pause.told(failure)


def rests(pause):
    """The Failure that a resting password gives; None where it may be sent."""
    try:
        pause.check()
    except CheckFailure as error:
        return error.failure
    return None


def kept(pause):
    """The file in which what is known of a password stands."""
    (path,) = pause.directory.glob("refused-*.json")
    return path


@pytest.mark.parametrize(
    ("later", "told"), [(0.0, "0s"), (17.4, "17s"), (59.9, "60s"), (60.0, None), (3600.0, None)]
)
def test_rest_of_a_minute(pause, clock, later, told):
    refused(pause())
    clock.now += later
    failure = rests(pause())
    if told is None:
        assert failure is None
        return
    assert (failure.kind, failure.cause, failure.remedy, failure.code) == (
        "untested",
        f"not tested: another run's sign-in failed: {REFUSED.cause}",
        REFUSED.remedy,
        REFUSED.code,
    )
    assert failure.detail == f"sent {told} ago, not sent again within 60s. its own text"
    assert (failure.transient, failure.retry_after) == (False, None)


def test_a_rest_is_not_made_longer_by_looking(pause, clock):
    refused(pause())
    for _ in range(5):
        clock.now += 11.0
        assert rests(pause()) is not None
    clock.now += 11.0
    assert rests(pause()) is None


def test_a_corrected_password_goes_at_once(pause, clock):
    refused(pause("wrong"))
    assert rests(pause("right")) is None
    assert rests(pause("wrong")) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "other@contoso.com"},
        {"tenant": "other.example"},
        {"authority_url": "https://127.0.0.1:2"},
    ],
)
def test_others_do_not_rest(pause, clock, changes):
    refused(pause())
    assert rests(pause(**changes)) is None


def test_the_same_user_written_otherwise_rests(pause, clock):
    refused(pause(tenant="contoso.example"))
    assert rests(pause(user="U@Contoso.COM", tenant="CONTOSO.example")) is not None


@pytest.mark.parametrize(("back", "told"), [(0.001, "0s"), (59.0, "0s"), (60.0, None), (1e6, None)])
def test_a_clock_that_was_set_back(pause, clock, back, told):
    """A little still rests, and as if it had just been sent; far does not."""
    refused(pause())
    clock.now -= back
    failure = rests(pause())
    assert (failure and failure.detail.split(" ago")[0]) == (told and f"sent {told}")


def test_a_password_that_was_sent_rests_until_its_fate_is_known(pause, clock):
    one = pause()
    assert (one.sent, rests(pause())) == (False, None)
    one.sending()
    assert one.sent
    clock.now += 5.0
    failure = rests(pause())
    assert (failure.kind, failure.cause) == (
        "untested",
        "not tested: the last sign-in of this user had no answer",
    )
    assert failure.remedy == "its password rests for a minute; repeated tries lock accounts"
    assert failure.detail == "sent 5s ago, not sent again within 60s."
    # What is sent with it later is the same sign-in.
    one.sending()
    assert rests(pause()).detail == failure.detail
    clock.now += 55.0
    assert rests(pause()) is None


@pytest.mark.parametrize("before", [False, True])
def test_a_password_that_was_taken_does_not_rest(pause, clock, before):
    if before:
        refused(pause())
    refused(pause(), None)
    assert rests(pause()) is None
    assert list(pause.directory.glob("refused-*.json")) == []


def test_one_at_a_time(pause):
    """Whoever comes second goes on only after the first, however long that takes."""
    order, waiting = [], threading.Event()

    def second():
        waiting.set()
        with pause(user="U@contoso.com").alone(ten_minutes()):
            order.append("second")

    def another():
        with pause(user="other@contoso.com").alone(ten_minutes()):
            order.append("another")

    with pause().alone(ten_minutes()):
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait()
        # Longer than any other lock of the cache is waited for.
        thread.join(0.8)
        at_once(another)
        order.append("first")
    thread.join()
    assert order == ["another", "first", "second"]
    assert pause.cache.notes == []


def test_what_is_kept_tells_no_password(pause, clock):
    refused(pause("hunter2"))
    refused(pause("hunter2", "b@contoso.com"))
    texts = [path.read_text() for path in pause.directory.glob("refused-*.json")]
    proofs = {json.loads(text)["proof"] for text in texts}
    # The same password looks different for everybody.
    assert (len(texts), len(proofs)) == (2, 2)
    for text in texts:
        assert "hunter2" not in text
        assert "contoso" not in text


def test_a_password_that_is_quoted_is_not_kept(pause, clock):
    cause = "the server says: hunter2 is wrong"
    quoted = Failure("credential", cause, "correct it", "hunter2", "no: hunter2!")
    refused(pause("hunter2"), quoted)
    assert "hunter2" not in kept(pause).read_text()
    failure = rests(pause("hunter2"))
    assert (failure.code, failure.detail.endswith(" within 60s. no: ***!")) == ("***", True)


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (REFUSED, True),
        (Failure("credential", "locked", code="AADSTS50053"), True),
        (Failure("credential", "mfa", code="AADSTS50076"), True),
        (Failure("credential", "federation", code="FailedAuthentication"), True),
        (Failure("credential", "grant", code="invalid_grant"), True),
        (Failure("credential", "consent", code="AADSTS65001"), False),
        (Failure("credential", "unknown app", code="AADSTS700016"), False),
        (Failure("credential", "no Exchange", code="AADSTS500011"), False),
        (Failure("credential", "assignment", code="AADSTS50105"), False),
        (Failure("server", "passing", code="AADSTS90033"), False),
        (Failure("throttled", "busy", code="HTTP 429"), False),
        (Failure("connect", "refused"), False),
        (Failure("protocol", "html", code="HTTP 200"), False),
    ],
)
def test_what_may_lock_the_account(failure, counts):
    assert lockout.counts(failure) is counts


@pytest.mark.parametrize(
    ("failure", "rest"),
    [
        (REFUSED, True),
        (Failure("credential", "locked", code="AADSTS50053"), True),
        (Failure("credential", "consent", code="AADSTS65001"), False),
        (Failure("credential", "unknown app", code="AADSTS700016"), False),
        # Nobody knows whether the password was looked at.
        (Failure("server", "passing", code="AADSTS90033"), True),
        (Failure("throttled", "busy", code="HTTP 429"), True),
        (Failure("connect", "reset"), True),
        (Failure("timeout", "no answer"), True),
        (Failure("protocol", "html", code="HTTP 200"), True),
    ],
)
def test_what_rests(pause, clock, failure, rest):
    refused(pause(), failure)
    assert (rests(pause()) is not None) is rest


def test_without_a_cache_nothing_rests(options, clock):
    user = UserPassword("u@contoso.com", Secret("wrong"))
    pause = lockout.Pause.of_sign_in(options().account, user, Cache(None, []))
    with pause.alone(ten_minutes()):
        refused(pause)
    assert (pause.sent, rests(pause)) == (True, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "weather"},
        {"kind": 5},
        {"cause": ["x"]},
        {"version": 2},
        {"detail": None},
        {"salt": "other"},
        {"salt": "\ud800"},
        {"proof": ""},
        {"sent_at": "soon"},
        {"sent_at": None},
        {"sent_at": float("nan")},
        {"sent_at": float("inf")},
        {"sent_at": 0},
    ],
)
def test_a_damaged_document_is_ignored(pause, clock, damage):
    refused(pause())
    path = kept(pause)
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    assert rests(pause()) is None


NAMES = ["kind", "cause", "remedy", "code", "detail", "salt", "proof", "sent_at", "version"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.just(1_800_000_000.0),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.booleans())
@example({}, True)
def test_any_document_is_ignored_or_a_refusal(pause, clock, document, whole):
    refused(pause())
    path = kept(pause)
    base = json.loads(path.read_text()) if whole else {"version": 1}
    path.write_text(json.dumps({**base, **document}))
    failure = rests(pause())
    assert failure is None or failure.kind in KINDS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100))
def test_any_file_is_ignored(pause, clock, data):
    refused(pause())
    path = kept(pause)
    path.write_bytes(data)
    assert rests(pause()) is None


# Together with Entra.


@pytest.fixture
def runs(tenant, options, tmp_path):
    with Runs(tenant, options, tmp_path) as found:
        yield found


def test_the_next_run_sends_no_refused_password(runs, tenant):
    first = refusal(runs.by_password("wrong"))
    again = refusal(runs.by_password("wrong"))
    assert tenant.entra.password_tries == [("healthy@practice.example", False)]
    assert (again.code, again.kind) == (first.code, "untested")
    assert again.cause == f"not tested: another run's sign-in failed: {first.cause}"
    assert "not sent again within 60s. AADSTS50126" in again.detail
    # Nobody else waits, and neither does the right password.
    assert refusal(runs.by_password("wrong", name="mfa")).code == "AADSTS50126"
    assert token(runs.by_password()).claims["upn"] == "healthy@practice.example"
    assert len(tenant.entra.password_tries) == 3


def test_what_lies_with_the_resource_does_not_rest(runs, tenant):
    tenant.faults.on("token", "aadsts-65001", times=1)
    assert refusal(runs.by_password()).code == "AADSTS65001"
    assert token(runs.by_password()).cached is False


def test_a_federated_password_rests_too(runs, tenant):
    for _ in range(2):
        failure = refusal(runs.by_password("wrong", name="federated"))
        assert failure.code == "FailedAuthentication"
    assert tenant.entra.password_tries == [("federated@practice.example", False)]
