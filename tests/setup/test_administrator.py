"""The administrator's sign-in: device code, one sign-in for two services where that works, and tokens
from elsewhere.
"""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import jwt
import pytest

from check_mapi_connectivity.base.clouds import MODULE_CLIENT_ID
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.codes.entra import ENTRA
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.setup.administrator import Administrator, sort
from check_mapi_connectivity.setup.steps import names
from check_mapi_connectivity.setup.terminal import Voice

from ..support.provisioning import ADMIN, TENANT, TOKENS

EXCHANGE = "https://outlook.office365.com"


class Entra:
    """Device code and refresh tokens (RFC 8628, RFC 6749 6); `family` is whether a refresh token of
    Graph's client gives a token for Exchange; `refusal` comes `at` the request for a code or for a
    token.
    """

    def __init__(
        self, *, family=False, pending=1, refusal=None, scope="Exchange.Manage", at="token"
    ):
        self.family, self.pending, self.refusal, self.scope = family, pending, refusal, scope
        self.at = at
        self.asked = []

    def send(self, method, url, watch, *, data=None, **_):
        path = urlsplit(url).path
        status, document = 200, self._configuration(url)
        if path.endswith("/devicecode"):
            asked_for = {word.rpartition("/")[0] for word in data["scope"].split()} - {""}
            self.asked.append(("code", data["client_id"], *asked_for))
            if self.at == "code":
                status, document = 400, self.refusal
        if path.endswith("/devicecode") and status == 200:
            document = {
                "user_code": "ABCD-EFGH",
                "device_code": "device code of nobody",
                "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": 900,
                "interval": 0,
                "message": "sign in",
            }
        elif path.endswith("/token"):
            status, document = self._token(data)
        body = json.dumps(document).encode()
        headers = Headers({"Content-Type": "application/json"})
        return Answer(url, urlsplit(url).hostname, status, "", headers, body)

    @staticmethod
    def _configuration(url):
        base = f"https://{urlsplit(url).netloc}/{TENANT}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
            "msgraph_host": "graph.microsoft.com",
        }

    def _token(self, form):
        refreshing = form["grant_type"] == "refresh_token"
        self.asked.append((form["grant_type"].rpartition(":")[2], form["client_id"]))
        if refreshing and not self.family:
            return 400, {"error": "invalid_grant", "error_description": "AADSTS65001: no consent"}
        if not refreshing and self.refusal:
            return 400, self.refusal
        if not refreshing and self.pending:
            self.pending -= 1
            return 400, {"error": "authorization_pending", "error_description": "AADSTS70016: wait"}
        client = form["client_id"]
        exchange = client == MODULE_CLIENT_ID or EXCHANGE in form.get("scope", "")
        claims = {"aud": EXCHANGE if exchange else "https://graph.microsoft.com", "upn": ADMIN}
        claims["scp"] = self.scope if exchange else "Application.ReadWrite.All"
        now = int(time.time())
        identity = {"aud": client, "sub": "s", "oid": "o", "tid": TENANT, "exp": now + 3600}
        identity |= {"iss": "x", "iat": now, "preferred_username": ADMIN}
        return 200, {
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": form.get("scope", EXCHANGE),
            "access_token": jwt.encode(claims, "k" * 32),
            "refresh_token": f"refresh token of {client}",
            "id_token": jwt.encode(identity, "k" * 32),
        }


class Desk:
    """An administrator at work; `said` is what the command told him."""

    def __init__(self, entra, options, pasted=None):
        self.said = []
        report, deadline = Report("", "graph"), Deadline(time.monotonic(), 60.0)
        chosen = options(tenant=TENANT, authority_url="https://login.microsoftonline.com")
        session = SimpleNamespace(
            account=chosen.account,
            transport=entra,
            cache=None,
            report=report,
            deadline=deadline,
        )
        voice = Voice(None, self._write)
        self.administrator = Administrator(session, voice, pasted)

    def _write(self, text):
        self.said += text.split("\n")[:-1]
        return True

    def audience(self, service):
        return jwt.decode(self.administrator.token(service), options={"verify_signature": False})[
            "aud"
        ]


