"""How the credential of a run is sent, and how often."""

from __future__ import annotations

import base64
import threading
import time

import pytest

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.base.credentials import Login, Secret, UserPassword
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import ntlm_kerberos
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.network.shared_logon import Logon
from check_mapi_connectivity.probes.context import ProbeContext
from check_mapi_connectivity.probes.mapi_authentication import Authentication
from check_mapi_connectivity.signin.tokens import Token

URL = "https://mail.example/mapi/emsmdb/?MailboxId=1"
LONG = Deadline(time.monotonic(), 600.0)
BLOB = base64.b64encode(b"probe:Secret.123").decode()


def answer(status=200, *challenges):
    lines = tuple(("WWW-Authenticate", text) for text in challenges)
    headers = Headers({"WWW-Authenticate": ", ".join(challenges)} if lines else {})
    return Answer(URL, "mail.example", status, "", headers, b"", lines=lines)


class Carrier:
    """Stands for the transport: gives the answers in turn, and keeps what was sent."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send(self, method, url, watch, **keywords):
        self.sent.append(keywords["headers"].get("Authorization"))
        return self.answers.pop(0)

    def connections(self, url):
        return 1

    def learn(self, kind, ask, take=None):
        return ask()


def context(chosen, carrier, sign_in, logon, report):
    parts = chosen.targets, chosen.account, chosen.server
    return ProbeContext(*parts, carrier, sign_in, logon, Cache(None, []), report, LONG)


@pytest.fixture
def authentication(options):
    def make(carrier, scheme=None, password="Secret.123", logon=None, mailbox="m"):
        login = Login("probe", Secret(password) if password else None, scheme)
        chosen = options(tenant="", credential=None, methods=("mapi",), login=login)
        report = Report(mailbox, "mapi")
        return Authentication(context(chosen, carrier, None, logon or Logon(), report))

    return make


def post(authentication, **keywords):
    return authentication.post(URL, Stopwatch(), phase="connect", headers={}, **keywords)


def test_the_named_scheme_is_sent_at_once(authentication):
    carrier = Carrier(answer())
    assert post(authentication(carrier, "Basic")).status == 200
    assert carrier.sent == [f"Basic {BLOB}"]


def test_where_a_host_was_guessed_the_server_has_to_ask(authentication):
    carrier = Carrier(answer(404), answer(401, "Basic realm=x"), answer())
    asker = authentication(carrier, "Basic")
    assert post(asker, unasked=False).status == 404
    assert post(asker, unasked=False).status == 200
    assert carrier.sent == [None, None, f"Basic {BLOB}"]


def test_without_a_scheme_the_server_is_asked_once(authentication):
    carrier = Carrier(answer(401, 'Basic realm="a, NTLM"'), answer(), answer())
    asker = authentication(carrier)
    post(asker)
    post(asker)
    assert carrier.sent == [None, f"Basic {BLOB}", f"Basic {BLOB}"]
    assert asker.scheme == "Basic"


def test_a_refused_password_is_never_sent_again(authentication):
    carrier = Carrier(answer(401, "Basic realm=x"))
    asker = authentication(carrier, "Basic")
    for _ in range(3):
        with pytest.raises(CheckFailure) as caught:
            post(asker)
        assert caught.value.failure.kind == "logon"
    assert carrier.sent == [f"Basic {BLOB}"]


def test_a_password_that_was_good_and_is_refused_ends_no_session(authentication):
    carrier = Carrier(answer(), answer(401, "Basic realm=x"))
    asker = authentication(carrier, "Basic")
    post(asker)
    for _ in range(3):
        with pytest.raises(CheckFailure, match="now refuses"):
            post(asker)
    assert len(carrier.sent) == 2


def test_a_session_that_was_let_in_goes_on_whatever_another_server_says(authentication):
    logon, refused = Logon(), answer(401, "Basic realm=x")
    well = Carrier(*[answer()] * 3)
    others = [authentication(Carrier(refused), "Basic", logon=logon) for _ in range(4)]
    own = authentication(well, "Basic", logon=logon)
    post(own)
    for other in others:
        with pytest.raises(CheckFailure):
            post(other)
    assert [post(own).status, post(own).status] == [200, 200]
    assert not own.refused


def test_a_remembered_scheme_that_is_not_taken_any_more(authentication, monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    carrier = Carrier(answer(401, "NTLM"))
    asker = authentication(carrier)
    asker.remember("Basic")
    with pytest.raises(CheckFailure) as caught:
        post(asker)
    # The password was sent: whatever the server takes now, it does not go out again.
    assert caught.value.failure.cause == "mail.example does not offer logon by Basic"
    assert (carrier.sent, asker.refused) == ([f"Basic {BLOB}"], caught.value.failure)


@pytest.mark.parametrize("scheme", ["Digest", None, 5, "Bearer"])
def test_no_other_scheme_is_remembered(authentication, scheme):
    asker = authentication(Carrier())
    asker.remember(scheme)
    assert asker.scheme is None


def test_nothing_in_common(authentication):
    carrier = Carrier(answer(401, "Digest realm=x", "Bearer"))
    with pytest.raises(CheckFailure) as caught:
        post(authentication(carrier))
    assert caught.value.failure.kind == "protocol"
    assert caught.value.failure.cause.endswith("usable logon: Digest, Bearer")
    assert carrier.sent == [None]


def test_no_password_and_no_kerberos(authentication, monkeypatch):
    monkeypatch.setattr(ntlm_kerberos, "available", lambda: False)
    carrier = Carrier(answer(401, "Basic realm=x", "Negotiate"))
    with pytest.raises(UsageError, match=r"wants Negotiate, .* pip install"):
        post(authentication(carrier, password=None))


def test_what_one_mailbox_learned_holds_for_the_next(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Basic realm=x"), answer(), answer())
    post(authentication(carrier, logon=logon))
    assert (logon.accepted, logon.scheme) == (True, "Basic")
    post(authentication(carrier, logon=logon))
    assert carrier.sent == [None, f"Basic {BLOB}", f"Basic {BLOB}"]


def test_a_password_refused_for_one_mailbox_is_sent_for_no_other(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Basic realm=x"))
    causes = set()
    for mailbox in ("a", "b", "c"):
        asker = authentication(carrier, "Basic", logon=logon, mailbox=mailbox)
        with pytest.raises(CheckFailure) as caught:
            post(asker)
        causes.add(caught.value.failure)
        assert asker.refused
    assert carrier.sent == [f"Basic {BLOB}"]
    assert causes == {logon.refusal}


def test_a_password_that_was_sent_is_not_sent_again_whatever_the_server_takes(authentication):
    logon = Logon()
    carrier = Carrier(answer(401, "Negotiate"), answer(401, "Basic realm=x"))
    for _ in range(2):
        asker = authentication(carrier, "Basic", logon=logon)
        with pytest.raises(CheckFailure, match="does not offer logon by Basic"):
            post(asker)
        assert asker.refused
    assert carrier.sent == [f"Basic {BLOB}"]


def test_a_named_scheme_that_is_not_offered_is_not_sent_to_a_guessed_host(authentication):
    carrier = Carrier(answer(401, "Negotiate"), answer(401), answer(401, "Basic realm=x"), answer())
    asker = authentication(carrier, "Basic")
    for cause in ("does not offer logon by Basic", "usable logon: nothing"):
        with pytest.raises(ntlm_kerberos.Unusable, match=cause):
            post(asker, unasked=False)
    assert post(asker, unasked=False).status == 200
    assert carrier.sent == [None, None, None, f"Basic {BLOB}"]


class WindowsDoor(Carrier):
    """A server on one connection that is never closed."""

    def __init__(self, *answers):
        super().__init__(*answers)
        self.authenticated = {}

    def connect(self, url, watch, phase):
        return b"certificate"


@pytest.fixture
def opening(monkeypatch):
    """`opening(token)`: the first token that is made, whatever is installed here."""

    class Made:
        def __init__(self, *_):
            pass

        def begin(self):
            return self.token

    def make(token):
        Made.token = token
        for name, stands in (("Handshake", Made), ("available", lambda: True)):
            monkeypatch.setattr(ntlm_kerberos, name, stands)
        monkeypatch.setattr(ntlm_kerberos, "end_point", lambda certificate: b"")
        return f"Negotiate {base64.b64encode(token).decode()}"

    return make


#: NTLM's first message as MS-NLMP 4.2.2 begins it, inside of SPNEGO.
NTLM_FIRST = b"\x60\x28\x06\x06+\x06\x01\x05\x05\x02" + b"NTLMSSP\0\x01\0\0\0" + bytes(20)


def test_after_a_first_message_that_proves_nothing_another_scheme_follows(authentication, opening):
    first = opening(NTLM_FIRST)
    offers = answer(401, "Basic realm=x")
    carrier = WindowsDoor(offers, offers, answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    assert post(asker).status == 200
    assert carrier.sent == [first, None, f"Basic {BLOB}"]


def test_a_ticket_that_a_server_does_not_ask_for_was_not_judged(authentication, opening):
    first = opening(b"\x60\x82a ticket")
    offers = answer(401, "Basic realm=x")
    carrier = WindowsDoor(offers, offers, answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    assert post(asker).status == 200
    assert carrier.sent == [first, None, f"Basic {BLOB}"]


def test_after_a_ticket_that_was_judged_no_weaker_scheme_follows(authentication, opening):
    first = opening(b"\x60\x82a ticket")
    carrier = WindowsDoor(answer(401, "Negotiate", "Basic realm=x"), answer())
    asker = authentication(carrier)
    asker.remember("Negotiate")
    with pytest.raises(CheckFailure, match="refuses user probe"):
        post(asker)
    assert carrier.sent == [first]


class Door(Carrier):
    """A server that many ask at once: `judge(number)` gives the answer to the request of that
    number, counted from 1.
    """

    def __init__(self, judge):
        super().__init__()
        self.judge, self.lock = judge, threading.Lock()

    def send(self, method, url, watch, **keywords):
        with self.lock:
            self.sent.append(keywords["headers"].get("Authorization"))
            number = len(self.sent)
        return self.judge(number)


#: Seconds after which a test gives up waiting for what ought to happen.
PATIENCE = 30.0


def all_at_once(askers):
    """Each posts in a thread of its own; what became of them."""
    found, start = [], threading.Barrier(len(askers))

    def work(asker):
        start.wait(PATIENCE)
        try:
            found.append(post(asker).status)
        except CheckFailure as error:
            found.append(error.failure.kind)

    threads = [threading.Thread(target=work, args=(asker,)) for asker in askers]
    for thread in threads:
        thread.start()
    return found, threads


class Counted(Logon):
    """Tells when so many have come for their turn."""

    def __init__(self):
        super().__init__()
        self.asked = threading.Semaphore(0)

    def turn(self, deadline, place=""):
        self.asked.release()
        return super().turn(deadline, place)

    def wait_for(self, count):
        """Wait until so many have come."""
        for _ in range(count):
            assert self.asked.acquire(timeout=PATIENCE)


def finish(threads):
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_eight_mailboxes_with_a_wrong_password_are_one_failed_logon(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    logon = Counted()

    def judge(number):
        if number == 1:
            logon.wait_for(8)
        return answer(401, "Basic realm=x")

    door = Door(judge)
    askers = [authentication(door, "Basic", logon=logon) for _ in range(8)]
    found, threads = all_at_once(askers)
    finish(threads)
    assert door.sent == [f"Basic {BLOB}"]
    assert found == ["logon"] * 8
    assert all(asker.refused for asker in askers)


def test_eight_mailboxes_with_the_right_password_do_not_wait_for_each_other(
    authentication, monkeypatch
):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    others, logon = threading.Barrier(7), Counted()

    def judge(number):
        if number == 1:
            logon.wait_for(8)
        else:
            # After the first, all the others are at the door at the same time.
            others.wait(PATIENCE / 3)
        return answer()

    door = Door(judge)
    found, threads = all_at_once([authentication(door, "Basic", logon=logon) for _ in range(8)])
    finish(threads)
    assert found == [200] * 8
    assert door.sent == [f"Basic {BLOB}"] * 8


def test_one_that_hangs_does_not_keep_the_others_for_ever(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", 0.05)
    go_on = threading.Event()

    def judge(number):
        if number == 1:
            assert go_on.wait(PATIENCE)
        return answer()

    logon, door = Logon(), Door(judge)
    first, threads = all_at_once([authentication(door, "Basic", logon=logon)])
    while not door.sent:
        threads[0].join(0.002)
    found, more = all_at_once([authentication(door, "Basic", logon=logon) for _ in range(7)])
    finish(more)
    assert (found, first) == ([200] * 7, [])
    go_on.set()
    finish(threads)
    assert first == [200]


def test_behind_one_that_hangs_a_wrong_password_is_tried_once_more(authentication, monkeypatch):
    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", 0.3)
    go_on = threading.Event()

    def judge(number):
        if number == 1:
            assert go_on.wait(PATIENCE)
            return answer()
        return answer(401, "Basic realm=x")

    logon, door = Logon(), Door(judge)
    first, threads = all_at_once([authentication(door, "Basic", logon=logon)])
    while not door.sent:
        threads[0].join(0.002)
    found, more = all_at_once([authentication(door, "Basic", logon=logon) for _ in range(7)])
    finish(more)
    assert (found, door.sent) == (["logon"] * 7, [f"Basic {BLOB}"] * 2)
    go_on.set()
    finish(threads)
    assert first == [200]


def test_tokens_of_entra_wait_for_nobody(options, monkeypatch):
    """A token was made for this run already: there is nothing to find out."""

    class Identity:
        def token(self):
            return Token("T", 0.0)

    monkeypatch.setattr("check_mapi_connectivity.network.shared_logon.TURN", PATIENCE)
    together = threading.Barrier(4)

    def judge(number):
        together.wait(PATIENCE)
        return answer(401, "Bearer")

    door, logon = Door(judge), Logon()
    chosen = options(methods=("mapi",), credential=UserPassword("u@x.y", Secret("Secret.123")))
    runs = [
        context(chosen, door, Identity(), logon, Report(f"m{number}", "mapi"))
        for number in range(4)
    ]
    found, threads = all_at_once([Authentication(run) for run in runs])
    finish(threads)
    assert found == ["permission"] * 4
    assert door.sent == ["Bearer T"] * 4
    assert logon.refusal is None
