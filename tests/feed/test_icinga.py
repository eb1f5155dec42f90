"""The client against an API that answers as Icinga's was seen to, and misbehaves as it was."""

from __future__ import annotations

import json
import socket
import time

import pytest

from check_mapi_connectivity.base.credentials import Proxy, Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.feed import icinga as client

from ..support.fake_icinga import PASSWORD, FakeIcinga
from .material import feed, name, result, submitted

TEN = range(1, 11)


@pytest.fixture
def icinga(tmp_path):
    """An Icinga 2.14 that knows ten services."""
    with FakeIcinga(tmp_path, map(name, TEN)) as running:
        yield running


@pytest.fixture
def hasty(monkeypatch):
    """Waits that are no subject here are short."""
    monkeypatch.setattr(client, "_QUIET", 0.05)
    monkeypatch.setattr(client, "_AFTER_RELOAD", 0.05)


def ten():
    return [result(number) for number in TEN]


def test_what_arrives(icinga):
    """One connection, who is there, and one request for each service."""
    sent = ten()
    outcome = submitted(icinga, sent)
    assert (outcome.submitted, outcome.refused, outcome.failure, outcome.notes) == (
        10,
        {},
        None,
        [],
    )
    assert icinga.asked == ["GET", *map(name, TEN)]
    assert icinga.connections == 1
    one = icinga.results[name(1)]
    assert (one["exit_status"], one["plugin_output"]) == (1, sent[0].text)
    assert one["performance_data"] == ["time=1.2s;1;2;0", "token=0.1s"]
    assert abs(one["execution_start"] - sent[0].began) < 0.001


def test_a_client_certificate(icinga, tmp_path):
    path = str(icinga.client(tmp_path))
    outcome = submitted(icinga, ten(), user=None, password=None, certificate=path)
    assert (outcome.submitted, outcome.failure) == (10, None)


def test_what_icinga_does_not_know_is_named_and_the_rest_is_taken(icinga):
    icinga.services.discard(name(3))
    odd = result(11, service="mapi a!b@contoso.com")
    outcome = submitted(icinga, [*ten(), odd])
    assert outcome.submitted == 9
    assert outcome.refused == {
        "mapi many-003@contoso.com": "no such service for this ApiUser",
        "mapi a!b@contoso.com": "Icinga has no name with !, which separates host and service",
    }
    assert outcome.failure is None


def test_icinga_is_asked_for_few_reasons(icinga):
    """Each takes it as long as thirty results: a wrong host would take a minute for a thousand."""
    icinga.services.clear()
    assert len(submitted(icinga, ten()).refused) == 10
    asked = [json.loads(body)["verbose"] for body in icinga.bodies]
    assert asked == [True] * 3 + [False] * 7


def test_an_older_result_does_not_replace_a_newer_one(icinga):
    submitted(icinga, [result(1)])
    newer = icinga.results[name(1)]
    outcome = submitted(icinga, [result(1, began=time.time() - 60)])
    assert icinga.results[name(1)] == newer
    assert [*outcome.refused.values()] == [
        f"Newer check result already present. Check result for '{name(1)}' was discarded."
    ]


@pytest.mark.parametrize("version", ["2.13.6-1", "2.14.6-1"])
def test_the_connection_ends_in_the_middle(icinga, version, hasty):
    """2.13.6 loses what it answered shortly before; from 2.14 on nothing is sent twice."""
    icinga.version = version
    old = version < "2.14"

    def reload(handler):
        if old:
            icinga.results.clear()
        handler.drop()
        return True

    icinga.faults[7] = reload
    outcome = submitted(icinga, ten())
    assert (outcome.submitted, outcome.failure) == (10, None)
    assert {*icinga.results} == {*map(name, TEN)}
    assert icinga.asked.count(name(2)) == (2 if old else 1)
    assert outcome.notes == ["Icinga was restarted or reloaded meanwhile"]


def test_a_reload_that_begins_after_the_last_result(icinga, hasty):
    """Below 2.14 the feed looks again, and finds the connection closed."""
    icinga.version = "2.13.6-1"

    def reload(handler):
        icinga.results.clear()
        handler.drop()
        return True

    # GET, ten results, and then the look.
    icinga.faults[12] = reload
    outcome = submitted(icinga, ten())
    assert icinga.faults == {}
    assert {*icinga.results} == {*map(name, TEN)}
    assert (outcome.submitted, outcome.failure) == (10, None)