def test_two_codes_for_two_services(options):
    entra = Entra()
    desk = Desk(entra, options)
    assert desk.audience("graph") == "https://graph.microsoft.com"
    assert desk.audience("exchange") == EXCHANGE
    # Once signed in, nothing more is asked.
    assert desk.audience("graph") == "https://graph.microsoft.com"
    assert entra.asked == [
        ("code", names.GRAPH_TOOLS, "https://graph.microsoft.com"),
        ("device_code", names.GRAPH_TOOLS),
        ("device_code", names.GRAPH_TOOLS),
        ("refresh_token", names.GRAPH_TOOLS),
        ("code", MODULE_CLIENT_ID, EXCHANGE),
        ("device_code", MODULE_CLIENT_ID),
    ]
    assert desk.said[:6] == [
        "A Conditional Access policy of the tenant may block the sign-in by device code.",
        "  If the page refuses it, stop with Ctrl-C and run this with --ask-token or --token-file.",
        "Sign in as administrator for Microsoft Graph:",
        "  open https://microsoft.com/devicelogin and enter the code ABCD-EFGH",
        "  waiting 15 minutes at most; meanwhile nothing is changed; Ctrl-C stops",
        f"  signed in as {ADMIN}",
    ]
    assert desk.said[6] == "Sign in as administrator for Exchange Online:"


def test_one_sign_in_for_both(options):
    entra = Entra(family=True)
    desk = Desk(entra, options)
    desk.audience("graph")
    assert desk.audience("exchange") == EXCHANGE
    assert [one[0] for one in entra.asked].count("code") == 1


def test_a_token_near_its_end_is_renewed(options, monkeypatch):
    entra = Entra()
    desk = Desk(entra, options)
    desk.audience("graph")
    soon = time.time() + 3400
    monkeypatch.setattr("check_mapi_connectivity.setup.administrator.time.time", lambda: soon)
    entra.family = True
    desk.audience("graph")
    assert entra.asked[-1] == ("refresh_token", names.GRAPH_TOOLS)
    assert [one[0] for one in entra.asked].count("code") == 1


def test_a_token_that_may_do_nothing_in_exchange_does_not_count(options):
    """Without the scope Exchange.Manage, the second code is asked for."""
    entra = Entra(family=True, scope="Mail.Read")
    desk = Desk(entra, options)
    desk.audience("graph")
    desk.audience("exchange")
    assert [one[0] for one in entra.asked].count("code") == 2


def test_device_code_that_a_policy_blocks(options):
    text = "AADSTS53003: Access has been blocked by Conditional Access policies."
    entra = Entra(refusal={"error": "access_denied", "error_description": text})
    with pytest.raises(CheckFailure) as caught:
        Desk(entra, options).administrator.token("graph")
    failure = caught.value.failure
    assert failure.code == "AADSTS53003"
    assert failure.remedy == (
        "give access tokens from another tool, with --ask-token or --token-file, where device code is "
        "blocked"
    )
    assert failure.detail == text


PASTE = "give access tokens from another tool, with --ask-token or --token-file"
DONE_THERE = f"sign in again and do what the page asks for; if that is not possible, {PASTE}"
BLOCKED = (
    "this tenant does not know Microsoft's app for the sign-in of administrators, or blocks it"
)
ALLOW = f"allow it in Entra under Enterprise applications, or {PASTE}"


