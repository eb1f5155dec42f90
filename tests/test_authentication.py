"""How the credential of a run is sent, and how often."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from check_mapi_connectivity import windows
from check_mapi_connectivity.answer import Answer
from check_mapi_connectivity.authentication import Authentication, offered
from check_mapi_connectivity.errors import UsageError
from check_mapi_connectivity.options import Login, Secret
from check_mapi_connectivity.report import CheckFailure, Report, Stopwatch

URL = "https://mail.example/mapi/emsmdb/?MailboxId=1"
BLOB = base64.b64encode(b"probe:Secret.123").decode()


def answer(status=200, *challenges):
    lines = tuple(("WWW-Authenticate", text) for text in challenges)
    headers = CaseInsensitiveDict({"WWW-Authenticate": ", ".join(challenges)} if lines else {})
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


@pytest.fixture
def authentication(options):
    def make(carrier, scheme=None, password="Secret.123"):
        login = Login("probe", Secret(password) if password else None, scheme)
        chosen = options(tenant="", certificate=None, method="mapi", login=login)
        return Authentication(chosen, carrier, None, Report("m", "mapi"))

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


def test_a_password_that_was_good_may_end_the_session_once(authentication):
    carrier = Carrier(answer(), *[answer(401, "Basic realm=x")] * 2)
    asker = authentication(carrier, "Basic")
    post(asker)
    for _ in range(4):
        with pytest.raises(CheckFailure):
            post(asker)
    assert len(carrier.sent) == 3


def test_a_remembered_scheme_that_is_not_taken_any_more(authentication, monkeypatch):
    monkeypatch.setattr(windows, "available", lambda: False)
    carrier = Carrier(answer(401, "NTLM"))
    asker = authentication(carrier)
    asker.remember("Basic")
    with pytest.raises(
        UsageError, match=r"mail.example wants NTLM, which needs a package: pip install pyspnego"
    ):
        post(asker)


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
    assert caught.value.failure.cause.endswith("that can be used: Digest, Bearer")
    assert carrier.sent == [None]


def test_no_password_and_no_kerberos(authentication, monkeypatch):
    monkeypatch.setattr(windows, "available", lambda: False)
    carrier = Carrier(answer(401, "Basic realm=x", "Negotiate"))
    with pytest.raises(UsageError, match=r"wants Negotiate, .* pip install"):
        post(authentication(carrier, password=None))


@pytest.mark.parametrize(
    ("lines", "schemes"),
    [
        (["Negotiate", "NTLM", 'Basic realm="x"'], ["Negotiate", "NTLM", "Basic"]),
        (['Basic realm="x", Negotiate, ntlm'], ["Basic", "Negotiate", "NTLM"]),
        (['Bearer client_id="a", trusted_issuers="b"'], ["Bearer"]),
        (["Digest realm=x", ""], []),
    ],
)
def test_offers(lines, schemes):
    assert offered(answer(401, *lines)) == schemes


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_offer_is_read(lines):
    assert set(offered(answer(401, *lines))) <= {"Basic", "NTLM", "Negotiate", "Bearer"}