def test_results_of_longer_ago_are_not_sent_again(icinga, hasty, monkeypatch):
    icinga.version = "2.13.6-1"
    monkeypatch.setattr(client, "_DOUBTFUL", -1.0)
    icinga.faults[7] = lambda handler: handler.drop() or True
    assert submitted(icinga, ten()).submitted == 10
    assert icinga.asked.count(name(2)) == 1


def test_503_is_tried_again(icinga):
    def busy(handler):
        handler.answer(503, {"error": 503, "status": "Icinga is reloading."})
        return True

    icinga.faults.update({5: busy, 6: busy})
    outcome = submitted(icinga, ten())
    assert (outcome.submitted, outcome.failure) == (10, None)


def test_icinga_that_never_takes_anything_is_told_of(icinga):
    """Each connection ends after its first answer, as behind some reverse proxies."""

    def drop(handler):
        handler.drop()
        return True

    icinga.faults.update(dict.fromkeys(range(2, 60, 2), drop))
    outcome = submitted(icinga, ten())
    assert (outcome.submitted, outcome.failure.kind) == (0, "submit")
    assert outcome.failure.cause.startswith("Icinga")


def test_the_port_is_closed(icinga, monkeypatch):
    monkeypatch.setattr(client, "_PATIENCE", 0.2)
    icinga.__exit__()
    outcome = submitted(icinga, ten())
    assert outcome.failure.cause == (
        f"Icinga is not reached: 127.0.0.1 port {icinga.url.rpartition(':')[2]}: connection refused"
    )
    assert (outcome.failure.kind, outcome.failure.state_key) == ("submit", "submit")


def test_a_certificate_that_nobody_trusts(icinga):
    outcome = submitted(icinga, ten(), network=Network())
    why = "Icinga is not reached: certificate of 127.0.0.1 is not trusted here: issued by trustme"
    assert outcome.failure.cause.startswith(why)
    assert "--submit-ca-file" in outcome.failure.remedy
    assert (outcome.submitted, icinga.asked) == (0, [])


def test_a_proxy_of_its_own(icinga):
    """Nobody is there: the way is by the proxy, and its option is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        through = Proxy("127.0.0.1", port, "--submit-proxy")
        network = feed(icinga).network._replace(proxy=through)
        outcome = submitted(icinga, ten(), network=network)
    assert outcome.failure.cause == (
        f"Icinga is not reached: proxy 127.0.0.1 port {port}: connection refused"
    )
    assert (outcome.failure.kind, outcome.failure.remedy) == ("submit", "check --submit-proxy")
    assert icinga.asked == []


def test_a_wrong_password_is_sent_once(icinga):
    outcome = submitted(icinga, ten(), password=Secret("wrong-password"))
    assert outcome.failure.cause == "Icinga knows no user mapi with this password or certificate"
    assert icinga.asked == ["GET"]


def test_no_permission(icinga):
    icinga.permissions = ["objects/query/Host"]
    outcome = submitted(icinga, ten())
    assert outcome.failure.cause == "the ApiUser mapi may not submit results"
    assert icinga.asked == ["GET"]


def test_no_redirect_is_followed(icinga):
    def elsewhere(handler):
        handler.answer(302, {}, Location=f"{icinga.url}/elsewhere")
        return True

    icinga.faults[1] = elsewhere
    outcome = submitted(icinga, ten())
    assert outcome.failure.code == "HTTP 302"
    assert icinga.asked == ["GET"]


def test_a_password_that_is_echoed_shows_nowhere(icinga):
    def echo(handler):
        word = handler.headers["Authorization"]
        handler.answer(500, {"error": 500, "status": f"bad {PASSWORD} in {word}"})
        return True

    icinga.faults[3] = echo
    outcome = submitted(icinga, ten())
    told = json.dumps([outcome.refused, str(outcome.failure)])
    assert "***" in told
    assert PASSWORD not in told
    assert "Basic bWFwaT" not in told


def test_a_key_with_a_passphrase_is_not_asked_for(icinga, tmp_path):
    path = tmp_path / "locked.pem"
    path.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    with pytest.raises(UsageError, match="the key without a passphrase"):
        client.trust(feed(icinga, certificate=str(path)))
