"""Codes and answers to words: the tables are complete, and no answer breaks the reading."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes.entra import ENTRA
from check_mapi_connectivity.codes.exchange import EC, EXCHANGE, MAPI
from check_mapi_connectivity.network import headers
from check_mapi_connectivity.services import entra, exchange_refusals, http_refusals

from .material import make_answer


@pytest.mark.parametrize(
    ("status", "leads"), [(302, True), (307, True), (304, False), (399, False)]
)
def test_what_leads_nowhere_is_no_redirect(status, leads):
    failure = http_refusals.redirected(make_answer(status), "--graph-url")
    assert (failure.kind, failure.code) == ("protocol", f"HTTP {status}")
    assert ("redirects" in failure.cause) is leads


def test_every_row_has_a_kind_of_the_contract_and_words():
    rows = [*ENTRA.values(), *EXCHANGE.values(), *MAPI.values()]
    for kind, cause, remedy, *_ in rows:
        assert kind in KINDS
        assert len(cause) <= 60
        assert len(remedy) <= 80
        assert cause[0] not in " ." and not cause.endswith(".")


def exchange_error(message, internal=None):
    error = {
        "code": "BadRequest",
        "message": "Error executing cmdlet",
        "details": [{"message": message}],
    }
    if internal:
        error["innererror"] = {"internalexception": internal}
    return make_answer(400, json.dumps({"error": error}).encode())


def inner_error(inner):
    error = {"code": "InternalServerError", "message": "Error", "innererror": inner}
    return make_answer(500, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("answer", "text", "exception"),
    [
        (
            exchange_error("Ex1|A.B.ServerBusyException|Busy | now"),
            "Busy | now",
            "ServerBusyException",
        ),
        (exchange_error("|Some.Odd.ThingException|Text"), "Text", "ThingException"),
        (exchange_error('{"Message": "inner", "x": 1}'), "inner", ""),
        (exchange_error('{"Message"'), '{"Message"', ""),
        (
            exchange_error(" ", {"message": "deep", "type": "N.TransientException"}),
            "deep",
            "TransientException",
        ),
        (
            make_answer(400, b'{"error": {"message": "plain"}}', X_ExceptionType="Q.AException"),
            "plain",
            "AException",
        ),
        (
            make_answer(
                502,
                b"<html><script>x</script><b>Bad\x00</b> gateway",
                Content_Type="text/html; a=b",
            ),
            "text/html: Bad gateway",
            "",
        ),
        (
            inner_error({"message": "AD", "type": "N.ADTransientException"}),
            "AD",
            "ADTransientException",
        ),
        (
            inner_error(
                {
                    "message": "Invalid Operation",
                    "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                    "internalexception": {
                        "message": "Cannot process argument",
                        "type": "System.Exception",
                        "internalexception": {"message": "deepest", "type": "N.DeepException"},
                    },
                }
            ),
            "deepest",
            "DeepException",
        ),
        (
            exchange_error(
                "Ex1|Microsoft.Exchange.Configuration.CmdletProxyException|Error on proxy command: "
                "Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException: An error"
            ),
            "Error on proxy command: "
            "Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException: An error",
            "ADServerSettingsChangedException",
        ),
        (make_answer(500, b"\0\0"), "no content type, 2 bytes without text", ""),
        (make_answer(400, b"[" * 90000), "no content type: " + "[" * 80, ""),
    ],
)
def test_message_and_exception(answer, text, exception):
    assert (http_refusals.message(answer), exchange_refusals.exception_name(answer)) == (
        text,
        exception,
    )


def test_missing_role_is_read_from_the_token():
    answer = make_answer(401, b"", x_ms_diagnostics="2000003;reason=x")
    without = exchange_refusals.exchange_status(answer, {"roles": []})
    assert without.cause == "the token lacks the app role Exchange.ManageAsApp"
    for claims in ({"roles": ["Exchange.ManageAsApp"]}, {}):
        failure = exchange_refusals.exchange_status(answer, claims)
        assert failure.cause == "token was made for another host or service"
        assert "2000003" in failure.detail
        failure = exchange_refusals.exchange_status(
            make_answer(401, b"", x_ms_diagnostics="77;"), claims
        )
        assert failure.cause == "Exchange Online refuses the token"
        # Who has the app role is not told to grant it.
        granted = failure.remedy.startswith("grant Exchange.ManageAsApp")
        assert granted == (not claims)


def test_a_401_that_speaks_of_roles_to_a_token_without_the_app_role():
    body = b'{"error": {"code": "Unauthorized", "message": "User is not allowed to call X"}}'
    failure = exchange_refusals.exchange_status(make_answer(401, body), {"roles": []})
    assert failure.cause == "the token lacks the app role Exchange.ManageAsApp"
    assert failure.remedy.startswith("grant Exchange.ManageAsApp")


@pytest.mark.parametrize(
    "text",
    [
        "User is not allowed to call Test-MAPIConnectivity",
        "The role assigned to application 5d1b isn't supported in this scenario.",
        'The user "contoso/app" isn\'t assigned to any management roles.',
    ],
)
def test_a_401_that_speaks_of_roles_is_about_the_role_group(text):
    body = json.dumps({"error": {"code": "Unauthorized", "message": text}}).encode()
    failure = exchange_refusals.exchange_status(
        make_answer(401, body), {"roles": ["Exchange.ManageAsApp"]}
    )
    assert (failure.kind, failure.cause) == (
        "permission",
        "this identity may not run Test-MAPIConnectivity",
    )
    assert failure.remedy == "add the app to a role group; its role must hold the cmdlet"
    assert text in failure.detail


#: What says more by its words than by its row.
NOT_FOUND = ("ManagementObjectNotFoundException",)

EXCEPTIONS = [
    *((name, EXCHANGE[name].cause) for name in EXCHANGE if name not in NOT_FOUND),
    ("StorageTransientException", "Exchange Online reports a temporary fault"),
    ("MapiExceptionMdbOffline", "mailbox database is offline"),
    ("StorePermanentException", "Exchange Online reports an unknown error"),
]


@pytest.mark.parametrize("article", ["a", "the"])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_cmdlet_that_is_not_there_is_a_role_that_is_lacking(article, status):
    text = f"The term 'Test-MAPIConnectivity' is not recognized as {article} name of a cmdlet"
    body = json.dumps({"error": {"code": "NotFound", "message": text}}).encode()
    failure = exchange_refusals.exchange_status(make_answer(status, body), {})
    assert (failure.kind, failure.code) == ("permission", f"HTTP {status}")
    assert failure.cause == "this identity may not run Test-MAPIConnectivity"


@pytest.mark.parametrize(("name", "cause"), EXCEPTIONS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_an_exception_counts_for_more_than_the_status(name, cause, status):
    answer = exchange_error(f"Ex9E65A2|Microsoft.Exchange.Some.Space.{name}|What it says.")
    answer = answer._replace(status=status)
    failure = exchange_refusals.exchange_status(answer, {"roles": ["Exchange.ManageAsApp"]})
    assert (failure.cause, failure.code) == (cause, name)
    assert name not in EXCHANGE or failure.kind == EXCHANGE[name].kind
    assert "What it says." in failure.detail


@pytest.mark.parametrize("beside", ["message", "header"])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("TokenIssuedBeforeRevocationTimestamp", "holds the token as revoked"),
        ("TokenCreatedWithOutdatedPolicies", "demands a token by today's policies"),
        ("LocationConditionEvaluationSatisfied", "takes no token from the address of this host"),
        ("SomethingNew", "wants other claims in the token: SomethingNew"),
        ("", "wants other claims in the token: insufficient_claims"),
    ],
)
def test_a_claims_challenge_is_no_missing_role(code, words, beside):
    """Continuous access evaluation; an app that has its role is not told to get one."""
    text = "resulted in challenge with result: InteractionRequired" + (
        code and f" and code: {code}"
    )
    challenge = 'Bearer realm="", authorization_uri=https://login.example/authorize, '
    challenge += f'error_description="{text}", ' if beside == "header" else ""
    challenge += 'error="insufficient_claims", claims="eyJh=="'
    body = json.dumps({"error": {"code": "x", "message": text if beside == "message" else ""}})
    answer = make_answer(401, body.encode(), WWW_Authenticate=challenge)
    claims = {"roles": ["Exchange.ManageAsApp"]}
    failure = exchange_refusals.exchange_status(answer, claims)
    assert (failure.kind, failure.cause) == ("permission", f"Exchange {words}")
    assert failure.remedy.endswith("Conditional Access")


def test_an_exception_that_only_carries_another_is_none():
    text = "Ex1|Microsoft.Exchange.Admin.OData.Core.ODataServiceException|No."
    failure = exchange_refusals.exchange_status(exchange_error(text)._replace(status=403), {})
    assert (failure.kind, failure.code) == ("permission", "HTTP 403")


def test_a_500_of_exchange_may_be_a_burst():
    failure = exchange_refusals.exchange_status(make_answer(500, b"{}"), {})
    assert failure.cause == "Exchange Online reports an internal error"
    assert failure.remedy == (
        "see M365 health; too many calls at once cause it as well: spread the checks"
    )


def test_a_person_is_told_apart_from_an_app():
    person, app = {"scp": "Exchange.Manage"}, {"roles": ["Exchange.ManageAsApp"]}
    refused = exchange_refusals.exchange_status(make_answer(401, b""), person)
    assert refused.cause == "Exchange Online refuses the token"
    assert refused.remedy.startswith("run Get-User; ")
    for claims, whom in ((person, "user"), (app, "app")):
        failure = exchange_refusals.exchange_status(make_answer(403, b"\0\0"), claims)
        assert (failure.kind, failure.code) == ("permission", "HTTP 403")
        assert failure.remedy == f"add the {whom} to a role group; its role must hold the cmdlet"


@pytest.mark.parametrize(
    ("text", "kind", "judged", "code"),
    [
        (
            "MapiExceptionMdbOffline: x (hr=0x80004005, ec=1142)",
            "mailbox",
            "mailbox",
            "MapiExceptionMdbOffline",
        ),
        ("something (ec=1142)", "mailbox", "mailbox", "MapiExceptionMdbOffline"),
        ("something ec=-2147221231", "logon", "logon", "MapiExceptionLogonFailed"),
        ("something ec=0x80070005", "logon", "logon", "MapiExceptionNoAccess"),
        ("ec=1292", "mailbox", "moving", "MapiExceptionMailboxInTransit"),
        ("The mailbox is being moved.", "mailbox", "moving", ""),
        ("MapiExceptionBrandNew: x (ec=77)", "server", "server", "MapiExceptionBrandNew"),
        ("MapiExceptionBrandNew: x (ec=1142)", "mailbox", "mailbox", "MapiExceptionBrandNew"),
        ("ec=77", "server", "server", "ec=77"),
        ("MapiExceptionNew: x (ec=1245)", "mailbox", "mailbox", "MapiExceptionNew"),
        ("Microsoft.Exchange.Data.X.ADTransientException: No DC.", "server", "server", ""),
        ("Microsoft.Exchange.Data.OverBudgetException: x", "throttled", "throttled", ""),
        ("no idea", "server", "server", ""),
    ],
)
def test_mapi_error(text, kind, judged, code):
    failure = exchange_refusals.mapi_error(text)
    assert (failure.kind, failure.state_key, failure.code) == (kind, judged, code)


def test_every_ec_number_leads_to_a_row():
    assert set(EC.values()) <= set(MAPI)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 40, None),
        ("Sun, 22 Nov 2026 12:00:10 GMT", 10.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", None),
        ("Sun, 99 Nov 99999 12:00:10 GMT", None),
    ],
)
def test_retry_after(value, seconds):
    answer = make_answer(503, Retry_After=value, Date="Sun, 22 Nov 2026 12:00:00 GMT")
    assert headers.retry_after(answer) == seconds


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_the_admin_api_tells_of_its_limit(remaining, reset):
    assert exchange_refusals.throttling(make_answer()) is None
    said = exchange_refusals.throttling(
        make_answer(
            429, Rate_Limit_Limit="3000", Rate_Limit_Remaining=remaining, Rate_Limit_Reset=reset
        )
    )
    assert said.startswith("limit 3000") and len(said) < 200
    assert ("remaining" in said) or not remaining


def test_seconds_in_a_throttling_text():
    assert (
        http_refusals.throttled(
            make_answer(429, b"Try again in 17 seconds."), "Exchange"
        ).retry_after
        == 17.0
    )
    assert http_refusals.throttled(make_answer(429, b"Busy"), "Exchange").retry_after == 1.0


TEXT = st.text(max_size=60)


CLAIMS = st.dictionaries(
    st.sampled_from(["roles", "scp", "tid"]), st.none() | TEXT | st.integers() | st.lists(TEXT)
)


@given(st.integers(300, 599), st.binary(max_size=200), TEXT, TEXT, TEXT, CLAIMS)
def test_any_refusal_of_exchange(status, body, kind, retry, exception, claims):
    answer = make_answer(
        status, body, Content_Type=kind, Retry_After=retry, X_ExceptionType=exception
    )
    failure = exchange_refusals.exchange_status(answer, claims)
    assert failure.kind in KINDS
    assert failure.cause
    entra.status(answer)


KINDS_OF_MAILBOXES = ("logon", "mailbox", "server", "throttled")


def test_a_number_that_no_exception_of_the_cmdlet_has_is_told_by_the_table_of_mapi():
    full = exchange_refusals.mapi_error("MapiExceptionNew: x (hr=0x80004005, ec=1245)")
    assert full.cause == "mailbox is over the quota that shuts it off"
    many = exchange_refusals.mapi_error("MapiExceptionNew: x (ec=1246)")
    assert (many.kind, many.cause) == ("server", "session holds too many open objects")
    assert many.remedy == "run the check with -v; it shows the whole error text"


@given(TEXT)
def test_any_mapi_error(text):
    assert exchange_refusals.mapi_error(text).kind in KINDS_OF_MAILBOXES


def test_causes_hold_nothing_that_the_sanitizer_would_change():
    for _, cause, remedy, *_ in [*ENTRA.values(), *EXCHANGE.values(), *MAPI.values()]:
        assert not re.search(r"[|<>\n]", cause + remedy)