@pytest.mark.parametrize(
    ("error", "number", "cause", "remedy"),
    [
        ("interaction_required", 50076, "multi-factor authentication is demanded", DONE_THERE),
        ("interaction_required", 50079, "account must register security information", DONE_THERE),
        ("interaction_required", 50158, "an external access control wants a person's answer", DONE_THERE),
        ("access_denied", 530035, "security defaults block this sign-in", DONE_THERE),
        ("unauthorized_client", 700016, BLOCKED, ALLOW),
        ("unauthorized_client", 7000112, BLOCKED, ALLOW),
        ("invalid_client", 7000218, BLOCKED, ALLOW),
        ("invalid_grant", 50105, BLOCKED, ALLOW),
        ("invalid_grant", 90002, "Entra knows no such tenant", "check --tenant; and --cloud, it may live in another cloud"),
        ("temporarily_unavailable", 90033, "Entra reports a temporary fault", "run this again in a few minutes"),
        ("invalid_grant", 50053, "account is locked, or this host's address is blocked", f"sign in again; if that does not help, {PASTE}"),
        ("invalid_grant", 999999, "Entra refuses the sign-in for an unknown reason", f"sign in again; if that does not help, {PASTE}"),
        ("interaction_required", 0, "Entra refuses the sign-in", f"sign in again; if that does not help, {PASTE}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", ["code", "token"])
def test_a_person_is_told_what_a_person_can_do(options, error, number, cause, remedy, at):
    """Not what the check, which nobody watches, would have to be given."""
    text = f"AADSTS{number}: It says so." if number else "It says so."
    entra = Entra(
        refusal={"error": error, "error_description": text, "error_codes": [number]}, at=at
    )
    with pytest.raises(CheckFailure) as caught:
        Desk(entra, options).administrator.token("graph")
    failure = caught.value.failure
    assert (failure.cause, failure.remedy) == (cause, remedy)


@pytest.mark.parametrize("number", sorted(ENTRA))
def test_no_advice_for_the_check(options, number):
    """No code of Entra's sends an administrator to a certificate, a client id or the next run."""
    text = f"AADSTS{number}: It says so."
    refusal = {"error": "invalid_grant", "error_description": text, "error_codes": [number]}
    with pytest.raises(CheckFailure) as caught:
        Desk(Entra(refusal=refusal), options).administrator.token("graph")
    words = (
        "unattended",
        "certificate",
        "client id",
        "client-id",
        "the check",
        "next run",
        "secret",
    )
    said = caught.value.failure
    assert not any(word in said.remedy for word in words), said.remedy


def test_given_tokens_are_used_as_they_are(options):
    desk = Desk(Entra(), options, dict(TOKENS))
    assert desk.administrator.token("graph") == TOKENS["graph"]
    assert desk.administrator.who == ADMIN
    half = Desk(Entra(), options, {"graph": TOKENS["graph"]})
    with pytest.raises(CheckFailure) as caught:
        half.administrator.token("exchange")
    assert caught.value.failure.cause == "no access token for Exchange Online was given"


def test_tokens_are_told_by_their_audience():
    found = sort([TOKENS["exchange"], TOKENS["graph"]], "--token-file", EXCHANGE)
    assert found == TOKENS
    by_id = {
        "graph": jwt.encode({"aud": "00000003-0000-0000-c000-000000000000"}, "k" * 32),
        "exchange": jwt.encode({"aud": names.EXCHANGE_APP}, "k" * 32),
    }
    assert sort(list(by_id.values()), "--token-file", EXCHANGE) == by_id


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "--token-file: no access token was given"),
        (["two words"], "--token-file: this is not an access token; paste it whole, in one line"),
        (["opaque"], "--token-file: this is not an access token; paste it whole, in one line"),
        (
            [jwt.encode({"aud": "https://management.azure.com"}, "k" * 32)],
            "--token-file: a token is for https://management.azure.com; give one for Microsoft Graph and "
            "one for Exchange Online",
        ),
    ],
)
def test_tokens_that_are_of_no_use(texts, words):
    with pytest.raises(UsageError) as caught:
        sort(texts, "--token-file", EXCHANGE)
    assert str(caught.value) == words
